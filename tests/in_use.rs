//! Promise: one process alone uses a database. A second daemon, `db restore` and `db move` are refused while there is one, on each kind of database;
//! back-ups are not; and nothing is in the way once it has ended, however that was.
#![allow(clippy::expect_used)]

use std::path::Path;
use support::{Daemon, MariaDb, PATIENCE, Postgres, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
const PASSWORD: &str = "a long enough password";

fn done(daemon: &Daemon, arguments: &[&str]) -> String {
    let (well, said) = daemon.admin(arguments, "");
    assert!(well, "{arguments:?}: {said}");
    said
}

/// Says what to do, too.
fn in_use(daemon: &Daemon, arguments: &[&str]) {
    let (well, said) = daemon.admin(arguments, "");
    assert!(!well && said.contains("in use by another process") && said.contains("stop the daemon"), "{arguments:?}: {said}");
}

/// Tests the mark of one kind of database. `database` is the line of the settings, `url` its address. `lost` takes the mark from the daemon without
/// the daemon's doing, and returns when the daemon has it again.
fn holds(database: &str, url: impl Fn(&Daemon) -> String, lost: impl FnOnce(&Daemon)) {
    let mut daemon = Daemon::builder(BELLFLOWER).config(&format!("registration = \"open\"\n{database}")).start();
    daemon.client("tab").register("Ines", PASSWORD);
    let folder = tempfile::tempdir().expect("a directory");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (backup, elsewhere) = (place("backup.sqlite"), format!("sqlite:{}", place("elsewhere.sqlite")));
    let stopped = {
        let mut other = Daemon::run(BELLFLOWER);
        other.stop();
        other
    };
    let refused = |daemon: &Daemon| {
        in_use(daemon, &["db", "move", &elsewhere]);
        assert!(!Path::new(&place("elsewhere.sqlite")).exists(), "it is not even made");
        in_use(daemon, &["db", "restore", &backup]);
        in_use(&stopped, &["db", "move", &url(daemon)]);
    };
    // While it runs.
    done(&daemon, &["db", "backup", &backup]);
    assert!(done(&daemon, &["db", "check"]).contains("as it should be"));
    std::thread::scope(|scope| {
        // A second daemon waits for some seconds, as the one before it may be ending.
        let second = scope.spawn(|| in_use(&daemon, &["serve"]));
        refused(&daemon);
        assert!(done(&daemon, &["user", "list"]).starts_with("Ines\tenabled"), "other commands go on");
        second.join().expect("a second daemon is refused");
    });
    lost(&daemon);
    refused(&daemon);
    daemon.client("tab").sign_in("Ines", PASSWORD);
    // Killed, it is in nobody's way.
    daemon.kill();
    assert!(done(&daemon, &["db", "move", &elsewhere]).contains("Everything is in"));
    daemon.start();
    daemon.client("tab").sign_in("Ines", PASSWORD);
    in_use(&daemon, &["db", "restore", &backup]);
}

#[test]
fn a_file_of_sqlite_is_one_process_s() {
    let path = |daemon: &Daemon| daemon.data_dir().join("bellflower.sqlite").display().to_string();
    let lost = |daemon: &Daemon| {
        let lock = path(daemon) + "-lock";
        std::fs::remove_file(&lock).expect("the lock");
        wait_until("another lock", PATIENCE, || Path::new(&lock).exists().then_some(()));
    };
    holds("", |daemon| format!("sqlite:{}", path(daemon)), lost);
}

#[test]
fn a_database_of_postgresql_is_one_process_s() {
    let mut server = Postgres::start();
    server.database("site");
    let url = server.socket_url("site");
    holds(
        &format!("database = {url:?}"),
        |_| url.clone(),
        |_| {
            server.kill();
            server.restart();
            let marked = "select count(*) from pg_locks where locktype='advisory' and granted";
            wait_until("the mark", PATIENCE, || (server.sql("site", marked) == "1").then_some(()));
        },
    );
}

#[test]
fn a_database_of_mariadb_is_one_process_s() {
    let mut server = MariaDb::start();
    server.database("site");
    let url = server.socket_url("site");
    holds(
        &format!("database = {url:?}"),
        |_| url.clone(),
        |_| {
            server.kill();
            server.restart();
            let marked = "select is_used_lock(concat('bellflower use ',left(sha2('site',256),32))) is not null";
            wait_until("the mark", PATIENCE, || (server.sql("site", marked) == "1").then_some(()));
        },
    );
}
