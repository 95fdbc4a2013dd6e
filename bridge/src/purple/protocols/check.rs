//! Joins and checks a user name as the form of its protocol has it. Pure: calls no libpurple. Options are checked by [`crate::options`].

use crate::command::Username;
use crate::error::CommandError;
use crate::model::{ProtocolOption, Split, UsernameForm};
use crate::options::without_port;
use crate::text::is_one_line;

/// Longest user name, in bytes: libpurple's own buffer for a normalised one is 2048.
const LONGEST_NAME: usize = 1000;

/// The whole user name. `options` tell whether the server's port is given apart.
pub(super) fn username(form: &UsernameForm, options: &[ProtocolOption], given: &Username) -> Result<String, CommandError> {
    let bad = |message: String| CommandError::new("bad_username", message).at("username");
    let clean = |text: &str, label: &str| {
        if !is_one_line(text) {
            return Err(bad(format!("{label}: control characters cannot be used.")));
        }
        Ok(text.trim().to_owned())
    };
    let names_no_port = |split: &Split, part: &str| match split.separator.as_str() {
        "@" => without_port(options, &split.label, part).map_err(bad),
        _ => Ok(()),
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
            let after = whole.rsplit_once(&split.separator).map_or("", |(_, after)| after);
            let next = form.splits.get(index + 1).and_then(|next| after.split(&next.separator).next());
            names_no_port(split, next.unwrap_or(after))?;
            continue;
        }
        names_no_port(split, &typed)?;
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
    use crate::model::{OptionType, Value};

    fn form(splits: &[(&str, &str)]) -> UsernameForm {
        let splits = splits.iter().map(|(separator, default)| Split {
            label: "Part".to_owned(),
            default: (*default).to_owned(),
            separator: (*separator).to_owned(),
        });
        UsernameForm { label: "Username".to_owned(), splits: splits.collect() }
    }

    fn port() -> [ProtocolOption; 1] {
        let (key, label) = ("port".to_owned(), "Port".to_owned());
        [ProtocolOption { key, label, kind: OptionType::Int, default: Value::Int(5222), masked: false, choices: Vec::new() }]
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
            assert_eq!(username(form, &port(), &given).as_deref(), Ok(whole), "{given:?}");
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
            parts("ines", &["example.org:5222"]),
            Username::Whole("ines@example.org:70000".to_owned()),
            Username::Whole("ines@example.org:-1/desk".to_owned()),
            Username::Whole("  ".to_owned()),
            Username::Whole("ines".to_owned()),
            Username::Whole(format!("{}@example.org", "i".repeat(LONGEST_NAME))),
        ] {
            let error = username(&xmpp, &port(), &given).unwrap_err();
            assert_eq!((error.code.as_str(), error.field.as_deref()), ("bad_username", Some("username")), "{given:?}");
        }
    }
}
