//! Files by HTTP upload (XEP-0363): to people and to rooms, as a link that others draw as a file; what the server does not take is said.

use super::{BELLFLOWER, Memory};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use support::{Daemon, Element, PATIENCE, Prosody, WireClient, XmppPeer, check, https_stream, joins, wait_until};

struct Stage {
    ines: WireClient,
    bob: XmppPeer,
    daemon: Daemon,
    prosody: Prosody,
}

impl Stage {
    fn new(most: u64, elsewhere: Option<&str>) -> Self {
        let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").uploads(most, elsewhere).start();
        let mut daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
        // `localhost` has an IPv6 address, too, at which Prosody does not listen.
        daemon.allow_log("proxy: Error connecting to localhost");
        daemon.allow_log("proxy: Connection attempt failed");
        let mut ines = daemon.client("ines-tab");
        ines.sign_in_xmpp(&prosody, "ines");
        let bob = XmppPeer::connect(&prosody, "bob");
        ines.wait_event("the server's service", |event| {
            event["type"] == "account.updated" && event["account"]["features"].as_array().is_some_and(|all| all.contains(&json!("uploads")))
        });
        Self { ines, bob, daemon, prosody }
    }

    fn send(&mut self, conversation: &str, size: usize) -> Result<Value, Value> {
        let upload = self.ines.upload("a%20picture.png", size).ok();
        let id = self.ines.command("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
        self.ines.outcome(&id)
    }

    fn ended(&mut self, sent: &Value) -> Value {
        let id = sent["transfer"].clone();
        self.ines.wait_event("the end of the transfer", |event| event["type"] == "transfer.closed" && event["transfer"] == id)["state"]
            .clone()
    }

    /// The number of connections that stand to the server's port for files, by the kernel's table.
    fn on_their_way(&self) -> usize {
        const ESTABLISHED: &str = "01";
        let port = format!(":{:04X}", self.prosody.files_port());
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields.get(2).is_some_and(|to| to.ends_with(&port)) && fields.get(3) == Some(&ESTABLISHED)).count()
    }

    /// Waits until nothing is staged any more.
    fn nothing_is_staged(&self) {
        let staged = || std::fs::read_dir(self.daemon.data_dir().join("uploads")).map_or(0, Iterator::count);
        wait_until("an empty directory of uploads", PATIENCE, || (staged() == 0).then_some(()));
    }
}

/// The address in a message, which is its whole text, and marked as a file.
fn address(message: &Element) -> String {
    let url = message.child_text("body").expect("a text").to_owned();
    let marked = message.child("x").and_then(|x| x.child_text("url"));
    assert_eq!(marked, Some(url.as_str()), "{message:?}");
    assert!(url.starts_with("https://localhost:"), "{url}");
    url
}

/// The number of bytes behind an address, each of which is that of the tests' file.
fn fetched(prosody: &Prosody, url: &str) -> usize {
    let rest = url.strip_prefix("https://").expect("an address");
    let (place, path) = rest.split_once('/').expect("a path");
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {place}\r\n\r\n");
    let mut answer = BufReader::new(https_stream(place, &prosody.authority_pem(), &request).expect("an answer"));
    let mut line = String::new();
    answer.read_line(&mut line).expect("a status");
    assert!(line.starts_with("HTTP/1.0 200") || line.starts_with("HTTP/1.1 200"), "{line}");
    while !line.trim_end().is_empty() {
        line.clear();
        assert!(answer.read_line(&mut line).expect("a header") > 0, "a head without an end");
    }
    check(&mut answer, 0).expect("the whole file")
}

#[test]
fn a_file_goes_to_somebody_as_a_link() {
    let mut stage = Stage::new(10 << 20, None);
    let conversation = stage.ines.open("bob@localhost");
    for size in [1, 70_000, 3 << 20] {
        let sent = stage.send(&conversation, size).expect("a transfer");
        let heard = stage.bob.wait_for("the link", |stanza| stanza.name == "message" && stanza.child_text("body").is_some());
        let url = address(&heard);
        assert_eq!(fetched(&stage.prosody, &url), size);
        assert_eq!(stage.ended(&sent), "done");
        // The address stands in the conversation as a message of Ines.
        let own = stage.ines.wait_event("her message", |event| event["type"] == "message.sent");
        assert_eq!(own["message"]["text"], json!(url));
        assert_eq!(own["message"]["spans"][0]["link"], json!(url));
    }
    stage.nothing_is_staged();
}

