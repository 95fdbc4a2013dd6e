//! The people on a user's list, those who ask to be, and who may reach the user; data only.

use crate::id::{AccountId, AuthorizationId, BuddyId};
use crate::model::StatusKind;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A buddy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Buddy {
    /// Its id.
    pub id: BuddyId,
    /// The account of the buddy.
    pub account: AccountId,
    /// The network's name of them.
    pub name: String,
    /// What this user calls them; empty when they do not.
    pub alias: String,
    /// What they call themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_alias: Option<String>,
    /// The group's name.
    pub group: String,
    /// The contact they belong to (the buddy's own id until merged).
    pub contact: String,
    /// Their state.
    pub status: StatusKind,
    /// Their words, plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status_message: Option<String>,
    /// Since when they are idle.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub idle_since: Option<Timestamp>,
    /// Media hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icon: Option<String>,
    /// Blocked by this user.
    pub blocked: bool,
    /// What can be done with this buddy.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub features: Vec<String>,
}

/// Somebody wants to add the user (or has).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authorization {
    /// Its id.
    pub id: AuthorizationId,
    /// Which account they want to see.
    pub account: AccountId,
    /// Who.
    pub from: String,
    /// Their other name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// Their words, plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Already on the user's list.
    pub known: bool,
}

/// Who may reach the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Privacy {
    /// `allow_all`, `deny_all`, `allow_users`, `deny_users`, `allow_buddies` (PurplePrivacyType).
    pub mode: String,
    /// Names allowed.
    pub permit: Vec<String>,
    /// Names refused.
    pub deny: Vec<String>,
}
