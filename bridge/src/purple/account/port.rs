//! The ports that go with TLS: which they are, and how an account's port follows when TLS is turned on or off. Connects nothing.

use super::super::ffi::{borrowed, in_process};
use super::store_option;
use crate::model::Value;
use purple_sys::PurpleAccount;
use std::collections::BTreeMap;

/// The option that every protocol with one calls so.
pub(in super::super) const PORT: &str = "port";

/// The two ports of a protocol whose servers have one for TLS alone.
pub(in super::super) struct TlsPorts {
    /// The option that turns TLS on.
    pub(in super::super) switch: &'static str,
    /// Its value then.
    pub(in super::super) on: Value,
    /// The port with TLS from the first byte.
    pub(in super::super) secure: i64,
    /// The other one.
    plain: i64,
}

/// Protocols whose servers have another port for TLS, where no other port answers to it.
pub(in super::super) fn tls_ports(protocol: &str) -> Option<TlsPorts> {
    match protocol {
        "prpl-irc" => Some(TlsPorts { switch: "ssl", on: Value::Bool(true), secure: 6697, plain: 6667 }),
        "prpl-jabber" => {
            let on = Value::Text("old_ssl".to_owned());
            Some(TlsPorts { switch: "connection_security", on, secure: 5223, plain: 5222 })
        }
        _ => None,
    }
}

/// Moves the port with TLS where `given` is about to turn it on or off and names no port, unless the user has set another one before.
pub(super) fn follow_tls(purple: *mut PurpleAccount, protocol: &str, given: &BTreeMap<String, Value>) {
    let Some(ports) = tls_ports(protocol) else { return };
    let (Some(value), None) = (given.get(ports.switch), given.get(PORT)) else { return };
    let (switch, port) = (in_process(ports.switch), in_process(PORT));
    // SAFETY: a live account and C strings; a text is copied.
    let (was, now) = unsafe {
        let was = match &ports.on {
            Value::Text(_) => {
                let text = purple_sys::purple_account_get_string(purple, switch.as_ptr(), std::ptr::null());
                Value::Text(borrowed(text).unwrap_or_default())
            }
            _ => Value::Bool(purple_sys::purple_account_get_bool(purple, switch.as_ptr(), 0) != 0),
        };
        (was, purple_sys::purple_account_get_int(purple, port.as_ptr(), 0))
    };
    let (from, to) = if *value == ports.on { (ports.plain, ports.secure) } else { (ports.secure, ports.plain) };
    if (was == ports.on) != (*value == ports.on) && i64::from(now) == from {
        store_option(purple, PORT, &Value::Int(to));
    }
}

/// Whoever names a port of IRC other than that for TLS, and says nothing of TLS, has no TLS: so accounts were made before it was the default.
pub(super) fn read_port(purple: *mut PurpleAccount, protocol: &str, given: &BTreeMap<String, Value>) {
    let Some(ports) = tls_ports(protocol).filter(|_| protocol == "prpl-irc") else { return };
    if given.get(PORT).is_some_and(|port| *port != Value::Int(ports.secure)) && !given.contains_key(ports.switch) {
        store_option(purple, ports.switch, &Value::Bool(false));
    }
}
