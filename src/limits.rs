//! What the system lets this process have (setrlimit(2)), in words an administrator can act on. Raises the stack; takes nothing away.

use crate::config::Config;
use crate::error::Failure;
use rlimit::Resource;
use std::io;

const MIB: u64 = 1 << 20;
/// The stack that most systems give the main thread.
const STACK: u64 = 8 * MIB;
/// What it takes at least.
const LEAST_STACK: u64 = MIB / 2;
/// Below these something fails sooner or later; each with its name here, for the shell and for systemd.
const LEAST: &[(Resource, u64, &str, &str)] = &[
    (Resource::AS, 512 * MIB, "the address space is limited to", "ulimit -v, LimitAS"),
    (Resource::DATA, 256 * MIB, "the data segment is limited to", "ulimit -d, LimitDATA"),
    (Resource::FSIZE, 16 * MIB, "files are limited to", "ulimit -f, LimitFSIZE"),
    (Resource::NOFILE, 256, "open files are limited to", "ulimit -n, LimitNOFILE"),
    (Resource::NPROC, 64, "the processes and threads of this user are limited to", "ulimit -u, LimitNPROC, TasksMax"),
];

/// Lets the main thread's stack grow as far as it may. To be called first of all.
///
/// # Errors
/// It may not grow far enough.
pub(crate) fn raise_stack() -> Result<(), Failure> {
    let Ok((soft, hard)) = rlimit::getrlimit(Resource::STACK) else { return Ok(()) };
    let most = soft.max(hard.min(STACK));
    if most > soft {
        let _ = rlimit::setrlimit(Resource::STACK, most, hard);
    }
    if most >= LEAST_STACK {
        return Ok(());
    }
    let words = format!("{} KiB are allowed, {} KiB are needed: raise `ulimit -s` or LimitSTACK", most >> 10, LEAST_STACK >> 10);
    Err(Failure::System("the stack", io::Error::other(words)))
}

/// What the daemon does not start with. Libraries end the process with words of their own where memory, descriptors or threads are lacking.
const NEEDED: &[(Resource, u64)] = &[(Resource::AS, 512 * MIB), (Resource::NOFILE, 64)];

/// Whether the daemon can start: what its own threads and libraries cannot do without.
///
/// # Errors
/// It cannot, and what to raise.
pub(crate) fn suffice(threads: usize) -> Result<(), Failure> {
    for (resource, needed) in NEEDED {
        let limit = rlimit::getrlimit(*resource).map_or(u64::MAX, |(_, hard)| hard);
        if let Some((_, _, what, how)) = LEAST.iter().find(|(known, ..)| known == resource).filter(|_| limit < *needed) {
            return Err(Failure::System("the daemon", io::Error::other(lack(limit, *needed, what, how))));
        }
    }
    // All at once: each waits until the last was started, or could not be.
    let gate = std::sync::RwLock::new(());
    std::thread::scope(|scope| {
        let closed = gate.write();
        let wait = || drop(gate.read());
        let lacking = (0..threads).find_map(|_| std::thread::Builder::new().spawn_scoped(scope, wait).err());
        drop(closed);
        lacking.map_or(Ok(()), Err)
    })
    .map_err(|error| Failure::System("threads", error))
}

/// What this process may have less of than it needs, a line for each.
pub(crate) fn lacks(config: &Config) -> Vec<String> {
    let limit = |resource| rlimit::getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
    let low = LEAST.iter().filter(|(resource, least, ..)| limit(*resource) < *least);
    let mut all: Vec<String> = low.map(|(resource, least, what, how)| lack(limit(*resource), *least, what, how)).collect();
    let (wanted, space) = (config.fleet().confine.address_space, limit(Resource::AS));
    if wanted > space && space >= 512 * MIB {
        all.push(format!(
            "the address space is limited to {} MiB (ulimit -v, LimitAS): so much, not {} MiB as by worker.memory_most_mb, is a worker's",
            space / MIB,
            wanted / MIB
        ));
    }
    all
}

fn lack(limit: u64, least: u64, what: &str, how: &str) -> String {
    let size = |n: u64| if n >= MIB { format!("{} MiB", n / MIB) } else { n.to_string() };
    format!("{what} {} ({how}); the daemon and its workers need {} or more", size(limit), size(least))
}

/// What to do about an error of the system, where that is known.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    match rustix::io::Errno::from_io_error(error) {
        Some(rustix::io::Errno::AGAIN) => "; no more threads or processes are allowed: raise `ulimit -u`, LimitNPROC or TasksMax",
        Some(rustix::io::Errno::NOMEM) => "; no more memory is allowed: raise `ulimit -v`, LimitAS or MemoryMax",
        Some(rustix::io::Errno::MFILE) => "; no more open files are allowed: raise `ulimit -n` or LimitNOFILE",
        Some(rustix::io::Errno::NFILE) => "; the whole system has no more open files: raise fs.file-max",
        Some(rustix::io::Errno::FBIG) => "; no larger files are allowed: raise `ulimit -f` or LimitFSIZE",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lacks_and_errors_are_told_with_what_to_raise() {
        assert_eq!(
            lack(100 * MIB, 512 * MIB, LEAST[0].2, LEAST[0].3),
            "the address space is limited to 100 MiB (ulimit -v, LimitAS); the daemon and its workers need 512 MiB or more"
        );
        assert!(hint(&io::Error::from_raw_os_error(11)).contains("ulimit -u"));
        assert!(hint(&io::Error::from_raw_os_error(24)).contains("LimitNOFILE"));
        assert_eq!(hint(&io::Error::other("x")), "");
    }
}
