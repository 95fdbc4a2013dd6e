//! Checks the values of a protocol's options against what its plugin declares. Pure: calls no libpurple, knows no account.

use crate::error::CommandError;
use crate::model::{OptionType, ProtocolOption, Value};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Longest text of an option, in bytes: tokens may be long.
const LONGEST_TEXT: usize = 8192;
/// Every port that a server can have.
const PORTS: RangeInclusive<i64> = 1..=65_535;

/// Checks `given` against `declared`.
///
/// # Errors
/// `no_such_option` for a key that is not declared, `bad_option` for a value that makes no sense; `field` is the key.
pub fn check(declared: &[ProtocolOption], given: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    for (key, value) in given {
        let Some(option) = declared.iter().find(|option| option.key == *key) else {
            return Err(CommandError::new("no_such_option", format!("This network has no option `{key}`.")).at(key));
        };
        let fits = fits(option, value).and_then(|()| match value {
            Value::Text(text) => names_no_port(declared, option, text),
            _ => Ok(()),
        });
        fits.map_err(|message| CommandError::new("bad_option", message).at(key))?;
    }
    Ok(())
}

fn fits(option: &ProtocolOption, value: &Value) -> Result<(), String> {
    let label = &option.label;
    match (option.kind, value) {
        // A form may always be sent as it is shown.
        (OptionType::Int | OptionType::String, value) if *value == option.default => Ok(()),
        (OptionType::Bool, Value::Bool(_)) => Ok(()),
        (OptionType::Int, Value::Int(number)) => {
            let range = numbers(option);
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
            if !crate::text::is_one_line(text) {
                Err(format!("{label}: line breaks and control characters cannot be used."))
            } else if text.len() > LONGEST_TEXT {
                Err(format!("{label}: this is too long (at most {LONGEST_TEXT} bytes)."))
            } else if is_port(option) && !text.is_empty() && !text.parse().is_ok_and(|port: i64| PORTS.contains(&port)) {
                Err(format!("{label}: give a number from {} to {}, or nothing.", PORTS.start(), PORTS.end()))
            } else {
                Ok(())
            }
        }
        (OptionType::Bool, _) => Err(format!("{label}: give true or false.")),
        (OptionType::Int, _) => Err(format!("{label}: give a whole number.")),
        (OptionType::Choice | OptionType::String, _) => Err(format!("{label}: give a text.")),
    }
}

/// The numbers that make sense. Plugins take counts, sizes and seconds below zero as they are: IRC then never sends a line. One that means
/// something by them starts with one, or says so in its label.
fn numbers(option: &ProtocolOption) -> RangeInclusive<i64> {
    let means_less = matches!(option.default, Value::Int(default) if default < 0) || option.label.contains("-1");
    match is_port(option) {
        true => PORTS,
        false if means_less => i64::from(i32::MIN)..=i64::from(i32::MAX),
        false => 0..=i64::from(i32::MAX),
    }
}

/// Whether the option is a port, by a word of its key or its label: `port`, `server-port`, `localPort`, `Connect port`.
fn is_port(option: &ProtocolOption) -> bool {
    let is_number = match (option.kind, &option.default) {
        (OptionType::Int, _) => true,
        (OptionType::String, Value::Text(text)) => text.chars().all(|c| c.is_ascii_digit()),
        _ => false,
    };
    is_number && has_word(option, |word| word.strip_suffix('s').unwrap_or(word).ends_with("port") && !ENGLISH.contains(&word))
}

/// Words that end so and are no ports.
const ENGLISH: &[&str] = &["support", "supports", "transport", "transports", "report", "reports", "import", "export", "passport"];

fn has_word(option: &ProtocolOption, wanted: impl Fn(&str) -> bool) -> bool {
    let of = |text: &str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(&wanted);
    of(&option.key) || of(&option.label)
}

/// A server's name with a port behind it is no name, where the port is an option of its own: libpurple looks for a host of that name for ever.
fn names_no_port(declared: &[ProtocolOption], option: &ProtocolOption, text: &str) -> Result<(), String> {
    if !has_word(option, |word| word.ends_with("server") || word.ends_with("host")) {
        return Ok(());
    }
    without_port(declared, &option.label, text)
}

