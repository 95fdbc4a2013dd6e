//! `make screenshots`: the README's pictures, from a real browser on a real daemon with real servers. It must not be needed by any test.

#![allow(clippy::expect_used)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use fantoccini::key::Key;
use serde_json::json;
use support::{Browser, Contact, Daemon, IrcPeer, Ngircd, Page, Prosody, Scheme, Window, XmppPeer, quoted};

/// User, name, group, presence, status text; nobody is there without a presence.
const PEOPLE: [(&str, &str, &str, Option<&str>, &str); 9] = [
    ("noor", "Noor Karimi", "Friends", Some(""), "planting out the beans"),
    ("tomas", "Tomás Beltrán", "Friends", Some("away"), "back at three"),
    ("freya", "Freya Moe", "Friends", Some(""), "on the ferry, patchy"),
    ("amara", "Amara Okafor", "Friends", Some(""), ""),
    ("ruth", "Ruth Adler", "Friends", None, ""),
    ("liwei", "Li Wei", "Work", Some("dnd"), "in a meeting until two"),
    ("jonas", "Jonas Lindqvist", "Work", Some(""), "reading drafts"),
    ("mei", "Mei Tanaka", "Work", Some("xa"), "on holiday, finally"),
    ("priya", "Priya Raman", "Work", None, ""),
];

/// Pictures above this would make the README slow to load.
const MOST_BYTES: usize = 300 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(binary), Some(directory)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: screenshots BINARY DIRECTORY");
        std::process::exit(64);
    };
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory).expect("a directory for the pictures");
    let mut builder = Prosody::builder().users(["ines"]).users(PEOPLE.map(|person| person.0));
    for (user, name, group, ..) in PEOPLE {
        let contact = Contact { jid: format!("{user}@localhost"), name: name.to_owned(), group: group.to_owned() };
        builder = builder.contact("ines", contact);
    }
    let prosody = builder.start();
    for (user, ..) in PEOPLE {
        let ines = Contact { jid: prosody.jid("ines"), name: "Ines".to_owned(), group: "Friends".to_owned() };
        prosody.set_roster(user, &[ines]);
    }
    let ngircd = Ngircd::builder().channel("#rust", "Ask, and somebody answers").start();
    let daemon = Daemon::builder(binary).hold_ms(25_000).start();
    let mut people = People::arrive(&prosody, &ngircd);

    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    size(page.browser(), 1400, 900, 1).await;
    both(&page, &directory, "front").await;

    page.sign_in_xmpp(&prosody, "ines").await;
    add_irc(&page, &ngircd).await;
    talk_on_irc(&page, &mut people).await;
    talk_in_the_room(&page, &prosody, &mut people).await;
    talk_with_noor(&page, &mut people).await;
    arrange(&page, &support::conversation("#rust"), (20, 496, 590, 260)).await;
    arrange(&page, &support::conversation(&prosody.room("gardeners")), (20, 20, 590, 460)).await;
    let noor = support::conversation("noor@localhost");
    arrange(&page, &noor, (632, 76, 410, 620)).await;
    page.click(&format!("{noor} [data-testid=composer]")).await;
    both(&page, &directory, "desk").await;

    page.browser().window(Window::Phone).await;
    page.see("[data-testid=back]").await;
    both(&page, &directory, "phone").await;
}

