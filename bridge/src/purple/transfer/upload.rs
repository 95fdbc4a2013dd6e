//! Sends files by HTTP upload (XEP-0363): asks the server's service for a place, puts the file there over TLS, and says its address in the
//! conversation, with XEP-0066 for those who draw it. Finds no service (see `service.rs`), reads no answer's parts (see `slot.rs`).
//!
//! The transfer is one of libpurple's, with functions of ours in the place of a protocol's, so that its bytes, bounds and end are those of all others.
//! Libpurple takes it for complete when the last byte is written; it is done when the server has answered and the address is said.

use super::super::ffi::{borrowed, guard_on, in_process, owned};
use super::super::iq::{self, Answer as Stanza};
use super::super::outgoing::{FileName, Html};
use super::super::token::OnPurple;
use super::super::{conversation, interpose, owner, signals, timers};
use super::service::{self, Service};
use super::slot::{self, Answer, Slot};
use super::{change, end, ends, is_open, outgoing};
use crate::id::{AccountId, ConversationId, TransferId, UserId};
use purple_sys::{
    PurpleConnection, PurpleInputCondition, PurpleMessageFlags, PurpleSslConnection, PurpleSslErrorType, PurpleXfer, PurpleXferType, gchar,
    gpointer, gsize, gssize, guchar, xmlnode,
};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::time::Duration;

/// XEP-0363's namespace.
pub(super) const SPACE: &CStr = c"urn:xmpp:http:upload:0";
/// The beginning of the id of a question for a place.
pub(in crate::purple) const QUESTION: &str = "upload-";
/// How long a service may take until bytes can go: its user may be asked about a certificate meanwhile.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long an answer may be on its way that says why a service takes no more bytes.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes of an answer's head.
const HEAD: usize = 16 << 10;
/// Characters of a server's own words that are passed on.
const WORDS: usize = 300;
/// The type of every file, as it is sent: its name says more.
const KIND: &str = "application/octet-stream";

/// A file on its way to a service.
struct Put {
    user: UserId,
    account: AccountId,
    conversation: ConversationId,
    /// The id of the question for a place, and whom it was put to.
    asked: (String, String),
    slot: Option<Slot>,
    /// NULL before the place is known, and after the connection has ended.
    gsc: *mut PurpleSslConnection,
    connected: bool,
    /// The watcher of the socket's room for more, 0 for none.
    watcher: u32,
    /// The rest of the request's head, not written yet.
    head: Vec<u8>,
    /// Libpurple was told to begin.
    begun: bool,
    answer: Vec<u8>,
}

