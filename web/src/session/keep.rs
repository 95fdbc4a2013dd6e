//! Writes down what of a session outlives it, and holds the answers of commands until what they changed is durable. Never waits (see
//! `store::Journal`).

use super::TokenHash;
use super::conversation::Conv;
use super::ends::{Ends, Need};
use super::gaps::{Away, Missed};
use super::memory::{LEFT, MemoryConfig, STATUS};
use super::outbox::Waiting;
use super::state::{Env, State};
use crate::body;
use crate::secret::DataKey;
use crate::store::{AccountRow, BuddyRow, ConversationRow, Full, Gap, GroupRow, Journal, Limits, StoredMessage, Write};
use crate::wire::{self, ErrorBody, EventBody, GapWhy, HistorySet, MessageState};
use bridge::command::{AccountSettings, CommandKind, Origin, Place};
use bridge::event::Outcome;
use bridge::handle::Made;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::{AccountState, Buddy, Protocol};
use bridge::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// When to try again what only makes sense stored.
pub(super) const RETRY_MS: u64 = 3_000;

/// What the user wants to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Messages are kept.
    pub(crate) keep: bool,
    /// For so many days; 0: for ever.
    pub(crate) days: u32,
}

/// How what happens in a session outlives it.
#[derive(Debug)]
pub(crate) struct Keep {
    journal: Arc<Journal>,
    user: UserId,
    /// Seals the secrets of accounts.
    pub(super) key: DataKey,
    /// The site keeps messages.
    pub(super) site_keeps: bool,
    /// Days that the site keeps messages at most; 0: for ever.
    pub(super) site_days: u32,
    /// Limits of the user's own.
    pub(super) limits: Limits,
    /// Bytes that may be stored; 0: any number.
    pub(super) quota: u64,
    /// Bytes that are stored, as of the last look and what was written since.
    pub(super) usage: u64,
    /// Number of the user's last write.
    last: u64,
    ends: Ends,
    /// What found no room.
    pub(super) missed: Missed,
    /// Accounts to be written anew.
    changed: BTreeSet<AccountId>,
    /// Accounts that are not to be remembered.
    pub(super) passing: BTreeSet<AccountId>,
    /// Accounts that the user removes. What else says that one is gone deletes nothing that is stored.
    pub(super) removing: BTreeSet<AccountId>,
    /// Conversations that found no room to be written.
    unwritten: BTreeSet<ConversationId>,
    /// Tokens of the guest that the user was, and when they stop being good for requests that are on their way.
    pub(super) guest_tokens: Vec<(TokenHash, u64)>,
    /// Held by an export that is being written.
    pub(super) exporting: Arc<()>,
    /// Accounts that were signed on, and since when they are not.
    pub(super) away: Away,
    /// Accounts that are signed on.
    pub(super) online: BTreeSet<AccountId>,
    /// Lines that wait to be sent, in order.
    pub(super) outbox: VecDeque<Waiting>,
    /// When accounts were made: their order.
    pub(super) made: BTreeMap<AccountId, Timestamp>,
}

impl Keep {
    pub(super) fn new(journal: Arc<Journal>, user: UserId, key: DataKey, site: &MemoryConfig, limits: Limits) -> Self {
        Self {
            journal,
            user,
            key,
            site_keeps: site.history,
            site_days: site.history_days,
            quota: limits.storage_bytes.unwrap_or(site.storage_bytes),
            limits,
            usage: 0,
            last: 0,
            ends: Ends::default(),
            missed: Missed::default(),
            changed: BTreeSet::new(),
            passing: BTreeSet::new(),
            removing: BTreeSet::new(),
            unwritten: BTreeSet::new(),
            guest_tokens: Vec::new(),
            exporting: Arc::default(),
            away: Away::new(),
            online: BTreeSet::new(),
            outbox: VecDeque::new(),
            made: BTreeMap::new(),
        }
    }

    /// Hands on a write. False: there is no room for it, and what can be made up for is done when there is.
    pub(super) fn write(&mut self, write: Write) -> bool {
        match self.journal.push(write) {
            Ok(number) => {
                self.last = number;
                true
            }
            Err(Full(write)) => {
                self.missed.note(*write);
                false
            }
        }
    }

