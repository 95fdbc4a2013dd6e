//! What the web process knows of each account, so that another worker can have it: settings, rooms, picture, place; it sends nothing.

use super::place::{Group, Key};
use bridge::command::{AccountSettings, Before, Command, CommandKind, Username};
use bridge::event::{Event, EventKind};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::{Privacy, Status, StatusKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// Where an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// In this worker.
    Worker(u16),
    /// In this worker, which was told to let go of it: it goes on elsewhere.
    Leaving(u16),
    /// In none; its user's side was told so, and will ask for it anew.
    Lost,
    /// In none until its user tries it again: it brought workers down.
    Aside,
}

/// An account.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) user: UserId,
    pub(crate) at: At,
    pub(crate) group: Group,
    pub(crate) key: Key,
    settings: Box<AccountSettings>,
    rooms: BTreeMap<ConversationId, BTreeMap<String, String>>,
    privacy: Option<Box<Privacy>>,
    icon: Option<Arc<[u8]>>,
    /// When a line went to or fro.
    pub(crate) active: Instant,
}

impl Record {
    /// Protocol id.
    pub(crate) fn protocol(&self) -> &str {
        &self.settings.protocol
    }

    /// Its worker, as far as commands go.
    pub(crate) fn worker(&self) -> Option<u16> {
        match self.at {
            At::Worker(number) => Some(number),
            At::Leaving(_) | At::Lost | At::Aside => None,
        }
    }
}

/// What holds for all accounts of a user in a worker.
#[derive(Debug, Default)]
struct Person {
    accounts: BTreeSet<AccountId>,
    idle: Option<CommandKind>,
    focus: Option<ConversationId>,
    /// Whose they are.
    conversations: HashMap<ConversationId, AccountId>,
}

/// Conversations of a user that are known; a page shows far fewer.
const CONVERSATIONS: usize = 4096;
/// Settings stored by plugins, certificates trusted and rooms of an account.
const OF_EACH: usize = 512;

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    records: HashMap<AccountId, Record>,
    people: HashMap<UserId, Person>,
    /// Who has which IM account.
    holders: HashMap<Key, BTreeSet<AccountId>>,
}

/// The name as one text, near enough to tell whether two are the same. A part that is missing takes `default`.
pub(crate) fn joined(username: &Username, default: &str) -> String {
    match username {
        Username::Whole(whole) => whole.clone(),
        Username::Parts { user, parts } => {
            format!("{user}@{}", parts.first().map(String::as_str).filter(|part| !part.is_empty()).unwrap_or(default))
        }
    }
}

impl Ledger {
    /// A new account, not placed yet. False: the id is taken.
    pub(crate) fn add(
        &mut self,
        user: UserId,
        account: AccountId,
        settings: Box<AccountSettings>,
        name: &str,
        group: Group,
        now: Instant,
    ) -> bool {
        if self.records.contains_key(&account) {
            return false;
        }
        let key = Key::of(&settings.protocol, name);
        let record = Record { user, at: At::Lost, group, key, settings, rooms: BTreeMap::new(), privacy: None, icon: None, active: now };
        self.holders.entry(record.key.clone()).or_default().insert(account);
        self.records.insert(account, record);
        self.people.entry(user).or_default().accounts.insert(account);
        true
    }

    /// The account, if it is `user`'s.
    pub(crate) fn get(&self, user: UserId, account: AccountId) -> Option<&Record> {
        self.records.get(&account).filter(|record| record.user == user)
    }

    /// The account, whosever.
    pub(crate) fn any(&self, account: AccountId) -> Option<&Record> {
        self.records.get(&account)
    }

    /// Puts an account somewhere.
    pub(crate) fn put(&mut self, account: AccountId, at: At) {
        if let Some(record) = self.records.get_mut(&account) {
            record.at = at;
        }
    }

    /// Takes an account out.
    pub(crate) fn remove(&mut self, account: AccountId) -> Option<Record> {
        let record = self.records.remove(&account)?;
        if let Some(person) = self.people.get_mut(&record.user) {
            person.accounts.remove(&account);
            person.conversations.retain(|_, theirs| *theirs != account);
        }
        self.let_go(&record.key, account);
        Some(record)
    }

    /// Takes a user out with everything. Returns the accounts.
    pub(crate) fn remove_user(&mut self, user: UserId) -> Vec<Record> {
        let person = self.people.remove(&user).unwrap_or_default();
        let mut gone = Vec::new();
        for account in person.accounts {
            gone.extend(self.remove(account));
        }
        gone
    }

