//! One signed-in user: what they have, their log and their tabs, behind one lock; the rules that change it are in the files beside.

use super::bookmarks::Bookmark;
use super::client::Client;
use super::clock::Allowance;
use super::conversation::Conv;
use super::counters::Counters;
use super::keep::Keep;
use super::lifecycle::Life;
use super::log::Log;
use super::media::Shelf;
use super::pictures::Awaited;
use super::questions::TooMuch;
use super::token::TokenHash;
use super::transfers::Moving;
use super::{Clock, SessionConfig};
use crate::wire::{self, End, Event, EventBody, Notice};
use bridge::command::{CommandKind, Origin};
use bridge::id::{AccountId, BuddyId, ConversationId, PersonId, UserId};
use bridge::model::{Account, Authorization, Buddy, Request, Status, Transfer};
use bridge::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// A user who is signed in.
#[derive(Debug)]
pub struct Session {
    pub(crate) id: UserId,
    identity: RwLock<Identity>,
    /// Which log; another one after any break.
    pub(crate) epoch: Box<str>,
    state: Mutex<State>,
}

/// Name and kind of a user, which change when a guest becomes a user of the site.
#[derive(Debug)]
struct Identity {
    name: Box<str>,
    /// Of a guest: who may be the same person.
    guest: Option<PersonId>,
}

impl Session {
    /// A session of a guest with `guest`, else of a user of the site.
    pub(crate) fn new(id: UserId, name: &str, guest: Option<PersonId>, epoch: u64, now: u64) -> Self {
        let (state, identity) = (Mutex::new(State::new(now)), RwLock::new(Identity { name: name.into(), guest }));
        Self { id, identity, epoch: format!("{epoch:016x}").into(), state }
    }

    /// The person behind a guest, as far as can be told; `None` for a user of the site.
    pub(crate) fn guest(&self) -> Option<PersonId> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).guest
    }

    /// Lives only as long as its session.
    pub fn is_guest(&self) -> bool {
        self.guest().is_some()
    }

    /// The guest has become a user of the site.
    pub(super) fn adopt(&self, name: &str) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Identity { name: name.into(), guest: None };
    }

    /// The user's id.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The user as the wire has it.
    pub fn user(&self) -> wire::User {
        let identity = self.identity.read().unwrap_or_else(PoisonError::into_inner);
        wire::User { id: self.id, name: identity.name.to_string(), guest: identity.guest.is_some() }
    }

    /// Whether somebody holds it.
    #[cfg(test)]
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.state.try_lock(), Err(std::sync::TryLockError::WouldBlock))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state usable between its statements, so one that a panic broke off is better than none.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a change of state may look at besides the state.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) now: u64,
    pub(crate) wall: Timestamp,
    pub(crate) config: &'a SessionConfig,
    pub(crate) counters: &'a Counters,
    /// The last message number that was given.
    pub(super) numbers: &'a AtomicU64,
}

impl<'a> Env<'a> {
    pub(super) fn read(clock: &dyn Clock, config: &'a SessionConfig, counters: &'a Counters, numbers: &'a AtomicU64) -> Self {
        Self { now: clock.now(), wall: clock.wall(), config, counters, numbers }
    }

    /// A number for a message: the time of its arrival, and never the same twice on this site.
    pub(super) fn next_message(&self) -> u64 {
        let time = u64::try_from(self.wall.0).unwrap_or(0) << 16;
        let next = |last: u64| time.max(last + 1);
        let last = self.numbers.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }
}

/// A group that has buddies, or that the user arranged.
#[derive(Debug, Clone)]
pub(crate) struct GroupPlace {
    pub(crate) name: Box<str>,
    pub(crate) order: i64,
    pub(crate) collapsed: bool,
    pub(crate) buddies: u32,
    /// The user takes it away, or gives it another name: with its last buddy it is forgotten.
    pub(crate) goes: bool,
}

