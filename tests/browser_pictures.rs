//! Promise: pictures in messages are shown small, opened whole, and there in every browser after every restart.
#![allow(clippy::expect_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::{Audit, Daemon, Page, Prosody, Window, XmppPeer, conversation, free_port, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a sentence that nobody guesses";
/// 16 by 16 points of one colour.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mM4oJBAEmIY1TCqYfhqAAB/xkAQ1pIt2AAAAABJRU5ErkJggg==";

/// A message to Ines with a picture in the stanza.
fn shows(bob: &mut XmppPeer, words: &str, base64: &str) {
    let cid = format!("{}@bob.test", words.replace(' ', "-"));
    bob.send(&format!(
        "<message type='chat' to='ines@localhost'><body>see {words}</body><html xmlns='http://jabber.org/protocol/xhtml-im'>\
         <body xmlns='http://www.w3.org/1999/xhtml'>see <img alt='{words}' src='cid:{cid}'/></body></html>\
         <data xmlns='urn:xmpp:bob' cid='{cid}' type='image/png'>{base64}</data></message>"
    ));
}

/// Waits until the picture is drawn, as wide as it is.
async fn is_drawn(page: &Page, css: &str) {
    page.wait(&format!("document.querySelector({})?.naturalWidth === 16", quoted(css))).await;
}

#[tokio::test]
async fn a_picture_is_shown_opened_and_found_again() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let mut daemon = Daemon::builder(BELLFLOWER)
        .listen(&format!("127.0.0.1:{}", free_port()))
        .config("registration = \"open\"")
        .limit("registrations_per_minute", 0)
        .start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = conversation("bob@localhost");
    let picture = format!("{talk} [data-testid=picture]");
    shows(&mut bob, "a cat", PNG);
    is_drawn(&page, &picture).await;
    assert_eq!(page.browser().eval(&format!("return document.querySelector({}).alt", quoted(&picture))).await, "a cat");
    // What cannot be drawn is words.
    shows(&mut bob, "a dog", &STANDARD.encode(b"\x89PNG\r\n\x1a\n and so on"));
    page.shows(&format!("{talk} [data-testid=message-text]"), "see a dog").await;
    page.wait(&format!("document.querySelectorAll({}).length === 1", quoted(&picture))).await;

    page.click(&format!("{talk} [data-testid=picture-open]")).await;
    is_drawn(&page, "[data-testid=picture-dialog] img").await;
    page.read("[data-testid=picture-dialog] h2", "a cat").await;
    let mut audit = Audit::of(page);
    audit.look("a picture, whole").await;
    let page = audit.assert_nothing(1);
    page.press_escape().await;
    page.see_no("[data-testid=picture-dialog]").await;

    // The guest becomes a user, the daemon dies, and another browser comes.
    page.keep_things("ines", PASSWORD).await;
    daemon.kill();
    daemon.start();
    page.load().await;
    page.see("[data-testid=account][data-state=online]").await;
    is_drawn(&page, &picture).await;
    let other = Page::open(&daemon, Window::Phone).await;
    other.sign_in_site("ines", PASSWORD).await;
    other.open_buddy("bob@localhost").await;
    is_drawn(&other, &picture).await;
    let source = page.browser().eval(&format!("return document.querySelector({}).src", quoted(&picture))).await;
    let status = format!("return (await fetch({source}, {{ cache: 'no-store' }})).status");
    assert_eq!(page.browser().eval(&status).await, json!(200));
    other.assert_no_mishap().await;
    page.assert_no_mishap().await;

    page.click(&format!("{talk} [data-testid=conversation-menu]")).await;
    page.click("[data-testid=erase]").await;
    page.click("[data-testid=erase-ok]").await;
    other.see_no(&picture).await;
    // What the session itself still had goes with it.
    daemon.stop();
    daemon.start();
    page.load().await;
    page.see("[data-testid=account][data-state=online]").await;
    page.see_no(&picture).await;
    assert_eq!(page.browser().eval(&status).await, json!(404));
}
