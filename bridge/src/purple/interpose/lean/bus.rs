//! libpurple numbers everything it makes for callers on D-Bus, in three tables; here nobody calls on D-Bus (hazard 18), so nothing is numbered.

use super::super::next::Next;
use crate::purple::ffi::guard;
use std::ffi::c_void;

pub(in super::super) type Register = unsafe extern "C" fn(*mut c_void, *mut c_void);
pub(in super::super) type Unregister = unsafe extern "C" fn(*mut c_void);

// SAFETY: libpurple's declaration (dbus-server.h). A libpurple without D-Bus has neither, and calls neither.
static REGISTER: Next<Register> = unsafe { Next::new(c"purple_dbus_register_pointer") };
// SAFETY: likewise.
static UNREGISTER: Next<Unregister> = unsafe { Next::new(c"purple_dbus_unregister_pointer") };

/// In libpurple's stead: no number for `node`.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_dbus_register_pointer(node: *mut c_void, kind: *mut c_void) {
    guard("purple_dbus_register_pointer", (), || {
        if let Some(real) = REGISTER.get().filter(|_| !super::is_on()) {
            // SAFETY: the caller's own arguments.
            unsafe { real(node, kind) };
        }
    });
}

/// In libpurple's stead: there is no number to take back. What was made before this began keeps the one it had.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_dbus_unregister_pointer(node: *mut c_void) {
    guard("purple_dbus_unregister_pointer", (), || {
        if let Some(real) = UNREGISTER.get().filter(|_| !super::is_on()) {
            // SAFETY: the caller's own argument.
            unsafe { real(node) };
        }
    });
}
