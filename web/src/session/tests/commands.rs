//! Commands: verdicts, order, repeats, room, what each becomes for the bridge.

use super::*;

fn ready() -> Site {
    let site = Site::new();
    site.attach("c");
    site.tell([
        EventKind::AccountAdded(account(1)),
        opened(1),
        EventKind::ConversationOpened(conversation(2, ConversationKind::Room)),
        EventKind::BuddiesAdded(vec![buddy(7, "Friends")]),
    ]);
    site
}

fn sent(kind: Option<CommandKind>) -> (String, String) {
    match kind {
        Some(CommandKind::SendMessage { conversation: ConversationId(1), text, html }) => (text, html),
        other => panic!("not a message: {other:?}"),
    }
}

#[test]
fn texts_slashes_and_spans() {
    let site = ready();
    let send = |id: &str, body: Json| {
        let mut command = json!({ "type": "message.send", "conversation": "c1" });
        command.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        sent(site.accept("c", id, command))
    };
    assert_eq!(send("1", json!({ "text": "a < b\nc & d" })), (String::new(), "a &lt; b<br>c &amp; d".into()));
    assert_eq!(send("2", json!({ "text": "/me waves" })), ("/me waves".into(), "/me waves".into()));
    assert_eq!(send("3", json!({ "text": "//etc/passwd" })), (String::new(), "/etc/passwd".into()));
    let spans = json!({ "spans": [{ "text": "x ", "bold": true }, { "text": "site", "link": "javascript:alert(1)", "color": "red\"" }] });
    assert_eq!(send("4", spans), (String::new(), "<b>x </b>site".into()));
    // No way around the look for a slash command.
    for (id, body, text, html) in [
        ("s1", json!({ "spans": [{ "text": "/", "bold": true }, { "text": "ns secret" }] }), "/ns secret", "<b>/</b>ns secret"),
        ("s2", json!({ "spans": [{ "text": "" }, { "text": "/" }, { "text": "/ns" }] }), "", "/ns"),
        ("s3", json!({ "text": "\0/ns secret" }), "/ns secret", "/ns secret"),
        ("s4", json!({ "text": " /ns secret" }), " /ns secret", " /ns secret"),
        ("s5", json!({ "text": "／ns secret" }), "／ns secret", "／ns secret"),
        ("s6", json!({ "text": "&#47;ns" }), "", "&amp;#47;ns"),
        ("s9", json!({ "text": "a&#10;b" }), "", "a&amp;#10;b"),
        ("s7", json!({ "text": "//ns" }), "", "/ns"),
        ("s8", json!({ "text": "a\u{b}\u{fffe}\r\nb\rc" }), "", "a<br>b<br>c"),
    ] {
        assert_eq!(send(id, body), (text.into(), html.into()), "{id}");
    }
    let refuse = |id: &str, mut body: Json| {
        body["type"] = "message.send".into();
        body["conversation"] = "c1".into();
        let error = site.refuse("c", id, body);
        (error["code"].as_str().unwrap().to_owned(), error["field"].as_str().unwrap().to_owned())
    };
    assert_eq!(refuse("5", json!({ "text": "x".repeat((64 << 10) + 1) })), ("too_long".into(), "text".into()));
    assert_eq!(refuse("6", json!({ "text": "" })), ("missing_field".into(), "text".into()));
    assert_eq!(refuse("8", json!({ "text": "\u{b}\0" })), ("missing_field".into(), "text".into()));
    assert_eq!(refuse("7", json!({})), ("missing_field".into(), "text".into()));
}

