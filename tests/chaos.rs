//! Promise: while plugins bring worker after worker down in every way they can, every message of 200 people who chat is accounted for.
//!
//! `BELLFLOWER_CHAOS_SECONDS` says how long (20 unless set; `make chaos` takes ten minutes), `BELLFLOWER_CHAOS_SEED` repeats an order of harms.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Daemon, PATIENCE, Prosody, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const USERS: usize = 200;
const MALLORIES: usize = 4;
/// How long a user waits between two messages.
const PAUSE: Duration = Duration::from_millis(1500);
/// A worker that hangs is ended after this, and its connections look alive to their server until then.
const HANG: Duration = Duration::from_secs(4);
/// So long a message, and what shows that its receiver's worker lives, may be on their ways to two pages: when much has happened, both lie behind
/// that.
const ON_THE_WAY: Duration = Duration::from_secs(4);
const HARMS: &[&str] = &["segfault", "abort", "exit 0", "loop", "leak 1024", "flood 5000", "close", "garbage"];

fn name(user: usize) -> String {
    format!("u{user:03}")
}

/// Everyone talks to the one who is half the table away; the two are in different workers as often as not.
fn partner(user: usize) -> usize {
    (user + USERS / 2) % USERS
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What a user's page saw.
#[derive(Default)]
struct Seen {
    /// Own messages: when their fate was told, and what it was.
    sent: HashMap<usize, (Instant, String)>,
    /// Messages of the partner, and how often.
    heard: HashMap<usize, usize>,
    /// When the account's worker showed that it read and told: by a message, or by what became of an own one.
    alive: Vec<Instant>,
    /// When the account was away.
    away: Vec<(Instant, Instant)>,
    lost: Option<Instant>,
}

impl Seen {
    fn note(&mut self, event: &Value) {
        let now = Instant::now();
        match event["type"].as_str().unwrap_or_default() {
            "message.received" => {
                self.alive.push(now);
                if let Some(number) = number(&event["message"]) {
                    *self.heard.entry(number).or_default() += 1;
                }
            }
            "message.sent" | "message.failed" | "message.system" => {
                if let (Some(number), Some(state)) = (number(&event["message"]), event["message"]["state"].as_str())
                    && state != "pending"
                {
                    self.sent.insert(number, (now, state.to_owned()));
                }
            }
            "account.state" => match event["state"].as_str() {
                Some("online") => self.away.extend(self.lost.take().map(|lost| (lost, now))),
                _ => _ = self.lost.get_or_insert(now),
            },
            _ => {}
        }
    }

    /// Whether a message whose fate was told then may be gone with this user's worker: it hung, or died with what it had read and not told. One
    /// that lived on after that has told it.
    fn was_away(&self, at: Instant) -> bool {
        let lived_on = |lost: Instant| self.alive.iter().any(|alive| *alive > at + ON_THE_WAY && *alive < lost);
        self.away.iter().any(|(lost, back)| at < *back && !lived_on(*lost))
    }

    /// For a failure: from and to when this user was away, in seconds from `at`.
    fn away_from(&self, at: Instant) -> Vec<(f64, f64)> {
        let from = |time: &Instant| time.saturating_duration_since(at).as_secs_f64() - at.saturating_duration_since(*time).as_secs_f64();
        self.away.iter().map(|(lost, back)| (from(lost), from(back))).collect()
    }
}

/// `hello 12` of the partner.
fn number(message: &Value) -> Option<usize> {
    message["text"].as_str()?.strip_prefix("hello ")?.parse().ok()
}

struct User {
    number: usize,
    client: WireClient,
    conversation: String,
    /// Its account, for `conversation.open`.
    seen: Seen,
}

impl User {
    fn poll(&mut self) {
        self.poll_within(PATIENCE);
    }

    /// One poll, cut when nothing comes.
    fn poll_within(&mut self, patience: Duration) {
        let Some(answer) = self.client.poll_within(patience) else { return };
        assert!(answer.status == 200 && answer.body["reset"].is_null(), "{}: {answer:?}", self.number);
        for event in answer.body["events"].as_array().into_iter().flatten() {
            self.seen.note(event);
        }
    }

    /// Says something, and polls until it is known what became of it.
    fn say(&mut self, count: usize) {
        let text = format!("hello {count}");
        let id = self.client.new_id();
        let deadline = Instant::now() + PATIENCE;
        // Busy while its worker is on its way out: not taken, to be sent again under the same id.
        loop {
            let fields = json!({ "conversation": self.conversation, "text": text });
            let answer = self.client.post_command(&id, "message.send", fields);
            if answer.status == 202 {
                break;
            }
            assert!(answer.code() == "busy" && Instant::now() < deadline, "{answer:?}");
            self.poll_within(Duration::from_millis(100));
        }
        loop {
            let answer = self.client.poll();
            assert!(answer.status == 200 && answer.body["reset"].is_null(), "{}: {answer:?}", self.number);
            let mut ended = None;
            for event in answer.body["events"].as_array().into_iter().flatten() {
                self.seen.note(event);
                if event["origin"]["command"] == *id && (event["type"] == "command.done" || event["type"] == "command.failed") {
                    ended = Some(event["error"]["code"].as_str().unwrap_or("done").to_owned());
                    if event["type"] == "command.done" {
                        self.seen.alive.push(Instant::now());
                    }
                }
            }
            if let Some(code) = ended {
                // A refused one has no line of its own.
                let state = match code.as_str() {
                    "done" => "sent",
                    "unknown_fate" => "unknown",
                    _ => "failed",
                };
                self.seen.sent.entry(count).or_insert((Instant::now(), state.to_owned()));
                return;
            }
            assert!(Instant::now() < deadline, "{} does not hear what became of {text:?}", self.number);
        }
    }

    /// Chats until told to stop, then listens until everybody is back: who went last is noted when it happens, too.
    fn chat(&mut self, stop: &AtomicBool, back: &AtomicBool, count: &AtomicUsize) {
        let mut own = 0;
        while !stop.load(Ordering::Acquire) {
            self.say(own);
            own += 1;
            count.fetch_add(1, Ordering::Relaxed);
            // What a page sees is noted when it happens, not after the pause.
            let pause = Instant::now() + PAUSE;
            while let Some(left) = pause.checked_duration_since(Instant::now()) {
                self.poll_within(left);
            }
        }
        while !back.load(Ordering::Acquire) {
            self.poll_within(PAUSE);
        }
    }
}

/// Ends what watches it.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A repeatable order of harms.
struct Dice(u64);

/// All harms, one after the other in an order by chance, again and again: each is done, however short the run.
#[derive(Default)]
struct Deck(Vec<&'static str>);

impl Deck {
    fn draw(&mut self, dice: &mut Dice) -> &'static str {
        if self.0.is_empty() {
            self.0 = HARMS.to_vec();
        }
        self.0.swap_remove(dice.roll(self.0.len()))
    }
}

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("fewer sides than that")
    }
}

