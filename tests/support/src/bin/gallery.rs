//! `make gallery`: the page at three sizes, light and dark, with no, one, five and twenty conversations, and with 5000 buddies, to be looked at.
//! Real servers, real people at the other end. It must not be needed by any test.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use fantoccini::Locator;
use serde_json::json;
use support::{Contact, Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Scheme, Window, XmppPeer, conversation};

/// User, name, group, presence, status text; nobody is there without a presence.
const PEOPLE: [(&str, &str, &str, Option<&str>, &str); 18] = [
    ("noor", "Noor Karimi", "Friends", Some(""), "planting out the beans"),
    ("tomas", "Tomás Beltrán", "Friends", Some("away"), "back at three"),
    ("freya", "Freya Moe", "Friends", Some(""), "on the ferry, patchy"),
    ("amara", "Amara Okafor", "Friends", Some(""), ""),
    ("ruth", "Ruth Adler", "Friends", None, ""),
    ("samir", "Samir Haddad", "Friends", Some(""), ""),
    ("yael", "יעל כהן", "Friends", Some(""), "בדרך הביתה"),
    ("otto", "Otto Lund", "Friends", Some("xa"), ""),
    ("liwei", "Li Wei", "Work", Some("dnd"), "in a meeting until two"),
    ("jonas", "Jonas Lindqvist", "Work", Some(""), "reading drafts"),
    ("mei", "Mei Tanaka", "Work", Some("xa"), "on holiday, finally"),
    ("priya", "Priya Raman", "Work", None, ""),
    ("hana", "Hana Dvořák", "Work", Some(""), "deploying, back soon"),
    ("giulia", "Giulia Penna", "Work", Some("away"), "lunch"),
    ("desk2", "Desk 2", "Work", Some(""), ""),
    ("desk10", "Desk 10", "Work", Some(""), ""),
    ("marta", "Marta Sousa", "Choir", Some(""), "learning the alto part"),
    ("wren", "Wren Abbott", "Choir", None, ""),
];

const CROWD: usize = 5000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(binary), Some(directory)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: gallery BINARY DIRECTORY [crowd]");
        std::process::exit(64);
    };
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory).expect("a directory for the pictures");
    if arguments.next().as_deref() != Some("crowd") {
        conversations(&binary, &directory).await;
    }
    crowd(&binary, &directory).await;
}

async fn conversations(binary: &str, directory: &Path) {
    let mut builder = Prosody::builder().users(["ines"]).users(PEOPLE.map(|person| person.0));
    for (user, name, group, ..) in PEOPLE {
        builder = builder.contact("ines", contact(user, name, group));
    }
    let prosody = builder.start();
    for (user, ..) in PEOPLE {
        prosody.set_roster(user, &[contact("ines", "Ines", "Friends")]);
    }
    let ngircd = Ngircd::builder().channel("#rust", "Ask, and somebody answers").channel("#bikes", "Two wheels").start();
    let daemon = Daemon::builder(binary).hold_ms(25_000).start();
    let mut people: Vec<(&str, XmppPeer)> = Vec::new();
    for (number, (user, _, _, show, status)) in PEOPLE.into_iter().enumerate() {
        let Some(show) = show else { continue };
        let mut peer = XmppPeer::connect(&prosody, user);
        peer.show(show, status);
        if number % 3 == 0 {
            wear(&mut peer, number, show, status);
        }
        people.push((user, peer));
    }

    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='noor@localhost'][data-presence=online] img").await;
    take(&page, directory, "00").await;

    with_noor(&page, of(&mut people, "noor")).await;
    take(&page, directory, "01").await;

    in_the_garden(&page, &prosody, &mut people).await;
    add_irc(&page, &ngircd).await;
    let (mut nadia, mut oskar) = (IrcPeer::connect(&ngircd, "nadia"), IrcPeer::connect(&ngircd, "oskar"));
    on_irc(&page, "#rust", &mut nadia, &mut oskar).await;
    for (user, text) in [("amara", "Choir on Friday? I have a lift for two."), ("yael", "שלום! מתי נפגשים?")] {
        of(&mut people, user).say("ines@localhost", text);
        page.shows("[data-testid=unread]", "1").await;
        page.open_buddy(&format!("{user}@localhost")).await;
    }
    take(&page, directory, "05").await;

    on_irc(&page, "#bikes", &mut nadia, &mut oskar).await;
    for room in ["allotment", "choir", "kitchen"] {
        let name = prosody.room(room);
        of(&mut people, "marta").join(&name, "Marta");
        let talk = join_xmpp(&page, room, &name).await;
        of(&mut people, "marta").say_in(&name, "Anybody here?");
        page.hears(&talk, "Anybody here?").await;
    }
    for user in ["tomas", "freya", "samir", "otto", "liwei", "jonas", "mei", "hana", "giulia", "desk2", "desk10", "marta"] {
        page.open_buddy(&format!("{user}@localhost")).await;
    }
    for user in ["hana", "samir", "tomas", "liwei"] {
        of(&mut people, user).say("ines@localhost", "Have you got a minute?");
    }
    page.see("[data-testid=dock-rest]").await;
    take(&page, directory, "20").await;
    size(&page, 1400, 900, false).await;
    page.click("[data-testid=tile-yes]").await;
    both(&page, directory, "20-tiled-1400x900").await;
}

