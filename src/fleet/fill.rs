//! How much workers keep in their own directories: looked at once a second, and who has too much is ended; it removes no file.

use super::{Fleet, watch};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// What a file, directory or other entry counts at least, in bytes: the system keeps something of each.
const AN_ENTRY: u64 = 4096;
/// Entries looked at, of one directory and all below it: more are too many, whatever is in them.
const MOST_ENTRIES: u32 = 16_384;
/// Units of `st_blocks`.
const A_BLOCK: u64 = 512;

/// What is in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fill {
    /// As far as was counted.
    bytes: u64,
    /// There is more than is worth counting.
    endless: bool,
}

/// Counts until there is more than `most` bytes (0: any number) or [`MOST_ENTRIES`]. Links are not followed, and what cannot be read counts
/// as one entry: the worker may change all of it meanwhile.
fn measure(directory: PathBuf, most: u64) -> Fill {
    let (mut bytes, mut entries) = (0_u64, 0);
    let mut waiting = vec![directory];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten() {
            let about = entry.as_ref().ok().and_then(|entry| entry.metadata().ok());
            bytes = bytes.saturating_add(about.as_ref().map_or(0, |about| about.blocks().saturating_mul(A_BLOCK)).max(AN_ENTRY));
            entries += 1;
            if most > 0 && bytes > most {
                return Fill { bytes, endless: false };
            }
            if entries > MOST_ENTRIES {
                return Fill { bytes, endless: true };
            }
            if let (Ok(entry), true) = (entry, about.is_some_and(|about| about.is_dir())) {
                waiting.push(entry.path());
            }
        }
    }
    Fill { bytes, endless: false }
}

/// Why a worker has to be ended for what it keeps, if it has to.
fn too_much(fill: Fill, most: u64) -> Option<String> {
    if most > 0 && fill.bytes > most {
        Some(format!("it had {} MiB of files, more than worker.home_most_mb", fill.bytes >> 20))
    } else if most > 0 && fill.endless {
        Some(format!("it had more than {MOST_ENTRIES} files, whose size worker.home_most_mb limits"))
    } else {
        None
    }
}

/// Runs until the fleet has ended. Apart from the other watch, which must not wait for a disk.
pub(super) async fn watch(fleet: Fleet) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let numbers: Vec<(u16, u32)> = {
            let state = fleet.lock();
            if state.quitting && state.workers.is_empty() {
                return;
            }
            state.workers.iter().filter(|(_, worker)| worker.pid != 0).map(|(number, worker)| (*number, worker.pid)).collect()
        };
        let most = fleet.0.settings.home_most;
        let places: Vec<_> = numbers.into_iter().map(|(number, pid)| (number, pid, fleet.0.homes.place(number))).collect();
        let looks = move || places.into_iter().map(|(number, pid, place)| (number, pid, measure(place, most))).collect::<Vec<_>>();
        let Ok(fills) = tokio::task::spawn_blocking(looks).await else { continue };
        fleet.note_fills(&fills, most);
    }
}

impl Fleet {
    fn note_fills(&self, fills: &[(u16, u32, Fill)], most: u64) {
        let mut state = self.lock();
        for (number, pid, fill) in fills {
            // Another may have its number by now.
            let Some(worker) = state.workers.get_mut(number).filter(|worker| worker.pid == *pid) else { continue };
            worker.home = fill.bytes;
            if let Some(words) = too_much(*fill, most) {
                worker.outgrown = true;
                watch::kill(worker, &words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const MIB: u64 = 1 << 20;

    fn write(path: &Path, bytes: usize) {
        std::fs::write(path, vec![1; bytes]).unwrap();
    }

    #[test]
    fn all_below_counts_links_are_not_followed_and_counting_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let count = |most| measure(path.to_owned(), most);
        assert_eq!(count(0), Fill { bytes: 0, endless: false });
        std::fs::create_dir_all(path.join("a/b")).unwrap();
        write(&path.join("a/b/c"), 1 << 20);
        std::os::unix::fs::symlink("/usr", path.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(path, path.join("round")).unwrap();
        let bytes = count(0).bytes;
        assert!((MIB + 4 * AN_ENTRY..2 * MIB).contains(&bytes), "{bytes}");
        assert_eq!(too_much(count(2 * MIB), 2 * MIB), None);
        write(&path.join("a/d"), 2 << 20);
        let words = too_much(count(2 * MIB), 2 * MIB).unwrap();
        assert!(words.contains("worker.home_most_mb"), "{words}");
        assert_eq!(too_much(count(0), 0), None, "no limit");
        assert_eq!(measure(path.join("gone"), 1), Fill { bytes: 0, endless: false });
    }

    #[test]
    fn files_without_end_are_too_many_though_they_are_empty() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..100 {
            write(&directory.path().join(number.to_string()), 0);
        }
        let fill = measure(directory.path().to_owned(), 64 * MIB);
        assert_eq!(fill, Fill { bytes: 100 * AN_ENTRY, endless: false });
        let fill = measure(directory.path().to_owned(), 10 * AN_ENTRY);
        assert!(too_much(fill, 10 * AN_ENTRY).is_some(), "{fill:?}");
        assert!(too_much(Fill { bytes: 5, endless: true }, 1 << 40).is_some());
        assert_eq!(too_much(Fill { bytes: 5, endless: true }, 0), None);
    }
}
