//! Promise: no route and no command of the interface gives one user anything of another's: walked by the schema itself, with another's ids,
//! cookies and cursors. A route or command without its line here fails the test.
#![allow(clippy::expect_used)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Daemon, Prosody, WireClient, XmppPeer};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

/// What the victim has, by the names that commands and routes use.
struct Things {
    account: Value,
    buddy: Value,
    conversation: Value,
    message: Value,
    browser: Value,
    bookmark: Value,
    search: Value,
}

/// The fields of each command, with the victim's ids where it takes ids. `None`: it takes none of anybody's.
fn fields(command: &str, of: &Things) -> Option<Value> {
    let Things { account, buddy, conversation, message, .. } = of;
    let nothing = json!("q1");
    Some(match command {
        "account.update" => json!({ "account": account, "options": { "port": 1 } }),
        "account.remove" | "account.enable" | "account.disable" | "account.connect" | "account.register" | "account.menu" | "room.list" => {
            json!({ "account": account })
        }
        "account.alias" => json!({ "account": account, "alias": "stolen" }),
        "account.password" => json!({ "account": account, "old": "x", "new": "y" }),
        "account.icon" => json!({ "account": account }),
        "account.action" => json!({ "account": account, "action": "0" }),
        "status.set" => json!({ "status": "away", "accounts": [account] }),
        "buddy.add" => json!({ "account": account, "name": "mallory@localhost" }),
        "buddy.remove" | "buddy.info" | "buddy.menu" | "buddy.block" | "buddy.unblock" => json!({ "buddy": buddy }),
        "buddy.alias" => json!({ "buddy": buddy, "alias": "stolen" }),
        "buddy.move" => json!({ "buddy": buddy, "group": "Stolen" }),
        "buddy.action" => json!({ "buddy": buddy, "action": "0" }),
        "buddy.merge" => json!({ "buddy": buddy, "with": buddy }),
        "buddy.split" => json!({ "buddy": buddy }),
        "group.rename" => json!({ "group": "Friends", "name": "Stolen" }),
        "group.remove" => json!({ "group": "Friends" }),
        "group.order" => json!({ "group": "Friends", "order": 1 }),
        "group.collapse" => json!({ "group": "Friends", "collapsed": true }),
        "privacy.set" => json!({ "account": account, "mode": "deny_all", "list": [] }),
        "conversation.open" => json!({ "account": account, "name": "bob@localhost" }),
        "conversation.close" | "attention.send" | "room.leave" | "history.delete" => json!({ "conversation": conversation }),
        "conversation.read" => json!({ "conversation": conversation, "upto": message }),
        "message.send" => json!({ "conversation": conversation, "text": "stolen" }),
        "message.cancel" | "message.resend" => json!({ "conversation": conversation, "message": message }),
        "message.edit" => json!({ "conversation": conversation, "message": message, "text": "stolen" }),
        "message.retract" => json!({ "conversation": conversation, "message": message }),
        "history.set" => json!({ "conversation": conversation, "keep": false }),
        "typing.set" => json!({ "conversation": conversation, "state": "typing" }),
        "room.join" => json!({ "account": account, "fields": { "room": "stolen", "server": "conference.localhost", "handle": "mallory" } }),
        "room.invite" => json!({ "conversation": conversation, "name": "mallory@localhost" }),
        "room.member" => json!({ "conversation": conversation, "member": "x" }),
        "room.topic" => json!({ "conversation": conversation, "topic": "stolen" }),
        "room.nick" => json!({ "conversation": conversation, "nick": "stolen" }),
        "room.menu" => json!({ "conversation": conversation, "name": "x" }),
        "room.action" => json!({ "conversation": conversation, "name": "x", "action": "kick" }),
        "bookmark.add" => json!({ "account": account, "fields": { "room": "stolen", "server": "conference.localhost" } }),
        "bookmark.update" => json!({ "bookmark": of.bookmark, "name": "stolen", "autojoin": true }),
        "bookmark.remove" => json!({ "bookmark": of.bookmark }),
        "room.list_stop" => json!({ "list": "l1" }),
        "transfer.send" => json!({ "conversation": conversation, "upload": "x" }),
        "transfer.accept" | "transfer.cancel" => json!({ "transfer": "t1" }),
        "request.answer" => json!({ "request": nothing, "button": "0", "values": {} }),
        "authorization.answer" => json!({ "authorization": "z1", "allow": true }),
        "notice.close" => json!({ "notice": "n1" }),
        "notice.action" => json!({ "notice": "n1", "button": "0", "row": 0 }),
        "search.open" | "search.save" => json!({ "q": "Ines", "conversation": conversation }),
        "search.close" | "search.seen" | "search.remove" => json!({ "search": of.search }),
        "pounce.add" | "pounce.remove" => json!({}),
        // These name nothing of anybody's.
        "account.add" | "client.state" | "settings.set" => return None,
        other => panic!("the command {other} has no line in this test"),
    })
}

