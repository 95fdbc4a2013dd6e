//! Holds to which protocols an administrator has switched off: nobody signs on, and their accounts stand as failed with that reason until they are
//! switched on again. What the user wants of an account, `enabled`, stays as it is. Offers nothing (see `api::front`).

use super::Hub;
use super::memory::Memory;
use super::perform::error;
use super::state::{Env, State};
use crate::store::StoreError;
use crate::wire::ErrorBody;
use bridge::command::{AccountSettings, CommandKind};
use bridge::id::{AccountId, UserId};
use bridge::model::{Account, AccountError, AccountStanding, AccountState};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// Ids of protocols that are switched off.
pub type Closed = Arc<BTreeSet<String>>;

const CODE: &str = "protocol_disabled";
const MESSAGE: &str = "Whoever runs this site has switched this network off for now.";

pub(super) fn refusal() -> ErrorBody {
    error(CODE, MESSAGE)
}

/// How an account of such a protocol stands.
fn standing() -> AccountStanding {
    let error = AccountError { code: CODE.to_owned(), message: MESSAGE.to_owned(), fatal: true };
    AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) }
}

impl State {
    /// How an account stands for its user, whatever its worker says.
    pub(super) fn as_it_stands(&self, account: AccountId, told: AccountStanding) -> AccountStanding {
        if self.closed.contains(&account) { standing() } else { told }
    }

    /// The same of all of it. Its worker has it as not wanted.
    pub(super) fn as_its_user_wants(&self, account: &mut Account) {
        if self.closed.contains(&account.id) {
            account.enabled = true;
            account.standing = standing();
        }
    }

    /// The user signs an account off that is not signed on for another reason: it stays off when its protocol is back.
    pub(super) fn not_wanted(&mut self, account: AccountId) {
        if self.closed.remove(&account)
            && let Some(known) = self.account(account)
        {
            known.enabled = false;
        }
    }

    /// Accounts that sign on and must not, and those that may again.
    fn to_settle(&self, closed: &BTreeSet<String>) -> (Vec<AccountId>, Vec<AccountId>) {
        let off =
            self.accounts.iter().filter(|known| known.enabled && closed.contains(&known.protocol) && !self.closed.contains(&known.id));
        let on = self.accounts.iter().filter(|known| self.closed.contains(&known.id) && !closed.contains(&known.protocol));
        (off.map(|known| known.id).collect(), on.map(|known| known.id).collect())
    }
}

impl Hub {
    /// The protocols that are switched off, and every change of that.
    pub fn closed_protocols(&self) -> watch::Receiver<Closed> {
        self.memory.as_ref().map_or_else(|| watch::channel(Closed::default()).1, |memory| memory.closed.subscribe())
    }

    fn closed(&self) -> Closed {
        self.memory.as_ref().map_or_else(Closed::default, |memory| Arc::clone(&memory.closed.borrow()))
    }

    pub(super) fn is_closed(&self, protocol: &str) -> bool {
        self.closed().contains(protocol)
    }

    /// Fails when a command signs on to a protocol that is switched off.
    pub(super) fn protocol_is_open(&self, state: &State, kind: &CommandKind) -> Result<(), ErrorBody> {
        let of = |account: &AccountId| state.accounts.iter().find(|known| known.id == *account).map(|known| known.protocol.as_str());
        let protocol = match kind {
            CommandKind::AddAccount { settings, .. } => Some(settings.protocol.as_str()),
            CommandKind::EnableAccount(account) | CommandKind::ConnectAccount(account) | CommandKind::RegisterAccount(account) => {
                of(account)
            }
            _ => None,
        };
        if protocol.is_some_and(|protocol| self.is_closed(protocol)) { Err(refusal()) } else { Ok(()) }
    }

    /// Reads which protocols are switched off, and carries out what is new of it.
    pub(super) async fn read_protocols(&self, memory: &Memory) -> Result<(), StoreError> {
        let now: BTreeSet<String> = memory.store().closed_protocols().await?.into_iter().collect();
        let before = Arc::clone(&memory.closed.borrow());
        if *before == now {
            return Ok(());
        }
        memory.closed.send_replace(Arc::new(now.clone()));
        for protocol in now.symmetric_difference(&before) {
            log::warn!("protocol {protocol} is {} from now on", if now.contains(protocol) { "switched off" } else { "switched on" });
        }
        for session in self.all() {
            let mut state = session.lock();
            self.settle_protocols(session.id(), &mut state);
            self.remember_accounts(session.id(), &mut state);
            state.deliver(&self.env());
        }
        Ok(())
    }

    /// Signs accounts off whose protocol is switched off, and on again once it is not.
    pub(super) fn settle_protocols(&self, user: UserId, state: &mut State) {
        let closed = self.closed();
        if closed.is_empty() && state.closed.is_empty() {
            return;
        }
        let env: Env<'_> = self.env();
        let (off, on) = state.to_settle(&closed);
        for account in off {
            state.closed.insert(account);
            state.account_stands(&env, None, account, standing());
            self.tell_for_sure(user, CommandKind::DisableAccount(account), Some(account));
        }
        for account in on {
            state.closed.remove(&account);
            state.account_stands(&env, None, account, AccountStanding::plain(AccountState::Connecting));
            self.tell_for_sure(user, CommandKind::EnableAccount(account), Some(account));
        }
    }

    /// Of accounts that are brought back, those whose protocol is switched off do not sign on.
    pub(super) fn hold_back(&self, state: &mut State, accounts: &mut [(AccountId, AccountSettings)]) {
        let closed = self.closed();
        for (account, settings) in accounts.iter_mut().filter(|(_, settings)| settings.enabled && closed.contains(&settings.protocol)) {
            settings.enabled = false;
            state.closed.insert(*account);
            if let Some(known) = state.account(*account) {
                known.standing = standing();
            }
        }
    }
}
