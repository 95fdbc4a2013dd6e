//! Promise: a contact's picture is fetched once, however often its owner comes, changes status and goes; and again when it is another one.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Daemon, Element, PATIENCE, RawConnection, RawServer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// The smallest PNG: one pixel.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn presence(show: &str, hash: &str) -> String {
    let photo = format!("<x xmlns='vcard-temp:x:update'><photo>{hash}</photo></x>");
    format!("<presence from='bob@localhost/a' to='ines@localhost/raw'><show>{show}</show>{photo}</presence>")
}

/// Answers what is asked for bob's card until an answer to a question of the test's own comes; gives how often it was asked for.
fn cards(line: &mut RawConnection<Element>, picture: Option<&str>) -> usize {
    line.write("<iq type='get' id='so-far' from='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
        .expect("a client that reads");
    let mut asked = 0;
    loop {
        let stanza = line.next_within(PATIENCE).expect("an answer to a question");
        if stanza.is("id", "so-far") {
            return asked;
        }
        if stanza.name == "iq" && stanza.is("to", "bob@localhost") && stanza.child("vCard").is_some() {
            asked += 1;
            let photo = picture.map_or_else(String::new, |data| format!("<PHOTO><TYPE>image/png</TYPE><BINVAL>{data}</BINVAL></PHOTO>"));
            let id = stanza.attr("id").expect("an id");
            line.write(format!(
                "<iq type='result' id='{id}' from='bob@localhost' to='ines@localhost/raw'><vCard xmlns='vcard-temp'>{photo}</vCard></iq>"
            ))
            .expect("a client that reads");
        }
    }
}

fn fetched(picture: Option<&str>) {
    let server = RawServer::xmpp_leaving("<item jid='bob@localhost' subscription='both'/>", &["vcard-temp"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.xmpp_network("ines") })).ok();
    ines.attach();
    let mut line = server.connection();
    ines.wait_online();
    let mut asked = 0;
    for show in ["away", "dnd", "xa", "chat", "away", "dnd"] {
        line.write(presence(show, "4d3a0f7e1c22b1c9a1d6d6f0f6a5b9d84e0b5a11")).expect("a client that reads");
        asked += cards(&mut line, picture);
        // The answer has come before the next presence does.
        asked += cards(&mut line, picture);
    }
    assert_eq!(asked, 1, "six presences, one picture");
    line.write(presence("away", "ffffffff1c22b1c9a1d6d6f0f6a5b9d84e0b5a11")).expect("a client that reads");
    assert_eq!(cards(&mut line, picture) + cards(&mut line, picture), 1, "another picture");
}

#[test]
fn a_picture_is_fetched_once() {
    fetched(Some(PICTURE));
}

#[test]
fn a_picture_that_is_not_there_is_asked_for_once() {
    fetched(None);
}
