//! Promise: the example plugin builds as its documentation says, and its greeting, form, room and files work in the page's interface.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use support::{Daemon, WireClient};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// A directory with the plugin, built by its own Makefile.
fn built() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/example-plugin");
    let out = format!("OUT={}", folder.path().display());
    let made = Command::new("make").arg("-C").arg(source).arg(out).env("CFLAGS", "-O1 -Werror").output().expect("make");
    assert!(made.status.success(), "{}{}", String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
    folder
}

fn table(folder: &tempfile::TempDir) -> String {
    format!("[plugins]\npaths = [{:?}]", folder.path())
}

/// A guest of the protocol, online, with this greeting.
fn signed_in(daemon: &Daemon, greeting: &str) -> WireClient {
    let mut ines = daemon.client("tab");
    let network = json!({ "protocol": "prpl-parrot", "username": "ines", "options": { "greeting": greeting } });
    ines.post("/login", &json!({ "network": network })).ok();
    ines.attach();
    ines.wait_online();
    ines
}

/// The id of the first of these with the label.
fn id<'a>(all: &'a Value, label: &str) -> &'a str {
    let mut all = all.as_array().into_iter().flatten();
    let found = all.find(|one| one["label"].as_str().is_some_and(|own| own.starts_with(label)));
    found.and_then(|one| one["id"].as_str()).unwrap_or_else(|| panic!("there is no {label:?}"))
}

#[test]
fn it_is_built_and_what_it_offers_works() {
    let folder = built();
    let daemon = Daemon::builder(BELLFLOWER).table(&table(&folder)).start();
    let mut ines = signed_in(&daemon, "Hello <Ines>");
    ines.hears("Hello <Ines>");
    let account = ines.account();

    // A form of the account's menu.
    let menu = ines.carry_out("account.menu", json!({ "account": account }));
    let action = id(&menu["items"], "Teach a Phrase").to_owned();
    ines.carry_out("account.action", json!({ "account": account, "action": action }));
    let form = ines.wait_event("the form", |e| e["type"] == "request.opened")["request"].clone();
    let field = |label: &str| id(&form["fields"], label).to_owned();
    let loud = form["fields"].as_array().into_iter().flatten().find(|field| field["label"] == "Voice").expect("a choice");
    let values = json!({ field("Heard"): "cracker?", field("Said"): "a cracker", field("Voice"): loud["choices"][1]["value"].clone(), field("In rooms"): true });
    ines.carry_out("request.answer", json!({ "request": form["id"], "button": id(&form["buttons"], "Teach"), "values": values }));

    // Instant messages: what is said, and what was taught.
    let polly = ines.open("polly");
    ines.say(&polly, "1 < 2");
    ines.hears("1 < 2");
    ines.say(&polly, "cracker?");
    ines.hears("A CRACKER");

    // The list of rooms, and a room of it.
    ines.carry_out("room.list", json!({ "account": account }));
    ines.wait_event("the cage in the list", |e| e["type"] == "room.list" && e.to_string().contains("Crackers, and where they grow"));
    let cage = ines.join(&json!({ "room": "cage" }));
    ines.wait_event("the topic", |e| e.to_string().contains("\"Crackers\""));
    let sent = ines.say(&cage, "cracker?");
    assert_eq!(sent["from"]["self"], true, "{sent}");
    let heard = ines.hears("A CRACKER");
    assert_eq!(heard["from"]["name"], "polly", "{heard}");
    ines.carry_out("room.topic", json!({ "conversation": cage, "topic": "Nuts" }));
    ines.wait_event("the new topic", |e| e["type"] == "room.topic" && e["topic"] == "Nuts");
    ines.carry_out("room.leave", json!({ "conversation": cage }));
    assert_eq!(daemon.stats()["plugins_left_out"], 0);
}

