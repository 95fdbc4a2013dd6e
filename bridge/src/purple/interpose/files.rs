//! What libpurple would write to its user directory and listen on, refused in its stead; it knows no users and no contents.

use super::super::ffi;
use super::next::Next;
use purple_sys::{PurpleNetworkListenCallback, PurpleNetworkListenData, gboolean, gchar, gpointer, gssize};
use std::ffi::{c_int, c_ushort};
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) type Listen =
    unsafe extern "C" fn(c_ushort, c_int, c_int, PurpleNetworkListenCallback, gpointer) -> *mut PurpleNetworkListenData;
pub(super) type ListenRange =
    unsafe extern "C" fn(c_ushort, c_ushort, c_int, c_int, PurpleNetworkListenCallback, gpointer) -> *mut PurpleNetworkListenData;

// SAFETY: libpurple's declaration.
static LISTEN: Next<Listen> = unsafe { Next::new(c"purple_network_listen_family") };
// SAFETY: libpurple's declaration.
static LISTEN_RANGE: Next<ListenRange> = unsafe { Next::new(c"purple_network_listen_range_family") };

static MAY_LISTEN: AtomicBool = AtomicBool::new(false);

/// Whether protocols may open listening sockets (file transfers of IRC, XMPP's own side of SOCKS5, SIMPLE), on every interface.
pub(super) fn let_listen(may: bool) {
    MAY_LISTEN.store(may, Ordering::Relaxed);
}

/// `purple_util_write_data_to_file` in libpurple's stead: nothing is written and success is reported. status.xml, pounces.xml, smileys.xml and
/// xmpp-caps.xml of one user are no business of the disk or of the next user (hazard 36).
#[unsafe(no_mangle)]
pub(super) extern "C" fn purple_util_write_data_to_file(_name: *const gchar, _data: *const gchar, _size: gssize) -> gboolean {
    glib_sys::GTRUE
}

/// `purple_network_listen_family` (which `purple_network_listen` calls) in libpurple's stead: NULL, which its callers take for a port that is not free, unless listening is configured.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_network_listen_family(
    port: c_ushort,
    socket_family: c_int,
    socket_type: c_int,
    callback: PurpleNetworkListenCallback,
    data: gpointer,
) -> *mut PurpleNetworkListenData {
    ffi::guard("purple_network_listen_family", std::ptr::null_mut(), || match LISTEN.get() {
        // SAFETY: the caller's own arguments.
        Some(real) if MAY_LISTEN.load(Ordering::Relaxed) => unsafe { real(port, socket_family, socket_type, callback, data) },
        _ => refuse_to_listen(),
    })
}

/// `purple_network_listen_range_family` in libpurple's stead, likewise.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_network_listen_range_family(
    start: c_ushort,
    end: c_ushort,
    socket_family: c_int,
    socket_type: c_int,
    callback: PurpleNetworkListenCallback,
    data: gpointer,
) -> *mut PurpleNetworkListenData {
    ffi::guard("purple_network_listen_range_family", std::ptr::null_mut(), || match LISTEN_RANGE.get() {
        // SAFETY: the caller's own arguments.
        Some(real) if MAY_LISTEN.load(Ordering::Relaxed) => unsafe { real(start, end, socket_family, socket_type, callback, data) },
        _ => refuse_to_listen(),
    })
}

fn refuse_to_listen() -> *mut PurpleNetworkListenData {
    log::debug!(target: "bridge", "a protocol wanted to listen for connections; that is not configured");
    std::ptr::null_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn never(_: c_int, _: gpointer) {}

    #[test]
    fn nothing_is_written_and_all_is_well() {
        // libpurple's own function writes below this directory and says the same.
        let directory = std::env::temp_dir().join(format!("bellflower-files-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = ffi::in_process(&directory.to_string_lossy());
        // Through libpurple's name, as libpurple itself would get there.
        // SAFETY: live C strings, which libpurple copies.
        let answer = unsafe {
            purple_sys::purple_util_set_user_dir(path.as_ptr());
            purple_sys::purple_util_write_data_to_file(c"status.xml".as_ptr(), c"<x/>".as_ptr(), -1)
        };
        let written = std::fs::read_dir(&directory).unwrap().count();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!((answer, written), (1, 0));
    }

    #[test]
    fn nobody_listens() {
        // One that is free: libpurple itself refuses 0.
        let port = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        // SAFETY: a callback that is never called.
        let one = unsafe { purple_sys::purple_network_listen(port, libc::SOCK_STREAM, Some(never), std::ptr::null_mut()) };
        // SAFETY: likewise.
        let range = unsafe { purple_sys::purple_network_listen_range(port, port, libc::SOCK_STREAM, Some(never), std::ptr::null_mut()) };
        assert!(one.is_null() && range.is_null());
    }
}
