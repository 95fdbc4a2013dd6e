//! From what a worker tells to what the sessions are told: nothing of users it does not have, outcomes once, and the end of a worker in words.

use super::blame::Culprit;
use super::flight::{Ended, What, departure, is_restore, told};
use super::ledger::At;
use super::place::{Group, Isolation, Side};
use super::route::{coming_back, set_aside};
use super::trust::may_say;
use super::{Fleet, Stage, State, Worker, own};
use bridge::command::{Command, Origin};
use bridge::error::CommandError;
use bridge::event::{Batch, Event, EventKind};
use bridge::id::{AccountId, UserId};
use bridge::model::{AccountError, AccountStanding, AccountState, Author, Message, MessageKind};
use bridge::time::Timestamp;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Events looked at under one lock.
const AT_ONCE: usize = 256;
/// A worker that nobody is blamed for and that lived no longer is not replaced at once: what ended it may end the next as well.
const SHORT: Duration = Duration::from_secs(10);

/// How a worker ended.
pub(super) struct End {
    /// In words, for the log.
    pub(super) how: String,
    /// Somebody else ended it: an administrator, or the kernel for want of memory.
    pub(super) from_outside: bool,
    /// The plugin that was being opened.
    pub(super) opening: Option<PathBuf>,
    /// Whose callback ran.
    pub(super) blame: Option<AccountId>,
    /// Whose callback ran last before that.
    pub(super) last: Option<AccountId>,
}

impl End {
    /// With what it did at the time, where that is known.
    pub(super) fn words(&self) -> String {
        match &self.opening {
            Some(plugin) => format!("{}, while it opened the plugin {}", self.how, super::words::clean(&plugin.to_string_lossy())),
            None => self.how.clone(),
        }
    }
}

impl Fleet {
    /// What of a worker's batch the sessions are to be told.
    pub(super) fn sift(&self, number: u16, batch: Batch) -> Batch {
        let now = Instant::now();
        let mut sifted = Vec::with_capacity(batch.len());
        let mut rest = batch.into_iter().peekable();
        while rest.peek().is_some() {
            // Commands of other users wait for this lock.
            let mut state = self.lock();
            for event in rest.by_ref().take(AT_ONCE) {
                if state.is_of_before(number, &event) {
                    continue;
                }
                if may_say(&state.ledger, number, &event) {
                    sifted.extend(self.sift_one(&mut state, number, event, now));
                } else {
                    // Of someone who has just left; or the worker is not what it should be.
                    state.refused += 1;
                    log::debug!("worker {number} told {} what is not its own", event.user);
                }
            }
        }
        sifted
    }

    /// Whether this worker's end would leave a plugin out.
    pub(super) fn would_leave_out(&self, number: u16, plugin: &Path) -> bool {
        let state = self.lock();
        let worker = state.workers.get(&number).filter(|worker| worker.stage == Stage::Starting && !state.quitting);
        worker.is_some_and(|worker| state.openings.would_leave_out(plugin, worker.condemned.is_some()))
    }

    /// Starts what is missing of the workers that are always to be there.
    pub(super) fn fill(&self, state: &mut State, now: Instant) {
        if self.0.settings.isolation == Isolation::User
            || self.known_catalogue().is_none()
            || state.failing.is_failing(now, &Group::Core, Side::Known)
        {
            return;
        }
        let there = |worker: &&Worker| worker.group == Group::Core && matches!(worker.stage, Stage::Starting | Stage::Up);
        let missing = usize::from(self.0.settings.workers).saturating_sub(state.workers.values().filter(there).count());
        for _ in 0..missing.min(usize::from(self.0.settings.most).saturating_sub(state.workers.len())) {
            self.start_worker(state, Group::Core, None);
        }
    }

