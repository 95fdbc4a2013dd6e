//! Streams: the same events as polls, told once, with signs of life; how they end, what acknowledges them, and who counts as there.

use super::*;
use crate::wire::{Heartbeat, StreamEnd};

fn config() -> SessionConfig {
    SessionConfig { hold_ms: 20_000, ..SessionConfig::default() }
}

fn follow(site: &Site, client: &str, after: u64, n: Option<u64>) -> Following {
    site.hub.follow(Arc::clone(&site.session), site.query(client, after, n)).unwrap()
}

/// A block: its name (`message` when it has none), its id, its data.
type Block = (String, Option<String>, Json);

fn blocks(part: &[u8]) -> Vec<Block> {
    let text = std::str::from_utf8(part).unwrap();
    let whole = text.strip_suffix("\n\n").unwrap_or_else(|| panic!("not whole blocks: {text:?}"));
    let block = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned));
        (field("event").unwrap_or("message".into()), field("id"), serde_json::from_str(&field("data").unwrap()).unwrap())
    };
    whole.split("\n\n").map(block).collect()
}

/// The next part; `None` at the end.
async fn part(stream: &mut Following) -> Option<Vec<Block>> {
    let part = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("the stream hangs")?;
    Some(blocks(&part))
}

/// The next part with events, and no sign of life before it.
async fn events(stream: &mut Following) -> Vec<Json> {
    let blocks = part(stream).await.expect("the stream has ended");
    blocks.into_iter().map(|(name, _, data)| if name == "message" { data } else { panic!("{name}: {data}") }).collect()
}

/// A stream that has begun.
async fn begun(site: &Site, client: &str, after: u64, n: Option<u64>) -> Following {
    let mut stream = follow(site, client, after, n);
    let first = part(&mut stream).await.unwrap();
    assert_eq!((first.len(), first[0].0.as_str()), (1, "heartbeat"), "{first:?}");
    stream
}

/// How it ends, with everything before that.
async fn ending(mut stream: Following) -> (String, StreamEnd) {
    loop {
        let (name, _, data) = part(&mut stream).await.expect("no last word").pop().unwrap();
        if name == "end" || name == "reset" {
            assert_eq!(part(&mut stream).await, None, "something after the end");
            return (name, serde_json::from_value(data).unwrap());
        }
    }
}

