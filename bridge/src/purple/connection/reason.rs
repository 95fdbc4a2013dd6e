//! Why a connection ended, in the wire's words.

use crate::id::AccountId;
use crate::model::AccountError;
use purple_sys::PurpleConnectionError;

/// libpurple's reason in the wire's words; what our own network guard, TLS and look-ups know is told instead of "Permission denied" and "Unable to
/// connect". `unresolved`: why the server's name led nowhere.
pub(super) fn explain(
    account: AccountId,
    reason: PurpleConnectionError,
    message: String,
    fatal: bool,
    unresolved: Option<String>,
) -> AccountError {
    if let Some(address) = crate::purple::egress::take_refusal(account) {
        let message = format!("This site does not let accounts connect to {address}. Check the server's name, or ask the site's admin.");
        return AccountError { code: "refused_address".to_owned(), message, fatal: true };
    }
    if let Some((code, message)) = crate::purple::tls::take_failure(account) {
        // A server that hangs up may be back soon; a certificate or a TLS version will not change by waiting.
        let fatal = fatal || code != "network";
        return AccountError { code, message, fatal };
    }
    type Reason = PurpleConnectionError;
    if let Some(message) = unresolved.filter(|_| reason == Reason::PURPLE_CONNECTION_ERROR_NETWORK_ERROR) {
        return AccountError { code: "network".to_owned(), message, fatal };
    }
    if reason == Reason::PURPLE_CONNECTION_ERROR_ENCRYPTION_ERROR {
        // Nothing went wrong in our TLS, so the server does not offer it (or someone on the way says so): waiting changes neither.
        let message = format!(
            "{} Ask whoever runs the server for encryption, or allow connections without it in this account's settings.",
            message.trim()
        );
        return AccountError { code: "encryption".to_owned(), message, fatal: true };
    }
    if is_crowded(&message) && !fatal {
        return AccountError { code: CROWDED.to_owned(), message, fatal };
    }
    let code = match reason {
        Reason::PURPLE_CONNECTION_ERROR_NETWORK_ERROR => "network",
        Reason::PURPLE_CONNECTION_ERROR_INVALID_USERNAME => "wrong_username",
        Reason::PURPLE_CONNECTION_ERROR_AUTHENTICATION_FAILED => "wrong_password",
        Reason::PURPLE_CONNECTION_ERROR_AUTHENTICATION_IMPOSSIBLE => "authentication_impossible",
        Reason::PURPLE_CONNECTION_ERROR_NO_SSL_SUPPORT => "no_tls",
        Reason::PURPLE_CONNECTION_ERROR_NAME_IN_USE => "name_in_use",
        Reason::PURPLE_CONNECTION_ERROR_INVALID_SETTINGS => "invalid_settings",
        PurpleConnectionError(number)
            if (Reason::PURPLE_CONNECTION_ERROR_CERT_NOT_PROVIDED.0..Reason::PURPLE_CONNECTION_ERROR_OTHER_ERROR.0).contains(&number) =>
        {
            "certificate"
        }
        _ => "other",
    };
    AccountError { code: code.to_owned(), message, fatal }
}

/// The code of an error that trying again soon would make worse.
pub(super) const CROWDED: &str = "too_many_connections";

/// Words of servers that limit connections by address or by rate; in lower case.
const CROWDED_WORDS: &[&str] = &[
    "connection limit",
    "connecting too",
    "reconnecting too",
    "session limit",
    "throttled",
    "too many connections",
    "too many host connections",
    "too many ip",
    "too many sessions",
    "too many unknown connections",
    "too many user connections",
    "trying to reconnect too fast",
];

fn is_crowded(words: &str) -> bool {
    let words = words.to_lowercase();
    CROWDED_WORDS.iter().any(|part| words.contains(part))
}

/// The error of a connection that a server closed with these words.
pub(super) fn said(words: &str) -> AccountError {
    let message = format!("The server closed the connection: {words}");
    let code = if is_crowded(words) { CROWDED } else { "network" };
    AccountError { code: code.to_owned(), message, fatal: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_count_are_told_apart() {
        for words in [
            "Closing Link: ines[192.0.2.7] (Too many host connections (local))",
            "Your host is trying to (re)connect too fast -- throttled",
            "Trying to reconnect too fast.",
            "Session limit exceeded",
        ] {
            assert_eq!(said(words).code, CROWDED, "{words}");
        }
        for words in ["Closing Link: ines (Ping timeout: 240 seconds)", "Closing Link: (Killed (oper (too many bad words)))", ""] {
            assert_eq!(said(words).code, "network", "{words}");
        }
    }
}
