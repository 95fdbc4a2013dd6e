//! Floods: what one user can cause at once and in the long run, whatever they send, and that others do not notice.

use super::*;
use bridge::features::Features;

fn ready() -> Site {
    let site = Site::with_room(SessionConfig { hold_ms: 60, ..SessionConfig::default() }, 10_000);
    site.attach("c");
    let buddies = (1..=1000).map(|id| buddy(id, "Friends")).collect();
    site.tell([
        EventKind::AccountAdded(account(1)),
        opened(1),
        EventKind::ConversationOpened(conversation(2, ConversationKind::Room)),
        EventKind::BuddiesAdded(buddies),
    ]);
    site
}

/// How many of these pass at once, sent one by one until the user is told to wait; and how long to wait then.
fn burst(site: &Site, tab: &str, command: impl Fn(usize) -> Json) -> (usize, u64) {
    for number in 0..10_000 {
        let mut command = command(number);
        command["id"] = format!("{tab}-{number}").into();
        let (status, answer) = site.post("c", json!([command]));
        if status == 429 {
            let error = &answer["error"];
            assert_eq!(error["code"], "rate_limited", "{answer}");
            assert!(error["message"].as_str().unwrap().contains("limits."), "{answer}");
            return (number, error["retry_ms"].as_u64().unwrap());
        }
        assert_eq!(status, 202, "{answer}");
    }
    panic!("nothing stops {}", command(0));
}

