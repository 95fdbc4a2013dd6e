//! All sessions of the daemon: opens them, finds them by their token, feeds them from the bridge and ends them; knows no HTTP requests.

use super::media::Blob;
use super::staging::Staging;
use super::state::{Env, State};
use super::telling::Waiting;
use super::token::{self, TokenHash, Tokens};
use super::took::{LONG, Took};
use super::{Clock, Counters, Memory, Session, SessionConfig};
use crate::api::ApiError;
use crate::wire::End;
use bridge::command::CommandKind;
use bridge::event::{Batch, Event, EventKind, Outcome};
use bridge::handle::{Events, Networks};
use bridge::id::UserId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

/// All sessions.
pub struct Hub {
    pub(super) networks: Arc<dyn Networks>,
    pub(crate) config: SessionConfig,
    clock: Arc<dyn Clock>,
    pub(super) counters: Counters,
    /// The list of all sessions. Its lock is never held together with that of a session, in either order: one session would make all users wait.
    sessions: RwLock<HashMap<UserId, Arc<Session>>>,
    tokens: RwLock<Tokens<Arc<Session>>>,
    /// When to look at whom again. One that is not the session's own `due` is void.
    deadlines: Mutex<BinaryHeap<Reverse<(u64, UserId)>>>,
    /// Commands that no browser asked for and the networks had no room for, oldest first, a bounded number of each user (`telling.rs`).
    pub(super) later: Mutex<HashMap<UserId, Waiting>>,
    blobs: Mutex<HashMap<Box<str>, Weak<Blob>>>,
    draining: AtomicBool,
    /// Polls are answered with `restart` and about this time; 0 while they are not.
    restart_ms: AtomicU64,
    bridge_gone: AtomicBool,
    /// The last message number that was given.
    numbers: AtomicU64,
    /// Files that are to be sent; `None`: none are taken.
    pub(super) staging: Option<Arc<Staging>>,
    pub(super) strangers: super::strangers::Strangers,
    pub(super) discovering: super::discover::Discovering,
    /// Journal, keys and hasher; `None` on a site for guests only.
    pub(super) memory: Option<Memory>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// An empty hub for guests only. [`Hub::run`] brings it to life.
    pub fn new(networks: Arc<dyn Networks>, config: SessionConfig, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::with(networks, config, clock, None)
    }

    /// An empty hub of a site that remembers, when there is a `memory`. It takes [`Hub::run`] and [`Hub::remember`].
    pub fn with(networks: Arc<dyn Networks>, config: SessionConfig, clock: Arc<dyn Clock>, memory: Option<Memory>) -> Arc<Self> {
        let staging = config.uploads_dir.as_deref().map(|directory| Staging::open(directory, config.files.clone()));
        Arc::new(Self {
            staging,
            strangers: super::strangers::Strangers::default(),
            discovering: super::discover::Discovering::default(),
            networks,
            config,
            clock,
            counters: Counters::default(),
            sessions: RwLock::default(),
            tokens: RwLock::default(),
            deadlines: Mutex::default(),
            later: Mutex::default(),
            blobs: Mutex::default(),
            draining: AtomicBool::new(false),
            restart_ms: AtomicU64::new(0),
            bridge_gone: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
            memory,
        })
    }

    /// What is counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Users signed in now.
    pub fn users(&self) -> usize {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Of those, who have a page. Looks at each session.
    pub fn users_attached(&self) -> usize {
        self.all().iter().filter(|session| !session.lock().life.detached).count()
    }

    /// Where commands go; for pings, the catalogue and figures.
    pub fn networks(&self) -> &dyn Networks {
        &*self.networks
    }

    /// True once the bridge's event channel has ended.
    pub fn is_bridge_gone(&self) -> bool {
        self.bridge_gone.load(Ordering::Acquire)
    }

    pub(crate) fn env(&self) -> Env<'_> {
        Env::read(&*self.clock, &self.config, &self.counters, &self.numbers)
    }

