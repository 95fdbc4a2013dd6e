//! Promise: a user of the site comes back from any browser, after any restart, to the same accounts, conversations and read marks; a guest
//! becomes one without losing anything.
#![allow(clippy::expect_used)]

use bridge::time::Timestamp;
use serde_json::{Value, json};
use support::{Daemon, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

fn open_site() -> Daemon {
    Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start()
}

fn friends() -> Prosody {
    Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start()
}

fn texts(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap_or_else(|| panic!("no messages in {page}"));
    messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

fn conversation<'a>(client: &'a WireClient, id: &str) -> &'a Value {
    let all = client.snapshot["conversations"].as_array().expect("conversations");
    all.iter().find(|known| known["id"] == *id).unwrap_or_else(|| panic!("no {id} in {all:?}"))
}

/// When a message came, in milliseconds: its id begins with that.
fn arrival(id: &Value) -> i64 {
    (u64::from_str_radix(&id.as_str().expect("an id")[1..], 16).expect("a number") >> 16).cast_signed()
}

/// Kills the daemon, starts it again, and comes back with the same cookie.
fn crash(daemon: &mut Daemon, client: &mut WireClient) {
    daemon.kill();
    daemon.start();
    client.moved_to(daemon.url());
    client.attach();
}

#[test]
fn everything_is_there_after_a_crash_without_asking() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "one");
    bob.hears("one");
    bob.say("ines@localhost", "two");
    ines.hears("two");
    ines.carry_out("conversation.read", json!({ "conversation": talk }));
    bob.say("ines@localhost", "three");
    ines.hears("three");
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark", (format!("draft.{talk}")): "fo" } }));
    crash(&mut daemon, &mut ines);
    let seen = conversation(&ines, &talk);
    assert_eq!(texts(seen), ["one", "two", "three"]);
    assert_eq!((&seen["unread"], &seen["open"]), (&json!(1), &Value::Null), "{seen}");
    assert_eq!(ines.snapshot["settings"]["theme"], "dark");
    assert_eq!(ines.snapshot["settings"][format!("draft.{talk}")], "fo");
    assert_eq!(ines.account(), account);
    ines.wait_account_online(&account);
    bob.say("ines@localhost", "four");
    ines.hears("four");
    ines.say(&talk, "five");
    bob.hears("five");
    let page = ines.get(&format!("/history?conversation={talk}")).ok();
    assert_eq!(texts(&page), ["one", "two", "three", "four", "five"]);
    let gap = &page["gaps"][0];
    assert_eq!((&gap["why"], &gap["after"]), (&json!("restart"), &page["messages"][2]["id"]), "{page}");
    assert!(
        Timestamp::parse(gap["from"].as_str().expect("a time")).is_some_and(|from| arrival(&gap["after"]) <= from.0),
        "it was not down while it heard what stands before: {page}"
    );
    // An orderly stop is as good.
    daemon.stop();
    daemon.start();
    ines.moved_to(daemon.url());
    ines.attach();
    let seen = conversation(&ines, &talk);
    assert_eq!(texts(seen), ["one", "two", "three", "four", "five"]);
    assert_eq!(seen["gaps"][0], *gap, "what was missing then is still missing");
    ines.wait_account_online(&account);
}

#[test]
fn a_guest_becomes_a_user_and_loses_nothing() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let account = ines.account();
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "as a guest");
    bob.hears("as a guest");
    ines.post("/register", &json!({ "name": "Ines", "password": PASSWORD })).ok();
    // The page that is open goes on: the same log, the same ids.
    let user = ines.wait_event("the user", |event| event["type"] == "user");
    assert_eq!((&user["user"]["name"], &user["user"]["guest"]), (&json!("Ines"), &json!(false)));
    bob.say("ines@localhost", "as a user");
    ines.hears("as a user");
    // Another browser finds all.
    let mut other = daemon.client("other-tab");
    other.sign_in("ines", PASSWORD);
    assert_eq!(other.account(), account);
    assert_eq!(texts(conversation(&other, &talk)), ["as a guest", "as a user"]);
    // And so does whoever comes after a crash.
    crash(&mut daemon, &mut ines);
    assert_eq!(texts(conversation(&ines, &talk)), ["as a guest", "as a user"]);
    ines.wait_account_online(&account);
    assert_eq!(ines.snapshot["buddies"][0]["name"], "bob@localhost");
}

