//! Promise: one's own picture is chosen, dropped or pasted, cut to a square, written by the browser in what the network takes, without a trace of the file,
//! and seen by others with other clients.
#![allow(clippy::expect_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Daemon, Page, Prosody, Slixmpp, Window, WireClient, quoted};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// EXIF content with a place, as cameras write it.
const PLACE: &[u8] = b"Exif\0\0 42.3N 0.7W, taken at home";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A photo of 600 by 400 pixels, red at the left, green in the middle, blue at the right, which says where it was taken.
async fn photo(page: &Page) -> Vec<u8> {
    let draw =
        "const canvas = document.createElement('canvas'); canvas.width = 600; canvas.height = 400; const pen = canvas.getContext('2d');
        ['#e00000', '#00a000', '#0000e0'].forEach((color, at) => { pen.fillStyle = color; pen.fillRect(at * 200, 0, 200, 400); });
        return canvas.toDataURL('image/jpeg', 0.95).split(',')[1]";
    let drawn = page.browser().eval(draw).await;
    let mut jpeg = STANDARD.decode(drawn.as_str().expect("a text")).expect("base64");
    let length = u16::try_from(PLACE.len() + 2).expect("a short text").to_be_bytes();
    jpeg.splice(2..2, [b"\xff\xe1".as_slice(), &length, PLACE].concat());
    jpeg
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(PNG), "no PNG");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

/// Asks as a foreign client does: the picture, and its SHA-1.
fn asked_by(peer: &mut Slixmpp) -> (Vec<u8>, Value) {
    peer.order("vcard", json!({ "jid": "ines@localhost" }));
    let card = peer.wait("the picture", |event| event["event"] == "vcard");
    (STANDARD.decode(card["photo"].as_str().expect("a text")).expect("base64"), card["sha1"].clone())
}

/// The next picture that a foreign client is told of, and finds.
fn seen_by(peer: &mut Slixmpp) -> Vec<u8> {
    let is_news = |event: &Value| event["event"] == "avatar" && event["jid"] == "ines@localhost" && event["sha1"] != "";
    let told = peer.wait("news of a picture", is_news);
    let (photo, sha1) = asked_by(peer);
    assert_eq!(sha1, told["sha1"], "the picture is the one that was told of");
    photo
}

/// The colour in the middle of what a PNG shows.
async fn middle(page: &Page, png: &[u8]) -> Value {
    let script = format!(
        "const picture = await createImageBitmap(new Blob([Uint8Array.from(atob({}), one => one.charCodeAt(0))]));
         const canvas = document.createElement('canvas'); canvas.width = picture.width; canvas.height = picture.height;
         const pen = canvas.getContext('2d'); pen.drawImage(picture, 0, 0);
         return [...pen.getImageData(picture.width / 2, picture.height / 2, 1, 1).data].map(one => one > 100)",
        quoted(&STANDARD.encode(png))
    );
    let script =
        format!("const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, error => done(String(error)))");
    page.browser().page().execute_async(&script, Vec::new()).await.expect("an answer")
}

async fn open(page: &Page) {
    page.click("[data-testid=my-status]").await;
    page.click("[data-testid=menu-own-icon]").await;
    page.see("[data-testid=icon-dialog]").await;
}

async fn save(page: &Page) {
    page.click("[data-testid=icon-save]").await;
    page.see_no("[data-testid=icon-dialog]").await;
}

/// Gives the dialog a file as a drop or a paste does.
async fn give(page: &Page, how: &str, bytes: &[u8], kind: &str) {
    let event = if how == "drop" {
        "new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })"
    } else {
        "new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })"
    };
    let script = format!(
        "const bytes = Uint8Array.from(atob({}), one => one.charCodeAt(0)); const data = new DataTransfer();
         data.items.add(new File([bytes], 'file', {{ type: {} }}));
         document.querySelector('[data-testid=icon-drop]').dispatchEvent({event})",
        quoted(&STANDARD.encode(bytes)),
        quoted(kind)
    );
    page.browser().eval(&script).await;
}

