//! The server's id of a message and its delay mark, which libpurple drops: read from the stanza or the line that is being handled, for the
//! one message that libpurple writes of it. Does not judge what comes again: the web side's `replay.rs` does.
//!
//! XMPP: the id of the archive (XEP-0359, XEP-0313) that the message is in: the user's own for a one-to-one message, the room's for a room's. Others
//! are whatever their writer likes. The `id` of a message itself is left alone: the sender chooses it, and need not choose another for the next
//! one. IRC: the tag `msgid`.

use super::super::ffi::{borrowed, guard_on};
use super::super::token::OnPurple;
use super::super::xmpp::node::{attribute, child};
use super::super::{accounts, signals};
use super::normalize;
use crate::id::ConversationId;
use crate::model::{ConversationKind, MessageKind, SERVER_ID};
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::RefCell;
use std::ffi::{CStr, c_void};

/// The message that is being handled, as far as it is known.
struct Handled {
    conversation: ConversationId,
    said: Said,
}

thread_local! {
    static HANDLED: RefCell<Option<Handled>> = const { RefCell::new(None) };
}

/// Id and delay mark of a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) id: Option<String>,
    pub(super) delayed: bool,
    /// The user's own, from another device.
    own: bool,
    /// The address that sent the message, and the id that its sender gave it.
    pub(super) sender: Option<(String, Option<String>)>,
    /// The id, by the sender, of the message that this one corrects (XEP-0308).
    pub(super) replaces: Option<String>,
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(in crate::purple) fn listen(token: OnPurple) {
    signals::jabber::receiving(token, on_receiving);
}

/// Takes id and delay mark of a message that libpurple writes; the next call gives none.
pub(super) fn take(conversation: ConversationId, place: ConversationKind, kind: MessageKind) -> Said {
    let is_said = matches!(kind, MessageKind::Received | MessageKind::Sent);
    let fits = |handled: &Handled| {
        let own = kind == MessageKind::Sent;
        is_said && handled.conversation == conversation && (place == ConversationKind::Room || handled.said.own == own)
    };
    HANDLED.with_borrow_mut(|handled| handled.take_if(|handled| fits(handled))).map(|handled| handled.said).unwrap_or_default()
}

/// The handling is over.
pub(in crate::purple) fn over() {
    super::topic::over();
    HANDLED.set(None);
}

/// An IRC message is being handled, which the server calls so.
///
/// # Safety
/// A live connection.
pub(in crate::purple) unsafe fn of_line(token: OnPurple, gc: *mut PurpleConnection, place: (ConversationKind, &str), id: &str) {
    let said = Said { id: bounded(id), ..Said::default() };
    // SAFETY: the caller's promise; its account lives as long.
    unsafe { note(token, (*gc).account, place, said) };
}

/// # Safety
/// A live account.
unsafe fn note(token: OnPurple, purple: *const purple_sys::PurpleAccount, (kind, name): (ConversationKind, &str), said: Said) {
    if said == Said::default() {
        return;
    }
    // SAFETY: the caller's promise.
    if let Some(account) = unsafe { accounts::id(token, purple) } {
        let conversation = ConversationId::of(account, kind, &normalize(token, purple, name));
        HANDLED.set(Some(Handled { conversation, said }));
    }
}

fn bounded(id: &str) -> Option<String> {
    (!id.is_empty() && id.len() <= SERVER_ID).then(|| id.to_owned())
}

unsafe extern "C" fn on_receiving(gc: *mut PurpleConnection, stanza: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-receiving-xmlnode", (), |token| {
        over();
        // SAFETY: the plugin gives a live connection, whose account lives as long, and a place with a stanza, which another handler may have taken.
        unsafe {
            if stanza.is_null() || (*stanza).is_null() || CStr::from_ptr((**stanza).name) != c"message" {
                return;
            }
            let purple = (*gc).account;
            let own = borrowed(purple_sys::purple_account_get_username(purple)).unwrap_or_default();
            if let Some((kind, name, said)) = read(*stanza, &own) {
                note(token, purple, (kind, &name), said);
            }
        }
    });
}

/// An address without its resource; letters of either case are the same.
fn bare(jid: &str) -> String {
    jid.split('/').next().unwrap_or_default().to_lowercase()
}