#[test]
fn a_file_is_taken_and_offered_back() {
    // Below, at and above the size of a piece, and as much as the parrot takes.
    for size in [1, 4096, 300_000, 1 << 20] {
        let folder = built();
        let daemon = Daemon::builder(BELLFLOWER).table(&table(&folder)).start();
        let mut ines = signed_in(&daemon, "");
        let polly = ines.open("polly");
        let upload = ines.upload("a%20nut.bin", size).ok();
        let sent = ines.carry_out("transfer.send", json!({ "conversation": polly, "upload": upload["upload"] }));
        let closed = |id: &Value| {
            let id = id.clone();
            move |event: &Value| event["type"] == "transfer.closed" && event["transfer"] == id
        };
        assert_eq!(ines.wait_event("the end of the sending", closed(&sent["transfer"]))["state"], "done");
        let offered =
            ines.wait_event("the parrot's offer", |event| event["type"] == "transfer.opened" && event["transfer"]["direction"] == "in");
        let transfer = &offered["transfer"];
        assert_eq!((&transfer["name"], &transfer["size"]), (&json!("parroted-a nut.bin"), &json!(size)));
        ines.carry_out("transfer.accept", json!({ "transfer": transfer["id"] }));
        let mut download = ines.fetch(transfer["id"].as_str().expect("an id"));
        assert_eq!((download.status, download.check(0).expect("the whole file")), (200, size));
        assert_eq!(ines.wait_event("the end of the taking", closed(&transfer["id"]))["state"], "done");
    }
}

#[test]
fn a_file_that_is_too_large_fails_and_the_parrot_lives() {
    let folder = built();
    let daemon = Daemon::builder(BELLFLOWER).table(&table(&folder)).start();
    let mut ines = signed_in(&daemon, "");
    let polly = ines.open("polly");
    let upload = ines.upload("coconut.bin", (1 << 20) + 1).ok();
    let sent = ines.carry_out("transfer.send", json!({ "conversation": polly, "upload": upload["upload"] }))["transfer"].clone();
    let end = ines.wait_event("the end", |event| event["type"] == "transfer.closed" && event["transfer"] == sent);
    assert_ne!(end["state"], "done");
    ines.say(&polly, "still there?");
    ines.hears("still there?");
}

#[test]
fn two_people_have_parrots_of_their_own() {
    let folder = built();
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1\nisolation = \"shared\"").table(&table(&folder)).start();
    let (mut ines, mut bob) = (signed_in(&daemon, ""), signed_in(&daemon, ""));
    let (hers, his) = (ines.open("polly"), bob.open("polly"));
    ines.say(&hers, "hers");
    bob.say(&his, "his");
    ines.hears("hers");
    bob.hears("his");
    let other = |e: &Value, text: &str| e["type"] == "message.received" && e["message"]["text"] == text;
    assert!(!ines.kept().any(|e| other(e, "his")) && !bob.kept().any(|e| other(e, "hers")));
}

#[test]
fn the_list_of_plugins_tells_of_it_and_of_those_that_stay_closed() {
    let folder = built();
    let config = folder.path().join("bellflower.toml");
    std::fs::write(&config, table(&folder)).expect("a configuration");
    let output = Command::new(BELLFLOWER).arg("plugins").arg("--config").arg(&config).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let line = |part: &str| told.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in:\n{told}"));
    let words: Vec<_> = line("libparrot.so").split_ascii_whitespace().take(4).collect();
    assert_eq!(words, ["loaded", "protocol", "prpl-parrot", "1.0"], "{told}");
    assert!(told.starts_with("libpurple 2.") && told.contains(&folder.path().display().to_string()), "{told}");
    let (_, zephyr) = told.split_once("libzephyr.so\n").unwrap_or_else(|| panic!("no zephyr in:\n{told}"));
    let mut below = zephyr.lines().map(str::trim);
    assert_eq!(below.next(), Some("why: it is not safe on a shared server, and protocols.allow does not name it"), "{told}");
    assert!(below.next().is_some_and(|line| line.starts_with("may need: exec = true in [worker]: it starts programs")), "{told}");

    std::fs::write(&config, table(&folder) + "\n[protocols]\ndeny = [\"prpl-parrot\"]\n").expect("a configuration");
    let output = Command::new(BELLFLOWER).arg("plugins").arg("--config").arg(&config).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let (line, rest) = told.split_once("libparrot.so\n").unwrap_or_else(|| panic!("no parrot in:\n{told}"));
    assert!(line.lines().last().is_some_and(|line| line.starts_with("refused  protocol  prpl-parrot")), "{told}");
    assert!(rest.trim_start().starts_with("why: protocols.deny names it"), "{told}");
}
