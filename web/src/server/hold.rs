//! A connection whose answer or whose next request is to come, with nothing of a request and nothing of hyper beside the socket. After the
//! answer it takes the next request, when that is the same with another query; every other one is left to hyper.

use super::later::{Again, Answer, Told};
use super::repeat::{self, Template};
use super::respond::{Kind, Site, protect};
use super::stream::{Guarded, Held};
use super::{Address, Ending, write};
use hyper::StatusCode;
use std::future::poll_fn;
use std::io::{Error, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;

/// A request that is answered without hyper when it comes again.
type Known<'a> = Option<(&'a Template, &'a Again)>;

/// What comes after an answer.
enum Next {
    /// The same request with another query.
    Repeated(Answer),
    /// Anything else; it is there to be read again.
    Other,
    /// Nothing.
    Over,
}

/// Waits for the answer, writes it, and does the same for each repetition of its request. False when the connection is over, true when
/// something else is there to be read.
pub(super) async fn hold(
    site: &Site,
    stream: &mut Guarded,
    // Boxed, as it is kept beside everything that is waited for.
    mut held: Box<Held>,
    address: Address,
    ending: &mut watch::Receiver<Ending>,
) -> bool {
    held.template = stream.learnt();
    if held.template.is_none() {
        held.again = None;
    }
    loop {
        stream.calm();
        let Some(told) = come(stream, &mut held.answer, ending).await else { return false };
        // What it was made of is not kept while nothing is asked for.
        held.answer = Box::pin(std::future::pending());
        // When everything ends, nothing comes after it.
        let keep = held.keep && *ending.borrow() == Ending::No;
        if let Err(error) = tell(site, stream, held.kind, told, keep).await {
            log::debug!("connection from {address}: {error}");
            return false;
        }
        if !keep {
            return false;
        }
        stream.rest();
        let known = held.template.as_ref().zip(held.again.as_ref());
        match next(stream, Some(known), address, ending).await {
            Next::Repeated(answer) => {
                site.stats.requests.add(1);
                site.stats.requests_repeated.add(1);
                held.answer = answer;
            }
            Next::Other => return true,
            Next::Over => return false,
        }
    }
}

/// Waits for a request. False when the connection is over, true when something is there to be read.
pub(super) async fn idle(stream: &mut Guarded, address: Address, ending: &mut watch::Receiver<Ending>) -> bool {
    matches!(next(stream, None, address, ending).await, Next::Other)
}

/// Counts an answer and writes it in one go.
async fn tell(site: &Site, stream: &mut Guarded, kind: Kind, told: Told, keep: bool) -> Result<()> {
    let all = match told {
        Told::Usual(head, body) => {
            site.stats.answered(StatusCode::OK);
            write::usual(head.lines(), &body, keep)
        }
        // Boxed, so that what is seldom needed has no place in everybody's connection.
        Told::Other(mut response) => {
            site.stats.answered(response.status());
            protect(&mut response, kind);
            Box::pin(write::other(response, keep)).await.map_err(Error::other)?
        }
    };
    stream.write_all(&all).await?;
    if keep { stream.flush().await } else { stream.shutdown().await }
}

/// The answer once it has come; `None` when it is waited for no longer.
async fn come(stream: &mut Guarded, answer: &mut Answer, ending: &mut watch::Receiver<Ending>) -> Option<Told> {
    loop {
        tokio::select! {
            biased;
            told = &mut *answer => return Some(told),
            () = stream.left() => return None,
            changed = ending.changed() => {
                // What is held while everything ends is answered by whoever ends it.
                if changed.is_err() || *ending.borrow_and_update() == Ending::Now {
                    return None;
                }
            }
        }
    }
}

/// Waits for what the peer sends next, as long as it may; `after` an answer that was held, it may be known.
async fn next(stream: &mut Guarded, after: Option<Known<'_>>, address: Address, ending: &mut watch::Receiver<Ending>) -> Next {
    if !stream.is_read() {
        return Next::Other;
    }
    loop {
        tokio::select! {
            biased;
            next = poll_fn(|cx| poll_next(stream, after, cx)) => return next.unwrap_or_else(|error| {
                log::debug!("connection from {address}: {error}");
                Next::Over
            }),
            changed = ending.changed() => {
                if changed.is_err() || *ending.borrow_and_update() != Ending::No {
                    return Next::Over;
                }
            }
        }
    }
}

fn poll_next(stream: &mut Guarded, after: Option<Known<'_>>, cx: &mut Context<'_>) -> Poll<Result<Next>> {
    // On the stack, so that nothing is kept for who sends nothing.
    let mut room = [const { MaybeUninit::uninit() }; repeat::LONGEST];
    let mut read = ReadBuf::uninit(&mut room);
    ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
    let bytes = read.filled();
    if bytes.is_empty() {
        return Poll::Ready(Ok(Next::Over));
    }
    let Some(known) = after else {
        stream.unread(bytes);
        return Poll::Ready(Ok(Next::Other));
    };
    Poll::Ready(Ok(match known.and_then(|(template, again)| again(template.query(bytes)?)) {
        Some(answer) => Next::Repeated(answer),
        None => {
            stream.unread_request(bytes);
            Next::Other
        }
    }))
}
