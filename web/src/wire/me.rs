//! Types of a user's own account on this site: register, recover, browsers, passwords, export, deletion; data only.

use super::{Password, User};
use bridge::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answer of `POST /register` and `POST /recover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// The user who is signed in.
    pub user: User,
    /// The recovery code, told this once.
    pub recovery: String,
}

/// Body of `POST /recover`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverRequest {
    /// A user of this site.
    pub name: String,
    /// The recovery code; case, spaces and hyphens do not matter.
    pub recovery: Password,
    /// The password to have from now on.
    pub password: Password,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    /// Opaque.
    pub id: String,
    /// Browser and system by its User-Agent: `Firefox on Linux`.
    pub device: String,
    /// Since when it is signed in.
    pub created: Timestamp,
    /// When it was last used.
    pub used: Timestamp,
    /// The one that asks.
    pub current: bool,
}

/// Limits of a user; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeLimits {
    /// IM accounts.
    pub accounts: u64,
    /// Bytes.
    pub storage_bytes: u64,
}

/// Answer of `GET /me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// The user who asks.
    pub user: User,
    /// When the user was made.
    pub created: Timestamp,
    /// Where the user is signed in, the last used first.
    pub browsers: Vec<SignedIn>,
    /// There is a recovery code.
    pub recovery: bool,
    /// IM accounts.
    pub accounts: u64,
    /// Bytes that are stored.
    pub usage: u64,
    /// Limits of accounts and bytes.
    pub limits: MeLimits,
}

/// Body of `POST /me/password`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// As it is.
    pub old: Password,
    /// As it shall be: 8 to 1024 bytes.
    pub new: Password,
}

/// Body of `POST /me/recovery` and `POST /me/delete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// The user's own, to be sure that it is the user.
    pub password: Password,
}

/// Answer of `POST /me/password` and `POST /me/recovery`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryCode {
    /// The new recovery code, told this once.
    pub recovery: String,
}

/// Body of `POST /me/sign-out`: one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    /// This one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// All but the one that asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// All.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}
