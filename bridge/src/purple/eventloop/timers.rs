//! Timers and idle calls as data: what is due, in which order, and who removed what; it reads no clock and calls nobody.

use super::ids::FastMap;
use crate::id::AccountId;
use glib_sys::{gboolean, gpointer};
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, VecDeque};

const SECOND: i64 = 1_000_000;

/// When a timer is due; times are microseconds of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rhythm {
    /// After so many microseconds, and again so many after each dispatch.
    Every(i64),
    /// After so many seconds, moved to the nearest whole one, so that all such timers fire in one turn.
    Seconds(i64),
    /// When nothing else is to be done.
    Idle,
}

impl Rhythm {
    fn due_after(self, now: i64) -> i64 {
        match self {
            Self::Every(interval) => now.saturating_add(interval),
            Self::Seconds(seconds) => {
                let exact = now.saturating_add(seconds.saturating_mul(SECOND));
                exact.saturating_add(SECOND / 2) / SECOND * SECOND
            }
            Self::Idle => now,
        }
    }
}

/// A function and the data it is to be called with.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) function: unsafe extern "C" fn(gpointer) -> gboolean,
    pub(super) data: gpointer,
}

struct Timer {
    rhythm: Rhythm,
    call: Call,
    owner: Option<AccountId>,
    /// Which entry of the heap or of the idle queue is this timer's; 0 while it runs.
    serial: u64,
}

/// One run through what is due: nothing that was queued after its start belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    now: i64,
    before: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: i64,
    serial: u64,
    id: u32,
}

/// All timers. Removed ones leave their entry in the heap behind; it is skipped, and swept out when it is one of many.
pub(super) struct Timers {
    timers: FastMap<u32, Timer>,
    heap: BinaryHeap<Reverse<Due>>,
    idle: VecDeque<(u64, u32)>,
    by_data: FastMap<usize, u32>,
    serial: u64,
    stale: usize,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self {
            timers: FastMap::default(),
            heap: BinaryHeap::new(),
            idle: VecDeque::new(),
            by_data: FastMap::default(),
            serial: 0,
            stale: 0,
        }
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.timers.contains_key(&id)
    }

    pub(super) fn add(&mut self, id: u32, rhythm: Rhythm, call: Call, owner: Option<AccountId>, now: i64) {
        *self.by_data.entry(call.data.addr()).or_default() += 1;
        let serial = self.queue(id, rhythm, now);
        self.timers.insert(id, Timer { rhythm, call, owner, serial });
    }

    fn queue(&mut self, id: u32, rhythm: Rhythm, now: i64) -> u64 {
        self.serial += 1;
        match rhythm {
            Rhythm::Idle => self.idle.push_back((self.serial, id)),
            _ => self.heap.push(Reverse(Due { at: rhythm.due_after(now), serial: self.serial, id })),
        }
        self.serial
    }

    /// Removes one timer that has these data; `false` when none has.
    pub(super) fn remove_by_data(&mut self, data: gpointer) -> bool {
        if !self.by_data.contains_key(&data.addr()) {
            return false;
        }
        let found = self.timers.iter().filter(|(_, timer)| timer.call.data == data).map(|(id, _)| *id).min();
        found.is_some_and(|id| self.remove(id))
    }

    /// Removes a timer, also while it runs; `false` when there is none of this id.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let Some(timer) = self.timers.remove(&id) else { return false };
        if let Entry::Occupied(mut users) = self.by_data.entry(timer.call.data.addr()) {
            *users.get_mut() -= 1;
            if *users.get() == 0 {
                users.remove();
            }
        }
        if timer.serial != 0 && timer.rhythm != Rhythm::Idle {
            self.stale += 1;
            if self.stale > 64 && self.stale * 2 > self.heap.len() {
                let timers = &self.timers;
                self.heap.retain(|Reverse(due)| timers.get(&due.id).is_some_and(|timer| timer.serial == due.serial));
                self.stale = 0;
            }
        }
        true
    }

    /// When the next timer is due.
    pub(super) fn next_at(&mut self) -> Option<i64> {
        loop {
            let Reverse(due) = self.heap.peek()?;
            if self.timers.get(&due.id).is_some_and(|timer| timer.serial == due.serial) {
                return Some(due.at);
            }
            self.heap.pop();
            self.stale = self.stale.saturating_sub(1);
        }
    }

    /// Whether an idle call waits.
    pub(super) fn idle_waits(&mut self) -> bool {
        while let Some((serial, id)) = self.idle.front() {
            if self.timers.get(id).is_some_and(|timer| timer.serial == *serial) {
                return true;
            }
            self.idle.pop_front();
        }
        false
    }

    pub(super) fn begin(&self, now: i64) -> Pass {
        Pass { now, before: self.serial }
    }

    /// The next timer of this pass, taken out of the queue; to be called, then told to [`Self::ran`].
    pub(super) fn next_due(&mut self, pass: Pass) -> Option<(u32, Call, Option<AccountId>)> {
        // What was queued during the pass is due at `now` at the earliest, and sorts behind by its serial.
        if self.next_at()? > pass.now || self.heap.peek()?.0.serial > pass.before {
            return None;
        }
        let id = self.heap.pop()?.0.id;
        self.start(id)
    }

    /// The next idle call of this pass.
    pub(super) fn next_idle(&mut self, pass: Pass) -> Option<(u32, Call, Option<AccountId>)> {
        if !self.idle_waits() || self.idle.front()?.0 > pass.before {
            return None;
        }
        let id = self.idle.pop_front()?.1;
        self.start(id)
    }

    fn start(&mut self, id: u32) -> Option<(u32, Call, Option<AccountId>)> {
        let timer = self.timers.get_mut(&id)?;
        timer.serial = 0;
        Some((id, timer.call, timer.owner))
    }

    /// After the call: queues the timer again when it wants that and was not removed meanwhile.
    pub(super) fn ran(&mut self, id: u32, again: bool, pass: Pass) {
        if !again {
            self.remove(id);
            return;
        }
        let Some(timer) = self.timers.get(&id) else { return };
        let serial = self.queue(id, timer.rhythm, pass.now);
        if let Some(timer) = self.timers.get_mut(&id) {
            timer.serial = serial;
        }
    }

    #[cfg(test)]
    pub(super) fn heap_len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
#[path = "timers_tests.rs"]
mod tests;