/// Everybody who is there.
struct People {
    xmpp: Vec<(&'static str, XmppPeer)>,
    nadia: IrcPeer,
    oskar: IrcPeer,
}

impl People {
    fn arrive(prosody: &Prosody, ngircd: &Ngircd) -> Self {
        let mut xmpp = Vec::new();
        for (user, _, _, show, status) in PEOPLE {
            if let Some(show) = show {
                let mut peer = XmppPeer::connect(prosody, user);
                peer.show(show, status);
                xmpp.push((user, peer));
            }
        }
        let room = prosody.room("gardeners");
        let mut people = Self { xmpp, nadia: IrcPeer::connect(ngircd, "nadia"), oskar: IrcPeer::connect(ngircd, "oskar") };
        for (user, nick) in [("freya", "Freya"), ("tomas", "Tomás"), ("noor", "Noor"), ("liwei", "Li Wei"), ("jonas", "Jonas")] {
            people.of(user).join(&room, nick);
        }
        people.of("freya").topic(&room, "What grows where, and why not");
        for peer in [&mut people.nadia, &mut people.oskar] {
            peer.join("#rust");
        }
        people
    }

    fn of(&mut self, user: &str) -> &mut XmppPeer {
        self.xmpp.iter_mut().find(|(name, _)| *name == user).map(|(_, peer)| peer).expect("somebody who is there")
    }
}

async fn add_irc(page: &Page, server: &Ngircd) {
    page.click("[data-testid=add-account]").await;
    page.click("[data-testid=add-account-dialog] [data-testid=tile-prpl-irc]").await;
    page.fill("user", "ines").await;
    page.fill("part-0", "127.0.0.1").await;
    page.click("[data-testid=add-account-dialog] [data-testid=more-options]").await;
    page.check("option-ssl", false).await;
    page.fill("option-port", &server.port().to_string()).await;
    page.click("[data-testid=account-save]").await;
    page.see_no("[data-testid=add-account-dialog]").await;
    page.wait("document.querySelectorAll('[data-testid=account][data-state=online]').length === 2").await;
}

async fn talk_on_irc(page: &Page, people: &mut People) {
    page.click("[data-testid=account][data-username^='ines@127']").await;
    page.click("[data-testid=menu-account-join]").await;
    page.fill("room-channel", "#rust").await;
    page.click("[data-testid=join-ok]").await;
    let talk = support::conversation("#rust");
    page.see(&format!("{talk} [data-testid=member][data-name=oskar]")).await;
    for (nadia, text) in [
        (true, "why is my future not Send?"),
        (false, "you hold a MutexGuard over an await, I bet"),
        (true, "… I do. Thank you!"),
        (false, "happens to all of us, every spring"),
    ] {
        if nadia {
            people.nadia.say("#rust", text)
        } else {
            people.oskar.say("#rust", text)
        }
        page.hears(&talk, text).await;
    }
    page.say(&talk, "Saved me an hour, too.").await;
    page.sent(&talk, "Saved me an hour, too.").await;
}

async fn talk_in_the_room(page: &Page, prosody: &Prosody, people: &mut People) {
    let room = prosody.room("gardeners");
    page.click("[data-testid=account][data-username^='ines@localhost']").await;
    page.click("[data-testid=menu-account-join]").await;
    for (key, value) in [("room", "gardeners"), ("server", "rooms.localhost"), ("handle", "Ines")] {
        page.fill(&format!("room-{key}"), value).await;
    }
    page.click("[data-testid=join-ok]").await;
    let talk = support::conversation(&room);
    page.see(&format!("{talk} [data-testid=member][data-name=Ines]")).await;
    for (user, text) in [
        ("freya", "Frost on Thursday, says the forecast."),
        ("tomas", "Then I cover the tomatoes tonight. All forty of them."),
        ("ines", "I have two fleeces to spare. Take them!"),
        ("liwei", "The key of the shed is back on its hook."),
        ("tomas", "You are an angel. Both of you."),
        ("noor", "Has anybody seen these by the gate? https://plants.example/bluebell"),
        ("noor", "Not sown by me!"),
    ] {
        if user == "ines" {
            page.say(&talk, text).await;
            page.sent(&talk, text).await;
        } else {
            people.of(user).say_in(&room, text);
            page.hears(&talk, text).await;
        }
    }
}

async fn talk_with_noor(page: &Page, people: &mut People) {
    people.of("amara").say("ines@localhost", "Choir on Friday? I have a lift for two.");
    let amara = support::conversation("amara@localhost");
    page.hears(&amara, "Choir on Friday? I have a lift for two.").await;
    page.click(&format!("{amara} [data-testid=minimise]")).await;
    let talk = page.open_buddy("noor@localhost").await;
    for (own, text) in [
        (true, "Good morning! Is there still room in bed seven?"),
        (false, "For you, always."),
        (false, "What is it this time?"),
        (true, "Sunflowers. Only three."),
        (true, "Five."),
        (false, "Five it is, along the fence."),
        (false, "Did you see the bluebells by the gate?"),
        (true, "Not yet! I am coming round at four."),
        (false, "Bring the small trowel, please."),
        (false, "And cake."),
        (true, "Lemon or poppy seed?"),
        (false, "Yes."),
        (false, "It is a long afternoon."),
    ] {
        if own {
            page.say(&talk, text).await;
            page.sent(&talk, text).await;
        } else {
            people.of("noor").say("ines@localhost", text);
            page.hears(&talk, text).await;
        }
    }
    people.of("noor").chat_state("ines@localhost", "composing");
    page.read(&format!("{talk} [data-testid=typing]"), "typing").await;
}

/// Moves and stretches a window by the keys of its title bar, whose steps are 24 pixels, to about this place on the desk.
async fn arrange(page: &Page, talk: &str, (x, y, width, height): (i64, i64, i64, i64)) {
    let bar = format!("{talk} .bar");
    // Shrunk first, so that it can go anywhere; grown once it is there.
    for (stretch, most) in [(true, 0), (false, i64::MAX), (true, i64::MAX)] {
        let script = format!(
            "const desk = document.querySelector('main').getBoundingClientRect(), box = document.querySelector({}).getBoundingClientRect();
             return [box.x - desk.x, box.y - desk.y, box.width, box.height].map(Math.round);",
            quoted(talk)
        );
        let found = page.browser().eval(&script).await;
        let at = |index: usize| found[index].as_i64().expect("a number");
        let (across, down) = if stretch { (width - at(2), height - at(3)) } else { (x - at(0), y - at(1)) };
        let presses = |pixels: i64, more: Key, less: Key| {
            let steps = (pixels.min(most) as f64 / 24.0).round() as i64;
            char::from(if steps < 0 { less } else { more }).to_string().repeat(steps.unsigned_abs() as usize)
        };
        let keys = presses(across, Key::Right, Key::Left) + &presses(down, Key::Down, Key::Up);
        let shift = if stretch { char::from(Key::Shift).to_string() } else { String::new() };
        page.type_into(&bar, &format!("{shift}{keys}")).await;
    }
}

async fn size(browser: &Browser, width: u32, height: u32, scale: u32) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
}

/// Takes the picture in light and in dark, once nothing moves any more.
async fn both(page: &Page, directory: &Path, name: &str) {
    for (scheme, suffix) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.browser().scheme(scheme).await;
        page.wait(&format!("document.documentElement.dataset.theme === '{suffix}'")).await;
        page.at_rest().await;
        let picture = page.browser().page().screenshot().await.expect("a picture");
        let picture = smaller(&picture);
        assert!(picture.len() <= MOST_BYTES, "{name}-{suffix} has {} bytes", picture.len());
        std::fs::write(directory.join(format!("{name}-{suffix}.png")), picture).expect("writing a picture");
    }
}

/// The same picture with every third shade only, packed with patience: nobody sees it, and gradients cost a third less.
fn smaller(picture: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a picture that fits")];
    let info = reader.next_frame(&mut pixels).expect("a whole PNG");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight), "how browsers write a page");
    for shade in &mut pixels {
        *shade = (*shade).saturating_add(1) / 3 * 3;
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, info.width, info.height);
    encoder.set_color(info.color_type);
    encoder.set_depth(info.bit_depth);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("packing a picture");
    out
}
