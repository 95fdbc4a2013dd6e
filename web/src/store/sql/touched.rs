//! Rows that searches look at, counted by each kind of database itself: none of other users, however much they wrote, so that the time of a search tells
//! nothing of them; and the rows of a beginning twice a page at most.

use super::find::{find, look};
use super::link::Link;
use super::{Setting, Sql};
use crate::search::{Query, Search};
use crate::store::{ConversationRow, Store, StoredMessage, Write};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const ALL: u64 = i64::MAX.cast_unsigned();
const INES: UserId = UserId(7);
const BOB: UserId = UserId(8);

fn search(query: &str) -> Search {
    Search::of(Query::parse(query).unwrap())
}

/// A conversation of this user's, under an id that all users have.
async fn talk(sql: &Sql, user: UserId) {
    let row = ConversationRow {
        user,
        id: ConversationId(1),
        account: AccountId(1),
        kind: ConversationKind::Room,
        name: "garden@example.org".to_owned(),
        title: "Garden".to_owned(),
        open: true,
        read: 0,
        keep: None,
        days: None,
    };
    sql.commit(&[Write::Conversation(row)]).await.unwrap();
}

/// So many messages, after all that are there; texts of their places.
async fn say(sql: &Sql, user: UserId, count: u64, text: impl Fn(u64) -> String) {
    let last = sql.last_number().await.unwrap().max(1_767_225_600_000 << 16);
    let message = |place: u64| StoredMessage {
        user,
        conversation: ConversationId(1),
        number: last + ((place + 1) << 16),
        time: Timestamp(1_767_225_600_000),
        flags: StoredMessage::COUNTS,
        author: "joe@example.org".to_owned(),
        alias: None,
        buddy: None,
        text: text(place),
        spans: None,
        server_id: None,
    };
    let all: Vec<Write> = (0..count).map(|place| Write::Message(message(place))).collect();
    for some in all.chunks(2000) {
        sql.commit(some).await.unwrap();
    }
}

/// As after some time of use: the index in one piece, and the planner told how much there is.
async fn settle(sql: &Sql) {
    let mut link = sql.pools.writer().await.unwrap();
    let all: &[&str] = match &link {
        Link::Sqlite(_) => &["insert into fts(fts) values('optimize')"],
        Link::MySql(_) => &["analyze table messages", "analyze table message_terms", "analyze table conversations"],
        Link::Postgres(_) => &["vacuum analyze messages", "vacuum analyze message_terms", "vacuum analyze conversations"],
    };
    for statement in all {
        link.plain(statement).await.unwrap();
    }
}

/// A connection that counts.
struct Counting {
    link: Link,
    /// On SQLite: the steps of its virtual machine, those within the full-text index among them.
    steps: Arc<AtomicI64>,
}

impl Counting {
    async fn on(sql: &Sql) -> Self {
        let mut link = sql.read().await.unwrap();
        let steps = Arc::new(AtomicI64::new(0));
        if let Link::Sqlite(link) = &mut link {
            let steps = Arc::clone(&steps);
            let count = move || {
                steps.fetch_add(1, Ordering::Relaxed);
                true
            };
            link.lock_handle().await.unwrap().set_progress_handler(1, count);
        }
        if matches!(link, Link::Postgres(_)) {
            // As where there is much and it is asked often: tables of few pages are read as a whole, whosever rows are in them, and what a user has
            // in a few is read in one way or another.
            link.plain("set enable_seqscan=off; set plan_cache_mode=force_generic_plan").await.unwrap();
        }
        Self { link, steps }
    }

    /// Steps, or rows of tables and indexes, that were looked at on this connection so far.
    async fn so_far(&mut self) -> i64 {
        let sql = match &self.link {
            Link::Sqlite(_) => return self.steps.load(Ordering::Relaxed),
            Link::MySql(_) => "show session status like 'Handler\\_read%'",
            Link::Postgres(_) => {
                "select coalesce(sum(pg_stat_get_xact_tuples_returned(c.oid)+pg_stat_get_xact_tuples_fetched(c.oid)),0)::bigint \
                 from pg_class c where c.relnamespace='public'::regnamespace"
            }
        };
        let of_server = matches!(self.link, Link::MySql(_));
        let rows = self.link.rows(sql, &[]).await.unwrap();
        rows.iter().map(|row| if of_server { row.text(1).unwrap().parse().unwrap() } else { row.int(0).unwrap() }).sum()
    }

    /// Steps or rows of one page of a search, and its hits.
    async fn page(&mut self, user: UserId, search: &Search, most: u32) -> (i64, usize) {
        if matches!(self.link, Link::Postgres(_)) {
            // Its counts are of a transaction.
            self.link.plain("begin").await.unwrap();
        }
        let first = self.so_far().await;
        let before = self.so_far().await;
        let found = find(&mut self.link, user, search, ALL, most).await.unwrap();
        let after = self.so_far().await;
        if matches!(self.link, Link::Postgres(_)) {
            self.link.plain("rollback").await.unwrap();
        }
        // Less what counting itself looks at.
        (after - before - (before - first), found.hits.len())
    }
}

