//! Writes down what of a session outlives it, and holds the answers of commands until what they changed is durable. Never waits (see
//! `store::Journal`).

use super::TokenHash;
use super::clock::Allowance;
use super::ends::{Ends, Need};
use super::gaps::{Away, Missed};
use super::memory::{LEFT, MemoryConfig, STATUS};
use super::outbox::Waiting;
use super::pictures;
use super::state::{Env, State};
use super::stored::stored;
use crate::secret::DataKey;
use crate::store::{BuddyRow, ConversationRow, Full, Journal, Limits, Write};
use crate::wire::{self, ErrorBody};
use bridge::command::{CommandKind, Origin, Place};
use bridge::event::Outcome;
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::Buddy;
use bridge::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// When to try again what only makes sense stored.
pub(super) const RETRY_MS: u64 = 3_000;

/// How what happens in a session outlives it.
#[derive(Debug)]
pub(crate) struct Keep {
    journal: Arc<Journal>,
    pub(super) user: UserId,
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
    /// Writes that found no room.
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
    /// Browsers in which a page was opened since their use was last noted: the page may be closed again by then.
    pub(super) used: BTreeSet<TokenHash>,
    /// The user's allowance of requests that check a password.
    pub(super) asked_for_long: Allowance,
    /// Held by an export that is being written.
    pub(super) exporting: Arc<()>,
    /// Held by a search in the store.
    pub(super) searching: Arc<tokio::sync::Mutex<()>>,
    /// Accounts that were signed on, and since when they are not.
    pub(super) away: Away,
    /// Accounts that are signed on.
    pub(super) online: BTreeSet<AccountId>,
    /// Lines that wait to be sent, in order.
    pub(super) outbox: VecDeque<Waiting>,
    /// Lines that are looked for in the store, to be given up or sent again.
    pub(super) sought: BTreeSet<u64>,
    /// How many conversations are looked for in the store.
    pub(super) seeking: usize,
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
            used: BTreeSet::new(),
            asked_for_long: Allowance::default(),
            exporting: Arc::default(),
            searching: Arc::default(),
            away: Away::new(),
            online: BTreeSet::new(),
            outbox: VecDeque::new(),
            sought: BTreeSet::new(),
            seeking: 0,
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
}

/// Error of a command that only makes sense stored.
pub(super) fn unavailable() -> ErrorBody {
    let message = "This cannot be stored now: the database does not answer. Please try again.";
    super::perform::later("store_unavailable", message, RETRY_MS)
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
        let value = super::restored::status_setting(&self.status);
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
            self.keep_bookmarks(account);
        }
        true
    }

    /// An account is gone. What is stored of it goes when the user wanted so: not by the word of a worker, nor because a session ended. True: it
    /// does not come back.
    pub(super) fn forget_account(&mut self, account: AccountId) -> bool {
        let Some(keep) = &mut self.keep else { return true };
        let wanted = keep.removing.remove(&account) | keep.passing.remove(&account);
        if wanted {
            self.write(|user| Write::AccountRemoved { user, account });
        } else {
            log::warn!("account {account} is gone, and nobody removed it: what is stored of it stays");
        }
        wanted
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
        let pictures = self.pictures_of(message);
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
            keep.write(pictures::stored(user, id, number, &picture));
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

    /// Whether what is said is being stored.
    pub(super) fn is_being_kept(&self) -> bool {
        self.keep.as_ref().is_some_and(|keep| keep.is_kept())
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
