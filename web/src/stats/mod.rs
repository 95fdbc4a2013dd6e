//! Counters of the daemon, and the page that shows them: adding is one atomic operation. Keeps nothing about any one user.

mod histogram;
mod page;
mod process;
mod text;
mod workers;

pub use histogram::{BATCHES, COMMITS, HOLDS, Histogram, SHORT, Unit};
pub use page::{File, file, prefers_page};
pub use process::figures as process;
pub use text::{Figure, figures, json, prometheus, prometheus_sign_ons};
pub use workers::{prometheus as prometheus_workers, prometheus_aside};

use std::sync::atomic::{AtomicU64, Ordering};

/// Only ever grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Connections of browsers and proxies.
#[derive(Debug, Default)]
pub struct Connections {
    /// Taken.
    pub opened: Counter,
    /// Ended, of those taken.
    pub closed: Counter,
    /// Turned away at a cap.
    pub refused: Counter,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections.
    pub connections: Connections,
    /// Requests.
    pub requests: Counter,
    /// Of those, what was the request before it on its connection with another query, and was known as such.
    pub requests_repeated: Counter,
    /// Of those, what could not be understood (RFC 9112) and was refused before any route.
    pub requests_malformed: Counter,
    /// Answers by first digit of their status, from 1xx to 5xx.
    pub answers: [Counter; 5],
    /// Log-ins that went well.
    pub logins: Counter,
    /// Log-ins refused, for whatever reason.
    pub logins_refused: Counter,
}

impl Stats {
    /// Counts an answer.
    pub fn answered(&self, status: hyper::StatusCode) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            counter.add(1);
        }
    }
}
