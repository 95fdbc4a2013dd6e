//! What a browser fetches apart from its events: older messages, pictures, and where it puts its uploads; changes no log.

use super::kept::Written;
use super::media::Upload;
use super::state::State;
use super::until::within;
use super::{Blob, Hub, Session, price, sniff, stored};
use crate::api::ApiError;
use crate::picture::{self, Trouble};
use crate::store::{Gap, Place};
use crate::wire::{self, Uploaded};
use bridge::id::ConversationId;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long a page of history waits for what was just said to be durable.
pub(super) const FRESH: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Held<'a> {
    messages: Written<'a>,
    more: bool,
    gaps: Vec<wire::Gap>,
}

impl Hub {
    /// A page of a conversation's messages, oldest first. JSON of [`crate::wire::History`]. Guests have what the hub holds.
    ///
    /// # Errors
    /// 404 `no_such_conversation`, 429 `rate_limited`, 503 `store_unavailable`.
    pub async fn history(&self, session: &Session, conversation: &str, place: Place, limit: usize) -> Result<Bytes, ApiError> {
        let no_such = || {
            let message = "There is no such conversation (any more).";
            ApiError::new(warp::http::StatusCode::NOT_FOUND, "no_such_conversation", message).at("conversation")
        };
        let id = conversation.parse::<ConversationId>().map_err(|_| no_such())?;
        let last = {
            let mut state = session.lock();
            state.asks(&self.env(), 0)?;
            let last = state.keep.as_ref().map(|keep| keep.last());
            if last.is_none() || self.memory.is_none() {
                let body = held(&state, id, place, limit).ok_or_else(no_such)??;
                state.asked.charge(price::of_bytes(body.len()));
                return Ok(body);
            }
            last.unwrap_or_default()
        };
        let Some(memory) = &self.memory else { return Err(no_such()) };
        if !memory.journal.reached(last, FRESH).await {
            // What the hub holds is better than nothing.
            let state = session.lock();
            return match held(&state, id, place, limit) {
                Some(Ok(body)) if place == Place::Newest => Ok(body),
                _ => Err(super::until::unavailable()),
            };
        }
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        let page = within(memory.store().page(session.id, id, place, most)).await?;
        if page.messages.is_empty() {
            // Of a conversation whose messages are not kept, or of none.
            let state = session.lock();
            match held(&state, id, place, limit) {
                Some(body) => return body,
                None if page.gaps.is_empty() => return Err(no_such()),
                None => {}
            }
        }
        let numbers: Vec<u64> = page.messages.iter().map(|message| message.number).collect();
        let next = |gap: &Gap| numbers.iter().copied().find(|number| *number > gap.after);
        let gaps = page.gaps.iter().map(|gap| stored::wire_gap(gap, next(gap))).collect();
        let (more, more_after) = match place {
            Place::Newest | Place::Before(_) => (page.more_before, None),
            Place::After(_) => (page.more_after, None),
            Place::Around(_) => (page.more_before, Some(page.more_after)),
        };
        let messages = page.messages.into_iter().filter(stored::is_there).map(stored::wire_message).collect();
        let body = write(&wire::History { messages, more, more_after, gaps })?;
        session.lock().asked.charge(price::of_bytes(body.len()));
        Ok(body)
    }

    /// A picture that this user was shown, now or before.
    pub async fn picture(&self, session: &Session, hash: &str) -> Option<Arc<Blob>> {
        if let Some(blob) = session.media(hash) {
            return Some(blob);
        }
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if session.is_guest() || !is_hash {
            return None;
        }
        let bytes = within(self.memory.as_ref()?.store().blob(session.id, hash)).await.ok()??;
        Some(Arc::new(Blob { hash: hash.into(), kind: sniff(&bytes), bytes }))
    }
}

pub(super) fn write(body: &impl Serialize) -> Result<Bytes, ApiError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| {
        crate::pace::paced!(error, "history could not be written: {error}");
        ApiError::unavailable()
    })
}

/// A page of what the hub holds; `None` when there is no such conversation.
fn held(state: &State, id: ConversationId, place: Place, limit: usize) -> Option<Result<Bytes, ApiError>> {
    let conv = state.conversations.get(&id)?;
    let before = |number: u64| conv.kept.lines().take_while(|line| line.number < number).count();
    let (from, end, more) = match place {
        Place::Newest | Place::Before(_) => {
            let end = if let Place::Before(number) = place { before(number) } else { conv.kept.len() };
            let from = end.saturating_sub(limit);
            (from, end, from > 0)
        }
        Place::After(number) => {
            let from = before(number.saturating_add(1));
            let end = conv.kept.len().min(from + limit);
            (from, end, end < conv.kept.len())
        }
        Place::Around(number) => {
            let from = before(number).saturating_sub(limit / 2);
            (from, conv.kept.len().min(from + limit), from > 0)
        }
    };
    let gaps = conv.wire_gaps().unwrap_or_default();
    Some(write(&Held { messages: Written { kept: &conv.kept, from, most: end - from }, more, gaps }))
}

/// 400 `empty`.
pub(super) fn empty() -> ApiError {
    ApiError::bad_request("empty", "There is nothing in this file.")
}

/// 400 `broken_picture`.
pub(super) fn broken_picture(how: &str) -> ApiError {
    let message = format!(
        "This picture is damaged: {how}. So the server cannot take out of it where and with what it was made, and does not send it. Open it in a \
         picture program and save it anew, or send it in a ZIP file."
    );
    ApiError::bad_request("broken_picture", message)
}

impl Session {
    /// A picture that this user was shown.
    pub fn media(&self, hash: &str) -> Option<Arc<Blob>> {
        self.lock().shelf.blob(hash)
    }
}

impl Hub {
    /// Largest upload.
    pub fn upload_bytes(&self) -> usize {
        if self.config.upload_bytes == 0 { usize::MAX } else { self.config.upload_bytes }
    }

    /// Takes a request of no cost but its bytes.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub fn admit(&self, session: &Session, bytes: usize) -> Result<(), ApiError> {
        session.lock().asks(&self.env(), bytes)
    }

    /// Takes a request that checks a password, or that takes as long.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub fn admit_secret(&self, session: &Session) -> Result<(), ApiError> {
        session.lock().asks_for_long(&self.env())
    }

    /// Keeps bytes until a command names them, or newer ones need the room. Of a picture the picture alone is kept. Works as long as there are
    /// bytes: off the threads that serve.
    ///
    /// # Errors
    /// 400 `empty` or `broken_picture`; 503 when the system has no randomness.
    pub fn upload(&self, session: &Session, bytes: Bytes) -> Result<Uploaded, ApiError> {
        if bytes.is_empty() {
            return Err(empty());
        }
        let mut bytes = Vec::from(bytes);
        let seen = picture::strip(&mut bytes).map_err(|trouble| match trouble {
            Trouble::Broken(how) => broken_picture(how),
            Trouble::Disk(_) => ApiError::unavailable(),
        })?;
        let bytes = Bytes::from(bytes);
        let id = super::token::create().map_err(|_| ApiError::unavailable())?;
        let kind = seen.kind.unwrap_or("application/octet-stream").to_owned();
        let uploaded = Uploaded { upload: id.clone(), size: seen.size, kind };
        session.lock().shelf.upload(Upload { id: id.into(), bytes }, self.config.upload_bytes.saturating_mul(4));
        Ok(uploaded)
    }
}