#[tokio::test]
async fn settings_are_one_event_a_command_and_have_a_limit_that_is_named() {
    let site = ready();
    let values = |count: usize, value: Json| -> Json {
        (0..count).map(|key| (format!("k{key}"), value.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let seq = site.session.lock().log.last();
    site.accept("c", "1", json!({ "type": "settings.set", "values": values(900, json!(1)) }));
    let answer = site.poll("c", seq).await;
    assert_eq!(types(&answer), ["settings", "command.done"]);
    assert_eq!(answer["events"][0]["values"], values(900, json!(1)));
    // Only what has changed is told, and nothing when that is nothing.
    let seq = site.session.lock().log.last();
    site.accept("c", "2", json!({ "type": "settings.set", "values": { "k0": 2, "k1": 1, "gone": null } }));
    site.accept("c", "3", json!({ "type": "settings.set", "values": { "k0": 2 } }));
    let answer = site.poll("c", seq).await;
    assert_eq!(types(&answer), ["settings", "command.done", "command.done"]);
    assert_eq!(answer["events"][0]["values"], json!({ "k0": 2 }));
    let failed = |id: &str, values: Json| {
        site.accept("c", id, json!({ "type": "settings.set", "values": values }));
        let fates = site.attach("c")["commands"].take();
        fates.as_array().unwrap().iter().find(|fate| fate["id"] == id).unwrap()["error"].clone()
    };
    for (id, values, code, limit) in [
        ("4", values(12_000, json!(1)), "limit", "limits.settings_keys"),
        ("5", values(12_000, Json::Null), "limit", "limits.settings_keys"),
        (
            "6",
            (0..200).map(|key| (format!("new{key}"), json!(1))).collect::<serde_json::Map<_, _>>().into(),
            "limit",
            "limits.settings_keys",
        ),
        ("7", json!({ "large": "x".repeat(64 << 10) }), "too_large", "limits.settings_bytes"),
    ] {
        let error = failed(id, values);
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!("values")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(limit), "{error}");
        site.clock.advance(60_000);
    }
    assert_eq!(site.snapshot()["settings"].as_object().unwrap().len(), 900, "all or nothing");
}

/// What it is, how many of them pass at once, and how each is made.
type Case<'a> = (&'a str, usize, Box<dyn Fn(usize) -> Json>);

#[test]
fn what_is_much_work_costs_much() {
    let text = |bytes: usize| "x".repeat(bytes);
    let set = |number: usize, count: usize| -> Json {
        let values: serde_json::Map<_, _> = (0..count).map(|key| (format!("k{key}"), json!(number))).collect();
        json!({ "type": "settings.set", "values": values })
    };
    // At a frozen clock 200 of the cheapest pass; of the others as many as their work allows.
    let cases: [Case<'_>; 14] = [
        ("cheap", 200, Box::new(|_| json!({ "type": "attention.send", "conversation": "c1" }))),
        ("settings", 3, Box::new(move |number| set(number, 1000))),
        ("too many settings", 1, Box::new(move |number| set(number, 12_000))),
        (
            "a large setting",
            8,
            Box::new(move |number| json!({ "type": "settings.set", "values": { "a": format!("{number}{}", text(60 << 10)) } })),
        ),
        ("a long text", 4, Box::new(move |_| json!({ "type": "message.send", "conversation": "c1", "text": "x".repeat(64 << 10) }))),
        (
            "a text that markup makes longer",
            2,
            Box::new(|_| json!({ "type": "message.send", "conversation": "c1", "text": "&".repeat(64 << 10) })),
        ),
        ("many lines", 1, Box::new(|_| json!({ "type": "message.send", "conversation": "c1", "text": "a\n".repeat(32 << 10) }))),
        ("sign-ons", 19, Box::new(|_| json!({ "type": "account.connect", "account": "a1" }))),
        ("room lists", 4, Box::new(|_| json!({ "type": "room.list", "account": "a1" }))),
        ("people", 34, Box::new(|_| json!({ "type": "buddy.info", "account": "a1", "name": "joe" }))),
        ("a group's name", 4, Box::new(|_| json!({ "type": "group.rename", "group": "Friends", "name": "Foes" }))),
        ("privacy", 2, Box::new(|_| json!({ "type": "privacy.set", "account": "a1", "mode": "deny_users", "list": vec!["joe"; 1000] }))),
        ("nonsense", 200, Box::new(|_| json!({ "type": "account.alias", "account": "a1", "alias": vec![1; 20_000] }))),
        ("idle", 134, Box::new(|number| json!({ "type": "client.state", "hidden": false, "idle_seconds": 3600 * (number % 2) }))),
    ];
    for (what, most, command) in cases {
        let site = ready();
        let (passed, wait) = burst(&site, what, &*command);
        // Whatever it was, the debt is paid within half a minute.
        assert!((1..=most).contains(&passed) && passed * 2 >= most && wait <= 30_000, "{what}: {passed}, {wait} ms");
        site.bridge.take();
        site.clock.advance(wait);
        site.accept("c", "later", json!({ "type": "attention.send", "conversation": "c1" })).expect("time pays");
    }
}

#[test]
fn polls_histories_uploads_and_bodies_are_paid_by_their_bytes() {
    let text = "x".repeat(60_000);
    let at_once = |what: &dyn Fn(&Site, usize) -> Result<(), crate::api::ApiError>| {
        let site = ready();
        site.tell([said(1, &text), said(1, &text)]);
        let refused = (0..10_000).find_map(|number| what(&site, number).err().map(|error| (number, error)));
        let (number, error) = refused.expect("something stops it");
        assert_eq!((&*error.code, error.status.as_u16()), ("rate_limited", 429));
        assert!(error.message.contains("limits.requests_per_second") && error.retry_ms.is_some_and(|ms| ms < 30_000), "{error:?}");
        number
    };
    let body = format!(r#"{{"client":"c","commands":[],"more":"{}"}}"#, "x".repeat(250 << 10));
    type Ask<'a> = &'a dyn Fn(&Site, usize) -> Result<(), crate::api::ApiError>;
    let cases: [(&str, usize, usize, Ask<'_>); 5] = [
        ("polls of 64 KiB", 80, 250, &|site, _| {
            // There is more after it, so that it does not wait for company.
            let last = site.session.lock().log.last();
            site.hub.take_poll(&site.session, &site.query("c", last - 2, None)).map(drop)
        }),
        ("histories of 64 KiB", 80, 250, &|site, _| site.history("c1", crate::store::Place::Newest, 50).map(drop)),
        ("uploads of 1 MiB", 10, 20, &|site, _| site.hub.admit(&site.session, 1 << 20)),
        ("bodies of 250 KiB", 40, 60, &|site, _| site.hub.perform(&site.session, body.as_bytes()).map(drop)),
        ("acknowledgements", 700, 800, &|site, _| site.hub.perform(&site.session, br#"{"client":"c","commands":[]}"#).map(drop)),
    ];
    for (what, least, most, ask) in cases {
        let passed = at_once(ask);
        assert!((least..=most).contains(&passed), "{what}: {passed}");
    }
}

#[tokio::test]
async fn another_user_does_not_notice() {
    let site = ready();
    let other = Hub::open_guest(&site.hub, network(), bridge::id::PersonId(1)).unwrap();
    let session = site.hub.authenticate(&other.token).unwrap();
    session.lock().accounts.iter_mut().for_each(|account| account.id = AccountId(9));
    site.hub.attach(&session, "o").unwrap();
    let user = session.id();
    let tell = |kind| site.hub.take_batch(vec![BridgeEvent { user, origin: None, kind }]);
    tell(EventKind::ConversationOpened(Conversation { account: AccountId(9), ..conversation(7, ConversationKind::Im) }));
    let before = site.hub.counters().log_events.get();
    let (mut after, mut events) = (1, 0);
    let values: serde_json::Map<_, _> = (0..12_000).map(|key| (format!("k{key}"), json!(1))).collect();
    let body = json!({ "client": "c", "commands": [{ "id": "ID", "type": "settings.set", "values": values }] }).to_string();
    for second in 0..4 {
        for number in 0..14 {
            // Taken or not: that is for the other tests.
            let _ = site.hub.perform(&site.session, body.replacen("ID", &format!("{second}-{number}"), 1).as_bytes());
        }
        tell(said(7, &second.to_string()));
        let query = PollQuery { client: "o".into(), epoch: session.epoch.to_string(), after, n: None };
        let answer: Json = serde_json::from_slice(&site.hub.poll(&session, &query).await.unwrap().0).unwrap();
        let heard: Vec<_> = answer["events"].as_array().unwrap().iter().map(|event| event["message"]["text"].clone()).collect();
        assert_eq!(heard, [json!(second.to_string())], "alone, at once, in order");
        after = answer["events"][0]["seq"].as_u64().unwrap();
        events += heard.len() as u64;
        site.clock.advance(1000);
    }
    let caused = site.hub.counters().log_events.get() - before - events;
    assert!(caused <= 56, "56 commands with 12 000 keys each caused {caused} events");
}

#[test]
fn a_list_of_accounts_names_each_once_and_buddies_have_a_limit() {
    let site = Site::with(SessionConfig { buddies_per_user: 3, ..SessionConfig::default() });
    site.attach("c");
    site.tell([EventKind::AccountAdded(Account { features: Features::default(), ..account(1) })]);
    let told = site.accept("c", "1", json!({ "type": "status.set", "status": "away", "accounts": vec!["a1"; 900] }));
    assert!(matches!(told, Some(CommandKind::SetStatus { accounts: Some(accounts), .. }) if accounts == [AccountId(1)]));
    site.tell([EventKind::BuddiesAdded((1..=2).map(|id| buddy(id, "Friends")).collect())]);
    let add = json!({ "type": "buddy.add", "account": "a1", "name": "joe@example.org" });
    site.accept("c", "2", add.clone()).expect("there is room");
    site.tell([EventKind::BuddiesAdded(vec![buddy(3, "Friends")])]);
    let error = site.refuse("c", "3", add);
    assert!(error["code"] == "limit" && error["message"].as_str().unwrap().contains("limits.buddies_per_user"), "{error}");
}

#[test]
fn what_is_remembered_of_a_refused_command_is_small() {
    let site = ready();
    let nested = (0..60).fold(json!("x"), |inner, _| json!({ ("k".repeat(250)): inner }));
    for (id, command) in [
        ("1", json!({ "type": "account.update", "account": "a1", "options": { ("k".repeat(200_000)): "x" } })),
        ("2", json!({ "type": "account.update", "account": "a1", "options": { "a": nested } })),
        ("3", json!({ "type": "k".repeat(200_000) })),
    ] {
        let error = site.refuse("c", id, command).to_string();
        assert!(error.len() < 1000, "{} bytes", error.len());
        site.clock.advance(60_000);
    }
}

#[test]
fn coming_and_going_leaves_nothing_behind() {
    let site = Site::with(SessionConfig { attaches_per_minute: 0, ..SessionConfig::default() });
    for _ in 0..500 {
        site.attach("c");
        site.hub.detach(&site.session, "c");
        site.clock.advance(40);
        site.hub.tick();
    }
    assert!(site.hub.deadlines() <= 20, "{} times to look at one session", site.hub.deadlines());
    // And groups that were arranged and left.
    let group = |number: usize| Buddy { group: format!("g{number}"), ..buddy(1, "") };
    site.tell([EventKind::AccountAdded(account(1))]);
    site.attach("c");
    for number in 0..1000 {
        site.tell([if number == 0 { EventKind::BuddiesAdded(vec![group(0)]) } else { EventKind::BuddyUpdated(group(number)) }]);
        site.accept("c", &number.to_string(), json!({ "type": "group.collapse", "group": format!("g{number}"), "collapsed": true }));
        site.clock.advance(1000);
    }
    assert!(site.session.lock().groups.len() <= 210);
}
