//! Promise: nobody tries many passwords, nobody keeps a user out or waiting, and the administrator sees who tries; limits of a user's own hold.
#![allow(clippy::expect_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::{Answer, Daemon, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";
const WRONG: &str = "not the password of anybody";

fn tries(daemon: &Daemon, address: &str, name: &str, password: &str) -> Answer {
    daemon.client("stranger").at(address).post("/login", &json!({ "name": name, "password": password }))
}

/// Checks that an answer says no, and when to come back.
fn comes_back(answer: &Answer, code: &str) {
    let status = if code == "busy" { 503 } else { 429 };
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert!(answer.body["error"]["retry_ms"].as_u64() > Some(0) && answer.header("retry-after").is_some(), "{answer:?}");
}

fn done(daemon: &Daemon, arguments: &[&str]) -> String {
    let (well, said) = daemon.admin(arguments, "");
    assert!(well, "{arguments:?}: {said}");
    said
}

#[test]
fn strangers_use_up_their_own_tries_and_keep_nobody_out() {
    let daemon = Daemon::builder(BELLFLOWER)
        .config("registration = \"open\"\ntrusted_proxies = [\"127.0.0.1\"]")
        .limit("registrations_per_minute", 0)
        .limit("guesses_per_hour", 8)
        .start();
    let mut ines = daemon.client("ines-tab").at("198.51.100.1");
    let recovery = ines.register("Ines", PASSWORD);
    // Four networks with two tries each, for a name that there is and one that there is not.
    for name in ["Ines", "hunter2 is my password"] {
        for network in 1..=4 {
            let from = |host: u8| format!("203.0.{network}.{host}");
            for host in 1..=2 {
                let wrong = tries(&daemon, &from(host), name, WRONG);
                assert_eq!((wrong.status, wrong.code()), (401, "bad_credentials"), "{network} {host}");
            }
            comes_back(&tries(&daemon, &from(3), name, WRONG), "rate_limited");
        }
        comes_back(&tries(&daemon, "203.0.9.1", name, WRONG), "rate_limited");
    }
    comes_back(&tries(&daemon, "203.0.9.1", " INES", PASSWORD), "rate_limited");
    assert_eq!(tries(&daemon, "203.0.9.1", "Bob", WRONG).code(), "bad_credentials", "of another name others");
    // In a browser where she has signed in before she comes in, from wherever; so does who has her recovery code.
    assert_eq!(ines.post("/logout", &json!({})).status, 204);
    let mut ines = ines.at("203.0.9.2");
    assert_eq!(ines.post("/login", &json!({ "name": "Ines", "password": WRONG })).code(), "bad_credentials");
    ines.sign_in("Ines", PASSWORD);
    let mut elsewhere = daemon.client("elsewhere").at("203.0.9.3");
    let recovered = elsewhere.post("/recover", &json!({ "name": "Ines", "recovery": recovery, "password": "another password" }));
    assert_eq!(recovered.status, 200, "{recovered:?}");
    // What the administrator sees: who, how often, from where; and not what somebody typed where the name belongs.
    let log = wait_until("the failures", PATIENCE, || {
        let log = done(&daemon, &["audit"]);
        log.contains("Failed in the last 24 hours").then_some(log)
    });
    assert!(log.lines().any(|line| line.contains("\tsign_in_failed\tInes\t1 time from 203.0.1.1 (")), "{log}");
    assert!(log.lines().any(|line| line.contains("\tsign_in_refused\tInes\t")), "{log}");
    assert!(log.lines().any(|line| line.contains("\tsign_in_failed\t-\t") && line.contains("with 1 name that nobody has")), "{log}");
    assert!(log.lines().any(|line| line.contains("\tregister\tInes\t")) && log.contains("\trecovery\tInes\t"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains(WRONG) && !daemon.log().contains("hunter2"), "{log}");
    let of_her = done(&daemon, &["audit", "ines"]);
    assert!(of_her.contains("sign_in_failed") && !of_her.contains("nobody has"), "{of_her}");
}

#[test]
fn failures_are_written_down_when_the_daemon_ends() {
    let mut daemon = Daemon::builder(BELLFLOWER).config("trusted_proxies = [\"127.0.0.1\"]").start();
    for _ in 0..3 {
        tries(&daemon, "203.0.113.7", "nobody at all", WRONG);
    }
    daemon.stop();
    let log = done(&daemon, &["audit"]);
    let sum = "# Failed in the last 24 hours: 3, from 1 addresses, most from 203.0.113.7 (3)";
    assert!(log.lines().any(|line| line == sum), "{log}");
}

#[test]
fn a_crowd_of_strangers_keeps_no_user_waiting() {
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("guesses_per_hour", 0).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let (stop, busy) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // More than run and wait.
        for number in 0..38 {
            let (daemon, stop, busy) = (&daemon, &stop, &busy);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({ "name": format!("stranger {number}"), "password": WRONG });
                    // One that waits too long is no concern of this test.
                    let answer = daemon.client("stranger").try_post("/login", &body);
                    busy.fetch_add(usize::from(answer.is_ok_and(|answer| answer.code() == "busy")), Ordering::Relaxed);
                }
            });
        }
        // There is no room for strangers any more.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until("a full house", PATIENCE, || (busy.load(Ordering::Relaxed) > 5).then_some(()));
            let code = ines.post("/me/recovery", &json!({ "password": PASSWORD }));
            assert_eq!(code.status, 200, "{code:?}");
            let wrong = ines.post("/me/password", &json!({ "old": WRONG, "new": PASSWORD }));
            assert_eq!((wrong.status, wrong.code()), (401, "bad_credentials"), "{wrong:?}");
            // Nor at the door, in a browser that is known.
            assert_eq!(ines.post("/logout", &json!({})).status, 204);
            ines.sign_in("Ines", PASSWORD);
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn registrations_from_one_address_are_paced() {
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 2).start();
    let register = |name: &str| daemon.client("tab").post("/register", &json!({ "name": name, "password": PASSWORD }));
    assert_eq!((register("Ines").status, register("Bob").status), (200, 200));
    comes_back(&register("Mallory"), "rate_limited");
    assert_eq!(tries(&daemon, "127.0.0.1", "Ines", PASSWORD).status, 200, "signing in is counted apart");
}