    /// A command is taken that ends in its own way without the store.
    pub(super) fn begin(&mut self, origin: &Origin, need: Need) {
        self.ends.begin(origin, need);
    }

    /// Number of the user's last write.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Number up to which everything is durable.
    pub(super) fn done(&self) -> u64 {
        self.journal.done()
    }

    /// Whether what is written is durable soon.
    pub(super) fn is_kept(&self) -> bool {
        self.journal.is_kept() && !self.journal.is_full(self.user)
    }

    /// Its account is to be written anew.
    pub(super) fn account_changed(&mut self, account: AccountId) {
        if !self.passing.contains(&account) {
            self.changed.insert(account);
        }
    }

    /// The accounts to be written anew.
    pub(super) fn take_changed(&mut self) -> BTreeSet<AccountId> {
        std::mem::take(&mut self.changed)
    }

    /// Writes an account down with its secrets.
    pub(super) fn write_account(&mut self, account: AccountId, made: Made, protocol: Option<&Protocol>, wall: Timestamp) {
        let Made { mut settings, icon } = made;
        let created = *self.made.entry(account).or_insert(wall);
        let secrets = take_secrets(&mut settings, protocol);
        let seal = |(field, plain): (String, String)| {
            let sealed = self.key.seal(self.user, account, &field, plain.as_bytes());
            plain_is_wiped(plain);
            match sealed {
                Ok(sealed) => Some((field, sealed)),
                Err(error) => {
                    crate::pace::paced!(error, "the system gives no random numbers, a secret is not stored: {error}");
                    None
                }
            }
        };
        let secrets = secrets.into_iter().filter_map(seal).collect();
        let settings = match serde_json::to_string(&settings) {
            Ok(settings) => settings,
            Err(error) => return crate::pace::paced!(error, "an account could not be written: {error}"),
        };
        let row = AccountRow { user: self.user, account, created, settings, secrets, icon };
        if !self.write(Write::Account(Box::new(row))) {
            self.changed.insert(account);
        }
    }
}

/// Wipes what was sealed.
fn plain_is_wiped(mut plain: String) {
    zeroize::Zeroize::zeroize(&mut plain);
}

/// What the user is told whose command only makes sense stored.
pub(super) fn unavailable() -> ErrorBody {
    let message = "This cannot be stored now: the database does not answer. Please try again.";
    super::perform::later("store_unavailable", message, RETRY_MS)
}

/// Takes what is secret out of an account's settings: the password, masked options, and whatever plugins stored, by field.
fn take_secrets(settings: &mut AccountSettings, protocol: Option<&Protocol>) -> Vec<(String, String)> {
    let mut secrets = Vec::new();
    if let Some(password) = settings.password.take() {
        secrets.push(("password".to_owned(), password.expose().to_owned()));
    }
    let declared = |key: &String| protocol.and_then(|protocol| protocol.options.iter().find(|option| option.key == *key));
    // What nobody declares any more is taken for secret.
    let masked = |key: &String| declared(key).is_none_or(|option| option.masked);
    let options = std::mem::take(&mut settings.options);
    for (key, value) in options {
        if masked(&key) {
            secrets.extend(serde_json::to_string(&value).ok().map(|text| (format!("option:{key}"), text)));
        } else {
            settings.options.insert(key, value);
        }
    }
    // Rooms have passwords, too.
    let open = |key: &String| protocol.is_some_and(|protocol| protocol.room_fields.iter().any(|field| field.key == *key && !field.masked));
    for (room, form) in &mut settings.before.rooms {
        let hidden: Vec<String> = form.keys().filter(|key| !open(key)).cloned().collect();
        for key in hidden {
            secrets.extend(form.remove(&key).map(|value| (format!("room:{room}:{key}"), value)));
        }
    }
    for (key, value) in std::mem::take(&mut settings.stored) {
        secrets.extend(serde_json::to_string(&value).ok().map(|text| (format!("stored:{key}"), text)));
    }
    secrets
}

