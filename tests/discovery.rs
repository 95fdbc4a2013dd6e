//! Promise: a word gives the rooms where it is talked about, of one's own and of those that one's networks list, at once and without a question;
//! nobody sees what another user may see; networks are asked seldom, and one that lists without end costs a bounded amount.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::fmt::Write;
use support::{Daemon, IrcPeer, Ngircd, PATIENCE, Prosody, RawServer, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

/// The answer of discovery once no network has more to tell.
fn found(client: &mut WireClient, words: &str) -> Value {
    loop {
        let answer = client.get(&format!("/discover?q={words}")).ok();
        if answer["pending"] == json!([]) {
            return answer;
        }
        client.wait_event("more rooms", |event| event["type"] == "discover.changed");
    }
}

fn names(answer: &Value) -> Vec<&str> {
    answer["rooms"].as_array().expect("rooms").iter().map(|room| room["name"].as_str().expect("a name")).collect()
}

fn room<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let rooms = answer["rooms"].as_array().expect("rooms");
    rooms.iter().find(|room| room["name"] == name).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Sets options of a room as its owner.
fn configure(owner: &mut XmppPeer, room: &str, options: &[(&str, &str)]) {
    let kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>";
    let fields = options.iter().fold(kind.to_owned(), |mut all, (name, value)| {
        let _ = write!(all, "<field var='muc#roomconfig_{name}'><value>{value}</value></field>");
        all
    });
    let form = format!("<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>{fields}</x></query>");
    owner.request("set", room, &form);
}

#[test]
fn a_word_gives_the_rooms_of_both_networks_and_one_joins_them() {
    let prosody = Prosody::with_users(["ines", "bob", "eva"]);
    let ngircd = Ngircd::builder().channel("#lounge", "Growing tomatoes").channel("#attic", "Old books").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").start();
    let (mut bob, mut eva) = (XmppPeer::connect(&prosody, "bob"), XmppPeer::connect(&prosody, "eva"));
    let tomatoes = prosody.room("tomatoes");
    bob.join(&tomatoes, "Bob");
    // Of what this server tells of a room, its description comes closest to a topic.
    configure(&mut bob, &tomatoes, &[("roomdesc", "Red and ripe")]);
    eva.join(&tomatoes, "Eva");
    bob.join(&prosody.room("garden"), "Bob");
    let mut carla = IrcPeer::connect(&ngircd, "carla");
    carla.join("#lounge");

    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let xmpp = ines.add_xmpp(&prosody, "ines");
    let irc = ines.carry_out("account.add", WireClient::irc_network(&ngircd, "ines"))["account"].clone();
    ines.wait_account_online(irc.as_str().expect("an account"));
    let first = ines.get("/discover?q=tomatoes").ok();
    assert_eq!(first["pending"].as_array().map(Vec::len), Some(2), "answered before any network has: {first}");
    let answer = found(&mut ines, "tomatoes");
    assert_eq!(answer["failed"], Value::Null, "{answer}");
    let (listed, lounge) = (room(&answer, "tomatoes"), room(&answer, "#lounge"));
    assert_eq!((&listed["people"], &listed["topic"], &listed["account"]), (&json!(2), &json!("Red and ripe"), &json!(xmpp)));
    assert_eq!((&lounge["topic"], &lounge["account"]), (&json!("Growing tomatoes"), &irc));
    assert_eq!(lounge["match"], json!({ "name": false, "topic": true, "hits": 0, "joined": false }));
    assert!(lounge["people"].as_u64().is_some_and(|people| people >= 1), "{lounge}");
    assert_eq!(names(&answer), ["tomatoes", "#lounge"], "those of the name first, and no others");
    // No question of the plugin's came to the user, and no list that a page would show.
    assert!(
        !ines.kept().any(|event| event["type"] == "request.opened" || event["type"] == "room.list" || event["type"] == "notice.opened")
    );
    assert_eq!(ines.attach()["snapshot"]["requests"], json!([]));

    // The answer has all that `room.join` takes.
    let mut join = |room: &Value| {
        let fields = json!({ "account": room["account"], "fields": room["fields"] });
        ines.carry_out("room.join", fields)["conversation"].clone()
    };
    let (inside, _) = (join(listed), join(lounge));
    bob.say_in(&tomatoes, "Green tomatoes want sun");
    ines.wait_event("the line in the room", |event| event["message"]["text"] == "Green tomatoes want sun");
    let answer = found(&mut ines, "sun");
    let own = room(&answer, "tomatoes");
    assert_eq!((&own["conversation"], &own["match"]["hits"], &own["match"]["joined"]), (&inside, &json!(1), &json!(true)), "{answer}");
    assert_eq!(names(&answer).len(), 1);
    assert_eq!(room(&found(&mut ines, "tomatoes"), "#lounge")["match"]["joined"], true);
    // A search of one account's network alone; an account that the user does not have is unknown.
    assert_eq!(ines.get("/discover?q=tomatoes&account=a1234567890abcdef").status, 404);
    let only = ines.get(&format!("/discover?q=tomatoes&account={xmpp}")).ok();
    assert!(only["rooms"].as_array().is_some_and(|rooms| rooms.iter().all(|room| room["account"] == json!(xmpp))), "{only}");
    assert_eq!(ines.get("/discover?q=%20").code(), "missing_field");
}

#[test]
fn a_room_is_found_by_its_history_alone() {
    let prosody = Prosody::with_users(["ines", "eva", "bob"]);
    let mut daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let rooms = ["allotment", "garden", "kitchen"];
    rooms.iter().for_each(|name| bob.join(&prosody.room(name), "Bob"));
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    for name in rooms {
        ines.join(&json!({ "room": name, "server": "rooms.localhost", "handle": "Ines" }));
    }
    let mut say = |name: &str, text: &str| bob.say_in(&prosody.room(name), text);
    say("allotment", "Leaf mould is as good as compost");
    ines.wait_event("a line of a room", |event| event["message"]["text"] == "Leaf mould is as good as compost");
    say("garden", "Composting takes a year");
    say("garden", "compost, then");
    say("garden", "And a compost heap");
    say("kitchen", "leaves of mint");
    // More than memory holds of a room.
    for number in 0..60 {
        rooms.iter().for_each(|name| say(name, &format!("{name} {number}")));
    }
    for name in rooms {
        ines.wait_event("the last line of a room", |event| event["message"]["text"] == format!("{name} 59"));
    }
    assert_eq!(ines.get("/discover?q=compost").ok()["rooms"], json!([]), "memory has nothing of it");
    let answer = found(&mut ines, "compost");
    assert_eq!(names(&answer), ["garden", "allotment"], "where it is talked about most first");
    assert_eq!(room(&answer, "garden")["match"]["hits"], 3, "{answer}");
    assert_eq!(names(&found(&mut ines, "mould")), ["allotment"]);
    assert_eq!(names(&found(&mut ines, "compost%20takes%20mint")), [""; 0], "all words in one message");
    // Messages are durable once a later command is done; after the restart nobody is in the rooms.
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    daemon.kill();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    ines.wait_account_online(&account);
    assert_eq!(names(&found(&mut ines, "compost")), ["garden", "allotment"]);
    // Another user of the same server, without this history, finds nothing.
    let mut eva = daemon.client("eva-tab");
    eva.register("Eva", PASSWORD);
    eva.add_xmpp(&prosody, "eva");
    for words in ["compost", "mould"] {
        assert_eq!(names(&found(&mut eva, words)), [""; 0], "{words}");
        assert_eq!(eva.get(&format!("/search?q={words}")).ok()["hits"], json!([]), "{words}");
    }
    assert_eq!(ines.get("/search?q=compost").ok()["hits"].as_array().map(Vec::len), Some(3), "the first has them");
}

#[test]
fn nobody_is_shown_the_rooms_of_another() {
    let prosody = Prosody::with_users(["ines", "eva"]);
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut owner = XmppPeer::connect_as(&prosody, "ines", "owner");
    for (name, options) in [
        ("wine-public", [("publicroom", "1"), ("membersonly", "0")]),
        ("wine-cellar", [("publicroom", "0"), ("membersonly", "1")]),
        ("wine-hidden", [("publicroom", "0"), ("membersonly", "0")]),
    ] {
        let address = prosody.room(name);
        owner.join(&address, "Owner");
        configure(&mut owner, &address, &options);
        ines.join(&json!({ "room": name, "server": "rooms.localhost", "handle": "Ines" }));
    }
    let cellar = prosody.room("wine-cellar");
    owner.topic(&cellar, "Burgundy");
    owner.say_in(&cellar, "the key of the burgundy is under the mat");
    ines.wait_event("what was said", |event| event["message"]["text"].as_str().is_some_and(|text| text.contains("under the mat")));
    let mut eva = daemon.client("eva-tab");
    eva.sign_in_xmpp(&prosody, "eva");
    // Both look, one after the other: what one's network told is not the other's answer.
    let mine = found(&mut ines, "wine");
    let mut all = names(&mine);
    all.sort_unstable();
    assert_eq!(all, ["wine-cellar", "wine-hidden", "wine-public"]);
    assert!(mine["rooms"].as_array().is_some_and(|rooms| rooms.iter().all(|room| room["match"]["joined"] == true)), "{mine}");
    assert_eq!(names(&found(&mut ines, "burgundy")), ["wine-cellar"]);
    assert_eq!(names(&found(&mut eva, "wine")), ["wine-public"]);
    assert_eq!(found(&mut eva, "burgundy")["rooms"], json!([]));
    assert_eq!(found(&mut eva, "key")["rooms"], json!([]));
}

#[test]
fn a_server_without_rooms_is_said_in_words() {
    let server = RawServer::xmpp("");
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.xmpp_network("ines") })).ok();
    ines.attach();
    ines.wait_online();
    let answer = found(&mut ines, "anything");
    assert_eq!(answer["failed"][0]["error"]["code"], "not_supported", "{answer}");
    assert!(answer["failed"][0]["error"]["message"].as_str().is_some_and(|words| words.contains("no service")), "{answer}");
    assert_eq!(ines.attach()["snapshot"]["requests"], json!([]), "nobody is asked for what the server does not have");
}

