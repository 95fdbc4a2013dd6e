//! Browsers, as many as wanted: each signs in as a guest, attaches, and keeps one poll or one stream open; every message is timed when it comes.

use crate::Outcome;
use crate::daemon::Daemon;
use crate::http::Http;
use crate::latency::{self, Latencies};
use crate::load::{Near, Subject};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// Log-ins under way at once.
const AT_ONCE: usize = 50;

/// Registrations under way at once: the daemon hashes few passwords at a time, and tells others to come again.
const REGISTER_AT_ONCE: usize = 2;

/// By what a browser follows its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Polls,
    Streams,
}

/// A stream is acknowledged as the page does it: with each sign of life after events, or so long after the last time, and after so much.
const ACK_AFTER: Duration = Duration::from_secs(15);
const ACK_EVENTS: usize = 64;
const ACK_BYTES: usize = 16 << 10;

/// What all browsers of a crowd saw.
#[derive(Default)]
struct Seen {
    online: AtomicUsize,
    /// Accounts that were signed on and then were not.
    lost: AtomicUsize,
    received: AtomicUsize,
    latencies: Mutex<Vec<Duration>>,
    /// Told of each answer with messages.
    arrived: Notify,
    failure: Mutex<Option<String>>,
}

impl Seen {
    /// The first thing that went wrong.
    fn check(&self) -> Outcome<()> {
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}

/// The browsers of one daemon.
pub(crate) struct Crowd {
    port: u16,
    root: u32,
    by: By,
    /// The guests become users of the site, whose lines are stored.
    kept: bool,
    seen: Arc<Seen>,
    gate: Arc<Semaphore>,
    browsers: Vec<tokio::task::JoinHandle<()>>,
}

impl Crowd {
    pub(crate) fn of(daemon: &Daemon) -> Self {
        Self::following(daemon, By::Polls)
    }

    pub(crate) fn following(daemon: &Daemon, by: By) -> Self {
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        Self { port: daemon.port, root: daemon.process.id(), by, kept: false, seen: Arc::default(), gate, browsers: Vec::new() }
    }

    /// Browsers whose guests become users of the site before they are counted as signed on.
    pub(crate) fn kept(daemon: &Daemon) -> Self {
        let mut crowd = Self::of(daemon);
        crowd.kept = true;
        crowd.gate = Arc::new(Semaphore::new(REGISTER_AT_ONCE));
        crowd
    }

    /// One more browser for each of the log-ins' `network`s; they are not waited for.
    pub(crate) fn begin(&mut self, networks: impl IntoIterator<Item = Value>) {
        for network in networks {
            let name = self.kept.then(|| name(self.browsers.len()));
            let (port, by, seen, gate) = (self.port, self.by, Arc::clone(&self.seen), Arc::clone(&self.gate));
            self.browsers.push(tokio::spawn(async move {
                if let Err(error) = browse(port, by, &network, name.as_deref(), &seen, &gate).await {
                    seen.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
                }
            }));
        }
    }

    /// How many accounts are signed on.
    pub(crate) fn online(&self) -> usize {
        self.seen.online.load(Relaxed)
    }

    /// How many accounts were signed on and then were not, once or more often. Messages to those are not timed any more.
    pub(crate) fn lost(&self) -> usize {
        self.seen.lost.load(Relaxed)
    }

