//! Where the sessions get the time from, so that tests can give it; nothing waits here.

use bridge::time::Timestamp;
use std::time::Instant;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Milliseconds since some fixed point; never goes back.
    fn now(&self) -> u64;
    /// The wall clock.
    fn wall(&self) -> Timestamp;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A token bucket: `per_minute` refills it, `burst` is its depth. A rate of 0 means no limit. Tokens are taken as long as one is there; what
/// costs more leaves a debt, which has to refill first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowance {
    /// Used up so far, in units of 1/60000: a minute of milliseconds refills `per_minute` whole ones.
    used: u64,
    at: u64,
}

/// A token, in the units of [`Allowance`].
const TOKEN: u64 = 60_000;

impl Allowance {
    /// Takes `price` tokens, or says in how many milliseconds a token will be there. `per_minute` may be any rate times 60.
    pub(crate) fn take(&mut self, now: u64, per_minute: u64, burst: u64, price: u64) -> Result<(), u64> {
        if per_minute == 0 {
            return Ok(());
        }
        let refilled = now.saturating_sub(self.at).saturating_mul(per_minute);
        self.used = self.used.saturating_sub(refilled);
        self.at = now;
        let most = burst.max(1) * TOKEN;
        let with_one = self.used.saturating_add(TOKEN);
        if with_one > most {
            return Err((with_one - most).div_ceil(per_minute));
        }
        self.charge(price);
        Ok(())
    }

    /// Tokens that are used up.
    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        self.used / TOKEN
    }

    /// Takes what was found out to be owed only when it was done.
    pub(crate) fn charge(&mut self, price: u64) {
        self.used = self.used.saturating_add(price.saturating_mul(TOKEN));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A clock that a test moves.
    #[derive(Default)]
    pub(crate) struct ManualClock(AtomicU64);

    impl ManualClock {
        pub(crate) fn advance(&self, ms: u64) {
            self.0.fetch_add(ms, Ordering::SeqCst);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
        fn wall(&self) -> Timestamp {
            Timestamp(1_795_377_600_000 + i64::try_from(self.now()).unwrap())
        }
    }

    #[test]
    fn an_allowance_refills() {
        let mut allowance = Allowance::default();
        for _ in 0..4 {
            allowance.take(0, 60, 4, 1).unwrap();
        }
        assert_eq!(allowance.take(0, 60, 4, 1), Err(1000));
        assert_eq!(allowance.take(400, 60, 4, 1), Err(600));
        allowance.take(1000, 60, 4, 1).unwrap();
        assert!(allowance.take(1000, 60, 4, 1).is_err());
        assert_eq!(Allowance::default().take(0, 0, 0, 9), Ok(()));
    }

    #[test]
    fn what_costs_more_than_there_is_passes_once_and_leaves_a_debt() {
        let mut allowance = Allowance::default();
        allowance.take(0, 60, 4, 3).unwrap();
        allowance.take(0, 60, 4, 10).unwrap();
        assert_eq!(allowance.take(0, 60, 4, 1), Err(10_000));
        allowance.take(10_000, 60, 4, 0).unwrap();
    }
}
