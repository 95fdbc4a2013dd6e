//! Transfers of files: each of libpurple's is known from its making to its destruction, told to its owner, and ended before its account. Bytes
//! go by `incoming.rs` and `outgoing.rs`. No file is opened: libpurple has bytes from the front end where that has `ui_read` and `ui_write`.
//!
//! References: libpurple's core has one of each transfer, and `purple_xfer_request` takes one for the question that it asks. That question is never
//! asked here (a name for the file is there before it), so that its reference is ours, and is given back when the transfer is over.

mod acks;
mod ends;
mod incoming;
mod outgoing;
mod patience;
mod service;
mod slot;
mod stanzas;
mod told;
mod upload;

pub(super) use ends::{Cancel, cancel, cancelled, end_all};
pub(super) use incoming::{accept, came, has_bytes, take};
pub(super) use outgoing::{caught, feed, send};
pub(super) use stanzas::about;
pub(super) use upload::{QUESTION, heard, is_quiet};

use super::ffi::guard_on;
use super::token::OnPurple;
use super::{accounts, outbox, registry, request, signals, timers};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, TransferId, UserId};
use crate::model::{ConversationKind, Transfer};
use purple_sys::{PurpleConnection, PurpleXfer, PurpleXferType, PurpleXferUiOps};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CString, c_void};
use std::time::Instant;
use told::report;

/// Transfers that an account may have at once, those included that wait for an answer.
const MOST: usize = 50;
/// Bytes that wait in this process for the browser, or for the network. Above this the network is not read, where the protocol can wait.
const SOFT: usize = 128 << 10;
/// State of a transfer that waits for an answer.
const OFFERED: &str = "offered";
/// State of a transfer that was accepted.
const RUNNING: &str = "running";

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    stanzas::listen(token);
    upload::listen(token);
}

/// Whether an account's server takes files by HTTP upload, for rooms, too.
pub(super) fn uploads(account: AccountId) -> bool {
    service::of(account).is_some()
}

/// A transfer that libpurple has, or that has bytes left to be told.
struct Open {
    user: UserId,
    account: AccountId,
    /// NULL once libpurple has destroyed it.
    xfer: *mut PurpleXfer,
    incoming: bool,
    /// The sort of conversation that it is for.
    kind: ConversationKind,
    /// As its owner has it; `None`: the owner knows nothing of it.
    shown: Option<Transfer>,
    /// Incoming: its user has said yes.
    accepted: bool,
    /// Libpurple has started it: bytes may go.
    started: bool,
    /// The way in which a protocol has cancelled it, to be carried out on a later turn.
    doomed: Option<Cancel>,
    /// Libpurple says that all has gone, or come.
    completed: bool,
    /// How it ended.
    over: Option<&'static str>,
    /// Its owner knows that it ended.
    told_end: bool,
    /// The reference of the question is ours.
    asked: bool,
    /// Bytes on their way: of an incoming one to the browser, of an outgoing one to the network.
    bytes: VecDeque<u8>,
    /// `purple_xfer_ui_ready` was called, and no bytes have gone since.
    ready: bool,
    /// The protocol has bytes ready (`purple_xfer_prpl_ready`) that were not fetched.
    pending: bool,
    /// Incoming: so many bytes came.
    came: u64,
    /// Reads in a row that brought no bytes.
    empty_reads: u32,
    /// A browser has fetched some of it, or wanted to.
    fetched: bool,
    /// Incoming: so many bytes may be told. Outgoing: so many were asked for and have not come.
    window: u64,
    /// Outgoing: so many bytes were asked for in all.
    asked_for: u64,
    /// The stream that XMPP's stanzas have named for the file.
    stream: Option<stanzas::Stream>,
    /// Acknowledgements that wait until there is room for more (XMPP in-band).
    held: Vec<CString>,
    reported: Option<Instant>,
    /// A further report comes by itself.
    reports: bool,
    /// The time of its last progress.
    moved: Instant,
    /// The timer that ends it when it makes no progress.
    watch: Option<timers::Timer>,
    /// The timer that ends a whole file whose sender leaves the connection open.
    ending: Option<timers::Timer>,
}

