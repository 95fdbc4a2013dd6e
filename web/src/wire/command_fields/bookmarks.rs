//! The fields of the commands about bookmarks; data only.

use bridge::id::{AccountId, ConversationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `bookmark.add`: a room that the user is in, or one by its form. One that there is already is changed
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BookmarkAdd {
    /// A room that the user is in; or `account` and `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// With `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// As in `room.join`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// What to call it; absent: as the network does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Join it at each sign-on; false when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autojoin: Option<bool>,
}

/// `bookmark.update`: what is given is changed
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BookmarkUpdate {
    /// Which bookmark.
    pub bookmark: String,
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Join it at each sign-on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autojoin: Option<bool>,
}

/// `bookmark.remove`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfBookmark {
    /// Which bookmark.
    pub bookmark: String,
}
