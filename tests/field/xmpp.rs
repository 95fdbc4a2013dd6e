//! Stanzas of XMPP's servers and contacts, sent by a server that the test speaks for.

use crate::BELLFLOWER;
use serde_json::{Value, json};
use support::{Daemon, Element, Flaw, Hostile, PATIENCE, Prosody, RawConnection, RawServer, WireClient, XmppScript, free_port};

pub(crate) struct Scene {
    pub(crate) _daemon: Daemon,
    pub(crate) ines: WireClient,
    pub(crate) server: RawServer<Element>,
    pub(crate) line: RawConnection<Element>,
}

/// Signed on at a server whose list has these items.
pub(crate) fn signed_on(roster: &str) -> Scene {
    let server = RawServer::xmpp(roster);
    let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"10ms\"\nreconnect_most = \"20ms\"\n").start();
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.xmpp_network("ines") })).ok();
    ines.attach();
    let line = server.connection();
    ines.wait_online();
    Scene { _daemon: daemon, ines, server, line }
}

impl Scene {
    pub(crate) fn sends(&mut self, stanzas: &str) {
        self.line.write(stanzas).expect("a client that reads");
    }

    /// Waits for a stanza of the client's.
    pub(crate) fn gets(&self, what: &str, wanted: impl Fn(&Element) -> bool) -> Element {
        loop {
            let stanza = self.line.next_within(PATIENCE).unwrap_or_else(|| panic!("{what} did not come"));
            if wanted(&stanza) {
                return stanza;
            }
        }
    }
}

/// The account as it stands with one of these states, now or later.
fn standing(client: &mut WireClient, states: &[&str]) -> Value {
    let now = client.snapshot["accounts"][0].clone();
    if now["state"].as_str().is_some_and(|state| states.contains(&state)) {
        return now;
    }
    let account = client.account();
    client.wait_account_state(&account, states)
}

const STREAMS: &str = "urn:ietf:params:xml:ns:xmpp-streams";

fn sends_on(place: &str) -> Hostile {
    let instead = format!("<stream:error><see-other-host xmlns='{STREAMS}'>{place}</see-other-host></stream:error></stream:stream>");
    Hostile::xmpp(XmppScript { instead: Some(instead.into_bytes()), ..XmppScript::default() })
}

fn guest_at(daemon: &Daemon, port: u16) -> WireClient {
    let options = json!({
        "connect_server": "127.0.0.1", "port": port, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true,
    });
    let mut ines = daemon.client("tab");
    let network = json!({ "protocol": "prpl-jabber", "username": "ines@localhost", "password": "secret", "options": options });
    ines.post("/login", &json!({ "network": network })).ok();
    ines.attach();
    ines
}

/// Case 12.
#[test]
fn a_server_that_sends_its_user_elsewhere_is_followed() {
    let server = RawServer::xmpp("");
    let second = sends_on(&format!("localhost:{}", server.port()));
    let first = sends_on(&format!(" 127.0.0.1:{} ", second.port()));
    let mut daemon = Daemon::run(BELLFLOWER);
    // Of the two addresses of localhost the server has one.
    daemon.allow_log("Connection refused");
    let mut ines = guest_at(&daemon, first.port());
    standing(&mut ines, &["online", "error", "waiting"]);
    assert_eq!((first.served(), second.served()), (1, 1));
    ines.attach();
    assert_eq!(ines.snapshot["accounts"][0]["state"], "online", "{}", ines.snapshot["accounts"][0]);
    // The account stays what its user made it.
    assert_eq!(ines.snapshot["accounts"][0]["options"]["port"], first.port());
}

