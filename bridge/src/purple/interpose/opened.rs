//! `open` and its like, for all the code in this process: what they do is libc's; what the sandbox refuses of it is told (`refused.rs`).

use super::super::{ffi, refused};
use super::next::Next;
use libc::{DIR, FILE, c_char, c_int, mode_t};
use std::ffi::CStr;

/// The third argument is read by libc only where a file is made: variadic functions get it where others do.
pub(super) type Open = unsafe extern "C" fn(*const c_char, c_int, mode_t) -> c_int;
pub(super) type FileOpen = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut FILE;
pub(super) type OpenDirectory = unsafe extern "C" fn(*const c_char) -> *mut DIR;
pub(super) type MakeDirectory = unsafe extern "C" fn(*const c_char, mode_t) -> c_int;

// SAFETY: open(2).
static OPEN: Next<Open> = unsafe { Next::new(c"open") };
// SAFETY: open(2).
static OPEN64: Next<Open> = unsafe { Next::new(c"open64") };
// SAFETY: fopen(3).
static FOPEN: Next<FileOpen> = unsafe { Next::new(c"fopen") };
// SAFETY: fopen(3).
static FOPEN64: Next<FileOpen> = unsafe { Next::new(c"fopen64") };
// SAFETY: opendir(3).
static OPENDIR: Next<OpenDirectory> = unsafe { Next::new(c"opendir") };
// SAFETY: mkdir(2).
static MKDIR: Next<MakeDirectory> = unsafe { Next::new(c"mkdir") };

/// Tells of a call that has just failed, where the sandbox may be why. errno stays as it is.
///
/// # Safety
/// A C string or NULL.
unsafe fn failed(path: *const c_char, to_write: bool) {
    // SAFETY: the calling thread's own errno.
    let errno = unsafe { *libc::__errno_location() };
    if errno == libc::EACCES && !path.is_null() {
        // SAFETY: the caller's promise.
        ffi::guard("open", (), || refused::a_file(unsafe { CStr::from_ptr(path) }, to_write));
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn none<T>() -> *mut T {
    // SAFETY: the calling thread's own errno.
    unsafe { *libc::__errno_location() = libc::ENOSYS };
    std::ptr::null_mut()
}

unsafe fn open_with(real: Option<Open>, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let Some(real) = real else {
        none::<FILE>();
        return -1;
    };
    // SAFETY: the caller's own arguments.
    unsafe {
        let descriptor = real(path, flags, mode);
        if descriptor < 0 {
            failed(path, flags & libc::O_ACCMODE != libc::O_RDONLY);
        }
        descriptor
    }
}

unsafe fn fopen_with(real: Option<FileOpen>, path: *const c_char, mode: *const c_char) -> *mut FILE {
    let Some(real) = real else { return none() };
    // SAFETY: the caller's own arguments; a mode is a C string.
    unsafe {
        let file = real(path, mode);
        if file.is_null() && !mode.is_null() {
            failed(path, CStr::from_ptr(mode).to_bytes() != b"r" && !CStr::from_ptr(mode).to_bytes().starts_with(b"rb"));
        }
        file
    }
}

/// open(2) in libc's stead.
///
/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_with(OPEN.get(), path, flags, mode) }
}

/// open64(2) in libc's stead.
///
/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: passed on.
    unsafe { open_with(OPEN64.get(), path, flags, mode) }
}

/// fopen(3) in libc's stead.
///
/// # Safety
/// As fopen(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: passed on.
    unsafe { fopen_with(FOPEN.get(), path, mode) }
}

/// fopen64(3) in libc's stead.
///
/// # Safety
/// As fopen(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: passed on.
    unsafe { fopen_with(FOPEN64.get(), path, mode) }
}

/// opendir(3) in libc's stead.
///
/// # Safety
/// As opendir(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    let Some(real) = OPENDIR.get() else { return none() };
    // SAFETY: the caller's own argument.
    unsafe {
        let directory = real(path);
        if directory.is_null() {
            failed(path, false);
        }
        directory
    }
}

/// mkdir(2) in libc's stead.
///
/// # Safety
/// As mkdir(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    let Some(real) = MKDIR.get() else {
        none::<FILE>();
        return -1;
    };
    // SAFETY: the caller's own arguments.
    unsafe {
        let made = real(path, mode);
        if made != 0 {
            failed(path, true);
        }
        made
    }
}
