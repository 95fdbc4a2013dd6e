//! Places for searches: few at once, each user one, and one alone for searches by the beginnings of words, which take long for users who wrote much: so
//! that a search for whole words always finds a place. Knows no statement.

use crate::store::StoreError;
use bridge::id::UserId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

/// Searches at once, and those of them that are by beginnings.
const ALL: usize = 2;
const SLOW: usize = 1;
/// Users whose turns are known before those are let go of that nobody waits for.
const FEW: usize = 32;

/// The places. The search that waits longest is next.
#[derive(Debug)]
pub(super) struct Seats {
    all: Semaphore,
    slow: Semaphore,
    users: Mutex<HashMap<UserId, Weak<tokio::sync::Mutex<()>>>>,
}

/// A place. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    _turn: OwnedMutexGuard<()>,
    _slow: Option<SemaphorePermit<'a>>,
    _place: SemaphorePermit<'a>,
}

impl Seats {
    pub(super) fn new() -> Self {
        Self { all: Semaphore::new(ALL), slow: Semaphore::new(SLOW), users: Mutex::default() }
    }

    /// Waits for a place. `slow`: the search is by beginnings of words.
    pub(super) async fn take(&self, user: UserId, slow: bool) -> Result<Seat<'_>, StoreError> {
        let broken = |error: tokio::sync::AcquireError| StoreError::Broken(error.to_string());
        // In one order: nobody who has a later one waits for an earlier one.
        let turn = self.turn(user).lock_owned().await;
        let slow = if slow { Some(self.slow.acquire().await.map_err(broken)?) } else { None };
        let place = self.all.acquire().await.map_err(broken)?;
        Ok(Seat { _turn: turn, _slow: slow, _place: place })
    }

    /// Takes all places.
    #[cfg(test)]
    pub(super) async fn take_all(&self) -> SemaphorePermit<'_> {
        self.all.acquire_many(ALL as u32).await.unwrap()
    }

    /// Whether a user has a place, or waits for one.
    #[cfg(test)]
    pub(super) fn is_known(&self, user: UserId) -> bool {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).get(&user).is_some_and(|turn| turn.strong_count() > 0)
    }

    fn turn(&self, user: UserId) -> Arc<tokio::sync::Mutex<()>> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= FEW {
            users.retain(|_, turn| turn.strong_count() > 0);
        }
        let known = users.get(&user).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            users.insert(user, Arc::downgrade(&turn));
            turn
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn now(seats: &Seats, user: u64, slow: bool) -> Option<Seat<'_>> {
        seats.take(UserId(user), slow).now_or_never().map(Result::unwrap)
    }

    #[test]
    fn a_user_has_one_place_and_beginnings_have_one() {
        let seats = Seats::new();
        let mine = now(&seats, 1, false).unwrap();
        assert!(now(&seats, 1, false).is_none(), "a second place");
        let other = now(&seats, 2, true).unwrap();
        assert!(now(&seats, 3, false).is_none(), "more than all places");
        drop(mine);
        assert!(now(&seats, 3, true).is_none(), "two by beginnings");
        assert!(now(&seats, 1, false).is_some(), "words have a place beside beginnings");
        drop(other);
        assert!(now(&seats, 3, true).is_some());
    }

    #[test]
    fn whoever_waits_for_the_own_turn_keeps_no_place_from_others() {
        let seats = Seats::new();
        let first = now(&seats, 1, true).unwrap();
        let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(seats.take(UserId(1), true))).collect();
        waiting.iter_mut().for_each(|one| assert!(one.now_or_never().is_none()));
        assert!(now(&seats, 2, false).is_some());
        drop(first);
        let second = waiting.remove(0).now_or_never().unwrap().unwrap();
        assert!(waiting.remove(0).now_or_never().is_none() && now(&seats, 2, false).is_some());
        drop(second);
    }

    #[test]
    fn turns_that_nobody_waits_for_are_forgotten() {
        let seats = Seats::new();
        for user in 0..1000 {
            assert!(now(&seats, user, true).is_some());
        }
        assert!(seats.users.lock().unwrap().len() <= FEW + 1);
    }
}