/// What a command is refused with.
fn refusal(answer: &Answer) -> &Value {
    &answer.body["rejected"][0]["error"]
}

#[test]
fn accounts_cannot_be_added_without_end() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon =
        Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("commands_per_second", 5).limit("accounts_per_user", 3).start();
    let mut ines = daemon.client("tab");
    ines.register("Ines", PASSWORD);
    let mut network = WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &json!({}));
    network["enabled"] = json!(false);
    // Each counts for ten: of twenty at once two pass.
    let mut taken = 0;
    let stopped = (0..20).find_map(|_| {
        let id = ines.new_id();
        let answer = ines.post_command(&id, "account.add", network.clone());
        taken += usize::from(answer.status == 202);
        (answer.status != 202).then_some(answer)
    });
    let stopped = stopped.expect("something stops it");
    comes_back(&stopped, "rate_limited");
    assert!((1..=3).contains(&taken), "{taken}");
    // And in the end there are three, also when each is waited for.
    let full = wait_until("the limit", PATIENCE, || {
        let id = ines.new_id();
        let answer = ines.post_command(&id, "account.add", network.clone());
        (refusal(&answer)["code"] == "limit").then_some(answer)
    });
    assert!(refusal(&full)["message"].as_str().is_some_and(|said| said.contains("At most 3 accounts")), "{full:?}");
    ines.attach();
    assert_eq!(ines.snapshot["accounts"].as_array().map(Vec::len), Some(3));
}

#[test]
fn limits_of_a_users_own_take_the_place_of_the_sites() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("registration = \"open\"").limit("registrations_per_minute", 0).start();
    assert!(daemon.admin(&["user", "add", "Ines"], &format!("{PASSWORD}\n")).0);
    done(&daemon, &["user", "limit", "Ines", "--accounts", "1", "--storage-mb", "1", "--commands-per-second", "2"]);
    let mut ines = daemon.client("tab");
    ines.sign_in("Ines", PASSWORD);
    ines.add_xmpp(&prosody, "ines");
    let limits = ines.get("/me").ok()["limits"].clone();
    assert_eq!(limits, json!({ "accounts": 1, "storage_bytes": 1 << 20 }));
    let network = WireClient::xmpp_network(&prosody, "bob", &prosody.password("bob"), &json!({}));
    let mut adds = |code: &str| {
        wait_until(&format!("account.add with {code:?}"), PATIENCE, || {
            let id = ines.new_id();
            let answer = ines.post_command(&id, "account.add", network.clone());
            (refusal(&answer)["code"].as_str().unwrap_or_default() == code).then_some(())
        });
    };
    adds("limit");
    // A session that runs learns of a change.
    done(&daemon, &["user", "limit", "Ines", "--accounts", "2"]);
    adds("");
    // Another user has the site's.
    let mut bob = daemon.client("bob-tab");
    bob.register("Bob", PASSWORD);
    assert_eq!(bob.get("/me").ok()["limits"]["accounts"], 20);
    // Storage: what is said is shown, and from some point on not kept, and that is said.
    let mut peer = XmppPeer::connect(&prosody, "bob");
    for number in 0..24 {
        peer.say("ines@localhost", &format!("{number} {}", "x".repeat(50_000)));
    }
    peer.say("ines@localhost", "the last one");
    let heard = ines.wait_event("the last", |event| event["type"] == "message.received" && event["message"]["text"] == "the last one");
    ines.wait_event("the notice", |event| event["type"] == "notice.opened" && event["notice"]["title"] == "Your storage is full");
    let talk = heard["conversation"].as_str().expect("an id").to_owned();
    let page = ines.get(&format!("/history?conversation={talk}&limit=100")).ok();
    let kept = page["messages"].as_array().expect("messages").len();
    assert!((15..24).contains(&kept), "{kept}");
    assert!(page["gaps"].as_array().is_some_and(|gaps| gaps.iter().all(|gap| gap["why"] == "store")), "{}", page["gaps"]);
    // Commands: two a second, eight at once.
    let commands: Vec<_> = (0..30).map(|i| json!({ "id": format!("c{i}"), "type": "settings.set", "values": {} })).collect();
    let answer = ines.post("/commands", &json!({ "client": "tab", "commands": commands }));
    assert!(answer.body["accepted"].as_array().map_or(0, Vec::len) <= 8, "{answer:?}");
    assert!(answer.body["rejected"].to_string().contains("rate_limited"), "{answer:?}");
}
