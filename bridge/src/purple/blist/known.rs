//! What is known of the buddies on libpurple's list, by id and by account, and how many there may be; it calls nothing of libpurple's.

use super::super::icon;
use crate::command::Origin;
use crate::id::{AccountId, BuddyId, UserId};
use purple_sys::{PurpleAccount, PurpleBuddy};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Buddies of one account: each takes some kilobytes of libpurple's. What is more is not kept; the server's list stays as it is.
pub(super) const MOST_BUDDIES: usize = 10_000;
/// Groups that they may be in: libpurple walks the groups of all its users.
pub(super) const MOST_GROUPS: usize = 1_000;

/// A buddy that its owner was told of. The node's `ui_data` holds the [`BuddyId`].
pub(super) struct Known {
    pub(super) user: UserId,
    pub(super) account: AccountId,
    pub(super) purple: *mut PurpleBuddy,
    /// The address of libpurple's group: compared, never followed.
    pub(super) group: usize,
    /// What was last told, hashed: libpurple updates nodes far more often than they change.
    pub(super) told: Option<u64>,
    /// The picture that was last sent.
    pub(super) picture: Option<icon::Seen>,
}

/// What is known of one account.
#[derive(Default)]
pub(super) struct Theirs {
    pub(super) ids: HashSet<BuddyId>,
    /// How many are in each group.
    pub(super) groups: HashMap<usize, u32>,
    /// The user was told that there are too many.
    pub(super) full: bool,
    /// Groups that its rosters brought, which stay in libpurple.
    pub(super) groups_met: usize,
    /// The user was told that there are more.
    pub(super) groups_cut: bool,
}

#[derive(Default)]
pub(super) struct Blist {
    pub(super) known: HashMap<BuddyId, Known>,
    /// The same by account: one account's end must not cost a walk over everybody's buddies.
    pub(super) of_account: HashMap<AccountId, Theirs>,
    /// Buddies beyond what an account may have: taken off libpurple's list at the end of the turn, when no plugin holds them in a variable.
    pub(super) surplus: BTreeMap<usize, AccountId>,
    /// What changed in this turn, in order, with the command that caused it.
    pub(super) touched: Vec<(BuddyId, Option<Origin>)>,
    pub(super) gone: Vec<(UserId, AccountId, BuddyId)>,
    /// Accounts that are being freed: their nodes are gone for good, not merely offline.
    pub(super) ending: Option<AccountId>,
    /// libpurple's accounts that have had something on the list that its look-up of an account's buddies does not give: chats, and one of two
    /// buddies of a name in one group.
    pub(super) hiding: HashSet<*mut PurpleAccount>,
}

impl Blist {
    pub(super) fn add(&mut self, id: BuddyId, known: Known) {
        let theirs = self.of_account.entry(known.account).or_default();
        theirs.ids.insert(id);
        *theirs.groups.entry(known.group).or_default() += 1;
        self.known.insert(id, known);
    }

    /// Whether the account may have one more, in this group.
    pub(super) fn has_room(&self, account: AccountId, group: usize) -> bool {
        self.has_groups(account, group) && self.of_account.get(&account).is_none_or(|theirs| theirs.ids.len() < MOST_BUDDIES)
    }

    /// Whether the account may have buddies in this group.
    pub(super) fn has_groups(&self, account: AccountId, group: usize) -> bool {
        let theirs = self.of_account.get(&account);
        theirs.is_none_or(|theirs| theirs.groups.len() < MOST_GROUPS || theirs.groups.contains_key(&group))
    }

    pub(super) fn take(&mut self, id: BuddyId) -> Option<Known> {
        let known = self.known.remove(&id)?;
        if let Some(theirs) = self.of_account.get_mut(&known.account) {
            theirs.ids.remove(&id);
            if let Some(count) = theirs.groups.get_mut(&known.group) {
                *count -= 1;
                if *count == 0 {
                    theirs.groups.remove(&known.group);
                }
            }
        }
        Some(known)
    }

    pub(super) fn of(&self, account: AccountId) -> Vec<BuddyId> {
        self.of_account.get(&account).map(|theirs| theirs.ids.iter().copied().collect()).unwrap_or_default()
    }
}