#[test]
fn fields_at_fault_are_named() {
    let site = ready();
    let cases = [
        (json!({ "type": "message.send" }), "missing_field", "conversation"),
        (json!({ "type": "message.send", "conversation": 5 }), "bad_field", "conversation"),
        (json!({ "type": "typing.set", "conversation": "c1", "state": "dancing" }), "bad_field", "state"),
        (json!({ "type": "no.such" }), "no_such_command", "type"),
        (json!({}), "no_such_command", "type"),
        (json!({ "type": "message.send", "conversation": "c99", "text": "x" }), "no_such_conversation", "conversation"),
        (json!({ "type": "buddy.remove", "buddy": "b99" }), "no_such_buddy", "buddy"),
        (json!({ "type": "account.remove", "account": "a99" }), "no_such_account", "account"),
        (json!({ "type": "request.answer", "request": "q1", "button": "ok" }), "no_such_request", "request"),
        (json!({ "type": "authorization.answer", "authorization": "z1", "allow": true }), "no_such_authorization", "authorization"),
        (json!({ "type": "notice.close", "notice": "n1" }), "no_such_notice", "notice"),
        (json!({ "type": "group.collapse", "group": "Nobody", "collapsed": true }), "no_such_group", "group"),
        (json!({ "type": "room.topic", "conversation": "c1", "topic": "x" }), "not_a_room", "conversation"),
        (json!({ "type": "room.join", "account": "a1", "fields": {} }), "missing_field", "fields.room"),
        (json!({ "type": "privacy.set", "account": "a1", "mode": "some", "list": [] }), "bad_field", "mode"),
        (json!({ "type": "account.add", "protocol": "prpl-none", "username": "x" }), "no_such_protocol", "protocol"),
        (json!({ "type": "account.add", "protocol": "prpl-jabber", "username": "x" }), "missing_field", "password"),
        (
            json!({ "type": "account.add", "protocol": "prpl-jabber", "username": "x", "password": "y", "options": { "evil": 1 } }),
            "no_such_option",
            "options.evil",
        ),
        (
            json!({ "type": "account.add", "protocol": "prpl-jabber", "username": "x", "password": "y", "options": { "port": "5222" } }),
            "bad_option",
            "options.port",
        ),
        (
            json!({ "type": "account.add", "protocol": "prpl-jabber", "username": "x", "password": "y", "options": { "port": 70_000 } }),
            "bad_option",
            "options.port",
        ),
        (json!({ "type": "account.update", "account": "a1", "options": { "port": -1 } }), "bad_option", "options.port"),
        (json!({ "type": "account.update", "account": "a1", "options": { "evil": null } }), "no_such_option", "options.evil"),
    ];
    for (number, (command, code, field)) in cases.into_iter().enumerate() {
        let error = site.refuse("c", &format!("id{number}"), command.clone());
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{command}");
    }
    for kind in ["pounce.add", "bookmark.add", "buddy.merge", "buddy.split", "room.menu"] {
        assert_eq!(site.refuse("c", kind, json!({ "type": kind }))["code"], "not_supported");
    }
    let (status, answer) = site.post("c", json!([{ "type": "typing.set" }, { "id": "", "type": "x" }]));
    assert_eq!((status, &answer["rejected"][0]["error"]["field"]), (202, &json!("id")));
    assert_eq!(site.post("c", json!([1])).1["error"]["field"], "commands[0]");
    assert_eq!(site.post("c", Json::Array(vec![json!({}); 101])).1["error"]["code"], "too_many_commands");
    assert_eq!(site.post("stranger", json!([])).0, 409);
}

#[test]
fn a_repeat_gets_the_same_verdict_and_is_not_carried_out_twice() {
    let site = ready();
    let send = json!([{ "id": "1", "type": "message.send", "conversation": "c1", "text": "hello" }]);
    for _ in 0..3 {
        assert_eq!(site.post("c", send.clone()).1["accepted"], json!(["1"]));
    }
    assert_eq!(site.bridge.take().len(), 1);
    let bad = site.refuse("c", "2", json!({ "type": "message.send", "conversation": "c9", "text": "x" }));
    site.tell([opened(9)]);
    assert_eq!(site.refuse("c", "2", json!({ "type": "message.send", "conversation": "c9", "text": "x" })), bad);
    let twice = json!([{ "id": "3", "type": "attention.send", "conversation": "c1" }, { "id": "3", "type": "attention.send", "conversation": "c1" }]);
    assert_eq!(site.post("c", twice).1["accepted"], json!(["3", "3"]));
    assert_eq!(site.bridge.take().len(), 1);
    site.attach("c");
    assert_eq!(site.post("c", send).1["accepted"], json!(["1"]));
    assert!(site.bridge.take().is_empty(), "remembered through an attach");
    site.attach("other");
    site.accept("other", "1", json!({ "type": "attention.send", "conversation": "c1" })).expect("ids are each client's own");
}

#[test]
fn a_full_mailbox_stops_the_rest_and_nothing_is_remembered_of_it() {
    let site = Site::with_room(SessionConfig::default(), 2);
    site.attach("c");
    site.tell([EventKind::AccountAdded(account(1)), opened(1)]);
    let nudge = |id: &str| json!({ "id": id, "type": "attention.send", "conversation": "c1" });
    let local = json!({ "id": "local", "type": "client.state", "hidden": false });
    let (status, answer) = site.post("c", json!([nudge("1"), nudge("2"), nudge("3"), local, nudge("1")]));
    assert_eq!((status, &answer["accepted"]), (202, &json!(["1", "2", "1"])));
    let refused: Vec<_> = answer["rejected"].as_array().unwrap().iter().map(|one| (&one["id"], &one["error"]["code"])).collect();
    assert_eq!(refused, [(&json!("3"), &json!("busy")), (&json!("local"), &json!("busy"))]);
    assert!(answer["rejected"][0]["error"]["retry_ms"].as_u64().unwrap() > 0);
    let (status, answer) = site.post("c", json!([nudge("3")]));
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("busy")), "nothing was taken");
    site.bridge.take();
    assert_eq!(site.post("c", json!([nudge("3")])).1["accepted"], json!(["3"]));
    let order: Vec<_> = site.bridge.take().into_iter().map(|command| command.origin.unwrap().command).collect();
    assert_eq!(order, ["3"]);
}

