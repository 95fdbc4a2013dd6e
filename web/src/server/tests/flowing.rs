//! Answers in parts, on real sockets: each part arrives when it comes, connections go on after the last, and nobody holds up anybody.

use super::{LONG, Running, SHORT, ask, get, rest, start};
use crate::server::flow::{self, Flowing};
use crate::server::listen::Listener;
use crate::server::respond::Site;
use crate::server::stream::{Deadlines, Guarded, Phase, Socket};
use crate::server::{Address, Ending, Head, Routes, Settings};
use bytes::Bytes;
use futures_util::stream::unfold;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use warp::Filter;
use warp::reply::{Reply, Response};

/// What the route of these tests hands out and sees.
#[derive(Default)]
struct Waiting {
    sources: Mutex<Vec<UnboundedSender<Bytes>>>,
    given_up: AtomicUsize,
}

impl Waiting {
    /// Where the parts of the stream that began last come from.
    async fn source(&self) -> UnboundedSender<Bytes> {
        let begun = async {
            loop {
                if let Some(source) = self.sources.lock().unwrap().pop() {
                    return source;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, begun).await.expect("no stream begins")
    }
}

struct Source(UnboundedReceiver<Bytes>, Arc<Waiting>);

impl Drop for Source {
    fn drop(&mut self) {
        self.1.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

fn dress(mut response: Response) -> Response {
    response.headers_mut().insert("x-dressed", "yes".parse().unwrap());
    response
}

static HEAD: LazyLock<Head> = LazyLock::new(|| Head::new(dress));

fn scene(settings: Settings) -> (Running, Arc<Waiting>) {
    let waiting = Arc::new(Waiting::default());
    let parts = warp::path!("api" / "v1" / "parts").and(warp::get()).map({
        let waiting = Arc::clone(&waiting);
        move || {
            let (source, parts) = unbounded_channel();
            waiting.sources.lock().unwrap().push(source);
            let source = Source(parts, Arc::clone(&waiting));
            flow::flow(dress, &HEAD, Box::pin(unfold(source, |mut source| async move { source.0.recv().await.map(|part| (part, source)) })))
        }
    });
    let who = warp::path!("api" / "v1" / "who").map(|| "who".into_response());
    let routes: Routes = parts.or(who).unify().recover(crate::api::refused).unify().boxed();
    (start(Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap(), routes, settings), waiting)
}

/// Everything up to some words, which are the last so far.
async fn up_to(stream: &mut TcpStream, words: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(words.as_bytes()) {
        let byte = tokio::time::timeout(LONG, stream.read_u8()).await;
        all.push(byte.unwrap_or_else(|_| panic!("only {}", String::from_utf8_lossy(&all))).expect("closed"));
    }
    String::from_utf8(all).unwrap()
}

fn send(source: &UnboundedSender<Bytes>, words: &'static str) {
    source.send(Bytes::from_static(words.as_bytes())).unwrap();
}

#[tokio::test]
async fn each_part_arrives_as_it_comes_and_the_connection_goes_on() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    for round in 1..=3 {
        stream.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
        let source = waiting.source().await;
        send(&source, "one");
        let told = up_to(&mut stream, "3\r\none\r\n").await;
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
        for header in
            ["x-dressed: yes", "x-content-type-options: nosniff", "cache-control: no-store", "transfer-encoding: chunked", "date: "]
        {
            assert_eq!(told.matches(header).count(), 1, "{header} in {told}");
        }
        assert!(!told.contains("connection:") && !told.contains("content-length:"), "{told}");
        send(&source, "two, which is longer");
        assert_eq!(up_to(&mut stream, "\r\ntwo, which is longer\r\n").await, "14\r\ntwo, which is longer\r\n");
        drop(source);
        assert_eq!(up_to(&mut stream, "0\r\n\r\n").await, "0\r\n\r\n");
        assert!(ask(&mut stream, &get("/api/v1/who", "")).await.ends_with("who"));
        assert_eq!(server.stats.answers[1].get(), 2 * round);
    }
    assert_eq!(server.stats.connections.opened.get(), 1);
}

#[tokio::test]
async fn requests_sent_too_early_are_answered_after_the_last_part() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    stream.write_all((get("/api/v1/parts", "") + &get("/api/v1/who", "")).as_bytes()).await.unwrap();
    let source = waiting.source().await;
    send(&source, "one");
    stream.write_all(get("/api/v1/who", "").as_bytes()).await.unwrap();
    up_to(&mut stream, "one\r\n").await;
    drop(source);
    let told = up_to(&mut stream, "who").await;
    assert!(told.starts_with("0\r\n\r\nHTTP/1.1 200 OK\r\n"), "{told}");
    up_to(&mut stream, "who").await;
    // The other way round: hyper writes the parts when something before them is still to be written.
    stream.write_all((get("/api/v1/who", "") + &get("/api/v1/parts", "")).as_bytes()).await.unwrap();
    up_to(&mut stream, "who").await;
    let source = waiting.source().await;
    send(&source, "parts");
    let told = up_to(&mut stream, "5\r\nparts\r\n").await;
    assert!(told.contains("x-dressed: yes") && told.contains("transfer-encoding: chunked"), "{told}");
}

#[tokio::test]
async fn who_knows_no_chunks_has_none_and_who_wants_it_closed_has_it_closed() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/parts", "").replace("HTTP/1.1", "HTTP/1.0").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    send(&source, "first");
    let told = up_to(&mut stream, "first").await;
    assert!(told.ends_with("\r\n\r\nfirst") && !told.contains("chunked"), "{told}");
    send(&source, "two");
    drop(source);
    assert_eq!(rest(&mut stream).await, "two");

    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/parts", "Connection: close\r\n").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    send(&source, "first");
    drop(source);
    let told = rest(&mut stream).await;
    assert!(told.contains("connection: close\r\n") && told.ends_with("\r\n\r\n5\r\nfirst\r\n0\r\n\r\n"), "{told}");
}

async fn given_up(server: &Running, waiting: &Waiting) {
    let left = async {
        while waiting.given_up.load(Ordering::SeqCst) == 0 || server.stats.connections.closed.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, left).await.expect("the stream is still written");
}

#[tokio::test]
async fn who_leaves_is_written_to_no_longer() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    send(&source, "one");
    up_to(&mut stream, "one\r\n").await;
    drop(stream);
    given_up(&server, &waiting).await;
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off_in_time() {
    let (server, waiting) = scene(Settings { write: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    for _ in 0..64 {
        let _ = source.send(vec![b'x'; 1 << 20].into());
    }
    given_up(&server, &waiting).await;
}

#[tokio::test]
async fn a_stream_has_no_deadline_between_its_parts_and_an_idle_connection_after_it_has() {
    let (server, waiting) = scene(Settings { head: Some(SHORT), idle: Some(SHORT), write: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    for words in ["one", "two"] {
        tokio::time::sleep(SHORT * 3).await;
        send(&source, words);
        up_to(&mut stream, words).await;
    }
    drop(source);
    assert_eq!(rest(&mut stream).await, "\r\n0\r\n\r\n");
}

#[tokio::test]
async fn stopping_lets_streams_end_and_cuts_those_that_do_not() {
    let (mut server, waiting) = scene(Settings { stop: SHORT, ..Settings::default() });
    let (mut ends, mut stays) = (server.connect().await, server.connect().await);
    ends.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
    let source = waiting.source().await;
    stays.write_all(get("/api/v1/parts", "").as_bytes()).await.unwrap();
    let other = waiting.source().await;
    send(&other, "one");
    up_to(&mut stays, "one\r\n").await;
    server.stop();
    send(&source, "restart");
    drop(source);
    assert!(rest(&mut ends).await.ends_with("restart\r\n0\r\n\r\n"));
    assert_eq!(rest(&mut stays).await, "", "no end that it did not have");
    server.ended().await;
    drop(other);
}

#[tokio::test]
async fn the_kernel_gives_up_soon_on_a_peer_that_takes_no_notice() {
    let (mut near, far) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().unwrap().0)
    };
    let again = far.try_clone().unwrap();
    let limit = || rustix::net::sockopt::tcp_user_timeout(&again).unwrap();
    far.set_nonblocking(true).unwrap();
    let deadlines = Deadlines { head: None, idle: None, write: None, rate: 0 };
    let mut stream = Guarded::new(Socket::Tcp(TcpStream::from_std(far).unwrap()), Phase::new(), deadlines);
    let settings = Settings::default();
    let intake = Arc::new(crate::server::Intake::new(&settings));
    let site = Site::new(super::routes(), settings, Arc::default(), intake);
    let (ends, mut ending) = watch::channel(Ending::No);
    let (source, mut parts) = unbounded_channel();
    let parts = Box::pin(futures_util::stream::poll_fn(move |cx| parts.poll_recv(cx)));
    let flowing = Box::new(Flowing { head: &HEAD, parts, keep: true });
    let writing = flow::write(&site, &mut stream, flowing, Address::Local, &mut ending);
    let looking = async {
        send(&source, "one");
        up_to(&mut near, "one\r\n").await;
        let during = limit();
        drop(source);
        during
    };
    let (goes_on, during) = tokio::join!(writing, looking);
    assert_eq!((goes_on, during, limit()), (true, 35_000, 0));
    drop(ends);
}
