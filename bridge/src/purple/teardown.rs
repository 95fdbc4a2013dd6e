//! The one order in which an account ends (hazards 2, 7, 31): everything that points to it first, then the account itself.

use super::accounts;
use super::token::OnPurple;
use super::{authorization, blist, connection, conversation, notify, outbox, owner, picture, request, roomlist, transfer};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, UserId};
use std::ffi::c_void;
use std::ptr;

/// `account.remove`
pub(super) fn remove(token: OnPurple, user: UserId, account: AccountId) -> Result<(), CommandError> {
    accounts::pointer(token, user, account)?;
    end(token, account);
    outbox::emit(token, user, EventKind::AccountRemoved { account });
    Ok(())
}

/// The end of a user's session.
pub(super) fn remove_user(token: OnPurple, user: UserId) {
    for account in accounts::of_user(token, user) {
        end(token, account);
        outbox::emit(token, user, EventKind::AccountRemoved { account });
    }
}

/// Signs off and frees. Nothing of the account is left in libpurple afterwards.
pub(super) fn end(token: OnPurple, account: AccountId) {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return };
    owner::with(Some(account), || {
        transfer::end_all(token, account);
        roomlist::close_all(token, account);
        // Before the account goes: an account that failed for good has a timer that would find it freed (hazard 2).
        connection::disconnect(token, account);
        request::close_all(token, account);
        authorization::close_all(token, account);
        notify::close_all(token, account);
        blist::forget(token, account);
        conversation::forget(token, account);
        picture::forget(token, account);
        // SAFETY: a live account; pounces and icon are freed with everything that names it.
        unsafe {
            purple_sys::purple_pounce_destroy_all_by_account(purple);
            purple_sys::purple_buddy_icons_set_account_icon(purple, ptr::null_mut(), 0);
            purple_sys::purple_request_close_with_handle(purple.cast::<c_void>());
            purple_sys::purple_notify_close_with_handle(purple.cast::<c_void>());
        }
        let entry = accounts::remove(token, account);
        drop(entry);
        // SAFETY: nothing points to it any more, and it is not on libpurple's list.
        unsafe { purple_sys::purple_account_destroy(purple) };
    });
    super::egress::forget(account);
}

#[cfg(test)]
mod tests;
