//! Who is to blame for crashes, what is set aside for them, and who is kept apart meanwhile. Pure over given times. Restarts nothing.

use super::server::{Server, ServerKey};
use bridge::id::{AccountId, PersonId};
use bridge::report::Aside;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Crashes remembered, and things set aside, each: the oldest go first.
const MOST: usize = 256;
/// So many people at least, on as many servers, set a protocol aside.
const SEVERAL: usize = 3;

/// An account under which a worker ended.
#[derive(Debug, Clone)]
pub(crate) struct Culprit {
    pub(crate) account: AccountId,
    /// Who stands behind its user.
    pub(crate) person: PersonId,
    /// It is a guest's: guests come and go, and take no network from others.
    pub(crate) guest: bool,
    pub(crate) server: ServerKey,
    pub(crate) protocol: Box<str>,
}

#[derive(Debug)]
struct Crash {
    at: Instant,
    culprit: Culprit,
    /// Its callback ran. Otherwise the crash only may have been its doing.
    blamed: bool,
}

/// What is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Account(AccountId),
    Server(Server),
    Protocol(Box<str>),
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    what: What,
    why: String,
}

impl Entry {
    fn words(&self) -> String {
        let what = match &self.what {
            What::Account(_) => "This account".to_owned(),
            What::Server(server) => format!("The server {}", server.name),
            What::Protocol(_) => "This network".to_owned(),
        };
        format!("{what} is set aside for some minutes, because {}. Everything else goes on. Try again later.", self.why)
    }
}

/// The crashes of the last while.
#[derive(Debug)]
pub(crate) struct Crashes {
    recent: Vec<Crash>,
    aside: Vec<Entry>,
    /// Accounts that hold their worker up. It says nothing about anybody else.
    heavy: Vec<(Instant, AccountId)>,
    /// So many crashes are too many; 0: there never are.
    most: usize,
    window: Duration,
}

impl Crashes {
    pub(crate) fn new(most: usize, window: Duration) -> Self {
        Self { recent: Vec::new(), aside: Vec::new(), heavy: Vec::new(), most, window }
    }

    /// Forgets what is longer ago than the window.
    pub(crate) fn forget(&mut self, now: Instant) {
        let window = self.window;
        self.recent.retain(|crash| now.saturating_duration_since(crash.at) < window);
        self.aside.retain(|entry| now.saturating_duration_since(entry.at) < window);
        self.heavy.retain(|(at, _)| now.saturating_duration_since(*at) < window);
    }

    fn note(&mut self, now: Instant, culprit: &Culprit, blamed: bool) {
        self.forget(now);
        if self.recent.len() >= MOST {
            self.recent.remove(0);
        }
        self.recent.push(Crash { at: now, culprit: culprit.clone(), blamed });
    }

    /// A worker ended while it ran `culprit`'s callback; `there` people have accounts on its server now. What its user is told when it is set
    /// aside. Others are not, whatever they shared with it.
    pub(crate) fn blame(&mut self, now: Instant, culprit: &Culprit, server: Server, there: usize) -> Option<String> {
        self.note(now, culprit, true);
        if self.most == 0 {
            return None;
        }
        let blamed = || self.recent.iter().filter(|crash| crash.blamed).map(|crash| &crash.culprit);
        let times = blamed().filter(|one| one.account == culprit.account).count();
        let people: BTreeSet<PersonId> =
            blamed().filter(|one| one.server == culprit.server && (server.chosen || !one.guest)).map(|one| one.person).collect();
        // Each person once and each server once, so that neither many accounts of one person nor one server of many people count for more.
        let (mut persons, mut servers) = (BTreeSet::new(), BTreeSet::new());
        for one in blamed().filter(|one| one.protocol == culprit.protocol && !one.guest) {
            if !persons.contains(&one.person) && servers.insert(one.server) {
                persons.insert(one.person);
            }
        }
        let many = self.most.max(SEVERAL);
        let mut wider = Vec::new();
        // A few of many on a server are no reason to take it from the others.
        if people.len() >= many && people.len() * 2 >= there {
            let why = format!("accounts of {} people there brought parts of the server down", people.len());
            wider.push((What::Server(server), why));
        }
        if persons.len() >= many {
            let why = format!("accounts of {0} people on {0} servers brought parts of the server down", persons.len());
            wider.push((What::Protocol(culprit.protocol.clone()), why));
        }
        if times < self.most && wider.is_empty() {
            return None;
        }
        let often = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        let own = (What::Account(culprit.account), format!("it brought a part of the server down {often}"));
        std::iter::once(own).chain(wider).map(|(what, why)| self.set_aside(now, what, why)).last()
    }

