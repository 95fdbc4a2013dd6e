//! The last messages of a conversation, packed: one costs its text and about a dozen bytes more, an author is there once. Pure; how many are
//! kept, and how many bytes, is for the callers to say.

mod spans;

use super::conversation::message_id;
use super::packed::{self, Reader, put_number, put_text};
use crate::wire::{Message, MessageState, Span};
use bridge::model::Author;
use bridge::time::Timestamp;
use spans::{put_span, read_span};
use std::borrow::Cow;

/// The messages, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Records (see [`Line`]), behind `gone` bytes that stand for nothing any more. One buffer, because fifty small ones cost the
    /// allocator more than they hold.
    bytes: Vec<u8>,
    gone: usize,
    count: u32,
    /// Those of them that nobody said.
    systems: u32,
    /// What the oldest record's number is counted from.
    base: u64,
    newest: u64,
    authors: Vec<Known>,
}

/// An author, and how many of the messages are theirs; a place with none is free.
#[derive(Debug)]
struct Known {
    author: Author,
    uses: u32,
}

impl Known {
    fn bytes(&self) -> usize {
        let texts = self.author.name.len() + self.author.alias.as_ref().map_or(0, String::len);
        if self.uses == 0 { 0 } else { texts + size_of::<Self>() }
    }
}

// A record is: its length, flags, number since the record before, time since the number's own, place of the author; then the text, or for
// STYLED the spans: flags, text, then what of colour, link and image the flags tell of. All numbers are of variable length.
const COUNTS: u64 = 1 << 0;
const HIGHLIGHT: u64 = 1 << 1;
const STYLED: u64 = 1 << 2;
const DELAYED: u64 = 1 << 3;
const AUTO_REPLY: u64 = 1 << 4;
const REMOTE: u64 = 1 << 5;
const SYSTEM: u64 = 1 << 6;
/// From here on, in three bits: the state.
const STATE: u32 = 7;
const STATES: u64 = 7;
/// A line about the topic, which has no state.
const TOPIC: u64 = 5;
/// Behind the author stands when it was edited, as time since the number's own.
const EDITED: u64 = 1 << 10;
/// Behind that: why it was not delivered.
const ERROR: u64 = 1 << 11;

/// The flag, or nothing.
fn when(is: bool, flag: u64) -> u64 {
    if is { flag } else { 0 }
}

/// The time that a message's number stands for: numbers begin with the time of arrival.
pub(super) fn arrival(number: u64) -> i64 {
    (number >> 16).cast_signed()
}

impl Kept {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many are the system's: topics, joins, quits.
    pub(crate) fn systems(&self) -> usize {
        self.systems as usize
    }

