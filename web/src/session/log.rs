//! A user's numbered events as written bytes: what is still to be delivered, and no more; pure, knows no clock and no client.

use std::collections::VecDeque;

/// An event, written.
#[derive(Debug)]
struct Entry {
    seq: u64,
    /// A newer event of the same subject makes this one void; 0 for none.
    subject: u64,
    bytes: Box<[u8]>,
}

/// The log. Bounded by its caller's calls of [`Log::bound`] and [`Log::forget`].
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
    /// Everything up to here is gone.
    floor: u64,
}

/// Some events of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// JSON objects with commas between.
    pub(crate) json: Vec<u8>,
    pub(crate) count: usize,
    /// There are more after these.
    pub(crate) more: bool,
}

/// Where some events stand, and their bytes with one more for each.
struct Span {
    start: usize,
    count: usize,
    size: usize,
}

impl Log {
    /// Number of the last event; 0 when there was none.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The number that the next event will have.
    pub(crate) fn next(&self) -> u64 {
        self.last + 1
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event that was written with the number [`Log::next`]. True when it made an older one void.
    pub(crate) fn push(&mut self, subject: u64, bytes: Vec<u8>) -> bool {
        let blanked = subject != 0 && self.blank(subject);
        self.last += 1;
        self.bytes += bytes.len();
        self.entries.push_back(Entry { seq: self.last, subject, bytes: bytes.into_boxed_slice() });
        blanked
    }

    /// Counts an event that nobody waits for.
    pub(crate) fn skip(&mut self) {
        self.last += 1;
        self.forget(self.last);
    }

    fn blank(&mut self, subject: u64) -> bool {
        let Some(at) = self.entries.iter().rposition(|entry| entry.subject == subject) else { return false };
        if let Some(entry) = self.entries.remove(at) {
            self.bytes -= entry.bytes.len();
        }
        true
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.bytes.len();
            self.floor = entry.seq;
        }
    }

    /// Drops what every client has, that is everything up to `seq`.
    pub(crate) fn forget(&mut self, seq: u64) {
        while self.entries.front().is_some_and(|entry| entry.seq <= seq) {
            self.drop_oldest();
        }
        self.floor = self.floor.max(seq.min(self.last));
        if self.entries.is_empty() {
            // A log is empty most of the time.
            self.entries = VecDeque::new();
        }
    }

    /// Drops the oldest until the rest fits; of those above `keep_after`, only when they exceed the first bounds. Returns how many went.
    ///
    /// `events` and `bytes` bound everything; `stale_bytes` bounds what only clients wait for that have not come for long: the
    /// events up to `keep_after`.
    pub(crate) fn bound(&mut self, events: usize, bytes: usize, stale_bytes: usize, keep_after: u64) -> u64 {
        let mut dropped = 0;
        while let Some(oldest) = self.entries.front() {
            let stale = oldest.seq <= keep_after && self.bytes > stale_bytes;
            // One event may be larger than all bounds together; it still has to be delivered.
            if self.entries.len() == 1 || !(stale || self.entries.len() > events || self.bytes > bytes) {
                break;
            }
            self.drop_oldest();
            dropped += 1;
        }
        dropped
    }

    /// True when the events after `seq` are all there, but for those made void.
    pub(crate) fn reaches_back_to(&self, seq: u64) -> bool {
        seq >= self.floor
    }

    /// True when there is something after `seq`.
    pub(crate) fn has_after(&self, seq: u64) -> bool {
        self.entries.back().is_some_and(|entry| entry.seq > seq)
    }

    /// The events after `seq`: at most so many, at most so many bytes, at least one if there is one.
    pub(crate) fn after(&self, seq: u64, events: usize, bytes: usize) -> Slice {
        let Span { start, count, size } = self.span(seq, events, bytes);
        let mut json = Vec::with_capacity(size);
        for entry in self.entries.range(start..start + count) {
            if !json.is_empty() {
                json.push(b',');
            }
            json.extend_from_slice(&entry.bytes);
        }
        Slice { json, count, more: start + count < self.entries.len() }
    }

    /// The same, each with its number; and whether there are more after these.
    pub(crate) fn each_after(&self, seq: u64, events: usize, bytes: usize) -> (impl Iterator<Item = (u64, &[u8])>, bool) {
        let Span { start, count, .. } = self.span(seq, events, bytes);
        let each = self.entries.range(start..start + count).map(|entry| (entry.seq, &*entry.bytes));
        (each, start + count < self.entries.len())
    }

    fn span(&self, seq: u64, events: usize, bytes: usize) -> Span {
        let start = self.entries.partition_point(|entry| entry.seq <= seq);
        let (mut size, mut count) = (0, 0);
        for entry in self.entries.range(start..) {
            let with = size + entry.bytes.len() + 1;
            if count > 0 && (count >= events || with > bytes) {
                break;
            }
            size = with;
            count += 1;
        }
        Span { start, count, size }
    }
}
