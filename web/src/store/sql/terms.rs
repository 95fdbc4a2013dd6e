//! Keeps the index by which messages are searched: which terms of which message are in it. Says nothing of what a term is (see `search::terms`), and
//! finds nothing (see `find`).
//!
//! On SQLite a message's terms stand in the full-text index, beside the word of its conversation, behind the letters of its user. Elsewhere each term of
//! a message is a row of `message_terms`. Messages whose numbers are not above the counter `unindexed` have no terms yet: they were stored before there
//! was an index, and [`step`] catches up, the newest first.

use super::dialect::{GOES, ROWS, places, token};
use super::link::{Arg, Link, args};
use super::tables::{META, TERMS};
use super::writes::{insert_all, insert_many};
use crate::search;
use crate::store::{StoreError, StoredMessage};
use bridge::id::{ConversationId, UserId};

/// Rows of one statement that inserts terms.
const TERM_ROWS: [usize; 4] = [1024, 128, 16, 1];
/// Rows of one statement that deletes terms.
const TERMS_AT_ONCE: [usize; 3] = [128, 16, 1];
/// Terms that are put into the index in one step of catching up, about.
const A_STEP: usize = 20_000;
/// The counter up to which messages have no terms.
const UNINDEXED: &str = "unindexed";

/// A message's entry in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) user: UserId,
    pub(super) conversation: ConversationId,
    pub(super) terms: Vec<String>,
}

impl Entry {
    /// Makes the entry of a message of these flags and words. `unindexed`: messages up to this number have no terms.
    pub(super) fn new(number: u64, user: UserId, conversation: ConversationId, flags: u32, body: &str, unindexed: u64) -> Self {
        // Lines of the system, and messages that were taken back, are not found.
        let none = number <= unindexed || flags & (StoredMessage::SYSTEM | StoredMessage::REMOVED) != 0;
        Self { number, user, conversation, terms: if none { Vec::new() } else { search::of_text(body) } }
    }

    pub(super) fn of(message: &StoredMessage, unindexed: u64) -> Self {
        Self::new(message.number, message.user, message.conversation, message.flags, &message.text, unindexed)
    }

    /// The text of SQLite's index.
    fn text(&self) -> String {
        let mut text = token(self.user, self.conversation);
        let user = search::of_user(self.user.0);
        for term in &self.terms {
            text.push(' ');
            text.push_str(&user);
            text.push_str(term);
        }
        text
    }
}

/// The number up to which messages have no terms yet; 0: all have.
pub(super) async fn unindexed(link: &mut Link) -> Result<u64, StoreError> {
    Ok(link.number("select value from bellflower where name='unindexed'", &[]).await?.cast_unsigned())
}

/// Sets the number up to which messages have no terms.
pub(super) async fn set_unindexed(link: &mut Link, upto: u64) -> Result<(), StoreError> {
    if upto == 0 {
        return link.run("delete from bellflower where name='unindexed'", &[]).await.map(|_| ());
    }
    let end = link.dialect().or_change(&META);
    insert_all(link, &META, &end, vec![args![UNINDEXED, upto].to_vec()]).await
}

/// Puts messages into the index, which must not know them.
pub(super) async fn put(link: &mut Link, entries: &[Entry]) -> Result<(), StoreError> {
    if !link.dialect().index_is_told() {
        let row = |entry: &Entry, term: &str| args![entry.user.0, term, entry.number].map(Arg::into_owned).to_vec();
        let all = entries.iter().flat_map(|entry| entry.terms.iter().map(move |term| row(entry, term)));
        return insert_many(link, &TERMS, &link.dialect().or_keep(&TERMS), all.collect(), &TERM_ROWS).await;
    }
    fts(link, entries, true).await
}

/// Takes messages out of the index, which must have them as they are here: FTS5 keeps no text of its own, and must be told exactly what it was given.
pub(super) async fn forget(link: &mut Link, entries: &[Entry]) -> Result<(), StoreError> {
    if link.dialect().index_is_told() {
        return fts(link, entries, false).await;
    }
    let all: Vec<(UserId, &str, u64)> =
        entries.iter().flat_map(|entry| entry.terms.iter().map(move |term| (entry.user, term.as_str(), entry.number))).collect();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        // Few sizes, so that few statements are prepared.
        let size = TERMS_AT_ONCE.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        let (these, others) = rest.split_at(size);
        let args: Vec<Arg<'_>> = these.iter().flat_map(|(user, term, number)| args![user.0, *term, *number]).collect();
        let each = vec!["(owner=? and term=? and number=?)"; size].join(" or ");
        link.run(&format!("delete from message_terms where {each}"), &args).await?;
        rest = others;
    }
    Ok(())
}