#[test]
fn too_many_commands_wait_and_are_not_remembered() {
    let site = Site::with(SessionConfig { commands_per_second: 1, ..SessionConfig::default() });
    site.attach("c");
    let state = |id: usize| json!({ "id": id.to_string(), "type": "client.state", "hidden": false });
    let (status, answer) = site.post("c", (0..6).map(state).collect());
    assert_eq!((status, &answer["accepted"]), (202, &json!(["0", "1", "2", "3"])));
    assert_eq!(answer["rejected"][1]["error"]["code"], "rate_limited");
    site.clock.advance(answer["rejected"][1]["error"]["retry_ms"].as_u64().unwrap());
    assert_eq!(site.post("c", json!([state(4)])).1["accepted"], json!(["4"]));
}

#[tokio::test]
async fn outcomes_come_as_events_and_with_an_attach() {
    let site = ready();
    for (id, kind) in [("1", "attention.send"), ("2", "attention.send"), ("3", "attention.send")] {
        site.accept("c", id, json!({ "type": kind, "conversation": "c1" }));
    }
    let origin = |command: &str| Some(Origin { client: "c".into(), command: command.into() });
    let done = EventKind::CommandDone { result: Some(bridge::event::Outcome::Conversation(ConversationId(1))) };
    site.tell_from(origin("1"), [said(1, "caused"), done]);
    let error = bridge::error::CommandError::new("offline", "The account is offline.");
    site.tell_from(origin("2"), [EventKind::CommandFailed { error }]);
    let answer = site.poll("c", 5).await;
    assert_eq!(types(&answer), ["message.received", "command.done", "command.failed"]);
    for event in &answer["events"].as_array().unwrap()[..2] {
        assert_eq!(event["origin"], json!({ "client": "c", "command": "1" }));
    }
    assert_eq!(answer["events"][1]["result"], json!({ "conversation": "c1" }));
    assert_eq!(answer["events"][2]["error"]["code"], "offline");
    let expected = json!([
        { "id": "1", "state": "done", "result": { "conversation": "c1" } },
        { "id": "2", "state": "failed", "error": { "code": "offline", "message": "The account is offline." } },
        { "id": "3", "state": "running" },
    ]);
    assert_eq!(site.attach("c")["commands"], expected);
    assert_eq!(site.attach("other")["commands"], json!([]), "each client sees its own");
}

#[tokio::test]
async fn when_the_networks_are_gone_it_is_said_what_nobody_knows() {
    let site = ready();
    site.accept("c", "1", json!({ "type": "attention.send", "conversation": "c1" }));
    let (sender, events) = tokio::sync::mpsc::channel(4);
    let pump = tokio::spawn(site.hub.clone().run(bridge::handle::Events::of(events)));
    let user = site.session.id();
    sender.send((vec![BridgeEvent { user, origin: None, kind: said(1, "last words") }], None)).await.unwrap();
    drop(sender);
    tokio::time::timeout(Duration::from_secs(10), pump).await.unwrap().unwrap();
    assert!(site.hub.is_bridge_gone());
    let attached = site.attach("c");
    assert_eq!(attached["commands"][0]["error"]["code"], "unknown_fate");
    assert_eq!(attached["snapshot"]["accounts"][0]["state"], "error");
    assert_eq!(attached["snapshot"]["conversations"][0]["messages"][0]["text"], "last words");
}