thread_local! {
    static PUTS: RefCell<HashMap<TransferId, Put>> = RefCell::default();
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// Libpurple's own lines about a transfer are left out: it does not know how an upload ends.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// The address that is being said.
    static SAYING: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn with<T>(id: TransferId, change: impl FnOnce(&mut Put) -> T) -> Option<T> {
    PUTS.with_borrow_mut(|puts| puts.get_mut(&id).map(change))
}

/// Whether lines of libpurple's about a transfer are to be left out now.
pub(in crate::purple) fn is_quiet() -> bool {
    QUIET.get()
}

/// Calls libpurple about a transfer; of an upload it writes no lines.
pub(super) fn quietly<T>(id: TransferId, call: impl FnOnce() -> T) -> T {
    let before = QUIET.replace(is(id));
    let result = call();
    QUIET.set(before);
    result
}

/// Ends the uploads of an account whose connection ends, those included that wait for the server's answer.
pub(super) fn close_all(token: OnPurple, account: AccountId) {
    let ids: Vec<TransferId> = PUTS.with_borrow(|puts| puts.iter().filter(|(_, put)| put.account == account).map(|(id, _)| *id).collect());
    for id in ids {
        close(id);
        end(token, id, "failed");
    }
}

/// Whether a transfer goes this way, and its end is told from here.
pub(super) fn is(id: TransferId) -> bool {
    PUTS.with_borrow(|puts| puts.contains_key(&id))
}

/// The service that takes a file of this size from an account.
pub(super) fn takes(account: AccountId, size: u64) -> Option<Service> {
    service::of(account).filter(|service| size > 0 && service.most.is_none_or(|most| size <= most))
}

/// Begins a transfer to a service. The caller has noted what is being sent.
///
/// # Safety
/// A live connection and conversation of this account.
pub(super) unsafe fn begin(gc: *mut PurpleConnection, who: *const gchar, name: &FileName) {
    // SAFETY: the caller's promise; texts are copied; the functions live as long as the process.
    unsafe {
        let xfer = purple_sys::purple_xfer_new((*gc).account, PurpleXferType::PURPLE_XFER_SEND, who);
        if xfer.is_null() {
            return;
        }
        purple_sys::purple_xfer_set_init_fnc(xfer, Some(on_init));
        purple_sys::purple_xfer_set_write_fnc(xfer, Some(on_write));
        // Its line about the offer names an address, and the service offers nothing.
        let before = QUIET.replace(true);
        purple_sys::purple_xfer_request_accepted(xfer, name.as_ptr());
        QUIET.set(before);
    }
}

/// The transfer that was just begun goes to this service: it is asked for a place.
pub(super) fn ask(token: OnPurple, user: UserId, conversation: ConversationId, id: TransferId, service: Service) {
    let Some((account, xfer)) = change(id, |open| (open.account, open.xfer)).filter(|(_, xfer)| !xfer.is_null()) else { return };
    LAST.set(LAST.get() + 1);
    let question = format!("{QUESTION}{:x}", LAST.get());
    // SAFETY: a live transfer of a signed-on account; nodes of our own; texts are copied.
    unsafe {
        let iq = iq::new(token, c"get", &question, &service.address);
        let request = purple_sys::xmlnode_new_child(iq, c"request".as_ptr());
        purple_sys::xmlnode_set_namespace(request, SPACE.as_ptr());
        let size = in_process(&(*xfer).size.to_string());
        purple_sys::xmlnode_set_attrib(request, c"filename".as_ptr(), (*xfer).filename);
        purple_sys::xmlnode_set_attrib(request, c"size".as_ptr(), size.as_ptr());
        purple_sys::xmlnode_set_attrib(request, c"content-type".as_ptr(), in_process(KIND).as_ptr());
        let put = Put {
            user,
            account,
            conversation,
            asked: (question, service.address),
            slot: None,
            gsc: std::ptr::null_mut(),
            connected: false,
            watcher: 0,
            head: Vec::new(),
            begun: false,
            answer: Vec::new(),
        };
        PUTS.with_borrow_mut(|puts| puts.insert(id, put));
        iq::send((*(*xfer).account).gc, iq);
    }
    // The timer looks by itself whether bytes go by then.
    std::mem::forget(timers::after(token, PATIENCE, Some(account), move |token| {
        if with(id, |put| put.begun) == Some(false) {
            fail(token, id, "The server's place for files did not answer in time.");
        }
    }));
}

/// A service has answered. False: it was not asked.
///
/// # Safety
/// A live stanza.
pub(in crate::purple) unsafe fn heard(token: OnPurple, answer: &Stanza) -> bool {
    let fits = |put: &Put| put.account == answer.account && put.asked.0 == answer.id && put.asked.1.eq_ignore_ascii_case(&answer.from);
    let Some(id) = PUTS.with_borrow(|puts| puts.iter().find(|(_, put)| fits(put) && put.slot.is_none()).map(|(id, _)| *id)) else {
        return false;
    };
    // SAFETY: the caller's promise.
    let slot = unsafe {
        if answer.refuses {
            Err(refusal(answer.iq))
        } else {
            Slot::read(answer.iq).map_err(|why| format!("The server's answer cannot be used: {why}."))
        }
    };
    match slot {
        Ok(slot) => connect(token, id, slot),
        Err(words) => fail(token, id, &words),
    }
    true
}

/// The server's words.
///
/// # Safety
/// A live stanza.
unsafe fn refusal(iq: *mut xmlnode) -> String {
    // SAFETY: the caller's promise; the text is made for us.
    let said = unsafe {
        let text = purple_sys::xmlnode_get_child(iq, c"error/text".as_ptr());
        if text.is_null() { None } else { owned(purple_sys::xmlnode_get_data(text)) }
    };
    let said: String = said.unwrap_or_default().trim().trim_end_matches('.').chars().take(WORDS).collect();
    if said.is_empty() { "The server does not take this file.".to_owned() } else { format!("The server does not take this file: {said}.") }
}

fn connect(token: OnPurple, id: TransferId, slot: Slot) {
    let Some(xfer) = change(id, |open| open.xfer).filter(|xfer| !xfer.is_null()) else { return };
    let (host, port) = (in_process(&slot.host), c_int::from(slot.port));
    // SAFETY: a live transfer.
    let size = unsafe { (*xfer).size } as u64;
    let Some(account) = with(id, |put| {
        put.head = slot.head(size, KIND).into_bytes();
        put.slot = Some(slot);
        put.account
    }) else {
        return;
    };
    // SAFETY: a live transfer of a live account; texts are copied; C gets the number of the transfer, and follows no pointer.
    let gsc = owner::with(Some(account), || unsafe {
        let (purple, data) = ((*xfer).account, id.0 as gpointer);
        purple_sys::purple_ssl_connect_with_ssl_cn(purple, host.as_ptr(), port, Some(on_connected), Some(on_error), std::ptr::null(), data)
    });
    if gsc.is_null() {
        return fail(token, id, "The server's place for files cannot be reached.");
    }
    with(id, |put| put.gsc = gsc);
}

unsafe extern "C" fn on_init(_: *mut PurpleXfer) {}

unsafe extern "C" fn on_connected(data: gpointer, gsc: *mut PurpleSslConnection, _: PurpleInputCondition) {
    guard_on("upload connected", (), |token| {
        let id = TransferId(data as u64);
        if with(id, |put| put.connected = true).is_some() {
            // SAFETY: libpurple gives a live connection; the handler follows no pointer.
            unsafe { purple_sys::purple_ssl_input_add(gsc, Some(on_readable), data) };
            go(token, id);
        }
    });
}

unsafe extern "C" fn on_error(_: *mut PurpleSslConnection, _: PurpleSslErrorType, data: gpointer) {
    guard_on("upload error", (), |token| {
        let id = TransferId(data as u64);
        // Libpurple frees the connection after this call.
        with(id, |put| put.gsc = std::ptr::null_mut());
        timers::soon(token, with(id, |put| put.account), move |token| {
            fail(token, id, "The server's place for files cannot be reached.");
        });
    });
}

/// Writes what is left of the head, then lets libpurple write.
fn go(token: OnPurple, id: TransferId) {
    let Some((gsc, head)) = with(id, |put| (put.gsc, std::mem::take(&mut put.head))).filter(|(gsc, _)| !gsc.is_null()) else { return };
    let mut at = 0;
    while at < head.len() {
        match write(gsc, &head[at..]) {
            Ok(count) => at += count,
            Err(libc::EAGAIN | libc::EINTR) => {
                with(id, |put| put.head = head[at..].to_vec());
                return wait(id);
            }
            Err(_) => return fail(token, id, "The connection to the server's place for files has ended."),
        }
    }
    let begins = with(id, |put| !std::mem::replace(&mut put.begun, true));
    let Some((account, xfer)) =
        change(id, |open| (open.account, open.xfer, open.is_live())).and_then(|(account, xfer, lives)| lives.then_some((account, xfer)))
    else {
        return;
    };
    quietly(id, || {
        owner::with(Some(account), || {
            if begins == Some(true) {
                // SAFETY: a live transfer, without a socket of libpurple's.
                unsafe { purple_sys::purple_xfer_start(xfer, -1, std::ptr::null(), 0) };
            }
            if is_open(xfer) {
                interpose::prpl_ready(xfer);
            }
        });
    });
}

/// As POSIX answers: how many bytes were taken, or errno.
fn write(gsc: *mut PurpleSslConnection, bytes: &[u8]) -> Result<usize, c_int> {
    // SAFETY: a live connection, and so many bytes.
    let count = unsafe { purple_sys::purple_ssl_write(gsc, bytes.as_ptr().cast(), bytes.len()) };
    if count == usize::MAX { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)) } else { Ok(count) }
}