#[test]
fn an_account_that_was_signed_off_before_a_crash_was_so_since_then() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "one");
    bob.hears("one");
    ines.carry_out("account.disable", json!({ "account": account }));
    ines.wait_account_state(&account, &["offline"]);
    ines.carry_out("settings.set", json!({ "values": { "theme": "dark" } }));
    let since = Timestamp::now();
    crash(&mut daemon, &mut ines);
    ines.carry_out("account.enable", json!({ "account": account }));
    ines.wait_account_online(&account);
    let gaps = ines.get(&format!("/history?conversation={talk}")).ok()["gaps"].clone();
    let from = Timestamp::parse(gaps[0]["from"].as_str().expect("a time"));
    assert!(gaps[0]["why"] == "offline" && from.is_some_and(|from| from <= since), "{gaps} {since}");
}

#[test]
fn a_guest_ends_with_the_daemon_and_leaves_nothing_on_the_disk() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.sign_in_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "between the two of us");
    ines.hears("between the two of us");
    daemon.stop();
    for entry in std::fs::read_dir(daemon.data_dir()).expect("the data directory") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("its bytes");
        for trace in ["between the two of us", "ines@localhost", "bob@localhost"] {
            assert!(!bytes.windows(trace.len()).any(|part| part == trace.as_bytes()), "{trace:?} is in {}", path.display());
        }
    }
    daemon.start();
    ines.moved_to(daemon.url());
    let answer = ines.post("/attach", &json!({ "client": "ines-tab" }));
    assert_eq!((answer.status, answer.code()), (401, "session_ended"));
}

#[test]
fn history_is_paged_in_both_directions_and_around_a_message() {
    let prosody = friends();
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for number in 0..120 {
        bob.say("ines@localhost", &format!("line {number}"));
    }
    ines.hears("line 119");
    let talk = ines.open("bob@localhost");
    let get = |ines: &mut WireClient, query: &str| ines.get(&format!("/history?conversation={talk}{query}")).ok();
    let newest = get(&mut ines, "&limit=50");
    assert_eq!((texts(&newest).len(), &newest["more"]), (50, &json!(true)));
    let first = newest["messages"][0]["id"].as_str().expect("an id").to_owned();
    let older = get(&mut ines, &format!("&limit=50&before={first}"));
    assert_eq!((texts(&older)[0].as_str(), &older["more"]), ("line 20", &json!(true)));
    let oldest = get(&mut ines, &format!("&limit=50&before={}", older["messages"][0]["id"].as_str().expect("an id")));
    assert_eq!((texts(&oldest).len(), texts(&oldest)[0].as_str(), &oldest["more"]), (20, "line 0", &json!(false)));
    let last = oldest["messages"][19]["id"].as_str().expect("an id").to_owned();
    let after = get(&mut ines, &format!("&limit=10&after={last}"));
    assert_eq!((texts(&after), &after["more"]), ((20..30).map(|n| format!("line {n}")).collect(), &json!(true)));
    let around = get(&mut ines, &format!("&limit=11&around={last}"));
    let found = texts(&around);
    assert!(
        found.contains(&"line 14".to_owned()) && found.contains(&"line 19".to_owned()) && found.contains(&"line 24".to_owned()),
        "{found:?}"
    );
    assert_eq!((&around["more"], &around["more_after"]), (&json!(true), &json!(true)));
    for wrong in ["&before=m1", &format!("&before={last}&after={last}"), "&limit=x"] {
        assert_eq!(ines.get(&format!("/history?conversation={talk}{wrong}")).status, 400, "{wrong}");
    }
    let mut other = daemon.client("other-tab");
    other.register("Bob", PASSWORD);
    assert_eq!(other.get(&format!("/history?conversation={talk}")).status, 404);
}

#[test]
fn what_is_read_in_one_browser_is_read_in_all() {
    let prosody = friends();
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "unread");
    let talk = ines.wait_event("the message", |event| event["type"] == "message.received")["conversation"].as_str().expect("id").to_owned();
    let mut other = daemon.client("other-tab");
    other.sign_in("Ines", PASSWORD);
    assert_eq!(conversation(&other, &talk)["unread"], 1);
    ines.carry_out("conversation.read", json!({ "conversation": talk }));
    let read = other.wait_event("read", |event| event["type"] == "conversation.read" && event["conversation"] == *talk);
    assert_eq!(read["unread"], 0);
}

