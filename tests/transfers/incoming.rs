//! A contact's file: offered, accepted, and streamed to the browser as it comes.

use super::{INES, Stage};
use serde_json::json;

#[test]
fn an_offered_file_is_accepted_and_streamed_in_band() {
    let mut stage = Stage::new();
    stage.bob.offer(INES, "one", "../a \"picture\".png", 300_000, "ibb");
    let event = stage.ines.wait_event("the offer", |event| event["type"] == "transfer.opened");
    let transfer = &event["transfer"];
    let told = [&transfer["direction"], &transfer["name"], &transfer["state"], &transfer["peer"]];
    assert_eq!(told, [&json!("in"), &json!("a \"picture\".png"), &json!("offered"), &json!("bob@localhost/slixmpp")], "{event}");
    assert_eq!((&transfer["size"], &transfer["done"]), (&json!(300_000), &json!(0)));
    let conversation = stage.ines.wait_event("its conversation", |event| event["type"] == "conversation.opened");
    assert_eq!(conversation["conversation"]["id"], transfer["conversation"]);
    let id = transfer["id"].as_str().expect("an id").to_owned();
    assert_eq!(stage.ines.fetch(&id).status, 409, "it is not accepted yet");
    stage.ines.carry_out("transfer.accept", json!({ "transfer": id }));
    stage.bob.wait("Ines's yes", |event| event["event"] == "accepted");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "one", "size": 300_000 }));
    let mut download = stage.ines.fetch(&id);
    assert_eq!(download.status, 200);
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment; filename=\"a _picture_.png\"; filename*=UTF-8''a%20%22picture%22.png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("content-length", "300000"),
        ("cache-control", "no-store, no-transform"),
    ] {
        assert_eq!(download.header(name), Some(value), "{name}");
    }
    assert_eq!(stage.ines.fetch(&id).status, 409, "one browser fetches it");
    assert_eq!(download.check(0).expect("the whole file"), 300_000);
    assert_eq!(stage.ended(&id), "done");
    stage.bob.wait("the last acknowledgement", |event| event["event"] == "sent" && event["bytes"] == 300_000);
    assert_eq!(stage.ines.fetch(&id).status, 404, "it is gone");
    assert_eq!(stage.staged(), 0);
    let line = "Transfer of file ../a \"picture\".png complete";
    stage.ines.wait_event("a line of it", |event| event["type"] == "message.system" && event["message"]["text"] == line);
}

#[test]
fn a_large_file_comes_by_socks5_and_takes_no_memory() {
    let size = super::large();
    let mut stage = Stage::new();
    let id = stage.accepted("large", size as u64, "s5b");
    let memory = super::Memory::of(&stage.daemon);
    stage.bob.order("send_s5b", json!({ "to": INES, "sid": "large", "size": size }));
    let mut download = stage.ines.fetch(&id);
    let mut at = 0;
    while at < size {
        let bytes = download.take(1 << 20);
        assert!(!bytes.is_empty() && bytes == support::piece(at, bytes.len()), "after {at}");
        at += bytes.len();
        memory.look();
    }
    assert!(download.rest().expect("its end").is_empty());
    assert_eq!(stage.ended(&id), "done");
    memory.is_flat();
}

#[test]
fn who_does_not_fetch_holds_the_sender_up_and_nothing_else() {
    let mut stage = Stage::new();
    let conversation = stage.ines.open("bob@localhost");
    let id = stage.accepted("slow", 1 << 20, "ibb");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "slow", "size": 1 << 20 }));
    // The worker holds 128 KiB, and a block that is not acknowledged.
    stage.bob.wait("the last of what fits", |event| event["event"] == "acknowledged" && event["bytes"].as_u64() >= Some(128 << 10));
    let before = stage.bob.last("acknowledged");
    for round in ["one", "two"] {
        // What follows on the same connection overtakes the acknowledgement that is held back.
        stage.ines.say(&conversation, round);
        stage.bob.order("say", json!({ "to": INES, "text": round }));
        stage.ines.hears(round);
        stage.bob.wait("Ines's words", |event| event["event"] == "heard" && event["text"] == round);
    }
    let after = stage.bob.last("acknowledged");
    let bytes = after.or(before).and_then(|event| event["bytes"].as_u64()).unwrap_or(128 << 10);
    assert!(bytes <= 140 << 10, "{bytes} bytes were taken that nobody fetched");
    let mut download = stage.ines.fetch(&id);
    assert_eq!(download.check(0).expect("the whole file"), 1 << 20);
    assert_eq!(stage.ended(&id), "done");
    stage.bob.wait("the last acknowledgement", |event| event["event"] == "sent");
}

#[test]
fn nobody_else_gets_it() {
    let mut stage = Stage::new();
    let id = stage.accepted("mine", 1000, "ibb");
    let mut mallory = stage.daemon.client("mallory-tab");
    mallory.sign_in_xmpp(&stage.prosody, "bob");
    assert_eq!(mallory.fetch(&id).status, 404);
    let nobody = stage.daemon.client("nobody-tab");
    assert_eq!(nobody.fetch(&id).status, 401);
    for command in ["transfer.accept", "transfer.cancel"] {
        let command_id = mallory.new_id();
        let answer = mallory.post_command(&command_id, command, json!({ "transfer": id }));
        assert_eq!(answer.body["rejected"][0]["error"]["code"], "no_such_transfer", "{command}: {answer:?}");
    }
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "mine", "size": 1000 }));
    assert_eq!(stage.ines.fetch(&id).check(0).expect("the whole file"), 1000);
    assert_eq!(stage.ended(&id), "done");
}
