//! Which addresses may become links, and where a plain text has some; fetches nothing.

use crate::wire::Span;
use std::ops::Range;

/// Schemes that a click may follow.
const SCHEMES: &[&str] = &["http", "https", "mailto", "ftp", "ftps", "xmpp", "irc", "ircs", "sip", "sips", "tel"];

/// Those recognised in plain text, as they begin there.
const STARTS: &[&str] = &["https://", "http://", "ftp://", "ftps://", "irc://", "ircs://", "www.", "mailto:", "xmpp:"];

/// Longest address, in bytes.
const LONGEST: usize = 2048;

/// Links of one text.
const MOST: usize = 2000;

/// Bytes of what stands before and after the `@` of a mailbox (RFC 5321).
const LONGEST_NAME: usize = 64;
const LONGEST_HOST: usize = 253;

/// The address, tidied up, when its scheme is a harmless one. An address without a scheme is none.
pub fn safe_link(address: &str) -> Option<String> {
    let address = address.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if address.len() > LONGEST || address.chars().any(|c| c.is_control() || c.is_whitespace() || turns_text(c)) {
        return None;
    }
    if address.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
        return Some(format!("http://{address}"));
    }
    let (scheme, rest) = address.split_once(':')?;
    let known = SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let rest_without_slashes = rest.trim_start_matches('/');
    (!rest_without_slashes.is_empty()).then(|| format!("{known}:{rest}"))
}

/// Characters that show nothing, but change the order of what is around them or part it.
pub(super) fn turns_text(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Finds addresses in spans that are neither links nor code yet, and splits them out.
pub(super) fn find(spans: Vec<Span>) -> Vec<Span> {
    let mut found = Vec::with_capacity(spans.len());
    let mut left = MOST;
    for mut span in spans {
        if span.link.is_some() || span.code || span.is_picture() {
            found.push(span);
            continue;
        }
        // Its style alone is copied for each link.
        let text = std::mem::take(&mut span.text);
        let piece = |part: Range<usize>, link| Span { text: text.get(part).unwrap_or_default().to_owned(), link, ..span.clone() };
        let mut rest = 0;
        for (part, link) in Addresses::new(&text).take(left) {
            left -= 1;
            if part.start > rest {
                found.push(piece(rest..part.start, None));
            }
            rest = part.end;
            found.push(piece(part, Some(link)));
        }
        if rest == 0 {
            found.push(Span { text, ..span });
        } else if rest < text.len() {
            found.push(piece(rest..text.len(), None));
        }
    }
    found
}

/// The addresses in a text, one behind the other, each place looked at a bounded number of times.
struct Addresses<'a> {
    text: &'a str,
    /// The next place where one with a scheme may begin, and the next mailbox. `None`: there is none any more.
    start: Option<usize>,
    mailbox: Option<Range<usize>>,
}

impl<'a> Addresses<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, start: next_start(text, 0), mailbox: next_mailbox(text, 0) }
    }

    /// Goes on behind what was found. What lies further on is not looked for again.
    fn go_on(&mut self, at: usize) {
        if self.start.is_some_and(|start| start < at) {
            self.start = next_start(self.text, at);
        }
        if self.mailbox.as_ref().is_some_and(|mailbox| mailbox.start < at) {
            self.mailbox = next_mailbox(self.text, at);
        }
    }
}

impl Iterator for Addresses<'_> {
    type Item = (Range<usize>, String);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.start;
            if let Some(mailbox) = self.mailbox.clone().filter(|mailbox| start.is_none_or(|start| mailbox.start < start)) {
                self.go_on(mailbox.end);
                let link = format!("mailto:{}", self.text.get(mailbox.clone()).unwrap_or_default());
                return Some((mailbox, link));
            }
            let start = start?;
            let end = start + address_length(self.text.get(start..).unwrap_or_default());
            match safe_link(self.text.get(start..end).unwrap_or_default()) {
                Some(link) => {
                    self.go_on(end);
                    return Some((start..end, link));
                }
                // Skipped as a whole: what is too long is not looked at again from each of its parts.
                None => self.go_on(end.max(start + 1)),
            }
        }
    }
}

