//! The check that the packaged configuration shows every setting with the value that it has without it; only compiled for tests.

use super::{Config, keys, load};
use std::collections::BTreeMap;

/// What has no default to show, or one that is this machine's affair or empty: the file shows an example.
const EXAMPLES: &[&str] = &[
    "admin_listen",
    "data_dir",
    "database",
    "database_password_file",
    "site_key_file",
    "header_sign_in",
    "https_certificate",
    "https_key",
    "notice",
    "hosts",
    "origins",
    "workers",
    "egress.allow",
    "egress.dns_servers",
    "egress.source",
    "egress.webirc",
    "tls.extra_roots",
    "worker.read",
    "worker.sockets",
    "worker.write",
];

/// The packaged file with its settings no longer commented out.
fn shown() -> String {
    let text = include_str!("../../packaging/config/bellflower.toml");
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        // Prose has a space after the sign, settings have none.
        Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// By path, with dots.
fn flat(table: &toml::Table) -> BTreeMap<String, toml::Value> {
    let mut all = BTreeMap::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => all.extend(flat(inner).into_iter().map(|(name, value)| (format!("{key}.{name}"), value))),
            other => _ = all.insert(key.clone(), other.clone()),
        }
    }
    all
}

#[test]
fn every_setting_is_shown_with_its_default() {
    let shown = flat(&toml::from_str(&shown()).unwrap());
    let defaults = flat(&toml::Table::try_from(Config::default()).unwrap());
    let missing: Vec<_> = keys().into_iter().map(|key| key.path).filter(|path| !shown.contains_key(path)).collect();
    assert!(missing.is_empty(), "packaging/config/bellflower.toml does not show {missing:?}");
    for (path, value) in &shown {
        if EXAMPLES.contains(&path.as_str()) {
            assert_ne!(Some(value), defaults.get(path), "{path} shows its default: it is no example");
        } else {
            assert_eq!(Some(value), defaults.get(path), "{path}");
        }
    }
}

#[test]
fn the_file_is_taken_as_it_is_and_with_all_it_shows() {
    let folder = std::env::temp_dir().join(format!("bellflower-sample-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("bellflower.toml");
    std::fs::write(&path, include_str!("../../packaging/config/bellflower.toml")).unwrap();
    let plain = load(Some(&path), &[]).unwrap();
    assert_eq!(toml::to_string(&plain).unwrap(), toml::to_string(&Config::default()).unwrap());
    std::fs::write(&path, shown()).unwrap();
    load(Some(&path), &[]).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
