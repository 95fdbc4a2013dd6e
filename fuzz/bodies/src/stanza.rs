//! Bytes of an XMPP server: what the scanner costs by the byte, and that it says the same however they are cut.

use crate::cost;
use std::time::Duration;

pub(crate) fn stanza(data: &[u8]) {
    let ((passed, refused), cost) = cost::of(|| bridge::fuzzing::scan_stream(data, data.len()));
    cost.is_at_most("stanza", (4 << 10) + 6 * data.len(), data.len(), Duration::from_millis(1), Duration::from_nanos(100));
    for piece in [1, 7, 4096] {
        let ((cut, stopped), cost) = cost::of(|| bridge::fuzzing::scan_stream(data, piece));
        cost.is_at_most("stanza in pieces", (16 << 10) + 6 * data.len(), data.len(), Duration::from_millis(1), Duration::from_nanos(200));
        assert_eq!(stopped, refused, "cut into pieces of {piece}");
        // What a refused piece would have passed on is not told.
        assert!(if refused.is_none() { cut == passed } else { cut.starts_with(&passed) }, "cut into pieces of {piece}");
    }
    assert!(passed.len() <= data.len(), "{} bytes became {}", data.len(), passed.len());
}
