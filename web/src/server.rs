//! The accept loop: connections with caps, deadlines and a graceful end around one warp service; it knows no endpoint.
//!
//! `warp::serve` has no timers, no cap and no `TCP_NODELAY`, and keeps more memory for each parked poll; so the loop is our own.

pub mod hosts;
pub mod listen;
pub mod origin;
pub mod peer;
pub mod tls;

mod chunks;
mod complaints;
mod flow;
mod framed;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod hold;
mod intake;
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
pub(crate) use intake::TooSlow;
pub(crate) use later::{Again, Answer, Head, Told, later};
use respond::Site;
pub(crate) use seats::Seats;

use crate::stats::Stats;
use framed::Framed;
use hosts::Hosts;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use intake::Intake;
use listen::Listener;
use origin::Origin;
use peer::{Address, Trusted};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use stream::{Deadlines, Guarded, Left, Phase, Socket};
use tls::Tls;
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
    /// Uploads on their way at once.
    pub uploads: u32,
    /// The same from one address; trusted proxies that name no address are not counted.
    pub uploads_per_address: u32,
    /// Bytes of other bodies that have come and are not whole yet.
    pub receiving_bytes: u32,
    /// The same from one address.
    pub receiving_bytes_per_address: u32,
    /// For a request's head.
    pub head: Option<Duration>,
    /// For a request's body; for an upload, between two parts of it.
    pub body: Option<Duration>,
    /// For an upload.
    pub upload: Option<Duration>,
    /// For a peer to take the next part of an answer.
    pub write: Option<Duration>,
    /// For a connection without a request.
    pub idle: Option<Duration>,
    /// For connections to end after the stop.
    pub stop: Duration,
    /// TLS of the site's own.
    pub tls: Option<Tls>,
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
            uploads: 64,
            uploads_per_address: 8,
            receiving_bytes: 64 << 20,
            receiving_bytes_per_address: 4 << 20,
            head: Some(Duration::from_secs(10)),
            body: Some(Duration::from_secs(20)),
            upload: Some(Duration::from_secs(300)),
            write: Some(Duration::from_secs(20)),
            idle: Some(Duration::from_secs(75)),
            stop: Duration::from_secs(5),
            tls: None,
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

/// Bytes a second of an answer that a peer has to take, over [`Settings::write`].
const LEAST_RATE: u32 = 1024;
/// How many turned-away connections are answered at once, of few connections an eighth; further ones are just closed.
const REFUSALS: usize = 64;

/// Everything that is served: warp filters with their rejections already turned into answers.
pub type Routes = warp::filters::BoxedFilter<(warp::reply::Response,)>;

/// Serves `routes` on `listener` until `stop` resolves, then lets what is under way finish for at most [`Settings::stop`]. Other `settings`
/// count for connections that come after them; caps for all.
///
/// `stop` should end held polls first, or the drain waits for their holds.
pub async fn serve(
    listener: Listener,
    routes: Routes,
    mut settings: watch::Receiver<Settings>,
    stats: Arc<Stats>,
    stop: impl Future<Output = ()>,
) {
    let first = settings.borrow_and_update().clone();
    let seats = Seats::new(first.connections, first.connections_per_address);
    let few = first.connections as usize / 8 + 1;
    let refusals = Arc::new(Semaphore::new(if first.connections == 0 { REFUSALS } else { REFUSALS.min(few) }));
    let (ending, _) = watch::channel(Ending::No);
    let intake = Arc::new(Intake::new(&first));
    let mut site = Arc::new(Site::new(routes, first, stats, intake));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Ok(()) = settings.changed() => {
                let other = settings.borrow_and_update().clone();
                seats.set(other.connections, other.connections_per_address);
                site.intake.set(&other);
                site = Arc::new(Site::new(site.routes.clone(), other, Arc::clone(&site.stats), Arc::clone(&site.intake)));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                listen::after_error(&error).await;
                continue;
            }
        };
        let counted = (!peer::is_trusted(&site.settings.trusted, address)).then(|| address.group());
        match seats.take(counted) {
            Ok(seat) => {
                let (site, ending) = (Arc::clone(&site), ending.subscribe());
                tokio::spawn(async move {
                    site.stats.connections.opened.add(1);
                    match secure(&site.settings, socket).await {
                        Ok(socket) => converse(&site, socket, address, ending).await,
                        Err(error) => log::debug!("connection from {address}: no TLS: {error}"),
                    }
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
    let limit = site.settings.stop;
    ending.send_replace(Ending::Drain);
    if tokio::time::timeout(limit, seats.empty()).await.is_err() {
        log::info!("{} connections are cut: they did not end within {} ms", seats.count(), limit.as_millis());
    }
    ending.send_replace(Ending::Now);
}

/// The socket with TLS, where the site has its own.
async fn secure(settings: &Settings, socket: Socket) -> std::io::Result<Socket> {
    match &settings.tls {
        // Boxed: everybody's connection would have a place for a handshake.
        Some(tls) => Box::pin(tls.accept(socket, settings.head)).await,
        None => Ok(socket),
    }
}

/// One connection, from its first byte to its last: requests as they come, and what is waited for apart from them: a next request, an
/// answer that is to come, or one that comes in parts.
async fn converse(site: &Arc<Site>, socket: Socket, address: Address, mut ending: watch::Receiver<Ending>) {
    let phase = Phase::new();
    let settings = &site.settings;
    let deadlines = Deadlines { head: settings.head, idle: settings.idle, write: settings.write, rate: LEAST_RATE };
    // Boxed: it is handed to and fro, and a future has a place for it at each stop.
    let mut stream = Box::new(Guarded::new(socket, phase.clone(), deadlines));
    let mut left = Left::Idle;
    loop {
        let goes_on = match left {
            Left::Held(held) => hold::hold(site, &mut stream, held, address, &mut ending).await,
            Left::Flowing(flowing) => flow::write(site, &mut stream, flowing, address, &mut ending).await,
            Left::Idle => hold::idle(&mut stream, address, &mut ending).await,
            Left::Refused(fault) => {
                // Boxed: seldom, and everybody's connection would have a place for it.
                if let Err(error) = Box::pin(framed::refuse(site, &mut stream, fault)).await {
                    log::debug!("connection from {address}: {error}");
                }
                false
            }
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
    let mut connection = Box::new(site.http.serve_connection(TokioIo::new(Framed::new(stream, phase.clone())), service));
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
                    let mut stream = parts.io.into_inner().into_stream();
                    // In front of what hyper had not been handed yet.
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
