//! Stanzas of one's server and contacts: at each bound, of every kind that libpurple makes something of, and in floods.

use crate::flood;
use crate::stage::{Stage, Step};
use std::fmt::Write;

/// A list with somebody in it.
pub(crate) const BOB: &str = "<item jid='bob@localhost' name='Bob' subscription='both'><group>Friends</group></item>";

/// So many, one after the other.
pub(crate) fn many(count: usize, mut each: impl FnMut(&mut String, usize)) -> String {
    let mut all = String::new();
    (0..count).for_each(|number| each(&mut all, number));
    all
}

pub(crate) fn message(from: &str, inside: &str) -> String {
    format!("<message from='{from}' to='ines@localhost/raw' type='chat'>{inside}</message>")
}

/// A message with markup.
fn markup(inside: &str) -> String {
    let html =
        format!("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>{inside}</body></html>");
    message("bob@localhost/x", &format!("<body>plain</body>{html}"))
}

/// An event of somebody's, as PEP has it.
fn event(node: &str, inside: &str) -> String {
    format!(
        "<message from='bob@localhost' to='ines@localhost/raw' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>\
         <items node='{node}'>{inside}</items></event></message>"
    )
}

/// As many attributes as one element may have.
fn attributes(count: usize) -> String {
    many(count, |all, number| _ = write!(all, " a{number:02}='x'"))
}

pub(crate) const STANZAS: &[Step] = &[
    ("63 attributes on each of 1 700 elements", |stage| {
        let one = format!("<i{}>x</i>", attributes(63));
        stage.send(markup(&one.repeat(1_700)));
    }),
    ("63 attributes on each of 4 900 elements of a request", |stage| {
        let one = format!("<x{}/>", attributes(63));
        stage.send(format!("<iq from='bob@localhost/x' type='get' id='a'><query xmlns='urn:x'>{}</query></iq>", one.repeat(4_900)));
    }),
    ("elements in each other, 95 deep, again and again", |stage| {
        let one = format!("{}x{}", "<b>".repeat(95), "</b>".repeat(95));
        stage.send(markup(&one.repeat(50)));
    }),
    ("5 000 elements, spans", |stage| stage.send(markup(&"<i>x</i>".repeat(4_990)))),
    ("5 000 elements, styles", |stage| {
        stage.send(markup(&many(4_990, |all, n| _ = write!(all, "<span style='color: #{:06x}; font-size: {}pt'>x</span>", n * 3, n % 30))));
    }),
    ("5 000 links", |stage| stage.send(markup(&many(4_990, |all, n| _ = write!(all, "<a href='https://example.org/{n}'>x</a>"))))),
    ("5 000 pictures in a text", |stage| {
        stage.send(markup(&many(4_990, |all, n| _ = write!(all, "<img src='cid:sha1+{n:040x}@bob.xmpp.org' alt='s{n}'/>"))));
    }),
    ("5 000 bodies", |stage| stage.send(message("bob@localhost/x", &"<body>hello</body>".repeat(4_990)))),
    ("5 000 subjects", |stage| stage.send(message("bob@localhost/x", &"<subject>hello</subject>".repeat(4_990)))),
    ("5 000 payloads of nobody's", |stage| stage.send(message("bob@localhost/x", &"<x xmlns='urn:x'/>".repeat(4_990)))),
    ("5 000 invitations", |stage| {
        let x = "<x xmlns='jabber:x:conference' jid='den@rooms.localhost'/>";
        stage.send(message("bob@localhost/x", &x.repeat(4_990)));
    }),
    ("5 000 addresses of files", |stage| {
        stage.send(message("bob@localhost/x", &"<x xmlns='jabber:x:oob'><url>http://example.org/</url></x>".repeat(2_490)));
    }),
    ("5 000 moods", |stage| stage.send(event("http://jabber.org/protocol/mood", &mood("happy", "x").repeat(1_200)))),
    ("a mood of a mebibyte", |stage| stage.send(event("http://jabber.org/protocol/mood", &mood("happy", &"&lt;b&gt;".repeat(100_000))))),
    ("a nick of a mebibyte", |stage| {
        let nick = format!("<item id='x'><nick xmlns='http://jabber.org/protocol/nick'>{}</nick></item>", "n&amp;".repeat(170_000));
        stage.send(event("http://jabber.org/protocol/nick", &nick));
    }),
    ("a presence with 5 000 payloads", |stage| {
        let x = "<x xmlns='vcard-temp:x:update'><photo>a</photo></x>".repeat(1_200)
            + &"<c xmlns='http://jabber.org/protocol/caps'/>".repeat(2_500);
        stage.send(format!("<presence from='bob@localhost/x'>{x}</presence>"));
    }),
    ("a status of a mebibyte", |stage| {
        stage.send(format!("<presence from='bob@localhost/x'><status>{}</status></presence>", "&lt;http://a.b &amp;".repeat(50_000)));
    }),
    ("a file offered in 4 MiB", |stage| {
        let field = |all: &mut String, n: usize| {
            _ = write!(all, "<field var='f{n}' type='list-single'><option><value>{}</value></option></field>", "v".repeat(2_000))
        };
        stage.send(format!(
            "<iq type='set' id='si' from='bob@localhost/x'><si xmlns='http://jabber.org/protocol/si' id='s' \
             profile='http://jabber.org/protocol/si/profile/file-transfer'><file xmlns='http://jabber.org/protocol/si/profile/file-transfer' \
             name='x.txt' size='1000'/><feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'>{}</x>\
             </feature></si></iq>",
            many(1_600, field)
        ));
    }),
    ("a mebibyte of text", |stage| stage.send(message("bob@localhost/x", &format!("<body>{}</body>", "word ".repeat(200_000))))),
    ("a mebibyte of text in one word", |stage| stage.send(message("bob@localhost/x", &format!("<body>{}</body>", "w".repeat(1_000_000))))),
    ("a mebibyte of line ends", |stage| stage.send(message("bob@localhost/x", &format!("<body>{}</body>", "\n".repeat(1_000_000))))),
];

