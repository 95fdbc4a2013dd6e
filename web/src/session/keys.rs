//! Changes the keys of a user, once what was read of them is still true; signs out the browsers that do not stay. Checks no password (see `people`).

use super::memory::Memory;
use super::until::{unavailable, within};
use super::{Hub, TokenHash};
use crate::api::ApiError;
use crate::store::{Sealed, StoreError, UserKeys, UserRow};
use std::sync::Arc;

/// Fate of a user's other browsers when the keys change.
pub(super) enum Others {
    /// They stay signed in.
    Stay,
    /// They are signed out, but for this one.
    Leave(Option<(TokenHash, Sealed)>),
}

/// An entry of the audit log: the act, and more about it.
pub(super) type Note = (&'static str, String);

impl Hub {
    /// Stores other keys of a user than were read, signs out the browsers that do not stay, and notes it. Gives the user as they are then. Comes to its end
    /// also when the browser that asked has gone: keys without the rest would leave others signed in.
    pub(super) async fn store_keys(
        self: &Arc<Self>,
        row: UserRow,
        keys: UserKeys,
        others: Others,
        note: Option<Note>,
    ) -> Result<UserRow, ApiError> {
        let hub = Arc::clone(self);
        let change = tokio::spawn(async move { hub.change_keys(row, keys, others, note).await });
        change.await.unwrap_or_else(|_| Err(ApiError::unavailable()))
    }

    async fn change_keys(&self, row: UserRow, keys: UserKeys, others: Others, note: Option<Note>) -> Result<UserRow, ApiError> {
        let memory = self.memory()?;
        {
            let _turn = within(async { Ok(memory.turn(row.id).await) }).await?;
            self.is_as_read(memory, &row).await?;
            let wraps = match &others {
                Others::Stay => {
                    let browsers = within(memory.store().browsers(row.id)).await?;
                    browsers.into_iter().filter_map(|browser| Some((browser.token, browser.wrap?))).collect()
                }
                Others::Leave(but) => but.iter().cloned().collect::<Vec<_>>(),
            };
            // Waits as long as the store takes: a user who is told of a failure goes on with the old password.
            match memory.store().set_keys(row.id, &keys, &wraps).await {
                Ok(()) => {}
                Err(StoreError::Gone) => return Err(ApiError::session_ended()),
                Err(error) => {
                    crate::pace::paced!(warn, "whether user {} has other keys is found out later: {error}", row.id);
                    memory.note_changed(row.id, self.env().now);
                    return Err(unavailable());
                }
            }
            let session = self.session(row.id).filter(|session| !session.is_guest());
            if let (Some(session), Others::Leave(but)) = (session, &others) {
                self.drop_browsers(&session, but.as_ref().map(|(token, _)| token));
            }
        }
        if let Some((act, detail)) = note {
            self.audit(memory, Some(row.id), act, detail).await;
        }
        Ok(UserRow { keys, ..row })
    }

    /// Fails when a user has other keys than were read before the password was checked, which takes long: what was right then may not be now.
    pub(super) async fn is_as_read(&self, memory: &Memory, row: &UserRow) -> Result<(), ApiError> {
        let now = within(memory.store().user(row.id)).await?;
        if now.is_some_and(|now| now.keys == row.keys && !now.disabled) { Ok(()) } else { Err(ApiError::busy(1000)) }
    }
}
