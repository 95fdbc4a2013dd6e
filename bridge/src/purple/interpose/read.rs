//! `read`, for all the code in this process: bytes of some connections are handed over by the piece (`sip.rs`); all else is read as it is.

use super::super::{ffi, sip};
use libc::{c_int, c_void, size_t, ssize_t};

pub(super) type Read = unsafe extern "C" fn(c_int, *mut c_void, size_t) -> ssize_t;

/// read(2) itself: also in signal handlers, and before anything has been looked up.
///
/// # Safety
/// As read(2).
unsafe fn plain(fd: c_int, buffer: *mut c_void, size: size_t) -> ssize_t {
    // SAFETY: the caller's own arguments; the result of a read fits its type.
    unsafe { libc::syscall(libc::SYS_read, fd, buffer, size) as ssize_t }
}

/// # Safety
/// As read(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, size: size_t) -> ssize_t {
    if !sip::is_anybody() {
        // SAFETY: read's contract.
        return unsafe { plain(fd, buffer, size) };
    }
    let share = ffi::guard_or("read", || None, || piece(fd, size));
    // SAFETY: read's contract, for no more bytes.
    let got = unsafe { plain(fd, buffer, share.unwrap_or(size)) };
    if share.is_some_and(|share| usize::try_from(got).ok() != Some(share)) {
        sip::lost(fd);
    }
    got
}

/// How many bytes are to be read of what has come on a socket; `None` for as many as there are.
fn piece(fd: c_int, size: size_t) -> Option<usize> {
    let mut seen = [0_u8; sip::SEEN];
    // SAFETY: the buffer is as long as it says or longer; what has come stays in the socket.
    let there = unsafe { libc::recv(fd, seen.as_mut_ptr().cast(), seen.len().min(size), libc::MSG_PEEK | libc::MSG_DONTWAIT) };
    let there = usize::try_from(there).ok().filter(|there| *there > 0)?;
    sip::share(fd, &seen[..there])
}
