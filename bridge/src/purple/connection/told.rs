//! Takes in reasons for the end of a connection that libpurple does not tell, or tells in other words: of servers, of the system, of our own checks.
//! Does not end or retry a connection (see the parent).

use super::super::accounts;
use super::super::owner;
use super::super::token::OnPurple;
use super::reason;
use crate::id::AccountId;
use crate::model::AccountError;
use purple_sys::PurpleConnectionError;

/// Result of a look-up of a name for the account that connects: `None` for addresses, else a sentence.
pub(in crate::purple) fn resolved(token: OnPurple, account: AccountId, failure: Option<String>) {
    accounts::change(token, account, |entry| entry.sign_on.unresolved = failure);
}

/// A connection of the account whose callback runs was not made.
pub(in crate::purple) fn not_made(token: OnPurple, why: &str) {
    if let Some(account) = owner::current() {
        accounts::change(token, account, |entry| entry.sign_on.not_made = Some(why.to_owned()));
    }
}

/// The server said why it closes the connection, which libpurple does not tell.
pub(in crate::purple) fn server_said(token: OnPurple, account: AccountId, words: &str) {
    ends_for(token, account, reason::said(words));
}

/// The server lets the account in no more, and says why.
pub(in crate::purple) fn banned(token: OnPurple, account: AccountId, words: &str) {
    ends_for(token, account, reason::banned(words));
}

/// The connection is about to end, for a reason that libpurple tells in other words. The first reason counts.
pub(in crate::purple) fn ends_for(token: OnPurple, account: AccountId, error: AccountError) {
    accounts::change(token, account, |entry| entry.sign_on.failure.get_or_insert(error).code.len());
}

/// The server sends the account to another host (RFC 6120, 4.9.3.19), where it is tried at once.
pub(in crate::purple) fn sent_elsewhere(token: OnPurple, account: AccountId, host: &str, port: u16) {
    /// More hosts in a row than anybody has.
    const MOST: u32 = 5;
    let goes_round = accounts::change(token, account, |entry| {
        entry.sign_on.sent_on = entry.sign_on.sent_on.saturating_add(1);
        let goes_round = entry.sign_on.sent_on > MOST;
        entry.sign_on.elsewhere = (!goes_round).then(|| (host.to_owned(), port));
        if goes_round {
            entry.sign_on.sent_on = 0;
        }
        goes_round
    });
    if goes_round == Some(true) {
        let message = "The server sends this account from one host to another without end.".to_owned();
        ends_for(token, account, AccountError { code: "network".to_owned(), message, fatal: false });
    }
}

/// The nick is somebody else's. Libpurple's plugin would take another one without a word. A nick that the account had before may be held by its own
/// earlier connection, so that is tried again.
pub(in crate::purple) fn refuse_nick(token: OnPurple, account: AccountId, nick: &str) {
    let message = accounts::change(token, account, |entry| {
        let again = entry.sign_on.known;
        let message = if again {
            format!("The nick “{nick}” is still in use on this server, perhaps by your earlier connection.")
        } else {
            format!("The nick “{nick}” is taken on this server. Choose another one.")
        };
        entry.sign_on.failure = Some(AccountError { code: "nick_in_use".to_owned(), message: message.clone(), fatal: !again });
        message
    });
    if let Some(message) = message {
        refuse_input(token, account, &message);
    }
}

/// Has libpurple end the connection once the callback that runs is over, because of what came over it: tried again, later each time.
pub(crate) fn refuse_input(token: OnPurple, account: AccountId, message: &str) {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return };
    let message = super::super::ffi::in_process(message);
    // SAFETY: a live account; a connection of its own, or NULL, which libpurple is not given; the text is copied.
    unsafe {
        let gc = purple_sys::purple_account_get_connection(purple);
        if !gc.is_null() {
            let reason = PurpleConnectionError::PURPLE_CONNECTION_ERROR_NETWORK_ERROR;
            purple_sys::purple_connection_error_reason(gc, reason, message.as_ptr());
        }
    }
}
