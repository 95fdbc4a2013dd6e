//! What `GET /discover` answers: rooms where something is talked about; data only.

use super::ErrorBody;
use bridge::id::{AccountId, ConversationId};
use bridge::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /discover`: what is known at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Discovered {
    /// The best first, at most 100.
    pub rooms: Vec<DiscoveredRoom>,
    /// Accounts whose networks, or whose stored messages, are still being asked: `discover.changed` tells when there is more.
    pub pending: Vec<AccountId>,
    /// Accounts whose networks have more rooms than were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<AccountId>,
    /// Accounts whose networks gave no list, or a part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<DiscoverFailure>,
}

/// A room that fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveredRoom {
    /// The account that is or would be in it.
    pub account: AccountId,
    /// What `room.join` takes.
    pub fields: BTreeMap<String, String>,
    /// Its name.
    pub name: String,
    /// What it is about, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// How many are in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
    /// Why it is here.
    #[serde(rename = "match")]
    pub matches: RoomMatch,
    /// The user's own conversation there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The user's bookmark of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<String>,
}

/// Why a room fits. All words stand in its name and topic, or in one message there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMatch {
    /// A word is in its name.
    pub name: bool,
    /// A word is in its topic.
    pub topic: bool,
    /// Messages of the last 24 hours with all words.
    pub hits: u32,
    /// When the last such message came, of all that are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The user is in it.
    pub joined: bool,
}

/// A network that gave no list, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoverFailure {
    /// Whose network.
    pub account: AccountId,
    /// Why.
    pub error: ErrorBody,
}
