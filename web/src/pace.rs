//! Log lines that a visitor can cause, so that no visitor fills the log: the first of a kind is said at once, further ones once a minute with
//! their number. Writes no line itself.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a kind of line is said.
const EVERY: Duration = Duration::from_secs(60);

/// The pace of one kind.
#[derive(Debug)]
pub struct Pace(Mutex<Said>);

#[derive(Debug)]
struct Said {
    at: Option<Instant>,
    kept_back: u64,
}

/// How many lines of a kind were not said; nothing to read when there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBack(u64);

impl std::fmt::Display for KeptBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, " (and {} more of this kind since the last such line)", self.0) }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

impl Pace {
    /// Of a kind that was not said yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Said { at: None, kept_back: 0 }))
    }

    /// What to say at the end of a line that may be said now; `None`: not now.
    pub fn take(&self) -> Option<KeptBack> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Option<KeptBack> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.at.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            said.kept_back += 1;
            return None;
        }
        said.at = Some(now);
        Some(KeptBack(std::mem::take(&mut said.kept_back)))
    }
}

/// A line of a kind that visitors can cause, at this level of `log`: `paced!(warn, "…")`.
macro_rules! paced {
    ($level:ident, $($words:tt)+) => {{
        static PACE: $crate::pace::Pace = $crate::pace::Pace::new();
        if let Some(kept_back) = PACE.take() {
            log::$level!("{}{kept_back}", format_args!($($words)+));
        }
    }};
}
pub(crate) use paced;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_the_rest_is_counted() {
        let (pace, start) = (Pace::new(), Instant::now());
        assert_eq!(pace.take_at(start).unwrap().to_string(), "");
        for second in 0..59 {
            assert_eq!(pace.take_at(start + Duration::from_secs(second)), None);
        }
        let told = pace.take_at(start + EVERY).unwrap().to_string();
        assert_eq!(told, " (and 59 more of this kind since the last such line)");
        assert_eq!(pace.take_at(start + EVERY), None);
    }
}
