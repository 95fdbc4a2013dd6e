//! Reads XMPP's stanzas about transfers: the stream of each file, a contact's requests, and answers after the end. Does not move bytes (see
//! `incoming.rs`, `outgoing.rs`).
//!
//! A named exception. Libjabber opens a stream that its user has not accepted, with any size of a block (`ibb.c`, `si.c`). An answer after
//! the end of its transfer makes libjabber call back with freed data. These stanzas are kept from it.

use super::super::ffi::{borrowed, guard_on, owned};
use super::super::iq;
use super::super::token::OnPurple;
use super::super::{accounts, signals};
use super::{OPEN, Open, acks, at, change, outgoing};
use crate::id::{AccountId, TransferId};
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, PurpleXfer, xmlnode};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};

const IN_BAND: &CStr = c"http://jabber.org/protocol/ibb";
const OFFER: &CStr = c"http://jabber.org/protocol/si";
const BY_SOCKS5: &CStr = c"http://jabber.org/protocol/bytestreams";
const ERRORS: &CStr = c"urn:ietf:params:xml:ns:xmpp-stanzas";
/// Bytes that a block of XEP-0047 may have at most.
const LARGEST_BLOCK: u32 = 65535;
/// Questions of an account's transfers that were not answered, and that libjabber still waits for.
const MOST_ASKED: usize = 256;

/// The stream of a transfer, as far as stanzas have told of it.
pub(super) struct Stream {
    /// The stream's id, by which both sides know it.
    sid: String,
    /// The id of the sender's stanza that names its SOCKS5 hosts, until an error answers that stanza.
    hosts: Option<String>,
    /// The other side has opened the stream in-band.
    opened: bool,
}

#[cfg(test)]
impl Stream {
    pub(super) fn sid(&self) -> &str {
        &self.sid
    }
}

/// A question of ours, about a transfer.
struct Asked {
    to: String,
    transfer: TransferId,
}

/// The stanza that libjabber is handling, as far as it is about a transfer.
enum Handled {
    /// An offer with this id of its stream.
    Offer(AccountId, String),
    /// An answer to a question about a transfer.
    Answer(TransferId),
    /// Bytes of a transfer, in a stanza with this id.
    Bytes(TransferId, String),
}

thread_local! {
    static HANDLED: RefCell<Option<Handled>> = const { RefCell::new(None) };
    static ASKED: RefCell<BTreeMap<(AccountId, String), Asked>> = const { RefCell::new(BTreeMap::new()) };
    /// The transfer that a question to a user is about, while libjabber is given the answer.
    static ABOUT_NOW: Cell<Option<TransferId>> = const { Cell::new(None) };
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::sending(token, on_sending);
    signals::jabber::sending_text(token, acks::on_sending_text);
    signals::jabber::receiving_iq(token, on_receiving);
}

/// Gives a plugin the answer to a question (XMPP: to which device a file goes) whose `data` may be a transfer.
pub(in crate::purple) fn about<T>(data: *mut c_void, call: impl FnOnce() -> T) -> T {
    let before = ABOUT_NOW.replace(at(data.cast::<PurpleXfer>()));
    let result = call();
    ABOUT_NOW.set(before);
    result
}

/// Whether an account may offer one more file: libjabber waits for an answer about each.
pub(super) fn has_room(_: OnPurple, account: AccountId) -> bool {
    ASKED.with_borrow(|asked| asked.keys().filter(|(whose, _)| *whose == account).count() < MOST_ASKED)
}

/// The connection of an account ends, and with it what libjabber waits for.
pub(super) fn forget(_: OnPurple, account: AccountId) {
    ASKED.with_borrow_mut(|asked| asked.retain(|(whose, _), _| *whose != account));
}

/// A transfer was made. An incoming transfer that the handled stanza offers gets the id of its stream.
///
/// # Safety
/// A live transfer.
pub(super) unsafe fn made(_: OnPurple, account: AccountId, id: TransferId, _: *mut PurpleXfer) {
    let offer = HANDLED.with_borrow_mut(|handled| match handled {
        Some(Handled::Offer(whose, sid)) if *whose == account => {
            let sid = std::mem::take(sid);
            *handled = None;
            Some(sid)
        }
        _ => None,
    });
    if let Some(sid) = offer {
        change(id, |open| {
            if open.incoming {
                open.stream = Some(Stream { sid, hosts: None, opened: false });
            }
        });
    }
}

