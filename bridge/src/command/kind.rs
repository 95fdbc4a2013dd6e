//! The sorts of commands, one variant each; what one is about is in `place.rs`.

use super::{AccountSettings, Before, Secret, Username};
use crate::id::{AccountId, AuthorizationId, BuddyId, ConversationId, NoticeId, RequestId, RoomListId, TransferId};
use crate::model::{Piece, RoomRow, Status, TypingState, Value};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The sorts of commands. Names in the imperative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CommandKind {
    /// Make an account; it signs on when enabled.
    AddAccount {
        /// The id it is to have: unused so far.
        account: AccountId,
        /// What it is.
        settings: Box<AccountSettings>,
    },
    /// Change what is given; a signed-on account is signed on anew when it needs that.
    UpdateAccount {
        /// The account.
        account: AccountId,
        /// A new user name.
        username: Option<Username>,
        /// A new password, for this side only.
        password: Option<Secret>,
        /// These settings; others stay.
        options: BTreeMap<String, Value>,
    },
    /// Make an account anew that was lost ([`crate::EventKind::AccountLost`]). For a fleet, which knows its settings; a single libpurple refuses it.
    RestoreAccount {
        /// The account.
        account: AccountId,
        /// What its user still has of it.
        before: Before,
    },
    /// Set the address of the account's user, for networks that are told it (WEBIRC); it counts from the next sign-on on.
    SetVisitor {
        /// The account whose network is told.
        account: AccountId,
        /// The address of the user's browser.
        visitor: std::net::IpAddr,
    },
    /// Sign off and forget.
    RemoveAccount(AccountId),
    /// Sign on, and stay signed on.
    EnableAccount(AccountId),
    /// Sign off, and stay so.
    DisableAccount(AccountId),
    /// Try again now.
    ConnectAccount(AccountId),
    /// The name others see.
    SetAccountAlias {
        /// The account.
        account: AccountId,
        /// Empty to take it back.
        alias: String,
    },
    /// Change the password on the server.
    ChangePassword {
        /// The account.
        account: AccountId,
        /// As it is.
        old: Secret,
        /// As it shall be.
        new: Secret,
    },
    /// Own icon.
    SetAccountIcon {
        /// The account.
        account: AccountId,
        /// PNG, GIF or JPEG; `None` takes it away.
        #[serde(with = "serde_bytes")]
        image: Option<Vec<u8>>,
    },
    /// Make the account on the server.
    RegisterAccount(AccountId),
    /// What the protocol offers for the account.
    ShowAccountMenu(AccountId),
    /// Take an entry of it.
    RunAccountAction {
        /// The account.
        account: AccountId,
        /// The entry's id.
        action: String,
    },
    /// Show a status, on all accounts or some.
    SetStatus {
        /// What.
        status: Status,
        /// Further attributes that the status type declares.
        attributes: BTreeMap<String, String>,
        /// Which; `None` means all.
        accounts: Option<Vec<AccountId>>,
    },
    /// The user is idle since then, or no longer.
    SetIdle {
        /// `None`: active.
        since: Option<Timestamp>,
    },
    /// Which conversation the user looks at (protocols mark read from this).
    SetFocus {
        /// `None`: none.
        conversation: Option<ConversationId>,
    },
    /// Put someone on the list and ask them.
    AddBuddy {
        /// On which account.
        account: AccountId,
        /// The network's name.
        name: String,
        /// `None`: libpurple's default group.
        group: Option<String>,
        /// What to call them.
        alias: String,
        /// Words with the question.
        message: String,
    },
    /// Take them off the list, on the server too.
    RemoveBuddy(BuddyId),
    /// Call them otherwise.
    SetBuddyAlias {
        /// The buddy.
        buddy: BuddyId,
        /// Empty to take it back.
        alias: String,
    },
    /// Put them into another group.
    MoveBuddy {
        /// The buddy.
        buddy: BuddyId,
        /// Its name; made when new.
        group: String,
    },
    /// Ask for their profile; comes as a notice.
    ShowBuddyInfo {
        /// On which account.
        account: AccountId,
        /// The network's name.
        name: String,
    },
    /// What the protocol offers for them.
    ShowBuddyMenu(BuddyId),
    /// Take an entry of it.
    RunBuddyAction {
        /// The buddy.
        buddy: BuddyId,
        /// The entry's id.
        action: String,
    },
    /// Hear nothing of them.
    Block {
        /// On which account.
        account: AccountId,
        /// The network's name.
        name: String,
        /// False: hear of them again.
        block: bool,
    },
    /// Move all of the user's buddies from one group to another (hazard 3: never libpurple's own rename).
    RenameGroup {
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// Take all of the user's buddies in it off the list.
    RemoveGroup {
        /// Its name.
        name: String,
    },
    /// Who may reach an account.
    SetPrivacy {
        /// The account.
        account: AccountId,
        /// See [`crate::model::Privacy::mode`].
        mode: String,
        /// The names it is about.
        list: Vec<String>,
    },
    /// Begin (or find) an IM.
    OpenConversation {
        /// On which account.
        account: AccountId,
        /// With whom.
        name: String,
        /// The user has as many conversations as may be: fail with `limit` unless this one is open already.
        only_open: bool,
    },
    /// Let go of it; a room is left.
    CloseConversation(ConversationId),
    /// Say something.
    SendMessage {
        /// The conversation.
        conversation: ConversationId,
        /// As typed, where it is a slash command ([`super::slash::read`]). Empty: the HTML is said.
        text: String,
        /// The same as HTML that libpurple takes, a slash command with its name.
        html: String,
    },
    /// The user writes, or stopped.
    SetTyping {
        /// The conversation.
        conversation: ConversationId,
        /// How.
        state: TypingState,
    },
    /// Nudge.
    SendAttention(ConversationId),
    /// Go into a room, made when the network makes rooms.
    JoinRoom {
        /// On which account.
        account: AccountId,
        /// As in [`crate::model::Protocol::room_fields`].
        fields: BTreeMap<String, String>,
        /// As in [`CommandKind::OpenConversation`].
        only_open: bool,
    },
    /// Go out, and keep the conversation.
    LeaveRoom(ConversationId),
    /// Say by what name the network knows someone in a room.
    ResolveMember {
        /// The room that they are in.
        conversation: ConversationId,
        /// Their nick.
        nick: String,
    },
    /// Ask someone in.
    InviteToRoom {
        /// The room.
        conversation: ConversationId,
        /// The network's name of the person.
        name: String,
        /// Words with it.
        message: String,
    },
    /// Set the topic.
    SetTopic {
        /// The room.
        conversation: ConversationId,
        /// Plain text.
        topic: String,
    },
    /// Be called otherwise there.
    SetNick {
        /// The room.
        conversation: ConversationId,
        /// The new nick.
        nick: String,
    },
    /// List the actions that the user may take on a room, or on somebody in it.
    ShowRoomMenu {
        /// The room.
        conversation: ConversationId,
        /// The nick of that person; `None`: the room itself.
        name: Option<String>,
    },
    /// Take an entry of a room's menu. Ends when the network has answered.
    RunRoomAction {
        /// The room.
        conversation: ConversationId,
        /// As in [`CommandKind::ShowRoomMenu`].
        name: Option<String>,
        /// The entry's id.
        action: String,
        /// Words that others read; empty for none.
        reason: String,
    },
    /// Ask for the rooms there are.
    ListRooms(AccountId),
    /// Enough of them.
    StopRoomList(RoomListId),
    /// Ask for the rooms there are, for discovery: nobody is asked anything, and the list is bounded and short where the network can do so.
    FindRooms(AccountId),
    /// Ask these rooms, at most [`crate::model::DESCRIBED`], for their topic and people.
    DescribeRooms {
        /// The account whose network has the rooms.
        account: AccountId,
        /// Rows as [`crate::model::RoomsFound`] had them.
        rooms: Vec<RoomRow>,
    },
    /// Answer a question. Uses it up.
    AnswerRequest {
        /// The request.
        request: RequestId,
        /// One of its buttons.
        button: String,
        /// Its fields.
        values: BTreeMap<String, Value>,
    },
    /// Answer "X wants to add you". Uses it up.
    AnswerAuthorization {
        /// The authorization.
        authorization: AuthorizationId,
        /// May they?
        allow: bool,
        /// Add them too.
        add: bool,
    },
    /// Seen it.
    CloseNotice(NoticeId),
    /// Do something with a row of search results.
    RunNoticeAction {
        /// The notice.
        notice: NoticeId,
        /// One of its buttons.
        button: String,
        /// From 0.
        row: usize,
    },
    /// Offer a file to the other one of an IM. The file's bytes are asked for by [`crate::EventKind::TransferWanted`].
    SendFile {
        /// The conversation.
        conversation: ConversationId,
        /// Its name, without directories.
        name: String,
        /// Its bytes.
        size: u64,
    },
    /// Take an offered file.
    AcceptTransfer(TransferId),
    /// Decline an offered file, or end a transfer.
    CancelTransfer(TransferId),
    /// So many more bytes of an incoming file may come ([`crate::EventKind::TransferBytes`]).
    TakeTransfer {
        /// The incoming transfer.
        transfer: TransferId,
        /// Further bytes, beside those that were allowed before.
        bytes: u32,
    },
    /// The next bytes of an outgoing file that were asked for. None: the file cannot be read.
    FeedTransfer(Piece),
    /// The user's session is over: sign off and forget all of it.
    RemoveUser,
}
