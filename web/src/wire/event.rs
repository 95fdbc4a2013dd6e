//! The events of a user's log, as a browser gets them; data only.

use super::{Bookmark, Conversation, ErrorBody, Gap, Group, Hit, Message, Notice, SavedSearch, User};
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
    AccountAdded {
        /// The whole.
        account: Account,
    },
    #[serde(rename = "account.updated")]
    AccountUpdated {
        /// The whole.
        account: Account,
    },
    /// Its buddies, groups left empty and conversations go with it, without events of their own.
    #[serde(rename = "account.removed")]
    AccountRemoved {
        /// The account.
        account: AccountId,
    },
    #[serde(rename = "account.state")]
    AccountState {
        /// The account.
        account: AccountId,
        /// Its fields stand here.
        #[serde(flatten)]
        standing: AccountStanding,
    },
    #[serde(rename = "account.status")]
    AccountStatus {
        /// The account.
        account: AccountId,
        /// What it shows to others.
        status: StatusKind,
        /// Own words with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_message: Option<String>,
        /// Shown as idle.
        idle: bool,
    },
    /// At most 500 at once. One with a known id replaces it.
    #[serde(rename = "buddy.added")]
    BuddyAdded {
        /// The account of the buddies.
        account: AccountId,
        /// The whole of each.
        buddies: Vec<Buddy>,
    },
    #[serde(rename = "buddy.updated")]
    BuddyUpdated {
        /// The account of the buddy.
        account: AccountId,
        /// The whole.
        buddy: Buddy,
    },
    #[serde(rename = "buddy.removed")]
    BuddyRemoved {
        /// The account of the buddies.
        account: AccountId,
        /// Their ids.
        buddies: Vec<BuddyId>,
    },
    #[serde(rename = "group.added")]
    GroupAdded {
        /// The whole.
        group: Group,
    },
    #[serde(rename = "group.updated")]
    GroupUpdated {
        /// The whole.
        group: Group,
    },
    /// The last buddy in it is gone.
    #[serde(rename = "group.removed")]
    GroupRemoved {
        /// Its name.
        group: String,
    },
    #[serde(rename = "conversation.opened")]
    ConversationOpened {
        /// The account of the conversation.
        account: AccountId,
        /// The whole, with members and messages.
        conversation: Conversation,
    },
    #[serde(rename = "conversation.updated")]
    ConversationUpdated {
        /// The account of the conversation.
        account: AccountId,
        /// The whole, but for members and messages.
        conversation: Conversation,
    },
    #[serde(rename = "conversation.closed")]
    ConversationClosed {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
    },
    #[serde(rename = "conversation.read")]
    ConversationRead {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// Id of the last message seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_upto: Option<String>,
        /// Messages received since.
        unread: u32,
        /// Of these, those that name the user.
        mentions: u32,
    },
    /// A gap began (no `to`), or the one with the same `from` ended.
    #[serde(rename = "conversation.gap")]
    ConversationGap {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// The whole.
        gap: Gap,
    },
    /// All messages of a conversation were deleted.
    #[serde(rename = "history.deleted")]
    HistoryDeleted {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// The conversation is gone, too; its `conversation.closed` came before.
        whole: bool,
    },
    #[serde(rename = "message.received")]
    MessageReceived {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// What was said.
        message: Message,
    },
    #[serde(rename = "message.sent")]
    MessageSent {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// The user's own, taken by the network.
        message: Message,
    },
    #[serde(rename = "message.system")]
    MessageSystem {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// A line of the network's or libpurple's.
        message: Message,
    },
    #[serde(rename = "message.failed")]
    MessageFailed {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// What was not delivered, or why.
        message: Message,
    },
    /// A message is otherwise than it was: its `state`, say.
    #[serde(rename = "message.updated")]
    MessageUpdated {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// The whole.
        message: Message,
    },
    /// A message of the user's own was taken back before it was sent, or given up: it is gone.
    #[serde(rename = "message.removed")]
    MessageRemoved {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// Its id.
        message: String,
    },
    #[serde(rename = "typing")]
    Typing {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// Who writes, or stopped.
        who: String,
        /// What they do.
        state: TypingState,
    },
    /// `left` before `joined`; a nick change is one of each, with `renamed` as `[old, new]`.
    #[serde(rename = "room.members")]
    RoomMembers {
        /// The account of the room.
        account: AccountId,
        /// The room.
        conversation: ConversationId,
        /// New ones.
        joined: Vec<Member>,
        /// Nicks that are gone.
        left: Vec<String>,
        /// Other flags or another alias.
        changed: Vec<Member>,
        /// Nicks as `[old, new]`: the old one is in `left`, the new one in `joined`.
        renamed: Vec<(String, String)>,
        /// The list that comes with joining: it replaces what was there.
        initial: bool,
    },
    #[serde(rename = "room.topic")]
    RoomTopic {
        /// The account of the room.
        account: AccountId,
        /// The room.
        conversation: ConversationId,
        /// By whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
        /// Plain text, now.
        topic: String,
    },
    /// Somebody asks the user into a room. The question that goes with it is a request of its own.
    #[serde(rename = "room.invited")]
    RoomInvited {
        /// On which account.
        account: AccountId,
        /// Who asks.
        who: String,
        /// The network's name of it.
        room: String,
        /// Their words, plain text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    #[serde(rename = "room.list")]
    RoomList {
        /// Its fields stand here.
        #[serde(flatten)]
        rows: RoomListRows,
        /// Why it ends before it is complete; asked for again, it may come whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ErrorBody>,
    },
    /// Discovery (`GET /discover`) knows more of the rooms of an account, by its network or by stored messages, or nothing more is to come.
    #[serde(rename = "discover.changed")]
    DiscoverChanged {
        /// The account whose rooms are searched.
        account: AccountId,
        /// Whether there is more to come.
        pending: bool,
    },
    #[serde(rename = "attention")]
    Attention {
        /// The account of the conversation.
        account: AccountId,
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        who: String,
        /// What it is called there; often empty.
        text: String,
    },
    #[serde(rename = "mail")]
    Mail {
        /// The account whose mailbox it is.
        account: AccountId,
        /// Unread ones.
        count: u32,
    },
    #[serde(rename = "notice.opened")]
    NoticeOpened {
        /// The account it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// The whole.
        notice: Notice,
    },
    /// More rows of a search notice.
    #[serde(rename = "notice.rows")]
    NoticeRows {
        /// The notice.
        notice: NoticeId,
        /// To be added to those that are there.
        rows: Vec<Vec<String>>,
        /// There were more than are kept: none come after these.
        cut: bool,
    },
    #[serde(rename = "notice.closed")]
    NoticeClosed {
        /// The notice.
        notice: NoticeId,
    },
    #[serde(rename = "request.opened")]
    RequestOpened {
        /// The account it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// The whole.
        request: Request,
    },
    #[serde(rename = "request.closed")]
    RequestClosed {
        /// The request.
        request: RequestId,
    },
    #[serde(rename = "authorization.opened")]
    AuthorizationOpened {
        /// Which account they want to see.
        account: AccountId,
        /// The whole.
        authorization: Authorization,
    },
    #[serde(rename = "authorization.closed")]
    AuthorizationClosed {
        /// The authorization.
        authorization: AuthorizationId,
    },
    #[serde(rename = "transfer.opened")]
    TransferOpened {
        /// The account of the transfer.
        account: AccountId,
        /// The whole.
        transfer: Transfer,
    },
    #[serde(rename = "transfer.progress")]
    TransferProgress {
        /// The account of the transfer.
        account: AccountId,
        /// The whole.
        transfer: Transfer,
    },
    #[serde(rename = "transfer.closed")]
    TransferClosed {
        /// The transfer.
        transfer: TransferId,
        /// `done`, `cancelled` or `failed`.
        state: String,
    },
    #[serde(rename = "privacy")]
    Privacy {
        /// Of which account.
        account: AccountId,
        /// Its fields stand here.
        #[serde(flatten)]
        privacy: Privacy,
    },
    #[serde(rename = "bookmark.added")]
    BookmarkAdded {
        /// The account that joins the room.
        account: AccountId,
        /// The bookmark as it is now.
        bookmark: Bookmark,
    },
    #[serde(rename = "bookmark.updated")]
    BookmarkUpdated {
        /// The account that joins the room.
        account: AccountId,
        /// The bookmark as it is now.
        bookmark: Bookmark,
    },
    #[serde(rename = "bookmark.removed")]
    BookmarkRemoved {
        /// The account that joined the room.
        account: AccountId,
        /// Id of the bookmark that is gone.
        bookmark: String,
    },
    /// Something was said that fits a search that is open or saved. The message has its own event, before this one.
    #[serde(rename = "search.hit")]
    SearchHit {
        /// Id of the search.
        search: String,
        /// The hit, whose fields stand here.
        #[serde(flatten)]
        hit: Hit,
    },
    /// A search is saved, has another name, or has more or fewer new hits. Of each only the newest word is told.
    #[serde(rename = "search.updated")]
    SearchUpdated {
        /// The whole.
        search: SavedSearch,
    },
    /// A saved search is gone.
    #[serde(rename = "search.removed")]
    SearchRemoved {
        /// Id of the search that is gone.
        search: String,
    },
    /// What the user shows on all accounts.
    #[serde(rename = "status")]
    Status {
        /// Its fields stand here.
        #[serde(flatten)]
        status: Status,
    },
    /// Messages are being stored from now on, or no longer.
    #[serde(rename = "kept")]
    Kept {
        /// True: everything that is said is stored.
        kept: bool,
    },
    /// A guest has become a user of this site, or the user has another name.
    #[serde(rename = "user")]
    User {
        /// The whole.
        user: User,
    },
    /// Changed keys only; `null` takes one away.
    #[serde(rename = "settings")]
    Settings {
        /// By key.
        values: Map<String, Value>,
    },
    #[serde(rename = "command.done")]
    CommandDone {
        /// What it gives back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Outcome>,
    },
    #[serde(rename = "command.failed")]
    CommandFailed {
        /// Why.
        error: ErrorBody,
    },
}