impl Open {
    fn new(user: UserId, account: AccountId, xfer: *mut PurpleXfer, incoming: bool) -> Self {
        Self {
            user,
            account,
            xfer,
            incoming,
            kind: ConversationKind::Im,
            shown: None,
            accepted: false,
            started: false,
            doomed: None,
            completed: false,
            over: None,
            told_end: false,
            asked: false,
            bytes: VecDeque::new(),
            ready: false,
            pending: false,
            came: 0,
            empty_reads: 0,
            fetched: false,
            window: 0,
            asked_for: 0,
            stream: None,
            held: Vec::new(),
            reported: None,
            reports: false,
            moved: Instant::now(),
            watch: None,
            ending: None,
        }
    }

    /// Libpurple has it, and nothing has ended it.
    fn is_live(&self) -> bool {
        !self.xfer.is_null() && self.over.is_none() && self.doomed.is_none()
    }

    /// The transfer came further: bytes went, or somebody did something for it.
    fn moves(&mut self) {
        self.moved = Instant::now();
    }
}

thread_local! {
    static OPEN: RefCell<BTreeMap<TransferId, Open>> = const { RefCell::new(BTreeMap::new()) };
}

/// Registers with libpurple.
pub(super) fn install(token: OnPurple) {
    let ops = PurpleXferUiOps {
        new_xfer: Some(on_new),
        destroy: Some(on_destroy),
        update_progress: Some(on_progress),
        cancel_local: Some(on_cancel_local),
        cancel_remote: Some(on_cancel_remote),
        ui_write: Some(incoming::on_write),
        ui_read: Some(outgoing::on_read),
        data_not_sent: Some(outgoing::on_not_sent),
        add_thumbnail: Some(on_add_thumbnail),
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_xfers_set_ui_ops(Box::leak(Box::new(ops))) };
    signals::connect_transfers(token, incoming::on_offered, on_started);
    signals::connect_signing_off(token, on_signing_off);
}

/// Changes one. `change` must not call libpurple.
fn change<T>(id: TransferId, change: impl FnOnce(&mut Open) -> T) -> Option<T> {
    OPEN.with_borrow_mut(|open| open.get_mut(&id).map(change))
}

/// The id of a live transfer, if it is one of ours.
///
/// # Safety
/// A live transfer.
unsafe fn id(xfer: *const PurpleXfer) -> Option<TransferId> {
    // SAFETY: the caller's promise; the field is the front end's own.
    let id = TransferId(unsafe { (*xfer).ui_data } as u64);
    OPEN.with_borrow(|open| open.get(&id).is_some_and(|known| std::ptr::eq(known.xfer, xfer))).then_some(id)
}

/// The id of the transfer that is at this address, if one is there. Follows no pointer.
fn at(xfer: *mut PurpleXfer) -> Option<TransferId> {
    if xfer.is_null() {
        return None;
    }
    OPEN.with_borrow(|open| open.iter().find(|(_, known)| known.xfer == xfer).map(|(id, _)| *id))
}

/// Whether this is the address of a transfer that is there.
pub(super) fn is_open(xfer: *mut PurpleXfer) -> bool {
    at(xfer).is_some()
}

/// The number of an account's transfers whose end is not told yet, or that libpurple has not ended. An ended transfer does not count: a
/// plugin may keep a reference to it for ever.
fn count(account: AccountId) -> usize {
    // SAFETY: a transfer that was not destroyed.
    let is_there = |open: &Open| !open.told_end || (!open.xfer.is_null() && unsafe { (*open.xfer).end_time == 0 });
    OPEN.with_borrow(|open| open.values().filter(|known| known.account == account && is_there(known)).count())
}

fn no_such_transfer() -> CommandError {
    CommandError::new("no_such_transfer", "There is no such transfer (any more).").at("transfer")
}

