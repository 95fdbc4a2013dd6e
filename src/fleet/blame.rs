//! Who is to blame for crashes, and who is set aside for them: pure over given times; it restarts nothing.

use bridge::id::{AccountId, UserId};
use std::time::{Duration, Instant};

/// A crash under somebody's callback.
#[derive(Debug, Clone)]
struct Crash {
    at: Instant,
    account: AccountId,
    user: UserId,
    protocol: String,
}

/// What to do after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Sign all on again.
    GoOn,
    /// The account is set aside.
    Account,
    /// Several accounts share the blame: their protocol is.
    Protocol,
}

/// The crashes of the last while.
#[derive(Debug)]
pub(crate) struct Crashes {
    recent: Vec<Crash>,
    aside: Vec<(Instant, String)>,
    /// Accounts that a crash may have been the doing of.
    suspects: Vec<(Instant, AccountId)>,
    /// So many crashes are too many; 0: there never are.
    most: usize,
    window: Duration,
}

impl Crashes {
    pub(crate) fn new(most: usize, window: Duration) -> Self {
        Self { recent: Vec::new(), aside: Vec::new(), suspects: Vec::new(), most, window }
    }

    fn forget(&mut self, now: Instant) {
        let window = self.window;
        self.recent.retain(|crash| now.saturating_duration_since(crash.at) < window);
        self.aside.retain(|(at, _)| now.saturating_duration_since(*at) < window);
        self.suspects.retain(|(at, _)| now.saturating_duration_since(*at) < window);
    }

    /// A worker ended while it ran `account`'s callback.
    pub(crate) fn blame(&mut self, now: Instant, account: AccountId, user: UserId, protocol: &str) -> Verdict {
        self.forget(now);
        self.recent.push(Crash { at: now, account, user, protocol: protocol.to_owned() });
        if self.most == 0 {
            return Verdict::GoOn;
        }
        if self.recent.iter().filter(|crash| crash.account == account).count() >= self.most {
            return Verdict::Account;
        }
        // One person with many accounts is no reason to take a network from everybody.
        let mut users: Vec<UserId> = self.recent.iter().filter(|crash| crash.protocol == protocol).map(|crash| crash.user).collect();
        users.sort_unstable();
        users.dedup();
        if users.len() >= self.most {
            self.aside.push((now, protocol.to_owned()));
            return Verdict::Protocol;
        }
        Verdict::GoOn
    }

    /// A worker ended while it ran for nobody; this account's callback was the last before that. Nothing is held against it but that it is
    /// put where it hurts nobody else.
    pub(crate) fn suspect(&mut self, now: Instant, account: AccountId) {
        self.forget(now);
        self.suspects.push((now, account));
    }

    /// A crash was blamed on the account a short while ago, or may have been its doing.
    pub(crate) fn is_suspect(&mut self, now: Instant, account: AccountId) -> bool {
        self.forget(now);
        self.suspects.iter().any(|(_, suspect)| *suspect == account) || self.is_blamed(now, account)
    }

    /// A crash was blamed on the account a short while ago.
    pub(crate) fn is_blamed(&mut self, now: Instant, account: AccountId) -> bool {
        self.forget(now);
        self.recent.iter().any(|crash| crash.account == account)
    }

    /// How many protocols are set aside for now.
    pub(crate) fn protocols_aside(&mut self, now: Instant) -> usize {
        self.forget(now);
        let mut names: Vec<&str> = self.aside.iter().map(|(_, protocol)| protocol.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// The protocol is set aside for now.
    pub(crate) fn is_aside(&mut self, now: Instant, protocol: &str) -> bool {
        self.forget(now);
        self.aside.iter().any(|(_, aside)| aside == protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn three_crashes_in_ten_minutes_set_an_account_aside() {
        let (mut crashes, start) = (Crashes::new(3, 10 * MINUTE), Instant::now());
        let mut blame = |minutes: u32, account| crashes.blame(start + minutes * MINUTE, AccountId(account), UserId(account), "prpl-a");
        assert_eq!(blame(0, 1), Verdict::GoOn);
        assert_eq!(blame(4, 1), Verdict::GoOn);
        assert_eq!(blame(11, 1), Verdict::GoOn, "the first is forgotten");
        assert_eq!(blame(12, 1), Verdict::Account);
        assert!(crashes.is_suspect(start + 13 * MINUTE, AccountId(1)));
        assert!(!crashes.is_suspect(start + 23 * MINUTE, AccountId(1)));
    }

    #[test]
    fn three_people_set_the_protocol_aside_but_one_with_three_accounts_does_not() {
        let (mut crashes, start) = (Crashes::new(3, 10 * MINUTE), Instant::now());
        for account in 1..=3 {
            assert_eq!(crashes.blame(start, AccountId(account), UserId(1), "prpl-a"), Verdict::GoOn);
        }
        assert_eq!(crashes.blame(start, AccountId(4), UserId(2), "prpl-a"), Verdict::GoOn);
        assert_eq!(crashes.blame(start, AccountId(5), UserId(3), "prpl-b"), Verdict::GoOn);
        assert_eq!(crashes.blame(start, AccountId(6), UserId(3), "prpl-a"), Verdict::Protocol);
        assert!(crashes.is_aside(start, "prpl-a") && !crashes.is_aside(start, "prpl-b"));
        assert_eq!((crashes.protocols_aside(start), crashes.protocols_aside(start + 10 * MINUTE)), (1, 0));
        assert!(!crashes.is_aside(start + 10 * MINUTE, "prpl-a"));
    }

    #[test]
    fn a_suspect_is_kept_apart_and_not_blamed() {
        let (mut crashes, start) = (Crashes::new(3, 10 * MINUTE), Instant::now());
        for _ in 0..5 {
            crashes.suspect(start, AccountId(1));
        }
        assert!(crashes.is_suspect(start, AccountId(1)) && !crashes.is_blamed(start, AccountId(1)));
        assert_eq!(crashes.blame(start, AccountId(1), UserId(1), "prpl-a"), Verdict::GoOn);
        assert!(!crashes.is_suspect(start + 10 * MINUTE, AccountId(1)));
    }

    #[test]
    fn zero_sets_nobody_aside() {
        let (mut crashes, start) = (Crashes::new(0, MINUTE), Instant::now());
        for _ in 0..10 {
            assert_eq!(crashes.blame(start, AccountId(1), UserId(1), "prpl-a"), Verdict::GoOn);
        }
    }
}
