//! Promise: in the page files go both ways, each with its progress and its end; a picture shows where it came, all else is saved, and nobody waits
//! behind a file with what they say.
#![allow(clippy::expect_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Audit, Daemon, Page, Prosody, Slixmpp, Window, photo};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// A PNG of one pixel.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

struct Stage {
    page: Page,
    talk: String,
    bob: Slixmpp,
    /// The address that Ines's server gave her.
    ines: String,
    daemon: Daemon,
    _prosody: Prosody,
}

impl Stage {
    async fn new() -> Self {
        let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").file_proxy().start();
        let mut daemon = Daemon::run(BELLFLOWER);
        daemon.allow_log("proxy: Connect Data is");
        daemon.allow_log("jabber_ibb_session_close called on a session that has not been");
        let page = Page::open(&daemon, Window::Desk).await;
        page.sign_in_xmpp(&prosody, "ines").await;
        let mut bob = Slixmpp::connect(&prosody, "bob");
        let there =
            bob.wait("Ines", |event| event["event"] == "present" && event["jid"].as_str().is_some_and(|jid| jid.starts_with("ines@")));
        let ines = there["jid"].as_str().expect("an address").to_owned();
        page.see("[data-testid=buddy][data-name='bob@localhost'][data-presence=online]").await;
        let talk = page.write_to("bob@localhost").await;
        Self { page, talk, bob, ines, daemon, _prosody: prosody }
    }

    /// The row of a file, in this state.
    fn row(&self, state: &str) -> String {
        format!("{} [data-testid=transfer][data-state={state}]", self.talk)
    }
}

/// Bytes of a file as JavaScript makes it: a `DataTransfer` with one file.
fn dragged(name: &str, bytes: usize) -> String {
    format!(
        "(() => {{ const data = new DataTransfer(); data.items.add(new File([new Uint8Array({bytes}).fill(120)], {name:?})); return data; }})()"
    )
}

fn offer(event: &Value, name: &str) -> bool {
    event["event"] == "offered" && event["name"] == name
}