/// The next `name@host.domain`, with word boundaries around it.
fn next_mailbox(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_name = |byte: &u8| is_host(byte) || matches!(byte, b'_' | b'%' | b'+');
    let mut at = from;
    loop {
        let sign = at + bytes.get(at..)?.iter().position(|byte| *byte == b'@')?;
        at = sign + 1;
        let name = bytes.get(from..sign)?.iter().rev().take(LONGEST_NAME + 1).take_while(|byte| is_name(byte)).count();
        let host = bytes.get(at..)?.iter().take(LONGEST_HOST + 1).take_while(|byte| is_host(byte)).count();
        let host = text.get(at..at + host)?.trim_end_matches(['.', '-']);
        let is_apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'@' | b':' | b'/'));
        let begins = (sign - name).checked_sub(1).is_none_or(|before| is_apart(bytes.get(before)));
        let ends_well = host.rsplit_once('.').is_some_and(|(rest, last)| {
            last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic()) && !rest.is_empty() && !rest.starts_with(['.', '-'])
        });
        let fits = (1..=LONGEST_NAME).contains(&name) && host.len() <= LONGEST_HOST;
        if fits && begins && ends_well && is_apart(bytes.get(at + host.len())) {
            return Some(sign - name..at + host.len());
        }
    }
}

/// Where the next address may begin: at a word's start.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let starts_here = |at: usize| {
        let boundary = at == 0 || bytes.get(at - 1).is_some_and(|before| !before.is_ascii_alphanumeric() && *before != b'_');
        boundary
            && STARTS.iter().any(|start| bytes.get(at..at + start.len()).is_some_and(|here| here.eq_ignore_ascii_case(start.as_bytes())))
    };
    // All starts begin with a letter, so this never lands within a character.
    (from..bytes.len()).find(|at| {
        matches!(bytes.get(*at), Some(b'h' | b'H' | b'f' | b'F' | b'i' | b'I' | b'w' | b'W' | b'm' | b'M' | b'x' | b'X'))
            && starts_here(*at)
    })
}

/// Punctuation that no address has as it stands: quotes, and that of scripts whose sentences have no spaces around it.
fn is_foreign_mark(c: char) -> bool {
    let quotes = matches!(c, '<' | '>' | '"' | '`' | '«' | '»' | '‘' | '\u{201a}'..='\u{201f}' | '‹' | '›');
    // Ideographic, and the wide, small and upright forms of ASCII's.
    let wide = matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}' | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe6b}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}');
    // Commas and full stops: Armenian, Hebrew, Arabic, Syriac, Indic, Tibetan, Myanmar, Ethiopic, Khmer, Mongolian.
    let stops = matches!(c, '։' | '׃' | '،' | '؛' | '؟' | '۔' | '\u{700}'..='\u{702}' | '।' | '॥' | '།' | '༎' | '၊' | '။' | '\u{1361}'..='\u{1368}'
        | '។' | '៕' | '\u{1801}'..='\u{1803}');
    quotes || wide || stops
}

/// How far an address goes: to white space, a quote or a mark that is none of ASCII's, without the punctuation of the sentence around it.
fn address_length(text: &str) -> usize {
    let stop = |c: char| c.is_whitespace() || c.is_control() || turns_text(c) || is_foreign_mark(c);
    let mut address = text.get(..text.find(stop).unwrap_or(text.len())).unwrap_or_default();
    // Counted once and kept up to date, so that a long row of brackets costs no more than its length.
    let mut open = [address.matches('(').count(), address.matches('[').count(), address.matches('{').count()];
    let mut close = [address.matches(')').count(), address.matches(']').count(), address.matches('}').count()];
    while let Some(last) = address.chars().next_back() {
        let bracket = match last {
            ')' => Some(0),
            ']' => Some(1),
            '}' => Some(2),
            _ => None,
        };
        let strip = match bracket {
            Some(kind) => close.get(kind) > open.get(kind),
            None => matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' | '’' | '(' | '[' | '{'),
        };
        if !strip {
            break;
        }
        if let Some(count) = bracket.and_then(|kind| close.get_mut(kind)) {
            *count -= 1;
        }
        if let Some(count) = ["(", "[", "{"].iter().position(|b| b.starts_with(last)).and_then(|kind| open.get_mut(kind)) {
            *count -= 1;
        }
        address = address.get(..address.len() - last.len_utf8()).unwrap_or_default();
    }
    address.len()
}
