//! System calls that a process asks another to make for it: the kernel's question, and the answer to it; what is answered is not decided here.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A call that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The kernel's name for it.
    pub id: u64,
    /// The thread that waits; by its number, another may have that when the thread is gone.
    pub thread: u32,
    /// Its number.
    pub call: i64,
    /// What the call was given.
    pub arguments: [u64; 6],
}

/// Confines the calling thread, and all that it starts, by a filter that may say SECCOMP_RET_USER_NOTIF; what it does is asked at the
/// descriptor. no_new_privs has to be set.
///
/// # Errors
/// The kernel is older than 5.0, refuses the program, or this thread has such a descriptor already.
pub fn ask_about(program: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let length = libc::c_ushort::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // A signal to the thread that waits would else have the call made twice; kernels before 5.19 cannot hold it back.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    install(&program, flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV).or_else(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => install(&program, flags),
        _ => Err(error),
    })
}

fn install(program: &libc::sock_fprog, flags: libc::c_ulong) -> io::Result<OwnedFd> {
    let operation = libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
    // SAFETY: the program lives through the call, in which the kernel copies it.
    let descriptor = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, std::ptr::from_ref(program)) };
    match i32::try_from(descriptor) {
        // SAFETY: the kernel has just made it, for us alone.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The next question at a descriptor that is readable.
///
/// # Errors
/// ENOENT when the thread that asked has gone meanwhile.
pub fn question(listener: BorrowedFd<'_>) -> io::Result<Question> {
    // SAFETY: a plain C struct, which the kernel wants zeroed.
    let mut asked: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills in a struct of that size.
    if unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Question { id: asked.id, thread: asked.pid, call: asked.data.nr.into(), arguments: asked.data.args })
}

/// Whether the thread still waits: what was found by its number since the question came was really its own.
pub fn stands(listener: BorrowedFd<'_>, question: &Question) -> bool {
    // SAFETY: the kernel reads 64 bits.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const question.id) == 0 }
}

/// Lets the call return 0, or fail with this errno. One who has gone is not told.
pub fn answer(listener: BorrowedFd<'_>, question: &Question, outcome: Result<(), i32>) {
    let error = outcome.err().map_or(0, |errno| -errno);
    let mut told = libc::seccomp_notif_resp { id: question.id, val: 0, error, flags: 0 };
    // SAFETY: the kernel reads a struct of that size.
    if unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut told) } < 0 {
        log::debug!(target: "bridge", "an answer came too late: {}", io::Error::last_os_error());
    }
}
