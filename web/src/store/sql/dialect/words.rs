//! Holds what SQLite's full-text index is told: FTS5 is the index by conversation there, and must hear of every message that comes and goes. Other
//! databases keep theirs by themselves.

use super::super::link::Arg;
use super::{Dialect, places};
use bridge::id::{ConversationId, UserId};
use sha2::{Digest, Sha256};

impl Dialect {
    /// Whether the index of messages has to be told of each of them.
    pub(in crate::store::sql) fn index_is_told(self) -> bool {
        self == Self::Sqlite
    }

    /// Tells the index of so many messages that it does not know: their numbers and words ([`token`]).
    pub(in crate::store::sql) fn index_in(self, messages: usize) -> Option<String> {
        self.index_is_told().then(|| format!("insert into fts(rowid,t) values {}", places(2, messages)))
    }

    /// Tells the index that so many messages go: for each of them [`GOES`], its number, and exactly the word that it was given.
    pub(in crate::store::sql) fn index_out(self, messages: usize) -> Option<String> {
        self.index_is_told().then(|| format!("insert into fts(fts,rowid,t) values {}", places(3, messages)))
    }

    /// Empties the index.
    pub(in crate::store::sql) fn index_nothing(self) -> Option<&'static str> {
        self.index_is_told().then_some("insert into fts(fts) values('delete-all')")
    }

    /// Counts the messages that the index finds by the word of their conversation: its words with `c`.
    pub(in crate::store::sql) fn count_indexed(self) -> Option<&'static str> {
        self.index_is_told().then_some("select count(*) from fts where fts match 'c*'")
    }
}

/// The first parameter of [`Dialect::index_out`] for each message: FTS5's command that takes a row out.
pub(in crate::store::sql) const GOES: &str = "delete";

/// The words by which FTS5 finds a conversation, in quotation marks.
pub(super) struct Phrase(String);

impl From<Phrase> for Arg<'static> {
    fn from(phrase: Phrase) -> Self {
        Self::Text(Some(phrase.0.into()))
    }
}

pub(super) fn phrase(owner: UserId, conversation: ConversationId) -> Phrase {
    Phrase(format!("\"{}\"", token(owner, conversation)))
}

/// The word of a user's conversation in the full-text index: `c` and 64 bits of the SHA-256 of both ids, to the base of 36.
pub(in crate::store::sql) fn token(owner: UserId, conversation: ConversationId) -> String {
    let mut hash = Sha256::new();
    hash.update(owner.0.to_be_bytes());
    hash.update(conversation.0.to_be_bytes());
    word(hash.finalize().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

fn word(mut rest: u64) -> String {
    let mut digits = Vec::with_capacity(14);
    loop {
        digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or_default(), 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.push('c');
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_of_a_users_conversation() {
        assert_eq!([word(0), word(35), word(36), word(u64::MAX)], ["c0", "cz", "c10", "c3w5e11264sgsf"]);
        let of = |owner, id| token(UserId(owner), ConversationId(id));
        assert_eq!(of(1, 2), of(1, 2));
        assert!(of(1, 2) != of(2, 1) && of(1, 2) != of(1, 3) && of(1, 2) != of(3, 2));
        assert!(of(1, 2).len() <= 14 && of(1, 2).starts_with('c'));
    }
}
