//! What the loop holds, behind one lock that is never held across a callback, so that foreign threads may add and remove too.

use super::epoll::Epoll;
use super::ids::Ids;
use super::timers::{Call, Rhythm, Timers};
use super::watchers::{Callback, Watchers};
use crate::purple::owner;
use crate::purple::token::OnPurple;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An installed loop.
pub(super) struct Live {
    pub(super) timers: Timers,
    pub(super) watchers: Watchers,
    pub(super) sources: [*mut glib_sys::GSource; 3],
    /// Counts the batches of events: a nested loop's batch makes the outer one's rest outdated.
    pub(super) batch: u64,
}

pub(super) struct State {
    ids: Ids,
    pub(super) live: Option<Live>,
}

// SAFETY: the pointers inside are C's data, which its owner allows to be passed between threads by adding them from there; they are followed on the
// libpurple thread only.
unsafe impl Send for State {}

static STATE: Mutex<State> = Mutex::new(State { ids: Ids::new(), live: None });

/// The state. Contended only while a foreign thread adds or removes something, for less than a microsecond.
pub(super) fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The monotonic clock in microseconds.
pub(super) fn now() -> i64 {
    // SAFETY: no arguments.
    unsafe { glib_sys::g_get_monotonic_time() }
}

/// The loop on the libpurple thread looks for work before it sleeps; from elsewhere it has to be told.
fn wake_from_afar() {
    if OnPurple::here().is_none() {
        // SAFETY: the default context lives for ever; this call is made for other threads.
        unsafe { glib_sys::g_main_context_wakeup(std::ptr::null_mut()) };
    }
}

impl State {
    pub(super) fn install(&mut self, epoll: Epoll) -> &mut Live {
        let live = Live { timers: Timers::new(), watchers: Watchers::new(epoll), sources: [std::ptr::null_mut(); 3], batch: 0 };
        self.live.insert(live)
    }

    fn next_id(&mut self) -> Option<(u32, &mut Live)> {
        let live = self.live.as_mut()?;
        let id = self.ids.next(|id| live.timers.contains(id) || live.watchers.contains(id));
        Some((id, live))
    }
}

/// Adds a timer for the current account; `None` when no loop is installed. Any thread.
pub(super) fn add_timer(rhythm: Rhythm, call: Call) -> Option<u32> {
    let mut state = lock();
    let (id, live) = state.next_id()?;
    live.timers.add(id, rhythm, call, owner::current(), now());
    drop(state);
    wake_from_afar();
    Some(id)
}

/// Adds a watcher for the current account; 0 when no loop is installed. Any thread.
pub(super) fn add_watcher(wants: u32, mut callback: Callback) -> u32 {
    callback.owner = owner::current();
    let mut state = lock();
    let Some((id, live)) = state.next_id() else { return 0 };
    live.watchers.add(id, wants, callback);
    drop(state);
    wake_from_afar();
    id
}

/// Removes a watcher or a timer; `false` when the id is nobody's. Any thread; off the libpurple thread a call that has begun is not waited for.
pub(super) fn remove(id: u32) -> bool {
    lock().live.as_mut().is_some_and(|live| live.timers.remove(id) || live.watchers.remove(id))
}

/// Removes one timer by its data. Any thread.
pub(in crate::purple) fn remove_by_data(data: glib_sys::gpointer) -> bool {
    lock().live.as_mut().is_some_and(|live| live.timers.remove_by_data(data))
}
