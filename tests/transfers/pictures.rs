//! A user's picture: what goes out is the picture, without place, device or words, and turned as it was; a damaged one does not go.

use super::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::photo;

/// A JPEG with all that a telephone writes; so many bytes of it are pixels. And what is to arrive.
fn photograph(pixels: usize) -> (Vec<u8>, Vec<u8>) {
    let (start, end) = ([0xff, 0xd8], [0xff, 0xd9]);
    let picture = [photo::segment(0xdb, &[1; 65]), photo::segment(0xda, b"\x01\x01\0\0\x3f\0"), vec![0x55; pixels], end.to_vec()].concat();
    let before = [start.as_slice(), &photo::camera(6), &picture, photo::SECRET].concat();
    (before, [start.as_slice(), &photo::orientation(6), &picture].concat())
}

#[test]
fn a_photograph_arrives_without_place_and_device() {
    let mut stage = Stage::new();
    // The second one is written to the disk in many pieces.
    for (pixels, method) in [(2000, "ibb"), (3 << 20, "s5b")] {
        let (before, after) = photograph(pixels);
        let upload = stage.ines.upload_bytes("photo.jpg", &before).ok();
        assert_eq!((&upload["type"], &upload["size"]), (&json!("image/jpeg"), &json!(after.len())));
        let (id, offer) = stage.offers(&upload);
        assert_eq!(offer["size"], after.len());
        stage.bob.order("accept", json!({ "sid": offer["sid"], "method": method, "whole": true }));
        let ended = loop {
            let event = stage.bob.wait("more of it", |event| event["event"] == "received" || event["event"] == "ended");
            if event["event"] == "ended" {
                break event;
            }
        };
        let arrived = STANDARD.decode(ended["content"].as_str().expect("its bytes")).expect("base64");
        assert!(!photo::tells(&arrived), "place and device arrived");
        assert!(arrived == after, "the picture is another one: {} bytes in place of {}", arrived.len(), after.len());
        assert_eq!(stage.ended(&id), "done");
    }
    stage.nothing_is_staged();
}

#[test]
fn a_damaged_picture_does_not_go_and_says_what_to_do() {
    let mut stage = Stage::new();
    let (before, _) = photograph(2000);
    let answer = stage.ines.upload_bytes("photo.jpg", &before[..1000]);
    assert_eq!((answer.status, answer.code()), (400, "broken_picture"));
    let words = answer.body["error"]["message"].as_str().expect("words");
    assert!(words.contains("cut off") && words.contains("ZIP"), "{words}");
    stage.nothing_is_staged();
    // By its bytes it is none, whatever its name says.
    let text = stage.ines.upload_bytes("photo.jpg", photo::SECRET).ok();
    assert_eq!((&text["type"], &text["size"]), (&json!("application/octet-stream"), &json!(photo::SECRET.len())));
}
