//! Messages, pages of them, what is unread, gaps, and how old messages go.

use crate::make::{conversation, full_message, id, message, messages, newest, number, talk, texts, user, writes};
use bridge::id::{AccountId, UserId};
use bridge::time::Timestamp;
use std::sync::Arc;
use web::store::{ConversationRow, Gap, Page, Place, Store, StoredMessage, Unread, Write};

type S = Arc<dyn Store>;

pub(super) async fn pages_go_both_ways(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 25);
    // Between those of others.
    let other = self::talk(&*store).await;
    let mut mixed = Vec::new();
    for message in &all {
        mixed.push(Write::Message(message.clone()));
        mixed.push(Write::Message(crate::make::message(&other, "other")));
    }
    store.commit(&mixed).await.unwrap();
    let page = |place, most| store.page(talk.user, talk.id, place, most);
    let look = |page: &Page| (page.messages.clone(), page.more_before, page.more_after);
    let at = |place: usize| all[place].number;

    assert_eq!(look(&page(Place::Newest, 10).await.unwrap()), (all[15..].to_vec(), true, false));
    assert_eq!(look(&page(Place::Newest, 25).await.unwrap()), (all.clone(), false, false));
    assert_eq!(look(&page(Place::Newest, 100).await.unwrap()), (all.clone(), false, false));
    assert_eq!(look(&page(Place::Before(at(15)), 10).await.unwrap()), (all[5..15].to_vec(), true, true));
    assert_eq!(look(&page(Place::Before(at(5)), 10).await.unwrap()), (all[..5].to_vec(), false, true));
    assert_eq!(look(&page(Place::Before(at(0)), 10).await.unwrap()), (Vec::new(), false, true));
    assert_eq!(look(&page(Place::After(at(15)), 5).await.unwrap()), (all[16..21].to_vec(), true, true));
    assert_eq!(look(&page(Place::After(at(19)), 5).await.unwrap()), (all[20..].to_vec(), true, false));
    assert_eq!(look(&page(Place::After(at(24)), 5).await.unwrap()), (Vec::new(), true, false));
    assert_eq!(look(&page(Place::After(0), 5).await.unwrap()), (all[..5].to_vec(), false, true));
    assert_eq!(look(&page(Place::Around(at(12)), 6).await.unwrap()), (all[9..15].to_vec(), true, true));
    assert_eq!(look(&page(Place::Around(at(1)), 6).await.unwrap()), (all[..6].to_vec(), false, true));
    assert_eq!(look(&page(Place::Around(at(24)), 6).await.unwrap()), (all[21..].to_vec(), true, false));
    assert!(store.last_number().await.unwrap() >= at(24));
    let empty = self::talk(&*store).await;
    for place in [Place::Newest, Place::Before(at(3)), Place::After(at(3)), Place::Around(at(3))] {
        assert_eq!(store.page(empty.user, empty.id, place, 5).await.unwrap(), Page::default());
    }
}

pub(super) async fn a_message_changes(store: S) {
    let talk = talk(&*store).await;
    let first = StoredMessage { flags: 1 << StoredMessage::STATE, ..message(&talk, "typed") };
    let sent = StoredMessage { flags: 2 << StoredMessage::STATE, ..full_message(&talk, "sent") };
    let sent = StoredMessage { number: first.number, time: Timestamp(5), ..sent };
    store.commit(&[Write::Message(first.clone())]).await.unwrap();
    store.commit(&[Write::MessageChanged(sent.clone())]).await.unwrap();
    assert_eq!(newest(&*store, &talk, 5).await.messages, std::slice::from_ref(&sent));
    // In the batch that brings it.
    let second = message(&talk, "again");
    let edited = StoredMessage { text: "edited".to_owned(), ..second.clone() };
    store.commit(&[Write::Message(second), Write::MessageChanged(edited.clone())]).await.unwrap();
    assert_eq!(newest(&*store, &talk, 5).await.messages, [sent.clone(), edited]);
    // Not by anybody else, and not into being.
    let forged = StoredMessage { user: UserId(id()), text: "forged".to_owned(), ..sent.clone() };
    store.commit(&[Write::MessageChanged(forged), Write::MessageChanged(message(&talk, "nowhere"))]).await.unwrap();
    assert_eq!(texts(&newest(&*store, &talk, 5).await), ["sent", "edited"]);
}

