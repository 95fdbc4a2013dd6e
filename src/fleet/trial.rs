//! Opens one plugin alone, or all of them, in a confined worker of its own, which is thrown away and has no accounts.

use super::Fleet;
use super::pump::{PATIENCE, first, reap};
use super::spawn::Started;
use super::words::Ear;
use bridge::frame::{self, Down, Frames, Up};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The number of the worker: no other has it.
const NUMBER: u16 = 0;
/// For one plugin to be opened, at least.
const SLOW: Duration = Duration::from_secs(5);

/// The end of a trial.
pub(super) enum Tried {
    /// The worker said how its start went.
    Up(Up),
    /// The worker ended or hung, while it opened this plugin, by its own word.
    Ended(Option<PathBuf>),
    /// The worker could not be started.
    Not(std::io::Error),
}

impl Fleet {
    /// Whether a worker ends, or hangs, that opens this plugin and no other. Another one may have said so of it, and it alone is not to suffer.
    pub(super) async fn ends_workers(&self, plugin: &Path) -> bool {
        match self.try_out(Vec::new(), Some(plugin.to_owned())).await {
            Tried::Up(_) => false,
            Tried::Ended(_) => true,
            Tried::Not(error) => {
                log::warn!("a plugin could not be tried out: {error}");
                true
            }
        }
    }

    /// Starts such a worker and lets it open the plugins but those left out, or one alone.
    pub(super) async fn try_out(&self, left_out: Vec<PathBuf>, only: Option<PathBuf>) -> Tried {
        let _one_at_a_time = self.0.trials.lock().await;
        let started = match self.0.spawner.spawn(NUMBER).await {
            Ok(started) => started,
            Err(error) => return Tried::Not(error),
        };
        let Started { child, socket, words, home, blame, .. } = started;
        let child = Arc::new(Mutex::new(child));
        let ear = Ear::open(NUMBER, words);
        let down = first(self, NUMBER, &home, left_out, only);
        let patience = self.0.settings.hang.max(SLOW);
        let said = tokio::time::timeout(patience, says(socket, &down)).await.unwrap_or(None);
        let opening = blame.opening();
        // It has served: how it ends is of no interest.
        let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        reap(&child, PATIENCE).await;
        if let Ok(ear) = ear {
            ear.close().await;
        }
        // The next trial has the same place. This fails only while the runtime ends.
        let _ = tokio::task::spawn_blocking(move || drop(home)).await;
        said.map_or(Tried::Ended(opening), Tried::Up)
    }
}

/// How a worker's start went, if it gets so far as to say it.
async fn says(socket: std::os::unix::net::UnixStream, down: &Down) -> Option<Up> {
    let mut bytes = Vec::new();
    let mut socket = socket.set_nonblocking(true).and_then(|()| UnixStream::from_std(socket)).ok()?;
    if frame::write(&mut bytes, down).is_err() || socket.write_all(&bytes).await.is_err() {
        return None;
    }
    let mut frames = Frames::default();
    loop {
        match frames.take_within::<Up>(frame::MOST_VALUES) {
            Ok(Some(up @ (Up::Ready { .. } | Up::Failed(_)))) => return Some(up),
            Ok(Some(Up::Events(_) | Up::Pong { .. } | Up::Heavy { .. })) | Err(_) => return None,
            Ok(None) => {}
        }
        bytes.resize(4096, 0);
        match socket.read(&mut bytes).await {
            Ok(count) if count > 0 => frames.push(bytes.get(..count).unwrap_or_default()),
            _ => return None,
        }
    }
}
