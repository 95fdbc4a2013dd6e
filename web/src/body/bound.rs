//! How much of an HTML text is read: as far as it has no more markup than people write. A tokenizer compares the attributes of a tag with each other.
//! Reads no text and changes none.

/// Tags, comments and the like.
const MOST_TAGS: usize = 8_192;
/// Characters with which a tokenizer begins something of its own, whatever comes of it; those that begin a reference are dearer.
const MOST_SPECIAL: usize = 24_576;
const MOST_REFERENCES: usize = 8_192;
/// Attributes of one tag, and of all.
const MOST_ATTRIBUTES: usize = 32;
const MOST_ATTRIBUTES_IN_ALL: usize = 16_384;
/// Bytes of one tag.
const LONGEST_TAG: usize = 16 << 10;

/// How many bytes of the text are to be read.
pub(super) fn readable(html: &str) -> usize {
    let bytes = html.as_bytes();
    let (mut at, mut special, mut references, mut tags, mut attributes) = (0, 0, 0, 0, 0);
    let is_special = |byte: &u8| matches!(byte, b'<' | b'&' | b'\r' | 0);
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(is_special)).map(|found| at + found) {
        special += 1;
        references += usize::from(bytes.get(start) == Some(&b'&'));
        if special > MOST_SPECIAL || references > MOST_REFERENCES {
            return start;
        }
        let is_angle = bytes.get(start) == Some(&b'<');
        let begins_tag =
            is_angle && bytes.get(start + 1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'));
        at = start + 1;
        if !begins_tag {
            continue;
        }
        tags += 1;
        let tag = bytes.get(start..bytes.len().min(start + LONGEST_TAG)).unwrap_or_default();
        let Tag { length, attributes: its } = tag_of(tag);
        attributes += its;
        let is_endless = length == tag.len() && tag.len() == LONGEST_TAG;
        if tags > MOST_TAGS || its > MOST_ATTRIBUTES || attributes > MOST_ATTRIBUTES_IN_ALL || is_endless {
            return start;
        }
        // Not behind the tag: what stands in its quotes may be markup to a tokenizer that saw them otherwise.
    }
    html.len()
}

struct Tag {
    length: usize,
    attributes: usize,
}

/// A tag as far as its `>`, and at least as many attributes as a tokenizer finds in it.
fn tag_of(bytes: &[u8]) -> Tag {
    let mut quote = None;
    let (mut attributes, mut before) = (0, b'<');
    for (at, byte) in bytes.iter().copied().enumerate() {
        match quote {
            Some(end) if byte == end => quote = None,
            Some(_) => {}
            None if byte == b'>' => return Tag { length: at, attributes },
            None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
            // A name begins behind white space, a slash or a quote.
            None if !is_between(byte) && (is_between(before) || matches!(before, b'"' | b'\'')) => attributes += 1,
            None => {}
        }
        before = byte;
    }
    Tag { length: bytes.len(), attributes }
}

fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(count: usize) -> String {
        (0..count).map(|n| format!(" a{n}='{n} > <'")).collect()
    }

    #[test]
    fn markup_without_end_is_read_as_far_as_people_write_it() {
        for whole in [
            "x < y & a<b>c</b><!-- d --><br/>".repeat(2000),
            format!("<p{}>", attributes(MOST_ATTRIBUTES)),
            "< ".repeat(MOST_SPECIAL),
            "<".repeat(MOST_SPECIAL),
            "x".repeat(100_000),
        ] {
            assert_eq!(readable(&whole), whole.len(), "{}", &whole[..20]);
        }
        for (before, much) in [
            ("text", format!("<p{}>", attributes(MOST_ATTRIBUTES + 1))),
            ("<b>text", format!("<p {}>", "a ".repeat(MOST_ATTRIBUTES + 1))),
            ("text", format!("<p {}>", "a/".repeat(MOST_ATTRIBUTES + 1))),
            ("text", format!("<p a='{}", "x".repeat(LONGEST_TAG))),
            ("<i>".repeat(MOST_TAGS).as_str(), "<i>".to_owned()),
            ("& ".repeat(MOST_REFERENCES).as_str(), "&".to_owned()),
            ("< ".repeat(MOST_SPECIAL).as_str(), "<".to_owned()),
        ] {
            assert_eq!(readable(&format!("{before}{much}")), before.len(), "{}", &much[..1]);
        }
    }
}
