//! Requests that come again with another query, on real sockets: nobody can tell that hyper does not see them, and whatever is only similar
//! goes the way of all others.

use super::{LONG, Running, SHORT, answer, ask, get, post, rest, start};
use crate::server::listen::Listener;
use crate::server::{Again, Head, Routes, Settings, Told, flow, later};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use warp::Filter;
use warp::reply::{Reply, Response};

/// What the route of these tests was asked, and who waits for it.
#[derive(Default)]
struct Asked {
    waiting: Mutex<VecDeque<oneshot::Sender<()>>>,
    given_up: AtomicUsize,
}

/// Counts itself when it goes.
struct Guard(Arc<Asked>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

impl Asked {
    /// Says who asks and what: when it is asked for, or soon, or now.
    async fn answer(self: Arc<Self>, who: String, query: String) -> Told {
        let guard = Guard(Arc::clone(&self));
        if query.starts_with("wait") {
            let (sender, told) = oneshot::channel();
            self.waiting.lock().unwrap().push_back(sender);
            let _ = told.await;
        } else if query.starts_with("soon") {
            tokio::task::yield_now().await;
        }
        drop(guard);
        let words = format!("{who} asks {query}");
        // Told as usual or not, it looks the same.
        if query.ends_with(['1', '3']) { Told::Other(Box::new(dress(words.into_response()))) } else { Told::Usual(&HEAD, words.into()) }
    }

    fn again(self: &Arc<Self>, who: &str) -> Again {
        let (asked, who) = (Arc::clone(self), who.to_owned());
        Box::new(move |query| {
            let answer = Arc::clone(&asked).answer(who.clone(), query.to_owned());
            (!query.contains("never")).then(|| Box::pin(answer) as _)
        })
    }

    /// Waits until somebody waits, and lets them go.
    async fn let_go(&self) {
        let gone = async {
            loop {
                if let Some(sender) = self.waiting.lock().unwrap().pop_front() {
                    break sender.send(()).unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, gone).await.expect("nobody waits");
    }

    async fn waits(&self) {
        let waits = async {
            while self.waiting.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, waits).await.expect("nobody waits");
    }
}

fn dress(mut response: Response) -> Response {
    response.headers_mut().insert("x-dressed", "yes".parse().unwrap());
    response.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    response
}

static HEAD: LazyLock<Head> = LazyLock::new(|| Head::new(dress));

fn scene(settings: Settings) -> (Running, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let who = warp::header::optional::<String>("cookie").map(|cookie: Option<String>| cookie.unwrap_or_else(|| "nobody".to_owned()));
    let held = warp::path!("api" / "v1" / "held").and(warp::get()).and(who).and(query).map({
        let asked = Arc::clone(&asked);
        move |who: String, query: String| {
            let again = asked.again(&who);
            later(dress, Box::pin(Arc::clone(&asked).answer(who, query)), Some(again))
        }
    });
    let say =
        warp::path!("api" / "v1" / "say").and(warp::post()).and(warp::body::bytes()).map(|body: bytes::Bytes| Response::new(body.into()));
    let flows = warp::path!("api" / "v1" / "flows").and(warp::get()).map({
        let asked = Arc::clone(&asked);
        move || {
            let asked = Arc::clone(&asked);
            let end = async move {
                asked.answer(String::new(), "wait".into()).await;
                bytes::Bytes::from_static(b"flowed")
            };
            flow(dress, &HEAD, Box::pin(futures_util::stream::once(end)))
        }
    });
    let routes: Routes = held.or(say).unify().or(flows).unify().recover(crate::api::refused).unify().boxed();
    (start(Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap(), routes, settings), asked)
}

fn asks(query: &str) -> String {
    get(&format!("/api/v1/held?{query}"), "Cookie: ines\r\n")
}

impl Running {
    fn repeated(&self) -> u64 {
        self.stats.requests_repeated.get()
    }

    /// A connection whose next request of the same head is known.
    async fn warm(&self) -> TcpStream {
        let mut stream = self.connect().await;
        for query in ["soon1", "soon2"] {
            let told = ask(&mut stream, &asks(query)).await;
            assert!(told.ends_with(query), "{told}");
        }
        stream
    }
}

/// The lines of an answer's head but its date, in some order, and its body.
fn looks(answer: &str) -> (Vec<String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = head.lines().filter(|line| !line.starts_with("date: ")).map(str::to_owned).collect();
    assert_eq!(lines.len() + 1, head.lines().count(), "one date: {head}");
    lines.sort();
    (lines, body.to_owned())
}

#[tokio::test]
async fn from_the_third_on_a_request_is_known_and_looks_the_same() {
    let (server, asked) = scene(Settings::default());
    let mut stream = server.connect().await;
    let mut first = None;
    for round in 0..6 {
        stream.write_all(asks(&format!("wait{round}")).as_bytes()).await.unwrap();
        asked.let_go().await;
        let (head, body) = looks(&answer(&mut stream).await);
        assert_eq!(body, format!("ines asks wait{round}"));
        assert_eq!(head, *first.get_or_insert_with(|| head.clone()), "{round}");
        assert!(
            ["x-dressed: yes", "x-content-type-options: nosniff", "cache-control: no-store"]
                .iter()
                .all(|one| head.contains(&(*one).into()))
        );
    }
    let stats = &server.stats;
    assert_eq!((server.repeated(), stats.requests.get(), stats.answers[1].get(), stats.connections.opened.get()), (4, 6, 6, 1));
    // What is there at once.
    let (head, body) = looks(&ask(&mut stream, &asks(&format!("now{}", "x".repeat(2000)))).await);
    assert!(body.len() > 2000 && head.contains(&format!("content-length: {}", body.len())), "{head:?}");
    assert_eq!((server.repeated(), stats.requests.get(), stats.answers[1].get()), (5, 7, 7));
}

#[tokio::test]
async fn what_cannot_be_answered_again_goes_the_long_way() {
    let (server, _asked) = scene(Settings::default());
    let mut stream = server.warm().await;
    for query in ["soon-never", "soon#part", "soon HTTP/1.1\r\nX: y"] {
        let request = if query.contains(' ') { asks(query).replacen(" HTTP/1.1\r\nHost", "\r\nHost", 1) } else { asks(query) };
        assert!(ask(&mut stream, &request).await.starts_with("HTTP/1.1 "), "{query}");
        assert_eq!(server.repeated(), 0, "{query}");
        stream = server.warm().await;
    }
    assert!(ask(&mut stream, &asks("soon3")).await.ends_with("ines asks soon3"));
    assert_eq!(server.repeated(), 1);
}

#[tokio::test]
async fn each_cookie_on_a_shared_connection_gets_its_own_answers() {
    let (server, _asked) = scene(Settings::default());
    let mut stream = server.connect().await;
    for (number, who) in "aaabbbaabababbbbaa".chars().enumerate() {
        let request = get(&format!("/api/v1/held?soon{number}"), &format!("Cookie: {who}\r\n"));
        let told = ask(&mut stream, &request).await;
        assert!(told.ends_with(&format!("\r\n\r\n{who} asks soon{number}")), "{told}");
    }
    // Of each row all but one, of the first, whose first request only hyper saw, all but two.
    assert_eq!(server.repeated(), 1 + 2 + 1 + 3 + 1);
}

#[tokio::test]
async fn other_requests_between_are_answered_in_their_order() {
    let (server, asked) = scene(Settings::default());
    let mut stream = server.warm().await;
    assert!(ask(&mut stream, &post("/api/v1/say", "", "words")).await.ends_with("words"));
    assert!(ask(&mut stream, &asks("soon3")).await.ends_with("soon3"));
    assert!(ask(&mut stream, &asks("soon4")).await.ends_with("soon4"));
    assert_eq!(server.repeated(), 0, "it has to be learnt anew");
    // Two in one packet, and one that comes while another is held.
    stream.write_all((asks("soon5") + &asks("wait6")).as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.ends_with("soon5"));
    asked.waits().await;
    stream.write_all(asks("soon7").as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    asked.let_go().await;
    assert!(answer(&mut stream).await.ends_with("wait6"));
    assert!(answer(&mut stream).await.ends_with("soon7"));
    assert_eq!(server.repeated(), 0);
}

#[tokio::test]
async fn what_is_answered_between_is_not_taken_for_what_is_held() {
    let (server, asked) = scene(Settings::default());
    let mut stream = server.warm().await;
    // Read after a held answer, and answered by hyper, which then reads what is held.
    let other = get("/api/v1/nothing?soon", "Cookie: ines\r\n");
    assert!(ask(&mut stream, &other).await.starts_with("HTTP/1.1 404 "));
    assert!(ask(&mut stream, &asks("soon3")).await.ends_with("soon3"));
    assert!(ask(&mut stream, &other).await.starts_with("HTTP/1.1 404 "));
    // The same, with what comes next read while the first is answered.
    stream.write_all((other.clone() + &asks("wait4")).as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 404 "));
    asked.let_go().await;
    through(&mut stream, "ines asks wait4").await;
    assert_eq!(server.repeated(), 0);
}

#[tokio::test]
async fn what_comes_during_a_stream_is_not_taken_for_the_stream() {
    let (server, asked) = scene(Settings::default());
    let mut stream = server.warm().await;
    let flows = get("/api/v1/flows?x", "Cookie: ines\r\n");
    // Given back after a held answer, the stream has another request behind it, which is held after it.
    stream.write_all(flows.as_bytes()).await.unwrap();
    asked.waits().await;
    stream.write_all(asks("soon3").as_bytes()).await.unwrap();
    tokio::time::sleep(SHORT).await;
    asked.let_go().await;
    through(&mut stream, "6\r\nflowed\r\n0\r\n\r\n").await;
    through(&mut stream, "ines asks soon3").await;
    // The stream's own request is the stream's, and no repetition of what was held.
    stream.write_all(flows.as_bytes()).await.unwrap();
    asked.let_go().await;
    let told = through(&mut stream, "0\r\n\r\n").await;
    assert!(told.ends_with("6\r\nflowed\r\n0\r\n\r\n"), "{told}");
    assert_eq!(server.repeated(), 0);
}

#[tokio::test]
async fn a_head_in_two_packets_is_whole_wherever_it_was_cut() {
    let (server, _asked) = scene(Settings::default());
    let mut stream = server.warm().await;
    let request = asks("soon");
    for at in 1..request.len() {
        let before = server.stats.requests.get();
        let (one, two) = request.split_at(at);
        stream.write_all(one.as_bytes()).await.unwrap();
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        stream.write_all(two.as_bytes()).await.unwrap();
        let told = answer(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 200 ") && told.ends_with("ines asks soon"), "{at}: {told}");
        assert_eq!(server.stats.requests.get(), before + 1);
    }
}

/// A row of numbers that looks like chance, the same in each run.
fn chance(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).unwrap()
}

#[tokio::test]
async fn however_requests_are_cut_none_is_lost() {
    let (server, _asked) = scene(Settings::default());
    let mut state = 0x2545_f491_4f6c_dd1d;
    for _ in 0..60 {
        let (mut all, mut expected) = (Vec::new(), Vec::new());
        for number in 0..40 {
            let who = ["a", "b", "a", "a"][chance(&mut state, 4)];
            let request = match chance(&mut state, 12) {
                0 => {
                    expected.push(format!("body{number}"));
                    post("/api/v1/say", "", &format!("body{number}"))
                }
                kind => {
                    let query = format!("{}{number}", ["now", "soon-never", "soon", "soon"][kind % 4]);
                    expected.push(format!("{who} asks {query}"));
                    get(&format!("/api/v1/held?{query}"), &format!("Cookie: {who}\r\n"))
                }
            };
            all.push(request.into_bytes());
        }
        let mut stream = server.connect().await;
        // Some one by one, as browsers do, some in pieces of any size.
        if chance(&mut state, 2) == 0 {
            for (request, expected) in all.iter().zip(&expected) {
                let told = ask(&mut stream, std::str::from_utf8(request).unwrap()).await;
                assert!(told.ends_with(&format!("\r\n\r\n{expected}")), "{expected}: {told}");
            }
            continue;
        }
        let all = all.concat();
        let (mut reading, mut writing) = stream.into_split();
        let mut rest = &all[..];
        let write = async {
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(1 + chance(&mut state, rest.len().min(300)));
                writing.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
                rest = more;
            }
        };
        let read = async {
            for expected in &expected {
                // The body of what came right behind another has no length: it is looked for.
                let told = through(&mut reading, expected).await;
                assert!(told.contains("HTTP/1.1 200 OK\r\n"), "{expected}: {told}");
            }
        };
        tokio::join!(write, read);
    }
    assert!(server.repeated() > 100, "{}", server.repeated());
}

/// Everything up to some words.
async fn through(stream: &mut (impl tokio::io::AsyncRead + Unpin), words: &str) -> String {
    use tokio::io::AsyncReadExt;
    let mut all = Vec::new();
    while !all.ends_with(words.as_bytes()) {
        all.push(tokio::time::timeout(LONG, stream.read_u8()).await.expect("no answer").expect("closed"));
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_request_with_a_body_is_never_learnt() {
    let (server, asked) = scene(Settings::default());
    let mut stream = server.connect().await;
    let request = get("/api/v1/held?soon", "Content-Length: 0\r\n");
    for _ in 0..3 {
        assert!(ask(&mut stream, &request).await.ends_with("soon"));
    }
    assert_eq!(server.repeated(), 1, "no body is none");
    for (headers, body) in [("Content-Length: 2\r\n", "{}"), ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")] {
        let mut stream = server.connect().await;
        assert!(ask(&mut stream, &request).await.ends_with("soon"));
        let before = server.stats.requests.get();
        // The head is all that there is to read, and the answer would be there before the body.
        stream.write_all(get("/api/v1/held?wait", headers).as_bytes()).await.unwrap();
        asked.waits().await;
        stream.write_all(body.as_bytes()).await.unwrap();
        asked.let_go().await;
        through(&mut stream, "nobody asks wait").await;
        through(&mut stream, "\r\n0\r\n\r\n").await;
        // Whether the connection goes on after that is hyper's choice.
        for _ in 0..2 {
            let _ = stream.write_all((get("/api/v1/held?soon", headers) + body).as_bytes()).await;
        }
        let _ = stream.shutdown().await;
        let told = rest(&mut stream).await;
        assert!(!told.contains("HTTP/1.1 4"), "{told}");
        assert!(server.stats.requests.get() <= before + 3, "a body was taken for a request");
        assert_eq!(server.repeated(), 1);
    }
}

#[tokio::test]
async fn who_wants_the_connection_closed_has_it_closed() {
    let (server, _asked) = scene(Settings::default());
    for (this, that) in [("Host", "Connection: close\r\nHost"), ("HTTP/1.1", "HTTP/1.0")] {
        let mut stream = server.warm().await;
        stream.write_all(asks("soon3").replacen(this, that, 1).as_bytes()).await.unwrap();
        let told = rest(&mut stream).await;
        assert!(told.contains("connection: close\r\n") && told.ends_with("ines asks soon3"), "{told}");
    }
    assert_eq!(server.repeated(), 0);
}

#[tokio::test]
async fn who_leaves_is_waited_for_no_longer() {
    let (server, asked) = scene(Settings::default());
    for is_asking in [true, false] {
        let (given_up, closed) = (asked.given_up.load(Ordering::SeqCst), server.stats.connections.closed.get());
        let mut stream = server.warm().await;
        if is_asking {
            stream.write_all(asks("wait").as_bytes()).await.unwrap();
            asked.waits().await;
        }
        drop(stream);
        let left = async {
            while asked.given_up.load(Ordering::SeqCst) < given_up + 2 + usize::from(is_asking)
                || server.stats.connections.closed.get() == closed
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, left).await.expect("somebody is still waited for");
    }
    assert_eq!(server.repeated(), 1);
}

#[tokio::test]
async fn deadlines_are_those_of_any_connection() {
    let (server, asked) = scene(Settings { head: Some(SHORT), idle: Some(SHORT * 4), ..Settings::default() });
    // None while an answer is to come.
    let mut stream = server.warm().await;
    stream.write_all(asks("wait").as_bytes()).await.unwrap();
    asked.waits().await;
    tokio::time::sleep(SHORT * 6).await;
    asked.let_go().await;
    assert!(answer(&mut stream).await.ends_with("wait"));
    assert_eq!(server.repeated(), 1);
    // One for a connection at rest.
    let at = std::time::Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(at.elapsed() > SHORT * 2, "{:?}", at.elapsed());
    // One for the rest of a head.
    let mut stream = server.warm().await;
    stream.write_all(&asks("soon").as_bytes()[..30]).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn stopping_lets_answers_come_and_closes_their_connections() {
    let (mut server, asked) = scene(Settings { stop: LONG * 2, ..Settings::default() });
    let (mut held, mut idle) = (server.warm().await, server.warm().await);
    assert!(ask(&mut idle, &asks("soon")).await.ends_with("soon"));
    held.write_all(asks("wait").as_bytes()).await.unwrap();
    asked.waits().await;
    assert_eq!(server.repeated(), 2);
    server.stop();
    assert_eq!(rest(&mut idle).await, "", "nobody waits on it");
    asked.let_go().await;
    let told = rest(&mut held).await;
    assert!(told.contains("connection: close\r\n") && told.ends_with("ines asks wait"), "{told}");
    server.ended().await;
}
