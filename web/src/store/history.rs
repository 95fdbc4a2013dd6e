//! Holds the rows of history: messages, pages of them and gaps. Reads and writes nothing.

use crate::search::Ranges;
use bridge::id::{AccountId, BuddyId, ConversationId, UserId};
use bridge::model::{Author, ConversationKind};
use bridge::time::Timestamp;

/// A message as it is kept. Numbers are unique over the site and sort by arrival: milliseconds since 1970, shifted by 16 bits, and a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The user that owns it.
    pub user: UserId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// Its number: below 2^63.
    pub number: u64,
    /// When it was written, by the network's word.
    pub time: Timestamp,
    /// Bits: see `flags`.
    pub flags: u32,
    /// The network's name of the author.
    pub author: String,
    /// A better name.
    pub alias: Option<String>,
    /// The buddy that the author is.
    pub buddy: Option<BuddyId>,
    /// Its words.
    pub text: String,
    /// The spans as JSON, where the text alone does not say it; or an object of `spans`, `edited_at` and `error`, where there is more to say.
    pub spans: Option<String>,
    /// The server's own id.
    pub server_id: Option<String>,
}

impl StoredMessage {
    /// Makes a conversation unread.
    pub const COUNTS: u32 = 1 << 0;
    /// Names the user.
    pub const HIGHLIGHT: u32 = 1 << 1;
    /// Delivered later than written.
    pub const DELAYED: u32 = 1 << 2;
    /// Sent by a machine on somebody's behalf.
    pub const AUTO_REPLY: u32 = 1 << 3;
    /// The user's own, from another device.
    pub const REMOTE: u32 = 1 << 4;
    /// A quiet line.
    pub const SYSTEM: u32 = 1 << 5;
    /// The user's own.
    pub const OWN: u32 = 1 << 6;
    /// Taken back: only its number is left.
    pub const REMOVED: u32 = 1 << 7;
    /// The bits from here on are the fate: 0 none, 1 pending, 2 sent, 3 failed, 4 unknown, [`Self::TOPIC`], [`Self::DELIVERED`].
    pub const STATE: u32 = 8;
    /// In the place of a fate: a quiet line about a room's topic.
    pub const TOPIC: u32 = 5;
    /// The fate of a message of which the other one's device says that it has it.
    pub const DELIVERED: u32 = 6;

    /// Somebody said it, and it is there.
    pub fn is_said(&self) -> bool {
        self.flags & (Self::SYSTEM | Self::REMOVED) == 0
    }
}

/// Gives the author of a message.
pub(crate) fn stored_author(message: &StoredMessage) -> Author {
    Author {
        own: message.flags & StoredMessage::OWN != 0,
        name: message.author.clone(),
        alias: message.alias.clone(),
        buddy: message.buddy,
    }
}

/// Where a page of history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Newest,
    /// Before this number.
    Before(u64),
    /// After this number.
    After(u64),
    /// Half before this number, it, and the rest after it.
    Around(u64),
}

/// A time of which messages may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Number of the last message before it; 0: there is none.
    pub after: u64,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` while it lasts.
    pub to: Option<Timestamp>,
    /// `offline`, `restart`, `store`, `worker`.
    pub why: String,
}

/// Messages, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<StoredMessage>,
    /// There are older ones.
    pub more_before: bool,
    /// There are newer ones.
    pub more_after: bool,
    /// Gaps next to or between the messages.
    pub gaps: Vec<Gap>,
}

/// Counts of messages that are not read yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Messages that count.
    pub unread: u32,
    /// Of those, the ones that name the user.
    pub mentions: u32,
}

/// A message that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The message.
    pub message: StoredMessage,
    /// The account of its conversation.
    pub account: AccountId,
    /// The kind of its conversation.
    pub kind: ConversationKind,
    /// The network's name of the conversation.
    pub name: String,
    /// The name of the conversation to show.
    pub title: String,
    /// The places of the words in the text.
    pub ranges: Ranges,
}

/// The hits of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// The number below which there may be more.
    pub next: Option<u64>,
    /// Messages that were stored before there was an index are not all in it yet.
    pub partial: bool,
}

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The days that messages are kept, 0 for ever: nobody keeps them longer than the site, also where that was chosen before the site had an age.
pub(crate) fn days_kept(wanted: Option<u32>, site: u32) -> u32 {
    match wanted.unwrap_or(0) {
        0 => site,
        days if site > 0 => days.min(site),
        days => days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_messages_longer_than_the_site() {
        let ages = [(None, 0), (None, 30), (Some(0), 0), (Some(0), 30), (Some(7), 0), (Some(7), 30), (Some(90), 30)];
        assert_eq!(ages.map(|(wanted, site)| days_kept(wanted, site)), [0, 30, 0, 30, 7, 7, 30]);
    }
}
