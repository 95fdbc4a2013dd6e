//! What unit tests of the libpurple side share: who owns GLib's default context, and the check that libpurple never complained; only compiled for tests.

use super::token::OnPurple;
use std::sync::{Mutex, MutexGuard, PoisonError};

static COMPLAINTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static ALONE: Mutex<()> = Mutex::new(());

/// Notes a CRITICAL or WARNING of libpurple's or GLib's.
pub(super) fn complained(text: &str) {
    COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
}

/// The ownership of GLib's default context.
pub(crate) struct Alone {
    _lock: MutexGuard<'static, ()>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        OnPurple::retract();
    }
}

/// Makes this test's thread libpurple's until the guard is dropped; other tests wait. Keep the guard to the end of the test.
pub(crate) fn default_context() -> (OnPurple, Alone) {
    let alone = Alone { _lock: ALONE.lock().unwrap_or_else(PoisonError::into_inner) };
    // SAFETY: whoever runs the default context in a test holds the lock.
    (unsafe { OnPurple::declare() }, alone)
}

/// One turn of the default context; whether anything was dispatched.
pub(crate) fn turn(_: OnPurple, wait: bool) -> bool {
    // SAFETY: the default context, on the one thread that runs it.
    unsafe { glib_sys::g_main_context_iteration(std::ptr::null_mut(), wait.into()) != glib_sys::GFALSE }
}