    /// Bytes of everything.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() - self.gone + self.authors.iter().map(Known::bytes).sum::<usize>()
    }

    /// Bytes of heap.
    #[cfg(test)]
    pub(crate) fn heap(&self) -> usize {
        let texts = |known: &Known| known.author.name.capacity() + known.author.alias.as_ref().map_or(0, String::capacity);
        self.bytes.capacity() + self.authors.capacity() * size_of::<Known>() + self.authors.iter().map(texts).sum::<usize>()
    }

    /// The number of the newest, when there is one.
    pub(crate) fn newest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.newest)
    }

    /// The number of the oldest, when there is one.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.lines().next().map(|line| line.number)
    }

    /// All of them, oldest first.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines { rest: Reader(self.bytes.get(self.gone..).unwrap_or_default()), number: self.base, authors: &self.authors }
    }

    /// Adds a message with a higher number than all before. `counts`: it makes a conversation unread.
    pub(crate) fn push(&mut self, number: u64, counts: bool, message: &Message) {
        if self.count == 0 {
            (self.base, self.newest) = (number, number);
        }
        let author = self.place(&message.from);
        let plain = matches!(message.spans.as_slice(), [only] if only.is_plain() && only.text == message.text);
        let state = message.state.map_or(if message.topic { TOPIC } else { 0 }, |state| match state {
            MessageState::Pending => 1,
            MessageState::Sent => 2,
            MessageState::Failed => 3,
            MessageState::Unknown => 4,
            MessageState::Delivered => 6,
        });
        let flags = when(counts, COUNTS)
            | when(message.highlight, HIGHLIGHT)
            | when(!plain, STYLED)
            | when(message.delayed, DELAYED)
            | when(message.auto_reply, AUTO_REPLY)
            | when(message.remote, REMOTE)
            | when(message.system, SYSTEM)
            | when(message.edited_at.is_some(), EDITED)
            | when(message.error.is_some(), ERROR)
            | state << STATE;
        let mut record = Vec::with_capacity(message.text.len() + 32);
        put_number(&mut record, flags);
        put_number(&mut record, number.saturating_sub(self.newest));
        packed::put_signed(&mut record, message.time.0.wrapping_sub(arrival(number)));
        put_number(&mut record, author as u64);
        if let Some(at) = message.edited_at {
            packed::put_signed(&mut record, at.0.wrapping_sub(arrival(number)));
        }
        message.error.iter().for_each(|words| put_text(&mut record, words));
        if plain {
            record.extend_from_slice(message.text.as_bytes());
        } else {
            message.spans.iter().for_each(|span| put_span(&mut record, span));
        }
        self.make_room(record.len() + packed::LONGEST);
        put_number(&mut self.bytes, record.len() as u64);
        self.bytes.extend_from_slice(&record);
        self.newest = self.newest.max(number);
        self.count += 1;
        self.systems += u32::from(message.system);
    }

    /// Puts another message in the place of the one with this number.
    pub(crate) fn replace(&mut self, number: u64, message: &Message) {
        self.rewrite(|line| if line.number == number { Some(message.clone()) } else { Some(line.message()) });
    }

    /// Takes a message out.
    pub(crate) fn remove(&mut self, number: u64) {
        self.rewrite(|line| (line.number != number).then(|| line.message()));
    }

    fn rewrite(&mut self, change: impl Fn(&Line<'_>) -> Option<Message>) {
        let mut other = Self::default();
        for line in self.lines() {
            if let Some(message) = change(&line) {
                other.push(line.number, line.counts(), &message);
            }
        }
        *self = other;
    }

    /// Lets go of the oldest. Returns how many bytes fewer there are.
    pub(crate) fn drop_oldest(&mut self) -> Option<usize> {
        let before = self.bytes();
        let mut lines = self.lines();
        let Line { number, place, flags, .. } = lines.next()?;
        self.gone = self.bytes.len() - lines.rest.0.len();
        self.base = number;
        self.count -= 1;
        self.systems -= u32::from(flags & SYSTEM != 0);
        self.leave(place);
        let freed = before - self.bytes();
        self.give_back();
        Some(freed)
    }

    /// Gives room back that is not needed any more.
    fn give_back(&mut self) {
        let left = self.bytes.len() - self.gone;
        if self.count == 0 {
            *self = Self::default();
        } else if self.bytes.capacity() > 256 + 4 * left {
            self.close_up();
            self.bytes.shrink_to(left + left / 8);
        }
    }

    /// Lets go of the oldest line of the system, from among the messages. Returns how many bytes fewer there are.
    pub(crate) fn drop_oldest_system(&mut self) -> Option<usize> {
        let before = self.bytes();
        let end = |lines: &Lines<'_>| self.bytes.len() - lines.rest.0.len();
        let mut lines = self.lines();
        let mut from = end(&lines);
        let mut since = self.base;
        let line = loop {
            let line = lines.next()?;
            if line.is(SYSTEM) {
                break line;
            }
            (from, since) = (end(&lines), line.number);
        };
        if from == self.gone {
            return self.drop_oldest();
        }
        let (to, place) = (end(&lines), line.place);
        // The number of the next is counted from the one before.
        let mut moved = Vec::new();
        let to = match lines.next() {
            Some(next) => {
                let mut record = Vec::with_capacity(next.rest.0.len() + packed::LONGEST);
                put_number(&mut record, next.flags);
                put_number(&mut record, next.number.saturating_sub(since));
                record.extend_from_slice(next.rest.0);
                put_number(&mut moved, record.len() as u64);
                moved.append(&mut record);
                end(&lines)
            }
            None => {
                self.newest = since;
                to
            }
        };
        self.bytes.splice(from..to, moved);
        self.count -= 1;
        self.systems -= 1;
        self.leave(place);
        let freed = before.saturating_sub(self.bytes());
        self.give_back();
        Some(freed)
    }

    /// Room for so many bytes more; a little more than that, so that most messages find it.
    fn make_room(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() >= more {
            return;
        }
        self.close_up();
        let live = self.bytes.len();
        // An eighth is added and a sixteenth is asked for: the buffer is moved once for many messages, however long it is.
        if self.bytes.capacity() - live < more.max(live / 16) {
            self.bytes.reserve_exact(more.max(live / 8));
        }
    }

    fn close_up(&mut self) {
        self.bytes.drain(..self.gone);
        self.gone = 0;
    }

    /// Where an author is, counted once more.
    fn place(&mut self, author: &Author) -> usize {
        let known = self.authors.iter().position(|known| known.uses > 0 && known.author == *author);
        let at = known.or_else(|| self.authors.iter().position(|known| known.uses == 0)).unwrap_or_else(|| {
            // Most conversations have two.
            self.authors.reserve_exact(1 + self.authors.len() / 4);
            self.authors.push(Known { author: author.clone(), uses: 0 });
            self.authors.len() - 1
        });
        if let Some(known) = self.authors.get_mut(at) {
            if known.uses == 0 {
                known.author = author.clone();
            }
            known.uses += 1;
        }
        at
    }

    /// A message of an author is gone.
    fn leave(&mut self, place: usize) {
        let Some(known) = self.authors.get_mut(place) else { return };
        known.uses = known.uses.saturating_sub(1);
        if known.uses == 0 {
            known.author = Author { name: String::new(), alias: None, buddy: None, own: false };
        }
        while self.authors.last().is_some_and(|known| known.uses == 0) {
            self.authors.pop();
        }
    }
}

