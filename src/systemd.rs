//! Words with the service manager (sd_notify(3)): ready, stopping, still alive; without one every word is dropped.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The socket of the service manager.
#[derive(Debug)]
pub(crate) struct Manager {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// From `NOTIFY_SOCKET` (a path, or `@` and an abstract name), `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub(crate) fn from_env() -> Self {
        let address = std::env::var_os("NOTIFY_SOCKET").and_then(|name| match name.as_bytes() {
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok(),
            _ => SocketAddr::from_pathname(&name).ok(),
        });
        let to = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let mine = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|n| mine && *n > 0).map(Duration::from_micros);
        Self { to, watchdog }
    }

    /// Sends `text`, as `READY=1`.
    pub(crate) fn say(&self, text: &str) {
        if let Some((socket, address)) = &self.to
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            log::warn!("cannot tell the service manager {text}: {error}");
        }
    }

    /// How often a sign of life is due: half of what the manager waits.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.to.as_ref().and(self.watchdog).map(|d| d / 2)
    }
}
