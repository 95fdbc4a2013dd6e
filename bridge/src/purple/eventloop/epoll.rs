//! One epoll set: the system calls and nothing else; who watches what is not known here.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub(super) use libc::epoll_event as Event;

/// What became of telling the kernel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    /// No such registration: the descriptor was closed, and the number may be another file's now.
    Missing,
    /// There is a registration already.
    Present,
    /// A regular file: always ready.
    Unpollable,
    /// Not an open descriptor.
    Closed,
    /// Anything else, by errno.
    Failed(i32),
}

pub(super) struct Epoll(OwnedFd);

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers.
        let raw = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: new, and ours alone.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(raw) }))
    }

    pub(super) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Puts a new set in the place of this one, under the same number: GLib polls the number.
    pub(super) fn replace(&self, fresh: &Self) -> io::Result<()> {
        // SAFETY: two open descriptors of ours.
        let done = unsafe { libc::dup3(fresh.raw(), self.raw(), libc::O_CLOEXEC) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn control(&self, operation: i32, fd: RawFd, events: u32, data: u64) -> Told {
        let mut event = Event { events, u64: data };
        // SAFETY: the event lives through the call; the kernel checks the descriptor.
        if unsafe { libc::epoll_ctl(self.raw(), operation, fd, &raw mut event) } == 0 {
            return Told::Done;
        }
        match io::Error::last_os_error().raw_os_error().unwrap_or(0) {
            libc::ENOENT => Told::Missing,
            libc::EEXIST => Told::Present,
            libc::EPERM => Told::Unpollable,
            libc::EBADF => Told::Closed,
            other => Told::Failed(other),
        }
    }

    pub(super) fn add(&self, fd: RawFd, events: u32, data: u64) -> Told {
        self.control(libc::EPOLL_CTL_ADD, fd, events, data)
    }

    pub(super) fn change(&self, fd: RawFd, events: u32, data: u64) -> Told {
        self.control(libc::EPOLL_CTL_MOD, fd, events, data)
    }

    pub(super) fn remove(&self, fd: RawFd) -> Told {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    /// Fills `events` with what is ready now, never waiting, and answers how many there are.
    pub(super) fn ready(&self, events: &mut [Event]) -> usize {
        let room = i32::try_from(events.len()).unwrap_or(i32::MAX);
        // SAFETY: the kernel writes at most `room` events.
        let count = unsafe { libc::epoll_wait(self.raw(), events.as_mut_ptr(), room, 0) };
        usize::try_from(count).unwrap_or(0)
    }
}
