//! Carries out what sessions write, many in one statement where that changes nothing. Decides nothing of what they mean.

use super::dialect::{ROWS, places};
use super::link::{Arg, Link, args};
use super::tables::{MESSAGES, Table, named};
use super::terms::{self, Entry};
use super::{remove, rows};
use crate::store::{AccountRow, BuddyRow, ConversationRow, Gap, GroupRow, OutboxRow, StoreError, StoredMessage, Write};
use bridge::id::{ConversationId, UserId};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Bytes of the parameters of one statement, about: servers bound their packets.
const MOST_BYTES: usize = 4 << 20;

/// Writes that can wait until the end of the batch, or until something that it depends on. By key, so that the last word counts, and no statement has a
/// row twice.
#[derive(Default)]
struct Pending<'a> {
    messages: BTreeMap<u64, &'a StoredMessage>,
    conversations: BTreeMap<(u64, u64), Cow<'a, ConversationRow>>,
    reads: BTreeMap<(u64, u64), u64>,
    settings: BTreeMap<(u64, u64), (&'a str, Option<&'a str>)>,
    buddies: BTreeMap<(u64, u64, u64), Option<&'a BuddyRow>>,
    groups: BTreeMap<(u64, u64), Option<(UserId, &'a GroupRow)>>,
    outbox: BTreeMap<(u64, u64), Option<&'a OutboxRow>>,
    gaps: BTreeMap<(u64, u64, u64, i64), (UserId, &'a Gap)>,
}

/// Carries out all of them, within the caller's transaction.
pub(super) async fn carry_out(link: &mut Link, writes: &[Write]) -> Result<(), StoreError> {
    let mut pending = Pending::default();
    let mut budget = remove::AT_ONCE;
    for (place, write) in writes.iter().enumerate() {
        let rest = writes.get(place + 1..).unwrap_or_default();
        match write {
            Write::Message(message) => {
                pending.messages.entry(message.number).or_insert(message);
            }
            Write::MessageChanged(message) => match pending.messages.get_mut(&message.number) {
                Some(new) => *new = message,
                None => change_message(link, message).await?,
            },
            Write::Conversation(row) => {
                pending.reads.remove(&(row.user.0, row.id.0));
                pending.conversations.insert((row.user.0, row.id.0), Cow::Borrowed(row));
            }
            Write::Read { user, conversation, upto } => match pending.conversations.get_mut(&(user.0, conversation.0)) {
                Some(row) => row.to_mut().read = *upto,
                None => {
                    pending.reads.insert((user.0, conversation.0), *upto);
                }
            },
            Write::Gap(user, gap) => {
                pending.gaps.insert((user.0, gap.conversation.0, gap.after, gap.from.0), (*user, gap));
            }
            Write::Buddy(row) => {
                pending.buddies.insert((row.user.0, row.account.0, row.buddy.0), Some(row));
            }
            Write::BuddyRemoved { user, account, buddy } => {
                pending.buddies.insert((user.0, account.0, buddy.0), None);
            }
            Write::Group(user, row) => {
                pending.groups.insert((user.0, rows::digest(&row.name)), Some((*user, row)));
            }
            Write::GroupRemoved { user, name } => {
                pending.groups.insert((user.0, rows::digest(name)), None);
            }
            Write::Setting { user, key, value } => {
                pending.settings.insert((user.0, rows::digest(key)), (key, value.as_deref()));
            }
            Write::Outbox(row) => {
                pending.outbox.insert((row.user.0, row.number), Some(row));
            }
            Write::OutboxDone { user, number } => {
                pending.outbox.insert((user.0, *number), None);
            }
            Write::Account(row) => put_account(link, row).await?,
            Write::Blob { user, conversation, number, hash, bytes } => put_blob(link, *user, *conversation, *number, hash, bytes).await?,
            Write::DeleteConversation { user, conversation, whole } => {
                std::mem::take(&mut pending).flush(link).await?;
                let below = next_message(rest, *conversation);
                remove::conversation(link, *user, *conversation, below, *whole, &mut budget).await?;
            }
            Write::AccountRemoved { user, account } => {
                std::mem::take(&mut pending).flush(link).await?;
                remove::account(link, *user, *account, |conversation| next_message(rest, conversation), &mut budget).await?;
            }
        }
    }
    pending.flush(link).await
}

/// The number of the first message to come in a conversation: when this batch is carried out a second time, it is there already, and what
/// deletes the ones before must not take it.
fn next_message(rest: &[Write], wanted: ConversationId) -> u64 {
    let numbers = rest.iter().filter_map(|write| match write {
        Write::Message(message) if message.conversation == wanted => Some(message.number),
        _ => None,
    });
    numbers.min().unwrap_or(remove::ALL)
}

impl Pending<'_> {
    async fn flush(self, link: &mut Link) -> Result<(), StoreError> {
        let messages: Vec<&StoredMessage> = self.messages.into_values().collect();
        put_messages(link, &messages).await?;
        let all: Vec<_> = self.conversations.values().map(|row| rows::conversation(row)).collect();
        change_all(link, "conversations", all).await?;
        for ((user, conversation), upto) in self.reads {
            link.run("update conversations set seen=? where owner=? and id=?", &args![upto, user, conversation]).await?;
        }
        let mut put = Vec::new();
        for ((user, digest), (name, value)) in self.settings {
            match value {
                Some(value) => put.push(args![user, digest, name, value].to_vec()),
                None => {
                    link.run("delete from settings where owner=? and digest=?", &args![user, digest]).await?;
                }
            }
        }
        change_all(link, "settings", put).await?;
        let mut put = Vec::new();
        for ((user, account, buddy), row) in self.buddies {
            match row {
                Some(row) => put.push(rows::buddy(row)),
                None => {
                    link.run("delete from buddies where owner=? and account=? and id=?", &args![user, account, buddy]).await?;
                }
            }
        }
        change_all(link, "buddies", put).await?;
        let mut put = Vec::new();
        for ((user, digest), group) in self.groups {
            match group {
                Some((owner, row)) => put.push(rows::group(owner, row)),
                None => {
                    link.run("delete from user_groups where owner=? and digest=?", &args![user, digest]).await?;
                }
            }
        }
        change_all(link, "user_groups", put).await?;
        let mut put = Vec::new();
        for ((user, number), row) in self.outbox {
            match row {
                Some(row) => put.push(rows::outbox(row)),
                None => {
                    link.run("delete from outbox where owner=? and number=?", &args![user, number]).await?;
                }
            }
        }
        change_all(link, "outbox", put).await?;
        change_all(link, "gaps", self.gaps.values().map(|(user, gap)| rows::gap(*user, gap)).collect()).await
    }
}