    /// A worker has ended. What to tell the sessions.
    pub(super) fn ended(&self, number: u16, end: &End) -> Batch {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(worker) = state.workers.remove(&number) else { return Vec::new() };
        let accounts = state.ledger.in_worker(number);
        let since = (worker.stage != Stage::Starting).then(|| worker.last_seen());
        let orderly = worker.stage == Stage::Ending && accounts.is_empty();
        if orderly || state.quitting {
            log::info!("worker {number} ({}) has ended", worker.group);
            return Vec::new();
        }
        state.restarts += 1;
        let how = worker.condemned.clone().unwrap_or_else(|| end.how.clone());
        let how = End { how, opening: end.opening.clone(), ..*end }.words();
        // Who was alone in it did it, unless somebody else ended it while it did nothing. Before it was up it ran for nobody; what took the memory
        // is not what ran last.
        let alone = if let ([only], false) = (accounts.as_slice(), end.from_outside) { Some(*only) } else { None };
        let running = end.blame.filter(|account| accounts.contains(account) && !worker.outgrown);
        let culprit = running.or(alone).filter(|_| worker.stage != Stage::Starting);
        let culprit = culprit.and_then(|account| state.ledger.culprit(account));
        let words = culprit.as_ref().map(|one| {
            let how = if running.is_some() { "while it ran" } else { "with nothing in it but" };
            format!(", {how} {} for account {}", one.protocol, one.account)
        });
        log::error!(
            "worker {number} ({}, process {}) ended: {how}{}; it had {} accounts",
            worker.group,
            worker.pid,
            words.unwrap_or_default(),
            accounts.len()
        );
        let hung = worker.condemned.is_some();
        let left_out = end.opening.as_deref().filter(|plugin| worker.stage == Stage::Starting && state.openings.note(plugin, hung));
        if let Some(plugin) = left_out {
            let plugin = plugin.display();
            log::error!(
                "the plugin {plugin} ended the workers that opened it: it is left out until the daemon starts anew; remove or replace it"
            );
            // The next one starts without it.
            state.failing.mended();
        } else if worker.stage == Stage::Starting {
            // It did nothing for anyone yet.
            state.failing.failed(now, &worker.group, Side::ALL);
        } else if culprit.is_none() && now.saturating_duration_since(worker.since) < SHORT {
            state.failing.failed(now, &worker.group, worker.sides.iter());
        } else {
            state.failing.lived(&worker.group, worker.sides.iter());
        }
        let aside = match &culprit {
            Some(one) => self.blame(&mut state, now, one),
            None => {
                let last = end.last.filter(|account| accounts.contains(account));
                if let Some(last) = last.and_then(|account| state.ledger.culprit(account)) {
                    state.crashes.suspect(now, &last);
                }
                None
            }
        };
        state.departing.retain(|(at, _), _| *at != number);
        let mut told = state.after_crash(number);
        told.extend(state.lists.lose(number).into_iter().map(|(user, kind)| own(user, kind)));
        // Without those that were being removed.
        for account in accounts {
            let Some(record) = state.ledger.any(account) else { continue };
            let user = record.user;
            let words = aside.as_deref().filter(|_| culprit.as_ref().is_some_and(|one| one.account == account));
            let standing = if let Some(words) = words {
                log::error!("account {account} of user {user} ({}) is set aside; its user is told: {words}", record.protocol());
                state.ledger.put(account, At::Aside);
                if let Some(origin) = state.adding.remove(&account) {
                    let error = CommandError::new("set_aside", words);
                    told.push(Event { user, origin: Some(origin), kind: EventKind::CommandFailed { error } });
                }
                set_aside(words)
            } else {
                state.ledger.put(account, At::Lost);
                coming_back()
            };
            told.extend(since.map(|since| own(user, EventKind::MessagesMissed { account, since })));
            told.push(own(user, EventKind::AccountLost { account, standing }));
        }
        self.fill(&mut state, now);
        told
    }
}

impl Fleet {
    /// Holds a crash against an account. What its user is told if it is set aside.
    fn blame(&self, state: &mut State, now: Instant, one: &Culprit) -> Option<String> {
        state.servers.crashed(one.server, one.person);
        let record = state.ledger.any(one.account)?;
        let server = record.server(self.protocol(record.protocol()))?;
        let there = state.ledger.people_on(one.server);
        state.crashes.blame(now, one, server, there)
    }

    /// A command could not be written to its worker.
    pub(super) fn left_out(&self, command: Command) {
        let mut state = self.lock();
        let Some(origin) = command.origin else { return };
        state.flights.forget(command.user, &origin);
        let error = CommandError::new("too_long", "This is too much for the server to pass on.");
        self.tell(&state, vec![Event { user: command.user, origin: Some(origin), kind: told(Err(error)) }]);
    }

    fn sift_one(&self, state: &mut State, number: u16, event: Event, now: Instant) -> Option<Event> {
        let user = event.user;
        match event.kind {
            EventKind::CommandDone { result } => self.command_ended(state, number, user, event.origin, Ok(result)),
            EventKind::CommandFailed { error } => self.command_ended(state, number, user, event.origin, Err(error)),
            EventKind::AccountRemoved { account } => match state.ledger.get(user, account)?.at {
                At::Leaving(_) => {
                    state.ledger.put(account, At::Lost);
                    state.left(number);
                    Some(own(user, EventKind::AccountLost { account, standing: coming_back() }))
                }
                _ => {
                    state.ledger.remove(account);
                    state.left(number);
                    Some(event)
                }
            },
            // It goes on elsewhere: that it signs off here is nobody's concern.
            EventKind::AccountState { account, .. } if state.is_leaving(account) => None,
            EventKind::AccountUpdated(ref account) if state.is_leaving(account.id) => None,
            EventKind::MessageAdded { ref message, conversation } => {
                if let Some(account) = state.ledger.conversation(user, conversation) {
                    state.ledger.touch(account, now);
                }
                if let (MessageKind::Sent, Some(origin)) = (message.kind, &event.origin) {
                    state.flights.said(number, user, origin);
                }
                Some(event)
            }
            _ => {
                state.lists.note(number, user, &event.kind);
                state.ledger.note_event(&event, now);
                // Nobody's command made an account anew.
                Some(Event { origin: event.origin.filter(|origin| !is_restore(Some(origin))), ..event })
            }
        }
    }

