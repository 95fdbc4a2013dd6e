//! Knows each of libpurple's transfers until it is destroyed, and ends those of an account before its connection does. Shows none, moves no bytes.

use super::ffi::guard_on;
use super::token::OnPurple;
use super::{accounts, owner, signals};
use crate::id::AccountId;
use purple_sys::{PurpleConnection, PurpleXfer, PurpleXferUiOps};
use std::cell::RefCell;
use std::ffi::c_void;

thread_local! {
    /// Whose each is. A transfer leaves when libpurple destroys it, so an address in here is that transfer and no later one.
    static OPEN: RefCell<Vec<(AccountId, *mut PurpleXfer)>> = const { RefCell::new(Vec::new()) };
}

/// Registers with libpurple.
pub(super) fn install(token: OnPurple) {
    let ops = PurpleXferUiOps { new_xfer: Some(on_new), destroy: Some(on_destroy), ..Default::default() };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_xfers_set_ui_ops(Box::leak(Box::new(ops))) };
    signals::connect_signing_off(token, on_signing_off);
}

/// Ends all transfers of an account: while its connection stands, whose data they use, and before the account goes, which they name.
pub(super) fn end_all(_: OnPurple, account: AccountId) {
    let next = || OPEN.with_borrow(|open| open.iter().find(|(whose, _)| *whose == account).map(|(_, transfer)| *transfer));
    while let Some(transfer) = next() {
        // SAFETY: a transfer that was not destroyed.
        owner::with(Some(account), || unsafe {
            // One that is taken and not connected yet would be called back (see `interpose/proxy.rs`).
            purple_sys::purple_proxy_connect_cancel_with_handle(transfer.cast());
            if (*transfer).end_time == 0 && purple_sys::purple_xfer_is_canceled(transfer) == glib_sys::GFALSE {
                purple_sys::purple_xfer_end(transfer);
            }
            // A question that is closed and a listening socket that is cancelled keep their references for ever (ft.c says so), and would
            // keep the transfer in libpurple's list past its account (hazard 45).
            while is_open(transfer) && (*transfer).ref_ > 0 {
                purple_sys::purple_xfer_unref(transfer);
            }
        });
        // Whatever libpurple made of it: it is ended once.
        forget(transfer);
    }
}

/// Whether this is the address of a transfer that is there.
pub(super) fn is_open(transfer: *mut PurpleXfer) -> bool {
    OPEN.with_borrow(|open| open.iter().any(|(_, known)| *known == transfer))
}

fn forget(transfer: *mut PurpleXfer) {
    OPEN.with_borrow_mut(|open| open.retain(|(_, known)| *known != transfer));
}

unsafe extern "C" fn on_new(transfer: *mut PurpleXfer) {
    guard_on("new_xfer", (), |token| {
        // SAFETY: libpurple gives a new transfer of a live account.
        let account = unsafe { accounts::id(token, (*transfer).account) };
        if let Some(account) = account {
            OPEN.with_borrow_mut(|open| open.push((account, transfer)));
        }
    });
}

unsafe extern "C" fn on_destroy(transfer: *mut PurpleXfer) {
    guard_on("destroy_xfer", (), |_| forget(transfer));
}

/// Before the protocol frees what its transfers use: XMPP's own end leaves out those that a link offers (XEP-0066).
unsafe extern "C" fn on_signing_off(gc: *mut PurpleConnection, _: *mut c_void) {
    guard_on("signing-off", (), |token| {
        // SAFETY: libpurple gives a live connection of a live account.
        let account = unsafe { accounts::id(token, (*gc).account) };
        if let Some(account) = account {
            end_all(token, account);
        }
    });
}

#[cfg(test)]
mod tests;
