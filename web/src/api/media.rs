//! `GET /media/{hash}`: icons and pictures that this user was shown; for everybody else they do not exist.

use super::{ApiError, settle, who, with};
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, header};
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("media" / String)
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .then(|hash: String, hub: Arc<Hub>, headers| async move { settle(media(&hub, &headers, &hash).await) })
        .boxed()
}

async fn media(hub: &Arc<Hub>, headers: &HeaderMap, hash: &str) -> Result<Response, ApiError> {
    let session = who(hub, headers).await?;
    let blob = hub.picture(&session, hash).await.ok_or_else(ApiError::not_found)?;
    let mut response = Response::new(blob.bytes.clone().into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(blob.kind.unwrap_or("application/octet-stream")));
    if blob.kind.is_none() {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    Ok(response)
}
