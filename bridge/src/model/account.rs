//! An account of the user's: what it is, where it stands, what it shows; data only.

use crate::features::Features;
use crate::id::AccountId;
use crate::model::Value;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// libpurple's status primitives that a person can choose or see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// Signed on, at the keyboard.
    #[default]
    Available,
    /// Away.
    Away,
    /// Do not disturb.
    Unavailable,
    /// Away for long.
    ExtendedAway,
    /// Signed on, seen as offline.
    Invisible,
    /// Not signed on.
    Offline,
}

/// What a user shows to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Status {
    /// The state.
    pub status: StatusKind,
    /// Their own words, plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Not signed on, and not meant to be.
    Offline,
    /// Signing on.
    Connecting,
    /// Signed on.
    Online,
    /// Will be tried again at `retry_at`.
    Waiting,
    /// Needs the user.
    Error,
}

/// Why an account is not online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountError {
    /// `network`, `wrong_password`, `wrong_username`, `certificate`, `refused_address`, `name_in_use`, `timeout`, … (PurpleConnectionError in snake_case).
    pub code: String,
    /// The network's or libpurple's own words.
    pub message: String,
    /// True: will not be tried again by itself.
    pub fatal: bool,
}

/// How far a sign-on is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// libpurple's words for this step.
    pub text: String,
    /// This step, from 0.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
}

/// The changing part of an account: the `account.state` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStanding {
    /// Where it stands.
    pub state: AccountState,
    /// While connecting.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub progress: Option<Progress>,
    /// While waiting or in error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<AccountError>,
    /// While waiting.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_at: Option<Timestamp>,
}

impl AccountStanding {
    /// A standing without particulars.
    pub fn plain(state: AccountState) -> Self {
        Self { state, progress: None, error: None, retry_at: None }
    }
}

/// An IM account of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Protocol id, as `prpl-jabber`.
    pub protocol: String,
    /// Full libpurple user name.
    pub username: String,
    /// The protocol's options that differ from their defaults ([`crate::model::ProtocolOption::default`]). Masked ones are not told.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub options: BTreeMap<String, Value>,
    /// The name others see; empty when the protocol keeps none.
    pub alias: String,
    /// Own icon: a media hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icon: Option<String>,
    /// Meant to be signed on.
    pub enabled: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: AccountStanding,
    /// What it shows to others.
    pub status: StatusKind,
    /// Own words with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status_message: Option<String>,
    /// Shown as idle.
    pub idle: bool,
    /// Unread mails, for protocols with a mailbox.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mail: Option<u32>,
    /// What the protocol can do: `im`, `rooms`, `room_list`, `room_topic`, `room_nick`, `room_invite`, `typing`, `files`, `icons`, `block`, `info`, `alias`, `attention`,
    /// `password`, `register`, `invisible`, `offline_messages`, `invite_message`, `menu`; and, once it was signed on, what its connection says: `html`
    /// (takes formatting), `lines` (each line of a text is a message of its own).
    pub features: Features,
}
