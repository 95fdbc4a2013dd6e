//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::token::OnPurple;
use crate::error::CommandError;
use crate::id::{AccountId, UserId};
pub(super) fn of_buddy(_: OnPurple, _: UserId, _: *mut purple_sys::PurpleBuddy) -> Option<String> {
    None
}
pub(super) fn set_own(_: OnPurple, _: UserId, _: AccountId, _: Option<Vec<u8>>) -> Result<(), CommandError> {
    Ok(())
}
