//! What commands and requests cost beyond one token each: by their bytes, and by the work that they cause. Refuses nothing (see `clock`).

use super::local::Local;
use super::state::{Env, State};
use super::translate::Act;
use crate::api::ApiError;
use bridge::command::CommandKind;

/// Tokens that may be taken at once, as so many seconds' worth.
pub(super) const BURST_SECONDS: u64 = 4;
/// Bytes of a command that cost as much as a command.
const COMMAND_BYTES: usize = 2 << 10;
/// Bytes of a request or an answer that cost as much as a request.
const REQUEST_BYTES: usize = 16 << 10;
/// Requests of a user that check a password, or take as long: so many at once, and so many a minute. A thread makes some five runs of argon2id a second
/// and serves users every other time: two dozen users who ask for all that they may leave the others places.
const LONG: (u64, u64) = (5, 10);
/// A sign-on: name service, a connection, a handshake, a list of contacts. All users share `limits.sign_ons_per_second`.
const SIGN_ON: u64 = 10;
/// The end of an account, and what takes several turns with a server.
const EXCHANGE: u64 = 5;
/// A list of all rooms: servers have tens of thousands.
const ROOM_LIST: u64 = 50;
/// Buddies that cost as much as a command when their group changes.
const BUDDIES: usize = 20;
/// Names of a list, and settings, that cost as much as a command.
const NAMES: usize = 10;
/// A search, beside the request itself: the database looks at up to some 20 000 messages.
pub(super) const SEARCH: u64 = 4;
/// Lines of a text that cost as much as a command: some networks take each by itself.
const LINES: usize = 32;

/// Of a command's fields.
pub(super) fn of_fields(bytes: usize) -> u64 {
    (bytes / COMMAND_BYTES) as u64
}

/// Of the body of a request or an answer.
pub(super) fn of_bytes(bytes: usize) -> u64 {
    (bytes / REQUEST_BYTES) as u64
}

impl State {
    /// Takes a request with so many bytes.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub(super) fn asks(&mut self, env: &Env<'_>, bytes: usize) -> Result<(), ApiError> {
        let per_second = u64::from(env.config.requests_per_second);
        self.asked.take(env.now, per_second * 60, per_second * BURST_SECONDS, 1 + of_bytes(bytes)).map_err(|retry_ms| {
            let message = "Too many requests at once (limits.requests_per_second). Please wait a moment.";
            ApiError { message: message.to_owned(), ..ApiError::rate_limited(retry_ms) }
        })
    }

    /// Takes a request that checks a password, or that takes as long.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub(super) fn asks_for_long(&mut self, env: &Env<'_>) -> Result<(), ApiError> {
        self.asks(env, 0)?;
        let (at_once, per_minute) = LONG;
        // A guest has none of these requests.
        let Some(keep) = &mut self.keep else { return Ok(()) };
        keep.asked_for_long.take(env.now, per_minute, at_once, 1).map_err(ApiError::rate_limited)
    }

    /// Of what a command causes.
    pub(super) fn price(&self, act: &Act) -> u64 {
        use CommandKind as K;
        let kind = match act {
            Act::Bridge(kind) | Act::File(kind, _) => kind,
            Act::Local(Local::Settings(values)) => return (values.len() / NAMES) as u64,
            // All of an account are written again.
            Act::Local(Local::AddBookmark(_) | Local::UpdateBookmark(_) | Local::RemoveBookmark(_)) => {
                return of_fields(self.bookmarks.iter().map(super::bookmarks::Bookmark::bytes).sum());
            }
            Act::Local(_) => return 0,
        };
        match kind {
            K::AddAccount { .. } | K::EnableAccount(_) | K::ConnectAccount(_) | K::RegisterAccount(_) => SIGN_ON,
            K::RemoveAccount(_) | K::DisableAccount(_) | K::UpdateAccount { .. } | K::ChangePassword { .. } | K::JoinRoom { .. } => {
                EXCHANGE
            }
            K::ShowBuddyInfo { .. } | K::RunBuddyAction { .. } | K::RunAccountAction { .. } | K::RunNoticeAction { .. } => EXCHANGE,
            K::SetAccountIcon { image, .. } => EXCHANGE + of_fields(image.as_ref().map_or(0, Vec::len)),
            K::RunRoomAction { .. } => EXCHANGE,
            K::ListRooms(_) | K::FindRooms(_) => ROOM_LIST,
            K::SetStatus { accounts, .. } => accounts.as_ref().map_or(self.accounts.len(), Vec::len) as u64,
            K::RenameGroup { from: group, .. } | K::RemoveGroup { name: group } => {
                let buddies = self.groups.iter().find(|known| *known.name == **group).map_or(0, |known| known.buddies as usize);
                (buddies / BUDDIES) as u64
            }
            K::SetPrivacy { list, .. } => (list.len() / NAMES) as u64,
            // Markup makes a text longer.
            K::SendMessage { html, .. } => of_fields(html.len()) + (html.matches("<br>").count() / LINES) as u64,
            _ => 0,
        }
    }
}
