//! The accept loop: connections with caps, deadlines and a graceful end around one warp service; it knows no endpoint.
//!
//! `warp::serve` has no timers, no cap and no `TCP_NODELAY`, and keeps more memory for each parked poll; so the loop is our own.

pub mod hosts;
pub mod listen;
pub mod origin;
pub mod peer;

mod complaints;
mod flow;
mod hold;
mod later;
mod pack;
mod refuse;
mod repeat;
mod respond;
mod seats;
mod stream;
mod write;

pub(crate) use complaints::Complaints;
pub(crate) use flow::{Parts, flow};
pub(crate) use later::{Again, Answer, Head, Told, later};
use respond::Site;

use crate::stats::Stats;
use hosts::Hosts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use listen::Listener;
use origin::Origin;
use peer::{Address, Trusted};
use seats::Seats;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use stream::{Deadlines, Guarded, Left, Phase, Socket};
use tokio::sync::{Semaphore, watch};

/// What the loop keeps to. 0 and `None` mean no limit.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose forwarded headers are believed.
    pub trusted: Vec<Trusted>,
    /// At which hosts requests are answered.
    pub hosts: Hosts,
    /// Origins besides the site's own.
    pub origins: Vec<Origin>,
    /// Connections at once.
    pub connections: u32,
    /// Connections at once from one address; trusted proxies are not counted.
    pub connections_per_address: u32,
    /// Bytes of a request's body, uploads aside.
    pub body_bytes: usize,
    /// For a request's head.
    pub head: Option<Duration>,
    /// For a request's body.
    pub body: Option<Duration>,
    /// For a peer to take the next part of an answer.
    pub write: Option<Duration>,
    /// For a connection without a request.
    pub idle: Option<Duration>,
    /// For connections to end after the stop.
    pub stop: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            hosts: Hosts::default(),
            origins: Vec::new(),
            connections: 20_000,
            connections_per_address: 100,
            body_bytes: 256 * 1024,
            head: Some(Duration::from_secs(10)),
            body: Some(Duration::from_secs(20)),
            write: Some(Duration::from_secs(20)),
            idle: Some(Duration::from_secs(75)),
            stop: Duration::from_secs(5),
        }
    }
}

/// How the daemon is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    No,
    Drain,
    Now,
}

/// Largest head of a request: the cookies of all applications on the host and a long query fit, an attack does not.
const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 100;
const DAY: Duration = Duration::from_secs(86_400);
/// How many turned-away connections are answered at once; further ones are just closed.
const REFUSALS: usize = 64;

/// Everything that is served: warp filters with their rejections already turned into answers.
pub type Routes = warp::filters::BoxedFilter<(warp::reply::Response,)>;

/// Serves `routes` on `listener` until `stop` resolves, then lets what is under way finish for at most [`Settings::stop`].
///
/// `stop` should end held polls first, or the drain waits for their holds.
pub async fn serve(listener: Listener, routes: Routes, settings: Settings, stats: Arc<Stats>, stop: impl Future<Output = ()>) {
    let seats = Seats::new(settings.connections, settings.connections_per_address);
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let (ending, _) = watch::channel(Ending::No);
    let limit = settings.stop;
    let http = http(&settings);
    let site = Arc::new(Site { routes, settings, stats, http, complaints: Complaints::default() });
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                listen::after_error(&error).await;
                continue;
            }
        };
        let counted = (!peer::is_trusted(&site.settings.trusted, address)).then_some(address);
        match seats.take(counted) {
            Ok(seat) => {
                let (site, ending) = (Arc::clone(&site), ending.subscribe());
                tokio::spawn(async move {
                    site.stats.connections.opened.add(1);
                    converse(&site, socket, address, ending).await;
                    site.stats.connections.closed.add(1);
                    drop(seat);
                });
            }
            Err(full) => {
                site.stats.connections.refused.add(1);
                site.complaints.once("connections", refuse::line(full, address));
                if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                    tokio::spawn(refuse::refuse(socket, full, permit));
                }
            }
        }
    }
    drop(listener);
    ending.send_replace(Ending::Drain);
    if tokio::time::timeout(limit, seats.empty()).await.is_err() {
        log::info!("{} connections are cut: they did not end within {} ms", seats.count(), limit.as_millis());
    }
    ending.send_replace(Ending::Now);
}

fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    // hyper looks for a next request at once, which starts our own deadlines, only when it has a deadline too: one that comes later than ours.
    let outer = settings.idle.unwrap_or(DAY) + settings.head.unwrap_or(DAY);
    http.timer(TokioTimer::new()).header_read_timeout(outer).half_close(false).max_headers(HEADERS).max_header_size(HEAD_BYTES);
    http
}

/// One connection, from its first byte to its last: requests as they come, and what is waited for apart from them: a next request, an
/// answer that is to come, or one that comes in parts.
async fn converse(site: &Arc<Site>, socket: Socket, address: Address, mut ending: watch::Receiver<Ending>) {
    let phase = Phase::new();
    let settings = &site.settings;
    let deadlines = Deadlines { head: settings.head, idle: settings.idle, write: settings.write };
    // Boxed: it is handed to and fro, and a future has a place for it at each stop.
    let mut stream = Box::new(Guarded::new(socket, phase.clone(), deadlines));
    let mut left = Left::Idle;
    loop {
        let goes_on = match left {
            Left::Held(held) => hold::hold(site, &mut stream, held, address, &mut ending).await,
            Left::Flowing(flowing) => flow::write(site, &mut stream, flowing, address, &mut ending).await,
            Left::Idle => hold::idle(&mut stream, address, &mut ending).await,
        };
        if !goes_on {
            return;
        }
        let Some((back, more)) = serve_requests(site, stream, &phase, address, &mut ending).await else { return };
        (stream, left) = (back, more);
    }
}

/// Answers requests until one's answer is to come, or to come in parts, or no further one is there; `None` when the connection is over.
async fn serve_requests(
    site: &Arc<Site>,
    stream: Box<Guarded>,
    phase: &Phase,
    address: Address,
    ending: &mut watch::Receiver<Ending>,
) -> Option<(Box<Guarded>, Left)> {
    let service = service_fn({
        let (site, phase) = (Arc::clone(site), phase.clone());
        move |request| respond::respond(Arc::clone(&site), address, phase.clone(), request)
    });
    // Boxed, so that a held answer does not keep its place.
    let mut connection = Box::new(site.http.serve_connection(TokioIo::new(stream), service));
    let mut draining = false;
    loop {
        let run = poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
            Poll::Ready(result) => Poll::Ready(Err(result)),
            Poll::Pending => match phase.left() {
                // What hyper keeps for a request is ten times what the connection needs until the next comes.
                None if phase.is_between_requests() && !draining => Poll::Ready(Ok(Left::Idle)),
                None => Poll::Pending,
                Some(left) => Poll::Ready(Ok(left)),
            },
        });
        tokio::select! {
            outcome = run => match outcome {
                Ok(left) => {
                    let parts = connection.into_parts();
                    let mut stream = parts.io.into_inner();
                    stream.unread(&parts.read_buf);
                    return Some((stream, left));
                }
                Err(result) => {
                    if let Err(error) = result {
                        // Peers leave as they like: worth a line only to someone who looks for it.
                        log::debug!("connection from {address}: {error}");
                        if error.is_parse_too_large() {
                            let line = "a request was refused (431): its head has more than 32 KiB or 100 lines, as when other applications on \
                                the same host set many cookies";
                            site.complaints.once("head", line.to_owned());
                        }
                    }
                    return None;
                }
            },
            changed = ending.changed() => {
                match (changed.is_ok(), *ending.borrow_and_update()) {
                    (true, Ending::No) => {}
                    (true, Ending::Drain) if !draining => {
                        draining = true;
                        if phase.has_begun() && !phase.is_at_rest() { Pin::new(&mut *connection).graceful_shutdown() } else { return None }
                    }
                    (true, Ending::Drain) => {}
                    _ => return None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
