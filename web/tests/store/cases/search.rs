//! Messages by their words: one list of texts and questions, answered alike by every database; whose they are, and when they are gone.

use crate::make::{conversation, full_message, id, message, number, soon, talk, user, writes};
use bridge::id::{AccountId, UserId};
use bridge::time::Timestamp;
use std::sync::Arc;
use web::search::{Query, Search};
use web::store::{ConversationRow, Found, Store, StoredMessage, Write};

type S = Arc<dyn Store>;

const ALL: u64 = i64::MAX.cast_unsigned();

/// The messages that are searched, in this order.
const SAID: &[&str] = &[
    "The and of not or near a the",
    "a",
    "Version 3.14 of 2026-11-22, at 10:30 for 1,000 euros",
    "A well-known fact: don't, can’t, o'clock, l'homme",
    "Café, cafe\u{301}, CAFÉ and cafe",
    "Straße STRASSE ΣΊΣΥΦΟΣ σίσυφος İstanbul ﬁne Ａ１",
    "\u{1f600} party \u{1f389}\u{1f389} \u{1f44d}\u{1f3fd}",
    "我在東京都住",
    "東 京",
    "新しいiPhoneを買った、とても高い",
    "한국어를 배우고 있어요",
    "שלום עולם, مرحبا بالعالم, हिन्दी, สวัสดีครับ",
    "Привет мир, привет Маша",
    "'; drop table messages; -- \\ \" ? $1 :a @b %_ /* */",
    "NEAR(a b) AND OR NOT t:x ^start {x} +must -not ~less <b> (c) ab*",
    "a & b | !c <-> d :* 'e'::tsquery",
    "u00000a aword zword c1 z006h a\0b",
    "line one\nline two\r\n\tline\u{a0}three\u{2028}four",
    "so\u{ad}ft hy\u{200b}phen zero\u{200d}width",
    "",
];

/// Questions, with the places of what they find in [`SAID`].
const ASKED: &[(&str, &[usize])] = &[
    // Stop words, and words that databases take for their own.
    ("the", &[0]),
    ("and of not or near", &[0]),
    ("NOT", &[0, 14]),
    ("OR", &[0, 14]),
    ("near(", &[0, 14]),
    ("AND", &[0, 4, 14]),
    // Single letters, and digits.
    ("a", &[0, 1, 3, 13, 14, 15, 16]),
    ("b", &[13, 14, 15, 16]),
    ("1", &[2, 13]),
    ("3", &[2]),
    ("3.14", &[2]),
    ("314", &[]),
    ("14 3", &[2]),
    ("2026", &[2]),
    ("2026-11-22", &[2]),
    ("2026-11-23", &[]),
    ("1,000", &[2]),
    ("1000", &[]),
    ("10:30", &[2]),
    // Hyphens and apostrophes.
    ("well-known", &[3]),
    ("known", &[3]),
    ("known-well", &[]),
    ("don't", &[3]),
    ("DON’T", &[3]),
    ("dont", &[]),
    ("can't", &[3]),
    ("clock", &[3]),
    ("homme", &[3]),
    // Accents, case, forms.
    ("café", &[4]),
    ("cafe\u{301}", &[4]),
    ("cafe", &[4]),
    ("caf*", &[4]),
    ("strasse", &[5]),
    ("straße", &[5]),
    ("σίσυφοσ", &[5]),
    ("istanbul", &[]),
    ("İSTANBUL", &[5]),
    ("fine a1", &[5]),
    ("ｆｉｎｅ", &[5]),
    // Emoji.
    ("\u{1f389}", &[6]),
    ("\u{1f600}\u{1f389}", &[]),
    ("\u{1f389} party", &[6]),
    ("\u{1f44d}", &[6]),
    ("\u{1f680}", &[]),
    // Scripts without spaces: one character, two, more.
    ("東", &[7, 8]),
    ("京", &[7, 8]),
    ("東京", &[7]),
    ("東京都", &[7]),
    ("京東", &[]),
    ("住", &[7]),
    ("\"東 京\"", &[8, 7]),
    ("買った", &[9]),
    ("iphone", &[9]),
    ("新しいiPhone", &[9]),
    ("とても 高い", &[9]),
    ("한국", &[10]),
    ("국어", &[10]),
    ("한어", &[]),
    ("สวัสดี", &[11]),
    ("ครับ", &[11]),
    // Other scripts.
    ("שלום", &[11]),
    ("بالعالم", &[11]),
    ("हिन्दी", &[11]),
    ("ПРИВЕТ", &[12]),
    ("прив*", &[12]),
    ("привет маша", &[12]),
    ("\"привет мир\"", &[12]),
    ("\"мир маша\"", &[]),
    // Beginnings and phrases.
    ("wel*", &[3]),
    ("ve* eu*", &[2]),
    ("th*", &[0, 17]),
    ("\"and of\"", &[0]),
    ("\"of and\"", &[]),
    ("\"line tw*\"", &[17]),
    ("four", &[17]),
    // Words that a database might take for syntax of its own.
    ("drop table messages", &[13]),
    ("'; drop table messages; --", &[13]),
    ("\\ \" $1", &[2, 13]),
    ("%_ a", &[0, 1, 3, 13, 14, 15, 16]),
    ("t:x", &[14]),
    ("^start {x}", &[14]),
    ("+must -not ~less", &[14]),
    ("'e'::tsquery", &[15]),
    ("ab*", &[14]),
    // Words that look like terms of the index.
    ("u00000a", &[16]),
    ("aword", &[16]),
    ("word", &[]),
    ("c1", &[16]),
    ("z006h", &[16]),
    ("é", &[]),
    // Characters that nobody sees.
    ("soft", &[18]),
    ("hy phen", &[18]),
    ("zerowidth", &[18]),
];

