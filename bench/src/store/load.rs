//! Messages as people write them: many of few, few of many, a fifth of them Chinese. Always the same ones.

use web::store::{ConversationRow, StoredMessage, Write};

use bridge::id::{AccountId, BuddyId, ConversationId, ConversationKind, UserId};
use bridge::time::Timestamp;

/// Users, and conversations of each.
pub(crate) const USERS: usize = 1000;
const TALKS: usize = 10;
/// Between two messages of a site, in milliseconds: ten million are a year then.
const EVERY: u64 = 3000;
const FIRST: u64 = 1_700_000_000_000;
const WORDS: &[&str] =
    &["hello", "the", "meeting", "is", "moved", "to", "next", "week", "see", "you", "there", "thanks", "and", "please", "bring", "it"];

/// Where the next message goes is chosen by chance, with more for the first.
pub(crate) struct Load {
    state: u64,
    shares: Vec<f64>,
    next: u64,
}

impl Load {
    pub(crate) fn new(next: u64) -> Self {
        let mut sum = 0.0;
        let shares = (1..=USERS).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { state: 0x2545_f491_4f6c_dd1d ^ next, shares: shares.collect(), next }
    }

    pub(crate) fn chance(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn share(&mut self) -> f64 {
        (self.chance() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A user, the first ones more often.
    pub(crate) fn user(&mut self) -> usize {
        let at = self.share() * self.shares.last().copied().unwrap_or(1.0);
        self.shares.partition_point(|sum| *sum < at).min(USERS - 1)
    }

    /// A user's conversation, the first ones more often.
    pub(crate) fn talk(&mut self) -> usize {
        let share = self.share();
        ((share * share * TALKS as f64) as usize).min(TALKS - 1)
    }

    /// Chinese characters.
    pub(crate) fn chinese(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from_u32(0x4e00 + (self.chance() % 3000) as u32).unwrap_or('一')).collect()
    }

    pub(crate) fn message(&mut self) -> Write {
        let (user, talk) = (self.user(), self.talk());
        let number = number(self.next);
        self.next += 1;
        let chance = self.chance();
        let text = if chance.is_multiple_of(5) {
            self.chinese(18)
        } else {
            let words: Vec<&str> = (0..10).filter_map(|_| WORDS.get((self.chance() % WORDS.len() as u64) as usize).copied()).collect();
            format!("{} {}", words.join(" "), rare(self.chance()))
        };
        Write::Message(StoredMessage {
            user: user_id(user),
            conversation: talk_id(user, talk),
            number,
            time: Timestamp((number >> 16).cast_signed() - (chance % 500).cast_signed()),
            flags: StoredMessage::COUNTS,
            author: format!("somebody{talk}@example.org"),
            alias: None,
            buddy: Some(BuddyId(talk_id(user, talk).0 ^ 0xff)),
            text,
            spans: None,
            server_id: None,
        })
    }
}

/// A rare word: one of 20 000.
pub(crate) fn rare(chance: u64) -> String {
    format!("x{}", chance % 20_000)
}

/// The number of the message of this place.
pub(crate) fn number(place: u64) -> u64 {
    (FIRST + place * EVERY) << 16 | place & 0xff
}

pub(crate) fn user_id(user: usize) -> UserId {
    UserId((user as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub(crate) fn talk_id(user: usize, talk: usize) -> ConversationId {
    ConversationId(((user * TALKS + talk) as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

/// All conversations.
pub(crate) fn talks() -> Vec<Write> {
    let all = (0..USERS).flat_map(|user| (0..TALKS).map(move |talk| (user, talk)));
    let row = |(user, talk)| ConversationRow {
        user: user_id(user),
        id: talk_id(user, talk),
        account: AccountId(1),
        kind: ConversationKind::Im,
        name: format!("somebody{talk}@example.org"),
        title: format!("Somebody {talk}"),
        open: true,
        read: 0,
        keep: None,
        days: None,
    };
    all.map(|place| Write::Conversation(row(place))).collect()
}
