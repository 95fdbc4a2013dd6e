//! Power cuts and full disks: what was committed is there, once and in order.

use crate::make::{messages, newest, sqlite, talk, writes};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::{MariaDb, Postgres};
use web::store::sql::{Setting, Sql};
use web::store::{ConversationRow, Page, Store, StoreError, StoredMessage, Write};

/// Names what the child is for: a directory.
const CHILD: &str = "BELLFLOWER_TEST_STORE";

/// The one conversation, the same in every process.
fn fixed() -> ConversationRow {
    ConversationRow {
        user: UserId(1),
        id: ConversationId(u64::MAX),
        account: AccountId(3),
        kind: ConversationKind::Im,
        name: "bob".to_owned(),
        title: "Bob".to_owned(),
        open: true,
        read: 0,
        keep: None,
        days: None,
    }
}

/// The message of this place.
fn nth(place: u64) -> StoredMessage {
    StoredMessage {
        user: fixed().user,
        conversation: fixed().id,
        number: (place + 1) << 16,
        time: Timestamp(place.cast_signed()),
        flags: 1,
        author: "bob".to_owned(),
        alias: None,
        buddy: None,
        text: format!("line {place}"),
        spans: None,
        server_id: None,
    }
}

fn group(from: u64) -> Vec<Write> {
    let mut all = vec![Write::Conversation(fixed())];
    all.extend((from..from + 20).map(nth).map(Write::Message));
    all
}

/// Every message up to the last one, once and in order.
fn is_unbroken(page: &Page, at_least: u64) {
    assert!(page.messages.len() as u64 >= at_least, "{} of {at_least} messages that were committed", page.messages.len());
    for (place, message) in page.messages.iter().enumerate() {
        assert_eq!(*message, nth(place as u64));
    }
    assert_eq!(page.messages.len() % 20, 0, "a group is whole or not there");
}

