//! The store on SQLite, MariaDB/MySQL and PostgreSQL. Holds no meaning of its own: what the methods are for stands at [`Store`].
//!
//! | Room | What for |
//! |---|---|
//! | `setting`, `greeting`, `pools`, `link` | where the database is; connections; statements and rows |
//! | `open`, `mark` | how it is opened; that one process alone uses a database |
//! | `dialect` | all SQL that differs |
//! | `tables`, `schema` | what is in a database, and how it came there |
//! | `rows` | the product's rows as parameters and back |
//! | `writes`, `remove` | what sessions write and delete |
//! | `terms`, `find`, `seats` | the index of words, what is found by it, and who may search now |
//! | `history`, `people`, `load`, `care`, `copy` | what is read, and the rest |

mod care;
mod copy;
mod dialect;
mod fault;
mod find;
mod greeting;
mod history;
mod link;
mod load;
mod mark;
mod open;
mod people;
mod pools;
mod remove;
mod rows;
mod schema;
mod seats;
mod server;
mod setting;
mod tables;
mod terms;
#[cfg(test)]
mod touched;
mod writes;

pub use copy::{Copied, copy, restore};
pub use setting::Setting;

use super::{
    AuditEntry, Audited, Browser, Change, Found, Invite, Later, Limits, NewUser, Page, Place, Sealed, Store, StoreError, Stored, Unread,
    UserKeys, UserRow, Write,
};
use crate::search::Search;
use crate::session::TokenHash;
use bridge::id::{ConversationId, UserId};
use bridge::time::Timestamp;
use bytes::Bytes;
use link::{Link, Work, args};
use mark::Mark;
use pools::Pools;
use seats::Seats;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Messages that get their terms in one transaction.
const INDEXED_AT_ONCE: u32 = 200;

/// A database.
pub struct Sql {
    pools: Pools,
    /// Held by the one writer: what a transaction saw of pictures and numbers must hold until its end.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Where letting old messages go goes on.
    cursor: Mutex<history::Cursor>,
    /// Held by searches, which may take long: pages of history have the other connections.
    seats: Seats,
    /// The last commit did not come to its end.
    failed: AtomicBool,
    /// The mark that this process alone uses the database.
    mark: tokio::sync::Mutex<Option<Mark>>,
    setting: Setting,
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sql").field(&self.setting).finish()
    }
}

impl Sql {
    /// Where it is.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Makes the index of words anew, out of the messages. Nobody else uses the database meanwhile: on SQLite it is one transaction. Calls `told`
    /// with how many messages are done.
    ///
    /// # Errors
    /// As of [`Store`]'s methods.
    pub async fn reindex(&self, mut told: impl FnMut(u64)) -> Result<u64, StoreError> {
        if self.pools.dialect().index_is_told() {
            let mut work = self.work().await?;
            let link = work.link()?;
            terms::anew(link, false).await?;
            terms::set_unindexed(link, 0).await?;
            let count = link.number("select count(*) from messages", &[]).await?.cast_unsigned();
            work.commit().await?;
            return Ok(count);
        }
        let mut work = self.work().await?;
        terms::begin(work.link()?).await?;
        work.commit().await?;
        self.pools.writer().await?.plain("truncate table message_terms").await?;
        let mut count = 0;
        loop {
            match self.step().await? {
                0 => return Ok(count),
                step => count += step,
            }
            told(count);
        }
    }