#[tokio::test]
async fn files_are_chosen_dropped_and_pasted() {
    let mut stage = Stage::new().await;
    let (talk, page) = (stage.talk.clone(), &stage.page);
    let chosen = stage.daemon.data_dir().join("a note.txt");
    std::fs::write(&chosen, vec![b'n'; 300_000]).expect("a file");
    page.choose_file(&format!("{talk} [data-testid=file-input]"), &chosen).await;
    page.see(&stage.row("offered")).await;
    page.read(&stage.row("offered"), "a note.txt").await;
    let told = stage.bob.wait("the offer", |event| offer(event, "a note.txt"));
    stage.bob.order("accept", json!({ "sid": told["sid"], "method": "s5b" }));
    let ended = stage.bob.wait("the file", |event| event["event"] == "ended");
    assert_eq!(ended["bytes"], 300_000);
    page.see_no(&format!("{talk} [data-testid=transfer]")).await;
    let drop = |kind: &str, name: &str| {
        let data = dragged(name, 5000);
        match kind {
            "drop" => format!(
                "document.querySelector({talk:?}).dispatchEvent(new DragEvent('drop', {{ dataTransfer: {data}, bubbles: true, cancelable: true }}))"
            ),
            _ => format!(
                "document.querySelector({:?}).dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: {data}, bubbles: true, cancelable: true }}))",
                format!("{talk} textarea")
            ),
        }
    };
    for (kind, name) in [("drop", "dropped.bin"), ("paste", "pasted.png")] {
        page.browser().eval(&drop(kind, name)).await;
        let told = stage.bob.wait("the offer", |event| offer(event, name));
        assert_eq!(told["size"], 5000);
        if kind == "drop" {
            stage.bob.order("decline", json!({ "sid": told["sid"] }));
        } else {
            page.click(&format!("{} [data-testid=file-cancel]", stage.row("offered"))).await;
        }
        page.see_no(&format!("{talk} [data-testid=transfer]")).await;
    }
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn photographs_leave_without_place_and_stay_as_they_were_turned() {
    let mut stage = Stage::new().await;
    let page = &stage.page;
    // Red on the left, blue on the right.
    let paint = "const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [32, 16];
        const brush = canvas.getContext('2d');
        ['#f00', '#00f'].forEach((colour, at) => { brush.fillStyle = colour; brush.fillRect(16 * at, 0, 16, 16); });
        return canvas.toDataURL('image/jpeg', 1);";
    let made = page.browser().eval(paint).await;
    let picture = made.as_str().and_then(|url| url.strip_prefix("data:image/jpeg;base64,")).expect("a JPEG");
    let picture = STANDARD.decode(picture).expect("base64");
    // The camera was held upright.
    let photograph = [&picture[..2], &photo::camera(6), &picture[2..], photo::SECRET].concat();
    let path = stage.daemon.data_dir().join("photo.jpg");
    std::fs::write(&path, &photograph).expect("a file");
    page.choose_file(&format!("{} [data-testid=file-input]", stage.talk), &path).await;
    let told = stage.bob.wait("the offer", |event| offer(event, "photo.jpg"));
    stage.bob.order("accept", json!({ "sid": told["sid"], "method": "s5b", "whole": true }));
    let ended = stage.bob.wait("the file", |event| event["event"] == "ended");
    let arrived = STANDARD.decode(ended["content"].as_str().expect("its bytes")).expect("base64");
    assert!(photo::tells(&photograph) && !photo::tells(&arrived), "place and device arrived");
    assert!(arrived == [&picture[..2], &photo::orientation(6), &picture[2..]].concat(), "{}", arrived.escape_ascii());
    // A browser draws the arrived picture upright, red above.
    let look = format!(
        "const bytes = Uint8Array.from(atob({:?}), letter => letter.charCodeAt(0));
        createImageBitmap(new Blob([bytes], {{ type: 'image/jpeg' }})).then(map => {{
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [map.width, map.height];
            const brush = canvas.getContext('2d');
            brush.drawImage(map, 0, 0);
            const reddish = y => {{ const [red, , blue] = brush.getImageData(8, y, 1, 1).data; return red > blue; }};
            window.looked = [map.width, map.height, reddish(4), reddish(28)];
        }});",
        STANDARD.encode(&arrived)
    );
    page.browser().eval(&look).await;
    page.wait("window.looked !== undefined").await;
    assert_eq!(page.browser().eval("return window.looked").await, json!([16, 32, true, false]));
    // A damaged picture is not sent, and its row says why.
    std::fs::write(&path, &photograph[..200]).expect("a file");
    page.choose_file(&format!("{} [data-testid=file-input]", stage.talk), &path).await;
    page.read(&format!("{} [data-testid=files]", stage.talk), "This picture is damaged").await;
    page.assert_kept_to_itself().await;
}

#[tokio::test]
async fn files_are_taken_shown_saved_and_declined() {
    let mut stage = Stage::new().await;
    let (talk, ines, page) = (stage.talk.clone(), stage.ines.clone(), &stage.page);
    let downloads = tempfile::tempdir().expect("a directory");
    let behaviour = json!({ "behavior": "allow", "downloadPath": downloads.path() });
    page.browser().devtools("Browser.setDownloadBehavior", behaviour).await;
    // A picture shows where it came.
    let size = STANDARD.decode(PICTURE).expect("a picture").len();
    stage.bob.offer(&ines, "picture", "dot.png", size as u64, "ibb");
    page.click(&format!("{} [data-testid=file-accept]", stage.row("offered"))).await;
    stage.bob.wait("Ines's yes", |event| event["event"] == "accepted");
    stage.bob.order("send_ibb", json!({ "to": ines, "sid": "picture", "size": size, "content": PICTURE }));
    page.wait(&format!("document.querySelector({:?})?.naturalWidth === 1", format!("{talk} [data-testid=file-picture]"))).await;
    page.see(&format!("{talk} [data-testid=received][data-state=done]")).await;
    // All else is saved; what is said does not wait for it.
    stage.bob.offer(&ines, "saved", "notes.txt", 400_000, "ibb");
    page.click(&format!("{} [data-testid=file-accept]", stage.row("offered"))).await;
    stage.bob.wait("Ines's yes", |event| event["event"] == "accepted");
    stage.bob.order("send_ibb", json!({ "to": ines, "sid": "saved", "size": 400_000, "upto": 200_000, "close": false }));
    stage.bob.wait("half of it", |event| event["event"] == "sent");
    page.see(&format!("{} progress", stage.row("running"))).await;
    // Another one waits for its turn.
    stage.bob.offer(&ines, "next", "next.txt", 1000, "ibb");
    page.click(&format!("{} [data-testid=file-accept]", stage.row("offered"))).await;
    page.read(&stage.row("offered"), "waits for its turn").await;
    page.say(&talk, "in the meantime").await;
    stage.bob.wait("the words", |event| event["event"] == "heard" && event["text"] == "in the meantime");
    // Half a file is no file.
    page.click(&format!("{} [data-testid=file-cancel]", stage.row("running"))).await;
    page.see(&format!("{talk} [data-testid=received][data-state=cancelled]")).await;
    stage.bob.wait("Ines's yes to the next", |event| event["event"] == "accepted" && event["sid"] == "next");
    stage.bob.order("send_ibb", json!({ "to": ines, "sid": "next", "size": 1000 }));
    support::wait_until("the saved file", support::PATIENCE, || {
        std::fs::read(downloads.path().join("next.txt")).is_ok_and(|saved| saved == support::piece(0, 1000)).then_some(())
    });
    stage.bob.offer(&ines, "no", "no.exe", 1000, "ibb");
    page.click(&format!("{} [data-testid=file-decline]", stage.row("offered"))).await;
    stage.bob.wait("Ines's no", |event| event["event"] == "declined");
    page.see_no(&format!("{talk} [data-testid=transfer]")).await;
}

#[tokio::test]
async fn files_are_for_everybody() {
    let Stage { page, talk, mut bob, ines, daemon, _prosody } = Stage::new().await;
    let mut audit = Audit::of(page);
    let row = |state: &str| format!("{talk} [data-testid=transfer][data-state={state}]");
    let size = STANDARD.decode(PICTURE).expect("a picture").len();
    bob.offer(&ines, "picture", "dot.png", size as u64, "ibb");
    audit.page.click(&format!("{} [data-testid=file-accept]", row("offered"))).await;
    bob.wait("Ines's yes", |event| event["event"] == "accepted");
    bob.order("send_ibb", json!({ "to": ines, "sid": "picture", "size": size, "content": PICTURE }));
    audit.page.see(&format!("{talk} [data-testid=received][data-state=done] img")).await;
    bob.offer(&ines, "half", "half.txt", 400_000, "ibb");
    audit.page.click(&format!("{} [data-testid=file-accept]", row("offered"))).await;
    bob.wait("Ines's yes", |event| event["event"] == "accepted");
    bob.order("send_ibb", json!({ "to": ines, "sid": "half", "size": 400_000, "upto": 200_000, "close": false }));
    audit.page.see(&format!("{} progress", row("running"))).await;
    // A file that is offered, and another that cannot go.
    bob.offer(&ines, "more", "more.txt", 1000, "ibb");
    let broken = daemon.data_dir().join("photo.jpg");
    std::fs::write(&broken, b"\xff\xd8\xff\xe0 and so on").expect("a file");
    audit.page.choose_file(&format!("{talk} [data-testid=file-input]"), &broken).await;
    audit.page.see(&format!("{talk} [data-testid=upload][data-state=failed]")).await;
    audit.page.see(&row("offered")).await;
    audit.look("files").await;
    audit.page.browser().window(Window::Phone).await;
    audit.page.see("[data-testid=back]").await;
    audit.page.assert_fits("files on a phone").await;
    let small = audit.page.too_small("files on a phone").await;
    assert!(small.is_empty(), "{small:#?}");
    audit.look("files on a phone").await;
    audit.assert_nothing(2);
}
