//! Promise: an IRC network that knows the site as a gateway is told where each user is (WEBIRC), by its own password, and no other network is. The
//! ngircd shows whom it believes to be where.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Daemon, DaemonBuilder, IrcPeer, Ngircd, WireClient, free_port};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "words-of-a-gateway";

/// A daemon that believes its visitors' addresses, and is a gateway for these servers.
fn site(networks: &str) -> DaemonBuilder {
    Daemon::builder(BELLFLOWER).config("trusted_proxies = [\"127.0.0.1\"]").environment("BELLFLOWER_EGRESS_WEBIRC", networks)
}

fn written(folder: &Path, password: &str) -> String {
    let file = folder.join("webirc");
    std::fs::write(&file, format!("{password}\n")).expect("the password's file");
    file.display().to_string()
}

#[test]
fn the_network_sees_where_each_user_is() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Ngircd::builder().gateways(PASSWORD).start();
    let file = written(folder.path(), PASSWORD);
    let daemon = site(&format!("127.0.0.1:{}={file}", server.port())).start();
    let mut peer = IrcPeer::connect(&server, "looks");
    for (nick, address) in [("ines", "198.51.100.7"), ("bob", "203.0.113.9"), ("eve", "2001:db8::7")] {
        let mut guest = daemon.client(nick).at(address);
        guest.sign_in_irc(&server, nick);
        assert_eq!(peer.whois(nick), address);
    }
    assert!(!daemon.log().contains(PASSWORD), "the log has the gateway's password");
}

#[test]
fn a_users_address_is_that_of_the_last_browser_and_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Ngircd::builder().gateways(PASSWORD).start();
    let file = written(folder.path(), PASSWORD);
    let key = folder.path().join("site-key");
    std::fs::write(&key, [7; 32]).expect("the site's key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("the key's mode");
    let builder = site(&format!("127.0.0.1:{}={file}", server.port())).config("registration = \"open\"");
    let mut daemon = builder.config(&format!("site_key_file = {:?}", key.display().to_string())).start();
    let mut peer = IrcPeer::connect(&server, "looks");
    let mut ines = daemon.client("tab").at("198.51.100.7");
    ines.register("Ines", "a password of hers");
    ines.carry_out("account.add", WireClient::irc_network(&server, "ines"));
    ines.attach();
    ines.wait_online();
    assert_eq!(peer.whois("ines"), "198.51.100.7");
    // From elsewhere: the connection that stands stays, the next one says so.
    let mut elsewhere = daemon.client("another").at("203.0.113.9");
    elsewhere.sign_in("Ines", "a password of hers");
    let account = elsewhere.account();
    elsewhere.carry_out("account.disable", json!({ "account": account }));
    elsewhere.carry_out("account.enable", json!({ "account": account }));
    elsewhere.wait_account_online(&account);
    assert_eq!(peer.whois("ines"), "203.0.113.9");
    daemon.stop();
    peer.wait_nick("ines", false);
    daemon.start();
    peer.wait_nick("ines", true);
    assert_eq!(peer.whois("ines"), "203.0.113.9", "nobody's browser has come yet");
}

#[test]
fn no_other_network_is_told_and_a_wrong_password_is_not_believed() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = written(folder.path(), "another");
    let (gateway, plain) = (Ngircd::builder().gateways(PASSWORD).start(), Ngircd::builder().gateways("another").start());
    let daemon = site(&format!("127.0.0.1:{}={file}", gateway.port())).start();
    let mut guest = daemon.client("ines").at("198.51.100.7");
    guest.sign_in_irc(&plain, "ines");
    assert_eq!(IrcPeer::connect(&plain, "looks").whois("ines"), "127.0.0.1", "it would have taken the password");
    let mut bob = daemon.client("bob").at("198.51.100.7");
    bob.sign_in_irc(&gateway, "bob");
    assert_eq!(IrcPeer::connect(&gateway, "looks").whois("bob"), "127.0.0.1", "with a wrong password");
}

#[test]
fn a_file_that_holds_no_password_is_told_before_anything_is_opened() {
    let folder = tempfile::tempdir().expect("a directory");
    for (password, words) in [(Some("two words"), "one word of ASCII"), (Some(":colon"), "one word of ASCII"), (None, "No such file")] {
        let file = folder.path().join("password");
        let _ = std::fs::remove_file(&file);
        if let Some(password) = password {
            std::fs::write(&file, password).expect("the file");
        }
        let setting = format!("irc.example.org={}", file.display());
        let listen = format!("127.0.0.1:{}", free_port());
        let output = std::process::Command::new(BELLFLOWER)
            .args(["serve", "--listen", &listen, "--admin-listen", "off", "--egress-webirc", &setting])
            .output()
            .expect("the daemon's end");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains("egress.webirc") && told.contains(words), "{}: {told}", output.status);
    }
}
