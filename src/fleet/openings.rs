//! Plugins that end the workers that open them: counted, and left out once it is no accident. It opens nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Workers that a plugin may end by being opened: once, a machine that is short of something may be to blame.
const TOO_OFTEN: u32 = 2;
/// Plugins that are left out, at most.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Openings {
    ended: HashMap<PathBuf, u32>,
    out: Vec<PathBuf>,
}

impl Openings {
    /// A worker ended while it opened this one. Says whether it is left out from now on.
    pub(super) fn note(&mut self, plugin: &Path) -> bool {
        // A worker says what it likes.
        if self.out.len() >= MOST || self.ended.len() >= 2 * MOST && !self.ended.contains_key(plugin) {
            return false;
        }
        let ended = self.ended.entry(plugin.to_owned()).or_default();
        *ended += 1;
        if *ended != TOO_OFTEN {
            return false;
        }
        self.out.push(plugin.to_owned());
        true
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
        assert!(!openings.note(plugin) && !openings.note(other));
        assert!(openings.is_worth_another(plugin) && openings.left_out().is_empty());
        assert!(openings.note(plugin));
        assert_eq!(openings.left_out(), [plugin]);
        // Whoever opens it all the same is not started for ever.
        assert!(openings.is_worth_another(plugin));
        assert!(!openings.note(plugin) && !openings.is_worth_another(plugin));
    }

    #[test]
    fn what_workers_claim_is_bounded() {
        let mut openings = Openings::default();
        for n in 0..1000 {
            let plugin = PathBuf::from(format!("/a/{n}"));
            openings.note(&plugin);
            openings.note(&plugin);
        }
        assert_eq!((openings.left_out().len(), openings.ended.len()), (MOST, MOST));
        for n in 0..1000 {
            openings.note(&PathBuf::from(format!("/b/{n}")));
        }
        assert!(openings.ended.len() <= 2 * MOST);
    }
}
