//! Looks after the journal: commits, notes which browsers are used, carries out changes of other processes, expires. Holds no SQL (see `store`).

use super::failures::Failures;
use super::guesses::Guesses;
use super::keep::Keep;
use super::owed::Owed;
use super::protocols::Closed;
use super::state::State;
use super::turns::{Turn, Turns};
use super::{Hub, Session, TokenHash};
use crate::secret::{DataKey, Hasher, SiteKey};
use crate::store::{Change, Committed, DAY_MS, Journal, Keeping, Limits, Store, StoreError, Write};
use crate::wire::EventBody;
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at what other processes changed.
const LOOK: Duration = Duration::from_secs(1);
/// Between two notes of which browsers were used, and that the daemon runs.
const NOTE: Duration = Duration::from_secs(60);
/// Between two searches for what is too old.
const TIDY: Duration = Duration::from_secs(3600);
/// Between two steps of putting older messages into the index.
const INDEX: Duration = Duration::from_millis(50);
/// Between two looks whether there is something to be put into the index again, and two tries while the database is away.
const INDEX_AGAIN: Duration = Duration::from_secs(60);
/// How long the store may take at the end for what it was not told before.
const OWED: Duration = Duration::from_secs(2);
/// The setting of no user in which it stands when the daemon was last seen to run.
pub(super) const ALIVE: &str = ".alive";
/// The setting in which it stands since when a user's accounts are signed off.
pub(super) const LEFT: &str = ".left";
/// The setting in which it stands since when accounts are away, and why.
pub(super) const AWAY: &str = ".away";
/// The setting with what a user shows to others.
pub(super) const STATUS: &str = ".status";

/// Settings of a site with users.
#[derive(Debug, Clone)]
pub struct MemoryConfig {
    /// A browser that was not used for so many days is signed out.
    pub session_days: u32,
    /// Messages are kept, where the user does not say otherwise.
    pub history: bool,
    /// Messages are deleted after so many days; 0: never.
    pub history_days: u32,
    /// Bytes of messages and pictures of one user; 0: any number.
    pub storage_bytes: u64,
    /// Wrong passwords an hour for one name, from browsers that do not know it, and from each one that does; 0: any number.
    pub guesses_per_hour: u32,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { session_days: 30, history: true, history_days: 0, storage_bytes: 0, guesses_per_hour: 40 }
    }
}

/// Journal, keys and hasher of a site with users.
pub struct Memory {
    pub(super) journal: Arc<Journal>,
    pub(super) config: MemoryConfig,
    pub(super) hasher: Hasher,
    pub(super) site_key: Option<SiteKey>,
    turns: Turns,
    pub(super) owed: Owed,
    pub(super) guesses: Guesses,
    pub(super) failures: Failures,
    /// Protocols that take no sign-ons.
    pub(super) closed: watch::Sender<Closed>,
    /// When the daemon before this one was last seen to run.
    last_alive: Mutex<Option<Timestamp>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// With this store, of which up to `queue_bytes` of writes may wait.
    pub fn new(store: Arc<dyn Store>, queue_bytes: usize, hasher: Hasher, site_key: Option<SiteKey>, config: MemoryConfig) -> Self {
        Self {
            journal: Journal::new(store, queue_bytes),
            guesses: Guesses::new(config.guesses_per_hour),
            config,
            hasher,
            site_key,
            turns: Turns::default(),
            owed: Owed::default(),
            failures: Failures::default(),
            closed: watch::Sender::default(),
            last_alive: Mutex::default(),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &**self.journal.store()
    }

    /// The turn of a user who is brought back, or changed as a whole.
    pub(super) async fn turn(&self, user: UserId) -> Turn {
        self.turns.wait(user).await
    }

    /// The turn of a user, if nobody else has it now.
    pub(super) fn turn_now(&self, user: UserId) -> Option<Turn> {
        self.turns.now(user)
    }

    /// When the daemon before this one was last seen to run.
    pub(super) fn last_alive(&self) -> Option<Timestamp> {
        *lock(&self.last_alive)
    }

    pub(super) fn set_last_alive(&self, at: Option<Timestamp>) {
        *lock(&self.last_alive) = at;
    }

    /// How a session of this user outlives it.
    pub(super) fn keep(&self, user: UserId, key: DataKey, limits: Limits) -> Box<Keep> {
        Box::new(Keep::new(Arc::clone(&self.journal), user, key, &self.config, limits))
    }
}

/// Tells the sessions what the journal tells.
struct Told(std::sync::Weak<Hub>);

impl Keeping for Told {
    fn committed(&self, committed: Committed) {
        let Some(hub) = self.0.upgrade() else { return };
        for user in committed.users {
            let Some(session) = hub.session(user) else { continue };
            let env = hub.env();
            let mut state = session.lock();
            state.release(&env, false);
            hub.do_chores(user, &mut state);
            state.deliver(&env);
        }
    }

