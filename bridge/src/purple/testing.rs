//! One libpurple for all unit tests of a process, on a thread of its own, and the check that it never complained; only compiled for tests.

use std::sync::Mutex;

static COMPLAINTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes a CRITICAL or WARNING of libpurple's or GLib's.
pub(super) fn complained(text: &str) {
    COMPLAINTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(text.to_owned());
}
