//! `PurpleStatus` in libpurple's stead: libpurple gives each of an account's and each buddy's statuses a copy of every attribute its type knows
//! (XMPP: 41 in 8 statuses, of which one is active); ours gets a copy when somebody may write to it. What it says is libpurple's.

use super::super::next::Next;
use crate::purple::ffi::guard;
use glib_sys::{GHashTable, gboolean, gpointer};
use purple_sys::{PurplePresence, PurpleStatus, PurpleStatusAttr, PurpleStatusType, PurpleType, PurpleValue};
use std::ffi::{c_char, c_int};

pub(in super::super) type New = unsafe extern "C" fn(*mut PurpleStatusType, *mut PurplePresence) -> *mut PurpleStatus;
pub(in super::super) type Destroy = unsafe extern "C" fn(*mut PurpleStatus);
pub(in super::super) type GetValue = unsafe extern "C" fn(*const PurpleStatus, *const c_char) -> *mut PurpleValue;
pub(in super::super) type GetString = unsafe extern "C" fn(*const PurpleStatus, *const c_char) -> *const c_char;
/// `gboolean` is an `int`.
pub(in super::super) type GetNumber = unsafe extern "C" fn(*const PurpleStatus, *const c_char) -> c_int;

// SAFETY: libpurple's declaration (status.h), as for all below.
static NEW: Next<New> = unsafe { Next::new(c"purple_status_new") };
// SAFETY: as above.
static DESTROY: Next<Destroy> = unsafe { Next::new(c"purple_status_destroy") };
// SAFETY: as above.
static GET_VALUE: Next<GetValue> = unsafe { Next::new(c"purple_status_get_attr_value") };
// SAFETY: as above.
static GET_STRING: Next<GetString> = unsafe { Next::new(c"purple_status_get_attr_string") };
// SAFETY: as above.
static GET_INT: Next<GetNumber> = unsafe { Next::new(c"purple_status_get_attr_int") };
// SAFETY: as above.
static GET_BOOLEAN: Next<GetNumber> = unsafe { Next::new(c"purple_status_get_attr_boolean") };

/// `struct _PurpleStatus` (status.c), the same in all of libpurple 2; [`is_as_known`] looks.
#[repr(C)]
struct Status {
    kind: *mut PurpleStatusType,
    presence: *mut PurplePresence,
    active: gboolean,
    /// Values, which go with the table, by the ids of attributes, which are their types'. NULL as long as ours has none.
    values: *mut GHashTable,
}

/// In libpurple's stead: without any values.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_new(
    kind: *mut PurpleStatusType,
    presence: *mut PurplePresence,
) -> *mut PurpleStatus {
    guard("purple_status_new", std::ptr::null_mut(), || {
        if !super::is_on() || kind.is_null() || presence.is_null() {
            let Some(real) = NEW.get() else { return std::ptr::null_mut() };
            // SAFETY: the caller's own arguments.
            return unsafe { real(kind, presence) };
        }
        // SAFETY: zeroes are a status that is not active and has no values; libpurple frees it with g_free.
        unsafe {
            let status = glib_sys::g_malloc0(size_of::<Status>()).cast::<Status>();
            (*status).kind = kind;
            (*status).presence = presence;
            status.cast()
        }
    })
}

/// In libpurple's stead: with an empty table where it expects one.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_destroy(status: *mut PurpleStatus) {
    guard("purple_status_destroy", (), || {
        if super::is_on() && !status.is_null() {
            // SAFETY: a live status, with the layout that was looked at before this was switched on.
            unsafe { table_of(status) };
        }
        if let Some(real) = DESTROY.get() {
            // SAFETY: the caller's own argument.
            unsafe { real(status) };
        }
    });
}

