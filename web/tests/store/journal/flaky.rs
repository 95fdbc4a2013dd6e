//! A store that keeps texts of messages, and fails as it is told to. It must not know the journal.

use bridge::id::{ConversationId, UserId};
use bridge::time::Timestamp;
use bytes::Bytes;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use tokio::time::Instant;
use web::search::Search;
use web::session::TokenHash;
use web::store::{
    AuditEntry, Audited, Browser, Change, Found, Invite, Later, Limits, NewUser, Page, Place, Sealed, Store, StoreError, Stored, Unread,
    UserKeys, UserRow, Write,
};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes everything but `poison`.
    Well,
    /// Says at once that it cannot.
    Away,
    /// Says nothing until it is well.
    Silent,
}

pub(crate) struct Flaky {
    mood: watch::Sender<Mood>,
    tries: watch::Sender<usize>,
    commits: AtomicUsize,
    texts: Mutex<Vec<String>>,
}

impl Default for Flaky {
    fn default() -> Self {
        Self { mood: watch::Sender::new(Mood::Well), tries: watch::Sender::new(0), commits: AtomicUsize::new(0), texts: Mutex::default() }
    }
}

impl Flaky {
    pub(crate) fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// What was kept.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn tries(&self) -> usize {
        *self.tries.borrow()
    }

    /// Waits until so many commits were tried.
    pub(crate) async fn tried(&self, count: usize) {
        self.tries.subscribe().wait_for(|tries| *tries >= count).await.unwrap();
    }

    async fn is_well(&self) -> Result<(), StoreError> {
        let mut mood = self.mood.subscribe();
        let now = *mood.wait_for(|mood| *mood != Mood::Silent).await.unwrap();
        if now == Mood::Away { Err(StoreError::Unavailable("away".to_owned())) } else { Ok(()) }
    }
}

fn no<'a, T>() -> Later<'a, T> {
    Box::pin(async { Err(StoreError::Broken("the journal does not ask this".to_owned())) })
}

impl Store for Flaky {
    fn commit<'a>(&'a self, writes: &'a [Write]) -> Later<'a, ()> {
        Box::pin(async move {
            self.tries.send_modify(|tries| *tries += 1);
            self.is_well().await?;
            let texts = writes.iter().map(|write| match write {
                Write::Message(message) if message.text == "poison" => Err(StoreError::Broken("poison".to_owned())),
                Write::Message(message) => Ok(message.text.clone()),
                other => Ok(format!("{other:?}")),
            });
            let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.texts.lock().unwrap().extend(texts);
            Ok(())
        })
    }

    fn ping(&self) -> Later<'_, ()> {
        Box::pin(self.is_well())
    }

    fn add_user<'a>(&'a self, _: &'a NewUser) -> Later<'a, ()> {
        no()
    }

    fn user_by_name<'a>(&'a self, _: &'a str) -> Later<'a, Option<UserRow>> {
        no()
    }

    fn user(&self, _: UserId) -> Later<'_, Option<UserRow>> {
        no()
    }

    fn users<'a>(&'a self, _: &'a str, _: u32) -> Later<'a, Vec<UserRow>> {
        no()
    }

    fn count_users(&self) -> Later<'_, u64> {
        no()
    }

    fn set_keys<'a>(&'a self, _: UserId, _: &'a UserKeys, _: &'a [(TokenHash, Sealed)]) -> Later<'a, ()> {
        no()
    }

    fn set_disabled(&self, _: UserId, _: bool) -> Later<'_, ()> {
        no()
    }

    fn set_limits<'a>(&'a self, _: UserId, _: &'a Limits) -> Later<'a, ()> {
        no()
    }

    fn delete_user(&self, _: UserId) -> Later<'_, ()> {
        no()
    }

    fn forget_secrets(&self, _: UserId) -> Later<'_, ()> {
        no()
    }

    fn add_browser<'a>(&'a self, _: &'a Browser) -> Later<'a, ()> {
        no()
    }

    fn browser<'a>(&'a self, _: &'a TokenHash) -> Later<'a, Option<(Browser, UserRow)>> {
        no()
    }

    fn browsers(&self, _: UserId) -> Later<'_, Vec<Browser>> {
        no()
    }

    fn touch_browsers<'a>(&'a self, _: &'a [(TokenHash, Timestamp)]) -> Later<'a, ()> {
        no()
    }

    fn remove_browsers<'a>(&'a self, _: UserId, _: &'a [TokenHash]) -> Later<'a, ()> {
        no()
    }

    fn expire_browsers(&self, _: Timestamp) -> Later<'_, u64> {
        no()
    }

    fn add_invite<'a>(&'a self, _: &'a Invite) -> Later<'a, ()> {
        no()
    }

    fn invite<'a>(&'a self, _: &'a TokenHash, _: Timestamp) -> Later<'a, bool> {
        no()
    }

    fn add_invited_user<'a>(&'a self, _: &'a NewUser, _: &'a TokenHash, _: Timestamp) -> Later<'a, ()> {
        no()
    }

    fn unmake_user<'a>(&'a self, _: UserId, _: Timestamp, _: Option<&'a TokenHash>) -> Later<'a, ()> {
        no()
    }

    fn invites(&self) -> Later<'_, Vec<Invite>> {
        no()
    }

    fn audit<'a>(&'a self, _: &'a [AuditEntry]) -> Later<'a, ()> {
        no()
    }

    fn audited(&self, _: Option<UserId>, _: Audited, _: u32) -> Later<'_, Vec<AuditEntry>> {
        no()
    }

    fn set_protocol<'a>(&'a self, _: &'a str, _: bool) -> Later<'a, i64> {
        no()
    }

    fn closed_protocols(&self) -> Later<'_, Vec<String>> {
        no()
    }

    fn changes(&self, _: i64) -> Later<'_, Vec<(i64, Change)>> {
        no()
    }

    fn announce<'a>(&'a self, _: &'a Change) -> Later<'a, i64> {
        no()
    }

    fn load(&self, _: UserId) -> Later<'_, Stored> {
        no()
    }

    fn users_with_accounts(&self) -> Later<'_, Vec<UserId>> {
        no()
    }

    fn page(&self, _: UserId, _: ConversationId, _: Place, _: u32) -> Later<'_, Page> {
        no()
    }

    fn unread(&self, _: UserId, _: ConversationId, _: u64) -> Later<'_, Unread> {
        no()
    }

    fn search<'a>(&'a self, _: UserId, _: &'a Search, _: u64, _: u32, _: Instant) -> Later<'a, Found> {
        no()
    }
    fn index_more(&self) -> Later<'_, u64> {
        no()
    }
    fn last_number(&self) -> Later<'_, u64> {
        no()
    }

    fn expire_messages(&self, _: u32, _: Timestamp) -> Later<'_, u64> {
        no()
    }

    fn usage(&self, _: UserId) -> Later<'_, u64> {
        no()
    }

    fn blob<'a>(&'a self, _: UserId, _: &'a str) -> Later<'a, Option<Bytes>> {
        no()
    }

    fn check(&self) -> Later<'_, Vec<String>> {
        no()
    }

    fn backup<'a>(&'a self, _: &'a Path) -> Later<'a, ()> {
        no()
    }

    fn close(&self) -> Later<'_, ()> {
        no()
    }
}
