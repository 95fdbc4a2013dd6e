//! Says what sessions write: each a thing that happened, whole. Decides nothing.

use super::{AccountRow, BuddyRow, ConversationRow, Gap, GroupRow, OutboxRow, StoredMessage};
use bridge::id::{AccountId, BuddyId, ConversationId, UserId};
use bytes::Bytes;

/// A change of what is kept. Carrying one out twice does the same as once.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A message. Its conversation was written before it: what belongs to no conversation cannot be found, and is never deleted.
    Message(StoredMessage),
    /// A message of this number has other words or another fate.
    MessageChanged(StoredMessage),
    /// A conversation, new or changed.
    Conversation(ConversationRow),
    /// A conversation is read up to this number.
    Read {
        /// The user that owns it.
        user: UserId,
        /// The conversation, one of that user's.
        conversation: ConversationId,
        /// Number of the last message seen.
        upto: u64,
    },
    /// A gap begins, or (same conversation, `after` and `from`) ends.
    Gap(UserId, Gap),
    /// The messages, gaps and waiting lines of a conversation are deleted; with `whole` the conversation and the settings about it
    /// ([`super::keys_of`]), too.
    DeleteConversation {
        /// The user that owns it.
        user: UserId,
        /// The conversation, one of that user's.
        conversation: ConversationId,
        /// Forget the conversation itself.
        whole: bool,
    },
    /// An account, new or changed, with all its secrets.
    Account(Box<AccountRow>),
    /// An account is removed; its conversations are deleted, with the settings about it and them.
    AccountRemoved {
        /// The user that owns it.
        user: UserId,
        /// The account, one of that user's.
        account: AccountId,
    },
    /// Somebody on a list, new or changed.
    Buddy(BuddyRow),
    /// They are not on the list any more.
    BuddyRemoved {
        /// The user that owns it.
        user: UserId,
        /// On which account.
        account: AccountId,
        /// The buddy.
        buddy: BuddyId,
    },
    /// A group that the user arranged.
    Group(UserId, GroupRow),
    /// A group is gone, or not arranged any more.
    GroupRemoved {
        /// The user that owns it.
        user: UserId,
        /// Its name.
        name: String,
    },
    /// A setting; `None` takes it away.
    Setting {
        /// The user that owns it.
        user: UserId,
        /// Its key.
        key: String,
        /// JSON.
        value: Option<String>,
    },
    /// A line that waits to be sent, new or changed.
    Outbox(OutboxRow),
    /// A line waits no longer.
    OutboxDone {
        /// The user that owns it.
        user: UserId,
        /// Its number.
        number: u64,
    },
    /// A picture that a message shows: stored once by its content.
    Blob {
        /// The user who was shown it.
        user: UserId,
        /// Where: it goes with the conversation.
        conversation: ConversationId,
        /// The message that shows it: it goes with the last one that does.
        number: u64,
        /// SHA-256, lower-case hex.
        hash: String,
        /// The bytes.
        bytes: Bytes,
    },
}

impl Write {
    /// About how many bytes it takes while it waits.
    pub fn bytes(&self) -> usize {
        const BASE: usize = 160;
        BASE + match self {
            Self::Message(message) | Self::MessageChanged(message) => {
                message.text.len() + message.author.len() + message.spans.as_ref().map_or(0, String::len)
            }
            Self::Account(row) => row.settings.len() + row.icon.as_ref().map_or(0, Vec::len) + row.secrets.len() * 100,
            Self::Setting { key, value, .. } => key.len() + value.as_ref().map_or(0, String::len),
            Self::Outbox(row) => row.text.len(),
            Self::Blob { bytes, .. } => bytes.len(),
            Self::Conversation(row) => row.name.len() + row.title.len(),
            Self::Buddy(row) => row.name.len() + row.group.len() + row.alias.len(),
            Self::Group(_, GroupRow { name, .. }) | Self::GroupRemoved { name, .. } => name.len(),
            _ => 0,
        }
    }

    /// Whose it is.
    pub fn user(&self) -> UserId {
        match self {
            Self::Message(message) | Self::MessageChanged(message) => message.user,
            Self::Conversation(row) => row.user,
            Self::Account(row) => row.user,
            Self::Buddy(row) => row.user,
            Self::Outbox(row) => row.user,
            Self::Gap(user, _) | Self::Group(user, _) => *user,
            Self::Read { user, .. }
            | Self::DeleteConversation { user, .. }
            | Self::AccountRemoved { user, .. }
            | Self::BuddyRemoved { user, .. }
            | Self::GroupRemoved { user, .. }
            | Self::Setting { user, .. }
            | Self::OutboxDone { user, .. }
            | Self::Blob { user, .. } => *user,
        }
    }
}
