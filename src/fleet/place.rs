//! Which worker an account goes to: pure; it starts nothing and knows no process.

use bridge::id::{AccountId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Who shares a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Isolation {
    /// Everybody.
    Shared,
    /// Accounts of libpurple's own protocols; each third party's protocol has workers of its own.
    #[default]
    Protocol,
    /// Nobody: each user has a worker.
    User,
}

/// Whom a worker is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Anyone, or anyone with a protocol of libpurple's own.
    Core,
    /// Accounts of one protocol.
    Protocol(String),
    /// One user.
    User(UserId),
    /// An account that a crash was blamed on a short while ago: alone.
    Suspect(AccountId),
}

impl Group {
    /// Where an account belongs that nothing speaks against. `ships`: its protocol comes with the libpurple in use.
    pub(crate) fn of(isolation: Isolation, user: UserId, protocol: &str, ships: bool) -> Self {
        match isolation {
            Isolation::Shared => Self::Core,
            Isolation::Protocol if ships => Self::Core,
            Isolation::Protocol => Self::Protocol(protocol.to_owned()),
            Isolation::User => Self::User(user),
        }
    }
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Core => write!(f, "core"),
            Self::Protocol(protocol) => write!(f, "protocol {protocol}"),
            Self::User(user) => write!(f, "user {user}"),
            Self::Suspect(account) => write!(f, "suspect {account}"),
        }
    }
}

/// The same IM account, as far as can be told without asking its protocol: what is taken for the same is kept apart, which costs nothing.
/// A hash of it, since two that happen to have the same may be kept apart as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

impl Key {
    /// Without case, white space and what XMPP calls a resource.
    pub(crate) fn of(protocol: &str, username: &str) -> Self {
        // Of this process alone, so that nobody can look for a name that has another's.
        static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let bare = username.split('/').next().unwrap_or_default();
        let bare: String = bare.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        Self(HASH.hash_one((protocol, bare)))
    }
}

/// How far an account's server is trusted not to bring down the worker that talks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Somebody else was online there for long.
    Known,
    /// Nobody else was.
    Unknown,
    /// A short while ago a worker ended for it, or for another account of the same person.
    Doubted,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Known, Self::Unknown, Self::Doubted];

    fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Doubted => "doubted",
        }
    }
}

/// The sides of all accounts in a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sides(u8);

impl Sides {
    pub(crate) fn add(&mut self, side: Side) {
        self.0 |= 1 << side as u8;
    }

    pub(crate) fn has(self, side: Side) -> bool {
        self.0 & (1 << side as u8) != 0
    }

    pub(crate) fn has_strangers(self) -> bool {
        self.has(Side::Unknown) || self.has(Side::Doubted)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Side> {
        Side::ALL.into_iter().filter(move |side| self.has(*side))
    }
}

impl From<Side> for Sides {
    fn from(side: Side) -> Self {
        let mut sides = Self::default();
        sides.add(side);
        sides
    }
}

impl std::fmt::Display for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.iter().map(Side::name).collect();
        f.write_str(&names.join(", "))
    }
}

/// How many workers there are and may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Kept at all times.
    pub(crate) workers: usize,
    pub(crate) most: usize,
    pub(crate) running: usize,
    /// Of those, with accounts on servers that are not known.
    pub(crate) strange: usize,
}

impl Room {
    /// Whether one more worker may be taken by accounts of this side. A quarter of those beyond the kept ones is for known servers alone, so
    /// that strangers, however many, leave a place for them.
    pub(crate) fn has(self, side: Side) -> bool {
        side == Side::Known || self.strange < self.most_strange()
    }

    fn most_strange(self) -> usize {
        self.most - self.most.saturating_sub(self.workers).div_ceil(4)
    }

    /// Whether one more suspect account may have a worker to itself, when `alone` have. Half of what strangers may take is left to the others.
    pub(crate) fn may_start_alone(self, alone: usize) -> bool {
        alone < (self.most_strange() / 2).max(1) && self.may_start(Side::Doubted)
    }

    /// Whether one more may be started for it.
    pub(crate) fn may_start(self, side: Side) -> bool {
        self.running < self.most && self.has(side)
    }

    /// Whether a worker is one for accounts of this side.
    pub(crate) fn is_apart(self, one: &Candidate, side: Side) -> bool {
        if one.accounts == 0 { self.has(side) } else { one.sides == Sides::from(side) }
    }

