//! Incoming files: offers, their acceptance, and their bytes on the way to the browser, no more of them at once than it takes. Writes no file.
//!
//! Two sorts of protocols bring bytes. One has a socket, which libpurple reads when we are ready for it (XMPP by SOCKS5, IRC). The other calls
//! `purple_xfer_prpl_ready` when it has some (XMPP in-band). What the latter calls is answered on a later turn of the loop: libjabber writes to
//! its session after the call, and the last bytes of a file free that session.

use super::super::ffi::{guard_on, in_process};
use super::super::token::OnPurple;
use super::super::{interpose, outbox, owner, timers};
use super::told::{report, show};
use super::{MOST, OFFERED, Open, RUNNING, SOFT, acks, cancel, cancel_here, change, count, id, own, settle};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{TransferId, UserId};
use crate::model::Piece;
use purple_sys::{PurpleConversationType, PurpleXfer, gssize, guchar};
use std::ffi::c_void;
use std::time::Duration;

/// Bytes in one event.
const A_PIECE: usize = 64 << 10;
/// Bytes that wait of a protocol that cannot be told to wait. More end the transfer.
const HARD: usize = 8 << 20;
/// Bytes that may be asked for ahead.
const MOST_AHEAD: u64 = 4 << 20;
/// An accepted file that no browser fetches within this time is given up.
const UNFETCHED: Duration = Duration::from_secs(120);
/// How long a sender has to end a connection by which all of its file has come.
const UNENDED: Duration = Duration::from_secs(3);

/// Before libpurple asks for a name to save the file under: with a name there, it asks nobody.
pub(super) unsafe extern "C" fn on_offered(xfer: *mut PurpleXfer, _: *mut c_void) {
    guard_on("file-recv-request", (), |token| {
        // SAFETY: libpurple gives a live transfer.
        let Some(id) = (unsafe { id(xfer) }) else { return };
        let Some((account, user, known)) = change(id, |open| {
            open.asked = true;
            (open.account, open.user, open.shown.is_some())
        }) else {
            return;
        };
        // SAFETY: a live transfer; texts are copied.
        unsafe {
            if (*xfer).filename.is_null() {
                purple_sys::purple_xfer_set_filename(xfer, c"file".as_ptr());
            }
            purple_sys::purple_xfer_set_local_filename(xfer, c"file".as_ptr());
        }
        if count(account) > MOST {
            // Declined once libpurple has finished asking.
            timers::soon(token, Some(account), move |token| _ = cancel(token, user, id));
            return;
        }
        if !known {
            // SAFETY: a live transfer of a live account. The offer has a place to stand in.
            unsafe { purple_sys::purple_conversation_new(PurpleConversationType::PURPLE_CONV_TYPE_IM, (*xfer).account, (*xfer).who) };
            show(token, id, OFFERED);
        }
    });
}

/// `transfer.accept`
///
/// # Errors
/// `no_such_transfer`, `not_offered`.
pub(in crate::purple) fn accept(token: OnPurple, user: UserId, id: TransferId) -> Result<(), CommandError> {
    let (account, xfer) = own(user, id)?;
    let name = change(id, |open| {
        let shown = open.shown.as_ref().filter(|shown| open.incoming && open.over.is_none() && shown.state == OFFERED);
        shown.map(|shown| shown.name.clone())
    });
    let name = name.flatten().filter(|_| !xfer.is_null());
    let name = name.ok_or_else(|| CommandError::new("not_offered", "This file is not offered (any more).").at("transfer"))?;
    report(token, id, Some(RUNNING));
    let idle = timers::after(token, UNFETCHED, Some(account), move |token| unfetched(token, id));
    let before = change(id, |open| open.idle.replace(idle));
    drop(before);
    let name = in_process(&name);
    // SAFETY: a live transfer, whose reference is ours; the name is copied, and no file of that name is opened.
    owner::with(Some(account), || unsafe { purple_sys::purple_xfer_request_accepted(xfer, name.as_ptr()) });
    Ok(())
}

/// Nobody fetches a file that was accepted.
fn unfetched(token: OnPurple, id: TransferId) {
    log::debug!(target: "bridge", "nobody fetches transfer {id}, which was accepted");
    let live = change(id, |open| {
        // What has come goes.
        let live = open.over.replace("failed").is_none();
        (live && !open.xfer.is_null()).then_some((open.account, open.xfer))
    });
    if let Some((account, xfer)) = live.flatten() {
        owner::with(Some(account), || cancel_here(xfer));
    }
    settle(token, id);
}

/// The browser takes so many more bytes.
pub(in crate::purple) fn take(token: OnPurple, user: UserId, id: TransferId, bytes: u32) -> Result<(), CommandError> {
    own(user, id)?;
    let idle = change(id, |open| {
        open.window = (open.window + u64::from(bytes)).min(MOST_AHEAD);
        open.idle.take()
    });
    drop(idle);
    tell(token, id);
    make_ready(token, id);
    fetch(token, id);
    Ok(())
}

/// Tells bytes, as many as may be told.
fn tell(token: OnPurple, id: TransferId) {
    loop {
        let piece = change(id, |open| {
            let most = usize::try_from(open.window).unwrap_or(usize::MAX).min(A_PIECE).min(open.bytes.len());
            open.window -= most as u64;
            (open.user, open.bytes.drain(..most).collect::<Vec<u8>>())
        });
        let Some((user, bytes)) = piece.filter(|(_, bytes)| !bytes.is_empty()) else { break };
        outbox::emit_caused(token, user, None, EventKind::TransferBytes(Piece { transfer: id, bytes }));
    }
    // What a burst took is given back.
    change(id, |open| {
        if open.bytes.is_empty() && open.bytes.capacity() > SOFT {
            open.bytes = std::collections::VecDeque::new()
        }
    });
    settle(token, id);
}

