//! A conversation as the hub keeps it: libpurple's part, the last messages as written, and what is unread; pure.

use super::crowd::GivenUp;
use crate::wire;
use bridge::model::Conversation;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// The text form of a message id: fixed width, so that it sorts as the number does.
pub(crate) fn message_id(number: u64) -> String {
    format!("m{number:016x}")
}

/// The number in a message id.
pub(crate) fn message_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix('m').filter(|digits| digits.len() == 16 && digits.is_ascii())?;
    u64::from_str_radix(digits, 16).ok()
}

/// A message, written once for snapshots and history.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    /// Adds to `unread`.
    pub(crate) counts: bool,
    /// Adds to `mentions`.
    pub(crate) mentions: bool,
    pub(crate) json: Box<RawValue>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.json.get().len()
    }
}

/// A conversation.
#[derive(Debug)]
pub(crate) struct Conv {
    pub(crate) base: Conversation,
    /// Shown; a closed one is only kept for its messages.
    pub(crate) open: bool,
    pub(crate) unread: u32,
    pub(crate) mentions: u32,
    /// The last message seen.
    pub(crate) read: u64,
    pub(crate) kept: VecDeque<Kept>,
    /// When it was opened, or something was said last.
    pub(crate) touched: u64,
    /// To be closed, for want of room.
    pub(crate) given_up: Option<GivenUp>,
}

impl Conv {
    pub(crate) fn new(base: Conversation, now: u64) -> Self {
        Self { base, open: true, unread: 0, mentions: 0, read: 0, kept: VecDeque::new(), touched: now, given_up: None }
    }

    /// Keeps a message and counts it. Returns by how many bytes the kept ones grew or shrank.
    pub(crate) fn keep(&mut self, message: Kept, most: usize) -> isize {
        let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
        if message.counts {
            self.unread = self.unread.saturating_add(1);
            self.mentions = self.mentions.saturating_add(u32::from(message.mentions));
        }
        let mut change = signed(message.bytes());
        self.kept.push_back(message);
        while self.kept.len() > most {
            change -= self.drop_oldest().map_or(0, signed);
        }
        change
    }

    /// Lets go of the oldest message. Returns its size.
    pub(crate) fn drop_oldest(&mut self) -> Option<usize> {
        let dropped = self.kept.pop_front().map(|message| message.bytes());
        if self.kept.is_empty() {
            self.kept.shrink_to(0);
        }
        dropped
    }

    /// The number of the newest kept message.
    pub(crate) fn newest(&self) -> u64 {
        self.kept.back().map_or(0, |message| message.number)
    }

    /// Bytes of all kept messages.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept.iter().map(Kept::bytes).sum()
    }

    /// The user has seen everything up to a message, or everything. True when that is news.
    pub(crate) fn mark_read(&mut self, upto: Option<u64>) -> bool {
        let newest = self.kept.back().map_or(self.read, |message| message.number);
        let read = upto.unwrap_or(newest).min(newest);
        if read <= self.read && !(upto.is_none() && self.unread > 0) {
            return false;
        }
        self.read = self.read.max(read);
        let after = |message: &&Kept| message.number > read && message.counts;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.unread = count(self.kept.iter().filter(after).count());
        self.mentions = count(self.kept.iter().filter(after).filter(|message| message.mentions).count());
        true
    }

    /// The id of the last message seen.
    pub(crate) fn read_upto(&self) -> Option<String> {
        (self.read > 0).then(|| message_id(self.read))
    }

    /// As the wire has it; with members and messages when they are wanted.
    pub(crate) fn wire(&self, whole: bool) -> wire::Conversation {
        let base = &self.base;
        wire::Conversation {
            id: base.id,
            account: base.account,
            kind: base.kind,
            name: base.name.clone(),
            title: base.title.clone(),
            buddy: base.buddy,
            unread: self.unread,
            mentions: self.mentions,
            read_upto: self.read_upto(),
            topic: base.topic.clone(),
            members: if whole { base.members.clone() } else { None },
            joined: base.joined,
            nick: base.nick.clone(),
            messages: whole.then(|| self.kept.iter().filter_map(|message| serde_json::from_str(message.json.get()).ok()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::id::{AccountId, ConversationId, ConversationKind};

    fn conv() -> Conv {
        let base = Conversation {
            id: ConversationId(1),
            account: AccountId(1),
            kind: ConversationKind::Im,
            name: "ines".into(),
            title: "Ines".into(),
            buddy: None,
            topic: None,
            members: None,
            joined: None,
            nick: None,
        };
        Conv::new(base, 0)
    }

    fn kept(number: u64, mentions: bool) -> Kept {
        Kept { number, counts: true, mentions, json: RawValue::from_string(format!("\"{number:04}\"")).unwrap() }
    }

    #[test]
    fn reading_moves_only_forward_and_counts_what_is_left() {
        let mut conv = conv();
        for number in 1..=5 {
            conv.keep(kept(number, number == 4), 50);
        }
        assert_eq!((conv.unread, conv.mentions), (5, 1));
        assert!(conv.mark_read(Some(3)));
        assert_eq!((conv.unread, conv.mentions, conv.read), (2, 1, 3));
        assert!(!conv.mark_read(Some(2)));
        assert_eq!((conv.unread, conv.read), (2, 3));
        assert!(conv.mark_read(None));
        assert_eq!((conv.unread, conv.mentions, conv.read), (0, 0, 5));
        assert!(!conv.mark_read(None));
        assert!(!conv.mark_read(Some(u64::MAX)), "the future cannot be read");
    }

    #[test]
    fn the_last_messages_are_kept_and_accounted_for() {
        let mut conv = conv();
        let grown: isize = (1..=60).map(|number| conv.keep(kept(number, false), 50)).sum();
        assert_eq!(grown, 50 * 6);
        assert_eq!(conv.kept.len(), 50);
        assert_eq!(conv.kept.front().map(|message| message.number), Some(11));
        assert_eq!(conv.unread, 60);
    }

    #[test]
    fn message_ids_sort_as_their_numbers_do() {
        let ids: Vec<String> = [1, 15, 16, 255, 1 << 40, u64::MAX].into_iter().map(message_id).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| message_number(id).map(message_id).as_ref() == Some(id)));
        assert_eq!(message_number("m1"), None);
        assert_eq!(message_number("mééééééée"), None);
        assert_eq!(message_number("m+00000000000001"), None);
    }
}
