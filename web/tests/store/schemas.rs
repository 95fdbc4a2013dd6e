//! A database of an earlier schema is brought up to date with everything in it.

use crate::make::{messages, newest, sqlite, talk, writes};
use crate::servers::sqlite_link;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{MariaDb, Postgres};
use web::store::sql::{Setting, Sql, restore};
use web::store::{ConversationRow, Store, StoreError, StoredMessage};
use zeroize::Zeroizing;

/// Something to find again.
pub(crate) async fn filled(sql: &Arc<Sql>) -> (ConversationRow, Vec<StoredMessage>) {
    let talk = talk(&**sql).await;
    let all = messages(&talk, 3000);
    sql.commit(&writes(&all)).await.unwrap();
    sql.close().await.unwrap();
    (talk, all)
}

/// Opens it anew, twice, and finds everything.
async fn comes_back(sql: &Sql, (talk, all): &(ConversationRow, Vec<StoredMessage>)) {
    for _ in 0..2 {
        let again = Sql::open(sql.setting()).await.unwrap();
        assert_eq!(newest(&*again, talk, 4000).await.messages, *all);
        assert_eq!(newest(&*again, talk, 7).await.messages, all[2993..]);
        assert_eq!(again.check().await.unwrap(), Vec::<String>::new());
        again.close().await.unwrap();
    }
}

/// The word of a conversation in schema 1: `c` and its id to the base of 36.
fn first_word(mut id: u64) -> String {
    let mut digits = String::new();
    while id > 0 {
        digits.insert(0, char::from_digit(u32::try_from(id % 36).unwrap(), 36).unwrap());
        id /= 36;
    }
    format!("c{digits}")
}

/// Makes a file one of schema 1.
pub(crate) async fn to_schema_1(file: &Path, was: &(ConversationRow, Vec<StoredMessage>)) {
    let mut link = sqlite_link(file).await;
    for statement in ["begin", "insert into fts(fts) values('delete-all')", "update bellflower set value=1 where name='schema'"] {
        sqlx::query(statement).execute(&mut link).await.unwrap();
    }
    for message in &was.1 {
        let insert = sqlx::query("insert into fts(rowid,t) values(?,?)").bind(message.number.cast_signed());
        insert.bind(first_word(message.conversation.0)).execute(&mut link).await.unwrap();
    }
    sqlx::query("commit").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
}

#[tokio::test]
async fn sqlite_finds_messages_by_their_user_since_schema_2() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    to_schema_1(&directory.path().join("a.sqlite"), &was).await;
    comes_back(&sql, &was).await;
}

#[tokio::test]
async fn a_database_of_an_earlier_schema_is_changed_by_the_daemon_alone() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    let file = directory.path().join("a.sqlite");
    to_schema_1(&file, &was).await;
    // A command opens the database in this way: a daemon of the earlier version may be running beside it.
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(Sql::open_in_use(sql.setting()).await.err(), Some(StoreError::Earlier(1)));
    assert!(bytes == std::fs::read(&file).unwrap(), "it was changed");
    comes_back(&sql, &was).await;
    for setting in [sql.setting().clone(), Setting::file(&directory.path().join("new.sqlite"))] {
        let sql = Sql::open_in_use(&setting).await.unwrap();
        assert_eq!(sql.check().await.unwrap(), Vec::<String>::new());
        sql.close().await.unwrap();
    }
}

/// The files of a folder, each with its bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.clone(), std::fs::read(&file).unwrap())).collect()
}

#[tokio::test]
async fn back_ups_are_put_back_and_stay_as_they_are() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    let sql = Sql::open(sql.setting()).await.unwrap();
    let saved = tempfile::tempdir().unwrap();
    let (now, before) = (saved.path().join("now.sqlite"), saved.path().join("before.sqlite"));
    sql.backup(&now).await.unwrap();
    sql.backup(&before).await.unwrap();
    to_schema_1(&before, &was).await;
    let there = content(saved.path());
    for (name, file) in [("first", &now), ("second", &before)] {
        let back = Sql::open(&Setting::file(&directory.path().join(name))).await.unwrap();
        assert_eq!(restore(file, &back).await.unwrap().messages, 3000, "{name}");
        comes_back(&back, &was).await;
        assert!(content(saved.path()) == there, "the {name} back-up was changed");
        back.close().await.unwrap();
    }
    let left = content(directory.path()).into_keys().any(|file| file.to_string_lossy().contains(".part"));
    assert!(!left, "a copy is left");
    // Neither a back-up of a version to come, nor the file of another program.
    let mut link = sqlite_link(&now).await;
    sqlx::query("update bellflower set value=99 where name='schema'").execute(&mut link).await.unwrap();
    sqlx::query("vacuum").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
    let other = saved.path().join("other.sqlite");
    let mut link = {
        std::fs::write(&other, "").unwrap();
        sqlite_link(&other).await
    };
    sqlx::query("create table notes(text)").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
    let there = content(saved.path());
    let back = Sql::open(&Setting::file(&directory.path().join("third"))).await.unwrap();
    assert_eq!(restore(&now, &back).await.err(), Some(StoreError::Newer(99)));
    assert!(matches!(restore(&other, &back).await, Err(StoreError::Setting(why)) if why.contains("no back-up")));
    assert!(content(saved.path()) == there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_finds_messages_by_their_user_since_schema_2() {
    let server = MariaDb::start();
    let password = Zeroizing::new(server.password().to_owned());
    let sql = Sql::open(&Setting::parse(&server.database("old"), Some(password)).unwrap()).await.unwrap();
    let was = filled(&sql).await;
    server.sql(
        "old",
        "drop table message_terms; drop index messages_owner on messages; create index messages_conversation on messages(conversation,number); \
         update bellflower set value=1 where name='schema'",
    );
    comes_back(&sql, &was).await;
    let indexes = server.sql("old", "select distinct index_name from information_schema.statistics where table_name='messages'");
    assert!(indexes.contains("messages_owner") && !indexes.contains("messages_conversation"), "{indexes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_finds_messages_by_their_user_since_schema_2() {
    let server = Postgres::start();
    let password = Zeroizing::new(server.password().to_owned());
    let sql = Sql::open(&Setting::parse(&server.database("old"), Some(password)).unwrap()).await.unwrap();
    let was = filled(&sql).await;
    server.sql(
        "old",
        "drop table message_terms; drop index messages_owner; create index messages_conversation on messages(conversation,number); \
         update bellflower set value=1 where name='schema'",
    );
    comes_back(&sql, &was).await;
    let indexes = server.sql("old", "select indexname from pg_indexes where tablename='messages'");
    assert!(indexes.contains("messages_owner") && !indexes.contains("messages_conversation"), "{indexes}");
}
