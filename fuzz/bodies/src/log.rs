//! Lines that libpurple logs, with what servers and contacts sent in them: what it costs to take the secrets out.

use crate::cost;
use std::time::Duration;

pub(crate) fn log(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (category, line) = text.split_once('\n').unwrap_or(("jabber", &text));
    let (redacted, cost) = cost::of(|| bridge::fuzzing::redact_line(category, line));
    cost.is_at_most("redact", (64 << 10) + 64 * line.len(), line.len(), Duration::from_millis(1), Duration::from_micros(1));
    assert!(redacted.len() <= 4 * line.len() + 256, "{} bytes of {}", redacted.len(), line.len());
}
