//! Gives heap that bursts left behind back to the system: glibc keeps what is free below something in use, for ever. It looks at how much the
//! process has, and knows nothing of who uses it.

use std::io::Read;
use std::time::Duration;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// Growth that is not worth looking for what is free.
const LITTLE: u64 = 1 << 20;

/// When it is worth it: the process has grown since the last time, by a sixteenth.
#[derive(Debug, Default)]
struct Growth {
    least: u64,
}

impl Growth {
    fn is_worth_it(&mut self, resident: u64) -> bool {
        self.least = self.least.min(resident);
        resident > self.least + LITTLE.max(self.least / 16)
    }

    fn given_back(&mut self, resident: u64) {
        self.least = resident;
    }
}

/// Bytes of memory that this process has.
fn resident() -> Option<u64> {
    // Without the heap, lest this thread gets a part of it for itself.
    let mut text = [0; 128];
    let length = std::fs::File::open("/proc/self/statm").and_then(|mut file| file.read(&mut text)).ok()?;
    let text = std::str::from_utf8(text.get(..length)?).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Watches on a thread of its own, as long as the process lasts.
pub(crate) fn watch() {
    let body = || {
        let mut growth = Growth::default();
        loop {
            std::thread::sleep(EVERY);
            let Some(before) = resident() else { return };
            if growth.is_worth_it(before) {
                bridge::give_back_heap();
                growth.given_back(resident().unwrap_or(before));
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("memory".to_owned()).stack_size(64 << 10).spawn(body) {
        log::warn!("unused memory is not given back: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_is_worth_it() {
        let mut growth = Growth::default();
        assert!(growth.is_worth_it(64 << 20), "the start");
        growth.given_back(60 << 20);
        assert!(!growth.is_worth_it(60 << 20));
        assert!(!growth.is_worth_it(63 << 20));
        assert!(growth.is_worth_it(64 << 20));
        // It did not help: what is there is in use.
        growth.given_back(64 << 20);
        assert!(!growth.is_worth_it(64 << 20));
        // It shrinks by itself, and grows again.
        assert!(!growth.is_worth_it(10 << 20));
        assert!(!growth.is_worth_it(11 << 20));
        assert!(growth.is_worth_it(12 << 20));
    }

    #[test]
    fn this_process_has_some() {
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
    }
}
