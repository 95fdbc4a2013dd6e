//! Pictures and descriptions of contacts, as large as a stanza holds.

use crate::stage::{Stage, Step};
use crate::xmpp::many;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fmt::Write;

/// Whose requests the steps answer.
pub(crate) const LEFT: &[&str] = &["vcard-temp", "urn:xmpp:bob"];

/// The beginning of a PNG that is so wide and high, and bytes up to that size.
fn png(side: u32, bytes: usize) -> Vec<u8> {
    let mut all = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    all.extend(side.to_be_bytes());
    all.extend(side.to_be_bytes());
    all.extend(b"\x08\x06\0\0\0");
    let mut noise = 1_u32;
    while all.len() < bytes {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        all.push((noise >> 24) as u8);
    }
    all
}

/// The contact has another picture: the client asks for it, and gets this card.
fn card(stage: &mut Stage, hash: &str, card: &str) {
    stage.send(format!("<presence from='bob@localhost/x'><x xmlns='vcard-temp:x:update'><photo>{hash}</photo></x></presence>"));
    let asked = stage.stanza("question for a card", |s| s.name == "iq" && s.child("vCard").is_some() && s.is("to", "bob@localhost"));
    stage.send(format!(
        "<iq type='result' id='{}' from='bob@localhost'><vCard xmlns='vcard-temp'>{card}</vCard></iq>",
        asked.attr("id").unwrap_or_default()
    ));
}

fn photo(bytes: &[u8]) -> String {
    format!("<PHOTO><TYPE>image/png</TYPE><BINVAL>{}</BINVAL></PHOTO>", STANDARD.encode(bytes))
}

/// The user asks about the contact, and gets this card.
fn info(stage: &mut Stage, card: &str) {
    let account = stage.ines.account();
    stage.ines.command("buddy.info", json!({ "account": account, "name": "bob@localhost" }));
    let asked = stage.stanza("question for a card", |s| s.name == "iq" && s.child("vCard").is_some() && s.is("to", "bob@localhost"));
    stage.send(format!(
        "<iq type='result' id='{}' from='bob@localhost'><vCard xmlns='vcard-temp'>{card}</vCard></iq>",
        asked.attr("id").unwrap_or_default()
    ));
}

const CID: &str = "picture@b.test";

fn formatted(more: &str) -> String {
    format!(
        "<message type='chat' from='bob@localhost/x' to='ines@localhost/raw'><body>x</body><html xmlns='http://jabber.org/protocol/xhtml-im'>\
         <body xmlns='http://www.w3.org/1999/xhtml'><img alt='x' src='cid:{CID}'/></body></html>{more}</message>"
    )
}

fn data(bytes: &[u8]) -> String {
    format!("<data xmlns='urn:xmpp:bob' cid='{CID}' type='image/png'>{}</data>", STANDARD.encode(bytes))
}

/// A message without its picture, which the client asks for.
fn fetched(stage: &mut Stage, bytes: &[u8]) {
    stage.send(formatted(""));
    let asked = stage.stanza("question for a picture", |s| s.name == "iq" && s.child("data").is_some());
    let id = asked.attr("id").unwrap_or_default();
    stage.send(format!("<iq type='result' id='{id}' from='bob@localhost/x' to='ines@localhost/raw'>{}</iq>", data(bytes)));
}

pub(crate) const STEPS: &[Step] = &[
    ("a message with a picture that fills it", |stage| stage.send(formatted(&data(&png(1000, 700_000))))),
    ("a message whose picture fills an answer", |stage| fetched(stage, &png(1000, 3_000_000))),
    ("a message with 1 000 pictures", |stage| {
        let images = many(1_000, |all, n| _ = write!(all, "<img alt='x' src='cid:{n}@b.test'/>"));
        let bits = many(1_000, |all, n| {
            _ = write!(all, "<data xmlns='urn:xmpp:bob' cid='{n}@b.test' type='image/png'>{}</data>", STANDARD.encode(png(10, 500)))
        });
        stage.send(formatted(&bits).replace(&format!("<img alt='x' src='cid:{CID}'/>"), &images));
    }),
    ("a picture of 1 MiB", |stage| card(stage, &"1".repeat(40), &photo(&png(1000, 1 << 20)))),
    ("a picture of 5 MB", |stage| card(stage, &"2".repeat(40), &photo(&png(1000, 5_000_000)))),
    ("a picture that fills its stanza", |stage| card(stage, &"3".repeat(40), &photo(&png(1000, 3_100_000)))),
    ("a picture of 60 000 by 60 000", |stage| card(stage, &"4".repeat(40), &photo(&png(60_000, 50_000)))),
    ("a card of 5 000 lines", |stage| info(stage, &many(4_900, |all, n| _ = write!(all, "<NOTE>line {n} http://example.org/</NOTE>")))),
    ("a card of 4 MiB", |stage| info(stage, &format!("<FN>{}</FN>", "&lt;b&gt;name".repeat(200_000)))),
    ("a card of 5 000 fields of 800 bytes", |stage| {
        info(stage, &many(4_900, |all, n| _ = write!(all, "<TEL><NUMBER>{n}{}</NUMBER></TEL>", "5".repeat(700))));
    }),
    ("a card with 1 200 pictures", |stage| info(stage, &photo(&png(10, 2_000)).repeat(1_200))),
];
