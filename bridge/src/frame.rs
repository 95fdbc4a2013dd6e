//! What travels between the web process and a worker: length-prefixed, versioned frames of MessagePack; it reads and writes no socket.
//!
//! A frame is its length (32 bits, little-endian, without itself) and that many bytes. The first frame of each side names [`VERSION`].
//! MessagePack was chosen by measurement: for an incoming message it costs as much as JSON and is a quarter smaller, and pictures travel as
//! they are. Formats without names do not fit: the types here leave fields out.

use crate::command::Command;
use crate::config::BridgeConfig;
use crate::event::{Batch, Event, EventKind};
use crate::handle::Catalogue;
use crate::id::AccountId;
use crate::report::Load;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

mod values;

/// Of the frames and of everything in them. Both ends are the same program, so that a difference is a mistake of whoever started the worker.
pub const VERSION: u32 = 11;

/// Bytes of the largest frame: an event is far smaller, and batches are cut.
pub const MOST: usize = 8 << 20;

/// Values in the largest frame of a worker. A value of one byte may take fifty in memory: what a frame takes when it is read is bounded by
/// this, and not by its length.
pub const MOST_VALUES: usize = 128 << 10;

/// People of a room in one event; more come in further ones.
const A_ROOM: usize = 4096;

/// How deep lists stand in each other, and then some: each that claims to be long gets a MiB before its first entry is read.
const DEEPEST: usize = 24;

/// What a worker process may do. The bridge only carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confine {
    /// Landlock and seccomp, where the kernel has them.
    pub sandbox: bool,
    /// Further files and directories that may be read.
    pub read: Vec<PathBuf>,
    /// Further files and directories that may be written.
    pub write: Vec<PathBuf>,
    /// Whether programs may be started.
    pub exec: bool,
    /// Bytes of address space; 0: any.
    pub address_space: u64,
    /// Whether a crash leaves a core file.
    pub core: bool,
}

/// From the web process to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Down {
    /// The first: start libpurple.
    Start {
        /// [`VERSION`].
        version: u32,
        /// As for [`crate::start`].
        config: Box<BridgeConfig>,
        /// What the process keeps itself to.
        confine: Confine,
    },
    /// Perform it.
    Command(Command),
    /// Answer this number after one turn of the libpurple loop.
    Ping(u64),
    /// Sign everything off and end.
    Quit,
}

/// From a worker to the web process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Up {
    /// libpurple is up.
    Ready {
        /// [`VERSION`].
        version: u32,
        /// What it offers.
        catalogue: Box<Catalogue>,
    },
    /// libpurple did not come up, and why: [`crate::error::StartError`] in words.
    Failed(String),
    /// What one turn of its loop produced, or a part of that.
    Events(Batch),
    /// The account's callbacks hold the others of the worker up, again and again.
    Heavy {
        /// The account whose callbacks took too long.
        account: AccountId,
    },
    /// The answer to a ping.
    Pong {
        /// Its number.
        number: u64,
        /// How the worker is.
        load: Load,
    },
}

