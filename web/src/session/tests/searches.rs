//! Searches over what the hub holds, searches that wait, and searches that are saved; of guests, and of a user with a real SQLite.

use super::people::Home;
use super::*;
use crate::wire::SearchOpen;

fn asked(fields: Json) -> SearchOpen {
    serde_json::from_value(fields).unwrap()
}

/// The texts of an answer's hits.
fn texts(answer: &Json) -> Vec<&str> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["message"]["text"].as_str().unwrap()).collect()
}

impl Site {
    fn find(&self, fields: Json) -> Result<Json, String> {
        self.page(fields, None, 50)
    }

    fn page(&self, fields: Json, before: Option<u64>, limit: usize) -> Result<Json, String> {
        let found = self.hub.search(&self.session, &asked(fields), before, limit).now_or_never().unwrap();
        found.map(|body| serde_json::from_slice(&body).unwrap()).map_err(|error| error.code.into_owned())
    }

    /// The events of a poll from here on, without those of commands.
    async fn told(&self, client: &str, after: u64) -> Vec<Json> {
        let answer = self.poll(client, after).await;
        let all = answer["events"].as_array().unwrap().clone();
        all.into_iter().filter(|event| event["type"].as_str().unwrap().starts_with("search.")).collect()
    }

    fn seq(&self, client: &str) -> u64 {
        self.attach(client)["seq"].as_u64().unwrap()
    }

    /// The result of a command that the hub carries out by itself.
    fn result(&self, client: &str, id: &str, command: Json) -> Json {
        assert_eq!(self.accept(client, id, command), None);
        let state = self.session.lock();
        let client = state.clients.iter().find(|known| &*known.id == client).unwrap();
        let fate = client.fates().into_iter().find(|fate| fate.id == id).unwrap();
        serde_json::to_value(fate).unwrap()
    }
}

#[test]
fn guests_search_what_the_hub_holds() {
    let site = Site::new();
    site.tell([opened(1), opened(2), said(1, "The <b>apple</b> is red"), said(2, "an Apple pie"), said(2, "no fruit")]);
    let mut system = message(MessageKind::System, "apple joined");
    system.from.name = String::new();
    site.tell([EventKind::MessageAdded { conversation: ConversationId(1), message: system }]);
    let all = site.find(json!({ "q": "apple" })).unwrap();
    assert_eq!((texts(&all), &all["more"], all.get("next")), (vec!["an Apple pie", "The apple is red"], &json!(false), None));
    let hit = &all["hits"][1];
    assert_eq!(
        (&hit["ranges"], &hit["conversation"], &hit["account"]),
        (&json!([[4, 9]]), &json!(ConversationId(1)), &json!(AccountId(1)))
    );
    assert_eq!((&hit["title"], &hit["kind"], &hit["name"]), (&json!("Name 1"), &json!("im"), &json!("name1")));
    assert_eq!(texts(&site.find(json!({ "q": "apple", "conversation": ConversationId(2) })).unwrap()), ["an Apple pie"]);
    assert_eq!(texts(&site.find(json!({ "q": "ap* pi*", "from": "JOE@example.org" })).unwrap()), ["an Apple pie"]);
    assert_eq!(texts(&site.find(json!({ "q": "apple", "from": "joe" })).unwrap()), [""; 0]);
    assert_eq!(texts(&site.find(json!({ "q": "apple", "until": "1970-01-01" })).unwrap()), [""; 0]);
    assert_eq!(texts(&site.find(json!({ "q": "apple", "since": "1970-01-01" })).unwrap()).len(), 2);
    let first = site.page(json!({ "q": "apple" }), None, 1).unwrap();
    assert_eq!((texts(&first), &first["next"]), (vec!["an Apple pie"], &first["hits"][0]["message"]["id"]));
    let rest = site.page(json!({ "q": "apple" }), message_number(first["next"].as_str().unwrap()), 1).unwrap();
    assert_eq!((texts(&rest), &rest["more"]), (vec!["The apple is red"], &json!(false)));
}

