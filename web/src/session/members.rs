//! The people of a room: a change of one costs the same however many there are, or nearly. How many bytes all rooms may take is `bounds.rs`'s.

use super::bounds::member_bytes;
use bridge::model::Member;
use serde::{Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A member, whose name is its key.
#[derive(Debug)]
struct ByName(Member);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.cmp(&other.0.name)
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

/// All of one room.
#[derive(Debug, Default)]
pub(crate) struct Members {
    all: BTreeSet<ByName>,
    bytes: usize,
}

impl Members {
    pub(crate) fn of(all: Vec<Member>) -> Self {
        let mut members = Self::default();
        for member in all {
            members.put(&member, usize::MAX);
        }
        members
    }

    /// Bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// In the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.all.iter().map(|member| &member.0)
    }

    /// Adds one, in the place of who has the name; unless all would take more than `most` bytes then.
    pub(crate) fn put(&mut self, member: &Member, most: usize) -> bool {
        let before = self.all.get(member.name.as_str()).map_or(0, |known| member_bytes(&known.0));
        let after = (self.bytes - before).saturating_add(member_bytes(member));
        let fits = after <= most;
        if fits {
            self.all.replace(ByName(member.clone()));
            self.bytes = after;
        }
        fits
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(gone) = self.all.take(name) {
            self.bytes -= member_bytes(&gone.0);
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn member(name: &str, alias: Option<&str>) -> Member {
        Member { name: name.into(), alias: alias.map(Into::into), buddy: None, flags: Vec::new() }
    }

    #[test]
    fn bytes_are_those_of_who_is_there() {
        let mut members = Members::of(vec![member("ida", None), member("jon", Some("Jon")), member("ida", Some("Ida"))]);
        let all = |members: &Members| members.iter().map(member_bytes).sum::<usize>();
        assert_eq!((members.iter().count(), members.bytes()), (2, all(&members)));
        // There is no room for a longer one; the one before stays.
        let most = members.bytes();
        assert!(!members.put(&member("ida", Some("Ida the second")), most) && !members.put(&member("kim", None), most));
        assert_eq!(serde_json::to_value(&members).unwrap()[0]["alias"], "Ida");
        members.remove("jon");
        members.remove("nobody");
        assert_eq!((members.iter().count(), members.bytes()), (1, all(&members)));
    }

    #[test]
    fn who_comes_walks_past_nobody() {
        // A walk for each takes minutes here, in an optimised build as well.
        let begun = Instant::now();
        let mut members = Members::default();
        (0..200_000).for_each(|n| assert!(members.put(&member(&format!("n{n}"), None), usize::MAX)));
        (0..200_000).for_each(|n| members.remove(&format!("n{n}")));
        assert!(members.bytes() == 0 && begun.elapsed().as_secs() < 60);
    }
}