/// The most that the processes running libpurple had of the memory so far.
fn memory(daemon: &Daemon) -> u64 {
    let peak = |worker: &Value| {
        let pid = worker["pid"].as_u64().expect("a worker's process");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    };
    daemon.workers().iter().map(peak).sum()
}

#[test]
fn a_list_without_end_costs_a_bounded_amount_and_is_asked_for_once() {
    let server = RawServer::irc();
    let daemon = Daemon::run(BELLFLOWER);
    let mut ines = daemon.client("tab");
    ines.post("/login", &json!({ "network": server.irc_network("ines") })).ok();
    ines.attach();
    let mut connection = server.connection();
    let welcome = ":irc.test 001 ines :Welcome\r\n:irc.test 005 ines ELIST=CMNTU SAFELIST :are supported by this server\r\n\
                   :irc.test 254 ines 60000 :channels formed\r\n:irc.test 376 ines :End\r\n";
    connection.write(welcome).expect("the daemon is there");
    ines.wait_online();
    let pending = ines.get("/discover?q=word").ok()["pending"].clone();
    assert_eq!(pending, json!([ines.account()]));
    let heard = |connection: &support::RawConnection<String>| loop {
        let line = connection.next_within(PATIENCE).expect("a question for the list");
        if line.starts_with("LIST") {
            return line;
        }
    };
    assert_eq!(heard(&connection), "LIST >19", "the fullest rooms of a large network alone");
    let before = memory(&daemon);
    let rows = (0..100_000).fold(String::from(":irc.test 321 ines Channel :Users\r\n"), |mut all, n| {
        let _ = write!(all, ":irc.test 322 ines #word{n} {} :A word about {n}\r\n", 20 + n % 1000);
        all
    });
    connection.write(rows).expect("the daemon reads it");
    connection.write(":irc.test 323 ines :End of LIST\r\n").expect("the daemon reads it");
    let answer = found(&mut ines, "word");
    assert_eq!((names(&answer).len(), &answer["partial"]), (100, &json!([ines.account()])));
    let after = memory(&daemon);
    assert!(after < before + (24 << 20), "{before} bytes before, {after} after");
    // Neither another word nor another second is a reason to ask again.
    found(&mut ines, "about");
    found(&mut ines, "else");
    assert!(connection.answers(":irc.test PING :still-there\r\n", |line| {
        assert!(!line.starts_with("LIST"), "asked again: {line}");
        line.starts_with("PONG")
    }));
}
