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
pub const VERSION: u32 = 9;

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
mod tests {
    use super::*;
    use crate::command::{CommandKind, Origin};
    use crate::event::Media;
    use crate::id::{ConversationId, NoticeId, UserId};
    use proptest::prelude::*;

    fn command(text: &str) -> Command {
        let kind = CommandKind::SendMessage { conversation: ConversationId(u64::MAX), text: text.to_owned(), html: String::new() };
        Command { user: UserId(7), origin: Some(Origin { client: "tab".to_owned(), command: "1".to_owned() }), kind }
    }

    fn picture(bytes: usize) -> Event {
        let media = Media { hash: "ab".to_owned(), bytes: vec![200; bytes] };
        Event { user: UserId(1), origin: None, kind: EventKind::MediaStored(media) }
    }

    proptest! {
        #[test]
        fn frames_survive_any_cutting(texts in prop::collection::vec(".{0,40}", 0..20), cuts in prop::collection::vec(1usize..200, 1..50)) {
            let sent: Vec<Down> = texts.iter().map(|text| Down::Command(command(text))).collect();
            let mut bytes = Vec::new();
            for frame in &sent {
                write(&mut bytes, frame).unwrap();
            }
            let (mut frames, mut got, mut cuts) = (Frames::default(), Vec::new(), cuts.iter().cycle());
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                frames.push(piece);
                rest = more;
                while let Some(frame) = frames.take::<Down>().unwrap() {
                    got.push(frame);
                }
            }
            prop_assert_eq!(got, sent);
            prop_assert!(!frames.is_ready());
        }

        #[test]
        fn garbage_is_an_error_or_waits_for_more(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            while let Ok(Some(_)) = frames.take::<Up>() {}
        }
    }

    #[test]
    fn a_picture_costs_its_bytes_and_a_batch_is_cut() {
        let mut out = Vec::new();
        write_batch(&mut out, vec![picture(100_000)]);
        assert!(out.len() < 100_200, "{}", out.len());
        let batch: Batch = (0..10)
            .map(|_| picture(100_000))
            .chain([Event { kind: EventKind::NoticeClosed { notice: NoticeId(3) }, ..picture(0) }])
            .collect();
        out.clear();
        write_batch(&mut out, batch.clone());
        let mut frames = Frames::default();
        frames.push(&out);
        let mut got = Vec::new();
        let mut count = 0;
        while let Some(Up::Events(part)) = frames.take().unwrap() {
            got.extend(part);
            count += 1;
        }
        assert_eq!(got, batch);
        assert!(count > 3, "{count}");
    }

    #[test]
    fn what_is_too_long_takes_nothing_else_with_it() {
        // Settings count as nothing towards a frame, so that all of these start out in one.
        let stored = |bytes: usize| {
            let value = Some(crate::model::Value::Text("x".repeat(bytes)));
            let kind = EventKind::AccountSettingStored { account: crate::id::AccountId(1), key: "token".to_owned(), value };
            Event { user: UserId(1), origin: None, kind }
        };
        let batch: Batch = vec![stored(10), stored(MOST / 2), stored(20), stored(MOST), stored(MOST / 2), stored(30)];
        let mut out = Vec::new();
        write_batch(&mut out, batch.clone());
        let mut frames = Frames::default();
        frames.push(&out);
        let mut got = Vec::new();
        while let Some(Up::Events(part)) = frames.take().unwrap() {
            got.extend(part);
        }
        let all_but_the_longest: Batch = batch.into_iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, event)| event).collect();
        assert!(got == all_but_the_longest, "{} came", got.len());
    }

    #[test]
    fn a_frame_of_small_values_without_end_is_not_read_and_not_written() {
        let members = |left: usize| EventKind::RoomMembers {
            conversation: ConversationId(1),
            joined: Vec::new(),
            left: vec![String::new(); left],
            changed: Vec::new(),
            renamed: Vec::new(),
            initial: false,
        };
        let event = |kind| Event { user: UserId(1), origin: None, kind };
        let mut frames = Frames::default();
        let mut out = Vec::new();
        write(&mut out, &Up::Events(vec![event(members(MOST - 1000))])).unwrap();
        frames.push(&out);
        assert!(matches!(frames.take_within::<Up>(MOST_VALUES), Err(FrameError::TooManyValues)));
        // What a worker itself has of that kind is left out, and takes nothing else with it.
        out.clear();
        let kept = [event(members(2)), event(members(MOST_VALUES / 2)), event(members(3))];
        write_batch(&mut out, [kept[0].clone(), event(members(2 * MOST_VALUES)), kept[1].clone(), kept[2].clone()].into());
        let mut frames = Frames::default();
        frames.push(&out);
        let mut got = Vec::new();
        while let Some(Up::Events(part)) = frames.take_within(MOST_VALUES).unwrap() {
            got.extend(part);
        }
        assert!(got == kept, "{} came", got.len());
    }

    #[test]
    fn the_people_of_a_large_room_come_in_pieces() {
        let member = |number: usize| crate::model::Member {
            name: number.to_string(),
            alias: Some("a".to_owned()),
            buddy: None,
            flags: vec!["voice".to_owned(); 3],
        };
        let joined: Vec<_> = (0..50_000).map(member).collect();
        let (left, changed, renamed) = (vec!["x".to_owned()], Vec::new(), Vec::new());
        let all = EventKind::RoomMembers { conversation: ConversationId(1), joined, left, changed, renamed, initial: true };
        let mut out = Vec::new();
        write_batch(&mut out, vec![Event { user: UserId(1), origin: None, kind: all }]);
        let mut frames = Frames::default();
        frames.push(&out);
        let mut names = Vec::new();
        while let Some(Up::Events(part)) = frames.take_within(MOST_VALUES).unwrap() {
            for event in part {
                let EventKind::RoomMembers { joined, left, changed, initial, .. } = event.kind else { panic!("{event:?}") };
                assert_eq!((initial, left.len()), (names.is_empty(), usize::from(names.is_empty())), "only the first begins anew");
                names.extend(joined.into_iter().chain(changed).map(|member| member.name));
            }
        }
        assert!(names.len() == 50_000 && names.iter().enumerate().all(|(at, name)| *name == at.to_string()));
    }

    #[test]
    fn what_fits_into_no_frame_leaves_no_trace() {
        let mut out = b"before".to_vec();
        assert!(matches!(write(&mut out, &Up::Events(vec![picture(MOST)])), Err(FrameError::TooLong(_))));
        assert_eq!(out, b"before");
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert!(frames.is_ready());
        assert!(matches!(frames.take::<Up>(), Err(FrameError::TooLong(_))));
    }

    /// In place of an account's unknown field: a list in a list, each of which claims to be endless.
    #[test]
    fn lists_in_lists_are_refused_before_they_take_memory() {
        let mut frame = vec![0x81, 0xa6];
        frame.extend_from_slice(b"Events");
        frame.extend_from_slice(&[0xdd, 0xff, 0xff, 0xff, 0xff].repeat(1000));
        let mut bytes = u32::try_from(frame.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(&frame);
        let mut frames = Frames::default();
        frames.push(&bytes);
        let told = frames.take::<serde::de::IgnoredAny>().unwrap_err().to_string();
        assert!(told.contains("depth limit"), "{told}");
    }
}