#[test]
fn what_cannot_be_searched_for_is_refused_in_words() {
    let site = Site::new();
    for (fields, code) in [
        (json!({ "q": " . " }), "no_words"),
        (json!({ "q": "x".repeat(1001) }), "too_long"),
        (json!({ "q": "a b c d e f g h i j k l m n o p q r s t u" }), "too_many_words"),
        (json!({ "q": "a*" }), "too_short"),
        (json!({ "q": "a", "since": "yesterday" }), "bad_field"),
        (json!({ "q": "a", "from": "x".repeat(1001) }), "too_long"),
        (json!({ "q": "a", "account": AccountId(9) }), "no_such_account"),
    ] {
        assert_eq!(site.find(fields.clone()), Err(code.to_owned()), "{fields}");
    }
    site.attach("tab");
    let open = |id: &str, fields: Json| {
        let mut command = fields;
        command["type"] = "search.open".into();
        site.refuse("tab", id, command)
    };
    // Faults that are only known when the command is carried out.
    assert_eq!(open("1", json!({}))["code"], "missing_field");
    for (id, fields, code) in [
        ("2", json!({ "q": "" }), "no_words"),
        ("3", json!({ "q": "a", "conversation": ConversationId(9) }), "no_such_conversation"),
        ("4", json!({ "q": "a", "account": AccountId(9) }), "no_such_account"),
    ] {
        let mut command = fields;
        command["type"] = "search.open".into();
        assert_eq!(site.result("tab", id, command)["error"]["code"], code);
    }
    assert_eq!(
        site.result("tab", "5", json!({ "type": "search.close", "search": "s0000000000000001" }))["error"]["code"],
        "no_such_search"
    );
}

#[test]
fn searches_cost_more_than_other_requests() {
    let site = Site::with(SessionConfig { requests_per_second: 5, ..SessionConfig::default() });
    let taken = (0..20).take_while(|_| site.find(json!({ "q": "apple" })).is_ok()).count();
    assert_eq!(taken, 4, "four seconds' worth at once, five requests each");
    assert_eq!(site.find(json!({ "q": "apple" })), Err("rate_limited".to_owned()));
}

#[tokio::test]
async fn an_open_search_hears_what_is_said() {
    let site = Site::new();
    site.tell([opened(1), opened(2)]);
    let seq = site.seq("tab");
    let open = |id: &str, fields: Json| {
        let mut command = fields;
        command["type"] = "search.open".into();
        site.result("tab", id, command)["result"]["search"].clone()
    };
    let all = open("1", json!({ "q": "apple" }));
    let here = open("2", json!({ "q": "appl*", "conversation": ConversationId(2), "from": "joe@example.org" }));
    site.tell([said(1, "an apple"), said(1, "a pear"), said(2, "Apples <i>and</i> apple pie")]);
    let told = site.told("tab", seq).await;
    let seen: Vec<_> = told.iter().map(|event| (&event["type"], &event["search"], &event["message"]["text"], &event["ranges"])).collect();
    let hit = json!("search.hit");
    let [one, two] = [json!("an apple"), json!("Apples and apple pie")];
    assert_eq!(
        seen,
        [(&hit, &all, &one, &json!([[3, 8]])), (&hit, &all, &two, &json!([[11, 16]])), (&hit, &here, &two, &json!([[0, 6], [11, 16]]))]
    );
    assert_eq!((&told[0]["conversation"], &told[0]["title"]), (&json!(ConversationId(1)), &json!("Name 1")));
    // Own words are hits, too; lines of the system and what a room replays are not.
    let last = site.attach("looker")["seq"].as_u64().unwrap();
    let own = EventKind::MessageAdded { conversation: ConversationId(1), message: message(MessageKind::Sent, "my apple") };
    let system = EventKind::MessageAdded { conversation: ConversationId(1), message: message(MessageKind::System, "apple") };
    site.tell([EventKind::ConversationOpened(conversation(3, ConversationKind::Room))]);
    let mut replayed = message(MessageKind::Received, "apple of yesterday");
    replayed.delayed = true;
    site.tell([own, system, EventKind::MessageAdded { conversation: ConversationId(3), message: replayed }]);
    let told = site.told("tab", last).await;
    assert_eq!(told.iter().map(|event| event["message"]["text"].clone()).collect::<Vec<_>>(), ["my apple"]);
    site.result("tab", "3", json!({ "type": "search.close", "search": all }));
    let last = site.attach("looker")["seq"].as_u64().unwrap();
    site.tell([said(1, "apple again"), typing(1, TypingState::Typing)]);
    assert_eq!(site.told("tab", last).await, Vec::<Json>::new());
}

