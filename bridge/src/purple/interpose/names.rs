//! The names that people give themselves, cut before libpurple keeps them: it copies one, and we tell it, whenever anything of its owner changes.
//! Shows nothing; that is `blist.rs`'s.

use super::super::ffi::guard;
use super::next::Next;
use purple_sys::PurpleConnection;
use std::ffi::{CStr, CString, c_char};

pub(super) type GotAlias = unsafe extern "C" fn(*mut PurpleConnection, *const c_char, *const c_char);

/// Bytes of a name.
const MOST: usize = 1 << 10;

// SAFETY: libpurple's declaration (server.h).
static GOT_ALIAS: Next<GotAlias> = unsafe { Next::new(c"serv_got_alias") };
// SAFETY: libpurple's declaration (server.h).
static GOT_PRIVATE_ALIAS: Next<GotAlias> = unsafe { Next::new(c"purple_serv_got_private_alias") };

/// In libpurple's stead: what somebody calls themselves.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn serv_got_alias(gc: *mut PurpleConnection, who: *const c_char, alias: *const c_char) {
    // SAFETY: the caller's own arguments.
    guard("serv_got_alias", (), || unsafe { pass(&GOT_ALIAS, gc, who, alias) });
}

/// In libpurple's stead: what the user calls them on the server.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_serv_got_private_alias(gc: *mut PurpleConnection, who: *const c_char, alias: *const c_char) {
    // SAFETY: the caller's own arguments.
    guard("purple_serv_got_private_alias", (), || unsafe { pass(&GOT_PRIVATE_ALIAS, gc, who, alias) });
}

/// # Safety
/// As libpurple's.
unsafe fn pass(real: &Next<GotAlias>, gc: *mut PurpleConnection, who: *const c_char, alias: *const c_char) {
    let Some(real) = real.get() else { return };
    // SAFETY: NULL or a C string.
    let cut = if alias.is_null() { None } else { cut(unsafe { CStr::from_ptr(alias) }) };
    let alias = cut.as_ref().map_or(alias, |cut| cut.as_ptr());
    // SAFETY: the caller's own arguments, or a shorter name, which is copied.
    unsafe { real(gc, who, alias) };
}

/// A name that is too long, cut where no character is divided; `None` for all others.
#[allow(clippy::disallowed_methods)] // what came from a network goes back to the plugin that read it
fn cut(name: &CStr) -> Option<CString> {
    let bytes = name.to_bytes();
    let mut end = MOST;
    while bytes.get(end).is_some_and(|byte| (0x80..0xc0).contains(byte)) && end > MOST - 4 {
        end -= 1;
    }
    // A C string has no NUL inside.
    if bytes.len() > MOST { bytes.get(..end).and_then(|bytes| CString::new(bytes).ok()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::super::{ffi, testing::with_core};
    use super::*;

    #[test]
    fn no_character_is_divided() {
        let cut = |text: String| cut(&ffi::in_process(&text)).map(|cut| cut.into_string().unwrap());
        assert_eq!(cut("x".repeat(MOST)), None);
        assert_eq!(cut("x".repeat(MOST + 1)), Some("x".repeat(MOST)));
        assert_eq!(cut(format!("x{}", "🔔".repeat(MOST))), Some(format!("x{}", "🔔".repeat(MOST / 4 - 1))));
    }

    #[test]
    fn libpurple_keeps_no_long_name() {
        with_core("purple::interpose::names::tests::libpurple_keeps_no_long_name", |core| {
            let account = core.account(1, 1);
            // SAFETY: a live account with a connection, and a buddy that the list keeps; strings are copied.
            unsafe {
                let group = purple_sys::purple_group_new(c"Friends".as_ptr());
                let buddy = purple_sys::purple_buddy_new(account, c"bob@localhost".as_ptr(), std::ptr::null());
                purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
                let mut gc = PurpleConnection { account, ..std::mem::zeroed() };
                let long = ffi::in_process(&"B".repeat(1 << 20));
                serv_got_alias(&raw mut gc, c"bob@localhost".as_ptr(), long.as_ptr());
                let kept = ffi::borrowed(purple_sys::purple_buddy_get_server_alias(buddy)).unwrap();
                assert_eq!(kept, "B".repeat(MOST));
            }
        });
    }
}
