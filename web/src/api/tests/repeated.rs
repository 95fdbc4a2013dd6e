//! Polls one after another on one real connection, as browsers send them: the server answers them without a look at anything but the query,
//! and nobody can tell.

use super::{COOKIE, Site};
use crate::server::listen::Listener;
use crate::server::{Settings, serve};
use crate::session::tests::{network, opened, said};
use crate::session::{Hub, SessionConfig};
use crate::stats::Stats;
use bridge::event::Event;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    site: Site,
    address: SocketAddr,
    stats: Arc<Stats>,
}

impl Served {
    fn new(hold_ms: u64) -> Self {
        let site = Site::with(SessionConfig { hold_ms, attaches_per_minute: 0, ..SessionConfig::default() });
        let listener = Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local().unwrap().unwrap();
        let stats = Arc::new(Stats::default());
        let routes = super::session_routes(&site.hub);
        let routes = warp::Filter::boxed(warp::Filter::unify(warp::Filter::recover(routes, super::refused)));
        tokio::spawn(serve(
            listener,
            routes,
            tokio::sync::watch::channel(Settings::default()).1,
            Arc::clone(&stats),
            std::future::pending(),
        ));
        Self { site, address, stats }
    }

    async fn browser(&self, client: &'static str) -> Browser {
        self.site.attach(client);
        let (token, epoch) = (self.site.login.token.clone(), self.site.session.epoch.to_string());
        Browser { stream: TcpStream::connect(self.address).await.unwrap(), token, client, epoch, n: 0, after: 0 }
    }

    /// Waits until so many polls are held, of all that ever were.
    async fn held(&self, count: u64) {
        let held = async {
            while self.site.hub.counters().polls_parked.get() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, held).await.expect("no poll is held");
    }

    fn repeated(&self) -> u64 {
        self.stats.requests_repeated.get()
    }

    /// Two polls that are answered with an event each; the next is known by its looks.
    async fn warm(&self, browser: &mut Browser) {
        for _ in 0..2 {
            let before = self.site.hub.counters().polls_parked.get();
            browser.poll().await;
            self.held(before + 1).await;
            self.site.tell([opened(1)]);
            let answer = browser.answer().await;
            assert_eq!(answer["events"].as_array().map(Vec::len), Some(1), "{answer}");
        }
    }
}

/// A tab that polls on a connection of its own.
struct Browser {
    stream: TcpStream,
    token: String,
    client: &'static str,
    epoch: String,
    n: u64,
    after: u64,
}

impl Browser {
    fn query(&mut self) -> String {
        self.n += 1;
        format!("client={}&epoch={}&after={}&n={}", self.client, self.epoch, self.after, self.n)
    }

    async fn ask(&mut self, query: &str) {
        let (token, accept) = (&self.token, "Accept-Encoding: gzip, br\r\nSec-Fetch-Site: same-origin");
        let request = format!("GET /api/v1/poll?{query} HTTP/1.1\r\nHost: here\r\n{accept}\r\nCookie: x=1; {COOKIE}={token}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    async fn poll(&mut self) {
        let query = self.query();
        self.ask(&query).await;
    }

    /// Status and headers but the date, in some order, and the body.
    async fn whole(&mut self) -> (Vec<String>, Vec<u8>) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tokio::time::timeout(PATIENCE, self.stream.read_u8()).await.expect("no answer").expect("closed"));
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines: Vec<String> = head.lines().filter(|line| !line.starts_with("date: ")).map(str::to_owned).collect();
        lines.sort();
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).expect("a length");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        (lines, body)
    }

    async fn answer(&mut self) -> Value {
        let (_, body) = self.whole().await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        self.after = answer["events"].as_array().and_then(|events| events.last()?["seq"].as_u64()).unwrap_or(self.after);
        answer
    }
}

#[tokio::test]
async fn every_event_is_heard_and_every_poll_counted() {
    let served = Served::new(20_000);
    let mut browser = served.browser("c").await;
    served.warm(&mut browser).await;
    for round in 1..=5 {
        browser.poll().await;
        served.held(2 + round).await;
        served.site.tell([said(1, &format!("words {round}"))]);
        let answer = browser.answer().await;
        assert_eq!(answer["events"][0]["message"]["text"], format!("words {round}"), "{answer}");
        assert_eq!(served.repeated(), round);
    }
    // What is there already.
    served.site.tell([said(1, "before it was asked for")]);
    browser.poll().await;
    assert_eq!(browser.answer().await["events"][0]["message"]["text"], "before it was asked for");
    assert_eq!((served.repeated(), served.stats.requests.get(), served.stats.answers[1].get()), (6, 8, 8));
    assert_eq!(served.site.hub.counters().polls.get(), 8);
}

