//! Reads the settings from the file, then from variables and flags, and says exactly where and why one is refused; it starts nothing.

use super::{Config, Key, Worker};
use std::fmt;
use std::path::{Path, PathBuf};

/// A setting given outside the file.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    /// The setting.
    pub(crate) key: Key,
    /// Where it was given: `--flag` or the variable's name.
    pub(crate) source: String,
    /// What was given.
    pub(crate) text: String,
}

/// Why the settings cannot be used.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    Read(PathBuf, std::io::Error),
    /// A place in the file.
    Place { file: PathBuf, line: usize, column: usize, text: String, message: String },
    /// A flag or variable.
    Given { source: String, text: String, message: String },
    /// Settings that do not go together.
    Together(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Place { file, line, column, text, message } => {
                write!(f, "{}:{line}:{column}: {message}\n{line:>5} | {text}", file.display())
            }
            Self::Given { source, text, message } => write!(f, "{source}: `{text}`: {message}"),
            Self::Together(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The settings from `file` with `overrides` on top, all checked.
pub(crate) fn load(file: Option<&Path>, overrides: &[Override]) -> Result<Config, ConfigError> {
    let mut table = match file {
        None => toml::Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Read(path.to_owned(), e))?;
            read(path, &text)?
        }
    };
    for given in overrides {
        let mut alone = toml::Table::new();
        put(&mut alone, &given.key.path, given.key.value(&given.text));
        let refused = |message: String| ConfigError::Given { source: given.source.clone(), text: given.text.clone(), message };
        Config::deserialize_table(alone).map_err(|e| refused(one_line(e.message())))?;
        put(&mut table, &given.key.path, given.key.value(&given.text));
    }
    let config = Config::deserialize_table(table).map_err(|e| ConfigError::Together(one_line(e.message())))?;
    config.check()?;
    Ok(config)
}

/// Reads a file's text; an error carries the place.
fn read(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    let place = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |s| s.start).min(text.len());
        let before = &text.as_bytes()[..at];
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        ConfigError::Place {
            file: path.to_owned(),
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: at - start + 1,
            text: text.get(start..).and_then(|t| t.lines().next()).unwrap_or_default().to_owned(),
            message: one_line(error.message()),
        }
    };
    toml::from_str::<Config>(text).map_err(|e| place(&e))?;
    toml::from_str::<toml::Table>(text).map_err(|e| place(&e))
}

fn one_line(text: &str) -> String {
    let words = text.trim().replace('\n', "; ");
    words.replace("unknown field", "unknown key").replace("expected one of", "allowed are").replace("unknown variant", "wrong value")
}

fn put(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

impl Config {
    fn deserialize_table(table: toml::Table) -> Result<Self, toml::de::Error> {
        table.try_into()
    }

    /// What no single setting can be blamed for.
    fn check(&self) -> Result<(), ConfigError> {
        let zero = [
            ("linger", self.linger),
            ("guest_linger", self.guest_linger),
            ("failed_guest_linger", self.failed_guest_linger),
            ("accounts.reconnect_first", self.accounts.reconnect_first),
            ("accounts.reconnect_most", self.accounts.reconnect_most),
            ("accounts.sign_on_timeout", self.accounts.sign_on_timeout),
            ("accounts.silence", self.accounts.silence),
            ("worker.hang", self.worker.hang),
            ("worker.crash_window", self.worker.crash_window),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, span)| span.0.is_zero()) {
            return Err(ConfigError::Together(format!("`{name}` must be longer than 0")));
        }
        if self.heartbeat_ms.0 > self.hold_ms.0 {
            return Err(ConfigError::Together("`heartbeat_ms` must not be longer than `hold_ms`".to_owned()));
        }
        let together = |message: &str| Err(ConfigError::Together(message.to_owned()));
        if self.registration != web::wire::Registration::Closed && self.database().is_none() {
            return together("`registration` can only be \"closed\" without a database: set `data_dir` or `database`");
        }
        if self.https_certificate.is_some() != self.https_key.is_some() {
            return together("`https_certificate` and `https_key` go together: one is the key of the other");
        }
        if let Some(name) = &self.header_sign_in {
            if name.parse::<warp::http::HeaderName>().is_err() {
                return together("`header_sign_in` is not the name of a header");
            }
            if self.database().is_none() {
                return together("`header_sign_in` needs a database: set `data_dir` or `database`");
            }
        }
        if self.accounts.reconnect_first.0 > self.accounts.reconnect_most.0 {
            return Err(ConfigError::Together("`accounts.reconnect_first` must not be longer than `accounts.reconnect_most`".to_owned()));
        }
        self.worker.check().map_err(ConfigError::Together)
    }
}

/// MiB that a worker takes with a few accounts, and some to spare: with less it would be ended as soon as it is up.
const LEAST_MEMORY: u32 = 64;