fn mood(name: &str, text: &str) -> String {
    format!("<item id='x'><mood xmlns='http://jabber.org/protocol/mood'><{name}/><text>{text}</text></mood></item>")
}

/// 64 KiB of this, as a message without markup and as one with.
fn text(stage: &mut Stage, piece: &str) {
    let all = piece.repeat((64 << 10) / piece.len());
    stage.send(message("bob@localhost/x", &format!("<body>{all}</body>")));
    stage.send(markup(&format!("<p>{all}</p>")));
}

pub(crate) const TEXTS: &[Step] = &[
    ("64 KiB of addresses", |stage| text(stage, "https://example.org/a?b#c ")),
    ("64 KiB of one address", |stage| text(stage, "https://example.org/")),
    ("64 KiB of fronts of addresses", |stage| text(stage, "http://")),
    ("64 KiB of www.", |stage| text(stage, "www.")),
    ("64 KiB of mail addresses", |stage| text(stage, "a@b.cd ")),
    ("64 KiB of @", |stage| text(stage, "a@")),
    ("64 KiB of brackets", |stage| text(stage, "http://a.b/(((")),
    ("64 KiB of tags that are text", |stage| text(stage, "&lt;b&gt;")),
    ("64 KiB of openings that are text", |stage| text(stage, "&lt;")),
    ("64 KiB of entities that are text", |stage| text(stage, "&amp;lt;")),
    ("64 KiB of ampersands", |stage| text(stage, "&amp;")),
    ("64 KiB of numbered characters", |stage| text(stage, "&#x1F514;")),
    ("64 KiB of quotation marks", |stage| text(stage, "\"'")),
    ("64 KiB of smileys", |stage| text(stage, ":-) ")),
    ("64 KiB of marks above letters", |stage| text(stage, "a\u{301}\u{302}\u{303}")),
    ("64 KiB of changes of direction", |stage| text(stage, "\u{202e}a\u{202c}")),
    ("64 KiB of /me", |stage| text(stage, "/me ")),
    ("64 KiB of xmpp: addresses", |stage| text(stage, "xmpp:a@b?c;d=e ")),
    ("64 KiB of line ends", |stage| text(stage, "a\n")),
];