async fn change_all(link: &mut Link, table: &str, all: Vec<Vec<Arg<'_>>>) -> Result<(), StoreError> {
    let table = named(table);
    let end = link.dialect().or_change(table);
    insert_all(link, table, &end, all).await
}

/// Inserts rows, many in one statement; `end` says what becomes of those that are there.
pub(super) async fn insert_all(link: &mut Link, table: &Table, end: &str, all: Vec<Vec<Arg<'_>>>) -> Result<(), StoreError> {
    insert_many(link, table, end, all, &ROWS).await
}

/// The same, with as many rows in a statement as one of these sizes says.
pub(super) async fn insert_many(
    link: &mut Link,
    table: &Table,
    end: &str,
    all: Vec<Vec<Arg<'_>>>,
    sizes: &[usize],
) -> Result<(), StoreError> {
    let mut rest = all.into_iter();
    while rest.len() > 0 {
        let size = fitting(rest.as_slice(), sizes);
        let mut args = Vec::with_capacity(size * table.columns.len());
        args.extend(rest.by_ref().take(size).flatten());
        let sql = format!("{}{end}", link.dialect().insert(table, size));
        link.run(&sql, &args).await?;
    }
    Ok(())
}

/// How many of these rows go into the next statement.
fn fitting(rows: &[Vec<Arg<'_>>], sizes: &[usize]) -> usize {
    let fits = |size: usize| {
        let bytes = |arg: &Arg<'_>| match arg {
            Arg::Int(_) => 8,
            Arg::Text(text) => text.as_ref().map_or(0, |text| text.len()),
            Arg::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len()),
        };
        rows.get(..size).is_some_and(|rows| rows.iter().flatten().map(bytes).sum::<usize>() <= MOST_BYTES)
    };
    sizes.iter().copied().find(|size| fits(*size)).unwrap_or(1)
}

