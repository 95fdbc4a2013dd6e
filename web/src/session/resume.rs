//! Brings a user of the site back: from what is stored to a session whose accounts sign on. Asks for no password (see `people`).

use super::gaps::{self, Away};
use super::memory::{ALIVE, AWAY, LEFT, Memory, STATUS};
use super::restored::{conversation, joined, offline, read_account};
use super::searches::SEARCHES;
use super::state::{GroupPlace, State};
use super::stored;
use super::until::{Until, within};
use super::{Hub, Session, TokenHash, account, token};
use crate::api::ApiError;
use crate::secret::DataKey;
use crate::store::{BOOKMARKS, ConversationRow, Place, StoreError, Stored, StoredMessage, UserRow, Write};
use crate::wire::GapWhy;
use bridge::command::{AccountSettings, CommandKind, KnownBuddy, Origin};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::{AccountStanding, AccountState, ConversationKind, StatusKind};
use bridge::time::Timestamp;
use std::sync::Arc;
use warp::http::StatusCode;

/// The origin of the commands that bring accounts back, before the account; no client has an empty id.
pub(super) const RESUME: &str = "resume ";
/// Lines of a conversation of which is known that they may come again.
const REPLAYED: usize = 128;
/// Tokens of one request that the store is asked for. A browser has one under TLS, and one for each path that the site has or had; what is nobody's
/// is not asked for again.
const MOST_LOOKED_UP: usize = 3;
/// Closed conversations of which is known how far they are read.
const MOST_CLOSED: usize = 1000;

fn restarting() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "restarting", "The server restarts. Please try again.").retry_in(3000)
}

impl Hub {
    /// The session of one of these tokens; one of before a restart of the daemon is brought back. Answers within a second: where the store takes longer
    /// the session is brought back all the same, and found by the next request.
    ///
    /// # Errors
    /// 401 `not_signed_in` or `session_ended`; 503 `store_unavailable`, `restarting` or `full`.
    pub async fn find(self: &Arc<Self>, tokens: &[&str]) -> Result<(Arc<Session>, TokenHash), ApiError> {
        if let Some(found) = tokens.iter().find_map(|token| self.recognise(token)) {
            return Ok(found);
        }
        if let Some(memory) = &self.memory {
            let (mut looked_up, until) = (0, Until::soon());
            for text in tokens {
                let hash = token::hash(text);
                // Nothing of a guest is in the store.
                if token::is_guests(text) || memory.is_strange(&hash) || self.has_ended(&hash) {
                    continue;
                }
                looked_up += 1;
                if looked_up > MOST_LOOKED_UP {
                    break;
                }
                let Some((browser, user)) = until.within(memory.store().browser(&hash)).await? else {
                    memory.note_stranger(hash);
                    continue;
                };
                if user.disabled {
                    continue;
                }
                let key = browser.wrap.as_ref().and_then(|wrap| DataKey::unwrap_by_token(user.id, text, wrap));
                let Some(key) = key else {
                    // Accounts without their secrets would be written over those that are stored. The password opens them.
                    crate::pace::paced!(warn, "a browser of user {} is signed out: its key does not open", user.id);
                    continue;
                };
                return self.come_back(memory, &user, key, hash, until).await.map(|session| (session, hash));
            }
        }
        Err(self.refusal(tokens.iter().copied()))
    }

    /// The session of a user of the site, made anew if there is none, with one more token, which is stored.
    pub(super) async fn come_back(
        self: &Arc<Self>,
        memory: &Memory,
        user: &UserRow,
        key: DataKey,
        token: TokenHash,
        until: Until,
    ) -> Result<Arc<Session>, ApiError> {
        let session = self.session_of(memory, user, key.clone(), until).await?;
        // It may end right now.
        let session = if self.admit_token(&session, token) { session } else { self.session_of(memory, user, key, until).await? };
        if !self.admit_token(&session, token) {
            return Err(ApiError::session_ended());
        }
        // Whoever signs browsers out takes them from the store first, and then looks for their tokens here: one of the two sees the other.
        match until.within(memory.store().browser(&token)).await {
            Ok(Some((_, row))) if !row.disabled => Ok(session),
            Ok(_) => {
                self.sign_out(&session, &token);
                Err(ApiError::session_ended())
            }
            Err(error) => {
                // Nobody is in by it, and the session stays for the next request.
                self.withdraw_token(&session, &token);
                Err(error)
            }
        }
    }

