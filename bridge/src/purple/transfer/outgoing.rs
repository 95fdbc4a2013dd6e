//! Outgoing files: their offer, and their bytes on the way to the network, asked for as the network takes them. Reads no file: the bytes come by
//! command, from whoever keeps the upload.

use super::super::ffi::guard_on;
use super::super::outgoing::FileName;
use super::super::token::OnPurple;
use super::super::{conversation, outbox, owner, protocols, room};
use super::ends::{cancel_here, stop};
use super::told::show;
use super::{MOST, OFFERED, Open, change, count, end, own, stanzas, upload};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId, ConversationKind, TransferId, UserId};
use crate::model::{Piece, WINDOW};
use glib_sys::GFALSE;
use purple_sys::{PurpleXfer, PurpleXferType, gsize, gssize, guchar};
use std::cell::RefCell;

/// A file that is being offered right now.
struct Sending {
    account: AccountId,
    size: u64,
    made: Option<TransferId>,
    /// The protocol's last complaint.
    words: Vec<String>,
}

thread_local! {
    static SENDING: RefCell<Option<Sending>> = const { RefCell::new(None) };
}

/// `transfer.send`: offers a file of this name and size to the other one of an IM; where the server has an upload service, sends it by that, in rooms, too.
///
/// # Errors
/// `no_such_conversation`, `not_connected`, `not_supported`, `not_in_room`, `too_large`, `cannot_receive`, `limit`, `not_sent` in the protocol's words.
pub(in crate::purple) fn send(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
    name: &str,
    size: u64,
) -> Result<TransferId, CommandError> {
    let (purple, account) = conversation::live(token, user, conversation)?;
    let gc = conversation::connected(token, account)?;
    let not_supported = || CommandError::new("not_supported", "This network takes no files here.");
    let service = upload::takes(account, size);
    let kind = conversation::read(token, conversation, |open| open.kind).ok_or_else(not_supported)?;
    if kind != ConversationKind::Im && service.is_none() {
        let most = super::service::of(account).and_then(|service| service.most);
        return Err(most.filter(|most| size > *most).map_or_else(not_supported, |most| {
            CommandError::new("too_large", format!("The server takes files of at most {most} bytes in rooms."))
        }));
    }
    // SAFETY: a live room.
    if kind == ConversationKind::Room && unsafe { room::has_left(purple) } {
        return Err(CommandError::new("not_in_room", "You are not in this room. Join it first.").at("conversation"));
    }
    if count(account) >= MOST {
        return Err(CommandError::new("limit", format!("At most {MOST} files may be on their way. Wait for some to end.")));
    }
    if !stanzas::has_room(token, account) {
        return Err(CommandError::new("limit", "Too many files were cancelled before the other side answered. Sign on again."));
    }
    // SAFETY: a live conversation; the name lives as long.
    let who = unsafe { purple_sys::purple_conversation_get_name(purple) };
    if service.is_none() {
        // SAFETY: a live connection; the table lives as long as the protocol.
        let info = unsafe { protocols::info_of(gc) }.filter(|info| info.send_file.is_some()).ok_or_else(not_supported)?;
        // SAFETY: as above.
        if info.can_receive_file.is_some_and(|can| unsafe { can(gc, who) } == GFALSE) {
            return Err(CommandError::new("cannot_receive", "The other side takes no files now."));
        }
    }
    let name = FileName::of(name);
    SENDING.set(Some(Sending { account, size, made: None, words: Vec::new() }));
    // SAFETY: a live connection and conversation; texts are copied, and no file of that name is opened.
    owner::with(Some(account), || unsafe {
        if service.is_some() { upload::begin(gc, who, &name) } else { purple_sys::serv_send_file(gc, who, name.as_ptr()) }
    });
    let Some(Sending { made, words, .. }) = SENDING.take() else { return Err(not_supported()) };
    let words = words.into_iter().find(|words| !words.trim().is_empty());
    let id = match made {
        Some(id) if change(id, |open| open.is_live()) == Some(true) => id,
        // A transfer that a protocol has given up ends on a later turn. Its owner has never heard of it.
        _ => return Err(words.map_or_else(not_supported, |words| CommandError::new("not_sent", words))),
    };
    if let Some(words) = words {
        // XMPP leaves a transfer that it has just said is impossible, and the words of another protocol may come with no end of it.
        let xfer = change(id, |open| open.xfer).unwrap_or(std::ptr::null_mut());
        if super::is_open(xfer) {
            owner::with(Some(account), || cancel_here(token, xfer));
        }
        return Err(CommandError::new("not_sent", words));
    }
    change(id, |open| open.kind = kind);
    show(token, id, OFFERED);
    if let Some(service) = service {
        upload::ask(token, user, conversation, id, service);
    }
    Ok(id)
}

/// A protocol complains. True: of the file that is being offered, and the command's outcome will say so.
pub(in crate::purple) fn caught(primary: &str, secondary: &str) -> bool {
    SENDING.with_borrow_mut(|sending| {
        let Some(sending) = sending else { return false };
        sending.words.push(if secondary.trim().is_empty() { primary } else { secondary }.to_owned());
        true
    })
}

