//! The account that signs on next: servers take turns, the accounts of one keep their order, and each server gets as many at a time as it has shown to
//! take. Pure over given times. Signs nobody on.

use crate::id::AccountId;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Sign-ons at a time at a server of which nothing is known.
const FIRST: usize = 8;
/// The most at a time at any server.
const MOST: usize = 256;
/// A sign-on that takes longer holds no other one up: its user may be asked something, or its server may be slow on purpose.
pub(in crate::purple) const HELD: Duration = Duration::from_secs(1);
/// Servers that are remembered.
const SERVERS: usize = 1024;

/// The end of a sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Online,
    /// The server was not reached, or did not answer.
    Failed,
    /// The server says that there are too many.
    Crowded,
    /// Something that says nothing about the server.
    Other,
}

/// The next step of the queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Begin(AccountId),
    /// All servers that are waited for have enough to do until then, unless a sign-on ends before.
    Wait(Instant),
    Nothing,
}

#[derive(Debug)]
struct Lane {
    waiting: VecDeque<AccountId>,
    /// Sign-ons that are going on, the oldest first.
    begun: VecDeque<(AccountId, Instant)>,
    most: usize,
}

impl Lane {
    fn forget(&mut self, now: Instant, held: Duration) {
        while self.begun.front().is_some_and(|(_, at)| now.saturating_duration_since(*at) >= held) {
            self.begun.pop_front();
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.begun.is_empty()
    }
}

/// The accounts that wait, by server.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<Box<str>, Lane>,
    /// Servers for which accounts wait, in their turn.
    turns: VecDeque<Box<str>>,
    places: HashMap<AccountId, Box<str>>,
}

impl Lanes {
    /// The account waits from now on, behind the others of its server. An account that waits already goes to the end: each place costs those behind it time.
    pub(super) fn put_last(&mut self, now: Instant, server: &str, account: AccountId) {
        self.leave(account);
        if self.lanes.len() >= SERVERS && !self.lanes.contains_key(server) {
            self.lanes.retain(|_, lane| {
                lane.forget(now, HELD);
                !lane.is_idle()
            });
        }
        let lane =
            self.lanes.entry(server.into()).or_insert_with(|| Lane { waiting: VecDeque::new(), begun: VecDeque::new(), most: FIRST });
        if lane.waiting.is_empty() {
            self.turns.push_back(server.into());
        }
        lane.waiting.push_back(account);
        self.places.insert(account, server.into());
    }

    /// The account does not wait any more.
    fn leave(&mut self, account: AccountId) {
        let Some(server) = self.places.remove(&account) else { return };
        let Some(lane) = self.lanes.get_mut(&server) else { return };
        lane.waiting.retain(|waiting| *waiting != account);
        if lane.waiting.is_empty() {
            self.turns.retain(|turn| *turn != server);
        }
    }

