//! What the handling of an event takes; counts nothing.

use std::time::{Duration, Instant};

/// What one event may take.
pub(super) const LONG: Duration = Duration::from_millis(20);

/// A time that is measured. What others have of the core meanwhile is nobody's doing here: it is no more than this thread had itself.
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
