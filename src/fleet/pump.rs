//! Moves frames between a worker's socket and the fleet, as long as the worker lives; it looks into none but to know its kind.

use super::events::End;
use super::home::Home;
use super::spawn::Started;
use super::{Fleet, Stage, watch};
use bridge::event::Batch;
use bridge::frame::{self, Down, Frames, Up};
use bridge::handle::{Catalogue, Held};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Commands written at once.
const AT_ONCE: usize = 64;
/// Bytes read at once.
const A_READ: usize = 64 << 10;
/// For a process to end that has closed its socket.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same when it writes a core file.
const CORE_PATIENCE: Duration = Duration::from_secs(30);

type Ready = Option<oneshot::Sender<Result<(), String>>>;

/// Signs of life of a worker, besides its answers to pings.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Frames read.
    frames: AtomicU64,
    /// A frame that was read waits for the sessions: what the worker said after it is not heard yet.
    held: AtomicBool,
}

impl Life {
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

    /// Waits for room. False: the sessions are gone, which happens only while the daemon ends.
    async fn send(&self, batch: Batch) -> bool {
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return false };
        self.events.send((batch, Some(room))).await.is_ok()
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
        let end = match self.fleet.0.spawner.spawn(self.number).await {
            Ok(started) => self.live(started, commands).await,
            Err(error) => End { how: format!("it could not be started: {error}"), blame: None, last: None },
        };
        if let Some(ready) = self.ready.take() {
            // Whoever waited may have given up.
            let _ = ready.send(Err(end.how.clone()));
        }
        let told = self.fleet.ended(self.number, &end);
        if let (Some(events), false) = (&self.events, told.is_empty()) {
            events.send(told).await;
        }
    }

    async fn live(&mut self, started: Started, commands: mpsc::Receiver<Down>) -> End {
        let Started { child, socket, blame, memory, home } = started;
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
                let writer = tokio::spawn(write(writing, first(&self.fleet, self.number, &home), commands));
                let why = self.read(reading).await;
                writer.abort();
                why
            }
            Err(error) => error.to_string(),
        };
        let patience = if self.fleet.0.settings.confine.core { CORE_PATIENCE } else { PATIENCE };
        let status = reap(&child, patience).await;
        // A plugin may have filled it; the next worker with this number makes it anew.
        let _ = tokio::task::spawn_blocking(move || drop(home)).await;
        End { how: format!("{} ({how})", words(status)), blame: blame.account(), last: blame.last() }
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
            frames.push(bytes.get(..count).unwrap_or_default());
            loop {
                let frame = match frames.take::<Up>() {
                    Ok(None) => break,
                    Ok(Some(frame)) => frame,
                    Err(error) => return format!("it sent {error}"),
                };
                self.life.frames.fetch_add(1, Ordering::Relaxed);
                match frame {
                    Up::Events(batch) => {
                        let batch = self.fleet.sift(self.number, batch);
                        if let (Some(events), false) = (&self.events, batch.is_empty()) {
                            // Waiting here holds the worker back, and it its networks.
                            self.life.held.store(true, Ordering::Relaxed);
                            let there = events.send(batch).await;
                            self.life.held.store(false, Ordering::Relaxed);
                            if !there {
                                return "the sessions are gone".to_owned();
                            }
                        }
                    }
                    Up::Pong { number: ping, load } => self.fleet.pong(self.number, ping, load),
                    Up::Ready { version: frame::VERSION, catalogue } => self.fleet.is_up(self.number, *catalogue, self.ready.take()),
                    Up::Ready { version, .. } => return format!("it speaks version {version}, not {}", frame::VERSION),
                    Up::Failed(reason) => return reason,
                }
            }
        }
    }
}

fn first(fleet: &Fleet, number: u16, home: &Home) -> Down {
    let settings = &fleet.0.settings;
    let (private_dir, names) = (Some(home.path().to_owned()), Some(fleet.0.homes.names()));
    let config = bridge::config::BridgeConfig { number, private_dir, names, ..settings.bridge.clone() };
    Down::Start { version: frame::VERSION, config: Box::new(config), confine: settings.confine.clone() }
}

/// Writes commands until the channel closes or the worker is gone.
async fn write(mut socket: OwnedWriteHalf, first: Down, mut commands: mpsc::Receiver<Down>) {
    let mut waiting = vec![first];
    let mut bytes = Vec::new();
    loop {
        for down in waiting.drain(..) {
            if let Err(error) = frame::write(&mut bytes, &down) {
                // Its outcome never comes; the browser's limits keep commands far below a frame.
                log::error!("a command was left out: {error}");
            }
        }
        if socket.write_all(&bytes).await.is_err() {
            // The reader sees the end, too, and what it means.
            return;
        }
        bytes.clear();
        if bytes.capacity() > 1 << 18 {
            bytes = Vec::new();
        }
        if commands.recv_many(&mut waiting, AT_ONCE).await == 0 {
            return;
        }
    }
}

/// Waits for the process, and ends it when it does not end by itself.
async fn reap(child: &Arc<Mutex<Child>>, patience: Duration) -> Option<ExitStatus> {
    let lock = || child.lock().unwrap_or_else(PoisonError::into_inner);
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        match lock().try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => {}
            Err(_) => return None,
        }
        if waited >= patience {
            // It may have ended just now.
            let _ = lock().kill();
        }
        tokio::time::sleep(step).await;
        waited += step;
    }
}

fn words(status: Option<ExitStatus>) -> String {
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
        let _ = self.0.catalogue.set(catalogue);
        let mut state = self.lock();
        let Some(worker) = state.workers.get_mut(&number) else { return };
        if worker.stage == Stage::Starting {
            worker.stage = Stage::Up;
        }
        worker.empty_since.get_or_insert_with(std::time::Instant::now);
        let group = worker.group.clone();
        log::info!("worker {number} ({group}, process {}) is up", worker.pid);
        state.failing.remove(&group);
        for waiting in state.waiting_pings.drain(..) {
            let _ = waiting.send(());
        }
        drop(state);
        if let Some(ready) = ready {
            let _ = ready.send(Ok(()));
        }
    }
}
