//! Attacks of an XMPP server to which a visitor signs in.

use crate::{Attack, Site, again, is_visited};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::{Duration, Instant};
use support::{Hostile, WireClient, XmppScript};

pub(crate) const ATTACKS: &[Attack] = &[
    ("xmpp server: never answers", never_answers),
    ("xmpp server: 110 000 attributes", |site, until| {
        let mut stanza = "<message from='a@harm.localhost'><x".to_owned();
        (0..110_000).for_each(|number| _ = write!(stanza, " a{number}=''"));
        attack(site, until, XmppScript { then: (stanza + "/></message>").into_bytes(), ..XmppScript::default() });
    }),
    ("xmpp server: 24 000 groups", |site, until| {
        let mut roster = String::new();
        (0..24_000).for_each(|number| _ = write!(roster, "<item jid='b{number}@harm.localhost'><group>g{number}</group></item>"));
        attack(site, until, XmppScript { roster, ..XmppScript::default() });
    }),
    ("xmpp server: 24 000 groups of one buddy", |site, until| {
        let mut roster = "<item jid='b@harm.localhost'>".to_owned();
        (0..24_000).for_each(|number| _ = write!(roster, "<group>g{number}</group>"));
        attack(site, until, XmppScript { roster: roster + "</item>", ..XmppScript::default() });
    }),
    ("xmpp server: deep nesting", |site, until| {
        let then = [b"<message>".to_vec(), b"<a>".repeat(200_000)].concat();
        attack(site, until, XmppScript { then, ..XmppScript::default() });
    }),
    ("xmpp server: entity declarations", |site, until| {
        let mut bomb = "<!DOCTYPE x [<!ENTITY a0 'aaaaaaaaaaaaaaaa'>".to_owned();
        (1..30).for_each(|number| _ = write!(bomb, "<!ENTITY a{number} '&a{0};&a{0};&a{0};&a{0};'>", number - 1));
        bomb.push_str("]><stream:features>&a29;</stream:features>");
        attack(site, until, XmppScript { instead: Some(bomb.into_bytes()), ..XmppScript::default() });
    }),
    ("xmpp server: a stanza without end", |site, until| {
        let script = XmppScript { then: b"<message><body>".to_vec(), forever: vec![b'x'; 64 << 10], ..XmppScript::default() };
        attack(site, until, script);
    }),
    ("xmpp server: conversations without end", |site, until| {
        let mut then = String::new();
        for number in 0..20_000 {
            let _ = write!(then, "<message type='chat' from='m{number}@harm.localhost/x'><body>hello</body></message>");
        }
        attack(site, until, XmppScript { then: then.into_bytes(), ..XmppScript::default() });
    }),
    ("xmpp server: requests for permission without end", |site, until| {
        let mut then = String::new();
        (0..20_000).for_each(|number| _ = write!(then, "<presence type='subscribe' from='s{number}@harm.localhost'/>"));
        attack(site, until, XmppScript { then: then.into_bytes(), ..XmppScript::default() });
    }),
    ("xmpp server: garbage", |site, until| {
        attack(site, until, XmppScript { then: b"\xff\xfe</stream:stream><<<&&&\0".repeat(1000), ..XmppScript::default() });
    }),
];

/// An account there.
pub(crate) fn network(port: u16, name: &str) -> Value {
    json!({
        "protocol": "prpl-jabber",
        "username": format!("{name}@harm.localhost/web"),
        "password": "secret",
        "options": { "connect_server": "127.0.0.1", "port": port, "connection_security": "opportunistic_tls", "auth_plain_in_clear": true },
    })
}

/// Three visitors sign in there, and come again when they are thrown out.
fn attack(site: &Site, until: Instant, script: XmppScript) {
    visit(site, until, &Hostile::xmpp(script));
}

fn never_answers(site: &Site, until: Instant) {
    let server = Hostile::start(|stream| drop((std::thread::sleep(Duration::from_secs(60)), stream)));
    visit(site, until, &server);
}

fn visit(site: &Site, until: Instant, server: &Hostile) {
    let mut visitors: Vec<_> = (0..3).map(|number| site.visitor(&network(server.port(), &format!("victim{number}")))).collect();
    if is_visited(site, server) {
        stay(until, &mut visitors);
    }
    for visitor in &mut visitors {
        let _ = visitor.try_post("/logout", &json!({}));
    }
}

/// Whoever is thrown out comes again.
fn stay(until: Instant, visitors: &mut [WireClient]) {
    again(until, |_| {
        std::thread::sleep(Duration::from_millis(200));
        for visitor in &mut *visitors {
            visitor.attach();
            let account = &visitor.snapshot["accounts"][0];
            if account["state"] == "error" || account["state"] == "waiting" {
                let account = account["id"].clone();
                let id = visitor.new_id();
                let _ = visitor.try_command(&id, "account.connect", json!({ "account": account }));
            }
        }
    });
}