#[tokio::test]
async fn open_searches_go_with_their_tab() {
    let site = Site::new();
    site.tell([opened(1)]);
    site.attach("tab");
    site.attach("other");
    let open = |client: &str, id: &str| site.result(client, id, json!({ "type": "search.open", "q": format!("apple {id}") }));
    let count = || site.session.lock().seldom.as_ref().unwrap().searches.count();
    for id in 0..60 {
        assert_eq!(open("tab", &format!("t{id}"))["state"], "done");
    }
    for id in 0..40 {
        assert_eq!(open("other", &format!("o{id}"))["state"], "done");
    }
    assert_eq!(open("other", "one more")["error"]["code"], "limit");
    assert_eq!(count(), (100, 100));
    site.attach("tab");
    assert_eq!(count(), (40, 40), "it begins anew");
    open("tab", "again");
    site.hub.detach(&site.session, "tab");
    assert_eq!(count(), (40, 40));
    // The other one is forgotten.
    site.clock.advance(SessionConfig::default().resume_ms + 1);
    site.attach("third");
    site.hub.tick();
    assert_eq!(count(), (0, 0));
}

#[tokio::test]
async fn one_message_is_told_to_few_searches() {
    let site = Site::new();
    site.tell([opened(1)]);
    let seq = site.seq("tab");
    for id in 0..50 {
        // Different ones, which all fit.
        let command = json!({ "type": "search.open", "q": "apple", "since": format!("1970-01-{:02}T00:00:00.{id:03}Z", id % 28 + 1) });
        assert_eq!(site.result("tab", &id.to_string(), command)["state"], "done");
    }
    site.tell([said(1, "apple")]);
    assert_eq!(site.told("tab", seq).await.len(), 16);
}

#[tokio::test]
async fn saved_searches_count_what_is_new() {
    let site = Site::new();
    site.tell([opened(1)]);
    let seq = site.seq("tab");
    let saved = site.result("tab", "1", json!({ "type": "search.save", "q": " apple ", "name": "Fruit" }))["result"]["search"].clone();
    site.tell([said(1, "an apple"), said(1, "apples"), said(1, "apple pie")]);
    let own = EventKind::MessageAdded { conversation: ConversationId(1), message: message(MessageKind::Sent, "my apple") };
    site.tell([own]);
    let shown = || site.snapshot()["searches"].clone();
    let seen = shown()[0]["seen"].clone();
    assert_eq!(shown(), json!([{ "id": saved, "name": "Fruit", "q": " apple ", "new": 2, "seen": seen }]));
    let told = site.told("tab", seq).await;
    let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    // Of the search itself the newest word.
    assert_eq!(kinds, ["search.hit", "search.hit", "search.updated", "search.hit"]);
    assert!(told[0]["message"]["id"].as_str() > seen.as_str());
    // The same once more is another name.
    assert_eq!(site.result("tab", "2", json!({ "type": "search.save", "q": "APPLE" }))["result"]["search"], saved);
    assert_eq!((&shown()[0]["name"], &shown()[0]["new"]), (&json!("APPLE"), &json!(2)));
    site.result("tab", "3", json!({ "type": "search.seen", "search": saved }));
    assert_eq!(shown()[0]["new"], 0);
    assert!(shown()[0]["seen"].as_str() > told[3]["message"]["id"].as_str());
    assert_eq!(site.result("tab", "4", json!({ "type": "search.close", "search": saved }))["error"]["code"], "no_such_search");
    site.result("tab", "5", json!({ "type": "search.remove", "search": saved }));
    assert_eq!(shown(), json!([]));
    assert_eq!(site.result("tab", "6", json!({ "type": "search.seen", "search": saved }))["error"]["code"], "no_such_search");
    for number in 0..100 {
        assert_eq!(site.result("tab", &format!("n{number}"), json!({ "type": "search.save", "q": format!("w{number}") }))["state"], "done");
    }
    assert_eq!(site.result("tab", "7", json!({ "type": "search.save", "q": "one more" }))["error"]["code"], "limit");
    let long = json!({ "type": "search.save", "q": "w1", "name": "x".repeat(201) });
    assert_eq!(site.result("tab", "8", long)["error"]["code"], "too_long");
}

