//! Counts what is taken at once, in all and by each address or user: connections, uploads, bytes of bodies. Opens and closes none of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Which cap is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// That of all together, as `limits.connections`.
    Site,
    /// That of one address or user, as `limits.connections_per_address`.
    Address,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by_group: HashMap<K, usize>,
    most: usize,
    most_of_one: usize,
}

/// The counts.
#[derive(Debug)]
pub(crate) struct Seats<K: Eq + Hash> {
    taken: Mutex<Taken<K>>,
    empty: Notify,
}

fn cap(most: u32) -> usize {
    if most == 0 { usize::MAX } else { most as usize }
}

impl<K: Eq + Hash + Copy> Seats<K> {
    /// Caps; 0 means none.
    pub(crate) fn new(most: u32, most_of_one: u32) -> Arc<Self> {
        let taken = Taken { all: 0, by_group: HashMap::new(), most: cap(most), most_of_one: cap(most_of_one) };
        Arc::new(Self { taken: Mutex::new(taken), empty: Notify::new() })
    }

    /// Other caps. What is taken stays.
    pub(super) fn set(&self, most: u32, most_of_one: u32) {
        let mut taken = self.lock();
        (taken.most, taken.most_of_one) = (cap(most), cap(most_of_one));
    }

    fn lock(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for one of `group`'s; `None` is not counted by itself, as a trusted proxy, which brings many.
    pub(crate) fn take(self: &Arc<Self>, group: Option<K>) -> Result<Seat<K>, Full> {
        let mut seat = self.none(group);
        seat.more(1)?;
        Ok(seat)
    }

    /// A seat that takes nothing yet.
    pub(super) fn none(self: &Arc<Self>, group: Option<K>) -> Seat<K> {
        Seat { seats: Arc::clone(self), group, size: 0 }
    }

    /// Taken now.
    pub(super) fn count(&self) -> usize {
        self.lock().all
    }

    /// Resolves when nothing is taken.
    pub(super) async fn empty(&self) {
        loop {
            let waiting = self.empty.notified();
            if self.count() == 0 {
                return;
            }
            waiting.await;
        }
    }
}

/// What was taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat<K: Eq + Hash + Copy> {
    seats: Arc<Seats<K>>,
    group: Option<K>,
    size: usize,
}

impl<K: Eq + Hash + Copy> Seat<K> {
    /// Takes so much more, or nothing.
    pub(super) fn more(&mut self, size: usize) -> Result<(), Full> {
        let mut taken = self.seats.lock();
        if size > taken.most.saturating_sub(taken.all) {
            return Err(Full::Site);
        }
        if let Some(group) = self.group {
            let own = taken.by_group.get(&group).copied().unwrap_or(0);
            if size > taken.most_of_one.saturating_sub(own) {
                return Err(Full::Address);
            }
            taken.by_group.insert(group, own + size);
        }
        taken.all += size;
        self.size += size;
        Ok(())
    }
}

impl<K: Eq + Hash + Copy> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all -= self.size;
        if let Some(group) = self.group
            && let Some(count) = taken.by_group.get_mut(&group)
        {
            *count -= self.size;
            if *count == 0 {
                taken.by_group.remove(&group);
            }
        }
        if taken.all == 0 {
            self.seats.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::peer::Address;
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn seats_are_counted_by_address_and_given_back() {
        let address = |text: &str| Some(Address::from(text.parse::<IpAddr>().unwrap()));
        let seats = Seats::new(3, 2);
        let first = seats.take(address("192.0.2.1")).unwrap();
        let _second = seats.take(address("192.0.2.1")).unwrap();
        assert_eq!(seats.take(address("192.0.2.1")).unwrap_err(), Full::Address);
        let third = seats.take(None).unwrap();
        assert_eq!(seats.take(address("192.0.2.2")).unwrap_err(), Full::Site);
        drop(third);
        drop(first);
        assert!(seats.take(address("192.0.2.1")).is_ok());
        assert_eq!(seats.lock().by_group.len(), 1);
        // Fewer from now on; who is there stays.
        seats.set(1, 0);
        assert_eq!((seats.count(), seats.take(None).unwrap_err()), (1, Full::Site));
    }

    #[test]
    fn a_seat_grows_and_goes_at_once() {
        let seats = Seats::new(10, 6);
        let mut one = seats.none(Some(1));
        one.more(4).unwrap();
        let mut two = seats.none(Some(1));
        assert_eq!(two.more(3), Err(Full::Address));
        two.more(2).unwrap();
        let mut other = seats.none(Some(2));
        assert_eq!(other.more(5), Err(Full::Site));
        other.more(4).unwrap();
        drop(one);
        assert_eq!(seats.count(), 6);
        drop((two, other));
        assert_eq!((seats.count(), seats.lock().by_group.len()), (0, 0));
    }
}
