//! An answer that is written part by part as it comes, each in one piece, with nothing but the socket beside it. Where that cannot be
//! (answers before it are not written yet, the request has a body, or the peer knows no chunks), hyper writes it. It decides nothing.

use super::later::Head;
use super::respond::Site;
use super::stream::Guarded;
use super::{Address, Ending, write};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper::StatusCode;
use std::io::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use warp::Reply;
use warp::reply::Response;

/// The parts to come; none is empty.
pub(crate) type Parts = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// How long the kernel tries to hand written bytes to a peer that no longer takes notice (RFC 5482): whoever vanished is known to be gone
/// about as soon as with polls.
const UNHEARD: Duration = Duration::from_secs(35);

/// What is to be written.
pub(super) struct Flowing {
    pub(super) head: &'static Head,
    pub(super) parts: Parts,
    /// The connection goes on after it.
    pub(super) keep: bool,
}

/// In the extensions of the response that stands for the parts to come.
#[derive(Clone)]
pub(super) struct Flow(Arc<Mutex<Option<Parts>>>, &'static Head);

impl Flow {
    /// Everything, for the first who asks.
    pub(super) fn take(&self, keep: bool) -> Option<Flowing> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Flowing { head: self.1, parts, keep })
    }
}

/// A response that stands for `parts`. `head` is what `dress` gives, written.
pub(crate) fn flow(dress: fn(Response) -> Response, head: &'static Head, parts: Parts) -> Response {
    let flow = Flow(Arc::new(Mutex::new(Some(parts))), head);
    let mut response = dress(warp::reply::stream(Told(flow.clone()).map(Ok::<_, std::io::Error>)).into_response());
    response.extensions_mut().insert(flow);
    response
}

/// The parts for hyper, unless they were taken.
struct Told(Flow);

impl Stream for Told {
    type Item = Bytes;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.0.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(parts) => parts.poll_next_unpin(cx),
            None => Poll::Ready(None),
        }
    }
}

/// Writes all parts. False when the connection is over.
pub(super) async fn write(
    site: &Site,
    stream: &mut Guarded,
    // Boxed, as it is kept beside everything that is waited for.
    mut flowing: Box<Flowing>,
    address: Address,
    ending: &mut watch::Receiver<Ending>,
) -> bool {
    stream.calm();
    stream.unheard(Some(UNHEARD));
    site.stats.answered(StatusCode::OK);
    let whole = write_parts(stream, &mut flowing, ending).await;
    match whole {
        Ok(true) if flowing.keep && *ending.borrow() == Ending::No => {
            stream.unheard(None);
            stream.rest();
            true
        }
        Ok(_) => false,
        Err(error) => {
            log::debug!("connection from {address}: {error}");
            false
        }
    }
}

/// False when the peer has left, or everything ends.
async fn write_parts(stream: &mut Guarded, flowing: &mut Flowing, ending: &mut watch::Receiver<Ending>) -> Result<bool> {
    let mut bytes = write::begun(flowing.head.lines(), flowing.keep);
    loop {
        let part = tokio::select! {
            biased;
            part = flowing.parts.next() => part,
            () = stream.left() => return Ok(false),
            changed = ending.changed() => {
                // What flows while everything ends is ended by whoever ends it.
                if changed.is_err() || *ending.borrow_and_update() == Ending::Now {
                    return Ok(false);
                }
                continue;
            }
        };
        write::chunk(&mut bytes, part.as_deref().unwrap_or_default());
        let is_last = part.is_none();
        // A reader may be slow, and one copy of it is enough.
        drop(part);
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        if is_last {
            // When everything ends, nothing comes after it, whatever the head said.
            if !flowing.keep || *ending.borrow() != Ending::No {
                stream.shutdown().await?;
            }
            return Ok(true);
        }
        // Nothing is kept while nothing comes.
        bytes = Vec::new();
    }
}
