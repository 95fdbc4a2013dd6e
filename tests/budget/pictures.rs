//! Pictures and descriptions of contacts, as large as a stanza holds.

use crate::stage::{Stage, Step};
use crate::xmpp::many;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fmt::Write;

/// Whose requests the steps answer.
pub(crate) const LEFT: &[&str] = &["vcard-temp"];

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

pub(crate) const STEPS: &[Step] = &[
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
