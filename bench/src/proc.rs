//! What the kernel says of a process: its memory and its CPU time.

use crate::Outcome;

/// Private and shared-in-proportion memory (`Pss` of smaps_rollup), in bytes.
pub(crate) fn memory(pid: u32) -> Outcome<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).ok_or("no Pss in smaps_rollup")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no figure in Pss")?.parse()?;
    Ok(kilobytes * 1024)
}

/// User and system time so far, in seconds, to 10 ms.
pub(crate) fn cpu(pid: u32) -> Outcome<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything.
    let rest = text.rsplit_once(')').ok_or("no name in stat")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("stat is too short")?.parse::<f64>()?) };
    // SAFETY: asks for a constant.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Ok((ticks(11)? + ticks(12)?) / per_second as f64)
}