    /// Sets something aside. The words for its users.
    fn set_aside(&mut self, now: Instant, what: What, why: String) -> String {
        match &what {
            // The log names it with its user and protocol, which are not known here.
            What::Account(_) => {}
            What::Server(server) => log::error!("the server {} is set aside, because {why}", server.name),
            What::Protocol(protocol) => log::error!("the protocol {protocol} is set aside on servers that are not known, because {why}"),
        }
        self.aside.retain(|entry| entry.what != what);
        if self.aside.len() >= MOST {
            self.aside.remove(0);
        }
        let entry = Entry { at: now, what, why };
        let words = entry.words();
        self.aside.push(entry);
        words
    }

    /// A worker ended while it ran for nobody, and this account's callback was the last before that. Nothing is held against it but that it is
    /// put where it hurts nobody else.
    pub(crate) fn suspect(&mut self, now: Instant, culprit: &Culprit) {
        self.note(now, culprit, false);
    }

    fn within(&self, now: Instant) -> impl Iterator<Item = &Culprit> {
        self.recent.iter().filter(move |crash| now.saturating_duration_since(crash.at) < self.window).map(|crash| &crash.culprit)
    }

    /// What an account receives holds its worker up again and again: it is put where it hurts nobody else.
    pub(crate) fn note_heavy(&mut self, now: Instant, account: AccountId) {
        self.heavy.retain(|(_, known)| *known != account);
        if self.heavy.len() >= MOST {
            self.heavy.remove(0);
        }
        self.heavy.push((now, account));
    }

    /// A crash was blamed on the account a short while ago, or may have been its doing; or it held its worker up.
    pub(crate) fn is_suspect(&self, now: Instant, account: AccountId) -> bool {
        let lately = |at: Instant| now.saturating_duration_since(at) < self.window;
        self.within(now).any(|one| one.account == account) || self.heavy.iter().any(|(at, heavy)| *heavy == account && lately(*at))
    }

    /// Whether an account is to be kept from others for what other accounts did: those of the same person, and those on a server that is not
    /// `known`. Where it is, a person is held to it from the second account on.
    pub(crate) fn is_doubted(&self, now: Instant, person: PersonId, server: ServerKey, known: bool) -> bool {
        let accounts: BTreeSet<AccountId> = self.within(now).filter(|one| one.person == person).map(|one| one.account).collect();
        accounts.len() > usize::from(known) || !known && self.within(now).any(|one| one.server == server)
    }

    /// Whether a person may vouch for a server: no crash speaks against either.
    pub(crate) fn may_vouch(&self, now: Instant, person: PersonId, server: ServerKey) -> bool {
        !self.within(now).any(|one| one.person == person || one.server == server)
    }

    /// Why an account is not to be had now. A protocol is not taken from those whose server is `known`.
    pub(crate) fn refusal(&self, now: Instant, one: &Culprit, known: bool) -> Option<String> {
        let concerns = |entry: &&Entry| match &entry.what {
            What::Account(account) => *account == one.account,
            What::Server(server) => server.key == one.server,
            What::Protocol(protocol) => !known && *protocol == one.protocol,
        };
        let mut now_aside = self.aside.iter().filter(|entry| now.saturating_duration_since(entry.at) < self.window);
        now_aside.rfind(concerns).map(Entry::words)
    }

    /// What is set aside now, and why.
    pub(crate) fn aside(&self, now: Instant) -> Vec<Aside> {
        let told = |entry: &Entry| {
            let left = self.window.checked_sub(now.saturating_duration_since(entry.at)).filter(|left| !left.is_zero())?;
            let (kind, name) = match &entry.what {
                What::Account(account) => ("account", account.to_string()),
                What::Server(server) => ("server", server.name.clone()),
                What::Protocol(protocol) => ("protocol", protocol.to_string()),
            };
            Some(Aside { kind, name, why: entry.why.clone(), seconds: left.as_secs() })
        };
        self.aside.iter().filter_map(told).collect()
    }
}

#[cfg(test)]
mod tests;
