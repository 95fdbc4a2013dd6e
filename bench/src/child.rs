//! A process that this program started: ends with it, by process id; what it prints is kept in a file.

use crate::Outcome;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Killed when dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`; its output goes to `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> Outcome<Self> {
        let out = File::create(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        // SAFETY: prctl is async-signal-safe; it makes the child end with this program.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let child = command.spawn().map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory of this run's, gone when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // No two share a name: processes of one that is over may still write to it.
        let number = MADE.fetch_add(1, Relaxed);
        let path = std::env::temp_dir().join(format!("bellflower-bench-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left-overs in the temporary directory do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port on loopback that nobody listens on right now.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until somebody listens there, at most 30 s.
pub(crate) async fn listening(port: u16, process: &mut Process, log: &Path) -> Outcome<()> {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        if !process.running() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(format!("nothing listens on port {port}; it said: {}", std::fs::read_to_string(log).unwrap_or_default()).into())
}
