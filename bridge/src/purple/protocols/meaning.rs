//! The meaning of an option, by its type, the words of its key and label, and the value that it starts with: things of this machine are not for
//! users, secrets are masked. Pure: calls no libpurple, knows no protocol. An administrator shows an option that is kept back wrongly
//! (`plugins.show_options`).

use crate::model::{OptionType, ProtocolOption, Value};

/// Settings by their whole key: things that all users of a process share, keys in files, an address of this machine.
const WHOLE: &[&str] = &["custom_smileys", "public-key", "private-key", "ft_local_ip"];

/// Last words of keys and labels whose text names a file, a program or a socket.
const THINGS: &[&str] = &[
    "binary",
    "bin",
    "certificate",
    "cert",
    "cmd",
    "command",
    "database",
    "device",
    "dir",
    "dirs",
    "directory",
    "directories",
    "executable",
    "exe",
    "fifo",
    "file",
    "files",
    "filename",
    "folder",
    "interpreter",
    "keyring",
    "keytab",
    "path",
    "paths",
    "pem",
    "pipe",
    "program",
    "script",
    "shell",
    "socket",
    "sockets",
];

/// Endings of words that are written as one: `keyfile`, `logpath`.
const COMPOUNDS: &[&str] = &["command", "directory", "executable", "file", "filename", "path"];
/// A word that ends so and names none of them.
const OTHERS: &[&str] = &["profile", "multifile"];

/// Programs, where one of [`QUALITIES`] stands before it: `rdp_client` is one, `client` may be a version.
const PROGRAMS: &[&str] = &["application", "browser", "client", "editor", "player", "tool", "viewer"];
const QUALITIES: &[&str] =
    &["desktop", "external", "helper", "image", "mail", "media", "pdf", "rdp", "ssh", "telnet", "video", "vnc", "web"];

/// Words behind a thing, with which it is a thing still: `socket_name`, `database-address`.
const TAILS: &[&str] = &["address", "location", "name", "uri"];
/// Of [`THINGS`], those of which an address or a name is somewhere else or of somebody.
const NOT_BY_TAIL: &[&str] = &["certificate", "cert", "command", "device", "directory", "folder", "program"];

/// Words that end what a label names: "Path to the browser", "Program (none: the default)".
const BREAKS: &[&str] = &["for", "of", "to", "used", "where", "which", "with"];

/// Pairs of words: an address of this machine.
const OWN_ADDRESS: &[(&str, &str)] = &[
    ("bind", "address"),
    ("bind", "host"),
    ("bind", "ip"),
    ("listen", "address"),
    ("listen", "host"),
    ("listen", "ip"),
    ("local", "address"),
    ("local", "host"),
    ("local", "hostname"),
    ("local", "ip"),
];

const SECRETS: &[&str] = &[
    "apikey",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "secret",
    "secrets",
    "token",
    "tokens",
    "totp",
];
/// Endings of words that are written as one: `accesstoken`.
const SECRET_ENDS: &[&str] = &["apikey", "cookie", "passphrase", "passwd", "password", "secret", "token"];
/// Words before `key` in a secret's name.
const KEYS: &[&str] = &["access", "api", "app", "auth", "backup", "encryption", "private", "recovery", "secret", "session"];

/// Whether an option is not for users of a shared daemon: it names a file, a program, a socket or an address of this machine, or a thing that all
/// users share. Only a text can name one.
pub(super) fn is_of_this_machine(option: &ProtocolOption) -> bool {
    if WHOLE.contains(&option.key.to_ascii_lowercase().as_str()) {
        return true;
    }
    let (OptionType::String, Value::Text(start)) = (option.kind, &option.default) else { return false };
    names_a_thing(&words(&option.key)) || label_names_a_thing(&option.label) || is_a_file(start)
}

/// Whether a value that a plugin starts with tells what this machine is called, by the whole name: a network's own server may begin with the same word.
pub(super) fn names_the_host(start: &str, hostname: &str) -> bool {
    let hostname = hostname.to_lowercase();
    hostname.len() > 1 && start.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '-' && c != '.').any(|part| part == hostname)
}

/// Whether a text is a secret, though its plugin does not say so.
pub(super) fn is_secret(key: &str, label: &str) -> bool {
    let is = |text: &str| {
        let words = words(text);
        let one = |word: &String| SECRETS.contains(&word.as_str()) || SECRET_ENDS.iter().any(|end| word.ends_with(end));
        let two = |pair: &[String]| matches!(pair, [before, key] if key == "key" && KEYS.contains(&before.as_str()));
        words.iter().any(one) || words.windows(2).any(two)
    };
    is(key) || is(label)
}

fn names_a_thing(words: &[String]) -> bool {
    let own = |pair: &[String]| matches!(pair, [a, b] if OWN_ADDRESS.contains(&(a.as_str(), b.as_str())));
    if words.windows(2).any(own) {
        return true;
    }
    match words {
        [before @ .., tail] if TAILS.contains(&tail.as_str()) => {
            before.last().is_some_and(|thing| !NOT_BY_TAIL.contains(&thing.as_str())) && ends_with_a_thing(before)
        }
        words => ends_with_a_thing(words),
    }
}