unsafe extern "C" fn on_receiving(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    id: *const c_char,
    from: *const c_char,
    iq: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    let kept = guard_on("jabber-receiving-iq", false, |token| {
        HANDLED.set(None);
        // SAFETY: the plugin gives a live connection of a live account, C strings or NULL, and a live stanza.
        unsafe {
            let Some(account) = accounts::id(token, (*gc).account) else { return false };
            let (kind, iq_id, from) =
                (borrowed(kind).unwrap_or_default(), borrowed(id).unwrap_or_default(), borrowed(from).unwrap_or_default());
            if matches!(kind.as_str(), "result" | "error") {
                match answered(account, &iq_id, &from) {
                    Answered::TooLate => return true,
                    Answered::InTime => return false,
                    Answered::Nothing => {}
                }
            }
            // Libjabber looks at the first element, and with some of these not at the stanza's type.
            let Some(child) = elements(iq).next() else { return false };
            match judge(account, &iq_id, &from, child) {
                Ok(handled) => {
                    HANDLED.set(handled);
                    false
                }
                Err(condition) => {
                    log::debug!(target: "bridge", "{account}: a stream of a file is refused: {condition:?}");
                    if matches!(kind.as_str(), "get" | "set") {
                        refuse(token, gc, &iq_id, &from, condition);
                    }
                    true
                }
            }
        }
    });
    i32::from(kept)
}

/// The meaning of an answer for transfers.
enum Answered {
    /// Answers a question about a transfer that is not over.
    InTime,
    /// Answers a question about a transfer that is over: libjabber would use freed data.
    TooLate,
    /// Answers something else.
    Nothing,
}

/// An answer with this id came.
fn answered(account: AccountId, id: &str, from: &str) -> Answered {
    let key = (account, id.to_owned());
    let Some((transfer, is_theirs)) = ASKED.with_borrow(|asked| asked.get(&key).map(|asked| (asked.transfer, same(&asked.to, from))))
    else {
        return Answered::Nothing;
    };
    // Libjabber goes on waiting for an answer that was kept from it, so that a second answer must not reach it either.
    if change(transfer, |open| open.over.is_none() && !open.xfer.is_null()) != Some(true) {
        return Answered::TooLate;
    }
    if is_theirs {
        ASKED.with_borrow_mut(|asked| asked.remove(&key));
        HANDLED.set(Some(Handled::Answer(transfer)));
    }
    Answered::InTime
}

/// Whether two addresses are the same. Case counts in the name of the device alone.
fn same(one: &str, other: &str) -> bool {
    let parts = |address: &str| {
        let (bare, device) = address.split_once('/').unwrap_or((address, ""));
        (bare.to_lowercase(), device.to_owned())
    };
    parts(one) == parts(other)
}

