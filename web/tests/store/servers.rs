//! Runs the cases on each kind of database, and what is said of one kind alone.

use crate::cases::run_all;
use crate::make::{messages, newest, sqlite, talk, writes};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use support::{Flaw, MariaDb, Postgres};
use web::store::sql::{Setting, Sql};
use web::store::{Store, StoreError};
use zeroize::Zeroizing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases_on_sqlite() {
    let (directory, sql) = sqlite().await;
    run_all(sql.clone()).await;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    sql.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases_on_mariadb() {
    let server = MariaDb::start();
    let password = Zeroizing::new(server.password().to_owned());
    let url = server.database("cases");
    let sql = Sql::open(&Setting::parse(&url, Some(password)).unwrap()).await.unwrap();
    run_all(sql.clone()).await;
    sql.close().await.unwrap();
    // The same by the socket, with what is in it.
    let sql = Sql::open(&Setting::parse(&server.socket_url("cases"), None).unwrap()).await.unwrap();
    assert!(sql.last_number().await.unwrap() > 0);
    server.sql("cases", "update bellflower set value=4 where name='schema'");
    assert_eq!(Sql::open(sql.setting()).await.err(), Some(StoreError::Newer(4)));
    let wrong = Setting::parse(&url, Some(Zeroizing::new("wrong".to_owned()))).unwrap();
    assert!(matches!(Sql::open(&wrong).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases_on_postgres() {
    let server = Postgres::start();
    let password = Zeroizing::new(server.password().to_owned());
    let url = server.database("cases");
    let sql = Sql::open(&Setting::parse(&url, Some(password)).unwrap()).await.unwrap();
    run_all(sql.clone()).await;
    sql.close().await.unwrap();
    let sql = Sql::open(&Setting::parse(&server.socket_url("cases"), None).unwrap()).await.unwrap();
    assert!(sql.last_number().await.unwrap() > 0);
    server.sql("cases", "update bellflower set value=4 where name='schema'");
    assert_eq!(Sql::open(sql.setting()).await.err(), Some(StoreError::Newer(4)));
    let wrong = Setting::parse(&url, Some(Zeroizing::new("wrong".to_owned()))).unwrap();
    assert!(matches!(Sql::open(&wrong).await, Err(StoreError::Unavailable(_))));
    server.sql("postgres", "create database latin encoding 'SQL_ASCII' template template0");
    let latin = Setting::parse(&server.socket_url("latin"), None).unwrap();
    assert!(matches!(Sql::open(&latin).await, Err(StoreError::Setting(why)) if why.contains("UTF8")));
}

#[tokio::test]
async fn a_database_opens_again_with_what_is_in_it() {
    let (directory, sql) = sqlite().await;
    let talk = talk(&*sql).await;
    let all = messages(&talk, 10);
    sql.commit(&writes(&all)).await.unwrap();
    sql.close().await.unwrap();
    let sql = Sql::open(&Setting::file(&directory.path().join("a.sqlite"))).await.unwrap();
    assert_eq!(newest(&*sql, &talk, 20).await.messages, all);
    // Closed, it says so.
    sql.close().await.unwrap();
    assert!(matches!(sql.ping().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (directory, sql) = sqlite().await;
    sql.close().await.unwrap();
    drop(sql);
    let file = directory.path().join("a.sqlite");
    let mut link = sqlite_link(&file).await;
    sqlx::query("update bellflower set value=4 where name='schema'").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
    assert_eq!(Sql::open(&Setting::file(&file)).await.err(), Some(StoreError::Newer(4)));
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("b.sqlite");
    std::fs::write(&file, "").unwrap();
    let mut link = sqlite_link(&file).await;
    sqlx::query("create table users(name text)").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
    assert!(matches!(Sql::open(&Setting::file(&file)).await, Err(StoreError::Setting(why)) if why.contains("another program")));
    let text = directory.path().join("c.sqlite");
    std::fs::write(&text, "this is no database at all, but a text that is long enough to be taken for one".repeat(20)).unwrap();
    assert!(matches!(Sql::open(&Setting::file(&text)).await, Err(StoreError::Broken(_))));
    let nowhere = directory.path().join("nowhere/d.sqlite");
    assert!(matches!(Sql::open(&Setting::file(&nowhere)).await, Err(StoreError::Setting(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_open_a_new_database_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let setting = Setting::file(&directory.path().join("a.sqlite"));
    let all: Vec<_> = (0..6)
        .map(|_| {
            tokio::spawn({
                let setting = setting.clone();
                async move { Sql::open(&setting).await }
            })
        })
        .collect();
    for one in all {
        let sql = one.await.unwrap().unwrap();
        assert_eq!(sql.count_users().await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_database_that_another_writes_to_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let setting = Setting::file(&file);
    let mut open = std::pin::pin!(Sql::open(&setting));
    // The one that waits is never done before the other lets go, however long this is.
    let early = tokio::time::timeout(Duration::from_millis(200), &mut open).await;
    assert!(early.is_err(), "{early:?}");
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    assert_eq!(open.await.unwrap().count_users().await.unwrap(), 0);
}

/// Over TLS, with the authority's file and without; then with a certificate for another host.
async fn over_tls(
    start: impl Fn(Flaw) -> (String, std::path::PathBuf, Box<dyn std::any::Any>),
    mode: &str,
    authority: &str,
    password: &str,
) {
    let open = async |url: String| Sql::open(&Setting::parse(&url, Some(password.to_owned().into())).unwrap()).await;
    let (url, file, _server) = start(Flaw::None);
    let file = file.display();
    let sql = open(format!("{url}?{mode}&{authority}={file}")).await.unwrap();
    sql.ping().await.unwrap();
    assert!(matches!(open(format!("{url}?{mode}")).await, Err(StoreError::Unavailable(_))), "an authority that nobody knows");
    let (url, file, _server) = start(Flaw::WrongHost);
    let result = open(format!("{url}?{mode}&{authority}={}", file.display())).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_shows_its_certificate() {
    let postgres = |flaw| {
        let (server, authority) = Postgres::start_with_tls(flaw);
        (server.database("tls").replace("127.0.0.1", "localhost"), authority, Box::new(server) as Box<dyn std::any::Any>)
    };
    over_tls(postgres, "sslmode=verify-full", "sslrootcert", "pa ss:wo@rd/1").await;
    let mariadb = |flaw| {
        let (server, authority) = MariaDb::start_with_tls(flaw);
        (server.database("tls").replace("127.0.0.1", "localhost"), authority, Box::new(server) as Box<dyn std::any::Any>)
    };
    over_tls(mariadb, "ssl-mode=VERIFY_IDENTITY", "ssl-ca", "pa ss:wo@rd/1").await;
}

/// A connection beside the store's.
pub(crate) async fn sqlite_link(file: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}
