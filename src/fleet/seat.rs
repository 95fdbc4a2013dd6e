//! Puts accounts into workers: new ones, those made anew, those that move; it routes no other command.

use super::flight::restore;
use super::ledger::{At, joined};
use super::place::{Candidate, Group, choose};
use super::{Fleet, Stage, State};
use bridge::command::{Before, Command, CommandKind};
use bridge::error::CommandError;
use bridge::handle::Rejected;
use bridge::id::{AccountId, UserId};
use std::time::Instant;

/// Why an account has no worker.
enum NoPlace {
    /// Some will be there soon.
    Later,
    /// There are as many as there may be.
    Full,
}

/// What an account is told that finds no place.
pub(super) fn full() -> CommandError {
    CommandError::new("full", "The server has no room for this account now. Try again later.")
}

impl Fleet {
    pub(super) fn add(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        let CommandKind::AddAccount { settings, .. } = &command.kind else { return Err(Rejected::Closed) };
        let now = Instant::now();
        let group = Group::of(self.0.settings.isolation, command.user, &settings.protocol);
        let name = joined(&settings.username, self.default_part(&settings.protocol));
        if !state.ledger.add(command.user, account, settings.clone(), &name, group, now) {
            return self.refuse(state, &command, CommandError::new("bad_account", "This account id is in use already.").at("account"));
        }
        if state.crashes.is_aside(now, &settings.protocol) {
            let message = "This network was set aside for some minutes because it brought parts of the server down. Try again later.";
            return self.turn_away(state, &command, account, CommandError::new("set_aside", message).at("protocol"));
        }
        match self.place(state, command.user, account) {
            Ok(number) => {
                let news = !state.ledger.is_with(command.user, number);
                let user = command.user;
                if let Err(rejected) = self.to_workers(state, command, &[number]) {
                    state.ledger.remove(account);
                    return Err(rejected);
                }
                self.enter(state, account, number);
                if news {
                    for kind in state.ledger.about(user) {
                        // It is told the same at the next change.
                        let _ = self.hand(state, number, Command { user, origin: None, kind });
                    }
                }
                Ok(())
            }
            Err(NoPlace::Later) => {
                if let Some(origin) = command.origin {
                    state.adding.insert(account, origin);
                }
                state.unplaced.push((command.user, account, Before::default()));
                Ok(())
            }
            Err(NoPlace::Full) => self.turn_away(state, &command, account, full()),
        }
    }

    /// A new account finds no place. That of a log-in (whose origin is no client) stands in its user's page all the same, to be tried again.
    fn turn_away(&self, state: &mut State, command: &Command, account: AccountId, error: CommandError) -> Result<(), Rejected> {
        if command.origin.as_ref().is_some_and(|origin| origin.client.is_empty()) {
            state.ledger.put(account, At::Aside);
        } else {
            state.ledger.remove(account);
        }
        self.refuse(state, command, error)
    }

    /// Whether nothing but room is missing for an account to come back, and that will not be there soon.
    pub(super) fn is_full(&self, state: &mut State, user: UserId, account: AccountId) -> bool {
        matches!(self.place(state, user, account), Err(NoPlace::Full))
    }

    fn enter(&self, state: &mut State, account: AccountId, number: u16) {
        state.ledger.put(account, At::Worker(number));
        if let Some(worker) = state.workers.get_mut(&number) {
            worker.accounts += 1;
            worker.empty_since = None;
        }
    }

    /// Makes a lost account anew.
    pub(super) fn restore(&self, state: &mut State, user: UserId, account: AccountId, before: Before) {
        // Another answer may have come first, or the user has removed it meanwhile.
        if state.ledger.get(user, account).is_none_or(|record| record.at != At::Lost) {
            return;
        }
        let Ok(number) = self.place(state, user, account) else {
            state.unplaced.push((user, account, before));
            return;
        };
        let mut commands = state.ledger.restoring(account, before.clone()).into_iter();
        let Some(first) = commands.next() else { return };
        let origin = Some(state.adding.get(&account).cloned().unwrap_or_else(|| restore(account)));
        if self.to_workers(state, Command { user, origin, kind: first }, &[number]).is_err() {
            state.unplaced.push((user, account, before));
            return;
        }
        state.adding.remove(&account);
        self.enter(state, account, number);
        for kind in commands {
            if self.hand(state, number, Command { user, origin: None, kind }).is_err() {
                log::warn!("worker {number} takes no more commands: {account} is not all it was");
            }
        }
    }

