//! When a user counts as gone, when as idle, and when their session ends: pure, over the times that tabs were heard of.

use super::state::{Env, State};
use bridge::id::ConversationId;
use serde_json::Value;

/// Setting that keeps a user who is gone from being shown as idle.
const IDLE_SETTING: &str = "idle_when_gone";

/// The part of a session that is about time.
#[derive(Debug)]
pub(crate) struct Life {
    /// When the user was heard of last, apart from the tabs' own times.
    pub(crate) contact: u64,
    /// Nobody polls, and the grace is over.
    pub(crate) detached: bool,
    /// When the only account of a guest failed for good.
    pub(crate) failed_at: Option<u64>,
    /// The bridge was told that the user is idle.
    pub(crate) idle_told: bool,
    /// The conversation that the bridge was told the user looks at.
    pub(crate) focus_told: Option<ConversationId>,
    /// When the hub looks at the session next; `u64::MAX` while it is not to.
    pub(crate) due: u64,
}

/// What is to be done about a session now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Its time is over.
    pub(crate) end: bool,
    /// When to look again.
    pub(crate) next: u64,
}

impl Life {
    pub(crate) fn new(now: u64) -> Self {
        Self { contact: now, detached: false, failed_at: None, idle_told: false, focus_told: None, due: u64::MAX }
    }
}

impl State {
    /// When the user counts as gone, if nothing is heard until then.
    fn gone_at(&self, env: &Env<'_>) -> u64 {
        let config = env.config;
        let of_clients = self.clients.iter().map(|client| {
            let grace = if client.hidden { config.hidden_grace_ms } else { config.grace_ms };
            client.last_contact + config.hold_ms + grace
        });
        of_clients.fold(self.life.contact + config.hold_ms + config.grace_ms, u64::max)
    }

    /// When something was heard of the user last.
    fn last_contact(&self) -> u64 {
        self.clients.iter().map(|client| client.last_contact).fold(self.life.contact, u64::max)
    }

    /// Looks at what time has done.
    pub(crate) fn check(&mut self, env: &Env<'_>, guest: bool) -> Check {
        let config = env.config;
        let resume = config.resume_ms;
        let before = self.clients.len();
        for client in self.clients.iter_mut().filter(|client| client.is_surely_there()) {
            client.last_contact = env.now;
        }
        self.clients.retain(|client| client.last_contact.saturating_add(resume) > env.now);
        let gone_at = self.gone_at(env);
        if self.clients.len() != before {
            self.close_searches(None);
            self.bound_log(env);
        }
        if gone_at > env.now {
            self.life.detached = false;
        } else if !self.life.detached {
            self.life.detached = true;
            env.counters.users_detached.one();
        }
        let linger = if guest { config.guest_linger_ms } else { config.linger_ms };
        let mut end_at = gone_at + linger;
        let connected = self.clients.iter().any(super::client::Client::is_connected);
        if let (true, false, Some(failed)) = (guest, connected, self.life.failed_at) {
            end_at = end_at.min(self.last_contact().max(failed) + config.failed_guest_linger_ms);
        }
        let end = end_at <= env.now;
        let forget_at = self.clients.iter().map(|client| client.last_contact.saturating_add(resume)).min().unwrap_or(u64::MAX);
        let next = if self.life.detached { end_at } else { gone_at.min(end_at) }.min(forget_at);
        Check { end, next: next.max(env.now + 1) }
    }

    /// A tab was heard of: the user is here. When they were not, gives the time to look again.
    #[must_use]
    pub(crate) fn here(&mut self, env: &Env<'_>) -> Option<u64> {
        self.life.contact = env.now;
        std::mem::take(&mut self.life.detached).then(|| self.gone_at(env))
    }

    /// A tab said good-bye. The grace begins now, without the hold.
    pub(crate) fn detach(&mut self, env: &Env<'_>, client: &str) {
        let Some(at) = self.clients.iter().position(|known| &*known.id == client) else { return };
        // Its poll wakes, does not find its client any more and says so.
        self.clients.remove(at).wake();
        self.close_searches(None);
        if self.clients.is_empty() {
            self.life.contact = env.now.saturating_sub(env.config.hold_ms);
        }
        self.bound_log(env);
    }

    /// Since when the user is to be shown as idle, if they are.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        if self.life.detached {
            let wanted = self.settings.get(IDLE_SETTING) != Some(&Value::Bool(false));
            return wanted.then(|| self.last_contact());
        }
        let all = self.clients.iter().map(|client| client.idle_since);
        all.reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// Notes whether the only account of a guest is beyond hope. True when it has just become so.
    pub(crate) fn note_failure(&mut self, env: &Env<'_>) -> bool {
        use bridge::model::AccountState;
        let failed = match self.accounts.as_slice() {
            [only] => only.standing.state == AccountState::Error && only.standing.error.as_ref().is_none_or(|error| error.fatal),
            _ => false,
        };
        let news = failed && self.life.failed_at.is_none();
        self.life.failed_at = failed.then(|| self.life.failed_at.unwrap_or(env.now));
        news
    }
}
