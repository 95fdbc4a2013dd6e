//! What the web process knows of each account, so that another worker can have it: settings, rooms, picture, place; it sends nothing.

mod notes;

use super::blame::Culprit;
use super::packed::Packed;
use super::place::{Group, Key};
use super::server::{self, Server, ServerKey};
use bridge::command::{AccountSettings, Before, Command, CommandKind, Username};
use bridge::handle::Made;
use bridge::id::{AccountId, ConversationId, PersonId, UserId};
use bridge::model::{Privacy, Protocol, Status, StatusKind};
use bridge::time::Timestamp;
#[cfg(test)]
pub(super) use notes::CONVERSATIONS;
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
    /// In none until its user mends it, or tries it again: a worker refused to make it anew.
    Refused,
}

/// An account.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) user: UserId,
    pub(crate) at: At,
    pub(crate) group: Group,
    pub(crate) key: Key,
    /// Who stands behind its user.
    pub(crate) person: PersonId,
    pub(crate) guest: bool,
    /// Where its connection goes.
    pub(crate) server: ServerKey,
    /// Since when it is.
    pub(crate) online: Option<Instant>,
    protocol: Box<str>,
    settings: Packed,
    rooms: BTreeMap<ConversationId, BTreeMap<String, String>>,
    privacy: Option<Box<Privacy>>,
    icon: Option<Arc<[u8]>>,
    /// When a line went to or fro.
    pub(crate) active: Instant,
}

impl Record {
    /// Protocol id.
    pub(crate) fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Its server in words.
    pub(crate) fn server(&self, protocol: Option<&Protocol>) -> Option<Server> {
        Some(server::of(protocol, &self.settings.open()?))
    }

    /// Where its connection would go after a command.
    pub(crate) fn server_after(&self, command: &CommandKind, protocol: Option<&Protocol>) -> Option<ServerKey> {
        let mut settings = self.settings.open()?;
        update(&mut settings, command);
        Some(server::of(protocol, &settings).key)
    }

    /// Its worker, as far as commands go.
    pub(crate) fn worker(&self) -> Option<u16> {
        match self.at {
            At::Worker(number) => Some(number),
            At::Leaving(_) | At::Lost | At::Aside | At::Refused => None,
        }
    }
}

/// What holds for all accounts of a user in a worker.
#[derive(Debug, Default)]
struct Person {
    /// Said, and since when if they are.
    idle: Option<Option<Timestamp>>,
    focus: Option<ConversationId>,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Boxed, since half of a table's places may be free.
    records: HashMap<AccountId, Box<Record>>,
    /// Who has which accounts. Sets of pairs, as most have one, and a set of one has room for eleven.
    owners: BTreeSet<(UserId, AccountId)>,
    /// Those of whom there is something to know.
    people: HashMap<UserId, Person>,
    /// Who has which IM account.
    holders: BTreeSet<(Key, AccountId)>,
    /// Whose accounts conversations are of.
    conversations: BTreeMap<(UserId, ConversationId), AccountId>,
    /// How many each user has.
    talks: HashMap<UserId, usize>,
    /// Things that workers told and that there was no room for.
    pub(crate) left_out: u64,
}

/// The name as one text, near enough to tell whether two are the same. A part that is missing takes `default`.
fn joined(username: &Username, default: &str) -> String {
    match username {
        Username::Whole(whole) => whole.clone(),
        Username::Parts { user, parts } => {
            format!("{user}@{}", parts.first().map(String::as_str).filter(|part| !part.is_empty()).unwrap_or(default))
        }
    }
}

/// What the first part of a user name is when it is left out.
fn default_part(protocol: Option<&Protocol>) -> &str {
    protocol.and_then(|protocol| protocol.username.splits.first()).map_or("", |split| &split.default)
}

/// Carries out an update of an account on its settings.
fn update(settings: &mut AccountSettings, command: &CommandKind) {
    let CommandKind::UpdateAccount { username, password, options, .. } = command else { return };
    if let Some(username) = username {
        settings.username = username.clone();
    }
    if let Some(password) = password {
        settings.password = Some(password.clone());
    }
    // What a plugin stored under the same name would win.
    settings.stored.retain(|key, _| !options.contains_key(key));
    settings.options.extend(options.clone());
}

