//! A user's file: uploaded, offered, and fed to the network as that takes it.

use super::Stage;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 of so many bytes of the tests' file.
fn digest(count: usize) -> String {
    let mut hash = Sha256::new();
    std::io::copy(&mut support::Bytes::new(count), &mut hash).expect("a hash");
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text");
        hex
    })
}

fn goes(method: &str, size: usize) {
    let mut stage = Stage::new();
    let memory = super::Memory::of(&stage.daemon);
    let (id, offer) = stage.sent_watched(size, &memory);
    assert_eq!((&offer["name"], &offer["size"]), (&json!("a picture.png"), &json!(size)));
    let opened = stage.ines.wait_event("the transfer", |event| event["type"] == "transfer.opened");
    assert_eq!((&opened["transfer"]["id"], &opened["transfer"]["direction"]), (&json!(id), &json!("out")));
    assert_eq!(stage.staged(), 1);
    stage.bob.order("accept", json!({ "sid": offer["sid"], "method": method }));
    let ended = loop {
        let event = stage.bob.wait("more of the file", |event| event["event"] == "received" || event["event"] == "ended");
        memory.look();
        if event["event"] == "ended" {
            break event;
        }
    };
    assert_eq!((&ended["bytes"], &ended["sha256"]), (&json!(size), &json!(digest(size))));
    assert_eq!(stage.ended(&id), "done");
    memory.is_flat();
    stage.nothing_is_staged();
}

#[test]
fn a_file_goes_in_band() {
    goes("ibb", 300_000);
}

/// Each 4 KiB wait for the peer's answer to the last ones: a part of a large file says as much.
#[test]
fn a_large_file_goes_in_band_and_takes_no_memory() {
    goes("ibb", super::large() / 16);
}

#[test]
fn a_large_file_goes_by_socks5_and_takes_no_memory() {
    goes("s5b", super::large());
}

#[test]
fn what_cannot_be_sent_is_said() {
    let mut stage = Stage::new();
    let upload = stage.ines.upload("a.txt", 1000).ok();
    let conversation = stage.ines.open("nobody@localhost");
    let id = stage.ines.command("transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
    let error = stage.ines.outcome(&id).expect_err("somebody who is not there takes no file");
    assert_eq!(error["code"], "not_sent", "{error}");
    stage.nothing_is_staged();
    let command = stage.ines.new_id();
    let answer = stage.ines.post_command(&command, "transfer.send", json!({ "conversation": conversation, "upload": upload["upload"] }));
    assert_eq!(answer.body["rejected"][0]["error"]["code"], "no_such_upload", "it is used up");
    let large = stage.ines.upload("large.bin", 0);
    assert_eq!((large.status, large.code()), (400, "empty"));
}
