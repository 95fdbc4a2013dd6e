//! The fleet as a session sees it: commands in, figures and accounts out. Must not choose a worker (see `route`).

use super::ledger::At;
use super::{Fleet, Stage, State, Worker};
use bridge::command::Command;
use bridge::frame::Down;
use bridge::handle::{Catalogue, Made, Networks, Rejected};
use bridge::id::{AccountId, UserId};
use bridge::report::{Aside, Load, Losses, Report};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

impl Networks for Fleet {
    fn send(&self, command: Command, of: Option<AccountId>) -> Result<(), Rejected> {
        self.route(command, of)
    }

    fn catalogue(&self) -> &Catalogue {
        static NONE: OnceLock<Catalogue> = OnceLock::new();
        self.known_catalogue().unwrap_or_else(|| NONE.get_or_init(Catalogue::default))
    }

    fn ping(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.lock();
        let up = |worker: &Worker| {
            matches!(worker.stage, Stage::Up | Stage::Draining) && worker.pinged.is_none_or(|(_, at)| at.elapsed() < Duration::from_secs(2))
        };
        if state.workers.values().any(up) {
            // The caller may have gone.
            let _ = answer.send(());
        } else {
            state.waiting_pings.retain(|waiting| !waiting.is_closed());
            state.waiting_pings.push(answer);
        }
        answered
    }

    fn quit(&self) {
        let mut state = self.lock();
        state.quitting = true;
        state.events = None;
        for worker in state.workers.values_mut() {
            worker.stage = Stage::Ending;
            if worker.down.try_send(Down::Quit).is_err() {
                super::watch::kill(worker, "it takes no more commands");
            }
        }
    }

    fn reports(&self) -> Vec<Report> {
        let state = self.lock();
        let report = |(number, worker): (&u16, &Worker)| Report {
            number: *number,
            pid: worker.pid,
            state: worker.stage.name(),
            group: worker.group.to_string(),
            servers: worker.sides.to_string(),
            memory: worker.memory,
            home: worker.home,
            lag_us: u64::try_from(worker.lag().as_micros()).unwrap_or(u64::MAX),
            load: Load {
                accounts: worker.accounts,
                longest_turn_us: worker.slowest.get(),
                longest_call_us: worker.dearest.get(),
                ..worker.load
            },
        };
        state.workers.iter().map(report).collect()
    }

    fn losses(&self) -> Losses {
        let state = self.lock();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let aside = state.crashes.aside(Instant::now());
        let of = |kind: &str| count(aside.iter().filter(|one| one.kind == kind).count());
        Losses {
            restarts: state.restarts,
            waiting: count(state.ledger.at(At::Lost)),
            aside: count(state.ledger.at(At::Aside)),
            servers_aside: of("server"),
            protocols_aside: of("protocol"),
            plugins_left_out: count(state.openings.left_out().len()),
            refused: state.refused + state.ledger.left_out,
        }
    }

    fn aside(&self) -> Vec<Aside> {
        let state = self.lock();
        // An account that is gone is nobody's any more.
        let is_there = |one: &Aside| one.kind != "account" || one.name.parse().is_ok_and(|account| state.ledger.any(account).is_some());
        state.crashes.aside(Instant::now()).into_iter().filter(is_there).collect()
    }

    fn account(&self, user: UserId, account: AccountId) -> Option<Made> {
        self.lock().ledger.made(user, account)
    }

    fn adopt(&self, user: UserId) {
        self.lock().ledger.adopt(user);
    }
}

impl State {
    /// A libpurple loop was seen to turn.
    pub(super) fn answer_pings(&mut self) {
        for waiting in self.waiting_pings.drain(..) {
            // The caller may have gone.
            let _ = waiting.send(());
        }
    }
}