pub(super) async fn a_retry_doubles_nothing(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 300);
    store.commit(&writes(&all)).await.unwrap();
    store.commit(&writes(&all)).await.unwrap();
    // Partly there, and in one batch twice.
    let more = messages(&talk, 20);
    store.commit(&writes(&more[..10])).await.unwrap();
    let mut twice = writes(&more);
    twice.extend(writes(&more));
    store.commit(&twice).await.unwrap();
    let page = newest(&*store, &talk, 1000).await;
    assert_eq!(page.messages, [all.clone(), more].concat());
    // Where it stands it stays, whatever a second copy says.
    let other = StoredMessage { text: "other".to_owned(), ..all[0].clone() };
    store.commit(&[Write::Message(other)]).await.unwrap();
    assert_eq!(newest(&*store, &talk, 1000).await.messages.first(), all.first());
}

pub(super) async fn a_retry_over_a_deletion_keeps_what_came_after(store: S) {
    let talk = talk(&*store).await;
    let (before, after) = (messages(&talk, 3), messages(&talk, 2));
    let mut all = writes(&before);
    all.push(Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: true });
    all.push(Write::Conversation(talk.clone()));
    all.extend(writes(&after));
    for _ in 0..3 {
        store.commit(&all).await.unwrap();
        assert_eq!(newest(&*store, &talk, 9).await.messages, after);
        assert_eq!(store.load(talk.user).await.unwrap().conversations, std::slice::from_ref(&talk));
    }
}

pub(super) async fn five_thousand_at_once(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 5000);
    store.commit(&writes(&all)).await.unwrap();
    assert_eq!(newest(&*store, &talk, 6000).await.messages, all);
    assert_eq!(store.last_number().await.unwrap(), all.last().unwrap().number);
}

pub(super) async fn any_text_comes_back(store: S) {
    let talk = talk(&*store).await;
    let texts = [
        "",
        " ",
        "'; drop table messages; -- \\ \" ? $1 :a @b",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} e\u{301} \u{feff} \u{202e}abc \u{10ffff}",
        "漢字かな交じり文 한국어 العربية",
        "line\nline\r\n\ttab \u{1} \u{7f} \u{85} \u{2028}",
        "a\u{fffd}b",
        "ends with a space ",
        "ẞß ıI ﬁ Ａ",
    ];
    let all: Vec<StoredMessage> = texts.iter().map(|text| full_message(&talk, text)).collect();
    store.commit(&writes(&all)).await.unwrap();
    assert_eq!(newest(&*store, &talk, 50).await.messages, all);
    // A zero byte cannot be in PostgreSQL's texts: it is replaced, everywhere alike.
    let zero = full_message(&talk, "a\0b\0");
    store.commit(&[Write::Message(zero.clone())]).await.unwrap();
    let page = newest(&*store, &talk, 1).await;
    assert_eq!(page.messages, [StoredMessage { text: "a\u{fffd}b\u{fffd}".to_owned(), ..zero }]);
}

pub(super) async fn nobody_sees_anothers(store: S) {
    let talk = talk(&*store).await;
    let other = user(&*store, "other").await;
    let said = message(&talk, "private");
    store.commit(&[Write::Message(said.clone())]).await.unwrap();
    store
        .commit(&[Write::Gap(talk.user, Gap { conversation: talk.id, after: 0, from: Timestamp(1), to: None, why: "offline".into() })])
        .await
        .unwrap();
    for place in [Place::Newest, Place::Before(u64::MAX >> 1), Place::After(0), Place::Around(said.number)] {
        assert_eq!(store.page(other, talk.id, place, 5).await.unwrap(), Page::default());
    }
    assert_eq!(store.unread(other, talk.id, 0).await.unwrap(), Unread::default());
    assert_eq!(store.usage(other).await.unwrap(), 0);
    // Nor deletes it.
    store.commit(&[Write::DeleteConversation { user: other, conversation: talk.id, whole: true }]).await.unwrap();
    // Nor by a conversation of the same id.
    let forged = ConversationRow { user: other, ..talk.clone() };
    store.commit(&[Write::Conversation(forged), Write::Message(StoredMessage { user: other, ..message(&talk, "theirs") })]).await.unwrap();
    let theirs = store.page(other, talk.id, Place::Newest, 5).await.unwrap();
    assert_eq!(texts(&theirs), ["theirs"]);
    let page = newest(&*store, &talk, 5).await;
    assert_eq!((page.messages, page.gaps.len()), (vec![said], 1));
}

