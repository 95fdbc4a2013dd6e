//! `make screenshots`: the README's pictures, from a real browser on a real daemon with real servers. It must not be needed by any test.

#![allow(clippy::expect_used)]

mod scene;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use fantoccini::key::Key;
use scene::{GARDEN, People, add_irc, join_xmpp, on_irc};
use serde_json::json;
use support::{Browser, Daemon, IrcPeer, Ngircd, Page, Window, quoted};

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
    let prosody = scene::server();
    let ngircd = Ngircd::builder().channel("#rust", "Ask, and somebody answers").start();
    let daemon = Daemon::builder(binary).hold_ms(25_000).start();
    let mut people = People::arrive(&prosody, |_, _, _, _| ());
    let room = people.gather(&prosody);
    let (mut nadia, mut oskar) = (IrcPeer::connect(&ngircd, "nadia"), IrcPeer::connect(&ngircd, "oskar"));

    let page = Page::open(&daemon, Window::Desk).await;
    page.see("[data-testid=network-form]").await;
    size(page.browser(), 1400, 900, 1).await;
    both(&page, &directory, "front").await;

    page.sign_in_xmpp(&prosody, "ines").await;
    add_irc(&page, &ngircd).await;
    let rust = on_irc(&page, "#rust", &mut nadia, &mut oskar).await;
    page.say(&rust, "Saved me an hour, too.").await;
    page.sent(&rust, "Saved me an hour, too.").await;
    let gardeners = join_xmpp(&page, "gardeners", &room).await;
    for (user, text) in GARDEN {
        people.say_in(&page, &gardeners, &room, user, text).await;
    }
    people.of("amara").say("ines@localhost", "Choir on Friday? I have a lift for two.");
    let amara = support::conversation("amara@localhost");
    page.hears(&amara, "Choir on Friday? I have a lift for two.").await;
    page.click(&format!("{amara} [data-testid=minimise]")).await;
    let noor = people.with_noor(&page).await;
    people.of("noor").chat_state("ines@localhost", "composing");
    page.read(&format!("{noor} [data-testid=typing]"), "typing").await;
    arrange(&page, &rust, (20, 496, 590, 260)).await;
    arrange(&page, &gardeners, (20, 20, 590, 460)).await;
    arrange(&page, &noor, (632, 76, 410, 620)).await;
    page.click(&format!("{noor} [data-testid=composer]")).await;
    both(&page, &directory, "desk").await;

    page.browser().window(Window::Phone).await;
    page.see("[data-testid=back]").await;
    both(&page, &directory, "phone").await;
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

/// Writes the page in light and in dark.
async fn both(page: &Page, directory: &Path, name: &str) {
    scene::themes(page, &[false], |theme, picture| {
        let picture = smaller(picture);
        assert!(picture.len() <= MOST_BYTES, "{name}-{theme} has {} bytes", picture.len());
        std::fs::write(directory.join(format!("{name}-{theme}.png")), picture).expect("writing a picture");
    })
    .await;
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
