//! One-shot timers on the libpurple loop for our own use (pacing, retries, watchdogs), attributed like any other source; no policy lives here.

use super::ffi::guard_on;
use super::owner;
use super::token::OnPurple;
use crate::id::AccountId;
use glib_sys::{GFALSE, gboolean, gpointer};
use std::time::Duration;

/// A timer that has not fired yet. Dropping it cancels it.
pub(crate) struct Timer {
    id: u32,
    key: u64,
}

impl Drop for Timer {
    fn drop(&mut self) {
        let pending = PENDING.try_with(|pending| pending.borrow_mut().remove(self.key)).ok().flatten();
        if pending.is_some() {
            // SAFETY: it has not fired, so the id is still ours; timers are kept in thread-locals of the libpurple thread only.
            unsafe { purple_sys::purple_timeout_remove(self.id) };
        }
    }
}

struct Pending {
    body: Box<dyn FnOnce(OnPurple)>,
    account: Option<AccountId>,
}

thread_local! {
    static PENDING: std::cell::RefCell<super::registry::Registry<Pending>> = const { std::cell::RefCell::new(super::registry::Registry::new()) };
}

unsafe extern "C" fn on_timer(data: gpointer) -> gboolean {
    guard_on("timer", GFALSE, |token| {
        let pending = PENDING.with_borrow_mut(|pending| pending.remove(data as u64));
        if let Some(pending) = pending {
            owner::with(pending.account, || (pending.body)(token));
        }
        GFALSE
    })
}

fn start(_: OnPurple, wait: Duration, account: Option<AccountId>, body: Box<dyn FnOnce(OnPurple)>) -> Timer {
    let key = PENDING.with_borrow_mut(|pending| pending.insert(Pending { body, account }));
    let milliseconds = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    // SAFETY: the callback takes any data; the event loop ops are set before anything of ours runs.
    let id = unsafe { purple_sys::purple_timeout_add(milliseconds, Some(on_timer), key as gpointer) };
    Timer { id, key }
}

/// Runs `body` for `account` on a later turn of the loop.
pub(crate) fn soon(token: OnPurple, account: Option<AccountId>, body: impl FnOnce(OnPurple) + 'static) {
    // Nobody can cancel it.
    std::mem::forget(start(token, Duration::ZERO, account, Box::new(body)));
}

/// Runs `body` for `account` after `wait`, unless the timer is dropped before.
pub(crate) fn after(token: OnPurple, wait: Duration, account: Option<AccountId>, body: impl FnOnce(OnPurple) + 'static) -> Timer {
    start(token, wait, account, Box::new(body))
}
