//! The accept loop against real sockets: every cap and deadline, the rules before a route, and the end.

mod bodies;
mod flowing;
mod held;
mod repeated;
mod strict;

use super::listen::Listener;
use super::{Settings, serve};
use crate::api::refused;
use crate::stats::Stats;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use warp::Filter;
use warp::reply::Reply;

/// Longer than any deadline in these tests, so that a missing one fails the test instead of hanging it.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    stats: Arc<Stats>,
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
    async fn ended(self) {
        tokio::time::timeout(LONG, self.task).await.expect("the server does not end").unwrap();
    }
}

fn routes() -> super::Routes {
    let echo =
        warp::path!("api" / "v1" / "echo").and(warp::post()).and(warp::body::bytes()).map(|b: Bytes| b.len().to_string().into_response());
    let hang = warp::path!("api" / "v1" / "hang").and(warp::get()).then(|| async { std::future::pending::<warp::reply::Response>().await });
    let slow = warp::path!("api" / "v1" / "slow").and(warp::get()).then(|| async {
        tokio::time::sleep(SHORT * 4).await;
        "slow".into_response()
    });
    let who = warp::path!("api" / "v1" / "who").and(warp::get()).and(warp::ext::get::<super::peer::Visitor>());
    let who = who.map(|v: super::peer::Visitor| format!("{} {} {}", v.address, v.secure, v.prefix).into_response());
    let big = warp::path!("big").and(warp::get()).map(|| vec![b'x'; 64 << 20].into_response());
    let all = echo.or(hang).unify().or(slow).unify().or(who).unify().or(big).unify();
    all.recover(refused).unify().boxed()
}

fn start(listener: Listener, routes: super::Routes, settings: Settings) -> Running {
    let (stop, stopped) = oneshot::channel();
    let stats = Arc::new(Stats::default());
    let address = listener.local().unwrap().unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
    let until = async {
        stopped.await.unwrap();
    };
    let task = tokio::spawn(serve(listener, routes, tokio::sync::watch::channel(settings).1, Arc::clone(&stats), until));
    Running { address, stop: Some(stop), task, stats }
}

fn run(settings: Settings) -> Running {
    start(Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap(), routes(), settings)
}

/// Everything until the peer closes.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut all)).await.expect("the connection stays open");
    // A reset is an end as well.
    drop(read);
    String::from_utf8_lossy(&all).into_owned()
}

/// One answer of a connection that stays open.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    loop {
        let byte = tokio::time::timeout(LONG, stream.read_u8()).await.expect("no answer").expect("closed");
        all.push(byte);
        if all.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(all).unwrap();
    let length: usize =
        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap())).unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n")
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

#[tokio::test]
async fn answers_are_protected_and_connections_are_kept() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let told = ask(&mut stream, &get("/api/v1/who", "")).await;
        assert!(told.starts_with("HTTP/1.1 200 ") && told.ends_with("127.0.0.1 false /"), "{told}");
        for header in
            ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "cache-control: no-store", "frame-ancestors 'none'"]
        {
            assert!(told.contains(header), "{header} is missing in {told}");
        }
    }
    assert_eq!(server.stats.requests.get(), 3);
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_told_in_json() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &get("/api/v1/nothing", "")).await;
    assert!(told.starts_with("HTTP/1.1 404 ") && told.contains("{\"error\":{\"code\":\"not_found\""), "{told}");
    let told = ask(&mut stream, &get("/api/v1/echo", "")).await;
    assert!(told.starts_with("HTTP/1.1 405 ") && told.contains("{\"error\":{\"code\":\"method_not_allowed\""), "{told}");
}

#[tokio::test]
async fn foreign_pages_and_forms_are_refused_before_any_route() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &post("/api/v1/echo", "Origin: http://evil.example\r\n", "{}")).await;
    assert!(told.starts_with("HTTP/1.1 403 ") && told.contains("cross_origin"), "{told}");
    let told = ask(&mut stream, &get("/api/v1/who", "Sec-Fetch-Site: cross-site\r\n")).await;
    assert!(told.starts_with("HTTP/1.1 403 "), "{told}");
    let form = "POST /api/v1/echo HTTP/1.1\r\nHost: here\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    let told = ask(&mut server.connect().await, form).await;
    assert!(told.starts_with("HTTP/1.1 415 ") && told.contains("not_json"), "{told}");
    let told =
        ask(&mut server.connect().await, &post("/api/v1/echo", "Origin: http://here\r\nSec-Fetch-Site: same-origin\r\n", "{}")).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
}

