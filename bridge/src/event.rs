//! What comes out of the bridge: things that happened, each with its owner; owned plain data, in the order libpurple told them.

use crate::command::Origin;
use crate::error::CommandError;
use crate::id::{AccountId, AuthorizationId, BuddyId, ConversationId, NoticeId, PictureId, RequestId, RoomListId, TransferId, UserId};
use crate::model::{
    Account, AccountStanding, Authorization, Buddy, Conversation, Mark, Member, MemberAddress, MenuItem, Message, Notice, Piece, Privacy,
    Request, RoomListRows, RoomsFound, StatusKind, Transfer, TypingState,
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that one turn of the libpurple loop produced.
pub type Batch = Vec<Event>;

/// Something that happened to one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The user whom it concerns. There is no event without an owner.
    pub user: UserId,
    /// The command that caused it.
    pub origin: Option<Origin>,
    /// What happened.
    pub kind: EventKind,
}

/// A picture or other bytes by content hash, sent before the event that names it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// SHA-256, lower-case hex.
    pub hash: String,
    /// The bytes. Untrusted.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Media({}, {} bytes)", self.hash, self.bytes.len())
    }
}

/// What a command that went well gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// `{"account":…}`
    Account(AccountId),
    /// `{"conversation":…}`
    Conversation(ConversationId),
    /// `{"items":[…]}`
    Items(Vec<MenuItem>),
    /// `{"list":…}`
    List(RoomListId),
    /// `{"member":{"address":…,"real":…}}`
    Member(MemberAddress),
    /// `{"transfer":…}`
    Transfer(TransferId),
    /// `{"kept":false}`: done, but not stored. Of a user of the site's `message.send` while nothing is stored; no worker says it.
    Kept(bool),
    /// `{"bookmark":…}`: the id of a bookmark. No worker says it.
    Bookmark(String),
    /// `{"search":…}`: the id of a search. No worker says it.
    Search(String),
}

