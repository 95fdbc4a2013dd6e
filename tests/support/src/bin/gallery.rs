//! `make gallery`: the page at three sizes, light and dark and with more contrast, with no, one, five and twenty conversations, and with 5000 buddies, to be looked at.
//! Real servers, real people at the other end. It must not be needed by any test.

#![allow(clippy::expect_used)]

mod scene;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use fantoccini::Locator;
use scene::{GARDEN, People, add_irc, contact, join_xmpp, on_irc};
use serde_json::json;
use support::{Daemon, IrcPeer, Key, Ngircd, Page, Prosody, Window, XmppPeer, conversation};

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
    let prosody = scene::server();
    let ngircd = Ngircd::builder().channel("#rust", "Ask, and somebody answers").channel("#bikes", "Two wheels").start();
    let daemon = Daemon::builder(binary).hold_ms(25_000).start();
    let mut people = People::arrive(&prosody, |number, peer, show, status| {
        if number % 3 == 0 {
            wear(peer, number, show, status);
        }
    });

    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=buddy][data-name='noor@localhost'][data-presence=online] img").await;
    take(&page, directory, "00").await;

    people.with_noor(&page).await;
    take(&page, directory, "01").await;

    in_the_garden(&page, &prosody, &mut people).await;
    add_irc(&page, &ngircd).await;
    let (mut nadia, mut oskar) = (IrcPeer::connect(&ngircd, "nadia"), IrcPeer::connect(&ngircd, "oskar"));
    on_irc(&page, "#rust", &mut nadia, &mut oskar).await;
    for (user, text) in [("amara", "Choir on Friday? I have a lift for two."), ("yael", "שלום! מתי נפגשים?")] {
        people.of(user).say("ines@localhost", text);
        page.shows("[data-testid=unread]", "1").await;
        page.open_buddy(&format!("{user}@localhost")).await;
    }
    take(&page, directory, "05").await;
    places(&page, directory).await;

    on_irc(&page, "#bikes", &mut nadia, &mut oskar).await;
    for room in ["allotment", "choir", "kitchen"] {
        let name = prosody.room(room);
        people.of("marta").join(&name, "Marta");
        let talk = join_xmpp(&page, room, &name).await;
        people.of("marta").say_in(&name, "Anybody here?");
        page.hears(&talk, "Anybody here?").await;
    }
    for user in ["tomas", "freya", "samir", "otto", "liwei", "jonas", "mei", "hana", "giulia", "desk2", "desk10", "marta"] {
        page.open_buddy(&format!("{user}@localhost")).await;
    }
    for user in ["hana", "samir", "tomas", "liwei"] {
        people.of(user).say("ines@localhost", "Have you got a minute?");
    }
    page.see("[data-testid=dock-rest]").await;
    take(&page, directory, "20").await;
    size(&page, 1400, 900, false).await;
    page.click("[data-testid=tile-yes]").await;
    in_each_theme(&page, directory, "20-tiled-1400x900").await;
}

/// The places for searching, and the bar of a conversation.
async fn places(page: &Page, directory: &Path) {
    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-search]").await;
    page.see("[data-testid=search-box]").await;
    everywhere(page, directory, "search-empty").await;
    page.type_into("[data-testid=search-box]", "the").await;
    page.see("[data-testid=search-hit]").await;
    page.click("[data-testid=search-save]").await;
    page.see("[data-testid=search-forget]").await;
    everywhere(page, directory, "search-hits").await;
    page.click("[data-testid=search-filter]").await;
    page.see("[data-testid=search-filters]").await;
    everywhere(page, directory, "search-filters").await;
    page.fill("search-from", "nobody").await;
    page.see("[data-testid=search-none]").await;
    everywhere(page, directory, "search-none").await;
    page.click("[data-testid=search-clear-filters]").await;
    page.press_escape().await;
    page.see_no("[data-testid=search-dialog]").await;

    page.click("[data-testid=main-menu]").await;
    page.click("[data-testid=open-find]").await;
    page.see("[data-testid=find-input]").await;
    everywhere(page, directory, "find-a-room-empty").await;
    page.type_into("[data-testid=find-input]", "garden").await;
    page.see("[data-testid=find-room]").await;
    everywhere(page, directory, "find-a-room").await;
    page.press_escape().await;
    page.see_no("[data-testid=find-dialog]").await;

    page.click(".foremost [data-testid=conversation-menu]").await;
    page.click("[data-testid=menu-find]").await;
    page.type_into("[data-testid=find-box]", "שלום").await;
    page.read("[data-testid=find-count]", "1 of").await;
    everywhere(page, directory, "find-bar").await;
    page.click("[data-testid=find-close]").await;
}

/// Takes pictures of the page as it is now, at all sizes.
async fn everywhere(page: &Page, directory: &Path, name: &str) {
    for (width, height, phone) in [(900, 700, false), (390, 844, true), (1400, 900, false)] {
        size(page, width, height, phone).await;
        in_each_theme(page, directory, &format!("{name}-{width}x{height}")).await;
    }
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
    in_each_theme(&page, directory, "5000-buddies-search-1400x900").await;
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

async fn in_the_garden(page: &Page, prosody: &Prosody, people: &mut People) {
    let room = people.gather(prosody);
    let talk = join_xmpp(page, "gardeners", &room).await;
    let more = [
        (
            "marta",
            "Crocus went in last week, before the frost. It was a long afternoon, and my knees still tell me about it whenever I take the stairs, but it will be worth it.",
        ),
        ("jonas", "Same here. Tulips can wait until mid November."),
        ("freya", "/me looks at the sky"),
    ];
    for round in 1..=3 {
        for (user, text) in GARDEN.into_iter().chain(more) {
            let text = if round == 1 || text.starts_with('/') { text.to_owned() } else { format!("{text} ({round})") };
            people.say_in(page, &talk, &room, user, &text).await;
        }
    }
    people.say_in(page, &talk, &room, "noor", "Ines: did the bellflowers survive the move?").await;
    people.say_in(page, &talk, &room, "ines", "They did! Two are even in bloom again.").await;
}

/// Writes the page in each theme that the system can ask for.
async fn in_each_theme(page: &Page, directory: &Path, name: &str) {
    scene::themes(page, &[false, true], |theme, picture| {
        std::fs::write(directory.join(format!("{name}-{theme}.png")), picture).expect("writing a picture");
    })
    .await;
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
        in_each_theme(page, directory, &format!("{name}-{width}x{height}")).await;
    }
    size(page, 390, 844, true).await;
    page.see("[data-testid=buddy-list], [data-testid=back]").await;
    if page.seen("back").await > 0 {
        in_each_theme(page, directory, &format!("{name}-390x844-talk")).await;
        page.click("[data-testid=back]").await;
    }
    page.see("[data-testid=buddy-list]").await;
    in_each_theme(page, directory, &format!("{name}-390x844")).await;
    size(page, 1400, 900, false).await;
    // The focus goes on in the last window, if there is one.
    if let Ok(box_) = page.browser().page().find(Locator::Css(".foremost [data-testid=composer]")).await {
        let _ = box_.send_keys(&char::from(Key::Shift).to_string()).await;
    }
}