    /// Has an account signed off in its worker, to be made anew in another.
    pub(super) fn move_away(&self, state: &mut State, user: UserId, account: AccountId, number: u16) {
        if self.hand(state, number, Command { user, origin: None, kind: CommandKind::RemoveAccount(account) }).is_ok() {
            state.ledger.put(account, At::Leaving(number));
        }
    }

    /// What an account receives holds its worker up again and again: it goes where it holds up nobody else, if there is room.
    pub(super) fn heavy(&self, number: u16, account: AccountId) {
        let (mut state, now) = (self.lock(), Instant::now());
        let Some(user) = state.ledger.any(account).filter(|record| record.at == At::Worker(number)).map(|record| record.user) else {
            return;
        };
        state.crashes.suspect(now, account);
        let alone = Group::Suspect(account);
        let is_alone = state.workers.get(&number).is_some_and(|worker| worker.group == alone);
        let has_room = self.seek(&mut state, now, user, account).is_some_and(|(group, _)| group == alone);
        if !is_alone && has_room && self.could_move(&mut state, now, user, account) {
            log::warn!("account {account} of user {user} holds worker {number} up again and again: it gets a worker of its own");
            self.move_away(&mut state, user, account, number);
        }
    }

    /// The worker for an account, started if need be.
    fn place(&self, state: &mut State, user: UserId, account: AccountId) -> Result<u16, NoPlace> {
        let now = Instant::now();
        let (group, found) = self.seek(state, now, user, account).ok_or(NoPlace::Full)?;
        if let Some(number) = found {
            return Ok(number);
        }
        if state.failing.get(&group).is_some_and(|(_, until)| *until > now) {
            return Err(NoPlace::Later);
        }
        if state.workers.len() < usize::from(self.0.settings.most) {
            return Ok(self.start_worker(state, group, None));
        }
        // One that nobody needs any more makes room.
        let spare =
            state.workers.values_mut().find(|worker| worker.stage == Stage::Up && worker.accounts == 0 && worker.group != Group::Core);
        match spare {
            Some(worker) => {
                super::watch::let_go(worker);
                Err(NoPlace::Later)
            }
            None => Err(NoPlace::Full),
        }
    }

    /// Where an account belongs, and the worker there that has room for it, if there is one.
    fn seek(&self, state: &mut State, now: Instant, user: UserId, account: AccountId) -> Option<(Group, Option<u16>)> {
        let record = state.ledger.any(account)?;
        let (key, mut group) = (record.key, record.group.clone());
        // Those who always have workers come first.
        let core = state.workers.values().filter(|worker| worker.group == Group::Core && worker.stage != Stage::Ending).count();
        let kept = usize::from(self.0.settings.workers).saturating_sub(core);
        let alone = Group::Suspect(account);
        let is_alone = state.workers.values().any(|worker| worker.group == alone && matches!(worker.stage, Stage::Starting | Stage::Up));
        if state.crashes.is_suspect(now, account) && (is_alone || state.workers.len() + kept < usize::from(self.0.settings.most)) {
            group = alone;
        }
        let theirs = state.ledger.workers_of(user);
        let holding = state.ledger.holding(key, account);
        let open = state.workers.iter().filter(|(_, worker)| matches!(worker.stage, Stage::Starting | Stage::Up) && worker.group == group);
        let candidates = open.map(|(number, worker)| Candidate {
            number: *number,
            accounts: worker.accounts,
            buddies: worker.load.buddies,
            memory: worker.memory,
            has_key: holding.contains(number),
            has_user: theirs.contains(number),
        });
        let chosen = choose(candidates, self.0.settings.caps);
        Some((group, chosen))
    }

    /// Whether an account could go elsewhere now.
    pub(super) fn could_move(&self, state: &mut State, now: Instant, user: UserId, account: AccountId) -> bool {
        let Some((group, found)) = self.seek(state, now, user, account) else { return false };
        let failing = state.failing.get(&group).is_some_and(|(_, until)| *until > now);
        found.is_some() || !failing && state.workers.len() < usize::from(self.0.settings.most)
    }
}

impl State {
    /// An account is not in that worker any more.
    pub(super) fn left(&mut self, number: u16) {
        if let Some(worker) = self.workers.get_mut(&number) {
            worker.accounts = worker.accounts.saturating_sub(1);
            if worker.accounts == 0 {
                worker.empty_since = Some(Instant::now());
            }
        }
    }
}