/// Judges a stanza: what libjabber will be handling, or the error condition that refuses it (RFC 6120, 8.3.3).
///
/// # Safety
/// A live element.
unsafe fn judge(account: AccountId, iq_id: &str, from: &str, child: *mut xmlnode) -> Result<Option<Handled>, &'static CStr> {
    // SAFETY: the caller's promise; its texts are copied, and an element has a name.
    let (name, sid, block, is) = unsafe {
        let space = purple_sys::xmlnode_get_namespace(child);
        let space = if space.is_null() { c"" } else { CStr::from_ptr(space) };
        (CStr::from_ptr((*child).name), attribute(child, c"sid"), attribute(child, c"block-size"), move |wanted: &CStr| space == wanted)
    };
    let find = |sid: &str| {
        let is_it = |open: &Open| {
            // SAFETY: a transfer that was not destroyed.
            let who = || unsafe { borrowed((*open.xfer).who) };
            let is_named = open.stream.as_ref().is_some_and(|stream| stream.sid == sid);
            open.account == account && is_named && !open.xfer.is_null() && who().as_deref() == Some(from)
        };
        OPEN.with_borrow(|all| all.iter().find(|(_, open)| is_it(open)).map(|(id, _)| *id))
    };
    // A stream may begin once the file is accepted, while it has no stream and none is being opened.
    let may_begin = |open: &Open| {
        let none = open.stream.as_ref().is_some_and(|stream| stream.hosts.is_none() && !stream.opened);
        open.incoming && open.accepted && !open.started && none && open.is_live()
    };
    match name.to_bytes() {
        b"si" if is(OFFER) => {
            // SAFETY: as above.
            let sid = unsafe { attribute(child, c"id") };
            Ok(sid.map(|sid| Handled::Offer(account, sid)))
        }
        // Libjabber would decode a missing text.
        // SAFETY: as above; what is given is ours to free.
        b"data" if is(IN_BAND) && unsafe { owned(purple_sys::xmlnode_get_data(child)) }.is_none() => Err(c"bad-request"),
        b"data" if is(IN_BAND) => Ok(sid.and_then(|sid| find(&sid)).map(|id| Handled::Bytes(id, iq_id.to_owned()))),
        b"open" if is(IN_BAND) => {
            let id = sid.and_then(|sid| find(&sid)).ok_or(c"item-not-found")?;
            let block = block.and_then(|block| block.parse::<u32>().ok()).unwrap_or_default();
            if !(1..=LARGEST_BLOCK).contains(&block) {
                return Err(c"not-acceptable");
            }
            let opens = change(id, |open| {
                let opens = may_begin(open);
                if let Some(stream) = open.stream.as_mut().filter(|_| opens) {
                    stream.opened = true;
                }
                opens
            });
            if opens == Some(true) { Ok(None) } else { Err(c"not-acceptable") }
        }
        b"query" if is(BY_SOCKS5) => {
            // Libjabber ignores a query that belongs to no transfer.
            let Some(id) = sid.and_then(|sid| find(&sid)) else { return Ok(None) };
            let begins = change(id, |open| {
                let begins = may_begin(open);
                if let Some(stream) = open.stream.as_mut().filter(|_| begins) {
                    stream.hosts = Some(iq_id.to_owned());
                }
                begins
            });
            if begins == Some(true) { Ok(None) } else { Err(c"not-acceptable") }
        }
        _ => Ok(None),
    }
}

/// Answers a stanza with an error.
///
/// # Safety
/// A live connection of XMPP's plugin.
unsafe fn refuse(token: OnPurple, gc: *mut PurpleConnection, id: &str, to: &str, condition: &CStr) {
    let answer = iq::new(token, c"error", id, to);
    // SAFETY: nodes of our own, a live connection by the caller's promise, live C strings.
    unsafe {
        let error = purple_sys::xmlnode_new_child(answer, c"error".as_ptr());
        purple_sys::xmlnode_set_attrib(error, c"type".as_ptr(), c"cancel".as_ptr());
        let condition = purple_sys::xmlnode_new_child(error, condition.as_ptr());
        purple_sys::xmlnode_set_namespace(condition, ERRORS.as_ptr());
        iq::send(gc, answer);
    }
}

unsafe extern "C" fn on_sending(gc: *mut PurpleConnection, packet: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-sending-xmlnode", (), |token| {
        acks::next(None);
        if OPEN.with_borrow(|open| open.is_empty()) {
            return;
        }
        // SAFETY: the plugin gives a live connection, and a place with a stanza, which another handler may have taken away.
        unsafe {
            if packet.is_null() || (*packet).is_null() || CStr::from_ptr((**packet).name) != c"iq" {
                return;
            }
            let (kind, id, to) = (attribute(*packet, c"type"), attribute(*packet, c"id"), attribute(*packet, c"to"));
            let (Some(account), Some(id), Some(to)) = (accounts::id(token, (*gc).account), id, to) else { return };
            match (kind.as_deref(), elements(*packet).next()) {
                (Some("result"), None) => acks::next(acknowledged(&id)),
                (Some("error"), _) => answered_no(account, &id, &to),
                (Some("get" | "set"), Some(child)) => asks(account, id, to, child),
                _ => {}
            }
        }
    });
}

/// The transfer whose bytes an answer with this id acknowledges, while nobody has fetched them.
fn acknowledged(id: &str) -> Option<TransferId> {
    let transfer = HANDLED.with_borrow(|handled| match handled {
        Some(Handled::Bytes(transfer, iq)) if iq == id => Some(*transfer),
        _ => None,
    });
    transfer.filter(|transfer| change(*transfer, |open| open.pending) == Some(true))
}

