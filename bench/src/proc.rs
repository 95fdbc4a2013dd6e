//! What the kernel says of processes: the memory and the CPU time of one with all its descendants. The kernel's own memory is not in it.

use crate::Outcome;
use std::collections::HashMap;
use std::time::Instant;

/// Memory of a process and its descendants.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// `Pss` of smaps_rollup, summed: private memory, and each shared page by its share.
    pub(crate) bytes: u64,
    pub(crate) processes: usize,
}

/// The process and its descendants. Whoever starts or ends meanwhile may be missing.
pub(crate) fn tree(root: u32) -> Outcome<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended since the directory was read.
        if let Ok(stat) = Stat::of(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        all.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    Ok(all)
}

/// What is wanted of /proc/PID/stat.
struct Stat {
    parent: u32,
    /// CPU seconds of children that ended and were waited for.
    reaped: f64,
}

impl Stat {
    fn of(pid: u32) -> Outcome<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may hold anything.
        let rest = text.rsplit_once(')').ok_or("no name in stat")?.1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |at: usize| -> Outcome<u64> { Ok(fields.get(at).ok_or("stat is too short")?.parse()?) };
        Ok(Self { parent: u32::try_from(number(1)?)?, reaped: (number(13)? + number(14)?) as f64 / ticks_per_second() })
    }
}

fn ticks_per_second() -> f64 {
    // SAFETY: asks for a constant.
    (unsafe { libc::sysconf(libc::_SC_CLK_TCK) }) as f64
}

/// The memory of `root` and its descendants.
///
/// # Errors
/// Somebody's is not readable: workers keep their memory from their own user. As root it is; and [`crate::daemon`] starts them readable when
/// this program is not root.
pub(crate) fn memory(root: u32) -> Outcome<Memory> {
    let mut sum = Memory::default();
    for pid in tree(root)? {
        match std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Ok(text) => {
                let line = text.lines().find(|line| line.starts_with("Pss:")).ok_or("no Pss in smaps_rollup")?;
                let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no figure in Pss")?.parse()?;
                sum.bytes += kilobytes * 1024;
                sum.processes += 1;
            }
            // A descendant that has just ended.
            Err(error) if pid != root && matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
            Err(error) => {
                let hint = "run this as root, or the daemon with worker.core = true, to read the memory of its workers";
                return Err(format!("the memory of process {pid} cannot be read: {error}; {hint}").into());
            }
        }
    }
    Ok(sum)
}

/// Seconds of a clock.
fn seconds(clock: libc::clockid_t) -> Outcome<f64> {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer.
    if unsafe { libc::clock_gettime(clock, &raw mut at) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(at.tv_sec as f64 + at.tv_nsec as f64 / 1e9)
}

/// CPU seconds so far, user and system, of one process.
fn own(pid: u32) -> Outcome<f64> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: a place for the answer.
    match unsafe { libc::clock_getcpuclockid(i32::try_from(pid)?, &raw mut clock) } {
        0 => seconds(clock),
        error => Err(std::io::Error::from_raw_os_error(error).into()),
    }
}

/// CPU seconds so far of `root` and its descendants, those that ended and were waited for included. To the nanosecond for those that live
/// (/proc/PID/stat knows 10 ms only, as much as 1000 messages cost).
pub(crate) fn cpu(root: u32) -> Outcome<f64> {
    let mut sum = 0.0;
    for pid in tree(root)? {
        match (own(pid), Stat::of(pid)) {
            (Ok(live), Ok(stat)) => sum += live + stat.reaped,
            _ if pid == root => return Err(format!("process {root} has ended").into()),
            // A descendant that has just ended.
            _ => {}
        }
    }
    Ok(sum)
}

/// CPU seconds that all processors were busy for.
fn machine() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("nothing in /proc/stat")?;
    let fields: Vec<f64> = line.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0.0)).collect();
    // user nice system idle iowait irq softirq
    let busy: f64 = [0, 1, 2, 5, 6].iter().filter_map(|at| fields.get(*at)).sum();
    Ok(busy / ticks_per_second())
}

/// The time and CPU of a stretch of a run: who used how much.
pub(crate) struct Meter {
    subject: u32,
    server: u32,
    since: Instant,
    before: [f64; 5],
}

/// What a [`Meter`] found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Seconds.
    pub(crate) wall: f64,
    /// CPU seconds of what is measured, its workers included.
    pub(crate) subject: f64,
    /// CPU seconds of its first process alone.
    pub(crate) root: f64,
    /// CPU seconds of the chat server.
    pub(crate) server: f64,
    /// CPU seconds of this program: the senders and browsers.
    pub(crate) load: f64,
    /// CPU seconds of everything else on the machine.
    pub(crate) others: f64,
}

impl Meter {
    pub(crate) fn start(subject: u32, server: u32) -> Outcome<Self> {
        Ok(Self { subject, server, since: Instant::now(), before: read(subject, server)? })
    }

    pub(crate) fn stop(&self) -> Outcome<Spent> {
        let wall = self.since.elapsed().as_secs_f64();
        let after = read(self.subject, self.server)?;
        let [subject, root, server, load, machine] = std::array::from_fn(|at| after[at] - self.before[at]);
        Ok(Spent { wall, subject, root, server, load, others: (machine - subject - server - load).max(0.0) })
    }
}

fn read(subject: u32, server: u32) -> Outcome<[f64; 5]> {
    Ok([cpu(subject)?, own(subject)?, cpu(server)?, seconds(libc::CLOCK_PROCESS_CPUTIME_ID)?, machine()?])
}
