//! Deletes messages, and all that hangs on them, in steps that do not hold others up. Decides nothing of what is to go.
//!
//! A conversation may have a million messages. What is more than [`AT_ONCE`] gets a row in `graves`: nobody sees those messages from then on, and
//! [`bury`] deletes them step by step.

use super::dialect::{ROWS, places};
use super::link::{Arg, Link, Row, args};
use super::rows::digest;
use super::tables::named;
use super::terms::{self, Entry};
use super::writes::insert_all;
use crate::store::{StoreError, keys_of};
use bridge::id::{AccountId, ConversationId, UserId};

/// Messages that one transaction deletes.
pub(super) const AT_ONCE: u32 = 2000;
/// Messages that are read at once to be deleted.
const STEP: u32 = 128;
/// Words of the messages that are deleted in one commit, about: each is a row of the index on servers.
const WORDS: usize = 20_000;
/// Above every number.
pub(super) const ALL: u64 = i64::MAX.cast_unsigned();

/// Deletes the messages of a conversation below a number, its gaps, waiting lines and pictures; with `whole` itself and the settings
/// about it, too.
pub(super) async fn conversation(
    link: &mut Link,
    user: UserId,
    conversation: ConversationId,
    below: u64,
    whole: bool,
    budget: &mut u32,
) -> Result<(), StoreError> {
    let (gone, more) = messages(link, user, conversation, below, *budget).await?;
    *budget = if more { 0 } else { *budget - gone };
    if let Some(last) = last_below(link, user, conversation, below).await? {
        dig(link, user, conversation, last).await?;
    }
    link.run("delete from gaps where owner=? and conversation=?", &args![user.0, conversation.0]).await?;
    link.run("delete from outbox where owner=? and conversation=?", &args![user.0, conversation.0]).await?;
    pictures(link, user, conversation, below).await?;
    if whole {
        link.run("delete from conversations where owner=? and id=?", &args![user.0, conversation.0]).await?;
        settings_of(link, user, conversation).await?;
    }
    Ok(())
}

async fn settings_of(link: &mut Link, user: UserId, id: impl std::fmt::Display) -> Result<(), StoreError> {
    for key in keys_of(id) {
        link.run("delete from settings where owner=? and digest=?", &args![user.0, digest(&key)]).await?;
    }
    Ok(())
}

/// Deletes an account with its people, secrets and conversations.
pub(super) async fn account(
    link: &mut Link,
    user: UserId,
    account: AccountId,
    below: impl Fn(ConversationId) -> u64,
    budget: &mut u32,
) -> Result<(), StoreError> {
    for row in link.rows("select id from conversations where owner=? and account=?", &args![user.0, account.0]).await? {
        let id = ConversationId(row.id(0)?);
        conversation(link, user, id, below(id), true, budget).await?;
    }
    settings_of(link, user, account).await?;
    for table in ["buddies", "secrets"] {
        link.run(&format!("delete from {table} where owner=? and account=?"), &args![user.0, account.0]).await?;
    }
    link.run("delete from accounts where owner=? and id=?", &args![user.0, account.0]).await.map(|_| ())
}

/// Deletes everything of a user but the messages of conversations, which it lays into graves.
pub(super) async fn user(link: &mut Link, user: UserId) -> Result<(), StoreError> {
    for row in link.rows("select id from conversations where owner=?", &args![user.0]).await? {
        let id = ConversationId(row.id(0)?);
        if let Some(last) = last_below(link, user, id, ALL).await? {
            dig(link, user, id, last).await?;
        }
        pictures(link, user, id, ALL).await?;
    }
    for row in link.rows("select distinct conversation from blob_uses where owner=?", &args![user.0]).await? {
        pictures(link, user, ConversationId(row.id(0)?), ALL).await?;
    }
    for table in ["browsers", "accounts", "secrets", "buddies", "conversations", "user_groups", "settings", "outbox", "gaps"] {
        link.run(&format!("delete from {table} where owner=?"), &args![user.0]).await?;
    }
    link.run("delete from users where id=?", &args![user.0]).await.map(|_| ())
}

/// The last number of a conversation's messages below another.
async fn last_below(link: &mut Link, user: UserId, conversation: ConversationId, below: u64) -> Result<Option<u64>, StoreError> {
    let dialect = link.dialect();
    let row = link.row(&dialect.range("m.number", true), &dialect.range_args(user, conversation, 0, below, 1)).await?;
    row.map(|row| row.id(0)).transpose()
}

