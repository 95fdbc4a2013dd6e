//! Promise: a protocol that behaves unlike XMPP and IRC is served as well as they are: slow joins, rooms that end first, names to show, moved buddies.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use support::{Daemon, WireClient, tide_plugins};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn daemon() -> Daemon {
    let plugins = format!("[plugins]\npaths = [{:?}]\n\n[accounts]\nreconnect_first = \"100ms\"\n", tide_plugins());
    Daemon::builder(BELLFLOWER).config("workers = 1").table(&plugins).start()
}

/// Signed in, on a network that answers after so many milliseconds.
fn ines(daemon: &Daemon, delay: u32) -> WireClient {
    let mut ines = daemon.client("tab");
    let options = json!({ "delay": delay, "shown_as": "Ines Meyer" });
    ines.post("/login", &json!({ "network": { "protocol": "prpl-tide", "username": "ines1999", "options": options } })).ok();
    ines.attach();
    ines.wait_online();
    ines
}

fn tim(ines: &mut WireClient) -> Value {
    let known = ines.attach()["snapshot"]["buddies"][0].clone();
    if known.is_null() { ines.wait_event("tim", |event| event["type"] == "buddy.added")["buddies"][0].clone() } else { known }
}

#[test]
fn a_room_that_takes_its_time_is_joined_once() {
    let daemon = daemon();
    // Longer than XMPP's join waits before it is asked again.
    let mut ines = ines(&daemon, 3_500);
    let room = ines.join(&json!({ "room": "den" }));
    let topic = ines.wait_event("the topic", |event| event["type"] == "room.topic" && event["conversation"] == *room);
    assert_eq!(topic["topic"], "joins: 1");
}

/// The first event that says of a room that one is in it, or is not, after another event.
fn joined(ines: &mut WireClient, room: &str, value: bool, after: u64) -> u64 {
    let event = ines.wait_event(&format!("joined: {value}"), |event| {
        let of_room = event["type"] == "conversation.updated" && event["conversation"]["id"] == *room;
        of_room && event["conversation"]["joined"] == value && event["seq"].as_u64() > Some(after)
    });
    event["seq"].as_u64().expect("a number")
}

#[test]
fn a_room_whose_connection_ends_first_is_joined_again() {
    let daemon = daemon();
    let mut ines = ines(&daemon, 20);
    let room = ines.join(&json!({ "room": "den" }));
    ines.command("message.send", json!({ "conversation": room, "text": "go out" }));
    let out = joined(&mut ines, &room, false, 0);
    joined(&mut ines, &room, true, out);
    ines.say(&room, "here again");
}

#[test]
fn a_room_that_was_left_is_not_joined_again() {
    let daemon = daemon();
    let mut ines = ines(&daemon, 20);
    let (left, kept) = (ines.join(&json!({ "room": "left" })), ines.join(&json!({ "room": "kept" })));
    ines.carry_out("room.leave", json!({ "conversation": left }));
    joined(&mut ines, &left, false, 0);
    ines.command("message.send", json!({ "conversation": kept, "text": "go out" }));
    let out = joined(&mut ines, &kept, false, 0);
    joined(&mut ines, &kept, true, out);
    ines.say(&kept, "here again");
    let state = ines.attach();
    let rooms = state["snapshot"]["conversations"].as_array().expect("conversations");
    let there = |id: &str| rooms.iter().find(|room| room["id"] == *id).map(|room| room["joined"].clone());
    assert_eq!((there(&left), there(&kept)), (Some(json!(false)), Some(json!(true))));
}

#[test]
fn what_one_says_is_ones_own_by_whatever_name_the_room_knows_one() {
    let daemon = daemon();
    let mut ines = ines(&daemon, 20);
    let room = ines.join(&json!({ "room": "den" }));
    let own = ines.say(&room, "it is me");
    assert_eq!((&own["from"]["name"], &own["from"]["self"]), (&json!("ines1999"), &json!(true)));
    ines.command("message.send", json!({ "conversation": room, "text": "as tim: it is not" }));
    let other = ines.hears("it is not");
    assert_eq!((&other["from"]["name"], &other["from"]["self"]), (&json!("tim"), &json!(false)), "{other}");
    let state = ines.attach();
    let known = state["snapshot"]["conversations"].as_array().expect("conversations");
    let den = known.iter().find(|conversation| conversation["id"] == *room).expect("the room");
    assert_eq!(den["unread"], 1, "what one says oneself is not unread: {den}");
}

