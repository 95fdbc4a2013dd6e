//! What the TLS back end asks about accounts: which domain, which pins, and the question to their user; the checks themselves are `tls.rs`'s.

use super::accounts;
use super::tls::{AskId, TrustHooks};
use super::token::OnPurple;
use super::{outbox, request};
use crate::event::EventKind;
use crate::id::AccountId;
use crate::model::Certificate;

/// Certificates that a user may have said yes to for one account.
const MOST_PINS: usize = 8;

/// Answers from our own table.
pub(super) struct Accounts;

/// The domain in a user name like `ines@example.org/laptop`.
fn domain_of(username: &str) -> Option<&str> {
    let (_, rest) = username.split_once('@')?;
    let domain = rest.split('/').next().unwrap_or(rest);
    (!domain.is_empty()).then_some(domain)
}

impl TrustHooks for Accounts {
    fn domain(&self, account: AccountId, host: Option<&str>) -> Option<String> {
        let token = OnPurple::here()?;
        accounts::read(token, account, |entry| {
            let domain = domain_of(&entry.username)?;
            let same = |name: &str| host.is_some_and(|host| host.eq_ignore_ascii_case(name));
            let reached_by = entry.server.as_deref().is_some_and(same) || entry.sign_on.reached_by.as_deref().is_some_and(same);
            (host.is_none() || same(domain) || reached_by).then(|| domain.to_owned())
        })
        .flatten()
    }

    fn pins(&self, account: AccountId) -> Vec<String> {
        OnPurple::here().and_then(|token| accounts::read(token, account, |entry| entry.pins.clone())).unwrap_or_default()
    }

    fn ask(&self, account: AccountId, certificate: Certificate, answer: Box<dyn FnOnce(bool)>) -> Option<AskId> {
        request::ask_certificate(OnPurple::here()?, account, certificate, answer)
    }

    fn withdraw(&self, question: AskId) {
        if let Some(token) = OnPurple::here() {
            request::withdraw(token, question);
        }
    }

    fn pin(&self, account: AccountId, fingerprint: String) {
        let Some(token) = OnPurple::here() else { return };
        let user = accounts::change(token, account, |entry| {
            // An account may reach several servers, each with a certificate of its own; the oldest yes is forgotten first.
            entry.pins.retain(|pin| *pin != fingerprint);
            entry.pins.push(fingerprint.clone());
            let over = entry.pins.len().saturating_sub(MOST_PINS);
            entry.pins.drain(..over);
            entry.user
        });
        if let Some(user) = user {
            outbox::emit(token, user, EventKind::AccountPinned { account, fingerprint });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_of_its_account_alone() {
        crate::purple::testing::with_core("purple::trust::tests::a_pin_is_of_its_account_alone", |core| {
            for (user, account) in [(1, 10), (1, 11), (2, 20)] {
                core.account(user, account);
            }
            Accounts.pin(AccountId(10), "AB:CD".to_owned());
            assert_eq!([10, 11, 20].map(|account| Accounts.pins(AccountId(account)).len()), [1, 0, 0]);
        });
    }

    #[test]
    fn the_domain_is_between_at_and_slash() {
        assert_eq!(domain_of("ines@example.org/laptop"), Some("example.org"));
        assert_eq!(domain_of("nick@irc.example.net"), Some("irc.example.net"));
        assert_eq!(domain_of("ines"), None);
        assert_eq!(domain_of("ines@"), None);
    }
}
