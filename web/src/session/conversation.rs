//! A conversation as the hub keeps it: libpurple's part, the last messages, and what is unread; pure.

use super::crowd::GivenUp;
use super::kept::{Kept, Line};
use super::members::Members;
use super::references::References;
use super::replay::Recent;
use crate::store::Gap;
use crate::wire;
use bridge::model::Conversation;

/// Lines of the system that are kept of a conversation: they push out no message, and no message is kept for want of them.
const MOST_SYSTEM: usize = 20;

/// The text form of a message id: fixed width, so that it sorts as the number does.
pub(crate) fn message_id(number: u64) -> String {
    format!("m{number:016x}")
}

/// The number in a message id.
pub(crate) fn message_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix('m').filter(|digits| digits.len() == 16 && digits.is_ascii())?;
    u64::from_str_radix(digits, 16).ok()
}

/// A conversation.
#[derive(Debug)]
pub(crate) struct Conv {
    /// Without the members.
    pub(crate) base: Conversation,
    pub(crate) members: Option<Members>,
    /// Shown; a closed one is only kept for its messages.
    pub(crate) open: bool,
    pub(crate) unread: u32,
    pub(crate) mentions: u32,
    /// The last message seen.
    pub(crate) read: u64,
    pub(crate) kept: Kept,
    /// By what messages are recognised that come again.
    pub(crate) recent: Recent,
    /// References of its last messages, by which the network speaks of them.
    pub(crate) references: References,
    /// When it was opened, or something was said last.
    pub(crate) touched: u64,
    /// To be closed, for want of room.
    pub(crate) given_up: Option<GivenUp>,
    /// A room that the user was in before: what it replays of the time since then is news.
    pub(crate) visited: bool,
    /// Whether its lines are stored; `None`: as the user has it.
    pub(crate) keep: Option<bool>,
    /// For how many days, 0 for ever; `None`: as the user has it.
    pub(crate) days: Option<u32>,
    /// The last times of which messages may be missing.
    pub(crate) gaps: Vec<Gap>,
    /// Older messages than those that are kept were let go of.
    pub(crate) dropped: bool,
}

/// Gaps that a snapshot tells of.
const MOST_GAPS: usize = 8;

impl Conv {
    pub(crate) fn new(mut base: Conversation, now: u64) -> Self {
        let members = base.members.take().map(Members::of);
        Self {
            base,
            members,
            open: true,
            unread: 0,
            mentions: 0,
            read: 0,
            kept: Kept::default(),
            recent: Recent::default(),
            references: References::default(),
            touched: now,
            given_up: None,
            visited: false,
            keep: None,
            days: None,
            gaps: Vec::new(),
            dropped: false,
        }
    }

    /// Bytes that the members take.
    pub(crate) fn member_bytes(&self) -> usize {
        self.members.as_ref().map_or(0, Members::bytes)
    }

    /// Keeps a message, of which `counts` says whether it makes the conversation unread, among `most` and some lines of the system. Returns by how many bytes the kept ones grew or shrank.
    pub(crate) fn keep(&mut self, number: u64, counts: bool, message: &wire::Message, most: usize) -> isize {
        if counts {
            self.unread = self.unread.saturating_add(1);
            self.mentions = self.mentions.saturating_add(u32::from(message.highlight));
        }
        let before = self.kept.bytes();
        self.kept.push(number, counts, message);
        while self.kept.systems() > most.min(MOST_SYSTEM) {
            self.kept.drop_oldest_system();
        }
        // With a message go the system's lines before it.
        while self.kept.len() - self.kept.systems() > most {
            self.kept.drop_oldest();
            self.dropped = true;
        }
        self.kept.bytes().cast_signed() - before.cast_signed()
    }

    /// The user has seen everything up to a message, or everything. True when that is news.
    pub(crate) fn mark_read(&mut self, upto: Option<u64>) -> bool {
        let newest = self.kept.newest().unwrap_or(self.read);
        let read = upto.unwrap_or(newest).min(newest);
        if read <= self.read && !(upto.is_none() && self.unread > 0) {
            return false;
        }
        self.read = self.read.max(read);
        (self.unread, self.mentions) = (0, 0);
        for line in self.kept.lines().filter(|line| line.number > read && line.counts()) {
            self.unread += 1;
            self.mentions += u32::from(line.mentions());
        }
        true
    }

    /// The id of the last message seen.
    pub(crate) fn read_upto(&self) -> Option<String> {
        (self.read > 0).then(|| message_id(self.read))
    }

    /// Notes a time of which messages may be missing.
    pub(crate) fn note_gap(&mut self, gap: Gap) {
        self.gaps.retain(|known| (known.after, known.from) != (gap.after, gap.from));
        if self.gaps.len() >= MOST_GAPS {
            self.gaps.remove(0);
        }
        self.gaps.push(gap);
    }

    /// The gaps among the kept messages; `None` when there are none.
    pub(crate) fn wire_gaps(&self) -> Option<Vec<wire::Gap>> {
        let oldest = self.kept.oldest().unwrap_or(0);
        let shown = self.gaps.iter().filter(|gap| gap.after >= oldest || self.kept.is_empty());
        let next = |gap: &Gap| self.kept.lines().map(|line| line.number).find(|number| *number > gap.after);
        let gaps: Vec<_> = shown.map(|gap| super::stored::wire_gap(gap, next(gap))).collect();
        (!gaps.is_empty()).then_some(gaps)
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
            members: if whole { self.members.as_ref().map(|members| members.iter().cloned().collect()) } else { None },
            joined: base.joined,
            nick: base.nick.clone(),
            messages: whole.then(|| self.kept.lines().map(|line| Line::message(&line)).collect()),
            keep: self.keep,
            days: self.days,
            blocked: base.blocked,
            gaps: if whole { self.wire_gaps() } else { None },
            dropped: self.dropped,
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
            blocked: false,
        };
        Conv::new(base, 0)
    }

    fn keep(conv: &mut Conv, number: u64, highlight: bool) -> isize {
        let message = crate::session::tests::kept::message(number, highlight);
        conv.keep(number, true, &message, 50)
    }

    #[test]
    fn reading_moves_only_forward_and_counts_what_is_left() {
        let mut conv = conv();
        for number in 1..=5 {
            keep(&mut conv, number, number == 4);
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
        let grown: isize = (1..=60).map(|number| keep(&mut conv, number, false)).sum();
        assert_eq!(grown, conv.kept.bytes().cast_signed());
        assert_eq!((conv.kept.len(), conv.dropped), (50, true));
        assert_eq!(conv.kept.oldest(), Some(11));
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
