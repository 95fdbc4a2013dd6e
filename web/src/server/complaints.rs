//! What an administrator has to mend in front of the daemon, each written to the log once. Decides nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Different lines of one sort: strangers choose some of the words.
const MOST: usize = 8;

/// The lines that were written, by their sort.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<HashMap<&'static str, HashSet<String>>>);

impl Complaints {
    /// Writes a line unless it was written before. True when it was written.
    pub(crate) fn once(&self, sort: &'static str, line: String) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(sort).or_default();
        let is_new = known.len() < MOST && !known.contains(&line);
        if is_new {
            log::warn!("{line}");
            known.insert(line);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_written_once_and_not_too_many() {
        let complaints = Complaints::default();
        let written = (0..100).filter(|number| complaints.once("host", format!("{}", number % 50))).count();
        assert_eq!(written, MOST);
        assert!(complaints.once("proto", "0".to_owned()) && !complaints.once("proto", "0".to_owned()));
    }
}
