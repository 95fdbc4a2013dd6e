//! From a command to the worker, or workers, that perform it; what no worker can perform is answered here.

use super::flight::{What, told};
use super::ledger::At;
use super::place::{Candidate, Group, choose};
use super::{Fleet, Stage, State, own};
use bridge::command::{Before, Command, CommandKind, Origin, Place};
use bridge::error::CommandError;
use bridge::event::{Event, EventKind};
use bridge::frame::Down;
use bridge::handle::Rejected;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::{AccountError, AccountStanding, AccountState, ConversationKind};
use std::time::Instant;

/// Why an account has no worker.
enum NoPlace {
    /// Some will be there soon.
    Later,
    /// There are as many as there may be.
    Full,
}

impl Fleet {
    pub(super) fn route(&self, command: Command, of: Option<AccountId>) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.quitting {
            return Err(Rejected::Closed);
        }
        let user = command.user;
        match command.kind.place() {
            Place::Account(account) => match command.kind {
                CommandKind::AddAccount { .. } => self.add(&mut state, command, account),
                CommandKind::RestoreAccount { before, .. } => {
                    self.restore(&mut state, user, account, before);
                    Ok(())
                }
                _ => self.to_account(&mut state, command, account),
            },
            Place::Buddy(_) | Place::Conversation(_) => match of {
                Some(account) => self.to_account(&mut state, command, account),
                // Whoever has it does it; the others know nothing of it.
                None => {
                    let workers: Vec<u16> = state.ledger.workers_of(user).into_iter().collect();
                    self.to_workers(&mut state, command, &workers)
                }
            },
            Place::Numbered(number) => {
                if state.workers.contains_key(&number) && state.ledger.is_with(user, number) {
                    self.to_workers(&mut state, command, &[number])
                } else {
                    self.refuse(&state, &command, CommandError::new("gone", "This is not open any more."))
                }
            }
            Place::User => self.to_user(&mut state, command),
        }
    }

    /// Tells that a command was not carried out.
    fn refuse(&self, state: &State, command: &Command, error: CommandError) -> Result<(), Rejected> {
        self.answer(state, command.user, command.origin.clone(), Err(error));
        Ok(())
    }

    fn answer(&self, state: &State, user: UserId, origin: Option<Origin>, ended: super::flight::Ended) {
        if origin.is_some() {
            self.tell(state, vec![Event { user, origin, kind: told(ended) }]);
        }
    }

    fn to_user(&self, state: &mut State, command: Command) -> Result<(), Rejected> {
        let mut workers: Vec<u16> = state.ledger.workers_of(command.user).into_iter().collect();
        if let CommandKind::SetStatus { accounts: Some(list), .. } = &command.kind {
            let with = |number: &u16| {
                list.iter().any(|account| state.ledger.get(command.user, *account).and_then(super::ledger::Record::worker) == Some(*number))
            };
            workers.retain(with);
        }
        if command.kind == CommandKind::RemoveUser {
            for number in &workers {
                // What cannot be told to a worker that takes nothing is told by its end.
                if self.hand(state, *number, command.clone()).is_err()
                    && let Some(worker) = state.workers.get_mut(number)
                {
                    super::watch::kill(worker, "it takes no more commands");
                }
            }
            for record in state.ledger.remove_user(command.user) {
                if let At::Worker(number) | At::Leaving(number) = record.at {
                    state.left(number);
                }
            }
            state.unplaced.retain(|(user, ..)| *user != command.user);
            self.answer(state, command.user, command.origin, Ok(None));
            return Ok(());
        }
        if workers.is_empty() {
            state.ledger.note_command(&command);
            self.answer(state, command.user, command.origin, Ok(None));
            return Ok(());
        }
        let sent = self.to_workers(state, command.clone(), &workers);
        if sent.is_ok() {
            state.ledger.note_command(&command);
        }
        sent
    }

    fn to_account(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        let Some(record) = state.ledger.get(command.user, account) else {
            return self.refuse(
                state,
                &command,
                CommandError::new("no_such_account", "There is no such account (any more).").at("account"),
            );
        };
        match record.at {
            At::Worker(number) => {
                let user = command.user;
                self.to_workers(state, command.clone(), &[number])?;
                if matches!(command.kind, CommandKind::SendMessage { .. }) {
                    state.ledger.touch(account, Instant::now());
                }
                if state.ledger.note_command(&command) {
                    self.move_away(state, user, account, number);
                }
                Ok(())
            }
            At::Lost | At::Leaving(_) | At::Aside => self.to_nowhere(state, command, account),
        }
    }

    /// A command for an account that no worker has.
    fn to_nowhere(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        state.ledger.note_command(&command);
        let aside = state.ledger.any(account).is_some_and(|record| record.at == At::Aside);
        let user = command.user;
        let ended = match &command.kind {
            CommandKind::RemoveAccount(_) => {
                if let Some(At::Leaving(number)) = state.ledger.remove(account).map(|record| record.at) {
                    state.left(number);
                }
                state.unplaced.retain(|(_, other, _)| *other != account);
                self.tell(state, vec![Event { user, origin: command.origin.clone(), kind: EventKind::AccountRemoved { account } }]);
                Ok(None)
            }
            CommandKind::EnableAccount(_) | CommandKind::ConnectAccount(_) if aside => {
                let protocol = state.ledger.any(account).map(|record| record.protocol().to_owned()).unwrap_or_default();
                let now = Instant::now();
                if state.crashes.is_blamed(now, account) || state.crashes.is_aside(now, &protocol) {
                    Err(CommandError::new(
                        "set_aside",
                        "This account was set aside because it brought a part of the server down. Try again in some minutes.",
                    ))
                } else {
                    state.ledger.put(account, At::Lost);
                    self.tell(state, vec![own(user, EventKind::AccountLost { account, standing: coming_back() })]);
                    Ok(None)
                }
            }
            CommandKind::CloseConversation(conversation) => {
                state.forget_conversation(account, *conversation);
                let kind = EventKind::ConversationClosed { conversation: *conversation };
                self.tell(state, vec![Event { user, origin: command.origin.clone(), kind }]);
                Ok(None)
            }
            CommandKind::LeaveRoom(conversation) => {
                state.forget_conversation(account, *conversation);
                Ok(None)
            }
            CommandKind::UpdateAccount { .. }
            | CommandKind::EnableAccount(_)
            | CommandKind::ConnectAccount(_)
            | CommandKind::DisableAccount(_)
            | CommandKind::SetAccountAlias { .. }
            | CommandKind::SetAccountIcon { .. } => Ok(None),
            _ => Err(CommandError::new("not_connected", "This account is not signed on. Try again when it is.")),
        };
        self.answer(state, user, command.origin, ended);
        Ok(())
    }

    /// Sends to all of them, or to none.
    fn to_workers(&self, state: &mut State, command: Command, workers: &[u16]) -> Result<(), Rejected> {
        let room = |number: &u16| state.workers.get(number).is_some_and(|worker| worker.down.capacity() > 0);
        if !workers.iter().all(room) {
            return Err(Rejected::Busy(Box::new(command)));
        }
        if let Some(origin) = &command.origin {
            state.flights.begin(command.user, origin.clone(), What::of(&command.kind), workers.iter().copied());
        }
        for number in workers {
            if let Err(rejected) = self.hand(state, *number, command.clone()) {
                if let Some(origin) = &command.origin {
                    state.flights.forget(command.user, origin);
                }
                return Err(rejected);
            }
        }
        Ok(())
    }

    /// Puts a command into a worker's queue.
    fn hand(&self, state: &State, number: u16, command: Command) -> Result<(), Rejected> {
        let Some(worker) = state.workers.get(&number) else { return Err(Rejected::Busy(Box::new(command))) };
        worker.down.try_send(Down::Command(command)).map_err(|error| match error.into_inner() {
            Down::Command(command) => Rejected::Busy(Box::new(command)),
            _ => Rejected::Closed,
        })
    }

    fn add(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        let CommandKind::AddAccount { settings, .. } = &command.kind else { return Err(Rejected::Closed) };
        let now = Instant::now();
        if state.crashes.is_aside(now, &settings.protocol) {
            let message = "This network was set aside for some minutes because it brought parts of the server down. Try again later.";
            return self.refuse(state, &command, CommandError::new("set_aside", message).at("protocol"));
        }
        let group = Group::of(self.0.settings.isolation, command.user, &settings.protocol);
        if !state.ledger.add(command.user, account, settings.clone(), group, now) {
            return self.refuse(state, &command, CommandError::new("bad_account", "This account id is in use already.").at("account"));
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
            Err(NoPlace::Full) => {
                state.ledger.remove(account);
                let message = "The server has no room for this account now. Try again later.";
                self.refuse(state, &command, CommandError::new("full", message))
            }
        }
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
        let origin = state.adding.get(&account).cloned();
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

    /// The worker for an account, started if need be.
    fn place(&self, state: &mut State, user: UserId, account: AccountId) -> Result<u16, NoPlace> {
        let now = Instant::now();
        let Some(record) = state.ledger.any(account) else { return Err(NoPlace::Full) };
        let (key, mut group) = (record.key.clone(), record.group.clone());
        let most = usize::from(self.0.settings.most);
        if state.crashes.is_suspect(now, account) && state.workers.len() < most {
            group = Group::Suspect(account);
        }
        let theirs = state.ledger.workers_of(user);
        let holding = state.ledger.holding(&key, account);
        let open = state.workers.iter().filter(|(_, worker)| matches!(worker.stage, Stage::Starting | Stage::Up) && worker.group == group);
        let candidates = open.map(|(number, worker)| Candidate {
            number: *number,
            accounts: worker.accounts,
            buddies: worker.load.buddies,
            memory: worker.memory,
            has_key: holding.contains(number),
            has_user: theirs.contains(number),
        });
        if let Some(number) = choose(candidates, self.0.settings.caps) {
            return Ok(number);
        }
        if state.failing.get(&group).is_some_and(|(_, until)| *until > now) {
            return Err(NoPlace::Later);
        }
        if state.workers.len() >= most {
            return Err(NoPlace::Full);
        }
        Ok(self.start_worker(state, group, None))
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

impl State {
    /// A conversation is not to be had back.
    fn forget_conversation(&mut self, account: AccountId, conversation: ConversationId) {
        self.ledger.forget_room(account, conversation);
        for (_, other, before) in &mut self.unplaced {
            if *other == account {
                before.conversations.retain(|name| ConversationId::of(account, ConversationKind::Im, name) != conversation);
            }
        }
    }
}

/// How an account stands that is being moved or made anew.
pub(super) fn coming_back() -> AccountStanding {
    let message = "A part of the server was started anew. This account is signed on again by itself.".to_owned();
    let error = AccountError { code: "restarting".to_owned(), message, fatal: false };
    AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Connecting) }
}

/// How an account stands that is not signed on again by itself.
pub(super) fn set_aside(message: &str) -> AccountStanding {
    let error = AccountError { code: "set_aside".to_owned(), message: message.to_owned(), fatal: true };
    AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) }
}
