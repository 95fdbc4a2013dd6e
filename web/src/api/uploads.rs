//! `POST /uploads`: bytes to be named in a command (an icon); bounded, also in how many are on their way, kept in memory, for this user only.

use super::{ApiError, answer, settle, who, with};
use crate::server::Seats;
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let under_way = Seats::new(0, hub.config.uploads_per_user);
    warp::path!("uploads")
        .and(warp::post())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |hub: Arc<Hub>, headers: HeaderMap, body| {
            let under_way = Arc::clone(&under_way);
            async move {
                let upload = async {
                    let session = who(&hub, &headers).await?;
                    let _seat = under_way.take(Some(session.id())).map_err(|_| {
                        let message = "Too many of your uploads are on their way. Please wait for them to end.";
                        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).at("uploads_per_user").retry_in(2_000)
                    })?;
                    // By its length, when it says one: what is refused was not read.
                    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
                    hub.admit(&session, announced.unwrap_or(usize::MAX).min(hub.upload_bytes()))?;
                    let bytes = answer::read(&headers, body, hub.upload_bytes()).await?;
                    Ok::<_, ApiError>(answer::json(StatusCode::CREATED, &hub.upload(&session, bytes)?))
                };
                settle(upload.await)
            }
        })
        .boxed()
}
