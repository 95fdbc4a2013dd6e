//! The fixtures themselves, without the daemon: what they say of the real servers is true. It must not test Bellflower.

// A failed expectation is what fails a test.
#![allow(clippy::expect_used)]

use std::time::Instant;

use support::{Authority, Browser, Flaw, IrcPeer, Ngircd, Prosody, Scheme, Window, XmppPeer};

#[test]
fn a_peer_talks_to_a_peer_through_prosody() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut ines = XmppPeer::connect(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    ines.wait_for("bob's presence", |s| s.name == "presence" && s.from_bare() == "bob@localhost");
    bob.say("ines@localhost", "1 < 2 & \"three\"");
    assert_eq!(ines.hears("1 < 2 & \"three\"").from_bare(), "bob@localhost");
    ines.chat_state("bob@localhost", "composing");
    bob.wait_for("the chat state", |s| s.child("composing").is_some());
    let roster = ines.request("get", "", "<query xmlns='jabber:iq:roster'/>");
    let item = roster.child("query").and_then(|query| query.child("item")).expect("an item");
    assert!(item.is("jid", "bob@localhost") && item.is("name", "Bob") && item.child_text("group") == Some("Friends"), "{item:?}");
}

#[test]
fn a_room_of_prosody_has_members_and_a_topic() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let room = prosody.room("garden");
    let mut ines = XmppPeer::connect(&prosody, "ines");
    ines.join(&room, "Ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.join(&room, "Bob");
    ines.topic(&room, "Bluebells");
    bob.wait_for("the topic", |s| s.child_text("subject") == Some("Bluebells"));
    bob.say_in(&room, "hello all");
    assert!(ines.hears("hello all").is("from", &format!("{room}/Bob")));
    bob.leave(&room, "Bob");
    ines.wait_for("bob's leaving", |s| s.is("type", "unavailable") && s.is("from", &format!("{room}/Bob")));
}

#[test]
fn a_locked_room_of_prosody_keeps_others_out() {
    let prosody = Prosody::builder().users(["ines", "bob"]).room_locking().start();
    let room = prosody.room("closed");
    let mut ines = XmppPeer::connect(&prosody, "ines");
    ines.join(&room, "Ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.send(&format!("<presence to='{room}/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    bob.wait_for("the refusal", |s| s.name == "presence" && s.is("type", "error"));
}

#[test]
fn messages_wait_in_prosody_over_a_restart() {
    let mut prosody = Prosody::with_users(["ines", "bob"]);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "for later");
    bob.received();
    drop(bob);
    prosody.stop();
    prosody.start();
    let mut ines = XmppPeer::connect(&prosody, "ines");
    assert!(ines.hears("for later").child("delay").is_some());
}

#[test]
fn five_hundred_accounts_are_made_in_no_time() {
    let names: Vec<_> = (0..500).map(|i| format!("user{i}")).collect();
    let prosody = Prosody::with_users(["first"]);
    let started = Instant::now();
    names.iter().for_each(|name| prosody.add_user(name));
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    XmppPeer::connect(&prosody, "user499");
}

/// What `openssl s_client` says of the certificate that a server shows after STARTTLS.
fn verdict(prosody: &Prosody) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = directory.path().join("authority.pem");
    std::fs::write(&authority, prosody.authority_pem()).expect("writing the authority");
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-starttls", "xmpp", "-name", "localhost", "-verify_hostname", "localhost", "-connect"])
        .arg(format!("127.0.0.1:{}", prosody.port()))
        .arg("-CAfile")
        .arg(&authority)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find(|line| line.trim_start().starts_with("Verify return code")).unwrap_or(&text).trim().to_owned()
}

#[test]
fn prosody_shows_the_certificate_it_is_given() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::None).start();
    assert_eq!(verdict(&prosody), "Verify return code: 0 (ok)");
    for (flaw, words) in [(Flaw::Expired, "expired"), (Flaw::SelfSigned, "self-signed"), (Flaw::WrongHost, "hostname mismatch")] {
        prosody.replace_certificate(flaw);
        let verdict = verdict(&prosody);
        assert!(verdict.to_lowercase().contains(words), "{flaw:?}: {verdict}");
    }
}

#[test]
fn a_peer_talks_to_a_peer_through_ngircd() {
    let server = Ngircd::builder().channel("#lounge", "Welcome").password("open sesame").start();
    let mut ines = IrcPeer::connect(&server, "ines");
    let mut bob = IrcPeer::connect(&server, "bob");
    ines.join("#lounge");
    ines.wait_for("the topic", |line| line.command == "332" && line.params.last().is_some_and(|topic| topic == "Welcome"));
    bob.join("#lounge");
    ines.wait_for("bob's join", |line| line.command == "JOIN" && line.nick() == "bob");
    bob.say("#lounge", "hello : all");
    assert_eq!(ines.hears("hello : all").nick(), "bob");
    ines.say("bob", "psst");
    bob.hears("psst");
}

#[test]
fn ngircd_speaks_tls_when_asked() {
    let server = Ngircd::builder().tls(Flaw::SelfSigned).start();
    let stream = std::net::TcpStream::connect(("127.0.0.1", server.tls_port()));
    assert!(stream.is_ok() && Authority::new().pem().contains("BEGIN CERTIFICATE"), "{}", server.log());
}

#[tokio::test]
async fn browser_opens_a_page_of_its_own() {
    let browser = Browser::start().await;
    browser.open("data:text/html,<title>bell</title><p id=p>ring</p>").await;
    assert_eq!(browser.page().title().await.expect("a title"), "bell");
    browser.window(Window::Phone).await;
    assert_eq!(browser.eval("return innerWidth <= 980 && screen.width").await, 390);
    browser.scheme(Scheme::Dark).await;
    assert_eq!(browser.eval("return matchMedia('(prefers-color-scheme: dark)').matches").await, true);
    browser.eval("console.error('a bell without a clapper')").await;
    assert!(browser.console().await.iter().any(|line| line.contains("clapper")));
    let picture = std::fs::read(browser.screenshot("fixture").await).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG"));
    browser.close().await;
}
