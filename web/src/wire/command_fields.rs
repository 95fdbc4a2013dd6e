//! The fields of each command; data only. Ids arrive as texts of any content and are looked up by the session.

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

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[allow(missing_docs)] // the names are the wire's own
        pub struct $name { $($(#[$attr])* pub $field: $type,)* }
    )*};
}

fields! {
    /// `account.add`
    AccountAdd {
        protocol: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        splits: Option<Splits>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remember: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enabled: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    }
    /// `account.update`: what is given is changed
    AccountUpdate {
        account: AccountId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        splits: Option<Splits>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Value>,
    }
    /// A command about an account and nothing else
    OfAccount { account: AccountId, }
    /// `account.alias`
    AccountAlias { account: AccountId, alias: String, }
    /// `account.password`: changes it on the server
    AccountPassword { account: AccountId, old: Password, new: Password, }
    /// `account.icon`: an upload, or none to take the icon away
    AccountIcon {
        account: AccountId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
    }
    /// `account.action`
    AccountAction { account: AccountId, action: String, }
    /// `status.set`
    StatusSet {
        status: StatusKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accounts: Option<Vec<AccountId>>,
    }
    /// `client.state`: how this tab is being looked at
    ClientState {
        hidden: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        focused: Option<ConversationId>,
        #[serde(default)]
        idle_seconds: u64,
    }
    /// `buddy.add`
    BuddyAdd {
        account: AccountId,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    /// A command about a buddy and nothing else
    OfBuddy { buddy: BuddyId, }
    /// `buddy.alias`: empty takes it back
    BuddyAlias { buddy: BuddyId, alias: String, }
    /// `buddy.move`
    BuddyMove { buddy: BuddyId, group: String, }
    /// A command about a buddy, or about any name on an account
    OfPerson {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        buddy: Option<BuddyId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
    /// `buddy.action`
    BuddyAction { buddy: BuddyId, action: String, }
    /// `group.rename`
    GroupRename { group: String, name: String, }
    /// `group.remove`: takes all the user's buddies in it off the list
    GroupRemove { group: String, }
    /// `group.order`: lower comes first
    GroupOrder { group: String, order: i64, }
    /// `group.collapse`
    GroupCollapse { group: String, collapsed: bool, }
    /// `privacy.set`
    PrivacySet { account: AccountId, mode: String, #[serde(default)] list: Vec<String>, }
    /// `conversation.open`
    ConversationOpen { account: AccountId, name: String, }
    /// A command about a conversation and nothing else
    OfConversation { conversation: ConversationId, }
    /// `conversation.read`: without `upto` all of it
    ConversationRead {
        conversation: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upto: Option<String>,
    }
    /// `message.send`: `text` or `spans`
    MessageSend {
        conversation: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spans: Option<Vec<Span>>,
    }
    /// `typing.set`
    TypingSet { conversation: ConversationId, state: TypingState, }
    /// `room.join`
    RoomJoin { account: AccountId, #[serde(default)] fields: BTreeMap<String, String>, }
    /// `room.invite`
    RoomInvite {
        conversation: ConversationId,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    /// `room.topic`
    RoomTopic { conversation: ConversationId, topic: String, }
    /// `room.nick`
    RoomNick { conversation: ConversationId, nick: String, }
    /// `room.list_stop`
    RoomListStop { list: RoomListId, }
    /// `transfer.cancel`
    OfTransfer { transfer: TransferId, }
    /// `request.answer`
    RequestAnswer { request: RequestId, button: String, #[serde(default)] values: BTreeMap<String, Value>, }
    /// `authorization.answer`
    AuthorizationAnswer { authorization: AuthorizationId, allow: bool, #[serde(default)] add: bool, }
    /// `notice.close`
    NoticeClose { notice: NoticeId, }
    /// `notice.action`: `row` counts from 0
    NoticeAction { notice: NoticeId, button: String, row: usize, }
    /// `settings.set`: `null` takes a key away
    SettingsSet { values: serde_json::Map<String, serde_json::Value>, }
    /// A command that this daemon knows by name but does not carry out
    Unsupported {}
}
