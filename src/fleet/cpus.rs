//! Where the libpurple threads of the workers run: moves them, and reads what they used; it does not decide where.

use super::{Fleet, Stage, Worker};
use crate::affinity::{Times, threads_of};
use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use std::fs::File;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

/// Does something with a process, unless it has ended: its number is its own as long as nobody else can wait for it.
fn with(child: &Mutex<Child>, act: impl FnOnce(Pid) -> io::Result<()>) -> io::Result<()> {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(child.try_wait(), Ok(None)) {
        return Ok(());
    }
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).map_or(Ok(()), act)
}

fn put(thread: Pid, cpus: &CpuSet) -> io::Result<()> {
    match sched_setaffinity(Some(thread), cpus) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Fleet {
    /// Moves the libpurple threads of those workers to `one` that are up, not there yet, and known for what they use. Those that start have much to
    /// do, and stay where they like.
    ///
    /// # Errors
    /// The first that the kernel gives; the other workers are moved all the same.
    pub(crate) fn keep_on(&self, one: &CpuSet) -> io::Result<()> {
        let is_meant = |worker: &Worker| !worker.kept && worker.schedstat.is_some() && matches!(worker.stage, Stage::Up | Stage::Draining);
        self.each(is_meant, true, |pid| put(pid, one))
    }

    /// Lets those go that were moved, with all threads that they have started since. False: some are not.
    pub(crate) fn let_go(&self, all: &CpuSet) -> bool {
        let go = |pid: Pid| {
            // They cannot be seen where processes are hidden from each other; the first can be moved all the same.
            let others = threads_of(pid.as_raw_nonzero().get().unsigned_abs()).unwrap_or_default();
            others.into_iter().filter(|(_, mask)| mask.count() == 1).map(|(thread, _)| put(thread, all)).fold(put(pid, all), Result::and)
        };
        self.each(|worker| worker.kept, false, go).is_ok()
    }

    fn each(&self, is_meant: impl Fn(&Worker) -> bool, kept: bool, act: impl Fn(Pid) -> io::Result<()>) -> io::Result<()> {
        let meant = |(number, worker): (&u16, &Worker)| is_meant(worker).then(|| Some((*number, worker.child.clone()?))).flatten();
        let children: Vec<(u16, Arc<Mutex<Child>>)> = self.lock().workers.iter().filter_map(meant).collect();
        let mut result = Ok(());
        for (number, child) in children {
            let one = with(&child, &act);
            if one.is_ok()
                && let Some(worker) = self.lock().workers.get_mut(&number)
            {
                worker.kept = kept;
            }
            result = result.and(one);
        }
        result
    }

    /// What the libpurple threads of the workers have used and waited for since this was last asked. A start is not in it.
    pub(crate) fn spent(&self) -> Times {
        let up = |(number, worker): (&u16, &Worker)| match worker.stage {
            Stage::Starting => None,
            _ => Some((*number, worker.schedstat.clone()?)),
        };
        let files: Vec<(u16, Arc<File>)> = self.lock().workers.iter().filter_map(up).collect();
        let now: Vec<(u16, Times)> = files.into_iter().filter_map(|(number, file)| Some((number, Times::read(&file)?))).collect();
        let mut state = self.lock();
        let since = |(number, times): (u16, Times)| {
            let before = state.workers.get_mut(&number)?.times.replace(times)?;
            Some(times.since(before))
        };
        now.into_iter().filter_map(since).sum()
    }
}
