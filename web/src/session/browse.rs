//! What a browser fetches apart from its events: older messages, pictures, and where it puts its uploads; changes no log.

use super::kept::Written;
use super::media::Upload;
use super::{Blob, Hub, Session, price, sniff};
use crate::api::ApiError;
use crate::wire::Uploaded;
use bridge::id::ConversationId;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;

impl Hub {
    /// The kept messages of a conversation before a message: the newest `limit` of them. JSON of [`crate::wire::History`].
    ///
    /// # Errors
    /// 404 `no_such_conversation`, 400 `bad_field` for a `before` that is no message id, 429 `rate_limited`.
    pub fn history(&self, session: &Session, conversation: &str, before: Option<&str>, limit: usize) -> Result<Bytes, ApiError> {
        #[derive(Serialize)]
        struct History<'a> {
            messages: Written<'a>,
            more: bool,
        }
        let before = match before {
            None => u64::MAX,
            Some(id) => super::conversation::message_number(id)
                .ok_or_else(|| ApiError::bad_request("bad_field", "This is not the id of a message.").at("before"))?,
        };
        let mut state = session.lock();
        state.asks(&self.env(), 0)?;
        let conv = conversation.parse::<ConversationId>().ok().and_then(|id| state.conversations.get(&id)).ok_or_else(|| {
            let message = "There is no such conversation (any more).";
            ApiError::new(warp::http::StatusCode::NOT_FOUND, "no_such_conversation", message).at("conversation")
        })?;
        let end = conv.kept.lines().take_while(|line| line.number < before).count();
        let from = end.saturating_sub(limit);
        let history = History { messages: Written { kept: &conv.kept, from, most: end - from }, more: from > 0 };
        let body = serde_json::to_vec(&history).map(Bytes::from).map_err(|error| {
            crate::pace::paced!(error, "history could not be written: {error}");
            ApiError::unavailable()
        })?;
        state.asked.charge(price::of_bytes(body.len()));
        Ok(body)
    }
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

    /// Keeps bytes until a command names them, or newer ones need the room.
    ///
    /// # Errors
    /// 400 `empty`; 503 when the system has no randomness.
    pub fn upload(&self, session: &Session, bytes: Bytes) -> Result<Uploaded, ApiError> {
        if bytes.is_empty() {
            return Err(ApiError::bad_request("empty", "There is nothing in this file."));
        }
        let id = super::token::create().map_err(|_| ApiError::unavailable())?;
        let kind = sniff(&bytes);
        let uploaded =
            Uploaded { upload: id.clone(), size: bytes.len() as u64, kind: kind.unwrap_or("application/octet-stream").to_owned() };
        session.lock().shelf.upload(Upload { id: id.into(), kind, bytes }, self.config.upload_bytes.saturating_mul(4));
        Ok(uploaded)
    }
}