pub(super) async fn nobody_makes_holes_in_anothers_pages(store: S) {
    let talk = talk(&*store).await;
    // Somebody whose worker knows the id, and fills a conversation of the same with much more.
    let other = user(&*store, "hostile").await;
    let forged = ConversationRow { user: other, ..talk.clone() };
    let mut all = vec![Write::Conversation(forged.clone())];
    let mut own = Vec::new();
    for _ in 0..60 {
        own.push(message(&talk, "own"));
        all.extend(own.last().cloned().map(Write::Message));
        all.extend(writes(&messages(&forged, 20)));
    }
    store.commit(&all).await.unwrap();
    let at = |place: usize| own[place].number;
    let page = async |place, most| store.page(talk.user, talk.id, place, most).await.unwrap();
    for (place, wanted, more) in [
        (Place::Newest, &own[50..], (true, false)),
        (Place::Before(at(50)), &own[40..50], (true, true)),
        (Place::After(at(9)), &own[10..20], (true, true)),
        (Place::Around(at(30)), &own[25..35], (true, true)),
    ] {
        let page = page(place, 10).await;
        assert_eq!(page.messages, wanted, "{place:?}");
        assert_eq!((page.more_before, page.more_after), more, "{place:?}");
    }
    assert_eq!(store.unread(talk.user, talk.id, at(9)).await.unwrap().unread, 50);
    assert!(store.usage(talk.user).await.unwrap() < 60 * 200, "what the other keeps does not count against them");
    // Nor does the end of one's conversation leave anything of it.
    store.commit(&[Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: true }]).await.unwrap();
    assert_eq!(page(Place::Newest, 100).await, Page::default());
    assert_eq!(newest(&*store, &forged, 2000).await.messages.len(), 1200);
}

pub(super) async fn unread_is_counted(store: S) {
    let talk = talk(&*store).await;
    let mut all = messages(&talk, 40);
    for (place, message) in all.iter_mut().enumerate() {
        message.flags = match place % 4 {
            0 => StoredMessage::COUNTS,
            1 => StoredMessage::COUNTS | StoredMessage::HIGHLIGHT,
            2 => StoredMessage::SYSTEM,
            _ => StoredMessage::OWN | StoredMessage::HIGHLIGHT,
        };
    }
    store.commit(&writes(&all)).await.unwrap();
    let unread = |read| store.unread(talk.user, talk.id, read);
    assert_eq!(unread(0).await.unwrap(), Unread { unread: 20, mentions: 10 });
    assert_eq!(unread(all[19].number).await.unwrap(), Unread { unread: 10, mentions: 5 });
    assert_eq!(unread(all[39].number).await.unwrap(), Unread::default());
    assert_eq!(unread(u64::MAX).await.unwrap(), Unread::default());
}

pub(super) async fn gaps_stand_where_they_are(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 10);
    store.commit(&writes(&all)).await.unwrap();
    let gap = |after, from, to: Option<i64>, why: &str| Gap {
        conversation: talk.id,
        after,
        from: Timestamp(from),
        to: to.map(Timestamp),
        why: why.into(),
    };
    let first = gap(0, 1, Some(2), "offline");
    let middle = gap(all[4].number, 3, None, "restart");
    let last = gap(all[9].number, 5, None, "store");
    let all_gaps: Vec<Write> = [&first, &middle, &last].map(|gap| Write::Gap(talk.user, gap.clone())).to_vec();
    store.commit(&all_gaps).await.unwrap();
    // One ends.
    let middle = Gap { to: Some(Timestamp(4)), ..middle };
    for _ in 0..2 {
        store.commit(&[Write::Gap(talk.user, middle.clone())]).await.unwrap();
    }
    let gaps = async |place, most| store.page(talk.user, talk.id, place, most).await.unwrap().gaps;
    assert_eq!(gaps(Place::Newest, 20).await, [first.clone(), middle.clone(), last.clone()]);
    assert_eq!(gaps(Place::Newest, 4).await, std::slice::from_ref(&last));
    assert_eq!(gaps(Place::Newest, 5).await, [middle.clone(), last.clone()], "the one just before the page, too");
    assert_eq!(gaps(Place::Before(all[9].number), 3).await, []);
    assert_eq!(gaps(Place::Before(all[5].number), 20).await, [first.clone(), middle.clone()]);
    assert_eq!(gaps(Place::After(all[4].number), 2).await, std::slice::from_ref(&middle));
    assert_eq!(gaps(Place::After(all[9].number), 2).await, std::slice::from_ref(&last));
    assert_eq!(gaps(Place::Around(all[4].number), 4).await, [middle]);
    // A conversation in which nothing was said.
    let silent = self::talk(&*store).await;
    let only = Gap { conversation: silent.id, ..first };
    store.commit(&[Write::Gap(silent.user, only.clone())]).await.unwrap();
    assert_eq!(newest(&*store, &silent, 5).await.gaps, [only]);
}

