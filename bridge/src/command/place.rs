//! What a command is about, for those who carry it to one of many libpurples; it knows none of them.

use super::CommandKind;
use crate::id::{AccountId, BuddyId, ConversationId};

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
            | Self::SetVisitor { account, .. }
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
            | Self::DescribeRooms { account, .. }
            | Self::FindRooms(account)
            | Self::ListRooms(account) => Place::Account(*account),
            Self::RemoveBuddy(buddy) | Self::ShowBuddyMenu(buddy) => Place::Buddy(*buddy),
            Self::SetBuddyAlias { buddy, .. } | Self::MoveBuddy { buddy, .. } | Self::RunBuddyAction { buddy, .. } => Place::Buddy(*buddy),
            Self::CloseConversation(conversation) | Self::LeaveRoom(conversation) | Self::SendAttention(conversation) => {
                Place::Conversation(*conversation)
            }
            Self::SendMessage { conversation, .. }
            | Self::SetTyping { conversation, .. }
            | Self::SendFile { conversation, .. }
            | Self::ResolveMember { conversation, .. }
            | Self::InviteToRoom { conversation, .. }
            | Self::SetTopic { conversation, .. }
            | Self::SetNick { conversation, .. }
            | Self::ShowRoomMenu { conversation, .. }
            | Self::RunRoomAction { conversation, .. } => Place::Conversation(*conversation),
            Self::StopRoomList(list) => numbered(list.0),
            Self::AnswerRequest { request, .. } => numbered(request.0),
            Self::AnswerAuthorization { authorization, .. } => numbered(authorization.0),
            Self::CloseNotice(notice) => numbered(notice.0),
            Self::RunNoticeAction { notice, .. } => numbered(notice.0),
            Self::AcceptTransfer(transfer) | Self::CancelTransfer(transfer) | Self::TakeTransfer { transfer, .. } => numbered(transfer.0),
            Self::FeedTransfer(piece) => numbered(piece.transfer.0),
            Self::SetStatus { .. }
            | Self::SetIdle { .. }
            | Self::SetFocus { .. }
            | Self::RenameGroup { .. }
            | Self::RemoveGroup { .. }
            | Self::RemoveUser => Place::User,
        }
    }
}
