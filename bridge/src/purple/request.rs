//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::token::OnPurple;
use crate::error::CommandError;
use crate::id::{AccountId, RequestId, UserId};
use crate::model::{Certificate, Value};
use std::collections::BTreeMap;
pub(super) fn install(_: OnPurple) {}
pub(super) fn open_for(_: OnPurple, _: AccountId) -> bool {
    false
}
pub(super) fn close_all(_: OnPurple, _: AccountId) {}
pub(super) fn answer(_: OnPurple, _: UserId, _: RequestId, _: &str, _: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    Ok(())
}
pub(super) fn ask_certificate(_: OnPurple, _: AccountId, _: Certificate, _: Box<dyn FnOnce(bool)>) -> Option<RequestId> {
    None
}
pub(super) fn withdraw(_: OnPurple, _: RequestId) {}
