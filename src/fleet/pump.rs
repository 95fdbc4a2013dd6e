//! Moves frames between a worker's socket and the fleet, as long as the worker lives; it looks into none but to know its kind.

use super::events::End;
use super::home::Home;
use super::place::Group;
use super::spawn::Started;
use super::words::Ear;
use super::{Fleet, Stage, watch};
use bridge::event::Batch;
use bridge::frame::{self, Down, Frames, Up};
use bridge::handle::{Catalogue, Held};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Commands written at once.
const AT_ONCE: usize = 64;
/// Bytes read at once.
const A_READ: usize = 64 << 10;
/// Between two looks whether a process is still there.
const A_LOOK: Duration = Duration::from_millis(500);
/// Events told at once when a worker has ended.
const A_PIECE: usize = 64;
/// For a process to end that has closed its socket.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The same when it writes a core file.
const CORE_PATIENCE: Duration = Duration::from_secs(30);

/// Tells whoever waits for a worker how its start ended.
pub(super) type Ready = Option<oneshot::Sender<Result<(), NotUp>>>;

/// A worker that ended before it was up.
#[derive(Debug)]
pub(super) struct NotUp {
    /// In words.
    pub(super) reason: String,
    /// Another may start all the same.
    pub(super) worth_another: bool,
}

/// Signs of life of a worker, besides its answers to pings.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Frames read.
    frames: AtomicU64,
    /// A frame that was read waits for the sessions: what the worker said after it is not heard yet.
    held: AtomicBool,
    /// Bytes of large commands that it has not taken.
    waiting: AtomicUsize,
}

/// Bytes of large commands (pictures, long texts) that may wait for a worker.
const WAITING: usize = 32 << 20;

impl Life {
    /// A command of so many bytes is to wait. False: there is no room.
    pub(super) fn take_room(&self, bytes: usize) -> bool {
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| (waiting + bytes <= WAITING).then_some(waiting + bytes))
            .is_ok()
    }

    /// It waits no longer.
    pub(super) fn give_room(&self, bytes: usize) {
        // Given back as it was taken, so that it never goes below zero.
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether there was a sign since `seen` was last given here, or none could have been heard.
    pub(super) fn shows(&self, seen: &mut u64) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        std::mem::replace(seen, frames) != frames || self.held.load(Ordering::Relaxed)
    }
}

/// The way of one worker's events to the sessions, with room for a few batches.
pub(super) struct Way {
    events: mpsc::Sender<Held>,
    room: Arc<Semaphore>,
}

impl Way {
    pub(super) fn new(events: mpsc::Sender<Held>, batches: usize) -> Self {
        Self { events, room: Arc::new(Semaphore::new(batches)) }
    }

    /// Waits for room for one more batch.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// False: the sessions are gone, which happens only while the daemon ends.
    async fn send(&self, batch: Batch, room: Option<OwnedSemaphorePermit>) -> bool {
        batch.is_empty() || self.events.send((batch, room)).await.is_ok()
    }
}

/// The pump of one worker.
pub(super) struct Pump {
    pub(super) fleet: Fleet,
    pub(super) number: u16,
    pub(super) life: Arc<Life>,
    pub(super) events: Option<Way>,
    pub(super) ready: Ready,
}

impl Pump {
    /// The whole life of a worker.
    pub(super) async fn run(mut self, commands: mpsc::Receiver<Down>) {
        let mut end = match self.fleet.0.spawner.spawn(self.number).await {
            Ok(started) => self.live(started, commands).await,
            Err(error) => {
                let how = format!("it could not be started: {error}{}", crate::limits::hint(&error));
                End { how, from_outside: false, opening: None, blame: None, last: None }
            }
        };
        let mut doubted = false;
        // Any plugin may have written there which one is to blame.
        let suspected = end.opening.as_deref().filter(|plugin| self.fleet.would_leave_out(self.number, plugin));
        if let Some(plugin) = suspected
            && !self.fleet.ends_workers(plugin).await
        {
            log::warn!(
                "worker {} ended while the plugin {} was said to be opened; opened alone it does no harm, so that is not believed",
                self.number,
                super::words::clean(&plugin.to_string_lossy())
            );
            end.opening = None;
            doubted = true;
        }
        let told = self.fleet.ended(self.number, &end);
        if let Some(ready) = self.ready.take() {
            let openings = &mut self.fleet.lock().openings;
            let worth_another = match end.opening.as_deref() {
                Some(plugin) => openings.is_worth_another(plugin),
                None => doubted && openings.doubt(),
            };
            // Whoever waited may have given up.
            let _ = ready.send(Err(NotUp { reason: end.words(), worth_another }));
        }
        let Some(events) = &self.events else { return };
        let mut told = told.into_iter().peekable();
        // In pieces: what hundreds of accounts leave behind must not hold up everybody else's events.
        while told.peek().is_some() {
            let room = events.room().await;
            if !events.send(told.by_ref().take(A_PIECE).collect(), room).await {
                return;
            }
        }
    }