#[tokio::test]
async fn ones_own_picture_is_seen_by_others() {
    let prosody =
        Prosody::builder().users(["ines", "bob", "carla"]).friends("ines", "bob", "Friends").friends("ines", "carla", "Friends").start();
    let daemon = Daemon::run(BELLFLOWER);
    let mut bob = Slixmpp::connect(&prosody, "bob");
    let mut carla = daemon.client("carla");
    carla.sign_in_xmpp(&prosody, "carla");
    let page = Page::open(&daemon, Window::Desk).await;
    let jpeg = photo(&page).await;
    assert!(contains(&jpeg, PLACE));
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("garden.jpg");
    std::fs::write(&path, &jpeg).expect("a file");
    page.sign_in_xmpp(&prosody, "ines").await;
    page.see("[data-testid=account][data-state=online]").await;

    open(&page).await;
    page.see("[data-testid=icon-save]:disabled").await;
    page.choose_file("[data-testid=icon-file]", &path).await;
    page.see("[data-testid=icon-crop][data-crop='100 0 400']").await;
    page.assert_fits("one's own picture").await;
    save(&page).await;
    // The foreign client gets the middle of the photo, in the network's own size, without its EXIF.
    let photo = seen_by(&mut bob);
    assert_eq!(size(&photo), (96, 96));
    assert!(!contains(&photo, b"Exif") && !contains(&photo, b"taken at home"));
    assert_eq!(middle(&page, &photo).await, json!([false, true, false, true]));
    // Another user of the same site has it beside her name.
    let event = carla.wait_event("the picture", |event| event["type"] == "buddy.updated" && event["buddy"]["icon"].is_string());
    let bytes = carla.get_bytes(&format!("/media/{}", event["buddy"]["icon"].as_str().expect("a hash")));
    assert_eq!(bytes, photo);
    page.see("[data-testid=my-status] .avatar img").await;

    // The pasted photo is moved by keys alone: another part of it is shown.
    open(&page).await;
    give(&page, "paste", &jpeg, "image/jpeg").await;
    page.see("[data-testid=icon-crop][data-crop='100 0 400']").await;
    let crop = "[data-testid=icon-crop]";
    page.type_into(crop, &"+".repeat(6)).await;
    page.wait("Number(document.querySelector('[data-testid=icon-crop]').dataset.crop.split(' ')[2]) < 200").await;
    page.type_into(crop, &char::from(support::Key::Right).to_string().repeat(60)).await;
    page.wait(
        "(([x, , side]) => Number(x) + Number(side) === 600)(document.querySelector('[data-testid=icon-crop]').dataset.crop.split(' '))",
    )
    .await;
    save(&page).await;
    let photo = seen_by(&mut bob);
    assert_eq!(middle(&page, &photo).await, json!([false, false, true, true]));

    // A dropped file that is no picture is refused with words, and cannot be saved.
    open(&page).await;
    give(&page, "drop", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml").await;
    page.read("[data-testid=icon-dialog] [data-testid=problem]", "not a picture").await;
    page.see("[data-testid=icon-save]:disabled").await;
    give(&page, "drop", &jpeg, "image/jpeg").await;
    page.see(crop).await;
    page.press_escape().await;
    page.see_no("[data-testid=icon-dialog]").await;

    open(&page).await;
    page.click("[data-testid=icon-remove]").await;
    page.see_no("[data-testid=icon-dialog]").await;
    // Whether servers tell of that, too, is theirs to decide.
    while !asked_by(&mut bob).0.is_empty() {}
    page.see_no("[data-testid=my-status] .avatar img").await;
    page.assert_kept_to_itself().await;
    page.assert_no_mishap().await;
}

/// Uploads bytes and names them in `account.icon`: how that is refused.
fn refused(client: &mut WireClient, bytes: &[u8]) -> (String, String) {
    let uploaded = client.upload_picture(bytes);
    let account = client.account();
    let id = client.new_id();
    let answer = client.post_command(&id, "account.icon", json!({ "account": account, "upload": uploaded })).body;
    let error = &answer["rejected"][0]["error"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["code"]), text(&error["field"]))
}

#[test]
fn what_the_network_does_not_take_is_refused_without_the_page() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("ines");
    ines.sign_in_xmpp(&prosody, "ines");
    let protocols = ines.get("/protocols").ok();
    let of = |id: &str| protocols.as_array().expect("a list").iter().find(|one| one["id"] == id).expect("a protocol")["icon_spec"].clone();
    assert_eq!((&of("prpl-jabber")["formats"], &of("prpl-jabber")["max_width"]), (&json!(["png"]), &json!(96)));
    assert_eq!(of("prpl-irc"), Value::Null);
    let end = b"....\0\0\0\0IEND....".as_slice();
    let png = |side: u32| [PNG, b"\0\0\0\rIHDR", &side.to_be_bytes(), &side.to_be_bytes(), b"\x08\x06\0\0\0", end].concat();
    let bad = ("bad_picture".to_owned(), "upload".to_owned());
    assert_eq!(refused(&mut ines, &png(97)), bad, "too large");
    assert_eq!(refused(&mut ines, b"GIF89a\x10\0\x10\0\0\0\0;"), bad, "another format");
    assert_eq!(refused(&mut ines, &[PNG, b"\0\0\0\0IHDR", end].concat()), bad, "of no size");
    assert_eq!(refused(&mut ines, &png(96)), (String::new(), String::new()));
}
