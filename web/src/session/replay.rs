//! Recognises messages that come again: room history after a rejoin, offline messages, what a bouncer plays back, copies of own messages. Does not
//! keep their words (see `kept.rs`), and knows no network. Pure; keyed hashes of the last messages of a conversation, 12 bytes each.
//!
//! **By id.** A message with the server's id is known when one of the same author, words and id is. Two with different ids are two messages. The id
//! never counts alone: where a server passes on ids that a sender chose, it makes nobody else's message a repeat.
//!
//! **By order.** Without ids, what was said earlier (`delayed`, or `OLD` by its time) is aligned with the last messages, which are kept in the order of
//! the conversation: a replay is a part of it, and each of its lines comes behind the line before. What is not found is new, and takes its place
//! between those that were. Each line is decided when it comes.
//!
//! **Times are a hint.** A line that carries the network's time was said then: the same words with another time are another message. For a line that
//! was heard as it was said only our own clock is known. The network cannot have noted it later than we heard it, so the same words with a later time
//! are said anew. How far the clocks differ is learned from what was recognised; until then, `CLOCKS_DIFFER`, and a time in the future, or before the
//! line, says nothing against it: order decides.
//!
//! **A bouncer's lines** look like any other, with the time in front (`[12:34:56] hello`). Shortly after the conversation began they are known when
//! the same author said the rest of the line at that time of day, in whatever time zone, or when the whole line is known.
//!
//! Limits:
//! - A replay longer than `MOST` lines is recognised as far as they go back; what is older is dropped where the times can tell so.
//! - The same words of the same author, said twice within `CLOCKS_DIFFER` before anything of a room was recognised, or within `SOON` after, are
//!   taken for one when the replay begins between the two.
//! - What a bouncer plays back for the first time is taken for a repeat when the same author said the same a whole number of quarters of an hour
//!   before, to `BOUNCERS_DIFFER` seconds.
//! - A network whose clock is ahead: while nobody knows, and after an absence that is longer than the difference, the first three lines that are
//!   repeated in a replay are shown twice. The fourth with the same difference shows the clock. Four different lines that a machine writes again in
//!   the same order, to the second, and with none of its earlier ones in the replay, are taken for such a clock from the fourth on.
//! - After a restart the order is that in which messages came. Those of a wrong clock that a room told later than others, and those that were shown
//!   twice, are then not all found.
//! - Lines that are missing between those of an earlier visit, with the words of a later line that was heard, may be taken for that while the
//!   clocks' difference is not known.

mod said;

use crate::wire::Message;
use bridge::time::Timestamp;
use said::{Said, is_said, seconds};

/// Messages of a conversation that are remembered.
const MOST: usize = 128;
/// Seconds that two notes of the same moment by the same clock may differ.
const EXACT: i64 = 1;
/// Seconds by which the network may have noted a message after us, when the clocks' difference is known.
const SOON: i64 = 3;
/// Seconds that a message may take from the network's note of it to ours.
const LATE: i64 = 120;
/// Seconds that clocks differ by, as long as nobody knows better.
const CLOCKS_DIFFER: i64 = 30;
/// So many lines in a row that differ from what was heard by the same time show that a clock is wrong.
const SHOW_A_CLOCK: u8 = 4;
/// Seconds after the beginning of a conversation in which a bouncer plays back.
const PLAYBACK: i64 = 120;

/// The last messages of a conversation. One without any takes no room.
#[derive(Debug, Default)]
pub(crate) struct Recent(Option<Box<Ring>>);

impl Recent {
    /// Puts messages that are known from elsewhere, oldest first and each with its server's id, before those that were heard. Best before
    /// [`Recent::begins`].
    pub(crate) fn seed<'a>(&mut self, known: impl IntoIterator<Item = (&'a Message, Option<&'a str>)>) {
        let known = known.into_iter().filter(|(message, _)| is_said(message));
        let mut lines: Vec<Line> = known.map(|(message, id)| Line::of(&Said::of(message, id, Timestamp(0)))).collect();
        if lines.is_empty() {
            return;
        }
        let ring = self.0.get_or_insert_default();
        lines.append(&mut ring.lines);
        let over = lines.len().saturating_sub(MOST);
        lines.drain(..over);
        lines.shrink_to_fit();
        ring.lines = lines;
        // Whoever has as many may have more.
        ring.overflowed |= ring.lines.len() == MOST;
        (ring.next, ring.waiting) = (None, 0);
    }

    /// The conversation begins anew: what was said before may come again.
    pub(crate) fn begins(&mut self, now: Timestamp) {
        if let Some(ring) = &mut self.0 {
            ring.lines.iter_mut().for_each(|line| line.id &= !Line::FRESH);
            ring.run_begins();
            ring.began = seconds(now);
        }
    }

    /// Takes a message in. True: it is one that is known already.
    pub(crate) fn knows(&mut self, message: &Message, server_id: Option<&str>, now: Timestamp) -> bool {
        is_said(message) && self.0.get_or_insert_default().hear(&Said::of(message, server_id, now))
    }

    /// Bytes of heap.
    #[cfg(test)]
    pub(crate) fn heap(&self) -> usize {
        self.0.as_ref().map_or(0, |ring| size_of::<Ring>() + ring.lines.capacity() * size_of::<Line>())
    }
}

