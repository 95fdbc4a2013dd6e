//! All threads that are kept together, here and in the workers: moves them, and reads what they used; it does not decide.

use super::{Times, free};
use crate::fleet::Fleet;
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};
use std::fs::File;
use std::io;
use std::time::Duration;

/// A thread of this process that is on the one processor.
struct Kept {
    thread: Pid,
    schedstat: File,
    before: Times,
}

pub(super) struct Herd {
    fleet: Option<Fleet>,
    /// The processors of this process.
    all: CpuSet,
    /// The one on which all are, or are to be let go from.
    one: Option<CpuSet>,
    /// They are to be there.
    together: bool,
    own: Vec<Kept>,
    /// CPU time of this process at the last look.
    process: Duration,
}

impl Herd {
    pub(super) fn new(fleet: Option<Fleet>) -> Self {
        Self { fleet, all: CpuSet::new(), one: None, together: false, own: Vec::new(), process: Duration::ZERO }
    }

    /// Looks which processors there are, of which the calling thread has all. Whether there is a choice.
    pub(super) fn refresh(&mut self) -> bool {
        match sched_getaffinity(None) {
            Ok(all) if all != self.all => {
                self.all = all;
                let mut free = free();
                if free.all.is_some() {
                    free.all = Some(all);
                }
                drop(free);
                // Who was moved once has to be told.
                if self.one.is_none() {
                    for (thread, mask) in threads().unwrap_or_default() {
                        self.put(thread, &mask);
                    }
                }
                all.count() > 1
            }
            Ok(all) => all.count() > 1,
            Err(error) => {
                log::debug!("nobody knows on which processors this may run: {error}");
                false
            }
        }
    }

    /// Puts a thread of this process on all processors, if it is not.
    fn put(&self, thread: Pid, mask: &CpuSet) -> bool {
        *mask == self.all || matches!(sched_setaffinity(Some(thread), &self.all), Ok(()) | Err(rustix::io::Errno::SRCH))
    }

    /// Whether those that were brought together are so still: whoever sets the processors of a whole control group can undo it.
    pub(super) fn is_together(&self) -> bool {
        let first = self.own.iter().find_map(|kept| sched_getaffinity(Some(kept.thread)).ok());
        self.one.is_some() && first == self.one
    }

    /// Brings those to one processor that are not there yet.
    ///
    /// # Errors
    /// The first that the kernel gives; then some are there and some are not.
    pub(super) fn gather(&mut self) -> io::Result<()> {
        let chosen = self.choose();
        let one = *self.one.get_or_insert(chosen);
        if !self.together {
            self.together = true;
            free().all = Some(self.all);
            // One that starts meanwhile has what the one has that starts it, moved or not.
            while self.gather_own(&one)? {}
        }
        self.fleet.as_ref().map_or(Ok(()), |fleet| fleet.keep_on(&one))
    }

    /// Whether there were any that were not there.
    fn gather_own(&mut self, one: &CpuSet) -> io::Result<bool> {
        // Held throughout: one that becomes free meanwhile moves itself afterwards.
        let free = free();
        let before = self.own.len();
        for (thread, mask) in threads()? {
            if mask == *one || free.threads.contains(&thread.as_raw_nonzero().get()) {
                continue;
            }
            let Ok(schedstat) = File::open(format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero())) else { continue };
            match sched_setaffinity(Some(thread), one) {
                Ok(()) => self.own.push(Kept { thread, before: Times::read(&schedstat).unwrap_or_default(), schedstat }),
                Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.own.len() > before)
    }

    /// The processor that this thread is on.
    fn choose(&self) -> CpuSet {
        let mut one = CpuSet::new();
        let here = Some(rustix::thread::sched_getcpu()).filter(|cpu| *cpu < CpuSet::MAX_CPU && self.all.is_set(*cpu));
        one.set(here.or_else(|| (0..CpuSet::MAX_CPU).find(|cpu| self.all.is_set(*cpu))).unwrap_or(0));
        one
    }

    /// Lets all go that were brought together. Whom that cannot be done for now is tried again the next time.
    pub(super) fn let_go(&mut self) {
        let Some(one) = self.one else { return };
        self.together = false;
        free().all = None;
        // Without a further descriptor, of which there may be none left.
        let own = std::mem::take(&mut self.own);
        self.own = own.into_iter().filter(|kept| Times::read(&kept.schedstat).is_some() && !self.put(kept.thread, &one)).collect();
        // Those that were started by them.
        let strays = threads().map(|all| all.iter().filter(|(_, mask)| *mask == one).all(|(thread, mask)| self.put(*thread, mask)));
        let workers = self.fleet.as_ref().is_none_or(|fleet| fleet.let_go(&self.all));
        if self.own.is_empty() && workers && matches!(strays, Ok(true)) {
            self.one = None;
        }
    }

    /// Since the last look: of those that are together, or while they are not, of this process (without what it waited) and the workers.
    pub(super) fn spent(&mut self) -> Times {
        let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let process = Duration::new(clock.tv_sec.try_into().unwrap_or(0), clock.tv_nsec.try_into().unwrap_or(0));
        let used = process.saturating_sub(std::mem::replace(&mut self.process, process));
        let one = |kept: &mut Kept| {
            let now = Times::read(&kept.schedstat)?;
            Some(now.since(std::mem::replace(&mut kept.before, now)))
        };
        let kept: Times = self.own.iter_mut().filter_map(one).sum();
        let own = if self.own.is_empty() { Times { used, ..Times::default() } } else { kept };
        [own, self.fleet.as_ref().map(Fleet::spent).unwrap_or_default()].into_iter().sum()
    }
}

/// The threads of this process, and where they may run.
fn threads() -> io::Result<Vec<(Pid, CpuSet)>> {
    of(std::process::id())
}

/// The threads of a process, and where they may run; without those that have just ended.
pub(crate) fn of(process: u32) -> io::Result<Vec<(Pid, CpuSet)>> {
    let entries = std::fs::read_dir(format!("/proc/{process}/task"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(names.filter_map(Pid::from_raw).filter_map(|thread| Some((thread, sched_getaffinity(Some(thread)).ok()?))).collect())
}