impl Ledger {
    /// A new account, not placed yet. False: the id is taken.
    pub(crate) fn add(
        &mut self,
        user: UserId,
        account: AccountId,
        mut settings: Box<AccountSettings>,
        protocol: Option<&Protocol>,
        group: Group,
        now: Instant,
    ) -> bool {
        if self.records.contains_key(&account) {
            return false;
        }
        let key = Key::of(&settings.protocol, &joined(&settings.username, default_part(protocol)));
        let server = server::of(protocol, &settings).key;
        let (person, guest) = (settings.person.unwrap_or(PersonId(user.0)), settings.person.is_some());
        // What it had in an earlier run: rooms and block list are kept apart, and the rest is only for the worker that has it first.
        let Before { rooms, privacy, .. } = std::mem::take(&mut settings.before);
        let (protocol, settings) = (settings.protocol.as_str().into(), Packed::new(&settings));
        let (rooms, icon) = (rooms.into_iter().collect(), None);
        let online = None;
        let record =
            Record { user, at: At::Lost, group, key, person, guest, server, online, protocol, settings, rooms, privacy, icon, active: now };
        self.holders.insert((key, account));
        self.records.insert(account, Box::new(record));
        self.owners.insert((user, account));
        true
    }

    /// The account, if it is `user`'s.
    pub(crate) fn get(&self, user: UserId, account: AccountId) -> Option<&Record> {
        self.records.get(&account).map(|record| &**record).filter(|record| record.user == user)
    }

    /// The account, whosever.
    pub(crate) fn any(&self, account: AccountId) -> Option<&Record> {
        self.records.get(&account).map(|record| &**record)
    }

    /// Puts an account somewhere.
    pub(crate) fn put(&mut self, account: AccountId, at: At) {
        if let Some(record) = self.records.get_mut(&account) {
            record.at = at;
            record.online = None;
        }
    }

    /// Takes an account out.
    pub(crate) fn remove(&mut self, account: AccountId) -> Option<Record> {
        let record = self.records.remove(&account)?;
        self.owners.remove(&(record.user, account));
        self.holders.remove(&(record.key, account));
        let talks: Vec<_> = self.of_conversations(record.user).filter(|(_, theirs)| *theirs == account).map(|(id, _)| id).collect();
        for conversation in talks {
            self.forget_conversation(record.user, conversation);
        }
        Some(*record)
    }

    /// Takes a user out with everything. Returns the accounts.
    pub(crate) fn remove_user(&mut self, user: UserId) -> Vec<Record> {
        self.people.remove(&user);
        let accounts: Vec<_> = self.owned(user).collect();
        accounts.into_iter().filter_map(|account| self.remove(account)).collect()
    }

    fn owned(&self, user: UserId) -> impl Iterator<Item = AccountId> {
        self.owners.range((user, AccountId(0))..=(user, AccountId(u64::MAX))).map(|(_, account)| *account)
    }

    /// The workers that have an IM account already, for another than `account`.
    pub(crate) fn holding(&self, key: Key, account: AccountId) -> BTreeSet<u16> {
        let all = self.holders.range((key, AccountId(0))..=(key, AccountId(u64::MAX)));
        let others = all.map(|(_, other)| other).filter(|other| **other != account);
        let at = |other: &AccountId| match self.records.get(other)?.at {
            At::Worker(number) | At::Leaving(number) => Some(number),
            At::Lost | At::Aside | At::Refused => None,
        };
        others.filter_map(at).collect()
    }

    /// The IM account has got another name. True when its worker has that one already, so that it has to go elsewhere.
    fn renamed(&mut self, account: AccountId, name: &str) -> bool {
        let Some(record) = self.records.get_mut(&account) else { return false };
        let key = Key::of(&record.protocol, name);
        let before = std::mem::replace(&mut record.key, key);
        let worker = record.worker();
        self.holders.remove(&(before, account));
        self.holders.insert((key, account));
        worker.is_some_and(|number| self.holding(key, account).contains(&number))
    }

