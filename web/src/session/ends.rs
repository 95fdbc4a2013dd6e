//! Holds the ends of commands until what they changed is durable, and says how they end when it will not be for some time. Writes nothing (see
//! `keep`).

use super::keep::unavailable;
use crate::wire::ErrorBody;
use bridge::command::Origin;
use bridge::event::Outcome;
use std::collections::VecDeque;

/// How a command ended.
pub(super) type End = Result<Option<Outcome>, ErrorBody>;

/// Needs of a command towards the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Something is said, whether it is kept or not.
    Said,
    /// The command makes no sense unless its change is stored.
    Stored,
}

/// An end that waits.
#[derive(Debug)]
struct Held {
    /// The write that has to be durable.
    after: u64,
    origin: Origin,
    end: End,
    need: Option<Need>,
}

/// Commands that run, and ends that wait.
#[derive(Debug, Default)]
pub(super) struct Ends {
    held: VecDeque<Held>,
    running: Vec<(Origin, Need)>,
}

impl Ends {
    /// A command is taken that ends in its own way without the store.
    pub(super) fn begin(&mut self, origin: &Origin, need: Need) {
        self.running.push((origin.clone(), need));
    }

    /// A command has ended. Gives its end, unless that waits for the write numbered `after`. `kept`: writes are durable soon.
    pub(super) fn hold(&mut self, origin: &Origin, end: End, after: u64, done: u64, kept: bool) -> Option<End> {
        let running = self.running.iter().position(|(known, _)| known == origin);
        let need = running.map(|at| self.running.swap_remove(at).1);
        if end.is_err() {
            return Some(end);
        }
        // Of what is said now nothing is even noted where there is no room.
        if !kept && (after > done || need == Some(Need::Said)) {
            return Some(without_store(need, end));
        }
        if after <= done {
            return Some(end);
        }
        self.held.push_back(Held { after, origin: origin.clone(), end, need });
        None
    }

    /// The ends that wait no longer, in order: what they wait for is among the `done`, or the store is `away`.
    pub(super) fn release(&mut self, done: u64, away: bool) -> Vec<(Origin, End)> {
        let mut ready = Vec::new();
        while self.held.front().is_some_and(|held| away || held.after <= done)
            && let Some(Held { after, origin, end, need }) = self.held.pop_front()
        {
            ready.push((origin, if after <= done { end } else { without_store(need, end) }));
        }
        ready
    }
}

/// How a command ends whose changes nobody stores now.
fn without_store(need: Option<Need>, end: End) -> End {
    match need {
        Some(Need::Said) => Ok(Some(Outcome::Kept(false))),
        Some(Need::Stored) => Err(unavailable()),
        None => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(command: &str) -> Origin {
        Origin { client: "tab".to_owned(), command: command.to_owned() }
    }

    #[test]
    fn what_was_said_is_done_also_when_the_store_goes_meanwhile() {
        let mut ends = Ends::default();
        for (command, need) in [("say", Some(Need::Said)), ("set", Some(Need::Stored)), ("open", None)] {
            need.into_iter().for_each(|need| ends.begin(&origin(command), need));
            assert_eq!(ends.hold(&origin(command), Ok(None), 2, 1, true), None);
        }
        assert_eq!(ends.release(1, false), []);
        let ready = ends.release(1, true);
        let all = [(origin("say"), Ok(Some(Outcome::Kept(false)))), (origin("set"), Err(unavailable())), (origin("open"), Ok(None))];
        assert_eq!(ready, all);
    }

    #[test]
    fn what_is_durable_ends_as_it_did() {
        let mut ends = Ends::default();
        ends.begin(&origin("say"), Need::Said);
        assert_eq!(ends.hold(&origin("say"), Ok(None), 2, 1, true), None);
        assert_eq!(ends.release(2, true), [(origin("say"), Ok(None))]);
        // Nothing is known of it any more.
        assert_eq!(ends.hold(&origin("say"), Ok(None), 3, 2, false), Some(Ok(None)));
    }
}
