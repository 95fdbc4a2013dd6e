//! Twenty people who chat with each other through the daemon, and what an attack does to them; they do nothing but chat.

use crate::Site;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::{PATIENCE, WireClient, wait_until};

/// How long each waits between two messages.
const PAUSE: Duration = Duration::from_millis(400);
/// Nobody waits longer before an attack.
const CALM: Duration = Duration::from_secs(1);
/// A message that has not come after this is lost.
const LOST: Duration = Duration::from_secs(20);

pub(crate) fn name(user: usize) -> String {
    format!("u{user:02}")
}

fn partner(user: usize) -> usize {
    (user + crate::USERS / 2) % crate::USERS
}

/// What an attack did.
#[derive(Default)]
pub(crate) struct Harm {
    worst: Duration,
    lost: usize,
    refused: usize,
    doubled: usize,
    signed_off: usize,
    /// Pages that were told to begin anew.
    reset: usize,
    /// Who was not signed on again.
    away: usize,
}

impl Harm {
    pub(crate) fn is_too_much(&self, most: Duration) -> bool {
        self.worst > most || self.lost + self.refused + self.doubled + self.signed_off + self.reset + self.away > 0
    }

    pub(crate) fn is_lasting(&self) -> bool {
        self.away > 0
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worst, lost, refused, doubled, signed_off, reset, away } = self;
        write!(f, "worst delay {} ms, lost {lost}, signed off {signed_off}", worst.as_millis())?;
        if refused + doubled + reset + away > 0 {
            write!(f, ", refused {refused}, doubled {doubled}, pages begun anew {reset}, not signed on again {away}")?;
        }
        Ok(())
    }
}

/// What is known of the messages of one.
#[derive(Default)]
struct Seen {
    /// On their way.
    sent: BTreeMap<u64, Instant>,
    /// Given up: they may come all the same.
    late: BTreeSet<u64>,
    /// How many arrived.
    heard: u64,
    harm: Harm,
    away: bool,
}

struct Person {
    number: usize,
    client: Mutex<WireClient>,
    conversation: String,
    /// What they sent and their partner is to hear.
    seen: Mutex<Seen>,
}

/// All of them.
pub(crate) struct Crowd {
    people: Vec<Person>,
    stop: AtomicBool,
    /// While nobody writes: what is on its way arrives, or is lost.
    hush: AtomicBool,
    count: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crowd {
    /// Signs all of them in.
    pub(crate) fn gather(site: &Site) -> Self {
        let join = |number: usize| {
            let mut client = site.daemon.client(&name(number));
            client.sign_in_xmpp(&site.prosody, &name(number));
            let conversation = client.open(&format!("{}@localhost", name(partner(number))));
            Person { number, client: Mutex::new(client), conversation, seen: Mutex::default() }
        };
        let people = (0..crate::USERS).map(join).collect();
        Self { people, stop: AtomicBool::new(false), hush: AtomicBool::new(false), count: AtomicUsize::new(0) }
    }

    /// Has all of them chat as long as `body` takes.
    pub(crate) fn chat(&self, body: impl FnOnce()) {
        struct Stops<'a>(&'a AtomicBool);
        impl Drop for Stops<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        std::thread::scope(|scope| {
            // Also when something here fails.
            let _stops = Stops(&self.stop);
            for person in &self.people {
                scope.spawn(|| self.live(person));
            }
            body();
        });
    }

