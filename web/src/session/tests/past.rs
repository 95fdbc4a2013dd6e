//! Rooms that are found by what is stored alone, and searches in conversations that the session does not hold; of a user with a real SQLite.

use super::people::Home;
use super::*;
use crate::session::price;
use crate::store::{Store, StoredMessage, Write};

fn room(id: u64) -> EventKind {
    EventKind::ConversationOpened(conversation(id, ConversationKind::Room))
}

/// Something that was said in a conversation so many minutes ago.
fn said_before(id: u64, html: &str, minutes: i64) -> EventKind {
    let mut line = message(MessageKind::Received, html);
    line.time = Timestamp(line.time.0 - minutes * 60_000);
    EventKind::MessageAdded { conversation: ConversationId(id), message: line }
}

impl Home {
    /// Three rooms and a private talk about compost, of which the session holds nothing any more.
    async fn forgets_its_rooms(&self) {
        self.talks().await;
        self.tell(vec![room(3), room(4), room(5), opened(6)]);
        self.tell(vec![
            said_before(3, "the compost is warm", 200),
            said_before(3, "compost again", 190),
            said_before(4, "Composts of all kinds", 3 * 24 * 60),
            said_before(5, "compostable? no", 20 * 24 * 60),
            said_before(6, "compost, between us", 1),
        ]);
        self.commits().await;
        self.forget(&[3, 4, 5, 6]);
    }

    /// As if there were no room for them in memory: they are closed, and their lines are let go of.
    fn forget(&self, all: &[u64]) {
        self.tell(all.iter().map(|id| EventKind::ConversationClosed { conversation: ConversationId(*id) }).collect());
        let mut state = self.session.lock();
        all.iter().for_each(|id| _ = state.conversations.remove(&ConversationId(*id)));
    }

    fn discovers(&self, q: &str) -> Json {
        serde_json::to_value(self.hub.discover(&self.session, q, None).unwrap()).unwrap()
    }

    /// Tokens that the user's requests have cost.
    fn asked(&self) -> u64 {
        self.session.lock().asked.used()
    }

    /// Waits until the store was asked so many searches.
    async fn searches_are(&self, count: usize) {
        let asks = async {
            while self.store.searches() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asks).await.expect("the store is asked");
        assert_eq!(self.store.searches(), count);
    }

    /// Waits until the database counts as there again, and what was written so far is durable.
    async fn is_kept_again(&self) {
        let there = async {
            while !self.hub.journal().unwrap().is_kept() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there).await.expect("the database is there");
        self.commits().await;
    }