pub(super) async fn a_conversation_is_deleted(store: S) {
    let (talk, other) = (talk(&*store).await, talk(&*store).await);
    for row in [&talk, &other] {
        store.commit(&writes(&messages(row, 200))).await.unwrap();
        store
            .commit(&[Write::Gap(row.user, Gap { conversation: row.id, after: 0, from: Timestamp(1), to: None, why: "offline".into() })])
            .await
            .unwrap();
    }
    let delete = |whole| [Write::DeleteConversation { user: talk.user, conversation: talk.id, whole }];
    store.commit(&delete(false)).await.unwrap();
    assert_eq!(newest(&*store, &talk, 5).await, Page::default());
    assert_eq!(store.unread(talk.user, talk.id, 0).await.unwrap(), Unread::default());
    assert_eq!(store.load(talk.user).await.unwrap().conversations, std::slice::from_ref(&talk));
    store.commit(&writes(&messages(&talk, 2))).await.unwrap();
    assert_eq!(newest(&*store, &talk, 5).await.messages.len(), 2);
    store.commit(&delete(true)).await.unwrap();
    assert_eq!(store.load(talk.user).await.unwrap().conversations, []);
    assert_eq!(newest(&*store, &other, 500).await.messages.len(), 200);
    assert_eq!(newest(&*store, &other, 500).await.gaps.len(), 1);
}

pub(super) async fn a_large_conversation_is_deleted_in_steps(store: S) {
    let talk = talk(&*store).await;
    store.commit(&writes(&messages(&talk, 6500))).await.unwrap();
    let delete = Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: false };
    store.commit(std::slice::from_ref(&delete)).await.unwrap();
    // Gone for whoever looks, at once.
    assert_eq!(newest(&*store, &talk, 5).await, Page::default());
    assert_eq!(store.unread(talk.user, talk.id, 0).await.unwrap(), Unread::default());
    let after = messages(&talk, 3);
    let mut again = vec![delete];
    again.extend(writes(&after));
    // Twice: what is deleted later must not be what came since.
    for _ in 0..2 {
        store.commit(&again).await.unwrap();
        assert_eq!(newest(&*store, &talk, 50).await.messages, after);
    }
    assert_eq!(store.page(talk.user, talk.id, Place::After(0), 2).await.unwrap().messages, after[..2]);
    let mut steps = 0;
    while store.expire_messages(0, Timestamp(0)).await.unwrap() > 0 {
        steps += 1;
    }
    assert!((1..4).contains(&steps), "{steps}");
    assert_eq!(newest(&*store, &talk, 50).await, Page { messages: after, ..Page::default() });
}

