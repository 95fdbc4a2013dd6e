//! Takes changed settings over while the daemon runs, as far as that is sound, and says of each key what became of it. Reads no file (see
//! `config`).

use crate::cli::Asked;
use crate::config::Config;
use std::collections::BTreeMap;

/// What counts from the reload on: for new connections, requests and log-ins. Everything else was handed to a worker or a session that lives.
pub(crate) const TAKEN_OVER: &[&str] = &[
    "guests",
    "limits.body_bytes",
    "limits.connections",
    "limits.connections_per_address",
    "limits.guesses_per_hour",
    "limits.guests_per_address",
    "limits.logins_per_minute",
    "limits.receiving_bytes",
    "limits.receiving_bytes_per_address",
    "limits.uploads",
    "limits.uploads_per_address",
    "name",
    "notice",
    "origins",
    "timeouts.body",
    "timeouts.head",
    "timeouts.idle",
    "timeouts.stop",
    "timeouts.upload",
    "timeouts.write",
    "trusted_proxies",
];

/// The settings in use.
pub(crate) struct Settings {
    asked: Asked,
    current: Config,
}

impl Settings {
    pub(crate) fn new(asked: Asked, config: Config) -> Self {
        Self { asked, current: config }
    }

    /// Reads file, variables and flags again, hands what counts from now on to `take_over`, and then says what changed. What is wrong with
    /// them changes nothing.
    pub(crate) fn reload(&mut self, take_over: impl Fn(&Config)) {
        let wanted = match self.asked.config() {
            Ok(wanted) => wanted,
            Err(failure) => {
                log::error!("SIGHUP: nothing is changed, the settings are wrong: {failure}");
                return;
            }
        };
        let changes = changes(&flat(&self.current), &flat(&wanted));
        if changes.is_empty() {
            log::info!("SIGHUP: the settings are as they were");
            return;
        }
        match merged(&self.current, &wanted) {
            Ok(merged) => self.current = merged,
            Err(error) => {
                log::error!("SIGHUP: nothing is changed: {error}");
                return;
            }
        }
        take_over(&self.current);
        for (key, before, after) in &changes {
            if TAKEN_OVER.contains(&key.as_str()) {
                log::info!("SIGHUP: {key} was {before} and is {after} from now on");
            } else {
                log::warn!("SIGHUP: {key} stays {before}: it takes a restart to make it {after}");
            }
        }
    }
}

type Flat = BTreeMap<String, toml::Value>;

fn table(config: &Config) -> toml::Table {
    toml::Table::try_from(config).unwrap_or_default()
}

/// Settings by their path with dots; those without a value are not there.
fn flat(config: &Config) -> Flat {
    fn collect(table: toml::Table, prefix: &str, all: &mut Flat) {
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => collect(inner, &format!("{prefix}{key}."), all),
                other => _ = all.insert(format!("{prefix}{key}"), other),
            }
        }
    }
    let mut all = Flat::new();
    collect(table(config), "", &mut all);
    all
}

/// Key, former value and new value of all that differs.
fn changes(before: &Flat, after: &Flat) -> Vec<(String, String, String)> {
    let words = |value: Option<&toml::Value>| value.map_or_else(|| "unset".to_owned(), ToString::to_string);
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differing.map(|key| (key.clone(), words(before.get(key)), words(after.get(key)))).collect()
}

/// `current` with what is taken over from `wanted`.
fn merged(current: &Config, wanted: &Config) -> Result<Config, toml::de::Error> {
    let (mut merged, wanted) = (table(current), table(wanted));
    for key in TAKEN_OVER {
        let (into, from, name) = match key.split_once('.') {
            Some((section, name)) => match (merged.get_mut(section), wanted.get(section)) {
                (Some(toml::Value::Table(into)), Some(toml::Value::Table(from))) => (into, from, name),
                _ => continue,
            },
            None => (&mut merged, &wanted, *key),
        };
        match from.get(name) {
            Some(value) => _ = into.insert(name.to_owned(), value.clone()),
            None => _ = into.remove(name),
        }
    }
    merged.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_taken_over_is_and_nothing_else() {
        let current = Config::default();
        let mut wanted: Config = toml::from_str(
            "name = \"Other\"\nnotice = \"Soon\"\nworkers = 3\nhold_ms = 30000\n[limits]\nconnections = 5\nusers = 6\n[timeouts]\nupload = \"1m\"",
        )
        .unwrap();
        let found = changes(&flat(&current), &flat(&wanted));
        let keys: Vec<_> = found.iter().map(|(key, ..)| key.as_str()).collect();
        assert_eq!(keys, ["hold_ms", "limits.connections", "limits.users", "name", "notice", "timeouts.upload", "workers"]);
        assert_eq!(found[1], ("limits.connections".to_owned(), "20000".to_owned(), "5".to_owned()));
        assert_eq!((found[4].1.as_str(), found[4].2.as_str()), ("unset", "\"Soon\""));
        let merged = merged(&current, &wanted).unwrap();
        // What needs a restart is as it was.
        (wanted.workers, wanted.hold_ms, wanted.limits.users) = (current.workers, current.hold_ms, current.limits.users);
        assert_eq!(flat(&merged), flat(&wanted));
        assert_eq!(flat(&super::merged(&merged, &current).unwrap()), flat(&current), "what is unset again goes");
    }

    #[test]
    fn every_key_exists() {
        let keys: Vec<_> = crate::config::keys().into_iter().map(|key| key.path).collect();
        assert!(TAKEN_OVER.iter().all(|key| keys.iter().any(|known| known == key)));
    }
}