    fn kept(&self, kept: bool) {
        let Some(hub) = self.0.upgrade() else { return };
        for session in hub.all() {
            let env = hub.env();
            let mut state = session.lock();
            if state.keep.is_some() {
                state.release(&env, !kept);
                hub.do_chores(session.id, &mut state);
                state.emit(&env, None, EventBody::Kept { kept });
                state.deliver(&env);
            }
        }
    }

    fn room(&self) {
        let Some(hub) = self.0.upgrade() else { return };
        for session in hub.all() {
            let env = hub.env();
            let mut state = session.lock();
            if state.keep.is_some() {
                state.make_up(&env);
                hub.remember_accounts(session.id, &mut state);
                state.deliver(&env);
            }
        }
    }
}

impl Hub {
    /// The journal, on a site that remembers.
    pub fn journal(&self) -> Option<&Arc<Journal>> {
        self.memory.as_ref().map(|memory| &memory.journal)
    }

    /// Whether this site remembers.
    pub fn remembers(&self) -> bool {
        self.memory.is_some()
    }

    /// Commits what sessions write, signs browsers out that were not used for long, and carries out what other processes changed; until
    /// [`Hub::end_memory`].
    pub async fn remember(self: Arc<Self>) {
        let Some(memory) = &self.memory else { return };
        let journal = tokio::spawn(Arc::clone(&memory.journal).run(Arc::new(Told(Arc::downgrade(&self)))));
        let every = |period| {
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            interval
        };
        // Each by itself: who is signed out by an administrator does not stay for as long as old messages are deleted.
        let look = async {
            let mut change = None;
            let mut look = every(LOOK);
            loop {
                look.tick().await;
                self.tell_owed(memory, false).await;
                change = match change {
                    Some(change) => Some(self.take_changes(memory, change).await),
                    None => self.first_change(memory).await,
                };
            }
        };
        let note = async {
            let mut note = every(NOTE);
            loop {
                note.tick().await;
                self.note_alive(memory).await;
                self.expire_messages(memory).await;
            }
        };
        let tidy = async {
            let mut tidy = every(TIDY);
            loop {
                tidy.tick().await;
                self.tidy(memory).await;
            }
        };
        let index = async {
            loop {
                tokio::time::sleep(self.index_more(memory).await).await;
            }
        };
        tokio::select! {
            _ = journal => {}
            () = index => {}
            () = look => {}
            () = note => {}
            () = tidy => {}
        }
    }

    /// Lets [`Hub::remember`] return once everything is durable.
    pub fn end_memory(&self) {
        if let Some(memory) = &self.memory {
            memory.journal.end();
        }
    }

    /// The number of the last change so far: only what changes from now on is carried out, and what stays is read.
    async fn first_change(&self, memory: &Memory) -> Option<i64> {
        let changes = memory.store().changes(0).await.ok()?;
        self.read_protocols(memory).await.ok()?;
        Some(changes.last().map_or(0, |(number, _)| *number))
    }

    /// Carries out what other processes changed since the change numbered `after`; gives the last one's number.
    async fn take_changes(&self, memory: &Memory, after: i64) -> i64 {
        let Ok(changes) = memory.store().changes(after).await else { return after };
        let mut last = after;
        for (number, change) in changes {
            match change {
                Change::User(user) => {
                    if let Err(error) = self.user_changed(memory, user).await {
                        crate::pace::paced!(warn, "what changed of user {user} is looked at again: {error}");
                        return last;
                    }
                }
                Change::Protocol { .. } => {
                    if let Err(error) = self.read_protocols(memory).await {
                        crate::pace::paced!(warn, "which protocols are switched off is looked at again: {error}");
                        return last;
                    }
                }
            }
            last = number;
        }
        last
    }

    /// Signs out the browsers of a user that are not in the store any more; ends the session of one who may not be here.
    pub(super) async fn user_changed(&self, memory: &Memory, user: UserId) -> Result<(), StoreError> {
        let Some(session) = self.session(user) else { return Ok(()) };
        let row = memory.store().user(user).await?;
        let Some(row) = row.filter(|row| !row.disabled) else {
            // Also where no browser is signed in: the site's key brought the accounts back, or the session lingers.
            self.end(&session, false);
            return Ok(());
        };
        if let Some(keep) = &mut session.lock().keep {
            keep.quota = row.limits.storage_bytes.unwrap_or(memory.config.storage_bytes);
            keep.limits = row.limits;
        }
        let browsers = memory.store().browsers(user).await?;
        let known: HashSet<TokenHash> = browsers.into_iter().map(|browser| browser.token).collect();
        let gone: Vec<TokenHash> = session.lock().tokens.iter().filter(|token| !known.contains(*token)).copied().collect();
        for token in gone {
            self.sign_out(&session, &token);
        }
        Ok(())
    }

