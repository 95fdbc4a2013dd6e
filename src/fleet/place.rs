//! Which worker an account goes to: pure; it starts nothing and knows no process.

use bridge::id::{AccountId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Protocols that come with libpurple itself. All others are third parties' code.
const CORE: &[&str] = &[
    "prpl-aim",
    "prpl-bonjour",
    "prpl-gg",
    "prpl-icq",
    "prpl-irc",
    "prpl-jabber",
    "prpl-meanwhile",
    "prpl-msn",
    "prpl-mxit",
    "prpl-myspace",
    "prpl-novell",
    "prpl-silc",
    "prpl-simple",
    "prpl-yahoo",
    "prpl-zephyr",
];

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
    /// Where an account belongs that nothing speaks against.
    pub(crate) fn of(isolation: Isolation, user: UserId, protocol: &str) -> Self {
        match isolation {
            Isolation::Shared => Self::Core,
            Isolation::Protocol if CORE.contains(&protocol) => Self::Core,
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
        Candidate { number, accounts, buddies: 0, memory: 0, has_key: false, has_user: false }
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
        let of = |isolation, protocol| Group::of(isolation, UserId(1), protocol);
        assert_eq!(of(Isolation::default(), "prpl-irc"), Group::Core);
        assert_eq!(of(Isolation::default(), "prpl-other"), Group::Protocol("prpl-other".to_owned()));
        assert_eq!(of(Isolation::Shared, "prpl-other"), Group::Core);
        assert_eq!(of(Isolation::User, "prpl-irc"), Group::User(UserId(1)));
    }
}
