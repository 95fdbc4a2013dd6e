//! Attacks of an IRC server to which a visitor signs in.

use crate::{Attack, Site, again, is_visited};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::{Duration, Instant};
use support::Hostile;

pub(crate) const ATTACKS: &[Attack] = &[
    ("irc server: every numeric with up to three parameters", |site, until| attack(site, until, || Hostile::irc(true, every_line()))),
    ("irc server: a line without end", |site, until| attack(site, until, || Hostile::irc(true, vec![b'x'; 32 << 20]))),
    ("irc server: names without end", |site, until| {
        attack(site, until, || {
            let mut lines = ":victim!v@h JOIN #den\r\n".to_owned();
            for number in 0..40_000 {
                let _ = write!(lines, ":h 353 victim = #den :a{number} b{number} c{number}\r\n");
            }
            Hostile::irc(true, (lines + ":h 366 victim #den :end\r\n").into_bytes())
        });
    }),
    ("irc server: conversations without end", |site, until| {
        attack(site, until, || {
            let mut lines = String::new();
            (0..40_000).for_each(|number| _ = write!(lines, ":n{number}!u@h PRIVMSG victim :hello\r\n"));
            Hostile::irc(true, lines.into_bytes())
        });
    }),
    ("irc server: 904 after 903", |site, until| attack(site, until, || Hostile::irc(true, b":h 903 x :ok\r\n:h 904\r\n".to_vec()))),
    ("irc server: 904 after 903 before the welcome", |site, until| {
        attack(site, until, || Hostile::irc(false, b":h CAP x ACK :sasl\r\nAUTHENTICATE +\r\n:h 903\r\n:h 904\r\n".to_vec()));
    }),
];

/// Each numeric and verb, with none to three parameters.
fn every_line() -> Vec<u8> {
    let verbs = ["PRIVMSG", "NOTICE", "JOIN", "PART", "QUIT", "KICK", "MODE", "NICK", "TOPIC", "INVITE", "PING", "PONG", "ERROR", "CAP"];
    let verbs = verbs.into_iter().chain(["AUTHENTICATE", "WALLOPS"]).map(str::to_owned);
    // The one that ends a worker is an attack of its own.
    let numerics = (1..1000).filter(|number| *number != 904).map(|number| format!("{number:03}"));
    let mut lines = String::new();
    for what in numerics.chain(verbs) {
        for parameters in ["", " victim", " victim #den", " victim #den :x"] {
            let _ = write!(lines, ":h {what}{parameters}\r\n{what}{parameters}\r\n");
        }
    }
    lines.into_bytes()
}

fn network(port: u16, sasl: bool) -> Value {
    let mut network = json!({ "protocol": "prpl-irc", "username": "victim@127.0.0.1", "options": { "port": port } });
    if sasl {
        network["password"] = "secret".into();
        network["options"]["sasl"] = true.into();
        network["options"]["auth_plain_in_clear"] = true.into();
    }
    network
}

/// Visitors sign in there, one after the other.
fn attack(site: &Site, until: Instant, server: impl Fn() -> Hostile) {
    let server = server();
    let mut first = true;
    again(until.max(Instant::now() + Duration::from_millis(1)), |count| {
        let mut visitor = site.visitor(&network(server.port(), count % 2 == 1));
        if std::mem::take(&mut first) {
            is_visited(site, &server);
        }
        std::thread::sleep(Duration::from_millis(700));
        let _ = visitor.try_post("/logout", &json!({}));
    });
}