/// The sorts of events. Names in the past tense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// An account is there.
    AccountAdded(Account),
    /// Anything of it changed but its standing.
    AccountUpdated(Account),
    /// It stands otherwise.
    AccountState {
        /// The account.
        account: AccountId,
        /// How it stands now.
        standing: AccountStanding,
    },
    /// Its own status changed.
    AccountStatus {
        /// The account.
        account: AccountId,
        /// Now.
        status: StatusKind,
        /// Own words.
        message: Option<String>,
        /// Shown as idle.
        idle: bool,
    },
    /// It is gone, with its buddies and conversations (no separate events follow for those).
    AccountRemoved {
        /// The account.
        account: AccountId,
    },
    /// The libpurple that had it has ended without a word: what it showed of others, its questions and its notices are void. Whoever keeps
    /// the user's state answers with [`crate::CommandKind::RestoreAccount`] (or lets it go with `RemoveAccount`).
    AccountLost {
        /// The account.
        account: AccountId,
        /// How it stands until it is back.
        standing: AccountStanding,
    },
    /// A libpurple stood still before it ended: what the network sent to the account since then may be lost. Only a fleet says so, before
    /// [`EventKind::AccountLost`].
    MessagesMissed {
        /// The account that its worker held when it fell silent.
        account: AccountId,
        /// When the libpurple was last seen to work.
        since: Timestamp,
    },
    /// A room to be joined again, should the account be made anew; `None`: no longer.
    RoomRemembered {
        /// The room.
        conversation: ConversationId,
        /// Of which account.
        account: AccountId,
        /// The form that joins it.
        fields: Option<BTreeMap<String, String>>,
    },
    /// The user trusts this certificate for this account from now on.
    AccountPinned {
        /// The account.
        account: AccountId,
        /// SHA-256, `AB:CD:…`.
        fingerprint: String,
    },
    /// The user gave a password when the network asked, and wants it to be remembered.
    AccountPasswordGiven {
        /// The account that signs on with it.
        account: AccountId,
        /// The password.
        password: crate::command::Secret,
    },
    /// A plugin stored a setting of its own (a token, say), to be kept with the account.
    AccountSettingStored {
        /// The account.
        account: AccountId,
        /// The setting.
        key: String,
        /// Its value; `None` when it was removed.
        value: Option<crate::model::Value>,
    },
    /// Buddies are there, at most 500 at once. One with a known id replaces it.
    BuddiesAdded(Vec<Buddy>),
    /// One of them changed.
    BuddyUpdated(Buddy),
    /// They are gone from the list, all of one account, at most 500 at once.
    BuddiesRemoved {
        /// The account of the buddies.
        account: AccountId,
        /// The buddies.
        buddies: Vec<BuddyId>,
    },
    /// A conversation is there (again).
    ConversationOpened(Conversation),
    /// Title, buddy, topic, nick or joined changed. `members` is absent here: it comes by `RoomMembers`.
    ConversationUpdated(Conversation),
    /// It is gone from libpurple.
    ConversationClosed {
        /// The conversation.
        conversation: ConversationId,
    },
    /// A line.
    MessageAdded {
        /// The conversation.
        conversation: ConversationId,
        /// What.
        message: Message,
    },
    /// Something became of a message that was told.
    MessageMarked {
        /// The conversation of the message.
        conversation: ConversationId,
        /// The message's [`Message::reference`].
        reference: String,
        /// The message's new state.
        mark: Mark,
    },
    /// A message was corrected by its author (XEP-0308). The message was the author's last one in the conversation.
    MessageReplaced {
        /// The conversation of the message.
        conversation: ConversationId,
        /// The [`Message::reference`] of the message as it was told first.
        reference: String,
        /// The corrected message, whole. The first one gives way to it, where that is known.
        message: Message,
    },
    /// Somebody writes.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        who: String,
        /// How.
        state: TypingState,
    },
    /// Who is in a room changed. `left` before `joined`: a nick change is one of each, with `renamed`.
    RoomMembers {
        /// The room.
        conversation: ConversationId,
        /// New ones.
        joined: Vec<Member>,
        /// Nicks that are gone.
        left: Vec<String>,
        /// New flags or alias.
        changed: Vec<Member>,
        /// `(old, new)` nicks: `old` is in `left`, `new` in `joined`.
        renamed: Vec<(String, String)>,
        /// True for the list that comes with joining: no join lines are wanted.
        initial: bool,
    },
    /// The topic changed.
    RoomTopic {
        /// The room.
        conversation: ConversationId,
        /// By whom.
        who: Option<String>,
        /// Now. Plain text.
        topic: String,
    },
    /// Somebody asks the user into a room. The question that goes with it is a request of its own.
    RoomInvited {
        /// On which account.
        account: AccountId,
        /// Who asks.
        who: String,
        /// The room, by the network's name.
        room: String,
        /// Their words, plain text.
        message: Option<String>,
    },
    /// Rows of a room list.
    RoomList(RoomListRows),
    /// A room list ends before it is complete. Only a fleet says so, of a worker that is gone.
    RoomListFailed {
        /// The room list.
        list: RoomListId,
        /// Why.
        error: CommandError,
    },
    /// Rooms for discovery; no page shows the list itself.
    RoomsFound(RoomsFound),
    /// Somebody wants the user's attention (a "nudge").
    Attention {
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        who: String,
        /// What it is called there.
        text: String,
    },
    /// Unread mails.
    Mail {
        /// The account whose mailbox it is.
        account: AccountId,
        /// How many.
        count: u32,
    },
    /// A question.
    RequestOpened(Request),
    /// It is answered, or withdrawn.
    RequestClosed {
        /// The request.
        request: RequestId,
    },
    /// Somebody wants to add the user.
    AuthorizationOpened(Authorization),
    /// It is answered, or withdrawn.
    AuthorizationClosed {
        /// The authorization.
        authorization: AuthorizationId,
    },
    /// Something is told.
    NoticeOpened(Notice),
    /// New rows of a search notice.
    NoticeRows {
        /// The notice.
        notice: NoticeId,
        /// More rows.
        rows: Vec<Vec<String>>,
    },
    /// It is closed.
    NoticeClosed {
        /// The notice.
        notice: NoticeId,
    },
    /// A file is offered or begun.
    TransferOpened(Transfer),
    /// It goes on.
    TransferProgress(Transfer),
    /// It ended.
    TransferClosed {
        /// The transfer.
        transfer: TransferId,
        /// How.
        state: String,
    },
    /// The next bytes of an incoming file; no more than [`crate::CommandKind::TakeTransfer`] allows.
    TransferBytes(Piece),
    /// There is room for so many more bytes of an outgoing file ([`crate::CommandKind::FeedTransfer`]).
    TransferWanted {
        /// The outgoing transfer.
        transfer: TransferId,
        /// Further bytes, beside those that were wanted before.
        bytes: u32,
    },
    /// The block list of an account.
    Privacy {
        /// The account.
        account: AccountId,
        /// Now.
        privacy: Privacy,
    },
    /// Bytes that a later event names.
    MediaStored(Media),
    /// A picture that a message waits for is there, or is not to come.
    PictureCame {
        /// The number by which a message waits for the picture.
        picture: PictureId,
        /// Its bytes ([`EventKind::MediaStored`]); `None`: there are none.
        hash: Option<String>,
    },
    /// A command ended well. Comes after all that it caused in the same turn.
    CommandDone {
        /// What it gives back.
        result: Option<Outcome>,
    },
    /// A command did not.
    CommandFailed {
        /// Why.
        error: CommandError,
    },
}

impl EventKind {
    /// About how many bytes the texts and pictures in it take, for bounds on what waits.
    pub fn bytes(&self) -> usize {
        match self {
            Self::MediaStored(media) => media.bytes.len(),
            Self::TransferBytes(piece) => piece.bytes.len(),
            Self::MessageAdded { message, .. } | Self::MessageReplaced { message, .. } => message.html.len() + message.pictures.len() * 128,
            Self::BuddiesAdded(buddies) => buddies.len() * 256,
            Self::RoomMembers { joined, left, changed, .. } => (joined.len() + left.len() + changed.len()) * 64,
            Self::RoomList(rows) => rows.rows.len() * 128,
            Self::RoomsFound(found) => found.rows.len() * 128,
            Self::NoticeOpened(notice) => notice.html.len() + notice.rows.len() * 128,
            Self::NoticeRows { rows, .. } => rows.len() * 128,
            Self::RequestOpened(request) => request.fields.len() * 256,
            Self::ConversationOpened(conversation) => conversation.members.as_ref().map_or(0, Vec::len) * 64,
            Self::Privacy { privacy, .. } => (privacy.permit.len() + privacy.deny.len()) * 32,
            _ => 0,
        }
    }
}