    /// What happens to them while `body` runs, and until all that they wrote meanwhile has come or is lost, and all are back.
    pub(crate) fn during(&self, body: impl FnOnce()) -> Harm {
        self.hush.store(false, Ordering::Release);
        // All of them chat when it begins, whatever was before.
        wait_until("all of them to chat", 4 * PATIENCE, || {
            let heard = || self.people.iter().map(|person| lock(&person.seen).heard);
            let before: Vec<u64> = heard().collect();
            self.people.iter().for_each(|person| lock(&person.seen).harm = Harm::default());
            wait_until("everybody to hear something", 4 * PATIENCE, || {
                heard().zip(&before).all(|(now, before)| now > *before).then_some(())
            });
            self.people.iter().all(|person| lock(&person.seen).harm.worst < CALM).then_some(())
        });
        body();
        self.hush.store(true, Ordering::Release);
        let calm = |person: &Person| {
            let mut seen = lock(&person.seen);
            let late: Vec<u64> = seen.sent.iter().filter(|(_, at)| at.elapsed() >= LOST).map(|(number, _)| *number).collect();
            for number in &late {
                seen.sent.remove(number);
            }
            seen.harm.lost += late.len();
            seen.late.extend(late);
            seen.sent.is_empty() && !seen.away
        };
        let deadline = Instant::now() + LOST + 2 * PATIENCE;
        // Those of whom something is on its way look again before the next.
        while self.people.iter().filter(|person| !calm(person)).count() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut all = Harm { away: self.people.iter().filter(|person| lock(&person.seen).away).count(), ..Harm::default() };
        for person in &self.people {
            let harm = std::mem::take(&mut lock(&person.seen).harm);
            all.worst = all.worst.max(harm.worst);
            all.lost += harm.lost;
            all.refused += harm.refused;
            all.doubled += harm.doubled;
            all.signed_off += harm.signed_off;
            all.reset += harm.reset;
        }
        all
    }

    /// How many messages were written.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn live(&self, person: &Person) {
        let mut client = lock(&person.client);
        let mut next = Instant::now();
        while !self.stop.load(Ordering::Acquire) {
            if Instant::now() >= next && !self.hush.load(Ordering::Acquire) {
                self.say(person, &mut client);
                next = Instant::now() + PAUSE;
            }
            let left = next.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(50), PAUSE);
            if let Some(answer) = client.poll_within(left) {
                if answer.status != 200 || !answer.body["reset"].is_null() {
                    lock(&person.seen).harm.reset += 1;
                    client.attach();
                }
                answer.body["events"].as_array().into_iter().flatten().for_each(|event| self.note(person, event));
            }
        }
    }

    fn say(&self, person: &Person, client: &mut WireClient) {
        let number = self.count.fetch_add(1, Ordering::Relaxed) as u64;
        // Before it is written: it may be heard before the answer.
        lock(&person.seen).sent.insert(number, Instant::now());
        let id = format!("tick-{number}");
        let answer =
            client.try_command(&id, "message.send", json!({ "conversation": person.conversation, "text": format!("tick {number}") }));
        // What gets no answer may arrive all the same, and else is lost.
        if answer.is_ok_and(|answer| answer.status != 202) {
            self.refused(person, number);
        }
    }

    fn refused(&self, person: &Person, number: u64) {
        let mut seen = lock(&person.seen);
        if seen.sent.remove(&number).is_some() {
            seen.harm.refused += 1;
        }
    }

    fn note(&self, person: &Person, event: &Value) {
        let number = |text: &Value, front: &str| text.as_str()?.strip_prefix(front)?.parse::<u64>().ok();
        match event["type"].as_str().unwrap_or_default() {
            "message.received" => {
                let Some(number) = number(&event["message"]["text"], "tick ") else { return };
                let mut seen = lock(&self.people[partner(person.number)].seen);
                match seen.sent.remove(&number) {
                    Some(at) => {
                        seen.heard += 1;
                        seen.harm.worst = seen.harm.worst.max(at.elapsed());
                    }
                    None if seen.late.remove(&number) => {}
                    None => seen.harm.doubled += 1,
                }
            }
            "command.failed" => {
                if let Some(number) = number(&event["origin"]["command"], "tick-") {
                    self.refused(person, number);
                }
            }
            "account.state" => {
                let mut seen = lock(&person.seen);
                let away = event["state"] != "online";
                if away && !seen.away {
                    seen.harm.signed_off += 1;
                }
                seen.away = away;
            }
            _ => {}
        }
    }
}
