//! One poll at a time: parking, waking, holding, superseding, resets, grouping, bounds of an answer.

use super::*;
use crate::wire::End;

#[tokio::test]
async fn a_batch_answers_the_parked_poll_once_with_all_of_it() {
    let site = Site::new();
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    site.tell([opened(1), said(1, "one"), said(1, "two")]);
    let answer = poll.await.unwrap();
    assert_eq!(types(&answer), ["conversation.opened", "message.received", "message.received"]);
    assert_eq!((&answer["more"], &answer["epoch"]), (&json!(false), &json!(&*site.session.epoch)));
    assert_eq!(answer["events"][1]["message"]["text"], "one");
    assert_eq!(answer["events"][1]["account"], "a1");
    assert_eq!(site.hub.counters().answers.get(), 1);
}

#[tokio::test]
async fn what_comes_while_none_is_parked_goes_out_together() {
    let site = Site::new();
    site.attach("c");
    site.tell([opened(1)]);
    site.tell([said(1, "one")]);
    site.tell([said(1, "two")]);
    assert_eq!(site.poll("c", 0).await["events"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_hold_ends_with_an_empty_answer() {
    let site = Site::new();
    site.attach("c");
    let answer = site.poll("c", 0).await;
    assert_eq!(answer, json!({ "epoch": &*site.session.epoch, "events": [], "more": false, "end": "hold" }));
}

#[tokio::test]
async fn a_cursor_moves_only_by_after_and_the_highest_counts() {
    let site = Site::new();
    site.attach("c");
    site.tell([opened(1), said(1, "one")]);
    for _ in 0..2 {
        assert_eq!(site.poll("c", 0).await["events"].as_array().unwrap().len(), 2, "an unacknowledged answer comes again");
    }
    assert_eq!(site.poll("c", 1).await["events"][0]["seq"], 2);
    assert_eq!(site.poll("c", 0).await["events"][0]["seq"], 2, "an older cursor does not bring acknowledged events back");
    assert_eq!(site.poll("c", 2).await["end"], "hold");
}

#[tokio::test]
async fn a_dropped_poll_loses_nothing() {
    let site = Site::new();
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    site.tell([opened(1)]);
    assert_eq!(types(&site.poll("c", 0).await), ["conversation.opened"]);
}

#[tokio::test]
async fn a_later_poll_supersedes_with_and_without_numbers() {
    let site = Site::with(SessionConfig { hold_ms: 20_000, ..SessionConfig::default() });
    site.attach("c");
    for (first, second) in [(None, None), (Some(1), Some(2)), (Some(2), Some(2)), (Some(3), None)] {
        let old = site.park("c", 0, first).await;
        let new = site.park("c", 0, second).await;
        assert_eq!(old.await.unwrap()["end"], "superseded", "{first:?} {second:?}");
        new.abort();
    }
    let held = site.park("c", 0, Some(9)).await;
    let late = site.hub.poll(&site.session, &site.query("c", 0, Some(8))).await.unwrap();
    assert_eq!(serde_json::from_slice::<Json>(&late.0).unwrap()["end"], "superseded");
    site.tell([opened(1)]);
    assert_eq!(types(&held.await.unwrap()), ["conversation.opened"], "a late poll disturbs nobody");
}

#[tokio::test]
async fn a_superseded_poll_acknowledges_nothing() {
    let site = Site::new();
    site.attach("c");
    site.tell([opened(1), said(1, "one")]);
    site.hub.poll(&site.session, &site.query("c", 0, Some(5))).await.unwrap();
    let duplicate = site.hub.poll(&site.session, &site.query("c", 2, Some(1))).await.unwrap();
    assert!(String::from_utf8_lossy(&duplicate.0).contains("superseded"));
    assert_eq!(site.poll("c", 0).await["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn attaching_again_begins_new_numbers() {
    let site = Site::new();
    site.attach("c");
    site.hub.poll(&site.session, &site.query("c", 0, Some(50))).await.unwrap();
    site.attach("c");
    let answer = site.hub.poll(&site.session, &site.query("c", 0, Some(1))).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.0).contains("hold"));
}

#[tokio::test]
async fn three_resets_and_a_bad_cursor() {
    let site = Site::with(SessionConfig { hold_ms: 60, log_events: 5, ..SessionConfig::default() });
    site.attach("c");
    assert_eq!(site.poll("unknown", 0).await["reset"], "client");
    let other = PollQuery { epoch: "other".into(), ..site.query("c", 0, None) };
    let answer: Json = serde_json::from_slice(&site.hub.poll(&site.session, &other).await.unwrap().0).unwrap();
    assert_eq!((&answer["reset"], &answer["events"]), (&json!("epoch"), &json!([])));
    let error = site.hub.poll(&site.session, &site.query("c", 1, None)).await.unwrap_err();
    assert_eq!((error.status.as_u16(), &*error.code), (400, "bad_cursor"));
    site.tell((1..=6).map(opened));
    let answer = site.poll("c", 0).await;
    assert_eq!((&answer["reset"], &answer["events"]), (&json!("gap"), &json!([])), "never a partial answer");
    let seq = site.attach("c")["seq"].as_u64().unwrap();
    assert_eq!(seq, 6);
    assert_eq!(site.poll("c", seq).await["end"], "hold");
}

#[tokio::test]
async fn a_parked_poll_is_told_of_a_gap() {
    let site = Site::with(SessionConfig { hold_ms: 20_000, log_events: 2, ..SessionConfig::default() });
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    site.tell((1..=6).map(opened));
    assert_eq!(poll.await.unwrap()["reset"], "gap");
}

#[tokio::test]
async fn an_answer_is_bounded_but_never_empty() {
    let site = Site::with(SessionConfig { hold_ms: 60, kept_bytes: 1 << 20, ..SessionConfig::default() });
    site.attach("c");
    site.tell([opened(1)]);
    site.tell((0..510).map(|_| said(1, "x")));
    let answer = site.poll("c", 0).await;
    let events = answer["events"].as_array().unwrap();
    assert_eq!(answer["more"], true);
    assert!(serde_json::to_vec(&answer["events"]).unwrap().len() <= 64 << 10);
    let last = events.last().unwrap()["seq"].as_u64().unwrap();
    site.tell([said(1, &"y".repeat(60 << 10)), said(1, &"z".repeat(60 << 10))]);
    let mut after = last;
    let mut seen = events.len();
    loop {
        let answer = site.poll("c", after).await;
        let events = answer["events"].as_array().unwrap();
        assert!(!events.is_empty() && events.len() <= 500);
        seen += events.len();
        after = events.last().unwrap()["seq"].as_u64().unwrap();
        if answer["more"] == false {
            break;
        }
    }
    assert_eq!(seen, 513);
}

#[tokio::test]
async fn at_most_500_events_in_an_answer() {
    let site = Site::with(SessionConfig { hold_ms: 60, answer_bytes: 1 << 20, ..SessionConfig::default() });
    site.attach("c");
    site.tell((1..=501).map(opened));
    let answer = site.poll("c", 0).await;
    assert_eq!((answer["events"].as_array().unwrap().len(), &answer["more"]), (500, &json!(true)));
}

#[tokio::test]
async fn only_a_busy_client_waits_for_company() {
    let site = Site::with(SessionConfig { hold_ms: 20_000, ..SessionConfig::default() });
    site.attach("c");
    site.tell([opened(1)]);
    let mut after = 1;
    site.poll("c", 0).await;
    for _ in 0..20 {
        let poll = site.park("c", after, None).await;
        site.tell([said(1, "x")]);
        after += 1;
        assert_eq!(poll.await.unwrap()["events"].as_array().unwrap().len(), 1);
    }
    // The 21 answers above all fell into one millisecond of the test's clock: now it is busy.
    let poll = site.park("c", after, None).await;
    site.tell([said(1, "one")]);
    tokio::task::yield_now().await;
    site.tell([said(1, "two")]);
    assert_eq!(poll.await.unwrap()["events"].as_array().unwrap().len(), 2);
    site.clock.advance(1000);
    let poll = site.park("c", after + 2, None).await;
    site.tell([said(1, "three")]);
    assert_eq!(poll.await.unwrap()["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn signing_out_and_restarting_end_polls() {
    let site = Site::with(SessionConfig { hold_ms: 20_000, ..SessionConfig::default() });
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    site.hub.end_all_polls(1000);
    let answer = poll.await.unwrap();
    assert_eq!(answer["end"], "restart");
    assert!((1000..2000).contains(&answer["retry_ms"].as_u64().unwrap()));
    assert_eq!(site.poll("c", 0).await["end"], "restart", "new ones too");

    let site = Site::with(SessionConfig { hold_ms: 20_000, ..SessionConfig::default() });
    site.attach("c");
    let poll = site.park("c", 0, None).await;
    site.logout(&site.login.token);
    assert_eq!(poll.await.unwrap()["end"], "auth");
    assert!(site.hub.authenticate(&site.login.token).is_none());
    assert_eq!(site.hub.refusal(Some(site.login.token.as_str())).code, "session_ended");
    assert!(matches!(site.bridge.take().as_slice(), [BridgeCommand { kind: CommandKind::RemoveUser, .. }]));
    assert_eq!(site.session.lock().ended, Some(End::Auth));
}

#[tokio::test]
async fn two_clients_each_get_everything() {
    let site = Site::with(SessionConfig { hold_ms: 20_000, ..SessionConfig::default() });
    site.attach("one");
    site.attach("two");
    let (one, two) = (site.park("one", 0, None).await, site.park("two", 0, None).await);
    site.tell([opened(1)]);
    assert_eq!(types(&one.await.unwrap()), ["conversation.opened"]);
    assert_eq!(types(&two.await.unwrap()), ["conversation.opened"]);
    let one = site.park("one", 1, None).await;
    assert_eq!(site.session.lock().log.len(), 1, "kept for the slower one");
    let two = site.park("two", 1, None).await;
    let left = {
        let state = site.session.lock();
        (state.log.len(), state.log.bytes())
    };
    assert_eq!(left, (0, 0), "nothing is kept that all have");
    one.abort();
    two.abort();
}
