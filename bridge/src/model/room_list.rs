//! The rooms that a network tells of; data only.

use crate::error::CommandError;
use crate::id::{AccountId, RoomListId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A row of a room list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomRow {
    /// Its name.
    pub name: String,
    /// A heading that holds rooms, not a room.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub category: bool,
    /// The heading it is under.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    /// The room's topic, where the list or the room itself tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub topic: Option<String>,
    /// The number of people in the room, where the list or the room itself tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub people: Option<u32>,
    /// What the protocol tells of it, by column.
    pub fields: BTreeMap<String, String>,
}

/// A room list as it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomListRows {
    /// Its id.
    pub list: RoomListId,
    /// The new rows.
    pub rows: Vec<RoomRow>,
    /// False with the last rows.
    pub more: bool,
}

/// Rooms that [`crate::CommandKind::DescribeRooms`] asks at most.
pub const DESCRIBED: usize = 30;

/// Rooms of an account's network, for discovery, as they come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomsFound {
    /// The account whose network has the rooms.
    pub account: AccountId,
    /// New rows; of `described` ones, rows that were asked for, with the topic and people that the rooms tell.
    pub rows: Vec<RoomRow>,
    /// Answers to [`crate::CommandKind::DescribeRooms`], not a list of the network's.
    pub described: bool,
    /// False with the last rows.
    pub more: bool,
    /// The network has more rooms than were asked for or read.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cut: bool,
    /// The reason for which the list ends before it is complete.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<CommandError>,
}