/// Why the bytes of the other side are not frames. There is no going on after that.
#[derive(Debug)]
pub enum FrameError {
    /// Longer than [`MOST`].
    TooLong(usize),
    /// More than [`MOST_VALUES`].
    TooManyValues,
    /// Not what it should be.
    Malformed(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes; at most {MOST} are allowed"),
            Self::TooManyValues => write!(f, "a frame of more than {MOST_VALUES} values"),
            Self::Malformed(reason) => write!(f, "a frame that cannot be read: {reason}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Appends a frame to `out`; on error `out` is as before.
///
/// # Errors
/// What is too long for a frame.
pub fn write<T: Serialize>(out: &mut Vec<u8>, content: &T) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let written = content.serialize(&mut rmp_serde::Serializer::new(&mut *out).with_struct_map());
    let bytes = out.len() - start - 4;
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= MOST);
    match (written, length, out.get_mut(start..start + 4)) {
        (Ok(()), Some(length), Some(prefix)) => {
            prefix.copy_from_slice(&length.to_le_bytes());
            Ok(())
        }
        (written, ..) => {
            out.truncate(start);
            Err(written.err().map_or(FrameError::TooLong(bytes), |error| FrameError::Malformed(error.to_string())))
        }
    }
}

/// Appends a batch, cut into frames of about 256 KiB. An event that fits into no frame is left out, with a line in the log.
pub fn write_batch(out: &mut Vec<u8>, batch: Batch) {
    const A_FRAME: usize = 256 << 10;
    // An event is rarely above a kilobyte; the large ones are pictures and long texts.
    let weight = |event: &Event| 256 + event.kind.bytes();
    let mut batch: Batch = batch.into_iter().flat_map(in_pieces).collect();
    while !batch.is_empty() {
        let mut bytes = 0;
        let count = batch.iter().take_while(|event| {
            let fits = bytes == 0 || bytes + weight(event) <= A_FRAME;
            bytes += weight(event);
            fits
        });
        let rest = batch.split_off(count.count());
        write_part(out, batch);
        batch = rest;
    }
}

/// A large room's people as several events, the rest of them as joined or, where that would be news, as changed.
fn in_pieces(event: Event) -> Vec<Event> {
    let Event { user, origin, kind } = event;
    let EventKind::RoomMembers { conversation, mut joined, left, changed, renamed, initial } = kind else {
        return vec![Event { user, origin, kind }];
    };
    let rest = joined.split_off(joined.len().min(A_ROOM));
    let mut all = vec![EventKind::RoomMembers { conversation, joined, left, changed, renamed, initial }];
    for piece in rest.chunks(A_ROOM) {
        let (joined, changed) = if initial { (Vec::new(), piece.to_vec()) } else { (piece.to_vec(), Vec::new()) };
        let (left, renamed) = (Vec::new(), Vec::new());
        all.push(EventKind::RoomMembers { conversation, joined, left, changed, renamed, initial: false });
    }
    all.into_iter().map(|kind| Event { user, origin: origin.clone(), kind }).collect()
}

/// The same for what should fit into one frame; when it does not, the events beside the one that is too long must not go with it.
fn write_part(out: &mut Vec<u8>, mut part: Batch) {
    let Err(error) = write_events(out, &part) else { return };
    if part.len() > 1 {
        let rest = part.split_off(part.len() / 2);
        write_part(out, part);
        write_part(out, rest);
    } else if let Some(event) = part.first() {
        log::error!(target: "bridge", "an event for {:?} was left out: {error}", event.user);
    }
}

/// As [`Up::Events`], of a borrowed batch.
fn write_events(out: &mut Vec<u8>, batch: &Batch) -> Result<(), FrameError> {
    #[derive(Serialize)]
    enum Borrowed<'a> {
        Events(&'a Batch),
    }
    let start = out.len();
    write(out, &Borrowed::Events(batch))?;
    // The other side would not take it.
    let checked = values::count(out.get(start + 4..).unwrap_or_default(), MOST_VALUES);
    if checked.is_err() {
        out.truncate(start);
    }
    checked
}

/// Takes frames out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the next frame begins.
    at: usize,
}

impl Frames {
    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 && (self.at == self.bytes.len() || self.at > 1 << 16) {
            let left = self.bytes.len() - self.at;
            self.bytes.copy_within(self.at.., 0);
            // Secrets may be among what was read.
            self.bytes.get_mut(left..).unwrap_or_default().fill(0);
            self.bytes.truncate(left);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// [`FrameError`]; the rest of the bytes is of no use then.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        self.take_within(usize::MAX)
    }

    /// The same of a worker that is not trusted: no frame of more than so many values is read.
    ///
    /// # Errors
    /// As of [`Self::take`].
    pub fn take_within<T: DeserializeOwned>(&mut self, values: usize) -> Result<Option<T>, FrameError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((prefix, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > MOST {
            return Err(FrameError::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        if values != usize::MAX {
            values::count(frame, values)?;
        }
        let mut reader = rmp_serde::Deserializer::from_read_ref(frame);
        reader.set_max_depth(DEEPEST);
        let content = T::deserialize(&mut reader).map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.at += 4 + length;
        if self.at == self.bytes.len() {
            self.at = 0;
            // What one large frame took is given back.
            if self.bytes.capacity() > 1 << 18 {
                self.bytes = Vec::new();
            }
            self.bytes.fill(0);
            self.bytes.clear();
        }
        Ok(Some(content))
    }

    /// Whether a whole frame (or a broken one) lies ready.
    pub fn is_ready(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.split_first_chunk::<4>().is_some_and(|(prefix, rest)| {
            let length = u32::from_le_bytes(*prefix) as usize;
            length > MOST || rest.len() >= length
        })
    }
}

#[cfg(test)]
mod tests;
