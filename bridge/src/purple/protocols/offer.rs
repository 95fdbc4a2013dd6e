//! What is offered otherwise than a plugin announces it: each exception has its protocol, its reason and its test. Calls no libpurple.

use super::super::account::tls_ports;
use crate::model::{Protocol, Value};
use std::collections::BTreeMap;

/// Labels of the first box that plugins have no words for: libpurple's own is "Username". On IRC it is a nick.
const USER_LABELS: [(&str, &str); 1] = [("prpl-irc", "Nick")];

/// Labels of options that name what has another name today.
const OPTION_LABELS: [(&str, &str, &str); 1] = [("prpl-irc", "ssl", "Encrypt the connection (TLS)")];

/// Protocols whose plugin begins without TLS, though their servers have a port for it.
const SAFE: [&str; 1] = ["prpl-irc"];

/// Puts the exceptions into what a plugin told.
pub(super) fn adapt(protocol: &mut Protocol, announced: &mut BTreeMap<String, Value>) {
    let id = protocol.id.as_str();
    if let Some((_, label)) = USER_LABELS.iter().find(|(of, _)| *of == id) {
        (*label).clone_into(&mut protocol.username.label);
    }
    for option in &mut protocol.options {
        if let Some((.., label)) = OPTION_LABELS.iter().find(|(of, key, _)| *of == id && *key == option.key) {
            (*label).clone_into(&mut option.label);
        }
    }
    let Some(ports) = tls_ports(id).filter(|_| SAFE.contains(&id)) else { return };
    for (key, value) in [(ports.switch, ports.on), (super::super::account::PORT, Value::Int(ports.secure))] {
        if let Some(option) = protocol.options.iter_mut().find(|option| option.key == key) {
            option.default = value.clone();
            announced.insert(key.to_owned(), value);
        }
    }
}
