//! What makes an account, and what it had before; owned plain data.

use crate::id::{BuddyId, ConversationId, PersonId};
use crate::model::{Privacy, Status, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// A password or token: never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes it over.
    pub fn new(text: String) -> Self {
        Self(text)
    }
    /// The text, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// A user name, whole or in the parts of the protocol's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Username {
    /// As libpurple has it.
    Whole(String),
    /// To be joined by the protocol's separators.
    Parts {
        /// The first part.
        user: String,
        /// One for each split; missing ones take the split's default.
        parts: Vec<String>,
    },
}

/// Everything that makes an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// Who stands behind its user; `None`: the user alone. It goes to no worker.
    #[serde(skip)]
    pub person: Option<PersonId>,
    /// The address of the account's user, for networks that are told it (`egress.webirc`); `None`: not known, or not to be told.
    #[serde(default)]
    pub visitor: Option<IpAddr>,
    /// As `prpl-jabber`.
    pub protocol: String,
    /// Who.
    pub username: Username,
    /// The password, when there is one.
    pub password: Option<Secret>,
    /// The plugin's own settings; only those it declares.
    pub options: BTreeMap<String, Value>,
    /// Settings that the plugin stored itself earlier (`AccountSettingStored`); not checked against what it declares.
    pub stored: BTreeMap<String, Value>,
    /// Fingerprints that this user trusts for this account.
    pub pins: Vec<String>,
    /// The name others are to see.
    pub alias: String,
    /// Sign on at once.
    pub enabled: bool,
    /// What to show.
    pub status: Status,
    /// What it had before, when it is made anew.
    pub before: Before,
}

/// What an account had in another libpurple, or an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Whether there was such an account at all: of a new one every field is empty.
    #[serde(default)]
    pub again: bool,
    /// People on the list, which not every network keeps.
    pub buddies: Vec<KnownBuddy>,
    /// Open IMs, by the network's names.
    pub conversations: Vec<String>,
    /// Rooms to go back to, by the forms that join them.
    pub rooms: Vec<(ConversationId, BTreeMap<String, String>)>,
    /// Its block list, for networks that keep none.
    pub privacy: Option<Box<Privacy>>,
}

impl Before {
    /// Whether anything is known that only comes of a sign-on.
    pub fn has_signed_on(&self) -> bool {
        *self != Self { again: self.again, ..Self::default() }
    }
}

/// Someone who was on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBuddy {
    /// The id by which the user's pages know the buddy; kept unless another buddy has it.
    pub id: BuddyId,
    /// The network's name.
    pub name: String,
    /// The group.
    pub group: String,
    /// What the user calls them; empty for nothing.
    pub alias: String,
}
