//! Adds up sign-ins that fail, by user, act and address, so that strangers fill neither the audit log nor the disk. Keeps no name that nobody has: it
//! may be a password. Writes nothing itself (see `memory`).

use crate::store::{AuditEntry, Failed};
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Between two entries of the same user, act and address.
const EVERY_MS: u64 = 60_000;
/// So many are told apart at once; the rest is added up as one.
const MOST: usize = 200;
/// Names and addresses of one entry that are told apart.
const MOST_DIFFERENT: usize = 1000;

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// A wrong password or name.
    SignIn,
    /// A wrong recovery code or name.
    Recovery,
    /// A wrong password of who is signed in.
    Password,
    /// Not looked at: there were too many before.
    Refused,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in_failed",
            Self::Recovery => "recovery_failed",
            Self::Password => "password_failed",
            Self::Refused => "sign_in_refused",
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    count: u64,
    device: String,
    names: HashSet<u64>,
    addresses: HashSet<u64>,
    /// When an entry was written last.
    written: Option<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    sums: BTreeMap<(Option<UserId>, Act, String), Sum>,
    rest: BTreeMap<Act, Sum>,
    /// Entries that the store did not take.
    again: Vec<AuditEntry>,
}

/// The failures that are not in the audit log yet.
#[derive(Debug, Default)]
pub(super) struct Failures {
    hash: RandomState,
    inner: Mutex<Inner>,
}

impl Failures {
    /// Notes one. `name`: as it was given, where it is no user's.
    pub(super) fn note(&self, act: Act, user: Option<UserId>, name: Option<&str>, address: &str, device: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { sums, rest, .. } = &mut *inner;
        let key = (user, act, address.to_owned());
        let sum = if sums.len() < MOST || sums.contains_key(&key) {
            let sum = sums.entry(key).or_default();
            device.clone_into(&mut sum.device);
            sum
        } else {
            rest.entry(act).or_default()
        };
        sum.count += 1;
        if sum.addresses.len() < MOST_DIFFERENT {
            sum.addresses.insert(self.hash.hash_one(address));
        }
        if let Some(name) = name.filter(|_| sum.names.len() < MOST_DIFFERENT) {
            sum.names.insert(self.hash.hash_one(name));
        }
    }

    /// The entries that are to be written now: the first of a kind at once, those that follow once a minute; with `all` whatever there is.
    pub(super) fn due(&self, now: u64, wall: Timestamp, all: bool) -> Vec<AuditEntry> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { sums, rest, again } = &mut *inner;
        let mut entries = std::mem::take(again);
        let mut write = |sum: &mut Sum, user: Option<UserId>, act: Act, address: String| {
            let is_time = all || sum.written.is_none_or(|at| at + EVERY_MS <= now);
            if sum.count == 0 || !is_time {
                // One that has been quiet for long begins anew.
                return sum.count > 0 || !is_time;
            }
            let Sum { count, device, names, addresses, .. } = std::mem::take(sum);
            sum.written = Some(now);
            let failed = Failed { count, address, addresses: addresses.len() as u64, device, names: names.len() as u64 };
            entries.push(AuditEntry { at: wall, user, act: act.name().to_owned(), detail: failed.to_string() });
            true
        };
        sums.retain(|(user, act, address), sum| write(sum, *user, *act, address.clone()));
        rest.retain(|act, sum| write(sum, None, *act, String::new()));
        entries
    }

    /// The store did not take them.
    pub(super) fn take_back(&self, mut entries: Vec<AuditEntry>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        entries.append(&mut inner.again);
        // The last count: they say how it goes on.
        inner.again = entries.split_off(entries.len().saturating_sub(MOST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(entries: &[AuditEntry]) -> Vec<(Option<u64>, &str, &str)> {
        entries.iter().map(|entry| (entry.user.map(|user| user.0), entry.act.as_str(), entry.detail.as_str())).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_are_added_up() {
        let failures = Failures::default();
        let note = |user: Option<u64>, name: Option<&str>| failures.note(Act::SignIn, user.map(UserId), name, "192.0.2.1", "curl");
        note(Some(7), None);
        let at = Timestamp(5);
        assert_eq!(details(&failures.due(0, at, false)), [(Some(7), "sign_in_failed", "1 time from 192.0.2.1 (curl)")]);
        for name in ["secret", "secret", "other"] {
            note(Some(7), None);
            note(None, Some(name));
        }
        assert_eq!(
            details(&failures.due(1000, at, false)),
            [(None, "sign_in_failed", "3 times from 192.0.2.1 (curl), with 2 names that nobody has")]
        );
        assert_eq!(details(&failures.due(60_000, at, false)), [(Some(7), "sign_in_failed", "3 times from 192.0.2.1 (curl)")]);
        note(Some(7), None);
        assert_eq!(failures.due(60_001, at, false), []);
        assert_eq!(failures.due(60_002, at, true).len(), 1, "at the end everything");
        assert_eq!(failures.due(200_000, at, false), []);
        assert!(failures.inner.lock().unwrap().sums.is_empty(), "what is quiet is forgotten");
        note(Some(7), None);
        assert_eq!(failures.due(200_001, at, false).len(), 1);
    }

    #[test]
    fn many_addresses_are_one_entry_and_nothing_is_lost_while_the_store_is_away() {
        let failures = Failures::default();
        for number in 0..MOST + 500 {
            failures.note(Act::SignIn, None, Some("x"), &format!("address {number}"), "curl");
        }
        let entries = failures.due(0, Timestamp(5), false);
        assert_eq!(entries.len(), MOST + 1);
        assert_eq!(entries[MOST].detail, "500 times from 500 other addresses, with 1 name that nobody has");
        failures.take_back(entries.clone());
        assert_eq!(failures.due(1, Timestamp(6), false), entries[1..]);
    }
}