/// A message that is known.
#[derive(Debug, Clone, Copy)]
struct Line {
    words: u32,
    /// Of the server's id, 0 for none; and what is known of the line.
    id: u32,
    time: u32,
}

impl Line {
    const ID: u32 = (1 << 29) - 1;
    /// Heard as it was said, since the conversation began: no replay has it.
    const FRESH: u32 = 1 << 29;
    /// The time is the network's.
    const STAMPED: u32 = 1 << 30;
    /// Has its place in the replay that is running.
    const TOUCHED: u32 = 1 << 31;

    fn of(said: &Said) -> Self {
        let stamped = if said.stamped { Self::STAMPED } else { 0 };
        Self { words: said.words, id: said.id | stamped, time: u32::try_from(said.time).unwrap_or(u32::MAX) }
    }

    fn is(&self, flag: u32) -> bool {
        self.id & flag != 0
    }

    /// The words are these, the ids are not different ones, and a replay may have it that has not had it yet.
    fn may_be(&self, said: &Said, words: u32) -> bool {
        let id = self.id & Self::ID;
        self.words == words && !self.is(Self::TOUCHED | Self::FRESH) && (id == 0 || said.id == 0 || id == said.id)
    }

    fn time(&self) -> i64 {
        self.time.into()
    }
}

/// By how many seconds the network's clock is ahead of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Clock {
    #[default]
    Unknown,
    /// Clock difference by one line.
    Guess { ahead: i64, words: u32, time: i64 },
    /// Clock difference by two independent lines.
    Sure(i64),
}

#[derive(Debug, Default)]
struct Ring {
    /// In the order of the conversation.
    lines: Vec<Line>,
    /// There were more.
    overflowed: bool,
    /// Where the replay is, once something of it was found: the place behind its last line.
    next: Option<usize>,
    /// So many lines of the replay are at the end, since nothing is known yet that comes after them.
    waiting: usize,
    /// The time of the replay's last line.
    last: i64,
    clock: Clock,
    /// By how much the last lines were later than the same words that were heard, of what words, and how many.
    doubt: (i64, u32, u8),
    began: i64,
}

impl Ring {
    fn run_begins(&mut self) {
        self.lines.iter_mut().for_each(|line| line.id &= !Line::TOUCHED);
        (self.next, self.waiting, self.last, self.doubt) = (None, 0, i64::MIN, (0, 0, 0));
    }

    fn hear(&mut self, said: &Said) -> bool {
        if said.stamped && said.time + EXACT < self.last {
            // Replays do not go back: this is another one.
            self.run_begins();
        }
        let found = match self.same_id(said) {
            None if said.stamped => self.aligned(said).or_else(|| self.despite_the_time(said)),
            None => self.played_back(said),
            found => found,
        };
        if said.stamped {
            self.last = said.time;
        }
        match found {
            Some(at) => self.found(at, said),
            None if said.stamped && self.is_before_all(said) => return true,
            None => self.add(said),
        }
        found.is_some()
    }

    fn same_id(&self, said: &Said) -> Option<usize> {
        let same = |line: &Line| line.words == said.words && line.id & Line::ID == said.id;
        if said.id == 0 { None } else { self.lines.iter().rposition(same) }
    }

    /// Lines after the replay's last line.
    fn is_in_order(&self, at: usize) -> bool {
        self.next.is_none_or(|next| at >= next)
    }

    /// The line that this is by its words, its place and its time; of several, the one nearest by time.
    fn aligned(&self, said: &Said) -> Option<usize> {
        let fits = |at: usize, line: &Line| {
            let later = said.time - line.time();
            let in_order = self.is_in_order(at);
            if line.is(Line::STAMPED) {
                return (later.abs() <= EXACT).then_some(later.abs());
            }
            let is_early = said.time > said.now + CLOCKS_DIFFER;
            let (ahead, fits) = match self.clock {
                Clock::Sure(ahead) => (ahead, (-LATE..=SOON).contains(&(later - ahead))),
                Clock::Guess { ahead, .. } => (ahead, is_early || later <= ahead.max(0) + CLOCKS_DIFFER),
                Clock::Unknown => (0, is_early || later <= CLOCKS_DIFFER),
            };
            // After a restart, what was missed first and told later stands behind what was heard meanwhile.
            let differ = (later - ahead).abs();
            (if in_order { fits } else { differ <= SOON }).then_some(differ)
        };
        let all = self.lines.iter().enumerate().filter(|(_, line)| line.may_be(said, said.words));
        all.filter_map(|(at, line)| Some((fits(at, line)?, at))).min().map(|(_, at)| at)
    }