/// Of the kind of case 12: anybody on the way to TLS may send accounts to a host with a good certificate of its own.
#[test]
fn a_host_that_an_account_is_sent_to_has_to_prove_the_accounts_domain() {
    let prosody = Prosody::builder().users(["ines"]).tls(Flaw::None).certified_as("127.0.0.1").require_tls().start();
    let first = sends_on(&format!("127.0.0.1:{}", prosody.port()));
    let mut daemon = Daemon::builder(BELLFLOWER).trust(prosody.authority_pem()).start();
    daemon.allow_log("Connection refused");
    let mut ines = daemon.client("tab");
    let options = json!({ "connect_server": "localhost", "port": first.port(), "connection_security": "require_tls" });
    let network = json!({
        "protocol": "prpl-jabber", "username": "ines@localhost", "password": prosody.password("ines"), "options": options,
    });
    ines.post("/login", &json!({ "network": network })).ok();
    ines.attach();
    let asked = ines.wait_event("a question about the certificate, or the end", |event| {
        event["type"] == "request.opened" || (event["type"] == "account.state" && event["state"] != "connecting")
    });
    assert_eq!(asked["request"]["kind"], "certificate", "{asked}");
    let told = asked["request"].to_string();
    assert!(told.contains("localhost"), "{told}");
}

/// Of the kind of case 12.
#[test]
fn nobody_is_sent_round_without_end_or_where_nobody_may_go() {
    let mut daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1h\"\nreconnect_most = \"1h\"\n").start();
    daemon.allow_log("which cannot be reached from here");
    daemon.allow_log("proxy: Connection attempt failed: Permission denied");
    let port = free_port();
    let round = Hostile::start(move |mut stream| {
        use std::io::{Read, Write};
        let _ = stream.read(&mut [0; 1024]);
        let opening = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>";
        let port = stream.local_addr().map_or(port, |place| place.port());
        let error =
            format!("<stream:error><see-other-host xmlns='{STREAMS}'>127.0.0.1:{port}</see-other-host></stream:error></stream:stream>");
        let _ = stream.write_all(format!("{opening}{error}").as_bytes());
    });
    let mut ines = guest_at(&daemon, round.port());
    let waiting = standing(&mut ines, &["waiting", "error", "online"]);
    assert_eq!((&waiting["state"], &waiting["error"]["code"]), (&json!("waiting"), &json!("network")), "{waiting}");
    assert!(waiting["error"]["message"].as_str().is_some_and(|words| words.contains("from one host to another")), "{waiting}");
    assert!(round.served() <= 6, "{} times", round.served());

    let inside = sends_on("10.0.0.1:5222");
    let mut eva = guest_at(&daemon, inside.port());
    let refused = standing(&mut eva, &["waiting", "error", "online"]);
    assert_eq!(refused["error"]["code"], "refused_address", "{refused}");
}

/// Case 13: refusals that are no wrong password.
#[test]
fn a_refusal_is_told_in_the_servers_words() {
    for (condition, said, code, fatal) in [
        ("account-disabled", "Call 555 for help", "account_disabled", true),
        ("credentials-expired", "Call 555 for help", "credentials_expired", true),
        ("not-authorized", "Call 555 for help", "wrong_password", true),
        ("temporary-auth-failure", "The database is away", "network", false),
        ("account-disabled", "", "account_disabled", true),
    ] {
        let text = if said.is_empty() { String::new() } else { format!("<text xml:lang='en'>{said}</text>") };
        let server = RawServer::xmpp_refusing(format!("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{condition}/>{text}</failure>"));
        let daemon = Daemon::builder(BELLFLOWER).table("[accounts]\nreconnect_first = \"1h\"\nreconnect_most = \"1h\"\n").start();
        let mut ines = guest_at(&daemon, server.port());
        let refused = standing(&mut ines, &["waiting", "error", "online"]);
        let error = &refused["error"];
        assert_eq!((&error["code"], &error["fatal"]), (&json!(code), &json!(fatal)), "{condition}: {refused}");
        let words = error["message"].as_str().expect("words");
        assert!(words.contains(said) && words.len() > said.len(), "{condition}: {refused}");
    }
}