/// In libpurple's stead, and what libpurple itself looks values up with: the caller may write to it, so that it has to be the status's own.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_get_attr_value(status: *const PurpleStatus, id: *const c_char) -> *mut PurpleValue {
    guard("purple_status_get_attr_value", std::ptr::null_mut(), || {
        if !super::is_on() || status.is_null() || id.is_null() {
            let Some(real) = GET_VALUE.get() else { return std::ptr::null_mut() };
            // SAFETY: the caller's own arguments.
            return unsafe { real(status, id) };
        }
        // SAFETY: a live status, and a C string.
        unsafe {
            let own = own(status, id);
            if !own.is_null() {
                return own;
            }
            let attribute = attribute(status, id);
            if attribute.is_null() {
                return std::ptr::null_mut();
            }
            let value = purple_sys::purple_value_dup(purple_sys::purple_status_attr_get_value(attribute));
            let id = purple_sys::purple_status_attr_get_id(attribute);
            glib_sys::g_hash_table_insert(table_of(status.cast_mut()), id.cast_mut().cast(), value.cast());
            value
        }
    })
}

/// In libpurple's stead: nothing is written, so that the type's own value does.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_get_attr_string(status: *const PurpleStatus, id: *const c_char) -> *const c_char {
    guard("purple_status_get_attr_string", std::ptr::null(), || {
        // SAFETY: the caller's own arguments.
        match unsafe { default(status, id, PurpleType::PURPLE_TYPE_STRING) } {
            // SAFETY: a live value of that type.
            Some(value) => unsafe { purple_sys::purple_value_get_string(value) },
            // SAFETY: the caller's own arguments.
            None => GET_STRING.get().map_or(std::ptr::null(), |real| unsafe { real(status, id) }),
        }
    })
}

/// In libpurple's stead: as [`purple_status_get_attr_string`].
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_get_attr_int(status: *const PurpleStatus, id: *const c_char) -> c_int {
    guard("purple_status_get_attr_int", 0, || {
        // SAFETY: the caller's own arguments.
        match unsafe { default(status, id, PurpleType::PURPLE_TYPE_INT) } {
            // SAFETY: a live value of that type.
            Some(value) => unsafe { purple_sys::purple_value_get_int(value) },
            // SAFETY: the caller's own arguments.
            None => GET_INT.get().map_or(0, |real| unsafe { real(status, id) }),
        }
    })
}

/// In libpurple's stead: as [`purple_status_get_attr_string`].
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_get_attr_boolean(status: *const PurpleStatus, id: *const c_char) -> gboolean {
    guard("purple_status_get_attr_boolean", glib_sys::GFALSE, || {
        // SAFETY: the caller's own arguments.
        match unsafe { default(status, id, PurpleType::PURPLE_TYPE_BOOLEAN) } {
            // SAFETY: a live value of that type.
            Some(value) => unsafe { purple_sys::purple_value_get_boolean(value) },
            // SAFETY: the caller's own arguments.
            None => GET_BOOLEAN.get().map_or(glib_sys::GFALSE, |real| unsafe { real(status, id) }),
        }
    })
}

/// What the status's type says of an attribute of that sort, when the status has no value of its own; `None` where libpurple is to answer.
///
/// # Safety
/// A live status or NULL; a C string or NULL.
unsafe fn default(status: *const PurpleStatus, id: *const c_char, sort: PurpleType) -> Option<*const PurpleValue> {
    if !super::is_on() || status.is_null() || id.is_null() {
        return None;
    }
    // SAFETY: a live status of the known layout, a C string, and what belongs to the type.
    unsafe {
        if !own(status, id).is_null() {
            return None;
        }
        let attribute = attribute(status, id);
        if attribute.is_null() {
            return None;
        }
        let value = purple_sys::purple_status_attr_get_value(attribute);
        (purple_sys::purple_value_get_type(value) == sort).then_some(value.cast_const())
    }
}

/// The status's own value, or NULL.
///
/// # Safety
/// A live status of the known layout, and a C string.
unsafe fn own(status: *const PurpleStatus, id: *const c_char) -> *mut PurpleValue {
    // SAFETY: the caller's promise.
    unsafe {
        let values = (*status.cast::<Status>()).values;
        if values.is_null() { std::ptr::null_mut() } else { glib_sys::g_hash_table_lookup(values, id.cast()).cast() }
    }
}

