//! The names of things across the channels: opaque numbers with a letter in front; never a pointer, never meaningful by themselves.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId(pub &'static str);

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {} id", self.0)
    }
}

impl std::error::Error for BadId {}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $letter:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{:x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix($letter).ok_or(BadId($kind))?;
                let canonical = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if !canonical || (digits.len() > 1 && digits.starts_with('0')) {
                    return Err(BadId($kind));
                }
                u64::from_str_radix(digits, 16).map(Self).map_err(|_| BadId($kind))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    )*};
}

ids! {
    /// Who stands behind a user, as far as can be told: guests who may be one person have the same. It is a number of this run that tells
    /// nothing of them.
    PersonId, "p", "a person";
    /// A user of this site, a guest included. Chosen by the caller.
    UserId, "u", "a user";
    /// An IM account of one user. Chosen by the caller, unique over the site, stable over restarts.
    AccountId, "a", "an account";
    /// A conversation: follows from account, kind and normalised name, so it is the same after a reconnect or a restart.
    ConversationId, "c", "a conversation";
    /// A buddy: follows from account and normalised name; kept when it moves to another group.
    BuddyId, "b", "a buddy";
    /// An open request (a question of libpurple's). Single use.
    RequestId, "q", "a request";
    /// An open authorization ("X wants to add you"). Single use.
    AuthorizationId, "z", "an authorization";
    /// An open notice.
    NoticeId, "n", "a notice";
    /// A room list in progress.
    RoomListId, "l", "a room list";
    /// A file transfer.
    TransferId, "t", "a transfer";
    /// A picture of a message that is not there yet. Single use.
    PictureId, "i", "an awaited picture";
}

/// What kind of thing a [`stable`] id names; part of what is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// With one person.
    Im,
    /// With many.
    Room,
}

/// 64 bits of SHA-256 over the length-prefixed parts: the same on every machine and in every run.
fn stable(domain: &str, account: AccountId, parts: &[&str]) -> u64 {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    hash.update(domain.as_bytes());
    hash.update(account.0.to_be_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

impl ConversationId {
    /// The id of the conversation of `account` with the already normalised `name` (`purple_normalize`).
    pub fn of(account: AccountId, kind: ConversationKind, name: &str) -> Self {
        let domain = match kind {
            ConversationKind::Im => "im",
            ConversationKind::Room => "room",
        };
        Self(stable(domain, account, &[name]))
    }
}

impl BuddyId {
    /// The id of the buddy with the already normalised `name`.
    pub fn of(account: AccountId, name: &str) -> Self {
        Self(stable("person", account, &[name]))
    }

    /// The id of the same person's second entry, which is in `group`. Some networks let a person be in several groups.
    pub fn in_group(account: AccountId, group: &str, name: &str) -> Self {
        Self(stable("buddy", account, &[group, name]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_canonical_and_typed() {
        let id = AccountId(0xbeef);
        assert_eq!(id.to_string(), "abeef");
        assert_eq!("abeef".parse(), Ok(id));
        for wrong in ["beef", "uBEEF", "a+1", "a0beef", "a", "aBEEF", "a10000000000000000", "ué"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn derived_ids_separate_account_kind_group_and_name() {
        let (one, two) = (AccountId(1), AccountId(2));
        let im = ConversationId::of(one, ConversationKind::Im, "ines");
        assert_eq!(im, ConversationId::of(one, ConversationKind::Im, "ines"));
        assert_ne!(im, ConversationId::of(two, ConversationKind::Im, "ines"));
        assert_ne!(im, ConversationId::of(one, ConversationKind::Room, "ines"));
        assert_ne!(BuddyId::in_group(one, "ab", "c"), BuddyId::in_group(one, "a", "bc"));
        assert_ne!(BuddyId::of(one, "c"), BuddyId::of(two, "c"));
    }
}
