//! Promise: plugins that distributions package load as they are installed, and their forms are those of the page: ids, fields, secrets, rooms.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::path::Path;
use support::{Daemon, Ejabberd, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Where `packaging/fetch-plugins.sh` has put plugins, with what they need in `lib`.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/plugins");

/// A directory with these plugins; those that are not there are named.
fn plugins(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (package, file) in files {
        if std::fs::copy(Path::new(FETCHED).join(file), directory.path().join(file)).is_err() {
            println!("NOT CHECKED: {package} is not in {FETCHED} (make deps-test)");
        }
    }
    directory
}

/// Where libraries are that plugins need, as a variable of the daemon's.
fn libraries() -> String {
    format!("{FETCHED}/lib")
}

fn table(directory: &Path, more: &str) -> String {
    format!("[plugins]\npaths = [{directory:?}]\n{more}")
}

/// The answer of `GET /protocols`, with the plugins of a directory.
fn protocols(directory: &Path) -> Vec<Value> {
    let daemon = Daemon::builder(BELLFLOWER).table(&table(directory, "")).environment("LD_LIBRARY_PATH", &libraries()).start();
    let protocols = daemon.client("tab").get("/protocols").ok();
    protocols.as_array().expect("a list").clone()
}

/// Keys of a list of fields.
fn keys(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|field| field["key"].as_str()).collect()
}

/// Keys of those options that are masked.
fn secrets(protocol: &Value) -> Vec<&str> {
    let options = protocol["options"].as_array().into_iter().flatten();
    options.filter(|option| option["masked"] == true).filter_map(|option| option["key"].as_str()).collect()
}

fn has(protocol: &Value, feature: &str) -> bool {
    protocol["features"].as_array().is_some_and(|features| features.iter().any(|one| one == feature))
}

#[test]
fn packaged_protocols_have_their_forms_in_the_page() {
    let families = [("purple-discord", "libdiscord.so"), ("purple-rocketchat", "librocketchat.so"), ("pidgin-sipe", "libsipe.so")];
    let directory = plugins(&families);
    let protocols = protocols(directory.path());
    let of = |file: &str, id: &str| {
        let there = directory.path().join(file).exists();
        let found = protocols.iter().find(|protocol| protocol["id"] == id);
        assert_eq!(found.is_some(), there, "{id}");
        found.cloned()
    };
    if let Some(discord) = of("libdiscord.so", "prpl-eionrobb-discord") {
        assert_eq!(discord["name"], "Discord");
        assert_eq!(secrets(&discord), ["token"]);
        let options = keys(&discord["options"]);
        for key in ["large-channel-count", "image-size", "show-custom-emojis", "fetch-unread-on-start"] {
            assert!(options.contains(&key), "{key} is not among {options:?}");
        }
        assert_eq!(keys(&discord["room_fields"]), ["id", "name"]);
        assert!(has(&discord, "rooms") && has(&discord, "room_list"), "{}", discord["features"]);
    }
    if let Some(rocket) = of("librocketchat.so", "prpl-eionrobb-rocketchat") {
        assert_eq!(rocket["name"], "Rocket.Chat");
        // The server is a part of the user name.
        assert_eq!(rocket["username"]["splits"].as_array().map(Vec::len), Some(1), "{}", rocket["username"]);
        assert!(secrets(&rocket).contains(&"personal_access_token"), "{:?}", secrets(&rocket));
        assert!(keys(&rocket["options"]).contains(&"default-buddy-group"));
        assert_eq!(keys(&rocket["room_fields"]), ["name", "id"]);
    }
    if let Some(sipe) = of("libsipe.so", "prpl-sipe") {
        assert_eq!(sipe["name"], "Office Communicator");
        assert_eq!(secrets(&sipe), ["email_password"]);
        let options = sipe["options"].as_array().expect("options");
        let transport = options.iter().find(|option| option["key"] == "transport").expect("a choice of transports");
        let choices = transport["choices"].as_array().into_iter().flatten().map(|choice| choice["value"].clone());
        assert_eq!(choices.collect::<Vec<_>>(), ["auto", "tls", "tcp"], "{transport}");
        // A program of the server's is no user's to name.
        assert!(!keys(&sipe["options"]).contains(&"rdp-client"));
    }
}

/// The block of one file in what `bellflower plugins` tells.
fn told(directory: &Path, more: &str, file: &str) -> String {
    let config = directory.join("bellflower.toml");
    std::fs::write(&config, table(directory, more)).expect("a configuration");
    let mut command = std::process::Command::new(BELLFLOWER);
    let output = command.arg("plugins").arg("--config").arg(config).env("LD_LIBRARY_PATH", libraries()).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    let path = directory.join(file).display().to_string();
    let mut lines = all.lines().skip_while(|line| !line.contains(&path));
    let head = lines.next().unwrap_or_else(|| panic!("no word of {file} in:\n{all}"));
    std::iter::once(head).chain(lines.take_while(|line| line.starts_with(' '))).collect::<Vec<_>>().join("\n")
}

#[test]
fn packaged_additions_to_xmpp_are_loaded_or_say_why_not() {
    let (carbons, upload) = ("carbons.so", "jabber_http_file_upload.so");
    let directory = plugins(&[("purple-xmpp-carbons", carbons), ("purple-xmpp-http-upload", upload)]);
    let there = |file: &str| directory.path().join(file).exists();
    if there(carbons) {
        let told = told(directory.path(), "", carbons);
        assert!(told.starts_with("loaded") && told.contains("core-riba-carbons"), "{told}");
    }
    if there(upload) {
        let refused = told(directory.path(), "", upload);
        assert!(refused.starts_with("refused") && refused.contains("Bellflower uploads files (XEP-0363) itself"), "{refused}");
        let named = told(directory.path(), "load = [\"jabber_http_file_upload\"]", upload);
        assert!(named.starts_with("loaded"), "{named}");
    }
}

#[test]
fn what_another_device_says_is_shown_where_carbons_are_installed() {
    let directory = plugins(&[("purple-xmpp-carbons", "carbons.so")]);
    if !directory.path().join("carbons.so").exists() {
        return;
    }
    let Some(server) = Ejabberd::start(&["ines", "bob"]) else { return };
    let mut daemon = Daemon::builder(BELLFLOWER).trust(server.authority_pem()).table(&table(directory.path(), "")).start();
    // The plugin comes before the file that has its library, and is opened again after it.
    daemon.allow_log("carbons.so is not loadable: libjabber.so.0");
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&server, "ines");
    // The plugin asks what the server can, and then for copies: two answers on the same stream come after its own.
    for room in ["one", "another"] {
        ines.join(&json!({ "room": room, "server": "rooms.localhost", "handle": "Ines" }));
    }
    let mut bob = XmppPeer::connect(&server, "bob");
    let mut phone = XmppPeer::connect_as(&server, "ines", "phone");
    phone.say("bob@localhost", "said on the phone");
    bob.hears("said on the phone");
    let said = ines.wait_event("the copy", |e| e["type"] == "message.sent" && e["message"]["text"] == "said on the phone");
    assert_eq!(said["message"]["from"]["self"], true, "{said}");
    bob.say("ines@localhost/phone", "for the phone");
    assert_eq!(ines.hears("for the phone")["from"]["self"], false);
    bob.say("ines@localhost", "for all");
    ines.hears("for all");
    bob.say("ines@localhost/web", "the end");
    ines.hears("the end");
    let twice = |event: &Value| ["said on the phone", "for the phone", "for all"].iter().any(|text| event["message"]["text"] == *text);
    assert!(!ines.kept().any(twice), "it came twice");
}