impl Worker {
    /// Limits of memory that no worker could keep.
    fn check(&self) -> Result<(), String> {
        for (name, mib) in [("memory_mb", self.memory_mb), ("memory_most_mb", self.memory_most_mb)] {
            if (1..LEAST_MEMORY).contains(&mib) {
                return Err(format!(
                    "`worker.{name}` is {mib}, less than a worker takes; allowed are {LEAST_MEMORY} and more, or 0 for no limit"
                ));
            }
        }
        // A plugin could put a link to another service in its place.
        if let Some((socket, place)) =
            self.sockets.iter().find_map(|socket| Some((socket, self.write.iter().find(|place| socket.starts_with(place))?)))
        {
            return Err(format!(
                "`worker.sockets` names {}, which lies in {} of `worker.write`: plugins could lead it elsewhere; put the socket in another directory",
                socket.display(),
                place.display()
            ));
        }
        if self.memory_most_mb > 0 && self.memory_mb > self.memory_most_mb {
            return Err("`worker.memory_mb` must not be more than `worker.memory_most_mb`".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn refused(text: &str) -> String {
        match read(Path::new("site.toml"), text) {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => error.to_string(),
        }
    }

    fn given(path: &str, text: &str) -> Override {
        let key = keys().into_iter().find(|k| k.path == path).unwrap();
        Override { source: format!("--{}", key.flag()), key, text: text.to_owned() }
    }

    #[test]
    fn an_unknown_key_is_told_with_file_line_and_what_is_allowed() {
        let told = refused("listen = \"127.0.0.1:0\"\n\ngests = true\n");
        assert!(told.starts_with("site.toml:3:1: unknown key `gests`, allowed are `listen`, `admin_listen`,"), "{told}");
        assert!(told.ends_with("3 | gests = true"), "{told}");
        let told = refused("[limits]\nusers = 5\nuser = 5\n");
        assert!(told.starts_with("site.toml:3:1: unknown key `user`, allowed are `users`"), "{told}");
        assert!(refused("[limit]\nusers = 1\n").starts_with("site.toml:1:2: unknown key `limit`"));
    }

    #[test]
    fn a_wrong_value_is_told_with_file_line_and_what_is_allowed() {
        for (text, place, allowed) in [
            ("hold_ms = 5\n", "site.toml:1:11:", "allowed is 10000 to 55000"),
            ("\nlinger = \"12 hours\"\n", "site.toml:2:10:", "\"12h\""),
            ("registration = \"maybe\"\n", "site.toml:1:16:", "allowed are `open`, `invite`, `closed`"),
            ("guests = \"yes\"\n", "site.toml:1:10:", "expected a boolean"),
            ("listen = \"here\"\n", "site.toml:1:10:", "unix:"),
            ("origins = [\"chat.example\"]\n", "site.toml:1:11:", "https://"),
            ("trusted_proxies = [\"10.0.0.0/64\"]\n", "site.toml:1:19:", "ranges"),
            ("[egress]\nallow = [\"ten\"]\n", "site.toml:2:9:", "10.0.0.0/8"),
            ("[limits]\nusers = -1\n", "site.toml:2:9:", "u32"),
            ("guests = tru\n", "site.toml:1:", ""),
        ] {
            let told = refused(text);
            assert!(told.starts_with(place), "{told}");
            assert!(told.contains(allowed), "{told}");
        }
    }

    #[test]
    fn flags_win_over_the_file_and_are_checked_alike() {
        let path = std::env::temp_dir().join(format!("bellflower-config-{}.toml", std::process::id()));
        std::fs::write(&path, "hold_ms = 12000\n[limits]\nusers = 7\nconnections = 9\n").unwrap();
        let overrides = [given("limits.users", "8"), given("egress.allow", "10.0.0.0/8, 127.0.0.1"), given("guests", "false")];
        let config = load(Some(&path), &overrides).unwrap();
        assert_eq!((config.hold_ms.0, config.limits.users, config.limits.connections, config.guests), (12_000, 8, 9, false));
        assert_eq!(config.egress.allow.len(), 2);
        std::fs::remove_file(&path).unwrap();

        let told = load(None, &[given("limits.users", "many")]).unwrap_err().to_string();
        assert!(told.starts_with("--limits-users: `many`:") && told.contains("u32"), "{told}");
        let told = load(None, &[given("linger", "0")]).unwrap_err().to_string();
        assert!(told.contains("`linger` must be longer"), "{told}");
        let told = load(None, &[given("heartbeat_ms", "25001")]).unwrap_err().to_string();
        assert!(told.contains("`heartbeat_ms` must not be longer than `hold_ms`"), "{told}");
    }

    #[test]
    fn limits_that_no_worker_could_keep_are_refused() {
        let told = |all: &[(&str, &str)]| {
            let overrides: Vec<_> = all.iter().map(|(path, text)| given(path, text)).collect();
            load(None, &overrides).err().map(|error| error.to_string()).unwrap_or_default()
        };
        for (path, text, words) in [
            ("worker.hang", "0", "`worker.hang` must be longer than 0"),
            ("worker.crash_window", "0", "`worker.crash_window` must be longer than 0"),
            ("worker.memory_mb", "24", "`worker.memory_mb` is 24, less than a worker takes"),
            ("worker.memory_most_mb", "1", "`worker.memory_most_mb` is 1, less than a worker takes"),
            ("worker.memory_most_mb", "255", "`worker.memory_mb` must not be more than `worker.memory_most_mb`"),
        ] {
            assert!(told(&[(path, text)]).contains(words), "{path} = {text}: {}", told(&[(path, text)]));
        }
        assert_eq!(told(&[("worker.memory_most_mb", "64"), ("worker.memory_mb", "64")]), "");
        assert_eq!(told(&[("worker.memory_most_mb", "0"), ("worker.memory_mb", "4096")]), "");
        assert_eq!(told(&[("worker.memory_mb", "0")]), "");
    }

    #[test]
    fn a_missing_file_is_named() {
        let told = load(Some(Path::new("/nowhere/site.toml")), &[]).unwrap_err().to_string();
        assert!(told.contains("/nowhere/site.toml"), "{told}");
    }
}
