//! Lets one task at a time bring a user back, or change a user as a whole. Knows nothing of users but their ids.

use super::memory::lock;
use bridge::id::UserId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::OwnedMutexGuard;

/// Turns that are known before those that are over are looked for.
const FEW: usize = 64;

/// The turn of a user; it is over when this is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// The turns of all users. No user waits for another.
#[derive(Default)]
pub(super) struct Turns(Mutex<Known>);

#[derive(Default)]
struct Known {
    turns: HashMap<UserId, Weak<tokio::sync::Mutex<()>>>,
    /// So many, and those that are over are forgotten.
    full: usize,
}

impl Turns {
    fn of(&self, user: UserId) -> Arc<tokio::sync::Mutex<()>> {
        let mut known = lock(&self.0);
        if let Some(turn) = known.turns.get(&user).and_then(Weak::upgrade) {
            return turn;
        }
        if known.turns.len() >= known.full.max(FEW) {
            known.turns.retain(|_, turn| turn.strong_count() > 0);
            known.full = 2 * known.turns.len();
        }
        let turn = Arc::default();
        known.turns.insert(user, Arc::downgrade(&turn));
        turn
    }

    /// Waits for the turn of a user.
    pub(super) async fn wait(&self, user: UserId) -> Turn {
        self.of(user).lock_owned().await
    }

    /// The turn of a user, if nobody else has it now.
    pub(super) fn now(&self, user: UserId) -> Option<Turn> {
        self.of(user).try_lock_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_one_users_and_nothing_of_it_stays() {
        let turns = Turns::default();
        let held: Vec<Turn> = (0..200).map(|user| turns.now(UserId(user)).unwrap()).collect();
        assert!((0..200).all(|user| turns.now(UserId(user)).is_none()));
        drop(held);
        for user in 0..10_000 {
            assert!(turns.now(UserId(user)).is_some());
        }
        assert!(lock(&turns.0).turns.len() <= 400, "{}", lock(&turns.0).turns.len());
    }
}
