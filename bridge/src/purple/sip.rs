//! SIP over TCP before libpurple's plugin has it: `process_input` of simple.c handles one message each time that something was read, and
//! lets a second one lie until more comes. So it reads one message at a time. Knows no protocol but SIMPLE, and judges nothing in a message.

use super::outgoing::Html;
use super::owner;
use super::token::OnPurple;
use crate::id::AccountId;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::RawFd;

const PROTOCOL: &str = "prpl-simple";
/// Bytes of the longest message that is waited for; of a longer one all is handed over as it comes.
const LONGEST: usize = 16 * 1024;
/// Bytes that are looked at for one read; the plugin asks for one less.
pub(super) const SEEN: usize = 4096;

#[derive(Default)]
struct Known {
    accounts: Vec<AccountId>,
    /// Bytes that the plugin has of a message whose rest is to come. Nothing is kept between messages.
    begun: HashMap<(AccountId, RawFd), Vec<u8>>,
}

thread_local! {
    static ACCOUNTS: Cell<usize> = const { Cell::new(0) };
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// An account is about to sign on.
pub(super) fn begins(_: OnPurple, account: AccountId, protocol: &str) {
    if protocol == PROTOCOL {
        change(|known| {
            if !known.accounts.contains(&account) {
                known.accounts.push(account);
            }
        });
    }
}

/// The account's connection is no more.
pub(super) fn ends(_: OnPurple, account: AccountId) {
    change(|known| {
        known.accounts.retain(|one| *one != account);
        known.begun.retain(|(one, _), _| *one != account);
    });
}

fn change(body: impl FnOnce(&mut Known)) {
    KNOWN.with_borrow_mut(|known| {
        body(known);
        ACCOUNTS.set(known.accounts.len());
    });
}

/// Whether reads of this thread may be such an account's. Any thread, at any time.
pub(super) fn is_anybody() -> bool {
    ACCOUNTS.try_with(Cell::get).unwrap_or(0) != 0
}

/// The number of bytes, of those that have come on a descriptor, that are handed over now; `None` where that is not to be decided here. The caller has to
/// hand that many over.
pub(super) fn share(fd: RawFd, coming: &[u8]) -> Option<usize> {
    let account = owner::current()?;
    KNOWN
        .try_with(|known| {
            let mut known = known.try_borrow_mut().ok()?;
            if !known.accounts.contains(&account) {
                return None;
            }
            let mut begun = known.begun.remove(&(account, fd)).unwrap_or_default();
            let share = taken(&mut begun, coming);
            if !begun.is_empty() {
                known.begun.insert((account, fd), begun);
            }
            Some(share)
        })
        .ok()?
}

/// A descriptor has ended, or gave something else than was said: nothing is known of what the plugin has.
pub(super) fn lost(fd: RawFd) {
    // Where the table is in use, nothing is being read.
    let _ = KNOWN.try_with(|known| known.try_borrow_mut().map(|mut known| known.begun.retain(|(_, one), _| *one != fd)));
}

/// The message of such an account in HTML. Its plugin hands messages over as they came: as `text/plain`, unless it begins as a document of HTML.
/// `None` for other accounts.
pub(super) fn html(account: AccountId, text: &str) -> Option<String> {
    let is_ours = KNOWN.with_borrow(|known| known.accounts.contains(&account));
    is_ours.then(|| if is_document(text) { text.to_owned() } else { Html::of_prose(text).text().to_owned() })
}

fn is_document(text: &str) -> bool {
    let text = text.trim_start();
    ["<!doctype", "<html", "<body"].iter().any(|start| text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)))
}

/// How many of the bytes end the message that has begun; all, where it goes on.
fn taken(begun: &mut Vec<u8>, coming: &[u8]) -> usize {
    let before = begun.len();
    begun.extend_from_slice(coming);
    match whole(begun) {
        Some(length) => {
            begun.clear();
            length.saturating_sub(before).clamp(1, coming.len().max(1))
        }
        None => {
            // Line ends between messages keep connections alive, and begin none.
            if begun.len() > LONGEST || begun.iter().all(is_line_end) {
                begun.clear();
            }
            coming.len()
        }
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The length of the first message, with line ends in front of it, once it is there to its end: as simple.c has it, which knows no short form of
/// `Content-Length` (RFC 3261, 7.5 and 18.3).
fn whole(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let start = bytes.iter().position(|byte| !is_line_end(byte))?;
    let head = bytes[start..].windows(END.len()).position(|window| window == END)?;
    let lines = bytes[start..start + head].split(|byte| *byte == b'\n');
    let body = lines.filter_map(length_of_body).next().unwrap_or(0);
    let length = start.checked_add(head)?.checked_add(END.len())?.checked_add(body)?;
    (length <= bytes.len()).then_some(length)
}

fn length_of_body(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let (name, value) = line.split_once(':')?;
    name.trim().eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        format!("MESSAGE sip:ines@localhost SIP/2.0\r\nCSeq: 1 MESSAGE\r\ncontent-LENGTH: {}\r\n\r\n{body}", body.len())
    }

    /// The bytes that each read gives, where so many arrive before each.
    fn reads(stream: &[u8], arriving: usize) -> Vec<String> {
        let (mut begun, mut reads, mut at, mut there) = (Vec::new(), Vec::new(), 0, 0);
        while at < stream.len() {
            there = (there + arriving).min(stream.len());
            let share = taken(&mut begun, &stream[at..there]);
            reads.push(String::from_utf8_lossy(&stream[at..at + share]).into_owned());
            at += share;
        }
        reads
    }

    #[test]
    fn each_read_gives_one_message_however_they_arrive() {
        let bare = "SIP/2.0 200 OK\r\nCSeq: 2 MESSAGE\r\n\r\n".to_owned();
        let all = [message("hello"), bare, format!("\r\n\r\n{}", message("")), message("a\r\n\r\nb")];
        let stream = all.concat().into_bytes();
        assert_eq!(reads(&stream, stream.len()), all);
        for arriving in 1..stream.len() {
            let mut whole = String::new();
            for read in reads(&stream, arriving) {
                whole.push_str(&read);
                // No read goes beyond the end of a message.
                let ends = all.iter().scan(0, |at, one| {
                    *at += one.len();
                    Some(*at)
                });
                let before = whole.len() - read.len();
                assert!(ends.filter(|end| (before + 1..whole.len()).contains(end)).count() == 0, "{arriving}: {read:?}");
            }
            assert_eq!(whole.as_bytes(), stream);
        }
    }

    #[test]
    fn plain_text_is_no_markup() {
        let account = AccountId(7);
        assert_eq!(html(account, "1 < 2"), None);
        change(|known| known.accounts.push(account));
        assert_eq!(html(account, "<bob> & co").as_deref(), Some("&lt;bob&gt; &amp; co"));
        assert_eq!(html(account, "<HTML><b>x</b></HTML>").as_deref(), Some("<HTML><b>x</b></HTML>"));
    }

    #[test]
    fn what_is_no_message_or_has_no_end_is_handed_over() {
        let mut begun = Vec::new();
        assert_eq!(taken(&mut begun, b"\r\n\r\n"), 4);
        assert!(begun.is_empty());
        let endless = [b"X: ".as_slice(), &vec![b'x'; LONGEST]].concat();
        assert_eq!(taken(&mut begun, &endless), endless.len());
        assert!(begun.is_empty());
        let huge = format!("A\r\nContent-Length: {}\r\n\r\n", usize::MAX);
        assert_eq!(taken(&mut begun, huge.as_bytes()), huge.len());
    }
}
