//! Holds the rows about people: users, their keys, browsers, invites, the audit log. Checks no password (see `secret`).

use super::Sealed;
use crate::session::TokenHash;
use bridge::id::UserId;
use bridge::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a user's data key can be had. Each wrap is a sealed copy of the same key (see `secret`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKeys {
    /// Record for checking a password: parameters, salt and the check half of argon2id, in the PHC form. Empty: no password signs in.
    pub check: String,
    /// The data key under the wrap half of the password.
    pub by_password: Option<Sealed>,
    /// The data key under the recovery code.
    pub by_recovery: Option<Sealed>,
    /// The data key under the site's key.
    pub by_site: Option<Sealed>,
}

/// Limits of one user; `None`: the site's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Accounts.
    pub accounts: Option<u32>,
    /// Bytes of messages and pictures.
    pub storage_bytes: Option<u64>,
    /// Commands a second.
    pub commands_per_second: Option<u32>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Random, never 0.
    pub id: UserId,
    /// As it was written.
    pub name: String,
    /// [`fold`] of it; unique.
    pub folded: String,
    /// How the data key can be had.
    pub keys: UserKeys,
    /// Time of its making.
    pub created: Timestamp,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The id.
    pub id: UserId,
    /// As it was written.
    pub name: String,
    /// How the data key can be had.
    pub keys: UserKeys,
    /// When it was made.
    pub created: Timestamp,
    /// The last time that one of the user's browsers was used.
    pub used: Option<Timestamp>,
    /// May not sign in.
    pub disabled: bool,
    /// Limits that differ from the site's.
    pub limits: Limits,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// SHA-256 of the token in its cookie.
    pub token: TokenHash,
    /// The user that owns it.
    pub user: UserId,
    /// Browser and system by its User-Agent: "Firefox on Linux".
    pub device: String,
    /// When it signed in.
    pub created: Timestamp,
    /// When it was used last, to the minute.
    pub used: Timestamp,
    /// The data key under the token; `None` for a user without one.
    pub wrap: Option<Sealed>,
}

/// An invite to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of the code.
    pub code: TokenHash,
    /// The administrator's words for whom it is.
    pub note: String,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it may be used.
    pub expires: Timestamp,
    /// How many people may still use it.
    pub left: u32,
}

/// Something that a process beside the daemon changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The user is disabled, has another password, or is deleted: browsers that are no longer in the table are signed out.
    User(UserId),
    /// This protocol takes no further sign-ons, or takes them again.
    Protocol {
        /// Id, as `prpl-jabber`.
        protocol: String,
        /// Not allowed from now on.
        disabled: bool,
    },
}

/// A sign-in or an administrator's act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Time of the act.
    pub at: Timestamp,
    /// The user that the act is about.
    pub user: Option<UserId>,
    /// `sign_in`, `sign_in_failed`, `sign_out`, `register`, `password`, `recovery`, `delete`, `export`, `user_add`, `user_disable`, `user_password`,
    /// `user_remove`, `invite`, `protocol`.
    pub act: String,
    /// The name that was given, the address, the device: no secret.
    pub detail: String,
}

/// Longest name of a user: characters.
pub const NAME_CHARACTERS: usize = 64;

/// The form of a name by which users are found: NFKC would need tables of its own, so lower case and single spaces. `None` for a text that is no
/// name: empty, too long, with control characters or `:`.
pub fn fold(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let folded = words.join(" ").to_lowercase();
    let fits = !folded.is_empty() && folded.chars().count() <= NAME_CHARACTERS && !folded.chars().any(|c| c.is_control() || c == ':');
    fits.then_some(folded)
}
