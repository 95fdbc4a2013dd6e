//! The answer of `GET /discover`: rooms where something is talked about; data only.

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
    /// Accounts of which rooms may be missing: their networks have more than were read, or stored messages could not all be looked at.
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
    /// The `fields` of `room.join`.
    pub fields: BTreeMap<String, String>,
    /// The room's name.
    pub name: String,
    /// The room's topic or description, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The number of people in the room, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
    /// The reasons for which the room is in the answer.
    #[serde(rename = "match")]
    pub matches: RoomMatch,
    /// The user's own conversation there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The user's bookmark of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<String>,
}

/// The reasons for which a room fits. All words stand in its name and topic, or in one message there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomMatch {
    /// A word is in its name.
    pub name: bool,
    /// A word is in its topic.
    pub topic: bool,
    /// Messages of the last 24 hours with all words.
    pub hits: u32,
    /// The time of the last such message that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The user is in it.
    pub joined: bool,
}

/// A network that gave no list, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoverFailure {
    /// The account whose network failed.
    pub account: AccountId,
    /// The reason.
    pub error: ErrorBody,
}
