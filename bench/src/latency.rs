//! Latencies: the sender writes its clock into the message, the receiver takes the difference; one clock, one machine.

use std::time::Duration;

/// Nanoseconds of CLOCK_MONOTONIC, the same for every process of the machine.
pub(crate) fn now() -> u64 {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut at) };
    at.tv_sec.unsigned_abs() * 1_000_000_000 + at.tv_nsec.unsigned_abs()
}

/// What a stamp begins with; in no other text of a run.
const MARK: &str = "~t";

/// The text of a message that is sent now.
pub(crate) fn stamp() -> String {
    format!("{MARK}{} and some words as people write them", now())
}

/// How long ago the message was sent whose stamp is the first in this text.
pub(crate) fn age(text: &str) -> Option<Duration> {
    let rest = text.split_once(MARK)?.1;
    let sent: u64 = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
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

    pub(crate) fn median(&self) -> Duration {
        self.at(0.5)
    }
}

/// The middle one of some figures.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