    fn command_ended(&self, state: &mut State, number: u16, user: UserId, origin: Option<Origin>, ended: Ended) -> Option<Event> {
        let origin = origin?;
        let (ended, what) = state.flights.end(number, user, &origin, ended)?;
        match (what, &ended) {
            // It was not made.
            (What::Account(account), Err(_)) => state.let_go(user, account, number),
            (What::Restored(account), Err(error)) => {
                // Its user is to see why, and to mend it.
                log::warn!("account {account} of user {user} could not be made anew: {}", super::words::clean(&error.message));
                state.ledger.put(account, At::Refused);
                state.left(number);
                let error = AccountError { code: error.code.clone(), message: error.message.clone(), fatal: true };
                let standing = AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) };
                return Some(own(user, EventKind::AccountState { account, standing }));
            }
            (What::Change(command), Ok(_)) => self.changed(state, &command),
            (What::Removal(account), Err(error)) if error.code == "no_such_account" => {
                // Its worker never had it, or lost it: gone is gone.
                state.let_go(user, account, number);
                self.tell(state, vec![own(user, EventKind::AccountRemoved { account })]);
                return Some(Event { user, origin: Some(origin), kind: told(Ok(None)) });
            }
            _ => {}
        }
        let kind = told(ended);
        state.lists.note(number, user, &kind);
        (!is_restore(Some(&origin))).then_some(Event { user, origin: Some(origin), kind })
    }
}

impl State {
    /// Whether a worker tells of a user whom it has yet to forget: who has come back since has the same accounts, and they must not be taken
    /// for the ones that end.
    fn is_of_before(&mut self, number: u16, event: &Event) -> bool {
        let Entry::Occupied(mut left) = self.departing.entry((number, event.user)) else { return false };
        let ends = matches!(event.kind, EventKind::CommandDone { .. } | EventKind::CommandFailed { .. });
        if ends && event.origin == Some(departure()) {
            *left.get_mut() = left.get().saturating_sub(1);
            if *left.get() == 0 {
                left.remove();
            }
        }
        true
    }

    fn is_leaving(&self, account: AccountId) -> bool {
        self.ledger.any(account).is_some_and(|record| matches!(record.at, At::Leaving(_)))
    }

    /// An account is not anywhere any more.
    fn let_go(&mut self, user: UserId, account: AccountId, number: u16) {
        if self.ledger.get(user, account).is_some() {
            self.ledger.remove(account);
            self.left(number);
        }
    }

    /// What became of the commands that a worker had when it ended.
    fn after_crash(&mut self, number: u16) -> Batch {
        let mut batch = Vec::new();
        for left in self.flights.lose(number) {
            match left.what {
                What::Account(account) => _ = self.adding.insert(account, left.origin.clone()),
                // Gone is gone.
                What::Removal(account) if self.ledger.get(left.user, account).is_some() => {
                    self.ledger.remove(account);
                    batch.push(own(left.user, EventKind::AccountRemoved { account }));
                }
                What::Message { conversation, html } => {
                    let kind = EventKind::MessageAdded { conversation, message: unknown(html) };
                    batch.push(Event { user: left.user, origin: Some(left.origin.clone()), kind });
                }
                What::Other | What::Restored(_) | What::Change(_) | What::Removal(_) => {}
            }
            if let Some(ended) = left.ended {
                batch.push(Event { user: left.user, origin: Some(left.origin), kind: told(ended) });
            }
        }
        batch
    }
}

/// A message that a worker took to its grave.
fn unknown(html: String) -> Message {
    Message {
        kind: MessageKind::Unknown,
        from: Author { name: String::new(), alias: None, buddy: None, own: true },
        time: Timestamp::now(),
        html,
        pictures: Vec::new(),
        delayed: false,
        highlight: false,
        auto_reply: false,
        remote: false,
        topic: false,
        server_id: None,
        reference: None,
    }
}
