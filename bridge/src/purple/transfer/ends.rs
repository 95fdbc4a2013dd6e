//! Ends transfers before all of their bytes have gone: for their user, with their account, and when a protocol cancels. Does not judge
//! stanzas (see `stanzas.rs`), nor measure time (see `patience.rs`).
//!
//! A protocol's cancellation is carried out on a later turn of the loop. Callers of `purple_xfer_cancel_local` and `_remote` go on using
//! the transfer: libjabber its own data of it (`si.c`, `oob.c`), libpurple the buffer of a write that has failed (`ft.c`).

use super::super::token::OnPurple;
use super::super::{interpose, owner, request, timers};
use super::{OPEN, at, change, incoming, is_open, judge, own, settle};
use crate::error::CommandError;
use crate::id::{AccountId, TransferId, UserId};
use purple_sys::{PurpleXfer, PurpleXferStatusType};

/// The side that cancels a transfer, in libpurple's terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::purple) enum Cancel {
    /// `purple_xfer_cancel_local`
    Local,
    /// `purple_xfer_cancel_remote`
    Remote,
}

/// `transfer.cancel`: declines an offered file, ends a transfer under way.
///
/// # Errors
/// `no_such_transfer`.
pub(in crate::purple) fn cancel(token: OnPurple, user: UserId, id: TransferId) -> Result<(), CommandError> {
    own(user, id)?;
    let over = change(id, |open| open.over.replace("cancelled").is_some());
    if over == Some(false) {
        stop(token, id);
    }
    settle(token, id);
    Ok(())
}

/// Has libpurple end a transfer now. Not from inside a call of libpurple's.
pub(super) fn stop(token: OnPurple, id: TransferId) {
    let live = change(id, |open| (!open.xfer.is_null()).then_some((open.account, open.xfer, open.asked && !open.accepted))).flatten();
    let Some((account, xfer, offered)) = live else { return };
    owner::with(Some(account), || if offered { decline(xfer) } else { cancel_here(token, xfer) });
}

fn decline(xfer: *mut PurpleXfer) {
    // SAFETY: a live transfer that nobody has accepted; libpurple's own way of declining sets the status first.
    unsafe {
        if !is_ended(xfer) {
            (*xfer).status = PurpleXferStatusType::PURPLE_XFER_STATUS_CANCEL_LOCAL;
            purple_sys::purple_xfer_request_denied(xfer);
        }
    }
}

/// Cancels a live transfer at once. Not from inside a call of libpurple's.
pub(super) fn cancel_here(token: OnPurple, xfer: *mut PurpleXfer) {
    // A question about it (XMPP: to which device) would be answered with data that is gone.
    request::forget_data(token, xfer.cast());
    carry(xfer, Cancel::Local);
}

/// Whether libpurple or a protocol has freed its data of a transfer, so that nothing may end it again. A declined transfer has no
/// `end_time`, only a cancelled status.
///
/// # Safety
/// A live transfer.
unsafe fn is_ended(xfer: *mut PurpleXfer) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*xfer).end_time != 0 || purple_sys::purple_xfer_is_canceled(xfer) != glib_sys::GFALSE }
}

/// Cancels a transfer, if it is there and not ended.
fn carry(xfer: *mut PurpleXfer, by: Cancel) {
    if !is_open(xfer) {
        return;
    }
    // SAFETY: a transfer in the table is live. A connection still being made for it would call it back later (see
    // `interpose/transfers.rs`).
    let ended = unsafe {
        purple_sys::purple_proxy_connect_cancel_with_handle(xfer.cast());
        is_ended(xfer)
    };
    match by {
        _ if ended => {}
        Cancel::Local => interpose::cancel_local(xfer),
        Cancel::Remote => interpose::cancel_remote(xfer),
    }
}