/// 5000 buddies, of whom somebody writes.
async fn crowd(binary: &str, directory: &Path) {
    let prosody = Prosody::with_users(["ines", "buddy0007"]);
    let name = |n: usize| format!("{} {n}", ["Ada", "Béla", "Chloë", "Dvořák", "Émile"][n % 5]);
    let mut others: Vec<_> = (0..CROWD).map(|n| contact(&format!("buddy{n:04}"), &name(n), &format!("Group {}", n % 12 + 1))).collect();
    let friend = others.remove(7);
    prosody.set_roster_with("ines", &[friend], &others);
    prosody.set_roster("buddy0007", &[contact("ines", "Ines", "Friends")]);
    let daemon = Daemon::run(binary);
    let mut peer = XmppPeer::connect(&prosody, "buddy0007");
    let page = Page::open(&daemon, Window::Desk).await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.wait(&format!("document.querySelector('.vlist .vrow')?.getAttribute('aria-setsize') === '{}'", CROWD + 12)).await;
    peer.say("ines@localhost", "Do you ever find anybody in there?");
    page.hears(&conversation("buddy0007@localhost"), "Do you ever find anybody in there?").await;
    take(&page, directory, "5000-buddies").await;
    size(&page, 1400, 900, false).await;
    page.type_into("[data-testid=search]", "dvorak 10").await;
    both(&page, directory, "5000-buddies-search-1400x900").await;
}

fn contact(user: &str, name: &str, group: &str) -> Contact {
    Contact { jid: format!("{user}@localhost"), name: name.to_owned(), group: group.to_owned() }
}

fn of<'a>(people: &'a mut [(&str, XmppPeer)], user: &str) -> &'a mut XmppPeer {
    people.iter_mut().find(|(name, _)| *name == user).map(|(_, peer)| peer).expect("somebody who is there")
}

/// Gives somebody a picture: a landscape of two colours (XEP-0153).
fn wear(peer: &mut XmppPeer, number: usize, show: &str, status: &str) {
    const SIDE: usize = 64;
    let hues = [[255, 190, 120], [120, 190, 255], [200, 150, 255], [140, 220, 160], [255, 150, 170], [250, 220, 130]];
    let (sky, land) = (hues[number % 6], hues[(number + 3) % 6]);
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let hill = 38 + (x as f64 / 9.0 + number as f64).sin() as isize * 2 + (x as f64 / 6.0).cos().round() as isize * 4;
            pixels.extend(if y as isize > hill { land } else { sky });
        }
    }
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("a picture");
    let data = base64::engine::general_purpose::STANDARD.encode(&picture);
    peer.request("set", "", &format!("<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{data}</BINVAL></PHOTO></vCard>"));
    // Whoever has not got a picture of this hash asks for the card.
    let show = if show.is_empty() { String::new() } else { format!("<show>{show}</show>") };
    peer.send(&format!(
        "<presence>{show}<status>{status}</status><x xmlns='vcard-temp:x:update'><photo>{number:040x}</photo></x></presence>"
    ));
}

async fn with_noor(page: &Page, noor: &mut XmppPeer) {
    let talk = page.open_buddy("noor@localhost").await;
    for (own, text) in [
        (true, "Good morning! Is there still room in bed seven?"),
        (false, "For you, always."),
        (false, "What is it this time?"),
        (true, "Sunflowers. Only three."),
        (true, "Five."),
        (
            false,
            "Five it is, along the fence. But not where the beans are, they have only just come up and I would like to see one of them this year.",
        ),
        (false, "Did you see the bluebells by the gate? https://plants.example/bluebell"),
        (true, "Not yet! I am coming round at four."),
        (false, "🌷"),
        (false, "And cake."),
        (true, "Lemon or poppy seed?"),
        (false, "Yes."),
    ] {
        if own {
            page.say(&talk, text).await;
            page.sent(&talk, text).await;
        } else {
            noor.say("ines@localhost", text);
            page.hears(&talk, text).await;
        }
    }
}

