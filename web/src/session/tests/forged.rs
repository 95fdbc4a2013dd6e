//! A worker that forges events of every kind without end, each as large as it can be: what a session holds of them stays within its bounds.

use super::*;
use bridge::error::CommandError;
use bridge::event::{Media, Outcome};

/// A text that is longer than any text, and one that is as long as a name may be.
const LONG: usize = 5 << 10;
const NAME: usize = 4 << 10;

fn long() -> String {
    "é".repeat(LONG / 2)
}

fn name(number: u64) -> String {
    format!("{number:04}{}", "n".repeat(NAME - 4))
}

/// A site with a tab that never polls.
fn site() -> Site {
    let site = Site::with(SessionConfig { hold_ms: 60, conversations_per_user: 10, requests_per_second: 0, ..SessionConfig::default() });
    site.tell([EventKind::AccountAdded(account(1))]);
    site.attach("c");
    site
}

fn member(number: u64) -> Member {
    Member { name: name(number), alias: Some(long()), buddy: None, flags: vec![long(); 200] }
}

fn transfer(number: u64) -> Transfer {
    Transfer {
        id: TransferId(number),
        conversation: bridge::id::ConversationId(1),
        account: AccountId(1),
        peer: long(),
        direction: long(),
        name: long(),
        size: None,
        done: number,
        state: long(),
    }
}

fn request(number: u64) -> Request {
    let button = Button { id: "0".into(), label: long(), default: false };
    let field = Field { choices: vec![Choice { value: long(), label: long() }; 5], ..Field::plain("f".into(), long(), FieldType::Choice) };
    let details = Certificate {
        host: long(),
        fingerprint: long(),
        names: vec![long(); 100],
        subject: long(),
        issuer: long(),
        not_before: None,
        not_after: None,
        reason: long(),
    };
    Request {
        id: RequestId(number),
        account: Some(AccountId(1)),
        kind: RequestKind::Fields,
        title: long(),
        primary: long(),
        secondary: long(),
        buttons: vec![button; 3],
        fields: vec![field; 3],
        details: Some(details),
    }
}

/// One of every kind that a worker can send, about things with this number.
fn every_kind(number: u64) -> Vec<EventKind> {
    let error = || CommandError { code: long(), message: long(), field: Some(long()) };
    let standing = || AccountStanding {
        progress: Some(Progress { text: long(), step: 0, steps: 1 }),
        error: Some(AccountError { code: long(), message: long(), fatal: number.is_multiple_of(2) }),
        ..AccountStanding::plain(if number.is_multiple_of(2) { AccountState::Error } else { AccountState::Online })
    };
    let changed = Account { alias: long(), icon: Some(long()), status_message: Some(long()), standing: standing(), ..account(1) };
    let someone = Buddy {
        name: name(number),
        alias: long(),
        server_alias: Some(long()),
        status_message: Some(long()),
        icon: Some(long()),
        features: vec![long(); 60],
        ..buddy(number, &name(number % 3000))
    };
    let room = Conversation {
        name: name(number),
        title: long(),
        topic: Some(long()),
        members: Some(vec![member(number)]),
        nick: Some(long()),
        ..conversation(number, ConversationKind::Room)
    };
    let here = ConversationId(number % 500);
    let mut line = message(MessageKind::Received, &long());
    (line.from.name, line.from.alias) = (long(), Some(long()));
    let row = RoomRow { name: long(), category: false, parent: None, topic: None, people: None, fields: [(long(), long())].into() };
    let told = Notice {
        id: NoticeId(number),
        account: Some(AccountId(1)),
        kind: NoticeKind::Search,
        title: long(),
        html: long(),
        columns: vec![long(); 100],
        rows: vec![vec![long(); 100]; 3],
        buttons: vec![Button { id: long(), label: long(), default: false }; 3],
        url: Some(format!("https://example.org/{}", long())),
        profile: Some(Profile {
            name: long(),
            entries: vec![ProfileEntry { kind: ProfileKind::Pair, label: long(), html: long() }; 30],
            picture: Some(long()),
        }),
    };
    let asks = Authorization {
        id: AuthorizationId(number),
        account: AccountId(1),
        from: long(),
        alias: Some(long()),
        message: Some(long()),
        known: false,
    };
    let item = |items| MenuItem { label: long(), items, ..MenuItem::default() };
    let items = vec![item(vec![item(vec![item(vec![item(vec![item(Vec::new())])])])]); 3];
    let bytes = number.to_be_bytes().to_vec();
    vec![
        EventKind::AccountAdded(account(1000 + number)),
        EventKind::AccountUpdated(changed),
        EventKind::AccountState { account: AccountId(1), standing: standing() },
        EventKind::AccountStatus { account: AccountId(1), status: StatusKind::Away, message: Some(long()), idle: false },
        EventKind::BuddiesAdded(vec![someone.clone(), Buddy { name: long(), ..someone.clone() }]),
        EventKind::BuddyUpdated(Buddy { id: BuddyId(number % 7), ..someone }),
        EventKind::BuddiesRemoved { account: AccountId(1), buddies: (1_000_000..1_000_100).map(BuddyId).collect() },
        EventKind::ConversationOpened(room.clone()),
        EventKind::ConversationUpdated(room),
        EventKind::MessageAdded { conversation: here, message: line },
        EventKind::Typing { conversation: here, who: long(), state: TypingState::Typing },
        EventKind::RoomMembers {
            conversation: here,
            joined: vec![member(number)],
            left: vec![long()],
            changed: vec![member(number + 1)],
            renamed: vec![(long(), long())],
            initial: false,
        },
        EventKind::RoomTopic { conversation: here, who: Some(long()), topic: long() },
        EventKind::RoomInvited { account: AccountId(1), who: long(), room: long(), message: Some(long()) },
        EventKind::RoomsFound(RoomsFound {
            account: AccountId(1),
            rows: vec![row.clone(); 3],
            described: number.is_multiple_of(2),
            more: true,
            cut: false,
            error: None,
        }),
        EventKind::RoomList(RoomListRows { list: RoomListId(number), rows: vec![row; 3], more: true }),
        EventKind::Attention { conversation: here, who: long(), text: long() },
        EventKind::Mail { account: AccountId(1), count: 7 },
        EventKind::RequestOpened(request(number)),
        EventKind::AuthorizationOpened(asks),
        EventKind::NoticeOpened(told),
        EventKind::NoticeRows { notice: NoticeId(number), rows: vec![vec![long(); 100]; 3] },
        EventKind::TransferOpened(transfer(number)),
        EventKind::TransferProgress(transfer(1_000_000 + number)),
        EventKind::TransferClosed { transfer: TransferId(1_000_000), state: long() },
        EventKind::Privacy {
            account: AccountId(1),
            privacy: Privacy { mode: long(), permit: vec![long(); 3], deny: vec![String::new(); 20_000] },
        },
        EventKind::MediaStored(Media { hash: crate::session::media::hash(&bytes), bytes }),
        EventKind::CommandDone { result: Some(Outcome::Items(items)) },
        EventKind::CommandFailed { error: error() },
    ]
}