pub(crate) const FLOODS: &[Step] = &[
    ("10 000 resources of one contact", |stage| {
        stage.send(many(flood(10_000), |all, n| {
            _ = write!(all, "<presence from='bob@localhost/r{n}'><show>away</show><status>s{n}</status></presence>")
        }));
    }),
    ("10 000 resources come, change and go", |stage| {
        for round in ["", "<show>away</show>"] {
            stage.send(many(flood(10_000), |all, n| _ = write!(all, "<presence from='bob@localhost/r{n}'>{round}</presence>")));
        }
        stage.send(many(flood(10_000), |all, n| _ = write!(all, "<presence from='bob@localhost/r{n}' type='unavailable'/>")));
    }),
    ("20 000 messages of one", |stage| {
        stage.send(many(flood(20_000), |all, n| all.push_str(&message("bob@localhost/x", &format!("<body>hello {n}</body>")))));
    }),
    ("20 000 messages of 20 000 strangers", |stage| {
        stage.send(many(flood(20_000), |all, n| all.push_str(&message(&format!("s{n}@localhost/x"), "<body>hello</body>"))));
    }),
    ("20 000 messages of 20 000 resources", |stage| {
        stage.send(many(flood(20_000), |all, n| all.push_str(&message(&format!("bob@localhost/r{n}"), "<body>hello</body>"))));
    }),
    ("20 000 chat states", |stage| {
        let state = |n: usize| if n.is_multiple_of(2) { "composing" } else { "paused" };
        let one = |n: usize| format!("<{} xmlns='http://jabber.org/protocol/chatstates'/>", state(n));
        stage.send(many(flood(20_000), |all, n| all.push_str(&message("bob@localhost/x", &one(n)))));
    }),
    ("20 000 requests for permission", |stage| {
        stage.send(many(flood(20_000), |all, n| _ = write!(all, "<presence type='subscribe' from='s{n}@localhost'/>")));
    }),
    ("20 000 questions for versions", |stage| {
        let query = "<query xmlns='jabber:iq:version'/>";
        stage.send(many(flood(20_000), |all, n| _ = write!(all, "<iq type='get' id='v{n}' from='s{n}@localhost/x'>{query}</iq>")));
    }),
    ("5 000 files offered", |stage| {
        stage.send(many(flood(5_000), |all, n| {
            _ = write!(
                all,
                "<iq type='set' id='f{n}' from='bob@localhost/x'><si xmlns='http://jabber.org/protocol/si' id='s{n}' \
                 profile='http://jabber.org/protocol/si/profile/file-transfer'><file \
                 xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='x.txt' size='1000'/><feature \
                 xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'><field var='stream-method' \
                 type='list-single'><option><value>http://jabber.org/protocol/bytestreams</value></option></field></x></feature></si></iq>"
            );
        }));
    }),
    ("5 000 calls", |stage| {
        stage.send(many(flood(5_000), |all, n| {
            _ = write!(
                all,
                "<iq type='set' id='j{n}' from='bob@localhost/x'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s{n}' \
                 initiator='bob@localhost/x'><content creator='initiator' name='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1' \
                 media='audio'/><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></content></jingle></iq>"
            );
        }));
    }),
    ("5 000 invitations to rooms", |stage| {
        let invite = |n: usize| {
            format!(
                "<message from='den{n}@rooms.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='bob@localhost'/></x></message>"
            )
        };
        stage.send(many(flood(5_000), |all, n| all.push_str(&invite(n))));
    }),
    ("5 000 attention requests", |stage| {
        let one = message("bob@localhost/x", "<attention xmlns='urn:xmpp:attention:0'/>");
        stage.send(one.repeat(flood(5_000)));
    }),
    ("10 000 new contacts, pushed", |stage| {
        let push = |n: usize| {
            format!(
                "<iq type='set' id='p{n}'><query xmlns='jabber:iq:roster'><item jid='u{n}@localhost' subscription='both'><group>g{}</group>\
                 <group>h{}</group></item></query></iq>",
                n % 200,
                n % 50
            )
        };
        stage.send(many(flood(10_000), |all, n| all.push_str(&push(n))));
    }),
    ("10 000 new groups of one contact, pushed", |stage| {
        let push = |n: usize| {
            format!(
                "<iq type='set' id='q{n}'><query xmlns='jabber:iq:roster'><item jid='bob@localhost' subscription='both'><group>k{n}</group>\
                 </item></query></iq>"
            )
        };
        stage.send(many(flood(10_000), |all, n| all.push_str(&push(n))));
    }),
];

/// Ten thousand people, each in two groups of 250.
pub(crate) fn roster() -> String {
    many(10_000, |all, n| {
        _ = write!(
            all,
            "<item jid='u{n}@localhost' name='User {n}' subscription='both'><group>g{}</group><group>h{}</group></item>",
            n % 200,
            n % 50
        );
    })
}

pub(crate) const ROSTER: &[Step] = &[
    ("10 000 contacts in 250 groups", |_| {}),
    ("10 000 contacts come", |stage| {
        stage.send(many(10_000, |all, n| _ = write!(all, "<presence from='u{n}@localhost/x'><status>here</status></presence>")));
    }),
    ("10 000 contacts are sent again", |stage| {
        stage.send(format!("<iq type='set' id='again'><query xmlns='jabber:iq:roster'>{}</query></iq>", roster()));
    }),
];
