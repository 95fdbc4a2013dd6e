//! From what the bridge tells to the user's state and log: accounts, buddies, groups and outcomes; sends nothing.

use super::bounds::{self, MOST_BUDDY_BYTES, MOST_GROUPS};
use super::client::Fate;
use super::door;
use super::guest::LOGIN;
use super::lost::coming_back;
use super::questions::MOST_OPEN;
use super::resume::RESUME;
use super::state::{Env, GroupPlace, State};
use crate::store::Write;
use crate::wire::{ErrorBody, EventBody};
use bridge::command::Origin;
use bridge::event::{EventKind, Outcome};
use bridge::id::{AccountId, BuddyId};
use bridge::model::{Account, AccountError, AccountStanding, AccountState, Buddy, RoomListRows, Transfer};

/// Adds or replaces by id.
pub(super) fn put<T, I: PartialEq>(list: &mut Vec<T>, thing: T, id: impl Fn(&T) -> I) {
    match list.iter_mut().find(|known| id(known) == id(&thing)) {
        Some(known) => *known = thing,
        // Most lists here have one.
        None => {
            list.reserve_exact(1);
            list.push(thing);
        }
    }
}

/// Takes away by id. True when it was there.
pub(super) fn take<T, I: PartialEq>(list: &mut Vec<T>, wanted: &I, id: impl Fn(&T) -> I) -> bool {
    let before = list.len();
    list.retain(|known| id(known) != *wanted);
    if list.is_empty() {
        list.shrink_to(0);
    }
    list.len() != before
}