/// Inserts messages, in the order of their numbers, that are not there yet.
pub(super) async fn put_messages(link: &mut Link, messages: &[&StoredMessage]) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let table = named(MESSAGES);
    let new = not_there(link, messages).await?;
    let end = if link.dialect().index_is_told() { String::new() } else { link.dialect().or_keep(table) };
    insert_all(link, table, &end, new.iter().map(|message| rows::message(message)).collect()).await?;
    let unindexed = terms::unindexed(link).await?;
    let entries: Vec<Entry> = new.iter().map(|message| Entry::of(message, unindexed)).collect();
    terms::put(link, &entries).await
}

/// Those, in the order of their numbers, that are not there: the index would take a message twice.
async fn not_there<'a>(link: &mut Link, messages: &[&'a StoredMessage]) -> Result<Vec<&'a StoredMessage>, StoreError> {
    let last = link.number("select max(number) from messages", &[]).await?.cast_unsigned();
    let (old, _) = messages.split_at(messages.partition_point(|message| message.number <= last));
    if old.is_empty() {
        return Ok(messages.to_vec());
    }
    let mut there = std::collections::BTreeSet::new();
    let mut rest = old;
    while !rest.is_empty() {
        let size = ROWS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        let (these, others) = rest.split_at(size);
        let args: Vec<Arg<'_>> = these.iter().map(|message| message.number.into()).collect();
        for row in link.rows(&format!("select number from messages where number in {}", places(size, 1)), &args).await? {
            there.insert(row.id(0)?);
        }
        rest = others;
    }
    Ok(messages.iter().filter(|message| !there.contains(&message.number)).copied().collect())
}

async fn change_message(link: &mut Link, message: &StoredMessage) -> Result<(), StoreError> {
    let of = args![message.number, message.user.0, message.conversation.0];
    let row = link.row("select flags,body from messages where number=? and owner=? and conversation=?", &of).await?;
    let Some(row) = row else { return Ok(()) };
    let unindexed = terms::unindexed(link).await?;
    let after = Entry::of(message, unindexed);
    let before = Entry::new(message.number, message.user, message.conversation, row.small(0)?, &row.text(1)?, unindexed);
    let sql = "update messages set late=?,flags=?,author=?,alias=?,buddy=?,body=?,spans=?,server_id=? where number=? and owner=? and conversation=?";
    let mut args = rows::message(message).split_off(3);
    args.extend(of);
    link.run(sql, &args).await?;
    terms::change(link, &before, &after).await
}

async fn put_account(link: &mut Link, row: &AccountRow) -> Result<(), StoreError> {
    change_all(link, "accounts", vec![rows::account(row)]).await?;
    link.run("delete from secrets where owner=? and account=?", &args![row.user.0, row.account.0]).await?;
    let secrets = row
        .secrets
        .iter()
        .enumerate()
        .map(|(place, (field, sealed))| args![row.user.0, row.account.0, place as u64, field, sealed.0.as_slice()].to_vec());
    insert_all(link, named("secrets"), "", secrets.collect()).await
}

async fn put_blob(
    link: &mut Link,
    user: UserId,
    conversation: ConversationId,
    number: u64,
    hash: &str,
    bytes: &Bytes,
) -> Result<(), StoreError> {
    let end = link.dialect().or_hold(named("blobs"));
    insert_all(link, named("blobs"), &end, vec![args![hash, bytes.as_ref()].to_vec()]).await?;
    let sql = "select number from blob_uses where owner=? and conversation=? and hash=?";
    let last = link.number(sql, &args![user.0, conversation.0, hash]).await?.cast_unsigned();
    change_all(link, "blob_uses", vec![args![user.0, conversation.0, hash, number.max(last)].to_vec()]).await
}