/// The same for a server that is part of a user name.
pub(crate) fn without_port(declared: &[ProtocolOption], label: &str, text: &str) -> Result<(), String> {
    let Some(port) = declared.iter().find(|option| option.kind == OptionType::Int && is_port(option)) else { return Ok(()) };
    let Some((host, number)) = text.trim().rsplit_once(':') else { return Ok(()) };
    // An IPv6 address has colons of its own.
    let one = !host.contains(':') || host.ends_with(']');
    if one && !number.is_empty() && number.trim_start_matches('-').chars().all(|c| c.is_ascii_digit()) {
        return Err(format!("{label}: give the port apart, as “{}”.", port.label));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Choice;

    /// An option as a plugin declares it, of the type of the value that it starts with.
    pub(crate) fn option(key: &str, label: &str, default: Value) -> ProtocolOption {
        let kind = match default {
            Value::Bool(_) => OptionType::Bool,
            Value::Int(_) => OptionType::Int,
            Value::Text(_) => OptionType::String,
            Value::List(_) => OptionType::Choice,
        };
        let choices = vec![Choice { value: "one".to_owned(), label: "One".to_owned() }];
        ProtocolOption { key: key.to_owned(), label: label.to_owned(), kind, default, masked: false, choices }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn says(declared: &[ProtocolOption], key: &str, value: Value) -> Result<(), (String, String)> {
        check(declared, &BTreeMap::from([(key.to_owned(), value)])).map_err(|error| (error.code, error.field.unwrap_or_default()))
    }

    #[test]
    fn options_are_typed() {
        let declared = [
            option("flag", "Flag", Value::Bool(false)),
            option("count", "Count", Value::Int(5)),
            option("most", "Most (-1 for all)", Value::Int(20)),
            option("offset", "Offset", Value::Int(-60)),
            option("text", "Text", text("")),
            option("pick", "Pick", Value::List(Vec::new())),
        ];
        let ok = [
            ("flag", Value::Bool(true)),
            ("count", Value::Int(0)),
            ("count", Value::Int(i64::from(i32::MAX))),
            ("most", Value::Int(-1)),
            ("offset", Value::Int(-5)),
            ("text", text("grüße")),
            ("text", text("host:5222")),
            ("pick", text("one")),
        ];
        for (key, value) in ok {
            assert_eq!(says(&declared, key, value.clone()), Ok(()), "{key}: {value:?}");
        }
        for (key, value) in [
            ("flag", text("true")),
            ("count", Value::Int(-1)),
            ("count", Value::Int(1 << 40)),
            ("count", text("5")),
            ("text", text("a\nb")),
            ("text", text(&"x".repeat(LONGEST_TEXT + 1))),
            ("text", Value::Bool(true)),
            ("pick", text("two")),
            ("pick", Value::List(vec!["one".to_owned()])),
        ] {
            assert_eq!(says(&declared, key, value.clone()), Err(("bad_option".to_owned(), key.to_owned())), "{value:?}");
        }
        assert_eq!(says(&declared, "other", Value::Bool(true)), Err(("no_such_option".to_owned(), "other".to_owned())));
    }

    #[test]
    fn a_port_is_a_port_whatever_it_is_called() {
        for (key, label) in [
            ("port", "x"),
            ("server-port", "x"),
            ("proxy_port", "x"),
            ("localPort", "x"),
            ("tlsport", "x"),
            ("p", "Connect port"),
            ("p", "Ports:"),
        ] {
            let declared = [option(key, label, Value::Int(5222))];
            for port in [1, 443, 65_535] {
                assert_eq!(says(&declared, key, Value::Int(port)), Ok(()), "{key} {label} {port}");
            }
            for port in [-1, 0, 65_536, 70_000, i64::from(i32::MAX)] {
                assert!(says(&declared, key, Value::Int(port)).is_err(), "{key} {label} {port}");
            }
        }
        // The plugin's own zero means that it finds the port itself.
        let automatic = [option("port", "Port", Value::Int(0))];
        assert_eq!((says(&automatic, "port", Value::Int(0)), says(&automatic, "port", Value::Int(-1)).is_err()), (Ok(()), true));
        // Some plugins have theirs as a text.
        let written = [option("port", "Port", text(""))];
        for (port, good) in [("", true), ("5061", true), ("0", false), ("70000", false), ("-1", false), ("sip", false)] {
            assert_eq!(says(&written, "port", text(port)).is_ok(), good, "{port}");
        }
        for (key, label) in [("transport", "x"), ("count", "Support requests"), ("report-interval", "x")] {
            assert_eq!(says(&[option(key, label, Value::Int(5))], key, Value::Int(70_000)), Ok(()), "{key} {label}");
        }
    }

    #[test]
    fn a_server_is_a_name_where_its_port_is_apart() {
        let server = || option("connect_server", "Connect server", text(""));
        let with = [server(), option("port", "Port", Value::Int(5222))];
        for good in ["", "xmpp.example.org", "127.0.0.1", "::1", "fe80::5222", "[::1]", "https://example.org/chat"] {
            assert_eq!(says(&with, "connect_server", text(good)), Ok(()), "{good}");
        }
        for bad in ["xmpp.example.org:5222", "127.0.0.1:70000", "example.org:-1", "[::1]:5222"] {
            assert!(says(&with, "connect_server", text(bad)).is_err(), "{bad}");
        }
        assert_eq!(says(&[server()], "connect_server", text("sip.example.org:5061")), Ok(()));
    }
}
