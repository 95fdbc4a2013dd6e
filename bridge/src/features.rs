//! What a protocol can do, as a set of names that takes four bytes: every account carries one; it asks no plugin.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// All names, in the order in which they are told.
const NAMES: [&str; 22] = [
    "im",
    "rooms",
    "room_list",
    "room_topic",
    "room_nick",
    "room_invite",
    "typing",
    "files",
    "icons",
    "block",
    "info",
    "alias",
    "attention",
    "password",
    "register",
    "html",
    "invisible",
    "offline_messages",
    "invite_message",
    "menu",
    "lines",
    "uploads",
];

/// A set of features; on the wire a list of their names.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Features(u32);

impl Features {
    /// Whether it is in the set.
    pub fn has(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Both sets together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().enumerate().filter(move |(at, _)| self.0 & 1 << at != 0).map(|(_, name)| name)
    }
}

/// Names that nobody knows are left out.
impl<'a> FromIterator<&'a str> for Features {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        let place = |name| NAMES.iter().position(|known| *known == name);
        Self(names.into_iter().filter_map(place).fold(0, |set, at| set | 1 << at))
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length in front: not every encoding writes lists without.
        serializer.collect_seq(self.names().collect::<Vec<_>>())
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Cow<'de, str>>::deserialize(deserializer)?;
        Ok(names.iter().map(AsRef::as_ref).collect())
    }
}

impl JsonSchema for Features {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Features".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<String>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_in_and_come_out() {
        for name in NAMES {
            let one: Features = [name, "nonsense"].into_iter().collect();
            assert!(one.has(name) && !one.has("nonsense"));
            assert_eq!(one.names().collect::<Vec<_>>(), [name]);
        }
        let both = ["html"].into_iter().collect::<Features>().and(["im", "html"].into_iter().collect());
        assert_eq!(both.names().collect::<Vec<_>>(), ["im", "html"]);
        let some: Features = ["menu", "im"].into_iter().collect();
        let written = rmp_serde::to_vec(&some).unwrap();
        assert_eq!(written, rmp_serde::to_vec(&["im", "menu"]).unwrap());
        assert_eq!(rmp_serde::from_slice::<Features>(&written).unwrap(), some);
    }
}
