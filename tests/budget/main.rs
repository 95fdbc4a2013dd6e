//! Promise: nothing that one account receives holds its worker up for more than 100 ms (its own contact list: 1 s), or the web process for more
//! than 20 ms.
//!
//! Each step is given to a real worker over a real connection, and the figures of `/stats` say what it cost. `make attack` judges an optimised
//! build by twice the budget. A debug build on a busy machine, as in `make test`, is judged by what no linear work exceeds.
//! `BELLFLOWER_BUDGET_ONLY` names the steps that are taken (those with that text in their names).
#![allow(clippy::expect_used)]

mod bosh;
mod irc;
mod pictures;
mod rooms;
mod stage;
mod xmpp;

use stage::{Stage, Step};
use std::time::Duration;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// What one callback may take of a worker, and one event of the web process.
#[derive(Clone, Copy)]
struct Budget {
    worker: Duration,
    web: Duration,
}

const ORDINARY: Budget = Budget { worker: Duration::from_millis(100), web: Duration::from_millis(20) };
/// One's own contact list.
const OWN_LIST: Budget = Budget { worker: Duration::from_secs(1), web: Duration::from_secs(1) };

/// How many times the budget is exceeded by nothing but what grows faster than its input. Machines differ, and have others to serve: the figures that
/// are printed are what counts.
const LENIENCE: u32 = if cfg!(debug_assertions) { 60 } else { 2 };

/// People in a large room, and half of them. A debug build takes minutes for so many.
const MANY: usize = flood(20_000);
const HALF: usize = MANY / 2;

/// How many of a flood are sent: a debug build gets a tenth.
const fn flood(count: usize) -> usize {
    if cfg!(debug_assertions) { count / 10 } else { count }
}

/// Takes these steps, and fails with all that exceeded the budget.
fn keep(budget: Budget, begin: impl Fn() -> Stage, steps: &[Step]) {
    let only = std::env::var("BELLFLOWER_BUDGET_ONLY").unwrap_or_default();
    let steps: Vec<Step> = steps.iter().filter(|(name, _)| name.contains(&only)).copied().collect();
    // An optimised build is there to be measured: each step gets a daemon, and so figures, of its own.
    let at_once = if cfg!(debug_assertions) { steps.len().max(1) } else { 1 };
    let mut exceeded = Vec::new();
    for steps in steps.chunks(at_once) {
        let cost = begin().measure(steps);
        let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
        let line = format!("{}: {cost}", names.join(", "));
        eprintln!("budget: {line}");
        if cost.worker > budget.worker * LENIENCE || cost.web > budget.web * LENIENCE {
            exceeded.push(line);
        }
    }
    assert!(exceeded.is_empty(), "{} steps exceeded the budget:\n{}", exceeded.len(), exceeded.join("\n"));
}

#[test]
fn stanzas_at_their_bounds() {
    keep(ORDINARY, || Stage::xmpp(""), xmpp::STANZAS);
}

#[test]
fn texts_of_contacts() {
    keep(ORDINARY, || Stage::xmpp(""), xmpp::TEXTS);
}

#[test]
fn floods_of_small_stanzas() {
    keep(ORDINARY, || Stage::xmpp(xmpp::BOB), xmpp::FLOODS);
}

#[test]
fn a_roster_of_ten_thousand() {
    keep(OWN_LIST, || Stage::xmpp(&xmpp::roster()), xmpp::ROSTER);
}

#[test]
fn a_room_of_twenty_thousand() {
    keep(ORDINARY, || Stage::xmpp(""), rooms::ROOM);
}

#[test]
fn a_hundred_thousand_rooms() {
    keep(ORDINARY, || Stage::xmpp_leaving("", rooms::LEFT), rooms::LIST);
}

#[test]
fn pictures_of_contacts() {
    keep(ORDINARY, || Stage::xmpp_leaving(xmpp::BOB, pictures::LEFT), pictures::STEPS);
}

#[test]
fn stanzas_over_bosh() {
    keep(ORDINARY, bosh::stage, bosh::STEPS);
}

#[test]
fn lines_of_irc() {
    keep(ORDINARY, Stage::irc, irc::LINES);
}

#[test]
fn channels_of_irc() {
    keep(ORDINARY, Stage::irc, irc::CHANNELS);
}
