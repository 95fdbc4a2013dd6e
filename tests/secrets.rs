//! Promise: a password that came in is afterwards in no memory of the daemon, no log, no argument or environment of a process, no error and no
//! figure. The memory of the worker that uses it has it, which shows that the search finds what is there.
//!
//! Not looked for: what the system's kernel holds, and what the networks' servers do with it.
#![allow(clippy::unwrap_used)]

#[path = "secrets/search.rs"]
mod search;

use search::{Needle, Place};
use serde_json::json;
use std::cell::RefCell;
use std::path::PathBuf;
use support::{Daemon, MariaDb, PATIENCE, Postgres, Prosody, WireClient, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// What is looked at after each step.
struct Search<'a> {
    needle: Needle,
    daemon: &'a Daemon,
}

impl Search<'_> {
    /// Where the needle is: the daemon's memory, every process's arguments and environment, log, figures, files.
    fn found(&self) -> Vec<Place> {
        let ours = search::descendants(self.daemon.id());
        let mut found = self.needle.in_memory(self.daemon.id());
        for process in ours.iter().chain([&self.daemon.id()]) {
            for file in ["cmdline", "environ"] {
                // It may just have ended.
                let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
                found.extend(self.needle.in_bytes(&format!("{file} of {process}"), &bytes));
            }
        }
        found.extend(self.needle.in_bytes("the log", self.daemon.log().as_bytes()));
        found.extend(self.needle.in_bytes("/stats", self.daemon.stats().to_string().as_bytes()));
        found.extend(self.needle.in_files(&self.daemon.data_dir()));
        found
    }

    /// Waits until it is nowhere: what is on its way has it, and nothing else may.
    fn is_nowhere(&self, after: &str) {
        let mut last = Vec::new();
        let deadline = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < deadline {
            last = self.found();
            if last.is_empty() {
                return;
            }
        }
        panic!("after {after} the password is still in {last:#?}");
    }
}

#[test]
fn a_password_stays_where_it_is_used() {
    let canary = search::canary();
    let prosody = Prosody::builder().user("ines", &canary).start();
    // Cores may be made, so that the worker's memory may be looked at.
    let daemon = Daemon::builder(BELLFLOWER).environment("RUST_LOG", "debug").table("[worker]\ncore = true\n").start();
    let search = Search { needle: Needle::new(&canary), daemon: &daemon };

    // A browser keeps its connection: what was read for the log-in must not stay in its buffers.
    let mut page = daemon.client("tab");
    page.sign_in_xmpp(&prosody, "ines");
    assert!(!search.needle.in_memory(worker(&daemon)).is_empty(), "the search finds what the worker has");
    search.is_nowhere("a log-in");

    refused(&mut daemon.client("stranger"), &prosody, &canary, &search.needle);
    search.is_nowhere("what was refused");

    // The account comes back by what the daemon keeps of it.
    let (account, before) = (page.account(), worker(&daemon));
    search::kill(before);
    wait_until("another worker", PATIENCE, || (worker(&daemon) != before).then_some(()));
    let mut again = page.tab("again");
    again.attach();
    again.wait_online();
    assert!(!search.needle.in_memory(worker(&daemon)).is_empty(), "another worker has the password");
    search.is_nowhere("a worker's crash");

    page.carry_out("account.update", json!({ "account": account, "password": canary }));
    search.is_nowhere("an update");
}