    /// Whether a worker will do when there is none apart and none can be started.
    pub(crate) fn will_do(self, one: &Candidate, side: Side) -> bool {
        let cannot_be_apart = self.most <= self.workers;
        match side {
            Side::Known => true,
            // That there is no worker is not the strangers' doing.
            Side::Unknown => cannot_be_apart || one.sides.has(side) || self.has(side),
            Side::Doubted => cannot_be_apart || one.sides.has(side),
        }
    }
}

/// What a worker may hold; 0 means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    pub(crate) accounts: u32,
    pub(crate) buddies: u32,
    /// Bytes of resident memory.
    pub(crate) memory: u64,
}

/// A worker of the right group, as placing sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) number: u16,
    pub(crate) accounts: u32,
    pub(crate) buddies: u32,
    pub(crate) memory: u64,
    pub(crate) sides: Sides,
    /// Has this IM account already, for whomever.
    pub(crate) has_key: bool,
    /// Has other accounts of the user.
    pub(crate) has_user: bool,
}

/// The one with the most room; the user's own before others. `None`: another is needed.
pub(crate) fn choose(candidates: impl IntoIterator<Item = Candidate>, caps: Caps) -> Option<u16> {
    let below = |is: u64, cap: u64| cap == 0 || is < cap;
    candidates
        .into_iter()
        .filter(|one| !one.has_key && below(one.accounts.into(), caps.accounts.into()))
        .filter(|one| below(one.buddies.into(), caps.buddies.into()) && below(one.memory, caps.memory))
        .min_by_key(|one| (!one.has_user, one.accounts, one.buddies, one.number))
        .map(|one| one.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Caps = Caps { accounts: 3, buddies: 100, memory: 1000 };

    fn worker(number: u16, accounts: u32) -> Candidate {
        Candidate { number, accounts, buddies: 0, memory: 0, sides: Sides::default(), has_key: false, has_user: false }
    }

    #[test]
    fn the_emptiest_is_chosen_and_the_users_own_before_it() {
        assert_eq!(choose([worker(1, 2), worker(2, 1)], CAPS), Some(2));
        assert_eq!(choose([Candidate { has_user: true, ..worker(1, 2) }, worker(2, 1)], CAPS), Some(1));
        assert_eq!(choose([], CAPS), None);
    }

    #[test]
    fn the_same_im_account_is_never_twice_in_one() {
        assert_eq!(choose([Candidate { has_key: true, has_user: true, ..worker(1, 0) }, worker(2, 2)], CAPS), Some(2));
        assert_eq!(choose([Candidate { has_key: true, ..worker(1, 0) }], CAPS), None);
        let key = |name| Key::of("prpl-jabber", name);
        assert_eq!(key("Ines@Example.org/phone"), key("ines@example.org"));
        assert_ne!(key("ines@example.org"), key("ida@example.org"));
        assert_ne!(key("ines@example.org"), Key::of("prpl-irc", "ines@example.org"));
    }

    #[test]
    fn caps_hold_and_zero_means_none() {
        let full = [worker(1, 3), Candidate { buddies: 100, ..worker(2, 0) }, Candidate { memory: 1000, ..worker(3, 0) }];
        assert_eq!(choose(full, CAPS), None);
        assert!(choose(full, Caps { accounts: 0, buddies: 0, memory: 0 }).is_some());
    }

    #[test]
    fn third_party_protocols_are_apart_by_default() {
        let of = |isolation, protocol, ships| Group::of(isolation, UserId(1), protocol, ships);
        assert_eq!(of(Isolation::default(), "prpl-irc", true), Group::Core);
        // An administrator's own, by whatever id.
        for id in ["prpl-other", "prpl-aim", "prpl-irc"] {
            assert_eq!(of(Isolation::default(), id, false), Group::Protocol(id.to_owned()));
        }
        assert_eq!(of(Isolation::Shared, "prpl-other", false), Group::Core);
        assert_eq!(of(Isolation::User, "prpl-irc", true), Group::User(UserId(1)));
    }

    /// Workers as they fill: two of `most` are kept, and each takes three accounts.
    struct Site {
        most: usize,
        workers: Vec<Vec<Side>>,
    }

    impl Site {
        fn sides(worker: &[Side]) -> Sides {
            worker.iter().fold(Sides::default(), |mut sides, side| {
                sides.add(*side);
                sides
            })
        }

        fn strange(&self) -> usize {
            self.workers.iter().filter(|worker| Self::sides(worker).has_strangers()).count()
        }

        /// As the fleet does it. False: there is no place.
        fn add(&mut self, side: Side) -> bool {
            let room = Room { workers: 2, most: self.most, running: self.workers.len(), strange: self.strange() };
            let candidate = |(number, one): (usize, &Vec<Side>)| Candidate {
                sides: Self::sides(one),
                ..worker(u16::try_from(number).unwrap(), u32::try_from(one.len()).unwrap())
            };
            let all: Vec<_> = self.workers.iter().enumerate().map(candidate).collect();
            let apart = choose(all.iter().copied().filter(|one| room.is_apart(one, side)), CAPS);
            let number = match apart {
                Some(number) => number.into(),
                None if room.may_start(side) => {
                    self.workers.push(Vec::new());
                    self.workers.len() - 1
                }
                None => match choose(all.into_iter().filter(|one| room.will_do(one, side)), CAPS) {
                    Some(number) => number.into(),
                    None => return false,
                },
            };
            self.workers[number].push(side);
            true
        }
    }

    proptest::proptest! {
        #[test]
        fn strangers_take_no_place_from_known_servers_and_meet_them_only_where_there_is_no_other(
            most in 3_usize..12,
            steps in proptest::collection::vec((0_u8..5, 0_usize..100), 1..200),
        ) {
            let mut site = Site { most, workers: vec![Vec::new(), Vec::new()] };
            for (what, which) in steps {
                let (before, running) = (site.strange(), site.workers.len());
                match what {
                    // One leaves.
                    4 => {
                        let number = which % site.workers.len();
                        site.workers[number].pop();
                    }
                    0 => {
                        let mixed = |site: &Site| site.workers.iter().filter(|one| one.contains(&Side::Known) && Site::sides(one).has_strangers()).count();
                        let met = mixed(&site);
                        let room = site.workers.iter().any(|one| one.len() < 3);
                        proptest::prop_assert_eq!(site.add(Side::Known), room || running < most);
                        proptest::prop_assert!(mixed(&site) == met || running == most, "known ones among strangers");
                    }
                    _ => {
                        let side = if what == 1 { Side::Doubted } else { Side::Unknown };
                        let known = |site: &Site| site.workers.iter().filter(|one| !one.is_empty() && !Site::sides(one).has_strangers()).count();
                        let there = known(&site);
                        site.add(side);
                        proptest::prop_assert!(known(&site) >= there || side == Side::Unknown && running == most, "strangers among known ones");
                        let limit = most - (most - 2).div_ceil(4);
                        proptest::prop_assert!(site.strange() <= limit.max(before), "{} workers of {} are strangers'", site.strange(), most);
                    }
                }
            }
            // However many come, those on known servers have workers left.
            for _ in 0..100 {
                site.add(Side::Unknown);
            }
            let all: usize = site.workers.iter().map(Vec::len).sum();
            proptest::prop_assert!(all == 3 * most || site.add(Side::Known));
        }
    }

    #[test]
    fn a_fresh_site_uses_all_its_workers_and_a_flood_leaves_some() {
        let mut site = Site { most: 6, workers: vec![Vec::new(), Vec::new()] };
        for _ in 0..4 {
            assert!(site.add(Side::Unknown));
        }
        assert_eq!(site.workers, [[Side::Unknown; 2], [Side::Unknown; 2]]);
        while site.add(Side::Unknown) {}
        assert_eq!(site.workers.len(), 5, "one of the four beyond the kept ones is for known servers");
        for _ in 0..3 {
            assert!(site.add(Side::Known));
        }
        assert_eq!(site.workers[5], [Side::Known; 3]);
        assert!(!site.add(Side::Known) && !site.add(Side::Unknown));
    }

    #[test]
    fn suspects_leave_half_to_other_strangers() {
        let alone = |most, alone| Room { workers: 2, most, running: alone, strange: alone }.may_start_alone(alone);
        assert!(alone(64, 23) && !alone(64, 24));
        assert!(alone(3, 0) && !alone(3, 1) && !alone(2, 2));
    }

    #[test]
    fn where_no_worker_can_be_spared_all_share() {
        let mut site = Site { most: 2, workers: vec![Vec::new(), Vec::new()] };
        for side in [Side::Known, Side::Unknown, Side::Known, Side::Doubted, Side::Unknown, Side::Known] {
            assert!(site.add(side));
        }
    }
}
