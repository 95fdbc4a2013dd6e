//! `POST /uploads`: bytes to be named in a command (an icon); bounded, kept in memory, for this user only.

use super::{ApiError, answer, settle, who, with};
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("uploads")
        .and(warp::post())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|hub: Arc<Hub>, headers: HeaderMap, body| async move {
            let upload = async {
                let session = who(&hub, &headers)?;
                // By its length, when it says one: what is refused was not read.
                let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
                hub.admit(&session, announced.unwrap_or(usize::MAX).min(hub.upload_bytes()))?;
                let bytes = answer::read(&headers, body, hub.upload_bytes()).await?;
                Ok::<_, ApiError>(answer::json(StatusCode::CREATED, &hub.upload(&session, bytes)?))
            };
            settle(upload.await)
        })
        .boxed()
}
