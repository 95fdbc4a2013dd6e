//! A worker process: one libpurple for the web process that started it. It keeps no database, key or listening socket, and ends with its parent.

use crate::cli::Worker;
use crate::error::Failure;
use rustix::process::Signal;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// Serves until the parent says quit or is gone.
pub(crate) fn run(worker: &Worker) -> Result<(), Failure> {
    follow(worker.parent).map_err(|error| Failure::System("a worker's tie to its parent", error))?;
    bridge::close_inherited_descriptors();
    bridge::ignore_signals_of_the_service();
    // Keys on the administrator's terminal (Ctrl-C) are for the web process, which signs everybody off first; and nothing here may type there.
    if let Err(error) = rustix::process::setsid() {
        log::debug!("no session of its own: {error}");
    }
    let (socket, blame, judge) =
        descriptors().map_err(|error| Failure::System("a worker's descriptors (it is started by `bellflower serve` only)", error))?;
    let confine = |config: &bridge::config::BridgeConfig, confine: &bridge::frame::Confine| crate::confine::apply(config, confine, judge);
    bridge::handle::serve(socket, Some(blame), confine).map_err(|error| Failure::System("a worker", error))
}

/// Ends when the thread ends that started this process.
fn follow(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let actual = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    // It may have ended before the line above.
    if actual == Some(parent) { Ok(()) } else { Err(io::Error::other("the process that started it is gone")) }
}

/// Takes the two descriptors that were handed down as standard input and output, and leaves nothing there for plugins to read; what they write
/// goes where errors go, to be logged. With the first byte comes a third, when there is someone to make connections for this process.
fn descriptors() -> io::Result<(OwnedFd, OwnedFd, Option<UnixStream>)> {
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 10)?;
    let blame = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 10)?;
    rustix::net::getsockname(&socket)?;
    let judge = crate::fleet::judge::take_descriptor(&socket)?;
    let nothing = std::fs::OpenOptions::new().read(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((socket, blame, judge.map(UnixStream::from)))
}
