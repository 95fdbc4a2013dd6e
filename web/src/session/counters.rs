//! What the sessions count for statistics; reading them is somebody else's business.

use crate::stats::{BATCHES, HOLDS, Histogram, SHORT, Unit};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A number that many threads add to.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }
    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The longest time of the last minute or two.
#[derive(Debug, Default)]
pub struct Longest {
    now: AtomicU64,
    before: AtomicU64,
    looks: AtomicU64,
}

impl Longest {
    /// It took so long.
    pub fn note(&self, took: Duration) {
        self.now.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A second has passed.
    pub(crate) fn tick(&self) {
        if self.looks.fetch_add(1, Ordering::Relaxed) % 60 == 59 {
            self.before.store(self.now.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// In microseconds.
    pub fn get(&self) -> u64 {
        self.now.load(Ordering::Relaxed).max(self.before.load(Ordering::Relaxed))
    }
}

/// How values are spread, since the start.
#[derive(Debug)]
pub struct Spreads {
    /// How long polls waited for their answer.
    pub poll_hold: Histogram,
    /// Events in an answer, or in a part of a stream.
    pub answer_events: Histogram,
    /// From what a worker told to what is on its way to a user's pages.
    pub event: Histogram,
}

impl Default for Spreads {
    fn default() -> Self {
        let help = "How long polls were held until they were answered.";
        let poll_hold = Histogram::new("poll_hold_seconds", help, Unit::Seconds, HOLDS);
        let help = "Events in an answer to a poll or in a part of a stream.";
        let answer_events = Histogram::new("answer_events", help, Unit::Count, BATCHES);
        let help = "How long what one turn of a worker told one user took until it was passed on.";
        Self { poll_hold, answer_events, event: Histogram::new("event_seconds", help, Unit::Seconds, SHORT) }
    }
}

impl Spreads {
    /// All of them.
    pub fn all(&self) -> [&Histogram; 3] {
        [&self.poll_hold, &self.answer_events, &self.event]
    }
}

/// Kinds of outcomes that are counted; networks and their failures are few.
const MOST_OUTCOMES: usize = 500;

/// Outcomes of sign-ons, by protocol.
#[derive(Debug, Default)]
pub struct SignOns(Mutex<BTreeMap<(String, String), u64>>);

impl SignOns {
    /// Counts a sign-on of this protocol: `online`, or the code of its failure.
    pub fn note(&self, protocol: &str, outcome: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (protocol.to_owned(), outcome.to_owned());
        if all.len() < MOST_OUTCOMES || all.contains_key(&key) {
            *all.entry(key).or_default() += 1;
        }
    }

    /// Protocol, outcome, how often.
    pub fn all(&self) -> Vec<(String, String, u64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|((protocol, outcome), count)| (protocol.clone(), outcome.clone(), *count)).collect()
    }
}

macro_rules! counters {
    ($(#[doc = $help:literal] $name:ident,)*) => {
        /// Everything counted, since the start.
        #[derive(Debug, Default)]
        pub struct Counters {
            /// How values are spread.
            pub spreads: Spreads,
            /// Outcomes of sign-ons.
            pub sign_ons: SignOns,
            /// How long one event took from the bridge's form to the page's.
            pub longest_event: Longest,
            /// How long what one turn of a worker told one user took, until it was on its way to the pages.
            pub longest_share: Longest,
            $(#[doc = $help] pub $name: Counter,)*
        }

        impl Counters {
            /// Names, what they are in words, and values.
            pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), $help.trim_ascii(), self.$name.get()),)*]
            }
        }
    };
}

counters! {
    /// Sessions opened.
    sessions_opened,
    /// Sessions that ended, for whatever reason.
    sessions_ended,
    /// Sessions that ended because nobody polled any more.
    sessions_lingered_out,
    /// Times a user without a poll was taken to be away from the page.
    users_detached,
    /// Tabs that began to poll.
    attaches,
    /// Polls taken.
    polls,
    /// Polls that had to wait.
    polls_parked,
    /// Answers with events.
    answers,
    /// Answers at the end of the hold.
    answers_empty,
    /// Polls and streams ended because a newer one of the same tab came.
    polls_superseded,
    /// Streams taken.
    streams,
    /// Of those, what has ended.
    streams_ended,
    /// Parts with events that were written to streams.
    stream_parts,
    /// Bytes of such parts.
    stream_bytes,
    /// Signs of life on streams.
    heartbeats,
    /// Acknowledgements that came with commands.
    acknowledgements,
    /// Tabs told to start anew because the log no longer reached back to what they had.
    resets_gap,
    /// Tabs told to start anew because they polled a log from before a restart.
    resets_epoch,
    /// Tabs told to start anew because they were no longer known.
    resets_client,
    /// Bytes of poll answers.
    answer_bytes,
    /// Batches from the bridge.
    batches,
    /// Events from the bridge.
    bridge_events,
    /// Events from the bridge for users that are gone.
    bridge_events_unowned,
    /// Events from the bridge that took more than 20 ms to translate.
    bridge_events_too_long,
    /// Events written to logs.
    log_events,
    /// Events in logs that a newer one made void.
    log_blanked,
    /// Events that logs dropped before every client had them.
    log_dropped,
    /// Commands taken.
    commands_accepted,
    /// Commands not taken.
    commands_rejected,
    /// Commands seen again.
    commands_repeated,
    /// Answers and the like for a network that had no room for them, left out.
    chores_left_out,
    /// Things from networks that a session had no room for, left out.
    things_left_out,
    /// Lines in conversations that say from when to when messages may be missing.
    gaps_marked,
    /// Messages received.
    messages_received,
    /// Messages sent.
    messages_sent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_told_for_a_minute_at_least_and_two_at_most() {
        let longest = Longest::default();
        longest.note(Duration::from_millis(9));
        for _ in 0..119 {
            longest.note(Duration::from_micros(10));
            assert_eq!(longest.get(), 9000);
            longest.tick();
        }
        longest.tick();
        assert_eq!(longest.get(), 10);
    }
}
