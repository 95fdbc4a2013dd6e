//! Smaller buffers for the streams of XMPP: libxml2 begins each parser's with 8 KiB, and moves what it has read out of it only after 4 KiB. It parses
//! nothing.

use super::super::next::Next;
use super::super::streams;
use crate::purple::ffi::{borrowed, guard};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

pub(in super::super) type ParseChunk = unsafe extern "C" fn(*mut c_void, *const c_char, c_int, c_int) -> c_int;

// SAFETY: libxml2's declaration (parser.h).
static PARSE_CHUNK: Next<ParseChunk> = unsafe { Next::new(c"xmlParseChunk") };
// SAFETY: libxml2's declaration (parserInternals.h).
static SHRINK: Next<unsafe extern "C" fn(*mut Input)> = unsafe { Next::new(c"xmlParserInputShrink") };

/// Bytes given to a parser at once.
const PIECE: usize = 512;
/// What a parser's buffer begins with, halved: libxml2 takes twice of it (xmlIO.c).
const HALF: c_int = 256;
/// XML_ERR_INTERNAL_ERROR (xmlerror.h).
const INTERNAL_ERROR: c_int = 1;

/// Whether parsers look as below.
static KNOWN: AtomicBool = AtomicBool::new(false);

/// The beginning of `struct _xmlParserCtxt` (parser.h of libxml2 2.9).
#[repr(C)]
struct Parser {
    handler: *mut c_void,
    user_data: *mut c_void,
    document: *mut c_void,
    well_formed: c_int,
    replace_entities: c_int,
    version: *const c_char,
    encoding: *const c_char,
    standalone: c_int,
    html: c_int,
    input: *mut Input,
}

/// The beginning of `struct _xmlParserInput` (tree.h of libxml2 2.9).
#[repr(C)]
struct Input {
    buffer: *mut c_void,
    file: *const c_char,
    directory: *const c_char,
    base: *const c_char,
    current: *const c_char,
    end: *const c_char,
}

/// In libxml2's stead: a little at a time, and what was read is moved out of the way, so that the buffer stays little. A stream comes in pieces of any
/// size, and every caller is ready for that.
///
/// # Safety
/// As libxml2's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn xmlParseChunk(parser: *mut c_void, chunk: *const c_char, size: c_int, terminate: c_int) -> c_int {
    guard("xmlParseChunk", INTERNAL_ERROR, || {
        let Some(real) = PARSE_CHUNK.get() else { return INTERNAL_ERROR };
        // SAFETY: so many bytes are the caller's.
        let given = unsafe { streams::bytes(chunk, size) };
        let Some(passed) = streams::pass(parser, given) else {
            // The connection ends for it.
            return 0;
        };
        if passed.is_empty() && !given.is_empty() && terminate == 0 {
            // All of it was left out, or waits for its next byte.
            return 0;
        }
        let given = &*passed;
        // Less than the caller's own number.
        let (chunk, size) =
            if chunk.is_null() { (chunk, size) } else { (given.as_ptr().cast(), c_int::try_from(given.len()).unwrap_or(size)) };
        if !super::is_on() || parser.is_null() || chunk.is_null() || terminate != 0 || !KNOWN.load(Ordering::Relaxed) {
            // SAFETY: the caller's own arguments.
            return unsafe { real(parser, chunk, size, terminate) };
        }
        // SAFETY: the caller's live parser, and no more than its bytes.
        let give = |piece: &[u8]| unsafe {
            // Never more than the caller's own number.
            let error = real(parser, piece.as_ptr().cast(), c_int::try_from(piece.len()).unwrap_or_default(), terminate);
            // The parser lives still: nothing ends one from within what it calls, since libxml2 goes on with it afterwards.
            move_out(parser.cast());
            error
        };
        // SAFETY: the caller's live parser.
        let waiting = || unsafe { waiting(parser.cast()) };
        let first = piece(given, waiting());
        if first == given.len() {
            return give(given);
        }
        // libxml2 copies all before it calls anybody. Whoever is called may end what the bytes are in (a connection of libsasl2's), or read the next
        // stream's into the same place (libjabber has one for all), so that they are copied here, too.
        let copy = given.to_vec();
        let (piece_one, mut rest) = copy.split_at(first);
        let mut error = give(piece_one);
        while !rest.is_empty() {
            let (next, after) = rest.split_at(piece(rest, waiting()));
            // An error stays with the parser: the last piece says it, as the whole would have done.
            error = give(next);
            rest = after;
        }
        error
    })
}

