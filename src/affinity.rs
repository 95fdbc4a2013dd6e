//! Keeps the threads that pass messages on, here and in the workers, on one processor as long as one is enough: a message wakes two of them, one
//! after the other, and to wake one on another, idle processor costs more than the message. Looks twice a second at what they use and wait for;
//! knows nothing of what they do.

mod herd;
mod policy;
mod times;

use crate::fleet::Fleet;
use herd::Herd;
pub(crate) use herd::of as threads_of;
use policy::{Look, Place, Policy};
use rustix::thread::CpuSet;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
pub(crate) use times::Times;
use web::stats::Stats;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// Threads of this process that go where they like, and where that is when it is not what they were born with.
static FREE: Mutex<Free> = Mutex::new(Free { threads: BTreeSet::new(), all: None });

struct Free {
    threads: BTreeSet<i32>,
    /// The processors of this process, while some threads do not have them all.
    all: Option<CpuSet>,
}

fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calling thread works for long, or starts processes that do: it goes where it likes, until [`forget_this_thread`].
pub(crate) fn leave_this_thread_free() {
    let mut free = free();
    free.threads.insert(this_thread());
    // It has what the one had that started it.
    if let Some(all) = &free.all
        && let Err(error) = rustix::thread::sched_setaffinity(None, all)
    {
        log::debug!("a thread stays on one processor: {error}");
    }
}

/// The calling thread ends.
pub(crate) fn forget_this_thread() {
    free().threads.remove(&this_thread());
}

fn this_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// The thread that looks after it. It is on no list, and has all processors at all times.
#[derive(Debug)]
pub(crate) struct Shepherd {
    /// Ends it when dropped.
    _stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Shepherd {
    /// Starts it, from a thread that was never moved. Where there is nothing to choose from, or it is not allowed to choose, it says so and ends.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(crate) fn start(fleet: Option<Fleet>, stats: Arc<Stats>) -> io::Result<Self> {
        let (stop, stopped) = std::sync::mpsc::channel();
        let body = move || {
            free().threads.insert(this_thread());
            watch(&mut Herd::new(fleet), &stats, &stopped);
            stats.one_processor.store(false, Ordering::Relaxed);
        };
        let thread = std::thread::Builder::new().name("shepherd".to_owned()).spawn(body)?;
        Ok(Self { _stop: stop, thread })
    }

    /// Lets all go where they like, for good.
    pub(crate) fn end(self) {
        drop(self._stop);
        if self.thread.join().is_err() {
            log::warn!("the thread that chooses processors had failed");
        }
    }
}

fn watch(herd: &mut Herd, stats: &Stats, stopped: &Receiver<()>) {
    if !Times::are_kept() {
        log::info!("this kernel does not tell how long threads wait: the daemon uses all its processors at all times");
        return;
    }
    let mut policy = Policy::default();
    herd.spent();
    let mut at = Instant::now();
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let wall = at.elapsed();
        at = Instant::now();
        let look = Look::new(herd.spent(), wall);
        let choice = herd.refresh();
        let before = policy.place;
        let changed = if before == Place::One && !herd.is_together() {
            // Whoever gave the daemon other processors.
            policy.scattered();
            true
        } else if choice {
            policy.look(look)
        } else {
            std::mem::take(&mut policy.place) == Place::One
        };
        let result = match policy.place {
            Place::One => herd.gather(),
            Place::All => {
                herd.let_go();
                Ok(())
            }
        };
        if changed {
            log::debug!("{look}: {before:?} to {:?}", policy.place);
            stats.processor_changes.add(1);
            // Other threads' times are counted from here on.
            herd.spent();
            at = Instant::now();
        }
        if let Err(error) = result {
            herd.let_go();
            policy.scattered();
            if error.kind() == io::ErrorKind::PermissionDenied || error.kind() == io::ErrorKind::Unsupported {
                log::warn!(
                    "the daemon uses all its processors at all times, which costs more: {error}; allow sched_setaffinity(2), or set one_processor = false"
                );
                return;
            }
            log::debug!("not all come together: {error}");
        }
        stats.one_processor.store(policy.place == Place::One, Ordering::Relaxed);
    }
    // The end is much work, and soon nobody is there to look.
    herd.let_go();
}
