//! What the callbacks of accounts cost: the longest of all, and whose take too long again and again. Ends nothing and moves nobody; the fleet does.

use super::token::OnPurple;
use super::{accounts, eventloop, link, owner};
use crate::id::AccountId;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one callback may take of the libpurple thread.
const MOST: Duration = Duration::from_millis(100);
/// The same soon after a sign-on, which brings the account's own list.
const MOST_AT_FIRST: Duration = Duration::from_secs(1);
/// So often within so long is too often.
const OFTEN: usize = 3;
const LATELY: Duration = Duration::from_secs(600);

/// Nanoseconds of the longest callback since the last look.
static LONGEST: AtomicU64 = AtomicU64::new(0);
/// Callbacks that took too long, since the start.
static TOO_LONG: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The CPU time of this thread when its turn began.
    static TURN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// What took long in this turn.
    static LONG: RefCell<Vec<(AccountId, Duration)>> = const { RefCell::new(Vec::new()) };
    static LATE: RefCell<HashMap<AccountId, Vec<Instant>>> = RefCell::default();
}

/// A turn of the loop begins.
pub(super) fn turn_begins() {
    TURN.set(eventloop::cpu());
}

/// Runs a callback for its account, and notes what it took.
pub(super) fn counted<T>(account: Option<AccountId>, body: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let answer = owner::with(account, body);
    let took = began.elapsed();
    if let Some(account) = account {
        note(account, took, || eventloop::cpu().saturating_sub(TURN.get()));
    }
    answer
}

/// What others had of the core meanwhile is not the account's doing: it took no more than the turn so far took of it.
fn note(account: AccountId, took: Duration, turn: impl FnOnce() -> Duration) {
    let took = if took > MOST {
        let turn = turn();
        // What comes in the rest of the turn is measured from here.
        turn_begins();
        took.min(turn)
    } else {
        took
    };
    LONGEST.fetch_max(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    if took > MOST {
        LONG.with_borrow_mut(|long| long.push((account, took)));
    }
}

/// The longest since this was last called, and how many took too long since the start. Any thread.
pub(super) fn figures() -> (Duration, u64) {
    (Duration::from_nanos(LONGEST.swap(0, Ordering::Relaxed)), TOO_LONG.load(Ordering::Relaxed))
}

/// The end of a turn: tells the fleet of accounts that took too long too often.
pub(super) fn settle(token: OnPurple) {
    for (account, took) in LONG.take() {
        let Some(settled) = accounts::read(token, account, |entry| entry.sign_on.has_settled()) else { continue };
        if !settled && took <= MOST_AT_FIRST {
            continue;
        }
        TOO_LONG.fetch_add(1, Ordering::Relaxed);
        log::warn!(target: "bridge", "{account:?} took {} ms at once", took.as_millis());
        if is_too_often(account, Instant::now()) {
            link::tell_heavy(account);
        }
    }
}

fn is_too_often(account: AccountId, now: Instant) -> bool {
    LATE.with_borrow_mut(|late| {
        late.retain(|_, times| times.last().is_some_and(|last| now.saturating_duration_since(*last) < LATELY));
        let times = late.entry(account).or_default();
        times.retain(|at| now.saturating_duration_since(*at) < LATELY);
        times.push(now);
        let often = times.len() >= OFTEN;
        if often {
            late.remove(&account);
        }
        often
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::with_core;

    #[test]
    fn three_times_in_ten_minutes_is_too_often() {
        let (account, start) = (AccountId(1), Instant::now());
        let at = |minutes: u64, account| is_too_often(account, start + Duration::from_secs(60 * minutes));
        assert_eq!([at(0, account), at(1, AccountId(2)), at(6, account), at(11, account)], [false; 4]);
        assert!(at(12, account));
        assert!(!at(13, account), "it begins anew");
    }

    #[test]
    fn what_waits_for_a_core_is_not_the_accounts_doing() {
        let account = AccountId(1);
        note(account, Duration::from_secs(5), || Duration::from_millis(3));
        assert!(LONG.take().is_empty());
        note(account, Duration::from_secs(5), || Duration::from_millis(300));
        assert_eq!(LONG.take(), [(account, Duration::from_millis(300))]);
        note(account, Duration::from_millis(50), || unreachable!("nobody asks"));
        assert!(LONG.take().is_empty());
        assert!(figures().0 >= Duration::from_millis(300));
    }

    #[test]
    fn a_list_that_comes_with_a_sign_on_takes_longer() {
        with_core("purple::cost::tests::a_list_that_comes_with_a_sign_on_takes_longer", |core| {
            core.account(1, 1);
            let before = figures().1;
            let took = |milliseconds: u64, settled: bool| {
                accounts::change(core.token, AccountId(1), |entry| entry.sign_on.stand_online(core.token, settled));
                LONG.set(vec![(AccountId(1), Duration::from_millis(milliseconds)), (AccountId(7), Duration::from_secs(9))]);
                settle(core.token);
                figures().1 - before
            };
            assert_eq!((took(900, false), took(1100, false), took(150, true)), (0, 1, 2));
        });
    }
}
