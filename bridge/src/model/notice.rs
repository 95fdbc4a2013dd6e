//! What is told to the user outside of conversations; data only.

use crate::id::{AccountId, NoticeId};
use crate::model::Button;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What sort of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A sentence.
    Message,
    /// A formatted text.
    Formatted,
    /// New mail.
    Mail,
    /// A profile card.
    Userinfo,
    /// Search results.
    Search,
    /// A link to open.
    Uri,
}

/// The sort of an entry of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// A label and a value, of which one may be empty.
    Pair,
    /// The name of what follows.
    Heading,
    /// A line between parts.
    Break,
}

/// An entry of a profile (`PurpleNotifyUserInfoEntry`), with libpurple's HTML; untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileEntry {
    /// Label and value, heading or break.
    pub kind: ProfileKind,
    /// The label or the heading, as HTML.
    pub label: String,
    /// The value, as HTML.
    pub html: String,
}

/// A profile, as its network tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The network's name of the person.
    pub name: String,
    /// The entries, in the network's order.
    pub entries: Vec<ProfileEntry>,
    /// A picture among them: a media hash.
    pub picture: Option<String>,
}

/// Something told to the user, with libpurple's HTML; the web side makes spans of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// What sort.
    pub kind: NoticeKind,
    /// Plain text.
    pub title: String,
    /// libpurple's HTML. Untrusted.
    pub html: String,
    /// For `search`.
    pub columns: Vec<String>,
    /// For `search`.
    pub rows: Vec<Vec<String>>,
    /// For `search`: what can be done with a row.
    pub buttons: Vec<Button>,
    /// For `uri` and `mail`.
    pub url: Option<String>,
    /// For `userinfo`.
    #[serde(default)]
    pub profile: Option<Profile>,
}
