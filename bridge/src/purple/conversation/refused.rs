//! Messages that an XMPP room refuses: its error need not have a body, and then XMPP's plugin says nothing of it; the stanza does. It sends nothing.

use super::super::ffi::{borrowed, guard_on, owned};
use super::super::token::OnPurple;
use super::super::{accounts, outbox, signals};
use super::{change, normalize};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::ConversationId;
use crate::model::ConversationKind;
use glib_sys::{GFALSE, gboolean};
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

/// Characters of the room's own words that are passed on.
const WORDS: usize = 300;

thread_local! {
    /// While something is said: what its stanza is called.
    static NOTED: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

type Sending = unsafe extern "C" fn(*mut PurpleConnection, *mut *mut xmlnode, *mut c_void);
type Receiving = unsafe extern "C" fn(
    *mut PurpleConnection,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
    *mut xmlnode,
    *mut c_void,
) -> gboolean;

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(in crate::purple) fn listen(_: OnPurple) {
    // SAFETY: a static text; the plugin stays loaded. The signatures are those that the plugin's signals are registered with, which libpurple calls
    // through untyped pointers.
    unsafe {
        let plugin = purple_sys::purple_find_prpl(c"prpl-jabber".as_ptr());
        if plugin.is_null() {
            return;
        }
        let sending = std::mem::transmute::<Sending, unsafe extern "C" fn()>(on_sending);
        let receiving = std::mem::transmute::<Receiving, unsafe extern "C" fn()>(on_receiving);
        signals::connect(plugin.cast::<c_void>(), c"jabber-sending-xmlnode", sending);
        signals::connect(plugin.cast::<c_void>(), c"jabber-receiving-message", receiving);
    }
}

/// Has something said, and gives what the stanza is called that says it.
pub(super) fn noting<T>(say: impl FnOnce() -> T) -> (T, Option<String>) {
    NOTED.set(Some(None));
    let said = say();
    (said, NOTED.take().flatten())
}

unsafe extern "C" fn on_sending(_: *mut PurpleConnection, packet: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-sending-xmlnode", (), |_| {
        if NOTED.with_borrow(|noted| !matches!(noted, Some(None))) {
            return;
        }
        // SAFETY: libpurple gives where a stanza is, which another handler may have taken away.
        let id = unsafe {
            if packet.is_null() || (*packet).is_null() {
                return;
            }
            let attribute = |name: &CStr| borrowed(purple_sys::xmlnode_get_attrib(*packet, name.as_ptr()));
            let says = !purple_sys::xmlnode_get_child(*packet, c"body".as_ptr()).is_null();
            if says && attribute(c"type").as_deref() == Some("groupchat") { attribute(c"id") } else { None }
        };
        NOTED.with_borrow_mut(|noted| *noted = Some(id));
    });
}

/// Answers FALSE: the plugin reads it all the same.
unsafe extern "C" fn on_receiving(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    id: *const c_char,
    from: *const c_char,
    _: *const c_char,
    packet: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    guard_on("jabber-receiving-message", (), |token| {
        // SAFETY: libpurple gives a string or NULL. Nearly every message ends here: nothing is copied yet.
        if kind.is_null() || unsafe { CStr::from_ptr(kind) } != c"error" {
            return;
        }
        // SAFETY: libpurple gives a live connection.
        let (purple, account) = unsafe { ((*gc).account, accounts::id(token, (*gc).account)) };
        // SAFETY: libpurple gives a live stanza, and strings or NULL.
        let (Some(account), Some(id), Some(from)) = (account, unsafe { borrowed(id) }, unsafe { borrowed(from) }) else { return };
        // Not of someone in the room, who may answer as they like.
        if from.contains('/') {
            return;
        }
        let room = ConversationId::of(account, ConversationKind::Room, &normalize(token, purple, &from));
        let refused = change(token, room, |open| {
            let at = open.unreflected.iter().position(|waiting| waiting.stanza.as_ref() == Some(&id))?;
            open.unreflected.remove(at).map(|refused| (open.user, refused.origin))
        });
        if let Some((user, origin)) = refused.flatten() {
            // SAFETY: as above.
            let error = CommandError::new("not_sent", unsafe { reason(packet) });
            outbox::emit_caused(token, user, Some(origin), EventKind::CommandFailed { error });
        }
    });
    GFALSE
}

/// The room's words, if it has any.
///
/// # Safety
/// A live stanza.
unsafe fn reason(packet: *mut xmlnode) -> String {
    // SAFETY: the caller's promise; the text is made for us.
    let said = unsafe {
        let text = purple_sys::xmlnode_get_child(packet, c"error/text".as_ptr());
        if text.is_null() { None } else { owned(purple_sys::xmlnode_get_data(text)) }
    };
    let said: String = said.unwrap_or_default().trim().chars().take(WORDS).collect();
    if said.is_empty() { "The room did not take this message.".to_owned() } else { format!("The room did not take this message: {said}") }
}
