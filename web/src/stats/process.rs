//! What the web process itself takes of the machine; what the workers take is in their own reports.

use super::Figure;
use std::fs::File;
use std::time::Duration;

/// Resident memory and CPU time of this process; what the system does not tell is left out.
pub fn figures() -> Vec<Figure> {
    let memory = File::open("/proc/self/statm").ok().and_then(|statm| bridge::report::resident(&statm));
    let help = "Resident memory of the web process, with what it shares with others.";
    let memory = memory.map(|value| Figure { name: "web_memory_bytes", help, grows: false, value });
    let cpu = Figure { name: "web_cpu_microseconds", help: "CPU time of the web process.", grows: true, value: micros(cpu()) };
    memory.into_iter().chain([cpu]).collect()
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_takes_some_memory_and_some_time() {
        let before = super::figures();
        let mut sum = 0u64;
        while super::figures()[1].value == before[1].value {
            sum = std::hint::black_box(sum + 1);
        }
        assert_eq!(before.iter().map(|figure| figure.name).collect::<Vec<_>>(), ["web_memory_bytes", "web_cpu_microseconds"]);
        assert!(before[0].value > 1 << 20, "{before:?}");
    }
}
