//! Plugins that end the workers that open them: counted, and left out once it is no accident. It opens nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Workers that a plugin may end by being opened, unless it hangs: once, a machine that is short of something may be to blame.
const TOO_OFTEN: u32 = 2;
/// Plugins that are left out, at most.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Openings {
    ended: HashMap<PathBuf, u32>,
    out: Vec<PathBuf>,
    /// How often a worker's word of a plugin was not believed.
    doubted: u32,
}

impl Openings {
    /// Whether [`Openings::note`] would leave it out now.
    pub(super) fn would_leave_out(&self, plugin: &Path, hung: bool) -> bool {
        let before = self.ended.get(plugin).copied().unwrap_or(0);
        before < TOO_OFTEN && (hung || before + 1 >= TOO_OFTEN)
    }

    /// A worker ended while it opened this one, or was ended since it hung. Says whether the plugin is left out from now on.
    pub(super) fn note(&mut self, plugin: &Path, hung: bool) -> bool {
        // A worker says what it likes.
        if self.out.len() >= MOST || self.ended.len() >= 2 * MOST && !self.ended.contains_key(plugin) {
            return false;
        }
        let ended = self.ended.entry(plugin.to_owned()).or_default();
        let before = *ended;
        *ended = if hung { before.max(TOO_OFTEN - 1) + 1 } else { before + 1 };
        if before >= TOO_OFTEN || *ended < TOO_OFTEN {
            return false;
        }
        self.out.push(plugin.to_owned());
        true
    }

    /// A worker's word was not believed. Says whether that worker is worth another try all the same.
    pub(super) fn doubt(&mut self) -> bool {
        self.doubted = self.doubted.saturating_add(1);
        self.doubted <= TOO_OFTEN
    }

    /// A worker that ended while it opened this one is worth another try: that one is left out then, or will be.
    pub(super) fn is_worth_another(&self, plugin: &Path) -> bool {
        self.ended.get(plugin).is_some_and(|ended| *ended <= TOO_OFTEN)
    }

    pub(super) fn left_out(&self) -> &[PathBuf] {
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_left_out_the_second_time() {
        let (mut openings, plugin, other) = (Openings::default(), Path::new("/a/libx.so"), Path::new("/a/liby.so"));
        assert!(!openings.is_worth_another(plugin));
        assert!(!openings.note(plugin, false) && !openings.note(other, false));
        assert!(openings.is_worth_another(plugin) && openings.left_out().is_empty());
        assert!(openings.would_leave_out(plugin, false) && openings.would_leave_out(Path::new("/a/libz.so"), true));
        assert!(!openings.would_leave_out(Path::new("/a/libz.so"), false));
        assert!(openings.note(plugin, false));
        assert_eq!(openings.left_out(), [plugin]);
        // Whoever opens it all the same is not started for ever.
        assert!(openings.is_worth_another(plugin));
        assert!(!openings.note(plugin, false) && !openings.is_worth_another(plugin));
    }

    #[test]
    fn one_that_hangs_is_left_out_the_first_time() {
        let (mut openings, plugin) = (Openings::default(), Path::new("/a/libx.so"));
        assert!(openings.note(plugin, true) && openings.is_worth_another(plugin));
        assert!(!openings.note(plugin, true) && !openings.is_worth_another(plugin));
        let other = Path::new("/a/liby.so");
        assert!(!openings.note(other, false) && openings.note(other, true));
        assert_eq!(openings.left_out(), [plugin, other]);
    }

    #[test]
    fn what_workers_claim_is_bounded() {
        let mut openings = Openings::default();
        for n in 0..1000 {
            let plugin = PathBuf::from(format!("/a/{n}"));
            openings.note(&plugin, false);
            openings.note(&plugin, false);
        }
        assert_eq!((openings.left_out().len(), openings.ended.len()), (MOST, MOST));
        for n in 0..1000 {
            openings.note(&PathBuf::from(format!("/b/{n}")), false);
        }
        assert!(openings.ended.len() <= 2 * MOST);
    }
}