#[tokio::test]
async fn refusals_say_what_a_proxy_has_to_send() {
    let server = run(Settings::default());
    let told = ask(&mut server.connect().await, &post("/api/v1/echo", "Origin: http://chat.example\r\n", "{}")).await;
    assert!(told.starts_with("HTTP/1.1 403 ") && told.contains("proxy_set_header Host $http_host;"), "{told}");
    let own = "Origin: http://chat.example\r\nSec-Fetch-Site: same-origin\r\n";
    let told = ask(&mut server.connect().await, &post("/api/v1/echo", own, "{}")).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");

    let names = vec!["here".parse().unwrap()];
    let server = run(Settings { hosts: super::Hosts { names, addresses: false }, ..Settings::default() });
    assert!(ask(&mut server.connect().await, &get("/api/v1/who", "")).await.starts_with("HTTP/1.1 200 "));
    let elsewhere = |path: &str| get(path, "").replace("Host: here", "Host: evil.example");
    let told = ask(&mut server.connect().await, &elsewhere("/api/v1/who")).await;
    assert!(told.starts_with("HTTP/1.1 421 ") && told.contains("wrong_host") && told.contains("(hosts)"), "{told}");
    let told = ask(&mut server.connect().await, &elsewhere("/")).await;
    assert!(told.starts_with("HTTP/1.1 421 ") && told.contains("text/plain") && told.contains("(hosts)"), "{told}");
    // Monitors come by addresses.
    for path in ["/healthz", "/api/v1/readyz"] {
        assert!(ask(&mut server.connect().await, &elsewhere(path)).await.starts_with("HTTP/1.1 404 "), "no route here, but not refused");
    }
}

#[tokio::test]
async fn many_cookies_are_read_and_too_many_refused() {
    let server = run(Settings::default());
    let cookies = |bytes: usize| format!("Cookie: a={}\r\n", "x".repeat(bytes));
    assert!(ask(&mut server.connect().await, &get("/api/v1/who", &cookies(30_000))).await.starts_with("HTTP/1.1 200 "));
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/who", &cookies(40_000)).as_bytes()).await.unwrap();
    let told = rest(&mut stream).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 431 "), "{told}");
}

#[tokio::test]
async fn a_body_that_nobody_read_is_no_request() {
    let inner = get("/api/v1/who", "");
    let length = format!("Content-Length: {}\r\n", inner.len());
    let chunked = ("Transfer-Encoding: chunked\r\n", format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()));
    for (request, body) in [
        (get("/api/v1/who", &length), &inner),
        (get("/api/v1/who", chunked.0), &chunked.1),
        (get("/page", &length), &inner),
        // Refused before its body is read.
        (post("/api/v1/echo", "Origin: http://evil.example\r\n", "").replace("Content-Length: 0\r\n", &length), &inner),
        (post("/api/v1/uploads", "", "").replace("Content-Length: 0\r\n", &length), &inner),
        (post("/api/v1/echo", "", "").replace("Content-Length: 0\r\n", chunked.0), &chunked.1),
    ] {
        let server = run(Settings::default());
        let mut stream = server.connect().await;
        // What a browser may do: the answer is there, the body comes later. One of them is answered only when its body is there.
        stream.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(SHORT).await;
        let _ = stream.write_all(body.as_bytes()).await;
        tokio::time::sleep(SHORT).await;
        let _ = stream.shutdown().await;
        rest(&mut stream).await;
        assert_eq!(server.stats.requests.get(), 1, "{request}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_each_kind_of_request() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    for round in 1..=3 {
        assert!(ask(&mut stream, &post("/api/v1/echo", "", "four")).await.ends_with("\r\n\r\n4"));
        assert!(ask(&mut stream, &get("/api/v1/who", "")).await.ends_with("127.0.0.1 false /"));
        assert!(ask(&mut stream, &post("/api/v1/echo", "Origin: http://evil.example\r\n", "{}")).await.starts_with("HTTP/1.1 403 "));
        // In pieces, with a rest after it, at a rest before it.
        let two = post("/api/v1/echo", "", "12345") + &get("/api/v1/who", "");
        let (one, more) = two.split_at(two.len() - 20);
        stream.write_all(one.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.ends_with("\r\n\r\n5"));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(ask(&mut stream, more).await.ends_with("127.0.0.1 false /"));
        assert_eq!((server.stats.requests.get(), server.stats.connections.opened.get()), (5 * round, 1));
    }
}

#[tokio::test]
async fn any_prefix_reaches_the_interface() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &get("/deep/chat/api/v1/who?x=1", "")).await;
    assert!(told.ends_with("127.0.0.1 false /deep/chat/"), "{told}");
}

