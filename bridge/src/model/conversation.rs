//! Conversations with one or many, and the lines in them; data only.

use super::Picture;
use crate::id::{AccountId, BuddyId, ConversationId, ConversationKind};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A conversation as libpurple knows it; the rest (unread, messages) is the hub's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The account of the conversation.
    pub account: AccountId,
    /// With one or many.
    pub kind: ConversationKind,
    /// The network's name.
    pub name: String,
    /// The name to show.
    pub title: String,
    /// For an IM with a buddy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub buddy: Option<BuddyId>,
    /// Rooms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub topic: Option<String>,
    /// Rooms: everyone, the user included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub members: Option<Vec<Member>>,
    /// Rooms: in it now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub joined: Option<bool>,
    /// Rooms: the user's nick there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nick: Option<String>,
    /// IMs: nothing of this person comes through.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub blocked: bool,
}

/// Someone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Their nick.
    pub name: String,
    /// A better name, when the user has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// The buddy that this is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub buddy: Option<BuddyId>,
    /// `founder`, `admin`, `operator`, `half_operator`, `voice`, `member`, `typing`, `away`; `self` for the user. `admin` and `member` are affiliations of
    /// XMPP that outlast a visit.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub flags: Vec<String>,
}

/// By what name the network knows someone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAddress {
    /// The name to write to, get info of and block.
    pub address: String,
    /// True: the person's own address, which can be on a buddy list. False: an address in the room, which hides the person's own.
    pub real: bool,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// The network's name (a nick in rooms).
    pub name: String,
    /// A better name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// The buddy that this is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub buddy: Option<BuddyId>,
    /// The user themself.
    #[serde(rename = "self")]
    pub own: bool,
}

/// What sort of line a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Somebody else's.
    Received,
    /// The user's own, handed to the network or reflected by it.
    Sent,
    /// A quiet line of libpurple's or the protocol's.
    System,
    /// An error line: something was not delivered.
    Failed,
    /// The user's own, handed to a libpurple that ended before it said what became of it.
    Unknown,
}

/// Bytes of the longest [`Message::server_id`]. A longer one is left out: a part of it is another's.
pub const SERVER_ID: usize = 256;
/// Bytes of the longest [`Message::reference`]: an address and an id.
pub const REFERENCE: usize = 4096;

/// A line in a conversation, with libpurple's HTML (already bounded); the web side makes spans of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What sort.
    pub kind: MessageKind,
    /// Who.
    pub from: Author,
    /// When it was written, by the network's word.
    pub time: Timestamp,
    /// libpurple's HTML. Untrusted.
    pub html: String,
    /// The pictures that the HTML names. What it names beside them is shown by its words.
    pub pictures: Vec<Picture>,
    /// Delivered later than written (`PURPLE_MESSAGE_DELAYED`, offline messages).
    pub delayed: bool,
    /// The user's nick is in it.
    pub highlight: bool,
    /// Sent by a machine on someone's behalf.
    pub auto_reply: bool,
    /// A copy of the user's own message sent from another device.
    pub remote: bool,
    /// A line of the system's that says the topic, or who set it.
    pub topic: bool,
    /// The server's own id of it, if there is one: the same message has the same id when it comes again. It counts only within its conversation. A
    /// server that knows no ids passes on what a sender puts in their place: it names a message together with its author and words, never alone.
    pub server_id: Option<String>,
    /// Name of the message, made by the bridge for later events about it ([`Mark`], [`crate::EventKind::MessageReplaced`]). The name stands for one
    /// of the last messages of the conversation, and is not shown.
    pub reference: Option<String>,
}

/// A new state of a message that was told before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// The other one's device has received the message (XEP-0184).
    Delivered,
    /// The message was refused; the reason, in plain words.
    Failed(String),
}

/// Typing states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypingState {
    /// Writing now.
    Typing,
    /// Wrote, then stopped; the text stands.
    Paused,
    /// Not writing.
    None,
}
