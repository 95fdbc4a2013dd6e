//! `GET /search`: stored messages, and those that the hub alone holds, in one list; changes nothing. Searches that wait are in `searches`.

use super::browse::{FRESH, write};
use super::conversation::message_id;
use super::kept::Line;
use super::state::State;
use super::translate::{at, unknown};
use super::until::unavailable;
use super::{Hub, Memory, Session, price, stored};
use crate::api::ApiError;
use crate::search::{Flaw, MOST_BYTES, MOST_WORDS, Query, Search};
use crate::store::{Found, Hit, StoreError};
use crate::wire::{self, ErrorBody, SearchOpen};
use bridge::id::UserId;
use bridge::time::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use warp::http::StatusCode;

/// How long one search of a user waits for the one before, and for its own answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads what is asked for.
///
/// # Errors
/// 400 with the field at fault.
pub(super) fn read(asked: &SearchOpen) -> Result<Search, ErrorBody> {
    let query = Query::parse(&asked.q).map_err(|flaw| match flaw {
        Flaw::TooLong => at("too_long", "q", format!("A search has at most {MOST_BYTES} bytes.")),
        Flaw::NoWords => at("no_words", "q", "Please write a word to search for: letters, digits or an emoji."),
        Flaw::TooManyWords => at("too_many_words", "q", format!("A search has at most {MOST_WORDS} words.")),
        Flaw::TooShort => at("too_short", "q", "Before a star there are at least two letters, as in: ab*"),
    })?;
    let search = Search {
        account: asked.account,
        conversation: asked.conversation,
        since: time("since", asked.since.as_deref())?,
        until: time("until", asked.until.as_deref())?,
        ..Search::of(query)
    };
    match asked.from.as_deref().map(str::trim).filter(|from| !from.is_empty()) {
        Some(from) if from.len() > MOST_BYTES => Err(at("too_long", "from", format!("A name has at most {MOST_BYTES} bytes."))),
        Some(from) => Ok(search.by(from)),
        None => Ok(search),
    }
}

/// A time, or a day, which begins at midnight UTC.
fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, ErrorBody> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00.000Z")));
    time.map(Some).ok_or_else(|| at("bad_field", field, "Please give a day, as 2026-11-22, or a time, as 2026-11-22T20:00:00.000Z."))
}

fn wire_hit(hit: Hit) -> wire::Hit {
    let Hit { message, account, kind, name, title, ranges } = hit;
    wire::Hit { conversation: message.conversation, message: stored::wire_message(message), account, kind, name, title, ranges }
}

impl State {
    /// Lines that the hub alone holds and that may be meant, apart from their words; all lines of a guest.
    fn held_lines(&self, search: &Search, below: u64) -> Vec<(u64, wire::Hit)> {
        let mut all = Vec::new();
        for conv in self.conversations.values().filter(|conv| !self.keeps_lines(conv)) {
            let base = &conv.base;
            let wanted = |line: &Line<'_>| {
                line.number < below && !line.is_system() && search.admits(base.account, base.id, line.author, line.number)
            };
            all.extend(conv.kept.lines().filter(wanted).map(|line| {
                let hit = wire::Hit {
                    message: line.message(),
                    conversation: base.id,
                    account: base.account,
                    kind: base.kind,
                    name: base.name.clone(),
                    title: base.title.clone(),
                    ranges: Vec::new(),
                };
                (line.number, hit)
            }));
        }
        all
    }
}

impl Memory {
    /// Asks the store for the newest messages below a number that fit, at most so many, and waits for them until a time. The user's turn comes back with
    /// the answer. The turn is held until the store has ended, also where nobody waits any more: so nobody has two searches there.
    ///
    /// # Errors
    /// As of [`crate::store::Store`]'s methods.
    pub(super) async fn look_for(
        &self,
        turn: OwnedMutexGuard<()>,
        user: UserId,
        search: Search,
        below: u64,
        most: u32,
        until: Instant,
    ) -> Result<(Found, OwnedMutexGuard<()>), StoreError> {
        let store = Arc::clone(self.journal.store());
        let asked = tokio::spawn(async move { (store.search(user, &search, below, most, until).await, turn) });
        match tokio::time::timeout_at(until, asked).await {
            Ok(Ok((found, turn))) => Ok((found?, turn)),
            Ok(Err(error)) => Err(StoreError::Broken(error.to_string())),
            Err(_) => Err(StoreError::Unavailable("it takes too long".to_owned())),
        }
    }
}

impl Hub {
    /// Hits of a search below a message, newest first. JSON of [`crate::wire::SearchAnswer`]. Guests have what the hub holds.
    ///
    /// # Errors
    /// 400 for what cannot be searched for; 404 `no_such_account`; 429 `rate_limited`, also while another search of this user lasts; 503
    /// `store_unavailable`.
    pub async fn search(&self, session: &Session, asked: &SearchOpen, before: Option<u64>, limit: usize) -> Result<Bytes, ApiError> {
        let search = read(asked).map_err(|error| ApiError::with_status(StatusCode::BAD_REQUEST, error))?;
        let below = before.unwrap_or(u64::MAX >> 1);
        let (held, keep) = {
            let mut state = session.lock();
            state.asks(&self.env(), 0)?;
            state.asked.charge(price::SEARCH);
            if search.account.is_some_and(|account| !state.has(account)) {
                return Err(ApiError::with_status(StatusCode::NOT_FOUND, unknown("account")));
            }
            let keep = state.keep.as_ref().map(|keep| (keep.last(), keep.searching.clone()));
            (state.held_lines(&search, below), keep)
        };
        let mut hits: BTreeMap<u64, wire::Hit> = BTreeMap::new();
        for (number, mut hit) in held {
            if let Some(ranges) = search.query.find(&hit.message.text) {
                hit.ranges = ranges;
                hits.insert(number, hit);
            }
        }
        let mut found = Found::default();
        if let (Some((last, turn)), Some(memory)) = (keep, &self.memory) {
            // A user has one search at a time: others have the database, too.
            let turn = tokio::time::timeout(PATIENCE, turn.lock_owned()).await;
            let turn = turn.map_err(|_| ApiError::rate_limited(1000))?;
            if !memory.journal.reached(last, FRESH).await && !memory.journal.is_kept() {
                return Err(unavailable());
            }
            let most = u32::try_from(limit).unwrap_or(u32::MAX);
            let until = Instant::now() + PATIENCE;
            (found, _) = memory.look_for(turn, session.id, search, below, most, until).await.map_err(|error| {
                crate::pace::paced!(warn, "a search is answered with store_unavailable: {error}");
                unavailable()
            })?;
        }
        // Messages older than the last one that was looked at come with a later page.
        let mut hits = hits.split_off(&found.next.unwrap_or(0));
        hits.extend(found.hits.into_iter().map(|hit| (hit.message.number, wire_hit(hit))));
        let cut = hits.len() > limit;
        let shown: Vec<(u64, wire::Hit)> = hits.into_iter().rev().take(limit).collect();
        let next = if cut { shown.last().map(|(number, _)| *number) } else { found.next };
        let answer = wire::SearchAnswer {
            hits: shown.into_iter().map(|(_, hit)| hit).collect(),
            more: next.is_some(),
            next: next.map(message_id),
            partial: found.partial,
        };
        let body = write(&answer)?;
        session.lock().asked.charge(price::of_bytes(body.len()));
        Ok(body)
    }
}
