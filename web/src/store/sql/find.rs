//! Finds messages by their words: the index gives numbers, the newest first, and the messages' own texts decide. Writes nothing (see `terms`).
//!
//! A search looks at a bounded number of messages, so that nobody waits long: its answer says where to go on. Rows of a word come in the order of
//! numbers, and cost what is taken of them. Rows of a beginning have to be merged, all that the user has: once or twice a page, and not at all where
//! few messages have the other words.

use super::dialect::{MESSAGE, ROWS, places, token};
use super::link::{Arg, Link, args};
use super::rows::read_message;
use super::terms::unindexed;
use crate::search::{self, Need, Search};
use crate::store::{Found, Hit, StoreError, stored_author};
use bridge::id::{AccountId, ConversationId, UserId};
use bridge::model::ConversationKind;
use std::collections::BTreeSet;

/// Numbers of the first step, and of the largest.
const STEP: (u32, u32) = (64, 512);
/// Numbers of the first step where each step merges all rows of a beginning. The next one has all that are looked at.
const MERGED: u32 = 512;
/// Numbers that one search looks at, about.
const MOST: u32 = 20_000;
/// Messages that are read at once: the rest only if these are not enough.
const READ: usize = 128;
/// Up to here rows of a term are counted, to begin with the rarest.
const COUNTED: u32 = 2000;
/// With fewer messages that have all other words, beginnings are looked for in their texts.
const FEW: u32 = 512;

/// Numbers of messages that may be meant.
struct Numbers {
    all: Vec<u64>,
    /// The number above which all were looked at.
    last: u64,
    /// How many were looked at.
    looked: usize,
    /// Whether there are no more.
    end: bool,
}

/// From where the numbers come.
enum Source {
    /// SQLite's full-text index, with this question, and whether beginnings are in it.
    Fts(String, bool),
    /// The rows of a term; the message has these, too.
    Term(String, Vec<String>),
    /// The rows of all terms that begin so.
    Begin(Vec<String>),
    /// The messages of a conversation that have these terms.
    Conversation(ConversationId, Vec<String>),
}

impl Source {
    /// Whether each step merges all rows of a beginning.
    fn merges(&self) -> bool {
        matches!(self, Self::Begin(_) | Self::Fts(_, true))
    }
}

/// Whether a search may have to merge all that a user wrote with the beginning of a word.
pub(super) fn is_slow(search: &Search) -> bool {
    search.query.needs().iter().any(|need| matches!(need, Need::Begin(_)))
}

/// The newest messages below a number that fit a search, at most so many.
pub(super) async fn find(link: &mut Link, user: UserId, search: &Search, below: u64, most: u32) -> Result<Found, StoreError> {
    Ok(look(link, user, search, below, most).await?.0)
}

/// The same, and how often all rows of a beginning were merged for it.
pub(super) async fn look(link: &mut Link, user: UserId, search: &Search, below: u64, most: u32) -> Result<(Found, u32), StoreError> {
    let (above, end) = search.numbers();
    let mut below = below.min(end).min(i64::MAX.cast_unsigned());
    let mut found = Found { partial: unindexed(link).await? > above, ..Found::default() };
    let source = source(link, user, search).await?;
    let (mut step, mut looked, mut merged) = (if source.merges() { MERGED } else { STEP.0 }, 0, 0);
    loop {
        merged += u32::from(source.merges());
        let numbers = numbers(link, user, &source, above, below, step).await?;
        for some in numbers.all.chunks(READ) {
            for hit in hits(link, user, search, some).await? {
                if found.hits.len() >= most as usize {
                    found.next = found.hits.last().map(|hit| hit.message.number);
                    return Ok((found, merged));
                }
                found.hits.push(hit);
            }
        }
        if numbers.end {
            return Ok((found, merged));
        }
        below = numbers.last;
        looked += numbers.looked;
        if looked >= MOST as usize {
            found.next = Some(below);
            return Ok((found, merged));
        }
        step = if source.merges() { MOST } else { (step * 2).min(STEP.1) };
    }
}