    /// Takes the account whose turn it is. Sign-ons that began longer ago than `held` do not count.
    pub(super) fn next(&mut self, now: Instant, held: Duration) -> Next {
        let mut free_at: Option<Instant> = None;
        for _ in 0..self.turns.len() {
            let Some(server) = self.turns.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&server) else { continue };
            lane.forget(now, held);
            if lane.begun.len() >= lane.most {
                let free = lane.begun.front().map_or(now, |(_, at)| *at + held);
                free_at = Some(free_at.map_or(free, |before| before.min(free)));
                self.turns.push_back(server);
                continue;
            }
            let Some(account) = lane.waiting.pop_front() else { continue };
            lane.begun.push_back((account, now));
            self.places.remove(&account);
            if !lane.waiting.is_empty() {
                self.turns.push_back(server);
            }
            return Next::Begin(account);
        }
        free_at.map_or(Next::Nothing, Next::Wait)
    }

    /// A sign-on at this server has ended. A server that takes them gets more at a time. A server that fails gets fewer. Failures never
    /// bring it below the first number, since users can fail on purpose to hold others up; only its own word brings it down to one.
    pub(super) fn ended(&mut self, server: &str, account: AccountId, end: End) {
        let Some(lane) = self.lanes.get_mut(server) else { return };
        lane.begun.retain(|(begun, _)| *begun != account);
        lane.most = match end {
            End::Online => (lane.most + 1).min(MOST),
            End::Failed => (lane.most / 2).max(lane.most.min(FIRST)),
            End::Crowded => (lane.most / 2).max(1),
            End::Other => lane.most,
        };
    }

    /// Accounts that wait, those of each server in their order.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> Vec<AccountId> {
        self.turns.iter().filter_map(|server| self.lanes.get(server)).flat_map(|lane| lane.waiting.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u64) -> AccountId {
        AccountId(number)
    }

    /// Those that may begin now.
    fn all(lanes: &mut Lanes, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| if let Next::Begin(AccountId(number)) = lanes.next(now, HELD) { Some(number) } else { None }).collect()
    }

    #[test]
    fn servers_take_turns_and_each_keeps_its_order() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..4 {
            lanes.put_last(now, "large", account(number));
        }
        lanes.put_last(now, "small", account(9));
        lanes.put_last(now, "large", account(1));
        assert_eq!(all(&mut lanes, now), [0, 9, 2, 3, 1]);
        assert_eq!(lanes.next(now, HELD), Next::Nothing);
    }

    #[test]
    fn a_server_gets_more_at_a_time_with_each_that_it_takes() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..1000 {
            lanes.put_last(now, "server", account(number));
        }
        let (mut rounds, mut done) = (0, 0);
        while done < 1000 {
            let begun = all(&mut lanes, now);
            done += begun.len();
            rounds += 1;
            begun.into_iter().for_each(|number| lanes.ended("server", account(number), End::Online));
        }
        assert!((7..=9).contains(&rounds), "{rounds} rounds for 8, 16, 32, 64, 128 and then 256 at a time");
    }

    #[test]
    fn a_server_that_fails_gets_fewer_and_one_that_is_crowded_one() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let at_a_time = |lanes: &mut Lanes| {
            for number in 0..1000 {
                lanes.put_last(now, "server", account(number));
            }
            let begun = all(lanes, now);
            begun.iter().for_each(|number| lanes.ended("server", account(*number), End::Other));
            begun.len()
        };
        assert_eq!(at_a_time(&mut lanes), FIRST);
        (0..24).for_each(|number| lanes.ended("server", account(number), End::Online));
        assert_eq!(at_a_time(&mut lanes), 32);
        lanes.ended("server", account(0), End::Failed);
        assert_eq!(at_a_time(&mut lanes), 16);
        (0..9).for_each(|number| lanes.ended("server", account(number), End::Failed));
        assert_eq!(at_a_time(&mut lanes), FIRST);
        (0..9).for_each(|number| lanes.ended("server", account(number), End::Crowded));
        assert_eq!(at_a_time(&mut lanes), 1);
        lanes.ended("server", account(0), End::Failed);
        assert_eq!(at_a_time(&mut lanes), 1, "a failure is no good news");
        lanes.ended("server", account(0), End::Online);
        assert_eq!(at_a_time(&mut lanes), 2);
    }

    #[test]
    fn who_takes_long_holds_nobody_up() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..20 {
            lanes.put_last(now, "slow", account(number));
        }
        assert_eq!(all(&mut lanes, now).len(), FIRST);
        assert_eq!(lanes.next(now, HELD), Next::Wait(now + HELD));
        lanes.put_last(now, "other", account(99));
        assert_eq!(lanes.next(now, HELD), Next::Begin(account(99)), "another server is not full");
        assert_eq!(all(&mut lanes, now + HELD).len(), FIRST);
        assert_eq!(all(&mut lanes, now + 2 * HELD).len(), 4);
    }

    #[test]
    fn servers_that_nobody_waits_for_are_forgotten() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..3 * SERVERS as u64 {
            lanes.put_last(now, &format!("server {number}"), account(number));
            assert_eq!(lanes.next(now, HELD), Next::Begin(account(number)));
            lanes.ended(&format!("server {number}"), account(number), End::Failed);
        }
        assert!(lanes.lanes.len() <= SERVERS && lanes.places.is_empty() && lanes.turns.is_empty());
    }
}
