//! Libpurple's calls around transfers: its connections get a handle, and what a protocol does in the middle of its own work waits until that is
//! over. Moves no bytes, judges no address (see `socket.rs`).

use super::super::ffi;
use super::super::token::OnPurple;
use super::super::transfer::{self, Cancel};
use super::next::Next;
use purple_sys::{
    PurpleAccount, PurpleProxyConnectData, PurpleProxyConnectFunction, PurpleXfer, PurpleXferType, gchar, gpointer, gssize, guchar,
};
use std::ffi::{c_int, c_void};

pub(super) type Connect = unsafe extern "C" fn(
    *mut c_void,
    *mut PurpleAccount,
    *const gchar,
    c_int,
    PurpleProxyConnectFunction,
    gpointer,
) -> *mut PurpleProxyConnectData;
pub(super) type OfXfer = unsafe extern "C" fn(*mut PurpleXfer);
pub(super) type Read = unsafe extern "C" fn(*mut PurpleXfer, *mut *mut guchar) -> gssize;
pub(super) type Complain = unsafe extern "C" fn(PurpleXferType, *mut PurpleAccount, *const gchar, *const gchar);

// SAFETY: libpurple's declaration.
static CONNECT: Next<Connect> = unsafe { Next::new(c"purple_proxy_connect") };
// SAFETY: libpurple's declaration.
static PRPL_READY: Next<OfXfer> = unsafe { Next::new(c"purple_xfer_prpl_ready") };
// SAFETY: libpurple's declaration.
static READ: Next<Read> = unsafe { Next::new(c"purple_xfer_read") };
// SAFETY: libpurple's declaration.
static CANCEL_LOCAL: Next<OfXfer> = unsafe { Next::new(c"purple_xfer_cancel_local") };
// SAFETY: libpurple's declaration.
static CANCEL_REMOTE: Next<OfXfer> = unsafe { Next::new(c"purple_xfer_cancel_remote") };

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

/// `purple_xfer_prpl_ready` in libpurple's stead: received bytes are fetched on a later turn. Libjabber counts them in its session after this
/// call, and the last of a file free that session. For a file that a protocol has cancelled, nothing is fetched or sent.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_xfer_prpl_ready(xfer: *mut PurpleXfer) {
    let later = ffi::guard("purple_xfer_prpl_ready", false, || OnPurple::here().is_some_and(|token| transfer::has_bytes(token, xfer)));
    if !later {
        prpl_ready(xfer);
    }
}

/// `purple_xfer_read` in libpurple's stead: libpurple goes on as though nobody had asked when a read brings no bytes, and keeps the buffer.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_xfer_read(xfer: *mut PurpleXfer, buffer: *mut *mut guchar) -> gssize {
    let Some(real) = READ.get() else { return -1 };
    if buffer.is_null() || !transfer::is_open(xfer) {
        // SAFETY: the caller's own arguments.
        return unsafe { real(xfer, buffer) };
    }
    // SAFETY: the caller gives a place for a pointer. A protocol asks errno after a read that has met the end of a stream, which does not set it
    // (libjabber's links).
    let count = unsafe {
        *buffer = std::ptr::null_mut();
        *libc::__errno_location() = 0;
        real(xfer, buffer)
    };
    ffi::guard("purple_xfer_read", count, || {
        if count == 0 {
            // SAFETY: the buffer of a read is the caller's to free, which libpurple does only when there are bytes in it.
            unsafe { glib_sys::g_free(std::mem::replace(&mut *buffer, std::ptr::null_mut()).cast()) };
        }
        if let Some(token) = OnPurple::here() {
            transfer::came(token, xfer, count);
        }
        count
    })
}

/// `purple_xfer_cancel_local` in libpurple's stead: done on a later turn, since its caller goes on using the transfer.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_xfer_cancel_local(xfer: *mut PurpleXfer) {
    if !put_off("purple_xfer_cancel_local", xfer, Cancel::Local) {
        cancel_local(xfer);
    }
}

/// `purple_xfer_cancel_remote` in libpurple's stead: likewise.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_xfer_cancel_remote(xfer: *mut PurpleXfer) {
    if !put_off("purple_xfer_cancel_remote", xfer, Cancel::Remote) {
        cancel_remote(xfer);
    }
}

fn put_off(name: &'static str, xfer: *mut PurpleXfer, by: Cancel) -> bool {
    ffi::guard(name, false, || OnPurple::here().is_some_and(|token| transfer::cancelled(token, xfer, by)))
}

/// `purple_xfer_error` in libpurple's stead: the end of a transfer is told with the transfer, and no dialog beside it.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_xfer_error(_: PurpleXferType, _: *mut PurpleAccount, _: *const gchar, message: *const gchar) {
    ffi::guard("purple_xfer_error", (), || {
        // SAFETY: the caller gives a C string or NULL.
        let message = unsafe { ffi::borrowed(message) }.unwrap_or_default();
        log::debug!(target: "bridge", "a transfer ended: {message}");
    });
}

/// Libpurple's own.
pub(in crate::purple) fn prpl_ready(xfer: *mut PurpleXfer) {
    if let Some(real) = PRPL_READY.get() {
        // SAFETY: a live transfer, as every caller here has one.
        unsafe { real(xfer) };
    }
}

/// Libpurple's own.
pub(in crate::purple) fn cancel_local(xfer: *mut PurpleXfer) {
    if let Some(real) = CANCEL_LOCAL.get() {
        // SAFETY: a live transfer, as every caller here has one.
        unsafe { real(xfer) };
    }
}

/// Libpurple's own.
pub(in crate::purple) fn cancel_remote(xfer: *mut PurpleXfer) {
    if let Some(real) = CANCEL_REMOTE.get() {
        // SAFETY: a live transfer, as every caller here has one.
        unsafe { real(xfer) };
    }
}
