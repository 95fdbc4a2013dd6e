//! Groups whose workers end soon after their start, and when each may have another. Pure over given times. Starts none.

use super::place::{Group, Side};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Longest wait before another is started.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long one failure makes the next wait longer.
const FORGIVEN: Duration = Duration::from_secs(300);

/// The groups, by the sides of the accounts that wait: others of the group do not.
#[derive(Debug, Default)]
pub(crate) struct Failing(HashMap<(Group, Side), (u32, Instant)>);

impl Failing {
    /// A worker with accounts of these sides ended too soon.
    pub(crate) fn failed(&mut self, now: Instant, group: &Group, sides: impl IntoIterator<Item = Side>) {
        for side in sides {
            let (times, until) = self.0.entry((group.clone(), side)).or_insert((0, now));
            *times = times.saturating_add(1);
            *until = now + Duration::from_secs(1 << (*times).min(6)).min(LONGEST_WAIT);
        }
    }

    /// A worker with accounts of these sides ended for a known reason, or late.
    pub(crate) fn lived(&mut self, group: &Group, sides: impl IntoIterator<Item = Side>) {
        for side in sides {
            self.0.remove(&(group.clone(), side));
        }
    }

    /// What failed is not there any more.
    pub(crate) fn mended(&mut self) {
        self.0.clear();
    }

    /// Whether an account of this side has to wait.
    pub(crate) fn is_failing(&self, now: Instant, group: &Group, side: Side) -> bool {
        self.0.get(&(group.clone(), side)).is_some_and(|(_, until)| *until > now)
    }

    /// Forgets what is long ago.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, (_, until)| now.saturating_duration_since(*until) < FORGIVEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_in_a_worker_that_ended_waits_longer_each_time_and_others_do_not() {
        let (mut failing, now) = (Failing::default(), Instant::now());
        let waits = |failing: &Failing, seconds, side| failing.is_failing(now + Duration::from_secs(seconds), &Group::Core, side);
        failing.failed(now, &Group::Core, [Side::Unknown]);
        assert!(waits(&failing, 1, Side::Unknown) && !waits(&failing, 2, Side::Unknown));
        for _ in 0..40 {
            failing.failed(now, &Group::Core, [Side::Unknown]);
        }
        assert!(waits(&failing, 59, Side::Unknown) && !waits(&failing, 60, Side::Unknown));
        assert!(!waits(&failing, 0, Side::Known) && !waits(&failing, 0, Side::Doubted), "strangers hold nobody else up");
        assert!(!failing.is_failing(now, &Group::Protocol("prpl-a".to_owned()), Side::Unknown));
        failing.forget(now + LONGEST_WAIT + FORGIVEN);
        assert!(!waits(&failing, 0, Side::Unknown));
        failing.failed(now, &Group::Core, Side::ALL);
        failing.lived(&Group::Core, [Side::Known]);
        assert!(!waits(&failing, 0, Side::Known) && waits(&failing, 0, Side::Doubted));
    }
}