    /// Lets all searches wait until what this gives is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_searches(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.seats.take_all().await
    }

    /// Lets all writes wait until what this gives is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_writes(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// How many searches were asked so far.
    #[cfg(test)]
    pub(crate) fn searches(&self) -> usize {
        self.seats.asked()
    }

    async fn step(&self) -> Result<u64, StoreError> {
        let mut work = self.work().await?;
        let count = terms::step(work.link()?, INDEXED_AT_ONCE).await?;
        work.commit().await?;
        Ok(count)
    }

    async fn read(&self) -> Result<Link, StoreError> {
        self.pools.reader().await
    }

    async fn work(&self) -> Result<Work, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let link = self.pools.writer().await?;
        Work::begin(link, self.pools.dialect().begin(), Some(turn)).await
    }

    async fn expire(&self, site_days: u32, now: Timestamp) -> Result<u64, StoreError> {
        if let Some(gone) = self.bury(None).await? {
            // Not 0 while there is another grave.
            return Ok(u64::from(gone).max(1));
        }
        loop {
            let cursor = *self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
            let mut link = self.read().await?;
            let (aging, next) = history::aging(&mut link, cursor, site_days, now).await?;
            for one in &aging {
                if history::has_old(&mut link, one).await? {
                    drop(link);
                    let mut work = self.work().await?;
                    let gone = history::expire(work.link()?, one).await?;
                    work.commit().await?;
                    // Not 0 where only pictures were left.
                    return Ok(u64::from(gone).max(1));
                }
            }
            *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = next;
            if next.is_none() {
                return Ok(0);
            }
        }
    }

    async fn bury(&self, user: Option<UserId>) -> Result<Option<u32>, StoreError> {
        let mut work = self.work().await?;
        let gone = remove::bury(work.link()?, user).await?;
        work.commit().await?;
        Ok(gone)
    }

    async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        let mut work = self.work().await?;
        let there = people::by_id(work.link()?, user).await?.is_some();
        remove::user(work.link()?, user).await?;
        work.commit().await?;
        while self.bury(Some(user)).await?.is_some() {}
        if there { Ok(()) } else { Err(StoreError::Gone) }
    }
}

/// Bounds work that a browser waits for, also where a server takes everything and answers nothing.
async fn timely<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(StoreError::Unavailable("it does not answer".to_owned())))
}

/// Carries out one statement that writes.
macro_rules! write_one {
    ($self:expr, $sql:expr, $args:expr) => {
        Box::pin(timely(async move {
            let mut work = $self.work().await?;
            let touched = work.link()?.run($sql, &$args).await?;
            work.commit().await?;
            Ok(touched)
        }))
    };
}

impl Store for Sql {
    fn commit<'a>(&'a self, all: &'a [Write]) -> Later<'a, ()> {
        Box::pin(async move {
            // Until it is known to be done: whoever waits may give up.
            let before = self.failed.swap(true, Ordering::AcqRel);
            let mut work = self.work().await?;
            match writes::carry_out(work.link()?, all).await {
                Ok(()) => work.commit().await?,
                Err(error) => {
                    // What the database refuses for what it is says nothing of the database.
                    self.failed.store(before || matches!(error, StoreError::Unavailable(_)), Ordering::Release);
                    return Err(error);
                }
            }
            self.failed.store(false, Ordering::Release);
            Ok(())
        })
    }

    fn add_user<'a>(&'a self, user: &'a NewUser) -> Later<'a, ()> {
        Box::pin(timely(async move { people::add(self.work().await?, user).await }))
    }

    fn user_by_name<'a>(&'a self, folded: &'a str) -> Later<'a, Option<UserRow>> {
        Box::pin(timely(async move { people::by_name(&mut self.read().await?, folded).await }))
    }