    /// Waits until all are signed on; gives up when none more is for two minutes.
    pub(crate) async fn all_online(&self) -> Outcome<()> {
        let (mut before, mut since) = (self.online(), tokio::time::Instant::now());
        while self.online() < self.browsers.len() {
            self.seen.check()?;
            if self.online() > before {
                (before, since) = (self.online(), tokio::time::Instant::now());
            } else if since.elapsed() > Duration::from_secs(120) {
                return Err(format!("only {before} of {} signed on, and none more for two minutes", self.browsers.len()).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub(crate) async fn join(&mut self, networks: impl IntoIterator<Item = Value>) -> Outcome<()> {
        self.begin(networks);
        self.all_online().await
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for browser in &self.browsers {
            browser.abort();
        }
    }
}

impl Subject for Crowd {
    fn root(&self) -> u32 {
        self.root
    }

    async fn count(&mut self) -> Outcome<usize> {
        self.seen.check()?;
        Ok(self.seen.received.load(Relaxed))
    }

    async fn take(&mut self) -> Outcome<Latencies> {
        Ok(Latencies(std::mem::take(&mut *self.seen.latencies.lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl Near for Crowd {
    async fn arrival(&mut self) {
        self.seen.arrived.notified().await;
    }
}

/// `network` of a log-in for account `u{n}` of a Prosody of ours.
pub(crate) fn jabber(n: usize, port: u16) -> Value {
    json!({ "protocol": "prpl-jabber", "username": format!("u{n}@localhost"), "password": "secret",
        "options": { "connect_server": "127.0.0.1", "port": port, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true } })
}

/// `network` of a log-in for nick `u{n}` on an ngircd of ours.
pub(crate) fn irc(n: usize, port: u16) -> Value {
    json!({ "protocol": "prpl-irc", "username": format!("u{n}@127.0.0.1"), "options": { "port": port } })
}

/// The name of a user of the site, in the order in which browsers were added.
pub(crate) fn name(n: usize) -> String {
    format!("user{n}")
}

/// Long enough, and in no list of passwords that are easily guessed.
pub(crate) fn password(name: &str) -> String {
    format!("{name} keeps what was said")
}

/// One browser, for ever. Its guest becomes the user of the site called `name`.
async fn browse(port: u16, by: By, network: &Value, name: Option<&str>, seen: &Seen, gate: &Semaphore) -> Outcome<()> {
    let permit = gate.acquire().await?;
    // Not before: a connection without a request is closed after a while.
    let mut http = Http::connect(port).await?;
    http.ask("POST", "/api/v1/login", Some(&json!({ "network": network }).to_string())).await?;
    let state: Value = serde_json::from_str(http.ask("POST", "/api/v1/attach", Some(&json!({ "client": "bench" }).to_string())).await?)?;
    let epoch = match state.get("epoch") {
        Some(Value::String(epoch)) => epoch.clone(),
        other => return Err(format!("an attach answer with the epoch {other:?}").into()),
    };
    let after = state.get("seq").and_then(Value::as_u64).ok_or("no seq in the attach answer")?;
    let accounts = state.pointer("/snapshot/accounts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let online = accounts.iter().any(|account| account.get("state").and_then(Value::as_str) == Some("online"));
    if let Some(name) = name {
        let body = json!({ "name": name, "password": password(name) }).to_string();
        // Few passwords are hashed at once, on purpose: others are told to come again.
        while let Err(error) = http.ask("POST", "/api/v1/register", Some(&body)).await.map(drop) {
            if !error.to_string().contains(r#""code":"busy""#) {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    drop(permit);
    let mut account = Account::default();
    if online {
        account.goes("online", seen)?;
    }
    match by {
        By::Polls => poll(&mut http, &epoch, after, &mut account, seen).await,
        By::Streams => stream(&mut http, &epoch, after, &mut account, seen).await,
    }
}

async fn poll(http: &mut Http, epoch: &str, mut after: u64, account: &mut Account, seen: &Seen) -> Outcome<()> {
    let mut path = String::new();
    for n in 1u64.. {
        path.clear();
        write!(path, "/api/v1/poll?client=bench&epoch={epoch}&after={after}&n={n}")?;
        let answer = http.ask("GET", &path, None).await?;
        if answer.contains(r#""reset":"#) {
            return Err(format!("the log was reset: {answer}").into());
        }
        if let Some(seq) = last_seq(answer) {
            after = seq;
        }
        messages(answer, account.lost, seen);
        if answer.contains(r#""account.state""#) {
            let answer: Value = serde_json::from_str(answer)?;
            for event in answer.get("events").and_then(Value::as_array).into_iter().flatten() {
                account.hears(event, seen)?;
            }
        }
    }
    Ok(())
}

/// With its commands' connection, on which it acknowledges.
async fn stream(http: &mut Http, epoch: &str, mut after: u64, account: &mut Account, seen: &Seen) -> Outcome<()> {
    let mut commands = http.another().await?;
    for n in 1u64.. {
        http.open(&format!("/api/v1/stream?client=bench&epoch={epoch}&after={after}&n={n}")).await?;
        let (mut events, mut bytes, mut last) = (0, 0, None::<Instant>);
        loop {
            let mut beats = false;
            let more = http.part(|part| {
                if part.contains("event: reset") {
                    return Err(format!("the log was reset: {part}").into());
                }
                beats = part.contains("event: heartbeat");
                if !beats && let Some(seq) = last_seq(part) {
                    after = seq;
                    events += part.matches("\nid: ").count() + 1;
                    bytes += part.len();
                }
                messages(part, account.lost, seen);
                if part.contains(r#""account.state""#) {
                    for data in part.lines().filter_map(|line| line.strip_prefix("data: ")) {
                        account.hears(&serde_json::from_str(data)?, seen)?;
                    }
                }
                Ok(())
            });
            if !more.await? {
                break;
            }
            let is_due = beats && (events > 0 || last.is_none_or(|last| last.elapsed() >= ACK_AFTER));
            if is_due || events >= ACK_EVENTS || bytes >= ACK_BYTES {
                let body = json!({ "client": "bench", "commands": [], "epoch": epoch, "after": after }).to_string();
                commands.ask("POST", "/api/v1/commands", Some(&body)).await?;
                (events, bytes, last) = (0, 0, Some(Instant::now()));
            }
        }
    }
    Ok(())
}

/// Of the last event: a browser would read the JSON, which here would cost more than what is measured.
fn last_seq(answer: &str) -> Option<u64> {
    let rest = answer.rsplit_once(r#""seq":"#)?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The browser's account.
#[derive(Default)]
struct Account {
    online: bool,
    lost: bool,
}

impl Account {
    fn goes(&mut self, state: &str, seen: &Seen) -> Outcome<()> {
        if state == "error" {
            return Err("an account failed".into());
        }
        let before = std::mem::replace(&mut self.online, state == "online");
        if self.online && !before {
            seen.online.fetch_add(1, Relaxed);
        }
        if before && !self.online {
            seen.online.fetch_sub(1, Relaxed);
            if !std::mem::replace(&mut self.lost, true) {
                seen.lost.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    /// How it stands, if this event is about that.
    fn hears(&mut self, event: &Value, seen: &Seen) -> Outcome<()> {
        if event.get("type").and_then(Value::as_str) == Some("account.state") {
            let state = event.get("state").and_then(Value::as_str).unwrap_or_default();
            self.goes(state, seen).map_err(|error| format!("{error}: {event}"))?;
        }
        Ok(())
    }
}

/// Counts the messages, and times them unless the account was `lost`.
fn messages(answer: &str, lost: bool, seen: &Seen) {
    let mut ages = answer.split(r#""type":"message.received""#).skip(1).map(latency::age).peekable();
    if ages.peek().is_none() {
        return;
    }
    let mut latencies = seen.latencies.lock().unwrap_or_else(PoisonError::into_inner);
    let mut count = 0;
    for age in ages {
        count += 1;
        latencies.extend(age.filter(|_| !lost));
    }
    drop(latencies);
    seen.received.fetch_add(count, Relaxed);
    seen.arrived.notify_one();
}