/// Every command in the published schema.
fn commands(client: &mut WireClient) -> Vec<String> {
    let schema = client.get("/schema").ok();
    let all = schema["$defs"]["Command"]["oneOf"].as_array().unwrap_or_else(|| panic!("no commands in {schema}"));
    let commands: Vec<String> =
        all.iter().map(|command| command["properties"]["type"]["const"].as_str().expect("a command's type").to_owned()).collect();
    assert!(commands.len() > 50, "{commands:?}");
    commands
}

/// The routes of sessions below `/api/v1` that the source has, as `me/password`; `*` stands for an id.
fn routes() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web/src/api")).expect("the source") {
        let path = entry.expect("a file").path();
        // The administrator's have a port of their own, and the front page has nothing of anybody's.
        if !path.is_file() || path.file_name().is_some_and(|name| name == "admin.rs" || name == "front.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a text");
        for made in source.split("warp::path!(").skip(1) {
            let parts = made.split(')').next().expect("its end").split('/').map(|part| part.trim().trim_matches('"'));
            let parts: Vec<&str> =
                parts.filter(|part| !matches!(*part, "api" | "v1")).map(|part| if part == "String" { "*" } else { part }).collect();
            all.insert(parts.join("/"));
        }
    }
    assert!(all.len() > 15 && all.contains("me/sign-out") && all.contains("transfers/*"), "{all:?}");
    all
}

/// A path of this test as [`routes`] has it.
fn route(path: &str) -> String {
    let path = path.trim_start_matches('/').split('?').next().unwrap_or_default();
    match path.split_once('/') {
        Some((first @ ("media" | "transfers"), _)) => format!("{first}/*"),
        _ => path.to_owned(),
    }
}

fn victim(daemon: &Daemon, prosody: &Prosody) -> (WireClient, XmppPeer, Things) {
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    ines.add_xmpp(prosody, "ines");
    let mut bob = XmppPeer::connect(prosody, "bob");
    bob.say("ines@localhost", "for Ines alone");
    let heard = ines.wait_event("the message", |event| event["type"] == "message.received");
    let browser = ines.get("/me").ok()["browsers"][0]["id"].clone();
    let form = json!({ "room": "garden", "server": "conference.localhost", "password": "secret" });
    let bookmark = ines.carry_out("bookmark.add", json!({ "account": ines.account(), "fields": form }))["bookmark"].clone();
    assert!(bookmark.is_string(), "{bookmark}");
    let search = ines.carry_out("search.save", json!({ "q": "alone" }))["search"].clone();
    assert!(search.is_string(), "{search}");
    ines.attach();
    let things = Things {
        account: json!(ines.account()),
        buddy: ines.snapshot["buddies"][0]["id"].clone(),
        conversation: heard["conversation"].clone(),
        message: heard["message"]["id"].clone(),
        browser,
        bookmark,
        search,
    };
    (ines, bob, things)
}

