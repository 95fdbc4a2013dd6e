//! Measures how long the handling of an event takes. Counts nothing (see `counters`).

use std::time::{Duration, Instant};

/// The most that one event may take.
pub(super) const LONG: Duration = Duration::from_millis(20);

/// A stretch of time. The share that others have of the core meanwhile does not count: the result is at most this thread's own processor time.
pub(super) struct Took {
    wall: Instant,
    cpu: Duration,
}

impl Took {
    pub(super) fn begin() -> Self {
        Self { wall: Instant::now(), cpu: cpu() }
    }

    pub(super) fn so_far(&self) -> Duration {
        let wall = self.wall.elapsed();
        if wall > LONG { wall.min(cpu().saturating_sub(self.cpu)) } else { wall }
    }
}

/// Processor time of this thread so far.
fn cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
