//! Transfers that end before their end: declined, cancelled by either side at each stage, a lost connection, a killed worker.

use super::{INES, Stage};
use serde_json::json;

#[test]
fn an_offer_is_declined() {
    let mut stage = Stage::new();
    let id = stage.offered("no", 1000, "ibb");
    stage.ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(stage.ended(&id), "cancelled");
    let no = stage.bob.wait("Ines's no", |event| event["event"] == "declined");
    assert_eq!(no["condition"], "forbidden");
    assert_eq!(stage.ines.fetch(&id).status, 404);
}

#[test]
fn who_waits_for_a_file_gives_up() {
    let mut stage = Stage::new();
    // Accepted, and nothing has come.
    let id = stage.accepted("none", 1000, "ibb");
    stage.ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(stage.ended(&id), "cancelled");
    // Half of it has come, to a browser that fetches it.
    let id = stage.accepted("half", 1 << 20, "ibb");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "half", "size": 1 << 20, "upto": 100_000, "close": false }));
    let mut download = stage.ines.fetch(&id);
    assert_eq!(download.take(90_000), support::piece(0, 90_000));
    stage.ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(stage.ended(&id), "cancelled");
    download.rest().expect_err("half a file is no file");
    // The browser leaves.
    let id = stage.accepted("left", 1 << 20, "ibb");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "left", "size": 1 << 20 }));
    let mut download = stage.ines.fetch(&id);
    assert_eq!(download.take(10_000).len(), 10_000);
    drop(download);
    // An agent keeps its connections: another one's end is the browser's.
    assert_eq!(stage.ended(&id), "cancelled");
    stage.bob.wait("the end of it", |event| event["event"] == "broken" && event["sid"] == "left");
}

#[test]
fn who_sends_a_file_gives_up() {
    let mut stage = Stage::new();
    for (sid, method) in [("ibb", "ibb"), ("s5b", "s5b")] {
        let id = stage.accepted(sid, 1 << 20, method);
        let send = format!("send_{method}");
        stage.bob.order(&send, json!({ "to": INES, "sid": sid, "size": 1 << 20, "upto": 100_000, "close": false }));
        let mut download = stage.ines.fetch(&id);
        assert_eq!(download.take(100_000), support::piece(0, 100_000));
        stage.bob.order("cut", json!({ "sid": sid }));
        assert_eq!(stage.ended(&id), "failed", "{method}");
        download.rest().expect_err("half a file is no file");
    }
}

#[test]
fn more_than_was_offered_ends_a_transfer_and_no_worker() {
    let mut stage = Stage::new();
    stage.daemon.allow_log("IBB file transfer send more data than expected");
    let id = stage.accepted("more", 10_000, "ibb");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "more", "size": 60_000, "block": 4096 }));
    let _ = stage.ines.fetch(&id).rest();
    stage.ended(&id);
    stage.bob.wait("the end of it", |event| event["event"] == "broken");
    let conversation = stage.ines.open("bob@localhost");
    stage.ines.say(&conversation, "still here");
    assert_eq!(stage.daemon.workers().iter().filter(|worker| worker["load"]["accounts"] == 1).count(), 1);
}

#[test]
fn an_offer_of_ones_own_is_declined_or_taken_back() {
    let mut stage = Stage::new();
    let (id, offer) = stage.sent(10_000);
    stage.bob.order("decline", json!({ "sid": offer["sid"] }));
    assert_eq!(stage.ended(&id), "cancelled");
    stage.nothing_is_staged();
    let (id, _) = stage.sent(10_000);
    stage.ines.carry_out("transfer.cancel", json!({ "transfer": id }));
    assert_eq!(stage.ended(&id), "cancelled");
    stage.nothing_is_staged();
}

#[test]
fn a_file_on_its_way_out_is_ended_by_either() {
    let mut stage = Stage::new();
    for (by_ines, method) in [(true, "ibb"), (false, "ibb"), (true, "s5b"), (false, "s5b")] {
        let (id, offer) = stage.sent(if method == "ibb" { 1 << 20 } else { 32 << 20 });
        stage.bob.order("accept", json!({ "sid": offer["sid"], "method": method }));
        stage.bob.wait("some of it", |event| event["event"] == "received" && event["sid"] == offer["sid"]);
        if by_ines {
            stage.ines.carry_out("transfer.cancel", json!({ "transfer": id }));
            assert_eq!(stage.ended(&id), "cancelled");
            stage.bob.wait("its end", |event| event["event"] == "ended" && event["sid"] == offer["sid"]);
        } else {
            stage.bob.order("cut", json!({ "sid": offer["sid"] }));
            assert_eq!(stage.ended(&id), "failed");
        }
        stage.nothing_is_staged();
    }
}

/// A file each way, half of it gone.
fn half_way(stage: &mut Stage) -> (String, support::Download, String) {
    let incoming = stage.accepted("in", 1 << 20, "ibb");
    stage.bob.order("send_ibb", json!({ "to": INES, "sid": "in", "size": 1 << 20, "upto": 100_000, "close": false }));
    let mut download = stage.ines.fetch(&incoming);
    assert_eq!(download.take(90_000).len(), 90_000);
    let (outgoing, offer) = stage.sent(20 << 20);
    stage.bob.order("accept", json!({ "sid": offer["sid"], "method": "ibb" }));
    stage.bob.wait("some of it", |event| event["event"] == "received");
    (incoming, download, outgoing)
}

#[test]
fn a_lost_connection_ends_what_is_on_its_way() {
    let mut stage = Stage::new();
    let (incoming, mut download, outgoing) = half_way(&mut stage);
    stage.prosody.kill();
    assert_eq!((stage.ended(&incoming), stage.ended(&outgoing)), ("failed".to_owned(), "failed".to_owned()));
    download.rest().expect_err("half a file is no file");
    stage.nothing_is_staged();
}

#[test]
fn a_killed_worker_ends_what_is_on_its_way() {
    let mut stage = Stage::new();
    let (incoming, mut download, outgoing) = half_way(&mut stage);
    let worker = stage.daemon.workers().iter().find(|worker| worker["load"]["accounts"] == 1).expect("a worker")["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &worker]).status().expect("kill").success());
    assert_eq!((stage.ended(&incoming), stage.ended(&outgoing)), ("failed".to_owned(), "failed".to_owned()));
    download.rest().expect_err("half a file is no file");
    stage.nothing_is_staged();
}

#[test]
fn signing_out_ends_what_is_on_its_way() {
    let mut stage = Stage::new();
    stage.daemon.allow_log("an error occurred during IBB file transfer");
    let (_, mut download, _) = half_way(&mut stage);
    stage.ines.post("/logout", &json!({}));
    download.rest().expect_err("half a file is no file");
    stage.nothing_is_staged();
}
