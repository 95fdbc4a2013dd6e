//! Answers that are to come, on real sockets: they look like any other, and their connections go on, end and are given up like any other.

use super::{LONG, Running, SHORT, answer, ask, get, rest, start};
use crate::server::listen::Listener;
use crate::server::{Head, Routes, Settings, Told, later};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use warp::Filter;
use warp::reply::{Reply, Response};

/// What the route of these tests hands out and sees.
#[derive(Default)]
struct Waiting {
    answers: Mutex<Vec<oneshot::Sender<&'static str>>>,
    given_up: AtomicUsize,
}

impl Waiting {
    async fn held(&self, count: usize) {
        let held = async {
            while self.answers.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, held).await.expect("nothing is held");
    }

    fn say(&self, words: &'static str) {
        self.answers.lock().unwrap().remove(0).send(words).unwrap();
    }
}

struct Guard(Arc<Waiting>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

fn dress(mut response: Response) -> Response {
    response.headers_mut().insert("x-dressed", "yes".parse().unwrap());
    response
}

static HEAD: LazyLock<Head> = LazyLock::new(|| Head::new(dress));

fn scene(settings: Settings) -> (Running, Arc<Waiting>) {
    let waiting = Arc::new(Waiting::default());
    let hold = warp::path!("api" / "v1" / "hold").and(warp::get()).map({
        let waiting = Arc::clone(&waiting);
        move || {
            let (answer, answered) = oneshot::channel();
            waiting.answers.lock().unwrap().push(answer);
            let guard = Guard(Arc::clone(&waiting));
            let answer = async move {
                let words = answered.await.unwrap_or("nobody answers");
                drop(guard);
                Told::Usual(&HEAD, words.into())
            };
            later(dress, Box::pin(answer), None)
        }
    });
    let who = warp::path!("api" / "v1" / "who").map(|| "who".into_response());
    let routes: Routes = hold.or(who).unify().recover(crate::api::refused).unify().boxed();
    (start(Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap(), routes, settings), waiting)
}

#[tokio::test]
async fn a_held_answer_is_like_any_other_and_its_connection_goes_on() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    for round in 1..=3 {
        stream.write_all(get("/api/v1/hold", "").as_bytes()).await.unwrap();
        waiting.held(1).await;
        waiting.say("at last");
        let told = answer(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n") && told.ends_with("\r\n\r\nat last"), "{told}");
        for header in ["x-dressed: yes", "x-content-type-options: nosniff", "cache-control: no-store", "content-length: 7", "date: "] {
            assert_eq!(told.matches(header).count(), 1, "{header} in {told}");
        }
        assert!(!told.contains("connection:") && !told.contains("transfer-encoding:"), "{told}");
        assert!(ask(&mut stream, &get("/api/v1/who", "")).await.ends_with("who"));
        assert_eq!(server.stats.answers[1].get(), 2 * round);
    }
    assert_eq!(server.stats.connections.opened.get(), 1);
}

#[tokio::test]
async fn requests_sent_too_early_are_answered_after_the_held_one() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    // In one packet, and then byte by byte while the first is held.
    let two = get("/api/v1/hold", "") + &get("/api/v1/who", "");
    stream.write_all(two.as_bytes()).await.unwrap();
    waiting.held(1).await;
    for byte in get("/api/v1/who", "").bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    waiting.say("first");
    assert!(answer(&mut stream).await.ends_with("first"));
    assert!(answer(&mut stream).await.ends_with("who"));
    assert!(answer(&mut stream).await.ends_with("who"));
    // The other way round: an answer that is still to be written goes out before anything is held.
    stream.write_all((get("/api/v1/who", "") + &get("/api/v1/hold", "")).as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.ends_with("who"));
    waiting.held(1).await;
    waiting.say("second");
    let told = rest_of(&mut stream, "second").await;
    assert!(told.contains("x-dressed: yes"), "{told}");
}