    fn let_go(&mut self, key: &Key, account: AccountId) {
        if let Some(holders) = self.holders.get_mut(key) {
            holders.remove(&account);
            if holders.is_empty() {
                self.holders.remove(key);
            }
        }
    }

    /// The workers that have an IM account already, for another than `account`.
    pub(crate) fn holding(&self, key: &Key, account: AccountId) -> BTreeSet<u16> {
        let others = self.holders.get(key).into_iter().flatten().filter(|other| **other != account);
        let at = |other: &AccountId| match self.records.get(other)?.at {
            At::Worker(number) | At::Leaving(number) => Some(number),
            At::Lost | At::Aside => None,
        };
        others.filter_map(at).collect()
    }

    /// The IM account has got another name. True when its worker has that one already, so that it has to go elsewhere.
    fn renamed(&mut self, account: AccountId, name: &str) -> bool {
        let Some(record) = self.records.get_mut(&account) else { return false };
        let key = Key::of(&record.settings.protocol, name);
        let before = std::mem::replace(&mut record.key, key.clone());
        let worker = record.worker();
        self.let_go(&before, account);
        self.holders.entry(key.clone()).or_default().insert(account);
        worker.is_some_and(|number| self.holding(&key, account).contains(&number))
    }

    /// The account that a conversation is one of.
    pub(crate) fn conversation(&self, user: UserId, conversation: ConversationId) -> Option<AccountId> {
        self.people.get(&user)?.conversations.get(&conversation).copied()
    }

    /// The worker that has a conversation.
    pub(crate) fn talking(&self, user: UserId, conversation: ConversationId) -> Option<u16> {
        self.get(user, self.conversation(user, conversation)?)?.worker()
    }

    /// The accounts of a user.
    pub(crate) fn of_user(&self, user: UserId) -> impl Iterator<Item = (AccountId, &Record)> {
        let accounts = self.people.get(&user).map(|person| &person.accounts);
        accounts.into_iter().flatten().filter_map(|account| self.records.get(account).map(|record| (*account, record)))
    }

    /// The workers that have accounts of a user.
    pub(crate) fn workers_of(&self, user: UserId) -> BTreeSet<u16> {
        self.of_user(user).filter_map(|(_, record)| record.worker()).collect()
    }

    /// Whether a worker may speak of a user: it has, or still has, an account of theirs.
    pub(crate) fn is_with(&self, user: UserId, number: u16) -> bool {
        self.of_user(user).any(|(_, record)| matches!(record.at, At::Worker(at) | At::Leaving(at) if at == number))
    }

    /// Everything in a worker.
    pub(crate) fn in_worker(&self, number: u16) -> Vec<AccountId> {
        let there = |record: &Record| matches!(record.at, At::Worker(at) | At::Leaving(at) if at == number);
        let mut all: Vec<_> = self.records.iter().filter(|(_, record)| there(record)).map(|(account, _)| *account).collect();
        all.sort_unstable();
        all
    }

    /// Notes what a command changes of what an account is made of. True when its worker must not have it any more.
    pub(crate) fn note_command(&mut self, command: &Command, default: &str) -> bool {
        match &command.kind {
            CommandKind::SetStatus { status, accounts, .. } => {
                let wanted = |account: &AccountId| accounts.as_ref().is_none_or(|list| list.contains(account));
                for account in self.people.get(&command.user).map(|person| person.accounts.clone()).unwrap_or_default() {
                    if let Some(record) = self.records.get_mut(&account).filter(|_| wanted(&account)) {
                        record.settings.status = status.clone();
                    }
                }
                return false;
            }
            idle @ CommandKind::SetIdle { .. } => {
                if let Some(person) = self.people.get_mut(&command.user) {
                    person.idle = Some(idle.clone());
                }
                return false;
            }
            CommandKind::SetFocus { conversation } => {
                if let Some(person) = self.people.get_mut(&command.user) {
                    person.focus = *conversation;
                }
                return false;
            }
            _ => {}
        }
        let bridge::command::Place::Account(account) = command.kind.place() else { return false };
        let Some(record) = self.records.get_mut(&account).filter(|record| record.user == command.user) else { return false };
        let settings = &mut record.settings;
        match &command.kind {
            CommandKind::UpdateAccount { username, password, options, .. } => {
                if let Some(username) = username {
                    settings.username = username.clone();
                }
                if let Some(password) = password {
                    settings.password = Some(password.clone());
                }
                // What a plugin stored under the same name would win.
                settings.stored.retain(|key, _| !options.contains_key(key));
                settings.options.extend(options.clone());
                let name = username.as_ref().map(|username| joined(username, default));
                return name.is_some_and(|name| self.renamed(account, &name));
            }
            CommandKind::EnableAccount(_) => settings.enabled = true,
            CommandKind::ConnectAccount(_) => {
                settings.enabled = true;
                if settings.status.status == StatusKind::Offline {
                    settings.status = Status::default();
                }
            }
            CommandKind::DisableAccount(_) => settings.enabled = false,
            CommandKind::SetAccountAlias { alias, .. } => settings.alias.clone_from(alias),
            CommandKind::ChangePassword { new, .. } => settings.password = Some(new.clone()),
            CommandKind::SetAccountIcon { image, .. } => record.icon = image.as_deref().map(Arc::from),
            _ => {}
        }
        false
    }