fn search(query: &str) -> Search {
    Search::of(Query::parse(query).unwrap_or_else(|flaw| panic!("{query}: {flaw:?}")))
}

async fn find(store: &S, user: UserId, search: &Search) -> Found {
    store.search(user, search, ALL, 100, soon()).await.unwrap()
}

async fn numbers(store: &S, user: UserId, query: &str) -> Vec<u64> {
    find(store, user, &search(query)).await.hits.iter().map(|hit| hit.message.number).collect()
}

/// A conversation of a user who has others.
async fn another_talk(store: &S, of: &ConversationRow) -> ConversationRow {
    let row = conversation(of.user, AccountId(id()));
    store.commit(&[Write::Conversation(row.clone())]).await.unwrap();
    row
}

pub(super) async fn every_question_has_one_answer(store: S) {
    let talk = talk(&*store).await;
    let all: Vec<StoredMessage> = SAID.iter().map(|text| message(&talk, text)).collect();
    store.commit(&writes(&all)).await.unwrap();
    for (query, wanted) in ASKED {
        let mut wanted: Vec<usize> = wanted.to_vec();
        wanted.sort_unstable_by(|one, other| other.cmp(one));
        let found = find(&store, talk.user, &search(query)).await;
        let places: Vec<usize> =
            found.hits.iter().map(|hit| all.iter().position(|message| message.number == hit.message.number).unwrap()).collect();
        assert_eq!(places, wanted, "{query}");
        assert!(found.next.is_none() && !found.partial, "{query}");
        for hit in &found.hits {
            assert!(!hit.ranges.is_empty() && hit.account == talk.account && hit.title == talk.title, "{query}");
        }
    }
}

pub(super) async fn hits_come_newest_first_and_page_by_page(store: S) {
    let talk = talk(&*store).await;
    let all: Vec<StoredMessage> = (0..300).map(|place| message(&talk, if place % 3 == 0 { "red apple" } else { "green pear" })).collect();
    store.commit(&writes(&all)).await.unwrap();
    let wanted: Vec<u64> = all.iter().step_by(3).rev().map(|message| message.number).collect();
    for query in ["apple", "red apple", "app*", "\"red apple\""] {
        let (mut below, mut seen, mut pages) = (ALL, Vec::new(), 0);
        loop {
            let page = store.search(talk.user, &search(query), below, 7, soon()).await.unwrap();
            pages += 1;
            seen.extend(page.hits.iter().map(|hit| hit.message.number));
            match page.next {
                Some(next) => below = next,
                None => break,
            }
        }
        assert_eq!((&seen, pages), (&wanted, 15), "{query}");
    }
    let last = store.search(talk.user, &search("apple"), ALL, 100, soon()).await.unwrap();
    assert_eq!((last.hits.len(), last.next), (100, None), "a full page with nothing behind it");
}

