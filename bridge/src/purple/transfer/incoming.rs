//! Incoming files: offers, their acceptance, and their bytes on the way to the browser, no more of them at once than it takes. Writes no file.
//!
//! Two sorts of protocols bring bytes. One has a socket, which libpurple reads when we are ready for it (XMPP by SOCKS5, IRC). The other calls
//! `purple_xfer_prpl_ready` when it has some (XMPP in-band). What the latter calls is answered on a later turn of the loop: libjabber writes to
//! its session after the call, and the last bytes of a file free that session.

use super::super::ffi::{guard_on, in_process};
use super::super::token::OnPurple;
use super::super::{interpose, outbox, owner, timers};
use super::told::{report, show};
use super::{Cancel, MOST, OFFERED, Open, RUNNING, SOFT, acks, at, cancel, change, count, end, ends, id, own, patience, settle};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{TransferId, UserId};
use crate::model::Piece;
use purple_sys::{PurpleConversationType, PurpleXfer, gssize, guchar};
use std::ffi::c_void;

/// Bytes in one event.
const A_PIECE: usize = 64 << 10;
/// Bytes that wait of a protocol that cannot be told to wait. More end the transfer.
const HARD: usize = 8 << 20;
/// Bytes that may be asked for ahead.
const MOST_AHEAD: u64 = 4 << 20;
/// Reads in a row that bring no bytes. More end the transfer.
const MOST_EMPTY: u32 = 256;

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
    change(id, |open| {
        open.accepted = true;
        open.moves();
    });
    patience::watch(token, id);
    let name = in_process(&name);
    // SAFETY: a live transfer, whose reference is ours; the name is copied, and no file of that name is opened.
    owner::with(Some(account), || unsafe { purple_sys::purple_xfer_request_accepted(xfer, name.as_ptr()) });
    Ok(())
}

/// The browser takes so many more bytes.
pub(in crate::purple) fn take(token: OnPurple, user: UserId, id: TransferId, bytes: u32) -> Result<(), CommandError> {
    own(user, id)?;
    change(id, |open| {
        open.window = (open.window + u64::from(bytes)).min(MOST_AHEAD);
        open.fetched = true;
        open.moves();
    });
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
    // The room that a burst took is given back.
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
        // Bytes that the other side sent before it cancelled are fetched.
        let lives = open.is_live() || (open.pending && open.doomed == Some(Cancel::Remote) && !open.xfer.is_null() && open.over.is_none());
        let may = open.incoming && open.started && lives && !open.completed && !open.ready && open.bytes.len() < SOFT;
        open.ready |= may;
        may.then_some((open.account, open.xfer))
    };
    if let Some((account, xfer)) = change(id, may).flatten() {
        // SAFETY: a live transfer. Libpurple may read at once, which calls back.
        owner::with(Some(account), || unsafe { purple_sys::purple_xfer_ui_ready(xfer) });
    }
}

/// The protocol is ready to bring bytes, or to take some. True: that is seen to later, or never.
pub(in crate::purple) fn has_bytes(token: OnPurple, xfer: *mut PurpleXfer) -> bool {
    let Some(id) = at(xfer) else { return false };
    let Some((account, incoming, doomed)) = change(id, |open| {
        open.pending |= open.incoming;
        (open.account, open.incoming, open.doomed.is_some())
    }) else {
        return false;
    };
    if incoming {
        timers::soon(token, Some(account), move |token| fetch(token, id));
    }
    incoming || doomed
}

/// Fetches what the protocol has, if there is room for it.
pub(super) fn fetch(token: OnPurple, id: TransferId) {
    let next = change(id, |open| {
        let fetches =
            open.pending && !open.completed && open.bytes.len() < SOFT && open.over.is_none() && open.doomed != Some(Cancel::Local);
        (fetches && !open.xfer.is_null()).then_some((open.account, open.xfer))
    });
    if let Some((account, xfer)) = next.flatten() {
        make_ready(token, id);
        if super::is_open(xfer) {
            owner::with(Some(account), || interpose::prpl_ready(xfer));
        }
        // The other side may go on once it was read, and not before: what it sends is kept by the protocol.
        if change(id, |open| open.pending) == Some(false) {
            acks::send_held(token, id);
        }
    }
    if change(id, |open| open.doomed.is_some() && !open.pending) == Some(true) {
        ends::carry_out(token, id);
    }
}

/// The protocol was read for an incoming file, and gave so many bytes.
pub(in crate::purple) fn came(token: OnPurple, xfer: *mut PurpleXfer, bytes: gssize) {
    let Some(id) = at(xfer) else { return };
    let empty = change(id, |open| {
        open.pending = false;
        if bytes != 0 {
            open.empty_reads = 0;
            return None;
        }
        // Libpurple tells nobody of a read that brings nothing, and waits to be told that there is room.
        open.ready = false;
        open.empty_reads += 1;
        Some((open.account, open.empty_reads))
    });
    match empty.flatten() {
        Some((_, reads)) if reads > MOST_EMPTY => ends::give_up(token, id),
        Some((account, _)) => timers::soon(token, Some(account), move |token| make_ready(token, id)),
        None => {}
    }
}

/// Libpurple has said that all of a file came: it is done if that is so.
pub(super) fn all_came(token: OnPurple, id: TransferId) {
    let all = change(id, |open| {
        let size = open.shown.as_ref().and_then(|shown| shown.size).unwrap_or_default();
        open.came >= size
    });
    end(token, id, if all == Some(true) { "done" } else { "failed" });
}

/// If all of a file is there, it is done, also when its sender does not end the connection: libpurple waits for that.
pub(super) fn whole(token: OnPurple, id: TransferId) {
    let all = |open: &mut Open| {
        // SAFETY: a transfer that was not destroyed.
        let all = open.incoming && !open.xfer.is_null() && unsafe { (*open.xfer).size > 0 && (*open.xfer).bytes_sent >= (*open.xfer).size };
        // Calls after the last byte do not put off a timer that runs.
        (all && open.over.is_none() && open.ending.is_none()).then_some(open.account)
    };
    let Some(account) = change(id, all).flatten() else { return };
    let end = timers::after(token, patience::limits().unended, Some(account), move |_| {
        let xfer = change(id, |open| open.over.is_none().then_some(open.xfer)).flatten();
        if let Some(xfer) = xfer.filter(|xfer| !xfer.is_null()) {
            // SAFETY: a live transfer, on a turn of its own; it is as libpurple ends one whose connection has ended.
            unsafe {
                purple_sys::purple_xfer_set_completed(xfer, glib_sys::GTRUE);
                purple_sys::purple_xfer_end(xfer);
            }
        }
    });
    change(id, |open| open.ending = Some(end));
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
        // SAFETY: a live transfer.
        let (whole, before) = unsafe { ((*xfer).size, (*xfer).bytes_sent) };
        let offered = whole == 0 || before.checked_add(length).is_some_and(|all| all <= whole);
        let taken = change(id, |open| {
            open.ready = false;
            let fits = open.over.is_none() && open.accepted && offered && open.bytes.len() + length <= HARD.max(length);
            if fits {
                open.bytes.extend(bytes);
                open.came += length as u64;
                open.moves();
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