    fn of_conversations(&self, user: UserId) -> impl Iterator<Item = (ConversationId, AccountId)> {
        let all = (user, ConversationId(0))..=(user, ConversationId(u64::MAX));
        self.conversations.range(all).map(|((_, conversation), account)| (*conversation, *account))
    }

    /// The account that a conversation is one of.
    pub(crate) fn conversation(&self, user: UserId, conversation: ConversationId) -> Option<AccountId> {
        self.conversations.get(&(user, conversation)).copied()
    }

    /// The worker that has a conversation.
    pub(crate) fn talking(&self, user: UserId, conversation: ConversationId) -> Option<u16> {
        self.get(user, self.conversation(user, conversation)?)?.worker()
    }

    /// The accounts of a user.
    pub(crate) fn of_user(&self, user: UserId) -> impl Iterator<Item = (AccountId, &Record)> {
        self.owned(user).filter_map(|account| self.records.get(&account).map(|record| (account, &**record)))
    }

    /// The workers that have accounts of a user.
    pub(crate) fn workers_of(&self, user: UserId) -> BTreeSet<u16> {
        self.of_user(user).filter_map(|(_, record)| record.worker()).collect()
    }

    /// Whether a worker may speak of a user: it has, or still has, an account of theirs.
    pub(crate) fn is_with(&self, user: UserId, number: u16) -> bool {
        self.of_user(user).any(|(_, record)| matches!(record.at, At::Worker(at) | At::Leaving(at) if at == number))
    }

    /// How many accounts are there.
    pub(crate) fn at(&self, at: At) -> usize {
        self.records.values().filter(|record| record.at == at).count()
    }

    /// All accounts.
    pub(crate) fn all(&self) -> impl Iterator<Item = (AccountId, &Record)> {
        self.records.iter().map(|(account, record)| (*account, &**record))
    }

    /// An account as one that may have ended its worker.
    pub(crate) fn culprit(&self, account: AccountId) -> Option<Culprit> {
        let record = self.any(account)?;
        let (person, guest, server) = (record.person, record.guest, record.server);
        Some(Culprit { account, person, guest, server, protocol: record.protocol.clone() })
    }

    /// How many people have accounts on a server.
    pub(crate) fn people_on(&self, server: ServerKey) -> usize {
        self.records.values().filter(|record| record.server == server).map(|record| record.person).collect::<BTreeSet<_>>().len()
    }

    /// Everything in a worker.
    pub(crate) fn in_worker(&self, number: u16) -> Vec<AccountId> {
        let there = |record: &Record| matches!(record.at, At::Worker(at) | At::Leaving(at) if at == number);
        let mut all: Vec<_> = self.records.iter().filter(|(_, record)| there(record)).map(|(account, _)| *account).collect();
        all.sort_unstable();
        all
    }

