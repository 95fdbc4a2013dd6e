//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::token::OnPurple;
use crate::error::CommandError;
use crate::id::{AccountId, UserId};
pub(super) fn install(_: OnPurple) {}
pub(super) fn is_blocked(_: OnPurple, _: AccountId, _: &str) -> bool {
    false
}
pub(super) fn block(_: OnPurple, _: UserId, _: AccountId, _: &str, _: bool) -> Result<(), CommandError> {
    Ok(())
}
pub(super) fn set(_: OnPurple, _: UserId, _: AccountId, _: &str, _: &[String]) -> Result<(), CommandError> {
    Ok(())
}