    /// Feeds the sessions from the bridge until its channel ends, then tells every user that the networks are gone.
    pub async fn run(self: Arc<Self>, mut events: Events) {
        let mut every_second = tokio::time::interval(Duration::from_secs(1));
        every_second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batch = events.recv() => match batch {
                    Some(batch) => self.take_batch(batch),
                    None => break,
                },
                _ = every_second.tick() => self.tick(),
            }
        }
        self.bridge_gone.store(true, Ordering::Release);
        for session in self.all() {
            let env = self.env();
            let mut state = session.lock();
            state.bridge_gone(&env);
            state.deliver(&env);
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Holds the list of all sessions as one does who changes it.
    #[cfg(test)]
    pub(super) fn hold_sessions(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<UserId, Arc<Session>>> {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn session(&self, user: UserId) -> Option<Arc<Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(&user).cloned()
    }

    /// One turn of the libpurple loop: each user's lock is taken once, and each held poll answered once.
    pub(crate) fn take_batch(&self, mut batch: Batch) {
        self.counters.batches.one();
        self.counters.bridge_events.add(batch.len() as u64);
        batch.sort_by_key(|event| event.user); // stable: a user's events keep their order
        let mut rest = batch.into_iter().peekable();
        while let Some(first) = rest.next() {
            let user = first.user;
            let Some(session) = self.session(user) else {
                self.counters.bridge_events_unowned.one();
                continue;
            };
            let env = self.env();
            let mut state = session.lock();
            let mut next = Some(first);
            let mut lost = Vec::new();
            let share = Took::begin();
            while let Some(Event { origin, kind, .. }) = next {
                let took = Took::begin();
                match kind {
                    EventKind::MediaStored(media) => {
                        if let Some(blob) = self.share(media) {
                            state.shelf.show(blob, self.config.media_bytes);
                        }
                    }
                    EventKind::TransferBytes(piece) => {
                        let transfer = piece.transfer;
                        let known = state.transfers.iter().any(|known| known.id == transfer);
                        if !state.moving.arrived(piece) && known {
                            self.counters.things_left_out.one();
                            state.chores.push(CommandKind::CancelTransfer(transfer));
                        }
                    }
                    EventKind::TransferWanted { transfer, bytes } => {
                        let known = state.transfers.iter().any(|known| known.id == transfer);
                        if !state.moving.wanted(transfer, bytes) && known {
                            self.counters.things_left_out.one();
                            state.chores.push(CommandKind::CancelTransfer(transfer));
                        }
                    }
                    EventKind::AccountLost { account, standing } => lost.push((account, state.account_lost(&env, account, standing))),
                    kind => {
                        if matches!(kind, EventKind::CommandDone { .. }) {
                            // What it changed is written first: its end is held until that is durable.
                            self.remember_accounts(user, &mut state);
                        }
                        if let Some(origin) = &origin {
                            match &kind {
                                EventKind::CommandDone { result: Some(Outcome::Transfer(id)) } => {
                                    self.file_begun(user, &mut state, origin, Some(*id))
                                }
                                EventKind::CommandDone { .. } | EventKind::CommandFailed { .. } => {
                                    self.file_begun(user, &mut state, origin, None)
                                }
                                _ => {}
                            }
                        }
                        state.apply(&env, origin.as_ref(), kind);
                    }
                }
                self.note_event(took.so_far());
                next = rest.next_if(|event| event.user == user);
            }
            state.bound_conversations(&env, &self.config);
            if state.say_too_much(&env) {
                log::warn!("user {user} has a network that sends more than a session holds: the rest is left out, and the user is told");
            }
            self.do_chores(user, &mut state);
            self.settle_protocols(user, &mut state);
            self.remember_accounts(user, &mut state);
            state.deliver(&env);
            if session.is_guest() && state.note_failure(&env) {
                self.look_at(&session, &mut state, env.now + self.config.failed_guest_linger_ms);
            }
            drop(state);
            let took = share.so_far();
            self.counters.longest_share.note(took);
            self.counters.spreads.event.note_time(took);
            for (account, before) in lost {
                self.tell_for_sure(user, CommandKind::RestoreAccount { account, before }, Some(account));
            }
        }
    }

    /// One event took so long.
    fn note_event(&self, took: Duration) {
        self.counters.longest_event.note(took);
        if took > LONG {
            self.counters.bridge_events_too_long.one();
        }
    }

    /// One copy of the bytes for all who are shown them; `None` when they are not what they are said to be: one worker must not decide what
    /// the users of another see.
    fn share(&self, media: bridge::event::Media) -> Option<Arc<Blob>> {
        if super::media::hash(&media.bytes) != media.hash {
            self.counters.things_left_out.one();
            log::debug!("bytes came under another's hash; left out");
            return None;
        }
        let mut blobs = lock(&self.blobs);
        if let Some(blob) = blobs.get(media.hash.as_str()).and_then(Weak::upgrade) {
            return Some(blob);
        }
        if blobs.len() == blobs.capacity() {
            blobs.retain(|_, blob| blob.strong_count() > 0);
        }
        let hash: Box<str> = media.hash.into();
        let blob = Arc::new(Blob { hash: hash.clone(), kind: super::sniff(&media.bytes), bytes: media.bytes.into() });
        blobs.insert(hash, Arc::downgrade(&blob));
        Some(blob)
    }

    /// Looks at a session at `at`, unless it is looked at before: then it is found out when to look again.
    pub(super) fn look_at(&self, session: &Session, state: &mut State, at: u64) {
        if at < state.life.due {
            state.life.due = at;
            lock(&self.deadlines).push(Reverse((at, session.id)));
        }
    }

    #[cfg(test)]
    pub(crate) fn deadlines(&self) -> usize {
        lock(&self.deadlines).len()
    }

    /// Looks at every session whose time may have come, and tells the bridge again what it had no room for.
    pub(crate) fn tick(&self) {
        self.counters.longest_event.tick();
        self.counters.longest_share.tick();
        self.tell_again();
        self.discover_again();
        self.staging.iter().for_each(|staging| staging.expire());
        let now = self.clock.now();
        loop {
            let due = {
                let mut deadlines = lock(&self.deadlines);
                match deadlines.peek() {
                    Some(Reverse((at, _))) if *at <= now => deadlines.pop(),
                    _ => None,
                }
            };
            let Some(Reverse((at, user))) = due else { break };
            let Some(session) = self.session(user) else { continue };
            let env = self.env();
            let mut state = session.lock();
            if state.life.due != at {
                continue;
            }
            state.life.due = u64::MAX;
            let check = state.check(&env, session.is_guest());
            if !check.end {
                self.look_at(&session, &mut state, check.next);
            }
            drop(state);
            if check.end {
                self.counters.sessions_lingered_out.one();
                self.end(&session, true);
            } else {
                self.settle_idle(&session);
            }
        }
    }

    /// Tells the bridge when the user has become idle, or is back.
    pub(crate) fn settle_idle(&self, session: &Session) {
        let env = self.env();
        let mut state = session.lock();
        let since = state.idle_since();
        if since.is_some() == state.life.idle_told {
            return;
        }
        let wall = since.map(|since| {
            let ago = i64::try_from(env.now.saturating_sub(since)).unwrap_or(i64::MAX);
            bridge::time::Timestamp(env.wall.0.saturating_sub(ago))
        });
        if self.tell(session.id, CommandKind::SetIdle { since: wall }) {
            state.life.idle_told = since.is_some();
        }
    }

    pub(super) fn enter(&self, session: &Arc<Session>, token: TokenHash) {
        let mut state = session.lock();
        state.tokens.reserve_exact(1);
        state.tokens.push(token);
        drop(state);
        self.add_session(session);
        self.know_token(token, session);
    }

    /// Message numbers up to this one are taken.
    pub(super) fn skip_numbers(&self, upto: u64) {
        self.numbers.fetch_max(upto, Ordering::AcqRel);
    }

    pub(super) fn add_session(&self, session: &Arc<Session>) {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).insert(session.id, Arc::clone(session));
    }

    pub(super) fn know_token(&self, token: TokenHash, session: &Arc<Session>) {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner).insert(token, Arc::clone(session));
    }

    pub(super) fn forget_token(&self, token: &TokenHash) {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    /// Whether a token's session ended by itself, not long ago.
    pub(super) fn has_ended(&self, token: &TokenHash) -> bool {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).has_ended(token)
    }

    /// Takes a session out of all lists; `remembered` when its browser is to be told that it ended.
    pub(super) fn leave(&self, session: &Session, remembered: bool) {
        let held = std::mem::take(&mut session.lock().tokens);
        self.take_out(session, held, remembered);
    }

    fn take_out(&self, session: &Session, held: Vec<TokenHash>, remembered: bool) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        // The user may have come back already.
        if sessions.get(&session.id).is_some_and(|known| std::ptr::eq(Arc::as_ptr(known), session)) {
            sessions.remove(&session.id);
        }
        drop(sessions);
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        for token in held {
            if remembered {
                tokens.end(&token);
            } else {
                tokens.remove(&token);
            }
        }
    }

    pub(super) fn end(&self, session: &Session, remembered: bool) {
        // A user of the site comes back with the same browsers.
        let remembered = remembered && session.is_guest();
        let (held, moving) = {
            let mut state = session.lock();
            if state.ended.is_some() {
                return;
            }
            state.left(&self.env());
            state.ended = Some(End::Auth);
            state.wake_all();
            // With the lock held: who finds that it ended and begins anew makes accounts that this must not remove.
            self.tell_for_sure(session.id, CommandKind::RemoveUser, None);
            (std::mem::take(&mut state.tokens), std::mem::take(&mut state.moving))
        };
        // Browsers that fetch files hold the session, and it the other end.
        drop(moving);
        self.take_out(session, held, remembered);
        self.counters.sessions_ended.one();
    }

    /// Who is signed in by this token.
    pub fn authenticate(&self, token: &str) -> Option<Arc<Session>> {
        self.recognise(token).map(|(session, _)| session)
    }

    /// The same, with what is stored of the token.
    pub(crate) fn recognise(&self, token: &str) -> Option<(Arc<Session>, TokenHash)> {
        let token = token::hash(token);
        self.holder(&token).map(|session| (session, token))
    }

    /// The same by what is stored of the token.
    pub(crate) fn holder(&self, token: &TokenHash) -> Option<Arc<Session>> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// What to tell a browser none of whose tokens anybody is signed in by.
    pub fn refusal<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> ApiError {
        // A guest's session that nobody knows ended with the daemon before this one, or by a sign-out.
        let ended = tokens.into_iter().any(|token| token::is_guests(token) || self.has_ended(&token::hash(token)));
        if ended { ApiError::session_ended() } else { ApiError::not_signed_in() }
    }

    /// From now on every poll, held or new, is answered with `restart` and a time between `retry_ms` and twice that, spread over the clients.
    pub fn end_all_polls(&self, retry_ms: u64) {
        self.restart_ms.store(retry_ms.max(1), Ordering::Release);
        for session in self.all() {
            session.lock().wake_all();
        }
    }

    /// When the daemon restarts: when a client is to come back.
    pub(crate) fn restart(&self) -> Option<u64> {
        let base = self.restart_ms.load(Ordering::Acquire);
        (base > 0).then(|| base + getrandom::u64().unwrap_or(0) % base)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Takes no new sessions any more.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}