impl GroupPlace {
    /// A group as the user arranged it, without buddies so far.
    pub(crate) fn arranged(name: &str, order: i64, collapsed: bool) -> Self {
        Self { name: name.into(), order, collapsed, buddies: 0, goes: false }
    }

    /// Nobody has arranged it.
    pub(crate) fn is_plain(&self) -> bool {
        self.order == 0 && !self.collapsed
    }

    pub(crate) fn wire(&self) -> wire::Group {
        wire::Group { name: self.name.to_string(), order: self.order, collapsed: self.collapsed }
    }
}

/// State that few users have. Boxed in [`State`], so that all others pay for a pointer.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    /// Room members who are ignored under another nick than the one that the user chose: the chosen nick by room and present nick.
    pub(super) ignored_as: BTreeMap<(ConversationId, String), String>,
    /// Pictures that messages wait for, the oldest first.
    pub(super) awaited: VecDeque<Awaited>,
    /// The people to whom a guest wrote first.
    pub(super) written: super::strangers::Written,
    /// The address of the user's last browser, on sites that tell IRC networks of it (WEBIRC).
    pub(super) visitor: Option<std::net::IpAddr>,
    /// Accounts that may have missed messages since that time, until they are signed on again.
    pub(super) missed: Vec<(AccountId, Timestamp)>,
    /// Searches that wait for what is said.
    pub(super) searches: super::searches::Searches,
    /// Rooms that networks have told of, for discovery.
    pub(super) discovery: super::discover::Discovery,
}

/// Everything of a user.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) accounts: Vec<Account>,
    pub(crate) groups: Vec<GroupPlace>,
    /// Boxed, as the conversations are: a tree has room for eleven of whatever it holds as soon as it holds one.
    pub(crate) buddies: BTreeMap<BuddyId, Box<Buddy>>,
    /// Bytes of them.
    pub(crate) buddy_bytes: usize,
    pub(crate) conversations: BTreeMap<ConversationId, Box<Conv>>,
    pub(crate) requests: Vec<Request>,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) bookmarks: Vec<Bookmark>,
    pub(crate) status: Status,
    pub(crate) settings: Map<String, Value>,
    pub(crate) settings_bytes: usize,
    /// Bytes of kept messages in all conversations.
    pub(crate) kept_bytes: usize,
    pub(crate) log: Log,
    pub(crate) clients: Vec<Client>,
    pub(crate) life: Life,
    pub(crate) shelf: Shelf,
    pub(crate) moving: Moving,
    /// What the bridge is to be told without a browser's command; the hub does so after each batch.
    pub(crate) chores: Vec<CommandKind>,
    /// The same, with origins whose outcomes come back.
    pub(super) chores_from: Vec<(Origin, CommandKind)>,
    /// Things of networks found no room here.
    pub(crate) too_much: TooMuch,
    /// Accounts that their user wants signed on, and whose protocol is switched off.
    pub(super) closed: BTreeSet<AccountId>,
    /// `account.add`s under way: they count as accounts already.
    pub(crate) adding: Vec<Origin>,
    /// Polls are answered with this from now on.
    pub(crate) ended: Option<End>,
    pub(crate) commands: Allowance,
    pub(crate) asked: Allowance,
    pub(crate) attaches: Allowance,
    pub(super) seldom: Option<Box<Seldom>>,
    /// What the user is signed in by.
    pub(crate) tokens: Vec<TokenHash>,
    /// Of a user of the site: how what happens outlives the session.
    pub(crate) keep: Option<Box<Keep>>,
}

impl State {
    fn new(now: u64) -> Self {
        Self {
            accounts: Vec::new(),
            groups: Vec::new(),
            buddies: BTreeMap::new(),
            buddy_bytes: 0,
            conversations: BTreeMap::new(),
            requests: Vec::new(),
            authorizations: Vec::new(),
            notices: Vec::new(),
            transfers: Vec::new(),
            bookmarks: Vec::new(),
            status: Status::default(),
            settings: Map::new(),
            settings_bytes: 0,
            kept_bytes: 0,
            log: Log::default(),
            clients: Vec::new(),
            life: Life::new(now),
            shelf: Shelf::default(),
            moving: Moving::default(),
            chores: Vec::new(),
            chores_from: Vec::new(),
            too_much: TooMuch::Never,
            closed: BTreeSet::new(),
            adding: Vec::new(),
            ended: None,
            commands: Allowance::default(),
            asked: Allowance::default(),
            attaches: Allowance::default(),
            seldom: None,
            tokens: Vec::new(),
            keep: None,
        }
    }

