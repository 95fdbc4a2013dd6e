//! What a user may put into the form of a protocol; pure, no libpurple.

use crate::command::Username;
use crate::error::CommandError;
use crate::model::{OptionType, ProtocolOption, UsernameForm, Value};
use crate::text::is_one_line;
use std::collections::BTreeMap;

/// Longest user name, in bytes: libpurple's own buffer for a normalised one is 2048.
const LONGEST_NAME: usize = 1000;
/// Longest text of an option, in bytes: tokens may be long.
const LONGEST_TEXT: usize = 8192;

/// Settings against what is declared.
pub(super) fn options(declared: &[ProtocolOption], given: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    for (key, value) in given {
        let Some(option) = declared.iter().find(|option| option.key == *key) else {
            return Err(CommandError::new("no_such_option", format!("This network has no option `{key}`.")).at(key));
        };
        option_value(option, value).map_err(|message| CommandError::new("bad_option", message).at(key))?;
    }
    Ok(())
}

fn option_value(option: &ProtocolOption, value: &Value) -> Result<(), String> {
    let label = &option.label;
    match (option.kind, value) {
        (OptionType::Bool, Value::Bool(_)) => Ok(()),
        (OptionType::Int, Value::Int(number)) => {
            let is_port = option.key == "port" || option.key.ends_with("_port") || option.key.ends_with("-port");
            let range = if is_port { 0..=65_535 } else { i64::from(i32::MIN)..=i64::from(i32::MAX) };
            if range.contains(number) { Ok(()) } else { Err(format!("{label}: give a number from {} to {}.", range.start(), range.end())) }
        }
        (OptionType::Choice, Value::Text(text)) => {
            if option.choices.iter().any(|choice| choice.value == *text) {
                Ok(())
            } else {
                Err(format!("{label}: take one of the choices."))
            }
        }
        (OptionType::String, Value::Text(text)) => {
            if !is_one_line(text) {
                Err(format!("{label}: line breaks and control characters cannot be used."))
            } else if text.len() > LONGEST_TEXT {
                Err(format!("{label}: this is too long (at most {LONGEST_TEXT} bytes)."))
            } else {
                Ok(())
            }
        }
        (OptionType::Bool, _) => Err(format!("{label}: give true or false.")),
        (OptionType::Int, _) => Err(format!("{label}: give a whole number.")),
        (OptionType::Choice | OptionType::String, _) => Err(format!("{label}: give a text.")),
    }
}

