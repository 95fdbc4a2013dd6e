//! Promise: many libpurples are one site: accounts are spread and kept apart as configured, moved without loss, and gone with the daemon.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::path::Path;
use support::{Daemon, PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Accounts in each worker with any, most first.
fn spread(daemon: &Daemon) -> Vec<u64> {
    let mut all: Vec<u64> = daemon.workers().iter().filter_map(|one| one["load"]["accounts"].as_u64()).filter(|count| *count > 0).collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    all
}

fn groups(daemon: &Daemon) -> Vec<String> {
    daemon.workers().iter().map(|one| one["group"].as_str().expect("a group").to_owned()).collect()
}

fn signed_in(daemon: &Daemon, prosody: &Prosody, tab: &str, name: &str) -> WireClient {
    let mut client = daemon.client(tab);
    client.sign_in_xmpp(prosody, name);
    client
}

#[test]
fn accounts_go_where_there_is_room_and_more_workers_are_started() {
    let prosody = Prosody::with_users(["ann", "ben", "cat", "dan", "eve"]);
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table("[worker]\naccounts = 2").start();
    let _all: Vec<_> = ["ann", "ben", "cat", "dan", "eve"].iter().map(|name| signed_in(&daemon, &prosody, name, name)).collect();
    assert_eq!(spread(&daemon), [2, 2, 1]);
}

#[test]
fn a_site_that_is_full_says_so_and_has_room_again_when_somebody_leaves() {
    let prosody = Prosody::with_users(["ann", "ben", "cat"]);
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table("[worker]\naccounts = 1\nmost = 3").start();
    // The third worker is for servers that are known, and here is none.
    daemon.allow_log("Connection refused");
    let mut ann = signed_in(&daemon, &prosody, "ann", "ann");
    let _ben = signed_in(&daemon, &prosody, "ben", "ben");
    let mut cat = daemon.client("cat");
    cat.log_in_xmpp(&prosody, "cat", &prosody.password("cat"), &json!({})).ok();
    let account = turned_away(&mut cat, "full");
    // Nor is there room for one that is to be registered first, and it is told the same.
    let mut dan = daemon.client("dan");
    let mut login = WireClient::xmpp_network(&prosody, "dan", "secret", &json!({}));
    login["register"] = json!(true);
    dan.post("/login", &json!({ "network": login })).ok();
    turned_away(&mut dan, "full");
    // Trying again helps once somebody has left, and not before.
    let id = cat.command("account.connect", json!({ "account": account }));
    assert_eq!(cat.outcome(&id).expect_err("it is still full")["code"], "full");
    assert_eq!(ann.post("/logout", &json!({})).status, 204);
    wait_until("room", PATIENCE, || {
        let id = cat.command("account.connect", json!({ "account": account }));
        cat.outcome(&id).ok()
    });
    cat.wait_account_state(&account, &["online"]);
    assert_eq!(spread(&daemon), [1, 1]);
}

/// Waits until the account of a log-in stands in error for this reason. Gives its id.
#[track_caller]
fn turned_away(client: &mut WireClient, code: &str) -> String {
    client.attach();
    let account = client.account();
    let known = client.snapshot["accounts"][0].clone();
    let failed = if known["state"] == "error" { known } else { client.wait_account_state(&account, &["error"]) };
    assert_eq!(failed["error"]["code"], code, "{failed}");
    account
}

#[test]
fn the_same_im_account_is_never_twice_in_one() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    let _one = signed_in(&daemon, &prosody, "one", "ines");
    let mut other = daemon.client("other");
    let network = json!({ "username": "Ines@LOCALHOST/elsewhere" });
    let mut login = WireClient::xmpp_network(&prosody, "ines", &prosody.password("ines"), &json!({}));
    login["username"] = network["username"].clone();
    other.post("/login", &json!({ "network": login })).ok();
    other.attach();
    other.wait_online();
    assert_eq!(spread(&daemon), [1, 1]);
}

#[test]
fn protocols_of_third_parties_have_processes_of_their_own() {
    let prosody = Prosody::with_users(["ines"]);
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").mischief("").start();
    let _ines = signed_in(&daemon, &prosody, "ines", "ines");
    daemon.client("mallory").sign_in_mischief("mallory");
    assert_eq!(groups(&daemon), ["core", "protocol prpl-mischief"]);
}

#[test]
fn what_does_not_come_with_libpurple_is_a_third_partys_whatever_its_id() {
    let prosody = Prosody::with_users(["ines"]);
    let plugins = format!("[plugins]\npaths = [{:?}]\n", support::old_plugins());
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table(&plugins).start();
    let _ines = signed_in(&daemon, &prosody, "ines", "ines");
    let mut old = daemon.client("old");
    old.post("/login", &json!({ "network": { "protocol": "prpl-aim", "username": "old" } })).ok();
    old.attach();
    old.wait_online();
    assert_eq!(groups(&daemon), ["core", "protocol prpl-aim"]);
}

