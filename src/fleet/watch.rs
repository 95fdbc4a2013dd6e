//! Looks after the workers, once a second: hangs, memory, emptying, and accounts that wait for a place; it starts none that nobody needs.

use super::ledger::At;
use super::place::Group;
use super::{Fleet, Stage, State, Worker};
use bridge::frame::Down;
use bridge::id::AccountId;
use bridge::report::{Load, resident};
use std::fs::File;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// A worker that nobody needs is ended after this.
const EMPTY: Duration = Duration::from_secs(60);
/// For one that was told to leave a core file.
const CORE: Duration = Duration::from_secs(30);
/// For a worker to start, or to end when told.
const SLOW: Duration = Duration::from_secs(60);
/// Accounts moved at once out of a worker that is to be emptied.
const MOVES: usize = 5;

/// The longest turn, or callback, of the last minute or two, so that whoever looks less often than every second sees it all the same.
#[derive(Debug, Default)]
pub(super) struct Slowest {
    now: u64,
    before: u64,
    looks: u32,
}

impl Slowest {
    /// One look, of which there is one a second.
    fn note(&mut self, us: u64) {
        self.now = self.now.max(us);
        self.looks += 1;
        if self.looks >= 60 {
            *self = Self { now: 0, before: self.now, looks: 0 };
        }
    }

    /// Microseconds.
    pub(super) fn get(&self) -> u64 {
        self.now.max(self.before)
    }
}

/// Runs until the fleet has ended.
pub(super) async fn watch(fleet: Fleet) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        ticks.tick().await;
        fleet.0.homes.refresh();
        let late = last.elapsed().saturating_sub(EVERY);
        last = Instant::now();
        fleet.look(late);
        if fleet.lock().quitting && fleet.has_ended() {
            return;
        }
    }
}

/// Ends a worker at once; its pump sees to the rest.
pub(super) fn kill(worker: &mut Worker, reason: &str) {
    condemn(worker, reason);
    if let Some(child) = &worker.child
        && let Err(error) = child.lock().unwrap_or_else(PoisonError::into_inner).kill()
    {
        log::warn!("process {} cannot be ended: {error}", worker.pid);
    }
}

fn condemn(worker: &mut Worker, reason: &str) {
    worker.condemned.get_or_insert_with(|| reason.to_owned());
    worker.condemned_at.get_or_insert_with(Instant::now);
}

/// Ends one that does nothing, leaving a core file.
fn abort(worker: &mut Worker, reason: &str) {
    condemn(worker, reason);
    let pid = i32::try_from(worker.pid).ok().and_then(rustix::process::Pid::from_raw);
    // It is ended for good when this is of no use.
    match pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::ABORT)) {
        Some(Ok(())) => {}
        _ => kill(worker, reason),
    }
}

/// Tells a worker that nobody needs to end.
pub(super) fn let_go(worker: &mut Worker) {
    if worker.down.try_send(Down::Quit).is_ok() {
        worker.stage = Stage::Ending;
    }
}

impl Fleet {
    pub(super) fn pong(&self, number: u16, ping: u64, load: Load) {
        let mut state = self.lock();
        let Some(worker) = state.workers.get_mut(&number) else { return };
        worker.load = load;
        worker.slowest.note(load.longest_turn_us);
        worker.dearest.note(load.longest_call_us);
        if let Some((_, at)) = worker.pinged.take_if(|(sent, _)| *sent == ping) {
            worker.lag = at.elapsed();
            state.answer_pings();
        }
    }

