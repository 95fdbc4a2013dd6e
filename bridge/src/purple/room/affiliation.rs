//! XMPP's affiliations of the people in a room, which libjabber reads and forgets: kept as an attribute with each person, so that they go with them.
//! Decides nothing (see `powers.rs`).

use super::super::ffi::{borrowed, guard_on, in_process};
use super::super::token::OnPurple;
use super::super::{accounts, conversation, signals};
use super::powers::Affiliation;
use crate::id::ConversationId;
use crate::model::ConversationKind;
use glib_sys::{GFALSE, gboolean, gpointer};
use purple_sys::{PurpleConnection, PurpleConvChat, PurpleConvChatBuddy, xmlnode};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

const KEY: &CStr = c"affiliation";
const MUC_USER: &CStr = c"http://jabber.org/protocol/muc#user";

/// Somebody who is about to come in, by the presence that is being handled.
struct Coming {
    conversation: ConversationId,
    nick: String,
    affiliation: &'static CStr,
}

thread_local! {
    static COMING: RefCell<Option<Coming>> = const { RefCell::new(None) };
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(super) fn listen(token: OnPurple) {
    signals::jabber::receiving_presence(token, on_presence);
}

/// The affiliation of somebody in a room.
///
/// # Safety
/// A live person of a room.
pub(super) unsafe fn of(person: *const PurpleConvChatBuddy) -> Affiliation {
    // SAFETY: the caller's promise; the text is copied.
    let name = unsafe { borrowed(purple_sys::purple_conv_chat_cb_get_attribute(person.cast_mut(), KEY.as_ptr())) };
    name.map_or(Affiliation::None, |name| Affiliation::named(&name))
}

/// Somebody has come in: what the presence said of them is kept with them. Tells nobody.
///
/// # Safety
/// A live person of that room.
pub(super) unsafe fn came(id: ConversationId, person: *mut PurpleConvChatBuddy) {
    // SAFETY: the caller's promise; the table is the person's, and frees keys and values that GLib allocates.
    unsafe {
        let Some(name) = borrowed((*person).name) else { return };
        let coming = COMING.with_borrow_mut(|coming| coming.take_if(|coming| coming.conversation == id && coming.nick == name));
        let Some(coming) = coming else { return };
        let (key, value) = (glib_sys::g_strdup(KEY.as_ptr()), glib_sys::g_strdup(coming.affiliation.as_ptr()));
        glib_sys::g_hash_table_replace((*person).attributes, key as gpointer, value as gpointer);
    }
}

/// Answers FALSE: the plugin reads it all the same.
unsafe extern "C" fn on_presence(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    from: *const c_char,
    packet: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    guard_on("jabber-receiving-presence", (), |token| {
        COMING.set(None);
        if !kind.is_null() {
            return;
        }
        // SAFETY: libpurple gives a live connection with a live account, a live stanza, and strings or NULL.
        unsafe {
            let item = muc_item(packet);
            let Some(from) = borrowed(from).filter(|_| !item.is_null()) else { return };
            let Some((room, nick)) = from.split_once('/') else { return };
            let purple = (*gc).account;
            let Some(account) = accounts::id(token, purple) else { return };
            let id = ConversationId::of(account, ConversationKind::Room, &conversation::normalize(token, purple, room));
            let affiliation = known(purple_sys::xmlnode_get_attrib(item, c"affiliation".as_ptr()));
            let open = conversation::read(token, id, |open| open.purple);
            let chat = open.map(|purple| purple_sys::purple_conversation_get_chat_data(purple));
            let person = chat.map_or(std::ptr::null_mut(), |chat| by_name(chat, nick));
            match (chat, person.is_null()) {
                (Some(chat), false) => change(chat, person, affiliation),
                _ => COMING.set(affiliation.map(|affiliation| Coming { conversation: id, nick: nick.to_owned(), affiliation })),
            }
        }
    });
    GFALSE
}

/// Somebody by their very name, or NULL. Unlike `act::exactly`, walks no list when a name differs in case only: presences are many.
///
/// # Safety
/// A live room.
unsafe fn by_name(chat: *mut PurpleConvChat, name: &str) -> *mut PurpleConvChatBuddy {
    let text = in_process(name);
    // SAFETY: the caller's promise, and a C string.
    unsafe {
        let found = purple_sys::purple_conv_chat_cb_find(chat, text.as_ptr());
        if found.is_null() || borrowed((*found).name).as_deref() == Some(name) { found } else { std::ptr::null_mut() }
    }
}

/// The `item` element by which a room's presence describes one of its people; NULL without one.
///
/// # Safety
/// A live stanza.
unsafe fn muc_item(packet: *mut xmlnode) -> *mut xmlnode {
    // SAFETY: the caller's promise; C strings.
    unsafe {
        let x = purple_sys::xmlnode_get_child_with_namespace(packet, c"x".as_ptr(), MUC_USER.as_ptr());
        if x.is_null() { x } else { purple_sys::xmlnode_get_child(x, c"item".as_ptr()) }
    }
}

/// The affiliation as a static text; `None` for NULL, and for all but member, admin and owner.
///
/// # Safety
/// A C string or NULL.
unsafe fn known(name: *const c_char) -> Option<&'static CStr> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    [c"member", c"admin", c"owner"].into_iter().find(|known| *known == name)
}

/// Sets the affiliation of somebody in the room, when it has changed; libpurple has them told anew.
///
/// # Safety
/// A live room and a person in it.
unsafe fn change(chat: *mut PurpleConvChat, person: *mut PurpleConvChatBuddy, affiliation: Option<&'static CStr>) {
    // SAFETY: the caller's promise; the table is the person's, and texts are copied.
    unsafe {
        let before = of(person);
        if before == affiliation.map_or(Affiliation::None, |name| Affiliation::named(&name.to_string_lossy())) {
            return;
        }
        // No call takes an attribute away: "none" is as good.
        let now = affiliation.unwrap_or(c"none");
        purple_sys::purple_conv_chat_cb_set_attribute(chat, person, KEY.as_ptr(), now.as_ptr());
    }
}
