//! `bellflower audit`: prints what was done and what failed, and who fails most. Changes nothing.

use super::people::named;
use super::{failed, now, say};
use crate::error::Failure;
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use web::store::{AuditEntry, Audited, Failed, Store};

/// What the last line adds up.
const A_DAY_MS: i64 = 86_400_000;
/// Failures that are kept at most.
const ALL: u32 = 1 << 20;
/// Addresses that are named.
const NAMED: usize = 3;

/// Names of users; of one who is deleted the number is left.
struct Names<'a>(&'a dyn Store, HashMap<UserId, String>);

impl Names<'_> {
    async fn of(&mut self, user: Option<UserId>) -> Result<String, Failure> {
        let Some(user) = user else { return Ok("-".to_owned()) };
        if let Some(known) = self.1.get(&user) {
            return Ok(known.clone());
        }
        let name = self.0.user(user).await.map_err(failed)?.map_or_else(|| user.to_string(), |row| row.name);
        self.1.insert(user, name.clone());
        Ok(name)
    }
}

pub(super) async fn print(store: &dyn Store, name: Option<&str>, most: u32) -> Result<(), Failure> {
    let user = match name {
        Some(name) => Some(named(store, name).await?.id),
        None => None,
    };
    let mut entries = store.audited(user, Audited::Acts, most).await.map_err(failed)?;
    let failures = store.audited(user, Audited::Failures, ALL).await.map_err(failed)?;
    entries.extend(failures.iter().take(most as usize).cloned());
    // By time; what came in one moment stays in its order.
    entries.reverse();
    entries.sort_by_key(|entry| entry.at);
    let mut names = Names(store, HashMap::new());
    for entry in &entries {
        say(&format!("{}\t{}\t{}\t{}", entry.at, entry.act, names.of(entry.user).await?, entry.detail));
    }
    if let Some(sum) = sum(&failures, now()) {
        say(&sum);
    }
    Ok(())
}

/// How many sign-ins failed within a day, and from where.
fn sum(failures: &[AuditEntry], now: Timestamp) -> Option<String> {
    let recent = failures.iter().filter(|entry| entry.at.0 > now.0 - A_DAY_MS);
    let (mut count, mut others) = (0, 0);
    let mut by_address: BTreeMap<String, u64> = BTreeMap::new();
    for failed in recent.filter_map(|entry| Failed::read(&entry.detail)) {
        count += failed.count;
        if failed.address.is_empty() {
            others = others.max(failed.addresses);
        } else {
            *by_address.entry(failed.address).or_default() += failed.count;
        }
    }
    let mut most: Vec<(&String, &u64)> = by_address.iter().collect();
    most.sort_by(|one, other| other.1.cmp(one.1));
    let named: Vec<String> = most.iter().take(NAMED).map(|(address, count)| format!("{address} ({count})")).collect();
    let addresses = by_address.len() as u64 + others;
    let text = format!("# Failed in the last 24 hours: {count}, from {addresses} addresses, most from {}", named.join(", "));
    (count > 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_added_up_by_address() {
        let entry = |at: i64, detail: &str| AuditEntry {
            at: Timestamp(at),
            user: None,
            act: "sign_in_failed".to_owned(),
            detail: detail.to_owned(),
        };
        let now = Timestamp(10 * A_DAY_MS);
        let all = [
            entry(now.0 - 5, "3 times from 192.0.2.1 (curl)"),
            entry(now.0 - 6, "40 times from 192.0.2.2 (curl), with 5 names that nobody has"),
            entry(now.0 - 7, "2 times from 192.0.2.1 (Firefox)"),
            entry(now.0 - 8, "500 times from 90 other addresses"),
            entry(now.0 - A_DAY_MS - 1, "7 times from 192.0.2.3 (curl)"),
        ];
        let text = "# Failed in the last 24 hours: 545, from 92 addresses, most from 192.0.2.2 (40), 192.0.2.1 (5)";
        assert_eq!(sum(&all, now).as_deref(), Some(text));
        assert_eq!(sum(&all[4..], now), None);
    }
}