    async fn live(&mut self, started: Started, commands: mpsc::Receiver<Down>) -> End {
        let Started { child, socket, blame, words, memory, home } = started;
        let ear = Ear::open(self.number, words).inspect_err(|error| log::warn!("worker {} is not heard: {error}", self.number)).ok();
        let child = Arc::new(Mutex::new(child));
        if let Some(worker) = self.fleet.lock().workers.get_mut(&self.number) {
            worker.pid = child.lock().unwrap_or_else(PoisonError::into_inner).id();
            worker.child = Some(Arc::clone(&child));
            worker.statm = memory.map(Arc::new);
            if let Some(reason) = worker.condemned.take() {
                watch::kill(worker, &reason);
            }
        }
        let how = match socket.set_nonblocking(true).and_then(|()| UnixStream::from_std(socket)) {
            Ok(socket) => {
                let (reading, writing) = socket.into_split();
                let (fleet, life) = (self.fleet.clone(), Arc::clone(&self.life));
                let left_out = self.fleet.lock().openings.left_out().to_vec();
                let start = first(&self.fleet, self.number, &home, left_out, None);
                let writer = tokio::spawn(write(writing, start, commands, fleet, life));
                // A child of the worker's may hold its socket open.
                let why = tokio::select! {
                    why = self.read(reading) => why,
                    () = gone(&child) => "its process is gone, its socket is not".to_owned(),
                };
                writer.abort();
                why
            }
            Err(error) => error.to_string(),
        };
        let patience = if self.fleet.0.settings.confine.core { CORE_PATIENCE } else { PATIENCE };
        let (status, ended_here) = reap(&child, patience).await;
        if let Some(ear) = ear {
            ear.close().await;
        }
        // A plugin may have filled it; nobody waits for that.
        drop(tokio::task::spawn_blocking(move || drop(home)));
        let condemned = self.fleet.lock().workers.get(&self.number).is_none_or(|worker| worker.condemned.is_some());
        let killed = status.and_then(|status| status.signal()) == Some(libc::SIGKILL);
        let from_outside = killed && !ended_here && !condemned;
        let opening = blame.opening().filter(|plugin| !from_outside && plugin.is_file());
        End { how: format!("{} ({how})", in_words(status)), from_outside, opening, blame: blame.account(), last: blame.last() }
    }

    /// Reads until the end. Returns why it came.
    async fn read(&mut self, mut socket: OwnedReadHalf) -> String {
        let mut frames = Frames::default();
        let mut bytes = vec![0; A_READ];
        loop {
            let count = match socket.read(&mut bytes).await {
                Ok(0) => return "it closed its socket".to_owned(),
                Ok(count) => count,
                Err(error) => return error.to_string(),
            };
            let read = bytes.get_mut(..count).unwrap_or_default();
            frames.push(read);
            // What plugins store for later may be as good as a password.
            read.fill(0);
            loop {
                let frame = match frames.take_within::<Up>(frame::MOST_VALUES) {
                    Ok(None) => break,
                    Ok(Some(frame)) => frame,
                    Err(error) => return format!("it sent {}", super::words::clean(&error.to_string())),
                };
                self.life.frames.fetch_add(1, Ordering::Relaxed);
                match frame {
                    Up::Events(batch) => {
                        let Some(events) = &self.events else { continue };
                        // Waiting here holds the worker back, and it its networks.
                        self.life.held.store(true, Ordering::Relaxed);
                        let room = events.room().await;
                        let there = events.send(self.fleet.sift(self.number, batch), room).await;
                        self.life.held.store(false, Ordering::Relaxed);
                        if !there {
                            return "the sessions are gone".to_owned();
                        }
                    }
                    Up::Heavy { account } => self.fleet.heavy(self.number, account),
                    Up::Pong { number: ping, load } => self.fleet.pong(self.number, ping, load),
                    Up::Ready { version: frame::VERSION, catalogue } => self.fleet.is_up(self.number, *catalogue, self.ready.take()),
                    Up::Ready { version, .. } => return format!("it speaks version {version}, not {}", frame::VERSION),
                    Up::Failed(reason) => return super::words::clean(&reason).into_owned(),
                }
            }
        }
    }
}