/// An error goes out: none of a sender's hosts was reached, so that the sender may open the stream in another way.
fn answered_no(account: AccountId, id: &str, to: &str) {
    OPEN.with_borrow_mut(|all| {
        for open in all.values_mut().filter(|open| open.account == account && !open.xfer.is_null()) {
            // SAFETY: a transfer that was not destroyed.
            let is_theirs = unsafe { borrowed((*open.xfer).who) }.as_deref() == Some(to);
            if let Some(stream) = open.stream.as_mut().filter(|stream| is_theirs && stream.hosts.as_deref() == Some(id)) {
                stream.hosts = None;
            }
        }
    });
}

/// Notes the transfer that a question to the other side is about, until the answer comes.
///
/// # Safety
/// A live element.
unsafe fn asks(account: AccountId, iq_id: String, to: String, child: *mut xmlnode) {
    // SAFETY: the caller's promise; its texts are copied, and an element has a name.
    let (name, space, sid) = unsafe {
        let space = purple_sys::xmlnode_get_namespace(child);
        let space = if space.is_null() { c"" } else { CStr::from_ptr(space) };
        (CStr::from_ptr((*child).name), space, attribute(child, if space == OFFER { c"id" } else { c"sid" }))
    };
    let find = |wanted: &dyn Fn(&Open) -> bool| {
        let is_with = |open: &Open| {
            // SAFETY: a transfer that was not destroyed.
            open.account == account && !open.xfer.is_null() && unsafe { borrowed((*open.xfer).who) }.as_ref() == Some(&to)
        };
        OPEN.with_borrow(|all| all.iter().find(|(_, open)| !open.incoming && is_with(open) && wanted(open)).map(|(id, _)| *id))
    };
    // A question within the call that begins a transfer is about that transfer: libjabber asks what a device can do before it offers the
    // file.
    let beginning = ABOUT_NOW.get().or_else(outgoing::offering);
    let transfer = match (name.to_bytes(), sid) {
        (b"si", Some(sid)) if space == OFFER => {
            let answer = HANDLED.with_borrow(|handled| if let Some(Handled::Answer(transfer)) = handled { Some(*transfer) } else { None });
            let has_none = |id: &TransferId| change(*id, |open| open.stream.is_none()) == Some(true);
            let transfer = beginning.or(answer).filter(has_none).or_else(|| find(&|open| open.stream.is_none()));
            if let Some(id) = transfer {
                change(id, |open| open.stream = Some(Stream { sid, hosts: None, opened: false }));
            }
            // Libjabber waits for this answer no longer than it has the transfer.
            None
        }
        (b"open", Some(sid)) if space == IN_BAND => find(&|open| open.stream.as_ref().is_some_and(|stream| stream.sid == sid)),
        (b"query", Some(sid)) if space == BY_SOCKS5 => find(&|open| open.stream.as_ref().is_some_and(|stream| stream.sid == sid)),
        _ => beginning,
    };
    if let Some(transfer) = transfer {
        ASKED.with_borrow_mut(|asked| asked.insert((account, iq_id), Asked { to, transfer }));
    }
}

/// The elements right below a node.
///
/// # Safety
/// A live node, which lives as long as the result.
unsafe fn elements(node: *mut xmlnode) -> impl Iterator<Item = *mut xmlnode> {
    // SAFETY: the caller's promise.
    let first = unsafe { (*node).child };
    let all = std::iter::successors(Some(first), |child| {
        // SAFETY: likewise; children live as long.
        (!child.is_null()).then(|| unsafe { (**child).next })
    });
    // SAFETY: likewise.
    all.take_while(|child| !child.is_null()).filter(|child| unsafe { (**child).type_ == purple_sys::XMLNodeType::XMLNODE_TYPE_TAG })
}

/// # Safety
/// A live node.
unsafe fn attribute(node: *mut xmlnode, name: &CStr) -> Option<String> {
    // SAFETY: the caller's promise; copied.
    unsafe { borrowed(purple_sys::xmlnode_get_attrib(node, name.as_ptr())) }
}
