//! Where the libpurple threads of the workers run: moves them, and reads what they used; it does not decide where.

use super::{Fleet, Stage, Worker};
use crate::affinity::Times;
use rustix::thread::{CpuSet, Pid};
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

/// Moves a worker's first thread, which is libpurple's, unless it has ended.
fn move_one(child: &Mutex<Child>, cpus: &CpuSet) -> io::Result<()> {
    // Its number is its own as long as nobody else can wait for it.
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(child.try_wait(), Ok(None)) {
        return Ok(());
    }
    match i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(|pid| rustix::thread::sched_setaffinity(Some(pid), cpus)) {
        None | Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
        Some(Err(error)) => Err(error.into()),
    }
}

impl Fleet {
    /// Moves the workers that are up and not there yet to `one`, or back to `all` those that were moved. Those that start stay where they like.
    ///
    /// # Errors
    /// The first that the kernel gives; the other workers are moved all the same.
    pub(crate) fn keep_to(&self, one: Option<&CpuSet>, all: &CpuSet) -> io::Result<()> {
        let is_meant = |worker: &Worker| worker.kept != one.is_some() && matches!(worker.stage, Stage::Up | Stage::Draining);
        let children: Vec<Arc<Mutex<Child>>> = self
            .lock()
            .workers
            .values_mut()
            .filter(|worker| is_meant(worker))
            .filter_map(|worker| {
                worker.kept = one.is_some();
                worker.child.clone()
            })
            .collect();
        children.iter().map(|child| move_one(child, one.unwrap_or(all))).fold(Ok(()), Result::and)
    }

    /// Of the libpurple threads of all workers that are up, since their starts.
    pub(crate) fn times(&self) -> Times {
        let up = |worker: &&Worker| matches!(worker.stage, Stage::Up | Stage::Draining);
        let files: Vec<_> = self.lock().workers.values().filter(up).filter_map(|worker| worker.schedstat.clone()).collect();
        files.iter().filter_map(|file| Times::read(file)).sum()
    }
}