/// The first frame to a worker. `only`: to open one plugin, and see what comes of it.
pub(super) fn first(fleet: &Fleet, number: u16, home: &Home, plugins_left_out: Vec<PathBuf>, only: Option<PathBuf>) -> Down {
    let settings = &fleet.0.settings;
    let (private_dir, names) = (Some(home.path().to_owned()), Some(fleet.0.homes.names()));
    let group = fleet.lock().workers.get(&number).map(|worker| worker.group.clone());
    // The passwords of IRC's gateways are for workers that have IRC alone.
    let has_irc = only.is_none() && !matches!(group, Some(Group::Protocol(protocol)) if protocol != "prpl-irc");
    let gateways = if has_irc { settings.bridge.gateways.clone() } else { Vec::new() };
    let config = bridge::config::BridgeConfig {
        number,
        private_dir,
        names,
        plugins_left_out,
        plugins_only: only,
        gateways,
        ..settings.bridge.clone()
    };
    Down::Start { version: frame::VERSION, config: Box::new(config), confine: settings.confine.clone() }
}

/// Writes commands until the channel closes or the worker is gone.
async fn write(mut socket: OwnedWriteHalf, first: Down, mut commands: mpsc::Receiver<Down>, fleet: Fleet, life: Arc<Life>) {
    let mut waiting = vec![first];
    let mut bytes = Vec::new();
    loop {
        for down in waiting.drain(..) {
            let written = frame::write(&mut bytes, &down);
            let Down::Command(command) = down else { continue };
            life.give_room(super::route::weight(&command));
            if let Err(error) = written {
                log::error!("a command was left out: {error}");
                fleet.left_out(command);
            }
        }
        if socket.write_all(&bytes).await.is_err() {
            // The reader sees the end, too, and what it means.
            return;
        }
        // It goes on holding this, passwords included, until as much is to be written again.
        bytes.fill(0);
        bytes.clear();
        if bytes.capacity() > 1 << 18 {
            bytes = Vec::new();
        }
        if commands.recv_many(&mut waiting, AT_ONCE).await == 0 {
            return;
        }
    }
}

/// Returns a while after the process has ended: what it has said until then is there to be read.
async fn gone(child: &Arc<Mutex<Child>>) {
    let ended = || matches!(child.lock().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(Some(_)));
    while !ended() {
        tokio::time::sleep(A_LOOK).await;
    }
    tokio::time::sleep(A_LOOK).await;
}

/// Waits for the process, and ends it when it does not end by itself. How it ended, and whether that was done here.
pub(super) async fn reap(child: &Arc<Mutex<Child>>, patience: Duration) -> (Option<ExitStatus>, bool) {
    let lock = || child.lock().unwrap_or_else(PoisonError::into_inner);
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    let mut ended_here = false;
    loop {
        match lock().try_wait() {
            Ok(Some(status)) => return (Some(status), ended_here),
            Ok(None) => {}
            Err(_) => return (None, ended_here),
        }
        if waited >= patience {
            // It may have ended just now.
            let _ = lock().kill();
            ended_here = true;
        }
        tokio::time::sleep(step).await;
        waited += step;
    }
}

fn in_words(status: Option<ExitStatus>) -> String {
    match status {
        None => "nobody knows how".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => status.to_string(),
        },
    }
}

impl Fleet {
    fn is_up(&self, number: u16, catalogue: Catalogue, ready: Ready) {
        // They all have the same; the first to come is told to browsers.
        if self.known_catalogue().is_none() {
            self.set_catalogue(catalogue);
        }
        let mut state = self.lock();
        let Some(worker) = state.workers.get_mut(&number) else { return };
        if worker.stage == Stage::Starting {
            worker.stage = Stage::Up;
        }
        worker.empty_since.get_or_insert_with(std::time::Instant::now);
        worker.memory = worker.statm.as_deref().and_then(bridge::report::resident).unwrap_or_default();
        let group = worker.group.clone();
        log::info!("worker {number} ({group}, process {}) is up", worker.pid);
        state.answer_pings();
        drop(state);
        if let Some(ready) = ready {
            let _ = ready.send(Ok(()));
        }
    }
}
