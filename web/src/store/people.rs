//! Holds the rows about people: users, their keys, browsers, invites, the audit log. Checks no password (see `secret`).

use super::Sealed;
use crate::session::TokenHash;
use bridge::id::UserId;
use bridge::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// `sign_in`, `sign_out`, `register`, `password`, `recovery`, `delete`, `export`, `user_add`, `user_disable`, `user_password`, `user_remove`,
    /// `invite`, `protocol`; and what failed: `sign_in_failed`, `recovery_failed`, `password_failed`, `sign_in_refused`.
    pub act: String,
    /// The address, the device; of what failed a [`Failed`]. No secret, and no name that is no user's.
    pub detail: String,
}

impl AuditEntry {
    /// Whether it tells of something that failed. Strangers cause those, so they are kept apart.
    pub fn is_failure(&self) -> bool {
        self.act.ends_with("_failed") || self.act == "sign_in_refused"
    }
}

/// Which entries of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audited {
    /// What was done.
    Acts,
    /// What failed ([`AuditEntry::is_failure`]).
    Failures,
}

/// Sign-ins that failed, added up; as a text the detail of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// How many.
    pub count: u64,
    /// From where; empty for many addresses.
    pub address: String,
    /// How many addresses.
    pub addresses: u64,
    /// The last browser in words.
    pub device: String,
    /// Different names that are no user's.
    pub names: u64,
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} time{} from ", self.count, plural(self.count))?;
        if self.address.is_empty() {
            write!(f, "{} other addresses", self.addresses)?;
        } else {
            write!(f, "{} ({})", self.address, self.device)?;
        }
        match self.names {
            0 => Ok(()),
            names => write!(f, ", with {names} name{} that nobody has", plural(names)),
        }
    }
}

impl Failed {
    /// Reads the detail of an entry.
    pub fn read(detail: &str) -> Option<Self> {
        let (count, rest) = detail.split_once(" time")?;
        let (_, rest) = rest.split_once("from ")?;
        let (rest, names) = match rest.split_once(", with ") {
            Some((rest, names)) => (rest, names.split(' ').next()?.parse().ok()?),
            None => (rest, 0),
        };
        let count = count.parse().ok()?;
        match rest.split_once(" (") {
            Some((address, device)) => {
                let device = device.strip_suffix(')')?.to_owned();
                Some(Self { count, address: address.to_owned(), addresses: 1, device, names })
            }
            None => {
                let addresses = rest.strip_suffix(" other addresses")?.parse().ok()?;
                Some(Self { count, address: String::new(), addresses, device: String::new(), names })
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_can_be_read_again() {
        let one = Failed { count: 1, address: "2001:db8::/64".into(), addresses: 1, device: "Firefox on Linux".into(), names: 0 };
        let many = Failed { count: 900, address: String::new(), addresses: 300, device: String::new(), names: 7 };
        let strange = Failed { count: 3, device: "x (y), with".into(), names: 2, ..one.clone() };
        for failed in [one, many, strange] {
            assert_eq!(Failed::read(&failed.to_string()), Some(failed));
        }
        for wrong in ["", "by root: wrong", "3 times", "x times from y (z)"] {
            assert_eq!(Failed::read(wrong), None, "{wrong}");
        }
    }
}