#[test]
fn events_of_every_kind_without_end_stay_within_bounds() {
    let site = site();
    for number in 1..230 {
        site.tell(every_kind(number));
        // Nobody takes what is said to the network side.
        site.bridge.take();
    }
    // The lists that take longest to fill.
    site.tell((230..1100).map(|number| EventKind::ConversationOpened(conversation(number, ConversationKind::Room))));
    site.tell([EventKind::BuddiesAdded((2000..4000).map(|number| buddy(number, &number.to_string())).collect())]);
    for batch in 0..20 {
        let many = |number: u64| Buddy { name: name(number), ..buddy(10_000 + number, "2000") };
        site.tell([EventKind::BuddiesAdded((batch * 500..(batch + 1) * 500).map(many).collect())]);
        site.tell([EventKind::RoomMembers {
            conversation: ConversationId(1),
            joined: (batch * 200..(batch + 1) * 200).map(member).collect(),
            left: Vec::new(),
            changed: Vec::new(),
            renamed: Vec::new(),
            initial: false,
        }]);
    }
    let state = site.session.lock();
    assert!(state.accounts.len() <= 32, "{} accounts", state.accounts.len());
    assert!(state.groups.len() <= 2000, "{} groups", state.groups.len());
    let buddies: usize = state.buddies.values().map(|buddy| crate::session::bounds::buddy_bytes(buddy)).sum();
    assert_eq!(buddies, state.buddy_bytes);
    assert!((16 << 20..=32 << 20).contains(&buddies), "{buddies} bytes of buddies");
    assert_eq!(state.conversations.len(), 1010);
    let of = |conv: &crate::session::conversation::Conv| -> usize {
        conv.members.iter().flat_map(|members| members.iter()).map(crate::session::bounds::member_bytes).sum()
    };
    let members: usize = state.conversations.values().map(|conv| of(conv)).sum();
    assert!((4 << 20..=8 << 20).contains(&members), "{members} bytes of members");
    assert!(state.kept_bytes <= 64 << 10);
    assert_eq!((state.authorizations.len(), state.transfers.len()), (200, 200));
    assert!(state.requests.len() <= 200 && state.notices.len() <= 200);
    let log = state.log.bytes();
    drop(state);
    assert!(log <= 2 << 20, "{log} bytes of events");
    let snapshot = site.snapshot();
    let size = snapshot.to_string().len();
    assert!(size < 64 << 20, "{size} bytes in all");
    // The rest of it, without the lists that have bounds of their own.
    let rest: usize =
        ["requests", "authorizations", "notices", "transfers", "accounts"].map(|list| snapshot[list].to_string().len()).iter().sum();
    assert!(rest < 8 << 20, "{rest} bytes of the rest");
    // That something is missing is counted, and said once.
    assert!(site.hub.counters().things_left_out.get() > 500);
    let said = |snapshot: &Json| {
        let notices = snapshot["notices"].as_array().unwrap();
        notices.iter().filter(|notice| notice["title"] == "One of your networks sends more than fits here").count()
    };
    assert_eq!(said(&snapshot), 1);
    let id = snapshot["notices"].as_array().unwrap().iter().find(|notice| notice["account"].is_null()).unwrap()["id"].clone();
    site.accept("c", "close", json!({ "type": "notice.close", "notice": id }));
    site.tell(every_kind(9999));
    assert_eq!(said(&site.snapshot()), 0);
}