impl Home {
    async fn found(&self, fields: Json) -> Json {
        let body = self.hub.search(&self.session, &asked(fields), None, 50).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn searches(&self, session: &Session) -> Json {
        let body = self.hub.attach(session, "looker").unwrap();
        serde_json::from_slice::<Json>(&body).unwrap()["snapshot"]["searches"].clone()
    }
}

#[tokio::test]
async fn what_is_stored_and_what_is_not_is_found_in_one_list() {
    let home = Home::new().await;
    home.talks().await;
    home.tell(vec![opened(2), opened(3)]);
    home.command(json!({ "id": "1", "type": "history.set", "conversation": ConversationId(2), "keep": false }));
    home.tell(vec![said(1, "apple one"), said(2, "apple two"), said(3, "apple three")]);
    // Without waiting: the search does.
    let all = home.found(json!({ "q": "apple" })).await;
    assert_eq!(texts(&all), ["apple three", "apple two", "apple one"]);
    let page = |before| home.hub.search(&home.session, SEARCH.get_or_init(|| asked(json!({ "q": "apple" }))), before, 1);
    let (mut before, mut seen) = (None, Vec::new());
    for _ in 0..5 {
        let page: Json = serde_json::from_slice(&page(before).await.unwrap()).unwrap();
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        before = page["next"].as_str().and_then(message_number);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["apple three", "apple two", "apple one"]);
    // A closed conversation, which the hub does not hold any more.
    home.tell(vec![EventKind::ConversationClosed { conversation: ConversationId(3) }]);
    home.session.lock().conversations.remove(&ConversationId(3));
    let hit = home.found(json!({ "q": "three" })).await["hits"][0].clone();
    assert_eq!((&hit["account"], &hit["title"]), (&json!(AccountId(1)), &json!("Name 3")));
    home.command(json!({ "id": "2", "type": "history.delete", "conversation": ConversationId(1), "whole": false }));
    assert_eq!(texts(&home.found(json!({ "q": "one" })).await), [""; 0]);
}

static SEARCH: std::sync::OnceLock<SearchOpen> = std::sync::OnceLock::new();

#[tokio::test]
async fn saved_searches_come_back_with_their_counts() {
    let home = Home::new().await;
    home.talks().await;
    home.command(json!({ "id": "1", "type": "search.save", "q": "apple", "account": AccountId(1) }));
    home.clock.advance(10);
    home.command(json!({ "id": "2", "type": "search.save", "q": "pear" }));
    home.command(json!({ "id": "3", "type": "search.save", "q": "plum" }));
    let plum = home.searches(&home.session)[2]["id"].clone();
    home.command(json!({ "id": "4", "type": "search.remove", "search": plum }));
    home.tell(vec![said(1, "an apple"), said(1, "another apple")]);
    home.commits().await;
    let before = home.searches(&home.session);
    assert_eq!((before.as_array().unwrap().len(), &before[0]["new"], &before[1]["q"]), (2, &json!(2), &json!("pear")));
    home.hub.end(&home.session, false);
    home.commits().await;
    let again = home.sign_in().await;
    let session = home.find(&again).await.unwrap();
    assert!(!Arc::ptr_eq(&session, &home.session));
    assert_eq!(home.searches(&session), before);
    // And go on.
    home.tell(vec![EventKind::AccountAdded(account(1)), opened(1), said(1, "a third apple")]);
    assert_eq!(home.searches(&session)[0]["new"], 3);
}
