//! When one processor is enough: decides from what was used and waited for; moves nothing.

use super::Times;
use std::fmt;
use std::time::Duration;

/// So much of one processor is little for all threads together, and so much is much. They use up to half as much again when they are apart.
const LITTLE: f64 = 0.5;
const MUCH: f64 = 0.75;
/// Looks with little in a row before they come together.
const CALM: u32 = 2;
/// When their turns come so late, in seconds on average, they are better off apart, whoever has the processor before them: other programs, or
/// many of them that could work side by side. What is waited in all has to be worth it.
const LATE: f64 = 0.001;
const WORTH_IT: f64 = 0.05;
/// Looks before they come together again: the fewest after much work, and after turns that came late. Each time soon after the last one it is
/// twice as many, up to the most.
const BUSY: (u32, u32) = (4, 20);
const CROWDED: (u32, u32) = (20, 600);

/// On which processors all threads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// On whichever the kernel likes.
    #[default]
    All,
    One,
}

/// What was seen since the look before, in processors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    used: f64,
    waited: f64,
    /// How long each turn was waited for, in seconds.
    each: f64,
}

impl Look {
    pub(super) fn new(spent: Times, wall: Duration) -> Self {
        let wall = wall.as_secs_f64().max(0.001);
        let waited = spent.waited.as_secs_f64();
        Self { used: spent.used.as_secs_f64() / wall, waited: waited / wall, each: waited / (spent.runs.max(1) as f64) }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { used, waited, each } = self;
        write!(f, "{used:.2} processors used, {waited:.2} waited for, {:.0} us each time", each * 1e6)
    }
}

/// What it has seen.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) place: Place,
    /// Looks with little, in a row.
    calm: u32,
    /// Looks until they may come together.
    away: u32,
    /// How long that was the last time.
    last_away: u32,
    /// Looks since they came together.
    together: u32,
}

impl Policy {
    /// One look. True: they move to [`Self::place`].
    pub(super) fn look(&mut self, look: Look) -> bool {
        match self.place {
            Place::All => {
                self.away = self.away.saturating_sub(1);
                self.calm = if look.used < LITTLE { self.calm + 1 } else { 0 };
                if self.calm < CALM || self.away > 0 {
                    return false;
                }
                (self.place, self.together) = (Place::One, 0);
            }
            Place::One => {
                self.together = self.together.saturating_add(1);
                if self.together >= CROWDED.1 {
                    self.last_away = 0;
                }
                if look.each > LATE && look.waited > WORTH_IT {
                    self.leave(CROWDED);
                } else if look.used > MUCH {
                    self.leave(BUSY);
                } else {
                    return false;
                }
            }
        }
        true
    }

    fn leave(&mut self, (fewest, most): (u32, u32)) {
        self.last_away = (self.last_away * 2).clamp(fewest, most);
        (self.place, self.calm, self.away) = (Place::All, 0, self.last_away);
    }

    /// They were let go for other reasons, and that may be so again.
    pub(super) fn scattered(&mut self) {
        self.leave(CROWDED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that say only how much was used.
    fn used(used: f64) -> Look {
        Look { used, ..Look::default() }
    }

    const LATE_TURNS: Look = Look { used: 0.1, waited: 0.06, each: 0.0015 };

    /// Together, from the start.
    fn together() -> Policy {
        let mut policy = Policy::default();
        assert!(!policy.look(used(0.0)));
        assert!(policy.look(used(0.0)));
        assert_eq!(policy.place, Place::One);
        policy
    }

    /// Looks without work until they come together.
    fn looks_away(policy: &mut Policy) -> u32 {
        let mut looks = 1;
        while !policy.look(used(0.0)) {
            looks += 1;
        }
        assert_eq!(policy.place, Place::One);
        looks
    }

    #[test]
    fn little_work_needs_one_processor() {
        let mut policy = Policy::default();
        assert!(!policy.look(used(0.6)));
        assert!(!policy.look(used(0.4)));
        assert!(!policy.look(used(0.5)), "not in a row");
        assert!(!policy.look(used(0.4)));
        assert!(policy.look(Look { used: 0.4, ..LATE_TURNS }), "what they wait for elsewhere says nothing of here");
        assert!(!policy.look(Look { used: 0.7, waited: 1.5, each: 0.0001 }), "short turns of each other's");
        assert!(!policy.look(Look { used: 0.01, waited: 0.01, each: 0.003 }), "hardly anything");
        assert_eq!(policy.place, Place::One);
    }

    #[test]
    fn much_work_needs_them_all_at_once() {
        let mut policy = together();
        for looks in [4, 8, 16, 20, 20] {
            assert!(policy.look(used(0.8)));
            assert_eq!(policy.place, Place::All);
            assert_eq!(looks_away(&mut policy), looks);
        }
    }

    #[test]
    fn turns_that_come_late_keep_them_apart_for_ever_longer() {
        let mut policy = together();
        for looks in [20, 40, 80, 160, 320, 600, 600] {
            assert!(policy.look(LATE_TURNS));
            assert_eq!(policy.place, Place::All);
            assert_eq!(looks_away(&mut policy), looks);
        }
        for _ in 0..CROWDED.1 {
            assert!(!policy.look(used(0.1)));
        }
        assert!(policy.look(LATE_TURNS));
        assert_eq!(looks_away(&mut policy), 20, "that was long ago");
        assert!(policy.look(used(0.8)));
        assert_eq!(looks_away(&mut policy), 20, "much work is no reason for longer");
    }
}