    /// Notes what a command changes of what an account is made of. True when its worker must not have it any more.
    pub(crate) fn note_command(&mut self, command: &Command, protocol: Option<&Protocol>) -> bool {
        match &command.kind {
            CommandKind::SetStatus { status, accounts, .. } => {
                let wanted = |account: &AccountId| accounts.as_ref().is_none_or(|list| list.contains(account));
                let accounts: Vec<_> = self.owned(command.user).filter(wanted).collect();
                for account in accounts {
                    if let Some(record) = self.records.get_mut(&account) {
                        record.settings.change(|settings| settings.status = status.clone());
                    }
                }
                return false;
            }
            // Nobody is to be remembered who has nothing here any more.
            CommandKind::SetIdle { .. } | CommandKind::SetFocus { .. } if self.owned(command.user).next().is_none() => return false,
            CommandKind::SetIdle { since } => {
                self.people.entry(command.user).or_default().idle = Some(*since);
                return false;
            }
            CommandKind::SetFocus { conversation } => {
                self.people.entry(command.user).or_default().focus = *conversation;
                return false;
            }
            _ => {}
        }
        let bridge::command::Place::Account(account) = command.kind.place() else { return false };
        let Some(record) = self.records.get_mut(&account).filter(|record| record.user == command.user) else { return false };
        match &command.kind {
            CommandKind::UpdateAccount { username, .. } => {
                let mut server = record.server;
                record.settings.change(|settings| {
                    update(settings, &command.kind);
                    server = server::of(protocol, settings).key;
                });
                if server != record.server {
                    (record.server, record.online) = (server, None);
                }
                let name = username.as_ref().map(|username| joined(username, default_part(protocol)));
                return name.is_some_and(|name| self.renamed(account, &name));
            }
            CommandKind::SetVisitor { visitor, .. } => record.settings.change(|settings| settings.visitor = Some(*visitor)),
            CommandKind::EnableAccount(_) => record.settings.change(|settings| settings.enabled = true),
            CommandKind::ConnectAccount(_) => record.settings.change(|settings| {
                settings.enabled = true;
                if settings.status.status == StatusKind::Offline {
                    settings.status = Status::default();
                }
            }),
            CommandKind::DisableAccount(_) => record.settings.change(|settings| settings.enabled = false),
            CommandKind::SetAccountAlias { alias, .. } => record.settings.change(|settings| settings.alias.clone_from(alias)),
            CommandKind::ChangePassword { new, .. } => record.settings.change(|settings| settings.password = Some(new.clone())),
            CommandKind::SetAccountIcon { image, .. } => record.icon = image.as_deref().map(Arc::from),
            _ => {}
        }
        false
    }

    /// A room is not to be joined again.
    pub(crate) fn forget_room(&mut self, account: AccountId, room: ConversationId) {
        if let Some(record) = self.records.get_mut(&account) {
            record.rooms.remove(&room);
        }
    }

    /// A conversation is closed.
    pub(crate) fn forget_conversation(&mut self, user: UserId, conversation: ConversationId) {
        if self.conversations.remove(&(user, conversation)).is_some()
            && let Some(talks) = self.talks.get_mut(&user)
        {
            *talks -= 1;
            if *talks == 0 {
                self.talks.remove(&user);
            }
        }
    }

    /// A line went to or fro.
    pub(crate) fn touch(&mut self, account: AccountId, now: Instant) {
        if let Some(record) = self.records.get_mut(&account) {
            record.active = now;
        }
    }

    /// Settings and picture of an account, with rooms and block list in `before`.
    pub(crate) fn made(&self, user: UserId, account: AccountId) -> Option<Made> {
        let record = self.get(user, account)?;
        let rooms = record.rooms.iter().map(|(id, fields)| (*id, fields.clone())).collect();
        let settings = record.settings.open()?;
        let settings = AccountSettings { before: Before { rooms, privacy: record.privacy.clone(), ..Before::default() }, ..settings };
        Some(Made { settings, icon: record.icon.as_ref().map(|icon| icon.to_vec()) })
    }

    /// A guest has become a user of the site.
    pub(crate) fn adopt(&mut self, user: UserId) {
        let accounts: Vec<_> = self.owned(user).collect();
        for account in accounts {
            if let Some(record) = self.records.get_mut(&account) {
                (record.person, record.guest) = (PersonId(user.0), false);
            }
        }
    }

    /// The commands that make an account anew, in order; the first is the one that an outcome may be asked of.
    pub(crate) fn restoring(&self, account: AccountId, before: Before) -> Vec<CommandKind> {
        let Some(record) = self.records.get(&account) else { return Vec::new() };
        let rooms = record.rooms.iter().map(|(id, fields)| (*id, fields.clone())).collect();
        let Some(settings) = record.settings.open() else { return Vec::new() };
        let settings = AccountSettings { before: Before { again: true, rooms, privacy: record.privacy.clone(), ..before }, ..settings };
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
        person.idle.map(|since| CommandKind::SetIdle { since }).into_iter().chain(focus).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
