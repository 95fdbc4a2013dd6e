//! `GET /poll`: the one held request of a browser. Its future may be dropped at any point.

use super::{ApiError, answer, settle, who, with};
use crate::session::{Hub, PollQuery, Polled};
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderName, HeaderValue, StatusCode, header};
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("poll")
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(query())
        .then(|hub: Arc<Hub>, headers, query: Result<PollQuery, ApiError>| async move {
            let poll = async {
                let session = who(&hub, &headers)?;
                drop(headers); // nothing of the request is needed while the poll is held
                Ok::<_, ApiError>(respond(hub.poll(&session, &query?).await?))
            };
            settle(poll.await)
        })
        .boxed()
}

/// The answer with the headers that keep caches and proxies from holding or changing it.
fn respond(Polled(body): Polled) -> Response {
    let mut response = answer::raw_json(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The query, with an error that names the parameter at fault.
fn query() -> impl Filter<Extract = (Result<PollQuery, ApiError>,), Error = std::convert::Infallible> + Clone {
    super::session::parameters().map(|given: Vec<(String, String)>| {
        let find = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let needed = |name: &str| {
            find(name).ok_or_else(|| ApiError::bad_request("missing_field", format!("The parameter `{name}` is missing.")).at(name))
        };
        let number = |name: &str, text: String| {
            text.parse::<u64>().map_err(|_| ApiError::bad_request("bad_field", format!("`{name}` is a whole number.")).at(name))
        };
        Ok(PollQuery {
            client: needed("client")?,
            epoch: needed("epoch")?,
            after: number("after", needed("after")?)?,
            n: find("n").map(|text| number("n", text)).transpose()?,
        })
    })
}
