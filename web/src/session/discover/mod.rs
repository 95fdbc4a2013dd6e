//! Discovery: the rooms where something is talked about, of those that the user has and those that networks list. Here is what is known of each
//! account's network and how it comes in; `find.rs` answers from it, `ask.rs` asks networks, at their pace. Nothing of it is shared between users,
//! and nobody waits for a network.

mod ask;
mod find;
mod list;
mod past;
mod rank;
mod talk;
#[cfg(test)]
mod tests;

pub(super) use ask::Discovering;

use super::clock::Allowance;
use super::state::{Env, State};
use crate::wire::{ErrorBody, EventBody};
use bridge::command::Origin;
use bridge::event::Outcome;
use bridge::id::AccountId;
use bridge::model::RoomsFound;
use list::List;
use std::collections::{BTreeMap, BTreeSet};

/// How long a list is good: milliseconds from its end to the next question.
const FRESH_MS: u64 = 10 * 60_000;
/// The same of a list that failed, or was empty: some servers give none to whoever has just signed on.
const FRESH_FAILED_MS: u64 = 2 * 60_000;
/// The same while a person's own list is under way, which discovery learns from.
const SHOWN_MS: u64 = 15_000;
/// Between two `discover.changed` of a user; what comes meanwhile is told by the hub's clock.
const QUIET_MS: u64 = 500;
/// How long rooms may take to say what they are. The libpurple side ends it before.
const DESCRIBING_MS: u64 = 15_000;

/// The command of an origin that names no client: discovery's own.
const DISCOVER: &str = "discover ";
const DESCRIBE: &str = "describe ";

/// The networks of a user's accounts, for discovery.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    networks: BTreeMap<AccountId, Network>,
    /// The time of the user's last search, on the hub's clock.
    used: u64,
    /// Rooms found in stored messages.
    past: past::Past,
    /// The time of the last `discover.changed`, and the accounts of which there is news since.
    told: u64,
    news: BTreeSet<AccountId>,
}

/// The state of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// To be asked for when its server's turn has come.
    Wanted,
    /// Asked for.
    Asked,
    /// Rows come.
    Reading,
}

/// The network of one account.
#[derive(Debug)]
struct Network {
    list: List,
    phase: Phase,
    /// Before this the network is not asked again.
    next: u64,
    /// The reason for which the last list was not complete.
    error: Option<ErrorBody>,
    /// Rooms are asked for their topic and people, until this time at most.
    describing: u64,
    /// The search that rooms were asked for last, and how many were.
    described_for: (String, usize),
    descriptions: Allowance,
}

impl Network {
    fn new(list: List) -> Self {
        let described_for = (String::new(), 0);
        Self { list, phase: Phase::Idle, next: 0, error: None, describing: 0, described_for, descriptions: Allowance::default() }
    }

    fn is_pending(&self, now: u64) -> bool {
        self.phase != Phase::Idle || self.describing > now
    }

    /// The list has ended, or is not to come.
    fn ended(&mut self, now: u64, error: Option<ErrorBody>) {
        self.phase = Phase::Idle;
        self.next = now + if error.is_some() || self.list.len() == 0 { FRESH_FAILED_MS } else { FRESH_MS };
        self.error = error;
    }
}

impl State {
    fn network(&mut self, account: AccountId) -> Option<&mut Network> {
        self.seldom.as_mut()?.discovery.networks.get_mut(&account)
    }

    /// Takes in the rooms that a network tells of. Rooms of a network in which nobody has searched are left out.
    pub(super) fn rooms_found(&mut self, env: &Env<'_>, found: RoomsFound) {
        let account = found.account;
        let Some(known) = self.network(account) else { return };
        if found.described {
            found.rows.iter().for_each(|row| known.list.describe(row));
            if !found.more {
                known.describing = 0;
            }
        } else {
            if known.phase != Phase::Reading {
                known.list.begin();
                known.phase = Phase::Reading;
            }
            found.rows.iter().for_each(|row| known.list.put(row));
            known.list.cut |= found.cut;
            if !found.more {
                known.list.end(found.error.is_none() && !known.list.cut);
                known.ended(env.now, found.error.map(Into::into));
            }
        }
        self.discovery_changed(env, account);
    }

    /// Whether an outcome is of one of discovery's own commands, and takes it in then.
    pub(super) fn discovery_ended(&mut self, env: &Env<'_>, origin: &Origin, outcome: &Result<Option<Outcome>, ErrorBody>) -> bool {
        let lists = origin.command.strip_prefix(DISCOVER);
        let Some(account) = lists.or(origin.command.strip_prefix(DESCRIBE)).and_then(|id| id.parse().ok()) else { return false };
        let (Err(error), Some(known)) = (outcome, self.network(account)) else { return true };
        if lists.is_none() {
            known.describing = 0;
        } else if error.code == "busy" {
            known.next = env.now + SHOWN_MS;
            known.phase = if known.phase == Phase::Reading { Phase::Reading } else { Phase::Idle };
        } else {
            known.ended(env.now, Some(error.clone()));
        }
        self.discovery_changed(env, account);
        true
    }

    /// An account is not signed on any more: nothing comes of what it was asked.
    pub(super) fn discovery_broken(&mut self, env: &Env<'_>, account: AccountId) {
        let Some(known) = self.network(account).filter(|known| known.is_pending(env.now)) else { return };
        (known.phase, known.describing, known.next) = (Phase::Idle, 0, env.now);
        self.discovery_changed(env, account);
    }

    /// An account is gone.
    pub(super) fn discovery_forgets(&mut self, account: AccountId) {
        if let Some(seldom) = &mut self.seldom {
            seldom.discovery.networks.remove(&account);
            seldom.discovery.news.remove(&account);
            seldom.discovery.past.forget(account);
        }
    }

    /// Messages are deleted: what was known of them is not told any more.
    pub(super) fn discovery_forgets_talk(&mut self) {
        if let Some(seldom) = &mut self.seldom {
            seldom.discovery.past.clear();
        }
    }

    /// Tells that there is more to find, at once unless that was just told.
    fn discovery_changed(&mut self, env: &Env<'_>, account: AccountId) {
        let Some(seldom) = &mut self.seldom else { return };
        seldom.discovery.news.insert(account);
        if env.now >= seldom.discovery.told + QUIET_MS {
            self.tell_discovery(env);
        }
    }

    /// Tells what is news.
    fn tell_discovery(&mut self, env: &Env<'_>) {
        let Some(discovery) = self.seldom.as_mut().map(|seldom| &mut seldom.discovery) else { return };
        let news = std::mem::take(&mut discovery.news);
        if news.is_empty() {
            return;
        }
        discovery.told = env.now;
        let is_pending = |of: &AccountId| {
            discovery.past.is_pending(env.now) || discovery.networks.get(of).is_some_and(|known| known.is_pending(env.now))
        };
        let pending: Vec<_> = news.into_iter().map(|of| (of, is_pending(&of))).collect();
        for (account, pending) in pending {
            self.emit(env, None, EventBody::DiscoverChanged { account, pending });
        }
    }
}