    /// Adds a token to a session. False: the session has ended.
    fn admit_token(&self, session: &Arc<Session>, token: TokenHash) -> bool {
        let mut state = session.lock();
        if state.ended.is_some() {
            return false;
        }
        if !state.tokens.contains(&token) {
            state.tokens.push(token);
        }
        // With the lock held: an end takes the tokens out that the session has.
        self.know_token(token, session);
        true
    }

    /// Takes a token out of a session that may go on without any.
    fn withdraw_token(&self, session: &Session, token: &TokenHash) {
        let mut state = session.lock();
        state.tokens.retain(|known| known != token);
        self.forget_token(token);
    }

    /// The session of a user of the site, made anew if there is none. Is waited for until a time, and made all the same.
    pub(super) async fn session_of(
        self: &Arc<Self>,
        memory: &Memory,
        user: &UserRow,
        key: DataKey,
        until: Until,
    ) -> Result<Arc<Session>, ApiError> {
        let turn = until.within(async { Ok(memory.turn(user.id).await) }).await?;
        if let Some(session) = self.session(user.id) {
            if session.is_guest() {
                // The guest could not become this user, and nothing of theirs is stored.
                return Err(ApiError::busy(1000));
            }
            let mut state = session.lock();
            if state.ended.is_none() {
                if state.takes_key(key) {
                    self.remember_accounts(user.id, &mut state);
                }
                drop(state);
                return Ok(session);
            }
        }
        if self.is_draining() {
            return Err(restarting());
        }
        if self.config.users > 0 && self.users() >= self.config.users {
            return Err(
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "full", "This site is full. Please try again later.").retry_in(60_000)
            );
        }
        // A request that were to ask a slow store from the beginning each time would never come to the end.
        let (hub, user) = (Arc::clone(self), user.id);
        let making = tokio::spawn(async move {
            let _turn = turn;
            hub.make_session(user, key).await
        });
        until.within(async { Ok(making.await) }).await?.unwrap_or_else(|_| Err(ApiError::unavailable()))
    }

    /// Makes the session of a user out of what is stored. The caller has the user's turn.
    async fn make_session(&self, id: UserId, key: DataKey) -> Result<Arc<Session>, ApiError> {
        let (memory, until) = (self.memory()?, Until::returned());
        // Who waited for the turn may have been disabled or deleted.
        let user = &until.within(memory.store().user(id)).await?.filter(|row| !row.disabled).ok_or_else(ApiError::session_ended)?;
        let stored = until.within(memory.store().load(user.id)).await?;
        let left = stored.settings.iter().find(|(name, _)| name == LEFT).and_then(|(_, at)| at.parse().ok()).map(Timestamp);
        let limited = user.limits.storage_bytes.unwrap_or(memory.config.storage_bytes) > 0;
        // Of many conversations that takes long, and nobody is kept out for it: it is looked at again every minute.
        let usage = if limited { within(memory.store().usage(user.id)).await.unwrap_or(0) } else { 0 };
        let tails = self.tails(memory, user.id, &stored, until).await?;
        if self.is_draining() {
            return Err(restarting());
        }
        let epoch = getrandom::u64().map_err(|_| ApiError::unavailable())?;
        let now = self.env().now;
        let session = Arc::new(Session::new(user.id, &user.name, None, epoch, now));
        let commands = {
            let mut state = session.lock();
            let mut keep = memory.keep(user.id, key.clone(), user.limits.clone());
            keep.usage = usage;
            state.keep = Some(keep);
            let away = since_when(&stored, &tails, left, memory.last_alive(), self.env().wall);
            let mut commands = self.fill(&mut state, stored, tails, &key);
            self.hold_back(&mut state, &mut commands);
            if let Some(keep) = &mut state.keep {
                let of = |account| Some((account, *away.get(&account)?));
                keep.away.extend(commands.iter().filter_map(|(account, _)| of(*account)));
            }
            state.keep_away();
            if left.is_some() {
                state.write(|user| Write::Setting { user, key: LEFT.to_owned(), value: None });
            }
            commands
        };
        self.add_session(&session);
        // `user disable` writes to the store first, and looks through the sessions then: either it finds this session, or the store has it here.
        let stays = until.within(memory.store().user(user.id)).await;
        if !matches!(&stays, Ok(Some(row)) if !row.disabled) {
            self.end(&session, false);
            return Err(stays.err().unwrap_or_else(ApiError::session_ended));
        }
        for (account, settings) in commands {
            let kind = CommandKind::AddAccount { account, settings: Box::new(settings) };
            self.bring_back(user.id, account, kind);
        }
        // What was switched off meanwhile.
        self.settle_protocols(user.id, &mut session.lock());
        self.counters().sessions_opened.one();
        self.look_at(&session, &mut session.lock(), now + self.config.hold_ms + self.config.grace_ms);
        Ok(session)
    }

    /// The last lines of open conversations, and what of them is unread.
    async fn tails(&self, memory: &Memory, user: UserId, stored: &Stored, until: Until) -> Result<Vec<Tail>, ApiError> {
        let most = u32::try_from(self.config.kept_messages.max(REPLAYED)).unwrap_or(u32::MAX);
        let mut tails = Vec::new();
        for row in stored.conversations.iter().filter(|row| row.open) {
            let page = until.within(memory.store().page(user, row.id, Place::Newest, most)).await?;
            let unread = until.within(memory.store().unread(user, row.id, row.read)).await?;
            tails.push(Tail { conversation: row.id, page, unread });
        }
        Ok(tails)
    }

    /// Fills a new state with what is stored. Gives the accounts that are to be made.
    fn fill(&self, state: &mut State, stored: Stored, tails: Vec<Tail>, key: &DataKey) -> Vec<(AccountId, AccountSettings)> {
        let Stored { accounts, buddies, conversations, groups, settings, outbox } = stored;
        let env = self.env();
        let (own, settings): (Vec<_>, Vec<_>) = settings.into_iter().partition(|(name, _)| name.starts_with(BOOKMARKS));
        let (searches, settings): (Vec<_>, Vec<_>) = settings.into_iter().partition(|(name, _)| name.starts_with(SEARCHES));
        state.restore_searches(searches);
        for (name, value) in settings {
            let Ok(value) = serde_json::from_str::<serde_json::Value>(&value) else { continue };
            if name == STATUS {
                state.status = serde_json::from_value(value).unwrap_or_default();
            } else if !name.starts_with('.') {
                state.settings_bytes += name.len() + value.to_string().len();
                state.settings.insert(name, value);
            }
        }
        let mut made = Vec::new();
        for row in &accounts {
            let Some(settings) = read_account(row, key) else { continue };
            if let Some(keep) = &mut state.keep {
                keep.made.insert(row.account, row.created);
            }
            made.push((row.account, settings));
        }
        for (account, settings) in &made {
            let shown = self.networks().catalogue().protocols.iter().find(|protocol| protocol.id == settings.protocol);
            let signs_on = settings.enabled && settings.status.status != StatusKind::Offline;
            let standing = AccountStanding::plain(if signs_on { AccountState::Connecting } else { AccountState::Offline });
            let options = shown.map(|protocol| account::differing(protocol, &settings.options)).unwrap_or_default();
            let username = joined(&settings.username);
            let placeholder = super::guest::new_account(*account, settings.protocol.clone(), username, standing, &settings.status);
            state.accounts.push(bridge::model::Account {
                enabled: settings.enabled,
                alias: settings.alias.clone(),
                options,
                ..placeholder
            });
        }
        let user = accounts.first().map_or(UserId(0), |row| row.user);
        own.iter().for_each(|(name, value)| state.restore_bookmarks(user, key, name, value));
        for group in groups {
            state.groups.push(GroupPlace::arranged(&group.name, group.order, group.collapsed));
        }
        for row in buddies.iter().filter(|row| state.has(row.account)).cloned().collect::<Vec<_>>() {
            state.place_stored(&env, offline(row));
        }
        state.bound_groups();
        let mut closed = 0;
        for row in &conversations {
            closed += usize::from(!row.open);
            if state.has(row.account) && (row.open || row.read > 0 && closed <= MOST_CLOSED) {
                state.conversations.insert(row.id, Box::new(conversation(row, env.now)));
            }
        }
        for tail in tails {
            let Some(conv) = state.conversations.get_mut(&tail.conversation) else { continue };
            (conv.unread, conv.mentions) = (tail.unread.unread, tail.unread.mentions);
            tail.page.gaps.into_iter().for_each(|gap| conv.note_gap(gap));
            let lines: Vec<_> = tail.page.messages.into_iter().filter(stored::is_there).map(stored::opened).collect();
            conv.recent.seed(lines.iter().map(|line| (&line.message, line.server_id.as_deref())));
            conv.visited = !lines.is_empty();
            let before = conv.kept.bytes();
            for line in lines.iter().skip(lines.len().saturating_sub(env.config.kept_messages.max(1))) {
                conv.kept.push(line.number, line.counts, &line.message);
            }
            let grown = conv.kept.bytes().cast_signed() - before.cast_signed();
            state.kept_bytes = state.kept_bytes.saturating_add_signed(grown);
        }
        state.restore_outbox(&env, outbox);
        state.bound_kept(env.config.kept_bytes);
        for (account, settings) in &mut made {
            let of = |row: &&ConversationRow| row.open && row.account == *account && row.kind == ConversationKind::Im;
            let known = buddies.iter().filter(|row| row.account == *account);
            settings.before.again = true;
            settings.before.buddies = known
                .map(|row| KnownBuddy { id: row.buddy, name: row.name.clone(), group: row.group.clone(), alias: row.alias.clone() })
                .collect();
            settings.before.conversations = conversations.iter().filter(of).map(|row| row.name.clone()).collect();
        }
        made
    }

    /// Makes a stored account in a libpurple.
    fn bring_back(&self, user: UserId, account: AccountId, kind: CommandKind) {
        let origin = Origin { client: String::new(), command: format!("{RESUME}{account}") };
        self.tell_for_sure_from(user, Some(origin), kind, Some(account));
    }

    /// Reads what has to be known before the first request.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn prepare_memory(&self) -> Result<(), StoreError> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let site = memory.store().load(UserId(0)).await?;
        self.read_protocols(memory).await?;
        let alive = site.settings.into_iter().find(|(name, _)| name == ALIVE);
        let alive = alive.and_then(|(_, at)| at.parse().ok()).map(Timestamp);
        let last = memory.store().last_number().await?;
        // Noted now and then only: who stored a message was alive. Not later than now, as numbers can run ahead of the clock.
        let heard = Timestamp(super::kept::arrival(last)).min(self.env().wall);
        memory.set_last_alive(alive.map(|alive| alive.max(heard)));
        self.skip_numbers(last);
        Ok(())
    }

    /// Brings everybody back whose keys the site has, after a start.
    pub async fn bring_back_all(self: Arc<Self>) {
        let Some(memory) = &self.memory else { return };
        let Some(site) = &memory.site_key else { return };
        let users = match memory.store().users_with_accounts().await {
            Ok(users) => users,
            Err(error) => return log::error!("accounts are not signed on again: {error}"),
        };
        for user in users {
            let Ok(Some(row)) = memory.store().user(user).await else { continue };
            let key = row.keys.by_site.as_ref().and_then(|wrap| DataKey::unwrap_by_site(user, site, wrap));
            let Some(key) = key.filter(|_| !row.disabled) else { continue };
            if let Err(error) = self.session_of(memory, &row, key, Until::returned()).await {
                log::warn!("the accounts of user {user} are not signed on again: {}", error.message);
            }
        }
    }
}

