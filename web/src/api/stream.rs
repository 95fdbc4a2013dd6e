//! `GET /stream`: the events as server-sent events, and `GET /probe`, which shows whether what stands between lets them through as they come.

use super::poll::{parameter_query, with_headers};
use super::{ApiError, who, with};
use crate::server::{Head, Parts, flow};
use crate::session::{Following, Hub, PollQuery};
use bytes::Bytes;
use futures_util::stream::unfold;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, header};
use warp::reply::Response;

/// What stands above a stream.
static HEAD: LazyLock<Head> = LazyLock::new(|| Head::new(dress));

/// When the lines of a probe are sent, in milliseconds after its start.
const PROBE: [u64; 3] = [0, 300, 2000];

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let stream =
        warp::path!("stream").and(warp::get()).and(with(hub)).and(warp::header::headers_cloned()).and(super::session::parameters()).then(
            |hub: Arc<Hub>, headers: HeaderMap, given| async move {
                let followed = who(&hub, &headers).await.and_then(|session| hub.follow(session, query(&headers, given)?));
                super::settle(followed.map(|following| flow(dress, &HEAD, parts(following))))
            },
        );
    let probe = warp::path!("probe").and(warp::get()).and(with(hub)).and(warp::header::headers_cloned()).then(
        |hub: Arc<Hub>, headers: HeaderMap| async move {
            super::settle(
                who(&hub, &headers).await.and_then(|session| hub.admit(&session, 0)).map(|()| flow(dress, &HEAD, Box::pin(lines()))),
            )
        },
    );
    stream.or(probe).unify().boxed()
}

fn parts(following: Following) -> Parts {
    Box::pin(unfold(following, |mut following| async move { following.next().await.map(|part| (part, following)) }))
}

/// Comments, as a stream has them too: for what stands between, a probe is a stream.
fn lines() -> impl futures_util::Stream<Item = Bytes> {
    unfold((PROBE.into_iter(), 0), |(mut due, before)| async move {
        let next = due.next()?;
        tokio::time::sleep(Duration::from_millis(next - before)).await;
        Some((Bytes::from(format!(": {next}\n")), (due, next)))
    })
}

/// The query. `Last-Event-ID: epoch:seq`, which an `EventSource` sends when it comes again, is newer than what its address says.
fn query(headers: &HeaderMap, mut given: Vec<(String, String)>) -> Result<PollQuery, ApiError> {
    if let Some(last) = headers.get("last-event-id") {
        let (epoch, after) = last.to_str().ok().and_then(|last| last.rsplit_once(':')).ok_or_else(|| {
            ApiError::bad_request("bad_header", "The header Last-Event-ID is `epoch:seq`, as on the stream.").at("last-event-id")
        })?;
        given.retain(|(name, _)| name != "epoch" && name != "after");
        given.extend([("epoch".to_owned(), epoch.to_owned()), ("after".to_owned(), after.to_owned())]);
    }
    parameter_query(&given)
}

/// The answer with the headers of a stream, which caches and proxies neither hold nor change.
fn dress(response: Response) -> Response {
    let mut response = with_headers(response);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}
