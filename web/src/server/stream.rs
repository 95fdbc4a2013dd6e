//! A connection's bytes with deadlines: for a request's head, for idling, for taking an answer; it does not know HTTP beyond those phases.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep};

/// What a connection is doing; told by the stream (first byte) and the service (request taken, answer done).
#[derive(Debug, Clone)]
pub(super) struct Phase(Arc<AtomicU8>);

/// Nothing came since connecting, or the first bytes of a head came.
const HEAD: u8 = 0;
/// An answer is done and no further request has begun.
const IDLE: u8 = 1;
/// A request is being answered.
const BUSY: u8 = 2;

impl Phase {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }
    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }
    /// A request was taken on this connection at some time; before that, closing loses nothing that was promised.
    pub(super) fn has_begun(&self) -> bool {
        self.get() != HEAD
    }
}

/// Either kind of socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! either {
    ($self:expr, $socket:ident => $call:expr) => {
        match $self {
            Socket::Tcp($socket) => $call,
            Socket::Unix($socket) => $call,
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), s => Pin::new(s).poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        either!(self.get_mut(), s => Pin::new(s).poll_write(cx, buf))
    }
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        either!(self.get_mut(), s => Pin::new(s).poll_write_vectored(cx, bufs))
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), s => Pin::new(s).poll_flush(cx))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), s => Pin::new(s).poll_shutdown(cx))
    }
}

/// The deadlines; `None` is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) head: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) write: Option<Duration>,
}

/// A timer that exists only while something is awaited, so that a parked poll carries none.
#[derive(Debug, Default)]
struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    phase: u8,
}

impl Alarm {
    fn stop(&mut self) {
        self.sleep = None;
    }

    /// True when `limit` has passed since the alarm was first polled in this `phase`.
    fn rings(&mut self, cx: &mut Context<'_>, limit: Option<Duration>, phase: u8) -> bool {
        let Some(limit) = limit else { return false };
        if self.sleep.is_none() || self.phase != phase {
            self.phase = phase;
            self.sleep = Some(Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        }
        self.sleep.as_mut().is_some_and(|s| s.as_mut().poll(cx).is_ready())
    }
}

/// A socket that fails with `TimedOut` when its peer dawdles.
#[derive(Debug)]
pub(super) struct Guarded {
    socket: Socket,
    phase: Phase,
    deadlines: Deadlines,
    reading: Alarm,
    writing: Alarm,
}

impl Guarded {
    pub(super) fn new(socket: Socket, phase: Phase, deadlines: Deadlines) -> Self {
        Self { socket, phase, deadlines, reading: Alarm::default(), writing: Alarm::default() }
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, result: Poll<Result<T>>) -> Poll<Result<T>> {
        match result {
            Poll::Ready(result) => {
                self.writing.stop();
                Poll::Ready(result)
            }
            Poll::Pending if self.writing.rings(cx, self.deadlines.write, BUSY) => {
                Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer does not take its answer")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buf) {
            Poll::Ready(result) => {
                // Bytes that come while a request is answered belong to its body, or to a next one whose time starts later.
                if buf.filled().len() > before && this.phase.get() == IDLE {
                    this.phase.0.store(HEAD, Ordering::Relaxed);
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let (limit, phase) = match this.phase.get() {
                    HEAD => (this.deadlines.head, HEAD),
                    IDLE => (this.deadlines.idle, IDLE),
                    _ => {
                        this.reading.stop();
                        return Poll::Pending;
                    }
                };
                if this.reading.rings(cx, limit, phase) {
                    return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "no request came in time")));
                }
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.written(cx, result)
    }
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.written(cx, result)
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