/// A transfer was made. The transfer that is being offered gets its size: libpurple looks at no file for it.
///
/// # Safety
/// A live transfer.
pub(super) unsafe fn made(_: OnPurple, account: AccountId, id: TransferId, xfer: *mut PurpleXfer) {
    let size = SENDING.with_borrow_mut(|sending| {
        let sending = sending.as_mut().filter(|sending| sending.account == account && sending.made.is_none())?;
        // SAFETY: the caller's promise.
        if unsafe { (*xfer).type_ } != PurpleXferType::PURPLE_XFER_SEND {
            return None;
        }
        sending.made = Some(id);
        usize::try_from(sending.size).ok()
    });
    if let Some(size) = size {
        // SAFETY: the caller's promise.
        unsafe { purple_sys::purple_xfer_set_size(xfer, size as gsize) };
    }
}

/// The transfer that is being offered right now.
pub(super) fn offering() -> Option<TransferId> {
    SENDING.with_borrow(|sending| sending.as_ref().and_then(|sending| sending.made))
}

/// Ends a transfer of which libpurple said that all has gone. Libpurple says so after a failed first write, too, and IRC's plugin when the
/// other side claims it. Done is a file that was asked for to its end, came, and was not cancelled.
pub(super) fn all_went(token: OnPurple, id: TransferId) {
    let all = change(id, |open| is_whole(open));
    end(token, id, if all == Some(true) { "done" } else { "failed" });
}

/// Whether all of a file was asked for, came, and went on.
pub(super) fn is_whole(open: &Open) -> bool {
    let size = open.shown.as_ref().and_then(|shown| shown.size).unwrap_or_default();
    open.doomed.is_none() && open.bytes.is_empty() && open.window == 0 && open.asked_for >= size
}

/// Asks for more bytes, when there is room for many.
pub(super) fn want(token: OnPurple, id: TransferId) {
    let wanted = change(id, |open| {
        let size = open.shown.as_ref().and_then(|shown| shown.size).unwrap_or_default();
        let room = u64::from(WINDOW).saturating_sub(open.bytes.len() as u64 + open.window);
        let left = size.saturating_sub(open.asked_for);
        let bytes = u32::try_from(room.min(left)).unwrap_or(WINDOW);
        let wants = open.started && open.is_live() && bytes > 0 && (bytes >= WINDOW / 2 || u64::from(bytes) == left);
        if wants {
            open.window += u64::from(bytes);
            open.asked_for += u64::from(bytes);
        }
        wants.then_some((open.user, bytes))
    });
    if let Some((user, bytes)) = wanted.flatten() {
        outbox::emit_caused(token, user, None, EventKind::TransferWanted { transfer: id, bytes });
    }
}

/// The bytes that were asked for, or some of them.
pub(in crate::purple) fn feed(token: OnPurple, user: UserId, piece: Piece) -> Result<(), CommandError> {
    let Piece { transfer: id, bytes } = piece;
    own(user, id)?;
    if bytes.is_empty() {
        log::debug!(target: "bridge", "the file of transfer {id} cannot be read");
        stop(token, id);
        end(token, id, "failed");
        return Ok(());
    }
    change(id, |open| {
        if !open.incoming && open.over.is_none() {
            open.window = open.window.saturating_sub(bytes.len() as u64);
            open.bytes.extend(bytes);
            open.moves();
        }
    });
    make_ready(token, id);
    Ok(())
}

/// Tells libpurple that there are bytes. It must never find none: that is a failed check of its own.
fn make_ready(_: OnPurple, id: TransferId) {
    let may = |open: &mut Open| {
        let may = !open.incoming && open.started && !open.ready && open.is_live() && !open.bytes.is_empty();
        open.ready |= may;
        may.then_some((open.account, open.xfer))
    };
    if let Some((account, xfer)) = change(id, may).flatten() {
        // SAFETY: a live transfer. Libpurple may write at once, which calls back.
        upload::quietly(id, || owner::with(Some(account), || unsafe { purple_sys::purple_xfer_ui_ready(xfer) }));
    }
}

/// libpurple has room for so many bytes.
pub(super) unsafe extern "C" fn on_read(xfer: *mut PurpleXfer, buffer: *mut *mut guchar, size: gssize) -> gssize {
    guard_on("ui_read", -1, |token| {
        // SAFETY: libpurple gives a live transfer.
        let Some(id) = (unsafe { super::id(xfer) }) else { return -1 };
        let bytes = change(id, |open| {
            open.ready = false;
            open.moves();
            let count = usize::try_from(size).unwrap_or_default().min(open.bytes.len());
            (open.over.is_none() && !open.incoming).then(|| open.bytes.drain(..count).collect::<Vec<u8>>())
        });
        let Some(bytes) = bytes.flatten() else { return -1 };
        // SAFETY: libpurple gives a place for the pointer, and frees what it points to; g_malloc gives that many bytes or ends the process, and
        // NULL for none.
        unsafe {
            let copy = glib_sys::g_malloc(bytes.len()).cast::<u8>();
            if !bytes.is_empty() {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
            }
            *buffer = copy;
        }
        make_ready(token, id);
        want(token, id);
        gssize::try_from(bytes.len()).unwrap_or(-1)
    })
}

/// The network did not take all of it: the rest comes first next time.
pub(super) unsafe extern "C" fn on_not_sent(xfer: *mut PurpleXfer, buffer: *const guchar, size: gsize) {
    guard_on("data_not_sent", (), |token| {
        if size == 0 {
            return;
        }
        // SAFETY: libpurple gives a live transfer and that many bytes.
        let (id, rest) = unsafe { (super::id(xfer), std::slice::from_raw_parts(buffer, size)) };
        let Some(id) = id else { return };
        change(id, |open| rest.iter().rev().for_each(|byte| open.bytes.push_front(*byte)));
        make_ready(token, id);
    });
}
