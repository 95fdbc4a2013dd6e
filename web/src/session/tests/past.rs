//! Rooms that are found by what is stored alone, and searches in conversations that the session does not hold; of a user with a real SQLite.

use super::people::Home;
use super::*;

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

    /// The next event in this tab, of one kind.
    async fn waits_for(&self, client: &str, after: u64, kind: &str) -> Json {
        self.waits_in(&self.session, client, after, kind).await
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
    for typed in ["co", "com", "comp", "compo", "compos", "compost"] {
        home.discovers(typed);
    }
    assert_eq!(names(&home.found_at_last("compost").await).len(), 3);
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
    // The conversation opens again, and a message there is a hit of both.
    let seq = open("4", "search.open", 6);
    let third = home.waits_for("tab", seq, "command.done").await["result"]["search"].clone();
    home.tell(vec![opened(6), said(6, "more compost"), said(1, "compost elsewhere")]);
    let hit = home.waits_for("tab", seq, "search.hit").await;
    assert_eq!((&hit["message"]["text"], &hit["conversation"]), (&json!("more compost"), &json!(ConversationId(6))));
    assert!([&saved, &third].contains(&&hit["search"]), "{hit}");
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
    let asks = async {
        while !home.store.has_search_of(home.session.id()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asks).await.expect("the store is asked");
    // The browser goes.
    search.abort();
    assert!(search.await.unwrap_err().is_cancelled());
    assert!(turn.try_lock().is_err(), "another search of the same user may begin");
    drop(held);
    drop(tokio::time::timeout(Duration::from_secs(30), turn.lock()).await.expect("the database has ended"));
}
