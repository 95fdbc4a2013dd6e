//! The answer to an attach: the whole state as of a sequence number, written in one go; changes nothing but the list of tabs.

use super::client::Client;
use super::kept::Written;
use super::members::Members;
use super::state::{Env, State};
use super::{Hub, Session, TokenHash, price};
use crate::api::ApiError;
use crate::wire::{CommandFate, Group, Notice, User};
use bridge::model::{Account, Authorization, Buddy, Request, Status, Transfer};
use bridge::time::Timestamp;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

/// [`crate::wire::Attached`], borrowed from the state.
#[derive(Serialize)]
struct Attached<'a> {
    user: User,
    time: Timestamp,
    epoch: &'a str,
    seq: u64,
    hold_ms: u64,
    heartbeat_ms: u64,
    grace_ms: u64,
    resume_ms: u64,
    commands: Vec<CommandFate>,
    snapshot: Snapshot<'a>,
}

/// [`crate::wire::Snapshot`], borrowed from the state.
#[derive(Serialize)]
struct Snapshot<'a> {
    accounts: &'a [Account],
    groups: Vec<Group>,
    buddies: Vec<&'a Buddy>,
    conversations: Vec<Conversation<'a>>,
    requests: &'a [Request],
    authorizations: &'a [Authorization],
    notices: &'a [Notice],
    transfers: &'a [Transfer],
    bookmarks: Vec<crate::wire::Bookmark>,
    searches: Vec<crate::wire::SavedSearch>,
    status: &'a Status,
    settings: &'a Map<String, Value>,
    kept: bool,
}

/// [`crate::wire::Conversation`] with members and messages.
#[derive(Serialize)]
struct Conversation<'a> {
    #[serde(flatten)]
    head: crate::wire::Conversation,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<&'a Members>,
    messages: Written<'a>,
}

impl State {
    fn snapshot(&self) -> Snapshot<'_> {
        let mut groups: Vec<Group> = self.groups.iter().filter(|group| group.buddies > 0).map(super::state::GroupPlace::wire).collect();
        groups.sort_by(|one, other| (one.order, &one.name).cmp(&(other.order, &other.name)));
        fn shown(conv: &super::conversation::Conv) -> Conversation<'_> {
            let head = crate::wire::Conversation { gaps: conv.wire_gaps(), ..conv.wire(false) };
            Conversation { head, members: conv.members.as_ref(), messages: Written::all(&conv.kept) }
        }
        Snapshot {
            accounts: &self.accounts,
            groups,
            buddies: self.buddies.values().map(|buddy| &**buddy).collect(),
            conversations: self.conversations.values().map(AsRef::as_ref).filter(|conv| conv.open).map(shown).collect(),
            requests: &self.requests,
            authorizations: &self.authorizations,
            notices: &self.notices,
            transfers: &self.transfers,
            searches: self.saved_searches(),
            bookmarks: self.bookmarks.iter().map(super::bookmarks::Bookmark::wire).collect(),
            status: &self.status,
            settings: &self.settings,
            kept: self.is_being_kept(),
        }
    }

    /// Makes the client known. One that is known keeps its commands, and its place in the log as long as the log has it: only
    /// a poll acknowledges.
    fn admit(&mut self, env: &Env<'_>, id: &str) -> usize {
        let last = self.log.last();
        if let Some(at) = self.clients.iter().position(|client| &*client.id == id) {
            let reached = self.clients.get(at).is_some_and(|client| self.log.reaches_back_to(client.cursor()));
            if let Some(client) = self.clients.get_mut(at) {
                client.n = None;
                client.last_contact = env.now;
                if !reached {
                    client.acked = last;
                }
            }
            return at;
        }
        let most = env.config.clients_per_user;
        while most > 0 && self.clients.len() >= most {
            let connected_last = |client: &(usize, &Client)| (client.1.is_connected(), client.1.last_contact);
            let Some(longest) = self.clients.iter().enumerate().min_by_key(connected_last).map(|(at, _)| at) else { break };
            self.clients.remove(longest).wake();
        }
        self.clients.reserve_exact(1);
        self.clients.push(Client::new(id, last, env.now));
        self.clients.len() - 1
    }
}

impl Hub {
    /// Attaches a client. The body of the answer, JSON.
    ///
    /// # Errors
    /// 400 `bad_field` for a client id of another form, 429 `rate_limited`, 401 when the session has just ended.
    pub fn attach(&self, session: &Session, client: &str) -> Result<Bytes, ApiError> {
        self.attach_from(session, None, client)
    }

    /// The same for a client in the browser of this token.
    ///
    /// # Errors
    /// As [`Hub::attach`].
    pub fn attach_from(&self, session: &Session, browser: Option<TokenHash>, client: &str) -> Result<Bytes, ApiError> {
        check_client(client)?;
        let env = self.env();
        let mut state = session.lock();
        if state.ended.is_some() {
            return Err(ApiError::session_ended());
        }
        let per_minute = u64::from(self.config.attaches_per_minute);
        state.attaches.take(env.now, per_minute, per_minute.min(20), 1).map_err(ApiError::rate_limited)?;
        state.asks(&env, 0)?;
        let at = state.admit(&env, client);
        // The tab opens those searches anew that it wants.
        state.close_searches(Some(client));
        if let Some(client) = state.clients.get_mut(at) {
            // Only for users of the site is it worth its room.
            client.browser = browser.filter(|_| !session.is_guest());
            client.ended = false;
        }
        if let (Some(browser), Some(keep)) = (browser, &mut state.keep) {
            keep.used.insert(browser);
        }
        if let Some(at) = state.here(&env) {
            self.look_at(session, &mut state, at);
        }
        let commands = state.clients.get(at).map(Client::fates).unwrap_or_default();
        let attached = Attached {
            user: session.user(),
            time: env.wall,
            epoch: &session.epoch,
            seq: state.log.last(),
            hold_ms: self.config.hold_ms,
            heartbeat_ms: self.config.heartbeat_ms,
            grace_ms: self.config.grace_ms,
            resume_ms: self.config.resume_ms,
            commands,
            snapshot: state.snapshot(),
        };
        let body = serde_json::to_vec(&attached).map_err(|error| {
            crate::pace::paced!(error, "a snapshot could not be written: {error}");
            ApiError::unavailable()
        })?;
        state.asked.charge(price::of_bytes(body.len()));
        drop(state);
        self.counters().attaches.one();
        self.settle_idle(session);
        Ok(body.into())
    }

    /// A tab says good-bye.
    pub fn detach(&self, session: &Session, client: &str) {
        let env = self.env();
        let mut state = session.lock();
        state.detach(&env, client);
        let check = state.check(&env, session.is_guest());
        self.look_at(session, &mut state, check.next);
    }
}

/// Fails when this is no client id: 1 to 64 of `A-Z a-z 0-9 - _`.
pub(crate) fn check_client(id: &str) -> Result<(), ApiError> {
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if fits { Ok(()) } else { Err(ApiError::bad_request("bad_field", "A client id is 1 to 64 letters, digits, `-` or `_`.").at("client")) }
}
