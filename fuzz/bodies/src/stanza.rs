//! Bytes of an XMPP server: what the scanner costs by the byte, and that it says the same however they are cut.

use crate::cost;
use std::time::Duration;

pub(crate) fn stanza(data: &[u8]) {
    let (whole, cost) = cost::of(|| bridge::fuzzing::scan_stream(data, data.len()));
    cost.is_at_most("stanza", 4 << 10, data.len(), Duration::from_millis(1), Duration::from_nanos(100));
    for piece in [1, 7, 4096] {
        let (cut, cost) = cost::of(|| bridge::fuzzing::scan_stream(data, piece));
        cost.is_at_most("stanza in pieces", 4 << 10, data.len(), Duration::from_millis(1), Duration::from_nanos(200));
        assert_eq!(cut, whole, "cut into pieces of {piece}");
    }
}
