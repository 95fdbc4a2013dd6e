//! A message as it is compared: hashes of its words and its id, its time, and a time of day in front of it. Knows nothing of those before.

use crate::wire::Message;
use bridge::time::Timestamp;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

/// A message that is older than this when it comes was said earlier, whether its protocol says so or not.
const OLD: i64 = 120;
/// Seconds that a bouncer's clock may differ.
const BOUNCERS_DIFFER: i64 = 5;
/// Time zones differ by multiples of this many seconds.
const ZONES: i64 = 900;

/// Somebody's words, and no line about joins, topics and errors.
pub(super) fn is_said(message: &Message) -> bool {
    !message.system && message.state != Some(crate::wire::MessageState::Failed)
}

pub(super) fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1000)
}

/// A hash that nobody outside can foresee: otherwise a line could be made that passes for another's.
fn hash(feed: impl FnOnce(&mut dyn Hasher)) -> u32 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut hasher = KEY.build_hasher();
    feed(&mut hasher);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A message that comes.
pub(super) struct Said {
    pub(super) words: u32,
    /// Without the time in front of it, and that time.
    pub(super) bare: Option<(u32, OfDay)>,
    /// 0: none.
    pub(super) id: u32,
    pub(super) time: i64,
    pub(super) stamped: bool,
    pub(super) now: i64,
}

impl Said {
    pub(super) fn of(message: &Message, server_id: Option<&str>, now: Timestamp) -> Self {
        let pictures = || message.spans.iter().filter_map(|span| span.image.as_deref());
        // White space differs between what was sent and what comes back.
        let words = |without: Option<usize>| {
            hash(|mut hasher| {
                message.from.name.hash(&mut hasher);
                let words = message.text.split_whitespace().enumerate().filter(|(at, _)| Some(*at) != without);
                words.for_each(|(_, word)| word.hash(&mut hasher));
                pictures().for_each(|picture| picture.hash(&mut hasher));
            })
        };
        let place = usize::from(message.text.starts_with("/me "));
        let time = message.text.split_whitespace().nth(place).and_then(OfDay::read);
        let id = server_id.map_or(0, |id| (hash(|mut hasher| id.hash(&mut hasher)) & super::Line::ID).max(1));
        Self {
            words: words(None),
            bare: time.map(|time| (words(Some(place)), time)),
            id,
            time: seconds(message.time).max(0),
            stamped: message.delayed || seconds(message.time) + OLD < seconds(now),
            now: seconds(now),
        }
    }
}

/// A time of day in front of a line.
#[derive(Clone, Copy)]
pub(super) struct OfDay {
    seconds: i64,
    /// How much of it is not told.
    within: i64,
}

impl OfDay {
    /// `[12:34:56]` or `[12:34]`.
    fn read(word: &str) -> Option<Self> {
        let mut parts = word.strip_prefix('[')?.strip_suffix(']')?.split(':');
        let mut two = |below: i64| {
            let part = parts.next()?;
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number| digits && *number < below)
        };
        let (hours, minutes): (i64, i64) = (two(24)?, two(60)?);
        let rest = two(61);
        let told = rest.is_some();
        let read = Self { seconds: hours * 3600 + minutes * 60 + rest.unwrap_or(0), within: if told { 0 } else { 59 } };
        parts.next().is_none().then_some(read).filter(|_| told || word.len() == 7)
    }

    /// Whether it may be this moment somewhere on earth.
    pub(super) fn is(self, time: i64) -> bool {
        let since = (time - self.seconds).rem_euclid(ZONES);
        since <= self.within + BOUNCERS_DIFFER || since >= ZONES - BOUNCERS_DIFFER
    }
}
