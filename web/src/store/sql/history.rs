//! Reads pages of history, counts what is unread, and lets old messages go. Writes no message (see `writes`).

use super::dialect::MESSAGE;
use super::link::{Link, args};
use super::remove;
use super::rows::{self, read_gap, read_message};
use crate::store::{DAY_MS, Gap, Page, Place, StoreError, StoredMessage, Unread, days_kept};
use bridge::id::{ConversationId, UserId};
use bridge::time::Timestamp;
use std::collections::HashMap;

/// Unread messages are counted up to here.
const MOST_UNREAD: u32 = 10_000;
/// Messages of which the mean size of a conversation's is taken.
const SAMPLE: u32 = 50;
/// Bytes that a message takes besides its texts, about.
const OVERHEAD: u64 = 80;

/// Whose messages, and from where on they are there.
struct Sight<'a> {
    link: &'a mut Link,
    user: UserId,
    conversation: ConversationId,
    /// Messages up to here are deleted.
    floor: u64,
}

impl Sight<'_> {
    async fn read(&mut self, above: u64, below: u64, newest: bool, most: u32) -> Result<Vec<StoredMessage>, StoreError> {
        let dialect = self.link.dialect();
        let args = dialect.range_args(self.user, self.conversation, above.max(self.floor), below, most);
        let rows = self.link.rows(&dialect.range(MESSAGE, newest), &args).await?;
        let mut messages: Vec<StoredMessage> = rows.iter().map(read_message).collect::<Result<_, _>>()?;
        if newest {
            messages.reverse();
        }
        Ok(messages)
    }

    /// The messages before a number, oldest first, and the number of the one before them.
    async fn before(&mut self, below: u64, most: u32) -> Result<(Vec<StoredMessage>, Option<u64>), StoreError> {
        let mut messages = self.read(0, below, true, most.saturating_add(1)).await?;
        let more = messages.len() > most as usize;
        let neighbour = more.then(|| messages.remove(0).number);
        Ok((messages, neighbour))
    }

    /// The messages after a number, oldest first, and whether there are more.
    async fn after(&mut self, above: u64, most: u32) -> Result<(Vec<StoredMessage>, bool), StoreError> {
        let mut messages = self.read(above, remove::ALL, false, most.saturating_add(1)).await?;
        let more = messages.len() > most as usize;
        messages.truncate(most as usize);
        Ok((messages, more))
    }
}

/// Messages around a place, and the gaps among them.
pub(super) async fn page(link: &mut Link, user: UserId, conversation: ConversationId, place: Place, most: u32) -> Result<Page, StoreError> {
    let floor = remove::floor(link, user, conversation).await?;
    let mut sight = Sight { link, user, conversation, floor };
    // `before`: number of the message before the page.
    let (messages, before, more_after) = match place {
        Place::Newest => {
            let (messages, before) = sight.before(remove::ALL, most).await?;
            (messages, before, false)
        }
        Place::Before(number) => {
            let (messages, before) = sight.before(number, most).await?;
            let (next, _) = sight.after(number.saturating_sub(1), 1).await?;
            (messages, before, !next.is_empty())
        }
        Place::After(number) => {
            let (messages, more) = sight.after(number, most).await?;
            let (mut last, _) = sight.before(number.saturating_add(1), 1).await?;
            (messages, last.pop().map(|message| message.number), more)
        }
        Place::Around(number) => {
            let (mut messages, before) = sight.before(number, most / 2).await?;
            let rest = most - u32::try_from(messages.len()).unwrap_or(most).min(most);
            let (mut after, more) = sight.after(number.saturating_sub(1), rest).await?;
            messages.append(&mut after);
            (messages, before, more)
        }
    };
    let last = messages.last().map(|message| message.number);
    let upto = match (more_after, place) {
        (false, _) => remove::ALL,
        (true, Place::Before(number)) => last.unwrap_or(number.saturating_sub(1)),
        (true, _) => last.unwrap_or(0),
    };
    let gaps = gaps(link, user, conversation, before.unwrap_or(0), upto).await?;
    Ok(Page { messages, more_before: before.is_some(), more_after, gaps })
}

