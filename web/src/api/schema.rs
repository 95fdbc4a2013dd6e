//! The published schema of everything that crosses the wire, made from the types themselves; it holds no schema of its own.

use crate::wire;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

macro_rules! types {
    ($generator:ident, $($name:literal: $kind:ty,)*) => {{
        let mut properties = Map::new();
        $(properties.insert($name.to_owned(), $generator.subschema_for::<$kind>().to_value());)*
        properties
    }};
}

/// JSON Schema 2020-12: one property for each body and answer, every type under `$defs` by its name.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let properties = types! { generator,
        "error": wire::ErrorBody,
        "site": wire::Site,
        "protocols": Vec<wire::Offered>,
        "login": wire::LoginRequest,
        "register": wire::RegisterRequest,
        "logged_in": wire::LoggedIn,
        "registered": wire::Registered,
        "recover": wire::RecoverRequest,
        "me": wire::Me,
        "me_password": wire::PasswordChange,
        "me_recovery": wire::Confirmed,
        "me_delete": wire::Confirmed,
        "recovery_code": wire::RecoveryCode,
        "me_sign_out": wire::SignOut,
        "attach": wire::Detach,
        "attached": wire::Attached,
        "poll": wire::PollAnswer,
        "event": wire::Event,
        "heartbeat": wire::Heartbeat,
        "stream_end": wire::StreamEnd,
        "commands": wire::Commands,
        "command": wire::Command,
        "commanded": wire::Commanded,
        "detach": wire::Detach,
        "history": wire::History,
        "search": wire::SearchAnswer,
        "discovered": wire::Discovered,
        "uploaded": wire::Uploaded,
        "health": wire::Health,
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wire",
        "description": "What crosses between browser and daemon.",
        "type": "object",
        "properties": properties,
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_defined() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, inner)| match (key.as_str(), inner) {
                    ("$ref", Value::String(target)) => found.push(target),
                    _ => references(inner, found),
                }),
                Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50, "{}", found.len());
        for target in found {
            let name = target.strip_prefix("#/$defs/").unwrap_or_else(|| panic!("{target}"));
            assert!(document["$defs"].get(name).is_some(), "{name} is not defined");
        }
        for name in ["Snapshot", "Account", "Buddy", "Conversation", "Message", "Span", "Event", "Command", "PollAnswer", "Attached"] {
            assert!(document["$defs"].get(name).is_some(), "{name} is missing");
        }
    }
}
