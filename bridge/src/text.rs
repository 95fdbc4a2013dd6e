//! Says what may stand in a text that leaves for a network. Prose is cleaned, names are refused. Does not call libpurple (see `purple/outgoing.rs`).

use std::borrow::Cow;

/// Control characters, which no network takes for text, and the two further characters that XML 1.0 forbids. Line feed and tab are neither.
fn is_forbidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Characters other than line feed that some network, or the page, takes for the end of a line.
fn is_other_break(c: char) -> bool {
    matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a text can be an identity: a name, a password, a value of a form. An identity is one line and is never changed silently.
pub fn is_one_line(text: &str) -> bool {
    !text.contains(|c: char| is_forbidden(c) || is_other_break(c) || matches!(c, '\n' | '\t'))
}

/// Prose of several lines. Each line ends with a line feed. What no network takes is left out.
pub fn prose(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_forbidden(c) || is_other_break(c)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut after_return = false;
    for c in text.chars() {
        match c {
            '\n' if after_return => {}
            c if is_other_break(c) => clean.push('\n'),
            c if is_forbidden(c) => {}
            c => clean.push(c),
        }
        after_return = c == '\r';
    }
    Cow::Owned(clean)
}

/// Prose on one line. A blank stands for each row of line breaks.
pub fn line(text: &str) -> Cow<'_, str> {
    let clean = prose(text);
    if !clean.contains('\n') {
        return clean;
    }
    let lines: Vec<&str> = clean.split('\n').filter(|line| !line.is_empty()).collect();
    Cow::Owned(lines.join(" "))
}

/// Clean text for plugins, which read some plain texts as HTML (IRC: `/away`). A reference to a character that must not leave is none any more.
pub fn without_references(text: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        let (before, reference) = rest.split_at(at + 1);
        safe.push_str(before);
        if is_bad_reference(reference) {
            safe.push(' ');
        }
        rest = reference;
    }
    if safe.is_empty() {
        return Cow::Borrowed(text);
    }
    safe.push_str(rest);
    Cow::Owned(safe)
}

/// Reads `#13;` as `scanf` does. A blank, a sign or `0x` may stand in front, and large numbers wrap: those are bad, whatever they mean.
fn is_bad_reference(reference: &str) -> bool {
    let number = reference.trim_start_matches('#');
    let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |hex| (hex, 16));
    if digits.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '+' | '-'))
        || digits.len() < number.len() && digits.starts_with('0')
    {
        return true;
    }
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let value = digits.get(..end).filter(|digits| !digits.is_empty());
    value.is_some_and(|value| {
        let known = u32::from_str_radix(value, radix).ok().and_then(char::from_u32);
        known.is_none_or(|c| is_forbidden(c) || is_other_break(c) || c == '\n')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_loses_what_no_network_takes() {
        for (text, clean) in [
            ("plain", "plain"),
            ("a\u{b}b\u{7}c\u{fffe}d\u{ffff}e\0f\u{1b}g\u{7f}h\u{9b}i", "abcdefghi"),
            ("one\r\ntwo\rthree\u{85}four\u{2028}five\u{2029}six", "one\ntwo\nthree\nfour\nfive\nsix"),
            ("one\n\n\n\ttwo", "one\n\n\n\ttwo"),
            ("🦊 grüße & <co> &amp; &#65; &#xe4;", "🦊 grüße & <co> &amp; &#65; &#xe4;"),
        ] {
            assert_eq!(prose(text), clean, "{text:?}");
            assert_eq!(prose(&prose(text)), prose(text), "{text:?} twice");
        }
    }

    #[test]
    fn references_to_such_characters_are_none() {
        for (text, safe) in [
            ("x&#13;y&#x0D;z&#10;", "x& #13;y& #x0D;z& #10;"),
            ("x&# 13;y&#+13;z&#-4294967283;&#4294967309;&#x 0d;", "x& # 13;y& #+13;z& #-4294967283;& #4294967309;& #x 0d;"),
            ("x&#x0x0d;&#65534;&#133;", "x& #x0x0d;& #65534;& #133;"),
            ("&#47; &#xe4; &#; # & &amp;", "&#47; &#xe4; &#; # & &amp;"),
        ] {
            assert_eq!(without_references(text), safe, "{text:?}");
        }
    }

    #[test]
    fn a_line_stays_one() {
        for (text, clean) in [
            ("Line one\nQUIT :line two", "Line one QUIT :line two"),
            ("Line one\r\n\r\nQUIT\u{2028}x", "Line one QUIT x"),
            ("\n\nlast\r", "last"),
            ("plain", "plain"),
        ] {
            assert_eq!(line(text), clean, "{text:?}");
        }
    }

    #[test]
    fn no_character_gets_past() {
        for c in (0..=0x11_0000).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert!(
                !prose(&text).contains(|c: char| c != '\n' && c != '\t' && (c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))),
                "{c:?}"
            );
            assert!(!line(&text).contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{c:?}");
            assert_eq!(is_one_line(&text), line(&text) == text && c != '\t', "{c:?}");
        }
    }
}
