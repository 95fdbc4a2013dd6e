//! Which server an account's connection goes to, as far as its settings tell without knowledge of its protocol. Resolves no name.

use bridge::command::{AccountSettings, Username};
use bridge::model::{OptionType, Protocol, ProtocolOption, Split, Value};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Parts of the keys of options that lead a connection elsewhere, and of the labels of such parts of user names.
const HOST_LIKE: &[&str] = &["server", "host", "url", "proxy", "domain"];
/// Bytes of a name. No host name is longer.
const LONGEST: usize = 255;

/// A server in tables: a hash of its name that is this process's own, so that nobody can look for a name that has another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServerKey(pub(super) u64);

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) key: ServerKey,
    /// Host and port as the user gave them; where nobody can choose, the protocol.
    pub(crate) name: String,
    /// The user chose it.
    pub(crate) chosen: bool,
}

/// The server of an account with these settings.
pub(crate) fn of(protocol: Option<&Protocol>, settings: &AccountSettings) -> Server {
    static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let place = protocol.and_then(|protocol| place(protocol, settings));
    let key = ServerKey(HASH.hash_one((&settings.protocol, &place)));
    let chosen = place.is_some();
    let name = place.unwrap_or_else(|| format!("of {}", protocol.map_or(&settings.protocol, |protocol| &protocol.name)));
    Server { key, name, chosen }
}

fn place(protocol: &Protocol, settings: &AccountSettings) -> Option<String> {
    // What a plugin stored under the same name wins in libpurple.
    let value = |option: &ProtocolOption| {
        let set = settings.stored.get(&option.key).or_else(|| settings.options.get(&option.key));
        set.unwrap_or(&option.default).clone()
    };
    let leads = |option: &&ProtocolOption| matches!(option.kind, OptionType::String | OptionType::Choice) && is_host_like(&option.key);
    let mut chosen = protocol.options.iter().filter(leads).peekable();
    let choice = chosen.peek().is_some();
    let given: Vec<String> =
        chosen.filter_map(|option| if let Value::Text(text) = value(option) { Some(tidy(&text)) } else { None }).collect();
    let given: Vec<String> = given.into_iter().filter(|text| !text.is_empty()).collect();
    let host = if given.is_empty() { in_name(&protocol.username.splits, choice, &settings.username)? } else { given.join(",") };
    let port = protocol.options.iter().find(|option| option.key == "port").map(value);
    let mut place = match port {
        Some(Value::Int(port)) => format!("{host}:{port}"),
        _ => host,
    };
    place.truncate(place.floor_char_boundary(LONGEST));
    Some(place)
}

fn is_host_like(text: &str) -> bool {
    let text = text.to_lowercase();
    HOST_LIKE.iter().any(|part| text.contains(part))
}

fn tidy(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    text.trim_end_matches('.').to_owned()
}

