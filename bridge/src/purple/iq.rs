//! Sends `iq` stanzas of our own to XMPP servers and gives each answer to the module that asked (RFC 6120, 8.2.3). Does not keep questions (see
//! `room/ask.rs`, `roomlist/details.rs`, `picture/bob.rs`, `transfer/upload.rs`).

use super::ffi::{borrowed, guard_on, in_process};
use super::token::OnPurple;
use super::{accounts, picture, room, roomlist, signals, transfer};
use crate::id::AccountId;
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, xmlnode};
use std::ffi::{CStr, c_char, c_void};

/// An answer to a question of ours.
pub(super) struct Answer {
    pub(super) account: AccountId,
    /// The id of the question.
    pub(super) id: String,
    /// The address that answers, as the stanza has it.
    pub(super) from: String,
    /// An `error`; otherwise a `result`.
    pub(super) refuses: bool,
    pub(super) iq: *mut xmlnode,
}

/// Takes an answer, whose stanza has to be live. False: the module has asked no such question, and libjabber gets the stanza.
type Hear = unsafe fn(OnPurple, &Answer) -> bool;

/// The modules that ask, by the beginning of the ids of their questions.
const MODULES: [(&str, Hear); 4] = [
    (room::QUESTION, room::answered),
    (roomlist::QUESTION, roomlist::heard),
    (picture::QUESTION, picture::heard),
    (transfer::QUESTION, transfer::heard),
];

/// Listens to XMPP's plugin, where there is one. After the plugin was loaded.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::receiving_iq(token, on_receiving);
}

/// A new stanza of this type (`get`, `set`, `error`), to be filled and given to [`send`].
pub(super) fn new(_: OnPurple, kind: &CStr, id: &str, to: &str) -> *mut xmlnode {
    let (id, to) = (in_process(id), in_process(to));
    // SAFETY: a node of our own; live C strings, which libpurple copies.
    unsafe {
        let iq = purple_sys::xmlnode_new(c"iq".as_ptr());
        for (name, value) in [(c"type", kind), (c"id", id.as_c_str()), (c"to", to.as_c_str())] {
            purple_sys::xmlnode_set_attrib(iq, name.as_ptr(), value.as_ptr());
        }
        iq
    }
}

/// Sends a stanza and frees it.
///
/// # Safety
/// A live connection of XMPP's plugin; a node of [`new`], which nobody uses afterwards.
pub(super) unsafe fn send(gc: *mut PurpleConnection, mut iq: *mut xmlnode) {
    // SAFETY: the caller's promise; libjabber copies what it sends, and a handler of the signal may take the node away.
    unsafe {
        let plugin = purple_sys::purple_connection_get_prpl(gc);
        purple_sys::purple_signal_emit(plugin.cast(), c"jabber-sending-xmlnode".as_ptr(), gc, &raw mut iq);
        if !iq.is_null() {
            purple_sys::xmlnode_free(iq);
        }
    }
}

unsafe extern "C" fn on_receiving(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    id: *const c_char,
    from: *const c_char,
    iq: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    let taken = guard_on("jabber-receiving-iq", false, |token| {
        // SAFETY: the plugin gives a live connection of a live account, C strings or NULL, and a live stanza.
        unsafe {
            let Some(id) = borrowed(id) else { return false };
            let Some((_, hear)) = MODULES.iter().find(|(beginning, _)| id.starts_with(beginning)) else { return false };
            let refuses = match borrowed(kind).as_deref() {
                Some("result") => false,
                Some("error") => true,
                _ => return false,
            };
            let Some(account) = accounts::id(token, (*gc).account) else { return false };
            hear(token, &Answer { account, id, from: borrowed(from).unwrap_or_default(), refuses, iq })
        }
    });
    // Libjabber does not know these questions.
    i32::from(taken)
}
