//! A connection's bytes with deadlines: for a request's head, for idling, for taking an answer; it does not know HTTP beyond those phases.

use super::flow::Flowing;
use super::head::Fault;
use super::later::{Again, Answer};
use super::repeat::Template;
use super::respond::Kind;
use bytes::{Bytes, BytesMut};
use std::future::poll_fn;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use zeroize::Zeroize as _;

/// What a connection is doing; told by the stream (first byte, all written) and the service (request taken, answer done, answer to come).
#[derive(Debug, Clone)]
pub(super) struct Phase(Arc<Told>);

#[derive(Default)]
struct Told {
    now: AtomicU8,
    /// Some of an answer may not have reached the socket yet.
    unwritten: AtomicBool,
    /// An answer is on its way to the socket.
    answering: AtomicBool,
    /// Nothing of the last request is left to be read, and the connection goes on after its answer.
    clean: AtomicBool,
    left: Mutex<Option<Left>>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("now", &self.now).field("unwritten", &self.unwritten).finish_non_exhaustive()
    }
}

/// What the service leaves to whoever runs the connection.
pub(super) enum Left {
    Held(Box<Held>),
    Flowing(Box<Flowing>),
    /// Nothing: the wait for the next request.
    Idle,
    /// A request that cannot be understood, to be told so.
    Refused(Fault),
}

/// An answer that is to come, taken from the service that would wait for it.
pub(super) struct Held {
    pub(super) answer: Answer,
    /// What was asked for.
    pub(super) kind: Kind,
    /// The connection goes on after it.
    pub(super) keep: bool,
    /// Answers the same request with another query.
    pub(super) again: Option<Again>,
    /// What the request looked like.
    pub(super) template: Option<Template>,
}

/// Nothing came since connecting, or the first bytes of a head came.
const HEAD: u8 = 0;
/// An answer is done and no further request has begun.
const IDLE: u8 = 1;
/// A request is being answered.
const BUSY: u8 = 2;

impl Phase {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }
    fn get(&self) -> u8 {
        self.0.now.load(Ordering::Relaxed)
    }
    fn set(&self, now: u8) {
        self.0.now.store(now, Ordering::Relaxed);
    }
    pub(super) fn busy(&self) {
        self.0.clean.store(false, Ordering::Relaxed);
        self.set(BUSY);
    }
    /// The request was read to its end, and its answer is not the connection's last.
    pub(super) fn clean(&self) {
        self.0.clean.store(true, Ordering::Relaxed);
    }
    /// Nobody waits for anything here, and whatever comes next is a request of its own.
    pub(super) fn is_between_requests(&self) -> bool {
        self.is_at_rest() && self.0.clean.load(Ordering::Relaxed)
    }
    /// An answer begins.
    pub(super) fn answering(&self) {
        self.0.answering.store(true, Ordering::Relaxed);
    }
    /// An answer has begun and is not done.
    pub(super) fn is_answering(&self) -> bool {
        self.0.answering.load(Ordering::Relaxed)
    }
    /// An answer is done, though not all of it may be written.
    pub(super) fn answered(&self) {
        self.0.unwritten.store(true, Ordering::Relaxed);
        self.0.answering.store(false, Ordering::Relaxed);
        self.set(IDLE);
    }
    /// Everything is written.
    fn written(&self) {
        self.0.unwritten.store(false, Ordering::Relaxed);
    }
    /// Every answer so far has reached the socket whole.
    pub(super) fn is_written(&self) -> bool {
        !self.0.unwritten.load(Ordering::Relaxed)
    }
    /// A request was taken on this connection at some time; before that, closing loses nothing that was promised.
    pub(super) fn has_begun(&self) -> bool {
        self.get() != HEAD
    }
    /// Nobody waits for anything here.
    pub(super) fn is_at_rest(&self) -> bool {
        self.get() == IDLE && self.is_written()
    }
    /// Leaves an answer that is to come to whoever runs the connection.
    pub(super) fn leave(&self, left: Left) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }
    /// What was left. A refusal waits until the answers before it are written.
    pub(super) fn left(&self) -> Option<Left> {
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*left, Some(Left::Refused(_))) && !self.is_written() {
            return None;
        }
        left.take()
    }
}

/// A socket of any kind.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

