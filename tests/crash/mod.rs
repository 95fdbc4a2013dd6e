//! A site whose libpurple is in two processes, with people in both and someone who does harm in one; it asserts what holds after any harm.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Daemon, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// How often the bystander is written to.
const TICK: Duration = Duration::from_millis(15);
/// A user of another worker notices no more than this of a harm, unless who has no daemon between waits half as long as well: then it is the chat
/// server, or a processor, that is waited for.
const NOTICED: Duration = Duration::from_millis(100);
/// For a victim to be back, beyond what it takes to notice a hang.
const BACK: Duration = Duration::from_secs(10);

/// Ines and Mallory share a worker, Ida has the other; Bob is on the server.
pub(crate) struct Site {
    /// It ends first: to find its server gone is a complaint, and no harm was to bring one.
    pub(crate) daemon: Daemon,
    pub(crate) prosody: Prosody,
    pub(crate) ines: WireClient,
    pub(crate) ida: WireClient,
    pub(crate) mallory: WireClient,
    /// Mallory's conversation with nobody in particular, in which harm is asked for.
    pub(crate) harm: String,
    pub(crate) bob: XmppPeer,
}

impl Site {
    /// `worker`: lines of `[worker]`.
    pub(crate) fn new(worker: &str) -> Self {
        let prosody = Prosody::builder().users(["ines", "ida", "bob", "ticker", "wall"]).friends("ines", "bob", "Friends").start();
        let daemon = Daemon::builder(BELLFLOWER).config("workers = 2").config("isolation = \"shared\"").limit("attaches_per_minute", 0);
        let daemon = daemon.mischief(worker).start();
        let bob = XmppPeer::connect(&prosody, "bob");
        // Who comes last is put where fewer buddies are known to be, and then into the first: Ines is the only one who has any.
        let mut mallory = daemon.client("mallory");
        mallory.sign_in_mischief("mallory");
        let mut ida = daemon.client("ida");
        ida.sign_in_xmpp(&prosody, "ida");
        let mut ines = daemon.client("ines");
        ines.sign_in_xmpp(&prosody, "ines");
        let harm = mallory.open("harm");
        wait_until("Mallory to share the first worker with Ines", PATIENCE, || {
            let accounts: Vec<_> = daemon.workers().iter().map(|one| one["load"]["accounts"].as_u64()).collect();
            (accounts == [Some(2), Some(1)]).then_some(())
        });
        Self { prosody, daemon, ines, ida, mallory, harm, bob }
    }

    /// Has Mallory's protocol do something, without waiting for what comes of it.
    pub(crate) fn ask(&mut self, what: &str) -> String {
        self.mallory.command("message.send", json!({ "conversation": self.harm, "text": what }))
    }

    /// How often a worker was replaced.
    pub(crate) fn restarts(&self) -> u64 {
        self.daemon.stats()["workers_restarted"].as_u64().expect("workers_restarted")
    }