/// Goes on once the socket takes more.
fn wait(id: TransferId) {
    let Some(gsc) = with(id, |put| (put.watcher == 0).then_some(put.gsc)).flatten().filter(|gsc| !gsc.is_null()) else { return };
    // SAFETY: a live connection; the handler follows no pointer.
    let watcher =
        unsafe { purple_sys::purple_input_add((*gsc).fd, PurpleInputCondition::PURPLE_INPUT_WRITE, Some(on_writable), id.0 as gpointer) };
    with(id, |put| put.watcher = watcher);
}

unsafe extern "C" fn on_writable(data: gpointer, _: c_int, _: PurpleInputCondition) {
    guard_on("upload writable", (), |token| {
        let id = TransferId(data as u64);
        silence(id);
        go(token, id);
    });
}

fn silence(id: TransferId) {
    if let Some(watcher) = with(id, |put| std::mem::take(&mut put.watcher)).filter(|watcher| *watcher != 0) {
        // SAFETY: a watcher of ours.
        unsafe { purple_sys::purple_input_remove(watcher) };
    }
}

/// Libpurple has bytes of the file.
unsafe extern "C" fn on_write(buffer: *const guchar, size: gsize, xfer: *mut PurpleXfer) -> gssize {
    guard_on("upload write", -1, |token| {
        // SAFETY: libpurple gives a live transfer and that many bytes.
        let (id, bytes) = unsafe { (super::id(xfer), if size == 0 { &[][..] } else { std::slice::from_raw_parts(buffer, size) }) };
        let Some((id, gsc)) = id.and_then(|id| with(id, |put| (id, put.gsc))).filter(|(_, gsc)| !gsc.is_null()) else { return -1 };
        let count = match write(gsc, bytes) {
            Ok(count) => count,
            Err(libc::EAGAIN | libc::EINTR) => 0,
            Err(_) => {
                // Nothing goes any more, and libpurple would say that the other one has cancelled. The server's answer is read first.
                let account = with(id, |put| put.account);
                std::mem::forget(timers::after(token, LAST_WORDS, account, move |token| {
                    fail(token, id, "The connection to the server's place for files has ended.");
                }));
                return 0;
            }
        };
        wait(id);
        gssize::try_from(count).unwrap_or(-1)
    })
}

