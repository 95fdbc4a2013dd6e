//! Back-ups, what is put back, and moves from one kind of database to another.

use crate::make::{account, browser, full_message, messages, newest, number, sqlite, talk, writes};
use bridge::id::{BuddyId, UserId};
use bridge::time::Timestamp;
use bytes::Bytes;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use support::{MariaDb, Postgres};
use web::store::sql::{Setting, Sql, copy, restore};
use web::store::{
    AuditEntry, Audited, BuddyRow, Change, ConversationRow, Gap, GroupRow, Invite, Limits, OutboxRow, Page, Store, StoreError, Stored,
    UserRow, Write,
};

/// One of everything, and enough messages for several groups.
async fn fill(sql: &Sql) -> ConversationRow {
    let talk = talk(sql).await;
    let user = talk.user;
    let row = account(user);
    let mut all = writes(&messages(&talk, 2500));
    all.push(Write::Message(full_message(&talk, "\u{1f600} 漢字")));
    all.extend([
        Write::Buddy(BuddyRow {
            user,
            account: row.account,
            buddy: BuddyId(9),
            name: "b".to_owned(),
            group: "g".to_owned(),
            alias: String::new(),
        }),
        Write::Account(Box::new(row)),
        Write::Group(user, GroupRow { name: "g".to_owned(), order: 1, collapsed: true }),
        Write::Setting { user, key: "a".to_owned(), value: Some("1".to_owned()) },
        Write::Gap(user, Gap { conversation: talk.id, after: 0, from: Timestamp(1), to: None, why: "offline".to_owned() }),
        Write::Outbox(OutboxRow { user, number: number(), conversation: talk.id, text: "later".to_owned(), handed_over: true }),
        Write::Blob { user, conversation: talk.id, number: number(), hash: "ab".repeat(32), bytes: Bytes::from(vec![0; 100_000]) },
    ]);
    sql.commit(&all).await.unwrap();
    sql.add_browser(&browser(user, 7)).await.unwrap();
    sql.set_limits(user, &Limits { accounts: Some(2), ..Limits::default() }).await.unwrap();
    let invite = Invite { code: [3; 32], note: "n".to_owned(), created: Timestamp(1), expires: Timestamp(9), left: 2 };
    sql.add_invite(&invite).await.unwrap();
    let entry = |act: &str| AuditEntry { at: Timestamp(1), user: Some(user), act: act.to_owned(), detail: String::new() };
    sql.audit(&[entry("sign_in"), entry("sign_in_failed")]).await.unwrap();
    sql.announce(&Change::User(user)).await.unwrap();
    talk
}

/// Everything that can be asked.
type Whole = (Page, Stored, Vec<UserRow>, Vec<web::store::Browser>, Vec<Invite>, Vec<AuditEntry>, Vec<(i64, Change)>, Option<Bytes>);

async fn whole(sql: &Sql, talk: &ConversationRow) -> Whole {
    (
        newest(sql, talk, 5000).await,
        sql.load(talk.user).await.unwrap(),
        sql.users("", 100).await.unwrap(),
        sql.browsers(talk.user).await.unwrap(),
        sql.invites().await.unwrap(),
        [sql.audited(None, Audited::Acts, 100).await.unwrap(), sql.audited(None, Audited::Failures, 100).await.unwrap()].concat(),
        sql.changes(0).await.unwrap(),
        sql.blob(talk.user, &"ab".repeat(32)).await.unwrap(),
    )
}

async fn file(path: &Path) -> Arc<Sql> {
    Sql::open(&Setting::file(path)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_it_writes_is_whole_and_can_be_put_back() {
    let (directory, sql) = sqlite().await;
    let talk = fill(&sql).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy = crate::make::talk(&*sql).await;
    let writer = tokio::spawn({
        let (sql, stop, busy) = (Arc::clone(&sql), Arc::clone(&stop), busy.clone());
        async move {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                sql.commit(&writes(&messages(&busy, 50))).await.unwrap();
            }
        }
    });
    let saved = directory.path().join("saved.sqlite");
    sql.backup(&saved).await.unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.await.unwrap();
    assert_eq!(std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(sql.backup(&saved).await, Err(StoreError::Setting(why)) if why.contains("already")));
    assert!(!std::fs::read_dir(directory.path()).unwrap().any(|entry| entry.unwrap().path().to_string_lossy().contains(".part")));

    let back = file(&directory.path().join("back.sqlite")).await;
    let copied = restore(&saved, &back).await.unwrap();
    assert_eq!(whole(&back, &talk).await.0, newest(&*sql, &talk, 5000).await);
    assert_eq!(newest(&*back, &busy, 9_000_000).await.messages.len() % 50, 0);
    assert!(copied.messages >= 2501 && copied.rows > copied.messages);
    assert_eq!(back.check().await.unwrap(), Vec::<String>::new());
    // Not over what is there.
    assert!(matches!(restore(&saved, &back).await, Err(StoreError::Setting(why)) if why.contains("empty")));
    let nowhere = directory.path().join("nowhere.sqlite");
    assert!(matches!(restore(&nowhere, &back).await, Err(StoreError::Setting(_))));
    assert!(!nowhere.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_moves_from_one_kind_to_another_and_back() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    let server = async |url: &str| Sql::open(&Setting::parse(url, None).unwrap()).await.unwrap();
    postgres.database("moved");
    mariadb.database("moved");
    let (directory, first) = sqlite().await;
    let talk = fill(&first).await;
    let there = whole(&first, &talk).await;
    let second = server(&postgres.socket_url("moved")).await;
    let copied = copy(&first, &second).await.unwrap();
    assert_eq!(copied.messages, 2501);
    assert_eq!(whole(&second, &talk).await, there);
    let third = server(&mariadb.socket_url("moved")).await;
    assert_eq!(copy(&second, &third).await.unwrap(), copied);
    assert_eq!(whole(&third, &talk).await, there);
    // A back-up of each is a file that can be opened.
    for (name, sql) in [("postgres", &second), ("mariadb", &third)] {
        let saved = directory.path().join(name);
        sql.backup(&saved).await.unwrap();
        assert_eq!(std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!saved.with_file_name(format!("{name}-wal")).exists());
        let back = file(&saved).await;
        assert_eq!(whole(&back, &talk).await, there);
        assert_eq!(back.check().await.unwrap(), Vec::<String>::new());
        // Numbers of changes go on where they were.
        let next = back.announce(&Change::User(UserId(1))).await.unwrap();
        assert_eq!(next, there.6.last().unwrap().0 + 1);
    }
}