impl State {
    /// Takes in one event. The caller delivers after the last one of a batch.
    pub(crate) fn apply(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut kind: EventKind) {
        match door::admit(&mut kind) {
            Some(left_out) => self.leave_out(env, left_out),
            None => return self.leave_out(env, 1),
        }
        match kind {
            EventKind::AccountAdded(account) if !self.has(account.id) && !self.has_room_for_an_account(env) => self.leave_out(env, 1),
            EventKind::AccountAdded(mut account) => {
                self.still_coming_back(&mut account);
                self.as_its_user_wants(&mut account);
                self.account_changed(account.id);
                put(&mut self.accounts, account.clone(), |known| known.id);
                self.emit(env, origin, EventBody::AccountAdded { account });
            }
            EventKind::AccountUpdated(mut account) if self.has(account.id) => {
                self.still_coming_back(&mut account);
                self.as_its_user_wants(&mut account);
                self.account_changed(account.id);
                put(&mut self.accounts, account.clone(), |known| known.id);
                self.emit(env, origin, EventBody::AccountUpdated { account });
            }
            EventKind::AccountState { account, standing } => self.account_stands(env, origin, account, standing),
            EventKind::AccountStatus { account, status, message, idle } => {
                if let Some(known) = self.account(account) {
                    known.status = status;
                    known.status_message.clone_from(&message);
                    known.idle = idle;
                    self.emit(env, origin, EventBody::AccountStatus { account, status, status_message: message, idle });
                }
            }
            EventKind::AccountRemoved { account } => self.account_removed(env, origin, account),
            // No page shows them.
            EventKind::AccountPinned { account, .. }
            | EventKind::AccountPasswordGiven { account, .. }
            | EventKind::AccountSettingStored { account, .. } => self.account_changed(account),
            EventKind::RoomRemembered { account, conversation, fields } => {
                self.account_changed(account);
                if let Some(form) = fields {
                    self.bookmark_found(env, account, conversation, &form);
                }
            }
            EventKind::AccountUpdated(_)
            | EventKind::AccountLost { .. }
            | EventKind::MediaStored(_)
            | EventKind::TransferBytes(_)
            | EventKind::TransferWanted { .. } => {}
            EventKind::MessagesMissed { account, since } => self.messages_missed(account, since),
            EventKind::BuddiesAdded(mut buddies) => {
                buddies.retain(|buddy| self.may_place(buddy));
                self.buddies_added(env, origin, buddies);
            }
            EventKind::BuddyUpdated(buddy) => {
                if self.may_place(&buddy) && self.place(env, &buddy) {
                    self.emit(env, origin, EventBody::BuddyUpdated { account: buddy.account, buddy });
                }
            }
            EventKind::BuddiesRemoved { account, buddies } => self.buddies_removed(env, origin, account, buddies),
            EventKind::Mail { account, count } => {
                if let Some(known) = self.account(account) {
                    known.mail = Some(count);
                    self.emit(env, origin, EventBody::Mail { account, count });
                }
            }
            EventKind::RequestOpened(request) => self.request_opened(env, origin, request),
            EventKind::RequestClosed { request } => self.request_closed(env, origin, request),
            EventKind::AuthorizationOpened(authorization) => self.authorization_opened(env, origin, authorization),
            EventKind::AuthorizationClosed { authorization } => self.authorization_closed(env, origin, authorization),
            EventKind::NoticeOpened(notice) => self.notice_opened(env, origin, notice),
            EventKind::NoticeRows { notice, rows } => self.notice_rows(env, origin, notice, rows),
            EventKind::NoticeClosed { notice } => self.notice_closed(env, origin, notice),
            EventKind::TransferOpened(transfer) => self.transfer_opened(env, origin, transfer),
            // Of one that is not shown nobody wants to know how far it is.
            EventKind::TransferProgress(transfer) => {
                if let Some(known) = self.transfers.iter_mut().find(|known| known.id == transfer.id) {
                    known.clone_from(&transfer);
                    self.emit(env, origin, EventBody::TransferProgress { account: transfer.account, transfer });
                }
            }
            EventKind::TransferClosed { transfer, state } => {
                self.moving.ended(transfer, state == "done");
                if take(&mut self.transfers, &transfer, |known| known.id) {
                    self.emit(env, origin, EventBody::TransferClosed { transfer, state });
                }
            }
            EventKind::Privacy { account, privacy } => {
                self.account_changed(account);
                self.emit(env, origin, EventBody::Privacy { account, privacy });
            }
            EventKind::RoomInvited { account, who, room, message } => {
                self.emit(env, origin, EventBody::RoomInvited { account, who, room, message });
            }
            EventKind::RoomList(rows) => self.emit(env, origin, EventBody::RoomList { rows, error: None }),
            EventKind::RoomsFound(found) => self.rooms_found(env, found),
            EventKind::RoomListFailed { list, error } => {
                let rows = RoomListRows { list, rows: Vec::new(), more: false };
                self.emit(env, origin, EventBody::RoomList { rows, error: Some(error.into()) });
            }
            EventKind::CommandDone { result } => self.command_ended(env, origin, Ok(result)),
            EventKind::CommandFailed { error } => self.command_ended(env, origin, Err(error.into())),
            EventKind::ConversationOpened(conversation) | EventKind::ConversationUpdated(conversation)
                if !self.has(conversation.account)
                    || self.conversations.get(&conversation.id).is_some_and(|known| known.base.account != conversation.account) => {}
            EventKind::ConversationOpened(conversation) => self.conversation_opened(env, origin, conversation),
            EventKind::ConversationUpdated(conversation) => self.conversation_updated(env, origin, conversation),
            EventKind::ConversationClosed { conversation } => self.conversation_closed(env, origin, conversation),
            EventKind::PictureCame { picture, hash } => self.picture_came(env, picture, hash.as_deref()),
            EventKind::MessageAdded { conversation, message } => self.message_added(env, origin, conversation, message),
            EventKind::MessageMarked { conversation, reference, mark } => self.message_marked(env, conversation, &reference, mark),
            EventKind::MessageReplaced { conversation, reference, message } => {
                self.message_replaced(env, conversation, &reference, message);
            }
            EventKind::Typing { conversation, who, state } => {
                if let Some(account) = self.open_conversation(conversation).map(|conv| conv.base.account) {
                    self.emit(env, origin, EventBody::Typing { account, conversation, who, state });
                }
            }
            EventKind::RoomMembers { conversation, joined, left, changed, renamed, initial } => {
                self.members_changed(env, origin, conversation, super::apply_room::Change { joined, left, changed, renamed, initial });
            }
            EventKind::RoomTopic { conversation, who, topic } => {
                if let Some(conv) = self.open_conversation(conversation) {
                    conv.base.topic = Some(topic.clone());
                    let account = conv.base.account;
                    self.emit(env, origin, EventBody::RoomTopic { account, conversation, who, topic });
                }
            }
            EventKind::Attention { conversation, who, text } => {
                if let Some(account) = self.open_conversation(conversation).map(|conv| conv.base.account) {
                    self.emit(env, origin, EventBody::Attention { account, conversation, who, text });
                }
            }
        }
    }

