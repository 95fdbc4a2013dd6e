//! PurpleEventLoopUiOps on GLib's default context: one epoll set, one timer heap, one idle queue; it knows no protocol and no account but whose each is.

mod counters;
mod epoll;
mod ids;
mod source;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod watchers;

pub use counters::{LoopCounters, loop_counters};
pub(super) use counters::{busy, cpu};
pub(super) use ids::FIRST;
pub(super) use state::remove_by_data as remove_timer_by_data;

use super::Ops;
use super::ffi::guard;
use super::interpose::timers::real;
use super::token::OnPurple;
use crate::error::StartError;
use glib_sys::{GFALSE, GSourceFunc, gboolean, gpointer};
use purple_sys::{PurpleEventLoopUiOps, PurpleInputCondition, PurpleInputFunction};
use std::ffi::c_int;
use timers::{Call, Rhythm};

static OPS: Ops<PurpleEventLoopUiOps> = Ops(PurpleEventLoopUiOps {
    timeout_add: Some(on_timeout_add),
    timeout_remove: Some(on_remove),
    input_add: Some(on_input_add),
    input_remove: Some(on_remove),
    input_get_error: Some(on_input_get_error),
    timeout_add_seconds: Some(on_timeout_add_seconds),
    _purple_reserved2: None,
    _purple_reserved3: None,
    _purple_reserved4: None,
});

/// Sets libpurple's event loop up on GLib's default context, which this thread is to run. Before `purple_core_init`.
///
/// # Errors
/// [`StartError::AlreadyStarted`], or [`StartError::EventLoop`] when the system gives no epoll set.
pub(crate) fn install(token: OnPurple) -> Result<(), StartError> {
    counters::on_this_thread(token);
    let mut state = state::lock();
    if state.live.is_some() {
        return Err(StartError::AlreadyStarted);
    }
    let epoll = epoll::Epoll::new().map_err(StartError::EventLoop)?;
    let live = state.install(epoll);
    live.sources = source::attach(live.watchers.raw());
    drop(state);
    // SAFETY: libpurple only reads the operations, which are static.
    unsafe { purple_sys::purple_eventloop_set_ui_ops(OPS.pointer()) };
    Ok(())
}

/// Ends the loop after `purple_core_quit` and frees what it held; what is added later goes to GLib's own timers.
pub(crate) fn uninstall(_: OnPurple) {
    let live = state::lock().live.take();
    if let Some(live) = live {
        // The sources first: they poll the descriptor that goes with the rest.
        source::detach(live.sources);
    }
}

/// Runs `body` with the event loop installed on the calling thread, which becomes libpurple's; for the bench alone.
///
/// # Panics
/// When the system gives no epoll set, or libpurple runs already.
#[doc(hidden)]
pub fn with_event_loop<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: a bench has no other thread that runs libpurple.
    let token = unsafe { OnPurple::declare() };
    if let Err(error) = install(token) {
        panic!("{error}");
    }
    let answer = body();
    uninstall(token);
    answer
}

fn add_timer(rhythm: Rhythm, function: GSourceFunc, data: gpointer) -> Option<u32> {
    state::add_timer(rhythm, Call { function: function?, data })
}

/// A timer, in milliseconds; `None` without a loop. Any thread.
pub(super) fn timeout(milliseconds: u32, function: GSourceFunc, data: gpointer) -> Option<u32> {
    add_timer(Rhythm::Every(i64::from(milliseconds) * 1000), function, data)
}

/// A timer, in whole seconds; `None` without a loop. Any thread.
pub(super) fn timeout_seconds(seconds: u32, function: GSourceFunc, data: gpointer) -> Option<u32> {
    add_timer(Rhythm::Seconds(i64::from(seconds)), function, data)
}

/// An idle call; `None` without a loop. Any thread.
pub(super) fn idle(function: GSourceFunc, data: gpointer) -> Option<u32> {
    add_timer(Rhythm::Idle, function, data)
}

/// Removes whatever has this id, a watcher, a timer or a source of GLib's; `false` when nothing has. Any thread.
pub(super) fn remove(id: u32) -> bool {
    if id >= FIRST { state::remove(id) } else { real::source_remove(id) }
}

unsafe extern "C" fn on_timeout_add(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
    guard("timeout_add", 0, || timeout(interval, function, data).unwrap_or_else(|| real::timeout_add(interval, function, data)))
}

unsafe extern "C" fn on_timeout_add_seconds(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
    guard("timeout_add_seconds", 0, || {
        timeout_seconds(interval, function, data).unwrap_or_else(|| real::timeout_add_seconds(interval, function, data))
    })
}

unsafe extern "C" fn on_remove(id: u32) -> gboolean {
    guard("timeout or input remove", GFALSE, || remove(id).into())
}

unsafe extern "C" fn on_input_add(fd: c_int, wants: PurpleInputCondition, function: PurpleInputFunction, data: gpointer) -> u32 {
    guard("input_add", 0, || match function {
        Some(function) => state::add_watcher(wants.0, watchers::Callback { function, data, fd, owner: None }),
        None => 0,
    })
}

/// The pending error of a socket; libpurple puts it into errno itself.
unsafe extern "C" fn on_input_get_error(fd: c_int, error: *mut c_int) -> c_int {
    let mut size = libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(4);
    // SAFETY: libpurple gives a place for one int.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, error.cast(), &raw mut size) }
}