pub(super) async fn a_search_is_of_a_person_a_place_and_a_time(store: S) {
    let talk = talk(&*store).await;
    let other = another_talk(&store, &talk).await;
    let said = |of: &ConversationRow, author: &str, alias: Option<&str>| StoredMessage {
        author: author.to_owned(),
        alias: alias.map(str::to_owned),
        ..message(of, "apple")
    };
    let all = [
        said(&talk, "bob@example.org", None),
        said(&talk, "eve@example.org", Some("Bob")),
        said(&other, "BOB@example.org", None),
        said(&other, "ines", None),
    ];
    store.commit(&writes(&all)).await.unwrap();
    let ask = async |search: Search| -> Vec<usize> {
        let found = find(&store, talk.user, &search).await;
        found.hits.iter().map(|hit| all.iter().position(|message| message.number == hit.message.number).unwrap()).collect()
    };
    let apple = || search("apple");
    assert_eq!(ask(apple()).await, [3, 2, 1, 0]);
    assert_eq!(ask(apple().by("Bob@Example.org")).await, [2, 0]);
    assert_eq!(ask(apple().by("bob")).await, [1]);
    assert_eq!(ask(Search { conversation: Some(talk.id), ..apple() }).await, [1, 0]);
    assert_eq!(ask(Search { conversation: Some(other.id), ..search("app*") }).await, [3, 2]);
    assert_eq!(ask(Search { account: Some(other.account), ..apple() }).await, [3, 2]);
    assert_eq!(ask(Search { account: Some(other.account), conversation: Some(talk.id), ..apple() }).await, [0_usize; 0]);
    let at = |place: usize| Some(Timestamp((all[place].number >> 16).cast_signed()));
    assert_eq!(ask(Search { since: at(1), until: at(3), ..apple() }).await, [2, 1]);
    assert_eq!(ask(Search { since: at(3), ..apple() }).await, [3]);
    assert_eq!(ask(Search { until: at(0), ..apple() }).await, [0_usize; 0]);
}

pub(super) async fn rare_words_in_much_are_found(store: S) {
    let talk = talk(&*store).await;
    let other = another_talk(&store, &talk).await;
    let text = |place: usize| match place % 1000 {
        7 => "common needle",
        _ if place.is_multiple_of(2) => "common straw",
        _ => "common hay",
    };
    let of = |place: usize| if place % 500 == 7 { &other } else { &talk };
    let all: Vec<StoredMessage> = (0..3000).map(|place| message(of(place), text(place))).collect();
    store.commit(&writes(&all)).await.unwrap();
    for query in ["common needle", "needle", "needle common*", "nee*"] {
        assert_eq!(numbers(&store, talk.user, query).await, [2007, 1007, 7].map(|place: usize| all[place].number), "{query}");
    }
    // Both are frequent, and never together.
    assert_eq!(numbers(&store, talk.user, "straw hay").await, [0_u64; 0]);
    let inside = Search { conversation: Some(other.id), ..search("common hay") };
    let found: Vec<u64> = find(&store, talk.user, &inside).await.hits.iter().map(|hit| hit.message.number).collect();
    assert_eq!(found, [2507, 1507, 507].map(|place: usize| all[place].number));
}

pub(super) async fn nobody_finds_anothers(store: S) {
    let talk = talk(&*store).await;
    let other = self::talk(&*store).await;
    let forged = ConversationRow { user: other.user, ..talk.clone() };
    store.commit(&[Write::Message(message(&talk, "private words")), Write::Conversation(forged)]).await.unwrap();
    assert_eq!(numbers(&store, talk.user, "private").await.len(), 1);
    for query in ["private", "priv*", "\"private words\""] {
        assert_eq!(numbers(&store, other.user, query).await, [0_u64; 0], "{query}");
        let inside = Search { conversation: Some(talk.id), ..search(query) };
        assert_eq!(find(&store, other.user, &inside).await.hits, []);
    }
    // Also not whose id differs by what an index shortens.
    let near = UserId(talk.user.0.wrapping_add(36_u64.pow(6)));
    assert_eq!(numbers(&store, near, "private").await, [0_u64; 0]);
    assert_eq!(numbers(&store, UserId(0), "private").await, [0_u64; 0]);
}

