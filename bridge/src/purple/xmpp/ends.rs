//! Reads the reasons for which XMPP servers end a stream or refuse a log-in (RFC 6120, 4.9.3 and 6.5), with the servers' own words: libjabber calls
//! nearly all of them a wrong password, or drops the words. Ends nothing itself.

use super::super::connection;
use super::super::token::OnPurple;
use super::node;
use crate::id::AccountId;
use crate::model::AccountError;
use purple_sys::xmlnode;

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const STREAMS: &str = "http://etherx.jabber.org/streams";
/// Characters of a server's own words that are passed on.
const WORDS: usize = 300;
/// The port of a host that is named without one.
const PORT: u16 = 5222;

/// An element of a stream, which may be its end.
///
/// # Safety
/// A live element.
pub(super) unsafe fn heard(token: OnPurple, account: AccountId, element: *mut xmlnode) {
    // SAFETY: the caller's promise.
    unsafe {
        let space = node::space(element);
        if node::is(element, c"failure") && space.as_deref() == Some(SASL) {
            let (condition, words, _) = read(element);
            if let Some(error) = refusal(&condition, &words) {
                connection::ends_for(token, account, error);
            }
        } else if node::is(element, c"error") && space.as_deref() == Some(STREAMS) {
            let (condition, words, said) = read(element);
            match condition.as_str() {
                "see-other-host" => {
                    if let Some((host, port)) = place(&said) {
                        connection::sent_elsewhere(token, account, &host, port);
                    }
                }
                // Another device of the user's has its name: libjabber says so.
                "conflict" => {}
                "not-authorized" => connection::ends_for(token, account, not_authorized(&words)),
                _ if !words.is_empty() => connection::server_said(token, account, &words),
                _ => {}
            }
        }
    }
}

/// The condition of an error, the server's words, and what stands in the condition itself.
///
/// # Safety
/// A live element.
unsafe fn read(element: *const xmlnode) -> (String, String, String) {
    let (mut condition, mut words, mut said) = (String::new(), String::new(), String::new());
    // SAFETY: the caller's promise; nothing is changed.
    for one in unsafe { node::elements(element) } {
        // SAFETY: as above; an element has a name.
        let (name, text) = unsafe { (super::super::ffi::borrowed((*one).name).unwrap_or_default(), node::text(one)) };
        if name == "text" && words.is_empty() {
            words = text.chars().filter(|character| !character.is_control()).take(WORDS).collect::<String>().trim().to_owned();
        } else if name != "text" && condition.is_empty() {
            (condition, said) = (name, text);
        }
    }
    (condition, words, said)
}

fn with(beginning: &str, words: &str) -> String {
    if words.is_empty() { format!("{beginning}.") } else { format!("{beginning}: {words}") }
}

/// Gives the meaning of a refused log-in, where libjabber calls it something else or the server has words for it.
fn refusal(condition: &str, words: &str) -> Option<AccountError> {
    let (code, beginning, fatal) = match condition {
        "account-disabled" => ("account_disabled", "The server has disabled this account", true),
        "credentials-expired" => ("credentials_expired", "The password of this account has expired", true),
        "temporary-auth-failure" => ("network", "The server cannot check the password at present", false),
        "not-authorized" if words.is_empty() => return None,
        "not-authorized" => ("wrong_password", "The server does not take this password", true),
        _ if words.is_empty() => return None,
        _ => ("authentication_impossible", "The server does not let this account in", true),
    };
    Some(AccountError { code: code.to_owned(), message: with(beginning, words), fatal })
}

fn not_authorized(words: &str) -> AccountError {
    AccountError { code: "not_authorized".to_owned(), message: with("The server has ended this account's connection", words), fatal: true }
}

/// Host and port of a place, as `host`, `host:port`, an IPv6 address, or one in brackets.
fn place(text: &str) -> Option<(String, u16)> {
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    let port = port.map_or(Some(PORT), |port| port.parse().ok().filter(|port| *port > 0))?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_') || !byte.is_ascii();
    ((1..=255).contains(&host.len()) && host.bytes().all(fits)).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_servers_write_them() {
        for (text, read) in [
            ("im2.example.org:9999", Some(("im2.example.org", 9999))),
            (" im2.example.org\n", Some(("im2.example.org", 5222))),
            ("[2001:db8::7]:9222", Some(("2001:db8::7", 9222))),
            ("[2001:db8::7]", Some(("2001:db8::7", 5222))),
            ("2001:db8::7", Some(("2001:db8::7", 5222))),
            ("192.0.2.7:5222", Some(("192.0.2.7", 5222))),
            ("", None),
            ("host:0", None),
            ("host:99999", None),
            ("host:", None),
            ("two hosts", None),
            ("host/path", None),
            ("[2001:db8::7]x", None),
        ] {
            assert_eq!(place(text), read.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
        }
    }
}
