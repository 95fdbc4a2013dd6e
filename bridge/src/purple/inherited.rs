//! Takes the listening sockets that a service manager hands down (sd_listen_fds(3)). Does not say what they are for, and does not accept.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The first descriptor that is handed down.
const FIRST: RawFd = 3;
/// More than any service needs.
const MOST: RawFd = 16;
const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// A listening stream socket, closed on exec, with the name that the service manager gives it; empty without one.
#[derive(Debug)]
pub struct Inherited {
    /// `FileDescriptorName=` of the socket unit; without that, the unit's own name.
    pub name: String,
    /// The socket.
    pub socket: OwnedFd,
}

/// The sockets of this process, once: the variables that name them are taken out of the environment. To be called in `main` after
/// [`super::prepare_process`], before any thread and before a descriptor is opened.
///
/// # Errors
/// A number of descriptors that makes no sense, or one that is no listening stream socket.
pub fn inherited_sockets() -> io::Result<Vec<Inherited>> {
    let variables = VARIABLES.map(|name| std::env::var(name).ok());
    for name in VARIABLES {
        // SAFETY: there is no other thread yet, by this function's contract, and C code runs on none.
        unsafe { std::env::remove_var(name) };
    }
    let [pid, count, names] = variables;
    // The variables are for another process, which passed its environment on.
    if pid.and_then(|pid| pid.parse().ok()) != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let count: RawFd = count.as_deref().unwrap_or("0").parse().map_err(|_| wrong("LISTEN_FDS is not a number"))?;
    if !(0..=MOST).contains(&count) {
        return Err(wrong(&format!("LISTEN_FDS is {count}; at most {MOST} sockets can be used")));
    }
    let names = names.unwrap_or_default();
    let mut names = names.split(':');
    (FIRST..FIRST + count).map(|number| take(number, names.next().unwrap_or_default())).collect()
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}

fn take(number: RawFd, name: &str) -> io::Result<Inherited> {
    // SAFETY: a number; one that is no open descriptor is told as an error.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: an open descriptor that the service manager gave to this process, and that nothing here owns yet: each is taken once, since the
    // variables are gone.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    let listens =
        rustix::net::sockopt::socket_type(&socket)? == rustix::net::SocketType::STREAM && rustix::net::sockopt::socket_acceptconn(&socket)?;
    if !listens {
        return Err(wrong(&format!("the socket `{name}` is not a stream socket that listens")));
    }
    Ok(Inherited { name: name.to_owned(), socket })
}
