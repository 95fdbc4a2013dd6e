//! What a session knows of one browser tab: how far it is, whether it waits, and which of its commands were seen; pure.

use super::TokenHash;
use crate::wire::{CommandFate, CommandState, ErrorBody};
use bridge::event::Outcome;
use bridge::id::ConversationId;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Command ids remembered per client.
const SEEN: usize = 512;
/// Menus remembered per client.
const MENUS: usize = 8;

/// What became of a command that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Running,
    Done(Option<Box<Outcome>>),
    Failed(Box<ErrorBody>),
    /// Never begun: it was malformed.
    Rejected(Box<ErrorBody>),
}

#[derive(Debug)]
struct Seen {
    id: Box<str>,
    fate: Fate,
}

/// The times of the last answers, to tell a busy client.
#[derive(Debug, Default)]
struct Answers(VecDeque<u64>);

/// By what a client follows the log, and so what tells that it is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follows {
    /// Polls: each one tells.
    Polls,
    /// A stream: that it is open tells.
    Stream,
    /// A stream that it acknowledges: each acknowledgement tells, and an open stream without them does not.
    Acknowledged,
}

/// A tab or browser.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: Box<str>,
    /// The browser that it is in, of a user of the site.
    pub(crate) browser: Option<TokenHash>,
    /// Its browser is signed out.
    pub(crate) ended: bool,
    /// Has processed everything up to here.
    pub(crate) acked: u64,
    /// Was given everything up to here on its current stream.
    pub(crate) given: u64,
    /// Its current stream is open, written to or waiting.
    pub(crate) streams: bool,
    /// By what it follows the log.
    pub(crate) follows: Follows,
    /// The highest poll number seen since it attached.
    pub(crate) n: Option<u64>,
    /// Which poll or stream is the current one.
    pub(crate) ticket: u64,
    /// Wakes the current poll or stream.
    pub(crate) waiter: Option<oneshot::Sender<()>>,
    /// When it was heard of last: it attached, polled, began or acknowledged a stream, or was seen to have one open.
    pub(crate) last_contact: u64,
    pub(crate) hidden: bool,
    pub(crate) focused: Option<ConversationId>,
    /// Since when nobody touches it, by its own word.
    pub(crate) idle_since: Option<u64>,
    answers: Answers,
    seen: VecDeque<Seen>,
}

impl Client {
    pub(crate) fn new(id: &str, acked: u64, now: u64) -> Self {
        Self {
            id: id.into(),
            browser: None,
            ended: false,
            acked,
            given: 0,
            streams: false,
            follows: Follows::Polls,
            n: None,
            ticket: 0,
            waiter: None,
            last_contact: now,
            hidden: false,
            focused: None,
            idle_since: None,
            answers: Answers::default(),
            seen: VecDeque::new(),
        }
    }

    /// A poll or a stream of it is being held, and its connection is still there.
    pub(crate) fn is_parked(&self) -> bool {
        self.waiter.as_ref().is_some_and(|waiter| !waiter.is_closed())
    }

    /// It has a connection on which it follows the log.
    pub(crate) fn is_connected(&self) -> bool {
        self.is_parked() || self.streams
    }

    /// Its connection is proof enough that it is there.
    pub(crate) fn is_surely_there(&self) -> bool {
        self.is_connected() && self.follows != Follows::Acknowledged
    }

    /// After which event it waits for more. An acknowledgement does not move a stream: that of an older one, or of another tab with the same
    /// name, would make it leave out what it has not told yet.
    pub(crate) fn cursor(&self) -> u64 {
        if self.follows == Follows::Polls { self.acked } else { self.given }
    }

    /// A poll or stream from `after` on has come that is the current one from now on; gives its ticket.
    pub(crate) fn takes_its_turn(&mut self, follows: Follows, after: u64) -> u64 {
        self.acked = self.acked.max(after);
        self.given = after;
        self.streams = follows == Follows::Stream;
        self.follows = follows;
        self.ticket += 1;
        // The one before sees that it is not the current one any more.
        self.wake();
        self.ticket
    }

    /// The stream with this ticket is over.
    pub(crate) fn stream_is_over(&mut self, ticket: u64, now: u64) {
        if self.ticket == ticket {
            if self.is_surely_there() {
                self.last_contact = now;
            }
            self.streams = false;
        }
    }

    /// It has everything up to `seq`, by its own word at the time `now`, which came apart from polls.
    pub(crate) fn acknowledges(&mut self, seq: u64, now: u64) {
        self.acked = self.acked.max(seq);
        self.last_contact = now;
        if self.follows == Follows::Stream {
            self.follows = Follows::Acknowledged;
        }
    }

