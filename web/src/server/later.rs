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
pub(crate) type Answer = Pin<Box<dyn Future<Output = Told> + Send>>;

/// Answers the same request with another query, given without its `?`. `None`: that has to go the way of any other request.
pub(crate) type Again = Box<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// What an answer has come to.
pub(crate) enum Told {
    /// 200 with a body below headers that are the same each time.
    Usual(&'static Head, Bytes),
    /// Any other; boxed, since it is large and seldom.
    Other(Box<Response>),
}

/// The header lines of a 200 of the interface, written once; those of its length, its time and its connection are not among them.
pub(crate) struct Head(Box<[u8]>);

impl Head {
    /// Of an answer with the headers that `dress` gives it.
    pub(crate) fn new(dress: fn(Response) -> Response) -> Self {
        let mut response = dress(Response::new(Bytes::new().into()));
        super::respond::protect(&mut response, super::respond::Kind::Interface(""));
        Self(super::write::lines(response.headers()).into())
    }

    pub(super) fn lines(&self) -> &[u8] {
        &self.0
    }
}

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

/// A response that stands for `answer`. `dress` gives it the headers that go out at once where the answer cannot be held.
pub(crate) fn later(dress: fn(Response) -> Response, answer: Answer, again: Option<Again>) -> Response {
    let later = Later(Arc::new(Mutex::new(Some((answer, again)))));
    let waiting = later.clone();
    let body = stream::once(Alone(Mutex::new(Box::pin(async move {
        let Some((answer, _)) = waiting.take() else { return Ok(Bytes::new()) };
        match answer.await {
            Told::Usual(_, body) => Ok(body),
            Told::Other(response) => response.into_body().collect().await.map(Collected::to_bytes),
        }
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