/// The whole user name.
pub(super) fn username(form: &UsernameForm, given: &Username) -> Result<String, CommandError> {
    let bad = |message: String| CommandError::new("bad_username", message).at("username");
    let clean = |text: &str, label: &str| {
        if !is_one_line(text) {
            return Err(bad(format!("{label}: control characters cannot be used.")));
        }
        Ok(text.trim().to_owned())
    };
    let (mut whole, parts) = match given {
        Username::Whole(name) => (clean(name, &form.label)?, None),
        Username::Parts { user, parts } => (clean(user, &form.label)?, Some(parts)),
    };
    if whole.is_empty() {
        return Err(bad(format!("{} is missing.", form.label)));
    }
    if parts.is_some_and(|parts| parts.len() > form.splits.len()) {
        return Err(bad("There are more parts than this network's user names have.".to_owned()));
    }
    // Optional parts that are empty are not written while nothing follows them: `ines@example.org`, not `ines@example.org/`.
    let mut held_back = String::new();
    for (index, split) in form.splits.iter().enumerate() {
        let typed = parts.and_then(|parts| parts.get(index)).map(String::as_str).unwrap_or_default();
        let typed = clean(typed, &split.label)?;
        if whole.contains(&split.separator) && typed.is_empty() {
            // The name was typed whole, this part included.
            continue;
        }
        // A separator that comes again later (a nick with `@`) is told apart by libpurple from the end; one inside a part never is.
        if form.splits.iter().any(|other| typed.contains(&other.separator) && other.separator == "@") {
            return Err(bad(format!("{} cannot contain `@`.", split.label)));
        }
        if split.separator == "@" && !typed.is_empty() && whole.contains('@') {
            return Err(bad(format!("{} cannot contain `@` when {} is given apart.", form.label, split.label)));
        }
        let value = if typed.is_empty() { split.default.trim().to_owned() } else { typed };
        if value.is_empty() && split.separator == "@" {
            return Err(bad(format!("{} is missing.", split.label)));
        }
        held_back.push_str(&split.separator);
        if !value.is_empty() {
            whole.push_str(&held_back);
            whole.push_str(&value);
            held_back.clear();
        }
    }
    if whole.len() > LONGEST_NAME {
        return Err(bad(format!("This is too long (at most {LONGEST_NAME} bytes).")));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Choice, Split};

    fn form(splits: &[(&str, &str)]) -> UsernameForm {
        let splits = splits.iter().map(|(separator, default)| Split {
            label: "Part".to_owned(),
            default: (*default).to_owned(),
            separator: (*separator).to_owned(),
        });
        UsernameForm { label: "Username".to_owned(), splits: splits.collect() }
    }

    fn parts(user: &str, parts: &[&str]) -> Username {
        Username::Parts { user: user.to_owned(), parts: parts.iter().map(|part| (*part).to_owned()).collect() }
    }

    #[test]
    fn names_are_joined_with_defaults() {
        let (xmpp, irc, sip) = (form(&[("@", ""), ("/", "")]), form(&[("@", "irc.example.org")]), form(&[(",", "")]));
        for (form, given, whole) in [
            (&xmpp, parts("ines", &["example.org"]), "ines@example.org"),
            (&xmpp, parts(" ines ", &["example.org", "desk"]), "ines@example.org/desk"),
            (&xmpp, Username::Whole("ines@example.org/desk".to_owned()), "ines@example.org/desk"),
            (&xmpp, parts("ines@example.org", &[]), "ines@example.org"),
            (&irc, parts("ines", &[]), "ines@irc.example.org"),
            (&irc, parts("ines", &["chat.example.net"]), "ines@chat.example.net"),
            (&irc, Username::Whole("ines".to_owned()), "ines@irc.example.org"),
            (&sip, parts("ines@example.org", &[]), "ines@example.org"),
            (&sip, parts("ines@example.org", &["login"]), "ines@example.org,login"),
            (&form(&[]), Username::Whole("12345".to_owned()), "12345"),
        ] {
            assert_eq!(username(form, &given).as_deref(), Ok(whole), "{given:?}");
        }
    }

    #[test]
    fn unusable_names_are_refused() {
        let xmpp = form(&[("@", ""), ("/", "")]);
        for given in [
            parts("", &["example.org"]),
            parts("ines", &[]),
            parts("ines", &[""]),
            parts("ines@example.org", &["example.net"]),
            parts("ines", &["exa@mple.org"]),
            parts("ines", &["a", "b", "c"]),
            parts("ines\r\nQUIT", &["example.org"]),
            parts("ines", &["example.org\0"]),
            Username::Whole("  ".to_owned()),
            Username::Whole("ines".to_owned()),
            Username::Whole(format!("{}@example.org", "i".repeat(LONGEST_NAME))),
        ] {
            let error = username(&xmpp, &given).unwrap_err();
            assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_username", Some("username")), "{given:?}");
        }
    }

    #[test]
    fn options_are_typed() {
        let option = |key: &str, kind| ProtocolOption {
            key: key.to_owned(),
            label: key.to_owned(),
            kind,
            default: Value::Bool(false),
            masked: false,
            choices: vec![Choice { value: "one".to_owned(), label: "One".to_owned() }],
        };
        let declared = [
            option("flag", OptionType::Bool),
            option("port", OptionType::Int),
            option("count", OptionType::Int),
            option("text", OptionType::String),
            option("pick", OptionType::Choice),
        ];
        let text = |text: &str| Value::Text(text.to_owned());
        let ok = [
            ("flag", Value::Bool(true)),
            ("port", Value::Int(443)),
            ("count", Value::Int(-5)),
            ("text", text("grüße")),
            ("pick", text("one")),
        ];
        for (key, value) in ok {
            assert_eq!(options(&declared, &BTreeMap::from([(key.to_owned(), value)])), Ok(()), "{key}");
        }
        for (key, value) in [
            ("flag", text("true")),
            ("port", Value::Int(65_536)),
            ("port", Value::Int(-1)),
            ("count", Value::Int(1 << 40)),
            ("count", text("5")),
            ("text", text("a\nb")),
            ("text", text(&"x".repeat(LONGEST_TEXT + 1))),
            ("text", Value::Bool(true)),
            ("pick", text("two")),
            ("pick", Value::List(vec!["one".to_owned()])),
            ("other", Value::Bool(true)),
        ] {
            let error = options(&declared, &BTreeMap::from([(key.to_owned(), value.clone())])).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(key), "{value:?}");
        }
    }
}
