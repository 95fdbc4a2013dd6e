//! The two ends of the bridge that the rest of the program holds: send commands, receive batches of events; nothing here knows libpurple.

use crate::command::Command;
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::event::Batch;
use crate::model::{PluginReport, Protocol};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// What libpurple offers, told once at start.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The networks.
    pub protocols: Vec<Protocol>,
    /// Every plugin file looked at.
    pub plugins: Vec<PluginReport>,
    /// libpurple's version.
    pub version: String,
}

/// Why a command was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejected {
    /// Too many wait; try again later. The command comes back.
    Busy(Box<Command>),
    /// The bridge has ended.
    Closed,
}

/// Sends commands to the libpurple thread. Cheap to clone; any thread.
#[derive(Clone)]
pub struct BridgeHandle {
    pub(crate) mailbox: crate::purple::MailboxSender,
    pub(crate) catalogue: Arc<Catalogue>,
}

impl BridgeHandle {
    /// Queues a command; never waits. Commands are performed in the order of sending.
    pub fn send(&self, command: Command) -> Result<(), Rejected> {
        self.mailbox.send(command)
    }

    /// How many more commands the mailbox takes right now.
    pub fn room(&self) -> usize {
        self.mailbox.room()
    }

    /// What libpurple offers.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A ping through the libpurple loop: resolves after one turn of it.
    pub fn ping(&self) -> tokio::sync::oneshot::Receiver<()> {
        self.mailbox.ping()
    }

    /// Signs everything off and ends the thread; the event channel closes after the last event. Idempotent.
    pub fn quit(&self) {
        self.mailbox.quit();
    }
}

/// The other end of a handle without libpurple: what was sent, for whoever plays the bridge (tests of the web side).
pub struct Detached(crate::purple::MailboxSender);

impl Detached {
    /// The commands sent so far, oldest first; they are taken out of the mailbox. Pings are answered.
    pub fn take(&self) -> Vec<Command> {
        self.0.take_commands()
    }
}

impl BridgeHandle {
    /// A handle that leads to no libpurple, with room for so many commands.
    pub fn detached(capacity: usize, catalogue: Catalogue) -> (Self, Detached) {
        let mailbox = crate::purple::MailboxSender::new(capacity);
        (Self { mailbox: mailbox.clone(), catalogue: Arc::new(catalogue) }, Detached(mailbox))
    }
}

/// The bridge as it is handed to its owner.
pub struct Bridge {
    /// For commands.
    pub handle: BridgeHandle,
    /// The events; unbounded, since the libpurple thread never waits.
    pub events: UnboundedReceiver<Batch>,
    /// The thread, to be joined after [`BridgeHandle::quit`].
    pub thread: std::thread::JoinHandle<()>,
}

/// Starts libpurple on a thread of its own. Once per process.
///
/// # Errors
/// [`StartError`] says what to do; nothing of libpurple is left running then.
pub fn start(config: BridgeConfig) -> Result<Bridge, StartError> {
    crate::purple::start(config)
}
