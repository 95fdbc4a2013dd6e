//! The fields of commands about searches; data only.

use bridge::id::{AccountId, ConversationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A query: `search.open`, and the parameters of `GET /search`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchOpen {
    /// `word`, `begin*`, `"words in a row"`: all of them in one message. At most 1000 bytes and 20 words.
    pub q: String,
    /// Only by this person: the network's name or the alias, whole, in upper or lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only on this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Only in this conversation: an open one, or a closed one with a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Only what arrived then or later: a time (`2026-11-22T20:00:00.000Z`) or a day (`2026-11-22`, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only what arrived before: a time or a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// `search.save`: keeps a search with the user; one that asks the same is changed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchSave {
    /// The query.
    #[serde(flatten)]
    pub search: SearchOpen,
    /// Name in the list; empty or absent: `q`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `search.close`, `search.seen`, `search.remove`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfSearch {
    /// Id of the search.
    pub search: String,
}
