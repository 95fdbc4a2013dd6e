//! How many questions or notices of one sort an account may have open, since a plugin or a stranger can cause any number; what becomes of those
//! that are too many is their own room's business.

use crate::id::AccountId;
use std::collections::{HashMap, VecDeque};

/// Open ones of one sort of one account.
pub(super) const MOST: usize = 200;

/// Whether there is room for another one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Space {
    Free,
    /// When this one, the oldest that still has its place, is given up.
    InPlaceOf(u64),
    /// None: as many as may be wait to be given up.
    None,
}

/// The open ones of one sort, by account, oldest first.
#[derive(Default)]
pub(super) struct Quota(HashMap<AccountId, VecDeque<u64>>);

impl Quota {
    pub(super) fn space(&self, account: AccountId) -> Space {
        let Some(open) = self.0.get(&account) else { return Space::Free };
        // Those in front of it are to be given up already.
        match open.len().checked_sub(MOST) {
            None => Space::Free,
            Some(over) if over < MOST => open.get(over).map_or(Space::None, |oldest| Space::InPlaceOf(*oldest)),
            Some(_) => Space::None,
        }
    }

    pub(super) fn opened(&mut self, account: AccountId, id: u64) {
        self.0.entry(account).or_default().push_back(id);
    }

    /// False: it was not one of them.
    pub(super) fn closed(&mut self, account: AccountId, id: u64) -> bool {
        let Some(open) = self.0.get_mut(&account) else { return false };
        let found = open.iter().position(|other| *other == id).and_then(|at| open.remove(at)).is_some();
        if open.is_empty() {
            self.0.remove(&account);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_and_the_oldest_makes_room() {
        let (one, two) = (AccountId(1), AccountId(2));
        let mut quota = Quota::default();
        for id in 0..MOST as u64 {
            assert_eq!(quota.space(one), Space::Free);
            quota.opened(one, id);
        }
        assert_eq!((quota.space(one), quota.space(two)), (Space::InPlaceOf(0), Space::Free));
        for id in 0..MOST as u64 {
            assert_eq!(quota.space(one), Space::InPlaceOf(id), "each gives its place up once");
            quota.opened(one, 1000 + id);
        }
        assert_eq!(quota.space(one), Space::None);
        for id in 0..MOST as u64 {
            assert!(quota.closed(one, id) && !quota.closed(one, id));
        }
        assert_eq!(quota.space(one), Space::InPlaceOf(1000));
        for id in 0..MOST as u64 {
            quota.closed(one, 1000 + id);
        }
        assert!(quota.0.is_empty());
    }
}
