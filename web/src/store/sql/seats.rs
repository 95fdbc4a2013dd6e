//! Places for searches: few at once, and one alone for searches by the beginnings of words, which take long for users who wrote much: so that a search
//! for whole words always finds a place. Knows no statement and no user: sessions see to it that each user has one search at a time.

use crate::store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// Searches at once, and those of them that are by beginnings.
const ALL: usize = 2;
const SLOW: usize = 1;

/// The places. The search that waits longest is next.
#[derive(Debug)]
pub(super) struct Seats {
    all: Semaphore,
    slow: Semaphore,
    #[cfg(test)]
    asked: std::sync::atomic::AtomicUsize,
}

/// A place. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    _slow: Option<SemaphorePermit<'a>>,
    _place: SemaphorePermit<'a>,
}

impl Seats {
    pub(super) fn new() -> Self {
        Self {
            all: Semaphore::new(ALL),
            slow: Semaphore::new(SLOW),
            #[cfg(test)]
            asked: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// Waits for a place until a time. `slow`: the search is by beginnings of words.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there was none by then, and nobody waits for an answer any more.
    pub(super) async fn take(&self, slow: bool, until: Instant) -> Result<Seat<'_>, StoreError> {
        #[cfg(test)]
        self.asked.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        let late = |_| StoreError::Unavailable("other searches take too long".to_owned());
        timeout_at(until, self.next(slow)).await.map_err(late)?
    }

    async fn next(&self, slow: bool) -> Result<Seat<'_>, StoreError> {
        let broken = |error: tokio::sync::AcquireError| StoreError::Broken(error.to_string());
        // In one order: nobody who has a later one waits for an earlier one.
        let slow = if slow { Some(self.slow.acquire().await.map_err(broken)?) } else { None };
        let place = self.all.acquire().await.map_err(broken)?;
        Ok(Seat { _slow: slow, _place: place })
    }

    /// Takes all places.
    #[cfg(test)]
    pub(super) async fn take_all(&self) -> SemaphorePermit<'_> {
        self.all.acquire_many(ALL as u32).await.unwrap()
    }

    /// How many searches have asked for a place so far.
    #[cfg(test)]
    pub(super) fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::time::Duration;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn now(seats: &Seats, slow: bool) -> Option<Seat<'_>> {
        seats.take(slow, later()).now_or_never().map(Result::unwrap)
    }

    #[tokio::test]
    async fn places_are_few_and_beginnings_have_one() {
        let seats = Seats::new();
        let one = now(&seats, false).unwrap();
        let other = now(&seats, true).unwrap();
        assert!(now(&seats, false).is_none(), "more than all places");
        drop(one);
        assert!(now(&seats, true).is_none(), "two by beginnings");
        assert!(now(&seats, false).is_some(), "words have a place beside beginnings");
        drop(other);
        assert!(now(&seats, true).is_some());
    }

    #[tokio::test]
    async fn whoever_waits_for_beginnings_keeps_no_place_from_others() {
        let seats = Seats::new();
        let first = now(&seats, true).unwrap();
        let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(seats.take(true, later()))).collect();
        waiting.iter_mut().for_each(|one| assert!(one.now_or_never().is_none()));
        assert!(now(&seats, false).is_some());
        drop(first);
        let second = waiting.remove(0).now_or_never().unwrap().unwrap();
        assert!(waiting.remove(0).now_or_never().is_none() && now(&seats, false).is_some());
        drop(second);
    }

    #[tokio::test]
    async fn nobody_gets_a_place_when_it_is_too_late() {
        let seats = Seats::new();
        let held = seats.take_all().await;
        let begun = std::time::Instant::now();
        let late = seats.take(true, Instant::now() + Duration::from_millis(1)).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        drop(held);
        // The search that waited for both has kept neither.
        assert!(now(&seats, true).is_some());
    }
}
