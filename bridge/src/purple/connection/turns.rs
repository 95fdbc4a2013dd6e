//! The times at which accounts begin to sign on: one after the other, at the pace that the loop, the machine and its server bear, and again after growing
//! waits.

use super::lanes::{End, HELD, Lanes, Next};
use super::{Phase, begin, stand};
use crate::id::AccountId;
use crate::model::{AccountStanding, AccountState};
use crate::purple::timers::Timer;
use crate::purple::token::OnPurple;
use crate::purple::{accounts, eventloop, owner, timers};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Pacing and waits, from the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) between: Duration,
    pub(crate) first: Duration,
    pub(crate) most: Duration,
    pub(crate) timeout: Duration,
    /// How long a connection may be silent.
    pub(crate) silence: Duration,
    /// How long a sign-on keeps its place among those of its server.
    pub(crate) held: Duration,
}

struct Queue {
    pace: Pace,
    lanes: Lanes,
    running: bool,
    /// Fires when a server that is waited for may be free, while all have enough to do.
    full: Option<Timer>,
    /// How long the loop had been at work when the last one began, and how long of it on a core.
    busy: Duration,
    cpu: Duration,
    /// When the next one was to begin.
    due: Instant,
}

impl Queue {
    /// How long the loop has been at work since this was last asked, and how long of it on a core.
    fn worked(&mut self) -> (Duration, Duration) {
        let since = |before: &mut Duration, now: Duration| now.saturating_sub(std::mem::replace(before, now));
        (since(&mut self.busy, eventloop::busy()), since(&mut self.cpu, eventloop::cpu()))
    }
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::new(Queue {
        pace: Pace {
            between: Duration::ZERO,
            first: Duration::from_secs(2),
            most: Duration::from_secs(300),
            timeout: Duration::from_secs(60),
            silence: Duration::from_secs(150),
            held: HELD,
        },
        lanes: Lanes::default(),
        running: false,
        full: None,
        busy: Duration::ZERO,
        cpu: Duration::ZERO,
        due: Instant::now(),
    });
}

/// The longest pause between two sign-ons because the last one came late.
const CROWDED: Duration = Duration::from_millis(100);

/// As configured, from now on.
pub(super) fn set_pace(pace: Pace) {
    QUEUE.with_borrow_mut(|queue| queue.pace = pace);
}

pub(in crate::purple) fn pace() -> Pace {
    QUEUE.with_borrow(|queue| queue.pace)
}

/// Asks for a sign-on, in its turn. Nothing happens when it is signed on or at it already.
pub(crate) fn connect(token: OnPurple, account: AccountId, anew: bool) {
    let queued = accounts::change(token, account, |entry| {
        if matches!(entry.sign_on.phase, Phase::Queued | Phase::Connecting { .. } | Phase::Online { .. }) {
            return None;
        }
        if anew {
            entry.sign_on.attempts = 0;
        }
        Some(std::mem::replace(&mut entry.sign_on.phase, Phase::Queued))
    });
    // A waiting timer is dropped out here, where the table is not borrowed.
    let Some(Some(_before)) = queued else { return };
    stand(token, account, AccountStanding::plain(AccountState::Connecting));
    if put_last(&server_of(token, account), account) {
        timers::soon(token, None, next);
    } else {
        look_again(token);
    }
}

/// The server of an account, as far as its name and its settings tell: the protocol with the host.
fn server_of(token: OnPurple, account: AccountId) -> String {
    let of = |entry: &accounts::Entry| {
        // The part after a slash is the user's own choice (XMPP: the resource).
        let bare = entry.username.split_once('/').map_or(entry.username.as_str(), |(bare, _)| bare);
        let named = bare.rsplit_once('@').map(|(_, host)| host);
        let host = entry.server.as_deref().or(named).unwrap_or_default();
        format!("{} {}", entry.protocol, host.to_lowercase())
    };
    accounts::read(token, account, of).unwrap_or_default()
}

/// A sign-on has come to its end: its server may have room for the next.
pub(super) fn ended(token: OnPurple, account: AccountId, end: End) {
    let server = server_of(token, account);
    QUEUE.with_borrow_mut(|queue| queue.lanes.ended(&server, account, end));
    look_again(token);
}

/// A queue that waits for its servers looks at them now.
fn look_again(token: OnPurple) {
    // The timer is dropped out here, where the queue is not borrowed.
    let waited = QUEUE.with_borrow_mut(|queue| {
        let waited = queue.full.take()?;
        // The time was the servers': neither the loop nor a core was short.
        queue.worked();
        queue.due = Instant::now();
        Some(waited)
    });
    if waited.is_some() {
        timers::soon(token, None, next);
    }
}