    /// Notes what an event tells of the same.
    pub(crate) fn note_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::ConversationOpened(conversation) => {
                if let Some(person) = self.people.get_mut(&event.user)
                    && person.conversations.len() < CONVERSATIONS
                {
                    person.conversations.insert(conversation.id, conversation.account);
                }
                return;
            }
            EventKind::ConversationClosed { conversation } => return self.forget_conversation(event.user, *conversation),
            _ => {}
        }
        let (account, user) = match &event.kind {
            EventKind::RoomRemembered { account, .. }
            | EventKind::AccountPinned { account, .. }
            | EventKind::AccountSettingStored { account, .. }
            | EventKind::Privacy { account, .. } => (*account, event.user),
            _ => return,
        };
        let Some(record) = self.records.get_mut(&account).filter(|record| record.user == user) else { return };
        match &event.kind {
            EventKind::RoomRemembered { conversation, fields: Some(fields), .. } if record.rooms.len() < OF_EACH => {
                record.rooms.insert(*conversation, fields.clone());
            }
            EventKind::RoomRemembered { conversation, fields: None, .. } => _ = record.rooms.remove(conversation),
            EventKind::AccountPinned { fingerprint, .. }
                if record.settings.pins.len() < OF_EACH && !record.settings.pins.contains(fingerprint) =>
            {
                record.settings.pins.push(fingerprint.clone());
            }
            EventKind::AccountSettingStored { key, value: Some(value), .. }
                if record.settings.stored.len() < OF_EACH || record.settings.stored.contains_key(key) =>
            {
                record.settings.stored.insert(key.clone(), value.clone());
            }
            EventKind::AccountSettingStored { key, value: None, .. } => _ = record.settings.stored.remove(key),
            EventKind::Privacy { privacy, .. } => record.privacy = Some(Box::new(privacy.clone())),
            _ => {}
        }
    }

    /// A room is not to be joined again.
    pub(crate) fn forget_room(&mut self, account: AccountId, room: ConversationId) {
        if let Some(record) = self.records.get_mut(&account) {
            record.rooms.remove(&room);
        }
    }

    /// A conversation is closed.
    pub(crate) fn forget_conversation(&mut self, user: UserId, conversation: ConversationId) {
        if let Some(person) = self.people.get_mut(&user) {
            person.conversations.remove(&conversation);
        }
    }

    /// A line went to or fro.
    pub(crate) fn touch(&mut self, account: AccountId, now: Instant) {
        if let Some(record) = self.records.get_mut(&account) {
            record.active = now;
        }
    }

    /// The commands that make an account anew, in order; the first is the one that an outcome may be asked of.
    pub(crate) fn restoring(&self, account: AccountId, before: Before) -> Vec<CommandKind> {
        let Some(record) = self.records.get(&account) else { return Vec::new() };
        let rooms = record.rooms.iter().map(|(id, fields)| (*id, fields.clone())).collect();
        let privacy = record.privacy.clone();
        let settings = AccountSettings { before: Before { rooms, privacy, ..before }, ..(*record.settings).clone() };
        let mut commands = vec![CommandKind::AddAccount { account, settings: Box::new(settings) }];
        if let Some(icon) = &record.icon {
            commands.push(CommandKind::SetAccountIcon { account, image: Some(icon.to_vec()) });
        }
        commands.extend(self.about(record.user));
        commands
    }

    /// What a worker that is new to a user has to hear about them.
    pub(crate) fn about(&self, user: UserId) -> Vec<CommandKind> {
        let Some(person) = self.people.get(&user) else { return Vec::new() };
        let focus = person.focus.map(|conversation| CommandKind::SetFocus { conversation: Some(conversation) });
        person.idle.clone().into_iter().chain(focus).collect()
    }
}
