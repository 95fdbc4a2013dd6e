//! When the libpurple that had an account is gone: what of the user's state is void until another has it, and what that one is to be told.

use super::conversation::Conv;
use super::state::{Env, State};
use crate::wire::{ErrorBody, EventBody};
use bridge::command::{Before, CommandKind, KnownBuddy, Origin, Place};
use bridge::event::EventKind;
use bridge::id::{AccountId, ConversationId};
use bridge::model::{
    Account, AccountError, AccountStanding, AccountState, Author, Buddy, ConversationKind, Message, MessageKind, StatusKind,
};
use bridge::time::Timestamp;

/// Buddies in one event.
const A_BATCH: usize = 500;

/// Bytes of buddies that another libpurple is told: all of it has to fit into one frame.
const MOST_BEFORE: usize = 4 << 20;

/// The error code of an account that is signed on again by itself after a crash.
const RESTARTING: &str = "restarting";

fn is_coming_back(standing: &AccountStanding) -> bool {
    standing.state == AccountState::Connecting && standing.error.as_ref().is_some_and(|error| error.code == RESTARTING)
}

/// Until it is signed on, or something else is wrong, an account that is coming back says why it is gone: steps of its sign-on name no error.
pub(super) fn coming_back(old: &AccountStanding, new: &mut AccountStanding) {
    if new.state == AccountState::Connecting && new.error.is_none() && is_coming_back(old) {
        new.error.clone_from(&old.error);
    }
}

impl State {
    /// Made anew in another libpurple, an account that is coming back begins as offline, which is news to that libpurple alone.
    pub(super) fn still_coming_back(&mut self, account: &mut Account) {
        let Some(old) = self.account(account.id).map(|known| known.standing.clone()).filter(is_coming_back) else { return };
        let signs_on = account.enabled && account.status != StatusKind::Offline;
        if account.standing.state == AccountState::Offline && signs_on {
            account.standing = old;
        } else {
            coming_back(&old, &mut account.standing);
        }
    }

    /// The account that a command is about, when it is one's.
    pub(crate) fn account_of(&self, kind: &CommandKind) -> Option<AccountId> {
        match kind.place() {
            Place::Account(account) => Some(account),
            Place::Buddy(buddy) => self.buddies.get(&buddy).map(|buddy| buddy.account),
            Place::Conversation(conversation) => self.conversations.get(&conversation).map(|conv| conv.base.account),
            Place::Numbered(_) | Place::User => None,
        }
    }

    /// An account is in no libpurple now. Its people count as offline, its rooms as left, its questions are withdrawn; its lines stay.
    /// Returns what another libpurple has to know.
    pub(crate) fn account_lost(&mut self, env: &Env<'_>, account: AccountId, standing: AccountStanding) -> Before {
        self.withdraw(env, account);
        self.discovery_broken(env, account);
        if self.keep.as_ref().is_some_and(|keep| keep.online.contains(&account)) {
            self.note_silence(account, env.wall);
        }
        let standing = self.as_it_stands(account, standing);
        if let Some(known) = self.account(account) {
            known.standing = standing.clone();
            known.mail = None;
            self.emit(env, None, EventBody::AccountState { account, standing });
        }
        let theirs = |buddy: &&Buddy| buddy.account == account;
        let known =
            |buddy: &Buddy| KnownBuddy { id: buddy.id, name: buddy.name.clone(), group: buddy.group.clone(), alias: buddy.alias.clone() };
        let mut room = MOST_BEFORE;
        let fits = |buddy: &KnownBuddy| {
            room = room.saturating_sub(buddy.name.len() + buddy.group.len() + buddy.alias.len() + 32);
            room > 0
        };
        let buddies = self.buddies.values().map(AsRef::as_ref).filter(theirs).map(known).take_while(fits).collect();
        self.all_offline(env, account);
        let mut rooms = Vec::new();
        let mut conversations = Vec::new();
        for (id, conv) in self.conversations.iter_mut().filter(|(_, conv)| conv.open && conv.base.account == account) {
            match conv.base.kind {
                ConversationKind::Im => conversations.push(conv.base.name.clone()),
                ConversationKind::Room => {
                    conv.base.joined = Some(false);
                    conv.members = None;
                    rooms.push(*id);
                }
            }
        }
        for id in rooms {
            let Some(conversation) = self.conversations.get(&id).map(|conv| conv.wire(false)) else { continue };
            self.emit(env, None, EventBody::ConversationUpdated { account, conversation });
        }
        // Which rooms to go back to, and whom it blocks, is known where accounts are made anew.
        Before { buddies, conversations, ..Before::default() }
    }