#[test]
fn the_days_of_a_user_leave_no_password_behind() {
    let (first, second, network) = (search::canary(), search::canary(), search::canary());
    let prosody = Prosody::builder().user("ines", &network).start();
    let mut daemon = Daemon::builder(BELLFLOWER)
        .config("registration = \"open\"")
        .environment("RUST_LOG", "debug")
        .table("[worker]\ncore = true\n")
        .start();
    let mut secrets = vec![first.clone(), second.clone(), network.clone()];
    let nowhere = |daemon: &Daemon, secrets: &[String], after: &str| {
        for secret in secrets {
            Search { needle: Needle::new(secret), daemon }.is_nowhere(after);
        }
    };
    let mut page = daemon.client("tab");
    secrets.push(page.register("Ines", &first));
    page.add_xmpp(&prosody, "ines");
    nowhere(&daemon, &secrets, "a registration");

    let mut other = daemon.client("other");
    assert_eq!(other.post("/login", &json!({ "name": "Ines", "password": second })).status, 401);
    assert_eq!(other.post("/recover", &json!({ "name": "Ines", "recovery": second, "password": second })).status, 401);
    other.sign_in("Ines", &first);
    nowhere(&daemon, &secrets, "a sign-in by name");

    // A crash: what was not written in order is there, too.
    daemon.kill();
    nowhere_on_disk(&daemon.data_dir(), &secrets);
    daemon.start();
    page.moved_to(daemon.url());
    page.attach();
    page.wait_account_online(&page.account());
    assert!(!Needle::new(&network).in_memory(worker(&daemon)).is_empty(), "what was sealed came back");
    nowhere(&daemon, &secrets, "a restart");

    let changed = page.post("/me/password", &json!({ "old": first, "new": second })).ok();
    secrets.push(changed["recovery"].as_str().unwrap().to_owned());
    nowhere(&daemon, &secrets, "another password");

    // What was sealed is lost, the network asks, and what is typed then is to be remembered.
    let third = search::canary();
    secrets.push(third.clone());
    let (well, said) = daemon.admin(&["user", "password", "Ines", "--lose-secrets"], &format!("{third}\n"));
    assert!(well, "{said}");
    wait_until("the end of the session", PATIENCE, || (page.get("/me").status == 401).then_some(()));
    page.sign_in("Ines", &third);
    let account = page.account();
    page.give_password(&network);
    page.wait_account_online(&account);
    nowhere(&daemon, &secrets, "a password that was asked for");
    daemon.kill();
    nowhere_on_disk(&daemon.data_dir(), &secrets);
    daemon.start();
    page.moved_to(daemon.url());
    page.attach();
    page.wait_account_online(&account);
    assert_eq!(page.snapshot["requests"], json!([]), "it is remembered");
    assert!(!Needle::new(&network).in_memory(worker(&daemon)).is_empty(), "what was sealed came back");
    nowhere(&daemon, &secrets, "a restart after that");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.sqlite");
    let (well, said) = daemon.admin(&["db", "backup", file.to_str().unwrap()], "");
    assert!(well && file.is_file(), "{said}");
    nowhere_on_disk(folder.path(), &secrets);
    let (well, said) = daemon.admin(&["audit"], "");
    assert!(well && secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    let all = page.get("/me/export?format=json").ok().to_string();
    assert!(all.contains("ines@localhost") && secrets.iter().all(|secret| !all.contains(secret)), "{all}");
    daemon.stop();
    nowhere_on_disk(&daemon.data_dir(), &secrets);
}

/// The days of a user as a server of databases sees them: sign-ins, a crash, other passwords, what is asked for anew. `dump` and `files` are all that the
/// server has, the latter after it was killed.
fn a_server_has_no_password(url: &str, dump: impl FnOnce() -> Vec<u8>, files: impl FnOnce() -> PathBuf) {
    let (first, second, third, network) = (search::canary(), search::canary(), search::canary(), search::canary());
    let prosody = Prosody::builder().user("ines", &network).start();
    let mut daemon = Daemon::builder(BELLFLOWER).config(&format!("registration = \"open\"\ndatabase = {url:?}")).start();
    let mut page = daemon.client("tab");
    let mut secrets = vec![page.register("Ines", &first)];
    page.add_xmpp(&prosody, "ines");
    let mut other = daemon.client("other");
    assert_eq!(other.post("/login", &json!({ "name": "Ines", "password": second })).status, 401);
    other.sign_in("Ines", &first);
    daemon.kill();
    daemon.start();
    page.moved_to(daemon.url());
    page.attach();
    let account = page.account();
    page.wait_account_online(&account);
    let changed = page.post("/me/password", &json!({ "old": first, "new": second })).ok();
    secrets.push(changed["recovery"].as_str().unwrap().to_owned());
    let (well, said) = daemon.admin(&["user", "password", "Ines", "--lose-secrets"], &format!("{third}\n"));
    assert!(well, "{said}");
    wait_until("the end of the session", PATIENCE, || (page.get("/me").status == 401).then_some(()));
    page.sign_in("Ines", &third);
    page.give_password(&network);
    page.wait_account_online(&account);
    // A remembered password is there after a kill: it is in the database, sealed.
    daemon.kill();
    daemon.start();
    page.moved_to(daemon.url());
    page.attach();
    page.wait_account_online(&account);
    assert_eq!(page.snapshot["requests"], json!([]), "it is remembered");
    secrets.extend([first, second, third, network]);
    // Not the daemon's business, but a thief's: the token of a browser that is signed in.
    secrets.extend([&page, &other].map(|client| client.cookie().unwrap().rsplit_once('=').unwrap().1.to_owned()));

    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.sqlite");
    let (well, said) = daemon.admin(&["db", "backup", backup.to_str().unwrap()], "");
    assert!(well, "{said}");
    std::fs::write(folder.path().join("dump"), dump()).unwrap();
    daemon.kill();
    let files = files();
    for place in [folder.path(), &files] {
        nowhere_on_disk(place, &secrets);
        assert!(!Needle::new("ines@localhost").in_files(place).is_empty(), "the search finds what is there");
    }
}

#[test]
fn no_password_is_in_mariadb_its_logs_or_a_dump() {
    let server = RefCell::new(MariaDb::start());
    server.borrow().database("site");
    let url = server.borrow().socket_url("site");
    a_server_has_no_password(
        &url,
        || server.borrow().dump("site"),
        || {
            server.borrow_mut().kill();
            server.borrow().data()
        },
    );
}

#[test]
fn no_password_is_in_postgresql_its_logs_or_a_dump() {
    let server = RefCell::new(Postgres::start());
    server.borrow().database("site");
    let url = server.borrow().socket_url("site");
    a_server_has_no_password(
        &url,
        || server.borrow().dump("site"),
        || {
            server.borrow_mut().kill();
            server.borrow().data()
        },
    );
}

/// Database, write-ahead log, back-up: nothing of these is in any of the files.
fn nowhere_on_disk(directory: &std::path::Path, secrets: &[String]) {
    assert!(std::fs::read_dir(directory).unwrap().count() > 0);
    for secret in secrets {
        let found = Needle::new(secret).in_files(directory);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn a_gateways_password_is_in_workers_that_may_have_irc_alone() {
    let (folder, canary) = (tempfile::tempdir().unwrap(), search::canary());
    let file = folder.path().join("webirc");
    std::fs::write(&file, format!("{canary}\n")).unwrap();
    let builder = Daemon::builder(BELLFLOWER).config("workers = 1").mischief("core = true\n");
    let daemon = builder.environment("BELLFLOWER_EGRESS_WEBIRC", &format!("127.0.0.1:6667={}", file.display())).start();
    daemon.client("mallory").sign_in_mischief("mallory");
    let needle = Needle::new(&canary);
    let places = |group: &str| {
        let of_group = daemon.workers().into_iter().find(|worker| worker["group"] == group).unwrap();
        needle.in_memory(u32::try_from(of_group["pid"].as_u64().unwrap()).unwrap())
    };
    assert!(!places("core").is_empty(), "the search finds what the worker has");
    let found = places("protocol prpl-mischief");
    assert!(found.is_empty(), "{found:#?}");
}

/// The process of the worker that has the account.
fn worker(daemon: &Daemon) -> u32 {
    wait_until("a worker with the account", PATIENCE, || {
        let busy = daemon.workers().into_iter().find(|worker| worker["load"]["accounts"].as_u64() > Some(0))?;
        u32::try_from(busy["pid"].as_u64()?).ok()
    })
}

/// What is wrong around the password is told without it.
fn refused(page: &mut WireClient, prosody: &Prosody, canary: &str, needle: &Needle) {
    let network = WireClient::xmpp_network(prosody, "ines", canary, &json!({}));
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut network = network.clone();
        change(&mut network);
        json!({ "network": network })
    };
    let bodies = [
        with(&|network| network["protocol"] = json!("prpl-nothing")),
        with(&|network| network["username"] = json!("")),
        with(&|network| network["password"] = json!(format!("{canary}\n"))),
        with(&|network| network["password"] = json!([canary])),
        with(&|network| network["password"] = json!({ canary: canary })),
        with(&|network| network["options"]["port"] = json!(canary)),
        json!({ "name": "ines", "password": canary }),
        json!({ "name": canary }),
        json!(canary),
    ];
    for body in bodies {
        let answer = page.post("/login", &body);
        assert!((400..500).contains(&answer.status), "{answer:?}");
        let found = needle.in_bytes("an answer", format!("{answer:?}").as_bytes());
        assert!(found.is_empty(), "{found:?}");
    }
}
