//! What a thread has used and waited for, as the kernel counts it; it knows no threads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Of a thread, since its start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// CPU time.
    pub(crate) used: Duration,
    /// How long it was to run, and did not.
    pub(crate) waited: Duration,
    /// How often it came to run.
    pub(crate) runs: u64,
}

impl Times {
    /// Reads a `schedstat` of `/proc`; none when the thread is gone.
    pub(crate) fn read(schedstat: &File) -> Option<Self> {
        let mut text = [0; 96];
        let length = schedstat.read_at(&mut text, 0).ok()?;
        let mut numbers = std::str::from_utf8(text.get(..length)?).ok()?.split_whitespace().map_while(|number| number.parse().ok());
        let mut next = || numbers.next();
        Some(Self { used: Duration::from_nanos(next()?), waited: Duration::from_nanos(next()?), runs: next()? })
    }

    /// Whether the kernel counts them. Some have the file, and nothing but zeros in it.
    pub(super) fn are_kept() -> bool {
        File::open("/proc/thread-self/schedstat").ok().and_then(|file| Self::read(&file)).is_some_and(|times| times.runs > 0)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            used: self.used.saturating_sub(before.used),
            waited: self.waited.saturating_sub(before.waited),
            runs: self.runs.saturating_sub(before.runs),
        }
    }
}

impl std::iter::Sum for Times {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let plus = |sum: Self, one: Self| Self { used: sum.used + one.used, waited: sum.waited + one.waited, runs: sum.runs + one.runs };
        all.fold(Self::default(), plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::CpuSet;
    use std::time::Instant;

    #[test]
    fn times_grow_with_work() {
        let file = File::open("/proc/thread-self/schedstat").unwrap();
        let before = Times::read(&file).unwrap();
        let until = Instant::now() + Duration::from_millis(20);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        assert!(Times::read(&file).unwrap().used > before.used);
    }

    #[test]
    fn times_tell_of_waiting_for_a_processor() {
        let mut one = CpuSet::new();
        one.set(rustix::thread::sched_getcpu());
        let work = || {
            rustix::thread::sched_setaffinity(None, &one).unwrap();
            let file = File::open("/proc/thread-self/schedstat").unwrap();
            let before = Times::read(&file).unwrap();
            let until = Instant::now() + Duration::from_millis(200);
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            let now = Times::read(&file).unwrap().since(before);
            assert!(now.runs > 0);
            now.waited
        };
        let waited = std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|thread| thread.join().unwrap()));
        assert!(waited.iter().sum::<Duration>() > Duration::from_millis(20), "{waited:?}");
    }
}