/// Puts the secrets back that [`take_secrets`] took out. One that does not open or fit is left out.
pub(super) fn put_secrets(settings: &mut AccountSettings, row: &AccountRow, key: &DataKey) {
    for (field, sealed) in &row.secrets {
        let Some(plain) = key.open(row.user, row.account, field, sealed) else {
            crate::pace::paced!(warn, "a secret of account {} does not open with its user's key", row.account);
            continue;
        };
        let Ok(text) = std::str::from_utf8(&plain) else { continue };
        if field == "password" {
            settings.password = Some(bridge::command::Secret::new(text.to_owned()));
        } else if let Some(name) = field.strip_prefix("option:") {
            settings.options.extend(serde_json::from_str(text).ok().map(|value| (name.to_owned(), value)));
        } else if let Some((room, name)) = field.strip_prefix("room:").and_then(|rest| rest.split_once(':')) {
            let form = settings.before.rooms.iter_mut().find(|(id, _)| id.to_string() == room);
            form.into_iter().for_each(|(_, form)| _ = form.insert(name.to_owned(), text.to_owned()));
        } else if let Some(name) = field.strip_prefix("stored:") {
            settings.stored.extend(serde_json::from_str(text).ok().map(|value| (name.to_owned(), value)));
        }
    }
}

/// Whether a command changes what an account is made of.
pub(super) fn changes_account(kind: &CommandKind) -> bool {
    use CommandKind as K;
    matches!(
        kind,
        K::UpdateAccount { .. }
            | K::EnableAccount(_)
            | K::DisableAccount(_)
            | K::ConnectAccount(_)
            | K::SetAccountAlias { .. }
            | K::ChangePassword { .. }
            | K::SetAccountIcon { .. }
    )
}

/// Whether a command makes no sense while nothing can be stored.
pub(super) fn needs_store(kind: &CommandKind) -> bool {
    use CommandKind as K;
    matches!(
        kind,
        K::AddAccount { .. }
            | K::UpdateAccount { .. }
            | K::RemoveAccount(_)
            | K::SetAccountAlias { .. }
            | K::ChangePassword { .. }
            | K::SetAccountIcon { .. }
    )
}

impl State {
    /// A user's command is taken that ends in its own way without the store.
    pub(super) fn begin(&mut self, origin: &Origin, need: Need) {
        if let Some(keep) = &mut self.keep {
            keep.begin(origin, need);
        }
    }

    /// Whether something that needs the store would be lost now.
    pub(super) fn lacks_store(&self) -> bool {
        self.keep.as_ref().is_some_and(|keep| !keep.is_kept())
    }

    /// An account is made otherwise than it was.
    pub(super) fn account_changed(&mut self, account: AccountId) {
        if let Some(keep) = &mut self.keep {
            keep.account_changed(account);
        }
    }

    /// Whether a command adds an account that is not to be remembered, or is about one.
    pub(super) fn is_passing(&self, kind: &CommandKind) -> bool {
        let account = match kind.place() {
            Place::Account(account) => account,
            _ => return false,
        };
        self.keep.as_ref().is_some_and(|keep| keep.passing.contains(&account))
    }

