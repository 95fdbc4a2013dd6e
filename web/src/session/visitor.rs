//! Tells IRC accounts where their user is, for networks that know this site as a gateway (WEBIRC). Keeps nothing where no network does.

use super::{Hub, Session};
use crate::server::peer::Address;
use bridge::command::CommandKind;
use bridge::id::AccountId;
use std::net::IpAddr;

/// The only protocol that has such a thing.
const PROTOCOL: &str = "prpl-irc";

impl Hub {
    /// Where an account's user is, for its network, where there is one that is told.
    pub(super) fn visitor_of(&self, protocol: &str, visitor: Option<IpAddr>) -> Option<IpAddr> {
        visitor.filter(|_| self.config.tells_addresses && protocol == PROTOCOL)
    }

    /// Notes the address that a guest signs in from, on a site that tells networks of it.
    pub(super) fn note_visitor(&self, state: &mut super::state::State, visitor: Option<IpAddr>) {
        if let Some(visitor) = visitor.filter(|_| self.config.tells_addresses) {
            state.seldom.get_or_insert_default().visitor = Some(visitor);
        }
    }

    /// A browser of the user's has come from `address`: accounts that sign on from now on say so.
    pub fn came_from(&self, session: &Session, address: Address) {
        let Address::Ip(address) = address else { return };
        if !self.config.tells_addresses {
            return;
        }
        let mut state = session.lock();
        if state.seldom.get_or_insert_default().visitor.replace(address) == Some(address) {
            return;
        }
        let accounts: Vec<AccountId> =
            state.accounts.iter().filter(|account| account.protocol == PROTOCOL).map(|account| account.id).collect();
        for account in accounts {
            self.tell_for_sure(session.id, CommandKind::SetVisitor { account, visitor: address }, Some(account));
            state.account_changed(account);
        }
        self.remember_accounts(session.id, &mut state);
    }
}
