//! The two ends of the bridge that the rest of the program holds: send commands, receive batches of events; nothing here knows libpurple.

use crate::command::{AccountSettings, Command};
use crate::config::BridgeConfig;
use crate::error::StartError;
use crate::event::Batch;
use crate::frame::Confine;
use crate::id::{AccountId, UserId};
use crate::model::{PluginReport, Protocol};
use crate::report::{self, Aside, Losses, Report};
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What libpurple offers, told once at start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

/// Where commands go: one libpurple, or a fleet of them. Any thread.
pub trait Networks: Send + Sync {
    /// Queues a command; never waits. `of` is the account that the thing in question belongs to, when it is one's. Commands for one account
    /// are performed in the order of sending.
    ///
    /// # Errors
    /// [`Rejected`]
    fn send(&self, command: Command, of: Option<AccountId>) -> Result<(), Rejected>;

    /// What libpurple offers.
    fn catalogue(&self) -> &Catalogue;

    /// Resolves once the networks are seen to work: after one turn of a libpurple loop.
    fn ping(&self) -> oneshot::Receiver<()>;

    /// Signs everything off and ends; the event channel closes after the last event. Idempotent.
    fn quit(&self);

    /// Each libpurple with its figures.
    fn reports(&self) -> Vec<Report>;

    /// What went wrong with them.
    fn losses(&self) -> Losses;

    /// What is set aside for it now, and why.
    fn aside(&self) -> Vec<Aside>;

    /// An account as it would be made anew, its rooms and block list in `before`; `None` when it is not `user`'s, or where nobody keeps accounts.
    fn account(&self, user: UserId, account: AccountId) -> Option<Made>;

    /// The user is no guest any more: crashes count against them by themself.
    fn adopt(&self, user: UserId);
}

/// Settings and picture of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The settings, secrets among them.
    pub settings: AccountSettings,
    /// Own picture.
    pub icon: Option<Vec<u8>>,
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
}

impl Networks for BridgeHandle {
    fn send(&self, command: Command, _: Option<AccountId>) -> Result<(), Rejected> {
        self.mailbox.send(command)
    }

    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn ping(&self) -> oneshot::Receiver<()> {
        self.mailbox.ping()
    }

    fn quit(&self) {
        self.mailbox.quit();
    }

    fn reports(&self) -> Vec<Report> {
        let pid = std::process::id();
        let load = crate::purple::load(&self.mailbox);
        let memory = std::fs::File::open("/proc/self/statm").ok().and_then(|statm| report::resident(&statm)).unwrap_or_default();
        vec![Report { number: 0, pid, state: "up", group: "all".to_owned(), servers: String::new(), memory, home: 0, lag_us: 0, load }]
    }

    /// None: with this libpurple everything ends.
    fn losses(&self) -> Losses {
        Losses::default()
    }

    /// Nothing: nobody is left to be told.
    fn aside(&self) -> Vec<Aside> {
        Vec::new()
    }

    fn account(&self, _: UserId, _: AccountId) -> Option<Made> {
        None
    }

    fn adopt(&self, _: UserId) {}
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

/// Events on their way to whoever keeps the sessions.
pub struct Events(Source);

enum Source {
    Bridge(UnboundedReceiver<Batch>),
    Other(Receiver<Held>),
}

/// A batch on its way, and the right of whoever sent it to have so much on the way.
pub type Held = (Batch, Option<OwnedSemaphorePermit>);

impl Events {
    pub(crate) fn of_bridge(receiver: UnboundedReceiver<Batch>) -> Self {
        Self(Source::Bridge(receiver))
    }

    /// From a fleet, which holds back by itself.
    pub fn of(receiver: Receiver<Held>) -> Self {
        Self(Source::Other(receiver))
    }

    /// The next batch; `None` once the networks are gone. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Batch> {
        match &mut self.0 {
            Source::Bridge(receiver) => {
                let batch = receiver.recv().await?;
                crate::purple::taken(&batch);
                Some(batch)
            }
            Source::Other(receiver) => receiver.recv().await.map(|(batch, _)| batch),
        }
    }

    /// The next batch, if one lies ready.
    pub fn try_recv(&mut self) -> Option<Batch> {
        match &mut self.0 {
            Source::Bridge(receiver) => {
                let batch = receiver.try_recv().ok()?;
                crate::purple::taken(&batch);
                Some(batch)
            }
            Source::Other(receiver) => receiver.try_recv().ok().map(|(batch, _)| batch),
        }
    }
}

/// The bridge as it is handed to its owner.
pub struct Bridge {
    /// For commands.
    pub handle: BridgeHandle,
    /// The events. The libpurple thread never waits: while too many lie here, it does not listen to the networks.
    pub events: Events,
    /// The thread, to be joined after [`BridgeHandle::quit`].
    pub thread: std::thread::JoinHandle<Result<(), StartError>>,
}

/// Starts libpurple on a thread of its own. Once per process.
///
/// # Errors
/// [`StartError`] says what to do; nothing of libpurple is left running then.
pub fn start(config: BridgeConfig) -> Result<Bridge, StartError> {
    crate::purple::start(config)
}

/// Runs libpurple on the calling thread, for the process at the other end of `socket` (frames as in [`crate::frame`]), until that one says
/// quit or is gone. Once per process. Into `blame` (a shared memory file of at least [`BLAME_BYTES`]) goes whose callback runs: two numbers
/// of 64 bits, the account that libpurple runs for now, 0 for none, and the last one it ran for; and behind them, up to a NUL, the path of the
/// plugin that is being opened. `confine` is called with what the other side
/// sent, while this process has one thread and has loaded no plugin.
///
/// # Errors
/// The socket broke, or what came over it was no frame; a libpurple that does not start is told over the socket and is an error too.
pub fn serve(
    socket: OwnedFd,
    blame: Option<OwnedFd>,
    confine: impl FnOnce(&BridgeConfig, &Confine) -> std::io::Result<()>,
) -> std::io::Result<()> {
    crate::purple::serve(socket, blame, confine)
}

/// See [`serve`].
pub const BLAME_BYTES: u64 = crate::purple::BLAME_BYTES as u64;
