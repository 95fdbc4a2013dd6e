//! Promise: a stream tells what polls tell, as it happens, and over any number of cut ones nothing is lost and nothing comes twice.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Block, Daemon, PATIENCE, Prosody, Stream, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn scene() -> (Prosody, Daemon, WireClient, XmppPeer) {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("heartbeat_ms = 1000").start();
    let mut ines = daemon.client("tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let bob = XmppPeer::connect(&prosody, "bob");
    (prosody, daemon, ines, bob)
}

fn text(event: &Value) -> Option<String> {
    (event["type"] == "message.received").then(|| event["message"]["text"].as_str().unwrap_or_default().to_owned())
}

/// The texts of the messages that come until there are so many.
fn texts(ines: &mut WireClient, stream: &mut Stream, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let block = stream.block().unwrap_or_else(|| panic!("the stream ended after {all:?}"));
        all.extend(ines.take_block(&block).as_ref().and_then(text));
    }
    all
}

/// The last block of a stream.
fn last(stream: &mut Stream) -> Block {
    let mut last = None;
    while let Some(block) = stream.block() {
        last = Some(block);
    }
    last.expect("a stream with blocks")
}

#[test]
fn what_happens_is_told_as_it_happens_and_signs_of_life_at_their_times() {
    let (_prosody, daemon, mut ines, mut bob) = scene();
    let mut stream = ines.stream();
    let first = stream.block().expect("a beginning");
    assert_eq!(first.name, "heartbeat");
    let conversation = ines.open("bob@localhost");
    // The open above polled, which ended the stream; streams and polls take turns.
    assert_eq!(last(&mut stream).data, json!({ "end": "superseded" }));
    let mut stream = ines.stream();
    for i in 0..5 {
        bob.say("ines@localhost", &format!("message {i}"));
        assert_eq!(texts(&mut ines, &mut stream, 1), [format!("message {i}")]);
    }
    let id = ines.command("message.send", json!({ "conversation": conversation, "text": "and back" }));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = stream.block().and_then(|block| ines.take_block(&block)).unwrap_or_default();
        if event["origin"]["command"] == *id {
            seen.push(event["type"].as_str().unwrap_or_default().to_owned());
        }
    }
    seen.sort();
    assert_eq!(seen, ["command.done", "message.sent"]);
    bob.hears("and back");
    // 1 s is announced. Whoever watches sees neither more nor fewer.
    let mut beats = Vec::new();
    while beats.len() < 4 {
        if stream.block().expect("the stream goes on").name == "heartbeat" {
            beats.push(Instant::now());
        }
    }
    let three = beats.last().expect("four").duration_since(*beats.first().expect("four"));
    assert!(three > Duration::from_millis(2_700) && three < PATIENCE, "three heartbeats took {three:?}");
    assert!(daemon.stats()["stream_parts"].as_u64() >= Some(5), "{}", daemon.stats());
}

#[test]
fn streams_that_are_cut_lose_nothing_and_repeat_nothing() {
    let (_prosody, daemon, mut ines, mut bob) = scene();
    let mut heard = Vec::new();
    let mut sent = 0;
    for round in 0..12 {
        let mut stream = ines.stream();
        for _ in 0..4 {
            bob.say("ines@localhost", &format!("message {sent}"));
            sent += 1;
        }
        // Some of it is processed; the rest is lost on its way.
        heard.extend(texts(&mut ines, &mut stream, round % 4));
        if round % 3 == 0 {
            assert_eq!(ines.acknowledge().status, 202);
        }
        if round % 5 == 0 {
            // A poll in between goes on from there.
            let answer = ines.poll();
            heard.extend(answer.body["events"].as_array().into_iter().flatten().filter_map(text));
        }
    }
    let mut stream = ines.stream();
    let left = sent - heard.len();
    heard.extend(texts(&mut ines, &mut stream, left));
    assert_eq!(heard, (0..sent).map(|i| format!("message {i}")).collect::<Vec<_>>());
    drop(stream);
    let open = || daemon.stats()["streams"].as_u64().unwrap_or(0) - daemon.stats()["streams_ended"].as_u64().unwrap_or(0);
    wait_until("the orphaned streams to be noticed", PATIENCE, || (open() == 0).then_some(()));
}

#[test]
fn who_comes_again_as_an_event_source_goes_on_from_the_last_event() {
    let (_prosody, _daemon, mut ines, mut bob) = scene();
    let address = format!("/stream?{}", ines.poll_query());
    let mut stream = ines.stream_of(&address, "").expect("a stream");
    bob.say("ines@localhost", "first");
    let mut last = String::new();
    while ines
        .take_block(&stream.block().inspect(|block| block.id.clone_into(&mut last)).expect("an event"))
        .as_ref()
        .and_then(text)
        .is_none()
    {}
    drop(stream);
    bob.say("ines@localhost", "second");
    // The same address, and how far it is.
    let mut stream = ines.stream_of(&address, &format!("Last-Event-ID: {last}\r\n")).expect("a stream");
    assert_eq!(texts(&mut ines, &mut stream, 1), ["second"]);
    let refused = ines.stream_of(&address, "Last-Event-ID: x\r\n").err().unwrap_or_default();
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
}

#[test]
fn an_end_of_the_daemon_is_told_and_then_the_stream_ends() {
    let (_prosody, mut daemon, mut ines, _bob) = scene();
    let mut stream = ines.stream();
    stream.block().expect("a beginning");
    daemon.stop();
    let end = last(&mut stream);
    assert_eq!((end.name.as_str(), end.data["end"].as_str()), ("end", Some("restart")), "{end:?}");
    assert!(end.data["retry_ms"].as_u64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{end:?}");
}

#[test]
fn signing_out_ends_it_and_strangers_have_none() {
    let (_prosody, _daemon, mut ines, _bob) = scene();
    let mut stream = ines.stream();
    assert_eq!(ines.post("/logout", &json!({})).status, 204);
    assert_eq!(last(&mut stream).data, json!({ "end": "auth" }));
    let refused = ines.stream_of("/stream?client=tab&epoch=0&after=0", "").err().unwrap_or_default();
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
}

#[test]
fn a_flood_is_grouped_and_whole() {
    let (_prosody, daemon, mut ines, mut bob) = scene();
    let mut stream = ines.stream();
    for i in 0..400 {
        bob.say("ines@localhost", &format!("flood {i}"));
    }
    assert_eq!(texts(&mut ines, &mut stream, 400), (0..400).map(|i| format!("flood {i}")).collect::<Vec<_>>());
    let stats = daemon.stats();
    assert!(stats["stream_parts"].as_u64() < Some(200), "{stats}");
}

#[test]
fn a_probe_is_three_lines_at_their_times() {
    let (_prosody, _daemon, ines, _bob) = scene();
    let began = Instant::now();
    let mut probe = ines.stream_of("/probe", "").expect("a probe");
    let mut lines = Vec::new();
    while let Some(line) = probe.line() {
        lines.push((line, began.elapsed().as_millis()));
    }
    let said: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(said, [": 0", ": 300", ": 2000"]);
    let times: Vec<u128> = lines.iter().map(|(_, at)| *at).collect();
    assert!(times[1] >= 300 && times[2] >= 2000, "{lines:?}");
    assert!(times[2] - times[1] > 1000, "the last was not sent by itself: {lines:?}");
}