/// Checks that it is `user`'s, and not over.
fn own(user: UserId, id: TransferId) -> Result<(AccountId, *mut PurpleXfer), CommandError> {
    let known = change(id, |open| (open.user == user && !open.told_end).then_some((open.account, open.xfer)));
    known.flatten().ok_or_else(no_such_transfer)
}

/// The transfer is over: the first word on how counts. Calls nothing of libpurple's at once.
fn end(token: OnPurple, id: TransferId, how: &'static str) {
    change(id, |open| _ = open.over.get_or_insert(how));
    settle(token, id);
}

/// Ends a transfer that libpurple has said to be complete: done if all bytes went, or came.
fn judge(token: OnPurple, id: TransferId) {
    match change(id, |open| (open.completed, open.incoming)) {
        Some((true, true)) => incoming::all_came(token, id),
        // The server has not answered yet.
        Some((true, false)) if upload::is(id) => {}
        Some((true, false)) => outgoing::all_went(token, id),
        _ => {}
    }
}

/// Does what is left to be done of one that may be over: its end is told after its last byte, and our reference is given back.
fn settle(token: OnPurple, id: TransferId) {
    let (mut told, mut gone, mut waits, mut held) = (None, None, (None, None), None);
    OPEN.with_borrow_mut(|all| {
        let Some(open) = all.get_mut(&id) else { return };
        let Some(how) = open.over else { return };
        if how != "done" || !open.incoming {
            open.bytes = VecDeque::new();
        }
        held = Some((open.account, std::mem::take(&mut open.held)));
        if !open.told_end && open.bytes.is_empty() {
            open.told_end = true;
            waits = (open.watch.take(), open.ending.take());
            told = open.shown.as_ref().map(|_| (open.user, how));
        }
        if open.xfer.is_null() && open.told_end {
            gone = all.remove(&id);
        } else if open.asked && !open.xfer.is_null() {
            // Not from inside a call of libpurple's, which may go on using it.
            timers::soon(token, Some(open.account), move |_| release(id));
        }
    });
    // The other side waits for answers all the same.
    if let Some((account, held)) = held.filter(|(_, held)| !held.is_empty()) {
        timers::soon(token, Some(account), move |token| acks::send(token, account, held));
    }
    if told.is_some() || gone.is_some() {
        upload::close(id);
    }
    // A timer's end calls libpurple.
    drop((gone, waits));
    if let Some((user, how)) = told {
        outbox::emit(token, user, EventKind::TransferClosed { transfer: id, state: how.to_owned() });
    }
}

/// Gives the reference of the question back.
fn release(id: TransferId) {
    let xfer = change(id, |open| std::mem::take(&mut open.asked).then_some(open.xfer)).flatten();
    if let Some(xfer) = xfer.filter(|xfer| !xfer.is_null()) {
        // SAFETY: a live transfer, as its destruction sets the pointer to NULL; the reference was ours.
        unsafe { purple_sys::purple_xfer_unref(xfer) };
    }
}

unsafe extern "C" fn on_new(xfer: *mut PurpleXfer) {
    guard_on("new_xfer", (), |token| {
        // SAFETY: libpurple gives a new transfer of a live account.
        let (owner, kind) = unsafe { (accounts::owner(token, (*xfer).account), (*xfer).type_) };
        let Some((user, account)) = owner else { return };
        let taken = |id: u64| OPEN.with_borrow(|open| open.contains_key(&TransferId(id)));
        let id = TransferId(registry::random_id(taken));
        // SAFETY: a live transfer; the field is the front end's own.
        unsafe { (*xfer).ui_data = id.0 as *mut c_void };
        let open = Open::new(user, account, xfer, kind == PurpleXferType::PURPLE_XFER_RECEIVE);
        OPEN.with_borrow_mut(|all| all.insert(id, open));
        // SAFETY: as above.
        unsafe {
            outgoing::made(token, account, id, xfer);
            stanzas::made(token, account, id, xfer);
        }
        patience::watch(token, id);
    });
}

