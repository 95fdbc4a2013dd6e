//! Answers and bodies: JSON out with the headers that keep it private, bounded JSON and bytes in; decides nothing.

use super::ApiError;
use crate::server::TooSlow;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// A JSON answer that no cache keeps.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => raw_json(status, bytes.into()),
        Err(error) => {
            crate::pace::paced!(error, "an answer could not be written: {error}");
            let mut response = Response::new(Bytes::new().into());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// An answer whose JSON is written already.
pub fn raw_json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 204.
pub fn nothing() -> Response {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 `too_large` as soon as it is known, 400 `bad_body` when the body breaks off.
pub async fn read<S, B>(headers: &HeaderMap, body: S, limit: usize) -> Result<Bytes, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let too_large =
        || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("That is too large: at most {limit} bytes are taken."));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    futures_util::pin_mut!(body);
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|error| broken(&error))?;
        if bytes.len() + chunk.remaining() > limit {
            return Err(too_large());
        }
        while chunk.has_remaining() {
            let piece = chunk.chunk();
            let length = piece.len();
            bytes.extend_from_slice(piece);
            chunk.advance(length);
        }
    }
    Ok(bytes.freeze())
}

/// Why a body has no end.
pub(super) fn broken(error: &warp::Error) -> ApiError {
    if std::error::Error::source(error).is_some_and(|source| source.is::<TooSlow>()) {
        return ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "The upload came too slowly, and was given up.");
    }
    ApiError::bad_request("bad_body", "The request broke off.")
}

/// True for `application/json` with or without parameters.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// 415 `not_json`.
pub fn not_json() -> ApiError {
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The body has to be JSON, with `Content-Type: application/json`.")
}

/// Reads a JSON object of at most `limit` bytes into a type, naming the field at fault.
///
/// # Errors
/// 415 `not_json`, 413 `too_large`, 400 `bad_json`, `missing_field` or `bad_field`.
pub async fn read_json<T, S, B>(headers: &HeaderMap, body: S, limit: usize) -> Result<T, ApiError>
where
    T: DeserializeOwned,
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    if !is_json(headers) {
        return Err(not_json());
    }
    parse(&read(headers, body, limit).await?)
}

/// Reads a JSON object into a type, naming the field at fault.
///
/// # Errors
/// 400 `bad_json`, `missing_field` or `bad_field`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let Value::Object(object) =
        serde_json::from_slice(bytes).map_err(|error| ApiError::bad_request("bad_json", format!("The body is not JSON: {error}.")))?
    else {
        return Err(ApiError::bad_request("bad_json", "The body has to be a JSON object."));
    };
    crate::wire::read_fields(object).map_err(|error| ApiError::with_status(StatusCode::BAD_REQUEST, error))
}
