//! Holds the rows of what a user has: accounts, people, conversations, settings, what waits to be sent. Reads and writes nothing.

use bridge::id::{AccountId, BuddyId, ConversationId, UserId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;

/// A sealed secret: version, nonce, ciphertext and tag (see `secret`). Means nothing without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// An account, with all that makes it anew.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRow {
    /// The user that owns it.
    pub user: UserId,
    /// Its id.
    pub account: AccountId,
    /// Where it stands in the user's list: the time of its making.
    pub created: Timestamp,
    /// [`bridge::command::AccountSettings`] as JSON, without password, masked options and what plugins stored; with rooms and block list.
    pub settings: String,
    /// The secrets of it by field: `password`, `option:KEY`, `stored:KEY`.
    pub secrets: Vec<(String, Sealed)>,
    /// Own picture.
    pub icon: Option<Vec<u8>>,
}

/// Somebody on a user's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuddyRow {
    /// The user that owns it.
    pub user: UserId,
    /// On which account.
    pub account: AccountId,
    /// Its id.
    pub buddy: BuddyId,
    /// The network's name.
    pub name: String,
    /// The group.
    pub group: String,
    /// The user's own name for them; empty for none.
    pub alias: String,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// The user that owns it.
    pub user: UserId,
    /// Its id.
    pub id: ConversationId,
    /// On which account.
    pub account: AccountId,
    /// With one or many.
    pub kind: ConversationKind,
    /// The network's name.
    pub name: String,
    /// The name to show.
    pub title: String,
    /// Its window is open.
    pub open: bool,
    /// Number of the last message seen; 0 for none.
    pub read: u64,
    /// `None`: as the user has it; else whether its messages are kept.
    pub keep: Option<bool>,
    /// `None`: as the user has it; else for so many days, 0 for ever.
    pub days: Option<u32>,
}

/// A group that the user arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// Its place.
    pub order: i64,
    /// Shown closed.
    pub collapsed: bool,
}

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The user that owns it.
    pub user: UserId,
    /// Its number, as of a message.
    pub number: u64,
    /// Where to.
    pub conversation: ConversationId,
    /// The line as HTML for libpurple.
    pub text: String,
    /// The network has it, and its fate is not known yet.
    pub handed_over: bool,
}

/// Prefixes of settings about a conversation or an account, before its id: the page's drafts, mutes and ignored people, and the daemon's
/// bookmarks.
const OF_THINGS: [&str; 4] = ["draft.", "mute.", IGNORED, BOOKMARKS];

/// Before the id of a room: the people in it of whom the user wants to hear nothing.
pub const IGNORED: &str = "ignore.";
/// Before the id of an account: its bookmarks, which are the daemon's own to write.
pub const BOOKMARKS: &str = ".bookmarks.";

/// The keys of the settings about a conversation or an account, which go with it.
pub fn keys_of(id: impl std::fmt::Display) -> [String; 4] {
    OF_THINGS.map(|prefix| format!("{prefix}{id}"))
}

/// The id in such a key.
pub fn id_in_key(key: &str) -> Option<&str> {
    OF_THINGS.iter().find_map(|prefix| key.strip_prefix(prefix))
}

/// Everything of a user but messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored {
    /// In the order of their making.
    pub accounts: Vec<AccountRow>,
    /// People on lists.
    pub buddies: Vec<BuddyRow>,
    /// All, closed ones too.
    pub conversations: Vec<ConversationRow>,
    /// Groups in order.
    pub groups: Vec<GroupRow>,
    /// Settings by key, each a JSON text; the key `status` of the daemon's own is `.status`.
    pub settings: Vec<(String, String)>,
    /// Lines that wait to be sent, in order.
    pub outbox: Vec<OutboxRow>,
}
