//! How this libpurple is, readable from any thread; the libpurple thread notes it between two turns, and nothing is decided here.

use super::mailbox::MailboxSender;
use super::token::OnPurple;
use super::{accounts, blist, cost, eventloop, outbox};
use crate::report::Load;
use std::sync::atomic::{AtomicU32, Ordering};

static ACCOUNTS: AtomicU32 = AtomicU32::new(0);
static BUDDIES: AtomicU32 = AtomicU32::new(0);

/// Between two turns of the loop: how many there are.
pub(super) fn note(token: OnPurple) {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    ACCOUNTS.store(count(accounts::count(token)), Ordering::Relaxed);
    BUDDIES.store(count(blist::count(token)), Ordering::Relaxed);
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// As of the last turn. Any thread; the longest turn counts anew from here on.
pub(crate) fn load(mailbox: &MailboxSender) -> Load {
    let counters = eventloop::loop_counters();
    let (longest_call, calls_too_long) = cost::figures();
    Load {
        accounts: ACCOUNTS.load(Ordering::Relaxed),
        buddies: BUDDIES.load(Ordering::Relaxed),
        commands: u32::try_from(mailbox.waiting()).unwrap_or(u32::MAX),
        backlog: outbox::backlog(),
        longest_turn_us: counters.longest_turn / 1000,
        longest_call_us: micros(longest_call),
        calls_too_long,
        turns: counters.turns,
        busy_us: micros(eventloop::busy()),
        cpu_us: micros(eventloop::cpu()),
    }
}
