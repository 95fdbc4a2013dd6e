//! Messages that an XMPP room or person refuses: the error need not have a body, and then XMPP's plugin says nothing of it, or makes a notice of it that
//! names no message; the stanza does. Sends nothing.

use super::super::ffi::{borrowed, guard_on};
use super::super::token::OnPurple;
use super::super::xmpp::{node, receipts};
use super::super::{accounts, outbox, signals};
use super::{change, normalize, sent};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::ConversationId;
use crate::model::{ConversationKind, Mark};
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

/// Characters of the room's own words that are passed on.
const WORDS: usize = 300;

thread_local! {
    /// While something is said: what its stanza is called.
    static NOTED: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(in crate::purple) fn listen(token: OnPurple) {
    signals::jabber::sending(token, on_sending);
    signals::jabber::receiving_message(token, on_receiving);
}

/// The stanza that says what is being said, once it was sent.
pub(super) fn noted() -> Option<String> {
    NOTED.with_borrow(|noted| noted.clone().flatten())
}

/// Has something said, and gives what the stanza is called that says it.
pub(super) fn noting<T>(say: impl FnOnce() -> T) -> (T, Option<String>) {
    NOTED.set(Some(None));
    let said = say();
    (said, NOTED.take().flatten())
}

unsafe extern "C" fn on_sending(gc: *mut PurpleConnection, packet: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-sending-xmlnode", (), |token| {
        if NOTED.with_borrow(|noted| !matches!(noted, Some(None))) {
            return;
        }
        // SAFETY: libpurple gives a live connection, and where a stanza is, which another handler may have taken away.
        let id = unsafe {
            if packet.is_null() || (*packet).is_null() || node::named(*packet, c"body").is_null() {
                return;
            }
            let purple = (*gc).account;
            let is_room = node::attribute(*packet, c"type").as_deref() == Some("groupchat");
            if let Some(account) = accounts::id(token, purple).filter(|_| !is_room) {
                receipts::ask(token, account, purple, *packet);
            }
            node::attribute(*packet, c"id")
        };
        NOTED.with_borrow_mut(|noted| *noted = Some(id));
    });
}

/// Answers TRUE for the refusal of a message to one person, which is told at the message: the plugin would make a notice of it.
unsafe extern "C" fn on_receiving(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    id: *const c_char,
    from: *const c_char,
    _: *const c_char,
    packet: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    let told = guard_on("jabber-receiving-message", false, |token| {
        // SAFETY: libpurple gives a string or NULL. Nearly every message ends here: nothing is copied yet.
        if kind.is_null() || unsafe { CStr::from_ptr(kind) } != c"error" {
            return false;
        }
        // SAFETY: libpurple gives a live connection.
        let (purple, account) = unsafe { ((*gc).account, accounts::id(token, (*gc).account)) };
        // SAFETY: libpurple gives a live stanza, and strings or NULL.
        let (Some(account), Some(id), Some(from)) = (account, unsafe { borrowed(id) }, unsafe { borrowed(from) }) else { return false };
        let person = ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, &from));
        if sent::knows(token, account, person, &id) {
            // SAFETY: as above.
            sent::mark(token, person, &id, Mark::Failed(unsafe { reason(packet, "They did not get this message") }));
            return true;
        }
        // Not of someone in the room, who may answer as they like.
        if from.contains('/') {
            return false;
        }
        let room = ConversationId::of(account, ConversationKind::Room, &normalize(token, purple, &from));
        let refused = change(token, room, |open| {
            let at = open.unreflected.iter().position(|waiting| waiting.stanza.as_ref() == Some(&id))?;
            open.unreflected.remove(at).map(|refused| (open.user, refused.origin))
        });
        if let Some((user, origin)) = refused.flatten() {
            // SAFETY: as above.
            let error = CommandError::new("not_sent", unsafe { reason(packet, "The room did not take this message") });
            outbox::emit_caused(token, user, Some(origin), EventKind::CommandFailed { error });
        }
        false
    });
    i32::from(told)
}

/// Makes the text of a refusal: `what` happened, with the words in the error, or else the meaning of its condition (RFC 6120, 8.3.3).
///
/// # Safety
/// A live stanza.
unsafe fn reason(packet: *mut xmlnode, what: &str) -> String {
    const MEANINGS: [(&CStr, &str); 7] = [
        (c"forbidden", "it is not allowed"),
        (c"item-not-found", "nobody has this address"),
        (c"not-acceptable", "they take no such messages"),
        (c"not-allowed", "it is not allowed"),
        (c"remote-server-not-found", "there is no such server"),
        (c"remote-server-timeout", "their server does not answer"),
        (c"service-unavailable", "they are not there, or take no messages from you"),
    ];
    // SAFETY: the caller's promise.
    let (said, condition) = unsafe {
        let error = node::named(packet, c"error");
        if error.is_null() {
            return format!("{what}.");
        }
        let said: String = node::text(node::named(error, c"text")).trim().chars().take(WORDS).collect();
        (said, MEANINGS.iter().find(|(name, _)| !node::named(error, name).is_null()))
    };
    match condition {
        _ if !said.is_empty() => format!("{what}: {said}"),
        Some((_, meaning)) => format!("{what}: {meaning}."),
        None => format!("{what}."),
    }
}