/// A protocol, or libpurple, cancels a transfer. True: the cancellation is carried out on a later turn.
pub(in crate::purple) fn cancelled(token: OnPurple, xfer: *mut PurpleXfer, by: Cancel) -> bool {
    let Some(id) = at(xfer) else { return false };
    // SAFETY: a transfer in the table is live.
    let (ended, fd, watcher) = unsafe { (is_ended(xfer) || (*xfer).ref_ == 0, (*xfer).fd, (*xfer).watcher) };
    // A call while libpurple ends the transfer goes through.
    if ended {
        return false;
    }
    // SAFETY: as above. The watcher has nothing left to read or write. A protocol that has closed the descriptor leaves its number in the
    // transfer; by the later turn, the number may be another descriptor's (libjabber's SOCKS5).
    unsafe {
        if let Some(watcher) = u32::try_from(watcher).ok().filter(|watcher| *watcher != 0) {
            purple_sys::purple_input_remove(watcher);
            (*xfer).watcher = 0;
        }
        if fd >= 0 && libc::fcntl(fd, libc::F_GETFD) == -1 {
            (*xfer).fd = -1;
        }
    }
    let first = change(id, |open| {
        let first = open.doomed.is_none();
        if first || by == Cancel::Local {
            open.doomed = Some(by);
        }
        (first, open.account)
    });
    if let Some((true, account)) = first {
        timers::soon(token, Some(account), move |token| carry_out(token, id));
    }
    true
}

/// Carries out a protocol's cancellation ([`cancelled`]). Bytes that the other side sent before it cancelled are fetched first.
pub(super) fn carry_out(token: OnPurple, id: TransferId) {
    let next = change(id, |open| {
        let by = open.doomed.filter(|_| !open.xfer.is_null())?;
        Some((by, open.account, open.xfer, open.incoming && open.pending && open.over.is_none()))
    });
    let Some((by, account, xfer, pending)) = next.flatten() else { return };
    if pending && by == Cancel::Remote {
        return incoming::fetch(token, id);
    }
    owner::with(Some(account), || carry(xfer, by));
}

/// Ends a transfer that does what it must not, on a later turn.
pub(super) fn give_up(token: OnPurple, id: TransferId) {
    timers::soon(token, change(id, |open| open.account), move |token| {
        if change(id, |open| open.over.is_none()) == Some(true) {
            stop(token, id);
            // Libpurple reports no end of a declined transfer.
            super::end(token, id, "failed");
        }
    });
}

/// Ends all transfers of an account. To be called while its connection stands, whose data they use, and before the account goes, which they
/// name.
pub(in crate::purple) fn end_all(token: OnPurple, account: AccountId) {
    end_live(token, account);
    // Bytes that were received and not told go with the account.
    let left: Vec<TransferId> =
        OPEN.with_borrow(|open| open.iter().filter(|(_, known)| known.account == account).map(|(id, _)| *id).collect());
    for id in left {
        judge(token, id);
        change(id, |open| open.over = Some("failed"));
        settle(token, id);
    }
    super::stanzas::forget(token, account);
}

/// Ends the account's transfers that libpurple has.
pub(super) fn end_live(token: OnPurple, account: AccountId) {
    let next = || {
        OPEN.with_borrow(|open| {
            open.iter().find(|(_, known)| known.account == account && !known.xfer.is_null()).map(|(id, known)| (*id, known.xfer))
        })
    };
    while let Some((id, xfer)) = next() {
        judge(token, id);
        change(id, |open| {
            open.over.get_or_insert("failed");
            open.asked = false;
        });
        // SAFETY: a transfer that was not destroyed.
        owner::with(Some(account), || unsafe {
            if !is_ended(xfer) && purple_sys::purple_xfer_is_completed(xfer) != glib_sys::GFALSE {
                purple_sys::purple_xfer_end(xfer);
            }
            carry(xfer, Cancel::Local);
            // A question that is closed and a listening socket that is cancelled keep their references for ever (ft.c says so), and would
            // keep the transfer in libpurple's list past its account (hazard 45).
            while is_open(xfer) && (*xfer).ref_ > 0 {
                purple_sys::purple_xfer_unref(xfer);
            }
        });
        // The transfer is ended once, whatever libpurple made of that.
        change(id, |open| open.xfer = std::ptr::null_mut());
        settle(token, id);
    }
}