#[test]
fn a_large_file_goes_as_a_link_and_takes_no_memory() {
    let size = super::large();
    let mut stage = Stage::new(size as u64, None);
    let conversation = stage.ines.open("bob@localhost");
    let memory = Memory::of(&stage.daemon);
    let upload = stage.ines.upload_from("a%20picture.png", size, memory.over(size)).ok();
    let sent = stage.ines.carry_out("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
    // Each part that has gone is told.
    loop {
        let event = stage.ines.wait_event("more of the file", |event| {
            (event["type"] == "transfer.progress" && event["transfer"]["id"] == sent["transfer"])
                || (event["type"] == "transfer.closed" && event["transfer"] == sent["transfer"])
        });
        memory.look();
        if event["type"] == "transfer.closed" {
            assert_eq!(event["state"], "done");
            break;
        }
    }
    let heard = stage.bob.wait_for("the link", |stanza| stanza.name == "message" && stanza.child_text("body").is_some());
    assert_eq!(fetched(&stage.prosody, &address(&heard)), size);
    memory.is_flat();
    stage.nothing_is_staged();
}

#[test]
fn a_file_goes_to_a_room() {
    let mut stage = Stage::new(10 << 20, None);
    let room = stage.prosody.room("garden");
    let conversation = stage.ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    stage.bob.join(&room, "Bob");
    stage.ines.wait_event("bob", |event| joins(event, "Bob"));
    let sent = stage.send(&conversation, 5000).expect("a transfer");
    let opened = stage.ines.wait_event("the transfer", |event| event["type"] == "transfer.opened");
    assert_eq!(opened["transfer"]["conversation"], json!(conversation));
    let heard = stage.bob.wait_for("the link", |stanza| stanza.is("type", "groupchat") && stanza.child_text("body").is_some());
    assert_eq!(fetched(&stage.prosody, &address(&heard)), 5000);
    assert_eq!(stage.ended(&sent), "done");
    stage.ines.wait_event("her message", |event| event["type"] == "message.sent" && event["conversation"] == json!(conversation));
    // Libpurple says nothing of an offer to an address: the link is all that there is to see.
    let said = stage.ines.kept().find(|event| event["type"] == "message.system" && event.to_string().contains("a picture.png"));
    assert_eq!(said, None);
}

#[test]
fn a_file_on_its_way_is_taken_back_or_ends_with_the_connection() {
    let mut stage = Stage::new(100 << 20, None);
    let conversation = stage.ines.open("bob@localhost");
    for by_ines in [true, false] {
        let sent = stage.send(&conversation, 32 << 20).expect("a transfer");
        stage.ines.wait_event("a part of it", |event| event["type"] == "transfer.progress" && event["transfer"]["id"] == sent["transfer"]);
        if by_ines {
            assert_eq!(stage.on_their_way(), 1);
            stage.ines.carry_out("transfer.cancel", json!({ "transfer": sent["transfer"] }));
            assert_eq!(stage.ended(&sent), "cancelled");
            wait_until("no connection with a file", PATIENCE, || (stage.on_their_way() == 0).then_some(()));
            // No address was said.
            stage.ines.say(&conversation, "not yet");
            let heard = stage.bob.wait_for("her words", |stanza| stanza.name == "message" && stanza.child_text("body").is_some());
            assert_eq!(heard.child_text("body"), Some("not yet"));
        } else {
            stage.prosody.kill();
            assert_eq!(stage.ended(&sent), "failed");
        }
        stage.nothing_is_staged();
    }
}

#[test]
fn what_the_server_does_not_take_is_said() {
    let mut stage = Stage::new(100_000, None);
    let conversation = stage.ines.join(&json!({ "room": "garden", "server": "rooms.localhost", "handle": "Ines" }));
    let error = stage.send(&conversation, 100_001).expect_err("too large");
    assert_eq!(error["code"], "too_large", "{error}");
    // Between two people it is offered without the service.
    let bob = stage.ines.open("bob@localhost");
    let offered = stage.send(&bob, 100_001).expect("an offer");
    stage.ines.carry_out("transfer.cancel", json!({ "transfer": offered["transfer"] }));
    assert_eq!(stage.ended(&offered), "cancelled");
    stage.nothing_is_staged();
}

/// The account goes on, and comes back after an ordinary loss of its connection.
#[test]
fn a_place_where_nobody_may_go_is_not_the_accounts_server() {
    let mut stage = Stage::new(100_000, Some("https://10.0.0.1:5281/"));
    stage.daemon.allow_log("which cannot be reached from here");
    stage.daemon.allow_log("Network is unreachable");
    stage.daemon.allow_log("Connection refused");
    let bob = stage.ines.open("bob@localhost");
    let sent = stage.send(&bob, 10).expect("a transfer");
    assert_eq!(stage.ended(&sent), "failed");
    let account = stage.ines.account();
    stage.prosody.kill();
    let lost = stage.ines.wait_account_state(&account, &["waiting", "error"]);
    assert_eq!((&lost["state"], &lost["error"]["fatal"]), (&json!("waiting"), &json!(false)), "{lost}");
}

#[test]
fn a_place_that_cannot_be_reached_or_trusted_is_said() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let mut stage = Stage::new(100_000, Some(&format!("https://localhost:{closed}/")));
    let bob = stage.ines.open("bob@localhost");
    let sent = stage.send(&bob, 10).expect("a transfer");
    assert_eq!(stage.ended(&sent), "failed");
    stage.ines.wait_event("the reason", |event| {
        event["type"] == "message.system" && event["message"]["text"].as_str().is_some_and(|text| text.contains("cannot be reached"))
    });
    stage.nothing_is_staged();
}