#[test]
fn a_name_that_is_no_name_is_left_out_and_a_text_is_cut() {
    let site = site();
    let long = "x".repeat(NAME + 1);
    site.tell([
        EventKind::BuddiesAdded(vec![buddy(1, "g"), Buddy { name: long.clone(), ..buddy(2, "g") }, buddy(3, &long)]),
        EventKind::ConversationOpened(Conversation { name: long.clone(), ..conversation(1, ConversationKind::Im) }),
        EventKind::AccountUpdated(Account { alias: long.clone(), ..account(1) }),
        EventKind::AccountUpdated(Account { username: long, ..account(1) }),
    ]);
    let snapshot = site.snapshot();
    assert_eq!(snapshot["buddies"].as_array().unwrap().len(), 1);
    assert_eq!(snapshot["conversations"], json!([]));
    assert_eq!(snapshot["accounts"][0]["username"], "user1@example.org");
    assert!(snapshot["accounts"][0]["alias"].as_str().is_some_and(|alias| alias.ends_with('…') && alias.len() <= 1024));
    assert_eq!(site.hub.counters().things_left_out.get(), 4);
}

#[test]
fn what_a_room_has_no_room_for_is_left_out_and_who_leaves_makes_room() {
    let site = site();
    let change = |joined: Vec<Member>, left: Vec<String>| EventKind::RoomMembers {
        conversation: ConversationId(1),
        joined,
        left,
        changed: Vec::new(),
        renamed: Vec::new(),
        initial: false,
    };
    let plain = |number: u64| Member { name: name(number), alias: None, buddy: None, flags: Vec::new() };
    site.tell([EventKind::ConversationOpened(conversation(1, ConversationKind::Room))]);
    site.tell([change((0..3000).map(plain).collect(), Vec::new())]);
    let count = || site.snapshot()["conversations"][0]["members"].as_array().unwrap().len();
    let most = count();
    assert!((1500..2100).contains(&most), "{most}");
    assert_eq!(site.hub.counters().things_left_out.get(), 3000 - most as u64);
    site.tell([change(Vec::new(), (0..100).map(name).collect())]);
    site.tell([change((5000..5200).map(plain).collect(), Vec::new())]);
    assert_eq!(count(), most);
}

#[test]
fn a_guest_that_fails_and_recovers_without_end_is_looked_at_now_and_then() {
    let site = site();
    let stands = |state| EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(state) };
    for _ in 0..1000 {
        site.tell([stands(AccountState::Error)]);
        site.tell([stands(AccountState::Online)]);
        site.clock.advance(1);
    }
    assert!(site.hub.deadlines() <= 3, "{} times to look at one user", site.hub.deadlines());
}

#[test]
fn what_a_worker_missed_is_marked_where_it_may_be_missing_once_it_is_back() {
    let site = site();
    let stands = |state| EventKind::AccountState { account: AccountId(1), standing: AccountStanding::plain(state) };
    let lost = |since: i64| {
        let standing = AccountStanding::plain(AccountState::Connecting);
        [
            EventKind::MessagesMissed { account: AccountId(1), since: Timestamp(since) },
            EventKind::AccountLost { account: AccountId(1), standing },
        ]
    };
    site.tell([opened(1), said(1, "before"), EventKind::ConversationOpened(conversation(2, ConversationKind::Room)), opened(3)]);
    site.tell([EventKind::ConversationClosed { conversation: ConversationId(3) }]);
    let texts = |at: usize| -> Vec<(bool, String)> {
        let snapshot = site.snapshot();
        let lines = snapshot["conversations"][at]["messages"].as_array().unwrap().clone();
        lines.iter().map(|line| (line["system"] == true, line["text"].as_str().unwrap().to_owned())).collect()
    };
    // 2026-11-22T20:00:00Z, and what it is lost a second time for, before it is back.
    site.tell(lost(1_795_377_600_000));
    site.tell(lost(1_795_377_700_000));
    site.tell([stands(AccountState::Connecting)]);
    assert_eq!(texts(0).len(), 1, "it is not over");
    site.tell([stands(AccountState::Online)]);
    for at in [0, 1] {
        let (system, text) = texts(at).pop().unwrap();
        assert!(system && text.contains("from 2026-11-22 20:00:00 to ") && text.contains("may be missing"), "{text}");
    }
    assert_eq!(site.snapshot()["conversations"][0]["unread"], 1, "a mark is nothing to read");
    site.tell([stands(AccountState::Online)]);
    assert_eq!((texts(0).len(), texts(1).len()), (2, 1), "it is said once");
    assert_eq!(site.hub.counters().gaps_marked.get(), 2);
    // One that its user signs off has missed nothing that they wanted.
    site.tell(lost(1_795_377_800_000));
    site.tell([stands(AccountState::Offline), stands(AccountState::Online)]);
    assert_eq!(texts(0).len(), 2);
}