pub(super) async fn what_is_changed_or_gone_is_not_found(store: S) {
    let talk = talk(&*store).await;
    let all = [message(&talk, "typed once"), message(&talk, "stays typed"), message(&talk, "taken back")];
    let system = StoredMessage { flags: StoredMessage::SYSTEM, ..message(&talk, "typed by nobody") };
    let mut written = writes(&all);
    written.extend([Write::Message(system), Write::Message(full_message(&talk, "typed and removed"))]);
    store.commit(&written).await.unwrap();
    store.commit(&written).await.unwrap();
    let typed = async || numbers(&store, talk.user, "typed").await;
    assert_eq!(typed().await, [all[1].number, all[0].number]);
    let edited = StoredMessage { text: "written twice".to_owned(), ..all[0].clone() };
    let removed = StoredMessage { text: String::new(), flags: StoredMessage::REMOVED, ..all[2].clone() };
    // A change of flags alone.
    let failed = StoredMessage { flags: 3 << StoredMessage::STATE, ..all[1].clone() };
    store.commit(&[edited, removed, failed].map(Write::MessageChanged)).await.unwrap();
    assert_eq!(typed().await, [all[1].number]);
    assert_eq!(numbers(&store, talk.user, "written").await, [all[0].number]);
    assert_eq!(numbers(&store, talk.user, "back").await, [0_u64; 0]);
    // Of somebody else's nothing changes.
    let forged = StoredMessage { user: UserId(id()), text: "forged".to_owned(), ..all[1].clone() };
    store.commit(&[Write::MessageChanged(forged)]).await.unwrap();
    assert_eq!(typed().await, [all[1].number]);
    for whole in [false, true] {
        store.commit(&[Write::DeleteConversation { user: talk.user, conversation: talk.id, whole }]).await.unwrap();
        assert_eq!(typed().await, [0_u64; 0]);
        assert_eq!(numbers(&store, talk.user, "written").await, [0_u64; 0]);
        // A message that comes after the deletion is found.
        store.commit(&[Write::Conversation(talk.clone()), Write::Message(message(&talk, "typed anew"))]).await.unwrap();
        assert_eq!(typed().await.len(), 1);
    }
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

pub(super) async fn what_is_being_deleted_is_not_found(store: S) {
    let talk = talk(&*store).await;
    let all: Vec<StoredMessage> = (0..2500).map(|_| message(&talk, "buried treasure")).collect();
    store.commit(&writes(&all)).await.unwrap();
    assert_eq!(numbers(&store, talk.user, "treasure").await.len(), 100);
    store.commit(&[Write::DeleteConversation { user: talk.user, conversation: talk.id, whole: false }]).await.unwrap();
    // Some of it is in its grave still.
    assert_eq!(numbers(&store, talk.user, "treasure").await, [0_u64; 0]);
    assert_eq!(find(&store, talk.user, &Search { conversation: Some(talk.id), ..search("trea*") }).await.hits, []);
    while store.expire_messages(0, Timestamp(0)).await.unwrap() > 0 {}
    assert_eq!(numbers(&store, talk.user, "treasure").await, [0_u64; 0]);
}

pub(super) async fn old_and_foreign_words_go_with_their_messages(store: S) {
    let gone = user(&*store, "gone").await;
    let row = ConversationRow { days: Some(7), ..conversation(gone, AccountId(id())) };
    let now = Timestamp((number() >> 16).cast_signed() + 100 * 86_400_000);
    let old = StoredMessage { time: Timestamp(0), ..message(&row, "expired words") };
    let new = StoredMessage { number: now.0.cast_unsigned() << 16, ..message(&row, "fresh words") };
    store.commit(&[Write::Conversation(row.clone()), Write::Message(old.clone()), Write::Message(new.clone())]).await.unwrap();
    assert_eq!(numbers(&store, gone, "words").await, [new.number, old.number]);
    while store.expire_messages(0, now).await.unwrap() > 0 {}
    assert_eq!(numbers(&store, gone, "words").await, [new.number]);
    store.delete_user(gone).await.unwrap();
    assert_eq!(numbers(&store, gone, "words").await, [0_u64; 0]);
}