#[tokio::test]
async fn what_a_body_says_is_never_a_request() {
    let inner = get("/api/v1/who", "X-Inner: yes\r\n");
    let sized = (format!("Content-Length: {}\r\n", inner.len()), inner.clone());
    let chunked = ("Transfer-Encoding: chunked\r\n".to_owned(), format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()));
    for (headers, body) in [sized, chunked] {
        let head = get("/api/v1/hold", &headers);
        for at in [0, head.len(), head.len() + 3, head.len() + body.len()] {
            let (server, waiting) = scene(Settings::default());
            let mut stream = server.connect().await;
            let all = head.clone() + &body;
            // All at once, or some of it only while the answer is to come already.
            let (early, late) = all.split_at(if at == 0 { all.len() } else { at });
            stream.write_all(early.as_bytes()).await.unwrap();
            waiting.held(1).await;
            stream.write_all(late.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            waiting.say("at last");
            let told = rest_of(&mut stream, "at last").await;
            assert!(told.starts_with("HTTP/1.1 200 OK\r\n") && told.contains("x-dressed: yes"), "{told}");
            // Whether the connection goes on after that is hyper's choice.
            let _ = stream.write_all(get("/api/v1/who", "Connection: close\r\n").as_bytes()).await;
            let after = rest(&mut stream).await;
            let requests = server.stats.requests.get();
            assert!(requests == 1 + after.matches("HTTP/1.1 ").count() as u64 && requests <= 2, "{headers}{at}: {requests} {after}");
            assert!(!after.contains("HTTP/1.1 4"), "{headers}{at}: {after}");
        }
    }
}

#[tokio::test]
async fn of_many_requests_at_once_none_is_lost() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    // A long head first: hyper reads in larger pieces after it.
    let long = |length| get("/api/v1/hold", &format!("X-Long: {}\r\n", "x".repeat(length)));
    let all = long(9 << 10) + &long(1 << 10).repeat(40);
    stream.write_all(all.as_bytes()).await.unwrap();
    for round in 0..=40 {
        waiting.held(1).await;
        waiting.say("held");
        let told = answer(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 200 ") && told.ends_with("held"), "{round}: {told}");
    }
    assert!(ask(&mut stream, &get("/api/v1/who", "")).await.ends_with("who"));
}

/// Everything up to some words.
async fn rest_of(stream: &mut tokio::net::TcpStream, words: &str) -> String {
    use tokio::io::AsyncReadExt;
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(words) {
        all.push(tokio::time::timeout(LONG, stream.read_u8()).await.expect("no answer").expect("closed"));
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn who_wants_the_connection_closed_has_it_closed() {
    let (server, waiting) = scene(Settings::default());
    for request in [get("/api/v1/hold", "Connection: x, Close\r\n"), get("/api/v1/hold", "").replace("HTTP/1.1", "HTTP/1.0")] {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        waiting.held(1).await;
        waiting.say("bye");
        let told = rest(&mut stream).await;
        assert!(told.contains("connection: close\r\n") && told.ends_with("\r\n\r\nbye"), "{told}");
    }
}

#[tokio::test]
async fn who_leaves_is_waited_for_no_longer() {
    let (server, waiting) = scene(Settings::default());
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/hold", "").as_bytes()).await.unwrap();
    waiting.held(1).await;
    drop(stream);
    let left = async {
        while waiting.given_up.load(Ordering::SeqCst) == 0 || server.stats.connections.closed.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, left).await.expect("the answer is still waited for");
}

#[tokio::test]
async fn a_held_connection_has_no_deadline_and_an_idle_one_after_it_has() {
    let (server, waiting) = scene(Settings { head: Some(SHORT), idle: Some(SHORT), ..Settings::default() });
    let mut stream = server.connect().await;
    stream.write_all(get("/api/v1/hold", "").as_bytes()).await.unwrap();
    waiting.held(1).await;
    tokio::time::sleep(SHORT * 3).await;
    waiting.say("late");
    assert!(answer(&mut stream).await.ends_with("late"));
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn stopping_lets_held_answers_come_and_closes_their_connections() {
    let (mut server, waiting) = scene(Settings::default());
    let (mut held, mut idle) = (server.connect().await, server.connect().await);
    idle.write_all(get("/api/v1/hold", "").as_bytes()).await.unwrap();
    waiting.held(1).await;
    waiting.say("over");
    answer(&mut idle).await;
    held.write_all(get("/api/v1/hold", "").as_bytes()).await.unwrap();
    waiting.held(1).await;
    server.stop();
    assert_eq!(rest(&mut idle).await, "", "nobody waits on it");
    waiting.say("restart");
    let told = rest(&mut held).await;
    assert!(told.contains("connection: close\r\n") && told.ends_with("restart"), "{told}");
    server.ended().await;
}