/// This test program again, for the one test `name`.
fn child(name: &str, directory: &Path) -> Child {
    let mut command = Command::new("sh");
    // A file that grows too large is an error then, not the end.
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

fn here() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// In a process of its own: writes on from what is there, and says what is committed, until it is killed.
#[tokio::test]
async fn child_writes_until_it_is_killed() {
    let Some(directory) = here() else { return };
    let sql = Sql::open(&Setting::file(&directory.join("a.sqlite"))).await.unwrap();
    let mut place = newest(&*sql, &fixed(), 1).await.messages.first().map_or(0, |message| message.number >> 16);
    loop {
        sql.commit(&group(place)).await.unwrap();
        place += 20;
        println!("committed {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_that_was_committed() {
    let directory = tempfile::tempdir().unwrap();
    let mut total = 0;
    for round in 1..=3 {
        let mut child = child("kills::child_writes_until_it_is_killed", directory.path());
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(place) = line.rsplit_once("committed ").and_then(|(_, place)| place.parse().ok()) else { continue };
            total = place;
            seen += 1;
            if seen == round * 7 {
                // What comes after is read to the end: it was said before the end, too.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let sql = Sql::open(&Setting::file(&directory.path().join("a.sqlite"))).await.unwrap();
        is_unbroken(&newest(&*sql, &fixed(), 1_000_000).await, total);
        let wrong = sql.check().await.unwrap();
        assert!(wrong.iter().all(|what| what.contains("conversations of users")), "{wrong:?}");
        sql.close().await.unwrap();
    }
}

/// In a process of its own: files may not grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_fills_its_disk() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let Some(directory) = here() else { return };
    let (file, log) = (directory.join("a.sqlite"), directory.join("a.sqlite-wal"));
    let sql = Sql::open(&Setting::file(&file)).await.unwrap();
    sql.commit(&group(0)).await.unwrap();
    let free = getrlimit(Resource::Fsize);
    let size = std::fs::metadata(&log).unwrap().len().max(std::fs::metadata(&file).unwrap().len());
    setrlimit(Resource::Fsize, rustix::process::Rlimit { current: Some(size + 8192), ..free }).unwrap();
    let large: Vec<Write> = (20..20_020).map(nth).map(Write::Message).collect();
    for _ in 0..2 {
        let result = sql.commit(&large).await;
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
        // What is there can be read.
        is_unbroken(&newest(&*sql, &fixed(), 1000).await, 20);
    }
    setrlimit(Resource::Fsize, free).unwrap();
    sql.ping().await.unwrap();
    sql.commit(&large).await.unwrap();
    is_unbroken(&newest(&*sql, &fixed(), 1_000_000).await, 20_020);
    println!("done");
}

#[test]
fn a_full_disk_is_told_and_then_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("kills::child_fills_its_disk", directory.path()).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("done"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_that_writes_for_long_is_waited_for_and_then_told() {
    let (directory, sql) = sqlite().await;
    let talk = talk(&*sql).await;
    let mut other = crate::servers::sqlite_link(&directory.path().join("a.sqlite")).await;
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let all = messages(&talk, 3);
    let result = sql.commit(&writes(&all)).await;
    assert!(matches!(&result, Err(StoreError::Unavailable(why)) if why.contains("locked")), "{result:?}");
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    sql.commit(&writes(&all)).await.unwrap();
    assert_eq!(newest(&*sql, &talk, 9).await.messages, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_wait_for_a_commit_leaves_the_database_whole() {
    let (_directory, sql) = sqlite().await;
    sql.commit(&group(0)).await.unwrap();
    let mut place = 20;
    for patience in [0, 1, 3, 5, 10, 20, 40] {
        let all: Vec<Write> = (0..50).flat_map(|step| group(place + step * 20)).collect();
        if tokio::time::timeout(Duration::from_millis(patience), sql.commit(&all)).await.is_err() {
            // Nobody knows whether it was carried out: once more is the same as once.
            sql.commit(&all).await.unwrap();
        }
        place += 1000;
        is_unbroken(&newest(&*sql, &fixed(), 1_000_000).await, place);
    }
}

/// Kills the server while it is written to. `kill` and `restart` are the server's.
async fn server_killed(sql: Arc<Sql>, mut kill: impl FnMut(), mut restart: impl FnMut()) {
    let (done, away, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (come, mut coming) = tokio::sync::mpsc::unbounded_channel();
    let writer = tokio::spawn({
        let (sql, done, away, stop) = (Arc::clone(&sql), Arc::clone(&done), Arc::clone(&away), Arc::clone(&stop));
        async move {
            let mut place = 0;
            while !stop.load(Ordering::Acquire) {
                match sql.commit(&group(place)).await {
                    Ok(()) => {
                        place += 20;
                        done.store(place, Ordering::Release);
                    }
                    Err(StoreError::Unavailable(_)) => {
                        away.fetch_add(1, Ordering::AcqRel);
                    }
                    Err(other) => panic!("{other:?}"),
                }
                let _ = come.send(());
            }
        }
    });
    for _ in 0..3 {
        let goal = done.load(Ordering::Acquire) + 200;
        while done.load(Ordering::Acquire) < goal {
            coming.recv().await.unwrap();
        }
        let before = away.load(Ordering::Acquire);
        tokio::task::block_in_place(&mut kill);
        while away.load(Ordering::Acquire) == before {
            coming.recv().await.unwrap();
        }
        assert!(matches!(sql.last_number().await, Err(StoreError::Unavailable(_))));
        let committed = done.load(Ordering::Acquire);
        tokio::task::block_in_place(&mut restart);
        let page = loop {
            match sql.page(fixed().user, fixed().id, web::store::Place::Newest, 1_000_000).await {
                Ok(page) => break page,
                Err(StoreError::Unavailable(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        };
        is_unbroken(&page, committed);
    }
    stop.store(true, Ordering::Release);
    writer.await.unwrap();
    is_unbroken(&newest(&*sql, &fixed(), 1_000_000).await, done.load(Ordering::Acquire));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_loses_nothing_that_was_committed() {
    let server = std::sync::Mutex::new(Postgres::start());
    let url = server.lock().unwrap().database("killed");
    let password = server.lock().unwrap().password().to_owned().into();
    let sql = Sql::open(&Setting::parse(&url, Some(password)).unwrap()).await.unwrap();
    server_killed(sql, || server.lock().unwrap().kill(), || server.lock().unwrap().restart()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mariadb_loses_nothing_that_was_committed() {
    let server = std::sync::Mutex::new(MariaDb::start());
    let url = server.lock().unwrap().database("killed");
    let password = server.lock().unwrap().password().to_owned().into();
    let sql = Sql::open(&Setting::parse(&url, Some(password)).unwrap()).await.unwrap();
    server_killed(sql, || server.lock().unwrap().kill(), || server.lock().unwrap().restart()).await;
}
