//! Refusals of system calls by the sandbox, in words, each once a worker: for the log, and those at a plugin's opening for `bellflower plugins`.
//! Refuses nothing itself. Refusals that come through libc are told by the worker.

use super::spawn::Blame;
use log::Level;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Refusals of one worker that are told; further ones are not.
const OF_ONE: usize = 64;
/// Refusals at openings that are kept.
const MOST: usize = 256;
/// Bytes of a path that are told.
const LONGEST: usize = 256;

/// Refusals that plugins met while they were opened.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Vec<(PathBuf, String)>>);

impl Refusals {
    /// By file, in the order of their happening.
    pub(super) fn at_opening(&self) -> Vec<(PathBuf, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, plugin: PathBuf, what: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !all.iter().any(|(file, known)| *file == plugin && known == what);
        if is_new && all.len() < MOST {
            all.push((plugin, what.to_owned()));
        }
    }
}

/// The refusals of one worker.
#[derive(Debug)]
pub(super) struct OfWorker {
    number: u16,
    blame: Blame,
    told: BTreeSet<String>,
}

/// Something that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    level: Level,
    what: String,
}

impl OfWorker {
    pub(super) fn new(number: u16, blame: Blame) -> Self {
        Self { number, blame, told: BTreeSet::new() }
    }

    /// Logs a refusal, unless it was told of this worker. The plugin or account that is blamed is the worker's own word.
    pub(super) fn tell(&mut self, all: &Refusals, refused: &Refused) {
        let Refused { level, what } = refused;
        let plugin = self.blame.opening();
        if let Some(plugin) = &plugin {
            all.keep(plugin.clone(), what);
        }
        if self.told.len() >= OF_ONE || !self.told.insert(what.clone()) {
            return;
        }
        let whom = match (plugin, self.blame.account()) {
            (Some(plugin), _) => format!("the plugin {}", plugin.to_string_lossy().escape_debug()),
            (None, Some(account)) => format!("the plugin of account {account}"),
            (None, None) => "a plugin".to_owned(),
        };
        log::log!(*level, "worker {}: the sandbox refused {whom}: {what}", self.number);
    }
}

/// A local socket that no setting names.
pub(super) fn of_socket(path: &[u8]) -> Refused {
    let path = String::from_utf8_lossy(path);
    let path = path.get(..path.floor_char_boundary(LONGEST)).unwrap_or_default();
    let name = if path.is_empty() { "without a file".to_owned() } else { path.escape_debug().collect() };
    Refused { level: Level::Warn, what: format!("the local socket {name} (`sockets` in [worker] gives it)") }
}

/// A system call, by its number.
pub(super) fn of_call(call: i64, arguments: &[u64; 6]) -> Refused {
    let family = arguments.first().copied().unwrap_or_default();
    let warn = |what: &str| Refused { level: Level::Warn, what: what.to_owned() };
    match call {
        _ if PROGRAMS.contains(&call) => warn("to start a program or process (`exec = true` in [worker] lets it)"),
        libc::SYS_socket if family == libc::AF_UNIX as u64 => warn("a local socket (`sockets` in [worker] names those that it may have)"),
        libc::SYS_socket => {
            warn(&format!("a socket of the family {family}, or of a kind besides TCP and UDP (`sandbox = false` in [worker] gives it)"))
        }
        libc::SYS_listen => warn("to listen for connections (`listen = true` in [egress] lets it)"),
        // Libraries try some of them and do without.
        call => {
            Refused { level: Level::Info, what: format!("the system call {call} (no setting but `sandbox = false` in [worker] gives it)") }
        }
    }
}

const PROGRAMS: &[i64] = &[
    libc::SYS_clone,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_memfd_create,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_said_with_what_gives_it() {
        let call = |call: i64, first: i32| of_call(call, &[first as u64, 0, 0, 0, 0, 0]).what;
        assert!(call(libc::SYS_execve, 0).contains("exec = true") && call(libc::SYS_clone, 0).contains("exec = true"));
        assert!(call(libc::SYS_socket, libc::AF_UNIX).contains("sockets") && !call(libc::SYS_socket, libc::AF_PACKET).contains("sockets"));
        assert!(call(libc::SYS_listen, 3).contains("[egress]"));
        assert!(call(libc::SYS_bpf, 0).contains(&libc::SYS_bpf.to_string()));
        assert_eq!(of_socket(b"/run/a\nb").what, "the local socket /run/a\\nb (`sockets` in [worker] gives it)");
        assert!(of_socket(b"").what.contains("without a file"));
        assert!(of_socket(&[b'x'; 5000]).what.len() < 400);
    }

    #[test]
    fn what_is_kept_is_bounded_and_each_once() {
        let all = Refusals::default();
        for _ in 0..2 {
            all.keep(PathBuf::from("/a"), "one");
        }
        assert_eq!(all.at_opening(), [(PathBuf::from("/a"), "one".to_owned())]);
        (0..1000).for_each(|n| all.keep(PathBuf::from("/a"), &n.to_string()));
        assert_eq!(all.at_opening().len(), MOST);
    }
}