#[test]
fn what_is_said_while_offline_waits_and_goes_once_and_in_order() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.say(&talk, "at once");
    bob.hears("at once");
    ines.carry_out("account.disable", json!({ "account": account }));
    for text in ["first", "second", "not at all", "third"] {
        ines.carry_out("message.send", json!({ "conversation": talk, "text": text }));
    }
    let waiting = ines.get(&format!("/history?conversation={talk}")).ok();
    let states: Vec<_> = waiting["messages"].as_array().expect("messages").iter().map(|message| message["state"].clone()).collect();
    assert_eq!(states, ["sent", "pending", "pending", "pending", "pending"]);
    let unwanted = waiting["messages"][3]["id"].clone();
    ines.carry_out("message.cancel", json!({ "conversation": talk, "message": unwanted }));
    crash(&mut daemon, &mut ines);
    assert_eq!(texts(conversation(&ines, &talk)), ["at once", "first", "second", "third"]);
    ines.carry_out("account.enable", json!({ "account": account }));
    for text in ["first", "second", "third"] {
        assert_eq!(
            bob.wait_for("a message", |stanza| stanza.child("body").is_some()).child("body").map(|body| body.text.as_str()),
            Some(text)
        );
    }
    ines.wait_event("the third is sent", |event| {
        event["type"] == "message.updated" && event["message"]["text"] == "third" && event["message"]["state"] == "sent"
    });
    ines.attach();
    let seen = conversation(&ines, &talk);
    assert!(seen["messages"].as_array().expect("messages").iter().all(|message| message["state"] == "sent"), "{seen}");
}

#[test]
fn the_fate_of_what_waited_is_known_though_memory_has_room_for_less() {
    let prosody = friends();
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let talk = ines.open("bob@localhost");
    ines.carry_out("account.disable", json!({ "account": account }));
    for number in 0..60 {
        ines.carry_out("message.send", json!({ "conversation": talk, "text": format!("line {number}") }));
    }
    ines.carry_out("account.enable", json!({ "account": account }));
    for number in 0..60 {
        let told = ines.wait_event("what became of it", |event| {
            event["type"] == "message.updated" && event["message"]["text"] == format!("line {number}")
        });
        assert_eq!(told["message"]["state"], "sent");
    }
    bob.hears("line 59");
    let page = ines.get(&format!("/history?conversation={talk}&limit=100")).ok();
    assert_eq!(texts(&page), (0..60).map(|number| format!("line {number}")).collect::<Vec<_>>());
    assert!(page["messages"].as_array().expect("messages").iter().all(|message| message["state"] == "sent"), "{page}");
}

#[test]
fn another_password_signs_the_other_browsers_out_and_the_code_lets_in() {
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    let first = ines.register("Ines", PASSWORD);
    let mut other = daemon.client("other-tab");
    other.sign_in("INES", PASSWORD);
    assert_eq!(ines.get("/me").ok()["browsers"].as_array().map(Vec::len), Some(2));
    let wrong = ines.post("/me/password", &json!({ "old": "not the password", "new": "another password" }));
    assert_eq!((wrong.status, wrong.code()), (401, "bad_credentials"));
    let changed = ines.post("/me/password", &json!({ "old": PASSWORD, "new": "another password" })).ok();
    assert_eq!(other.get("/me").status, 401);
    assert_eq!(ines.get("/me").status, 200);
    assert_eq!(other.post("/login", &json!({ "name": "Ines", "password": PASSWORD })).status, 401);
    let recover = |client: &mut WireClient, code: &str| {
        client.post("/recover", &json!({ "name": "ines", "recovery": code, "password": "a third password" }))
    };
    assert_eq!(recover(&mut other, &first).status, 401, "an old code is worth nothing");
    let recovered = recover(&mut other, &changed["recovery"].as_str().expect("a code").to_lowercase().replace('-', " "));
    assert_eq!(recovered.status, 200);
    assert_eq!(ines.get("/me").status, 401);
    other.sign_in("ines", "a third password");
    assert_eq!(other.post("/me/sign-out", &json!({ "others": true })).status, 204);
    assert_eq!(other.get("/me").ok()["browsers"].as_array().map(Vec::len), Some(1));
    assert_eq!(other.post("/logout", &json!({})).status, 204);
    assert_eq!(other.get("/me").status, 401);
}

#[test]
fn who_deletes_themself_is_gone() {
    let prosody = friends();
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    assert_eq!(ines.post("/me/delete", &json!({ "password": "not the password" })).status, 401);
    assert_eq!(ines.post("/me/delete", &json!({ "password": PASSWORD })).status, 204);
    assert_eq!(ines.get("/me").status, 401);
    assert_eq!(ines.post("/login", &json!({ "name": "Ines", "password": PASSWORD })).status, 401);
    ines.register("Ines", PASSWORD);
    assert_eq!(ines.snapshot["accounts"], json!([]));
}

