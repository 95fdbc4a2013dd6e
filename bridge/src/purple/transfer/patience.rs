//! Ends transfers that make no progress: one timer each, from its making to the telling of its end. Does not end a transfer that moves.

use super::super::timers;
use super::super::token::OnPurple;
use super::{Open, change, ends, settle};
use crate::id::TransferId;
use std::cell::Cell;
use std::time::Duration;

/// Times without progress after which a transfer ends.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// An offer that nobody answers, either way. Less than the day for which the web process keeps an upload.
    pub(super) offered: Duration,
    /// An accepted file that no browser fetches.
    pub(super) unfetched: Duration,
    /// A transfer under way that moves no bytes.
    pub(super) stalled: Duration,
    /// A whole file whose sender does not end the connection.
    pub(super) unended: Duration,
}

thread_local! {
    static LIMITS: Cell<Limits> = const {
        Cell::new(Limits {
            offered: Duration::from_secs(12 * 3600),
            unfetched: Duration::from_secs(120),
            stalled: Duration::from_secs(600),
            unended: Duration::from_secs(3),
        })
    };
}

/// Other limits, for transfers whose timers start from here on.
#[cfg(test)]
pub(super) fn set(limits: Limits) {
    LIMITS.set(limits);
}

/// The limits in force.
pub(super) fn limits() -> Limits {
    LIMITS.get()
}

/// Watches a transfer by the limit of its state. To be called when the state changes to one with a shorter limit.
pub(super) fn watch(token: OnPurple, id: TransferId) {
    let Some((account, left)) = change(id, |open| (open.account, left(open))) else { return };
    let timer = timers::after(token, left, Some(account), move |token| look(token, id));
    let before = change(id, |open| open.watch.replace(timer));
    drop(before);
}

/// The time that a transfer has left without progress.
fn left(open: &Open) -> Duration {
    let limits = limits();
    let limit = match (open.incoming, open.accepted, open.started, open.fetched) {
        (true, false, ..) | (false, _, false, _) => limits.offered,
        (true, true, _, false) => limits.unfetched,
        _ => limits.stalled,
    };
    limit.saturating_sub(open.moved.elapsed())
}

fn look(token: OnPurple, id: TransferId) {
    match change(id, |open| (open.told_end, left(open))) {
        None | Some((true, _)) => {}
        Some((false, Duration::ZERO)) => {
            log::debug!(target: "bridge", "transfer {id} comes no further");
            // Bytes that have come, and that nobody fetches, go.
            let over = change(id, |open| open.over.replace("failed").is_some());
            if over == Some(false) {
                ends::stop(token, id);
            }
            settle(token, id);
        }
        Some(_) => watch(token, id),
    }
}