async fn in_the_garden(page: &Page, prosody: &Prosody, people: &mut [(&str, XmppPeer)]) {
    let room = prosody.room("gardeners");
    for (user, nick) in
        [("freya", "Freya"), ("tomas", "Tomás"), ("noor", "Noor"), ("liwei", "Li Wei"), ("jonas", "Jonas"), ("marta", "marta")]
    {
        of(people, user).join(&room, nick);
    }
    of(people, "freya").topic(&room, "What grows where, and why not");
    let talk = join_xmpp(page, "gardeners", &room).await;
    let said = [
        ("freya", "Frost on Thursday, says the forecast."),
        ("tomas", "Then I cover the tomatoes tonight. All forty of them."),
        ("ines", "I have two fleeces to spare. Take them!"),
        ("liwei", "The key of the shed is back on its hook."),
        ("tomas", "You are an angel. Both of you."),
        ("noor", "Has anybody seen these by the gate? https://plants.example/bluebell"),
        ("noor", "Not sown by me!"),
        (
            "marta",
            "Crocus went in last week, before the frost. It was a long afternoon, and my knees still tell me about it whenever I take the stairs, but it will be worth it.",
        ),
        ("jonas", "Same here. Tulips can wait until mid November."),
        ("freya", "/me looks at the sky"),
    ];
    for round in 0..3 {
        for (user, text) in said {
            let text = if round == 0 || text.starts_with('/') { text.to_owned() } else { format!("{text} ({})", round + 1) };
            if user == "ines" {
                page.say(&talk, &text).await;
                page.sent(&talk, &text).await;
            } else {
                of(people, user).say_in(&room, &text);
            }
        }
    }
    of(people, "noor").say_in(&room, "Ines: did the bellflowers survive the move?");
    page.hears(&talk, "Ines: did the bellflowers survive the move?").await;
    page.say(&talk, "They did! Two are even in bloom again.").await;
    page.sent(&talk, "They did! Two are even in bloom again.").await;
}

async fn join_xmpp(page: &Page, room: &str, name: &str) -> String {
    page.click("[data-testid=account][data-username^='ines@localhost']").await;
    page.click("[data-testid=menu-account-join]").await;
    for (key, value) in [("room", room), ("server", "rooms.localhost"), ("handle", "Ines")] {
        page.fill(&format!("room-{key}"), value).await;
    }
    page.click("[data-testid=join-ok]").await;
    page.see_no("[data-testid=join-dialog]").await;
    let talk = conversation(name);
    page.see(&talk).await;
    talk
}

async fn add_irc(page: &Page, server: &Ngircd) {
    page.click("[data-testid=add-account]").await;
    page.click("[data-testid=add-account-dialog] [data-testid=tile-prpl-irc]").await;
    page.fill("user", "ines").await;
    page.fill("part-0", "127.0.0.1").await;
    page.click("[data-testid=add-account-dialog] [data-testid=more-options]").await;
    page.fill("option-port", &server.port().to_string()).await;
    page.click("[data-testid=account-save]").await;
    page.see_no("[data-testid=add-account-dialog]").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
}

async fn on_irc(page: &Page, channel: &str, nadia: &mut IrcPeer, oskar: &mut IrcPeer) {
    for peer in [&mut *nadia, &mut *oskar] {
        peer.join(channel);
    }
    page.click("[data-testid=account][data-username^='ines@127']").await;
    page.click("[data-testid=menu-account-join]").await;
    page.fill("room-channel", channel).await;
    page.click("[data-testid=join-ok]").await;
    page.see_no("[data-testid=join-dialog]").await;
    let talk = conversation(channel);
    for (first, text) in [
        (true, "why is my future not Send?"),
        (false, "you hold a MutexGuard over an await, I bet"),
        (true, "… I do. Thank you!"),
        (false, "happens to all of us, every spring"),
    ] {
        if first {
            nadia.say(channel, text)
        } else {
            oskar.say(channel, text)
        }
        page.hears(&talk, text).await;
    }
}

async fn size(page: &Page, width: u32, height: u32, phone: bool) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone });
    page.browser().devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    page.browser().devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone })).await;
    page.wait(&format!("innerWidth === {width}")).await;
}

/// At all sizes; on a phone the list, and a conversation if there is one.
async fn take(page: &Page, directory: &Path, name: &str) {
    for (width, height) in [(1400, 900), (900, 700)] {
        size(page, width, height, false).await;
        both(page, directory, &format!("{name}-{width}x{height}")).await;
    }
    size(page, 390, 844, true).await;
    page.see("[data-testid=buddy-list], [data-testid=back]").await;
    if page.seen("back").await > 0 {
        both(page, directory, &format!("{name}-390x844-talk")).await;
        page.click("[data-testid=back]").await;
    }
    page.see("[data-testid=buddy-list]").await;
    both(page, directory, &format!("{name}-390x844")).await;
    size(page, 1400, 900, false).await;
    // The focus goes on in the last window, if there is one.
    if let Ok(box_) = page.browser().page().find(Locator::Css(".foremost [data-testid=composer]")).await {
        let _ = box_.send_keys(&char::from(Key::Shift).to_string()).await;
    }
}

/// In light and in dark, once nothing moves any more.
async fn both(page: &Page, directory: &Path, name: &str) {
    for (scheme, theme) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.browser().scheme(scheme).await;
        page.wait(&format!("document.documentElement.dataset.theme === '{theme}'")).await;
        page.at_rest().await;
        let picture = page.browser().page().screenshot().await.expect("a picture");
        std::fs::write(directory.join(format!("{name}-{theme}.png")), picture).expect("writing a picture");
    }
    page.browser().scheme(Scheme::Light).await;
}