#[test]
fn a_site_lets_in_whom_it_wants() {
    let closed = Daemon::run(BELLFLOWER);
    let mut ines = closed.client("tab");
    let refused = ines.post("/register", &json!({ "name": "Ines", "password": PASSWORD }));
    assert_eq!((refused.status, refused.code()), (403, "registration_closed"));
    let open = open_site();
    let mut ines = open.client("tab");
    for (name, password, status, code) in [
        ("Ines", "short", 400, "bad_field"),
        ("", PASSWORD, 400, "bad_field"),
        ("i:nes", PASSWORD, 400, "bad_field"),
        ("Ines", PASSWORD, 200, ""),
        (" INES ", PASSWORD, 409, "name_taken"),
    ] {
        let answer = ines.post("/register", &json!({ "name": name, "password": password }));
        assert_eq!(answer.status, status, "{name} {password}: {}", answer.body);
        assert!(status == 200 || answer.code() == code, "{}", answer.body);
    }
    let bad = ines.post("/register", &json!({ "name": "Bob", "password": PASSWORD, "invite": "not one" }));
    assert_eq!((bad.status, bad.code()), (403, "bad_invite"));
}

#[test]
fn everything_can_be_taken_away() {
    let prosody = friends();
    let daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines <b>", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    // More than one page of the store.
    for number in 0..600 {
        bob.say("ines@localhost", &format!("<i>{number}</i>"));
    }
    ines.hears("<i>599</i>");
    let all = ines.get("/me/export?format=json").ok();
    assert_eq!(all["user"]["name"], "Ines <b>");
    assert_eq!(all["buddies"][0]["name"], "bob@localhost");
    let said = texts(&all["conversations"][0]);
    assert_eq!(said, (0..600).map(|number| format!("<i>{number}</i>")).collect::<Vec<_>>());
    let secret = prosody.password("ines");
    assert!(!all.to_string().contains(&secret), "no password is in it");
    let page = ines.get_text("/me/export?format=html");
    assert!(page.contains("<p>XMPP: ines@localhost/web</p>"), "{page:.2000}");
    assert!(page.contains("&lt;i&gt;599&lt;/i&gt;") && page.ends_with("</html>\n") && !page.contains("<i>"), "{page:.2000}");
    assert_eq!(ines.get("/me/export?format=xml").status, 400);
}

#[test]
fn who_comes_back_before_the_networks_have_let_go_loses_nothing() {
    let prosody = friends();
    // One worker for everything: both sessions have it.
    let config = "registration = \"open\"\nisolation = \"shared\"\nworkers = 1";
    let daemon = Daemon::builder(BELLFLOWER).config(config).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    bob.say("ines@localhost", "before");
    ines.hears("before");
    let talk = ines.open("bob@localhost");
    let workers: Vec<i32> =
        daemon.workers().iter().filter_map(|worker| i32::try_from(worker["pid"].as_u64().unwrap_or_default()).ok()).collect();
    let signal = |signal| {
        for worker in &workers {
            // SAFETY: kill takes no pointers.
            unsafe { libc::kill(*worker, signal) };
        }
    };
    // A worker that is busy: the end of the first session and the beginning of the second wait for it together.
    signal(libc::SIGSTOP);
    assert_eq!(ines.post("/logout", &json!({})).status, 204);
    ines.sign_in("Ines", PASSWORD);
    signal(libc::SIGCONT);
    ines.wait_account_online(&account);
    assert_eq!(ines.account(), account);
    assert_eq!(ines.snapshot["buddies"][0]["name"], "bob@localhost");
    assert_eq!(texts(conversation(&ines, &talk)), ["before"]);
    bob.say("ines@localhost", "after");
    ines.hears("after");
    assert_eq!(texts(&ines.get(&format!("/history?conversation={talk}")).ok()), ["before", "after"]);
}

#[test]
fn a_password_that_is_given_when_the_network_asks_is_remembered() {
    let prosody = friends();
    let mut daemon = open_site();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let account = ines.add_xmpp(&prosody, "ines");
    // What was sealed is lost with the password.
    let (well, said) = daemon.admin(&["user", "password", "Ines", "--lose-secrets"], "another password\n");
    assert!(well, "{said}");
    wait_until("the end of the session", PATIENCE, || (ines.get("/me").status == 401).then_some(()));
    ines.sign_in("Ines", "another password");
    ines.give_password(&prosody.password("ines"));
    ines.wait_account_online(&account);
    crash(&mut daemon, &mut ines);
    ines.wait_account_online(&account);
    assert_eq!(ines.snapshot["requests"], json!([]), "nothing is asked again");
}