#[test]
fn somebody_who_moves_to_another_group_stays_who_they_are() {
    let daemon = daemon();
    let mut ines = ines(&daemon, 20);
    let first = tim(&mut ines);
    let id = first["id"].clone();
    let conversation = ines.open("tim");
    let moved_to = |group: &'static str| {
        let id = id.clone();
        move |event: &Value| event["type"] == "buddy.updated" && event["buddy"]["id"] == id && event["buddy"]["group"] == group
    };
    ines.carry_out("buddy.move", json!({ "buddy": id, "group": "Second" }));
    ines.wait_event("the move", moved_to("Second"));
    ines.carry_out("group.rename", json!({ "group": "Second", "name": "Third" }));
    ines.wait_event("the new name", moved_to("Third"));
    ines.command("message.send", json!({ "conversation": conversation, "text": "to Fourth" }));
    ines.wait_event("the network's own move", moved_to("Fourth"));
    assert!(!ines.kept().any(|event| event["type"] == "buddy.removed"), "the buddy was gone in between");
    let state = ines.attach();
    let open = state["snapshot"]["conversations"].as_array().expect("conversations").iter().find(|one| one["id"] == *conversation);
    assert_eq!(open.expect("the conversation")["buddy"], id);
}

/// The options of the protocol's form, by key.
fn options(daemon: &Daemon) -> Vec<Value> {
    let offered = daemon.client("visitor").get("/protocols").ok();
    let tide = offered.as_array().expect("protocols").iter().find(|protocol| protocol["id"] == "prpl-tide").cloned();
    tide.expect("the protocol")["options"].as_array().expect("options").clone()
}

#[test]
fn what_names_things_of_the_server_is_not_for_users() {
    let daemon = daemon();
    let shown = options(&daemon);
    let keys: Vec<&str> = shown.iter().filter_map(|option| option["key"].as_str()).collect();
    assert_eq!(keys, ["delay", "shown_as", "access_token", "server"]);
    let masked: Vec<bool> = shown.iter().map(|option| option["masked"] == true).collect();
    assert_eq!(masked, [false, false, true, false], "the token alone is a secret");
    assert_eq!(shown[3]["default"], "", "the server's own name is not told");
    // Nor can it be set, nor is what the plugin announces told of an account.
    let options = json!({ "socket": "/run/other" });
    let network = json!({ "protocol": "prpl-tide", "username": "ines1999", "options": options });
    let refused = daemon.client("tab").post("/login", &json!({ "network": network }));
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("no_such_option")), "{}", refused.body);
    let mut ines = ines(&daemon, 20);
    let account = ines.attach()["snapshot"]["accounts"][0].clone();
    assert_eq!(account["options"], json!({ "delay": 20, "shown_as": "Ines Meyer" }));
}

#[test]
fn an_administrator_shows_what_users_may_set() {
    let table = format!("[plugins]\npaths = [{:?}]\nshow_options = [\"prpl-tide/socket\", \"prpl-tide/none\"]\n", tide_plugins());
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table(&table).start();
    let keys: Vec<Value> = options(&daemon).iter().map(|option| option["key"].clone()).collect();
    assert_eq!(keys, ["delay", "shown_as", "socket", "access_token", "server"]);
    assert!(daemon.log().contains("no protocol that is offered here has the option `prpl-tide/none`"), "{}", daemon.log());
}

#[test]
fn a_room_that_is_being_joined_is_asked_for_once() {
    let daemon = daemon();
    let mut ines = ines(&daemon, 500);
    let wanted = json!({ "account": ines.account(), "fields": { "room": "den" } });
    let both = [ines.command("room.join", wanted.clone()), ines.command("room.join", wanted)];
    let rooms = both.map(|command| ines.outcome(&command).expect("joined")["conversation"].clone());
    assert_eq!(rooms[0], rooms[1]);
    let topic = ines.wait_event("the topic", |event| event["type"] == "room.topic" && event["conversation"] == rooms[0]);
    assert_eq!(topic["topic"], "joins: 1");
}