#[tokio::test]
async fn any_query_is_answered_as_on_the_first_request() {
    let served = Served::new(60);
    served.site.tell([opened(1), said(1, &"long ".repeat(1000))]);
    let (epoch, last) = (served.site.session.epoch.to_string(), served.site.session.lock().log.last());
    let good = format!("client=c&epoch={epoch}&after=");
    for (query, is_repeated) in [
        // Its hold ends, or there is much to hear; with any `n` or none.
        (format!("{good}{last}"), true),
        (format!("{good}0"), true),
        (format!("after=0&n=90&epoch={epoch}&client=c"), true),
        // What the answer refuses.
        (format!("{good}0&n=0"), true),
        (format!("{good}77"), true),
        (good.replace("=c&", "=d&") + "0", true),
        (format!("client=c&epoch=other&after={last}"), true),
        // What is not read here.
        (format!("{good}0&n="), false),
        (format!("{good}0&n=-1"), false),
        (format!("{good}0&n=1&n=2"), false),
        (format!("{good}0&x=1"), false),
        (format!("{good}0&"), false),
        (format!("{good}0&n"), false),
        (good.clone(), false),
        (format!("{good}%30"), false),
        (format!("{good}+1"), false),
        (good.replace("=c&", "=%63&") + "0", false),
        (good.replace("=c&", "=+c&") + "0", false),
        (format!("epoch={epoch}&after=0"), false),
        (String::new(), false),
    ] {
        let mut answers = Vec::new();
        for is_first in [true, false] {
            // Attached anew: nothing is acknowledged, and the numbers begin anew.
            let mut browser = served.browser("c").await;
            served.site.session.lock().client("c").unwrap().acked = 0;
            if !is_first {
                for _ in 0..2 {
                    browser.ask(&format!("{good}{last}&n=1")).await;
                    assert_eq!(browser.answer().await["end"], "hold");
                }
                served.site.attach("c");
                served.site.session.lock().client("c").unwrap().acked = 0;
            }
            let before = served.repeated();
            if query.ends_with("n=0") {
                served.site.session.lock().client("c").unwrap().n = Some(3);
            }
            browser.ask(&query).await;
            answers.push(browser.whole().await);
            assert_eq!(served.repeated() - before, u64::from(is_repeated && !is_first), "{query}");
        }
        assert_eq!(answers[0], answers[1], "{query}");
        assert!(!answers[0].0.iter().any(|line| line.starts_with("content-encoding")), "{query}");
    }
}

#[tokio::test]
async fn who_has_signed_out_is_told_so() {
    // While nothing is held.
    let served = Served::new(20_000);
    let mut browser = served.browser("c").await;
    served.warm(&mut browser).await;
    served.site.logout(&served.site.login.token);
    browser.poll().await;
    let (head, body) = browser.whole().await;
    assert!(head.contains(&"HTTP/1.1 401 Unauthorized".to_owned()), "{head:?}");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["error"]["code"], "session_ended");
    assert_eq!(served.repeated(), 0);

    // While a poll is held that was known by its looks; the session is not kept by the connection.
    let served = Served::new(20_000);
    let mut browser = served.browser("c").await;
    served.warm(&mut browser).await;
    browser.poll().await;
    served.held(3).await;
    assert_eq!(served.repeated(), 1);
    served.site.logout(&served.site.login.token);
    assert_eq!(browser.answer().await["end"], "auth");
    let Site { session, .. } = served.site;
    assert_eq!(Arc::strong_count(&session), 1, "somebody keeps the session");
}

#[tokio::test]
async fn two_users_of_one_connection_hear_their_own() {
    let served = Served::new(20_000);
    let hub = &served.site.hub;
    let other = Hub::open_guest(hub, network(), bridge::id::PersonId(1)).unwrap();
    let other_session = hub.authenticate(&other.token).unwrap();
    other_session.lock().accounts.iter_mut().for_each(|account| account.id = served.site.login.account);
    let mut browser = served.browser("c").await;
    let mine = (browser.token.clone(), browser.epoch.clone(), served.site.session.id());
    hub.attach(&other_session, "c").unwrap();
    let theirs = (other.token.clone(), other_session.epoch.to_string(), other_session.id());
    let mut cursors = [0, 0];
    let mut held = 0;
    for (number, who) in [0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1].into_iter().enumerate() {
        let (token, epoch, _) = if who == 0 { mine.clone() } else { theirs.clone() };
        (browser.token, browser.epoch, browser.after) = (token, epoch, cursors[who]);
        browser.poll().await;
        held += 1;
        served.held(held).await;
        for (user, words) in [(mine.2, "to me"), (theirs.2, "to them")] {
            let kinds = [opened(1), said(1, &format!("{words} {number}"))];
            hub.take_batch(kinds.into_iter().map(|kind| Event { user, origin: None, kind }).collect());
        }
        let answer = browser.answer().await.to_string();
        let (own, foreign) = if who == 0 { ("to me", "to them") } else { ("to them", "to me") };
        assert!(!answer.contains(foreign), "{number}: {answer}");
        assert!(answer.contains(own), "{number}: {answer}");
        // All that there is by now, so that the next poll is held.
        cursors = [&served.site.session, &other_session].map(|session| session.lock().log.last());
    }
    assert_eq!(served.repeated(), 1 + 2 + 3, "of each row all but one, of the first all but two");
}

#[tokio::test]
async fn a_newer_poll_ends_an_older_one() {
    let served = Served::new(20_000);
    let (mut old, mut new) = (served.browser("c").await, served.browser("c").await);
    served.warm(&mut old).await;
    (new.n, new.after) = (old.n, old.after);
    served.warm(&mut new).await;
    (old.n, old.after) = (new.n, new.after);
    old.poll().await;
    served.held(5).await;
    new.n = old.n;
    new.poll().await;
    served.held(6).await;
    let answer = old.answer().await;
    assert_eq!((&answer["end"], &answer["events"]), (&json!("superseded"), &json!([])));
    assert_eq!(served.repeated(), 2);
    // And an older number is refused at once.
    old.n -= 1;
    old.poll().await;
    assert_eq!(old.answer().await["end"], "superseded");
    assert_eq!(served.repeated(), 3);
    // Nobody polls any more whose connection is gone.
    drop(new);
    let gone = async {
        while served.site.session.lock().clients.iter().any(|client| client.is_parked()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the poll is still held");
}
