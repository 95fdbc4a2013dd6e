//! How many connections are open, in all and from each address, and when the last is gone; it opens and closes none itself.

use super::peer::Address;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Which cap is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// `limits.connections`.
    Site,
    /// `limits.connections_per_address`.
    Address,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_group: HashMap<Address, usize>,
}

/// The counts.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    empty: Notify,
    most: usize,
    most_per_address: usize,
}

impl Seats {
    /// Caps; 0 means none.
    pub(super) fn new(most: u32, most_per_address: u32) -> Arc<Self> {
        let cap = |n: u32| if n == 0 { usize::MAX } else { n as usize };
        Arc::new(Self { taken: Mutex::default(), empty: Notify::new(), most: cap(most), most_per_address: cap(most_per_address) })
    }

    /// A seat for a connection from `address`; `None` is a trusted proxy, which brings many.
    pub(super) fn take(self: &Arc<Self>, address: Option<Address>) -> Result<Seat, Full> {
        let group = address.map(Address::group);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return Err(Full::Site);
        }
        if let Some(group) = group {
            let count = taken.by_group.entry(group).or_default();
            if *count >= self.most_per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Seat { seats: Arc::clone(self), group })
    }

    /// Connections open now.
    pub(super) fn count(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// Resolves when none is open.
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

/// Held as long as a connection is open.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    group: Option<Address>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(group) = self.group
            && let Some(count) = taken.by_group.get_mut(&group)
        {
            *count -= 1;
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
        assert_eq!(seats.taken.lock().unwrap().by_group.len(), 1);
    }
}