/// Puts the account last in the queue. Whether it is the first of one that begins.
fn put_last(server: &str, account: AccountId) -> bool {
    QUEUE.with_borrow_mut(|queue| {
        queue.lanes.put_last(Instant::now(), server, account);
        let begins = !std::mem::replace(&mut queue.running, true);
        if begins {
            // What was done before, in however long, is no reason to wait.
            queue.worked();
            queue.due = Instant::now();
        }
        begins
    })
}

/// One sign-on from the queue, then the pause that the pace wants.
fn next(token: OnPurple) {
    let now = Instant::now();
    let account = match QUEUE.with_borrow_mut(|queue| queue.lanes.next(now, queue.pace.held)) {
        Next::Begin(account) => account,
        Next::Wait(until) => {
            let full = timers::after(token, until.saturating_duration_since(now), None, look_again);
            QUEUE.with_borrow_mut(|queue| queue.full = Some(full));
            return;
        }
        Next::Nothing => {
            QUEUE.with_borrow_mut(|queue| queue.running = false);
            return;
        }
    };
    let (worked, ran, late) = QUEUE.with_borrow_mut(|queue| {
        let (worked, ran) = queue.worked();
        (worked, ran, queue.due.elapsed())
    });
    let pause = pause(pace().between, worked, ran, late);
    QUEUE.with_borrow_mut(|queue| queue.due = Instant::now() + pause);
    std::mem::forget(timers::after(token, pause, None, next));
    let queued = accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Queued)).unwrap_or(false);
    if queued {
        owner::with(Some(account), || begin(token, account));
    } else {
        ended(token, account, End::Other);
    }
}

/// Between two sign-ons, as configured, or longer, so that those who are signed on already are served in between, however much a sign-on costs
/// here: as long as the loop was at work since the last one (`worked`), and twice as long as it `ran` on a core meanwhile, which leaves them half.
/// How `late` this one came is what everybody waits here, for the loop or for a core: then there is too much to do, here or by all workers
/// together, and each holds back until there is not. Never longer than a second, and [`CROWDED`] for being late, which others may be to blame for:
/// a busy loop is not to stop them all.
pub(super) fn pause(between: Duration, worked: Duration, ran: Duration, late: Duration) -> Duration {
    between.max(worked.max(ran * 2).min(Duration::from_secs(1))).max((late * 8).min(CROWDED))
}

/// Doubles with each attempt up to the longest; `chance` (0 to 1) spreads it over the upper half, so that a server's users do not all return at once.
pub(super) fn wait_before(pace: Pace, attempts: u32, chance: f64) -> Duration {
    let doubled = pace.first.saturating_mul(1u32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(u32::MAX));
    doubled.min(pace.most).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

pub(super) fn chance() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// Whether all servers that are waited for have enough to do.
#[cfg(test)]
pub(super) fn waits_for_servers() -> bool {
    QUEUE.with_borrow(|queue| queue.full.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::with_core;

    const NAME: &str = "purple::connection::turns::tests::one_that_comes_late_puts_the_next_one_off";

    fn due() -> Instant {
        QUEUE.with_borrow(|queue| queue.due)
    }

    #[test]
    fn one_that_comes_late_puts_the_next_one_off() {
        with_core(NAME, |core| {
            let late = |by: Duration| {
                QUEUE.with_borrow_mut(|queue| {
                    // No account of ours: there is nothing to sign on.
                    queue.lanes.put_last(Instant::now(), "", AccountId(u64::MAX));
                    queue.running = true;
                    queue.worked();
                    queue.due = Instant::now().checked_sub(by).unwrap();
                });
                let before = Instant::now();
                next(core.token);
                due() - before
            };
            assert!(late(CROWDED) >= CROWDED);
            assert!(late(CROWDED / 16) >= CROWDED / 2);
            // A queue that begins is not late, however long there was none.
            QUEUE.with_borrow_mut(|queue| {
                queue.running = false;
                queue.due = Instant::now().checked_sub(CROWDED).unwrap();
            });
            let before = Instant::now();
            put_last("", AccountId(u64::MAX));
            assert!(due() >= before);
            // Whoever insists waits behind the others, and holds none of them up.
            QUEUE.with_borrow_mut(|queue| queue.lanes = Lanes::default());
            for account in [1, 2, 1, 1, 1] {
                put_last("", AccountId(account));
            }
            QUEUE.with_borrow_mut(|queue| assert_eq!(std::mem::take(&mut queue.lanes).waiting(), [AccountId(2), AccountId(1)]));
        });
    }
}