unsafe extern "C" fn on_readable(data: gpointer, gsc: *mut PurpleSslConnection, _: PurpleInputCondition) {
    guard_on("upload answer", (), |token| {
        let id = TransferId(data as u64);
        let mut buffer = [0_u8; 4096];
        // SAFETY: libpurple gives a live connection; the buffer has so many bytes.
        let count = unsafe { purple_sys::purple_ssl_read(gsc, buffer.as_mut_ptr().cast(), buffer.len()) };
        let ended = match count {
            usize::MAX if matches!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => return,
            usize::MAX | 0 => true,
            count => with(id, |put| {
                put.answer.extend_from_slice(&buffer[..count.min(buffer.len())]);
                put.answer.len() > HEAD
            })
            .unwrap_or(true),
        };
        let Some((answer, account)) = with(id, |put| (slot::answer(&put.answer), put.account)) else { return };
        let outcome = match answer {
            Answer::Status(status @ 200..=299) => Ok(status),
            Answer::Status(status) => Err(format!("The server does not take this file: its answer is {status}.")),
            Answer::Begun if !ended => return,
            Answer::Begun | Answer::Nonsense => Err("The server's place for files gave no answer.".to_owned()),
        };
        // The connection is closed on a turn of its own, and nothing of it is heard until then.
        // SAFETY: a live connection of libpurple's.
        unsafe { purple_sys::purple_input_remove((*gsc).inpa) };
        // SAFETY: as above.
        unsafe { (*gsc).inpa = 0 };
        timers::soon(token, Some(account), move |token| match outcome {
            Ok(_) => done(token, id),
            Err(words) => fail(token, id, &words),
        });
    });
}

