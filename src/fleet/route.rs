//! From a command to the worker, or workers, that perform it; what no worker can perform is answered here.

use super::flight::{What, told};
use super::ledger::At;

use super::{Fleet, State, own};
use bridge::command::{Command, CommandKind, Origin, Place};
use bridge::error::CommandError;
use bridge::event::{Event, EventKind};
use bridge::frame::Down;
use bridge::handle::Rejected;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::{AccountError, AccountStanding, AccountState, ConversationKind, Protocol};
use std::time::Instant;

impl Fleet {
    pub(super) fn route(&self, command: Command, of: Option<AccountId>) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.quitting {
            return Err(Rejected::Closed);
        }
        let user = command.user;
        if command.origin.is_some() && !state.flights.has_room(user) && command.kind != CommandKind::RemoveUser {
            return Err(Rejected::Busy(Box::new(command)));
        }
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
                    // Whoever still shows it is to close it.
                    let closed = match command.kind {
                        CommandKind::CloseNotice(notice) => Some(EventKind::NoticeClosed { notice }),
                        CommandKind::AnswerRequest { request, .. } => Some(EventKind::RequestClosed { request }),
                        CommandKind::AnswerAuthorization { authorization, .. } => Some(EventKind::AuthorizationClosed { authorization }),
                        CommandKind::AcceptTransfer(transfer) | CommandKind::CancelTransfer(transfer) => {
                            Some(EventKind::TransferClosed { transfer, state: "failed".to_owned() })
                        }
                        _ => None,
                    };
                    if let Some(kind) = closed {
                        self.tell(&state, vec![own(user, kind)]);
                    }
                    self.refuse(&state, &command, CommandError::new("gone", "This is not open any more."))
                }
            }
            Place::User => self.to_user(&mut state, command),
        }
    }

    /// Tells that a command was not carried out.
    pub(super) fn refuse(&self, state: &State, command: &Command, error: CommandError) -> Result<(), Rejected> {
        self.answer(state, command.user, command.origin.clone(), Err(error));
        Ok(())
    }

    fn answer(&self, state: &State, user: UserId, origin: Option<Origin>, ended: super::flight::Ended) {
        if origin.is_some() {
            self.tell(state, vec![Event { user, origin, kind: told(ended) }]);
        }
    }

    fn to_user(&self, state: &mut State, command: Command) -> Result<(), Rejected> {
        let user = command.user;
        if command.kind == CommandKind::RemoveUser {
            return self.remove_user(state, command);
        }
        // Each worker hears of its own accounts and conversations, and of no others.
        let theirs = state.ledger.workers_of(user).into_iter();
        let parts: Vec<(u16, CommandKind)> = theirs.filter_map(|number| Some((number, state.part(user, number, &command.kind)?))).collect();
        if parts.iter().any(|(number, _)| !state.has_room(*number)) {
            return Err(Rejected::Busy(Box::new(command)));
        }
        self.note(state, &command);
        if parts.is_empty() {
            self.answer(state, user, command.origin, Ok(None));
            return Ok(());
        }
        if let Some(origin) = &command.origin {
            state.flights.begin(user, origin.clone(), What::Other, parts.iter().map(|(number, _)| *number));
        }
        for (number, kind) in parts {
            if self.hand(state, number, Command { user, origin: command.origin.clone(), kind }).is_err() {
                // It has just ended: with that ends its part, as for any that it had.
                log::debug!("worker {number} took its part of a command of {user} to its grave");
            }
        }
        Ok(())
    }

    fn remove_user(&self, state: &mut State, command: Command) -> Result<(), Rejected> {
        let user = command.user;
        let with: Vec<u16> = state.workers.keys().copied().filter(|number| state.ledger.is_with(user, *number)).collect();
        for number in with {
            // What cannot be told to a worker that takes nothing is told by its end.
            match self.hand(state, number, Command { origin: Some(super::flight::departure()), ..command.clone() }) {
                Ok(()) => *state.departing.entry((number, user)).or_default() += 1,
                Err(_) => {
                    if let Some(worker) = state.workers.get_mut(&number) {
                        super::watch::kill(worker, "it takes no more commands");
                    }
                }
            }
        }
        for record in state.ledger.remove_user(user) {
            if let At::Worker(number) | At::Leaving(number) = record.at {
                state.left(number);
            }
        }
        state.flights.forget_user(user);
        state.lists.forget_user(user);
        let waiting = std::mem::take(&mut state.unplaced);
        state.unplaced = waiting
            .into_iter()
            .filter(|(other, account, _)| {
                let stays = *other != user;
                if !stays {
                    state.adding.remove(account);
                }
                stays
            })
            .collect();
        self.answer(state, user, command.origin, Ok(None));
        Ok(())
    }

    /// What a command that was, or will be, carried out changes of what is known of accounts. True: the account has to leave its worker.
    fn note(&self, state: &mut State, command: &Command) -> bool {
        let protocol = match command.kind.place() {
            Place::Account(account) => state.ledger.any(account).and_then(|record| self.protocol(record.protocol())),
            _ => None,
        };
        state.ledger.note_command(command, protocol)
    }

    /// What is offered under this id.
    pub(super) fn protocol(&self, id: &str) -> Option<&Protocol> {
        self.known_catalogue()?.protocols.iter().find(|known| known.id == id)
    }

    /// Whether a protocol's code comes with the libpurple in use, whatever file has claimed its id besides.
    pub(super) fn ships(&self, id: &str) -> bool {
        let Some(catalogue) = self.known_catalogue() else { return false };
        let mut serving = catalogue.plugins.iter().filter(|plugin| plugin.state == "loaded" && plugin.id.as_deref() == Some(id)).peekable();
        serving.peek().is_some() && serving.all(|plugin| plugin.ships)
    }

    /// Its worker has carried out a change of an account.
    pub(super) fn changed(&self, state: &mut State, command: &Command) {
        let moves = self.note(state, command);
        if let (true, Place::Account(account)) = (moves, command.kind.place())
            && let Some(number) = state.ledger.get(command.user, account).and_then(super::ledger::Record::worker)
        {
            self.move_away(state, command.user, account, number);
        }
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
            At::Worker(number) if self.meets_strangers(state, &command, account) => {
                // Where it is, its new server would be met by others: it is made anew elsewhere.
                if !state.has_room(number) {
                    return Err(Rejected::Busy(Box::new(command)));
                }
                self.move_away(state, command.user, account, number);
                self.to_nowhere(state, command, account)
            }
            At::Worker(number) => {
                self.to_workers(state, command.clone(), &[number])?;
                match command.kind {
                    CommandKind::SendMessage { .. } => state.ledger.touch(account, Instant::now()),
                    // Held to once the worker has taken it: what it refuses must not come back with the account.
                    CommandKind::UpdateAccount { .. } | CommandKind::ChangePassword { .. } if command.origin.is_some() => {}
                    _ => self.changed(state, &command),
                }
                Ok(())
            }
            At::Lost | At::Leaving(_) | At::Aside | At::Refused => self.to_nowhere(state, command, account),
        }
    }

    /// Whether a command leads an account to a server that others in its worker are kept from.
    fn meets_strangers(&self, state: &State, command: &Command, account: AccountId) -> bool {
        let CommandKind::UpdateAccount { .. } = &command.kind else { return false };
        let Some(record) = state.ledger.any(account) else { return false };
        let server = record.server_after(&command.kind, self.protocol(record.protocol()));
        server.is_some_and(|server| self.must_leave(state, account, server))
    }

    /// A command for an account that no worker has.
    fn to_nowhere(&self, state: &mut State, command: Command, account: AccountId) -> Result<(), Rejected> {
        self.note(state, &command);
        let at = state.ledger.any(account).map(|record| record.at);
        let aside = matches!(at, Some(At::Aside | At::Refused));
        let user = command.user;
        let ended = match &command.kind {
            CommandKind::RemoveAccount(_) => {
                if let Some(At::Leaving(number)) = state.ledger.remove(account).map(|record| record.at) {
                    state.left(number);
                }
                state.unplaced.retain(|(_, other, _)| *other != account);
                let added = state.adding.remove(&account);
                self.answer(state, user, added, Err(CommandError::new("gone", "The account was removed before it was there.")));
                self.tell(state, vec![Event { user, origin: command.origin.clone(), kind: EventKind::AccountRemoved { account } }]);
                Ok(None)
            }
            CommandKind::EnableAccount(_) | CommandKind::ConnectAccount(_) | CommandKind::UpdateAccount { .. } if aside => {
                let now = Instant::now();
                // A crash or two of one that was refused since are not what is wrong with it, and waiting mends nothing.
                if let Some(words) = state.refusal(now, account) {
                    Err(CommandError::new("set_aside", words))
                } else if self.is_full(state, user, account) {
                    Err(super::seat::full())
                } else {
                    state.ledger.put(account, At::Lost);
                    self.tell(state, vec![own(user, EventKind::AccountLost { account, standing: coming_back() })]);
                    Ok(None)
                }
            }
            CommandKind::DisableAccount(_) if aside => {
                // Nobody else says so, as long as it is in no worker.
                let standing = AccountStanding::plain(AccountState::Offline);
                self.tell(state, vec![own(user, EventKind::AccountState { account, standing })]);
                Ok(None)
            }
            CommandKind::CloseConversation(conversation) => {
                state.forget_conversation(user, account, *conversation);
                let kind = EventKind::ConversationClosed { conversation: *conversation };
                self.tell(state, vec![Event { user, origin: command.origin.clone(), kind }]);
                Ok(None)
            }
            CommandKind::LeaveRoom(conversation) => {
                state.forget_room(account, *conversation);
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
    pub(super) fn to_workers(&self, state: &mut State, command: Command, workers: &[u16]) -> Result<(), Rejected> {
        if !workers.iter().all(|number| state.has_room(*number)) {
            return Err(Rejected::Busy(Box::new(command)));
        }
        if let Some(origin) = &command.origin {
            state.flights.begin(command.user, origin.clone(), What::of(&command), workers.iter().copied());
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
    pub(super) fn hand(&self, state: &State, number: u16, command: Command) -> Result<(), Rejected> {
        let Some(worker) = state.workers.get(&number) else { return Err(Rejected::Busy(Box::new(command))) };
        let weight = weight(&command);
        if weight > 0 && !worker.life.take_room(weight) {
            return Err(Rejected::Busy(Box::new(command)));
        }
        worker.down.try_send(Down::Command(command)).map_err(|error| {
            worker.life.give_room(weight);
            match error.into_inner() {
                Down::Command(command) => Rejected::Busy(Box::new(command)),
                _ => Rejected::Closed,
            }
        })
    }
}

/// Bytes of a command that count, since many of them may wait for a worker that takes none.
pub(super) fn weight(command: &Command) -> usize {
    match &command.kind {
        CommandKind::SetAccountIcon { image: Some(image), .. } => image.len(),
        CommandKind::SendMessage { html, text, .. } => html.len() + text.len(),
        CommandKind::FeedTransfer(piece) => piece.bytes.len(),
        _ => 0,
    }
}

impl State {
    /// Whether a worker takes another command.
    fn has_room(&self, number: u16) -> bool {
        self.workers.get(&number).is_some_and(|worker| worker.down.capacity() > 0 && !worker.down.is_closed())
    }

    /// What of a command for all of a user's accounts a worker is to hear; `None`: nothing.
    fn part(&self, user: UserId, number: u16, kind: &CommandKind) -> Option<CommandKind> {
        match kind {
            CommandKind::SetStatus { status, attributes, accounts: Some(list) } => {
                let there = |account: &AccountId| self.ledger.get(user, *account).and_then(super::ledger::Record::worker) == Some(number);
                let list: Vec<AccountId> = list.iter().copied().filter(there).collect();
                let part = |accounts| CommandKind::SetStatus { status: status.clone(), attributes: attributes.clone(), accounts };
                (!list.is_empty()).then(|| part(Some(list)))
            }
            CommandKind::SetFocus { conversation } => {
                let conversation = conversation.filter(|conversation| self.ledger.talking(user, *conversation) == Some(number));
                Some(CommandKind::SetFocus { conversation })
            }
            _ => Some(kind.clone()),
        }
    }

    /// A conversation is not to be had back.
    fn forget_conversation(&mut self, user: UserId, account: AccountId, conversation: ConversationId) {
        self.ledger.forget_conversation(user, conversation);
        self.forget_room(account, conversation);
        for (_, other, before) in &mut self.unplaced {
            if *other == account {
                before.conversations.retain(|name| ConversationId::of(account, ConversationKind::Im, name) != conversation);
            }
        }
    }

    /// A room is not to be joined again.
    fn forget_room(&mut self, account: AccountId, conversation: ConversationId) {
        self.ledger.forget_room(account, conversation);
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
