//! Sends the IRC plugin's sign-on lines in one write, after a WEBIRC line where the network knows this site as a gateway. Does not read
//! answers of servers (see `irc.rs`).
//!
//! A server that turns a connection away closes it at once. The plugin writes line by line: its next line would reset the connection, and
//! the server's words would be lost.

use super::super::accounts;
use super::super::ffi::guard_on;
use super::super::signals;
use super::super::token::OnPurple;
use super::{CONNECTIONS, asked, is_signing_on, listing};
use crate::config::Gateway;
use purple_sys::{PurpleConnection, PurplePlugin};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// The ports that a gateway's password goes to, where the settings name none.
const USUAL_PORTS: [u16; 2] = [6667, 6697];
/// Bytes of the sign-on lines that are held back at most; the plugin's are shorter.
const MOST: usize = 8192;
/// The gateway's name in a WEBIRC line. Networks know the gateway by its password and address.
const NAME: &str = "bellflower";

thread_local! {
    static GATEWAYS: RefCell<Vec<Gateway>> = const { RefCell::new(Vec::new()) };
}

/// State of a connection's first lines, which are held back until all are there.
#[derive(Debug, Default)]
pub(super) enum Opening {
    /// Nothing was sent.
    #[default]
    Waits,
    /// The lines so far.
    Held(Zeroizing<Vec<u8>>),
    /// The lines were sent; later ones pass unchanged.
    Sent,
}

/// The networks that know this site as a gateway.
pub(in crate::purple) fn set_gateways(_: OnPurple, gateways: &[Gateway]) {
    GATEWAYS.set(gateways.to_vec());
}

/// After plugins are loaded.
pub(super) fn listen(plugin: *mut PurplePlugin) {
    type Handler = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut c_char, *mut c_void);
    // SAFETY: the signature that the plugin registers for this signal: a connection, and a place with a text that it frees.
    unsafe {
        let handler = std::mem::transmute::<Handler, unsafe extern "C" fn()>(on_sending);
        signals::connect(plugin.cast(), c"irc-sending-text", handler);
    }
}

#[allow(clippy::disallowed_methods)] // the plugin's own lines go back to it
unsafe extern "C" fn on_sending(gc: *mut PurpleConnection, place: *mut *mut c_char, _: *mut c_void) {
    guard_on("irc-sending-text", (), |token| {
        // SAFETY: the plugin gives a place with a C string of its own; NULL would be somebody else's doing.
        let Some(place) = (unsafe { place.as_mut() }).filter(|place| !place.is_null() && !gc.is_null()) else { return };
        // SAFETY: a C string, as above, copied.
        let line = Zeroizing::new(unsafe { CStr::from_ptr(*place) }.to_bytes().to_vec());
        asked::note(gc, &line);
        if let Some(instead) = listing::instead(token, gc, &line) {
            let text = instead.and_then(|text| of_plugin(text.as_bytes()));
            // SAFETY: the plugin's own text, made with g_strdup; it takes another one, or NULL for nothing, in its place.
            unsafe {
                glib_sys::g_free((*place).cast());
                *place = text.map_or(std::ptr::null_mut(), |text| glib_sys::g_strdup(text.as_ptr()));
            }
            return;
        }
        if !opens(&line) || !is_signing_on(gc) {
            return;
        }
        let whole = CONNECTIONS.with_borrow_mut(|all| {
            let opening = &mut all.entry(gc).or_default().opening;
            if matches!(opening, Opening::Sent) {
                return None;
            }
            let mut held = match std::mem::take(opening) {
                Opening::Held(held) => held,
                _ => Zeroizing::new(Vec::with_capacity(MOST)),
            };
            held.extend_from_slice(&line);
            let is_whole = is_whole(&held) || held.len() > MOST;
            *opening = if is_whole { Opening::Sent } else { Opening::Held(std::mem::take(&mut held)) };
            Some(is_whole.then_some(held))
        });
        let Some(whole) = whole else { return };
        let text = whole.map(|lines| Zeroizing::new([introduction(token, gc).as_bytes(), &lines].concat()));
        // SAFETY: the plugin's own text, made with g_strdup; it takes another one, or NULL for nothing, in its place.
        unsafe {
            glib_sys::g_free((*place).cast());
            *place = std::ptr::null_mut();
            if let Some(text) = text.and_then(|text| of_plugin(&text)) {
                *place = glib_sys::g_strdup(text.as_ptr());
            }
        }
    });
}