/// The kinds of searches.
fn searches() -> Vec<(String, Search)> {
    let words =
        ["common", "rare", "common words", "common rare", "\"common words\"", "comm*", "rare comm*", "東京", "東", "nowhere", "now*"];
    let mut all: Vec<(String, Search)> = words.iter().map(|words| ((*words).to_owned(), search(words))).collect();
    for words in ["common", "comm*", "rare"] {
        all.push((format!("{words} here"), Search { conversation: Some(ConversationId(1)), ..search(words) }));
        all.push((format!("{words} by nobody"), search(words).by("nobody")));
        all.push((format!("{words} elsewhere"), Search { account: Some(AccountId(2)), ..search(words) }));
    }
    all
}

fn of_ines(place: u64) -> String {
    if place.is_multiple_of(30) { format!("common words, rare {place} 東京") } else { format!("common words {place}") }
}

async fn nothing_of_others_is_looked_at(sql: &Sql) {
    talk(sql, INES).await;
    talk(sql, BOB).await;
    // Not a large part of all, for which a planner might read a table as a whole.
    say(sql, INES, 300, of_ines).await;
    say(sql, BOB, 1600, |place| format!("common words, rare 東京, {place}")).await;
    settle(sql).await;
    let mut count = Counting::on(sql).await;
    let mut before = Vec::new();
    for (name, search) in searches() {
        // Once more: the first of a connection looks at the tables themselves.
        count.page(INES, &search, 50).await;
        before.push((name, count.page(INES, &search, 50).await));
    }
    // The same words, many more, and newer: and some that Ines has not.
    say(sql, BOB, 1200, |place| format!("common words, rare 東京, secret {place}")).await;
    settle(sql).await;
    for ((name, search), (_, (rows, hits))) in searches().into_iter().zip(&before) {
        count.page(INES, &search, 50).await;
        let (now, found) = count.page(INES, &search, 50).await;
        println!("{name}: {rows} rows or steps, then {now}, {hits} hits");
        assert_eq!(found, *hits, "{name}");
        // The depth of an index may be another; its rows are not.
        assert!((now - rows).abs() <= 40 + rows / 20, "{name}: {rows} rows or steps, then {now}");
    }
    // A word that another has said costs what one costs that nobody has said.
    for (said, unsaid) in
        [("secret", "sacred"), ("secr*", "sacr*"), ("common secret", "common sacred"), ("\"rare secret\"", "\"rare sacred\"")]
    {
        let (one, none) = (count.page(INES, &search(said), 50).await, count.page(INES, &search(unsaid), 50).await);
        println!("{said}: {one:?}, {unsaid}: {none:?}");
        assert_eq!((one.1, none.1), (0, 0));
        assert!((one.0 - none.0).abs() <= 40, "{said}: {one:?}, {unsaid}: {none:?}");
    }
}

async fn a_page_merges_beginnings_twice_at_most(sql: &Sql) {
    let user = UserId(9);
    talk(sql, user).await;
    // Of different words, so that there is something to merge, and more than a few steps of any size but the last.
    say(sql, user, 1700, |place| format!("common{} words {place}", place % 50)).await;
    settle(sql).await;
    let mut count = Counting::on(sql).await;
    let sqlite = matches!(count.link, Link::Sqlite(_));
    count.page(user, &search("words"), 1).await;
    // A single hit; and all rows, none of which is a hit, by a beginning and by a word.
    let (one, _) = count.page(user, &search("common*"), 1).await;
    let (all, hits) = count.page(user, &search("common*").by("nobody"), 50).await;
    let (texts, _) = count.page(user, &search("words").by("nobody"), 50).await;
    println!("one {one}, all {all}, texts {texts}");
    assert_eq!(hits, 0);
    assert!(all <= 2 * one + texts, "one {one}, all {all}, texts {texts}");
    // Rows and steps do not tell two merges from four: how often they are made is counted by itself.
    for (search, merges) in
        [(search("common*").by("nobody"), 2), (search("common*"), 1), (search("common* words").by("nobody"), if sqlite { 2 } else { 0 })]
    {
        let (_, merged) = look(&mut count.link, user, &search, ALL, 50).await.unwrap();
        assert_eq!(merged, merges, "{search:?}");
    }
    // Where few messages have another word, nothing is merged.
    say(sql, user, 3, |place| format!("needle common{place}")).await;
    let (needle, hits) = count.page(user, &search("needle common*"), 50).await;
    println!("needle {needle}");
    assert_eq!(hits, 3);
    assert!(needle < one / 4, "needle {needle}, one {one}");
    let (found, merged) = look(&mut count.link, user, &search("needle common*"), ALL, 50).await.unwrap();
    assert_eq!((found.hits.len(), merged), (3, 0));
}

async fn all_of(sql: &Sql) {
    nothing_of_others_is_looked_at(sql).await;
    a_page_merges_beginnings_twice_at_most(sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_looks_at_nothing_of_others() {
    let directory = tempfile::tempdir().unwrap();
    all_of(&Sql::open(&Setting::file(&directory.path().join("a.sqlite"))).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_looks_at_nothing_of_others() {
    let server = support::MariaDb::start();
    server.database("counted");
    all_of(&Sql::open(&Setting::parse(&server.socket_url("counted"), None).unwrap()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_looks_at_nothing_of_others() {
    let server = support::Postgres::start();
    server.database("counted");
    all_of(&Sql::open(&Setting::parse(&server.socket_url("counted"), None).unwrap()).await.unwrap()).await;
}
