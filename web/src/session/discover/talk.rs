//! Finds a user's own rooms in which the words of a search were said lately, by the messages that the session holds. Stored messages are looked at in
//! `past`.

use super::rank::Query;
use crate::session::state::State;
use bridge::id::ConversationId;
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use std::collections::BTreeMap;

/// The time that counts as lately: milliseconds.
pub(super) const LATELY: i64 = 24 * 3_600_000;
/// Bytes of messages that are looked at, of a user's rooms together, and of one message.
const MOST_BYTES: usize = 2 << 20;
const A_MESSAGE: usize = 4 << 10;

/// The messages of a room with all words of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Talk {
    /// Messages of the last 24 hours with all words.
    pub(super) hits: u32,
    /// The time of the last message with all words.
    pub(super) last: Timestamp,
}

impl Talk {
    /// Takes a message in. `now`: by the wall's clock.
    pub(super) fn take(known: &mut Option<Self>, time: Timestamp, now: Timestamp) {
        let talk = known.get_or_insert(Self { hits: 0, last: time });
        talk.hits += u32::from(now.0.saturating_sub(time.0) <= LATELY);
        talk.last = talk.last.max(time);
    }

    /// The same room's talk by memory and by the store, each of which may have messages that the other has not.
    pub(super) fn merge(self, other: Self) -> Self {
        Self { hits: self.hits.max(other.hits), last: self.last.max(other.last) }
    }
}

/// The user's rooms in which all words were said in one message, by somebody or by the user: those messages that the session holds. Lines of the
/// system do not count.
pub(super) fn talked_about(state: &State, query: &Query, now: Timestamp) -> BTreeMap<ConversationId, Talk> {
    let mut room = MOST_BYTES;
    let mut found = BTreeMap::new();
    for (id, conv) in state.conversations.iter().filter(|(_, conv)| conv.base.kind == ConversationKind::Room) {
        let mut talk: Option<Talk> = None;
        for line in conv.kept.lines().filter(|line| !line.is_system()) {
            let text = line.text();
            let text = text.get(..text.floor_char_boundary(A_MESSAGE)).unwrap_or(&text);
            if text.len() > room {
                return found;
            }
            room -= text.len();
            if query.is_said(text) {
                Talk::take(&mut talk, line.time, now);
            }
        }
        found.extend(talk.map(|talk| (*id, talk)));
    }
    found
}