    /// Waits for the turn of the user's searches.
    async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = self.session.lock().keep.as_ref().unwrap().searching.clone();
        tokio::time::timeout(Duration::from_secs(30), turn.lock_owned()).await.expect("the search before ends")
    }

    /// The next event in this tab, of one kind.
    async fn waits_for(&self, client: &str, after: u64, kind: &str) -> Json {
        self.waits_in(&self.session, client, after, kind).await
    }

    /// The first event of a kind in this tab, after one and before another.
    async fn next_in(&self, client: &str, after: u64, end: u64, kind: &str) -> Option<Json> {
        let query = PollQuery { client: client.into(), epoch: self.session.epoch.to_string(), after, n: None };
        let answer: Json = serde_json::from_slice(&self.hub.poll(&self.session, &query).await.unwrap().0).unwrap();
        let events = answer["events"].as_array().unwrap();
        events.iter().find(|event| event["type"] == kind && event["seq"].as_u64() < Some(end)).cloned()
    }

    async fn waits_in(&self, session: &Session, client: &str, after: u64, kind: &str) -> Json {
        let waits = async {
            let mut after = after;
            loop {
                let query = PollQuery { client: client.into(), epoch: session.epoch.to_string(), after, n: None };
                let answer: Json = serde_json::from_slice(&self.hub.poll(session, &query).await.unwrap().0).unwrap();
                for event in answer["events"].as_array().unwrap() {
                    if event["type"] == kind {
                        return event.clone();
                    }
                    after = event["seq"].as_u64().unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waits).await.unwrap_or_else(|_| panic!("no {kind} comes"))
    }

    /// The rooms that are found once nothing more is to come.
    async fn found_at_last(&self, q: &str) -> Json {
        let attached: Json = serde_json::from_slice(&self.hub.attach(&self.session, "finder").unwrap()).unwrap();
        let answer = self.discovers(q);
        if answer["pending"] == json!([]) {
            return answer;
        }
        self.waits_for("finder", attached["seq"].as_u64().unwrap(), "discover.changed").await;
        let answer = self.discovers(q);
        assert_eq!(answer["pending"], json!([]), "{answer}");
        answer
    }
}

fn names(answer: &Json) -> Vec<&str> {
    answer["rooms"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rooms_are_found_by_what_is_stored_the_last_talk_first() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    assert_eq!(home.discovers("compost"), json!({ "rooms": [], "pending": [AccountId(1)] }), "at once, and more is to come");
    let answer = home.found_at_last("compost").await;
    assert_eq!(names(&answer), ["Name 3", "Name 4", "Name 5"]);
    let first = &answer["rooms"][0];
    let matches = json!({ "name": false, "topic": false, "hits": 2, "last": "2026-11-22T16:50:00.000Z", "joined": false });
    assert_eq!((&first["match"], &first["conversation"], &first["account"]), (&matches, &json!(ConversationId(3)), &json!(AccountId(1))));
    assert_eq!(first["fields"], json!({ "room": "name3" }));
    assert_eq!(answer["rooms"][1]["match"]["hits"], 0, "not of today");
    // Whole words and beginnings, as in memory; all of them in one message.
    assert_eq!(names(&home.found_at_last("again compost").await), ["Name 3"]);
    assert_eq!(names(&home.found_at_last("post").await), [""; 0]);
    assert_eq!(names(&home.found_at_last("warm again").await), [""; 0]);
    // Memory and store are one answer.
    home.tell(vec![room(4), said_before(4, "fresh compost", 0)]);
    let answer = home.found_at_last("compost").await;
    assert_eq!(names(&answer), ["Name 4", "Name 3", "Name 5"]);
    assert_eq!((&answer["rooms"][0]["match"]["hits"], &answer["rooms"][1]["match"]["hits"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn what_is_deleted_is_not_found_by_what_was_known() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    assert_eq!(names(&home.found_at_last("compost").await).len(), 3);
    home.tell(vec![room(3)]);
    home.command(json!({ "id": "1", "type": "history.delete", "conversation": ConversationId(3), "whole": false }));
    assert_eq!(names(&home.discovers("compost")), [""; 0], "nothing of it is told before the store has said so");
    assert_eq!(names(&home.found_at_last("compost").await), ["Name 4", "Name 5"]);
}

#[tokio::test]
async fn the_store_is_asked_seldom_and_only_for_what_was_typed_last() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    // Typed letter by letter: while the store is asked for the first, the last alone waits.
    let (held, before) = (home.store.hold_searches().await, home.asked());
    for typed in ["co", "com", "comp", "compo", "compos", "compost"] {
        home.discovers(typed);
        home.searches_are(1).await;
    }
    assert_eq!(home.asked() - before, 6 + price::SEARCH);
    drop(held);
    home.searches_are(2).await;
    assert_eq!(home.asked() - before, 6 + 2 * price::SEARCH, "the second question costs as much as the first");
    assert_eq!(names(&home.found_at_last("compost").await).len(), 3);
    assert_eq!(home.store.searches(), 2);
    assert_eq!(home.discovers("compost")["pending"], json!([]), "the same again within half a minute");
    home.clock.advance(30_000);
    assert_eq!(home.discovers("compost")["pending"], json!([AccountId(1)]));
    assert_eq!(names(&home.discovers("compost")).len(), 3, "what was known stays meanwhile");
    // Of a guest there is no store, and of a user without a network in sight nothing to wait for.
    home.found_at_last("compost").await;
    let standing = AccountStanding::plain(AccountState::Offline);
    home.tell(vec![EventKind::AccountState { account: AccountId(1), standing }]);
    assert_eq!(home.discovers("warm"), json!({ "rooms": [], "pending": [] }));
}

#[tokio::test]
async fn a_question_is_one_search_of_the_newest_messages() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    let now = home.hub.env().wall;
    let message = |place: u64| {
        let number = (now.0.cast_unsigned() << 16) + place;
        Write::Message(StoredMessage {
            user: home.session.id(),
            conversation: ConversationId(4),
            number,
            time: now,
            flags: StoredMessage::COUNTS,
            author: "joe@example.org".to_owned(),
            alias: None,
            buddy: None,
            text: format!("compost {place}"),
            spans: None,
            server_id: None,
        })
    };
    home.store.commit(&(0..520).map(message).collect::<Vec<_>>()).await.unwrap();
    let answer = home.found_at_last("compost").await;
    assert_eq!((names(&answer), &answer["rooms"][0]["match"]["hits"], &answer["partial"]), (vec!["Name 4"], &json!(500), &Json::Null));
    assert_eq!(home.store.searches(), 1);
}

#[tokio::test]
async fn nothing_deleted_is_told_by_an_answer_that_was_on_its_way() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    home.tell(vec![room(3)]);
    home.commits().await;
    let (writes, searches) = (home.store.hold_writes().await, home.store.hold_searches().await);
    let attached: Json = serde_json::from_slice(&home.hub.attach(&home.session, "tab").unwrap()).unwrap();
    home.discovers("compost");
    home.searches_are(1).await;
    home.command(json!({ "id": "1", "type": "history.delete", "conversation": ConversationId(3), "whole": false }));
    assert_eq!(names(&home.discovers("compost")), [""; 0]);
    // The store, in which everything still is, answers the first question.
    drop(searches);
    drop(home.turn().await);
    assert_eq!(names(&home.discovers("compost")), [""; 0], "the question was asked before");
    // The deletion is not durable in time: the second question has no answer.
    home.waits_for("tab", attached["seq"].as_u64().unwrap(), "discover.changed").await;
    let answer = home.discovers("compost");
    assert_eq!(answer, json!({ "rooms": [], "pending": [], "partial": [AccountId(1)] }));
    assert_eq!(home.store.searches(), 1);
    drop(writes);
    home.is_kept_again().await;
    home.clock.advance(5_000);
    let answer = home.found_at_last("compost").await;
    assert_eq!((names(&answer), &answer["partial"]), (vec!["Name 4", "Name 5"], &Json::Null));
}

#[tokio::test]
async fn where_the_store_does_not_answer_what_was_known_stays_and_is_said_to_be_a_part() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    let all = vec!["Name 3", "Name 4", "Name 5"];
    assert_eq!(names(&home.found_at_last("compost").await), all);
    home.clock.advance(30_000);
    // Another search of the user's does not end.
    let turn = home.turn().await;
    let answer = home.found_at_last("compost").await;
    assert_eq!((names(&answer), &answer["partial"]), (all.clone(), &json!([AccountId(1)])));
    drop(turn);
    home.clock.advance(4_999);
    assert_eq!(home.discovers("compost")["pending"], json!([]));
    home.clock.advance(1);
    assert_eq!(home.discovers("compost")["pending"], json!([AccountId(1)]), "asked again soon");
    let answer = home.found_at_last("compost").await;
    assert_eq!((names(&answer), &answer["partial"]), (all.clone(), &Json::Null));
    home.clock.advance(30_000);
    home.store.close().await.unwrap();
    let answer = home.found_at_last("compost").await;
    assert_eq!((names(&answer), &answer["partial"]), (all, &json!([AccountId(1)])));
    assert_eq!(
        home.found_at_last("warm").await,
        json!({ "rooms": [], "pending": [], "partial": [AccountId(1)] }),
        "of other words nothing was known"
    );
}

#[tokio::test]
async fn a_search_waits_in_a_conversation_that_is_closed() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    let open = |id: &str, kind: &str, conversation: u64| {
        let attached: Json = serde_json::from_slice(&home.hub.attach(&home.session, "tab").unwrap()).unwrap();
        let command = json!({ "id": id, "type": kind, "q": "compost", "conversation": ConversationId(conversation) });
        let body = json!({ "client": "tab", "commands": [command] }).to_string();
        home.hub.perform(&home.session, body.as_bytes()).unwrap();
        attached["seq"].as_u64().unwrap()
    };
    let seq = open("1", "search.save", 6);
    let saved = home.waits_for("tab", seq, "command.done").await["result"]["search"].clone();
    let seq = open("2", "search.open", 6);
    let opened_search = home.waits_for("tab", seq, "command.done").await["result"]["search"].clone();
    assert!(saved.is_string() && opened_search.is_string() && saved != opened_search);
    let seq = open("3", "search.open", 99);
    assert_eq!(home.waits_for("tab", seq, "command.failed").await["error"]["code"], "no_such_conversation", "nobody's");
    // The conversation opens again, and a message there is a hit of the saved one and of the one that is open now; one elsewhere is of neither.
    let seq = open("4", "search.open", 6);
    let third = home.waits_for("tab", seq, "command.done").await["result"]["search"].clone();
    home.tell(vec![said(1, "compost elsewhere"), opened(6), said(6, "more compost")]);
    let updated = home.waits_for("tab", seq, "search.updated").await["seq"].as_u64().unwrap();
    let (mut hits, mut after) = (Vec::new(), seq);
    while let Some(hit) = home.next_in("tab", after, updated, "search.hit").await {
        assert_eq!((&hit["message"]["text"], &hit["conversation"]), (&json!("more compost"), &json!(ConversationId(6))), "{hit}");
        after = hit["seq"].as_u64().unwrap();
        hits.push(hit["search"].as_str().unwrap().to_owned());
    }
    hits.sort_unstable();
    let mut both = [saved, third].map(|id| id.as_str().unwrap().to_owned());
    both.sort_unstable();
    assert_eq!(hits, both);
    // Another user's conversation is not there, though it has the id.
    let other =
        home.hub.register("Eva", &super::people::secret(super::people::PASSWORD), None, None, &super::people::from()).await.unwrap();
    home.hub.attach(&other.session, "tab").unwrap();
    let command = json!({ "id": "1", "type": "search.open", "q": "compost", "conversation": ConversationId(6) });
    home.hub.perform(&other.session, json!({ "client": "tab", "commands": [command] }).to_string().as_bytes()).unwrap();
    let failed = home.waits_in(&other.session, "tab", 0, "command.failed").await;
    assert_eq!(failed["error"]["code"], "no_such_conversation", "{failed}");
}

