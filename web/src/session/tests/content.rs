//! What the bridge tells becomes state: snapshots, unread counts, groups, kept messages, bounds, blanking, media.

use super::*;
use bridge::event::Media;

#[test]
fn a_snapshot_has_everything_and_fits_the_schema() {
    let site = Site::new();
    let request = Request {
        id: RequestId(1),
        account: Some(AccountId(1)),
        kind: RequestKind::Input,
        title: "t".into(),
        primary: "p".into(),
        secondary: String::new(),
        buttons: vec![Button { id: "ok".into(), label: "OK".into(), default: true }],
        fields: Vec::new(),
        details: None,
    };
    let notice = Notice {
        id: NoticeId(1),
        account: None,
        kind: NoticeKind::Formatted,
        title: "t".into(),
        html: "<b>hi</b><script>alert(1)</script>".into(),
        columns: Vec::new(),
        rows: Vec::new(),
        buttons: Vec::new(),
        url: Some("javascript:alert(1)".into()),
        profile: None,
    };
    let member = Member { name: "joe".into(), alias: None, buddy: None, flags: vec!["operator".into()] };
    site.tell([
        EventKind::AccountAdded(account(2)),
        EventKind::BuddiesAdded(vec![buddy(1, "Friends"), buddy(2, "Work")]),
        opened(1),
        EventKind::ConversationOpened(conversation(2, ConversationKind::Room)),
        EventKind::RoomMembers {
            conversation: ConversationId(2),
            joined: vec![member],
            left: Vec::new(),
            changed: Vec::new(),
            renamed: Vec::new(),
            initial: true,
        },
        said(1, "hello <i>you</i>"),
        EventKind::RequestOpened(request),
        EventKind::NoticeOpened(notice),
    ]);
    let attached = site.attach("c");
    let typed: crate::wire::Attached = serde_json::from_value(attached.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), attached);
    let snapshot = &attached["snapshot"];
    assert_eq!(snapshot["accounts"].as_array().unwrap().len(), 2, "the guest's own, and this one");
    assert_eq!(snapshot["conversations"][1]["members"][0]["name"], "joe");
    assert_eq!(snapshot["conversations"][0]["messages"][0]["spans"], json!([{ "text": "hello " }, { "text": "you", "italic": true }]));
    assert_eq!(snapshot["notices"][0]["body"], json!([{ "text": "hi", "bold": true }]));
    assert!(snapshot["notices"][0].get("url").is_none());
    assert_eq!(snapshot["requests"][0]["id"], "q1");
    site.tell([EventKind::RequestClosed { request: RequestId(1) }, EventKind::NoticeClosed { notice: NoticeId(1) }]);
    let snapshot = site.snapshot();
    assert_eq!((&snapshot["requests"], &snapshot["notices"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_room_list_whose_worker_is_gone_ends_with_words() {
    let site = Site::new();
    let after = site.attach("c")["seq"].as_u64().unwrap();
    let error = bridge::error::CommandError::new("list_lost", "Ask for it again.");
    site.tell([EventKind::RoomListFailed { list: RoomListId(7), error }]);
    let event = site.poll("c", after).await["events"][0].take();
    assert_eq!((&event["type"], &event["more"], &event["rows"]), (&json!("room.list"), &json!(false), &json!([])), "{event}");
    assert_eq!(event["error"], json!({ "code": "list_lost", "message": "Ask for it again." }));
}

#[tokio::test]
async fn unread_mentions_and_reading() {
    let site = Site::new();
    site.attach("c");
    let mut mention = message(MessageKind::Received, "ines!");
    mention.highlight = true;
    let mut replayed = message(MessageKind::Received, "old");
    replayed.delayed = true;
    site.tell([
        opened(1),
        EventKind::ConversationOpened(conversation(2, ConversationKind::Room)),
        said(1, "one"),
        said(1, "two"),
        EventKind::MessageAdded { conversation: ConversationId(2), message: replayed },
        EventKind::MessageAdded { conversation: ConversationId(2), message: mention },
        EventKind::MessageAdded { conversation: ConversationId(1), message: message(MessageKind::System, "has gone away") },
    ]);
    let snapshot = site.snapshot();
    let counts = |at: usize| {
        (snapshot["conversations"][at]["unread"].as_u64().unwrap(), snapshot["conversations"][at]["mentions"].as_u64().unwrap())
    };
    assert_eq!((counts(0), counts(1)), ((2, 0), (1, 1)));
    let first = snapshot["conversations"][0]["messages"][0]["id"].as_str().unwrap().to_owned();
    site.accept("c", "1", json!({ "type": "conversation.read", "conversation": "c1", "upto": first }));
    assert_eq!(site.snapshot()["conversations"][0]["unread"], 1);
    let after = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([EventKind::MessageAdded { conversation: ConversationId(1), message: message(MessageKind::Sent, "answer") }]);
    let answer = site.poll("c", after).await;
    assert_eq!(types(&answer), ["message.sent", "conversation.read"]);
    assert_eq!(answer["events"][0]["message"]["state"], "sent");
    assert_eq!(site.snapshot()["conversations"][0]["unread"], 0);
}

#[test]
fn an_old_time_stamp_marks_a_message_as_delayed() {
    let site = Site::new();
    site.tell([opened(1), EventKind::ConversationOpened(conversation(2, ConversationKind::Room))]);
    let aged = |conversation: u64, kind: MessageKind, seconds: i64| {
        let mut line = message(kind, "x");
        line.time.0 -= seconds * 1000;
        EventKind::MessageAdded { conversation: ConversationId(conversation), message: line }
    };
    let received = MessageKind::Received;
    site.tell([aged(1, received, 60), aged(1, received, 180), aged(1, MessageKind::Sent, 180), aged(2, received, 180)]);
    let snapshot = site.snapshot();
    let delayed = |at: usize| -> Vec<bool> {
        snapshot["conversations"][at]["messages"].as_array().unwrap().iter().map(|message| message["delayed"] == true).collect()
    };
    assert_eq!((delayed(0), delayed(1)), (vec![false, true, false], vec![false]), "rooms say so themselves");
}

#[test]
fn what_a_room_replays_is_not_said_twice() {
    let site = Site::new();
    site.tell([EventKind::ConversationOpened(conversation(2, ConversationKind::Room))]);
    let line = |text: &str, at: i64, delayed: bool| {
        let mut line = message(MessageKind::Received, text);
        (line.time, line.delayed) = (bridge::time::Timestamp(line.time.0 + at), delayed);
        EventKind::MessageAdded { conversation: ConversationId(2), message: line }
    };
    site.tell([line("one", 0, false), line("two", 60_000, false)]);
    // After a reconnect: the two again, by the server's clock, and one that was missed; the same words at another time are another line.
    site.tell([EventKind::ConversationOpened(conversation(2, ConversationKind::Room))]);
    site.tell([line("one", 1000, true), line("two", 59_500, true), line("three", 90_000, true), line("one", 120_000, true)]);
    let snapshot = site.snapshot();
    let texts: Vec<&str> = snapshot["conversations"][0]["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["one", "two", "three", "one"]);
}

#[test]
fn what_a_server_kept_or_copies_is_told_once() {
    let site = Site::new();
    let online = || EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(AccountState::Online) };
    let offline = || EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(AccountState::Offline) };
    let line = |kind: MessageKind, text: &str, id: Option<&str>| {
        let mut line = message(kind, text);
        line.time.0 -= 3_600_000;
        line.remote = kind == MessageKind::Sent;
        line.server_id = id.map(str::to_owned);
        EventKind::MessageAdded { conversation: ConversationId(1), message: line }
    };
    let kept = || [line(MessageKind::Received, "hello?", None), line(MessageKind::Received, "hello?", None)];
    let copied = |id: &str| line(MessageKind::Sent, "from my phone", Some(id));
    site.tell([EventKind::AccountAdded(account(1)), opened(1), said(1, "hello?")]);
    site.tell(kept());
    // The connection ends before the server knows that they have arrived.
    for _ in 0..2 {
        site.tell([offline(), online()]);
        site.tell(kept());
        site.tell([copied("1"), copied("2"), copied("1")]);
    }
    let snapshot = site.snapshot();
    let texts: Vec<&str> = snapshot["conversations"][0]["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["hello?", "hello?", "hello?", "from my phone", "from my phone"]);
    assert_eq!(snapshot["conversations"][0]["messages"][3]["delayed"], true);
}

#[test]
fn topics_and_quits_push_out_no_message() {
    let site = Site::with(SessionConfig { kept_bytes: 1 << 20, ..SessionConfig::default() });
    site.tell([opened(1)]);
    let quit = |number: usize| {
        let line = message(MessageKind::System, &format!("quit {number}"));
        EventKind::MessageAdded { conversation: ConversationId(1), message: line }
    };
    for number in 0..60 {
        site.tell([said(1, &format!("{number}")), quit(number)]);
        site.tell((0..number % 7).map(|_| quit(100 + number)));
    }
    let snapshot = site.snapshot();
    let messages = snapshot["conversations"][0]["messages"].as_array().unwrap();
    let of = |system: bool| -> Vec<&str> {
        messages.iter().filter(|m| (m["system"] == true) == system).filter_map(|m| m["text"].as_str()).collect()
    };
    assert_eq!(of(false), (10..60).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!((of(true).len(), of(true).last()), (20, Some(&"quit 159")));
    assert!(messages.is_sorted_by(|one, other| one["id"].as_str() < other["id"].as_str()));
    let state = site.session.lock();
    assert_eq!(state.kept_bytes, state.conversations[&ConversationId(1)].kept.bytes());
}

#[test]
fn messages_are_kept_by_number_and_by_bytes_and_served_backwards() {
    let site = Site::new();
    site.tell([opened(1), opened(2)]);
    site.tell((0..60).map(|number| said(1, &format!("{number}"))));
    let snapshot = site.snapshot();
    let ids: Vec<&str> = snapshot["conversations"][0]["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 50);
    assert!(ids.is_sorted_by(|one, other| one < other));
    let page = |before: Option<&str>| -> Json {
        let place = before.map_or(Place::Newest, |id| Place::Before(message_number(id).unwrap()));
        serde_json::from_slice(&site.history("c1", place, 30).unwrap()).unwrap()
    };
    let newest = page(None);
    assert_eq!((newest["messages"].as_array().unwrap().len(), &newest["more"]), (30, &json!(true)));
    assert_eq!(newest["messages"][29]["text"], "59");
    let older = page(newest["messages"][0]["id"].as_str());
    assert_eq!((older["messages"].as_array().unwrap().len(), &older["more"]), (20, &json!(false)));
    assert_eq!(older["messages"][19]["text"], "29");
    assert_eq!(site.history("c99", Place::Newest, 1).unwrap_err().status.as_u16(), 404);
    site.tell((0..40).map(|_| said(2, &"z".repeat(4000))));
    let state = site.session.lock();
    let real: usize = state.conversations.values().map(|conv| conv.kept.bytes()).sum();
    assert_eq!(state.kept_bytes, real);
    assert!(real <= 64 << 10, "{real}");
    assert!(state.conversations[&ConversationId(1)].kept.is_empty(), "the oldest of all went first");
}

#[tokio::test]
async fn a_closed_conversation_keeps_its_messages_for_when_it_comes_back() {
    let site = Site::new();
    site.attach("c");
    site.tell([opened(1), said(1, "one"), EventKind::ConversationClosed { conversation: ConversationId(1) }, opened(2)]);
    site.tell([EventKind::ConversationClosed { conversation: ConversationId(2) }]);
    assert_eq!(site.snapshot()["conversations"], json!([]));
    assert_eq!(site.refuse("c", "1", json!({ "type": "conversation.close", "conversation": "c1" }))["code"], "no_such_conversation");
    assert!(!site.session.lock().conversations.contains_key(&ConversationId(2)), "without messages nothing is kept");
    let after = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([opened(1)]);
    let answer = site.poll("c", after).await;
    assert_eq!(answer["events"][0]["conversation"]["messages"][0]["text"], "one");
    assert_eq!(answer["events"][0]["conversation"]["unread"], 1);
}

#[tokio::test]
async fn groups_come_and_go_with_their_buddies() {
    let site = Site::new();
    site.attach("c");
    site.tell([EventKind::AccountAdded(account(1)), EventKind::BuddiesAdded(vec![buddy(1, "Friends"), buddy(2, "Friends")])]);
    let moved = Buddy { group: "Work".into(), ..buddy(1, "Friends") };
    site.tell([EventKind::BuddyUpdated(moved)]);
    site.tell([EventKind::BuddiesRemoved { account: AccountId(1), buddies: vec![BuddyId(2)] }]);
    let answer = site.poll("c", 0).await;
    assert_eq!(
        types(&answer),
        ["account.added", "group.added", "buddy.added", "group.added", "buddy.updated", "buddy.removed", "group.removed"]
    );
    assert_eq!(answer["events"][6]["group"], "Friends");
    site.accept("c", "1", json!({ "type": "group.order", "group": "Work", "order": 3 }));
    let after = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([EventKind::AccountRemoved { account: AccountId(1) }]);
    assert_eq!(types(&site.poll("c", after).await), ["group.removed", "account.removed"]);
    assert_eq!((&site.snapshot()["groups"], &site.snapshot()["buddies"]), (&json!([]), &json!([])));
    site.tell([EventKind::AccountAdded(account(1)), EventKind::BuddiesAdded(vec![buddy(3, "Work")])]);
    assert_eq!(site.snapshot()["groups"][0]["order"], 3, "what the user arranged is remembered");
}

#[tokio::test]
async fn a_newer_word_on_the_same_subject_blanks_the_older() {
    let site = Site::new();
    site.attach("c");
    let status = |status, account| EventKind::AccountStatus { account: AccountId(account), status, message: None, idle: false };
    site.tell([
        EventKind::AccountAdded(account(1)),
        EventKind::AccountAdded(account(2)),
        opened(1),
        typing(1, TypingState::Typing),
        EventKind::BuddiesAdded(vec![buddy(1, "g")]),
        EventKind::BuddyUpdated(buddy(1, "g")),
        status(StatusKind::Away, 1),
        status(StatusKind::Away, 2),
        EventKind::Mail { account: AccountId(1), count: 1 },
        EventKind::ConversationUpdated(conversation(1, ConversationKind::Im)),
        said(1, "x"),
        said(1, "x"),
        typing(1, TypingState::None),
        EventKind::BuddyUpdated(buddy(1, "g")),
        status(StatusKind::Available, 1),
        EventKind::Mail { account: AccountId(1), count: 2 },
        EventKind::ConversationUpdated(conversation(1, ConversationKind::Im)),
    ]);
    let answer = site.poll("c", 0).await;
    let expected = [
        "account.added",
        "account.added",
        "conversation.opened",
        "group.added",
        "buddy.added",
        "account.status",
        "message.received",
        "message.received",
        "typing",
        "buddy.updated",
        "account.status",
        "mail",
        "conversation.updated",
    ];
    assert_eq!(types(&answer), expected);
    assert_eq!(answer["events"][5]["account"], "a2");
    assert_eq!(answer["events"][8]["state"], "none");
    assert_eq!(answer["events"][11]["count"], 2);
}

#[test]
fn a_room_follows_who_is_in_it() {
    let site = Site::new();
    let member = |name: &str| Member { name: name.into(), alias: None, buddy: None, flags: Vec::new() };
    let change = |joined: Vec<Member>, left: Vec<&str>, initial| EventKind::RoomMembers {
        conversation: ConversationId(2),
        joined,
        left: left.into_iter().map(str::to_owned).collect(),
        changed: Vec::new(),
        renamed: Vec::new(),
        initial,
    };
    site.tell([
        EventKind::ConversationOpened(conversation(2, ConversationKind::Room)),
        change(vec![member("a"), member("b")], vec![], true),
        change(vec![member("c")], vec!["a"], false),
        EventKind::RoomTopic { conversation: ConversationId(2), who: None, topic: "peace".into() },
        EventKind::ConversationUpdated(Conversation { members: None, ..conversation(2, ConversationKind::Room) }),
    ]);
    let names = |snapshot: Json| -> Vec<String> {
        let members = snapshot["conversations"][0]["members"].as_array().unwrap().clone();
        members.iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(site.snapshot()), ["b", "c"], "an update without members keeps them");
    site.tell([change(vec![member("x")], vec![], true)]);
    assert_eq!(names(site.snapshot()), ["x"], "joining again replaces them");
}

#[test]
fn pictures_are_only_there_for_whom_they_were_shown_to() {
    let site = Site::new();
    let bytes = b"GIF89a....".to_vec();
    let media = Media { hash: crate::session::media::hash(&bytes), bytes };
    site.tell([EventKind::MediaStored(media.clone())]);
    let forged = Media { hash: "ab".repeat(32), ..media.clone() };
    site.tell([EventKind::MediaStored(forged.clone())]);
    assert!(site.session.media(&forged.hash).is_none(), "not what it is said to be");
    let other = site.hub.open_guest(network(), bridge::id::PersonId(1)).unwrap();
    let other = site.hub.authenticate(&other.token).unwrap();
    let blob = site.session.media(&media.hash).unwrap();
    assert_eq!((blob.kind, &blob.bytes[..]), (Some("image/gif"), b"GIF89a....".as_slice()));
    assert!(other.media(&media.hash).is_none());
    let shown = BridgeEvent { user: other.id(), origin: None, kind: EventKind::MediaStored(media.clone()) };
    site.hub.take_batch(vec![shown]);
    assert!(Arc::ptr_eq(&blob, &other.media(&media.hash).unwrap()), "one copy for all");
}

#[test]
fn what_comes_late_of_an_account_that_is_gone_does_not_bring_it_back() {
    let site = Site::new();
    let account = site.snapshot()["accounts"][0].clone();
    site.tell([opened(1), EventKind::AccountRemoved { account: account["id"].as_str().unwrap().parse().unwrap() }]);
    assert_eq!(site.snapshot()["accounts"], json!([]));
    site.tell([opened(2)]);
    let after = site.snapshot();
    assert_eq!((&after["accounts"], &after["conversations"]), (&json!([]), &json!([])));
}

#[test]
fn a_long_text_is_cut_with_a_mark() {
    let site = Site::with(SessionConfig { kept_bytes: 1 << 20, ..SessionConfig::default() });
    site.tell([opened(1), said(1, &"ö".repeat(70_000))]);
    let text = site.snapshot()["conversations"][0]["messages"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.ends_with("\n[…]"));
    assert!(text.len() <= (64 << 10) + 8);
}

#[test]
fn a_log_nobody_waits_for_is_not_written() {
    let site = Site::new();
    site.tell([opened(1), said(1, "x")]);
    assert_eq!(site.session.lock().log.len(), 0);
    assert_eq!(site.attach("c")["seq"], 2);
}

#[test]
fn clients_that_do_not_poll_for_long_get_a_smaller_log() {
    let site = Site::with(SessionConfig { kept_bytes: 1 << 20, ..SessionConfig::default() });
    site.attach("c");
    site.tell([opened(1)]);
    site.tell((0..40).map(|_| said(1, &"z".repeat(4000))));
    assert!(site.session.lock().log.bytes() > 64 << 10);
    site.clock.advance(120_000);
    site.tell([said(1, "x")]);
    assert!(site.session.lock().log.bytes() <= 64 << 10);
}

#[test]
fn a_log_in_that_fails_at_once_stands_in_error() {
    let site = Site::new();
    let origin = Some(Origin { client: String::new(), command: "login".into() });
    let error = bridge::error::CommandError::new("bad_username", "No such name.");
    site.tell_from(origin, [EventKind::CommandFailed { error }]);
    let account = &site.snapshot()["accounts"][0];
    assert_eq!(
        (&account["state"], &account["error"]["code"], &account["id"]),
        (&json!("error"), &json!("bad_username"), &json!(site.login.account))
    );
}

#[test]
fn an_account_that_is_made_anew_after_a_crash_is_coming_back_until_it_is_there() {
    let error = |code: &str| Some(AccountError { code: code.into(), message: String::new(), fatal: false });
    let standing = |state, code: Option<&str>| AccountStanding { error: code.and_then(error), ..AccountStanding::plain(state) };
    let stands = |state, code| EventKind::AccountState { account: AccountId(1), standing: standing(state, code) };
    let lost = || EventKind::AccountLost { account: AccountId(1), standing: standing(AccountState::Connecting, Some("restarting")) };
    let anew = |enabled, status| {
        let standing = AccountStanding::plain(AccountState::Offline);
        EventKind::AccountAdded(Account { enabled, status, standing, ..account(1) })
    };
    let site = Site::new();
    let after = |kinds: Vec<EventKind>| {
        site.tell([EventKind::AccountAdded(account(1)), lost()]);
        site.tell(kinds);
        let account = site.snapshot()["accounts"][0].clone();
        format!("{} {}", account["state"].as_str().unwrap(), account["error"]["code"].as_str().unwrap_or_default())
    };
    let available = StatusKind::Available;
    assert_eq!(after(vec![anew(true, available)]), "connecting restarting");
    assert_eq!(after(vec![anew(true, available), stands(AccountState::Connecting, None)]), "connecting restarting");
    assert_eq!(after(vec![anew(true, available), stands(AccountState::Online, None)]), "online ");
    assert_eq!(after(vec![stands(AccountState::Waiting, Some("network")), stands(AccountState::Connecting, None)]), "connecting ");
    assert_eq!(after(vec![anew(false, available)]), "offline ", "it was signed off before");
    assert_eq!(after(vec![anew(true, StatusKind::Offline)]), "offline ", "its user is");
}

#[test]
fn a_session_at_rest_is_small() {
    let size = size_of::<Session>();
    assert!(size <= 1024, "{size} bytes before anything is in it");
    assert!(size_of::<super::super::client::Client>() <= 256);
}
