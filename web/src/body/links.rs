//! Which addresses may become links, and where a plain text has some; fetches nothing.

use crate::wire::Span;

/// Schemes that a click may follow.
const SCHEMES: &[&str] = &["http", "https", "mailto", "ftp", "ftps", "xmpp", "irc", "ircs", "sip", "sips", "tel"];

/// Those recognised in plain text, as they begin there.
const STARTS: &[&str] = &["https://", "http://", "ftp://", "ftps://", "irc://", "ircs://", "www.", "mailto:", "xmpp:"];

/// Longest address, in bytes.
const LONGEST: usize = 2048;

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
    for span in spans {
        if span.link.is_some() || span.code || span.image.is_some() {
            found.push(span);
            continue;
        }
        let mut rest = 0;
        let mut at = 0;
        while let Some(start) = next_start(&span.text, at) {
            let length = address_length(span.text.get(start..).unwrap_or_default());
            let end = start + length;
            let address = span.text.get(start..end).unwrap_or_default();
            match safe_link(address) {
                Some(link) => {
                    if start > rest {
                        found.push(Span { text: span.text.get(rest..start).unwrap_or_default().to_owned(), ..span.clone() });
                    }
                    found.push(Span { text: address.to_owned(), link: Some(link), ..span.clone() });
                    rest = end;
                    at = end;
                }
                // Skipped as a whole: what is too long is not looked at again from each of its parts.
                None => at = end.max(start + 1),
            }
        }
        if rest == 0 {
            found.push(span);
        } else if rest < span.text.len() {
            found.push(Span { text: span.text.get(rest..).unwrap_or_default().to_owned(), ..span });
        }
    }
    found
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