#[test]
fn each_user_can_be_alone() {
    let prosody = Prosody::with_users(["ines", "ida"]);
    let daemon = Daemon::builder(BELLFLOWER).config("isolation = \"user\"").start();
    let mut ines = signed_in(&daemon, &prosody, "ines", "ines");
    let _ida = signed_in(&daemon, &prosody, "ida", "ida");
    assert_eq!(spread(&daemon), [1, 1]);
    // A second account of the same person goes to their own.
    let more = WireClient::xmpp_network(&prosody, "ida", &prosody.password("ida"), &json!({}));
    let own = groups(&daemon).into_iter().filter(|group| group.starts_with("user ")).count();
    assert_eq!(own, 2, "{:?}", groups(&daemon));
    // But not when it is the same IM account as somebody has there.
    ines.carry_out("account.add", more);
    wait_until("the account", PATIENCE, || (spread(&daemon) == [2, 1]).then_some(()));
}

#[test]
fn who_was_alone_in_a_worker_is_not_blamed_when_somebody_else_ends_it() {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let mut daemon = Daemon::builder(BELLFLOWER).config("isolation = \"user\"").table("[worker]\ncrashes = 1").start();
    daemon.allow_log("ended: signal 9");
    let mut ines = signed_in(&daemon, &prosody, "ines", "ines");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    for round in ["once", "twice"] {
        // Once she has it, her worker is done with all that came before.
        bob.say("ines@localhost", round);
        ines.hears(round);
        let worker = daemon.workers().iter().find_map(|one| (one["load"]["accounts"] == 1).then(|| one["pid"].as_u64())).flatten();
        let pid = worker.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw).expect("her worker");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ended");
        ines.wait_event("her account to be lost", |e| e["type"] == "account.state" && e["error"]["code"] == "restarting");
        ines.wait_event("her account to be back", |e| e["type"] == "account.state" && e["state"] == "online");
    }
}

#[test]
fn workers_do_not_outlive_the_daemon() {
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 3").start();
    let pids: Vec<u64> = wait_until("three workers", PATIENCE, || {
        let all = daemon.workers();
        (all.len() == 3 && all.iter().all(|one| one["state"] == "up")).then(|| all.iter().filter_map(|one| one["pid"].as_u64()).collect())
    });
    assert!(pids.iter().all(|pid| Path::new(&format!("/proc/{pid}")).exists()));
    daemon.kill();
    wait_until("the workers to end", PATIENCE, || pids.iter().all(|pid| has_ended(*pid)).then_some(()));
}

