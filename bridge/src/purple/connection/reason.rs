//! Why a connection ended, in the wire's words.

use crate::id::AccountId;
use crate::model::AccountError;
use purple_sys::PurpleConnectionError;

/// Causes of a failed sign-on that libpurple's own reason leaves out.
#[derive(Default)]
pub(super) struct Known {
    /// The reason for which the server's name led nowhere.
    pub(super) unresolved: Option<String>,
    /// The reason for which a connection was not made, in the system's words.
    pub(super) not_made: Option<String>,
}

/// Puts the system's reason for a connection that was not made into the user's words.
fn unreached(why: &str) -> String {
    let why = why.trim().trim_end_matches('.');
    match why {
        "Connection refused" => "The server refuses the connection: nothing answers at this host and port.".to_owned(),
        "Connection timed out" | "Operation timed out" => "The server does not answer at this host and port.".to_owned(),
        "No route to host" | "Network is unreachable" => "There is no way to the server from here.".to_owned(),
        _ => format!("The server cannot be reached: {why}."),
    }
}

/// libpurple's words for a TLS connection that has no connection to be on.
const NO_TLS_CONNECTION: &str = "SSL Connection Failed";

/// libpurple's reason in the wire's words; what our own network guard, TLS and look-ups know is told instead of "Permission denied", "Unable to
/// connect" and "SSL Connection Failed".
pub(super) fn explain(account: AccountId, reason: PurpleConnectionError, message: String, fatal: bool, known: Known) -> AccountError {
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
    let is_network = reason == Reason::PURPLE_CONNECTION_ERROR_NETWORK_ERROR;
    if let Some(message) = known.unresolved.filter(|_| is_network) {
        return AccountError { code: "network".to_owned(), message, fatal };
    }
    if let Some(why) = known.not_made.filter(|why| is_network && (message == NO_TLS_CONNECTION || message.contains(why.as_str()))) {
        return AccountError { code: "network".to_owned(), message: unreached(&why), fatal };
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

/// Words of servers that let somebody in no more; in lower case.
const BAN_WORDS: &[&str] = &[
    "*** banned",
    "akill",
    "autokill",
    "g-line",
    "glined",
    "gline:",
    "k-line",
    "klined",
    "kline:",
    "you are banned",
    "you have been banned",
    "z-line",
    "zlined",
    "zline:",
];

/// The error of a connection that a server closed with these words.
pub(super) fn said(words: &str) -> AccountError {
    if is_crowded(words) {
        let message = format!("The server closed the connection: {words}");
        return AccountError { code: CROWDED.to_owned(), message, fatal: false };
    }
    let small = words.to_lowercase();
    if BAN_WORDS.iter().any(|part| small.contains(part)) {
        return banned(words);
    }
    AccountError { code: "network".to_owned(), message: format!("The server closed the connection: {words}"), fatal: false }
}

/// The error of an account that its server lets in no more, for as long as somebody there wants it so.
pub(super) fn banned(words: &str) -> AccountError {
    AccountError { code: "banned".to_owned(), message: format!("The server does not let you in: {words}"), fatal: true }
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
        for words in ["Closing Link: ines (Ping timeout: 240 seconds)", "Closing Link: (Killed (oper (too many bad words)))", "Urban", ""] {
            assert_eq!((said(words).code.as_str(), said(words).fatal), ("network", false), "{words}");
        }
        for words in [
            "Closing Link: (*** Banned (cache))",
            "Closing Link: ines[192.0.2.7] (K-Lined: open proxy)",
            "Closing Link: 192.0.2.7 (G-lined by example.org)",
            "Closing Link: ines (You are banned from this network)",
        ] {
            assert_eq!((said(words).code.as_str(), said(words).fatal), ("banned", true), "{words}");
        }
    }
}