fn ends_with_a_thing(words: &[String]) -> bool {
    let [before @ .., last] = words else { return false };
    let before = before.last().map(String::as_str);
    match last.as_str() {
        // A WebSocket is an address of the network.
        "socket" | "sockets" => before != Some("web"),
        last if PROGRAMS.contains(&last) => before.is_some_and(|before| QUALITIES.contains(&before)),
        last => {
            let compound = !OTHERS.contains(&last) && COMPOUNDS.iter().any(|end| last.ends_with(end));
            THINGS.contains(&last) || compound
        }
    }
}

/// As it ends, and as it begins up to a preposition; without what stands in brackets.
fn label_names_a_thing(label: &str) -> bool {
    let words = words(label.split(['(', '[']).next().unwrap_or_default());
    let begins = words.iter().position(|word| BREAKS.contains(&word.as_str())).and_then(|at| words.get(..at)).unwrap_or_default();
    names_a_thing(&words) || names_a_thing(begins)
}

/// Whether a value that a plugin starts with is a file of this machine.
fn is_a_file(start: &str) -> bool {
    let is_name = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_');
    let path = start.strip_prefix("~/").or_else(|| start.strip_prefix('/')).or_else(|| start.strip_prefix('$'));
    path.is_some_and(is_name) || ["file:", "unix:"].iter().any(|scheme| start.starts_with(scheme))
}

/// The words of a key or label, in lower case: parted by other characters than letters and digits, and by capitals within.
fn words(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut before = ' ';
    for character in text.chars() {
        if !character.is_alphanumeric() || before.is_lowercase() && character.is_uppercase() {
            all.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = all.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    all.retain(|word| !word.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::option;

    fn is_kept(key: &str, label: &str, start: &str) -> bool {
        is_of_this_machine(&option(key, label, Value::Text(start.to_owned())))
    }

    #[test]
    fn options_that_name_things_of_the_machine_are_kept_back() {
        for key in [
            "tzc_command",
            "keytab_path",
            "log_directory",
            "private-key",
            "helper_cmd",
            "key_file",
            "keyfile",
            "rdp_client",
            "external-attachments-dir",
            "socket",
            "signaldSocket",
            "socket_name",
            "database-address",
            "imageViewer",
            "bind_address",
            "local-ip",
        ] {
            assert!(is_kept(key, "x", ""), "{key}");
        }
        for label in ["Path to the browser", "Download directory", "Program for calls", "Socket (none: the default)", "Unix socket"] {
            assert!(is_kept("x", label, ""), "{label}");
        }
        for (key, label) in [
            ("port", "Connect port"),
            ("connect_server", "Connect server"),
            ("bosh_url", "BOSH URL"),
            ("encoding", "Encodings"),
            ("profile", "Profile"),
            ("client_id", "Client ID"),
            ("client", "Client version"),
            ("ft_proxies", "File transfer proxies"),
            ("device-name", "Device name"),
            ("websocket", "WebSocket"),
            ("web-socket", "Web socket"),
            ("realname", "Real name"),
            ("quitmsg", "Default quit message"),
            ("host", "Host"),
            ("useragent", "User agent"),
        ] {
            assert!(!is_kept(key, label, ""), "{key} {label}");
        }
        // By the value that it starts with.
        for start in ["/var/tmp", "~/Downloads", "$HOME/x", "file:/var/x.db", "unix:/run/x"] {
            assert!(is_kept("x", "x", start), "{start}");
        }
        for start in ["", "/", "~", "/ ", "irc.example.org", "https://example.org/x", "$"] {
            assert!(!is_kept("x", "x", start), "{start}");
        }
        // A switch or a number names nothing, but one that all would share.
        assert!(!is_of_this_machine(&option("fetch_file", "Fetch file", Value::Bool(true))));
        assert!(is_of_this_machine(&option("custom_smileys", "x", Value::Bool(true))));
    }

    #[test]
    fn the_name_of_the_machine_is_known_in_a_value() {
        for start in ["web7", "WEB7", "ines@web7", "https://web7:80/x"] {
            assert!(names_the_host(start, "Web7"), "{start}");
        }
        for start in ["", "web", "web77", "web7x.example.org", "my-web7", "example.web7", "web7.example.org"] {
            assert!(!names_the_host(start, "web7"), "{start}");
        }
        assert!(!names_the_host("a b", "a"));
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for (key, label) in [
            ("access_token", "x"),
            ("x", "API key"),
            ("oauthToken", ""),
            ("room-password", "Password for rooms"),
            ("d", "Cookie"),
            ("authtoken", ""),
        ] {
            assert!(is_secret(key, label), "{key} {label}");
        }
        for (key, label) in [("port", "Port"), ("secretary", "Secretary"), ("public_key", "Key"), ("tokenize", ""), ("spin", "Pinned")] {
            assert!(!is_secret(key, label), "{key} {label}");
        }
    }
}
