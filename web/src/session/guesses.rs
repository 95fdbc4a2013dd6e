//! Counts passwords that were tried and were wrong: by browser where a user has signed in before, else by name, and by neighbourhood and name. Keeps
//! no name and asks no store; a name that nobody has is counted as any other.
//!
//! A neighbourhood has a quarter of the tries that a name has in all, so that one visitor cannot use up the name for everybody. Many visitors can:
//! whoever has signed in before in the same browser has tries of their own then, and the recovery code is not counted here.

use crate::secret;
use crate::store::UserKeys;
use bridge::id::{PersonId, UserId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const HOUR_MS: u64 = 3_600_000;
/// Of all tries for a name, so many are one neighbourhood's: one in this.
const SHARE: u32 = 4;
/// Entries that are there without clearing up. There are not many more: of strangers' passwords some ten a second can be looked at, and an entry
/// is over when its tries are there again.
const ENTRIES: usize = 4096;

/// The time at which each place has, or had, all its tries again, in milliseconds of the session's clock.
#[derive(Debug)]
struct Over {
    places: HashMap<Place, u64>,
    /// Entries at which old ones are cleared next: twice what the last clearing left, so that a try costs the same however many there are.
    clear_at: usize,
    #[cfg(test)]
    cleared: u32,
}

impl Over {
    fn clear(&mut self, now: u64) {
        if self.places.len() < self.clear_at {
            return;
        }
        self.places.retain(|_, at| *at > now);
        self.clear_at = (2 * self.places.len()).max(ENTRIES);
        #[cfg(test)]
        {
            self.cleared += 1;
        }
    }
}

/// The side of a try.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who<'a> {
    /// Nobody knows.
    Stranger {
        /// The folded name.
        name: &'a str,
        /// From whose neighbourhood.
        from: PersonId,
    },
    /// A browser that is marked, or signed in, of a user.
    Browser(UserId, &'a [u8]),
}

/// A place where tries are counted.
type Place = u64;

/// A try that counts unless it is given back.
#[derive(Debug)]
#[must_use]
pub(super) struct Try(Vec<(Place, u64)>);

/// The tries.
#[derive(Debug)]
pub(super) struct Guesses {
    /// Tries an hour, all at once if need be; 0: any number.
    per_hour: AtomicU32,
    hash: RandomState,
    over: Mutex<Over>,
}

impl Guesses {
    pub(super) fn new(per_hour: u32) -> Self {
        let over = Over {
            places: HashMap::new(),
            clear_at: ENTRIES,
            #[cfg(test)]
            cleared: 0,
        };
        Self { per_hour: AtomicU32::new(per_hour), hash: RandomState::new(), over: Mutex::new(over) }
    }

    /// So many from now on.
    pub(super) fn set(&self, per_hour: u32) {
        self.per_hour.store(per_hour, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a try before the password is looked at, or tells in how many milliseconds there is one.
    pub(super) fn take(&self, who: Who<'_>, now: u64) -> Result<Try, u64> {
        let per_hour = self.per_hour.load(Ordering::Relaxed);
        if per_hour == 0 {
            return Ok(Try(Vec::new()));
        }
        let cost = |share: u32| HOUR_MS / u64::from((per_hour / share).max(1));
        // The neighbourhood first: a try that it may not have is not taken from the name.
        let wanted = match who {
            Who::Stranger { name, from } => {
                vec![(self.hash.hash_one(("from", name, from)), cost(SHARE)), (self.hash.hash_one(("name", name)), cost(1))]
            }
            Who::Browser(user, browser) => vec![(self.hash.hash_one(("browser", user, browser)), cost(1))],
        };
        let mut over = self.lock();
        over.clear(now);
        let over = &mut over.places;
        for (place, cost) in &wanted {
            let at = over.get(place).copied().unwrap_or(now).max(now) + cost;
            if at > now + HOUR_MS {
                return Err(at - now - HOUR_MS);
            }
        }
        for (place, cost) in &wanted {
            let at = over.entry(*place).or_insert(now);
            *at = (*at).max(now) + cost;
        }
        Ok(Try(wanted))
    }

    /// The password was right, or was not looked at.
    pub(super) fn give_back(&self, tried: Try) {
        let mut over = self.lock();
        for (place, cost) in tried.0 {
            if let Some(at) = over.places.get_mut(&place) {
                *at = at.saturating_sub(cost);
            }
        }
    }
}

/// The marks that a browser brings along.
#[derive(Debug, Clone, Default)]
pub struct Marks(Vec<String>);

impl Marks {
    /// Users who have signed in in one browser, and are remembered by it.
    const MOST: usize = 4;
    /// Bytes of a mark are fewer.
    const LONGEST: usize = 100;

    /// Out of a cookie.
    pub fn read(value: &str) -> Self {
        let marks = value.split('.').filter(|mark| !mark.is_empty() && mark.len() <= Self::LONGEST);
        Self(marks.take(Self::MOST).map(str::to_owned).collect())
    }

    /// The one of this user.
    pub(super) fn of(&self, user: UserId, keys: &UserKeys) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|mark| secret::is_marked(user, keys, mark))
    }

    /// A cookie that has one of this user, too; `None` for one without a password, or when the system has no randomness.
    pub(super) fn with(&self, user: UserId, keys: &UserKeys) -> Option<String> {
        let known = self.of(user, keys);
        let own = match known {
            Some(known) => known.to_owned(),
            None => secret::mark(user, keys).ok()??,
        };
        let others = self.0.iter().filter(|mark| Some(mark.as_str()) != known).take(Self::MOST - 1).map(String::as_str);
        Some(std::iter::once(own.as_str()).chain(others).collect::<Vec<_>>().join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(guesses: &Guesses, name: &str, from: u64, now: u64) -> u32 {
        (0..1000).take_while(|_| guesses.take(Who::Stranger { name, from: PersonId(from) }, now).is_ok()).count() as u32
    }

    #[test]
    fn a_neighbourhood_has_a_quarter_of_what_a_name_has() {
        let guesses = Guesses::new(20);
        assert_eq!(tries(&guesses, "ines", 1, 0), 5);
        assert_eq!(tries(&guesses, "bob", 1, 0), 5, "of another name others");
        let of_others: Vec<u32> = (2..8).map(|from| tries(&guesses, "ines", from, 0)).collect();
        assert_eq!(of_others, [5, 5, 5, 0, 0, 0], "twenty in all");
        let wait = guesses.take(Who::Stranger { name: "ines", from: PersonId(9) }, 0).unwrap_err();
        assert_eq!(wait, HOUR_MS / 20);
        assert_eq!(tries(&guesses, "ines", 9, wait), 1);
        assert_eq!(tries(&guesses, "ines", 9, 3 * HOUR_MS), 5, "they come again");
        // A browser that is known, and one that is signed in, have their own.
        let browser = |number: u8| (0..100).take_while(|_| guesses.take(Who::Browser(UserId(1), &[number]), 0).is_ok()).count();
        assert_eq!((browser(1), browser(1), browser(2)), (20, 0, 20));
        guesses.set(0);
        assert_eq!(tries(&guesses, "ines", 1, 0), 1000);
    }

    #[test]
    fn what_was_right_does_not_count() {
        let guesses = Guesses::new(4);
        for _ in 0..100 {
            guesses.give_back(guesses.take(Who::Stranger { name: "ines", from: PersonId(1) }, 0).unwrap());
        }
        let held: Vec<Try> = (1..5).map(|from| guesses.take(Who::Stranger { name: "ines", from: PersonId(from) }, 0).unwrap()).collect();
        assert!(guesses.take(Who::Stranger { name: "ines", from: PersonId(5) }, 0).is_err(), "many at once are counted before they end");
        held.into_iter().for_each(|one| guesses.give_back(one));
        assert_eq!(tries(&guesses, "ines", 1, 0), 1);
    }

    #[test]
    fn what_is_over_is_cleared() {
        let guesses = Guesses::new(20);
        for number in 0..ENTRIES {
            assert!(guesses.take(Who::Stranger { name: &number.to_string(), from: PersonId(1) }, 0).is_ok());
        }
        assert!(guesses.take(Who::Stranger { name: "ines", from: PersonId(1) }, 2 * HOUR_MS).is_ok());
        assert_eq!(guesses.lock().places.len(), 2);
    }

    #[test]
    fn many_names_are_not_looked_through_at_each_try() {
        let guesses = Guesses::new(20);
        for number in 0..4 * ENTRIES {
            assert!(guesses.take(Who::Stranger { name: &number.to_string(), from: PersonId(1) }, 0).is_ok());
        }
        let over = guesses.lock();
        assert_eq!((over.places.len(), over.cleared), (8 * ENTRIES, 3), "at one, two and four times {ENTRIES}");
    }
}
