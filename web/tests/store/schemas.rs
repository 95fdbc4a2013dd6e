//! A database of an earlier schema is brought up to date with everything in it.

use crate::make::{messages, newest, sqlite, talk, writes};
use crate::servers::sqlite_link;
use std::sync::Arc;
use support::{MariaDb, Postgres};
use web::store::sql::{Setting, Sql};
use web::store::{ConversationRow, Store, StoredMessage};
use zeroize::Zeroizing;

/// Something to find again.
async fn filled(sql: &Arc<Sql>) -> (ConversationRow, Vec<StoredMessage>) {
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

#[tokio::test]
async fn sqlite_finds_messages_by_their_user_since_schema_2() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    let mut link = sqlite_link(&directory.path().join("a.sqlite")).await;
    for statement in ["insert into fts(fts) values('delete-all')", "update bellflower set value=1 where name='schema'"] {
        sqlx::query(statement).execute(&mut link).await.unwrap();
    }
    for message in &was.1 {
        let insert = sqlx::query("insert into fts(rowid,t) values(?,?)").bind(message.number.cast_signed());
        insert.bind(first_word(message.conversation.0)).execute(&mut link).await.unwrap();
    }
    sqlx::Connection::close(link).await.unwrap();
    comes_back(&sql, &was).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_finds_messages_by_their_user_since_schema_2() {
    let server = MariaDb::start();
    let password = Zeroizing::new(server.password().to_owned());
    let sql = Sql::open(&Setting::parse(&server.database("old"), Some(password)).unwrap()).await.unwrap();
    let was = filled(&sql).await;
    server.sql(
        "old",
        "drop index messages_owner on messages; create index messages_conversation on messages(conversation,number); \
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
        "drop index messages_owner; create index messages_conversation on messages(conversation,number); \
         update bellflower set value=1 where name='schema'",
    );
    comes_back(&sql, &was).await;
    let indexes = server.sql("old", "select indexname from pg_indexes where tablename='messages'");
    assert!(indexes.contains("messages_owner") && !indexes.contains("messages_conversation"), "{indexes}");
}
