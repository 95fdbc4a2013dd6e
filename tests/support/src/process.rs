//! A child process that cannot outlive the test, and free ports for it. It must not know what the process is.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::wait::wait_until;

/// A running child in its own process group. Dropping it ends the group; the kernel ends the child when the thread that started it dies.
pub struct Process {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its error output, and its standard output unless already taken, going to `log`.
    pub fn start(name: &'static str, command: &mut Command, log: &Path, pipe_stdout: bool) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("the log file of a fixture");
        let stdout = if pipe_stdout { Stdio::piped() } else { file.try_clone().expect("a second handle").into() };
        command.stdin(Stdio::null()).stdout(stdout).stderr(file).process_group(0);
        // SAFETY: the closure runs between fork and exec and calls prctl alone, which is async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
            });
        }
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {name} ({:?}): {e}; is it installed? make deps-test", command.get_program()));
        Self { child, name, log: log.to_owned() }
    }

    /// The standard output of a process started with `pipe_stdout`, once.
    pub fn take_stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("the process was started with a piped standard output")
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the process has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends a signal to the process itself.
    pub fn signal(&self, signal: i32) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("process ids fit");
        // SAFETY: kill takes no pointers; the child is not yet reaped, so its id is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    fn signal_group(&self, signal: i32) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("process ids fit");
        // SAFETY: kill takes no pointers; the group is ours, made by process_group(0) at the start.
        unsafe { libc::kill(-pid, signal) };
    }

    /// Whether the process has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("waiting for one's own child")
    }

    /// Asks the process to end and waits; after `patience` the group is killed. Gives the status it ended with.
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        if let Some(status) = self.ended() {
            return status;
        }
        self.signal(libc::SIGTERM);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill()
    }

    /// Ends the process group at once, as a power cut would.
    pub fn kill(&mut self) -> ExitStatus {
        self.signal_group(libc::SIGKILL);
        self.child.wait().unwrap_or_else(|_| ExitStatus::from_raw(libc::SIGKILL))
    }

    /// Waits until something accepts connections on the loopback port, which this process is to do.
    pub fn wait_for_port(&mut self, port: u16) {
        wait_until(&format!("{} on port {port}", self.name), Duration::from_secs(30), || {
            if let Some(status) = self.ended() {
                panic!("{} ended with {status} at its start:\n{}", self.name, self.log());
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.stop(Duration::from_secs(3));
        }
        self.signal_group(libc::SIGKILL);
    }
}

/// A loopback port that nobody listens on, below the range that the kernel gives to outgoing connections.
pub fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        getrandom::fill(&mut random).expect("the system's random numbers");
        let port = 10_000 + u16::from_ne_bytes(random) % 22_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
