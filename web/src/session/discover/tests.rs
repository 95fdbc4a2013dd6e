//! Tests of discovery: its answers, its questions to networks and how often they come, its events, and its bounds.

use super::*;
use crate::session::SessionConfig;
use crate::session::tests::{Site, account, conversation, message, types};
use bridge::command::{Command, CommandKind};
use bridge::error::CommandError;
use bridge::event::EventKind;
use bridge::id::{ConversationId, ConversationKind};
use bridge::model::{AccountStanding, AccountState, DESCRIBED, MessageKind, RoomRow};
use serde_json::{Value as Json, json};

/// A site whose user has two accounts with rooms, and one without.
fn site() -> Site {
    let site = Site::with(SessionConfig { requests_per_second: 0, ..SessionConfig::default() });
    let with = |id: u64, host: &str, lists: bool| {
        let mut made = account(id);
        made.username = format!("ines@{host}");
        made.features = ["im", "rooms"].into_iter().chain(lists.then_some("room_list")).collect();
        made
    };
    site.attach("c");
    site.tell([EventKind::AccountUpdated(with(1, "one.test", true))]);
    site.tell([EventKind::AccountAdded(with(2, "two.test", true)), EventKind::AccountAdded(with(3, "three.test", false))]);
    site.bridge.take();
    site
}

