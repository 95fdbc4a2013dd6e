//! The things both directions speak of, in the user's words and in the wire's field names; data only.

mod account;
mod buddy;
mod conversation;
mod notice;
mod picture;
mod protocol;
mod request;
mod room_list;
mod transfer;

pub use crate::id::ConversationKind;
pub use account::*;
pub use buddy::*;
pub use conversation::*;
pub use notice::*;
pub use picture::*;
pub use protocol::*;
pub use request::*;
pub use room_list::*;
pub use transfer::*;

use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value of a protocol option or of a request's field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A check box.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text, or the value of the choice taken.
    Text(String),
    /// The values taken from a list.
    List(Vec<String>),
}

/// An entry of a menu that the protocol offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MenuItem {
    /// To be given back in `….action`; absent for a heading.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Its text.
    pub label: String,
    /// Entries below it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub items: Vec<MenuItem>,
    /// Words may be given with it, which others read (`room.action`).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reason: bool,
    /// Hard to take back: to be asked about once.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub danger: bool,
    /// Words about it, smaller.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub note: String,
    /// A moment that an entry without an id tells of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<Timestamp>,
}
