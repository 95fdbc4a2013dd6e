//! Writes down what of a session outlives it, and holds the answers of commands until what they changed is durable. Never waits (see
//! `store::Journal`).

use super::TokenHash;
use super::conversation::Conv;
use super::memory::{AWAY, LEFT, MemoryConfig, STATUS};
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

/// Ended commands whose changes are not durable yet.
#[derive(Debug)]
struct Held {
    /// The write that has to be durable.
    after: u64,
    origin: Origin,
    outcome: Result<Option<Outcome>, ErrorBody>,
}

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
    held: VecDeque<Held>,
    /// Conversations with messages that found no room, and since when.
    lossy: BTreeMap<ConversationId, (u64, Timestamp)>,
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
    /// Messages whose command is to be told that nothing is kept.
    unkept: Vec<Origin>,
    /// Accounts that were signed on, and since when they are not.
    pub(super) away: BTreeMap<AccountId, (Timestamp, GapWhy)>,
    /// Accounts that are signed on.
    pub(super) online: BTreeSet<AccountId>,
    /// Lines that wait to be sent, in order.
    pub(super) outbox: VecDeque<Waiting>,
    /// When accounts were made: their order.
    pub(super) made: BTreeMap<AccountId, Timestamp>,
}

/// The name of a reason in the store.
fn why_name(why: GapWhy) -> &'static str {
    match why {
        GapWhy::Offline => "offline",
        GapWhy::Restart => "restart",
        GapWhy::Store => "store",
        GapWhy::Worker => "worker",
    }
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
            held: VecDeque::new(),
            lossy: BTreeMap::new(),
            changed: BTreeSet::new(),
            passing: BTreeSet::new(),
            removing: BTreeSet::new(),
            unwritten: BTreeSet::new(),
            guest_tokens: Vec::new(),
            exporting: Arc::default(),
            unkept: Vec::new(),
            away: BTreeMap::new(),
            online: BTreeSet::new(),
            outbox: VecDeque::new(),
            made: BTreeMap::new(),
        }
    }

    /// Hands on a write. False: there is no room for it.
    pub(super) fn write(&mut self, write: Write) -> bool {
        match self.journal.push(write) {
            Ok(number) => {
                self.last = number;
                true
            }
            Err(Full) => false,
        }
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
        self.journal.is_kept()
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

    /// Holds the end of a command until what it changed is durable. Gives it back when there is nothing to wait for.
    fn hold(&mut self, origin: &Origin, outcome: Result<Option<Outcome>, ErrorBody>) -> Option<Result<Option<Outcome>, ErrorBody>> {
        if !self.unkept.is_empty() && (outcome.is_err() || !self.is_kept() || self.last <= self.journal.done()) {
            return Some(self.without_store(origin, outcome));
        }
        if outcome.is_err() || !self.is_kept() || self.last <= self.journal.done() {
            return Some(outcome);
        }
        self.held.push_back(Held { after: self.last, origin: origin.clone(), outcome });
        None
    }

    /// How a command ends whose changes nobody stores now.
    fn without_store(&mut self, origin: &Origin, outcome: Result<Option<Outcome>, ErrorBody>) -> Result<Option<Outcome>, ErrorBody> {
        match self.unkept.iter().position(|sent| sent == origin) {
            Some(at) => {
                self.unkept.swap_remove(at);
                outcome.map(|_| Some(Outcome::Kept(false)))
            }
            None => outcome,
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
    /// Whether the session outlives the daemon.
    pub(super) fn is_kept(&self) -> bool {
        self.keep.is_some()
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

    /// An account stands otherwise: notes since when it is away, and marks what is missing once it is back.
    pub(super) fn note_presence(&mut self, env: &Env<'_>, account: AccountId, state: AccountState) {
        let Some(keep) = &mut self.keep else { return };
        if state != AccountState::Online {
            // One that never came back since the daemon started was away before already.
            if keep.online.remove(&account) || state != AccountState::Connecting && keep.away.contains_key(&account) {
                let (from, _) = *keep.away.entry(account).or_insert((env.wall, GapWhy::Offline));
                // The daemon may be started anew before it is back.
                self.keep_away(account, Some(from));
            }
            return;
        }
        keep.online.insert(account);
        if let Some((from, why)) = keep.away.remove(&account) {
            self.keep_away(account, None);
            self.keep_gaps(env, account, from, why);
        }
        self.send_waiting();
    }

    /// Writes down since when an account is not signed on.
    pub(super) fn keep_away(&mut self, account: AccountId, since: Option<Timestamp>) {
        let value = since.map(|since| since.0.to_string());
        self.write(|user| Write::Setting { user, key: format!("{AWAY}{account}"), value });
    }

    /// A worker fell silent or ended with an account: what came since then may be missing.
    pub(super) fn note_silence(&mut self, account: AccountId, since: Timestamp) -> bool {
        let Some(keep) = &mut self.keep else { return false };
        keep.online.remove(&account);
        keep.away.entry(account).and_modify(|(from, _)| *from = (*from).min(since)).or_insert((since, GapWhy::Worker));
        true
    }

    /// Hands on a write of a user of the site.
    /// False: there is no room for it.
    pub(super) fn write(&mut self, write: impl FnOnce(UserId) -> Write) -> bool {
        match &mut self.keep {
            Some(keep) => keep.write(write(keep.user)),
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
    fn keeps_lines(&self, conv: &Conv) -> bool {
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
            keep.lossy.entry(id).or_insert((before, env.wall));
            return self.say_full(env);
        }
        keep.usage = keep.usage.saturating_add(size);
        let mut ended = None;
        if let Some((after, from)) = keep.lossy.get(&id).copied() {
            let gap = Gap { conversation: id, after, from, to: Some(env.wall), why: why_name(GapWhy::Store).to_owned() };
            if keep.write(Write::Gap(user, gap.clone())) {
                keep.lossy.remove(&id);
                ended = Some(gap);
            }
        }
        let stored = stored(user, id, number, counts, message, server_id);
        let kept = !keep.unwritten.contains(&id) && keep.write(Write::Message(stored));
        for picture in pictures.into_iter().filter(|_| kept) {
            let (hash, bytes) = (picture.hash.to_string(), picture.bytes.clone());
            keep.write(Write::Blob { user, conversation: id, number, hash, bytes });
        }
        if !kept {
            keep.lossy.entry(id).or_insert((before, env.wall));
        }
        if let Some(gap) = ended {
            self.emit_gap(env, account, &gap);
        }
    }

    /// A command has led to a message that nobody stores now.
    pub(super) fn note_unkept(&mut self, origin: Option<&Origin>) {
        let Some(keep) = self.keep.as_mut().filter(|keep| !keep.is_kept()) else { return };
        keep.unkept.extend(origin.filter(|origin| !origin.client.is_empty()).cloned());
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

    /// A time of which messages may be missing is over: marks it in an account's open conversations.
    pub(super) fn keep_gaps(&mut self, env: &Env<'_>, account: AccountId, from: Timestamp, why: GapWhy) {
        if !self.is_kept() {
            return;
        }
        let open = self.conversations.iter().filter(|(_, conv)| conv.open && conv.base.account == account && self.keeps_lines(conv));
        let open: Vec<_> = open.map(|(id, conv)| (*id, conv.kept.newest().unwrap_or(0))).collect();
        for (conversation, after) in open {
            // While nothing is said it is one gap, however often an account comes and goes.
            let last = self.conversations.get(&conversation).and_then(|conv| conv.gaps.last());
            let from = last.filter(|last| last.after == after && last.why == why_name(why)).map_or(from, |last| last.from.min(from));
            let gap = Gap { conversation, after, from, to: Some(env.wall), why: why_name(why).to_owned() };
            self.write(|user| Write::Gap(user, gap.clone()));
            self.emit_gap(env, account, &gap);
        }
    }

    fn emit_gap(&mut self, env: &Env<'_>, account: AccountId, gap: &Gap) {
        let conversation = gap.conversation;
        if let Some(conv) = self.conversations.get_mut(&conversation) {
            conv.note_gap(gap.clone());
        }
        self.emit(env, None, EventBody::ConversationGap { account, conversation, gap: wire_gap(gap, None) });
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
        let accounts: Vec<_> = self.accounts.iter().map(|account| (account.id, account.standing.state)).collect();
        for (account, state) in accounts {
            self.account_changed(account);
            if state == AccountState::Online
                && let Some(keep) = &mut self.keep
            {
                keep.online.insert(account);
            }
        }
        for (key, value) in self.settings.clone() {
            self.write(|user| Write::Setting { user, key, value: Some(value.to_string()) });
        }
        self.keep_status();
        for group in self.groups.iter().map(super::state::GroupPlace::wire).collect::<Vec<_>>() {
            self.keep_group(&group);
        }
        for buddy in self.buddies.values().map(|buddy| Buddy::clone(buddy)).collect::<Vec<_>>() {
            self.keep_buddy(None, &buddy);
        }
        for id in self.conversations.keys().copied().collect::<Vec<_>>() {
            self.keep_conversation(id);
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
            keep.lossy.remove(&id);
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
            Some(keep) => keep.hold(origin, outcome),
            None => Some(outcome),
        }
    }

    /// Ends the commands whose changes are durable now; with `away` all, since nothing will be for some time.
    pub(super) fn release(&mut self, env: &Env<'_>, away: bool) {
        let Some(keep) = &mut self.keep else { return };
        let done = keep.journal.done();
        let mut ready = Vec::new();
        while keep.held.front().is_some_and(|held| away || held.after <= done)
            && let Some(held) = keep.held.pop_front()
        {
            let outcome = match keep.unkept.contains(&held.origin) {
                _ if held.after <= done => held.outcome,
                true => keep.without_store(&held.origin, held.outcome),
                false => Err(unavailable()),
            };
            ready.push((held.origin, outcome));
        }
        if let Some(keep) = &mut self.keep {
            keep.unkept.retain(|origin| ready.iter().all(|(ended, _)| ended != origin));
        }
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
