//! `POST /commands`: says what was taken; outcomes come as events.

use super::{ApiError, answer, settle, who, with};
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// Largest body.
const BODY_BYTES: usize = 256 << 10;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("commands")
        .and(warp::post())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|hub: Arc<Hub>, headers: HeaderMap, body| async move {
            let commands = async {
                let session = who(&hub, &headers).await?;
                if !answer::is_json(&headers) {
                    return Err(answer::not_json());
                }
                let body = answer::read(&headers, body, BODY_BYTES).await?;
                // From here to the answer nothing waits, so a connection that breaks off breaks nothing off.
                let (status, commanded) = hub.perform(&session, &body)?;
                let mut response = answer::json(status, &commanded);
                let retry = commanded.error.and_then(|error| error.retry_ms).filter(|_| status != StatusCode::ACCEPTED);
                if let Some(ms) = retry {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
                }
                Ok::<_, ApiError>(response)
            };
            settle(commands.await)
        })
        .boxed()
}