/// What the status's type knows of it, or NULL.
///
/// # Safety
/// As for [`own`].
unsafe fn attribute(status: *const PurpleStatus, id: *const c_char) -> *mut PurpleStatusAttr {
    // SAFETY: the caller's promise; a status does not outlive its type.
    unsafe { purple_sys::purple_status_type_get_attr((*status.cast::<Status>()).kind, id) }
}

/// The table of its values, made when there is none.
///
/// # Safety
/// A live status of the known layout.
unsafe fn table_of(status: *mut PurpleStatus) -> *mut GHashTable {
    unsafe extern "C" fn destroy(value: gpointer) {
        // SAFETY: GLib passes what was put in, a value.
        guard("a status's value", (), || unsafe { purple_sys::purple_value_destroy(value.cast()) });
    }
    let status = status.cast::<Status>();
    // SAFETY: the caller's promise; as libpurple makes it.
    unsafe {
        if (*status).values.is_null() {
            let (hash, equal) = (Some(glib_sys::g_str_hash as _), Some(glib_sys::g_str_equal as _));
            (*status).values = glib_sys::g_hash_table_new_full(hash, equal, None, Some(destroy));
        }
        (*status).values
    }
}

/// Whether this libpurple's own statuses look as [`Status`] says: what it makes is where it should be, and what is put there it finds.
pub(super) fn is_as_known() -> bool {
    let (Some(new), Some(destroy), Some(get)) = (NEW.get(), DESTROY.get(), GET_VALUE.get()) else { return false };
    let (id, name) = (c"lean".as_ptr(), c"Lean".as_ptr());
    // SAFETY: C strings, which are copied, and a new type.
    let kind = unsafe {
        purple_sys::purple_status_type_new(purple_sys::PurpleStatusPrimitive::PURPLE_STATUS_AVAILABLE, id, name, glib_sys::GFALSE)
    };
    // Only compared and never looked into.
    let presence = std::ptr::dangling_mut::<PurplePresence>();
    // SAFETY: a live type; libpurple keeps the other pointer, no more.
    let status = unsafe { new(kind, presence) };
    if status.is_null() {
        return false;
    }
    // SAFETY: GLib's allocator is malloc.
    let size = unsafe { libc::malloc_usable_size(status.cast()) };
    // SAFETY: the block is that large, and a table is used as one only where everything else is as expected.
    let found = size >= size_of::<Status>()
        && unsafe {
            let made = &*status.cast::<Status>();
            made.kind == kind && made.presence == presence && made.active == glib_sys::GFALSE && !made.values.is_null() && {
                let value = purple_sys::purple_value_new(PurpleType::PURPLE_TYPE_INT);
                glib_sys::g_hash_table_insert(made.values, id.cast_mut().cast(), value.cast());
                get(status, id) == value
            }
        };
    // SAFETY: both are ours to end; the value goes with the status.
    unsafe {
        destroy(status);
        purple_sys::purple_status_type_destroy(kind);
    }
    found
}

/// Whether libpurple itself asks ours for a status's values, and not only those who are linked to it: it does not when it is linked to its own
/// functions (`-Bsymbolic-functions`), and then would look into a table that ours do not have.
pub(super) fn is_asked() -> bool {
    let Some(get) = GET_INT.get() else { return false };
    let (id, name) = (c"lean".as_ptr(), c"Lean".as_ptr());
    // SAFETY: C strings, which are copied, and new things, which are ours to end; the value goes with the type, and the presence is not looked into.
    unsafe {
        let kind =
            purple_sys::purple_status_type_new(purple_sys::PurpleStatusPrimitive::PURPLE_STATUS_AVAILABLE, id, name, glib_sys::GFALSE);
        let value = purple_sys::purple_value_new(PurpleType::PURPLE_TYPE_INT);
        purple_sys::purple_value_set_int(value, 7);
        purple_sys::purple_status_type_add_attr(kind, id, name, value);
        let status = purple_status_new(kind, std::ptr::dangling_mut());
        let before = get(status, id);
        purple_sys::purple_status_set_attr_int(status, id, 9);
        let after = get(status, id);
        purple_status_destroy(status);
        purple_sys::purple_status_type_destroy(kind);
        (before, after) == (7, 9)
    }
}
