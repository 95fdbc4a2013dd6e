//! The daemon as the tables start it: without limits, allowed to reach loopback, with further settings as flags; and what it says of its workers.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use crate::http::Http;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How polls are held, in ms: the longest there is, so that their renewal does not fall into what is measured. Its own cost is a line of the
/// table of workers.
pub(crate) const HOLD_MS: u64 = 55_000;

/// Lines of a daemon's log in an error.
const SAID: usize = 12;

/// A running daemon; gone when dropped.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) port: u16,
    admin: u16,
    log: PathBuf,
    _dir: Scratch,
}

impl Daemon {
    /// Starts it with these flags of `bellflower serve` besides.
    pub(crate) async fn start(binary: &Path, flags: &[&str]) -> Outcome<Self> {
        let dir = Scratch::new("daemon")?;
        let (port, admin) = (free_port()?, free_port()?);
        let config = dir.0.join("bellflower.toml");
        let limits = [
            "users",
            "guests_per_address",
            "strangers_per_hour",
            "logins_per_minute",
            "connections_per_address",
            "connections",
            "attaches_per_minute",
            "commands_per_second",
            "requests_per_second",
            "registrations_per_minute",
        ];
        let limits: String = limits.iter().map(|limit| format!("{limit} = 0\n")).collect();
        let data = dir.0.display();
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nadmin_listen = \"127.0.0.1:{admin}\"\ndata_dir = \"{data}\"\nguests = true\nregistration = \"open\"\nhold_ms = {HOLD_MS}\n\
             [egress]\nallow = [\"127.0.0.0/8\"]\n[limits]\n{limits}"
        );
        std::fs::write(&config, text)?;
        let log = dir.0.join("log");
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(&config).args(flags);
        if !is_root() {
            // A worker's memory is hidden from its own user unless it may leave a core file.
            command.args(["--worker-core", "true"]);
        }
        let mut process = Process::start(command, &log)?;
        listening(port, &mut process, &log).await?;
        Ok(Self { process, port, admin, log, _dir: dir })
    }

    /// The workers' reports, from the admin's listener; none when libpurple runs in the daemon itself.
    pub(crate) async fn workers(&self) -> Outcome<Vec<Value>> {
        let mut http = Http::connect(self.admin).await?;
        let stats: Value = serde_json::from_str(http.ask("GET", "/stats", None).await?)?;
        match stats.get("workers") {
            Some(Value::Array(workers)) => Ok(workers.clone()),
            other => Err(format!("/stats with the workers {other:?}").into()),
        }
    }

    /// An error with what the daemon complained of.
    pub(crate) fn explain(&self, error: impl std::fmt::Display) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        // The first to go wrong says more than the last.
        let bad: Vec<&str> = log
            .lines()
            .filter(|line| ["WARN  bellflower", "WARN bridge", " ERROR "].iter().any(|word| line.contains(word)))
            .take(SAID)
            .collect();
        if bad.is_empty() { error.to_string() } else { format!("{error}; the daemon said:\n{}", bad.join("\n")) }
    }
}

/// Whether the memory of processes that hide it can be read.
pub(crate) fn is_root() -> bool {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() == 0 }
}
