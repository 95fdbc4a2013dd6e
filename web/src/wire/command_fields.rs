//! The fields of each command; data only. Ids arrive as texts of any content and are looked up by the session.

mod bookmarks;
mod search;

pub use bookmarks::{BookmarkAdd, BookmarkUpdate, OfBookmark};
pub use search::{OfSearch, SearchOpen, SearchSave};

use super::Span;
use bridge::command::Secret;
use bridge::id::{AccountId, AuthorizationId, BuddyId, ConversationId, NoticeId, RequestId, RoomListId, TransferId};
use bridge::model::{StatusKind, TypingState, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A password on its way in: never printed, wiped when dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub Secret);

impl JsonSchema for Password {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Password".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// A user name in the parts of the protocol's form; the daemon joins them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Splits {
    /// The first part.
    pub user: String,
    /// One for each split; missing ones take the split's default.
    #[serde(default)]
    pub parts: Vec<String>,
}

/// A field that is there, even as null: serde takes null for absent.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(source: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(source).map(Some)
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name { $($(#[$attr])* pub $field: $type,)* }
    )*};
}

fields! {
    /// `account.add`
    AccountAdd {
        /// As in `GET /protocols`.
        protocol: String,
        /// The protocol's whole user name; or `splits`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// The user name in parts; or `username`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        splits: Option<Splits>,
        /// Needed where the protocol says so, unless `enabled` is false.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        /// The protocol's own settings, by `key`; others are refused.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Value>,
        /// Keep the password with the account (users of this site; a guest's account ends with the session).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remember: Option<bool>,
        /// Sign on at once; true when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enabled: Option<bool>,
        /// The name others are to see.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    }
    /// `account.update`: what is given is changed
    AccountUpdate {
        /// Which account.
        account: AccountId,
        /// A new user name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// A new user name, in parts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        splits: Option<Splits>,
        /// The password to sign on with from now on; it changes none on the server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        /// These settings; others stay. Null takes one back to its default.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Option<Value>>,
    }
    /// A command about an account and nothing else
    OfAccount {
        /// Which account.
        account: AccountId,
    }
    /// `account.alias`
    AccountAlias {
        /// Which account.
        account: AccountId,
        /// The name others see; empty takes it back.
        alias: String,
    }
    /// `account.password`: changes it on the server
    AccountPassword {
        /// Which account.
        account: AccountId,
        /// As it is.
        old: Password,
        /// As it shall be.
        new: Password,
    }
    /// `account.icon`: an upload, or none to take the icon away
    AccountIcon {
        /// Which account.
        account: AccountId,
        /// A PNG, GIF or JPEG from `POST /uploads`; absent takes the icon away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
    }
    /// `account.action`
    AccountAction {
        /// Which account.
        account: AccountId,
        /// An id from the menu.
        action: String,
    }
    /// `status.set`
    StatusSet {
        /// What to show.
        status: StatusKind,
        /// The user's own words, plain text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Further attributes that the protocol's status declares.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<String, String>,
        /// On these only; absent means all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accounts: Option<Vec<AccountId>>,
    }
    /// `client.state`: how this tab is being looked at
    ClientState {
        /// The tab cannot be seen.
        hidden: bool,
        /// The conversation that the user looks at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        focused: Option<ConversationId>,
        /// Since when the user has not touched this tab.
        #[serde(default)]
        idle_seconds: u64,
    }
    /// `buddy.add`
    BuddyAdd {
        /// Which account.
        account: AccountId,
        /// The network's name.
        name: String,
        /// Where to put them; absent means libpurple's own default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// What to call them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
        /// Words that go with the question to them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    /// A command about a buddy and nothing else
    OfBuddy {
        /// Which buddy.
        buddy: BuddyId,
    }
    /// `buddy.alias`: empty takes it back
    BuddyAlias {
        /// Which buddy.
        buddy: BuddyId,
        /// What to call them; empty takes it back.
        alias: String,
    }
    /// `buddy.move`
    BuddyMove {
        /// Which buddy.
        buddy: BuddyId,
        /// Where to; made when it is new.
        group: String,
    }
    /// A command about a buddy, or about any name on an account
    OfPerson {
        /// A buddy; or `account` and `name`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        buddy: Option<BuddyId>,
        /// With `name`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// Anyone, by the network's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
    /// `buddy.action`
    BuddyAction {
        /// Which buddy.
        buddy: BuddyId,
        /// An id from the menu.
        action: String,
    }
    /// `group.rename`
    GroupRename {
        /// The group's name.
        group: String,
        /// What to call it; one of that name takes its buddies in.
        name: String,
    }
    /// `group.remove`: takes all the user's buddies in it off the list
    GroupRemove {
        /// The group's name.
        group: String,
    }
    /// `group.order`: lower comes first
    GroupOrder {
        /// The group's name.
        group: String,
        /// Its place.
        order: i64,
    }
    /// `group.collapse`
    GroupCollapse {
        /// The group's name.
        group: String,
        /// Fold it up.
        collapsed: bool,
    }
    /// `privacy.set`
    PrivacySet {
        /// Which account.
        account: AccountId,
        /// `allow_all`, `deny_all`, `allow_users`, `deny_users` or `allow_buddies`.
        mode: String,
        /// The names that the mode is about.
        #[serde(default)]
        list: Vec<String>,
    }
    /// `conversation.open`
    ConversationOpen {
        /// Which account.
        account: AccountId,
        /// With whom: the network's name.
        name: String,
    }
    /// A command about a conversation and nothing else
    OfConversation {
        /// Which conversation.
        conversation: ConversationId,
    }
    /// `conversation.read`: without `upto` all of it
    ConversationRead {
        /// Which conversation.
        conversation: ConversationId,
        /// Id of the last message that the user has seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upto: Option<String>,
    }
    /// `message.send`: `text` or `spans`
    MessageSend {
        /// Which conversation.
        conversation: ConversationId,
        /// Plain text, newlines kept. `/…` is a slash command, never said; `//` stands for a slash.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Styled text; a slash at its beginning is as in `text`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spans: Option<Vec<Span>>,
    }
    /// A command about a message of the user's own: `message.cancel` takes back a `pending` one or gives a `failed` or `unknown` one up;
    /// `message.resend` sends a `failed` or `unknown` one again
    OfMessage {
        /// Which conversation.
        conversation: ConversationId,
        /// Id of the message.
        message: String,
    }
    /// `history.set`: what is absent stays as it is; null takes a choice back
    HistorySet {
        /// Which conversation; absent: what holds for all that have no choice of their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// Store its messages.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        keep: Option<Option<bool>>,
        /// Delete messages after so many days; 0 for never.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        days: Option<Option<u32>>,
    }
    /// `history.delete`: all messages of a conversation
    HistoryDelete {
        /// Which conversation.
        conversation: ConversationId,
        /// The conversation itself, too.
        #[serde(default)]
        whole: bool,
    }
    /// `typing.set`
    TypingSet {
        /// Which conversation.
        conversation: ConversationId,
        /// What the user does.
        state: TypingState,
    }
    /// `room.menu`: what the user may do with a room, or with somebody in it
    RoomMenu {
        /// The conversation of the room.
        conversation: ConversationId,
        /// Nick of a person in the room; absent: the room itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
    /// `room.action`: ends when the network has answered
    RoomAction {
        /// The conversation of the room.
        conversation: ConversationId,
        /// As in `room.menu`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// An id from the answer to `room.menu`.
        action: String,
        /// Words that others read, where the item has `reason`; at most 300 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// `room.join`: by a form, or a bookmark
    RoomJoin {
        /// Which account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// Id of a bookmark, in the place of `account` and `fields`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bookmark: Option<String>,
        /// The protocol's `room_fields`, by `key`; what is left out takes the protocol's default.
        #[serde(default)]
        fields: BTreeMap<String, String>,
    }
    /// `room.invite`
    RoomInvite {
        /// Which conversation.
        conversation: ConversationId,
        /// Whom: the network's name.
        name: String,
        /// Words that go with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    /// `room.member`: by what name the network knows somebody in a room
    RoomMember {
        /// The conversation of the room.
        conversation: ConversationId,
        /// Nick of the person in the room.
        member: String,
    }
    /// `room.topic`
    RoomTopic {
        /// Which conversation.
        conversation: ConversationId,
        /// Plain text.
        topic: String,
    }
    /// `room.nick`
    RoomNick {
        /// Which conversation.
        conversation: ConversationId,
        /// The nick to have there.
        nick: String,
    }
    /// `room.list_stop`
    RoomListStop {
        /// Which list.
        list: RoomListId,
    }
    /// `transfer.send`: uses the upload up, however it ends
    TransferSend {
        /// The conversation, with one person.
        conversation: ConversationId,
        /// A file of `POST /uploads`.
        upload: String,
    }
    /// `transfer.accept`, after which `GET /transfers/{id}` fetches the file, and `transfer.cancel`
    OfTransfer {
        /// Which transfer.
        transfer: TransferId,
    }
    /// `request.answer`
    RequestAnswer {
        /// Which request.
        request: RequestId,
        /// One of its buttons.
        button: String,
        /// Of its fields, by id; what is left out stays as it was asked with.
        #[serde(default)]
        values: BTreeMap<String, Value>,
    }
    /// `authorization.answer`
    AuthorizationAnswer {
        /// Which authorization.
        authorization: AuthorizationId,
        /// Let them see the user.
        allow: bool,
        /// Put them on the user's list, too.
        #[serde(default)]
        add: bool,
    }
    /// `notice.close`
    NoticeClose {
        /// Which notice.
        notice: NoticeId,
    }
    /// `notice.action`: `row` counts from 0
    NoticeAction {
        /// Which notice.
        notice: NoticeId,
        /// One of its buttons.
        button: String,
        /// Which row, from 0.
        row: usize,
    }
    /// `settings.set`: `null` takes a key away
    SettingsSet {
        /// Any JSON by key. `draft.ID` is the page's own: text not yet sent in that conversation; it keeps strangers from pushing the conversation away.
        values: serde_json::Map<String, serde_json::Value>,
    }
    /// A command that this daemon knows by name but does not carry out
    Unsupported {}
}
