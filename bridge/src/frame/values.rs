//! Counts the values of a MessagePack text without reading them: how many things a frame would become, before it does.

use super::FrameError;

/// How a value begins: the bytes that follow its first one and belong to itself, and the values inside it.
struct Head {
    bytes: usize,
    inside: usize,
}

/// Counts until there are too many.
///
/// # Errors
/// [`FrameError::TooManyValues`], or what is cut off in the midst of a value.
pub(super) fn count(frame: &[u8], most: usize) -> Result<(), FrameError> {
    let mut rest = frame;
    let (mut expected, mut seen) = (1_usize, 0_usize);
    while expected > 0 {
        let (first, after) = rest.split_first().ok_or_else(cut)?;
        let head = head(*first, after).ok_or_else(cut)?;
        rest = after.get(head.bytes..).ok_or_else(cut)?;
        seen += 1;
        expected = (expected - 1).saturating_add(head.inside);
        if seen.saturating_add(expected) > most {
            return Err(FrameError::TooManyValues);
        }
    }
    Ok(())
}

fn cut() -> FrameError {
    FrameError::Malformed("it ends in the midst of a value".to_owned())
}

fn head(first: u8, rest: &[u8]) -> Option<Head> {
    // A length of so many bytes, in front of what has it.
    let length = |bytes: usize| Some(rest.get(..bytes)?.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte)));
    let plain = |bytes: usize| Some(Head { bytes, inside: 0 });
    let text = |bytes: usize, more: usize| Some(Head { bytes: (bytes + more).saturating_add(length(bytes)?), inside: 0 });
    let list = |bytes: usize, each: usize| Some(Head { bytes, inside: length(bytes)?.saturating_mul(each) });
    match first {
        0x80..=0x8f => Some(Head { bytes: 0, inside: usize::from(first & 0x0f) * 2 }),
        0x90..=0x9f => Some(Head { bytes: 0, inside: usize::from(first & 0x0f) }),
        0xa0..=0xbf => plain(usize::from(first & 0x1f)),
        // Small numbers, nil, false and true; 0xc1 is never used.
        0x00..=0x7f | 0xc0..=0xc3 | 0xe0..=0xff => plain(0),
        0xc4 | 0xd9 => text(1, 0),
        0xc5 | 0xda => text(2, 0),
        0xc6 | 0xdb => text(4, 0),
        0xc7 => text(1, 1),
        0xc8 => text(2, 1),
        0xc9 => text(4, 1),
        0xcc | 0xd0 => plain(1),
        0xcd | 0xd1 => plain(2),
        0xca | 0xce | 0xd2 => plain(4),
        0xcb | 0xcf | 0xd3 => plain(8),
        0xd4..=0xd8 => plain(1 + (1 << (first - 0xd4))),
        0xdc => list(2, 1),
        0xdd => list(4, 1),
        0xde => list(2, 2),
        0xdf => list(4, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Thing = (Vec<Option<String>>, BTreeMap<u64, (i64, bool, f64)>, Vec<u8>);

    /// One for the whole, one for each of its three parts, and what is in them.
    fn by_hand(thing: &Thing) -> usize {
        4 + thing.0.len() + thing.1.len() * 5 + thing.2.len()
    }

    proptest! {
        #[test]
        fn it_counts_what_a_serializer_writes(
            texts in prop::collection::vec(prop::option::of(".{0,300}"), 0..40),
            numbers in prop::collection::btree_map(any::<u64>(), (any::<i64>(), any::<bool>(), any::<f64>()), 0..40),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let thing = (texts, numbers, bytes);
            let written = rmp_serde::to_vec(&thing).unwrap();
            let values = by_hand(&thing);
            prop_assert!(count(&written, values).is_ok());
            prop_assert!(matches!(count(&written, values - 1), Err(FrameError::TooManyValues)));
            prop_assert!(count(written.split_last().unwrap().1, values).is_err());
        }

        #[test]
        fn garbage_ends_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = count(&bytes, 1000);
        }
    }

    #[test]
    fn lengths_without_end_are_too_many_at_once() {
        for promise in [[0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff]] {
            assert!(matches!(count(&promise, 1 << 20), Err(FrameError::TooManyValues)));
        }
        assert!(matches!(count(&[0xdb, 0xff, 0xff, 0xff, 0xff], 10), Err(FrameError::Malformed(_))));
    }
}
