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

/// Buddies that changed in a turn, each with the command that caused it, and buddies that are gone.
pub(super) type Changes = (Vec<(BuddyId, Option<Origin>)>, Vec<(UserId, AccountId, BuddyId)>);

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

    /// The id of a buddy of this account, in a group of that name and address, whose node says `before`. `None`: all that it could have are
    /// another's. Two nodes of a name in one group are one to their user.
    pub(super) fn id_of(
        &self,
        before: BuddyId,
        buddy: *mut PurpleBuddy,
        account: AccountId,
        (group, place): (&str, usize),
        name: &str,
    ) -> Option<BuddyId> {
        // The id from another libpurple, or from a node that found no room yet.
        let given = (before != BuddyId(0)).then_some(before);
        let own = [BuddyId::of(account, name), BuddyId::in_group(account, group, name)];
        given.into_iter().chain(own).find(|id| {
            let taken = self.known.get(id);
            taken.is_none_or(|known| known.purple == buddy || known.account == account && known.group == place && own.contains(id))
        })
    }

    /// A buddy may be in another group now. False: its account cannot have this one too, and the buddy is known no longer.
    pub(super) fn regroup(&mut self, id: BuddyId, group: usize) -> bool {
        if self.known.get(&id).is_none_or(|known| known.group == group) {
            return true;
        }
        let Some(mut known) = self.take(id) else { return true };
        if self.has_room(known.account, group) {
            known.group = group;
            self.add(id, known);
            return true;
        }
        if known.told.is_some() {
            self.gone.push((known.user, known.account, id));
        }
        false
    }

    /// Takes the changes of this turn. A buddy that is gone and there again under the same id counts as changed, as when a network moves
    /// somebody to another group.
    pub(super) fn changes(&mut self) -> Changes {
        let (touched, mut gone) = (std::mem::take(&mut self.touched), std::mem::take(&mut self.gone));
        if !gone.is_empty() && !touched.is_empty() {
            let again: HashSet<BuddyId> = touched.iter().map(|(id, _)| *id).collect();
            gone.retain(|(.., id)| match self.known.get_mut(id).filter(|_| again.contains(id)) {
                Some(known) => {
                    // No description has this hash but by a chance of 1 in 2^64.
                    known.told.get_or_insert(0);
                    false
                }
                None => true,
            });
        }
        (touched, gone)
    }

    pub(super) fn of(&self, account: AccountId) -> Vec<BuddyId> {
        self.of_account.get(&account).map(|theirs| theirs.ids.iter().copied().collect()).unwrap_or_default()
    }
}