    /// Logs an event. Waking the polls is for the caller to do once ([`State::deliver`]).
    pub(crate) fn emit(&mut self, env: &Env<'_>, origin: Option<&Origin>, body: EventBody) {
        env.counters.log_events.one();
        if self.clients.is_empty() {
            self.log.skip();
            return;
        }
        let subject = subject(&body);
        let event = Event { seq: self.log.next(), time: env.wall, origin: origin.cloned(), body };
        match serde_json::to_vec(&event) {
            Ok(bytes) => {
                if self.log.push(subject, bytes) {
                    env.counters.log_blanked.one();
                }
            }
            Err(error) => crate::pace::paced!(error, "an event could not be written: {error}"),
        }
    }

    /// After a batch of events: bounds the log and wakes the held polls and streams, each once.
    pub(crate) fn deliver(&mut self, env: &Env<'_>) {
        self.bound_log(env);
        let log = &self.log;
        for client in &mut self.clients {
            if client.waiter.is_some() && log.has_after(client.cursor()) {
                client.wake();
            }
        }
    }

    /// Lets every held poll look again.
    pub(crate) fn wake_all(&mut self) {
        for client in &mut self.clients {
            client.wake();
        }
    }

    /// Drops from the log what every client has, and what is over the bounds.
    pub(crate) fn bound_log(&mut self, env: &Env<'_>) {
        let acked = self.clients.iter().map(|client| client.acked).min().unwrap_or(self.log.last());
        self.log.forget(acked);
        let live = |client: &&Client| client.is_connected() || client.last_contact + env.config.stale_ms > env.now;
        let needed = self.clients.iter().filter(live).map(|client| client.acked).min().unwrap_or(u64::MAX);
        let bounds = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let (events, bytes) = (bounds(env.config.log_events), bounds(env.config.log_bytes));
        let dropped = self.log.bound(events, bytes, bounds(env.config.stale_log_bytes), needed);
        env.counters.log_dropped.add(dropped);
    }

    pub(crate) fn account(&mut self, id: AccountId) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.id == id)
    }

    pub(crate) fn client(&mut self, id: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| &*client.id == id)
    }
}

/// What an event is the latest word on; 0 when it stands for itself.
fn subject(body: &EventBody) -> u64 {
    let mut hash = DefaultHasher::new();
    match body {
        EventBody::Typing { conversation, who, .. } => ("typing", conversation, who).hash(&mut hash),
        EventBody::BuddyUpdated { buddy, .. } => ("buddy.updated", buddy.id).hash(&mut hash),
        EventBody::AccountStatus { account, .. } => ("account.status", account).hash(&mut hash),
        EventBody::ConversationUpdated { conversation, .. } => ("conversation.updated", conversation.id).hash(&mut hash),
        EventBody::TransferProgress { transfer, .. } => ("transfer.progress", transfer.id).hash(&mut hash),
        EventBody::Mail { account, .. } => ("mail", account).hash(&mut hash),
        EventBody::SearchUpdated { search } => ("search.updated", &search.id).hash(&mut hash),
        EventBody::DiscoverChanged { account, .. } => ("discover.changed", account).hash(&mut hash),
        EventBody::Status { .. } => "status".hash(&mut hash),
        // Only of the same keys, so that a newer one takes nothing else away.
        EventBody::Settings { values } => ("settings", values.keys().collect::<Vec<_>>()).hash(&mut hash),
        _ => return 0,
    }
    hash.finish().max(1)
}
