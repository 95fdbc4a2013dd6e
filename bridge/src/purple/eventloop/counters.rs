//! What the loop did, as numbers that any thread may read; nothing here decides anything.

use super::super::token::OnPurple;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
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
/// The clock of the libpurple thread's CPU time; the calling thread's own until there is one.
static CLOCK: AtomicI32 = AtomicI32::new(libc::CLOCK_THREAD_CPUTIME_ID);

/// A turn took so many nanoseconds.
pub(super) fn turn_took(nanoseconds: u64) {
    BUSY.add(nanoseconds);
    LONGEST.fetch_max(nanoseconds, Relaxed);
}

/// How long the loop has been at work, and not asleep, since the start. A turn counts once it is over. Any thread.
pub(in crate::purple) fn busy() -> Duration {
    Duration::from_nanos(BUSY.0.load(Relaxed))
}

/// This is the thread whose CPU time is wanted.
pub(super) fn on_this_thread(_: OnPurple) {
    let mut clock = libc::CLOCK_THREAD_CPUTIME_ID;
    // SAFETY: the thread that asks lives, and there is a place for the answer, which is left alone on an error.
    unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
    CLOCK.store(clock, Relaxed);
}

/// The CPU time of the libpurple thread since its start; zero once it is gone. What [`busy`] is beyond it, the loop was at work and yet waited:
/// for a core that others had, or for a disk. Any thread.
pub(in crate::purple) fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; a clock that is no more is an error.
    if unsafe { libc::clock_gettime(CLOCK.load(Relaxed), &raw mut time) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
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
