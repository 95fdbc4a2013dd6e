//! Puts accounts into workers: new ones, those made anew, those that move; it routes no other command.

use super::flight::restore;
use super::ledger::At;
use super::place::{Candidate, Group, Room, Side, Sides, choose};
use super::server::ServerKey;
use super::{Fleet, Stage, State, Worker};
use bridge::command::{Before, Command, CommandKind};
use bridge::error::CommandError;
use bridge::handle::Rejected;
use bridge::id::{AccountId, PersonId, UserId};
use std::time::Instant;

/// Workers that the suspect accounts of one person may have to themselves.
const ALONE: usize = 4;

/// Why an account has no worker.
enum NoPlace {
    /// Some will be there soon.
    Later,
    /// There are as many as there may be.
    Full,
}

/// Where an account belongs.
struct Seat {
    group: Group,
    side: Side,
    /// The worker there that has room for it, if there is one.
    found: Option<u16>,
    /// It may have one more, if there may be any.
    may_have: bool,
    /// Where it may be if none can be started.
    otherwise: Option<u16>,
}

/// What an account is told that finds no place.
pub(super) fn full() -> CommandError {
    CommandError::new("full", "The server has no room for this account now. Try again later.")
}

impl Fleet {
    pub(super) fn add(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        let CommandKind::AddAccount { settings, .. } = &command.kind else { return Err(Rejected::Closed) };
        let now = Instant::now();
        let group = Group::of(self.0.settings.isolation, command.user, &settings.protocol, self.ships(&settings.protocol));
        let protocol = self.protocol(&settings.protocol);
        if !state.ledger.add(command.user, account, settings.clone(), protocol, group, now) {
            return self.refuse(state, &command, CommandError::new("bad_account", "This account id is in use already.").at("account"));
        }
        if let Some(words) = state.refusal(now, account) {
            return self.turn_away(state, &command, account, CommandError::new("set_aside", words).at("protocol"));
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
                let CommandKind::AddAccount { settings, .. } = command.kind else { return Ok(()) };
                state.unplaced.push((command.user, account, settings.before));
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
        let side = state.side(Instant::now(), account);
        state.ledger.put(account, At::Worker(number));
        if let Some(worker) = state.workers.get_mut(&number) {
            if worker.accounts == 0 {
                worker.sides = Sides::default();
            }
            worker.sides.add(side);
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
        state.crashes.note_heavy(now, account);
        let alone = Group::Suspect(account);
        let is_alone = state.workers.get(&number).is_some_and(|worker| worker.group == alone);
        let has_room = self.seek(&state, now, user, account).is_some_and(|seat| seat.group == alone);
        if !is_alone && has_room && self.could_move(&state, now, user, account) {
            log::warn!("account {account} of user {user} holds worker {number} up again and again: it gets a worker of its own");
            self.move_away(&mut state, user, account, number);
        }
    }

    /// The worker for an account, started if need be.
    fn place(&self, state: &mut State, user: UserId, account: AccountId) -> Result<u16, NoPlace> {
        let now = Instant::now();
        let Seat { group, side, found, may_have, otherwise } = self.seek(state, now, user, account).ok_or(NoPlace::Full)?;
        if let Some(number) = found {
            return Ok(number);
        }
        if state.failing.is_failing(now, &group, side) {
            return Err(NoPlace::Later);
        }
        if may_have && state.workers.len() < usize::from(self.0.settings.most) {
            return Ok(self.start_worker(state, group, None));
        }
        // One that nobody needs any more makes room.
        let spare = |worker: &&mut Worker| worker.stage == Stage::Up && worker.accounts == 0 && worker.group != Group::Core;
        if let Some(worker) = state.workers.values_mut().filter(|_| may_have).find(spare) {
            super::watch::let_go(worker);
            return Err(NoPlace::Later);
        }
        otherwise.ok_or(NoPlace::Full)
    }

    /// Where an account belongs, and which workers there have room for it.
    fn seek(&self, state: &State, now: Instant, user: UserId, account: AccountId) -> Option<Seat> {
        let settings = &self.0.settings;
        let record = state.ledger.any(account)?;
        let side = state.side(now, account);
        let strange = |worker: &&Worker| worker.accounts > 0 && worker.sides.has_strangers();
        let room = Room {
            workers: settings.workers.into(),
            most: settings.most.into(),
            running: state.workers.len(),
            strange: state.workers.values().filter(strange).count(),
        };
        let mut group = record.group.clone();
        if state.crashes.is_suspect(now, account) {
            let alone = Group::Suspect(account);
            // Those who always have workers come first.
            let core = state.workers.values().filter(|worker| worker.group == Group::Core && worker.stage != Stage::Ending).count();
            let room = Room { running: room.running + room.workers.saturating_sub(core), ..room };
            let is_alone = state.workers.values().any(|worker| worker.group == alone && worker.is_open());
            let (theirs, all) = state.alone(record.person);
            if is_alone || theirs < ALONE && room.may_start_alone(all) {
                group = alone;
            }
        }
        let theirs = state.ledger.workers_of(user);
        let holding = state.ledger.holding(record.key, account);
        let open = state.workers.iter().filter(|(_, worker)| worker.is_open() && worker.group == group);
        let candidates: Vec<Candidate> = open
            .map(|(number, worker)| Candidate {
                number: *number,
                accounts: worker.accounts,
                buddies: worker.load.buddies,
                memory: worker.memory,
                sides: worker.sides,
                has_key: holding.contains(number),
                has_user: theirs.contains(number),
            })
            .collect();
        // What a user's own accounts do to each other is nobody else's concern.
        let own = matches!(group, Group::User(_) | Group::Suspect(_));
        let found = choose(candidates.iter().copied().filter(|one| own || room.is_apart(one, side)), settings.caps);
        let otherwise = choose(candidates.into_iter().filter(|one| own || room.will_do(one, side)), settings.caps);
        Some(Seat { group, side, found, may_have: room.has(side), otherwise })
    }

    /// Whether an account could go elsewhere now.
    pub(super) fn could_move(&self, state: &State, now: Instant, user: UserId, account: AccountId) -> bool {
        let Some(Seat { group, side, found, may_have, .. }) = self.seek(state, now, user, account) else { return false };
        let room = may_have && state.workers.len() < usize::from(self.0.settings.most);
        found.is_some() || room && !state.failing.is_failing(now, &group, side)
    }

    /// Whether an account has to leave its worker before its connection goes to `server`, since others there are not to meet it.
    pub(super) fn must_leave(&self, state: &State, account: AccountId, server: ServerKey) -> bool {
        let Some(record) = state.ledger.any(account).filter(|record| record.server != server) else { return false };
        let Some(worker) = record.worker().and_then(|number| state.workers.get(&number)) else { return false };
        let side = state.side_on(Instant::now(), account, record.person, server);
        let own = matches!(worker.group, Group::User(_) | Group::Suspect(_)) || self.0.settings.most <= self.0.settings.workers;
        side != Side::Known && !own && worker.accounts > 1 && worker.sides != Sides::from(side)
    }
}

impl State {
    /// How far an account's server is trusted.
    pub(super) fn side(&self, now: Instant, account: AccountId) -> Side {
        let record = self.ledger.any(account);
        record.map_or(Side::Unknown, |record| self.side_on(now, account, record.person, record.server))
    }

    fn side_on(&self, now: Instant, account: AccountId, person: PersonId, server: ServerKey) -> Side {
        let known = self.servers.is_known(server, person);
        if self.crashes.is_suspect(now, account) || self.crashes.is_doubted(now, person, server, known) {
            Side::Doubted
        } else if known {
            Side::Known
        } else {
            Side::Unknown
        }
    }

    /// Why an account is not to be had now, if it is not.
    pub(super) fn refusal(&self, now: Instant, account: AccountId) -> Option<String> {
        let one = self.ledger.culprit(account)?;
        self.crashes.refusal(now, &one, self.servers.is_known(one.server, one.person))
    }

    /// How many workers have a suspect account of a person and nothing else, and how many have one of anybody.
    fn alone(&self, person: PersonId) -> (usize, usize) {
        let suspect = |worker: &Worker| if let Group::Suspect(account) = worker.group { Some(account) } else { None };
        let all: Vec<AccountId> = self.workers.values().filter(|worker| worker.accounts > 0).filter_map(suspect).collect();
        let theirs = |account: &&AccountId| self.ledger.any(**account).is_some_and(|record| record.person == person);
        (all.iter().filter(theirs).count(), all.len())
    }

    /// Looks at all accounts: which sides workers have, and who vouches for a server after `steady` without a crash.
    pub(super) fn tend(&mut self, now: Instant, steady: std::time::Duration) {
        self.crashes.forget(now);
        self.servers.forget(now);
        self.workers.values_mut().for_each(|worker| worker.sides = Sides::default());
        for (account, record) in self.ledger.all() {
            let (At::Worker(number) | At::Leaving(number)) = record.at else { continue };
            let is_steady = record.online.is_some_and(|since| now.saturating_duration_since(since) >= steady);
            if is_steady && self.crashes.may_vouch(now, record.person, record.server) {
                self.servers.vouch(now, record.server, record.person);
            }
            let side = self.side_on(now, account, record.person, record.server);
            if let Some(worker) = self.workers.get_mut(&number) {
                worker.sides.add(side);
            }
        }
    }

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
