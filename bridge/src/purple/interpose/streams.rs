//! Bounds for what XML parsers are given (hazard 43): libxml2 and libpurple compare an element's attributes with each other, and walk what is in it.
//! What a contact can exceed is left out, with a notice; what only a server can ends the account's connection. The counting is `stanza.rs`'s.

use super::super::ffi::guard;
use super::super::stanza::{Excess, Passed, Scanner};
use super::super::token::OnPurple;
use super::super::{connection, debug, notify, owner, timers};
use super::next::Next;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};

pub(super) type Create = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char, c_int, *const c_char) -> *mut c_void;
pub(super) type Free = unsafe extern "C" fn(*mut c_void);
pub(super) type ParseMemory = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char, c_int) -> c_int;

// SAFETY: libxml2's declaration (parser.h).
static CREATE: Next<Create> = unsafe { Next::new(c"xmlCreatePushParserCtxt") };
// SAFETY: libxml2's declaration (parser.h).
static FREE: Next<Free> = unsafe { Next::new(c"xmlFreeParserCtxt") };
// SAFETY: libxml2's declaration (parser.h).
static PARSE_MEMORY: Next<ParseMemory> = unsafe { Next::new(c"xmlSAXUserParseMemory") };

thread_local! {
    /// What the parsers of libpurple's thread have been given, by their addresses, and whether it was said that something was left out.
    static STREAMS: RefCell<HashMap<usize, (Scanner, bool)>> = RefCell::default();
}

/// # Safety
/// So many bytes are there, or NULL.
pub(super) unsafe fn bytes<'a>(place: *const c_char, size: c_int) -> &'a [u8] {
    match usize::try_from(size) {
        // SAFETY: the caller's promise.
        Ok(size) if !place.is_null() => unsafe { std::slice::from_raw_parts(place.cast(), size) },
        _ => &[],
    }
}

/// What of this a parser may be given. `None`: nothing any more; the first time, the account whose callback runs loses its connection.
pub(super) fn pass(parser: *mut c_void, given: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(token) = OnPurple::here() else { return Some(Cow::Borrowed(given)) };
    let outcome = STREAMS.with_borrow_mut(|streams| {
        let (scanner, said) = streams.get_mut(&parser.addr())?;
        let had_stopped = scanner.has_stopped();
        Some(match scanner.feed(given) {
            Ok(Passed { bytes, left_out }) => Ok((bytes, left_out.filter(|_| !std::mem::replace(said, true)))),
            Err(excess) => Err((!had_stopped).then_some(excess)),
        })
    });
    match outcome {
        None => Some(Cow::Borrowed(given)),
        Some(Ok((bytes, left_out))) => {
            if let Some(excess) = left_out {
                say(token, excess);
            }
            Some(bytes)
        }
        Some(Err(excess)) => {
            if let Some(excess) = excess {
                refuse(token, excess);
            }
            None
        }
    }
}

/// Tells the user whose callback runs that something was left out; once this turn of it is over, since a parser is in the midst of its work.
fn say(token: OnPurple, excess: Excess) {
    debug::paced(log::Level::Info, format_args!("something was left out of what was received: {excess}"));
    let Some(account) = owner::current() else { return };
    timers::soon(token, Some(account), move |token| {
        let text = format!("Somebody sent {excess}. What exceeds that was left out. Everything else goes on.");
        notify::tell(token, account, "A part of a message was left out", &text);
    });
}

/// Ends the connection of the account whose callback runs, once this turn of it is over.
fn refuse(token: OnPurple, excess: Excess) {
    let Some(account) = owner::current() else {
        log::warn!(target: "bridge", "XML that nobody's account received was left out: {excess}");
        return;
    };
    log::warn!(target: "bridge", "{account:?} received too much at once: {excess}");
    connection::refuse_input(token, account, &format!("The server sent {excess}. The connection was ended, and is tried again later."));
}

/// In libxml2's stead: the parser, and what counts beside it.
///
/// # Safety
/// As libxml2's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn xmlCreatePushParserCtxt(
    handler: *mut c_void,
    user: *mut c_void,
    chunk: *const c_char,
    size: c_int,
    file: *const c_char,
) -> *mut c_void {
    guard("xmlCreatePushParserCtxt", std::ptr::null_mut(), || {
        let Some(real) = CREATE.get() else { return std::ptr::null_mut() };
        let Some(token) = OnPurple::here() else {
            // SAFETY: the caller's own arguments.
            return unsafe { real(handler, user, chunk, size, file) };
        };
        let mut scanner = Scanner::new();
        // SAFETY: so many bytes are the caller's.
        let outcome = scanner.feed(unsafe { bytes(chunk, size) });
        let passed = outcome.as_ref().map(|passed| &*passed.bytes).unwrap_or_default();
        // No more than the caller's own number.
        let size = c_int::try_from(passed.len()).unwrap_or_default();
        let chunk = if size > 0 { passed.as_ptr().cast() } else { std::ptr::null() };
        // SAFETY: the caller's own arguments, or less of the same bytes, which libxml2 copies.
        let parser = unsafe { real(handler, user, chunk, size, file) };
        if !parser.is_null() {
            STREAMS.with_borrow_mut(|streams| streams.insert(parser.addr(), (scanner, false)));
        }
        if let Err(excess) = outcome {
            refuse(token, excess);
        }
        parser
    })
}

/// In libxml2's stead: the counting ends, too.
///
/// # Safety
/// As libxml2's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn xmlFreeParserCtxt(parser: *mut c_void) {
    guard("xmlFreeParserCtxt", (), || {
        // Gone at a thread's end.
        let _ = STREAMS.try_with(|streams| streams.borrow_mut().remove(&parser.addr()));
        if let Some(real) = FREE.get() {
            // SAFETY: the caller's own argument.
            unsafe { real(parser) };
        }
    });
}

/// In libxml2's stead: a whole document, as `xmlnode_from_str` has it. -1 is what callers take for one that is not well-formed. Nobody's connection
/// ends for it: anybody writes such documents (SIP, UPnP, BOSH, one's own XHTML), and libpurple goes on without them.
///
/// # Safety
/// As libxml2's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn xmlSAXUserParseMemory(handler: *mut c_void, user: *mut c_void, text: *const c_char, size: c_int) -> c_int {
    guard("xmlSAXUserParseMemory", -1, || {
        let Some(real) = PARSE_MEMORY.get() else { return -1 };
        if OnPurple::here().is_none() {
            // SAFETY: the caller's own arguments.
            return unsafe { real(handler, user, text, size) };
        }
        // SAFETY: so many bytes are the caller's.
        match Scanner::new().feed(unsafe { bytes(text, size) }) {
            Ok(Passed { bytes, left_out }) => {
                if let Some(excess) = left_out {
                    debug::paced(log::Level::Info, format_args!("something was left out of a document: {excess}"));
                }
                // SAFETY: the caller's own arguments, or less of the same bytes.
                unsafe { real(handler, user, bytes.as_ptr().cast(), c_int::try_from(bytes.len()).unwrap_or_default()) }
            }
            Err(excess) => {
                debug::paced(log::Level::Info, format_args!("a document was left out: {excess}"));
                -1
            }
        }
    })
}
