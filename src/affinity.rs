//! Keeps the threads that pass messages on, here and in the workers, on one processor as long as one is enough: a message wakes two of them, one
//! after the other, and to wake one on another, idle processor costs more than the message. Looks twice a second at what all of them use; knows
//! nothing of what they do.

mod policy;

use crate::fleet::Fleet;
use policy::{Place, Policy};
use rustix::thread::CpuSet;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use web::stats::Stats;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// The processors that whoever started the daemon lets it have.
static ALL: OnceLock<CpuSet> = OnceLock::new();
/// Threads of this process that go where they like.
static FREE: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// What a thread has used and waited for since its start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// CPU time.
    pub(crate) used: Duration,
    /// How long it was to run, and did not.
    pub(crate) waited: Duration,
}

impl Times {
    /// Reads a `schedstat` of `/proc`; none when the kernel keeps no such figures, or the thread is gone.
    pub(crate) fn read(schedstat: &File) -> Option<Self> {
        let mut text = [0; 96];
        let length = schedstat.read_at(&mut text, 0).ok()?;
        let mut numbers = std::str::from_utf8(text.get(..length)?).ok()?.split_whitespace().map_while(|number| number.parse().ok());
        Some(Self { used: Duration::from_nanos(numbers.next()?), waited: Duration::from_nanos(numbers.next()?) })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self { used: self.used.saturating_sub(before.used), waited: self.waited.saturating_sub(before.waited) }
    }
}

impl std::iter::Sum for Times {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self { used: sum.used + one.used, waited: sum.waited + one.waited })
    }
}

/// Notes which processors there are. Before anything is moved.
pub(crate) fn note_processors() {
    match rustix::thread::sched_getaffinity(None) {
        Ok(all) => _ = ALL.set(all),
        Err(error) => log::debug!("nobody knows on which processors this may run: {error}"),
    }
}

/// The calling thread works for long, or starts processes that do: it goes where it likes, until [`forget_this_thread`].
pub(crate) fn leave_this_thread_free() {
    free().insert(this_thread());
    // It has what the one had that started it.
    if let Some(all) = ALL.get()
        && let Err(error) = rustix::thread::sched_setaffinity(None, all)
    {
        log::debug!("a thread stays on one processor: {error}");
    }
}

/// The calling thread ends.
pub(crate) fn forget_this_thread() {
    free().remove(&this_thread());
}

fn this_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

fn free() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves all threads of this process that are not free, and gives where their times are read.
fn move_own(cpus: &CpuSet) -> io::Result<Vec<File>> {
    // Held throughout: one that becomes free meanwhile moves itself afterwards.
    let free = free();
    let mut moved = Vec::new();
    for entry in std::fs::read_dir("/proc/self/task")? {
        let name = entry?.file_name();
        let Some(thread) = name.to_str().and_then(|name| name.parse().ok()).filter(|thread| !free.contains(thread)) else { continue };
        let Some(thread) = rustix::thread::Pid::from_raw(thread) else { continue };
        match rustix::thread::sched_setaffinity(Some(thread), cpus) {
            Err(rustix::io::Errno::SRCH) => {}
            result => {
                result?;
                moved.extend(File::open(format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero())).ok());
            }
        }
    }
    Ok(moved)
}

/// All that is kept together.
struct Herd {
    all: CpuSet,
    fleet: Option<Fleet>,
    /// Where the times of this process's threads are read, of those that are on one processor.
    own: Vec<File>,
    /// What they and the whole process had used and waited for at the last look.
    before: Times,
    /// That processor.
    one: Option<CpuSet>,
}

impl Herd {
    fn go(&mut self, place: Place) -> io::Result<()> {
        self.one = (place == Place::One).then(|| self.choose());
        let own = move_own(self.one.as_ref().unwrap_or(&self.all))?;
        self.own = if self.one.is_some() { own } else { Vec::new() };
        self.move_workers()
    }

    /// Also those that have come up since; those that start have much to do, and are left alone.
    fn move_workers(&self) -> io::Result<()> {
        self.fleet.as_ref().map_or(Ok(()), |fleet| fleet.keep_to(self.one.as_ref(), &self.all))
    }

    /// The processor that this thread is on, if the daemon may use it still.
    fn choose(&self) -> CpuSet {
        let mut one = CpuSet::new();
        let here = Some(rustix::thread::sched_getcpu()).filter(|cpu| *cpu < CpuSet::MAX_CPU && self.all.is_set(*cpu));
        one.set(here.or_else(|| (0..CpuSet::MAX_CPU).find(|cpu| self.all.is_set(*cpu))).unwrap_or(0));
        one
    }

    /// CPU time of this process and its workers, and time waited of those that are together, since the last look.
    fn spent(&mut self) -> Times {
        let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let used = Duration::new(own.tv_sec.try_into().unwrap_or(0), own.tv_nsec.try_into().unwrap_or(0));
        let waited = self.own.iter().filter_map(Times::read).map(|times| times.waited).sum();
        let now = Times { used, waited };
        let own = now.since(std::mem::replace(&mut self.before, now));
        [own, self.fleet.as_ref().map(Fleet::spent).unwrap_or_default()].into_iter().sum()
    }
}

/// Looks after it as long as the daemon lives; returns when there is nothing to choose from, or it is not allowed to choose. On a tokio runtime.
pub(crate) async fn watch(fleet: Option<Fleet>, stats: Arc<Stats>) {
    let Some(all) = ALL.get().filter(|all| all.count() > 1) else { return };
    if File::open("/proc/self/schedstat").is_ok_and(|file| Times::read(&file).is_some()) {
        let mut herd = Herd { all: *all, fleet, own: Vec::new(), before: Times::default(), one: None };
        let Err(error) = tend(&mut herd, &stats).await;
        log::warn!(
            "the daemon is left on all processors, which costs more than on one: {error}; allow sched_setaffinity(2), or set one_processor = false"
        );
        // What was moved already, if anything.
        let _ = herd.go(Place::All);
        stats.one_processor.store(false, std::sync::atomic::Ordering::Relaxed);
    } else {
        log::info!("this kernel has no schedstat: the daemon uses all processors at all times");
    }
}

async fn tend(herd: &mut Herd, stats: &Stats) -> Result<std::convert::Infallible, io::Error> {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut policy = Policy::default();
    herd.spent();
    let mut at = Instant::now();
    loop {
        ticks.tick().await;
        let spent = herd.spent();
        let wall = at.elapsed().as_secs_f64().max(0.001);
        at = Instant::now();
        let (used, waited) = (spent.used.as_secs_f64() / wall, spent.waited.as_secs_f64() / wall);
        let place = policy.place;
        if policy.look(used, waited) {
            log::debug!("{used:.2} processors used, {waited:.2} waited for: {place:?} to {:?}", policy.place);
            herd.go(policy.place)?;
            stats.one_processor.store(policy.place == Place::One, std::sync::atomic::Ordering::Relaxed);
            stats.processor_changes.add(1);
            // Other threads' times are counted from here on.
            herd.spent();
            at = Instant::now();
        } else if place == Place::One {
            herd.move_workers()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Times::read(&file).unwrap().waited - before.waited
        };
        let waited = std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|thread| thread.join().unwrap()));
        assert!(waited.iter().sum::<Duration>() > Duration::from_millis(20), "{waited:?}");
    }
}