#[tokio::test]
async fn a_full_server_says_so() {
    let server = run(Settings { connections: 2, ..Settings::default() });
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    ask(&mut one, &get("/api/v1/who", "")).await;
    ask(&mut two, &get("/api/v1/who", "")).await;
    let mut third = server.connect().await;
    third.write_all(get("/api/v1/who", "").as_bytes()).await.unwrap();
    let told = rest(&mut third).await;
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("Retry-After: 5\r\n") && told.contains("\"retry_ms\":5000"), "{told}");
    assert_eq!(server.stats.connections.refused.get(), 1);
    drop(one);
    let deadline = Instant::now() + LONG;
    while server.stats.connections.closed.get() == 0 {
        assert!(Instant::now() < deadline, "the seat is not given back");
        tokio::task::yield_now().await;
    }
    let mut again = server.connect().await;
    assert!(ask(&mut again, &get("/api/v1/who", "")).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn one_address_cannot_take_every_seat_but_a_proxy_may() {
    let server = run(Settings { connections_per_address: 1, ..Settings::default() });
    let mut one = server.connect().await;
    ask(&mut one, &get("/api/v1/who", "")).await;
    let mut two = server.connect().await;
    two.write_all(get("/api/v1/who", "").as_bytes()).await.unwrap();
    let told = rest(&mut two).await;
    assert!(told.starts_with("HTTP/1.1 429 ") && told.contains("too_many_connections"), "{told}");

    let trusted = vec!["127.0.0.1".parse().unwrap()];
    let server = run(Settings { connections_per_address: 1, trusted, ..Settings::default() });
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect().await;
        let told = ask(&mut stream, &get("/api/v1/who", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n")).await;
        assert!(told.ends_with("192.0.2.7 true /"), "{told}");
        streams.push(stream);
    }
}

#[tokio::test]
async fn a_dawdling_head_is_cut() {
    let server = run(Settings { head: Some(SHORT), idle: Some(LONG * 9), ..Settings::default() });
    // Nothing at all, half a head at once, and half a head after a whole request.
    let mut silent = server.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let mut half = server.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    rest(&mut half).await;
    let mut later = server.connect().await;
    ask(&mut later, &get("/api/v1/who", "")).await;
    later.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    rest(&mut later).await;
}

#[tokio::test]
async fn an_idle_connection_is_cut_but_not_a_waiting_one() {
    let server = run(Settings { head: Some(LONG * 9), idle: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &get("/api/v1/slow", "")).await;
    assert!(told.ends_with("slow"), "{told}");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_dawdling_body_is_told_so() {
    let server = run(Settings { body: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &post("/api/v1/echo", "", "{}").replace("Length: 2", "Length: 3")).await;
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("too_slow"), "{told}");
}

#[tokio::test]
async fn a_large_body_is_told_so_however_it_comes() {
    let server = run(Settings { body_bytes: 1000, ..Settings::default() });
    let mut stream = server.connect().await;
    assert!(ask(&mut stream, &post("/api/v1/echo", "", &"x".repeat(1000))).await.ends_with("\r\n\r\n1000"));
    let told = ask(&mut stream, &post("/api/v1/echo", "", &"x".repeat(1001))).await;
    assert!(told.starts_with("HTTP/1.1 413 ") && told.contains("too_large"), "{told}");
    let head = "POST /api/v1/echo HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}258\r\n{0}\r\n258\r\n{0}\r\n0\r\n\r\n", "x".repeat(600));
    let told = ask(&mut server.connect().await, &chunked).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    let expecting = post("/api/v1/echo", "Expect: 100-continue\r\n", "").replace("Length: 0", "Length: 99999999");
    let told = ask(&mut server.connect().await, &expecting).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_cut() {
    let server = run(Settings { write: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    stream.write_all(get("/big", "").as_bytes()).await.unwrap();
    let deadline = Instant::now() + LONG;
    while server.stats.connections.closed.get() == 0 {
        assert!(Instant::now() < deadline, "the connection stays");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_closes_the_rest() {
    let mut server = run(Settings::default());
    let mut idle = server.connect().await;
    ask(&mut idle, &get("/api/v1/who", "")).await;
    let mut fresh = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(get("/api/v1/slow", "").as_bytes()).await.unwrap();
    while server.stats.requests.get() < 2 {
        tokio::task::yield_now().await;
    }
    server.stop();
    assert!(answer(&mut busy).await.ends_with("slow"));
    assert_eq!(rest(&mut busy).await + &rest(&mut idle).await + &rest(&mut fresh).await, "");
    let address = server.address;
    server.ended().await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is still open");
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let mut server = run(Settings { stop: SHORT, ..Settings::default() });
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/hang", "").as_bytes()).await.unwrap();
    while server.stats.requests.get() < 1 {
        tokio::task::yield_now().await;
    }
    server.stop();
    assert_eq!(rest(&mut stream).await, "");
    server.ended().await;
}

#[tokio::test]
async fn a_unix_socket_serves_and_goes_with_the_server() {
    let path = std::env::temp_dir().join(format!("bellflower-server-{}.sock", std::process::id()));
    // One that a dead daemon left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut server =
        start(Listener::unix(&path).unwrap(), routes(), Settings { trusted: vec!["unix".parse().unwrap()], ..Settings::default() });
    let mut stream = UnixStream::connect(&path).await.unwrap();
    assert!(ask(&mut stream, &get("/api/v1/who", "X-Forwarded-For: 192.0.2.7\r\n")).await.ends_with("192.0.2.7 false /"));
    assert!(ask(&mut stream, &get("/api/v1/who", "")).await.ends_with("unix false /"));
    assert_eq!(Listener::unix(&path).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    drop(stream);
    server.stop();
    server.ended().await;
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(Listener::unix(&path).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    std::fs::remove_file(&path).unwrap();
}
