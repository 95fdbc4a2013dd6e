//! How large the fields of a command may be. Does not read what they mean (see `command_fields`); what a user may keep is the session's to bound.

use super::{Command, ErrorBody};
use serde_json::{Map, Value};

/// Bytes of a text, of which most are names.
const TEXT: usize = 4 << 10;
/// Bytes of a text in the answer to a form.
const ANSWER: usize = 64 << 10;
/// Bytes of a key: of a setting, of an account's option, of a room's field.
const KEY: usize = 256;
/// Entries of a list or an object.
const ENTRIES: usize = 1000;
/// Bytes of a number, a truth value and of what stands around each value.
const AROUND: usize = 8;

/// What texts and lists of one sort of command may be. Messages and settings have bounds of their own, which the configuration knows.
struct Bounds {
    text: usize,
    entries: usize,
}

impl Bounds {
    fn of(kind: &str) -> Self {
        match kind {
            "message.send" | "settings.set" => Self { text: usize::MAX, entries: usize::MAX },
            "request.answer" => Self { text: ANSWER, entries: ENTRIES },
            _ => Self { text: TEXT, entries: ENTRIES },
        }
    }

    fn walk(&self, value: &Value, path: &str) -> Result<usize, ErrorBody> {
        let too_many = |count: usize| match count > self.entries {
            true => Err(refused("too_long", format!("At most {} entries are taken here; these are {count}.", self.entries), path)),
            false => Ok(()),
        };
        match value {
            Value::String(text) if text.len() > self.text => {
                Err(refused("too_long", format!("At most {} bytes are taken here; these are {}.", self.text, text.len()), path))
            }
            Value::String(text) => Ok(AROUND + text.len()),
            Value::Array(list) => {
                too_many(list.len())?;
                list.iter().enumerate().try_fold(AROUND, |sum, (at, value)| Ok(sum + self.walk(value, &format!("{path}[{at}]"))?))
            }
            Value::Object(object) => {
                too_many(object.len())?;
                self.object(object, path)
            }
            _ => Ok(AROUND),
        }
    }

    fn object(&self, object: &Map<String, Value>, path: &str) -> Result<usize, ErrorBody> {
        object.iter().try_fold(AROUND, |sum, (key, value)| {
            if key.len() > KEY {
                return Err(refused("too_long", format!("A key has at most {KEY} bytes; this one has {}.", key.len()), path));
            }
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            Ok(sum + key.len() + self.walk(value, &inner)?)
        })
    }
}

fn refused(code: &str, message: String, path: &str) -> ErrorBody {
    ErrorBody { code: code.to_owned(), message, field: Some(path.to_owned()).filter(|path| !path.is_empty()), retry_ms: None }
}

impl Command {
    /// Bytes of a command's fields.
    ///
    /// # Errors
    /// `too_long` with the field's path: a text, a key or a list that is larger than any such command needs.
    pub(crate) fn bytes(kind: &str, object: &Map<String, Value>) -> Result<usize, ErrorBody> {
        Bounds::of(kind).object(object, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(kind: &str, object: Value) -> Result<usize, (String, Option<String>)> {
        let Value::Object(object) = object else { panic!("an object") };
        Command::bytes(kind, &object).map_err(|error| (error.code, error.field))
    }

    #[test]
    fn what_is_larger_than_any_command_needs_is_named() {
        let at = |field: &str| Err(("too_long".to_owned(), Some(field.to_owned())));
        let long = || "x".repeat(TEXT + 1);
        assert_eq!(bytes("account.alias", json!({ "alias": long() })), at("alias"));
        assert_eq!(bytes("account.add", json!({ "splits": { "parts": ["a", long()] } })), at("splits.parts[1]"));
        assert_eq!(bytes("account.add", json!({ "options": { (long()): 1 } })), at("options"));
        assert_eq!(bytes("privacy.set", json!({ "list": vec!["x"; ENTRIES + 1] })), at("list"));
        assert_eq!(bytes("request.answer", json!({ "values": { "a": "x".repeat(ANSWER + 1) } })), at("values.a"));
        assert_eq!(bytes("settings.set", json!({ "values": { (long()): 1 } })), at("values"));
        assert!(bytes("no.such", json!({ (long()): 1 })).is_err());
    }

    #[test]
    fn bytes_are_those_of_keys_texts_and_what_is_around() {
        assert_eq!(bytes("x", json!({ "ab": "cde", "f": [1, true] })), Ok(8 + 2 + 11 + 1 + 8 + 8 + 8));
        assert!(bytes("message.send", json!({ "text": "x".repeat(60_000) })).unwrap() > 60_000);
    }
}