    /// The accounts that a command changes.
    pub(super) fn changed_by(&self, kind: &CommandKind) -> Vec<AccountId> {
        match kind {
            _ if self.keep.is_none() => Vec::new(),
            CommandKind::SetStatus { accounts: Some(accounts), .. } => accounts.clone(),
            CommandKind::SetStatus { accounts: None, .. } => self.accounts.iter().map(|account| account.id).collect(),
            kind if changes_account(kind) => match kind.place() {
                Place::Account(account) => vec![account],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Writes down what the user shows to others.
    pub(super) fn keep_status(&mut self) {
        let value = super::resume::status_setting(&self.status);
        self.write(|user| Write::Setting { user, key: STATUS.to_owned(), value });
    }

    /// The session is over: from now on the user's accounts are signed off.
    pub(super) fn left(&mut self, env: &Env<'_>) {
        let at = env.wall.0.to_string();
        self.write(|user| Write::Setting { user, key: LEFT.to_owned(), value: Some(at) });
        self.release(env, true);
    }

    /// The tabs of a browser are signed out.
    pub(super) fn end_browser(&mut self, browser: &TokenHash) {
        for client in self.clients.iter_mut().filter(|client| client.browser.as_ref() == Some(browser)) {
            client.ended = true;
            client.wake();
        }
    }

    /// Puts somebody on the list who is stored already.
    pub(super) fn place_stored(&mut self, env: &Env<'_>, buddy: Buddy) {
        let keep = self.keep.take();
        self.place(env, &buddy);
        self.keep = keep;
    }

    /// Hands on a write of a user of the site. False: it is not taken.
    pub(super) fn write(&mut self, write: impl FnOnce(UserId) -> Write) -> bool {
        match &mut self.keep {
            Some(keep) => {
                let write = write(keep.user);
                keep.write(write)
            }
            None => true,
        }
    }

    /// The user's data key, as it was opened just now. True: it is another than before, and the accounts are to be sealed with it.
    pub(super) fn takes_key(&mut self, key: DataKey) -> bool {
        let Some(keep) = self.keep.as_mut().filter(|keep| !keep.key.is(&key)) else { return false };
        keep.key = key;
        for account in self.accounts.iter().map(|account| account.id).collect::<Vec<_>>() {
            self.account_changed(account);
        }
        true
    }

    /// An account is gone. What is stored of it goes when the user wanted so: not by the word of a worker, nor because a session ended.
    pub(super) fn forget_account(&mut self, account: AccountId) {
        let Some(keep) = &mut self.keep else { return };
        if keep.removing.remove(&account) || keep.passing.remove(&account) {
            self.write(|user| Write::AccountRemoved { user, account });
        } else {
            log::warn!("account {account} is gone, and nobody removed it: what is stored of it stays");
        }
    }

    /// What the user wants to be kept where a conversation says nothing.
    pub(super) fn wanted(&self) -> Wanted {
        let of = self.settings.get("history");
        let keep = of.and_then(|of| of.get("keep")).and_then(serde_json::Value::as_bool);
        let days = of.and_then(|of| of.get("days")).and_then(serde_json::Value::as_u64);
        Wanted { keep: keep.unwrap_or(true), days: days.and_then(|days| u32::try_from(days).ok()).unwrap_or(0) }
    }

    /// Whether the lines of a conversation are kept.
    pub(super) fn keeps_lines(&self, conv: &Conv) -> bool {
        let Some(keep) = &self.keep else { return false };
        keep.site_keeps && !keep.passing.contains(&conv.base.account) && conv.keep.unwrap_or_else(|| self.wanted().keep)
    }

    /// Writes a message down. Where there is no room for it, a gap begins.
    pub(super) fn keep_message(
        &mut self,
        env: &Env<'_>,
        id: ConversationId,
        number: u64,
        counts: bool,
        message: &wire::Message,
        server_id: Option<String>,
    ) {
        let Some(conv) = self.conversations.get(&id) else { return };
        if !self.keeps_lines(conv) {
            return;
        }
        let before = conv.kept.lines().map(|line| line.number).filter(|known| *known < number).last().unwrap_or(0);
        let account = conv.base.account;
        if self.keep.as_ref().is_some_and(|keep| keep.unwritten.contains(&id)) {
            // A message of a conversation that is not there would never be found.
            self.keep_conversation(id);
        }
        let pictures: Vec<_> =
            message.spans.iter().filter_map(|span| span.image.as_deref()).filter_map(|hash| self.shelf.blob(hash)).collect();
        let Some(keep) = &mut self.keep else { return };
        let user = keep.user;
        let size =
            (message.text.len() + message.from.name.len()) as u64 + pictures.iter().map(|picture| picture.bytes.len() as u64).sum::<u64>();
        if keep.quota > 0 && keep.usage.saturating_add(size) > keep.quota {
            // Not a word of it is lost in the open pages; what is stored has an end here, until something is deleted.
            keep.missed.messages.entry(id).or_insert((before, env.wall));
            return self.say_full(env);
        }
        keep.usage = keep.usage.saturating_add(size);
        let gap = Self::end_of_gap(keep, env, id);
        let stored = stored(user, id, number, counts, message, server_id);
        let kept = !keep.unwritten.contains(&id) && keep.write(Write::Message(stored));
        let ended = gap.filter(|_| kept);
        if let Some(gap) = &ended {
            keep.missed.messages.remove(&id);
            keep.write(Write::Gap(user, gap.clone()));
        }
        for picture in pictures.into_iter().filter(|_| kept) {
            let (hash, bytes) = (picture.hash.to_string(), picture.bytes.clone());
            keep.write(Write::Blob { user, conversation: id, number, hash, bytes });
        }
        if !kept {
            keep.missed.messages.entry(id).or_insert((before, env.wall));
        }
        if let Some(gap) = ended {
            self.emit_gap(env, account, &gap);
        }
    }

    /// Writes down what a conversation is, without its lines.
    pub(super) fn keep_conversation(&mut self, id: ConversationId) {
        let Some(keep) = self.keep.as_mut() else { return };
        let Some(conv) = self.conversations.get(&id) else { return };
        let base = &conv.base;
        if keep.passing.contains(&base.account) {
            return;
        }
        let row = ConversationRow {
            user: keep.user,
            id,
            account: base.account,
            kind: base.kind,
            name: base.name.clone(),
            title: base.title.clone(),
            open: conv.open,
            read: conv.read,
            keep: conv.keep,
            days: conv.days,
        };
        if keep.write(Write::Conversation(row)) {
            keep.unwritten.remove(&id);
        } else {
            keep.unwritten.insert(id);
        }
    }

    /// Writes down how far a conversation is read.
    pub(super) fn keep_read(&mut self, id: ConversationId) {
        let Some(upto) = self.conversations.get(&id).map(|conv| conv.read) else { return };
        self.write(|user| Write::Read { user, conversation: id, upto });
    }

    /// Writes down somebody on a list, when that is news.
    pub(super) fn keep_buddy(&mut self, before: Option<&Buddy>, buddy: &Buddy) {
        let same = |known: &Buddy| known.name == buddy.name && known.group == buddy.group && known.alias == buddy.alias;
        if before.is_some_and(same) || self.keep.as_ref().is_none_or(|keep| keep.passing.contains(&buddy.account)) {
            return;
        }
        let (name, group, alias) = (buddy.name.clone(), buddy.group.clone(), buddy.alias.clone());
        let (account, buddy) = (buddy.account, buddy.id);
        self.write(|user| Write::Buddy(BuddyRow { user, account, buddy, name, group, alias }));
    }

    /// Writes down how the user arranged a group.
    pub(super) fn keep_group(&mut self, group: &wire::Group) {
        let row = GroupRow { name: group.name.clone(), order: group.order, collapsed: group.collapsed };
        self.write(|user| Write::Group(user, row));
    }

    /// Whether what is said is being stored.
    pub(super) fn is_being_kept(&self) -> bool {
        self.keep.as_ref().is_some_and(|keep| keep.is_kept())
    }

    /// A guest has become a user: writes down everything, and tells the tabs, which are in the browser of `token` now.
    pub(super) fn write_everything(&mut self, env: &Env<'_>, token: TokenHash, user: wire::User) {
        for client in &mut self.clients {
            client.browser = Some(token);
        }
        let online = self.accounts.iter().filter(|account| account.standing.state == AccountState::Online);
        let online: Vec<_> = online.map(|account| account.id).collect();
        if let Some(keep) = &mut self.keep {
            keep.online.extend(online);
        }
        self.write_state();
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            let Some(conv) = self.conversations.get(&id).filter(|conv| self.keeps_lines(conv)) else { continue };
            let lines: Vec<_> = conv.kept.lines().map(|line| (line.number, line.counts(), line.message())).collect();
            for (number, counts, message) in lines {
                self.write(|user| Write::Message(stored(user, id, number, counts, &message, None)));
            }
        }
        let kept = self.is_being_kept();
        self.emit(env, None, EventBody::User { user });
        self.emit(env, None, EventBody::Kept { kept });
    }

    /// Writes down everything but messages, as it is now.
    pub(super) fn write_state(&mut self) {
        for account in self.accounts.iter().map(|account| account.id).collect::<Vec<_>>() {
            self.account_changed(account);
        }
        for (key, value) in self.settings.clone() {
            self.write(|user| Write::Setting { user, key, value: Some(value.to_string()) });
        }
        self.keep_status();
        self.keep_away();
        for group in self.groups.iter().map(super::state::GroupPlace::wire).collect::<Vec<_>>() {
            self.keep_group(&group);
        }
        for buddy in self.buddies.values().map(|buddy| Buddy::clone(buddy)).collect::<Vec<_>>() {
            self.keep_buddy(None, &buddy);
        }
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            self.keep_conversation(id);
        }
    }

    /// Chooses what is kept of a conversation, or of all that have no choice of their own.
    pub(super) fn set_history(&mut self, env: &Env<'_>, origin: &Origin, mut set: HistorySet) -> Result<(), ErrorBody> {
        // Nobody keeps longer than the site does.
        if let (Some(Some(days)), Some(most)) = (&mut set.days, self.keep.as_ref().map(|keep| keep.site_days).filter(|most| *most > 0)) {
            *days = if *days == 0 { most } else { (*days).min(most) };
        }
        let Some(id) = set.conversation else {
            let wanted = self.wanted();
            let keep = set.keep.map_or(Some(wanted.keep), |keep| keep);
            let days = set.days.map_or(Some(wanted.days), |days| days);
            let value = serde_json::json!({ "keep": keep.unwrap_or(true), "days": days.unwrap_or(0) });
            let value = if keep.is_none_or(|keep| keep) && days.unwrap_or(0) == 0 { serde_json::Value::Null } else { value };
            return self.set_settings(env, origin, [("history".to_owned(), value)].into_iter().collect());
        };
        let Some(conv) = self.conversations.get_mut(&id) else { return Ok(()) };
        conv.keep = set.keep.unwrap_or(conv.keep);
        conv.days = set.days.unwrap_or(conv.days);
        let (account, conversation) = (conv.base.account, conv.wire(false));
        self.keep_conversation(id);
        self.emit(env, Some(origin), EventBody::ConversationUpdated { account, conversation });
        Ok(())
    }

    /// Deletes the messages of a conversation; with `whole` it is closed and forgotten, too.
    pub(super) fn delete_history(&mut self, env: &Env<'_>, origin: &Origin, id: ConversationId, whole: bool) {
        let Some(conv) = self.conversations.get_mut(&id) else { return };
        let account = conv.base.account;
        let freed = conv.kept.bytes();
        conv.kept = super::kept::Kept::default();
        conv.gaps.clear();
        if let Some(keep) = &mut self.keep {
            // Those that were handed over are told of once more, and then they are gone.
            keep.outbox.retain(|waiting| waiting.conversation != id || waiting.step == super::outbox::Step::Handed);
            keep.missed.messages.remove(&id);
        }
        (conv.unread, conv.mentions) = (0, 0);
        self.kept_bytes = self.kept_bytes.saturating_sub(freed);
        if whole {
            self.chores.push(CommandKind::CloseConversation(id));
            self.conversation_closed(env, Some(origin), id);
        }
        self.write(|user| Write::DeleteConversation { user, conversation: id, whole });
        self.emit(env, Some(origin), EventBody::HistoryDeleted { account, conversation: id, whole });
    }

    /// A command has ended. `None`: its end is held until what it changed is durable.
    pub(super) fn hold_end(
        &mut self,
        origin: &Origin,
        outcome: Result<Option<Outcome>, ErrorBody>,
    ) -> Option<Result<Option<Outcome>, ErrorBody>> {
        match &mut self.keep {
            Some(keep) => {
                let (last, done, kept) = (keep.last, keep.done(), keep.is_kept());
                keep.ends.hold(origin, outcome, last, done, kept)
            }
            None => Some(outcome),
        }
    }

    /// Ends the commands whose changes are durable now; with `away` all, since nothing will be for some time.
    pub(super) fn release(&mut self, env: &Env<'_>, away: bool) {
        let Some(keep) = &mut self.keep else { return };
        let done = keep.done();
        let ready = keep.ends.release(done, away);
        for (origin, outcome) in ready {
            self.conclude(env, &origin, outcome);
        }
        self.send_waiting();
    }
}

/// A message as it is kept.
pub(super) fn stored(
    user: UserId,
    conversation: ConversationId,
    number: u64,
    counts: bool,
    message: &wire::Message,
    server_id: Option<String>,
) -> StoredMessage {
    type M = StoredMessage;
    let flag = |is: bool, flag: u32| if is { flag } else { 0 };
    let state: u32 = match message.state {
        None => 0,
        Some(MessageState::Pending) => 1,
        Some(MessageState::Sent) => 2,
        Some(MessageState::Failed) => 3,
        Some(MessageState::Unknown) => 4,
    };
    let plain = matches!(message.spans.as_slice(), [only] if *only == wire::Span { text: message.text.clone(), ..wire::Span::default() });
    StoredMessage {
        user,
        conversation,
        number,
        time: message.time,
        flags: flag(counts, M::COUNTS)
            | flag(message.highlight, M::HIGHLIGHT)
            | flag(message.delayed, M::DELAYED)
            | flag(message.auto_reply, M::AUTO_REPLY)
            | flag(message.remote, M::REMOTE)
            | flag(message.system, M::SYSTEM)
            | flag(message.from.own, M::OWN)
            | state << M::STATE,
        author: message.from.name.clone(),
        alias: message.from.alias.clone(),
        buddy: message.from.buddy,
        text: message.text.clone(),
        spans: if plain || message.spans.is_empty() { None } else { serde_json::to_string(&message.spans).ok() },
        server_id,
    }
}

/// Whether a kept message was taken back.
pub(super) fn is_there(stored: &StoredMessage) -> bool {
    stored.flags & StoredMessage::REMOVED == 0
}

/// A kept message with what a session has to know of it.
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) counts: bool,
    pub(super) message: wire::Message,
    pub(super) server_id: Option<String>,
}