/// Case 13, of an account that is signed on.
#[test]
fn the_end_of_a_stream_is_told_in_the_servers_words() {
    for (condition, said, code, fatal) in [
        ("not-authorized", "Account deleted", "not_authorized", true),
        ("policy-violation", "Too many stanzas for today", "network", false),
        ("system-shutdown", "Back at 9 o'clock", "network", false),
    ] {
        let mut scene = signed_on("");
        scene.sends(&format!(
            "<stream:error><{condition} xmlns='{STREAMS}'/><text xmlns='{STREAMS}'>{said}</text></stream:error></stream:stream>"
        ));
        let account = scene.ines.account();
        let ended = scene.ines.wait_account_state(&account, &["waiting", "error"]);
        let error = &ended["error"];
        assert_eq!((&error["code"], &error["fatal"]), (&json!(code), &json!(fatal)), "{condition}: {ended}");
        assert!(error["message"].as_str().is_some_and(|words| words.contains(said)), "{condition}: {ended}");
    }
}

/// Case 19, and others of its kind.
#[test]
fn an_empty_formatted_body_hides_no_plain_one() {
    let mut scene = signed_on("");
    let xhtml = |inner: &str| {
        format!("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{inner}</body></html>")
    };
    for (n, inner) in ["", "  \n ", "<p/>", "<p> <br/> </p>", "<p>&#160;</p>", "<span style='color: red'> </span>"].iter().enumerate() {
        scene.sends(&format!("<message from='bob@localhost/a' type='chat'><body>plain words {n}</body>{}</message>", xhtml(inner)));
        scene.ines.hears(&format!("plain words {n}"));
    }
    scene.sends(&format!("<message from='bob@localhost/a' type='chat'>{}</message>", xhtml("<p> </p>")));
    scene.sends("<message from='bob@localhost/a' type='chat'><body/></message><message from='bob@localhost/a' type='chat'><body> \n </body></message>");
    scene.sends(&format!(
        "<message from='bob@localhost/a' type='chat'><body>bold words</body>{}</message>",
        xhtml("<strong>bold</strong> words")
    ));
    let bold = scene.ines.hears("bold words");
    assert_eq!(bold["spans"][0]["bold"], true, "{bold}");
    let empty = scene.ines.kept().filter(|event| event["type"] == "message.received").count();
    assert_eq!(empty, 0, "{:?}", scene.ines.kept().collect::<Vec<_>>());
}

/// Case 21.
#[test]
fn names_that_xmpp_has_to_escape_are_shown_as_they_are() {
    let mut scene = signed_on("<item jid='d\\27artagnan@localhost' subscription='both'/>");
    let known = scene.ines.attach()["snapshot"]["buddies"][0].clone();
    let buddy = if known.is_null() {
        scene.ines.wait_event("the buddy", |event| event["type"] == "buddy.added")["buddies"][0].clone()
    } else {
        known
    };
    assert_eq!((&buddy["name"], &buddy["server_alias"]), (&json!("d\\27artagnan@localhost"), &json!("d'artagnan@localhost")), "{buddy}");
    scene.sends("<message from='d\\27artagnan@localhost/a' type='chat'><body>en garde</body></message>");
    let opened = scene.ines.wait_event("the conversation", |event| event["type"] == "conversation.opened");
    assert_eq!(opened["conversation"]["title"], "d'artagnan@localhost", "{opened}");
    let said = scene.ines.hears("en garde");
    assert_eq!(said["from"]["alias"], "d'artagnan@localhost", "{said}");
    // And typed as they are.
    assert_eq!(json!(scene.ines.open("D'Artagnan@localhost")), opened["conversation"]["id"]);
    let other = scene.ines.open("miles o'brien@localhost");
    scene.ines.command("message.send", json!({ "conversation": other, "text": "energise" }));
    let message = scene.gets("the message", |stanza| stanza.says("energise"));
    assert_eq!(message.attr("to"), Some("miles\\20o\\27brien@localhost"));
}