    /// The same for one that is too late: known all the same once so many lines in a row are late by the same time.
    fn despite_the_time(&mut self, said: &Said) -> Option<usize> {
        let (before, words, count) = self.doubt;
        let later = |line: &Line| said.time - line.time();
        let may_be = |(at, line): &(usize, &Line)| self.is_in_order(*at) && !line.is(Line::STAMPED) && line.may_be(said, said.words);
        let all = self.lines.iter().enumerate().filter(may_be);
        let (at, line) = all.min_by_key(|(at, line)| (later(line).abs_diff(before) > 2, usize::MAX - at))?;
        let later = later(line);
        let goes_on = count > 0 && words != said.words && later.abs_diff(before) <= 2;
        self.doubt = (later, said.words, if goes_on { count + 1 } else { 1 });
        if self.doubt.2 < SHOW_A_CLOCK {
            return None;
        }
        self.clock = Clock::Sure(later);
        Some(at)
    }

    /// The line that a bouncer plays back.
    fn played_back(&self, said: &Said) -> Option<usize> {
        let (bare, time) = said.bare.filter(|_| (0..=PLAYBACK).contains(&(said.now - self.began)))?;
        let is = |line: &Line| line.may_be(said, said.words) || line.may_be(said, bare) && time.is(line.time());
        self.lines.iter().position(is)
    }

    /// Whether a line is older than all that are remembered, where earlier ones were dropped.
    fn is_before_all(&self, said: &Said) -> bool {
        let Some(first) = self.lines.first().filter(|_| self.overflowed && self.next.is_none()) else { return false };
        match self.clock {
            _ if first.is(Line::STAMPED) => said.time <= first.time(),
            Clock::Sure(ahead) => said.time - ahead + LATE < first.time(),
            _ => false,
        }
    }

    fn found(&mut self, at: usize, said: &Said) {
        let Some(line) = self.lines.get_mut(at) else { return };
        let was_heard = !line.is(Line::STAMPED);
        let (words, time) = (line.words, line.time());
        line.id |= Line::TOUCHED;
        if line.id & Line::ID == 0 {
            line.id |= said.id;
        }
        if !said.stamped {
            return;
        }
        if was_heard {
            self.learn(said.time - time, words, time);
        }
        // What came before it in the replay stands before it.
        let waiting = std::mem::take(&mut self.waiting);
        let moved = if at + waiting < self.lines.len() { waiting } else { 0 };
        if let Some(rest) = self.lines.get_mut(at..).filter(|_| moved > 0) {
            rest.rotate_right(moved);
        }
        self.next = Some(at + moved + 1);
    }

    fn learn(&mut self, ahead: i64, words: u32, time: i64) {
        self.clock = match self.clock {
            Clock::Sure(_) => return,
            // Lines that were held up together are late by the same time.
            Clock::Guess { ahead: before, words: other, time: then }
                if ahead.abs_diff(before) <= 2 && words != other && time.abs_diff(then) > LATE.unsigned_abs() =>
            {
                Clock::Sure(ahead.max(before))
            }
            Clock::Guess { ahead: before, .. } if ahead.abs_diff(before) <= 2 => return,
            _ => Clock::Guess { ahead, words, time },
        };
    }

    /// A new one: behind the replay's last line, or at the end.
    fn add(&mut self, said: &Said) {
        let mut line = Line::of(said);
        if self.lines.len() >= MOST {
            self.overflowed = true;
            self.lines.remove(0);
            self.next = self.next.map(|next| next.saturating_sub(1));
        } else if self.lines.len() == self.lines.capacity() {
            // Most conversations are short.
            self.lines.reserve_exact((4 + self.lines.len() / 4).min(MOST - self.lines.len()));
        }
        if !said.stamped {
            self.waiting = 0;
            line.id |= Line::FRESH;
            return self.lines.push(line);
        }
        line.id |= Line::TOUCHED;
        match self.next {
            Some(next) => {
                let at = next.min(self.lines.len());
                self.lines.insert(at, line);
                self.next = Some(at + 1);
            }
            None => {
                self.lines.push(line);
                self.waiting = (self.waiting + 1).min(self.lines.len());
            }
        }
    }
}