macro_rules! either {
    ($self:expr, $socket:ident => $call:expr) => {
        match $self {
            Socket::Tcp($socket) => $call,
            Socket::Unix($socket) => $call,
            Socket::Tls($socket) => $call,
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

/// Bytes of further requests that are taken in while an answer is held.
const AHEAD: usize = 4096;

/// The deadlines; `None` is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) head: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) write: Option<Duration>,
    /// Bytes a second of its answer that a peer takes at least, over the time that it may take none.
    pub(super) rate: u32,
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
    /// Read already, to be read again.
    unread: Bytes,
    /// The request that was to be read again, until anything beside it is read.
    candidate: Option<Template>,
    phase: Phase,
    deadlines: Deadlines,
    reading: Alarm,
    writing: Alarm,
    /// Bytes that were written since that alarm was set.
    taken: u128,
}

impl Guarded {
    pub(super) fn new(socket: Socket, phase: Phase, deadlines: Deadlines) -> Self {
        Self {
            socket,
            unread: Bytes::new(),
            candidate: None,
            phase,
            deadlines,
            reading: Alarm::default(),
            writing: Alarm::default(),
            taken: 0,
        }
    }

    /// Gives back what was read too far.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            // A copy: the bytes may be few in a large buffer. What was not read again yet comes after them.
            self.unread = Bytes::from([bytes, &self.unread].concat());
        }
    }

    /// Gives back what may be a request that comes again.
    pub(super) fn unread_request(&mut self, bytes: &[u8]) {
        self.unread(bytes);
        self.candidate = Template::of(bytes);
    }

    /// The request that was given back, if that and nothing beside it has been read since.
    pub(super) fn learnt(&mut self) -> Option<Template> {
        self.candidate.take().filter(|_| self.unread.is_empty())
    }

    /// Nothing is there to be read again.
    pub(super) fn is_read(&self) -> bool {
        self.unread.is_empty()
    }

    /// How long written bytes may go without the peer's notice before the connection counts as broken; `None`: as long as the system says.
    pub(super) fn unheard(&self, limit: Option<Duration>) {
        let socket = match &self.socket {
            Socket::Tcp(socket) => Some(socket),
            Socket::Tls(stream) => Some(stream.get_ref().0),
            Socket::Unix(_) => None,
        };
        if let Some(socket) = socket {
            let limit = u32::try_from(limit.unwrap_or_default().as_millis()).unwrap_or(u32::MAX);
            if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(socket, limit) {
                log::debug!("TCP_USER_TIMEOUT: {error}");
            }
        }
    }

    /// Resolves when the peer has left. What it sends before is kept for later, up to a bound.
    pub(super) async fn left(&mut self) {
        poll_fn(|cx| self.poll_left(cx)).await;
    }

    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.unread.len() < AHEAD {
            let mut bytes = [0; 512];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    // No longer the only one that was given back.
                    self.candidate = None;
                    let mut all = BytesMut::from(self.unread.as_ref());
                    all.extend_from_slice(buffer.filled());
                    buffer.filled_mut().zeroize();
                    self.unread = all.freeze();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Pending
    }

    /// The time for a next request begins.
    pub(super) fn rest(&self) {
        self.phase.set(IDLE);
    }

    /// A request is being answered: ends every alarm.
    pub(super) fn calm(&mut self) {
        self.phase.busy();
        self.reading.stop();
        self.writing.stop();
        self.taken = 0;
    }

    /// What became of writing `all` bytes. As long as the socket does not take everything at once, the peer has to take some all the time.
    fn written(&mut self, cx: &mut Context<'_>, all: usize, result: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match result {
            Poll::Ready(Ok(taken)) if taken < all => self.taken += taken as u128,
            Poll::Ready(_) => {
                self.writing.stop();
                self.taken = 0;
            }
            Poll::Pending => {
                let least = self.deadlines.write.map_or(0, |limit| limit.as_millis() * u128::from(self.deadlines.rate) / 1000).max(1);
                while self.writing.rings(cx, self.deadlines.write, BUSY) {
                    if self.taken < least {
                        return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer does not take its answer")));
                    }
                    self.writing.stop();
                    self.taken = 0;
                }
            }
        }
        result
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = if this.unread.is_empty() {
            let read = Pin::new(&mut this.socket).poll_read(cx, buf);
            if read.is_ready() {
                this.candidate = None;
            }
            read
        } else {
            let bytes = this.unread.split_to(this.unread.len().min(buf.remaining()));
            buf.put_slice(&bytes);
            Poll::Ready(Ok(()))
        };
        match read {
            Poll::Ready(result) => {
                // Bytes that come while a request is answered belong to its body, or to a next one whose time starts later.
                if buf.filled().len() > before && this.phase.get() == IDLE {
                    this.phase.set(HEAD);
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
        this.written(cx, buf.len(), result)
    }
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write_vectored(cx, bufs);
        this.written(cx, bufs.iter().map(|buf| buf.len()).sum(), result)
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(cx);
        if flushed.is_ready() {
            this.phase.written();
        }
        flushed
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Writes 32 MiB to a peer that takes 64 KiB every 10 ms, which has to take `rate` bytes a second.
    async fn written(rate: u32) -> Result<()> {
        let (ours, mut theirs) = UnixStream::pair()?;
        let deadlines = Deadlines { head: None, idle: None, write: Some(Duration::from_millis(200)), rate };
        let mut stream = Guarded::new(Socket::Unix(ours), Phase::new(), deadlines);
        let reader = tokio::spawn(async move {
            let mut piece = vec![0; 64 << 10];
            while theirs.read(&mut piece).await.is_ok_and(|length| length > 0) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let result = stream.write_all(&vec![0; 32 << 20]).await;
        drop(stream);
        reader.abort();
        result
    }

    #[tokio::test]
    async fn a_reader_that_takes_little_all_the_time_is_cut() {
        assert_eq!(written(100 << 20).await.map_err(|error| error.kind()), Err(ErrorKind::TimedOut));
        assert!(written(1).await.is_ok(), "slow is not too slow");
    }
}
