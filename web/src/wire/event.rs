//! The events of a user's log, as a browser gets them; data only.

use super::{Conversation, ErrorBody, Group, Message, Notice};
use bridge::command::Origin;
use bridge::event::Outcome;
use bridge::id::{AccountId, AuthorizationId, BuddyId, ConversationId, NoticeId, RequestId, TransferId};
use bridge::model::{
    Account, AccountStanding, Authorization, Buddy, Member, Privacy, Request, RoomListRows, Status, StatusKind, Transfer, TypingState,
};
use bridge::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A numbered event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Strictly increasing, below 2^53; gaps are normal.
    pub seq: u64,
    /// When it was logged.
    pub time: Timestamp,
    /// The command that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The sorts of events. `account`, `conversation` and the like are ids, but in `…added|opened|updated` the whole object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
#[allow(missing_docs)] // the names are the wire's own; the shapes carry the words
pub enum EventBody {
    #[serde(rename = "account.added")]
    AccountAdded { account: Account },
    #[serde(rename = "account.updated")]
    AccountUpdated { account: Account },
    /// Its buddies, groups left empty and conversations go with it, without events of their own.
    #[serde(rename = "account.removed")]
    AccountRemoved { account: AccountId },
    #[serde(rename = "account.state")]
    AccountState {
        account: AccountId,
        #[serde(flatten)]
        standing: AccountStanding,
    },
    #[serde(rename = "account.status")]
    AccountStatus {
        account: AccountId,
        status: StatusKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_message: Option<String>,
        idle: bool,
    },
    /// At most 500 at once. One with a known id replaces it.
    #[serde(rename = "buddy.added")]
    BuddyAdded { account: AccountId, buddies: Vec<Buddy> },
    #[serde(rename = "buddy.updated")]
    BuddyUpdated { account: AccountId, buddy: Buddy },
    #[serde(rename = "buddy.removed")]
    BuddyRemoved { account: AccountId, buddies: Vec<BuddyId> },
    #[serde(rename = "group.added")]
    GroupAdded { group: Group },
    #[serde(rename = "group.updated")]
    GroupUpdated { group: Group },
    /// The last buddy in it is gone.
    #[serde(rename = "group.removed")]
    GroupRemoved { group: String },
    #[serde(rename = "conversation.opened")]
    ConversationOpened { account: AccountId, conversation: Conversation },
    #[serde(rename = "conversation.updated")]
    ConversationUpdated { account: AccountId, conversation: Conversation },
    #[serde(rename = "conversation.closed")]
    ConversationClosed { account: AccountId, conversation: ConversationId },
    #[serde(rename = "conversation.read")]
    ConversationRead {
        account: AccountId,
        conversation: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_upto: Option<String>,
        unread: u32,
        mentions: u32,
    },
    #[serde(rename = "message.received")]
    MessageReceived { account: AccountId, conversation: ConversationId, message: Message },
    #[serde(rename = "message.sent")]
    MessageSent { account: AccountId, conversation: ConversationId, message: Message },
    #[serde(rename = "message.system")]
    MessageSystem { account: AccountId, conversation: ConversationId, message: Message },
    #[serde(rename = "message.failed")]
    MessageFailed { account: AccountId, conversation: ConversationId, message: Message },
    #[serde(rename = "typing")]
    Typing { account: AccountId, conversation: ConversationId, who: String, state: TypingState },
    /// `left` before `joined`; a nick change is one of each, with `renamed` as `[old, new]`.
    #[serde(rename = "room.members")]
    RoomMembers {
        account: AccountId,
        conversation: ConversationId,
        joined: Vec<Member>,
        left: Vec<String>,
        changed: Vec<Member>,
        renamed: Vec<(String, String)>,
        /// The list that comes with joining: it replaces what was there.
        initial: bool,
    },
    #[serde(rename = "room.topic")]
    RoomTopic {
        account: AccountId,
        conversation: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
        topic: String,
    },
    #[serde(rename = "room.list")]
    RoomList {
        #[serde(flatten)]
        rows: RoomListRows,
    },
    #[serde(rename = "attention")]
    Attention { account: AccountId, conversation: ConversationId, who: String, text: String },
    #[serde(rename = "mail")]
    Mail { account: AccountId, count: u32 },
    #[serde(rename = "notice.opened")]
    NoticeOpened {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        notice: Notice,
    },
    /// More rows of a search notice.
    #[serde(rename = "notice.rows")]
    NoticeRows {
        notice: NoticeId,
        rows: Vec<Vec<String>>,
        /// There were more than are kept: none come after these.
        cut: bool,
    },
    #[serde(rename = "notice.closed")]
    NoticeClosed { notice: NoticeId },
    #[serde(rename = "request.opened")]
    RequestOpened {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        request: Request,
    },
    #[serde(rename = "request.closed")]
    RequestClosed { request: RequestId },
    #[serde(rename = "authorization.opened")]
    AuthorizationOpened { account: AccountId, authorization: Authorization },
    #[serde(rename = "authorization.closed")]
    AuthorizationClosed { authorization: AuthorizationId },
    #[serde(rename = "transfer.opened")]
    TransferOpened { account: AccountId, transfer: Transfer },
    #[serde(rename = "transfer.progress")]
    TransferProgress { account: AccountId, transfer: Transfer },
    #[serde(rename = "transfer.closed")]
    TransferClosed { transfer: TransferId, state: String },
    #[serde(rename = "privacy")]
    Privacy {
        account: AccountId,
        #[serde(flatten)]
        privacy: Privacy,
    },
    /// What the user shows on all accounts.
    #[serde(rename = "status")]
    Status {
        #[serde(flatten)]
        status: Status,
    },
    /// Changed keys only; `null` takes one away.
    #[serde(rename = "settings")]
    Settings { values: Map<String, Value> },
    #[serde(rename = "command.done")]
    CommandDone {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Outcome>,
    },
    #[serde(rename = "command.failed")]
    CommandFailed { error: ErrorBody },
}