#[tokio::test]
async fn a_search_that_nobody_waits_for_keeps_its_turn() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    let turn = home.session.lock().keep.as_ref().unwrap().searching.clone();
    let held = home.store.hold_searches().await;
    let (hub, session) = (home.hub.clone(), home.session.clone());
    let asked: crate::wire::SearchOpen = serde_json::from_value(json!({ "q": "compost" })).unwrap();
    let search = tokio::spawn(async move { hub.search(&session, &asked, None, 50).await.map(|_| ()) });
    home.searches_are(1).await;
    // The browser goes.
    search.abort();
    assert!(search.await.unwrap_err().is_cancelled());
    assert!(turn.try_lock().is_err(), "another search of the same user may begin");
    drop(held);
    drop(tokio::time::timeout(Duration::from_secs(30), turn.lock()).await.expect("the database has ended"));
}

#[tokio::test]
async fn a_search_that_has_no_place_in_time_does_not_begin() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    let held = home.store.hold_searches().await;
    let search = crate::search::Search::of(crate::search::Query::parse("compost").unwrap());
    let now = tokio::time::Instant::now();
    let answer = home.memory().look_for(home.turn().await, home.session.id(), search, u64::MAX >> 1, 50, now).await;
    assert!(matches!(answer, Err(crate::store::StoreError::Unavailable(_))));
    home.searches_are(1).await;
    // Places are still taken, and it does not wait for one.
    drop(home.turn().await);
    assert!(now.elapsed() < Duration::from_secs(10), "{:?}", now.elapsed());
    drop(held);
}

