//! Attacks of an ordinary contact on people at an ordinary server: what it sends is for some of the innocent themselves.

use crate::{Attack, Site, again, crowd};
use std::fmt::Write;
use std::time::{Duration, Instant};
use support::XmppPeer;

pub(crate) const ATTACKS: &[Attack] = &[
    ("contact: 20 000 attributes", |site, until| {
        let mut tag = "<a href='https://example.org/'".to_owned();
        (0..20_000).for_each(|number| _ = write!(tag, " a{number}='1'"));
        let html = format!(
            "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{tag}>x</a></body></html>"
        );
        // A few are enough.
        each(site, until, |eve, to, count| {
            if count % 20 == 0 {
                eve.send(&message(to, &html));
            }
        });
    }),
    ("contact: deep markup", |site, until| {
        let html = format!(
            "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{}x{}</body></html>",
            "<b>".repeat(2000),
            "</b>".repeat(2000)
        );
        each(site, until, |eve, to, _| eve.send(&message(to, &html)));
    }),
    ("contact: huge messages", |site, until| {
        let body = format!("<body>{}</body>", "a link https://example.org/? ".repeat(6000));
        each(site, until, |eve, to, _| eve.send(&message(to, &body)));
    }),
    ("contact: messages without end", |site, until| {
        each(site, until, |eve, to, count| {
            for number in 0..20 {
                eve.say(to, &format!("buy this {count} {number}"));
                eve.chat_state(to, if number % 2 == 0 { "composing" } else { "paused" });
            }
        });
    }),
    ("contact: requests for permission without end", |site, until| {
        each(site, until, |eve, to, _| {
            eve.presence_to(to, "subscribe");
            eve.presence_to(to, "unsubscribe");
        });
    }),
    ("contact: files offered, then signed out", |site, until| {
        again(until, |count| {
            let mut eve = XmppPeer::connect_as(&site.prosody, "eve2", &format!("r{count}"));
            for number in 0..crate::USERS {
                let to = format!("{}@localhost/web", crowd::name(number));
                eve.send(&format!(
                    "<iq type='set' id='f{count}-{number}' to='{to}'><si xmlns='http://jabber.org/protocol/si' id='s{count}-{number}' \
                     profile='http://jabber.org/protocol/si/profile/file-transfer'><file \
                     xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='x.txt' size='1000'/><feature \
                     xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'><field var='stream-method' \
                     type='list-single'><option><value>http://jabber.org/protocol/bytestreams</value></option></field></x></feature></si></iq>"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        });
    }),
];

fn message(to: &str, inside: &str) -> String {
    format!("<message type='chat' to='{to}'>{inside}</message>")
}

/// Sends to all of them in turn, a few times a second.
fn each(site: &Site, until: Instant, send: impl Fn(&mut XmppPeer, &str, u64)) {
    let mut eve = XmppPeer::connect(&site.prosody, "eve");
    again(until, |count| {
        let number = usize::try_from(count).unwrap_or_default() % crate::USERS;
        send(&mut eve, &format!("{}@localhost", crowd::name(number)), count);
        std::thread::sleep(Duration::from_millis(50));
    });
}
