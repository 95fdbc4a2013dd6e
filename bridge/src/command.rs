//! What goes into the bridge: things to do, each with the user who wants it; owned plain data.

use crate::id::{AccountId, AuthorizationId, BuddyId, ConversationId, NoticeId, RequestId, RoomListId, TransferId, UserId};
use crate::model::{Status, TypingState, Value};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Which command of which browser; handed back with all that it causes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Origin {
    /// The browser's (tab's) id.
    pub client: String,
    /// The command's id there.
    pub command: String,
}

/// A password or token: never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes it over.
    pub fn new(text: String) -> Self {
        Self(text)
    }
    /// The text, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// A user name, whole or in the parts of the protocol's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Username {
    /// As libpurple has it.
    Whole(String),
    /// To be joined by the protocol's separators.
    Parts {
        /// The first part.
        user: String,
        /// One for each split; missing ones take the split's default.
        parts: Vec<String>,
    },
}

/// Everything that makes an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// As `prpl-jabber`.
    pub protocol: String,
    /// Who.
    pub username: Username,
    /// The password, when there is one.
    pub password: Option<Secret>,
    /// The plugin's own settings; only those it declares.
    pub options: BTreeMap<String, Value>,
    /// Settings that the plugin stored itself earlier (`AccountSettingStored`); not checked against what it declares.
    pub stored: BTreeMap<String, Value>,
    /// Fingerprints that this user trusts for this account.
    pub pins: Vec<String>,
    /// The name others are to see.
    pub alias: String,
    /// Sign on at once.
    pub enabled: bool,
    /// What to show.
    pub status: Status,
    /// What it had before, when it is made anew.
    pub before: Before,
}

/// What an account had in another libpurple, or an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// People on the list, which not every network keeps.
    pub buddies: Vec<KnownBuddy>,
    /// Open IMs, by the network's names.
    pub conversations: Vec<String>,
    /// Rooms to go back to, by the forms that join them.
    pub rooms: Vec<(ConversationId, BTreeMap<String, String>)>,
    /// Its block list, for networks that keep none.
    pub privacy: Option<Box<crate::model::Privacy>>,
}

/// Someone who was on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBuddy {
    /// The network's name.
    pub name: String,
    /// The group.
    pub group: String,
    /// What the user calls them; empty for nothing.
    pub alias: String,
}

/// A command with its owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Who wants it. Things of other users do not exist for it.
    pub user: UserId,
    /// Where outcome events are to point. Without one there is no `CommandDone`.
    pub origin: Option<Origin>,
    /// What to do.
    pub kind: CommandKind,
}

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
        /// Which.
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
        /// Which.
        account: AccountId,
        /// What its user still has of it.
        before: Before,
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
        /// Which.
        account: AccountId,
        /// Empty to take it back.
        alias: String,
    },
    /// Change the password on the server.
    ChangePassword {
        /// Which.
        account: AccountId,
        /// As it is.
        old: Secret,
        /// As it shall be.
        new: Secret,
    },
    /// Own icon.
    SetAccountIcon {
        /// Which.
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
        /// Which.
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
        /// Which.
        buddy: BuddyId,
        /// Empty to take it back.
        alias: String,
    },
    /// Put them into another group.
    MoveBuddy {
        /// Which.
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
        /// Which.
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
        /// Which.
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
        /// Where.
        conversation: ConversationId,
        /// As typed: a slash command is looked for in this. Empty to look for none.
        text: String,
        /// As HTML that libpurple takes.
        html: String,
    },
    /// The user writes, or stopped.
    SetTyping {
        /// Where.
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
    /// Ask someone in.
    InviteToRoom {
        /// Where.
        conversation: ConversationId,
        /// Whom.
        name: String,
        /// Words with it.
        message: String,
    },
    /// Set the topic.
    SetTopic {
        /// Where.
        conversation: ConversationId,
        /// Plain text.
        topic: String,
    },
    /// Be called otherwise there.
    SetNick {
        /// Where.
        conversation: ConversationId,
        /// The new nick.
        nick: String,
    },
    /// Ask for the rooms there are.
    ListRooms(AccountId),
    /// Enough of them.
    StopRoomList(RoomListId),
    /// Answer a question. Uses it up.
    AnswerRequest {
        /// Which.
        request: RequestId,
        /// One of its buttons.
        button: String,
        /// Its fields.
        values: BTreeMap<String, Value>,
    },
    /// Answer "X wants to add you". Uses it up.
    AnswerAuthorization {
        /// Which.
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
        /// Which.
        notice: NoticeId,
        /// One of its buttons.
        button: String,
        /// From 0.
        row: usize,
    },
    /// Take an offered file, or not.
    CancelTransfer(TransferId),
    /// The user's session is over: sign off and forget all of it.
    RemoveUser,
}

