//! How often and how many from one address: log-ins a minute as token buckets, guests at once; it knows no request.

use crate::server::peer::Address;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// Entries looked after without clearing up first.
const ENTRIES: usize = 4096;

/// Token buckets by address group.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Nanoseconds that one attempt costs; 0 lets everything pass.
    cost: AtomicU64,
    /// How much time a bucket holds.
    depth: Duration,
    /// When each bucket will be, or was, full again.
    full_at: Mutex<HashMap<Address, Instant>>,
}

impl Throttle {
    /// So many a minute from one address, all at once if need be; 0 means any number.
    pub(super) fn new(per_minute: u32) -> Self {
        let throttle = Self { cost: AtomicU64::new(0), depth: MINUTE, full_at: Mutex::default() };
        throttle.set(per_minute);
        throttle
    }

    /// So many from now on.
    pub(super) fn set(&self, per_minute: u32) {
        let cost = MINUTE.checked_div(per_minute).unwrap_or_default();
        self.cost.store(u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Takes one attempt, or tells how long to wait for the next.
    pub(super) fn take(&self, address: Address, now: Instant) -> Result<(), Duration> {
        let cost = Duration::from_nanos(self.cost.load(Ordering::Relaxed));
        if cost.is_zero() {
            return Ok(());
        }
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ENTRIES {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let bucket = buckets.entry(address.group()).or_insert(now);
        let full_at = (*bucket).max(now) + cost;
        match full_at.checked_duration_since(now + self.depth) {
            // A nanosecond is what dividing a minute loses.
            Some(over) if over > Duration::from_nanos(1) => Err(over),
            _ => {
                *bucket = full_at;
                Ok(())
            }
        }
    }
}

/// So many times as many guests as from one address may come from one network, where an address has as many neighbours as it likes.
const A_NETWORK: u32 = 16;

/// Who is there, by address group and by network; `T` lives as long as the guest does.
#[derive(Debug)]
pub(super) struct Guests<T> {
    groups: Places<T>,
    networks: Places<T>,
}

impl<T> Guests<T> {
    /// So many at once from one address; 0 means any number.
    pub(super) fn new(most: u32) -> Self {
        Self { groups: Places::new(most), networks: Places::new(most.saturating_mul(A_NETWORK)) }
    }

    /// So many from now on. Who is there stays.
    pub(super) fn set(&self, most: u32) {
        self.groups.set(most);
        self.networks.set(most.saturating_mul(A_NETWORK));
    }

    /// Runs `open` for one more guest from `address`, unless there are as many as may be (`None`) after `leaving` is gone.
    pub(super) fn admit<R>(&self, address: Address, leaving: Option<&Weak<T>>, open: impl FnOnce() -> (R, Option<Weak<T>>)) -> Option<R> {
        let nearer = || {
            let opened = self.groups.admit(address.group(), leaving, || {
                let (result, guest) = open();
                ((result, guest.clone()), guest)
            });
            opened.map_or((None, None), |(result, guest)| (Some(result), guest))
        };
        self.networks.admit(address.network(), leaving, nearer).flatten()
    }
}

/// The same, by whatever stands in for an address.
#[derive(Debug)]
struct Places<T> {
    most: AtomicUsize,
    there: Mutex<HashMap<Address, Vec<Weak<T>>>>,
}

impl<T> Places<T> {
    fn new(most: u32) -> Self {
        Self { most: AtomicUsize::new(most as usize), there: Mutex::default() }
    }

    fn set(&self, most: u32) {
        self.most.store(most as usize, Ordering::Relaxed);
    }

    fn admit<R>(&self, address: Address, leaving: Option<&Weak<T>>, open: impl FnOnce() -> (R, Option<Weak<T>>)) -> Option<R> {
        let most = self.most.load(Ordering::Relaxed);
        if most == 0 {
            return Some(open().0);
        }
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        if there.len() >= ENTRIES {
            there.retain(|_, guests| guests.iter().any(|guest| guest.strong_count() > 0));
        }
        let guests = there.entry(address).or_default();
        guests.retain(|guest| guest.strong_count() > 0);
        let leaves = |guest: &&Weak<T>| leaving.is_some_and(|leaving| guest.ptr_eq(leaving));
        if guests.len() - guests.iter().filter(leaves).count() >= most {
            return None;
        }
        let (result, guest) = open();
        guests.extend(guest);
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::Arc;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_burst_passes_then_one_at_a_time() {
        let throttle = Throttle::new(6);
        let (here, start) = (address("127.0.0.1"), Instant::now());
        for number in 0..6 {
            assert_eq!(throttle.take(here, start), Ok(()), "{number}");
        }
        let wait = throttle.take(here, start).unwrap_err();
        assert!(wait > Duration::from_secs(9) && wait <= Duration::from_secs(10), "{wait:?}");
        assert_eq!(throttle.take(address("192.0.2.1"), start), Ok(()));
        assert_eq!(throttle.take(here, start + Duration::from_secs(10)), Ok(()));
        assert!(throttle.take(here, start + Duration::from_secs(11)).is_err());
        assert_eq!(Throttle::new(0).take(here, start), Ok(()));
        throttle.set(0);
        assert_eq!(throttle.take(here, start), Ok(()));
    }

    #[test]
    fn old_buckets_are_cleared() {
        let throttle = Throttle::new(1);
        let start = Instant::now();
        for number in 0..ENTRIES as u32 {
            throttle.take(Address::from(IpAddr::from(number.to_be_bytes())), start).unwrap();
        }
        throttle.take(address("192.0.2.1"), start + Duration::from_secs(3600)).unwrap();
        assert_eq!(throttle.full_at.lock().unwrap().len(), 1);
    }

    #[test]
    fn guests_count_while_they_live() {
        let guests = Guests::new(1);
        let here = address("127.0.0.1");
        let guest = Arc::new(1);
        let open = || ((), Some(Arc::downgrade(&guest)));
        assert!(guests.admit(here, None, open).is_some());
        assert!(guests.admit(here, None, open).is_none());
        assert!(guests.admit(address("192.0.2.1"), None, open).is_some());
        assert!(guests.admit(here, Some(&Arc::downgrade(&guest)), || ((), None)).is_some(), "one who logs in again takes no second place");
        drop(guest);
        assert!(guests.admit(here, None, || ((), None)).is_some());
    }

    #[test]
    fn a_network_of_ipv6_has_only_so_many_however_many_addresses_it_has() {
        let guests = Guests::new(2);
        let there: Vec<_> = (0..1000).map(Arc::new).collect();
        let admitted = |network: u32| {
            let enter = |guest: &&Arc<i32>| {
                let address = address(&format!("2001:db8:{network:x}:{:x}::1", ***guest));
                guests.admit(address, None, || ((), Some(Arc::downgrade(guest)))).is_some()
            };
            there.iter().filter(enter).count()
        };
        assert_eq!((admitted(1), admitted(2)), (32, 32));
        let guest =
            |n: u8| guests.admit(Address::from(IpAddr::from([192, 0, 2, n])), None, || ((), Some(Arc::downgrade(&there[0])))).is_some();
        assert_eq!((0..100).filter(|n| guest(*n)).count(), 100, "of IPv4 each is counted alone");
    }
}