/// A kept message with what a session has to know of it.
pub(super) fn opened(mut stored: StoredMessage) -> Opened {
    let (number, counts) = (stored.number, stored.flags & StoredMessage::COUNTS != 0);
    let server_id = stored.server_id.take();
    Opened { number, counts, message: wire_message(stored), server_id }
}

/// A kept message as the wire has it.
pub(super) fn wire_message(stored: StoredMessage) -> wire::Message {
    type M = StoredMessage;
    let is = |flag: u32| stored.flags & flag != 0;
    let spans = stored.spans.as_deref().and_then(|spans| serde_json::from_str::<Vec<wire::Span>>(spans).ok());
    let spans = spans.unwrap_or_else(|| vec![wire::Span { text: stored.text.clone(), ..wire::Span::default() }]);
    wire::Message {
        id: super::conversation::message_id(stored.number),
        time: stored.time,
        text: body::text(&spans),
        delayed: is(M::DELAYED),
        highlight: is(M::HIGHLIGHT),
        auto_reply: is(M::AUTO_REPLY),
        remote: is(M::REMOTE),
        system: is(M::SYSTEM),
        state: match stored.flags >> M::STATE {
            1 => Some(MessageState::Pending),
            2 => Some(MessageState::Sent),
            3 => Some(MessageState::Failed),
            4 => Some(MessageState::Unknown),
            _ => None,
        },
        from: bridge::model::Author { own: is(M::OWN), name: stored.author, alias: stored.alias, buddy: stored.buddy },
        spans,
    }
}

/// A gap as the wire has it. `before`: number of the first message after it, when there is one.
pub(super) fn wire_gap(gap: &Gap, before: Option<u64>) -> wire::Gap {
    wire::Gap {
        after: (gap.after > 0).then(|| super::conversation::message_id(gap.after)),
        before: before.map(super::conversation::message_id),
        from: gap.from,
        to: gap.to,
        why: match gap.why.as_str() {
            "restart" => GapWhy::Restart,
            "store" => GapWhy::Store,
            "worker" => GapWhy::Worker,
            _ => GapWhy::Offline,
        },
    }
}
