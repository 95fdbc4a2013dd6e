//! References of the last messages of a conversation, by which the network can speak of one later. Pure; keyed hashes, and no message.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Messages of a conversation that are remembered.
const MOST: usize = 32;

/// Names of messages, oldest first. None take no room.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "few conversations have any, and the empty ones are to be small")]
pub(crate) struct References(Option<Box<VecDeque<(u64, u64)>>>);

fn hash(reference: &str) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEY.hash_one(reference)
}

impl References {
    /// The message with this number is called so, and no other.
    pub(crate) fn note(&mut self, reference: &str, number: u64) {
        let all = self.0.get_or_insert_default();
        let name = hash(reference);
        all.retain(|(known, _)| *known != name);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((name, number));
    }

    /// The number of the message that is called so.
    pub(crate) fn find(&self, reference: &str) -> Option<u64> {
        let name = hash(reference);
        self.0.as_ref()?.iter().rev().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_known_and_a_name_is_of_one() {
        let mut all = References::default();
        assert_eq!(all.find("a"), None);
        for number in 0..MOST as u64 + 1 {
            all.note(&format!("n{number}"), number);
        }
        assert_eq!((all.find("n0"), all.find("n1"), all.find("n32")), (None, Some(1), Some(32)));
        all.note("n1", 77);
        assert_eq!(all.find("n1"), Some(77));
    }
}
