//! Gives the connections of transfers, which libpurple makes without a handle, their transfer for one. Judges no address (see `socket.rs`).

use super::super::{ffi, transfer};
use super::next::Next;
use purple_sys::{PurpleAccount, PurpleProxyConnectData, PurpleProxyConnectFunction, gchar, gpointer};
use std::ffi::{c_int, c_void};

pub(super) type Connect = unsafe extern "C" fn(
    *mut c_void,
    *mut PurpleAccount,
    *const gchar,
    c_int,
    PurpleProxyConnectFunction,
    gpointer,
) -> *mut PurpleProxyConnectData;

// SAFETY: libpurple's declaration.
static CONNECT: Next<Connect> = unsafe { Next::new(c"purple_proxy_connect") };

/// `purple_proxy_connect` in libpurple's stead: what has a handle can be cancelled before it calls back to something that is gone.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_proxy_connect(
    handle: *mut c_void,
    account: *mut PurpleAccount,
    host: *const gchar,
    port: c_int,
    connected: PurpleProxyConnectFunction,
    data: gpointer,
) -> *mut PurpleProxyConnectData {
    ffi::guard("purple_proxy_connect", std::ptr::null_mut(), || {
        let Some(real) = CONNECT.get() else { return std::ptr::null_mut() };
        let handle = if handle.is_null() && transfer::is_open(data.cast()) { data } else { handle };
        // SAFETY: the caller's own arguments; a handle is compared and never followed.
        unsafe { real(handle, account, host, port, connected, data) }
    })
}