async fn gaps(link: &mut Link, user: UserId, conversation: ConversationId, from: u64, upto: u64) -> Result<Vec<Gap>, StoreError> {
    let sql = "select owner,conversation,after,began,ended,why from gaps where owner=? and conversation=? and after>=? and after<=? order by after,began";
    let rows = link.rows(sql, &args![user.0, conversation.0, from, upto]).await?;
    rows.iter().map(read_gap).collect()
}

/// How many messages after `read` count, the oldest first, and how many of those name the user.
pub(super) async fn unread(link: &mut Link, user: UserId, conversation: ConversationId, read: u64) -> Result<Unread, StoreError> {
    let floor = remove::floor(link, user, conversation).await?;
    let dialect = link.dialect();
    let mut above = read.min(remove::ALL).max(floor);
    let mut unread = Unread::default();
    // What does not count is read past, in steps.
    loop {
        let args = dialect.range_args(user, conversation, above, remove::ALL, MOST_UNREAD);
        let rows = link.rows(&dialect.range("m.number,m.flags", false), &args).await?;
        for row in &rows {
            let flags = row.small(1)?;
            if flags & StoredMessage::COUNTS != 0 && unread.unread < MOST_UNREAD {
                unread.unread += 1;
                unread.mentions += u32::from(flags & StoredMessage::HIGHLIGHT != 0);
            }
            above = row.id(0)?;
        }
        if rows.len() < MOST_UNREAD as usize || unread.unread >= MOST_UNREAD {
            return Ok(unread);
        }
    }
}

/// Where [`expire`] goes on: the last conversation that was looked at.
pub(super) type Cursor = Option<(i64, i64)>;

/// A conversation whose messages may be too old.
pub(super) struct Aging {
    user: UserId,
    conversation: ConversationId,
    below: u64,
}

/// The next conversations after the cursor that have an age, and the cursor after them; no cursor at the end.
pub(super) async fn aging(link: &mut Link, cursor: Cursor, site_days: u32, now: Timestamp) -> Result<(Vec<Aging>, Cursor), StoreError> {
    const STEP: u32 = 500;
    let rows = match cursor {
        None => link.rows("select owner,id,days from conversations order by owner,id limit ?", &args![STEP]).await?,
        Some((owner, id)) => {
            let sql = "select owner,id,days from conversations where owner>? or (owner=? and id>?) order by owner,id limit ?";
            link.rows(sql, &args![owner, owner, id, STEP]).await?
        }
    };
    let mut users: HashMap<u64, Option<u32>> = HashMap::new();
    let mut all = Vec::new();
    let mut last = None;
    for row in &rows {
        last = Some((row.int(0)?, row.int(1)?));
        let user = row.id(0)?;
        let own = row.opt_int(2)?.and_then(|days| u32::try_from(days).ok());
        let wanted = match (own, users.get(&user)) {
            (Some(days), _) => Some(days),
            (None, Some(days)) => *days,
            (None, None) => {
                let days = days_of(link, UserId(user)).await?;
                users.insert(user, days);
                days
            }
        };
        let days = days_kept(wanted, site_days);
        let time = now.0.saturating_sub(i64::from(days) * DAY_MS);
        if days > 0 && time > 0 {
            all.push(Aging { user: UserId(user), conversation: ConversationId(row.id(1)?), below: time.cast_unsigned() << 16 });
        }
    }
    let end = rows.len() < STEP as usize;
    Ok((all, if end { None } else { last }))
}

/// The days of the user's setting `history`.
async fn days_of(link: &mut Link, user: UserId) -> Result<Option<u32>, StoreError> {
    let sql = "select value from settings where owner=? and digest=?";
    let Some(row) = link.row(sql, &args![user.0, rows::digest("history")]).await? else { return Ok(None) };
    let value: serde_json::Value = serde_json::from_str(&row.text(0)?).unwrap_or_default();
    Ok(value.get("days").and_then(serde_json::Value::as_u64).and_then(|days| u32::try_from(days).ok()))
}