/// Runs over the messages of a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'a> {
    rest: Reader<'a>,
    number: u64,
    authors: &'a [Known],
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let length = self.rest.number()?;
        let mut record = Reader(self.rest.take(usize::try_from(length).ok()?)?);
        let flags = record.number()?;
        self.number += record.number()?;
        let rest = record.clone();
        let time = Timestamp(arrival(self.number).wrapping_add(record.signed()?));
        let place = usize::try_from(record.number()?).ok()?;
        let author = &self.authors.get(place)?.author;
        let edited = if flags & EDITED == 0 { None } else { Some(Timestamp(arrival(self.number).wrapping_add(record.signed()?))) };
        let error = if flags & ERROR == 0 { None } else { Some(record.text()?) };
        Some(Line { number: self.number, time, author, place, flags, edited, error, rest, body: record })
    }
}

/// A kept message.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) time: Timestamp,
    pub(crate) author: &'a Author,
    place: usize,
    flags: u64,
    edited: Option<Timestamp>,
    error: Option<&'a str>,
    /// All behind the number.
    rest: Reader<'a>,
    body: Reader<'a>,
}

impl<'a> Line<'a> {
    fn is(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// Makes a conversation unread.
    pub(crate) fn counts(&self) -> bool {
        self.is(COUNTS)
    }

    /// The system's: a topic, somebody who joins or quits.
    pub(crate) fn is_system(&self) -> bool {
        self.is(SYSTEM)
    }

    /// Counts, and names the user.
    pub(crate) fn mentions(&self) -> bool {
        self.is(COUNTS) && self.is(HIGHLIGHT)
    }

    fn spans(&self) -> Vec<Span> {
        let mut rest = self.body.clone();
        std::iter::from_fn(|| read_span(&mut rest)).collect()
    }

    /// Its words.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        if self.is(STYLED) { crate::body::text(&self.spans()).into() } else { String::from_utf8_lossy(self.body.0) }
    }

    /// As the wire has it.
    pub(crate) fn message(&self) -> Message {
        let (text, spans) = if self.is(STYLED) {
            let spans = self.spans();
            (crate::body::text(&spans), spans)
        } else {
            let text = self.text().into_owned();
            (text.clone(), vec![Span { text, ..Span::default() }])
        };
        Message {
            id: message_id(self.number),
            from: self.author.clone(),
            time: self.time,
            text,
            spans,
            delayed: self.is(DELAYED),
            highlight: self.is(HIGHLIGHT),
            auto_reply: self.is(AUTO_REPLY),
            remote: self.is(REMOTE),
            system: self.is(SYSTEM),
            topic: self.flags >> STATE & STATES == TOPIC,
            state: match self.flags >> STATE & STATES {
                1 => Some(MessageState::Pending),
                2 => Some(MessageState::Sent),
                3 => Some(MessageState::Failed),
                4 => Some(MessageState::Unknown),
                6 => Some(MessageState::Delivered),
                _ => None,
            },
            edited_at: self.edited,
            error: self.error.map(str::to_owned),
        }
    }
}

/// The messages from one place on, so many, as JSON without a list of them in between.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) from: usize,
    pub(crate) most: usize,
}

impl<'a> Written<'a> {
    pub(crate) fn all(kept: &'a Kept) -> Self {
        Self { kept, from: 0, most: kept.len() }
    }
}

impl serde::Serialize for Written<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.kept.lines().skip(self.from).take(self.most).map(|line| line.message()))
    }
}