    pub(super) fn account_stands(&mut self, env: &Env<'_>, origin: Option<&Origin>, account: AccountId, standing: AccountStanding) {
        let mut standing = self.as_it_stands(account, standing);
        let is_closed = self.closed.contains(&account);
        if let Some(known) = self.account(account) {
            if is_closed && known.standing == standing {
                // Its worker tells how it signs off.
                return;
            }
            coming_back(&known.standing, &mut standing);
            let state = standing.state;
            let changes = known.standing.state != state;
            known.standing = standing.clone();
            if changes {
                match (state, &standing.error) {
                    (AccountState::Online, _) => env.counters.sign_ons.note(&known.protocol, "online"),
                    (AccountState::Error | AccountState::Waiting, Some(error)) => env.counters.sign_ons.note(&known.protocol, &error.code),
                    _ => {}
                }
                // What the network kept comes with a sign-on.
                let theirs = self.conversations.values_mut().filter(|conv| conv.base.account == account);
                theirs.for_each(|conv| conv.recent.begins(env.wall));
            }
            if changes && state == AccountState::Online {
                self.join_bookmarks(env.config, account);
            }
            self.emit(env, origin, EventBody::AccountState { account, standing });
            if state != AccountState::Online {
                self.discovery_broken(env, account);
            }
            self.mark_what_is_missed(env, account, state);
            self.note_presence(env, account, state);
        }
    }

    fn transfer_opened(&mut self, env: &Env<'_>, origin: Option<&Origin>, transfer: Transfer) {
        if self.transfers.len() >= MOST_OPEN && self.transfers.iter().all(|known| known.id != transfer.id) {
            return self.leave_out(env, 1);
        }
        put(&mut self.transfers, transfer.clone(), |known| known.id);
        self.emit(env, origin, EventBody::TransferOpened { account: transfer.account, transfer });
    }

    /// What was asked and told of an account that nobody can answer any more.
    pub(super) fn withdraw(&mut self, env: &Env<'_>, account: AccountId) {
        let requests: Vec<_> = self.requests.iter().filter(|known| known.account == Some(account)).map(|known| known.id).collect();
        for request in requests {
            self.apply(env, None, EventKind::RequestClosed { request });
        }
        let authorizations: Vec<_> = self.authorizations.iter().filter(|known| known.account == account).map(|known| known.id).collect();
        for authorization in authorizations {
            self.apply(env, None, EventKind::AuthorizationClosed { authorization });
        }
        let notices: Vec<_> = self.notices.iter().filter(|known| known.account == Some(account)).map(|known| known.id).collect();
        for notice in notices {
            self.apply(env, None, EventKind::NoticeClosed { notice });
        }
        let transfers: Vec<_> = self.transfers.iter().filter(|known| known.account == account).map(|known| known.id).collect();
        for transfer in transfers {
            self.apply(env, None, EventKind::TransferClosed { transfer, state: "failed".to_owned() });
        }
    }

    fn has_room_for_an_account(&self, env: &Env<'_>) -> bool {
        env.config.accounts_per_user == 0 || self.accounts.len() < env.config.accounts_per_user
    }

    /// Whether this user has the account: what comes late of one that is gone must not bring it back.
    pub(super) fn has(&self, account: AccountId) -> bool {
        self.accounts.iter().any(|known| known.id == account)
    }

