//! The signals of the daemon: which end it, which make it read its settings again, and which do nothing. Ends and reads nothing itself.

use crate::error::Failure;
use std::io::IsTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    End(&'static str),
    Reload,
}

/// Those that are waited for.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    one: Signal,
    two: Signal,
    alarm: Signal,
    /// Started from a terminal, whose end is the daemon's.
    on_terminal: bool,
}

impl Signals {
    /// To be made before anything is started: until then most of them end the process.
    pub(crate) fn new() -> Result<Self, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::System("signals", error));
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            quit: of(SignalKind::quit())?,
            hang_up: of(SignalKind::hangup())?,
            one: of(SignalKind::user_defined1())?,
            two: of(SignalKind::user_defined2())?,
            alarm: of(SignalKind::alarm())?,
            on_terminal: std::io::stderr().is_terminal(),
        })
    }

    /// The next that asks for something.
    pub(crate) async fn next(&mut self) -> Asked {
        loop {
            let idle = tokio::select! {
                _ = self.terminate.recv() => return Asked::End("SIGTERM"),
                _ = self.interrupt.recv() => return Asked::End("SIGINT"),
                _ = self.quit.recv() => return Asked::End("SIGQUIT"),
                _ = self.hang_up.recv() => {
                    // A terminal that was closed is none any more.
                    let is_gone = self.on_terminal && !std::io::stderr().is_terminal();
                    return if is_gone { Asked::End("SIGHUP") } else { Asked::Reload };
                }
                _ = self.one.recv() => "SIGUSR1",
                _ = self.two.recv() => "SIGUSR2",
                _ = self.alarm.recv() => "SIGALRM",
            };
            log::info!("{idle}: nothing is done on it; SIGHUP reads the settings again, SIGTERM ends the daemon");
        }
    }

    /// The next that asks for the end.
    pub(crate) async fn end(&mut self) -> &'static str {
        loop {
            if let Asked::End(name) = self.next().await {
                return name;
            }
        }
    }
}
