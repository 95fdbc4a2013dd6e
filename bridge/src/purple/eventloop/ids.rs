//! The one id space of watchers and timers, and the map that they are looked up in; it knows neither.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The lowest id of ours; GLib counts its own from 1 and never comes here.
pub(crate) const FIRST: u32 = 0x4000_0000;

/// Hands out ids from [`FIRST`] up, each again only after three thousand million others: plugins do remove twice.
pub(super) struct Ids(u32);

impl Ids {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// An id that `used` does not know.
    pub(super) fn next(&mut self, used: impl Fn(u32) -> bool) -> u32 {
        loop {
            let id = self.0;
            self.0 = id.checked_add(1).unwrap_or(FIRST);
            if !used(id) {
                return id;
            }
        }
    }
}

/// A map keyed by ids or addresses of our own process: nobody outside chooses them, so one multiplication is hash enough.
pub(super) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

#[derive(Default, Clone, Copy)]
pub(super) struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u32(&mut self, key: u32) {
        self.write_u64(u64::from(key));
    }
    fn write_usize(&mut self, key: usize) {
        self.write_u64(key as u64);
    }
    fn write_u64(&mut self, key: u64) {
        let spread = (self.0 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32); // addresses end in zeros: bring the high bits down too
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_start_high_wrap_and_skip_what_is_in_use() {
        let mut ids = Ids::new();
        assert_eq!([ids.next(|_| false), ids.next(|_| false)], [FIRST, FIRST + 1]);
        let mut ids = Ids(u32::MAX);
        assert_eq!(ids.next(|_| false), u32::MAX);
        assert_eq!(ids.next(|id| id == FIRST), FIRST + 1);
    }

    #[test]
    fn aligned_addresses_spread() {
        let hash = |key: usize| {
            let mut hasher = Multiply::default();
            hasher.write_usize(key);
            hasher.finish() & 1023
        };
        let mut buckets: Vec<u64> = (0..1024).map(|n| hash(0x7f00_0000_0000 + n * 64)).collect();
        buckets.sort_unstable();
        buckets.dedup();
        assert!(buckets.len() > 500, "{} buckets", buckets.len());
    }
}