async fn source(link: &mut Link, user: UserId, search: &Search) -> Result<Source, StoreError> {
    let needs = search.query.needs();
    if link.dialect().index_is_told() {
        let (begins, terms): (Vec<Need>, Vec<Need>) = needs.iter().cloned().partition(|need| matches!(need, Need::Begin(_)));
        if !begins.is_empty() && (!terms.is_empty() || search.conversation.is_some()) {
            let question = question(user, search.conversation, &terms);
            let sql = "select count(*) from (select rowid from fts where fts match ? limit ?) t";
            if link.number(sql, &args![&question, FEW]).await? < i64::from(FEW) {
                return Ok(Source::Fts(question, false));
            }
        }
        return Ok(Source::Fts(question(user, search.conversation, &needs), !begins.is_empty()));
    }
    let mut terms: Vec<String> = Vec::new();
    let mut begin = None;
    for need in needs {
        match need {
            Need::Term(term) => terms.push(term),
            // Others are looked for in the texts: the longest is the rarest.
            Need::Begin(all) => begin = begin.into_iter().chain([all]).max_by_key(|all: &Vec<String>| all.first().map_or(0, String::len)),
        }
    }
    let mut rarest = None;
    for term in &terms {
        let sql = "select count(*) from (select number from message_terms where owner=? and term=? limit ?) t";
        let count = link.number(sql, &args![user.0, term, COUNTED]).await?;
        if rarest.as_ref().is_none_or(|(least, _)| count < *least) {
            rarest = Some((count, term.clone()));
        }
    }
    if let Some(id) = search.conversation {
        let sql = "select count(*) from (select number from messages where owner=? and conversation=? limit ?) t";
        let count = link.number(sql, &args![user.0, id.0, COUNTED]).await?;
        if rarest.as_ref().is_none_or(|(least, _)| count < *least) {
            return Ok(Source::Conversation(id, terms));
        }
    }
    Ok(match (rarest, begin) {
        (Some((_, rarest)), _) => {
            terms.retain(|term| *term != rarest);
            Source::Term(rarest, terms)
        }
        (None, Some(all)) => Source::Begin(all),
        (None, None) => Source::Begin(Vec::new()),
    })
}

/// Makes the query for FTS5. All words are plain letters and digits (see `search::terms`), so that none of them is syntax.
fn question(user: UserId, conversation: Option<ConversationId>, needs: &[Need]) -> String {
    let user_word = search::of_user(user.0);
    let mut all: Vec<String> = conversation.map(|id| format!("\"{}\"", token(user, id))).into_iter().collect();
    all.extend(needs.iter().map(|need| match need {
        Need::Term(term) => format!("\"{user_word}{term}\""),
        Need::Begin(begins) => {
            let begins: Vec<String> = begins.iter().map(|begin| format!("\"{user_word}{begin}\" *")).collect();
            format!("({})", begins.join(" OR "))
        }
    }));
    all.join(" AND ")
}