/// The server in a user name; `None`: there is none to choose. `choice`: another setting names one when it is given.
fn in_name(splits: &[Split], choice: bool, username: &Username) -> Option<String> {
    let part = |at: usize| {
        let split = splits.get(at)?;
        let part = match username {
            Username::Whole(whole) => cut(whole, splits.get(at..).unwrap_or_default()),
            Username::Parts { parts, .. } => parts.get(at).map_or("", String::as_str),
        };
        Some(tidy(if part.is_empty() { &split.default } else { part }))
    };
    let named = |split: &Split| split.separator == "@" || is_host_like(&split.label);
    if let Some(at) = splits.iter().position(named) {
        return part(at);
    }
    // No part says that it is the server: any may be.
    let user = match username {
        Username::Whole(whole) => {
            splits.first().and_then(|split| whole.split_once(&split.separator)).map_or(whole.as_str(), |(user, _)| user)
        }
        Username::Parts { user, .. } => user,
    };
    let domain = user.split_once('@').filter(|_| choice || !splits.is_empty()).map(|(_, domain)| tidy(domain));
    let all: Vec<String> = domain.into_iter().chain((0..splits.len()).filter_map(part)).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// What of a whole name is the part of the first of these splits.
fn cut<'a>(whole: &'a str, splits: &[Split]) -> &'a str {
    let Some((split, later)) = splits.split_first() else { return "" };
    let Some((_, after)) = whole.split_once(&split.separator) else { return "" };
    let end = later.iter().filter_map(|split| after.find(&split.separator)).min();
    end.and_then(|end| after.get(..end)).unwrap_or(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::features::Features;
    use bridge::model::{PasswordNeed, UsernameForm};

    fn split(label: &str, separator: &str, default: &str) -> Split {
        Split { label: label.to_owned(), default: default.to_owned(), separator: separator.to_owned() }
    }

    fn option(key: &str, default: Value) -> ProtocolOption {
        let kind = if matches!(default, Value::Int(_)) { OptionType::Int } else { OptionType::String };
        ProtocolOption { key: key.to_owned(), label: String::new(), kind, default, masked: false, choices: Vec::new() }
    }

    fn protocol(splits: Vec<Split>, options: Vec<ProtocolOption>) -> Protocol {
        Protocol {
            id: "prpl-x".to_owned(),
            name: "X".to_owned(),
            icon: String::new(),
            username: UsernameForm { label: String::new(), splits },
            password: PasswordNeed::None,
            options,
            room_fields: Vec::new(),
            statuses: Vec::new(),
            features: Features::default(),
            icon_spec: None,
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// As XMPP has it.
    fn jabber() -> Protocol {
        let options = vec![option("port", Value::Int(5222)), option("connect_server", text("")), option("ft_proxies", text("proxy.here"))];
        protocol(vec![split("Domain", "@", "here.example"), split("Resource", "/", "")], options)
    }

    fn settings(username: Username, options: &[(&str, Value)]) -> AccountSettings {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        AccountSettings { protocol: "prpl-x".to_owned(), username, options, ..crate::fleet::ledger::tests::settings() }
    }

    fn name(protocol: &Protocol, username: &str, options: &[(&str, Value)]) -> String {
        of(Some(protocol), &settings(Username::Whole(username.to_owned()), options)).name
    }

    #[test]
    fn what_leads_elsewhere_wins_and_the_domain_alone_is_no_server() {
        let jabber = jabber();
        assert_eq!(name(&jabber, "Ines@Example.org./phone", &[]), "example.org:5222");
        assert_eq!(name(&jabber, "ines@example.org", &[("port", Value::Int(443))]), "example.org:443");
        assert_eq!(name(&jabber, "ines@example.org", &[("connect_server", text("Evil.example"))]), "evil.example:5222");
        assert_eq!(name(&jabber, "ines", &[]), "here.example:5222");
        let parts =
            |parts: &[&str]| Username::Parts { user: "ines".to_owned(), parts: parts.iter().map(|part| (*part).to_owned()).collect() };
        assert_eq!(of(Some(&jabber), &settings(parts(&["example.org", "phone"]), &[])).name, "example.org:5222");
        assert_eq!(of(Some(&jabber), &settings(parts(&[""]), &[])).name, "here.example:5222");
        let mut stored = settings(parts(&["example.org"]), &[]);
        stored.stored.insert("connect_server".to_owned(), text("evil.example"));
        assert_eq!(of(Some(&jabber), &stored).name, "evil.example:5222", "what a plugin stored wins");
    }

    #[test]
    fn other_protocols_are_read_by_their_forms() {
        let irc = protocol(vec![split("Server", "@", "irc.example")], vec![option("port", Value::Int(6667)), option("realname", text(""))]);
        assert_eq!(name(&irc, "ines@irc.other", &[("realname", text("evil.example"))]), "irc.other:6667");
        assert_eq!(name(&irc, "a@evil.example@irc.other", &[]), "evil.example@irc.other:6667", "no other's name");
        let piped = protocol(vec![split("Server", "|", "")], Vec::new());
        assert_eq!(name(&piped, "me@mail.example|chat.example", &[]), "chat.example");
        let unclear = protocol(vec![split("Login", ",", "")], vec![option("server", text(""))]);
        assert_eq!(name(&unclear, "me@corp.example,CORP", &[]), "corp.example,corp", "either may be it");
        let by_mail = protocol(Vec::new(), vec![option("server", text(""))]);
        assert_eq!(name(&by_mail, "me@corp.example", &[]), "corp.example");
    }

    #[test]
    fn where_nobody_can_choose_the_protocol_is_one_server() {
        let one = protocol(Vec::new(), vec![option("timeout", Value::Int(3))]);
        let of = |username: &str| of(Some(&one), &settings(Username::Whole(username.to_owned()), &[]));
        assert_eq!(of("me@mail.example"), of("you@elsewhere.example"));
        assert_eq!(of("me").name, "of X");
    }

    #[test]
    fn names_are_bounded_and_keep_to_one_line() {
        let long = format!("{}.example", "x".repeat(5000));
        assert!(name(&jabber(), "ines@here", &[("connect_server", text(&long))]).len() <= LONGEST);
        assert_eq!(name(&jabber(), "ines@here", &[("connect_server", text("a\nERROR b"))]), "aerrorb:5222");
    }
}