#[tokio::test]
async fn local_commands_take_effect_and_tell_the_other_tabs() {
    let site = ready();
    site.tell([said(1, "one"), said(1, "two")]);
    let before = site.attach("c")["seq"].as_u64().unwrap();
    site.accept("c", "1", json!({ "type": "group.collapse", "group": "Friends", "collapsed": true }));
    site.accept("c", "2", json!({ "type": "settings.set", "values": { "theme": "dark", "layout": { "x": 1 } } }));
    site.accept("c", "3", json!({ "type": "settings.set", "values": { "theme": null } }));
    site.accept("c", "4", json!({ "type": "conversation.read", "conversation": "c1" }));
    let status = site.accept("c", "5", json!({ "type": "status.set", "status": "away", "message": "lunch" }));
    assert!(matches!(status, Some(CommandKind::SetStatus { accounts: None, .. })));
    let answer = site.poll("c", before).await;
    assert_eq!(
        types(&answer),
        [
            "group.updated",
            "command.done",
            "settings",
            "command.done",
            "settings",
            "command.done",
            "conversation.read",
            "command.done",
            "status"
        ],
        "the older word on the theme is void"
    );
    assert_eq!(answer["events"][6]["unread"], 0);
    let snapshot = site.snapshot();
    assert_eq!(snapshot["settings"], json!({ "layout": { "x": 1 } }));
    assert_eq!(snapshot["groups"], json!([{ "name": "Friends", "order": 0, "collapsed": true }]));
    assert_eq!(snapshot["status"], json!({ "status": "away", "message": "lunch" }));
    assert_eq!(snapshot["conversations"][0]["unread"], 0);
    let large = json!({ "type": "settings.set", "values": { "wallpaper": "x".repeat(70_000) } });
    site.accept("c", "6", large);
    let commands = site.attach("c")["commands"].take();
    assert_eq!(commands.as_array().unwrap().last().unwrap()["error"]["code"], "too_large");
}

#[test]
fn accounts_and_their_names() {
    let site = ready();
    let add = json!({ "type": "account.add", "protocol": "prpl-jabber", "splits": { "user": "ines", "parts": ["xmpp.example"] }, "password": "p", "options": { "port": 5223, "connection_security": "none" } });
    match site.accept("c", "1", add) {
        Some(CommandKind::AddAccount { settings, .. }) => {
            assert_eq!(settings.username, bridge::command::Username::Parts { user: "ines".into(), parts: vec!["xmpp.example".into()] });
            assert!(settings.enabled);
            assert!(!format!("{settings:?}").contains("\"p\""), "a password is never printed");
        }
        other => panic!("{other:?}"),
    }
    let (head, end) = (b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR....".as_slice(), b"\0\0\0\0IEND....".as_slice());
    let taken_at = [head, b"\0\0\0\x04tEXthere....", end].concat();
    let uploaded = site.hub.upload(&site.session, taken_at.into()).unwrap();
    assert_eq!((uploaded.kind.as_str(), uploaded.size), ("image/png", 32));
    let icon = site.accept("c", "2", json!({ "type": "account.icon", "account": "a1", "upload": uploaded.upload }));
    assert!(matches!(icon, Some(CommandKind::SetAccountIcon { image: Some(image), .. }) if image == [head, end].concat()));
    assert_eq!(site.hub.upload(&site.session, head.into()).unwrap_err().code, "broken_picture");
    let text = site.hub.upload(&site.session, b"<svg>".as_slice().into()).unwrap();
    assert_eq!(site.refuse("c", "3", json!({ "type": "account.icon", "account": "a1", "upload": text.upload }))["code"], "bad_picture");
    let block = site.accept("c", "4", json!({ "type": "buddy.block", "buddy": "b7" }));
    assert_eq!(block, Some(CommandKind::Block { account: AccountId(1), name: "buddy7@example.org".into(), block: true }));
}

#[test]
fn an_option_that_is_taken_back_gets_what_its_form_starts_with() {
    let site = ready();
    let update = json!({ "type": "account.update", "account": "a1", "options": { "connection_security": null, "port": 5223 } });
    let Some(CommandKind::UpdateAccount { options, .. }) = site.accept("c", "1", update) else { panic!("no update") };
    let start = super::catalogue().protocols[0].options[1].default.clone();
    assert_eq!((&options["connection_security"], &options["port"]), (&start, &Value::Int(5223)));
}

#[test]
fn accounts_under_way_count_too() {
    let site = Site::with(SessionConfig { accounts_per_user: 3, ..SessionConfig::default() });
    site.attach("c");
    let add = |id: &str| json!({ "id": id, "type": "account.add", "protocol": "prpl-jabber", "username": "x@y", "password": "p" });
    let (_, answer) = site.post("c", json!([add("1"), add("2"), add("3")]));
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["error"]["code"]), (&json!(["1", "2"]), &json!("limit")));
    let error = bridge::error::CommandError::new("bad_username", "No such name.");
    site.tell_from(Some(Origin { client: "c".into(), command: "1".into() }), [EventKind::CommandFailed { error }]);
    assert_eq!(site.post("c", json!([add("4")])).1["accepted"], json!(["4"]));
}
