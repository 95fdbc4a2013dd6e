//! The index of words of a database that had none, made anew, and in what is moved.

use crate::make::{message, messages, newest, soon, sqlite, talk, writes};
use crate::schemas::{filled, to_schema_1};
use crate::servers::sqlite_link;
use bridge::time::Timestamp;
use support::{MariaDb, Postgres};
use web::search::{Query, Search};
use web::store::sql::{Setting, Sql, copy};
use web::store::{ConversationRow, Found, Store, StoreError, StoredMessage, Write};

async fn find(sql: &Sql, of: &ConversationRow, query: &str, below: u64) -> Result<Found, StoreError> {
    sql.search(of.user, &Search::of(Query::parse(query).unwrap()), below, 1000, soon()).await
}

/// The numbers of all hits.
async fn numbers(sql: &Sql, of: &ConversationRow, query: &str) -> Vec<u64> {
    let (mut all, mut below) = (Vec::new(), i64::MAX.cast_unsigned());
    loop {
        let found = find(sql, of, query, below).await.unwrap();
        all.extend(found.hits.iter().map(|hit| hit.message.number));
        match found.next {
            Some(next) => below = next,
            None => return all,
        }
    }
}

/// Messages from before the index get into it step by step, and what happens meanwhile is right all the same.
async fn catches_up(setting: &Setting, (talk, all): &(ConversationRow, Vec<StoredMessage>)) {
    let sql = Sql::open(setting).await.unwrap();
    let all_of = |found: Vec<StoredMessage>| -> Vec<u64> { found.iter().rev().map(|message| message.number).collect() };
    let first = find(&sql, talk, "line", i64::MAX.cast_unsigned()).await.unwrap();
    assert!(first.hits.is_empty() && first.partial);
    assert_eq!(sql.check().await.unwrap(), Vec::<String>::new());
    assert_eq!(sql.index_more().await.unwrap(), 200);
    assert_eq!(numbers(&sql, talk, "line").await, all_of(all[2800..].to_vec()), "the newest first");
    // The index goes on being filled after a restart.
    sql.close().await.unwrap();
    let sql = Sql::open(setting).await.unwrap();
    let new = message(talk, "line anew");
    let changed = StoredMessage { text: "otherwise".to_owned(), ..all[5].clone() };
    let changed_late = StoredMessage { text: "otherwise".to_owned(), ..all[2900].clone() };
    let other = crate::make::conversation(talk.user, talk.account);
    sql.commit(&[
        Write::Message(new.clone()),
        Write::MessageChanged(changed.clone()),
        Write::MessageChanged(changed_late.clone()),
        Write::Conversation(other.clone()),
        // A message that comes late has a number below those in the index.
        Write::Message(StoredMessage { number: all[9].number + 1, ..message(&other, "line late") }),
    ])
    .await
    .unwrap();
    assert_eq!(numbers(&sql, talk, "anew").await, [new.number]);
    assert_eq!(numbers(&sql, talk, "otherwise").await, [changed_late.number]);
    let mut steps = 0;
    while sql.index_more().await.unwrap() > 0 {
        steps += 1;
    }
    assert!((14..17).contains(&steps), "{steps}");
    let whole = find(&sql, talk, "line 7", i64::MAX.cast_unsigned()).await.unwrap();
    assert!(!whole.partial && whole.hits.len() == 1);
    assert_eq!(numbers(&sql, talk, "line").await.len(), 3000);
    assert_eq!(numbers(&sql, talk, "otherwise").await, [changed_late.number, changed.number]);
    assert_eq!(numbers(&sql, talk, "late").await, [all[9].number + 1]);
    assert_eq!(sql.check().await.unwrap(), Vec::<String>::new());
    for of in [talk, &other] {
        sql.commit(&[Write::DeleteConversation { user: of.user, conversation: of.id, whole: false }]).await.unwrap();
        while sql.expire_messages(0, Timestamp(0)).await.unwrap() > 0 {}
    }
    for query in ["line", "line*", "otherwise"] {
        assert_eq!(numbers(&sql, talk, query).await, [0_u64; 0], "{query}");
    }
    assert_eq!(sql.check().await.unwrap(), Vec::<String>::new());
    sql.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_catches_up_with_older_messages() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    to_schema_1(&directory.path().join("a.sqlite"), &was).await;
    catches_up(sql.setting(), &was).await;
}