fn row(name: &str, topic: &str, people: Option<u32>) -> RoomRow {
    let fields = [("room", name), ("server", "rooms.test")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let topic = (!topic.is_empty()).then(|| topic.to_owned());
    RoomRow { name: name.to_owned(), category: false, parent: None, topic, people, fields }
}

fn found(account: u64, rows: Vec<RoomRow>, more: bool) -> RoomsFound {
    RoomsFound { account: AccountId(account), rows, described: false, more, cut: false, error: None }
}

impl Site {
    fn discover(&self, q: &str) -> Json {
        serde_json::to_value(self.hub.discover(&self.session, q, None).unwrap()).unwrap()
    }

    fn names(&self, q: &str) -> Vec<String> {
        let answer = self.discover(q);
        answer["rooms"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Takes the commands that the network side was sent.
    fn asked(&self) -> Vec<Command> {
        self.bridge.take()
    }

    fn lists(&self, told: RoomsFound) {
        self.tell([EventKind::RoomsFound(told)]);
    }
}

fn kinds(asked: &[Command]) -> Vec<String> {
    let kind = |command: &Command| match &command.kind {
        CommandKind::FindRooms(account) => format!("find {account}"),
        CommandKind::DescribeRooms { account, rooms } => format!("describe {} of {account}", rooms.len()),
        other => format!("{other:?}"),
    };
    asked.iter().map(kind).collect()
}

#[test]
fn what_is_known_is_answered_at_once_and_the_rest_is_pending() {
    let site = site();
    let answer = site.discover("rust");
    assert_eq!(answer, json!({ "rooms": [], "pending": ["a1", "a2"] }));
    assert_eq!(kinds(&site.asked()), ["find a1", "find a2"]);
    // Once more, in the middle of it: nothing is asked again.
    site.discover("rust");
    assert!(site.asked().is_empty());
    site.lists(found(1, vec![row("rust", "All about it", Some(7)), row("tea", "", Some(3))], true));
    let answer = site.discover("rust");
    assert_eq!(answer["pending"], json!(["a1", "a2"]));
    let fields = json!({ "room": "rust", "server": "rooms.test" });
    let matches = json!({ "name": true, "topic": false, "hits": 0, "joined": false });
    let room = json!({ "account": "a1", "fields": fields, "name": "rust", "topic": "All about it", "people": 7, "match": matches });
    assert_eq!(answer["rooms"], json!([room]));
    site.lists(found(1, Vec::new(), false));
    site.lists(RoomsFound { error: Some(CommandError::new("refused", "Not now.")), ..found(2, Vec::new(), false) });
    let answer = site.discover("rust");
    assert_eq!(answer["pending"], json!([]));
    assert_eq!(answer["failed"], json!([{ "account": "a2", "error": { "code": "refused", "message": "Not now." } }]));
}

#[test]
fn a_network_is_asked_again_only_when_its_list_is_old() {
    let site = site();
    site.discover("rust");
    site.asked();
    site.lists(found(1, vec![row("rust", "", Some(7))], false));
    site.lists(RoomsFound { error: Some(CommandError::new("timeout", "Nothing.")), ..found(2, Vec::new(), false) });
    site.clock.advance(FRESH_FAILED_MS - 1);
    site.discover("rust");
    assert!(site.asked().is_empty());
    site.clock.advance(1);
    site.discover("rust");
    assert_eq!(kinds(&site.asked()), ["find a2"], "the one that failed");
    site.clock.advance(FRESH_MS);
    assert_eq!(site.names("rust"), ["rust"], "an old list is better than none");
    assert_eq!(kinds(&site.asked()), ["find a1"]);
    // While an account is not signed on it is left out.
    let standing = AccountStanding::plain(AccountState::Offline);
    site.tell([EventKind::AccountState { account: AccountId(1), standing }]);
    let answer = site.discover("rust");
    assert_eq!((&answer["rooms"], &answer["pending"]), (&json!([]), &json!(["a2"])));
}

#[test]
fn accounts_of_one_server_take_turns() {
    let site = site();
    let mut second = account(2);
    second.username = "bob@ONE.test/home".to_owned();
    second.features = ["rooms", "room_list"].into_iter().collect();
    site.tell([EventKind::AccountUpdated(second)]);
    site.discover("rust");
    assert_eq!(kinds(&site.asked()), ["find a1"]);
    site.hub.tick();
    assert!(site.asked().is_empty());
    site.clock.advance(2_000);
    site.hub.tick();
    assert_eq!(kinds(&site.asked()), ["find a2"], "by the hub's clock");
}

#[test]
fn a_command_that_fails_ends_the_waiting() {
    let site = site();
    site.discover("rust");
    let origin = |at: usize, asked: &[Command]| asked[at].origin.clone();
    let asked = site.asked();
    site.tell_from(origin(0, &asked), [EventKind::CommandFailed { error: CommandError::new("busy", "A list is under way.") }]);
    site.tell_from(origin(1, &asked), [EventKind::CommandFailed { error: CommandError::new("not_connected", "Not now.") }]);
    let answer = site.discover("rust");
    assert_eq!(answer["pending"], json!([]));
    assert_eq!(answer["failed"][0]["account"], "a2");
    assert_eq!(answer["failed"].as_array().unwrap().len(), 1, "a person's own list is no failure");
    site.clock.advance(SHOWN_MS);
    site.discover("rust");
    assert_eq!(kinds(&site.asked()), ["find a1"]);
}

#[test]
fn rooms_that_fit_are_asked_what_they_are_thirty_at_most() {
    let site = site();
    site.discover("rust");
    site.asked();
    let rows = (0..200).map(|number| row(&format!("rust{number}"), "", None)).chain([row("tea", "", None), row("rustic", "", Some(3))]);
    site.lists(found(1, rows.collect(), false));
    site.lists(found(2, Vec::new(), false));
    assert_eq!(site.discover("rust")["pending"], json!(["a1"]), "until they have answered");
    let asked = site.asked();
    assert_eq!(kinds(&asked), [format!("describe {} of a1", DESCRIBED - 1)], "one of the best thirty has told already");
    let CommandKind::DescribeRooms { rooms, .. } = &asked[0].kind else { unreachable!() };
    assert_eq!(rooms[0].fields.keys().collect::<Vec<_>>(), ["room", "server"]);
    site.discover("rust");
    assert!(site.asked().is_empty());
    // The room with many people comes first. The same search asks one more room at most.
    let told = rooms.iter().map(|room| row(&room.name, "Ferris", Some(if room.name == "rust0" { 500 } else { 0 }))).collect();
    site.lists(RoomsFound { described: true, ..found(1, told, false) });
    let answer = site.discover("rust");
    assert_eq!((&answer["rooms"][0]["name"], &answer["rooms"][0]["topic"]), (&json!("rust0"), &json!("Ferris")));
    let more: usize = (0..5)
        .map(|_| {
            site.discover("rust");
            let asked = site.asked();
            site.lists(RoomsFound { described: true, ..found(1, Vec::new(), false) });
            asked
                .iter()
                .map(|command| if let CommandKind::DescribeRooms { rooms, .. } = &command.kind { rooms.len() } else { 0 })
                .sum::<usize>()
        })
        .sum();
    assert!(more <= 1, "{more}");
}

#[test]
fn ones_own_rooms_and_what_is_said_there_come_first() {
    let site = site();
    let mut room = conversation(7, ConversationKind::Room);
    (room.name, room.title, room.joined) = ("garden@rooms.test".into(), "garden".into(), Some(true));
    let now = site.hub.env().wall;
    let said = |html: &str, ago: i64| {
        let line = bridge::model::Message { time: bridge::time::Timestamp(now.0 - ago), ..message(MessageKind::Received, html) };
        EventKind::MessageAdded { conversation: ConversationId(7), message: line }
    };
    site.tell([EventKind::ConversationOpened(room), said("old <b>tomatoes</b>", 30 * 3_600_000), said("Tomatoes are ripe", 60_000)]);
    site.tell([EventKind::MessageAdded { conversation: ConversationId(7), message: message(MessageKind::System, "tomatoes has left") }]);
    let mut direct = conversation(8, ConversationKind::Im);
    direct.name = "bob".into();
    let private =
        EventKind::MessageAdded { conversation: ConversationId(8), message: message(MessageKind::Received, "tomatoes, but between us") };
    site.tell([EventKind::ConversationOpened(direct), private]);
    let answer = site.discover("tomatoes");
    assert_eq!(answer["rooms"].as_array().unwrap().len(), 1, "{answer}");
    let own = &answer["rooms"][0];
    assert_eq!((&own["conversation"], &own["match"]["hits"], &own["match"]["joined"]), (&json!("c7"), &json!(1), &json!(true)));
    // Listed as well it is one room, with what the list tells of it.
    site.lists(found(1, vec![row("Garden", "Growing things", None), row("tomatoes", "", Some(2))], false));
    let rooms = site.discover("tomatoes")["rooms"].take();
    assert_eq!(rooms[0]["topic"], "Growing things");
    assert_eq!(rooms.as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap()).collect::<Vec<_>>(), ["garden", "tomatoes"]);
    assert_eq!(site.names("growing"), ["garden"]);
}

#[test]
fn bookmarks_are_found_without_any_list() {
    let site = site();
    let fields = json!({ "room": "attic", "server": "rooms.test", "password": "secret" });
    assert!(site.accept("c", "1", json!({ "type": "bookmark.add", "account": "a3", "fields": fields, "name": "Old books" })).is_none());
    let answer = site.discover("books");
    let room = &answer["rooms"][0];
    assert_eq!((&room["account"], &room["name"], &room["fields"]["room"]), (&json!("a3"), &json!("Old books"), &json!("attic")));
    assert!(room["bookmark"].is_string() && !answer.to_string().contains("secret"), "{answer}");
}

#[tokio::test]
async fn it_is_told_that_there_is_more_but_not_at_each_row() {
    let site = site();
    let before = site.attach("d")["seq"].as_u64().unwrap();
    site.discover("rust");
    site.clock.advance(QUIET_MS);
    for number in 0..50 {
        site.lists(found(1, vec![row(&format!("rust{number}"), "", Some(1))], true));
    }
    let answer = site.poll("d", before).await;
    assert_eq!(types(&answer), ["discover.changed"]);
    assert_eq!((&answer["events"][0]["account"], &answer["events"][0]["pending"]), (&json!("a1"), &json!(true)));
    let after = answer["events"][0]["seq"].as_u64().unwrap();
    site.lists(found(1, Vec::new(), false));
    site.clock.advance(QUIET_MS);
    site.hub.tick();
    let answer = site.poll("d", after).await;
    assert_eq!((types(&answer), &answer["events"][0]["pending"]), (vec!["discover.changed"], &json!(false)), "the last word is not lost");
}

#[test]
fn a_network_that_lists_without_end_costs_a_bounded_amount() {
    let site = site();
    site.discover("word");
    let long = "word ".repeat(200);
    for batch in 0..500 {
        let rows = (0..200).map(|number| row(&format!("word{}", batch * 200 + number), &long, Some(number))).collect();
        site.lists(found(1, rows, true));
    }
    site.lists(found(1, Vec::new(), false));
    let begun = std::time::Instant::now();
    let answer = site.discover("word");
    assert!(begun.elapsed().as_millis() < 2_000, "{:?}", begun.elapsed());
    assert_eq!((answer["rooms"].as_array().unwrap().len(), &answer["partial"]), (100, &json!(["a1"])));
    assert!(answer.to_string().len() < 100_000);
    let bytes = site.hub.discovering.bytes.load(std::sync::atomic::Ordering::Relaxed);
    assert!((100_000..=2 << 20).contains(&bytes), "{bytes}");
    // Lists that nobody looks at are let go of.
    site.clock.advance(31 * 60_000);
    site.hub.discover_again();
    assert_eq!(site.hub.discovering.bytes.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn nothing_is_kept_of_what_nobody_has_looked_for() {
    let site = site();
    site.lists(found(1, vec![row("rust", "", None)], false));
    site.discover("rust");
    assert_eq!(kinds(&site.asked()), ["find a1", "find a2"]);
    let gone = |account: u64| EventKind::AccountRemoved { account: AccountId(account) };
    site.lists(found(1, vec![row("rust", "", Some(1))], true));
    assert_eq!(site.names("rust"), ["rust"]);
    site.tell([gone(1)]);
    assert_eq!(site.discover("rust")["rooms"], json!([]));
    let refused = site.hub.discover(&site.session, "rust", Some("a1")).unwrap_err();
    assert_eq!((refused.status.as_u16(), &*refused.code), (404, "no_such_account"));
}
