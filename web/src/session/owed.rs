//! Remembers what the store could not be told yet, and tells it later; and which tokens are nobody's. Signs nobody out (see `me`).

use super::memory::{Memory, lock};
use super::{Hub, TokenHash};
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;

/// Tokens that are known to be nobody's.
const MOST_STRANGERS: usize = 10_000;

/// How long what was begun may come to its end in the store though no answer came, in milliseconds.
const LATE_MS: u64 = 60_000;

/// A user who was made, at this time and by this invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) user: UserId,
    pub(super) created: Timestamp,
    pub(super) code: Option<TokenHash>,
}

/// What the store is to be told, and what it need not be asked.
#[derive(Default)]
pub(super) struct Owed {
    /// Browsers that are signed out.
    leaving: Mutex<Vec<(UserId, TokenHash)>>,
    /// Users who were made and could not come in, and until when each may still appear.
    unmade: Mutex<Vec<(Made, u64)>>,
    /// Users of whom is not known whether they changed, and until when they may.
    changed: Mutex<Vec<(UserId, u64)>>,
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

    /// Owes the deletion of a user who was made and could not come in, or who may still be made within `LATE_MS` of `since`.
    pub(super) fn owe_unmaking(&self, made: Made, since: Option<u64>) {
        lock(&self.owed.unmade).push((made, since.map_or(0, |since| since + LATE_MS)));
    }

    /// A user comes in by the password, and so is not to be deleted. The caller has the user's turn.
    pub(super) fn came_in(&self, user: UserId) {
        lock(&self.owed.unmade).retain(|(made, _)| made.user != user);
    }

    /// Deletes users who could not come in. A user whose turn somebody else has is left for later, or waited for with `wait`.
    pub(super) async fn tell_unmade(&self, now: u64, wait: bool) {
        let unmade = lock(&self.owed.unmade).clone();
        for owed in unmade {
            let (made, until) = owed;
            let _turn = match self.turn_now(made.user) {
                Some(turn) => turn,
                None if wait => self.turn(made.user).await,
                None => continue,
            };
            // The user came in meanwhile.
            if !lock(&self.owed.unmade).contains(&owed) {
                continue;
            }
            if let Err(error) = self.store().unmake_user(made.user, made.created, made.code.as_ref()).await {
                crate::pace::paced!(warn, "user {} was made and cannot be used, and is deleted later: {error}", made.user);
                return;
            }
            if until <= now {
                lock(&self.owed.unmade).retain(|known| *known != owed);
            }
        }
    }

    /// Notes that the store did not say whether a user's keys were changed; the change may come within `LATE_MS`.
    pub(super) fn note_changed(&self, user: UserId, now: u64) {
        lock(&self.owed.changed).push((user, now + LATE_MS));
    }
}

impl Hub {
    /// Tells the store what it could not be told before, and what of the sign-ins that failed is due; with `all` every one of them.
    pub(super) async fn tell_owed(&self, memory: &Memory, all: bool) {
        let now = self.env().now;
        memory.tell_leaving().await;
        memory.tell_unmade(now, all).await;
        self.look_at_changed(memory, now).await;
        let env = self.env();
        let entries = memory.failures.due(env.now, env.wall, all);
        if !entries.is_empty()
            && let Err(error) = memory.store().audit(&entries).await
        {
            crate::pace::paced!(warn, "sign-ins that failed are not in the audit log yet: {error}");
            memory.failures.take_back(entries);
        }
    }

    /// Signs out the browsers that a change which nobody knows of has taken from the store.
    async fn look_at_changed(&self, memory: &Memory, now: u64) {
        let changed = lock(&memory.owed.changed).clone();
        for owed in changed {
            let (user, until) = owed;
            if let Err(error) = self.user_changed(memory, user).await {
                crate::pace::paced!(warn, "what changed of user {user} is looked at again: {error}");
                return;
            }
            if until <= now {
                lock(&memory.owed.changed).retain(|known| *known != owed);
            }
        }
    }
}