/// The end of a conversation.
struct Tail {
    conversation: ConversationId,
    page: crate::store::Page,
    unread: crate::store::Unread,
}

/// Since when messages of each account may be missing: since it was away already, since everybody was signed off, or else since the daemon before
/// this one was last seen to run. Writes are durable in their order, so what is there of a conversation shows that it ran then.
fn since_when(stored: &Stored, tails: &[Tail], left: Option<Timestamp>, alive: Option<Timestamp>, now: Timestamp) -> Away {
    let setting = |key: &str| stored.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let before = setting(AWAY).map(gaps::read_away).unwrap_or_default();
    let shown = |account: AccountId| {
        let open = stored.conversations.iter().filter(|row| row.account == account).map(|row| row.id);
        let tails = open.filter_map(|id| tails.iter().find(|tail| tail.conversation == id));
        // Not what was said at another time than it came, or has waited.
        let odd = StoredMessage::DELAYED | StoredMessage::OWN;
        let times = tails.flat_map(|tail| &tail.page.messages).filter(|message| message.flags & odd == 0).map(|message| message.time);
        times.max().map(|time| time.min(now))
    };
    let of = |account: AccountId| {
        let general = match left {
            Some(left) => Some((left, GapWhy::Offline)),
            None => alive.map(|alive| (shown(account).map_or(alive, |shown| shown.max(alive)), GapWhy::Restart)),
        };
        // What was noted when it went away is exact.
        Some((account, before.get(&account).copied().or(general)?))
    };
    stored.accounts.iter().filter_map(|row| of(row.account)).collect()
}
