//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::token::OnPurple;
use crate::error::CommandError;
use crate::id::{AccountId, AuthorizationId, UserId};
use purple_sys::PurpleAccount;
use std::ffi::{c_char, c_void};
pub(super) unsafe extern "C" fn on_notify_added(
    _: *mut PurpleAccount,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) {
}
pub(super) unsafe extern "C" fn on_request_add(
    _: *mut PurpleAccount,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) {
}
pub(super) unsafe extern "C" fn on_request_authorize(
    _: *mut PurpleAccount,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: i32,
    _: purple_sys::PurpleAccountRequestAuthorizationCb,
    _: purple_sys::PurpleAccountRequestAuthorizationCb,
    _: *mut c_void,
) -> *mut c_void {
    std::ptr::null_mut()
}
pub(super) unsafe extern "C" fn on_close_account_request(_: *mut c_void) {}
pub(super) fn close_all(_: OnPurple, _: AccountId) {}
pub(super) fn answer(_: OnPurple, _: UserId, _: AuthorizationId, _: bool, _: bool) -> Result<(), CommandError> {
    Ok(())
}
