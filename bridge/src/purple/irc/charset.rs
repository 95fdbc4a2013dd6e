//! Reads lines of IRC whose character set nobody names: UTF-8, and what is not UTF-8 as Windows-1252, which has all of Latin-1. Does not touch lines of
//! accounts whose user chose a character set: the plugin reads those.

use std::borrow::Cow;

/// Characters of Windows-1252 from 0x80 to 0x9f, where it differs from Unicode; the five that it has not stay control characters.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn character(byte: u8) -> char {
    let upper = byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    upper.copied().unwrap_or(char::from(byte))
}

/// The line as UTF-8. A letter that is cut off at the end of a line of UTF-8, where servers cut, is left out.
pub(super) fn utf8(line: &[u8]) -> Cow<'_, [u8]> {
    let Err(error) = std::str::from_utf8(line) else { return Cow::Borrowed(line) };
    let whole = line.get(..error.valid_up_to()).unwrap_or_default();
    let ends = error.error_len().is_none() || line.get(error.valid_up_to() + error.error_len().unwrap_or(0)..) == Some(b"\r");
    if ends && !whole.is_ascii() {
        return Cow::Borrowed(whole);
    }
    let mut text = String::with_capacity(line.len() + line.len() / 4);
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| character(*byte)));
    }
    Cow::Owned(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::utf8;

    fn read(line: &[u8]) -> String {
        String::from_utf8(utf8(line).into_owned()).unwrap()
    }

    #[test]
    fn what_is_not_utf_8_is_windows_1252() {
        for (line, text) in [
            (&b"gr\xfc\xdfe aus K\xf6ln"[..], "grüße aus Köln"),
            (b"\x80 5 \x96 \x93na\xefve\x94", "€ 5 – “naïve”"),
            ("grüße".as_bytes(), "grüße"),
            (b"plain", "plain"),
            (b"", ""),
            // Both in one line: a quotation of somebody else's program.
            (b"gr\xc3\xbc\xdfe", "grüße"),
            // Cut by a server, with and without what ends the line.
            (b"gr\xc3\xbc\xc3\x9fe aus K\xc3", "grüße aus K"),
            (b"\xf0\x9f\x94\x94\xf0\x9f\x94", "🔔"),
            (b"gr\xc3\xbc\xc3\r", "grü"),
            // A letter of Latin-1 at the end of a line that has no others.
            (b"caf\xe9", "café"),
        ] {
            assert_eq!(read(line), text, "{line:?}");
        }
    }
}
