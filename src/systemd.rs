//! Words with the service manager (sd_notify(3)): ready, stopping, still alive; without one every word is dropped.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The socket of the service manager.
#[derive(Debug)]
pub(crate) struct Manager {
    to: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// From `NOTIFY_SOCKET` (a path, or `@` and an abstract name), `WATCHDOG_USEC` and `WATCHDOG_PID`. To be called before libpurple is
    /// started: from then on this process may open no connection that the egress rules do not know, and this one is none of them.
    pub(crate) fn from_env() -> Self {
        let address = std::env::var_os("NOTIFY_SOCKET").and_then(|name| match name.as_bytes() {
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok(),
            _ => SocketAddr::from_pathname(&name).ok(),
        });
        let connected = |address: SocketAddr| {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            std::io::Result::Ok(socket)
        };
        let to = address.and_then(|address| match connected(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                log::warn!("cannot speak with the service manager: {error}");
                None
            }
        });
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let mine = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|n| mine && *n > 0).map(Duration::from_micros);
        Self { to, watchdog }
    }

    /// Sends `text`, as `READY=1`.
    pub(crate) fn say(&self, text: &str) {
        if let Some(socket) = &self.to
            && let Err(error) = socket.send(text.as_bytes())
        {
            log::warn!("cannot tell the service manager {text}: {error}");
        }
    }

    /// Carries out work of the start that may take long, as bringing a database up to date: every `period` the manager is asked for a minute more.
    pub(crate) async fn patiently<T>(&self, period: Duration, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            self.say("EXTEND_TIMEOUT_USEC=60000000");
            if let Ok(done) = tokio::time::timeout(period, &mut work).await {
                return done;
            }
        }
    }

    /// How often a sign of life is due: half of what the manager waits.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.to.as_ref().and(self.watchdog).map(|d| d / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_takes_long_is_given_time_again_and_again() {
        let (mine, theirs) = UnixDatagram::pair().unwrap();
        let manager = Manager { to: Some(mine), watchdog: None };
        // Ends when the manager has heard of it three times.
        let work = tokio::task::spawn_blocking(move || {
            let mut words = Vec::new();
            for _ in 0..3 {
                let mut buffer = [0; 100];
                let length = theirs.recv(&mut buffer).unwrap();
                words.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
            words
        });
        let words = manager.patiently(Duration::from_millis(10), work).await.unwrap();
        assert_eq!(words, ["EXTEND_TIMEOUT_USEC=60000000"; 3]);
    }
}
