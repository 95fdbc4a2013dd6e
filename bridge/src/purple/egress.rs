//! Which addresses libpurple may reach, and which it was refused; it opens and watches no socket (`interpose/socket.rs` and `dns.rs` ask here).

mod ranges;

use super::owner;
use crate::config::Range;
use crate::id::{AccountId, UserId};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError, RwLock};

/// Accounts whose last refusal is remembered; each is forgotten when it is asked for, or when its account goes.
const REMEMBERED: usize = 65_536;

static POLICY: RwLock<Policy> = RwLock::new(Policy { allow: Vec::new() });
static SOURCES: RwLock<Vec<IpAddr>> = RwLock::new(Vec::new());
static REFUSED: Mutex<BTreeMap<AccountId, IpAddr>> = Mutex::new(BTreeMap::new());

/// What may be reached: everything on the public internet, and what the administrator lists.
#[derive(Debug, Default, Clone)]
pub(crate) struct Policy {
    allow: Vec<Range>,
}

impl Policy {
    /// A policy with exceptions (`egress.allow`).
    pub(crate) fn new(allow: &[Range]) -> Self {
        Self { allow: allow.to_vec() }
    }

    /// Why `address` may not be reached, as words for a sentence ("a private address"); `None` when it may.
    pub(crate) fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        let plain = address.to_canonical();
        if ranges::METADATA.contains(&plain) {
            // Machine credentials are one request away there: a wide range in the list is not meant for them.
            let named = self.allow.iter().any(|range| range.address.to_canonical() == plain && is_single(*range));
            return (!named).then_some("an address of the machine's cloud");
        }
        if self.allow.iter().any(|range| contains(*range, plain)) {
            return None;
        }
        match plain {
            IpAddr::V4(four) => ranges::refused_v4(four),
            IpAddr::V6(six) => match ranges::embedded_v4(six) {
                // A gateway may carry it to that address, so both have to be allowed.
                Some(four) => self.refusal(IpAddr::V4(four)).or_else(|| ranges::refused_v6(six)),
                None => ranges::refused_v6(six),
            },
        }
    }
}

fn is_single(range: Range) -> bool {
    range.bits == if range.address.is_ipv4() { 32 } else { 128 }
}

/// Whether `range` covers `address`; IPv4 never lies in an IPv6 range nor the other way, mapped forms (`::ffff:a.b.c.d`) aside.
pub(crate) fn contains(range: Range, address: IpAddr) -> bool {
    let (of, bits) = match range.address {
        IpAddr::V6(six) => match (six.to_ipv4_mapped(), range.bits.checked_sub(96)) {
            (Some(four), Some(bits)) => (IpAddr::V4(four), bits),
            _ => (range.address, range.bits),
        },
        four @ IpAddr::V4(_) => (four, range.bits),
    };
    match (of, address.to_canonical()) {
        (IpAddr::V4(of), IpAddr::V4(address)) => same_start_v4(of, address, bits),
        (IpAddr::V6(of), IpAddr::V6(address)) => same_start_v6(of, address, bits),
        _ => false,
    }
}

fn same_start_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u8) -> bool {
    (one.to_bits() ^ other.to_bits()).checked_shr(32 - u32::from(bits.min(32))).unwrap_or(0) == 0
}

fn same_start_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u8) -> bool {
    (one.to_bits() ^ other.to_bits()).checked_shr(128 - u32::from(bits.min(128))).unwrap_or(0) == 0
}

/// The same rules for who asks from outside: the process that makes the connections of a confined one.
#[derive(Debug, Clone)]
pub struct Egress(Policy);

impl Egress {
    /// With exceptions (`egress.allow`).
    pub fn new(allow: &[Range]) -> Self {
        Self(Policy::new(allow))
    }

    /// Why `address` may not be reached, as words for a sentence; `None` when it may.
    pub fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        self.0.refusal(address)
    }
}

/// Puts the administrator's exceptions into force, for every thread. Before it is called there are none.
pub(crate) fn set_policy(policy: Policy) {
    *POLICY.write().unwrap_or_else(PoisonError::into_inner) = policy;
}

/// Where connections are made from from now on; empty: the system chooses.
pub(crate) fn set_sources(sources: &[IpAddr]) {
    *SOURCES.write().unwrap_or_else(PoisonError::into_inner) = sources.to_vec();
}

/// The address that the user's connections to `to` are made from, always the same one of its family; `None`: the system chooses. Any thread.
pub(crate) fn source(user: UserId, to: IpAddr) -> Option<IpAddr> {
    choose(&SOURCES.read().unwrap_or_else(PoisonError::into_inner), user, to.to_canonical())
}

fn choose(sources: &[IpAddr], user: UserId, to: IpAddr) -> Option<IpAddr> {
    // Loopback addresses reach each other alone.
    let fits = |source: &&IpAddr| source.is_ipv4() == to.is_ipv4() && to.is_loopback() == source.is_loopback();
    let fitting: Vec<_> = sources.iter().filter(fits).collect();
    let at = user.0.checked_rem(u64::try_from(fitting.len()).ok()?)?;
    fitting.get(usize::try_from(at).ok()?).copied().copied()
}

/// Why the policy in force refuses `address`; `None` when it may be reached. Any thread.
pub(crate) fn refusal(address: IpAddr) -> Option<&'static str> {
    POLICY.read().unwrap_or_else(PoisonError::into_inner).refusal(address)
}

/// Logs a refusal and remembers it for the current account, so that its error can say more than "Permission denied". Any thread.
pub(crate) fn note_refusal(address: IpAddr, why: &str) {
    let account = owner::current();
    super::debug::paced(log::Level::Warn, format_args!("refused to reach {address}, {why}, for {}", Who(account)));
    if let Some(account) = account {
        let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REMEMBERED {
            refused.pop_first();
        }
        refused.insert(account, address);
    }
}

/// The address that `account` was last refused, once; for the error `refused_address`.
pub(crate) fn take_refusal(account: AccountId) -> Option<IpAddr> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner).remove(&account)
}

/// Drops what was remembered for an account that is gone.
pub(crate) fn forget(account: AccountId) {
    let _ = take_refusal(account);
}

struct Who(Option<AccountId>);

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(account) => write!(f, "account {}", account.0),
            None => write!(f, "no account"),
        }
    }
}

#[cfg(test)]
mod tests;
