//! Acknowledgements of XMPP's in-band bytes that nobody has taken yet: they are held back, so that the sender waits (XEP-0047, 2.2). Reads no bytes.
//!
//! A named exception: in-band bytes come with everything else on the account's one connection, and libjabber keeps any number of them.

use super::super::ffi::guard_on;
use super::super::owner;
use super::super::token::OnPurple;
use super::{change, ends};
use crate::id::{AccountId, TransferId};
use purple_sys::PurpleConnection;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};

/// Acknowledgements that are held back of one transfer. A sender that goes on all the same is given up.
const MOST_HELD: usize = 64;

thread_local! {
    /// The transfer whose bytes the text that is sent next acknowledges.
    static NEXT: Cell<Option<TransferId>> = const { Cell::new(None) };
}

/// Notes that the text that is sent next acknowledges bytes of this transfer, or of none.
pub(super) fn next(id: Option<TransferId>) {
    NEXT.set(id);
}

pub(super) unsafe extern "C" fn on_sending_text(_: *mut PurpleConnection, text: *mut *mut c_char, _: *mut c_void) {
    guard_on("jabber-sending-text", (), |token| {
        let Some(id) = NEXT.take() else { return };
        // SAFETY: the plugin gives a place with a C string of its own, which it does not send when the place is empty.
        let held = unsafe {
            if text.is_null() || (*text).is_null() {
                return;
            }
            CStr::from_ptr(*text).to_owned()
        };
        let count = change(id, |open| {
            open.held.push(held);
            open.held.len()
        });
        if let Some(count) = count {
            // SAFETY: as above.
            unsafe { *text = std::ptr::null_mut() };
            if count > MOST_HELD {
                ends::give_up(token, id);
            }
        }
    });
}

/// Sends the acknowledgements that were held back.
pub(super) fn send_held(token: OnPurple, id: TransferId) {
    if let Some((account, held)) = change(id, |open| (open.account, std::mem::take(&mut open.held))) {
        send(token, account, held);
    }
}

/// Sends acknowledgements, if the account is still signed on.
pub(super) fn send(token: OnPurple, account: AccountId, held: Vec<CString>) {
    let Ok(gc) = super::super::conversation::connected(token, account) else { return };
    // SAFETY: a live connection, whose protocol's table lives as long as the plugin.
    let send = unsafe { super::super::protocols::info_of(gc) }.and_then(|info| info.send_raw);
    let Some(send) = send else { return };
    for text in held {
        let length = std::ffi::c_int::try_from(text.as_bytes().len()).unwrap_or(0);
        // SAFETY: a live connection and that many bytes, which are copied.
        owner::with(Some(account), || unsafe { send(gc, text.as_ptr(), length) });
    }
}
