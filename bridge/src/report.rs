//! How each libpurple is, in figures for statistics and for placing accounts; nothing here measures a loop or decides anything.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// How one libpurple is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Accounts in it.
    pub accounts: u32,
    /// Buddies in it.
    pub buddies: u32,
    /// Commands that wait for it.
    pub commands: u32,
    /// Bytes of events that wait to be taken.
    pub backlog: u64,
    /// The longest turn of its loop since the last look (in a [`Report`]: of the last minute or two), in microseconds.
    pub longest_turn_us: u64,
    /// The longest callback of one account since the last look (in a [`Report`]: of the last minute or two), in microseconds.
    pub longest_call_us: u64,
    /// Callbacks of accounts that took more than 100 ms (1 s soon after a sign-on) since its start.
    pub calls_too_long: u64,
    /// Turns of its loop since its start.
    pub turns: u64,
    /// How long its loop has been at work since its start, in microseconds, by the clock on the wall.
    pub busy_us: u64,
    /// CPU time of its thread since its start, in microseconds. The loop waited for a core, or for a disk, for what `busy_us` is beyond it.
    pub cpu_us: u64,
}

/// A libpurple as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its number; 0 for the one in the web process.
    pub number: u16,
    /// Its process.
    pub pid: u32,
    /// `starting`, `up`, `draining` or `ending`.
    pub state: &'static str,
    /// Whom it is for: `core`, `protocol …`, `user …`, `suspect …`.
    pub group: String,
    /// How far the servers of its accounts are known: `known`, `unknown`, `doubted`, or several of them; empty without accounts.
    pub servers: String,
    /// Its resident memory in bytes.
    pub memory: u64,
    /// Bytes of files in its own directory, as far as was counted.
    pub home: u64,
    /// How long its loop took to answer last, or has taken so far where that is longer, in microseconds: what a command or a socket waits for its
    /// turn.
    pub lag_us: u64,
    /// How it was when it answered last.
    pub load: Load,
}

/// What went wrong with libpurples and what came of it, all in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Libpurples that ended without being told to, and were replaced, since the start.
    pub restarts: u64,
    /// Accounts that wait for a libpurple now.
    pub waiting: u64,
    /// Accounts that get none now unless their user tries again: set aside after crashes, or turned away.
    pub aside: u64,
    /// Servers that are set aside now.
    pub servers_aside: u64,
    /// Protocols that are set aside now.
    pub protocols_aside: u64,
    /// Plugin files that are not opened any more, since they ended who opened them.
    pub plugins_left_out: u64,
    /// Events of workers that told of what they do not have, or more than is kept of an account.
    pub refused: u64,
}

/// What is set aside for a while after crashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// `account`, `server` or `protocol`.
    pub kind: &'static str,
    /// Its id; of a server host and port as users gave them.
    pub name: String,
    /// In words.
    pub why: String,
    /// For how long yet.
    pub seconds: u64,
}

/// Resident memory of a process in bytes, as its `/proc/…/statm` tells it, opened before or now. Any thread.
pub fn resident(statm: &File) -> Option<u64> {
    let mut text = [0; 128];
    let length = statm.read_at(&mut text, 0).ok()?;
    let pages: u64 = std::str::from_utf8(text.get(..length)?).ok()?.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: asks for a constant.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    #[test]
    fn this_process_has_some_memory_again_and_again() {
        let statm = File::open("/proc/self/statm").unwrap();
        for _ in 0..2 {
            assert!(super::resident(&statm).unwrap() > 1 << 20);
        }
        assert_eq!(super::resident(&File::open("/dev/null").unwrap()), None);
    }
}