    fn account_removed(&mut self, env: &Env<'_>, origin: Option<&Origin>, account: AccountId) {
        // The bridge may have withdrawn them already.
        self.withdraw(env, account);
        if let Some(seldom) = &mut self.seldom {
            seldom.missed.retain(|(known, _)| *known != account);
        }
        self.closed.remove(&account);
        self.discovery_forgets(account);
        self.searches_forget(env, account);
        self.forget_waiting(account);
        self.bookmarks.retain(|known| known.account != account);
        let (mut groups, mut freed) = (Vec::new(), 0);
        self.buddies.retain(|_, buddy| {
            let stays = buddy.account != account;
            if !stays {
                self.buddy_bytes = self.buddy_bytes.saturating_sub(bounds::buddy_bytes(buddy));
                groups.push(std::mem::take(&mut buddy.group));
            }
            stays
        });
        for group in groups {
            self.leave_group(env, &group);
        }
        let mut talks = Vec::new();
        self.conversations.retain(|id, conv| {
            let stays = conv.base.account != account;
            if !stays {
                freed += conv.kept.bytes();
                talks.push(*id);
            }
            stays
        });
        self.kept_bytes = self.kept_bytes.saturating_sub(freed);
        if take(&mut self.accounts, &account, |known: &Account| known.id) {
            if self.forget_account(account) {
                self.forget_settings(env, &talks, Some(account));
                if self.keep.is_some() {
                    self.forget_empty_groups();
                }
            }
            self.emit(env, origin, EventBody::AccountRemoved { account });
        }
    }

    /// Of an account that is there, and not under the id of another's buddy.
    fn may_place(&self, buddy: &Buddy) -> bool {
        self.buddies.get(&buddy.id).map_or_else(|| self.has(buddy.account), |known| known.account == buddy.account)
    }

    fn buddies_added(&mut self, env: &Env<'_>, origin: Option<&Origin>, mut buddies: Vec<Buddy>) {
        buddies.retain(|buddy| self.place(env, buddy));
        // One event an account, in the order of their coming.
        let mut rest = buddies.into_iter().peekable();
        while let Some(first) = rest.next() {
            let account = first.account;
            let mut of_account = vec![first];
            while let Some(buddy) = rest.next_if(|buddy| buddy.account == account) {
                of_account.push(buddy);
            }
            self.emit(env, origin, EventBody::BuddyAdded { account, buddies: of_account });
        }
    }

    fn buddies_removed(&mut self, env: &Env<'_>, origin: Option<&Origin>, account: AccountId, mut buddies: Vec<BuddyId>) {
        let mut groups = Vec::new();
        buddies.retain(|id| {
            let known = self.buddies.get(id).is_some_and(|known| known.account == account);
            if let Some(buddy) = known.then(|| self.buddies.remove(id)).flatten() {
                self.buddy_bytes = self.buddy_bytes.saturating_sub(bounds::buddy_bytes(&buddy));
                groups.push(buddy.group);
            }
            known
        });
        if buddies.is_empty() {
            return;
        }
        for buddy in buddies.iter().copied() {
            self.write(|user| Write::BuddyRemoved { user, account, buddy });
        }
        self.emit(env, origin, EventBody::BuddyRemoved { account, buddies });
        for group in groups {
            self.leave_group(env, &group);
        }
    }

