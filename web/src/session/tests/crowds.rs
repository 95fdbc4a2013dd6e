//! What strangers can put into a session: conversations, questions, notices and texts stay within their bounds, and say what was cut.

use super::*;
use bridge::command::Origin;

/// A hub with room for so many conversations, and a tab.
fn small(most: usize) -> Site {
    let site = Site::with(SessionConfig { hold_ms: 60, conversations_per_user: most, ..SessionConfig::default() });
    site.tell([EventKind::AccountAdded(account(1))]);
    site.attach("c");
    site
}

/// What the bridge was asked to close.
fn closing(site: &Site) -> Vec<u64> {
    let closes = |command: BridgeCommand| match command.kind {
        CommandKind::CloseConversation(id) => {
            assert!(command.origin.is_none());
            id.0
        }
        other => panic!("{other:?}"),
    };
    site.bridge.take().into_iter().map(closes).collect()
}

fn closed(id: u64) -> EventKind {
    EventKind::ConversationClosed { conversation: ConversationId(id) }
}

fn open_ids(site: &Site) -> Vec<String> {
    let snapshot = site.snapshot();
    snapshot["conversations"].as_array().unwrap().iter().map(|conv| conv["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn strangers_close_the_longest_quiet_conversation_that_nobody_is_in_the_middle_of() {
    let site = small(5);
    // The oldest is looked at, the next has unsent words, the third is unread; four and five are read.
    for id in 1..=5 {
        site.clock.advance(1000);
        site.tell([opened(id), said(id, "hello")]);
    }
    for id in [1, 2, 4, 5] {
        site.accept("c", &format!("r{id}"), json!({ "type": "conversation.read", "conversation": format!("c{id}") }));
    }
    site.accept("c", "f", json!({ "type": "client.state", "hidden": false, "focused": "c1" }));
    site.accept("c", "d", json!({ "type": "settings.set", "values": { "draft.c2": "dear" } }));
    assert_eq!(closing(&site), [] as [u64; 0]);
    let after = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([opened(6), said(6, "buy this")]);
    assert_eq!(closing(&site), [4], "read, and quiet for longer than five");
    site.tell([closed(4)]);
    let answer = site.poll("c", after).await;
    assert_eq!(types(&answer), ["conversation.opened", "message.received", "conversation.closed"], "{answer}");
    site.tell([opened(7), said(7, "and this")]);
    assert_eq!(closing(&site), [5]);
    // Now all but the focused one are in use: the quietest of them goes, the focused one never.
    site.tell([closed(5), opened(8), said(8, "x")]);
    assert_eq!(closing(&site), [2]);
    site.tell([closed(2), opened(9), said(9, "x")]);
    assert_eq!(closing(&site), [3]);
    site.tell([closed(3)]);
    assert_eq!(open_ids(&site), ["c1", "c6", "c7", "c8", "c9"]);
    // What was said in one that was closed is not lost.
    site.tell([opened(4)]);
    assert_eq!(site.snapshot()["conversations"][1]["messages"][0]["text"], "hello");
}

#[test]
fn a_flood_in_one_turn_leaves_as_many_as_may_be() {
    let site = small(10);
    site.tell((1..=400).flat_map(|id| [opened(id), said(id, "x")]));
    let closes = closing(&site);
    assert_eq!(closes.len(), 390);
    // They are given up once, however many batches come before the network side has closed them.
    site.tell([said(400, "y")]);
    assert_eq!(closing(&site), [] as [u64; 0]);
    site.tell(closes.into_iter().map(closed));
    assert_eq!(open_ids(&site).len(), 10);
}

#[test]
fn rooms_are_not_closed_for_strangers_and_the_one_that_comes_is_heard() {
    let site = small(3);
    site.tell((1..=3).map(|id| EventKind::ConversationOpened(conversation(id, ConversationKind::Room))));
    site.tell([opened(4), said(4, "hello")]);
    assert_eq!(closing(&site), [] as [u64; 0]);
    site.clock.advance(1000);
    site.tell([opened(5), said(5, "hello")]);
    assert_eq!(closing(&site), [4]);
}

#[test]
fn one_that_is_written_in_while_it_is_closed_comes_back() {
    let site = small(2);
    for id in 1..=3 {
        site.clock.advance(1000);
        site.tell([opened(id), said(id, "hello")]);
    }
    assert_eq!(closing(&site), [1]);
    site.tell([said(1, "are you there?"), closed(1)]);
    let asked = site.bridge.take();
    let again = CommandKind::OpenConversation { account: AccountId(1), name: "name1".into(), only_open: false };
    assert_eq!(asked.into_iter().map(|command| command.kind).collect::<Vec<_>>(), [again]);
}

#[test]
fn what_the_network_side_had_no_room_for_is_said_again_and_one_it_forgot_is_closed_here() {
    let site = small(1);
    site.tell([opened(1), said(1, "x"), opened(2), said(2, "x")]);
    assert_eq!(closing(&site), [1]);
    site.clock.advance(11_000);
    site.tell([said(2, "y")]);
    assert_eq!(open_ids(&site), ["c2"]);
}

#[test]
fn at_the_limit_only_what_is_open_may_be_opened() {
    let site = small(2);
    let open = json!({ "type": "conversation.open", "account": "a1", "name": "name1" });
    let join = json!({ "type": "room.join", "account": "a1", "fields": { "room": "den" } });
    let full = |command: Option<CommandKind>| match command {
        Some(CommandKind::OpenConversation { only_open, .. } | CommandKind::JoinRoom { only_open, .. }) => only_open,
        other => panic!("{other:?}"),
    };
    site.tell([opened(1)]);
    assert!(!full(site.accept("c", "1", open.clone())));
    assert!(!full(site.accept("c", "2", join.clone())));
    site.tell([opened(2)]);
    assert!(full(site.accept("c", "3", open)), "which name is open already is for the bridge to say");
    assert!(full(site.accept("c", "4", join)));
}

fn request(id: u64) -> Request {
    Request {
        id: RequestId(id),
        account: Some(AccountId(1)),
        kind: RequestKind::Fields,
        title: "t".into(),
        primary: "p".into(),
        secondary: String::new(),
        buttons: vec![
            Button { id: "0".into(), label: "OK".into(), default: true },
            Button { id: "1".into(), label: "Cancel".into(), default: false },
        ],
        fields: Vec::new(),
        details: None,
    }
}

fn field(id: &str, kind: FieldType) -> Field {
    Field::plain(id.into(), id.into(), kind)
}

#[test]
fn a_question_is_cut_and_says_so() {
    let site = small(5);
    let choice = |at: usize| Choice { value: format!("v{at}"), label: "x".repeat(if at == 0 { 5000 } else { 3 }) };
    let long =
        Field { value: Some(Value::Text("v2999".into())), choices: (0..3000).map(choice).collect(), ..field("zone", FieldType::Choice) };
    let mut fields = vec![long];
    fields.extend((0..400).map(|at| field(&format!("f{at}"), FieldType::String)));
    site.tell([EventKind::RequestOpened(Request {
        primary: "é".repeat(100_000),
        buttons: (0..80).map(|at| Button { id: at.to_string(), label: "b".repeat(3000), default: false }).collect(),
        fields,
        ..request(1)
    })]);
    let shown = site.snapshot()["requests"][0].clone();
    let primary = shown["primary"].as_str().unwrap();
    assert!(primary.len() <= 16 << 10 && primary.ends_with('…'), "{}", primary.len());
    let buttons = shown["buttons"].as_array().unwrap();
    assert!(buttons.len() == 50 && buttons[49]["id"] == "79", "the cancelling one stays");
    let fields = shown["fields"].as_array().unwrap();
    let choices = fields[0]["choices"].as_array().unwrap();
    assert!((1000..=1001).contains(&choices.len()) && choices.iter().any(|choice| choice["value"] == "v2999"), "{}", choices.len());
    assert!(choices[0]["label"].as_str().unwrap().ends_with('…'));
    assert!(fields[1]["type"] == "label" && fields[1]["label"].as_str().unwrap().contains("more choices"), "{}", fields[1]);
    let last = fields.last().unwrap();
    assert!(last["type"] == "label" && last["label"].as_str().unwrap().contains("101 more fields"), "{last}");
    assert!(shown.to_string().len() < 400_000);
    let answer = json!({ "type": "request.answer", "request": "q1", "button": "79", "values": { "zone": "v2999", "f7": "x" } });
    assert!(matches!(site.accept("c", "1", answer), Some(CommandKind::AnswerRequest { .. })));
}

#[test]
fn floods_of_questions_and_notices_are_let_go_of_on_both_sides() {
    let site = small(5);
    site.tell((1..=203).map(|id| EventKind::RequestOpened(request(id))));
    let cancelled: Vec<_> = site.bridge.take().into_iter().map(|command| command.kind).collect();
    let cancels = |id| CommandKind::AnswerRequest { request: RequestId(id), button: "1".into(), values: Default::default() };
    assert_eq!(cancelled, [cancels(1), cancels(2), cancels(3)]);
    // Few large ones count as many small ones do.
    let large = |id| Request {
        fields: (0..16).map(|at| Field { label: "x".repeat(16 << 10), ..field(&at.to_string(), FieldType::Label) }).collect(),
        ..request(id)
    };
    site.tell((301..=310).map(|id| EventKind::RequestOpened(large(id))));
    let snapshot = site.snapshot();
    assert!(snapshot["requests"].to_string().len() < 2 << 20 && snapshot["requests"].as_array().unwrap().len() < 10);
    site.bridge.take();

    let asks = |id| Authorization {
        id: AuthorizationId(id),
        account: AccountId(1),
        from: format!("s{id}@x"),
        alias: None,
        message: Some("m".repeat(100_000)),
        known: false,
    };
    site.tell((1..=201).map(|id| EventKind::AuthorizationOpened(asks(id))));
    let refused: Vec<_> = site.bridge.take().into_iter().map(|command| command.kind).collect();
    assert_eq!(refused, [CommandKind::AnswerAuthorization { authorization: AuthorizationId(201), allow: false, add: false }]);
    let open = site.snapshot()["authorizations"].clone();
    assert!(open.as_array().unwrap().len() == 200 && open[0]["from"] == "s1@x" && open[0]["message"].as_str().unwrap().ends_with('…'));

    site.tell((1..=201).map(|id| EventKind::NoticeOpened(notice(id, "<b>spam</b>"))));
    assert_eq!(site.bridge.take().into_iter().map(|command| command.kind).collect::<Vec<_>>(), [CommandKind::CloseNotice(NoticeId(1))]);
    assert_eq!(site.snapshot()["notices"].as_array().unwrap().len(), 200);
    site.tell((301..=340).map(|id| EventKind::NoticeOpened(notice(id, &"y".repeat(1 << 20)))));
    assert!(site.snapshot()["notices"].to_string().len() < 3 << 20);
}

fn notice(id: u64, html: &str) -> Notice {
    Notice {
        id: NoticeId(id),
        account: Some(AccountId(1)),
        kind: NoticeKind::Search,
        title: "t".repeat(9000),
        html: html.into(),
        columns: vec!["Name".into()],
        rows: Vec::new(),
        buttons: Vec::new(),
        url: None,
        profile: None,
    }
}

#[tokio::test]
async fn rows_of_a_search_are_bounded_and_the_notice_says_that_there_were_more() {
    let site = small(5);
    let rows = |count: usize, bytes: usize| vec![vec!["x".repeat(bytes)]; count];
    site.tell([EventKind::NoticeOpened(Notice { rows: rows(10, 5), ..notice(1, "found") })]);
    let shown = site.snapshot()["notices"][0].clone();
    assert!(shown.get("cut").is_none() && shown["title"].as_str().unwrap().ends_with('…'), "{shown}");
    let after = site.attach("c")["seq"].as_u64().unwrap();
    site.tell([
        EventKind::NoticeRows { notice: NoticeId(1), rows: rows(10_000, 5) },
        EventKind::NoticeRows { notice: NoticeId(1), rows: rows(10_000, 5) },
    ]);
    let answer = site.poll("c", after).await;
    assert_eq!(types(&answer), ["notice.rows"], "no more of them once it is full");
    assert_eq!((answer["events"][0]["rows"].as_array().unwrap().len(), &answer["events"][0]["cut"]), (4990, &json!(true)));
    let shown = site.snapshot()["notices"][0].clone();
    assert_eq!((shown["rows"].as_array().unwrap().len(), &shown["cut"]), (5000, &json!(true)));
    site.tell([EventKind::NoticeOpened(Notice { rows: rows(1000, 100_000), ..notice(2, "found") })]);
    let shown = site.snapshot()["notices"][1].clone();
    assert!(shown["cut"] == true && shown.to_string().len() < 400_000, "{}", shown.to_string().len());
}

#[test]
fn names_topics_and_status_texts_are_cut() {
    let site = small(5);
    let long = "é".repeat(50_000);
    let room = Conversation { topic: Some(long.clone()), title: long.clone(), ..conversation(1, ConversationKind::Room) };
    let who = Buddy { server_alias: Some(long.clone()), status_message: Some(long.clone()), ..buddy(1, "Friends") };
    let member = Member { name: "joe".into(), alias: Some(long.clone()), buddy: None, flags: Vec::new() };
    site.tell([
        EventKind::ConversationOpened(room),
        EventKind::BuddiesAdded(vec![who.clone()]),
        EventKind::BuddyUpdated(who),
        EventKind::RoomMembers {
            conversation: ConversationId(1),
            joined: vec![member],
            left: Vec::new(),
            changed: Vec::new(),
            renamed: Vec::new(),
            initial: true,
        },
        EventKind::RoomTopic { conversation: ConversationId(1), who: None, topic: long.clone() },
    ]);
    site.tell_from(
        Some(Origin { client: "c".into(), command: "9".into() }),
        [EventKind::Attention { conversation: ConversationId(1), who: "joe".into(), text: long }],
    );
    let snapshot = site.snapshot();
    let room = &snapshot["conversations"][0];
    for text in [
        &room["title"],
        &room["topic"],
        &room["members"][0]["alias"],
        &snapshot["buddies"][0]["server_alias"],
        &snapshot["buddies"][0]["status_message"],
    ] {
        let text = text.as_str().unwrap();
        assert!(text.ends_with('…') && text.len() <= 16 << 10, "{}", text.len());
    }
}