async fn numbers(link: &mut Link, user: UserId, source: &Source, above: u64, below: u64, step: u32) -> Result<Numbers, StoreError> {
    let none: &[String] = &[];
    let (rows, terms) = match source {
        Source::Fts(question, _) => {
            let sql = "select rowid from fts where fts match ? and rowid>? and rowid<? order by rowid desc limit ?";
            (link.rows(sql, &args![question, above, below, step]).await?, none)
        }
        Source::Term(term, others) => {
            let sql = "select number from message_terms where owner=? and term=? and number>? and number<? \
                       order by owner desc,term desc,number desc limit ?";
            (link.rows(sql, &args![user.0, term, above, below, step]).await?, others.as_slice())
        }
        Source::Begin(begins) => {
            let mut args = args![user.0].to_vec();
            for begin in begins {
                let (from, to) = search::begins(begin);
                args.extend([Arg::Text(Some(from.into())), Arg::Text(Some(to.into()))]);
            }
            args.extend(args![above, below, step]);
            let range = vec!["term>=? and term<?"; begins.len()].join(" or ");
            let sql = format!(
                "select distinct number from message_terms where owner=? and ({range}) and number>? and number<? order by number desc limit ?"
            );
            (link.rows(&sql, &args).await?, none)
        }
        Source::Conversation(id, terms) => {
            let sql = "select number from messages where owner=? and conversation=? and number>? and number<? \
                       order by owner desc,conversation desc,number desc limit ?";
            (link.rows(sql, &args![user.0, id.0, above, below, step]).await?, terms.as_slice())
        }
    };
    let mut all: Vec<u64> = rows.iter().map(|row| row.id(0)).collect::<Result<_, _>>()?;
    let (last, looked) = (all.last().copied().unwrap_or(0), all.len());
    for term in terms {
        let mut have = BTreeSet::new();
        let sql = |size| format!("select number from message_terms where owner=? and term=? and number in {}", places(size, 1));
        for (sql, numbers) in in_parts(&all, sql) {
            let mut args = args![user.0, term].to_vec();
            args.extend(numbers.iter().map(|number| Arg::from(*number)));
            for row in link.rows(&sql, &args).await? {
                have.insert(row.id(0)?);
            }
        }
        all.retain(|number| have.contains(number));
    }
    Ok(Numbers { all, last, looked, end: looked < step as usize })
}

/// The numbers in parts of few sizes, each with its statement.
fn in_parts(mut rest: &[u64], sql: impl Fn(usize) -> String) -> Vec<(String, &[u64])> {
    let mut all = Vec::new();
    while !rest.is_empty() {
        let size = ROWS.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        let (these, others) = rest.split_at(size);
        all.push((sql(size), these));
        rest = others;
    }
    all
}

/// The messages of these numbers that fit, the newest first. Messages of conversations that are not there any more, or in graves, do not fit.
async fn hits(link: &mut Link, user: UserId, search: &Search, numbers: &[u64]) -> Result<Vec<Hit>, StoreError> {
    let sql = |size| {
        format!(
            "select {MESSAGE},c.account,c.kind,c.name,c.title from messages m \
             join conversations c on c.owner=m.owner and c.id=m.conversation where m.owner=? and m.number in {} and not exists \
             (select 1 from graves g where g.owner=m.owner and g.conversation=m.conversation and g.upto>=m.number)",
            places(size, 1)
        )
    };
    let mut all = Vec::new();
    for (sql, numbers) in in_parts(numbers, sql) {
        let mut args = args![user.0].to_vec();
        args.extend(numbers.iter().map(|number| Arg::from(*number)));
        for row in link.rows(&sql, &args).await? {
            let message = read_message(&row)?;
            let account = AccountId(row.id(11)?);
            if !search.admits(account, message.conversation, &stored_author(&message), message.number) || !message.is_said() {
                continue;
            }
            if let Some(ranges) = search.query.find(&message.text) {
                let kind = if row.flag(12)? { ConversationKind::Room } else { ConversationKind::Im };
                all.push(Hit { message, account, kind, name: row.text(13)?, title: row.text(14)?, ranges });
            }
        }
    }
    all.sort_unstable_by_key(|hit| std::cmp::Reverse(hit.message.number));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;

    #[test]
    fn the_question_is_of_the_users_words_alone() {
        let needs = |text: &str| Query::parse(text).unwrap().needs();
        let user = UserId(36);
        assert_eq!(question(user, None, &needs("OR not \"a b\"")), r#""u000010aa" AND "u000010ab" AND "u000010anot" AND "u000010aor""#);
        assert_eq!(question(user, None, &needs("ab*")), r#"("u000010aab" * OR "u000010z002p002q" *)"#);
        let word = token(user, ConversationId(1));
        assert_eq!(question(user, Some(ConversationId(1)), &needs("x")), format!(r#""{word}" AND "u000010ax""#));
    }
}