/// Bytes that the plugin wrote itself, which need not be UTF-8.
#[allow(clippy::disallowed_methods)] // no person wrote them
fn of_plugin(bytes: &[u8]) -> Option<CString> {
    CString::new(bytes).ok()
}

/// Whether it is one of the lines that a connection begins with.
fn opens(line: &[u8]) -> bool {
    [&b"CAP "[..], b"PASS ", b"USER ", b"NICK "].iter().any(|word| line.starts_with(word))
}

/// Whether USER and NICK are both there: a server lets nobody in before.
fn is_whole(lines: &[u8]) -> bool {
    let has = |word: &[u8]| lines.split(|byte| *byte == b'\n').any(|line| line.starts_with(word));
    has(b"USER ") && has(b"NICK ")
}

/// The line of WEBIRC for this connection; empty where the network knows no gateway, or where its visitor is not known.
fn introduction(token: OnPurple, gc: *mut PurpleConnection) -> Zeroizing<String> {
    // SAFETY: a live connection, whose account lives as long.
    let (account, port) = unsafe {
        let purple = purple_sys::purple_connection_get_account(gc);
        let port = purple_sys::purple_account_get_int(purple, c"port".as_ptr(), i32::from(USUAL_PORTS[0]));
        (accounts::id(token, purple), port)
    };
    let known = account.and_then(|account| accounts::read(token, account, |entry| (entry.username.clone(), entry.visitor)));
    let Some((username, Some(visitor))) = known else { return Zeroizing::default() };
    GATEWAYS.with_borrow(|gateways| line(gateways, &username, port, visitor).unwrap_or_default())
}

fn line(gateways: &[Gateway], username: &str, port: i32, visitor: IpAddr) -> Option<Zeroizing<String>> {
    let (_, host) = username.split_once('@')?;
    let host = host.trim_end_matches('.');
    let has_port = |gateway: &Gateway| match gateway.port {
        Some(own) => i32::from(own) == port,
        None => USUAL_PORTS.iter().any(|usual| i32::from(*usual) == port),
    };
    let gateway = gateways.iter().find(|gateway| gateway.host.eq_ignore_ascii_case(host) && has_port(gateway))?;
    let visitor = visitor.to_canonical().to_string();
    // A word that begins with a colon would be the last one of its line.
    let visitor = if visitor.starts_with(':') { format!("0{visitor}") } else { visitor };
    Some(Zeroizing::new(format!("WEBIRC {} {NAME} {visitor} {visitor}\r\n", gateway.password.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Secret;

    fn introduced(username: &str, port: i32, visitor: &str) -> Option<String> {
        let gateway = |host: &str, port| Gateway { host: host.to_owned(), port, password: Secret::new("word".to_owned()) };
        let all = [gateway("irc.example.org", None), gateway("irc.example.net", Some(7000))];
        line(&all, username, port, visitor.parse().unwrap()).map(|line| line.to_string())
    }

    #[test]
    fn a_password_goes_to_its_own_network_alone() {
        let told = Some("WEBIRC word bellflower 192.0.2.7 192.0.2.7\r\n".to_owned());
        assert_eq!(introduced("ines@irc.example.org", 6667, "192.0.2.7"), told);
        assert_eq!(introduced("ines@IRC.example.ORG.", 6697, "::ffff:192.0.2.7"), told);
        assert_eq!(introduced("ines@irc.example.net", 7000, "192.0.2.7"), told);
        for (username, port) in [
            ("ines@irc.example.org", 31337),
            ("ines@irc.example.net", 6667),
            ("ines@example.org", 6667),
            ("ines@irc.example.org@evil.example", 6667),
            ("irc.example.org", 6667),
        ] {
            assert_eq!(introduced(username, port, "192.0.2.7"), None, "{username} {port}");
        }
        let ipv6 = introduced("ines@irc.example.org", 6667, "::1");
        assert_eq!(ipv6.as_deref(), Some("WEBIRC word bellflower 0::1 0::1\r\n"), "an address is no last word");
    }

    #[test]
    fn lines_are_held_until_both_names_are_there() {
        assert!(opens(b"PASS secret\r\n") && opens(b"NICK ines\r\n") && !opens(b"QUIT :bye\r\n") && !opens(b"PING 1\r\n"));
        assert!(!is_whole(b"CAP REQ :sasl\r\nUSER a b c :USER NICK \r\n"));
        assert!(is_whole(b"PASS x\r\nUSER a b c :d\r\nNICK ines\r\n") && is_whole(b"NICK ines\r\nUSER a b c :d\r\n"));
    }
}
