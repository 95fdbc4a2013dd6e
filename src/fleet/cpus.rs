//! Where the libpurple threads of the workers run: moves them, and reads what they used; it does not decide where.

use super::{Fleet, Stage, Worker};
use crate::affinity::Times;
use rustix::thread::{CpuSet, Pid};
use std::fs::File;
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

    /// What the libpurple threads of the workers that are up have used and waited for since this was last asked. A start is not in it.
    pub(crate) fn spent(&self) -> Times {
        let up = |worker: &Worker| matches!(worker.stage, Stage::Up | Stage::Draining);
        let files: Vec<(u16, Arc<File>)> = self
            .lock()
            .workers
            .iter()
            .filter(|(_, worker)| up(worker))
            .filter_map(|(number, worker)| Some((*number, worker.schedstat.clone()?)))
            .collect();
        let now: Vec<(u16, Times)> = files.into_iter().filter_map(|(number, file)| Some((number, Times::read(&file)?))).collect();
        let mut state = self.lock();
        let since = |(number, times): (u16, Times)| {
            let before = state.workers.get_mut(&number)?.times.replace(times)?;
            Some(times.since(before))
        };
        now.into_iter().filter_map(since).sum()
    }
}
