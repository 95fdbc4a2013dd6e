//! Hands hyper one request at a time, and only what `head` and `chunks` have checked: a whole head, then the bytes of its body. Parses no
//! header for a route.

use super::chunks::Chunks;
use super::head::{self, Fault, Framing, Search};
use super::respond::Site;
use super::stream::{Guarded, Left, Phase};
use super::write;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use zeroize::Zeroize as _;

/// Bytes that are read at once.
const PIECE: usize = 4096;
/// How long, and for how many bytes, somebody is listened to who was refused: closing at once would take the answer away again.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 256 * 1024;

/// Which part of a request comes next.
#[derive(Debug)]
pub(super) enum Part {
    Head(Search),
    Length(u64),
    Chunks(Chunks),
    /// Nothing that could be understood.
    Nothing,
}

impl Part {
    pub(super) fn head() -> Self {
        Self::Head(Search::default())
    }

    /// How many of the next `bytes` may be handed on. After a request follows the next.
    pub(super) fn take(&mut self, bytes: &[u8]) -> std::result::Result<usize, Fault> {
        match self {
            Self::Head(search) => {
                let Some(length) = search.end(bytes)? else { return Ok(0) };
                *self = match head::check(bytes.get(..length).unwrap_or_default())? {
                    Framing::Length(0) => Self::head(),
                    Framing::Length(length) => Self::Length(length),
                    Framing::Chunked => Self::Chunks(Chunks::new()),
                };
                Ok(length)
            }
            Self::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::head();
                }
                Ok(here)
            }
            Self::Chunks(chunks) => {
                let here = chunks.take(bytes)?;
                if chunks.is_over() {
                    *self = Self::head();
                }
                Ok(here)
            }
            Self::Nothing => Ok(0),
        }
    }
}

/// A connection as hyper sees it.
#[derive(Debug)]
pub(super) struct Framed {
    stream: Box<Guarded>,
    phase: Phase,
    part: Part,
    /// Read, and not handed on yet; the first `ready` of them may be.
    kept: Vec<u8>,
    ready: usize,
}

impl Framed {
    pub(super) fn new(stream: Box<Guarded>, phase: Phase) -> Self {
        Self { stream, phase, part: Part::head(), kept: Vec::new(), ready: 0 }
    }

    /// The connection, with what was read too far given back to it.
    pub(super) fn into_stream(mut self) -> Box<Guarded> {
        self.stream.unread(&self.kept);
        self.stream
    }

    fn refuse(&mut self, fault: Fault) -> Poll<Result<()>> {
        self.part = Part::Nothing;
        self.kept = Vec::new();
        if self.phase.is_answering() {
            return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, "a body that is not framed as it should be")));
        }
        // Whoever runs the connection answers.
        self.phase.leave(Left::Refused(fault));
        Poll::Pending
    }
}

impl AsyncRead for Framed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.ready > 0 {
                let here = this.ready.min(buf.remaining());
                buf.put_slice(this.kept.get(..here).unwrap_or_default());
                this.kept.drain(..here);
                this.ready -= here;
                if this.kept.is_empty() {
                    this.kept = Vec::new();
                }
                return Poll::Ready(Ok(()));
            }
            match this.part.take(&this.kept) {
                Ok(0) => {}
                Ok(ready) => {
                    this.ready = ready;
                    continue;
                }
                Err(fault) => return this.refuse(fault),
            }
            if matches!(this.part, Part::Nothing) {
                return Poll::Pending;
            }
            let mut room = [const { MaybeUninit::uninit() }; PIECE];
            let mut read = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut *this.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.kept.extend_from_slice(read.filled());
            // The stack would keep it: a password may be in it.
            read.filled_mut().zeroize();
        }
    }
}

impl AsyncWrite for Framed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut *self.get_mut().stream).poll_write(cx, buf)
    }
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        Pin::new(&mut *self.get_mut().stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.get_mut().stream).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Answers what could not be understood. The connection is over after it: nobody knows where another request would begin.
///
/// # Errors
/// As the socket says.
pub(super) async fn refuse(site: &Site, stream: &mut Guarded, fault: Fault) -> Result<()> {
    stream.calm();
    site.stats.requests.add(1);
    site.stats.requests_malformed.add(1);
    let error = fault.error();
    site.stats.answered(error.status);
    let mut response = error.response();
    super::respond::protect(&mut response, super::respond::Kind::Interface(""));
    let all = write::other(Box::new(response), false).await.map_err(Error::other)?;
    stream.write_all(&all).await?;
    stream.shutdown().await?;
    let rest = async { tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await };
    let _ = tokio::time::timeout(LINGER, rest).await;
    Ok(())
}
