//! Remembers what the store could not be told yet, and tells it later; and which tokens are nobody's. Signs nobody out (see `me`).

use super::memory::{Memory, lock};
use super::{Hub, TokenHash};
use bridge::id::UserId;
use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

/// Tokens that are known to be nobody's.
const MOST_STRANGERS: usize = 10_000;

/// What the store is to be told, and what it need not be asked.
#[derive(Default)]
pub(super) struct Owed {
    /// Browsers that are signed out.
    leaving: Mutex<Vec<(UserId, TokenHash)>>,
    /// Users who were made and could not come in, and the invites that they took.
    unmade: Mutex<Vec<(UserId, Option<TokenHash>)>>,
    strangers: Mutex<(HashSet<TokenHash>, VecDeque<TokenHash>)>,
}

impl Memory {
    /// Whether a token is known to be nobody's, or of a browser that was signed out.
    pub(super) fn is_strange(&self, token: &TokenHash) -> bool {
        lock(&self.owed.strangers).0.contains(token) || lock(&self.owed.leaving).iter().any(|(_, leaving)| leaving == token)
    }

    /// A token is nobody's. Tokens are random: it will never be anybody's.
    pub(super) fn note_stranger(&self, token: TokenHash) {
        let mut strangers = lock(&self.owed.strangers);
        if strangers.0.insert(token) {
            strangers.1.push_back(token);
        }
        while strangers.1.len() > MOST_STRANGERS {
            if let Some(oldest) = strangers.1.pop_front() {
                strangers.0.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn strangers(&self) -> usize {
        lock(&self.owed.strangers).1.len()
    }

    /// A browser is signed out, and the store does not know.
    pub(super) fn note_leaving(&self, user: UserId, token: TokenHash) {
        lock(&self.owed.leaving).push((user, token));
    }

    /// Tells the store of the browsers that are signed out.
    pub(super) async fn tell_leaving(&self) {
        let leaving = lock(&self.owed.leaving).clone();
        for (user, token) in leaving {
            if self.store().remove_browsers(user, &[token]).await.is_err() {
                return;
            }
            lock(&self.owed.leaving).retain(|(_, told)| *told != token);
        }
    }

    /// A user was made and could not come in: name and invite are free for the next try, now or as soon as the store answers.
    pub(super) async fn unmake(&self, user: UserId, code: Option<TokenHash>) {
        if let Err(error) = self.store().unmake_user(user, code.as_ref()).await {
            log::warn!("user {user} was made and cannot be used, and is deleted later: {error}");
            lock(&self.owed.unmade).push((user, code));
        }
    }

    async fn tell_unmade(&self) {
        let unmade = lock(&self.owed.unmade).clone();
        for (user, code) in unmade {
            if self.store().unmake_user(user, code.as_ref()).await.is_err() {
                return;
            }
            lock(&self.owed.unmade).retain(|(told, _)| *told != user);
        }
    }
}

impl Hub {
    /// Tells the store what it could not be told before, and what of the sign-ins that failed is due; with `all` every one of them.
    pub(super) async fn tell_owed(&self, memory: &Memory, all: bool) {
        memory.tell_leaving().await;
        memory.tell_unmade().await;
        let env = self.env();
        let entries = memory.failures.due(env.now, env.wall, all);
        if !entries.is_empty()
            && let Err(error) = memory.store().audit(&entries).await
        {
            crate::pace::paced!(warn, "sign-ins that failed are not in the audit log yet: {error}");
            memory.failures.take_back(entries);
        }
    }
}
