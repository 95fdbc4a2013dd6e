//! What the endpoints before sign-in take and answer: the site, log-in, health; data only.

use super::{Password, User};
use crate::session::Network;
use bridge::id::AccountId;
use bridge::model::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may make a user of this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

/// How users of this site sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// With a name and a password, on the page.
    #[default]
    Password,
    /// At the proxy before this site, which says who it is in a header.
    Header,
}

/// A network in the answer of `GET /protocols`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Protocol")]
pub struct Offered {
    /// What it is.
    #[serde(flatten)]
    pub protocol: Protocol,
    /// Switched off for now: nobody signs on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// Answer of `GET /site`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// What the site calls itself.
    pub name: String,
    /// Bellflower's version.
    pub version: String,
    /// One may sign in straight with an IM account.
    pub guests: bool,
    /// Who may make a user of this site.
    pub registration: Registration,
    /// A line for the front page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// There are users of this site, and what they have is stored; else there are only guests.
    #[serde(default)]
    pub store: bool,
    /// How users of this site sign in.
    #[serde(default)]
    pub sign_in: SignIn,
}

/// Body of `POST /login`: `name` and `password`, or `network`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// A user of this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Straight in with an IM account, as a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// Body of `POST /register`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The name to have.
    pub name: String,
    /// The password to have.
    pub password: Password,
    /// Where invitations are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
}

/// Answer of `POST /login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoggedIn {
    /// Who is signed in.
    pub user: User,
    /// For `network`: the account that is signing on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// Answer of `GET /healthz` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Always true; a failure is told by the status and an error.
    pub ok: bool,
}