    /// Puts a buddy, new or known, into the list and its group. False: there is no room.
    pub(super) fn place(&mut self, env: &Env<'_>, buddy: &Buddy) -> bool {
        let old = self.buddies.get(&buddy.id).map_or(0, |known| bounds::buddy_bytes(known));
        let bytes = self.buddy_bytes.saturating_sub(old) + bounds::buddy_bytes(buddy);
        let new_group = self.groups.iter().all(|group| *group.name != *buddy.group);
        if bytes > MOST_BUDDY_BYTES || new_group && self.groups.len() >= MOST_GROUPS {
            self.leave_out(env, 1);
            return false;
        }
        self.buddy_bytes = bytes;
        let before = self.buddies.insert(buddy.id, Box::new(buddy.clone()));
        self.keep_buddy(before.as_deref(), buddy);
        let before = before.map(|known| known.group);
        if before.as_deref() == Some(buddy.group.as_str()) {
            return true;
        }
        match self.groups.iter_mut().find(|group| *group.name == *buddy.group) {
            Some(group) => {
                group.buddies += 1;
                group.goes = false;
                if group.buddies == 1 {
                    let group = group.wire();
                    self.emit(env, None, EventBody::GroupAdded { group });
                }
            }
            None => {
                let group = GroupPlace { buddies: 1, ..GroupPlace::arranged(&buddy.group, 0, false) };
                self.emit(env, None, EventBody::GroupAdded { group: group.wire() });
                self.groups.push(group);
            }
        }
        if let Some(before) = before {
            self.leave_group(env, &before);
        }
        true
    }

    fn leave_group(&mut self, env: &Env<'_>, name: &str) {
        let Some(at) = self.groups.iter().position(|group| *group.name == *name) else { return };
        let Some(group) = self.groups.get_mut(at) else { return };
        group.buddies = group.buddies.saturating_sub(1);
        if group.buddies == 0 {
            // What the user arranged is remembered for when its buddies come back, as long as that is not much.
            if group.goes || group.is_plain() {
                self.forget_group(at);
            } else {
                self.bound_groups();
            }
            self.emit(env, None, EventBody::GroupRemoved { group: name.to_owned() });
        }
    }

    /// A command of some client of this user has ended.
    pub(crate) fn command_ended(&mut self, env: &Env<'_>, origin: Option<&Origin>, outcome: Result<Option<Outcome>, ErrorBody>) {
        let Some(origin) = origin else { return };
        self.adding.retain(|adding| adding != origin);
        if origin.client.is_empty() {
            if self.discovery_ended(env, origin, &outcome) {
                return;
            }
            let fate = if outcome.is_ok() { crate::wire::MessageState::Sent } else { crate::wire::MessageState::Failed };
            if self.resend_ended(env, origin, fate) {
                return;
            }
            if outcome.is_ok() {
                // Whatever said it has told so before, or says nothing.
                self.waited(env, Some(origin), crate::wire::MessageState::Sent);
            }
            if let Err(error) = outcome {
                if self.waited(env, Some(origin), crate::wire::MessageState::Failed) {
                    return;
                }
                let account = match origin.command.strip_prefix(RESUME) {
                    Some(account) => account.parse().ok(),
                    None if origin.command == LOGIN => self.accounts.first().map(|account| account.id),
                    None => None,
                };
                self.login_failed(env, account, error);
            }
            return;
        }
        if let Some(outcome) = self.hold_end(origin, outcome) {
            self.conclude(env, origin, outcome);
        }
    }

    /// A client's command has ended, and what it changed is durable.
    pub(super) fn conclude(&mut self, env: &Env<'_>, origin: &Origin, outcome: Result<Option<Outcome>, ErrorBody>) {
        let fate = match &outcome {
            Ok(result) => Fate::Done(result.clone().map(Box::new)),
            Err(error) => Fate::Failed(Box::new(error.clone())),
        };
        if let Some(client) = self.client(&origin.client) {
            client.conclude(&origin.command, fate);
        }
        let body = match outcome {
            Ok(result) => EventBody::CommandDone { result },
            Err(error) => EventBody::CommandFailed { error },
        };
        self.emit(env, Some(origin), body);
    }

    /// The account of the log-in could not even be made: it stands in error, so that the page can say why. One that was to be registered as well
    /// fails twice, and the first says why.
    fn login_failed(&mut self, env: &Env<'_>, account: Option<AccountId>, error: ErrorBody) {
        let Some(known) = account.and_then(|account| self.account(account)) else { return };
        if known.standing.state == AccountState::Error {
            return;
        }
        let account = known.id;
        let error = AccountError { code: error.code, message: error.message, fatal: true };
        let standing = AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) };
        self.account_stands(env, None, account, standing);
    }
}
