//! An answer that is not there yet, as a route tells the server of it. The server holds it with nothing but the socket beside it. Where that
//! cannot be (answers before it are not written yet, or the request has a body), it is a head at once and a body later. It decides nothing.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Collected};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use warp::Reply;
use warp::reply::Response;

/// The answer to come.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers the same request with another query, given without its `?`. `None`: that has to go the way of any other request.
pub(crate) type Again = Box<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// An answer to come, and what answers its request when it comes again.
type Coming = (Answer, Option<Again>);

/// In the extensions of the response that stands for the answer to come.
#[derive(Clone)]
pub(super) struct Later(Arc<Mutex<Option<Coming>>>);

impl Later {
    /// Everything, for the first who asks.
    pub(super) fn take(&self) -> Option<Coming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A response that stands for `answer`. `dress` gives a response the headers that both will have.
pub(crate) fn later(
    dress: fn(Response) -> Response,
    answer: impl Future<Output = Response> + Send + 'static,
    again: Option<Again>,
) -> Response {
    let answer: Answer = Box::pin(async move { dress(answer.await) });
    let later = Later(Arc::new(Mutex::new(Some((answer, again)))));
    let waiting = later.clone();
    let body = stream::once(Alone(Mutex::new(Box::pin(async move {
        let Some((answer, _)) = waiting.take() else { return Ok(Bytes::new()) };
        answer.await.into_body().collect().await.map(Collected::to_bytes)
    }))));
    let mut response = dress(warp::reply::stream(body).into_response());
    response.extensions_mut().insert(later);
    response
}

/// A future that is only reached by who holds it alone, so that others may hold it too: warp's bodies have to allow that.
struct Alone<T>(Mutex<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T> Future for Alone<T> {
    type Output = T;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx)
    }
}
