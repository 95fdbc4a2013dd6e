//! The database takes a change of a password and does not say so: nobody stays in whom it signed out.

use super::{BELLFLOWER, PASSWORD};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Daemon, PATIENCE, Postgres, WireClient, wait_until};

/// Backends of this program whose commit is written and waits for a standby.
fn waiting(server: &Postgres, program: &str) -> Vec<String> {
    let sql = format!("select pid from pg_stat_activity where wait_event='SyncRep' and application_name='{program}'");
    server.sql("postgres", &sql).lines().map(str::to_owned).collect()
}

/// Lets every commit wait for a standby that is not there, and sees that it does.
fn hold_commits(server: &Postgres) {
    server.sql("postgres", "alter system set synchronous_standby_names='nobody'");
    server.sql("postgres", "select pg_reload_conf()");
    let held = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !held.load(Ordering::Acquire) {
                server.sql("postgres", "comment on database postgres is 'waits'");
            }
        });
        let backends = wait_until("a commit that waits", PATIENCE, || Some(waiting(server, "psql")).filter(|all| !all.is_empty()));
        held.store(true, Ordering::Release);
        for backend in backends {
            server.sql("postgres", &format!("select pg_cancel_backend({backend})"));
        }
    });
}

fn release_commits(server: &Postgres) {
    server.sql("postgres", "alter system reset synchronous_standby_names");
    server.sql("postgres", "select pg_reload_conf()");
}

/// A site on PostgreSQL, whose user Ines has two browsers.
fn two_browsers() -> (Postgres, Daemon, WireClient, WireClient) {
    let server = Postgres::start();
    server.database("site");
    let config = format!("registration = \"open\"\ndatabase = {:?}", server.socket_url("site"));
    let daemon = Daemon::builder(BELLFLOWER).config(&config).limit("registrations_per_minute", 0).start();
    let mut ines = daemon.client("ines-tab");
    ines.register("Ines", PASSWORD);
    let mut thief = daemon.client("thief-tab");
    thief.sign_in("Ines", PASSWORD);
    (server, daemon, ines, thief)
}

#[test]
fn a_password_that_may_be_another_leaves_nobody_in() {
    let (server, _daemon, mut ines, mut thief) = two_browsers();
    hold_commits(&server);
    let change = json!({ "old": PASSWORD, "new": "another password" });
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ines.post("/me/password", &change));
        // The connection goes while the commit waits: it is done, and the daemon is not told.
        wait_until("an answer", PATIENCE, || {
            for backend in waiting(&server, "bellflower") {
                server.sql("postgres", &format!("select pg_terminate_backend({backend})"));
            }
            asking.is_finished().then_some(())
        });
        let answer = asking.join().expect("an answer");
        assert_eq!((answer.status, answer.code()), (503, "store_unavailable"), "{answer:?}");
    });
    release_commits(&server);
    wait_until("the thief's end", PATIENCE, || (thief.get("/me").status == 401).then_some(()));
    assert_eq!(ines.get("/me").status, 200, "who asked stays");
    assert_eq!(thief.post("/login", &json!({ "name": "Ines", "password": PASSWORD })).status, 401);
    thief.sign_in("Ines", "another password");
}

#[test]
fn a_password_is_another_also_when_its_commit_takes_long() {
    let (server, _daemon, mut ines, mut thief) = two_browsers();
    hold_commits(&server);
    let change = json!({ "old": PASSWORD, "new": "another password" });
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ines.post("/me/password", &change));
        // Longer than any other request waits for the store.
        let sql = "select count(*) from pg_stat_activity where wait_event='SyncRep' and application_name='bellflower' \
                   and query_start < clock_timestamp() - interval '1500 ms'";
        wait_until("a commit that waits", PATIENCE, || (server.sql("postgres", sql) != "0").then_some(()));
        release_commits(&server);
        let answer = asking.join().expect("an answer");
        assert!(answer.status == 200 && answer.body["recovery"].is_string(), "{answer:?}");
    });
    assert_eq!((ines.get("/me").status, thief.get("/me").status), (200, 401));
}
