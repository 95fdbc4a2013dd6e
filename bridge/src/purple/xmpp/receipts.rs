//! Receipts (XEP-0184): asked for with each own message to one person, given to people on the list, and told when they come. Rooms have none.

use super::super::blist;
use super::super::conversation::{self, normalize, sent};
use super::super::ffi::in_process;
use super::super::token::OnPurple;
use super::super::{accounts, iq};
use super::node;
use crate::id::{AccountId, ConversationId};
use crate::model::{ConversationKind, Mark, StatusKind};
use purple_sys::{PurpleAccount, PurpleConnection, xmlnode};
use std::ffi::CStr;

const SPACE: &CStr = c"urn:xmpp:receipts";

/// Asks for a receipt of a message that is about to be sent.
///
/// # Safety
/// A live stanza, and a live account.
pub(in crate::purple) unsafe fn ask(token: OnPurple, account: AccountId, purple: *const PurpleAccount, stanza: *mut xmlnode) {
    // SAFETY: the caller's promise; C strings, copied.
    unsafe {
        let Some(to) = node::attribute(stanza, c"to") else { return };
        if is_of_a_room(token, account, purple, &to) || node::attribute(stanza, c"id").is_none() {
            return;
        }
        let request = purple_sys::xmlnode_new_child(stanza, c"request".as_ptr());
        purple_sys::xmlnode_set_namespace(request, SPACE.as_ptr());
    }
}

/// Whether an address is that of a room the user has open, or of somebody in it.
fn is_of_a_room(token: OnPurple, account: AccountId, purple: *const PurpleAccount, address: &str) -> bool {
    let bare = address.split('/').next().unwrap_or_default();
    let room = ConversationId::of(account, ConversationKind::Room, &normalize(token, purple, bare));
    conversation::read(token, room, |_| ()).is_some()
}

/// A message came: a receipt is told, and one that it asks for is given.
///
/// # Safety
/// A live connection of that account, and a live stanza.
pub(super) unsafe fn heard(token: OnPurple, account: AccountId, gc: *mut PurpleConnection, stanza: *mut xmlnode) {
    // SAFETY: the caller's promise.
    unsafe {
        let kind = node::attribute(stanza, c"type");
        let Some(from) = node::attribute(stanza, c"from") else { return };
        if matches!(kind.as_deref(), Some("error" | "groupchat" | "headline")) {
            return;
        }
        let purple = (*gc).account;
        let received = node::child(stanza, c"received", SPACE);
        if !received.is_null() {
            let conversation = ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, &from));
            if let Some(id) = node::attribute(received, c"id").filter(|id| sent::knows(token, account, conversation, id)) {
                sent::mark(token, conversation, &id, Mark::Delivered);
            }
        }
        let (asks, id) = (!node::child(stanza, c"request", SPACE).is_null(), node::attribute(stanza, c"id"));
        if let Some(id) = id.filter(|_| asks && !is_of_a_room(token, account, purple, &from) && may_know(token, account, &from)) {
            give(gc, &from, kind.as_deref(), &id);
        }
    }
}

/// Whether somebody sees that the user is there anyway.
fn may_know(token: OnPurple, account: AccountId, from: &str) -> bool {
    let bare = from.split('/').next().unwrap_or_default();
    let is_seen = accounts::read(token, account, |entry| entry.status.status != StatusKind::Invisible).unwrap_or(false);
    is_seen && blist::find(token, account, bare).is_some() && !super::super::privacy::is_blocked(token, account, bare)
}

/// # Safety
/// A live connection.
unsafe fn give(gc: *mut PurpleConnection, to: &str, kind: Option<&str>, id: &str) {
    let id = in_process(id);
    // SAFETY: a node of our own, given away at the end; C strings, copied; the caller's promise.
    unsafe {
        let message = purple_sys::xmlnode_new(c"message".as_ptr());
        node::set_attribute(message, c"to", to);
        if let Some(kind) = kind {
            node::set_attribute(message, c"type", kind);
        }
        let received = purple_sys::xmlnode_new_child(message, c"received".as_ptr());
        purple_sys::xmlnode_set_namespace(received, SPACE.as_ptr());
        purple_sys::xmlnode_set_attrib(received, c"id".as_ptr(), id.as_ptr());
        iq::send(gc, message);
    }
}
