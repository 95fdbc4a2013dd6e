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

/// The output of `bellflower plugins` with these settings.
fn told(directory: &tempfile::TempDir, settings: &str) -> String {
    let config = directory.path().join("bellflower.toml");
    std::fs::write(&config, settings).expect("a configuration");
    let output = std::process::Command::new(BELLFLOWER).arg("plugins").arg("--config").arg(config).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines about one file.
fn block<'a>(told: &'a str, file: &str) -> Vec<&'a str> {
    let mut lines = told.lines().skip_while(|line| !line.contains(file));
    let head = lines.next().unwrap_or_else(|| panic!("no word of {file} in:\n{told}"));
    std::iter::once(head).chain(lines.take_while(|line| line.starts_with(' '))).collect()
}

#[test]
fn what_a_plugin_was_refused_while_it_was_opened_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = format!("[plugins]\npaths = [{:?}]", support::nosy_plugins());
    let told = told(&directory, &settings);
    let block = block(&told, "nosy.so");
    assert!(block[0].starts_with("loaded   protocol  prpl-nosy"), "{block:?}");
    for line in [
        "was refused: the file /etc/shadow (`read` in [worker] gives it)",
        "was refused: to start a program or process (`exec = true` in [worker] lets it)",
        "kept from users: rdp_client, external-attachments-dir, socket: they name things of this machine (plugins.show_options shows them)",
    ] {
        assert!(block.iter().any(|one| one.trim() == line), "no {line:?} in {block:#?}");
    }
    // Files and programs that are given are not refused.
    let given = self::told(&directory, &format!("{settings}\n[worker]\nread = [\"/etc/shadow\"]\nexec = true"));
    let block = self::block(&given, "nosy.so");
    assert!(!block.iter().any(|line| line.contains("was refused")), "{block:#?}");
}

#[test]
fn every_file_says_what_became_of_it_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let copy = |from: &str, file: &str, to: &str| std::fs::copy(Path::new(from).join(file), directory.path().join(to)).expect("the plugin");
    copy(support::beside_plugins(), "carbons.so", "carbons.so");
    copy(support::beside_plugins(), "orphan.so", "orphan.so");
    copy(support::tide_plugins(), "tide.so", "tide.so");
    copy(support::tide_plugins(), "tide.so", "twin.so");
    std::fs::write(directory.path().join("text.so"), "no library").expect("a file");
    let table = table(&directory);
    let told = told(&directory, &format!("{table}\nload = [\"core-psychic\", \"statenotify\", \"no-such\"]"));
    // Carbons come before XMPP's file, and need its library.
    let carbons = block(&told, "carbons.so");
    assert!(carbons[0].starts_with("loaded   other     core-riba-carbons"), "{carbons:?}");
    let why = |file: &str| {
        let block = block(&told, file);
        assert!(block[0].starts_with("refused"), "{block:?}");
        block.iter().find_map(|line| line.trim().strip_prefix("why: ")).unwrap_or_else(|| panic!("no reason in {block:?}")).to_owned()
    };
    assert_eq!(why("orphan.so"), "it needs the library libabsent.so, which is not installed here: install the package that has it");
    assert_eq!(why("twin.so"), format!("{}/tide.so has the same id and serves in its stead", directory.path().display()));
    assert_eq!(why("text.so"), "it is no library for this machine");
    for named in ["psychic.so", "statenotify.so"] {
        assert!(block(&told, named)[0].starts_with("loaded"), "{named} was named");
    }
    let unmatched: Vec<&str> = told.lines().filter(|line| line.starts_with("plugins.load:")).collect();
    assert_eq!(unmatched, ["plugins.load: no plugin here has the id or the file name `no-such`"]);

    let denied = self::told(&directory, &format!("{table}\n[protocols]\ndeny = [\"core-riba-carbons\"]"));
    assert!(block(&denied, "carbons.so").iter().any(|line| line.trim() == "why: protocols.deny names it"), "{denied}");
}

/// Whether a guest of the protocol that behaves unlike XMPP comes online.
fn takes_the_tide(daemon: &Daemon, name: &str) -> bool {
    let mut client = daemon.client("tab");
    let answer = client.post("/login", &json!({ "network": { "protocol": "prpl-tide", "username": name } }));
    if answer.status != 200 {
        return false;
    }
    client.attach();
    client.wait_online();
    true
}

#[test]
fn plugins_are_looked_at_again_on_a_hangup() {
    let directory = plugins();
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table(&table(&directory)).start();
    let mut ines = daemon.client("ines");
    ines.sign_in_mischief("ines");
    let talk = ines.open("someone");
    assert!(!takes_the_tide(&daemon, "early"), "the network is not offered yet");
    let tide = directory.path().join("tide.so");
    std::fs::copy(Path::new(support::tide_plugins()).join("tide.so"), &tide).expect("the plugin");
    let stillborn = add_the_stillborn(&directory);
    daemon.allow_log(&stillborn);
    daemon.signal("HUP");
    let told = format!("SIGHUP: plugin {}: was not there, is loaded (prpl-tide 1)", tide.display());
    wait_until("the plugin to be found", PATIENCE, || daemon.log().contains(&told).then_some(()));
    assert!(daemon.log().contains(&format!("the plugin {stillborn} ended the workers that opened it: it is left out")), "{}", daemon.log());
    wait_until("the network to be offered", PATIENCE, || takes_the_tide(&daemon, "tim").then_some(()));
    // The session of before goes on.
    ines.say(&talk, "still here");
    daemon.signal("HUP");
    wait_until("the second look", PATIENCE, || daemon.log().contains("SIGHUP: the plugins are as they were").then_some(()));
}