/// A database of schema 2 on a server.
async fn of_schema_2(url: &str, run: impl Fn(&str)) -> (Setting, (ConversationRow, Vec<StoredMessage>)) {
    let setting = Setting::parse(url, None).unwrap();
    let was = filled(&Sql::open(&setting).await.unwrap()).await;
    run("drop table message_terms");
    run("update bellflower set value=2 where name='schema'");
    (setting, was)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_catches_up_with_older_messages() {
    let server = MariaDb::start();
    server.database("old");
    let (setting, was) = of_schema_2(&server.socket_url("old"), |sql| _ = server.sql("old", sql)).await;
    catches_up(&setting, &was).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_catches_up_with_older_messages() {
    let server = Postgres::start();
    server.database("old");
    let (setting, was) = of_schema_2(&server.socket_url("old"), |sql| _ = server.sql("old", sql)).await;
    catches_up(&setting, &was).await;
}

/// Damage of the index is found by the check, and is gone after the index is made anew.
async fn is_mended(sql: &Sql, of: &ConversationRow, count: usize) {
    let wrong = sql.check().await.unwrap();
    assert!(wrong.iter().any(|line| line.contains("db reindex")), "{wrong:?}");
    assert_eq!(sql.reindex(|_| {}).await.unwrap(), count as u64);
    assert_eq!(sql.check().await.unwrap(), Vec::<String>::new());
    assert_eq!(numbers(sql, of, "line").await.len(), count);
    assert_eq!(newest(sql, of, 5000).await.messages.len(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_anew() {
    const COUNT: usize = 450;
    let (directory, sql) = sqlite().await;
    let of = talk(&*sql).await;
    sql.commit(&writes(&messages(&of, COUNT))).await.unwrap();
    let mut link = sqlite_link(&directory.path().join("a.sqlite")).await;
    sqlx::query("insert into fts(fts) values('delete-all')").execute(&mut link).await.unwrap();
    sqlx::Connection::close(link).await.unwrap();
    is_mended(&sql, &of, COUNT).await;
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.database("anew");
    mariadb.database("anew");
    for (url, run) in [
        (postgres.socket_url("anew"), &(|text: &str| postgres.sql("anew", text)) as &dyn Fn(&str) -> String),
        (mariadb.socket_url("anew"), &(|text: &str| mariadb.sql("anew", text)) as &dyn Fn(&str) -> String),
    ] {
        let moved = Sql::open(&Setting::parse(&url, None).unwrap()).await.unwrap();
        // A copy in another database has an index of its own.
        copy(&sql, &moved).await.unwrap();
        assert_eq!(numbers(&moved, &of, "line").await.len(), COUNT);
        assert_eq!(moved.check().await.unwrap(), Vec::<String>::new());
        run("delete from message_terms where term='aline'");
        is_mended(&moved, &of, COUNT).await;
        // Words without their message.
        run("insert into message_terms(owner,term,number) values (1,'aghost',2)");
        is_mended(&moved, &of, COUNT).await;
        moved.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_made_index_moves_as_a_whole_one() {
    let (directory, sql) = sqlite().await;
    let was = filled(&sql).await;
    to_schema_1(&directory.path().join("a.sqlite"), &was).await;
    let sql = Sql::open(sql.setting()).await.unwrap();
    assert_eq!(sql.index_more().await.unwrap(), 200);
    let moved = Sql::open(&Setting::file(&directory.path().join("b.sqlite"))).await.unwrap();
    copy(&sql, &moved).await.unwrap();
    assert_eq!(moved.index_more().await.unwrap(), 0);
    assert_eq!(numbers(&moved, &was.0, "line").await.len(), 3000);
    assert!(!find(&moved, &was.0, "line", 1).await.unwrap().partial);
    // A back-up is as its source is, and goes on from there.
    let saved = directory.path().join("saved.sqlite");
    sql.backup(&saved).await.unwrap();
    catches_up_from(&Setting::file(&saved), &was.0).await;
}

async fn catches_up_from(setting: &Setting, of: &ConversationRow) {
    let sql = Sql::open(setting).await.unwrap();
    assert_eq!(numbers(&sql, of, "line").await.len(), 200);
    while sql.index_more().await.unwrap() > 0 {}
    assert_eq!(numbers(&sql, of, "line").await.len(), 3000);
    sql.close().await.unwrap();
}
