//! The things both directions speak of, in the user's words and in the wire's field names; data only.

use crate::features::Features;
use crate::id::{AccountId, AuthorizationId, BuddyId, ConversationId, RequestId, RoomListId, TransferId};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use crate::id::ConversationKind;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Protocol id, as `prpl-jabber`.
    pub protocol: String,
    /// Full libpurple user name.
    pub username: String,
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
    /// `password`, `register`, `html`, `invisible`, `offline_messages`, `invite_message`, `menu`.
    pub features: Features,
}

/// A buddy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Buddy {
    /// Its id.
    pub id: BuddyId,
    /// Whose.
    pub account: AccountId,
    /// The network's name of them.
    pub name: String,
    /// What this user calls them; empty when they do not.
    pub alias: String,
    /// What they call themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_alias: Option<String>,
    /// The group's name.
    pub group: String,
    /// The contact they belong to (the buddy's own id until merged).
    pub contact: String,
    /// Their state.
    pub status: StatusKind,
    /// Their words, plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status_message: Option<String>,
    /// Since when they are idle.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub idle_since: Option<Timestamp>,
    /// Media hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icon: Option<String>,
    /// Blocked by this user.
    pub blocked: bool,
    /// What can be done with this buddy.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub features: Vec<String>,
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
    /// `founder`, `operator`, `half_operator`, `voice`, `typing`, `away`; `self` for the user.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub flags: Vec<String>,
}

/// A conversation as libpurple knows it; the rest (unread, messages) is the hub's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose.
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
    /// Delivered later than written (`PURPLE_MESSAGE_DELAYED`, offline messages).
    pub delayed: bool,
    /// The user's nick is in it.
    pub highlight: bool,
    /// Sent by a machine on someone's behalf.
    pub auto_reply: bool,
    /// A copy of the user's own message sent from another device.
    pub remote: bool,
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

/// One answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Button {
    /// To be given back in `request.answer`.
    pub id: String,
    /// Its text, without mnemonics.
    pub label: String,
    /// The one that Enter takes.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub default: bool,
}

/// One of several values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// To be given back.
    pub value: String,
    /// To be shown.
    pub label: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A text.
    String,
    /// A whole number.
    Int,
    /// A check box.
    Bool,
    /// One of `choices`.
    Choice,
    /// Any of `choices`.
    List,
    /// Nothing to fill in: a text.
    Label,
    /// Nothing to fill in: a picture.
    Image,
    /// One of the user's own accounts.
    Account,
}

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// To be given back.
    pub id: String,
    /// Its text, without mnemonics.
    pub label: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What it starts with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
    /// For `choice`, `list`, `account`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub choices: Vec<Choice>,
    /// Must be filled in.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub required: bool,
    /// A password.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub masked: bool,
    /// More than one line.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub multiline: bool,
    /// For `image`: a media hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<String>,
}

impl Field {
    /// A field without particulars.
    pub fn plain(id: String, label: String, kind: FieldType) -> Self {
        Self { id, label, kind, value: None, choices: Vec::new(), required: false, masked: false, multiline: false, image: None }
    }
}

/// What sort of question a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// One text.
    Input,
    /// One of several.
    Choice,
    /// One of several buttons.
    Action,
    /// A form.
    Fields,
    /// A file.
    File,
    /// Trust in a server's certificate.
    Certificate,
}

/// An untrusted certificate, for the person who has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The name that was to be proved (the account's domain).
    pub host: String,
    /// SHA-256 over the certificate, `AB:CD:…`.
    pub fingerprint: String,
    /// The names in it.
    pub names: Vec<String>,
    /// Distinguished name of the subject.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Valid from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Timestamp>,
    /// Valid to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<Timestamp>,
    /// What is wrong with it: `self_signed`, `expired`, `not_yet_valid`, `wrong_host`, `unknown_issuer`, `changed`, `unsupported`.
    pub reason: String,
}

/// A question to the user. Answering uses it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The account it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<AccountId>,
    /// What sort.
    pub kind: RequestKind,
    /// Window title.
    pub title: String,
    /// The question.
    pub primary: String,
    /// More about it.
    pub secondary: String,
    /// The answers; the last one is the cancelling one where there is one.
    pub buttons: Vec<Button>,
    /// What to fill in.
    pub fields: Vec<Field>,
    /// For `certificate`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub details: Option<Certificate>,
}

/// Somebody wants to add the user (or has).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authorization {
    /// Its id.
    pub id: AuthorizationId,
    /// Which account they want to see.
    pub account: AccountId,
    /// Who.
    pub from: String,
    /// Their other name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// Their words, plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Already on the user's list.
    pub known: bool,
}

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

/// Something told to the user, with libpurple's HTML; the web side makes spans of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: crate::id::NoticeId,
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
}

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

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Whose.
    pub account: AccountId,
    /// With whom.
    pub peer: String,
    /// `in` or `out`.
    pub direction: String,
    /// File name, without directories.
    pub name: String,
    /// Bytes, when known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
    /// Bytes so far.
    pub done: u64,
    /// `offered`, `running`, `done`, `cancelled`, `failed`.
    pub state: String,
}

/// An entry of a menu that the protocol offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MenuItem {
    /// To be given back in `….action`; absent for a heading.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Its text.
    pub label: String,
    /// Entries below it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub items: Vec<MenuItem>,
}

/// Who may reach the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Privacy {
    /// `allow_all`, `deny_all`, `allow_users`, `deny_users`, `allow_buddies` (PurplePrivacyType).
    pub mode: String,
    /// Names allowed.
    pub permit: Vec<String>,
    /// Names refused.
    pub deny: Vec<String>,
}

pub use crate::purple_model::*;
