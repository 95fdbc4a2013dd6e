//! How values are spread: counts by upper bound, for Prometheus and the page of statistics. Noting one is two atomic operations.

use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is counted, and how it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Times, noted in microseconds and told in seconds.
    Seconds,
    /// Numbers of things.
    Count,
}

/// Upper bounds of short times, in microseconds: from 50 us to a second.
pub const SHORT: &[u64] = &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];
/// Of holds.
pub const HOLDS: &[u64] = &[10_000, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 60_000_000];
/// Of commits.
pub const COMMITS: &[u64] = &[500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
/// Of numbers in a batch.
pub const BATCHES: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500];

/// Counts by upper bound; what is above the last has a count of its own.
#[derive(Debug)]
pub struct Histogram {
    /// snake_case, without the `bellflower_` in front, with the unit at its end.
    pub name: &'static str,
    /// What it is, in words: a line.
    pub help: &'static str,
    unit: Unit,
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one. `bounds` grow, and are in microseconds for times.
    pub fn new(name: &'static str, help: &'static str, unit: Unit, bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { name, help, unit, bounds, counts, sum: AtomicU64::new(0) }
    }

    /// One of so many.
    pub fn note(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// One that took so long.
    pub fn note_time(&self, took: Duration) {
        self.note(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// As it is told.
    fn value(&self, noted: u64) -> f64 {
        // Exact up to 2^53 microseconds, which is 285 years.
        #[allow(clippy::cast_precision_loss)]
        let value = noted as f64;
        if self.unit == Unit::Seconds { value / 1e6 } else { value }
    }

    /// Prometheus' text format, version 0.0.4.
    pub fn prometheus(&self, text: &mut String) {
        let name = format!("bellflower_{}", self.name);
        let mut below = 0;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} histogram", self.help);
        for (count, bound) in self.counts().into_iter().zip(self.bounds.iter().map(Some).chain([None])) {
            below += count;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| self.value(*bound).to_string());
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(text, "{name}_sum {}\n{name}_count {below}", self.value(self.sum.load(Ordering::Relaxed)));
    }

    /// Bounds and counts, for the page.
    pub fn json(&self) -> Value {
        let bounds: Vec<_> = self.bounds.iter().map(|bound| self.value(*bound)).collect();
        let unit = if self.unit == Unit::Seconds { "seconds" } else { "count" };
        json!({ "help": self.help, "unit": unit, "bounds": bounds, "counts": self.counts(), "sum": self.value(self.sum.load(Ordering::Relaxed)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_below_their_bounds_and_told_in_seconds() {
        let histogram = Histogram::new("hold_seconds", "How long.", Unit::Seconds, &[1_000, 2_500_000]);
        for micros in [0, 1_000, 1_001, 2_500_000, 9_000_000] {
            histogram.note_time(Duration::from_micros(micros));
        }
        let mut text = String::new();
        histogram.prometheus(&mut text);
        assert_eq!(
            text,
            "# HELP bellflower_hold_seconds How long.\n# TYPE bellflower_hold_seconds histogram\n\
             bellflower_hold_seconds_bucket{le=\"0.001\"} 2\nbellflower_hold_seconds_bucket{le=\"2.5\"} 4\n\
             bellflower_hold_seconds_bucket{le=\"+Inf\"} 5\nbellflower_hold_seconds_sum 11.502001\nbellflower_hold_seconds_count 5\n"
        );
        assert_eq!(histogram.json()["counts"], json!([2, 2, 1]));
    }

    #[test]
    fn numbers_are_told_as_they_are() {
        let histogram = Histogram::new("answer_events", "How many.", Unit::Count, BATCHES);
        histogram.note(3);
        let mut text = String::new();
        histogram.prometheus(&mut text);
        assert!(text.contains("_bucket{le=\"2\"} 0\n") && text.contains("_bucket{le=\"5\"} 1\n") && text.contains("_sum 3\n"), "{text}");
    }
}
