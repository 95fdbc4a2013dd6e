//! Opens one plugin alone in a confined worker of its own, which is thrown away: what it does to that is its own doing. It has no accounts.

use super::Fleet;
use super::pump::{PATIENCE, first, reap};
use super::spawn::Started;
use super::words::Ear;
use bridge::frame::{self, Down, Frames, Up};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The number of the worker: no other has it.
const NUMBER: u16 = 0;
/// For one plugin to be opened, at least.
const SLOW: Duration = Duration::from_secs(5);

impl Fleet {
    /// Whether a worker ends, or hangs, that opens this plugin and no other. Another one may have said so of it, and it alone is not to suffer.
    pub(super) async fn ends_workers(&self, plugin: &Path) -> bool {
        let _one_at_a_time = self.0.trials.lock().await;
        let started = match self.0.spawner.spawn(NUMBER).await {
            Ok(started) => started,
            Err(error) => {
                log::warn!("a plugin could not be tried out: {error}");
                return true;
            }
        };
        let Started { child, socket, words, home, .. } = started;
        let child = Arc::new(Mutex::new(child));
        let ear = Ear::open(NUMBER, words);
        let down = first(self, NUMBER, &home, Some(plugin.to_owned()));
        let patience = self.0.settings.hang.max(SLOW);
        let opened = tokio::time::timeout(patience, opens(socket, &down)).await.unwrap_or(false);
        // It has served: how it ends is of no interest.
        let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        reap(&child, PATIENCE).await;
        if let Ok(ear) = ear {
            ear.close().await;
        }
        drop(tokio::task::spawn_blocking(move || drop(home)));
        !opened
    }
}

/// Whether a worker gets so far as to say how its start went, well or not.
async fn opens(socket: std::os::unix::net::UnixStream, down: &Down) -> bool {
    let mut bytes = Vec::new();
    let Ok(mut socket) = socket.set_nonblocking(true).and_then(|()| UnixStream::from_std(socket)) else { return false };
    if frame::write(&mut bytes, down).is_err() || socket.write_all(&bytes).await.is_err() {
        return false;
    }
    let mut frames = Frames::default();
    loop {
        match frames.take_within::<Up>(frame::MOST_VALUES) {
            Ok(Some(Up::Ready { .. } | Up::Failed(_))) => return true,
            Ok(Some(Up::Events(_) | Up::Pong { .. } | Up::Heavy { .. })) | Err(_) => return false,
            Ok(None) => {}
        }
        bytes.resize(4096, 0);
        match socket.read(&mut bytes).await {
            Ok(count) if count > 0 => frames.push(bytes.get(..count).unwrap_or_default()),
            _ => return false,
        }
    }
}