/// Gone, or waiting to be taken note of by whoever inherits it.
fn has_ended(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// A directory with the protocol that does harm, and a way to put another version of it there.
struct Plugins(tempfile::TempDir);

impl Plugins {
    fn new() -> Self {
        let plugins = Self(tempfile::tempdir().expect("a directory"));
        plugins.install(|_| {});
        plugins
    }

    /// A new file under the old name: who has the old one keeps it.
    fn install(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(Path::new(support::mischief_plugins()).join("mischief.so")).expect("the plugin");
        change(&mut bytes);
        let new = self.0.path().join("new");
        std::fs::write(&new, bytes).expect("the new plugin");
        std::fs::rename(new, self.0.path().join("mischief.so")).expect("the new plugin in its place");
    }

    /// A version that knows its option by another name.
    fn rename_option(&self) {
        const OLD: &[u8] = b"\0at_sign_on\0";
        self.install(|bytes| {
            let at = bytes.windows(OLD.len()).position(|window| window == OLD).expect("the name of the option");
            bytes[at + 1] = b'A';
        });
    }
}

/// Somebody whose account has an option that its protocol may know no more when it is made anew.
fn with_an_option(daemon: &Daemon, name: &str) -> WireClient {
    let mut client = daemon.client(name);
    let network = json!({ "protocol": "prpl-mischief", "username": name, "options": { "at_sign_on": "hello" } });
    client.post("/login", &json!({ "network": network })).ok();
    client.attach();
    client.wait_online();
    client
}

#[test]
fn an_account_that_is_refused_when_it_is_made_anew_says_why_and_can_be_mended() {
    let prosody = Prosody::with_users(["ines"]);
    let plugins = Plugins::new();
    let table = format!("[plugins]\npaths = [{:?}]", plugins.0.path());
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").limit("attaches_per_minute", 0).table(&table).start();
    let mut ines = signed_in(&daemon, &prosody, "ines", "ines");
    let mut eve = daemon.client("eve");
    eve.sign_in_mischief("eve");
    let mut mallory = with_an_option(&daemon, "mallory");
    let account = mallory.account();
    let harm = eve.open("harm");
    // The next worker has a protocol that does not take what Mallory's account is made of.
    plugins.rename_option();
    eve.command("message.send", json!({ "conversation": harm, "text": "abort" }));
    let failed = mallory.wait_account_state(&account, &["error"]);
    let error = &failed["error"];
    assert_eq!((&error["code"], &error["fatal"]), (&json!("no_such_option"), &json!(true)), "{failed}");
    assert!(error["message"].as_str().is_some_and(|words| words.contains("no option `at_sign_on`")), "{failed}");
    wait_until("the log to say so", PATIENCE, || daemon.log().contains("could not be made anew").then_some(()));
    // Who did it is back all the same, and others were never away.
    wait_until("Eve to be back", PATIENCE, || {
        eve.attach();
        (eve.snapshot["accounts"][0]["state"] == "online").then_some(())
    });
    assert_eq!(daemon.stats()["workers_restarted"], 1);
    ines.open("ines@localhost");
    // To try again as it is does not help, and is said once more.
    mallory.carry_out("account.connect", json!({ "account": account }));
    assert_eq!(mallory.wait_account_state(&account, &["error"])["error"]["code"], "no_such_option");
    mallory.attach();
    assert_eq!(mallory.snapshot["accounts"][0]["error"]["code"], "no_such_option", "it is shown to whoever comes");
    // Signed in anew, without what is refused.
    mallory.carry_out("account.remove", json!({ "account": account }));
    let anew = json!({ "protocol": "prpl-mischief", "username": "mallory" });
    let anew = mallory.carry_out("account.add", anew)["account"].as_str().expect("an account").to_owned();
    mallory.wait_event("the account", |e| e["type"] == "account.state" && e["account"] == *anew && e["state"] == "online");
    mallory.attach();
    mallory.open("somebody");
}

#[test]
fn what_is_refused_after_its_own_crash_says_why_and_not_that_it_crashed() {
    let plugins = Plugins::new();
    let table = format!("[plugins]\npaths = [{:?}]", plugins.0.path());
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table(&table).start();
    let mut mallory = with_an_option(&daemon, "mallory");
    let account = mallory.account();
    let harm = mallory.open("harm");
    plugins.rename_option();
    mallory.command("message.send", json!({ "conversation": harm, "text": "abort" }));
    assert_eq!(mallory.wait_account_state(&account, &["error"])["error"]["code"], "no_such_option");
    // One crash sets nobody aside: what it is told then is what has to be mended.
    mallory.carry_out("account.connect", json!({ "account": account }));
    assert_eq!(mallory.wait_account_state(&account, &["error"])["error"]["code"], "no_such_option");
}

#[test]
fn a_daemon_that_was_killed_leaves_nothing_for_ever() {
    let runtime = tempfile::tempdir().expect("a directory");
    let left = || runtime.path().read_dir().expect("the directory").count();
    let start = || {
        Daemon::builder(BELLFLOWER).config("workers = 1").environment("RUNTIME_DIRECTORY", &runtime.path().display().to_string()).start()
    };
    start().kill();
    assert_eq!(left(), 1);
    // A worker that was just being started holds the lock of what is left for a moment longer.
    let of_nobody = || {
        let entry = runtime.path().read_dir().expect("the directory").next()?.expect("an entry");
        std::fs::File::open(entry.path()).expect("a directory").try_lock().ok()
    };
    wait_until("its workers to be gone", PATIENCE, of_nobody);
    start().stop();
    assert_eq!(left(), 0);
}

#[test]
fn a_status_reaches_the_accounts_that_it_is_for_in_whatever_worker() {
    let prosody =
        Prosody::builder().users(["ines", "ida", "bob"]).friends("ines", "bob", "Friends").friends("ida", "bob", "Friends").start();
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table("[worker]\naccounts = 1").start();
    let mut bob = support::XmppPeer::connect(&prosody, "bob");
    let mut ines = signed_in(&daemon, &prosody, "ines", "ines");
    let first = ines.account();
    let more = WireClient::xmpp_network(&prosody, "ida", &prosody.password("ida"), &json!({}));
    let second = ines.carry_out("account.add", more)["account"].as_str().expect("an account").to_owned();
    ines.wait_event("the second account", |e| e["type"] == "account.state" && e["account"] == *second && e["state"] == "online");
    assert_eq!(spread(&daemon), [1, 1]);
    ines.carry_out("status.set", json!({ "status": "away", "message": "both", "accounts": [first, second] }));
    for who in ["ines@localhost", "ida@localhost"] {
        bob.wait_for(who, |s| s.name == "presence" && s.from_bare() == who && s.child_text("status") == Some("both"));
    }
    // One of them alone, and then the other is what is left.
    ines.carry_out("status.set", json!({ "status": "available", "message": "one", "accounts": [second] }));
    bob.wait_for("ida", |s| s.from_bare() == "ida@localhost" && s.child_text("status") == Some("one"));
    ines.carry_out("account.remove", json!({ "account": first }));
    bob.wait_for("ines's end", |s| s.from_bare() == "ines@localhost" && s.is("type", "unavailable"));
    ines.carry_out("account.remove", json!({ "account": second }));
    wait_until("both to be gone", PATIENCE, || spread(&daemon).is_empty().then_some(()));
}
