//! Warp's rejections as answers of ours: the one place that knows both; it decides nothing else.

use super::ApiError;
use std::convert::Infallible;
use warp::http::StatusCode;
use warp::reply::Response;

/// What may be done with the paths of the interface, for the `Allow` header that goes with a 405 (RFC 9110, 15.5.6).
pub(crate) fn allowed(path: &str) -> &'static str {
    match path {
        "/login" | "/register" | "/logout" | "/attach" | "/detach" | "/commands" | "/uploads" => "POST",
        _ => "GET",
    }
}

/// An error as a rejection, for filters that refuse.
#[derive(Debug)]
pub struct Refusal(pub ApiError);

impl warp::reject::Reject for Refusal {}

/// 405 `method_not_allowed`.
pub(super) fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "That cannot be done with this address.")
}

/// Turns what no route took, or a filter refused, into an answer of ours.
pub async fn refused(rejection: warp::Rejection) -> Result<Response, Infallible> {
    let error = if let Some(error) = rejection.find::<Refusal>() {
        error.0.clone()
    } else if rejection.is_not_found() {
        ApiError::not_found()
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        method_not_allowed()
    } else if rejection.find::<warp::reject::InvalidQuery>().is_some() {
        ApiError::bad_request("bad_query", "The query of the address cannot be read.")
    } else if rejection.find::<warp::reject::PayloadTooLarge>().is_some() {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "That is too large.")
    } else if let Some(header) = rejection.find::<warp::reject::MissingHeader>() {
        ApiError::bad_request("missing_header", format!("The header {} is missing.", header.name())).at(header.name())
    } else if let Some(header) = rejection.find::<warp::reject::InvalidHeader>() {
        ApiError::bad_request("bad_header", format!("The header {} cannot be read.", header.name())).at(header.name())
    } else {
        crate::pace::paced!(error, "a rejection without a name: {rejection:?}");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on the server.")
    };
    Ok(error.response())
}
