//! GLib's timer calls, answered for libpurple and its plugins by our event loop; whatever is not ours falls through to GLib.

use crate::purple::eventloop;
use crate::purple::ffi::guard;
use glib_sys::{GFALSE, GSourceFunc, gboolean, gpointer};

/// `g_timeout_add` in GLib's stead.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_timeout_add(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
    guard("g_timeout_add", 0, || {
        eventloop::timeout(interval, function, data).unwrap_or_else(|| real::timeout_add(interval, function, data))
    })
}

/// `g_timeout_add_seconds` in GLib's stead.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_timeout_add_seconds(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
    guard("g_timeout_add_seconds", 0, || {
        eventloop::timeout_seconds(interval, function, data).unwrap_or_else(|| real::timeout_add_seconds(interval, function, data))
    })
}

/// `g_idle_add` in GLib's stead.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_idle_add(function: GSourceFunc, data: gpointer) -> u32 {
    guard("g_idle_add", 0, || eventloop::idle(function, data).unwrap_or_else(|| real::idle_add(function, data)))
}

/// `g_source_remove` in GLib's stead.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_source_remove(id: u32) -> gboolean {
    guard("g_source_remove", GFALSE, || eventloop::remove(id).into())
}

/// `g_source_remove_by_user_data` in GLib's stead: one source a call, ours before GLib's.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_source_remove_by_user_data(data: gpointer) -> gboolean {
    guard("g_source_remove_by_user_data", GFALSE, || {
        (eventloop::remove_timer_by_data(data) || real::source_remove_by_user_data(data)).into()
    })
}

/// What GLib itself does; 0 or `false` should it be missing.
pub(crate) mod real {
    use super::super::next::Next;
    use glib_sys::{GFALSE, GSourceFunc, gboolean, gpointer};

    type Add = unsafe extern "C" fn(u32, GSourceFunc, gpointer) -> u32;
    // SAFETY: GLib's declaration, and so for the other four.
    static TIMEOUT_ADD: Next<Add> = unsafe { Next::new(c"g_timeout_add") };
    // SAFETY: as above.
    static TIMEOUT_ADD_SECONDS: Next<Add> = unsafe { Next::new(c"g_timeout_add_seconds") };
    // SAFETY: as above.
    static IDLE_ADD: Next<unsafe extern "C" fn(GSourceFunc, gpointer) -> u32> = unsafe { Next::new(c"g_idle_add") };
    // SAFETY: as above.
    static SOURCE_REMOVE: Next<unsafe extern "C" fn(u32) -> gboolean> = unsafe { Next::new(c"g_source_remove") };
    // SAFETY: as above.
    static REMOVE_BY_DATA: Next<unsafe extern "C" fn(gpointer) -> gboolean> = unsafe { Next::new(c"g_source_remove_by_user_data") };

    pub(crate) fn timeout_add(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
        // SAFETY: the caller's arguments, meant for this function.
        TIMEOUT_ADD.get().map_or(0, |real| unsafe { real(interval, function, data) })
    }

    pub(crate) fn timeout_add_seconds(interval: u32, function: GSourceFunc, data: gpointer) -> u32 {
        // SAFETY: the caller's arguments, meant for this function.
        TIMEOUT_ADD_SECONDS.get().map_or(0, |real| unsafe { real(interval, function, data) })
    }

    pub(crate) fn idle_add(function: GSourceFunc, data: gpointer) -> u32 {
        // SAFETY: the caller's arguments, meant for this function.
        IDLE_ADD.get().map_or(0, |real| unsafe { real(function, data) })
    }

    pub(crate) fn source_remove(id: u32) -> bool {
        // SAFETY: GLib checks the id.
        SOURCE_REMOVE.get().is_some_and(|real| unsafe { real(id) } != GFALSE)
    }

    pub(crate) fn source_remove_by_user_data(data: gpointer) -> bool {
        // SAFETY: GLib only compares the pointer.
        REMOVE_BY_DATA.get().is_some_and(|real| unsafe { real(data) } != GFALSE)
    }
}