#[tokio::test]
async fn a_search_in_a_closed_conversation_is_not_opened_for_a_tab_that_has_gone() {
    let home = Home::new().await;
    home.forgets_its_rooms().await;
    home.hub.attach(&home.session, "other").unwrap();
    let open = || {
        let attached: Json = serde_json::from_slice(&home.hub.attach(&home.session, "tab").unwrap()).unwrap();
        let command = json!({ "id": "1", "type": "search.open", "q": "compost", "conversation": ConversationId(6) });
        home.hub.perform(&home.session, json!({ "client": "tab", "commands": [command] }).to_string().as_bytes()).unwrap();
        attached["seq"].as_u64().unwrap()
    };
    let count = || home.session.lock().seldom.as_ref().unwrap().searches.count();
    // The tab attaches anew while the store is asked.
    let seq = open();
    home.hub.attach(&home.session, "tab").unwrap();
    assert_eq!(home.waits_for("tab", seq, "command.failed").await["error"]["code"], "no_such_search");
    assert_eq!(count(), (0, 0));
    // The tab goes, and another comes under the same name.
    home.hub.detach(&home.session, "tab");
    open();
    home.hub.detach(&home.session, "tab");
    home.hub.attach(&home.session, "tab").unwrap();
    let ends = async {
        while home.session.lock().keep.as_ref().unwrap().seeking > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ends).await.expect("the store answers");
    assert_eq!(count(), (0, 0));
    // A conversation that is not there leaves nothing behind, either.
    let attached: Json = serde_json::from_slice(&home.hub.attach(&home.session, "tab").unwrap()).unwrap();
    let command = json!({ "id": "2", "type": "search.open", "q": "compost", "conversation": ConversationId(99) });
    home.hub.perform(&home.session, json!({ "client": "tab", "commands": [command] }).to_string().as_bytes()).unwrap();
    assert_eq!(count(), (1, 0), "it takes a place at once");
    home.waits_for("tab", attached["seq"].as_u64().unwrap(), "command.failed").await;
    assert_eq!(count(), (0, 0));
}