    fn user(&self, user: UserId) -> Later<'_, Option<UserRow>> {
        Box::pin(timely(async move { people::by_id(&mut self.read().await?, user).await }))
    }

    fn users<'a>(&'a self, after: &'a str, most: u32) -> Later<'a, Vec<UserRow>> {
        Box::pin(timely(async move { people::list(&mut self.read().await?, after, most).await }))
    }

    fn count_users(&self) -> Later<'_, u64> {
        Box::pin(timely(async move { Ok(self.read().await?.number("select count(*) from users", &[]).await?.cast_unsigned()) }))
    }

    fn set_keys<'a>(&'a self, user: UserId, keys: &'a UserKeys, browsers: &'a [(TokenHash, Sealed)]) -> Later<'a, ()> {
        Box::pin(timely(async move { people::set_keys(self.work().await?, user, keys, browsers).await }))
    }

    fn set_disabled(&self, user: UserId, disabled: bool) -> Later<'_, ()> {
        Box::pin(timely(async move { people::set_disabled(self.work().await?, user, disabled).await }))
    }

    fn set_limits<'a>(&'a self, user: UserId, limits: &'a Limits) -> Later<'a, ()> {
        Box::pin(timely(async move { people::set_limits(self.work().await?, user, limits).await }))
    }

    fn delete_user(&self, user: UserId) -> Later<'_, ()> {
        Box::pin(self.erase(user))
    }

    fn forget_secrets(&self, user: UserId) -> Later<'_, ()> {
        Box::pin(timely(async move {
            let mut work = self.work().await?;
            work.link()?.run("delete from secrets where owner=?", &args![user.0]).await?;
            work.commit().await
        }))
    }

    fn add_browser<'a>(&'a self, browser: &'a Browser) -> Later<'a, ()> {
        Box::pin(timely(async move { people::add_browser(self.work().await?, browser).await }))
    }

    fn browser<'a>(&'a self, token: &'a TokenHash) -> Later<'a, Option<(Browser, UserRow)>> {
        Box::pin(timely(async move { people::browser(&mut self.read().await?, token).await }))
    }

    fn browsers(&self, user: UserId) -> Later<'_, Vec<Browser>> {
        Box::pin(timely(async move { people::browsers(&mut self.read().await?, user).await }))
    }

    fn touch_browsers<'a>(&'a self, used: &'a [(TokenHash, Timestamp)]) -> Later<'a, ()> {
        Box::pin(timely(async move { people::touch(self.work().await?, used).await }))
    }

    fn remove_browsers<'a>(&'a self, user: UserId, tokens: &'a [TokenHash]) -> Later<'a, ()> {
        Box::pin(timely(async move { people::remove_browsers(self.work().await?, user, tokens).await }))
    }

    fn expire_browsers(&self, before: Timestamp) -> Later<'_, u64> {
        write_one!(self, "delete from browsers where used<?", args![before.0])
    }

    fn add_invite<'a>(&'a self, invite: &'a Invite) -> Later<'a, ()> {
        Box::pin(timely(async move { people::put_invite(self.work().await?, invite).await }))
    }

    fn invite<'a>(&'a self, code: &'a TokenHash, now: Timestamp) -> Later<'a, bool> {
        Box::pin(timely(async move { people::invite(&mut self.read().await?, code, now).await }))
    }

    fn add_invited_user<'a>(&'a self, user: &'a NewUser, code: &'a TokenHash, now: Timestamp) -> Later<'a, ()> {
        Box::pin(timely(async move { people::add_invited(self.work().await?, user, code, now).await }))
    }

    fn unmake_user<'a>(&'a self, user: UserId, created: Timestamp, code: Option<&'a TokenHash>) -> Later<'a, ()> {
        Box::pin(async move {
            timely(async move { people::unmake(self.work().await?, user, created, code).await }).await?;
            while self.bury(Some(user)).await?.is_some() {}
            Ok(())
        })
    }

    fn invites(&self) -> Later<'_, Vec<Invite>> {
        Box::pin(timely(async move { people::invites(&mut self.read().await?).await }))
    }

    fn audit<'a>(&'a self, entries: &'a [AuditEntry]) -> Later<'a, ()> {
        Box::pin(timely(async move { people::audit(self.work().await?, entries).await }))
    }

    fn audited(&self, user: Option<UserId>, which: Audited, most: u32) -> Later<'_, Vec<AuditEntry>> {
        Box::pin(timely(async move { people::audited(&mut self.read().await?, user, which, most).await }))
    }

    fn set_protocol<'a>(&'a self, protocol: &'a str, disabled: bool) -> Later<'a, i64> {
        Box::pin(timely(async move { people::set_protocol(self.work().await?, protocol, disabled).await }))
    }

    fn closed_protocols(&self) -> Later<'_, Vec<String>> {
        Box::pin(timely(async move { people::closed_protocols(&mut self.read().await?).await }))
    }

    fn changes(&self, after: i64) -> Later<'_, Vec<(i64, Change)>> {
        Box::pin(timely(async move { people::changes(&mut self.read().await?, after).await }))
    }

    fn announce<'a>(&'a self, change: &'a Change) -> Later<'a, i64> {
        Box::pin(timely(async move { people::announce(self.work().await?, change).await }))
    }

    fn load(&self, user: UserId) -> Later<'_, Stored> {
        Box::pin(timely(async move { load::load(&mut self.read().await?, user).await }))
    }

    fn users_with_accounts(&self) -> Later<'_, Vec<UserId>> {
        Box::pin(timely(async move { load::users_with_accounts(&mut self.read().await?).await }))
    }

    fn page(&self, user: UserId, conversation: ConversationId, place: Place, most: u32) -> Later<'_, Page> {
        Box::pin(timely(async move { history::page(&mut self.read().await?, user, conversation, place, most).await }))
    }

    fn unread(&self, user: UserId, conversation: ConversationId, read: u64) -> Later<'_, Unread> {
        Box::pin(timely(async move { history::unread(&mut self.read().await?, user, conversation, read).await }))
    }

    fn search<'a>(&'a self, user: UserId, search: &'a Search, below: u64, most: u32, until: Instant) -> Later<'a, Found> {
        Box::pin(timely(async move {
            let _seat = self.seats.take(find::is_slow(search), until).await?;
            find::find(&mut self.read().await?, user, search, below, most).await
        }))
    }

    fn index_more(&self) -> Later<'_, u64> {
        Box::pin(self.step())
    }

    fn last_number(&self) -> Later<'_, u64> {
        Box::pin(timely(async move { history::last_number(&mut self.read().await?).await }))
    }

    fn expire_messages(&self, site_days: u32, now: Timestamp) -> Later<'_, u64> {
        Box::pin(self.expire(site_days, now))
    }

    fn usage(&self, user: UserId) -> Later<'_, u64> {
        Box::pin(async move { history::usage(&mut self.read().await?, user).await })
    }

    fn blob<'a>(&'a self, user: UserId, hash: &'a str) -> Later<'a, Option<Bytes>> {
        Box::pin(timely(async move {
            let sql =
                "select body from blobs where hash=? and exists (select 1 from blob_uses where owner=? and blob_uses.hash=blobs.hash)";
            let row = self.read().await?.row(sql, &args![hash, user.0]).await?;
            row.map(|row| Ok(Bytes::from(row.bytes(0)?))).transpose()
        }))
    }

    fn ping(&self) -> Later<'_, ()> {
        Box::pin(timely(async move {
            let mut work = self.work().await?;
            if !self.failed.load(Ordering::Acquire) {
                return work.undo().await;
            }
            // A full disk lets one begin: only what is committed shows that the database takes it.
            work.link()?.run("update bellflower set value=value where name='schema'", &[]).await?;
            work.commit().await?;
            self.failed.store(false, Ordering::Release);
            Ok(())
        }))
    }

    fn check(&self) -> Later<'_, Vec<String>> {
        Box::pin(async move {
            let mut work = copy::snapshot(self).await?;
            let wrong = care::check(work.link()?).await?;
            work.undo().await?;
            Ok(wrong)
        })
    }

    fn backup<'a>(&'a self, file: &'a Path) -> Later<'a, ()> {
        Box::pin(copy::backup(self, file))
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async move {
            let turn = self.turn.lock().await;
            self.pools.close().await;
            drop(turn);
            if let Some(mark) = self.mark.lock().await.take() {
                mark.end().await;
            }
            Ok(())
        })
    }
}
