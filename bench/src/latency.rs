//! Latencies: the sender writes its clock into the message, the receiver takes the difference; one clock, one machine.

use std::time::Duration;

/// Nanoseconds of CLOCK_MONOTONIC, the same for every process of the machine.
pub(crate) fn now() -> u64 {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut at) };
    at.tv_sec.unsigned_abs() * 1_000_000_000 + at.tv_nsec.unsigned_abs()
}

/// The text of a message that is sent now.
pub(crate) fn stamp() -> String {
    format!("t{}t and some words as people write them", now())
}

/// How long ago the message with this text was sent.
pub(crate) fn age(text: &str) -> Option<Duration> {
    let digits = text.split('t').nth(1)?;
    let sent: u64 = digits.parse().ok()?;
    Some(Duration::from_nanos(now().saturating_sub(sent)))
}

/// What was measured.
#[derive(Default, Clone)]
pub(crate) struct Latencies(pub(crate) Vec<Duration>);

impl Latencies {
    /// The value below which `share` (0 to 1) of all lie.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// `p50 123 us, p99 456 us`
    pub(crate) fn words(&self) -> String {
        format!("p50 {:>6} us  p99 {:>7} us", self.at(0.5).as_micros(), self.at(0.99).as_micros())
    }
}
