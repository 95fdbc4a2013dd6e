//! GLib's timer calls, answered for libpurple and its plugins by our event loop; whatever is not ours falls through to GLib.

use super::next::Next;
use glib_sys::gboolean;

// SAFETY: GLib's declaration.
static SOURCE_REMOVE: Next<unsafe extern "C" fn(u32) -> gboolean> = unsafe { Next::new(c"g_source_remove") };

/// `g_source_remove` in GLib's stead.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn g_source_remove(id: u32) -> gboolean {
    // SAFETY: GLib checks the id itself.
    SOURCE_REMOVE.get().map_or(glib_sys::GFALSE, |real| unsafe { real(id) })
}
