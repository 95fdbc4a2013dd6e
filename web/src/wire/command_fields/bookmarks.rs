//! The fields of the commands about bookmarks; data only.

use bridge::id::{AccountId, ConversationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `bookmark.add`: a room that the user is in, or one by its form; a bookmark that the room has already is changed
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BookmarkAdd {
    /// A room that the user is in; or `account` and `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The account that joins the room; with `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The form that joins the room, as in `room.join`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Name in the list; empty or absent: the room's title, or the form's first required field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the room is joined at each sign-on; false when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autojoin: Option<bool>,
}

/// `bookmark.update`: what is given is changed
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BookmarkUpdate {
    /// Id of the bookmark.
    pub bookmark: String,
    /// Name in the list; empty or absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the room is joined at each sign-on; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autojoin: Option<bool>,
}

/// `bookmark.remove`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfBookmark {
    /// Id of the bookmark.
    pub bookmark: String,
}