    /// `late`: this process did nothing itself for so long. No worker is to blame for that.
    fn look(&self, late: Duration) {
        let now = Instant::now();
        let files: Vec<(u16, Arc<File>)> =
            self.lock().workers.iter().filter_map(|(number, worker)| Some((*number, worker.statm.clone()?))).collect();
        let sizes: Vec<(u16, u64)> = files.into_iter().filter_map(|(number, statm)| Some((number, resident(&statm)?))).collect();
        let mut state = self.lock();
        state.tend(now, self.0.settings.crash_window);
        let State { workers, crashes, failing, .. } = &mut *state;
        for (number, bytes) in sizes {
            if let Some(worker) = workers.get_mut(&number) {
                worker.memory = bytes;
            }
        }
        failing.forget(now);
        let core = workers.values().filter(|worker| worker.group == Group::Core && worker.stage == Stage::Up).count();
        let mut surplus = core.saturating_sub(self.0.settings.workers.into());
        for (number, worker) in workers {
            if let Some((_, at)) = &mut worker.pinged {
                // What it says proves that its loop turns, even when the answer to the ping lies behind much else.
                *at = if worker.life.shows(&mut worker.seen) { now } else { (*at + late).min(now) };
            }
            self.look_at(*number, worker, now);
            if let Group::Suspect(account) = worker.group
                && worker.stage == Stage::Up
                && !crashes.is_suspect(now, account)
            {
                // Nothing has come of it: it need not be alone any more.
                worker.stage = Stage::Draining;
            }
            let empty = worker.accounts == 0 && worker.empty_since.is_some_and(|since| now.saturating_duration_since(since) > EMPTY);
            let spare = match (&worker.group, worker.stage) {
                (_, Stage::Draining) => worker.accounts == 0,
                (Group::Core, Stage::Up) if empty && surplus > 0 => {
                    surplus -= 1;
                    true
                }
                (Group::Core, _) => false,
                (_, Stage::Up) => empty,
                _ => false,
            };
            if spare {
                let_go(worker);
            }
        }
        if state.quitting {
            return;
        }
        self.drain(&mut state, now);
        self.fill(&mut state, now);
        for (user, account, before) in std::mem::take(&mut state.unplaced) {
            self.restore(&mut state, user, account, before);
        }
    }

    fn look_at(&self, number: u16, worker: &mut Worker, now: Instant) {
        let settings = &self.0.settings;
        if settings.memory_most > 0 && worker.memory > settings.memory_most {
            worker.outgrown = true;
            let words = format!("it took {} MiB of memory, more than worker.memory_most_mb", worker.memory >> 20);
            return kill(worker, &words);
        }
        if let Some(at) = worker.condemned_at {
            // A core file takes its time.
            let patience = if settings.confine.core { CORE } else { EVERY };
            if now.saturating_duration_since(at) >= patience {
                kill(worker, "it did not end");
            }
            return;
        }
        let patience = if matches!(worker.stage, Stage::Up | Stage::Draining) { settings.hang } else { settings.hang.max(SLOW) };
        let overdue = |since: Instant| now.saturating_duration_since(since) >= patience;
        let end = |worker: &mut Worker, words: &str| if settings.confine.core { abort(worker, words) } else { kill(worker, words) };
        match worker.pinged {
            Some((_, at)) if overdue(at) => end(worker, &format!("its loop did not turn for {} s", patience.as_secs())),
            Some(_) => {}
            None => {
                let ping = worker.last_ping + 1;
                if worker.down.try_send(Down::Ping(ping)).is_ok() {
                    (worker.last_ping, worker.pinged, worker.deaf_since) = (ping, Some((ping, now)), None);
                } else if overdue(*worker.deaf_since.get_or_insert(now)) {
                    end(worker, &format!("it took no command for {} s", patience.as_secs()));
                }
            }
        }
        let cap = settings.caps.memory;
        // One that has grown so much soon after its start would do so again, wherever its accounts go.
        let grown = now.saturating_duration_since(worker.since) > settings.quiet * 2;
        if worker.stage == Stage::Up && cap > 0 && worker.memory > cap && worker.accounts > 0 && grown {
            log::warn!(
                "worker {number} takes {} MiB, more than worker.memory_mb: its accounts are moved when it is quiet",
                worker.memory >> 20
            );
            worker.stage = Stage::Draining;
        }
    }

    /// Moves quiet accounts out of workers that are to be emptied, as long as there is a place for them.
    fn drain(&self, state: &mut State, now: Instant) {
        let draining: Vec<u16> =
            state.workers.iter().filter(|(_, worker)| worker.stage == Stage::Draining).map(|(number, _)| *number).collect();
        for number in draining {
            let quiet = |account: &AccountId| {
                state.ledger.any(*account).is_some_and(|record| {
                    record.at == At::Worker(number) && now.saturating_duration_since(record.active) >= self.0.settings.quiet
                })
            };
            let moving: Vec<_> = state.ledger.in_worker(number).into_iter().filter(quiet).take(MOVES).collect();
            for account in moving {
                let Some(user) = state.ledger.any(account).map(|record| record.user) else { continue };
                if !self.could_move(state, now, user, account) {
                    break;
                }
                self.move_away(state, user, account, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_turn_is_told_for_a_minute_at_least_and_two_at_most() {
        let mut slowest = Slowest::default();
        slowest.note(9_000);
        for _ in 0..60 {
            slowest.note(10);
            assert_eq!(slowest.get(), 9_000);
        }
        for _ in 0..60 {
            slowest.note(10);
        }
        assert_eq!(slowest.get(), 10);
    }
}
