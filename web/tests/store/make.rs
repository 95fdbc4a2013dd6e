//! Makes rows for cases: each of a user of its own, so that all cases may share a database.

use bridge::id::{AccountId, BuddyId, ConversationId, UserId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use web::store::sql::{Setting, Sql};
use web::store::{AccountRow, Browser, ConversationRow, NewUser, Page, Place, Sealed, Store, StoredMessage, UserKeys, Write, fold};

/// 2026-01-01, shifted.
const FIRST: u64 = 1_767_225_600_000 << 16;
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The time until which a search may wait for its place.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A number that nobody has yet. Numbers grow; each is a second after the last.
pub(crate) fn number() -> u64 {
    FIRST + ((NEXT.fetch_add(1, Ordering::Relaxed) * 1000) << 16)
}

/// An id that nobody has yet, with all 64 bits in use.
pub(crate) fn id() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(crate) fn hash() -> [u8; 32] {
    let mut hash = [0xff; 32];
    hash[..8].copy_from_slice(&id().to_be_bytes());
    hash
}

pub(crate) fn keys(word: &str) -> UserKeys {
    UserKeys {
        check: format!("$argon2id${word}"),
        by_password: Some(Sealed(vec![0, 1, 255])),
        by_recovery: Some(Sealed(word.as_bytes().to_vec())),
        by_site: None,
    }
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser { id: UserId(id()), name: name.to_owned(), folded: fold(name).unwrap(), keys: keys(name), created: Timestamp(1000) }
}

/// A user whose name begins so.
pub(crate) async fn user(store: &dyn Store, name: &str) -> UserId {
    let user = new_user(&format!("{name} {}", id()));
    store.add_user(&user).await.unwrap();
    user.id
}

pub(crate) fn browser(user: UserId, used: i64) -> Browser {
    Browser {
        token: hash(),
        user,
        device: "Firefox on Linux".to_owned(),
        created: Timestamp(10),
        used: Timestamp(used),
        wrap: Some(Sealed(vec![7; 60])),
    }
}

pub(crate) fn account(user: UserId) -> AccountRow {
    AccountRow {
        user,
        account: AccountId(id()),
        created: Timestamp(5),
        settings: r#"{"protocol":"prpl-jabber"}"#.to_owned(),
        secrets: vec![("password".to_owned(), Sealed(vec![1, 0, 2])), ("option:a".repeat(100), Sealed(Vec::new()))],
        icon: Some(vec![0; 70_000]),
    }
}

pub(crate) fn conversation(user: UserId, account: AccountId) -> ConversationRow {
    ConversationRow {
        user,
        id: ConversationId(id()),
        account,
        kind: ConversationKind::Im,
        name: "bob@example.org".to_owned(),
        title: "Bob".to_owned(),
        open: true,
        read: 0,
        keep: None,
        days: None,
    }
}

/// A conversation that is stored, of a new user.
pub(crate) async fn talk(store: &dyn Store) -> ConversationRow {
    let row = conversation(user(store, "talker").await, AccountId(id()));
    store.commit(&[Write::Conversation(row.clone())]).await.unwrap();
    row
}

pub(crate) fn message(of: &ConversationRow, text: &str) -> StoredMessage {
    let number = number();
    StoredMessage {
        user: of.user,
        conversation: of.id,
        number,
        time: Timestamp((number >> 16).cast_signed() - 250),
        flags: StoredMessage::COUNTS,
        author: "bob@example.org".to_owned(),
        alias: None,
        buddy: None,
        text: text.to_owned(),
        spans: None,
        server_id: None,
    }
}

/// One with everything in it.
pub(crate) fn full_message(of: &ConversationRow, text: &str) -> StoredMessage {
    StoredMessage {
        flags: u32::MAX >> 1,
        alias: Some("Bob \u{1f600}".to_owned()),
        buddy: Some(BuddyId(u64::MAX)),
        spans: Some(r#"[{"b":[0,1]}]"#.to_owned()),
        server_id: Some("id-1".to_owned()),
        ..message(of, text)
    }
}

pub(crate) fn messages(of: &ConversationRow, count: usize) -> Vec<StoredMessage> {
    (0..count).map(|place| message(of, &format!("line {place}"))).collect()
}

pub(crate) fn writes(messages: &[StoredMessage]) -> Vec<Write> {
    messages.iter().cloned().map(Write::Message).collect()
}

pub(crate) async fn newest(store: &dyn Store, of: &ConversationRow, most: u32) -> Page {
    store.page(of.user, of.id, Place::Newest, most).await.unwrap()
}

pub(crate) fn texts(page: &Page) -> Vec<&str> {
    page.messages.iter().map(|message| message.text.as_str()).collect()
}

/// A database of SQLite's in a directory that goes with the test.
pub(crate) async fn sqlite() -> (tempfile::TempDir, Arc<Sql>) {
    let directory = tempfile::tempdir().unwrap();
    let sql = Sql::open(&Setting::file(&directory.path().join("a.sqlite"))).await.unwrap();
    (directory, sql)
}