/// What a command is about, which says where it has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One account.
    Account(AccountId),
    /// One buddy, of an account that its id does not tell.
    Buddy(BuddyId),
    /// One conversation, of an account that its id does not tell.
    Conversation(ConversationId),
    /// Something open that has the number of its libpurple in its id ([`crate::config::BridgeConfig::number`]).
    Numbered(u16),
    /// The user with all accounts.
    User,
}

impl CommandKind {
    /// What it is about.
    pub fn place(&self) -> Place {
        let numbered = |id: u64| Place::Numbered(u16::try_from(id >> 48).unwrap_or_default());
        match self {
            Self::AddAccount { account, .. }
            | Self::UpdateAccount { account, .. }
            | Self::RestoreAccount { account, .. }
            | Self::RemoveAccount(account)
            | Self::EnableAccount(account)
            | Self::DisableAccount(account)
            | Self::ConnectAccount(account)
            | Self::SetAccountAlias { account, .. }
            | Self::ChangePassword { account, .. }
            | Self::SetAccountIcon { account, .. }
            | Self::RegisterAccount(account)
            | Self::ShowAccountMenu(account)
            | Self::RunAccountAction { account, .. }
            | Self::AddBuddy { account, .. }
            | Self::ShowBuddyInfo { account, .. }
            | Self::Block { account, .. }
            | Self::SetPrivacy { account, .. }
            | Self::OpenConversation { account, .. }
            | Self::JoinRoom { account, .. }
            | Self::ListRooms(account) => Place::Account(*account),
            Self::RemoveBuddy(buddy) | Self::ShowBuddyMenu(buddy) => Place::Buddy(*buddy),
            Self::SetBuddyAlias { buddy, .. } | Self::MoveBuddy { buddy, .. } | Self::RunBuddyAction { buddy, .. } => Place::Buddy(*buddy),
            Self::CloseConversation(conversation) | Self::LeaveRoom(conversation) | Self::SendAttention(conversation) => {
                Place::Conversation(*conversation)
            }
            Self::SendMessage { conversation, .. }
            | Self::SetTyping { conversation, .. }
            | Self::InviteToRoom { conversation, .. }
            | Self::SetTopic { conversation, .. }
            | Self::SetNick { conversation, .. } => Place::Conversation(*conversation),
            Self::StopRoomList(list) => numbered(list.0),
            Self::AnswerRequest { request, .. } => numbered(request.0),
            Self::AnswerAuthorization { authorization, .. } => numbered(authorization.0),
            Self::CloseNotice(notice) => numbered(notice.0),
            Self::RunNoticeAction { notice, .. } => numbered(notice.0),
            Self::CancelTransfer(transfer) => numbered(transfer.0),
            Self::SetStatus { .. }
            | Self::SetIdle { .. }
            | Self::SetFocus { .. }
            | Self::RenameGroup { .. }
            | Self::RemoveGroup { .. }
            | Self::RemoveUser => Place::User,
        }
    }
}
