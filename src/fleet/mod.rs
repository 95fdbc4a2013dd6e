//! Many libpurples, each in a worker process, as one: commands go to the worker that has the account, events come back in one stream; it
//! knows no browser, and no libpurple call.
//!
//! [`place`] says which worker, [`ledger`] what an account is made of, [`flight`] which commands are open, [`lists`] which room lists,
//! [`blame`] whose fault a crash was, [`server`] where connections go, [`known`] which servers are known, [`failing`] who waits for another
//! worker, [`trust`] what a worker may say: all pure. [`networks`] is what the sessions see, [`route`] and [`events`] connect the two directions, [`seat`] puts accounts
//! into workers, [`pump`] moves frames, [`spawn`] starts processes in the directories of [`home`], [`judge`] makes their connections,
//! [`watch`] looks after them, [`fill`] after what they write, [`words`] reads their output, [`refusals`] tells what the sandbox refused, [`trial`] opens
//! a plugin alone, and [`rescan`] looks at all of them again.

mod blame;
mod events;
mod failing;
mod fill;
mod flight;
mod home;
pub(crate) mod judge;
mod known;
mod ledger;
mod lists;
mod networks;
mod openings;
mod packed;
mod place;
mod pump;
mod refusals;
mod rescan;
mod route;
mod seat;
mod server;
mod spawn;
mod trial;
mod trust;
mod veil;
mod watch;
mod words;

pub(crate) use place::{Caps, Isolation};

use crate::error::Failure;
use blame::Crashes;
use bridge::command::Before;
use bridge::config::BridgeConfig;
use bridge::event::{Batch, Event, EventKind};
use bridge::frame::{Confine, Down};
use bridge::handle::{Catalogue, Events, Held};
use bridge::id::{AccountId, UserId};
use bridge::report::Load;
use bridge::time::Timestamp;
use failing::Failing;
use flight::Flights;
pub(crate) use home::Homes;
use judge::Judge;
use known::Servers;
use ledger::Ledger;
use lists::Lists;
use openings::Openings;
use place::{Group, Sides};
use pump::{Life, NotUp, Ready, Way};
use spawn::Spawner;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use watch::Slowest;

/// Batches of events that may wait for the sessions, of all workers.
const EVENTS: usize = 1024;
/// The same of one worker, about a megabyte at most: what floods waits by itself, and then its networks do, and others' events are never
/// behind more than that.
const EVENTS_OF_ONE: usize = 4;

/// How a fleet is to be.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Workers kept for the core group.
    pub(crate) workers: u16,
    /// Workers at once, of all groups.
    pub(crate) most: u16,
    pub(crate) isolation: Isolation,
    pub(crate) caps: Caps,
    /// A worker with more resident memory than this is ended.
    pub(crate) memory_most: u64,
    /// A worker with more bytes of files in its directory than this is ended; 0: any number.
    pub(crate) home_most: u64,
    /// A libpurple loop that does not turn for so long is ended.
    pub(crate) hang: Duration,
    /// So many crashes within `crash_window` set an account, server or protocol aside; 0: never.
    pub(crate) crashes: usize,
    pub(crate) crash_window: Duration,
    /// Accounts of a worker that is to be emptied are moved when nothing was said for so long.
    pub(crate) quiet: Duration,
    pub(crate) bridge: BridgeConfig,
    pub(crate) confine: Confine,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Up,
    /// Takes no new accounts, and is emptied.
    Draining,
    /// Told to end.
    Ending,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Draining => "draining",
            Self::Ending => "ending",
        }
    }
}