/// Tells the full-text index of messages that come, or go.
async fn fts(link: &mut Link, entries: &[Entry], come: bool) -> Result<(), StoreError> {
    let mut rest = entries;
    while !rest.is_empty() {
        let size = ROWS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        let (these, others) = rest.split_at(size);
        let dialect = link.dialect();
        let Some(sql) = (if come { dialect.index_in(size) } else { dialect.index_out(size) }) else { return Ok(()) };
        let mut args = Vec::with_capacity(3 * size);
        for entry in these {
            args.extend((!come).then(|| Arg::from(GOES)));
            args.extend([entry.number.into(), Arg::Text(Some(entry.text().into()))]);
        }
        link.run(&sql, &args).await?;
        rest = others;
    }
    Ok(())
}

/// The columns of [`read`].
const COLUMNS: &str = "number,owner,conversation,flags,body";

fn read(row: &super::link::Row, unindexed: u64) -> Result<Entry, StoreError> {
    Ok(Entry::new(row.id(0)?, UserId(row.id(1)?), ConversationId(row.id(2)?), row.small(3)?, &row.text(4)?, unindexed))
}

/// Gives terms to the newest messages that have none, at most so many. Returns how many; 0: all have.
pub(super) async fn step(link: &mut Link, most: u32) -> Result<u64, StoreError> {
    let upto = unindexed(link).await?;
    if upto == 0 {
        return Ok(0);
    }
    let sql = format!("select {COLUMNS} from messages where number<=? order by number desc limit ?");
    let rows = link.rows(&sql, &args![upto, most]).await?;
    let mut entries: Vec<Entry> = rows.iter().map(|row| read(row, 0)).collect::<Result<_, _>>()?;
    // Long messages make a shorter step: commits wait for it.
    let mut sum = 0;
    let fits = |entry: &&Entry| {
        let fits = sum < A_STEP;
        sum += entry.terms.len();
        fits
    };
    let kept = entries.iter().take_while(fits).count();
    let cut = kept < entries.len();
    entries.truncate(kept);
    if link.dialect().index_is_told() {
        let bare: Vec<Entry> = entries.iter().map(|entry| Entry { terms: Vec::new(), ..entry.clone() }).collect();
        forget(link, &bare).await?;
    }
    put(link, &entries).await?;
    let last = entries.last().filter(|_| cut || entries.len() == most as usize);
    set_unindexed(link, last.map_or(0, |entry| entry.number.saturating_sub(1))).await?;
    // Not 0 where none was left.
    Ok((entries.len() as u64).max(1))
}

/// Makes the full-text index again, where there is one, out of the messages, some 50 000 a second; with terms, or for those of `bare` without.
pub(super) async fn anew(link: &mut Link, bare: bool) -> Result<(), StoreError> {
    const STEP: u32 = 2000;
    let Some(nothing) = link.dialect().index_nothing() else { return Ok(()) };
    let count = link.number("select count(*) from messages", &[]).await?;
    if count > 100_000 {
        log::warn!("the index of {count} messages is made anew, once; this takes some minutes");
    }
    link.plain(nothing).await?;
    let mut last = i64::MIN;
    loop {
        let sql = format!("select {COLUMNS} from messages where number>? order by number limit ?");
        let rows = link.rows(&sql, &args![last, STEP]).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            last = row.int(0)?;
            entries.push(read(row, if bare { u64::MAX } else { 0 })?);
        }
        put(link, &entries).await?;
        if rows.len() < STEP as usize {
            return Ok(());
        }
    }
}

/// Begins an index from nothing: all messages that are there have no terms.
pub(super) async fn begin(link: &mut Link) -> Result<(), StoreError> {
    let last = link.number("select max(number) from messages", &[]).await?.cast_unsigned();
    set_unindexed(link, last).await
}

/// A message is otherwise than it was.
pub(super) async fn change(link: &mut Link, before: &Entry, after: &Entry) -> Result<(), StoreError> {
    if before.terms == after.terms {
        return Ok(());
    }
    forget(link, std::slice::from_ref(before)).await?;
    put(link, std::slice::from_ref(after)).await
}

/// The newest messages that are not in the index as they should be, of at most so many.
pub(super) async fn missing(link: &mut Link, most: u32) -> Result<u64, StoreError> {
    let upto = unindexed(link).await?;
    let sql = format!("select {COLUMNS} from messages where number>? order by number desc limit ?");
    let mut count = 0;
    for row in link.rows(&sql, &args![upto, most]).await? {
        let entry = read(&row, upto)?;
        let found = if link.dialect().index_is_told() {
            let words: Vec<String> = entry.text().split(' ').map(|word| format!("\"{word}\"")).collect();
            link.number("select count(*) from fts where fts match ? and rowid=?", &args![&words.join(" AND "), entry.number]).await? == 1
        } else {
            let mut there = 0;
            for terms in entry.terms.chunks(ROWS[0]) {
                let mut args = args![entry.user.0, entry.number].to_vec();
                args.extend(terms.iter().map(|term| Arg::from(term.as_str())));
                let sql = format!("select count(*) from message_terms where owner=? and number=? and term in {}", places(terms.len(), 1));
                there += link.number(&sql, &args).await?;
            }
            there == entry.terms.len() as i64
        };
        count += u64::from(!found);
    }
    Ok(count)
}
