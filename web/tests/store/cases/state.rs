//! Accounts, people, conversations, settings, waiting lines, pictures; and how they go.

use crate::make::{account, conversation, full_message, id, message, newest, number, talk, texts, user, writes};
use bridge::id::{AccountId, BuddyId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;
use web::store::{BuddyRow, ConversationRow, Gap, GroupRow, OutboxRow, Place, Store, StoreError, Stored, Write};

type S = Arc<dyn Store>;

pub(super) async fn everything_of_a_user_comes_back(store: S) {
    let id = user(&*store, "whole").await;
    let one = account(id);
    let two = web::store::AccountRow { created: Timestamp(1), icon: None, secrets: Vec::new(), ..account(id) };
    let buddy = BuddyRow {
        user: id,
        account: one.account,
        buddy: BuddyId(u64::MAX),
        name: "bob".to_owned(),
        group: String::new(),
        alias: "B\u{1f600}b".to_owned(),
    };
    let talk = ConversationRow {
        kind: ConversationKind::Room,
        open: false,
        read: 77,
        keep: Some(false),
        days: Some(0),
        ..conversation(id, one.account)
    };
    let groups = [("b", 0), ("a", 1)].map(|(name, order)| GroupRow { name: name.to_owned(), order, collapsed: order == 1 });
    let waits = OutboxRow { user: id, number: number(), conversation: talk.id, text: "later".to_owned(), handed_over: false };
    let setting = |key: &str, value: &str| Write::Setting { user: id, key: key.to_owned(), value: Some(value.to_owned()) };
    let mut writes = vec![
        Write::Account(Box::new(one.clone())),
        Write::Account(Box::new(two.clone())),
        Write::Buddy(buddy.clone()),
        Write::Conversation(talk.clone()),
        setting("theme", "\"dark\""),
        setting(".status", "{}"),
        Write::Outbox(waits.clone()),
    ];
    writes.extend(groups.iter().map(|row| Write::Group(id, row.clone())));
    let whole = Stored {
        accounts: vec![two, one],
        buddies: vec![buddy],
        conversations: vec![talk],
        groups: groups.to_vec(),
        settings: vec![(".status".to_owned(), "{}".to_owned()), ("theme".to_owned(), "\"dark\"".to_owned())],
        outbox: vec![waits],
    };
    // Twice is the same as once.
    for _ in 0..2 {
        store.commit(&writes).await.unwrap();
        assert_eq!(store.load(id).await.unwrap(), whole);
    }
    let other = user(&*store, "other").await;
    assert_eq!(store.load(other).await.unwrap(), Stored::default());
}

pub(super) async fn later_words_count(store: S) {
    let row = talk(&*store).await;
    let renamed = |title: &str| Write::Conversation(ConversationRow { title: title.to_owned(), ..row.clone() });
    let read = |upto| Write::Read { user: row.user, conversation: row.id, upto };
    let state = async || {
        let stored = store.load(row.user).await.unwrap();
        let row = stored.conversations.first().unwrap().clone();
        (row.title, row.read)
    };
    store.commit(&[renamed("one"), read(5), renamed("two"), read(7)]).await.unwrap();
    assert_eq!(state().await, ("two".to_owned(), 7));
    store.commit(&[read(9)]).await.unwrap();
    assert_eq!(state().await, ("two".to_owned(), 9));
    store.commit(&[read(11), renamed("three")]).await.unwrap();
    assert_eq!(state().await, ("three".to_owned(), 0));
    // Of another's conversation, nothing.
    let other = user(&*store, "other").await;
    store.commit(&[Write::Read { user: other, conversation: row.id, upto: 99 }]).await.unwrap();
    assert_eq!(state().await, ("three".to_owned(), 0));
    // An account that is written again has only its new secrets.
    let mut one = account(row.user);
    store.commit(&[Write::Account(Box::new(one.clone()))]).await.unwrap();
    one.secrets.remove(0);
    store.commit(&[Write::Account(Box::new(one.clone()))]).await.unwrap();
    assert_eq!(store.load(row.user).await.unwrap().accounts, [one]);
}

pub(super) async fn settings_come_and_go(store: S) {
    let id = user(&*store, "settings").await;
    let set = |key: &str, value: Option<&str>| Write::Setting { user: id, key: key.to_owned(), value: value.map(str::to_owned) };
    let all = async || store.load(id).await.unwrap().settings;
    store.commit(&[set("a", Some("1")), set("b", Some("2")), set("a", None)]).await.unwrap();
    assert_eq!(all().await, [("b".to_owned(), "2".to_owned())]);
    store.commit(&[set("b", None), set("B", Some("3")), set("b ", Some("4"))]).await.unwrap();
    assert_eq!(all().await, [("B".to_owned(), "3".to_owned()), ("b ".to_owned(), "4".to_owned())]);
    // Many, of which no two fall together.
    let many: Vec<Write> = (0..700).map(|place| set(&format!("draft.c{place:x}"), Some("\"typed\""))).collect();
    store.commit(&many).await.unwrap();
    assert_eq!(all().await.len(), 702);
}

pub(super) async fn a_line_waits_until_it_is_done(store: S) {
    let talk = talk(&*store).await;
    let row =
        |text: &str| OutboxRow { user: talk.user, number: number(), conversation: talk.id, text: text.to_owned(), handed_over: false };
    let (one, two) = (row("one"), row("two"));
    let lines = async || store.load(talk.user).await.unwrap().outbox;
    store.commit(&[Write::Outbox(two.clone()), Write::Outbox(one.clone())]).await.unwrap();
    assert_eq!(lines().await, [one.clone(), two.clone()]);
    let handed = OutboxRow { handed_over: true, ..one.clone() };
    store.commit(&[Write::Outbox(handed.clone()), Write::OutboxDone { user: talk.user, number: two.number }]).await.unwrap();
    assert_eq!(lines().await, [handed]);
    let other = user(&*store, "other").await;
    store.commit(&[Write::OutboxDone { user: other, number: one.number }]).await.unwrap();
    assert_eq!(lines().await.len(), 1);
    store.commit(&[Write::OutboxDone { user: talk.user, number: one.number }]).await.unwrap();
    assert_eq!(lines().await, []);
}

pub(super) async fn a_buddy_goes(store: S) {
    let id = user(&*store, "lists").await;
    let account = AccountId(crate::make::id());
    let row = |buddy| BuddyRow {
        user: id,
        account,
        buddy: BuddyId(buddy),
        name: format!("n{buddy}"),
        group: "Friends".to_owned(),
        alias: String::new(),
    };
    let gone = |buddy| Write::BuddyRemoved { user: id, account, buddy: BuddyId(buddy) };
    let mut list: Vec<Write> = (0..300).map(|buddy| Write::Buddy(row(buddy))).collect();
    list.push(gone(5));
    store.commit(&list).await.unwrap();
    assert_eq!(store.load(id).await.unwrap().buddies.len(), 299);
    store.commit(&[gone(6), gone(5), Write::Buddy(row(5))]).await.unwrap();
    let left = store.load(id).await.unwrap().buddies;
    assert_eq!(left.len(), 299);
    assert!(left.contains(&row(5)) && !left.contains(&row(6)));
}

pub(super) async fn an_account_goes_with_its_talks(store: S) {
    let id = user(&*store, "accounts").await;
    let (goes, stays) = (account(id), account(id));
    let (lost, kept) = (conversation(id, goes.account), conversation(id, stays.account));
    let buddy =
        |account| BuddyRow { user: id, account, buddy: BuddyId(1), name: "b".to_owned(), group: "g".to_owned(), alias: String::new() };
    let mut all = vec![Write::Account(Box::new(goes.clone())), Write::Account(Box::new(stays.clone()))];
    for row in [&lost, &kept] {
        all.push(Write::Conversation(row.clone()));
        all.push(Write::Message(message(row, "hello")));
        all.push(Write::Gap(id, Gap { conversation: row.id, after: 0, from: Timestamp(1), to: None, why: "offline".to_owned() }));
        all.push(Write::Outbox(OutboxRow {
            user: id,
            number: number(),
            conversation: row.id,
            text: "waits".to_owned(),
            handed_over: false,
        }));
        all.push(Write::Buddy(buddy(row.account)));
        all.push(Write::Blob {
            user: id,
            conversation: row.id,
            number: number(),
            hash: row.id.to_string(),
            bytes: Bytes::from_static(b"x"),
        });
    }
    store.commit(&all).await.unwrap();
    let removed = [Write::AccountRemoved { user: id, account: goes.account }];
    store.commit(&removed).await.unwrap();
    store.commit(&removed).await.unwrap();
    let stored = store.load(id).await.unwrap();
    assert_eq!((stored.accounts, stored.conversations), (vec![stays], vec![kept.clone()]));
    assert_eq!((stored.buddies.len(), stored.outbox.len()), (1, 1));
    assert_eq!(newest(&*store, &lost, 9).await, web::store::Page::default());
    let page = newest(&*store, &kept, 9).await;
    assert_eq!((texts(&page), page.gaps.len()), (vec!["hello"], 1));
    assert_eq!(store.blob(id, &lost.id.to_string()).await.unwrap(), None);
    assert!(store.blob(id, &kept.id.to_string()).await.unwrap().is_some());
}

pub(super) async fn a_user_goes_whole(store: S) {
    let (talk, other) = (talk(&*store).await, talk(&*store).await);
    let row = account(talk.user);
    store.add_browser(&crate::make::browser(talk.user, 5)).await.unwrap();
    let mut all = vec![
        Write::Account(Box::new(row)),
        Write::Setting { user: talk.user, key: "a".to_owned(), value: Some("1".to_owned()) },
        Write::Group(talk.user, GroupRow { name: "g".to_owned(), order: 1, collapsed: false }),
        Write::Gap(talk.user, Gap { conversation: talk.id, after: 0, from: Timestamp(1), to: None, why: "offline".to_owned() }),
        Write::Message(message(&other, "stays")),
    ];
    all.extend(writes(&crate::make::messages(&talk, 300)));
    let picture = |of: &ConversationRow, hash: &str| Write::Blob {
        user: of.user,
        conversation: of.id,
        number: number(),
        hash: hash.to_owned(),
        bytes: Bytes::from_static(b"picture"),
    };
    let (own, shared) = (format!("own{}", id()), format!("shared{}", id()));
    all.extend([picture(&talk, &own), picture(&talk, &shared), picture(&other, &shared)]);
    store.commit(&all).await.unwrap();
    store.delete_user(talk.user).await.unwrap();
    assert_eq!(store.user(talk.user).await.unwrap(), None);
    assert_eq!(store.load(talk.user).await.unwrap(), Stored::default());
    assert_eq!(newest(&*store, &talk, 9).await, web::store::Page::default());
    assert_eq!((store.usage(talk.user).await.unwrap(), store.browsers(talk.user).await.unwrap().len()), (0, 0));
    assert_eq!(store.blob(talk.user, &shared).await.unwrap(), None);
    assert_eq!(store.blob(other.user, &shared).await.unwrap().as_deref(), Some(&b"picture"[..]));
    assert_eq!(store.blob(other.user, &own).await.unwrap(), None);
    assert_eq!(texts(&newest(&*store, &other, 9).await), ["stays"]);
    assert_eq!(store.delete_user(talk.user).await, Err(StoreError::Gone));
    // Nothing is left over: see `check` at the end of all cases.
}

pub(super) async fn pictures_are_stored_once(store: S) {
    let (one, two) = (talk(&*store).await, talk(&*store).await);
    let hash = format!("{:064x}", id());
    let bytes: Bytes = (0..300_000_u32).map(|place| place.to_le_bytes()[0]).collect::<Vec<_>>().into();
    let picture = |of: &ConversationRow| Write::Blob {
        user: of.user,
        conversation: of.id,
        number: number(),
        hash: hash.clone(),
        bytes: bytes.clone(),
    };
    store.commit(&[picture(&one), picture(&two), picture(&one)]).await.unwrap();
    assert_eq!(store.blob(one.user, &hash).await.unwrap(), Some(bytes.clone()));
    assert!(store.usage(one.user).await.unwrap() >= 300_000);
    let stranger = user(&*store, "stranger").await;
    assert_eq!(store.blob(stranger, &hash).await.unwrap(), None);
    let delete = |of: &ConversationRow| [Write::DeleteConversation { user: of.user, conversation: of.id, whole: false }];
    store.commit(&delete(&one)).await.unwrap();
    assert_eq!(store.blob(one.user, &hash).await.unwrap(), None);
    assert_eq!(store.blob(two.user, &hash).await.unwrap(), Some(bytes));
}

pub(super) async fn names_may_be_long(store: S) {
    let long = "\u{1f600}".repeat(5000);
    let id = user(&*store, "long").await;
    let talk = ConversationRow { name: long.clone(), title: long.clone(), ..conversation(id, AccountId(1)) };
    let group = GroupRow { name: long.clone(), order: i64::MIN, collapsed: true };
    let said = web::store::StoredMessage {
        author: long.clone(),
        alias: Some(long.clone()),
        server_id: Some(long.clone()),
        ..full_message(&talk, &long.repeat(20))
    };
    let all = [
        Write::Conversation(talk.clone()),
        Write::Group(id, group.clone()),
        Write::Setting { user: id, key: long.clone(), value: Some(format!("\"{long}\"")) },
        Write::Message(said.clone()),
    ];
    store.commit(&all).await.unwrap();
    let stored = store.load(id).await.unwrap();
    assert_eq!((stored.conversations, stored.groups), (vec![talk.clone()], vec![group]));
    assert_eq!(stored.settings, [(long.clone(), format!("\"{long}\""))]);
    assert_eq!(store.page(id, talk.id, Place::Newest, 5).await.unwrap().messages, [said]);
}

pub(super) async fn a_refused_write_leaves_nothing(store: S) {
    let talk = talk(&*store).await;
    let picture = Write::Blob {
        user: talk.user,
        conversation: talk.id,
        number: 1,
        // Longer than a hash can be, by far: not every database minds.
        hash: "f".repeat(70_000),
        bytes: Bytes::from_static(b"x"),
    };
    let said = message(&talk, "hello");
    let result = store.commit(&[Write::Message(said.clone()), picture]).await;
    match result {
        Ok(()) => store.commit(&[Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: false }]).await.unwrap(),
        Err(error) => {
            assert!(matches!(error, StoreError::Broken(_)), "{error:?}");
            assert_eq!(newest(&*store, &talk, 9).await, web::store::Page::default());
        }
    }
    // The connection that failed is no burden to what follows.
    store.commit(&[Write::Message(message(&talk, "again"))]).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(texts(&newest(&*store, &talk, 9).await), ["again"]);
}
