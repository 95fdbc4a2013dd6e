//! Asks networks for their rooms, at their pace: a server is asked for one list at a time, an account's network once within some minutes. Waits for
//! nobody: what cannot be asked now is asked by the hub's clock.

use super::find::Wish;
use super::{DESCRIBE, DESCRIBING_MS, DISCOVER, Discovery, Phase};
use crate::session::hub::lock;
use crate::session::state::{Env, State};
use crate::session::{Hub, Session};
use bridge::command::{CommandKind, Origin};
use bridge::handle::Rejected;
use bridge::id::{AccountId, UserId};
use bridge::model::{Account, DESCRIBED};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Between two lists of one server, whoever asks for them: milliseconds.
const GAP_MS: u64 = 2_000;
/// Servers whose turns are known.
const MOST_SERVERS: usize = 4_096;
/// How long lists are kept after the user last looked for something: milliseconds; the second where the site has many.
const KEPT_MS: u64 = 30 * 60_000;
const KEPT_FULL_MS: u64 = 2 * 60_000;
/// Rooms of an account that are asked what they are: within a minute, and at once.
const DESCRIPTIONS: (u64, u64) = (60, 2 * DESCRIBED as u64);

/// Discovery's state of the whole site: bytes of lists, the turns of servers, and users to look after. Holds nothing that networks told.
#[derive(Debug, Default)]
pub(in crate::session) struct Discovering {
    pub(super) bytes: Arc<AtomicUsize>,
    turns: Mutex<HashMap<String, u64>>,
    users: Mutex<BTreeSet<UserId>>,
}

impl Discovering {
    /// Takes a server's turn. False: it is to be asked later.
    fn turn(&self, server: String, now: u64) -> bool {
        let mut turns = lock(&self.turns);
        if turns.len() >= MOST_SERVERS {
            turns.retain(|_, next| *next > now);
        }
        match turns.get(&server) {
            Some(next) if *next > now => false,
            None if turns.len() >= MOST_SERVERS => false,
            _ => {
                turns.insert(server, now + GAP_MS);
                true
            }
        }
    }

    pub(super) fn look_after(&self, user: UserId) {
        lock(&self.users).insert(user);
    }

    /// Holds the users to look after.
    #[cfg(test)]
    pub(in crate::session) fn hold(&self) -> std::sync::MutexGuard<'_, BTreeSet<UserId>> {
        lock(&self.users)
    }
}

/// The server behind an account: its protocol, and where it signs on.
fn server(account: &Account) -> String {
    let host = account.username.split('/').next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
    format!("{} {}", account.protocol, host.to_lowercase())
}

impl Hub {
    /// Asks for the lists that are wanted, of servers whose turn has come.
    pub(super) fn ask_for_lists(&self, user: UserId, state: &mut State, now: u64) {
        let Some(discovery) = state.seldom.as_mut().map(|seldom| &mut seldom.discovery) else { return };
        for (account, known) in discovery.networks.iter_mut().filter(|(_, known)| known.phase == Phase::Wanted) {
            let Some(server) = state.accounts.iter().find(|known| known.id == *account).map(server) else { continue };
            if !self.discovering.turn(server, now) {
                continue;
            }
            let origin = Origin { client: String::new(), command: format!("{DISCOVER}{account}") };
            match self.send(user, origin, CommandKind::FindRooms(*account), Some(*account)) {
                Ok(()) => known.phase = Phase::Asked,
                Err(Rejected::Busy(_)) => {}
                Err(Rejected::Closed) => known.phase = Phase::Idle,
            }
        }
    }

    /// Asks rooms that fit for their topic and people.
    pub(super) fn ask_rooms(&self, user: UserId, state: &mut State, now: u64, search: &str, wishes: Vec<Wish>) {
        let Some(discovery) = state.seldom.as_mut().map(|seldom| &mut seldom.discovery) else { return };
        let mut by_account: std::collections::BTreeMap<AccountId, Vec<String>> = Default::default();
        wishes.into_iter().for_each(|wish| by_account.entry(wish.account).or_default().push(wish.key));
        for (account, keys) in by_account {
            let Some(known) = discovery.networks.get_mut(&account).filter(|known| known.describing <= now) else { continue };
            if known.described_for.0 != search {
                known.described_for = (search.to_owned(), 0);
            }
            let room = DESCRIBED.saturating_sub(known.described_for.1);
            let keys: Vec<String> = keys.into_iter().take(room).collect();
            let (per_minute, at_once) = DESCRIPTIONS;
            if keys.is_empty() || known.descriptions.take(now, per_minute, at_once, keys.len() as u64).is_err() {
                continue;
            }
            let mut rooms = Vec::new();
            for key in &keys {
                if let Some(room) = known.list.get_mut(key) {
                    room.asked = true;
                    rooms.push(room.row());
                }
            }
            let asked = rooms.len();
            let origin = Origin { client: String::new(), command: format!("{DESCRIBE}{account}") };
            if self.send(user, origin, CommandKind::DescribeRooms { account, rooms }, Some(account)).is_ok() {
                known.described_for.1 += asked;
                known.describing = now + DESCRIBING_MS;
            }
        }
    }

    /// Asks what waits for a turn, tells what is news, and lets go of lists that nobody looks at. Every second.
    pub(in crate::session) fn discover_again(&self) {
        let users: Vec<UserId> = lock(&self.discovering.users).iter().copied().collect();
        let is_full = self.discovering.bytes.load(Ordering::Relaxed) > super::list::MOST_OF_SITE / 2;
        for user in users {
            match self.session(user) {
                Some(session) => self.discover_again_for(&session, is_full),
                None => _ = lock(&self.discovering.users).remove(&user),
            }
        }
    }

    /// The same for one user.
    pub(in crate::session) fn discover_again_for(&self, session: &Session, is_full: bool) {
        let env = self.env();
        let mut state = session.lock();
        if !self.look_after(session.id, &mut state, &env, is_full) {
            // With the session locked: a search that begins then enters the user again.
            lock(&self.discovering.users).remove(&session.id);
        }
        state.deliver(&env);
    }

    /// False when there is nothing left to look after.
    fn look_after(&self, user: UserId, state: &mut State, env: &Env<'_>, is_full: bool) -> bool {
        self.ask_for_lists(user, state, env.now);
        state.tell_discovery(env);
        let Some(discovery) = state.seldom.as_mut().map(|seldom| &mut seldom.discovery) else { return false };
        let kept = if is_full { KEPT_FULL_MS } else { KEPT_MS };
        if env.now > discovery.used + kept {
            *discovery = Discovery::default();
        }
        !discovery.networks.is_empty() || discovery.past.is_used()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_for_one_list_at_a_time() {
        let discovering = Discovering::default();
        let turn = |server: &str, now| discovering.turn(server.to_owned(), now);
        assert!(turn("irc one", 0) && turn("irc two", 0));
        assert!(!turn("irc one", GAP_MS - 1));
        assert!(turn("irc one", GAP_MS));
        for number in 0..2 * MOST_SERVERS {
            turn(&format!("s{number}"), GAP_MS);
        }
        assert_eq!(lock(&discovering.turns).len(), MOST_SERVERS);
        assert!(!turn("another", GAP_MS) && turn("another", 3 * GAP_MS), "until some turns are over");
    }
}