/// How many bytes the parser holds of what has not ended.
///
/// # Safety
/// A live parser of a libxml2 that is known.
unsafe fn waiting(parser: *const Parser) -> usize {
    // SAFETY: the caller's promise.
    let Some(input) = (unsafe { (*parser).input.as_ref() }) else { return 0 };
    // Of a parser that has stopped, the two may be of different buffers (libxml2 before 2.9.5): then nothing is looked through any more.
    input.end.addr().saturating_sub(input.current.addr())
}

/// How much of it to give next: as far as a tag ends, where that is near. As much as waits for its end, too: libxml2 looks through all of that each
/// time, and a tag may be as long as a server likes.
fn piece(rest: &[u8], waiting: usize) -> usize {
    let most = rest.len().min(PIECE.max(waiting));
    rest.get(..most).and_then(|rest| rest.iter().rposition(|byte| *byte == b'>')).map_or(most, |at| at + 1)
}

/// Takes what was read out of the buffer, when all was: then nothing refers to a place in it.
///
/// # Safety
/// A live parser of a libxml2 that is known.
unsafe fn move_out(parser: *mut Parser) {
    // SAFETY: the caller's promise.
    let Some(input) = (unsafe { (*parser).input.as_mut() }) else { return };
    // A parser that has stopped has no place in its buffer.
    let is_read = input.current == input.end && input.current != input.base;
    if let Some(shrink) = SHRINK.get().filter(|_| !input.buffer.is_null() && is_read) {
        // SAFETY: the parser's own input.
        unsafe { shrink(input) };
    }
}

/// For the parsers that this thread makes from now on.
pub(super) fn shrink_buffers() {
    const SIZE: &CStr = c"__xmlDefaultBufferSize";
    // SAFETY: libxml2's declaration (globals.h), where it has one: the place of this thread's value.
    static PLACE: Next<unsafe extern "C" fn() -> *mut c_int> = unsafe { Next::new(SIZE) };
    // SAFETY: no arguments.
    let place = PLACE.get().map(|place| unsafe { place() });
    // SAFETY: this thread's own value, which lives as long as the thread, or NULL.
    if let Some(size) = place.and_then(|place| unsafe { place.as_mut() }) {
        *size = HALF;
    }
    KNOWN.store(version().is_some_and(|version| (20_900..21_000).contains(&version)), Ordering::Relaxed);
}

/// libxml2's, as 20914.
fn version() -> Option<u32> {
    // SAFETY: a C string; libxml2's declaration (parserInternals.h) is a pointer to a text.
    let text = unsafe {
        let place = libc::dlsym(libc::RTLD_DEFAULT, c"xmlParserVersion".as_ptr()).cast::<*const c_char>();
        if place.is_null() { None } else { borrowed(*place) }
    }?;
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn what_waits_for_its_end_is_looked_through_no_more_often_than_ever() {
        assert_eq!(piece(b"", 0), 0);
        assert_eq!(piece(b"<a>text", 0), 3);
        assert_eq!(piece(&[b'x'; 4096], 0), 512);
        assert_eq!(piece(&[b'>'; 4096], 511), 512);
        // Pieces that grow with it: one megabyte in quotes, as read from a socket, would be 2048 looks.
        assert_eq!(piece(&[b'>'; 4096], 1000), 1000);
        let (mut waits, mut looks) = (0, 0);
        for _ in 0..256 {
            let mut left = 4096;
            while left > 0 {
                let given = piece(&vec![b'>'; left], waits);
                (waits, left, looks) = (waits + given, left - given, looks + 1);
            }
        }
        assert!(looks < 256 + 8, "{looks}");
    }
}