/// The server has the file: its address is said.
fn done(token: OnPurple, id: TransferId) {
    let whole = change(id, |open| open.over.is_none() && outgoing::is_whole(open));
    if whole != Some(true) {
        return fail(token, id, "The server's place for files has answered before the whole file was there.");
    }
    let said = with(id, |put| put.slot.as_ref().map(|slot| (put.user, put.conversation, slot.get.clone()))).flatten();
    close(id);
    let Some((user, conversation, address)) = said else { return };
    SAYING.set(Some(address.clone()));
    let sent = conversation::send(token, user, conversation, &address, Html::of_prose(&address).text());
    SAYING.set(None);
    if let Err(error) = &sent {
        write_line(token, user, conversation, &format!("The file is on the server, but its address was not sent: {}", error.message));
    }
    end(token, id, if sent.is_ok() { "done" } else { "failed" });
}

/// Ends a transfer with words in its conversation.
fn fail(token: OnPurple, id: TransferId, words: &str) {
    let Some((user, conversation)) = with(id, |put| (put.user, put.conversation)) else { return };
    close(id);
    if change(id, |open| open.over.is_none()) == Some(true) {
        write_line(token, user, conversation, words);
        change(id, |open| _ = open.over.get_or_insert("failed"));
        let before = QUIET.replace(true);
        ends::stop(token, id);
        QUIET.set(before);
        end(token, id, "failed");
    }
}

/// A line of the system about what went wrong.
fn write_line(token: OnPurple, user: UserId, conversation: ConversationId, words: &str) {
    let Ok((purple, account)) = conversation::live(token, user, conversation) else { return };
    let html = Html::of_prose(words);
    // SAFETY: a live conversation; the text is copied.
    owner::with(Some(account), || unsafe {
        let flags = PurpleMessageFlags(PurpleMessageFlags::PURPLE_MESSAGE_SYSTEM.0 | PurpleMessageFlags::PURPLE_MESSAGE_NO_LOG.0);
        purple_sys::purple_conversation_write(purple, std::ptr::null(), html.as_ptr(), flags, libc::time(std::ptr::null_mut()));
    });
}

/// Lets go of what a transfer has here. Calls libpurple.
pub(super) fn close(id: TransferId) {
    silence(id);
    let put = PUTS.with_borrow_mut(|puts| puts.remove(&id));
    if let Some(put) = put.filter(|put| !put.gsc.is_null()) {
        // SAFETY: a connection that nobody else closes: libpurple frees it alone after `on_error`, which has set it to NULL.
        unsafe { purple_sys::purple_ssl_close(put.gsc) };
    }
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    service::listen(token);
    signals::jabber::sending(token, on_sending);
}

/// Marks the message that says an address as a file (XEP-0066, 3).
unsafe extern "C" fn on_sending(_: *mut PurpleConnection, packet: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-sending-xmlnode", (), |_| {
        let Some(address) = SAYING.with_borrow(Clone::clone) else { return };
        // SAFETY: libpurple gives where a stanza is, which another handler may have taken away; texts are copied, or made for us.
        unsafe {
            if packet.is_null() || (*packet).is_null() {
                return;
            }
            let name: *const c_char = (*(*packet)).name;
            let body = purple_sys::xmlnode_get_child(*packet, c"body".as_ptr());
            let says = borrowed(name).as_deref() == Some("message") && !body.is_null();
            if !says || owned(purple_sys::xmlnode_get_data(body)).as_deref() != Some(address.as_str()) {
                return;
            }
            let x = purple_sys::xmlnode_new_child(*packet, c"x".as_ptr());
            purple_sys::xmlnode_set_namespace(x, c"jabber:x:oob".as_ptr());
            let url = purple_sys::xmlnode_new_child(x, c"url".as_ptr());
            purple_sys::xmlnode_insert_data(url, in_process(&address).as_ptr(), -1);
        }
    });
}
