//! Connects handlers to the signals of XMPP's plugin, each by the signature that the plugin registers the signal with. Does nothing where the plugin
//! is not there. To be called after plugins are loaded: the plugin stays loaded as long as libpurple.

use super::super::token::OnPurple;
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, xmlnode};
use std::ffi::{CStr, c_char, c_void};

/// Handler of a stanza: the connection, and a place with the stanza, which an earlier handler may have emptied.
pub(in crate::purple) type OnPacket = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut xmlnode, *mut c_void);
/// Handler of text that is about to be sent.
pub(in crate::purple) type OnText = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut c_char, *mut c_void);
/// Handler of an `iq`: its type, id and sender, or NULL for each. TRUE: libjabber does not get the stanza.
pub(in crate::purple) type OnIq =
    unsafe extern "C" fn(*mut PurpleConnection, *const c_char, *const c_char, *const c_char, *mut xmlnode, *mut c_void) -> gboolean;
/// Handler of a message: its type, id, sender and addressee, or NULL for each. TRUE: libjabber does not get the stanza.
pub(in crate::purple) type OnMessage = unsafe extern "C" fn(
    *mut PurpleConnection,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
    *mut xmlnode,
    *mut c_void,
) -> gboolean;
/// Handler of a presence: its type and sender, or NULL for each. TRUE: libjabber does not get the stanza.
pub(in crate::purple) type OnPresence =
    unsafe extern "C" fn(*mut PurpleConnection, *const c_char, *const c_char, *mut xmlnode, *mut c_void) -> gboolean;

macro_rules! connects {
    ($($(#[$doc:meta])* $name:ident: $handler:ident to $signal:literal;)*) => {$(
        $(#[$doc])*
        pub(in crate::purple) fn $name(_: OnPurple, handler: $handler) {
            // SAFETY: libpurple's signals call through untyped pointers and cast back to the signature that the type names.
            unsafe { connect($signal, std::mem::transmute::<$handler, unsafe extern "C" fn()>(handler)) }
        }
    )*};
}

connects! {
    /// Stanzas that come, before libjabber reads them.
    receiving: OnPacket to c"jabber-receiving-xmlnode";
    /// Stanzas that go out, before they are text.
    sending: OnPacket to c"jabber-sending-xmlnode";
    /// Text that goes out.
    sending_text: OnText to c"jabber-sending-text";
    /// Each `iq` that comes.
    receiving_iq: OnIq to c"jabber-receiving-iq";
    /// Each message that comes.
    receiving_message: OnMessage to c"jabber-receiving-message";
    /// Each presence that comes.
    receiving_presence: OnPresence to c"jabber-receiving-presence";
}

/// # Safety
/// `handler` has the signature that the plugin registers the signal with.
unsafe fn connect(signal: &CStr, handler: unsafe extern "C" fn()) {
    // SAFETY: a C string; the caller's promise.
    unsafe {
        let plugin = purple_sys::purple_find_prpl(c"prpl-jabber".as_ptr());
        if !plugin.is_null() {
            super::connect(plugin.cast(), signal, handler);
        }
    }
}