async fn dig(link: &mut Link, user: UserId, conversation: ConversationId, upto: u64) -> Result<(), StoreError> {
    let end = link.dialect().or_change(named("graves"));
    insert_all(link, named("graves"), &end, vec![args![user.0, conversation.0, upto].to_vec()]).await
}

/// Deletes messages out of one grave. Returns how many; `None`: there is no grave (of this user, or of anybody).
pub(super) async fn bury(link: &mut Link, only: Option<UserId>) -> Result<Option<u32>, StoreError> {
    let row = match only {
        Some(user) => link.row("select owner,conversation,upto from graves where owner=? limit 1", &args![user.0]).await?,
        None => link.row("select owner,conversation,upto from graves limit 1", &[]).await?,
    };
    let Some(row) = row else { return Ok(None) };
    let (user, id, upto) = (UserId(row.id(0)?), ConversationId(row.id(1)?), row.id(2)?);
    let (gone, more) = messages(link, user, id, upto.saturating_add(1), AT_ONCE).await?;
    if !more {
        link.run("delete from graves where owner=? and conversation=? and upto=?", &args![user.0, id.0, upto]).await?;
    }
    Ok(Some(gone))
}

/// The number up to which a conversation's messages are in a grave; 0 for none.
pub(super) async fn floor(link: &mut Link, user: UserId, conversation: ConversationId) -> Result<u64, StoreError> {
    let sql = "select upto from graves where owner=? and conversation=?";
    Ok(link.number(sql, &args![user.0, conversation.0]).await?.cast_unsigned())
}

/// Deletes the oldest messages of a conversation below a number, at most so many, and of long ones fewer: all of it is one commit. Returns how many,
/// and whether there may be more.
pub(super) async fn messages(
    link: &mut Link,
    user: UserId,
    conversation: ConversationId,
    below: u64,
    most: u32,
) -> Result<(u32, bool), StoreError> {
    let dialect = link.dialect();
    let unindexed = terms::unindexed(link).await?;
    let (mut gone, mut words) = (0, 0);
    while gone < most && words < WORDS {
        let step = STEP.min(most - gone);
        let range = dialect.range_args(user, conversation, 0, below, step);
        let found = link.rows(&dialect.range("m.number,m.flags,m.body", false), &range).await?;
        let entry = |row: &Row| Ok(Entry::new(row.id(0)?, user, conversation, row.small(1)?, &row.text(2)?, unindexed));
        let entries: Vec<Entry> = found.iter().map(entry).collect::<Result<_, StoreError>>()?;
        terms::forget(link, &entries).await?;
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let size = ROWS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
            let (these, others) = rest.split_at(size);
            let args: Vec<Arg<'_>> = these.iter().map(|entry| Arg::from(entry.number)).collect();
            link.run(&format!("delete from messages where number in {}", places(size, 1)), &args).await?;
            rest = others;
        }
        words += entries.iter().map(|entry| entry.terms.len()).sum::<usize>();
        let count = u32::try_from(entries.len()).unwrap_or(step);
        gone += count;
        if count < step {
            return Ok((gone, false));
        }
    }
    Ok((gone, true))
}

/// Forgets the pictures of a conversation that no message from a number on shows, and those that nobody has any more.
pub(super) async fn pictures(link: &mut Link, user: UserId, conversation: ConversationId, below: u64) -> Result<(), StoreError> {
    let of = args![user.0, conversation.0, below];
    let found = link.rows("select hash from blob_uses where owner=? and conversation=? and number<?", &of).await?;
    if found.is_empty() {
        return Ok(());
    }
    link.run("delete from blob_uses where owner=? and conversation=? and number<?", &of).await?;
    let lock = link.dialect().for_update();
    for row in found {
        let hash = row.text(0)?;
        // Locked first: the next statement then sees who has come to use it in the meantime.
        link.rows(&format!("select hash from blobs where hash=?{lock}"), &args![&hash]).await?;
        link.run("delete from blobs where hash=? and not exists (select 1 from blob_uses where blob_uses.hash=blobs.hash)", &args![&hash])
            .await?;
    }
    Ok(())
}
