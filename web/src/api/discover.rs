//! `GET /discover`: rooms where something is talked about, as far as they are known; asks no network itself.

use super::{ApiError, answer, settle, who, with};
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("discover")
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(super::session::parameters())
        .then(
            |hub: Arc<Hub>, headers, parameters: Vec<(String, String)>| async move { settle(discover(&hub, &headers, &parameters).await) },
        )
        .boxed()
}

async fn discover(hub: &Arc<Hub>, headers: &HeaderMap, parameters: &[(String, String)]) -> Result<Response, ApiError> {
    let session = who(hub, headers).await?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let found = hub.discover(&session, find("q").unwrap_or_default(), find("account"))?;
    Ok(answer::json(StatusCode::OK, &found))
}
