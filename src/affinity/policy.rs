//! When one processor is enough: decides from what was used and waited for; moves nothing.

/// So much of one processor is little for all threads together, and so much is much. They use up to half as much again when they are apart.
const LITTLE: f64 = 0.5;
const MUCH: f64 = 0.75;
/// Looks with little in a row before they come together.
const CALM: u32 = 2;
/// Somebody else has work for the processor when our threads waited for so much more than they used. With nobody else there they wait for each
/// other, at most about as long as they work.
const CROWDED: (f64, f64) = (2.0, 0.25);
/// Looks before they come together again after such a time: the first, which doubles, and the most.
const AWAY: (u32, u32) = (20, 600);

/// On which processors all threads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// On whichever the kernel likes.
    #[default]
    All,
    One,
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
    /// One look: shares of a processor that were used and waited for since the one before. True: they move to [`Self::place`].
    pub(super) fn look(&mut self, used: f64, waited: f64) -> bool {
        match self.place {
            Place::All => {
                self.away = self.away.saturating_sub(1);
                self.calm = if used < LITTLE { self.calm + 1 } else { 0 };
                if self.calm < CALM || self.away > 0 {
                    return false;
                }
                (self.place, self.together) = (Place::One, 0);
            }
            Place::One => {
                self.together = self.together.saturating_add(1);
                if self.together >= AWAY.1 {
                    self.last_away = 0;
                }
                let crowded = waited > CROWDED.0 * used + CROWDED.1;
                if used <= MUCH && !crowded {
                    return false;
                }
                if crowded {
                    self.last_away = (self.last_away * 2).clamp(AWAY.0, AWAY.1);
                    self.away = self.last_away;
                }
                (self.place, self.calm) = (Place::All, 0);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Together, from the start.
    fn together() -> Policy {
        let mut policy = Policy::default();
        assert!(!policy.look(0.0, 0.0));
        assert!(policy.look(0.0, 0.0));
        assert_eq!(policy.place, Place::One);
        policy
    }

    /// Looks without work until they come together.
    fn looks_away(policy: &mut Policy) -> u32 {
        let mut looks = 1;
        while !policy.look(0.0, 0.0) {
            looks += 1;
        }
        assert_eq!(policy.place, Place::One);
        looks
    }

    #[test]
    fn little_work_needs_one_processor() {
        let mut policy = Policy::default();
        assert!(!policy.look(0.6, 0.0));
        assert!(!policy.look(0.4, 0.0));
        assert!(!policy.look(0.5, 0.0), "not in a row");
        assert!(!policy.look(0.4, 9.0));
        assert!(policy.look(0.4, 9.0), "what they wait for elsewhere says nothing of here");
        assert!(!policy.look(0.7, 0.7));
        assert_eq!(policy.place, Place::One);
    }

    #[test]
    fn much_work_needs_them_all_at_once() {
        let mut policy = together();
        assert!(policy.look(0.8, 0.2));
        assert_eq!(policy.place, Place::All);
        assert_eq!(looks_away(&mut policy), CALM, "and no more when it is over");
    }

    #[test]
    fn a_processor_that_others_want_is_left_to_them_for_ever_longer() {
        let mut policy = together();
        for looks in [20, 40, 80, 160, 320, 600, 600] {
            assert!(policy.look(0.1, 0.5));
            assert_eq!(policy.place, Place::All);
            assert_eq!(looks_away(&mut policy), looks);
        }
        for _ in 0..AWAY.1 {
            assert!(!policy.look(0.1, 0.2));
        }
        assert!(policy.look(0.1, 0.5));
        assert_eq!(looks_away(&mut policy), 20, "that was long ago");
    }
}