/// Lets libpurple read a socket once more, if there is room for what comes.
pub(super) fn make_ready(_: OnPurple, id: TransferId) {
    let may = |open: &mut Open| {
        let may = open.incoming && open.started && !open.ready && open.over.is_none() && open.bytes.len() < SOFT && !open.xfer.is_null();
        open.ready |= may;
        may.then_some((open.account, open.xfer))
    };
    if let Some((account, xfer)) = change(id, may).flatten() {
        // SAFETY: a live transfer. Libpurple may read at once, which calls back.
        owner::with(Some(account), || unsafe { purple_sys::purple_xfer_ui_ready(xfer) });
    }
}

/// The protocol has bytes. True: they are fetched later.
pub(in crate::purple) fn has_bytes(token: OnPurple, xfer: *mut PurpleXfer) -> bool {
    let found = super::OPEN.with_borrow_mut(|all| {
        let (id, open) = all.iter_mut().find(|(_, open)| open.xfer == xfer && open.incoming)?;
        open.pending = true;
        Some((*id, open.account))
    });
    let Some((id, account)) = found else { return false };
    timers::soon(token, Some(account), move |token| fetch(token, id));
    true
}

/// The other side has ended a transfer. True: that counts once what it sent before is fetched, and not inside the protocol's call.
pub(in crate::purple) fn ended_there(token: OnPurple, xfer: *mut PurpleXfer) -> bool {
    let found = super::OPEN.with_borrow_mut(|all| {
        // SAFETY: those in the table are live.
        let is_pushed = |open: &Open| open.started && unsafe { (*xfer).fd } == -1;
        let (id, open) = all.iter_mut().find(|(_, open)| open.xfer == xfer && open.incoming)?;
        let defers = is_pushed(open) && open.over.is_none();
        open.ended_there |= defers;
        defers.then_some((*id, open.account))
    });
    let Some((id, account)) = found else { return false };
    timers::soon(token, Some(account), move |token| fetch(token, id));
    true
}

/// Fetches what the protocol has, if there is room for it.
fn fetch(token: OnPurple, id: TransferId) {
    let next = change(id, |open| {
        if open.xfer.is_null() || open.over.is_some() {
            return None;
        }
        let has_room = open.bytes.len() < SOFT;
        let fetches = open.pending && has_room;
        open.pending &= !fetches;
        Some((open.account, open.xfer, fetches, open.ended_there && !open.pending))
    });
    let Some((account, xfer, fetches, ended)) = next.flatten() else { return };
    if fetches {
        acks::send_held(token, id);
        make_ready(token, id);
        if super::is_open(xfer) {
            interpose::prpl_ready(xfer);
        }
    }
    if ended && super::is_open(xfer) && change(id, |open| open.over.is_none()) == Some(true) {
        owner::with(Some(account), || interpose::cancel_remote(xfer));
    }
}

/// If all of a file is there, it is done, also when its sender does not end the connection: libpurple waits for that.
pub(super) fn whole(token: OnPurple, id: TransferId) {
    let all = |open: &mut Open| {
        // SAFETY: a transfer that was not destroyed.
        let all = open.incoming && !open.xfer.is_null() && unsafe { (*open.xfer).size > 0 && (*open.xfer).bytes_sent >= (*open.xfer).size };
        (all && open.over.is_none()).then_some(open.account)
    };
    let Some(account) = change(id, all).flatten() else { return };
    let end = timers::after(token, UNENDED, Some(account), move |_| {
        let xfer = change(id, |open| open.over.is_none().then_some(open.xfer)).flatten();
        if let Some(xfer) = xfer.filter(|xfer| !xfer.is_null()) {
            // SAFETY: a live transfer, on a turn of its own; it is as libpurple ends one whose connection has ended.
            unsafe {
                purple_sys::purple_xfer_set_completed(xfer, glib_sys::GTRUE);
                purple_sys::purple_xfer_end(xfer);
            }
        }
    });
    let before = change(id, |open| open.ending.replace(end));
    drop(before);
}

/// libpurple has bytes for the file. All are taken, or libpurple ends the transfer.
pub(super) unsafe extern "C" fn on_write(xfer: *mut PurpleXfer, buffer: *const guchar, size: gssize) -> gssize {
    guard_on("ui_write", 0, |token| {
        let Ok(length) = usize::try_from(size) else { return 0 };
        // SAFETY: libpurple gives a live transfer and that many bytes.
        let (id, bytes) = unsafe {
            let bytes = if length == 0 { &[] } else { std::slice::from_raw_parts(buffer, length) };
            (id(xfer), bytes)
        };
        let Some(id) = id else { return 0 };
        let taken = change(id, |open| {
            open.ready = false;
            let fits = open.over.is_none() && open.bytes.len() + length <= HARD.max(length);
            if fits {
                open.bytes.extend(bytes);
            }
            fits
        });
        if taken != Some(true) {
            log::debug!(target: "bridge", "transfer {id} brings more than anybody takes");
            return 0;
        }
        tell(token, id);
        make_ready(token, id);
        size
    })
}

/// The transfer brings what it must not: it ends on a later turn.
pub(super) fn give_up(token: OnPurple, id: TransferId) {
    timers::soon(token, change(id, |open| open.account), move |_| {
        let xfer = change(id, |open| open.over.is_none().then_some(open.xfer)).flatten();
        if let Some(xfer) = xfer.filter(|xfer| !xfer.is_null()) {
            cancel_here(xfer);
        }
    });
}