    /// Notes which browsers are in use, and that the daemon runs.
    pub(super) async fn note_alive(&self, memory: &Memory) {
        let now = self.env().wall;
        let mut used: HashMap<TokenHash, Timestamp> = HashMap::new();
        for session in self.all() {
            let mut state = session.lock();
            if let Some(keep) = &mut state.keep {
                used.extend(std::mem::take(&mut keep.used).into_iter().map(|browser| (browser, now)));
                let connected = state.clients.iter().filter(|client| client.is_connected());
                used.extend(connected.filter_map(|client| Some((client.browser?, now))));
            }
        }
        let used: Vec<_> = used.into_iter().collect();
        if !used.is_empty()
            && let Err(error) = memory.store().touch_browsers(&used).await
        {
            log::debug!("which browsers were used is not stored: {error}");
        }
        self.write_alive(memory, now);
        for session in self.all() {
            self.drop_guest_tokens(&session);
            let limited = session.lock().keep.as_ref().is_some_and(|keep| keep.quota > 0 && keep.usage > 0);
            if limited
                && let Ok(usage) = memory.store().usage(session.id).await
                && let Some(keep) = &mut session.lock().keep
            {
                keep.usage = usage;
            }
        }
    }

    fn write_alive(&self, memory: &Memory, now: Timestamp) {
        let value = Some(now.0.to_string());
        // When it is full the database has been away for long, and so the time stands still as it should.
        let _ = memory.journal.push(Write::Setting { user: UserId(0), key: ALIVE.to_owned(), value });
    }

    async fn tidy(&self, memory: &Memory) {
        let now = self.env().wall;
        let days = |days: u32| i64::from(days) * DAY_MS;
        if memory.config.session_days > 0 {
            match memory.store().expire_browsers(Timestamp(now.0 - days(memory.config.session_days))).await {
                Ok(0) => {}
                Ok(count) => {
                    log::info!("{count} browsers were not used for {} days and are signed out", memory.config.session_days);
                    for session in self.all() {
                        if !session.is_guest()
                            && let Err(error) = self.user_changed(memory, session.id).await
                        {
                            log::warn!("browsers that are not used stay signed in for another hour: {error}");
                            break;
                        }
                    }
                }
                Err(error) => log::warn!("browsers that are not used are not signed out: {error}"),
            }
        }
    }

    /// Takes out what is too old, and what was deleted and is too much for one step.
    pub(super) async fn expire_messages(&self, memory: &Memory) {
        let now = self.env().wall;
        loop {
            match memory.store().expire_messages(memory.config.history_days, now).await {
                Ok(0) => break,
                Ok(count) => log::debug!("{count} messages were too old or are deleted"),
                Err(error) => {
                    log::warn!("old messages are not deleted: {error}");
                    break;
                }
            }
            // Others write in between.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for session in self.all() {
            session.lock().let_age(now);
        }
    }

    /// Puts some of the messages into the index of words that were stored before there was one. Gives the time until the next step.
    async fn index_more(&self, memory: &Memory) -> Duration {
        match memory.store().index_more().await {
            Ok(0) => INDEX_AGAIN,
            Ok(_) => INDEX,
            Err(error) => {
                // While the database is away the journal logs that as an error.
                log::debug!("no older message is put into the index now: {error}");
                INDEX_AGAIN
            }
        }
    }

    /// Before the end: notes since when nobody is signed on, and, as far as the store takes it within some seconds, which sign-ins failed.
    pub async fn note_end(&self) {
        if let Some(memory) = &self.memory {
            if tokio::time::timeout(OWED, self.tell_owed(memory, true)).await.is_err() {
                log::warn!("the database does not answer: what it was to be told is lost (sign-outs, failed sign-ins)");
            }
            self.write_alive(memory, self.env().wall);
        }
    }

    /// The token that a guest had is good for no longer than requests are on their way with it.
    fn drop_guest_tokens(&self, session: &Session) {
        let now = self.env().now;
        let mut state = session.lock();
        let Some(keep) = &mut state.keep else { return };
        let over: Vec<TokenHash> = keep.guest_tokens.extract_if(.., |(_, until)| *until <= now).map(|(token, _)| token).collect();
        for token in &over {
            state.tokens.retain(|known| known != token);
            self.forget_token(token);
        }
    }

    /// Signs one browser of a user out; with the last one the session ends.
    pub(super) fn sign_out(&self, session: &Session, token: &TokenHash) {
        let last = {
            let mut state = session.lock();
            let guests: Vec<TokenHash> =
                state.keep.iter_mut().flat_map(|keep| std::mem::take(&mut keep.guest_tokens)).map(|(token, _)| token).collect();
            for gone in guests.iter().chain([token]) {
                state.tokens.retain(|known| known != gone);
                state.end_browser(gone);
                self.forget_token(gone);
            }
            state.tokens.is_empty()
        };
        if last {
            self.end(session, false);
        }
    }

    /// Writes down the accounts that changed.
    pub(super) fn remember_accounts(&self, user: UserId, state: &mut State) {
        let Some(keep) = &mut state.keep else { return };
        let changed = keep.take_changed();
        let wall = self.env().wall;
        for account in changed {
            if !state.accounts.iter().any(|known| known.id == account) {
                continue;
            }
            let Some(mut made) = self.networks().account(user, account) else { continue };
            made.settings.enabled |= state.closed.contains(&account);
            let protocol = self.networks().catalogue().protocols.iter().find(|protocol| protocol.id == made.settings.protocol);
            keep.write_account(account, made, protocol, wall);
        }
    }
}
