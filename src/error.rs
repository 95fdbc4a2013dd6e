//! Why the daemon could not start or do as asked, with an exit code for each sort; every text says what to do.

use crate::config::ConfigError;
use bridge::error::StartError;
use std::fmt;
use std::process::ExitCode;

/// A failure that ends the program.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 2: the settings.
    Config(ConfigError),
    /// 3: libpurple.
    Bridge(StartError),
    /// 4: a port or socket.
    Bind(String, std::io::Error),
    /// 5: the system gave no threads, timers or signals.
    System(&'static str, std::io::Error),
    /// 1: the daemon that was asked is not well.
    Unwell(String),
    /// 3: the first worker did not start.
    Worker(String),
    /// 2: the certificate of the site, or its key.
    Https(String),
    /// 6: libpurple's thread ended by itself.
    Lost,
    /// 7: the database, or a key.
    Store(String),
}

impl Failure {
    /// For service managers and scripts.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unwell(_) => 1,
            Self::Config(_) | Self::Https(_) => 2,
            Self::Bridge(_) | Self::Worker(_) => 3,
            Self::Bind(..) => 4,
            Self::System(..) => 5,
            Self::Lost => 6,
            Self::Store(_) => 7,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Bridge(error) => error.fmt(f),
            Self::Bind(place, error) => {
                let hint = match error.kind() {
                    std::io::ErrorKind::AddrInUse => "; is another Bellflower running? Choose another place with --listen",
                    std::io::ErrorKind::PermissionDenied => "; ports below 1024 and other people's folders need more rights",
                    std::io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
                    std::io::ErrorKind::NotFound => "; the folder does not exist",
                    _ => "",
                };
                write!(f, "cannot listen at {place}: {error}{hint}")
            }
            Self::System(what, error) => write!(f, "cannot set up {what}: {error}{}", crate::limits::hint(error)),
            Self::Worker(reason) => write!(f, "the first worker process did not start: {reason}"),
            Self::Unwell(message) | Self::Store(message) => f.write_str(message),
            Self::Https(message) => write!(f, "cannot serve TLS: {message}"),
            Self::Lost => f.write_str("libpurple's thread has ended by itself; the log says why"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Bridge(error)
    }
}
