//! Promise: a plugin that cannot even be opened without harm keeps nobody from the rest, and its administrator is told which one it is.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::path::Path;
use support::{Daemon, PATIENCE, Prosody, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A directory with the protocol that does harm on command.
fn plugins() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let mischief = Path::new(support::mischief_plugins()).join("mischief.so");
    std::fs::copy(mischief, directory.path().join("mischief.so")).expect("the plugin");
    directory
}

/// Puts the one there that ends whoever opens it. Gives its path.
fn add_the_stillborn(directory: &tempfile::TempDir) -> String {
    let file = directory.path().join("libstillborn.so");
    std::fs::copy(support::stillborn_plugin(), &file).expect("the plugin");
    file.display().to_string()
}

fn table(directory: &tempfile::TempDir) -> String {
    format!("[plugins]\npaths = [{:?}]", directory.path())
}

#[test]
fn the_daemon_starts_without_what_ends_its_workers() {
    let directory = plugins();
    let file = add_the_stillborn(&directory);
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 2").table(&table(&directory)).start();
    daemon.allow_log(&file);
    assert!(daemon.log().contains(&format!("while it opened the plugin {file}")), "{}", daemon.log());
    assert!(daemon.log().contains(&format!("the plugin {file} ended the workers that opened it: it is left out")), "{}", daemon.log());
    assert_eq!(daemon.stats()["plugins_left_out"], 1);
    daemon.client("ines").sign_in_xmpp(&prosody, "ines");
    daemon.client("mallory").sign_in_mischief("mallory");
}

#[test]
fn one_that_comes_while_the_daemon_runs_keeps_nobody_away() {
    let directory = plugins();
    let prosody = Prosody::with_users(["ines"]);
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 1").limit("attaches_per_minute", 0).table(&table(&directory)).start();
    let mut ines = daemon.client("ines");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_mischief("mallory");
    let harm = mallory.open("harm");
    let file = add_the_stillborn(&directory);
    daemon.allow_log(&file);
    daemon.allow_log("ended: signal 6");
    mallory.command("message.send", json!({ "conversation": harm, "text": "abort" }));
    wait_until("it to be left out", PATIENCE, || daemon.log().contains("it is left out").then_some(()));
    wait_until("Mallory to be back", PATIENCE, || {
        mallory.attach();
        (mallory.snapshot["accounts"][0]["state"] == "online").then_some(())
    });
    ines.open("ines@localhost");
}

#[test]
fn one_that_another_has_blamed_stays() {
    let directory = plugins();
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 1").limit("attaches_per_minute", 0).table(&table(&directory)).start();
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_mischief("mallory");
    let harm = mallory.open("harm");
    let framed = directory.path().join("mischief.so");
    let framer = directory.path().join("a-framer.so");
    std::fs::copy(support::framer_plugin(), &framer).expect("the plugin");
    daemon.allow_log("ended: signal 6");
    mallory.command("message.send", json!({ "conversation": harm, "text": "abort" }));
    let doubt = format!("the plugin {} was said to be opened; opened alone it does no harm", framed.display());
    wait_until("the blame to be looked into", PATIENCE, || daemon.log().contains(&doubt).then_some(()));
    std::fs::remove_file(&framer).expect("to remove it");
    wait_until("Mallory to be back", PATIENCE, || {
        mallory.attach();
        (mallory.snapshot["accounts"][0]["state"] == "online").then_some(())
    });
    assert_eq!(daemon.stats()["plugins_left_out"], 0, "{}", daemon.log());
}

#[test]
fn the_list_of_protocols_says_why_it_is_not_among_them() {
    let directory = plugins();
    let file = add_the_stillborn(&directory);
    let config = directory.path().join("bellflower.toml");
    std::fs::write(&config, table(&directory)).expect("a configuration");
    let output = std::process::Command::new(BELLFLOWER).arg("protocols").arg("--config").arg(config).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let line = told.lines().find(|line| line.contains(&file)).unwrap_or_else(|| panic!("no word of it in:\n{told}"));
    assert!(line.starts_with("refused") && line.ends_with("it ended the processes that opened it"), "{line}");
    assert!(told.lines().any(|line| line.starts_with("prpl-mischief")), "{told}");
}