    /// Does `harm` to the worker of Ines and Mallory, which takes `limit` at most to be noticed, and checks that both come back with all they
    /// had, that Ida notices nothing, and that nobody gets anything twice.
    pub(crate) fn strike(&mut self, harm: &str, limit: Duration) {
        let room = self.ines.join(&json!({ "room": "den", "server": "rooms.localhost", "handle": "ines" }));
        self.bob.join("den@rooms.localhost", "bob");
        self.ines.say(&room, "before the harm");
        self.bob.hears("before the harm");
        let conversation = self.ines.open("bob@localhost");
        let [mut ticker, mut wall] = ["ticker", "wall"].map(|name| XmppPeer::connect(&self.prosody, name));
        let stop = AtomicBool::new(false);
        let account = self.ines.account();

        let (delays, beside, ticks) = std::thread::scope(|scope| {
            // Also when something here fails: the threads would otherwise be waited for for ever.
            let stops = Stops(&stop);
            let ticks = scope.spawn(|| tick(&mut ticker, &stop));
            let ida = &mut self.ida;
            let heard = scope.spawn(|| listen(ida, &stop));
            let beside = scope.spawn(|| stand_by(&mut wall));
            let struck = Instant::now();
            let command = self.mallory.command("message.send", json!({ "conversation": self.harm, "text": harm }));
            away(&mut self.ines);
            self.ines.wait_account_state(&account, &["online"]);
            let gone = struck.elapsed();
            let theirs = self.mallory.account();
            away(&mut self.mallory);
            self.mallory.wait_account_state(&theirs, &["online"]);
            // Nobody knows what became of the message that did it. What is taken is seen only when it is looked at: it may have ended well by then.
            let outcome = self.mallory.outcome(&command);
            let known = ["leak", "fill"].into_iter().any(|taking| harm.starts_with(taking)) && outcome.is_ok();
            assert!(known || outcome.as_ref().is_err_and(|error| error["code"] == "unknown_fate"), "{outcome:?}");
            drop(stops);
            assert!(gone < limit + BACK, "Ines was away for {gone:?}");
            (heard.join().expect("Ida's page"), beside.join().expect("the wall"), ticks.join().expect("the ticker"))
        });
        assert_eq!(delays.len(), ticks, "Ida got {} of {ticks} messages", delays.len());
        let longest = |delays: &[Duration]| delays.iter().max().copied().expect("messages");
        let (waited, anyhow) = (longest(&delays), longest(&beside));
        eprintln!("{ticks} messages, all within {waited:?}, and without the daemon within {anyhow:?}");
        assert!(waited < NOTICED.max(2 * anyhow), "Ida waited {waited:?} for a message, and others {anyhow:?}");

        // Ines goes on where she was: the same conversations, the room joined, nothing doubled.
        self.bob.say("ines@localhost", "are you back?");
        assert_eq!(self.ines.hears("are you back?")["from"]["name"], "bob@localhost");
        self.ines.say(&conversation, "so it seems");
        self.bob.hears("so it seems");
        wait_until("Ines to be in the room", PATIENCE, || {
            self.bob.say_in("den@rooms.localhost", "who is here?");
            let event = self.ines.poll();
            event.body["events"].as_array()?.iter().find(|e| e["message"]["text"] == "who is here?").map(|e| e["conversation"] == *room)
        });
        self.ines.say(&room, "I am");
        self.bob.hears("I am");
        let received = self.bob.received();
        let doubled = |text: &str| received.iter().any(|stanza| stanza.child_text("body") == Some(text));
        assert!(!["so it seems", "I am", "before the harm"].into_iter().any(doubled), "Bob got something twice");
        assert!(!self.ines.kept().any(|event| event["message"]["text"] == "are you back?"), "Ines got something twice");
        let own = |event: &Value| event["origin"]["client"].as_str().is_none_or(|client| client.is_empty() || client == "ines");
        let others: Vec<_> = self.ines.kept().filter(|event| !own(event)).collect();
        assert!(others.is_empty(), "Ines has one page, but is told of what others asked for: {others:?}");
        assert_eq!(self.restarts(), 1);
    }
}

/// Ends what watches it.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Waits until the first account is said to be without a worker.
pub(crate) fn away(client: &mut WireClient) {
    client.wait_event("an account without a worker", |e| e["type"] == "account.state" && e["error"]["code"] == "restarting");
}

/// Writes to Ida, and to who has no daemon between, until told to stop, and says how often.
fn tick(ticker: &mut XmppPeer, stop: &AtomicBool) -> usize {
    let start = Instant::now();
    let mut count = 0;
    while !stop.load(Ordering::Acquire) || count < 20 {
        std::thread::sleep(TICK);
        for to in HEARERS {
            ticker.say(to, &format!("tick {}", start.elapsed().as_micros()));
        }
        count += 1;
    }
    for to in HEARERS {
        ticker.say(to, LAST);
    }
    count
}

/// Whom the ticker writes to.
const HEARERS: [&str; 2] = ["ida@localhost", "wall@localhost"];
/// What it says last.
const LAST: &str = "that was all";

/// When the ticker says that something was sent.
fn sent(text: &str) -> Option<i64> {
    text.strip_prefix("tick ")?.parse().ok()
}

/// How long each message took. The clocks began at about the same time; the quickest took next to nothing.
fn delays(ages: &[i64]) -> Vec<Duration> {
    let least = ages.iter().min().copied().unwrap_or_default();
    ages.iter().map(|age| Duration::from_micros(u64::try_from(age - least).expect("the least"))).collect()
}

fn since(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_micros()).expect("a short time")
}

/// Reads what comes without a daemon between, until the last. Gives how long each took.
fn stand_by(wall: &mut XmppPeer) -> Vec<Duration> {
    let start = Instant::now();
    let mut ages = Vec::new();
    loop {
        let message = wall.wait_for("the ticker", |stanza| stanza.child_text("body").is_some());
        let text = message.child_text("body").unwrap_or_default();
        if text == LAST {
            return delays(&ages);
        }
        ages.extend(sent(text).map(|sent| since(start) - sent));
    }
}

/// Reads what comes until the last, which comes after `stop`. Gives how long each took.
fn listen(ida: &mut WireClient, stop: &AtomicBool) -> Vec<Duration> {
    let start = Instant::now();
    let mut ages = Vec::new();
    let mut last = 0;
    loop {
        let answer = ida.poll();
        let now = since(start);
        for event in answer.body["events"].as_array().into_iter().flatten() {
            let text = event["message"]["text"].as_str().unwrap_or_default();
            if text == LAST {
                assert!(stop.load(Ordering::Acquire));
                return delays(&ages);
            }
            if let Some(sent) = sent(text) {
                assert!(sent > last, "{sent} came after {last}");
                last = sent;
                ages.push(now - sent);
            }
        }
        let state: &Value = &answer.body["reset"];
        assert!(state.is_null(), "{answer:?}");
    }
}