/// Where a message stanza belongs, and what the server says of it.
///
/// # Safety
/// A live stanza.
unsafe fn read(stanza: *mut xmlnode, own: &str) -> Option<(ConversationKind, String, Said)> {
    let own = bare(own);
    // SAFETY: the caller's promise; what is found in it lives as long.
    unsafe {
        let from = attribute(stanza, c"from");
        let sender = from.as_deref().map_or_else(|| own.clone(), bare);
        // Copies are what the own account tells, an archive's what the archive does: anybody else may forward what they like.
        let copy = |name: &CStr| if sender == own { child(stanza, name, c"urn:xmpp:carbons:2") } else { std::ptr::null_mut() };
        let (received, sent) = (copy(c"received"), copy(c"sent"));
        // Archives speak as themselves, never by a nick or a device: anybody in a room may send such a stanza.
        let is_archive = from.as_deref().is_none_or(|from| !from.contains('/'));
        let archived = if is_archive { child(stanza, c"result", c"urn:xmpp:mam:2") } else { std::ptr::null_mut() };
        let outer = [received, sent, archived].into_iter().find(|outer| !outer.is_null());
        let forwarded = outer.map(|outer| child(outer, c"forwarded", c"urn:xmpp:forward:0"));
        let message = match forwarded {
            None => stanza,
            Some(forwarded) if forwarded.is_null() => return None,
            Some(forwarded) => purple_sys::xmlnode_get_child(forwarded, c"message".as_ptr()),
        };
        if message.is_null() {
            return None;
        }
        let from = attribute(message, c"from").unwrap_or_else(|| own.clone());
        let is_room = attribute(message, c"type").as_deref() == Some("groupchat");
        let is_own = !is_room && bare(&from) == own;
        let name = if is_own { attribute(message, c"to")? } else { from };
        let archive = if is_room { bare(&name) } else { own.clone() };
        let id = if !archived.is_null() && outer == Some(archived) && sender == archive {
            attribute(archived, c"id").and_then(|id| bounded(&id))
        } else {
            let server = own.split_once('@').map_or("", |(_, server)| server);
            stanza_id(message, &archive).or_else(|| if is_room { None } else { stanza_id(message, server) })
        };
        let is_delayed =
            |node: *mut xmlnode| !child(node, c"delay", c"urn:xmpp:delay").is_null() || !child(node, c"x", c"jabber:x:delay").is_null();
        let delayed = is_delayed(message) || outer == Some(archived) && forwarded.is_some_and(is_delayed);
        let sender = (!is_own).then(|| (name.clone(), attribute(message, c"id").and_then(|id| bounded(&id))));
        let replaced = child(message, c"replace", c"urn:xmpp:message-correct:0");
        let replaces = if replaced.is_null() || is_own { None } else { attribute(replaced, c"id").and_then(|id| bounded(&id)) };
        let (kind, name) = if is_room { (ConversationKind::Room, bare(&name)) } else { (ConversationKind::Im, name) };
        Some((kind, name, Said { id, delayed, own: is_own, sender, replaces }))
    }
}

