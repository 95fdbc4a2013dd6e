//! What can go wrong on this side of the channels, as data for the user who caused it, and start-up errors for the admin.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a command failed, or an account is not online. `code` is for programs, `message` for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CommandError {
    /// snake_case; all are listed in the wire's `ERROR_CODES`.
    pub code: String,
    /// A sentence that says what to do.
    pub message: String,
    /// The argument that is at fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
}

impl CommandError {
    /// An error without a field.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), field: None }
    }

    /// The same error, blamed on an argument.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for CommandError {}

/// Why libpurple could not be started; told before any port is bound.
#[derive(Debug)]
pub enum StartError {
    /// A second libpurple in one process: it is a singleton.
    AlreadyStarted,
    /// The libpurple at run time does not fit the one built against.
    Version {
        /// Version of the headers.
        built: String,
        /// What libpurple says of the difference.
        reason: String,
    },
    /// The private directory could not be made.
    Directory(std::path::PathBuf, std::io::Error),
    /// The thread could not be started.
    Thread(std::io::Error),
    /// `purple_core_init` said no.
    Core,
    /// A symbol that has to be answered by the executable was not: the egress check would be void.
    Interposition(&'static str),
    /// The event loop could not be set up.
    EventLoop(std::io::Error),
    /// Trust roots or TLS configuration.
    Tls(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => write!(f, "libpurple is already running in this process"),
            Self::Version { built, reason } => {
                write!(
                    f,
                    "this libpurple does not fit: Bellflower was built for {built}, and libpurple says: {reason}; install libpurple {built} or rebuild"
                )
            }
            Self::Directory(path, error) => write!(f, "cannot make the private directory {}: {error}", path.display()),
            Self::Thread(error) => write!(f, "cannot start the libpurple thread: {error}"),
            Self::Core => write!(f, "libpurple's core did not initialise; run with RUST_LOG=libpurple=debug to see why"),
            Self::Interposition(what) => {
                write!(
                    f,
                    "the self-test of the network guard failed ({what}): libpurple's connections would not be checked, so the daemon does not start"
                )
            }
            Self::EventLoop(error) => write!(f, "cannot set up the event loop: {error}"),
            Self::Tls(reason) => write!(f, "cannot set up TLS: {reason}"),
        }
    }
}

impl std::error::Error for StartError {}
