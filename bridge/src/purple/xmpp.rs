//! Everything that comes over a connection of XMPP, before libjabber has it: what it reads wrongly is mended, what it drops is told. Each file below is
//! about one kind of thing; none of them parses XML.

pub(super) mod avatars;
mod ends;
mod mend;
pub(super) mod names;
pub(super) mod node;
pub(super) mod receipts;

use super::ffi::guard_on;
use super::token::OnPurple;
use super::{accounts, signals};
use purple_sys::{PurpleConnection, xmlnode};
use std::ffi::{CStr, c_void};

/// Features of this end that others are told of, beside libjabber's own (XEP-0030).
const FEATURES: [&CStr; 2] = [c"urn:xmpp:receipts", c"urn:xmpp:message-correct:0"];

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::receiving(token, on_receiving);
    // SAFETY: C strings, which libjabber copies; the plugin stays loaded, and its call takes a name and a check, which may be NULL.
    unsafe {
        let plugin = purple_sys::purple_find_prpl(c"prpl-jabber".as_ptr());
        if plugin.is_null() {
            return;
        }
        for feature in FEATURES {
            purple_sys::purple_plugin_ipc_call(plugin, c"add_feature".as_ptr(), std::ptr::null_mut(), feature.as_ptr());
        }
    }
}

unsafe extern "C" fn on_receiving(gc: *mut PurpleConnection, place: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-receiving-xmlnode", (), |token| {
        // SAFETY: the plugin gives a live connection, whose account lives as long, and a place with an element, which another handler may have taken.
        unsafe {
            if place.is_null() || (*place).is_null() {
                return;
            }
            let (element, purple) = (*place, (*gc).account);
            let Some(account) = accounts::id(token, purple) else { return };
            if node::is(element, c"message") {
                receipts::heard(token, account, gc, element);
                mend::message(element);
            } else if node::is(element, c"presence") {
                mend::presence(token, account, purple, element);
                avatars::named(token, account, purple, element);
            } else if !node::is(element, c"iq") {
                ends::heard(token, account, element);
            }
        }
    });
}