fn online(client: &mut WireClient) -> bool {
    client.attach();
    client.snapshot["accounts"][0]["state"] == "online"
}

#[test]
fn many_messages_are_accounted_for_whatever_plugins_do() {
    let seconds = setting("BELLFLOWER_CHAOS_SECONDS").unwrap_or(20);
    let seed = setting("BELLFLOWER_CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 0xb311);
    eprintln!("BELLFLOWER_CHAOS_SEED={seed}");
    let prosody = Prosody::builder().users((0..USERS).map(name)).start();
    let daemon = Daemon::builder(BELLFLOWER)
        .config("workers = 4")
        .config("isolation = \"shared\"")
        .limit("attaches_per_minute", 0)
        .limit("sign_ons_per_second", 100);
    // As many workers as there may be: who did harm is among the others again.
    let mut daemon =
        daemon.mischief(&format!("most = 4\naccounts = 0\ncrashes = 0\nmemory_most_mb = 400\nhang = \"{}s\"", HANG.as_secs())).start();
    // What libpurple says of connections that a harm has broken, and threads that lose their descriptors, are part of the harm.
    ["libpurple", "glib", "panicked at"].into_iter().for_each(|part| daemon.allow_log(part));

    let mut users: Vec<User> = (0..USERS)
        .map(|number| User { number, client: daemon.client(&name(number)), conversation: String::new(), seen: Seen::default() })
        .collect();
    each(&mut users, |user| {
        user.client.sign_in_xmpp(&prosody, &name(user.number));
        user.conversation = user.client.open(&format!("{}@localhost", name(partner(user.number))));
    });
    let mut mallories: Vec<WireClient> = (0..MALLORIES).map(|number| daemon.client(&format!("mallory{number}"))).collect();
    let harm: Vec<String> = mallories
        .iter_mut()
        .enumerate()
        .map(|(number, client)| {
            client.sign_in_mischief(&format!("mallory{number}"));
            client.open("harm")
        })
        .collect();

    let (stop, back, count) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_secs(seconds);
    let harms = std::thread::scope(|scope| {
        for user in &mut users {
            scope.spawn(|| user.chat(&stop, &back, &count));
        }
        // Also when something here fails.
        let (_back, stops) = (Stops(&back), Stops(&stop));
        let (mut dice, mut deck, mut harms) = (Dice(seed | 1), Deck::default(), 0);
        while Instant::now() < end {
            let (who, what) = (dice.roll(MALLORIES), deck.draw(&mut dice));
            wait_until("a Mallory to be there", PATIENCE, || online(&mut mallories[who]).then_some(()));
            let id = mallories[who].new_id();
            let asked = mallories[who].post_command(&id, "message.send", json!({ "conversation": harm[who], "text": what }));
            // Busy when its worker has just gone for another's sake.
            harms += usize::from(asked.status == 202);
            std::thread::sleep(Duration::from_millis(500 + dice.roll(2500) as u64));
        }
        drop(stops);
        for mallory in &mut mallories {
            wait_until("all Mallories to be there", PATIENCE, || online(mallory).then_some(()));
        }
        harms
    });
    // Everybody is back, and what is said now arrives; it comes after all that was said before.
    each(&mut users, |user| {
        let account = user.client.account();
        while user.seen.lost.is_some() {
            user.poll();
        }
        let state = wait_until("the account", PATIENCE, || {
            let mut tab = user.client.tab("look");
            online(&mut tab).then(|| tab.snapshot["accounts"][0]["id"].clone())
        });
        assert_eq!(state, *account);
    });
    let last = 1_000_000;
    each(&mut users, |user| user.say(last));
    each(&mut users, |user| {
        let deadline = Instant::now() + PATIENCE;
        while !user.seen.heard.contains_key(&last) {
            assert!(Instant::now() < deadline, "{} did not hear the last word of {}", user.number, partner(user.number));
            user.poll();
        }
    });
    account_for(&users, harms, count.into_inner(), &daemon);
}

/// Each message by its fate, as its sender's page tells it, and as its receiver's does.
fn account_for(users: &[User], harms: usize, count: usize, daemon: &Daemon) {
    let (mut arrived, mut gone, mut unknown, mut refused) = (0, 0, 0, 0);
    for user in users {
        let other = &users[partner(user.number)].seen;
        for (number, (at, state)) in &user.seen.sent {
            let heard = other.heard.get(number).copied().unwrap_or(0);
            let whose = format!("message {number} of {}, {state}, heard {heard} times", user.number);
            assert!(heard <= 1, "doubled: {whose}");
            match (state.as_str(), heard) {
                ("sent", 1) => arrived += 1,
                // It was in the hands of a worker that went, at one end or the other.
                ("sent", 0) => {
                    assert!(
                        other.was_away(*at) || user.seen.was_away(*at),
                        "lost without a crash: {whose}; away, in seconds from when its fate was told: its receiver {:?}, its sender {:?}",
                        other.away_from(*at),
                        user.seen.away_from(*at)
                    );
                    gone += 1;
                }
                ("unknown", _) => unknown += 1,
                ("failed", 0) => refused += 1,
                _ => panic!("{whose}"),
            }
        }
        for number in other.heard.keys() {
            assert!(user.seen.sent.contains_key(number), "{} heard {number}, which nobody said", other.heard.len());
        }
    }
    let longest = users.iter().flat_map(|user| &user.seen.away).map(|(lost, back)| *back - *lost).max().unwrap_or_default();
    let restarts = daemon.stats()["workers_restarted"].as_u64().expect("a figure");
    eprintln!(
        "{harms} harms, {restarts} workers replaced; {count} messages: {arrived} arrived, {gone} went with a worker, {unknown} of unknown fate, \
         {refused} refused; longest absence {longest:?}"
    );
    assert!(gone * 3 < arrived, "too many went with their workers");
    // Of the eight kinds five bring a worker down for sure, unless it is on its way out for another's sake.
    assert!(restarts as usize >= harms / 3, "they did not do much harm: {restarts} workers replaced after {harms} harms");
    assert!(arrived > count / 5, "hardly anything arrived");
}

/// Does this for every user, each on a thread of its own.
fn each(users: &mut [User], body: impl Fn(&mut User) + Sync) {
    let body = &body;
    for share in users.chunks_mut(50) {
        std::thread::scope(|scope| {
            for user in share {
                scope.spawn(move || body(user));
            }
        });
    }
}