#[test]
fn nothing_of_one_user_is_there_for_another() {
    let prosody = Prosody::builder().users(["ines", "bob", "mallory"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    let (mut ines, mut bob, things) = victim(&daemon, &prosody);
    let before = ines.attach()["snapshot"].clone();
    let mut mallory = daemon.client("mallory-tab");
    mallory.register("Mallory", PASSWORD);
    mallory.add_xmpp(&prosody, "mallory");
    for command in commands(&mut mallory) {
        let Some(fields) = fields(&command, &things) else { continue };
        let id = mallory.new_id();
        let answer = mallory.post_command(&id, &command, fields);
        if answer.body["accepted"].as_array().is_some_and(|taken| !taken.is_empty()) {
            let outcome = mallory.outcome(&id);
            assert!(outcome.is_err(), "{command} with another's ids was done: {outcome:?}");
        }
    }
    // A room can be joined by a bookmark, and a bookmark made of a room, too.
    for (command, fields) in
        [("room.join", json!({ "bookmark": things.bookmark })), ("bookmark.add", json!({ "conversation": things.conversation }))]
    {
        let id = mallory.new_id();
        let answer = mallory.post_command(&id, command, fields);
        let refused = answer.body["rejected"].as_array().is_some_and(|all| !all.is_empty()) || mallory.outcome(&id).is_err();
        assert!(refused, "{command}: {}", answer.body);
    }
    assert!(!before.to_string().contains("secret"), "a room's password is shown");
    let (conversation, message) = (&things.conversation, &things.message);
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    for (path, status) in [
        (format!("/history?conversation={}", text(conversation)), 404),
        (format!("/history?conversation={}&around={}", text(conversation), text(message)), 404),
        ("/search?q=alone".to_owned(), 200),
        (format!("/search?q=alone&conversation={}", text(conversation)), 200),
        (format!("/search?q=alone&account={}", text(&things.account)), 404),
        (format!("/discover?q=alone&account={}", text(&things.account)), 404),
        ("/discover?q=alone".to_owned(), 200),
        ("/discover?q=garden".to_owned(), 200),
        (format!("/poll?client=ines-tab&epoch={}&after=0", "0".repeat(16)), 200),
    ] {
        let answer = mallory.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(!answer.body.to_string().contains("for Ines alone"), "{path}");
        assert!(!path.starts_with("/discover") || answer.status == 404 || answer.body["rooms"] == json!([]), "{path}: {}", answer.body);
    }
    let browser = mallory.post("/me/sign-out", &json!({ "browser": things.browser }));
    assert_eq!((browser.status, browser.code()), (404, "no_such_browser"));
    assert!(!mallory.get("/me/export?format=json").body.to_string().contains("for Ines alone"));
    for path in ["/media/0", "/transfers/t1"] {
        assert_eq!(mallory.get(path).status, 404, "{path}");
    }
    assert_eq!(mallory.post("/detach", &json!({ "client": "ines-tab" })).status, 204);
    // Without any cookie nothing is there at all.
    let mut stranger = daemon.client("ines-tab");
    let gets = ["/me", "/me/export", "/history", "/poll", "/stream", "/probe", "/media/0", "/transfers/t1", "/search?q=a", "/discover?q=a"];
    let posts = ["/attach", "/commands", "/detach", "/uploads", "/me/password", "/me/recovery", "/me/sign-out", "/me/delete", "/logout"];
    for path in gets {
        assert_eq!(stranger.get(path).status, 401, "{path}");
    }
    for path in posts {
        assert_eq!(stranger.post(path, &json!({})).status, 401, "{path}");
    }
    // A new route needs its line here, and one above where it takes ids. The others let somebody in.
    let walked: BTreeSet<String> = gets.into_iter().chain(posts).chain(["login", "register", "recover"]).map(route).collect();
    let without: Vec<_> = routes().into_iter().filter(|route| !walked.contains(route)).collect();
    assert!(without.is_empty(), "no line in this test: {without:?}");
    // And the victim has seen nothing of it all.
    bob.say("ines@localhost", "still there?");
    ines.hears("still there?");
    let after = ines.attach()["snapshot"].clone();
    for part in ["accounts", "buddies", "groups", "settings", "status", "searches"] {
        assert_eq!(before[part], after[part], "{part}");
    }
}
