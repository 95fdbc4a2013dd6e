//! What of the bridge is fuzzed (`fuzz/bodies`) and has no other way out of the crate. Calls no libpurple.

use crate::purple::{Scanner, irc_line, redact};
use std::borrow::Cow;

/// A line that libpurple logs, without the secrets in it.
pub fn redact_line<'a>(category: &str, line: &'a str) -> Cow<'a, str> {
    redact(category, line)
}

/// What a line of IRC becomes, without its end, on a connection that has just begun. `None`: libpurple does not get it.
pub fn judge_irc_line(line: &[u8]) -> Option<Vec<u8>> {
    irc_line(line)
}

/// What a parser gets of the bytes of an XMPP stream, which come in pieces of so many, and why they are not read to their end.
pub fn scan_stream(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<String>) {
    let (mut scanner, mut passed) = (Scanner::new(), Vec::new());
    for part in bytes.chunks(piece.max(1)) {
        match scanner.feed(part) {
            Ok(more) => passed.extend_from_slice(&more.bytes),
            Err(excess) => return (passed, Some(excess.to_string())),
        }
    }
    (passed, None)
}