unsafe extern "C" fn on_destroy(xfer: *mut PurpleXfer) {
    guard_on("destroy_xfer", (), |token| {
        // SAFETY: libpurple gives a transfer that it is about to free.
        let Some(id) = (unsafe { id(xfer) }) else { return };
        // A question about it (XMPP: to which device) would be answered with its address.
        request::forget_data(token, xfer.cast());
        let completed = change(id, |open| {
            open.xfer = std::ptr::null_mut();
            open.completed
        });
        if completed == Some(true) {
            // Its end is told on a later turn (`judge`), or was told before.
            settle(token, id);
        } else {
            end(token, id, "failed");
        }
    });
}

unsafe extern "C" fn on_started(xfer: *mut PurpleXfer, _: *mut c_void) {
    guard_on("file-start", (), |token| {
        // SAFETY: libpurple gives a live transfer.
        let Some(id) = (unsafe { id(xfer) }) else { return };
        let Some((account, incoming, allowed)) = change(id, |open| {
            let allowed = open.accepted || !open.incoming;
            open.started = allowed;
            open.moves();
            (open.account, open.incoming, allowed)
        }) else {
            return;
        };
        if !allowed {
            log::debug!(target: "bridge", "transfer {id} starts, and its user has not said yes");
            return ends::give_up(token, id);
        }
        report(token, id, Some(RUNNING));
        patience::watch(token, id);
        if incoming {
            incoming::make_ready(token, id);
        } else {
            // Not before the outcome of the command that sends it.
            timers::soon(token, Some(account), move |token| outgoing::want(token, id));
        }
    });
}

unsafe extern "C" fn on_progress(xfer: *mut PurpleXfer, _: f64) {
    guard_on("update_progress", (), |token| {
        // SAFETY: libpurple gives a live transfer.
        let Some(id) = (unsafe { id(xfer) }) else { return };
        // SAFETY: likewise.
        if unsafe { purple_sys::purple_xfer_is_completed(xfer) } == glib_sys::GFALSE {
            report(token, id, None);
            return incoming::whole(token, id);
        }
        let account = change(id, |open| {
            open.completed = true;
            open.account
        });
        // Libpurple says so before it looks whether a write has failed, and a protocol may say so before its last bytes are written.
        timers::soon(token, account, move |token| judge(token, id));
    });
}

unsafe extern "C" fn on_cancel_local(xfer: *mut PurpleXfer) {
    guard_on("cancel_local", (), |token| {
        // SAFETY: libpurple gives a live transfer. What the user has cancelled was told so before.
        if let Some(id) = unsafe { id(xfer) } {
            end(token, id, "failed");
        }
    });
}

unsafe extern "C" fn on_cancel_remote(xfer: *mut PurpleXfer) {
    guard_on("cancel_remote", (), |token| {
        // SAFETY: libpurple gives a live transfer.
        let Some(id) = (unsafe { id(xfer) }) else { return };
        // Before its start it was declined; after that nobody tells an end from a broken connection.
        let started = change(id, |open| open.started).unwrap_or_default();
        end(token, id, if started { "failed" } else { "cancelled" });
    });
}

/// Asked by a protocol that shows the other side a small picture of the file: it gets none, which libpurple allows.
unsafe extern "C" fn on_add_thumbnail(_: *mut PurpleXfer, _: *const std::ffi::c_char) {}

/// Before the protocol frees what its transfers use: XMPP's own end leaves out those that a link offers (XEP-0066).
unsafe extern "C" fn on_signing_off(gc: *mut PurpleConnection, _: *mut c_void) {
    guard_on("signing-off", (), |token| {
        // SAFETY: libpurple gives a live connection of a live account.
        let account = unsafe { accounts::id(token, (*gc).account) };
        if let Some(account) = account {
            ends::end_live(token, account);
            upload::close_all(token, account);
            stanzas::forget(token, account);
            service::forget(token, account);
        }
    });
}

#[cfg(test)]
mod tests;
