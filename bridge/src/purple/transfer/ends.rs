//! How transfers end before all of their bytes have gone: by their user, with their account, and by what a protocol finds out. Judges no stanza (see
//! `stanzas.rs`), measures no time (see `patience.rs`).
//!
//! What a protocol cancels ends on a later turn of the loop. Callers of `purple_xfer_cancel_local` and `_remote` go on using the transfer: libjabber
//! its own data of it (`si.c`, `oob.c`), libpurple the buffer of a write that has failed (`ft.c`).

use super::super::token::OnPurple;
use super::super::{interpose, owner, request, timers};
use super::{OPEN, at, change, incoming, is_open, outgoing, own, settle};
use crate::error::CommandError;
use crate::id::{AccountId, TransferId, UserId};
use purple_sys::{PurpleXfer, PurpleXferStatusType};

/// Who cancels a transfer, in libpurple's terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::purple) enum Cancel {
    /// `purple_xfer_cancel_local`
    Local,
    /// `purple_xfer_cancel_remote`
    Remote,
}

/// `transfer.cancel`: an offered file is declined, one on its way is ended.
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

/// Whether libpurple or a protocol has let go of what it knew of a transfer: nothing may end that one again. One that was declined has no time.
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
    // SAFETY: one in the table is live. A connection of its own that is not there yet would be told to it later (see `interpose/transfers.rs`).
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

/// A protocol, or libpurple, cancels a transfer. True: that is done on a later turn.
pub(in crate::purple) fn cancelled(token: OnPurple, xfer: *mut PurpleXfer, by: Cancel) -> bool {
    let Some(id) = at(xfer) else { return false };
    // SAFETY: one in the table is live.
    let (ended, fd, watcher) = unsafe { (is_ended(xfer) || (*xfer).ref_ == 0, (*xfer).fd, (*xfer).watcher) };
    // Libpurple's own end of it, which asks again.
    if ended {
        return false;
    }
    // SAFETY: as above. What would read or write for it has nothing to do any more. A protocol that has closed the descriptor leaves its number,
    // which may be another's by the later turn (libjabber's SOCKS5).
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

/// Does what a protocol has asked for ([`cancelled`]). What the other side sent before its end is fetched first.
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

/// A transfer does what it must not: it ends on a later turn.
pub(super) fn give_up(token: OnPurple, id: TransferId) {
    timers::soon(token, change(id, |open| open.account), move |token| {
        if change(id, |open| open.over.is_none()) == Some(true) {
            stop(token, id);
            // One that was declined says nothing of it.
            super::end(token, id, "failed");
        }
    });
}

/// Ends all transfers of an account: while its connection stands, whose data they use, and before the account goes, which they name.
pub(in crate::purple) fn end_all(token: OnPurple, account: AccountId) {
    end_live(token, account);
    // Bytes that were received and not told go with the account.
    let left: Vec<TransferId> =
        OPEN.with_borrow(|open| open.iter().filter(|(_, known)| known.account == account).map(|(id, _)| *id).collect());
    for id in left {
        if change(id, |open| open.completed) == Some(true) {
            outgoing::all_went(token, id);
        }
        change(id, |open| open.over = Some("failed"));
        settle(token, id);
    }
    super::stanzas::forget(token, account);
}

/// Ends those that libpurple has.
pub(super) fn end_live(token: OnPurple, account: AccountId) {
    let next = || {
        OPEN.with_borrow(|open| {
            open.iter().find(|(_, known)| known.account == account && !known.xfer.is_null()).map(|(id, known)| (*id, known.xfer))
        })
    };
    while let Some((id, xfer)) = next() {
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
        // Whatever libpurple made of it: it is ended once.
        change(id, |open| open.xfer = std::ptr::null_mut());
        settle(token, id);
    }
}