async fn ends(stream: Following) -> String {
    let (name, StreamEnd { end, reset, .. }) = ending(stream).await;
    assert_eq!((end.is_some(), reset.is_some()), (name == "end", name == "reset"));
    let why = end.map_or_else(|| json!(reset), |end| json!(end));
    why.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_begins_with_a_sign_of_life_and_tells_each_batch_in_one_part() {
    let site = Site::with(config());
    site.attach("c");
    site.tell([opened(1)]);
    let mut stream = follow(&site, "c", 0, None);
    let first = stream.next().await.unwrap();
    assert!(first.starts_with(b"retry: 1000\nevent: heartbeat\n"), "{first:?}");
    assert_eq!(blocks(&first)[0].2, json!(Heartbeat { seq: 1 }));
    assert_eq!(events(&mut stream).await[0]["type"], "conversation.opened", "what was there before");
    site.tell([said(1, "one"), said(1, "two\nlines")]);
    let two = part(&mut stream).await.unwrap();
    let ids: Vec<_> = two.iter().map(|(name, id, data)| (name.as_str(), id.clone().unwrap(), data["seq"].as_u64().unwrap())).collect();
    let epoch = &site.session.epoch;
    assert_eq!(ids, [("message", format!("{epoch}:2"), 2), ("message", format!("{epoch}:3"), 3)]);
    let told: Vec<&Json> = two.iter().map(|(_, _, data)| data).collect();
    let polled = site.poll("other", 0).await;
    assert_eq!(polled["reset"], "client");
    drop(stream);
    let polled = site.poll("c", 1).await;
    assert_eq!(polled["events"].as_array().unwrap().iter().collect::<Vec<_>>(), told, "a poll tells the same");
}

#[tokio::test]
async fn nothing_is_told_twice_on_a_stream_and_all_of_it_again_to_who_lost_it() {
    let site = Site::with(config());
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    let mut told = Vec::new();
    for id in 1..=5 {
        site.tell([opened(id)]);
        told.extend(events(&mut stream).await);
        site.clock.advance(1001);
    }
    let seqs = |told: &[Json]| told.iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(seqs(&told), [1, 2, 3, 4, 5]);
    drop(stream);
    // The browser has processed two of them.
    let mut stream = begun(&site, "c", 2, None).await;
    assert_eq!(seqs(&events(&mut stream).await), [3, 4, 5]);
    drop(stream);
    assert_eq!(seqs(site.poll("c", 2).await["events"].as_array().unwrap()), [3, 4, 5]);
}

#[tokio::test]
async fn signs_of_life_come_at_their_times_in_a_pause_and_in_a_flood() {
    let site = Site::with(SessionConfig { heartbeat_ms: 50, ..config() });
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    for _ in 0..3 {
        assert_eq!(part(&mut stream).await.unwrap()[0].0, "heartbeat");
    }
    let mut beats = 0;
    let started = std::time::Instant::now();
    // Each part finds the next event there already: it never waits.
    while beats < 3 && started.elapsed() < Duration::from_secs(10) {
        site.tell([opened(1)]);
        site.clock.advance(1001);
        beats += usize::from(part(&mut stream).await.unwrap()[0].0 == "heartbeat");
    }
    assert_eq!((beats, site.hub.counters().heartbeats.get()), (3, 7));
}

#[tokio::test]
async fn a_part_is_bounded_as_an_answer_is() {
    let site = Site::with(SessionConfig { kept_bytes: 1 << 20, ..config() });
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    site.tell((1..=501).map(opened));
    let mut seen = Vec::new();
    while seen.len() < 501 {
        site.clock.advance(1001);
        let more = events(&mut stream).await;
        assert!(more.len() <= 500 && serde_json::to_vec(&more).unwrap().len() <= (64 << 10) + 2);
        seen.extend(more);
    }
    assert!(seen.iter().map(|event| event["seq"].as_u64().unwrap()).eq(1..=501));
}

#[tokio::test]
async fn a_busy_stream_waits_for_company() {
    let site = Site::with(config());
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    for id in 1..=21 {
        site.tell([opened(id)]);
        assert_eq!(events(&mut stream).await.len(), 1);
    }
    site.tell([said(1, "one")]);
    let (both, ()) = tokio::join!(events(&mut stream), async { site.tell([said(1, "two")]) });
    assert_eq!(both.len(), 2);
    site.clock.advance(1000);
    site.tell([said(1, "three")]);
    let (alone, ()) = tokio::join!(events(&mut stream), async { site.tell([said(1, "four")]) });
    assert_eq!(alone.len(), 1);
}

#[tokio::test]
async fn a_poll_and_a_stream_supersede_each_other_by_their_numbers() {
    let site = Site::with(config());
    site.attach("c");
    let stream = begun(&site, "c", 0, Some(1)).await;
    let poll = site.park("c", 0, Some(2)).await;
    assert_eq!(ends(stream).await, "superseded");
    let mut stream = begun(&site, "c", 0, Some(3)).await;
    assert_eq!(poll.await.unwrap()["end"], "superseded");
    assert_eq!(ends(follow(&site, "c", 0, Some(2))).await, "superseded", "a late one disturbs nobody");
    site.tell([opened(1)]);
    assert_eq!(events(&mut stream).await.len(), 1);
    let newest = begun(&site, "c", 0, None).await;
    assert_eq!(ends(stream).await, "superseded");
    drop(newest);
    assert_eq!(site.hub.counters().streams.get(), site.hub.counters().streams_ended.get());
}

#[tokio::test]
async fn how_it_ends() {
    let site = Site::with(SessionConfig { heartbeat_ms: 1000, stream_ms: 60, ..config() });
    site.attach("c");
    assert_eq!(ends(begun(&site, "c", 0, None).await).await, "hold", "its time is over");

    let site = Site::with(config());
    site.attach("c");
    let stream = begun(&site, "c", 0, None).await;
    site.hub.end_all_polls(1000);
    let (_, StreamEnd { retry_ms, .. }) = ending(stream).await;
    assert!((1000..2000).contains(&retry_ms.unwrap()));
    let mut new = begun(&site, "c", 0, None).await;
    let text = new.next().await.unwrap();
    assert!(text.starts_with(b"retry: 1"), "an EventSource waits as long: {text:?}");
    let mut unknown = follow(&site, "unknown", 0, None);
    assert!(unknown.next().await.unwrap().starts_with(b"retry: 30000\nevent: reset\n"), "it would ask in vain");

    let site = Site::with(config());
    site.attach("c");
    let stream = begun(&site, "c", 0, None).await;
    site.logout(&site.login.token);
    assert_eq!(ends(stream).await, "auth");

    let site = Site::with(config());
    site.attach("c");
    let stream = begun(&site, "c", 0, None).await;
    site.hub.detach(&site.session, "c");
    assert_eq!(ends(stream).await, "client");
}

#[tokio::test]
async fn three_resets_and_a_bad_cursor() {
    let site = Site::with(SessionConfig { log_events: 2, ..config() });
    site.attach("c");
    assert_eq!(ends(follow(&site, "unknown", 0, None)).await, "client");
    let other = PollQuery { epoch: "other".into(), ..site.query("c", 0, None) };
    assert_eq!(ends(site.hub.follow(Arc::clone(&site.session), other).unwrap()).await, "epoch");
    let Err(error) = site.hub.follow(Arc::clone(&site.session), site.query("c", 1, None)) else { panic!("a cursor in the future") };
    assert_eq!((error.status.as_u16(), &*error.code), (400, "bad_cursor"));
    // A reader that is slower than the log is long.
    let stream = begun(&site, "c", 0, None).await;
    site.tell((1..=6).map(opened));
    assert_eq!(ends(stream).await, "gap", "never a part with a hole");
    assert_eq!(ends(follow(&site, "c", 0, None)).await, "gap");
}

#[tokio::test]
async fn what_was_told_is_kept_until_it_is_acknowledged() {
    let site = Site::with(config());
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    site.tell([opened(1), said(1, "one"), said(1, "two")]);
    assert_eq!(events(&mut stream).await.len(), 3);
    let kept = |site: &Site| site.session.lock().log.len();
    assert_eq!(kept(&site), 3);
    let epoch = site.session.epoch.to_string();
    let post = |body: Json| match site.hub.perform(&site.session, body.to_string().as_bytes()) {
        Ok((status, _)) => (status.as_u16(), Json::Null),
        Err(error) => (error.status.as_u16(), json!(error.body())),
    };
    assert_eq!(post(json!({ "client": "c", "commands": [], "epoch": epoch, "after": 2 })).0, 202);
    assert_eq!(kept(&site), 1);
    assert_eq!(post(json!({ "client": "c", "commands": [], "epoch": epoch, "after": 1 })).0, 202);
    assert_eq!(kept(&site), 1, "an older one takes nothing back");
    assert_eq!(post(json!({ "client": "c", "commands": [], "epoch": "other", "after": 99 })).0, 202, "another log's says nothing");
    let (status, error) = post(json!({ "client": "c", "commands": [], "epoch": epoch, "after": 4 }));
    assert_eq!((status, &error["code"], &error["field"]), (400, &json!("bad_cursor"), &json!("after")));
    let (status, error) = post(json!({ "client": "c", "commands": [], "after": 3 }));
    assert_eq!((status, &error["code"], &error["field"]), (400, &json!("missing_field"), &json!("epoch")));
    assert_eq!(kept(&site), 1);
    // Beside commands, too; and what comes next is what comes next.
    let typing = json!({ "id": "1", "type": "attention.send", "conversation": "c1" });
    assert_eq!(post(json!({ "client": "c", "commands": [typing], "epoch": epoch, "after": 3 })).0, 202);
    assert_eq!((kept(&site), site.hub.counters().acknowledgements.get()), (0, 3));
    site.clock.advance(1001);
    site.tell([said(1, "three")]);
    let told = events(&mut stream).await;
    assert_eq!((told.len(), &told[0]["seq"]), (1, &json!(4)));
}

/// Runs a stream in the background, and waits until it waits.
async fn parked(site: &Site, client: &str, n: Option<u64>) -> tokio::task::JoinHandle<Vec<Block>> {
    let mut stream = begun(site, client, 0, n).await;
    let task = tokio::spawn(async move { part(&mut stream).await.expect("it has ended") });
    let waits = async {
        while !site.session.lock().client(client).is_some_and(|client| client.is_parked()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits).await.expect("it does not wait");
    task
}

#[tokio::test]
async fn a_waiting_stream_is_woken_by_whatever_concerns_it() {
    // No sign of life looks after what it overslept.
    let config = || SessionConfig { heartbeat_ms: 20_000, ..config() };
    type Cause = (&'static str, fn(&Site));
    let causes: [Cause; 5] = [
        (r#"["message","conversation.opened"]"#, |site| site.tell([opened(1)])),
        (r#"["end","auth"]"#, |site| site.logout(&site.login.token)),
        (r#"["reset","client"]"#, |site| site.hub.detach(&site.session, "c")),
        (r#"["end","restart"]"#, |site| site.hub.end_all_polls(1000)),
        (r#"["end","superseded"]"#, |site| drop(follow(site, "c", 0, None))),
    ];
    for (wanted, cause) in causes {
        let site = Site::with(config());
        site.attach("c");
        let stream = parked(&site, "c", None).await;
        cause(&site);
        let told = tokio::time::timeout(Duration::from_secs(5), stream).await.unwrap_or_else(|_| panic!("{wanted}: it sleeps")).unwrap();
        let (name, _, data) = &told[0];
        let what = ["type", "end", "reset"].into_iter().find_map(|key| data[key].as_str());
        assert_eq!(json!([name, what]).to_string(), wanted);
    }
}

#[tokio::test]
async fn an_acknowledgement_that_is_ahead_of_a_stream_makes_no_hole_in_it() {
    let site = Site::with(config());
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    site.tell([opened(1), opened(2)]);
    // From another tab of the same name, or late from a stream before.
    let acknowledge = |site: &Site| {
        let ack = json!({ "client": "c", "commands": [], "epoch": &*site.session.epoch, "after": 1 }).to_string();
        site.hub.perform(&site.session, ack.as_bytes()).unwrap();
    };
    acknowledge(&site);
    assert_eq!(part(&mut stream).await.unwrap()[0].2, json!({ "reset": "gap" }));
    // The same while the log still has it, for another client.
    let site = Site::with(config());
    site.attach("other");
    site.attach("c");
    let mut stream = begun(&site, "c", 0, None).await;
    site.tell([opened(1), opened(2)]);
    acknowledge(&site);
    assert_eq!(events(&mut stream).await.len(), 2);
}

fn detached(site: &Site) -> bool {
    site.session.lock().life.detached
}

#[tokio::test]
async fn an_open_stream_is_a_sign_of_life_unless_its_client_acknowledges_and_falls_silent() {
    let site = Site::with(SessionConfig { hold_ms: 25_000, heartbeat_ms: 30, ..config() });
    let pass = |ms: u64| {
        site.clock.advance(ms);
        site.hub.tick();
    };
    site.attach("c");
    let stream = begun(&site, "c", 0, None).await;
    let mut parked = tokio::spawn(async move { ends(stream).await });
    let waits = async {
        while !site.session.lock().clients[0].is_parked() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap();
    for _ in 0..20 {
        pass(30_000);
    }
    assert!(!detached(&site), "curl acknowledges nothing and is there");
    let ack = json!({ "client": "c", "commands": [], "epoch": &*site.session.epoch, "after": 0 }).to_string();
    for _ in 0..20 {
        site.hub.perform(&site.session, ack.as_bytes()).unwrap();
        pass(34_999);
        assert!(!detached(&site));
    }
    let early = tokio::time::timeout(Duration::from_millis(200), &mut parked).await;
    assert!(early.is_err(), "it was heard of just in time: {early:?}");
    pass(1 + 30);
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), parked).await.expect("nobody notices").unwrap(), "hold");
    assert!(!detached(&site));
    pass(10_000);
    assert!(detached(&site), "hold and grace after the last word");
    // Back to polls, it is they that tell.
    let poll = site.park("c", 0, None).await;
    for _ in 0..5 {
        pass(30_000);
    }
    assert!(!detached(&site));
    poll.abort();
}

#[tokio::test]
async fn a_stream_that_is_open_is_a_sign_of_life_also_while_it_does_not_wait_and_its_end_is_one() {
    let site = Site::with(SessionConfig { hold_ms: 25_000, ..config() });
    let pass = |ms: u64| {
        site.clock.advance(ms);
        site.hub.tick();
    };
    site.attach("c");
    // A part is being written for as long as the peer takes it slowly.
    let stream = begun(&site, "c", 0, None).await;
    for _ in 0..20 {
        pass(30_000);
    }
    assert!(!detached(&site));
    // Cut between two looks, it has the whole time to come again.
    pass(29_999);
    drop(stream);
    pass(44_999);
    assert!(!detached(&site));
    pass(1);
    assert!(detached(&site));
}

#[tokio::test]
async fn who_comes_back_and_vanishes_is_noticed_again() {
    let site = Site::with(SessionConfig { hold_ms: 25_000, ..config() });
    let pass = |ms: u64| {
        site.clock.advance(ms);
        site.hub.tick();
    };
    site.attach("c");
    for _ in 0..3 {
        pass(60_000);
        assert!(detached(&site));
        drop(begun(&site, "c", 0, None).await);
        assert!(!detached(&site));
        pass(44_999);
        assert!(!detached(&site));
        pass(1);
        assert!(detached(&site), "not only at the end of the linger");
        site.attach("c");
        pass(45_000);
        assert!(detached(&site));
    }
}