pub(super) async fn old_messages_go(store: S) {
    let day = 86_400_000_u64;
    let id = user(&*store, "old").await;
    let user_days = user(&*store, "user-days").await;
    let account = AccountId(self::id());
    let row = |user, days| ConversationRow { days, ..conversation(user, account) };
    let (week, ever, own) = (row(id, Some(7)), row(id, Some(0)), row(user_days, None));
    let now = Timestamp((number() >> 16).cast_signed() + day.cast_signed() * 100);
    let aged = |of: &ConversationRow, days: u64| {
        let number = ((now.0.cast_unsigned() - days * day) << 16) + (self::number() >> 16) % 60_000;
        Write::Message(StoredMessage { number, time: Timestamp(0), ..message(of, &days.to_string()) })
    };
    let mut all = vec![Write::Setting { user: user_days, key: "history".into(), value: Some(r#"{"days":3}"#.into()) }];
    for of in [&week, &ever, &own] {
        all.push(Write::Conversation(of.clone()));
        all.extend([30, 8, 5, 1].map(|days| aged(of, days)));
    }
    // Many, so that one step does not do.
    all.extend((0..2500).map(|place| {
        Write::Message(StoredMessage {
            number: ((now.0.cast_unsigned() - 50 * day) << 16) + place,
            time: Timestamp(0),
            ..message(&week, "50")
        })
    }));
    let old = Gap { conversation: week.id, after: 0, from: Timestamp(1), to: Some(Timestamp(2)), why: "offline".into() };
    let lasts = Gap { to: None, from: Timestamp(3), ..old.clone() };
    all.extend([Write::Gap(id, old), Write::Gap(id, lasts.clone())]);
    store.commit(&all).await.unwrap();
    let mut gone = 0;
    loop {
        let step = store.expire_messages(0, now).await.unwrap();
        assert!(step <= 2000, "{step}");
        gone += step;
        if step == 0 {
            break;
        }
    }
    assert_eq!(gone, 2502 + 3);
    let left = async |row: &ConversationRow| newest(&*store, row, 9000).await;
    assert_eq!((texts(&left(&week).await), left(&week).await.gaps), (vec!["5", "1"], vec![lasts]));
    assert_eq!(texts(&left(&ever).await), ["30", "8", "5", "1"]);
    assert_eq!(texts(&left(&own).await), ["1"]);
}

pub(super) async fn pictures_go_with_old_messages(store: S) {
    const DAY: u64 = 86_400_000;
    let id = user(&*store, "pictures").await;
    let [one, two] = [0, 1].map(|_| ConversationRow { days: Some(7), ..conversation(id, AccountId(self::id())) });
    let now = Timestamp((number() >> 16).cast_signed() + DAY.cast_signed() * 100);
    let aged = |days: u64| ((now.0.cast_unsigned() - days * DAY) << 16) + (number() >> 16) % 60_000;
    let picture = |of: &ConversationRow, hash: &str, days: u64| Write::Blob {
        user: id,
        conversation: of.id,
        number: aged(days),
        hash: format!("{hash}{id}"),
        bytes: bytes::Bytes::from_static(b"picture"),
    };
    let mut all = vec![Write::Conversation(one.clone()), Write::Conversation(two.clone())];
    all.push(Write::Message(StoredMessage { number: aged(30), time: Timestamp(0), ..message(&two, "old") }));
    // The message of the first is gone already: the last of a step of deletions, say.
    all.extend([picture(&one, "alone", 30), picture(&two, "old", 30), picture(&two, "again", 30), picture(&two, "again", 1)]);
    store.commit(&all).await.unwrap();
    while store.expire_messages(0, now).await.unwrap() > 0 {}
    for (hash, there) in [("alone", false), ("old", false), ("again", true)] {
        assert_eq!(store.blob(id, &format!("{hash}{id}")).await.unwrap().is_some(), there, "{hash}");
    }
}

pub(super) async fn usage_is_near(store: S) {
    let talk = talk(&*store).await;
    assert_eq!(store.usage(talk.user).await.unwrap(), 0);
    store.commit(&writes(&messages(&talk, 1000))).await.unwrap();
    let usage = store.usage(talk.user).await.unwrap();
    assert!((90_000..130_000).contains(&usage), "{usage}");
}

pub(super) async fn many_read_at_once(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 500);
    store.commit(&writes(&all[..100])).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..16 {
        let (store, talk) = (Arc::clone(&store), talk.clone());
        readers.push(tokio::spawn(async move {
            let mut last = 100;
            while last < 500 {
                let page = newest(&*store, &talk, 600).await;
                assert!(page.messages.len() >= last, "a commit is there for good");
                assert_eq!(page.messages.len() % 50, 0, "whole commits alone are seen");
                last = page.messages.len();
            }
        }));
    }
    for part in all[100..].chunks(50) {
        store.commit(&writes(part)).await.unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

pub(super) async fn what_came_late_has_its_place(store: S) {
    let talk = talk(&*store).await;
    let all = messages(&talk, 9);
    // Backwards, each in a commit of its own.
    for message in all.iter().rev() {
        store.commit(&writes(std::slice::from_ref(message))).await.unwrap();
    }
    assert_eq!(newest(&*store, &talk, 9).await.messages, all);
    store.commit(&[Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: false }]).await.unwrap();
    assert_eq!(newest(&*store, &talk, 9).await, Page::default());
}
