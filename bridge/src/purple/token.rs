//! A value that is the proof of being on the libpurple thread; it makes no calls itself.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static ON_PURPLE: Cell<bool> = const { Cell::new(false) };
}

/// Held by every function that calls libpurple. Neither `Send` nor `Sync`, so it cannot be carried to another thread.
#[derive(Clone, Copy)]
pub(crate) struct OnPurple(PhantomData<*const ()>);

impl OnPurple {
    /// Declares the calling thread to be libpurple's. Once per process, by `thread.rs` (and by unit tests that run a loop of their own).
    ///
    /// # Safety
    /// This thread owns GLib's default main context and no other thread calls libpurple.
    pub(super) unsafe fn declare() -> Self {
        ON_PURPLE.set(true);
        Self(PhantomData)
    }

    /// Takes the declaration back, at the end of a test whose thread runs other tests too.
    #[cfg(test)]
    pub(super) fn retract() {
        ON_PURPLE.set(false);
    }

    /// The token, when this is libpurple's thread. libpurple calls its callbacks there only; GLib timers of plugins with threads of their own may not.
    pub(crate) fn here() -> Option<Self> {
        // The flag is gone only while the thread itself ends.
        ON_PURPLE.try_with(Cell::get).unwrap_or(false).then_some(Self(PhantomData))
    }
}