/// Whether a conversation has a message that is too old, or a picture that only such messages showed.
pub(super) async fn has_old(link: &mut Link, aging: &Aging) -> Result<bool, StoreError> {
    let dialect = link.dialect();
    let args = dialect.range_args(aging.user, aging.conversation, 0, aging.below, 1);
    if link.row(&dialect.range("m.number", false), &args).await?.is_some() {
        return Ok(true);
    }
    let sql = "select hash from blob_uses where owner=? and conversation=? and number<? limit 1";
    Ok(link.row(sql, &args![aging.user.0, aging.conversation.0, aging.below]).await?.is_some())
}

/// Deletes a step of the messages of a conversation that are too old, with the gaps and pictures among them.
pub(super) async fn expire(link: &mut Link, aging: &Aging) -> Result<u32, StoreError> {
    let (gone, more) = remove::messages(link, aging.user, aging.conversation, aging.below, remove::AT_ONCE).await?;
    if !more {
        let sql = "delete from gaps where owner=? and conversation=? and after<? and ended is not null and ended<?";
        let time = rows::time_of(aging.below);
        link.run(sql, &args![aging.user.0, aging.conversation.0, aging.below, time]).await?;
        remove::pictures(link, aging.user, aging.conversation, aging.below).await?;
    }
    Ok(gone)
}

/// Bytes of a user's messages and pictures: of each conversation, its count times the mean of its newest.
pub(super) async fn usage(link: &mut Link, user: UserId) -> Result<u64, StoreError> {
    let dialect = link.dialect();
    let mut total = 0_u64;
    let body = dialect.length("m.body");
    let columns = format!("{body},{},{}", dialect.length("m.author"), dialect.length("coalesce(m.spans,'')"));
    for row in link.rows("select id from conversations where owner=?", &args![user.0]).await? {
        let id = ConversationId(row.id(0)?);
        let sample = link.rows(&dialect.range(&columns, true), &dialect.range_args(user, id, 0, remove::ALL, SAMPLE)).await?;
        let mut bytes = 0;
        for row in &sample {
            bytes += row.id(0)? + row.id(1)? + row.id(2)? + OVERHEAD;
        }
        let seen = sample.len() as u64;
        let count = if seen < u64::from(SAMPLE) {
            seen
        } else {
            link.number(dialect.count(), &dialect.count_args(user, id)).await?.cast_unsigned()
        };
        total += count.saturating_mul(bytes) / seen.max(1);
    }
    let pictures = format!(
        "select {} from blobs where hash in (select distinct hash from blob_uses where owner=?)",
        dialect.sum(&dialect.length("body"))
    );
    Ok(total + link.number(&pictures, &args![user.0]).await?.cast_unsigned())
}

/// The highest number of all.
pub(super) async fn last_number(link: &mut Link) -> Result<u64, StoreError> {
    Ok(link.number("select max(number) from messages", &[]).await?.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Setting, Sql};

    #[tokio::test]
    async fn a_page_is_found_by_the_index_in_its_order() {
        let directory = tempfile::tempdir().unwrap();
        let sql = Sql::open(&Setting::file(&directory.path().join("a.sqlite"))).await.unwrap();
        let mut link = sql.read().await.unwrap();
        let dialect = link.dialect();
        // What FTS5 calls by word, by the order of rows, and backwards.
        for (newest, way) in [(true, "192:M1><"), (false, "64:M1><")] {
            let statement = format!("explain query plan {}", dialect.range(MESSAGE, newest));
            let args = dialect.range_args(UserId(1), ConversationId(2), 3, 4, 5);
            let rows = link.rows(&statement, &args).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.text(3).unwrap()).collect();
            let wanted = [
                "CO-ROUTINE (subquery-1)",
                &format!("SCAN fts VIRTUAL TABLE INDEX {way}"),
                "SCAN (subquery-1)",
                "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)",
                // Of no more rows than the page has.
                "USE TEMP B-TREE FOR ORDER BY",
            ];
            assert_eq!(plan, wanted);
        }
    }
}
