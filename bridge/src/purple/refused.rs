//! Refusals of the sandbox that plugins meet through libc: told in the log once each, and with the plugin that was being opened. Refuses nothing itself.
//! System calls that are refused past libc are told by who answers them (`seccomp.rs`).

use super::{debug, owner};
use log::Level;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Refusals that are remembered, so that each is told once; further ones are not told.
const MOST: usize = 256;
/// Refusals that are told of one plugin's opening.
const OF_ONE: usize = 16;
/// Bytes of a path that are told.
const LONGEST: usize = 256;

static SANDBOXED: AtomicBool = AtomicBool::new(false);
static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// Of the plugin that is being opened.
static OPENING: Mutex<Option<Vec<String>>> = Mutex::new(None);

thread_local! {
    /// Telling may open files of its own.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this process is confined: without that there is nothing to tell.
pub(super) fn watch(sandboxed: bool) {
    SANDBOXED.store(sandboxed, Ordering::Relaxed);
}

/// Runs `body`, which opens a plugin, and gives what was refused meanwhile.
pub(super) fn while_opening<T>(body: impl FnOnce() -> T) -> (T, Vec<String>) {
    let lock = || OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    *lock() = Some(Vec::new());
    let answer = body();
    let refused = lock().take().unwrap_or_default();
    (answer, refused)
}

/// A local socket that no setting names. Any thread.
pub(super) fn a_socket(path: &[u8]) {
    let name = if path.is_empty() { "without a file".to_owned() } else { shown(path) };
    note(Level::Warn, &format!("the local socket {name} (`sockets` in [worker] gives it)"));
}

/// A file or directory. Any thread; of what runs for no account and no plugin nothing is told, since libraries look for many files that they do
/// without.
pub(super) fn a_file(path: &CStr, to_write: bool) {
    if owner::current().is_some() || OPENING.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        let key = if to_write { "write" } else { "read" };
        note(Level::Info, &format!("the file {} (`{key}` in [worker] gives it)", shown(path.to_bytes())));
    }
}

fn shown(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    path.get(..path.floor_char_boundary(LONGEST)).unwrap_or_default().escape_debug().collect()
}

fn note(level: Level, what: &str) {
    if !SANDBOXED.load(Ordering::Relaxed) || TELLING.try_with(|telling| telling.replace(true)).unwrap_or(true) {
        return;
    }
    tell(level, what);
    // The thread may be ending.
    let _ = TELLING.try_with(|telling| telling.set(false));
}

fn tell(level: Level, what: &str) {
    if let Some(refused) = OPENING.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        && refused.len() < OF_ONE
        && !refused.iter().any(|one| one == what)
    {
        refused.push(what.to_owned());
    }
    let new = {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST && told.insert(what.to_owned())
    };
    if new {
        match owner::current() {
            Some(account) => debug::paced(level, format_args!("the sandbox refused the plugin of account {account}: {what}")),
            None => debug::paced(level, format_args!("the sandbox refused a plugin: {what}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;

    #[test]
    fn what_is_refused_while_a_plugin_is_opened_is_its_own() {
        crate::purple::alone::run("purple::refused::tests::what_is_refused_while_a_plugin_is_opened_is_its_own", |_| {
            watch(true);
            let ((), refused) = while_opening(|| {
                a_socket(b"/run/one");
                a_socket(b"/run/one");
                a_file(c"/etc/two\n", false);
                a_socket(b"");
            });
            let expected = [
                "the local socket /run/one (`sockets` in [worker] gives it)",
                "the file /etc/two\\n (`read` in [worker] gives it)",
                "the local socket without a file (`sockets` in [worker] gives it)",
            ];
            assert_eq!(refused, expected);
            // Later ones are somebody else's; and nobody's looks for files are not told.
            a_file(c"/etc/three", false);
            owner::with(Some(AccountId(3)), || a_file(c"/etc/four", true));
            let told = TOLD.lock().unwrap();
            assert!(told.contains("the file /etc/four (`write` in [worker] gives it)"), "{told:?}");
            assert!(!told.iter().any(|one| one.contains("three")) && told.len() == 4, "{told:?}");
        });
    }

    #[test]
    fn there_is_an_end_to_it() {
        crate::purple::alone::run("purple::refused::tests::there_is_an_end_to_it", |_| {
            watch(true);
            let ((), refused) = while_opening(|| (0..1000).for_each(|n| a_socket(format!("/run/{n}").as_bytes())));
            assert_eq!((refused.len(), TOLD.lock().unwrap().len()), (OF_ONE, MOST));
            a_socket(&[b'x'; 5000]);
            watch(false);
            assert_eq!(while_opening(|| a_socket(b"/run/x")).1, Vec::<String>::new());
        });
    }
}