    /// Lets the held poll or stream look again. True when there was one.
    pub(crate) fn wake(&mut self) -> bool {
        self.waiter.take().is_some_and(|waiter| waiter.send(()).is_ok())
    }

    /// Notes an answer with events.
    pub(crate) fn answered(&mut self, now: u64, threshold: usize) {
        let times = &mut self.answers.0;
        times.push_back(now);
        while times.front().is_some_and(|at| at + 1000 <= now) || times.len() > threshold + 1 {
            times.pop_front();
        }
        if times.len() <= 1 && times.capacity() > 4 {
            times.shrink_to(1);
        }
    }

    /// More than `threshold` answers in the last second.
    pub(crate) fn is_busy(&self, now: u64, threshold: usize) -> bool {
        self.answers.0.iter().filter(|at| **at + 1000 > now).count() > threshold
    }

    /// What became of a command with this id.
    pub(crate) fn fate(&self, command: &str) -> Option<&Fate> {
        self.seen.iter().rev().find(|seen| &*seen.id == command).map(|seen| &seen.fate)
    }

    /// Remembers a command; the oldest is forgotten for it, those that still run last.
    pub(crate) fn remember(&mut self, command: &str, fate: Fate) {
        if self.seen.len() >= SEEN {
            let over = self.seen.iter().position(|seen| seen.fate != Fate::Running).unwrap_or(0);
            self.seen.remove(over);
        }
        self.seen.push_back(Seen { id: command.into(), fate });
    }

    /// Notes how a running command ended. Of menus only the last few are remembered: all else is small.
    pub(crate) fn conclude(&mut self, command: &str, fate: Fate) {
        let is_menu = |fate: &Fate| matches!(fate, Fate::Done(Some(outcome)) if matches!(**outcome, Outcome::Items(_)));
        if is_menu(&fate) {
            self.seen.iter_mut().rev().filter(|seen| is_menu(&seen.fate)).skip(MENUS - 1).for_each(|seen| seen.fate = Fate::Done(None));
        }
        if let Some(seen) = self.seen.iter_mut().rev().find(|seen| &*seen.id == command) {
            seen.fate = fate;
        }
    }

    /// The commands that were taken and have not ended.
    pub(crate) fn running(&self) -> Vec<String> {
        self.seen.iter().filter(|seen| seen.fate == Fate::Running).map(|seen| seen.id.to_string()).collect()
    }

    /// The fate of every command that was taken, oldest first.
    pub(crate) fn fates(&self) -> Vec<CommandFate> {
        let fate = |seen: &Seen| {
            let (state, result, error) = match &seen.fate {
                Fate::Running => (CommandState::Running, None, None),
                Fate::Done(result) => (CommandState::Done, result.as_deref().cloned(), None),
                Fate::Failed(error) => (CommandState::Failed, None, Some((**error).clone())),
                Fate::Rejected(_) => return None,
            };
            Some(CommandFate { id: seen.id.to_string(), state, result, error })
        };
        self.seen.iter().filter_map(fate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_512_commands_are_remembered_and_running_ones_longest() {
        let mut client = Client::new("c", 0, 0);
        client.remember("running", Fate::Running);
        for number in 0..600 {
            client.remember(&number.to_string(), Fate::Done(None));
        }
        assert_eq!(client.fate("running"), Some(&Fate::Running));
        assert_eq!(client.fate("88"), None);
        assert_eq!(client.fate("89"), Some(&Fate::Done(None)));
        assert_eq!(client.fates().len(), SEEN);
    }

    #[test]
    fn the_last_menus_are_remembered() {
        let mut client = Client::new("c", 0, 0);
        let menu = || Fate::Done(Some(Box::new(Outcome::Items(Vec::new()))));
        for number in 0..100 {
            client.remember(&number.to_string(), Fate::Running);
            client.conclude(&number.to_string(), menu());
        }
        assert_eq!(client.seen.iter().filter(|seen| seen.fate == menu()).count(), MENUS);
        assert_eq!((client.fate("99"), client.fate("91")), (Some(&menu()), Some(&Fate::Done(None))));
    }

    #[test]
    fn busy_means_more_than_twenty_answers_within_a_second() {
        let mut client = Client::new("c", 0, 0);
        for number in 0..20 {
            client.answered(number * 10, 20);
        }
        assert!(!client.is_busy(200, 20));
        client.answered(200, 20);
        assert!(client.is_busy(200, 20));
        assert!(client.is_busy(999, 20));
        assert!(!client.is_busy(1000, 20));
    }
}
