//! What the loop did, as numbers that any thread may read; nothing here decides anything.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A sum since the start of the process.
pub(super) struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The libpurple thread is the only writer, so that no locked instruction is needed.
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }
}

pub(super) static TURNS: Counter = Counter::new();
pub(super) static EVENTS: Counter = Counter::new();
pub(super) static TIMERS: Counter = Counter::new();
static BUSY: Counter = Counter::new();
static LONGEST: AtomicU64 = AtomicU64::new(0);

/// A turn took so many nanoseconds.
pub(super) fn turn_took(nanoseconds: u64) {
    BUSY.add(nanoseconds);
    LONGEST.fetch_max(nanoseconds, Relaxed);
}

/// How long the loop has been at work, and not asleep, since the start. A turn counts once it is over. Any thread.
pub(in crate::purple) fn busy() -> Duration {
    Duration::from_nanos(BUSY.0.load(Relaxed))
}

/// The libpurple thread's main loop in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoopCounters {
    /// Turns of the loop since the start.
    pub turns: u64,
    /// Watcher callbacks since the start.
    pub events: u64,
    /// Timers and idle calls since the start.
    pub timers: u64,
    /// The longest turn since the last call, from waking up to looking for work again, in nanoseconds.
    pub longest_turn: u64,
}

/// Reads the sums, and the longest turn since this was last called. Any thread.
pub fn loop_counters() -> LoopCounters {
    LoopCounters {
        turns: TURNS.0.load(Relaxed),
        events: EVENTS.0.load(Relaxed),
        timers: TIMERS.0.load(Relaxed),
        longest_turn: LONGEST.swap(0, Relaxed),
    }
}
