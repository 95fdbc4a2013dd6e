//! An account that is being made on its server (XEP-0077 and its like): a connection on which nobody is signed on; it asks for nothing itself.

use super::{Phase, stand, watch};
use crate::id::AccountId;
use crate::model::{AccountError, AccountStanding, AccountState};
use crate::purple::accounts;
use crate::purple::token::OnPurple;

/// libpurple is about to make the account on the server: watched and ended like a sign-on.
pub(in crate::purple) fn begun(token: OnPurple, account: AccountId) {
    let watchdog = watch(token, account);
    let before = accounts::change(token, account, |entry| {
        entry.sign_on.failure = None;
        entry.sign_on.ours = false;
        entry.sign_on.registering = true;
        std::mem::replace(&mut entry.sign_on.phase, Phase::Connecting { watchdog })
    });
    drop(before);
    stand(token, account, AccountStanding::plain(AccountState::Connecting));
}

/// The server did not make the account, or was not asked to in the end; told when the connection ends, unless more is known by then.
pub(in crate::purple) fn failed(token: OnPurple, account: AccountId) {
    accounts::change(token, account, |entry| {
        entry.sign_on.failure.get_or_insert_with(|| AccountError {
            code: "not_registered".to_owned(),
            message: "The account was not made.".to_owned(),
            fatal: false,
        });
    });
}