    /// What a network sent to an account since then may not have been told.
    pub(super) fn messages_missed(&mut self, account: AccountId, since: Timestamp) {
        if !self.has(account) || self.note_silence(account, since) {
            return;
        }
        let missed = &mut self.seldom.get_or_insert_default().missed;
        if missed.iter().all(|(known, _)| *known != account) {
            missed.push((account, since));
        }
    }

    /// An account stands otherwise: once it is signed on again, each of its open conversations says what may be missing there.
    pub(super) fn mark_what_is_missed(&mut self, env: &Env<'_>, account: AccountId, state: AccountState) {
        let over = matches!(state, AccountState::Online | AccountState::Offline);
        let Some(seldom) = self.seldom.as_mut().filter(|_| over) else { return };
        let Some(at) = seldom.missed.iter().position(|(known, _)| *known == account) else { return };
        let (_, since) = seldom.missed.swap_remove(at);
        if state == AccountState::Offline {
            // Its user signed it off.
            return;
        }
        let theirs = |conv: &Conv| conv.open && conv.base.account == account;
        let open: Vec<ConversationId> = self.conversations.iter().filter(|(_, conv)| theirs(conv)).map(|(id, _)| *id).collect();
        for conversation in open {
            env.counters.gaps_marked.one();
            let message = gap(since, env.wall);
            self.apply(env, None, EventKind::MessageAdded { conversation, message });
        }
    }

    fn all_offline(&mut self, env: &Env<'_>, account: AccountId) {
        let mut changed = Vec::new();
        for buddy in self.buddies.values_mut().filter(|buddy| buddy.account == account && buddy.status != StatusKind::Offline) {
            buddy.status = StatusKind::Offline;
            buddy.status_message = None;
            changed.push(Buddy::clone(buddy));
        }
        while !changed.is_empty() {
            let rest = changed.split_off(changed.len().min(A_BATCH));
            self.emit(env, None, EventBody::BuddyAdded { account, buddies: std::mem::replace(&mut changed, rest) });
        }
    }

    /// The networks are gone: accounts are offline, and nobody knows what became of the commands that ran.
    pub(crate) fn bridge_gone(&mut self, env: &Env<'_>) {
        self.moving = super::transfers::Moving::default();
        let message = "The server lost its connection to the networks.";
        for account in self.accounts.iter().map(|account| account.id).collect::<Vec<_>>() {
            let error = AccountError { code: "bridge_gone".to_owned(), message: message.to_owned(), fatal: true };
            let standing = AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) };
            self.account_stands(env, None, account, standing);
        }
        let running: Vec<Origin> = self
            .clients
            .iter()
            .flat_map(|client| {
                let of = |command| Origin { client: client.id.to_string(), command };
                client.running().into_iter().map(of)
            })
            .collect();
        for origin in running {
            let error = ErrorBody {
                code: "unknown_fate".to_owned(),
                message: "Nobody knows whether this was done: the server lost its connection to the networks.".to_owned(),
                field: None,
                retry_ms: None,
            };
            self.command_ended(env, Some(&origin), Err(error));
        }
    }
}

/// The line that says from when to when messages may be missing.
fn gap(since: Timestamp, until: Timestamp) -> Message {
    let text = |time: Timestamp| time.to_string().replace('T', " ");
    let short = |time: Timestamp| text(time).split('.').next().unwrap_or_default().to_owned();
    let html = format!(
        "Messages may be missing here: the server lost what the network sent from {} to {} (UTC), when a part of it was started anew.",
        short(since),
        short(until)
    );
    Message {
        kind: MessageKind::System,
        from: Author { name: String::new(), alias: None, buddy: None, own: false },
        time: until,
        html,
        delayed: false,
        highlight: false,
        auto_reply: false,
        remote: false,
        topic: false,
        server_id: None,
        reference: None,
        pictures: Vec::new(),
    }
}