/// A worker as the others see it; its socket belongs to its pump.
#[derive(Debug)]
struct Worker {
    group: Group,
    stage: Stage,
    down: mpsc::Sender<Down>,
    child: Option<Arc<Mutex<Child>>>,
    /// Where its memory is read.
    statm: Option<Arc<File>>,
    pid: u32,
    accounts: u32,
    /// Of those, when it was last looked, and of those that came since.
    sides: Sides,
    load: Load,
    memory: u64,
    /// Bytes of files in its directory.
    home: u64,
    /// The ping that is not answered yet.
    pinged: Option<(u64, Instant)>,
    /// What its pump sees of it.
    life: Arc<Life>,
    /// How much of it the watch has seen.
    seen: u64,
    since: Instant,
    last_ping: u64,
    /// How long the last answer took.
    lag: Duration,
    slowest: Slowest,
    dearest: Slowest,
    /// Why it was ended by us, for the log.
    condemned: Option<String>,
    /// When.
    condemned_at: Option<Instant>,
    /// Because it took too much memory, or wrote too many files.
    outgrown: bool,
    /// It takes no commands since then.
    deaf_since: Option<Instant>,
    empty_since: Option<Instant>,
}

impl Worker {
    /// It takes accounts.
    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Starting | Stage::Up)
    }

    /// When it was seen to work for the last time, or a little before that.
    fn last_seen(&self) -> Timestamp {
        let silent = self.pinged.map_or(Duration::ZERO, |(_, at)| at.elapsed()) + watch::EVERY;
        Timestamp(Timestamp::now().0.saturating_sub(i64::try_from(silent.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long the last answer took, or how long the next one has been waited for when that is longer: one that hangs does not look well.
    fn lag(&self) -> Duration {
        self.pinged.map_or(self.lag, |(_, at)| self.lag.max(at.elapsed()))
    }
}

struct State {
    workers: BTreeMap<u16, Worker>,
    last_number: u16,
    ledger: Ledger,
    flights: Flights,
    lists: Lists,
    crashes: Crashes,
    servers: Servers,
    openings: Openings,
    /// `account.add`s that a crash interrupted: told when the account is there.
    adding: HashMap<AccountId, bridge::command::Origin>,
    /// Accounts that found no place yet.
    unplaced: Vec<(UserId, AccountId, Before)>,
    /// Workers that have to forget a user, and how often they did not say yet that they have.
    departing: BTreeMap<(u16, UserId), u32>,
    failing: Failing,
    waiting_pings: Vec<oneshot::Sender<()>>,
    quitting: bool,
    events: Option<mpsc::Sender<Held>>,
    restarts: u64,
    /// What workers said and had no right to.
    refused: u64,
}

/// The fleet. Cheap to clone; any thread.
#[derive(Clone)]
pub(crate) struct Fleet(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// Another one takes its place when the plugins were looked at again and have changed; those before are kept, which callers may hold.
    catalogue: RwLock<Option<&'static Catalogue>>,
    state: Mutex<State>,
    spawner: Spawner,
    judge: Option<Judge>,
    homes: Homes,
    /// One plugin is tried out at a time.
    trials: tokio::sync::Mutex<()>,
    rescans: tokio::sync::Mutex<()>,
    /// Times that the plugins were looked at again and had changed.
    looks: std::sync::atomic::AtomicUsize,
    runtime: tokio::runtime::Handle,
}

impl Fleet {
    /// Starts the workers, and waits until the first has said what libpurple offers. A plugin that ends workers by being opened is left out. On a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the first worker does not start, in its own words.
    pub(crate) async fn start(settings: Settings) -> Result<(Self, Events), Failure> {
        let (sender, events) = mpsc::channel(EVENTS);
        let homes = Homes::make().map_err(|error| Failure::System("a directory for workers", error))?;
        let judge = settings.confine.sandbox.then(|| Judge::start(&settings.bridge)).transpose();
        let judge = judge.map_err(|error| Failure::System("the thread that judges connections", error))?;
        let spawner =
            Spawner::start(homes.clone(), judge.clone()).map_err(|error| Failure::System("the thread that starts workers", error))?;
        let state = State {
            workers: BTreeMap::new(),
            last_number: 0,
            ledger: Ledger::default(),
            flights: Flights::default(),
            lists: Lists::default(),
            crashes: Crashes::new(settings.crashes, settings.crash_window),
            servers: Servers::default(),
            openings: Openings::default(),
            adding: HashMap::new(),
            unplaced: Vec::new(),
            departing: BTreeMap::new(),
            failing: Failing::default(),
            waiting_pings: Vec::new(),
            quitting: false,
            events: Some(sender),
            restarts: 0,
            refused: 0,
        };
        let runtime = tokio::runtime::Handle::current();
        let fleet = Self(Arc::new(Inner {
            settings,
            catalogue: RwLock::default(),
            state: Mutex::new(state),
            spawner,
            judge,
            homes,
            trials: tokio::sync::Mutex::default(),
            rescans: tokio::sync::Mutex::default(),
            looks: std::sync::atomic::AtomicUsize::default(),
            runtime,
        }));
        // The first may hang before it is up.
        tokio::spawn(watch::watch(fleet.clone()));
        tokio::spawn(fill::watch(fleet.clone()));
        loop {
            let (ready, first) = oneshot::channel();
            fleet.start_worker(&mut fleet.lock(), Group::Core, Some(ready));
            match first.await {
                Ok(Ok(())) => break,
                Ok(Err(NotUp { worth_another: true, .. })) => {}
                Ok(Err(NotUp { reason, .. })) => return Err(Failure::Worker(reason)),
                Err(_) => return Err(Failure::Worker("it ended before it was up".to_owned())),
            }
        }
        fleet.fill(&mut fleet.lock(), Instant::now());
        Ok((fleet, Events::of(events)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state usable between its statements, so one that a panic broke off is better than none.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The protocols and plugins of libpurple, once a worker has told of them.
    fn known_catalogue(&self) -> Option<&'static Catalogue> {
        *self.0.catalogue.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps this catalogue for good: once a start, and once for each change of the plugins that an administrator has looked at.
    fn set_catalogue(&self, catalogue: Catalogue) {
        *self.0.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::leak(Box::new(catalogue)));
    }

    /// Tells the sessions something of the fleet's own. Never waits.
    fn tell(&self, state: &State, batch: Batch) {
        let Some(events) = &state.events else { return };
        if let Err(mpsc::error::TrySendError::Full(batch)) = events.try_send((batch, None)) {
            let events = events.clone();
            self.0.runtime.spawn(async move {
                // The sessions are gone only while the daemon ends.
                let _ = events.send(batch).await;
            });
        }
    }

    /// A new worker, in the table at once: what is sent to it waits until it is up.
    fn start_worker(&self, state: &mut State, group: Group, ready: Ready) -> u16 {
        let number = loop {
            state.last_number = state.last_number.checked_add(1).unwrap_or(1);
            if !state.workers.contains_key(&state.last_number) {
                break state.last_number;
            }
        };
        let (down, commands) = mpsc::channel(self.0.settings.bridge.mailbox.max(64));
        let life = Arc::new(Life::default());
        log::debug!("worker {number} ({group}) starts");
        let worker = Worker {
            group,
            stage: Stage::Starting,
            down,
            child: None,
            statm: None,
            pid: 0,
            accounts: 0,
            sides: Sides::default(),
            load: Load::default(),
            memory: 0,
            home: 0,
            pinged: None,
            life: Arc::clone(&life),
            seen: 0,
            since: Instant::now(),
            last_ping: 0,
            lag: Duration::ZERO,
            slowest: Slowest::default(),
            dearest: Slowest::default(),
            condemned: None,
            condemned_at: None,
            outgrown: false,
            deaf_since: None,
            empty_since: None,
        };
        state.workers.insert(number, worker);
        let events = state.events.clone().map(|events| Way::new(events, EVENTS_OF_ONE));
        self.0.runtime.spawn(pump::Pump { fleet: self.clone(), number, life, events, ready }.run(commands));
        number
    }

    /// Refusals of the sandbox that plugins met while they were opened, in words, by file.
    pub(crate) fn refused_at_opening(&self) -> Vec<(PathBuf, String)> {
        self.0.judge.as_ref().map(Judge::refused).unwrap_or_default()
    }

    /// Whether every worker has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().workers.is_empty()
    }

    /// Takes the workers' directories away, once they have ended.
    pub(crate) fn clear(&self) {
        self.0.homes.clear();
    }
}

/// An event that no worker told.
fn own(user: UserId, kind: EventKind) -> Event {
    Event { user, origin: None, kind }
}