/// The id by this archive. An archive gives one; where there are more, somebody else wrote some of them.
///
/// # Safety
/// A live stanza.
unsafe fn stanza_id(message: *mut xmlnode, archive: &str) -> Option<String> {
    const SPACE: &CStr = c"urn:xmpp:sid:0";
    let mut found: Option<String> = None;
    // SAFETY: the caller's promise; what is found in it lives as long.
    unsafe {
        let mut node = child(message, c"stanza-id", SPACE);
        while !node.is_null() {
            let space = borrowed(purple_sys::xmlnode_get_namespace(node));
            let by = attribute(node, c"by").is_some_and(|by| by.to_lowercase() == archive);
            if by && space.as_deref() == SPACE.to_str().ok() {
                let id = attribute(node, c"id").unwrap_or_default();
                if found.as_ref().is_some_and(|other| *other != id) {
                    return None;
                }
                found = Some(id);
            }
            node = purple_sys::xmlnode_get_next_twin(node);
        }
    }
    found.and_then(|id| bounded(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::ffi::in_process;
    use crate::purple::testing::with_core;

    const OWN: &str = "Ines@example.org/home";

    fn read_text(stanza: &str) -> Option<(ConversationKind, String, Said)> {
        let text = in_process(stanza);
        // SAFETY: a C string; the tree is ours, and freed.
        unsafe {
            let node = purple_sys::xmlnode_from_str(text.as_ptr(), -1);
            let found = read(node, OWN);
            purple_sys::xmlnode_free(node);
            found
        }
    }

    fn id_of(stanza: &str) -> Option<String> {
        read_text(stanza).and_then(|(.., said)| said.id)
    }

    fn stamp(by: &str, id: &str) -> String {
        format!("<stanza-id xmlns='urn:xmpp:sid:0' by='{by}' id='{id}'/>")
    }

    #[test]
    fn an_id_is_the_archives_and_nobody_elses() {
        with_core("purple::conversation::server_id::tests::an_id_is_the_archives_and_nobody_elses", |_| {
            let im = |inner: &str| id_of(&format!("<message from='bob@b.org/x' to='ines@example.org' id='own'>{inner}</message>"));
            let room = |inner: &str| id_of(&format!("<message from='den@rooms.org/Bob' type='groupchat' id='own'>{inner}</message>"));
            let id = |text: &str| Some(text.to_owned());
            assert_eq!(im(&stamp("ines@example.org", "1")), id("1"));
            assert_eq!(im(&stamp("INES@example.org", "1")), id("1"));
            assert_eq!(im(&stamp("example.org", "2")), id("2"));
            assert_eq!(im(&(stamp("example.org", "2") + &stamp("ines@example.org", "1"))), id("1"));
            assert_eq!(room(&stamp("den@rooms.org", "3")), id("3"));
            assert_eq!(room(&(stamp("bob@b.org", "0") + &stamp("den@rooms.org", "3"))), id("3"));
            for by in ["bob@b.org", "b.org", "den@rooms.org/Bob", "", "ines@example.org/home"] {
                assert_eq!((im(&stamp(by, "1")), room(&stamp(by, "1"))), (None, None), "{by}");
            }
            assert_eq!(room(&stamp("ines@example.org", "1")), None);
            assert_eq!(im(""), None, "the sender's");
            let twice = stamp("den@rooms.org", "3") + &stamp("den@rooms.org", "4");
            assert_eq!(room(&twice), None, "one of them is forged");
            assert_eq!(room("<stanza-id xmlns='urn:x' by='den@rooms.org' id='3'/>"), None);
            assert_eq!(im(&stamp("ines@example.org", &"x".repeat(SERVER_ID + 1))), None);
        });
    }

    #[test]
    fn a_correction_names_its_sender_and_the_message() {
        with_core("purple::conversation::server_id::tests::a_correction_names_its_sender_and_the_message", |_| {
            let replace = "<body>b</body><replace xmlns='urn:xmpp:message-correct:0' id='a1'/>";
            let of = |from: &str| {
                let (.., said) = read_text(&format!("<message from='{from}' to='bob@b.org' id='a2'>{replace}</message>")).unwrap();
                (said.sender, said.replaces)
            };
            let sender = ("bob@b.org/x".to_owned(), Some("a2".to_owned()));
            assert_eq!(of("bob@b.org/x"), (Some(sender), Some("a1".to_owned())));
            // Own ones from another device are nobody's correction here.
            assert_eq!(of("ines@example.org/y"), (None, None));
        });
    }

    #[test]
    fn copies_are_the_own_accounts_and_archives_the_archives() {
        with_core("purple::conversation::server_id::tests::copies_are_the_own_accounts_and_archives_the_archives", |_| {
            let wrapped = |from: &str, outer: &str, inner: &str| {
                let name = outer.split(' ').next().unwrap();
                let forwarded = format!("<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded>");
                let found = read_text(&format!("<message from='{from}'><{outer}>{forwarded}</{name}></message>"));
                found.map(|(kind, name, said)| (kind, name, Said { sender: None, ..said }))
            };
            let said = |id: &str, own, delayed| Said { id: Some(id.to_owned()), delayed, own, ..Said::default() };
            let stamped = stamp("ines@example.org", "1");
            let theirs = format!("<message from='bob@b.org/x' to='ines@example.org/y'>{stamped}</message>");
            let mine = format!("<message from='ines@example.org/y' to='bob@b.org'>{stamped}</message>");
            let (received, sent) = ("received xmlns='urn:xmpp:carbons:2'", "sent xmlns='urn:xmpp:carbons:2'");
            let im = ConversationKind::Im;
            assert_eq!(wrapped("ines@example.org", received, &theirs), Some((im, "bob@b.org/x".to_owned(), said("1", false, false))));
            assert_eq!(wrapped("ines@example.org", sent, &mine), Some((im, "bob@b.org".to_owned(), said("1", true, false))));
            // Somebody else's copy is a message of theirs, without an id (CVE-2017-5589).
            let forged = wrapped("mallory@c.org", received, &theirs);
            assert_eq!(forged, Some((im, "mallory@c.org".to_owned(), Said::default())));
            let archived = "result xmlns='urn:xmpp:mam:2' id='7'";
            let late = format!("<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>{mine}");
            assert_eq!(wrapped("ines@example.org", archived, &late), Some((im, "bob@b.org".to_owned(), said("7", true, true))));
            assert_eq!(wrapped("mallory@c.org", archived, &late).and_then(|(.., said)| said.id), Some("1".to_owned()));
            let line = "<message from='den@rooms.org/Bob' type='groupchat'/>";
            let room = Some((ConversationKind::Room, "den@rooms.org".to_owned(), said("7", false, false)));
            assert_eq!(wrapped("den@rooms.org", archived, line), room);
            assert_eq!(wrapped("ines@example.org", archived, line).and_then(|(.., said)| said.id), None);
        });
    }
}
