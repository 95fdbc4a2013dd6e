//! What libpurple writes into a conversation, as messages: who, when, what sort, and which command it answers; it sends nothing.

use super::super::ffi::{borrowed, guard_on};
use super::super::irc::formats;
use super::super::outgoing::is_irc;
use super::super::token::OnPurple;
use super::super::{accounts, blist, outbox, picture, room, sip, transfer};
use super::{Unreflected, Written, change, corrections, id, name_of, refused, sent, server_id, shown_name, topic, unknown_fate, words};
use crate::event::EventKind;
use crate::id::{AccountId, BuddyId, ConversationId};
use crate::model::{Author, ConversationKind, Message, MessageKind};
use crate::time::Timestamp;
use purple_sys::{PurpleConversation, PurpleMessageFlags};
use std::ffi::c_char;

/// A received text longer than this is cut.
const LONGEST: usize = 64 * 1024;

/// What XMPP writes on entering a room without a topic: the beginning of a sentence that has no end.
const NO_TOPIC: &str = "The topic is:";

pub(super) unsafe extern "C" fn on_write(
    purple: *mut PurpleConversation,
    name: *const c_char,
    alias: *const c_char,
    text: *const c_char,
    flags: PurpleMessageFlags,
    time: purple_sys::time_t,
) {
    guard_on("write_conv", (), |token| {
        // SAFETY: libpurple gives a live conversation and strings or NULL.
        let (conversation, name, alias, html) =
            unsafe { (id(purple), borrowed(name), borrowed(alias), borrowed(text).unwrap_or_default()) };
        let Some(conversation) = conversation else { return };
        write(token, conversation, name.unwrap_or_default(), alias, html, flags, time);
    });
}

fn write(
    token: OnPurple,
    conversation: ConversationId,
    name: String,
    alias: Option<String>,
    html: String,
    flags: PurpleMessageFlags,
    time: i64,
) {
    let has = |flag: PurpleMessageFlags| flags.0 & flag.0 != 0;
    let mut kind = if has(PurpleMessageFlags::PURPLE_MESSAGE_ERROR) {
        MessageKind::Failed
    } else if has(PurpleMessageFlags::PURPLE_MESSAGE_SYSTEM) {
        MessageKind::System
    } else if has(PurpleMessageFlags::PURPLE_MESSAGE_SEND) || has(PurpleMessageFlags::PURPLE_MESSAGE_REMOTE_SEND) {
        MessageKind::Sent
    } else if has(PurpleMessageFlags::PURPLE_MESSAGE_RECV) {
        MessageKind::Received
    } else {
        MessageKind::System
    };
    if kind == MessageKind::System && transfer::is_quiet() {
        return;
    }
    if has(PurpleMessageFlags::PURPLE_MESSAGE_INVISIBLE) || (kind == MessageKind::System && html.trim() == NO_TOPIC) {
        return;
    }
    if kind == MessageKind::Received && room::is_by_account(token, conversation, &name) {
        kind = MessageKind::Sent;
    }
    let remote = has(PurpleMessageFlags::PURPLE_MESSAGE_REMOTE_SEND);
    let delayed = has(PurpleMessageFlags::PURPLE_MESSAGE_DELAYED);
    if kind == MessageKind::Failed && change(token, conversation, |open| open.written.is_some()) == Some(true) {
        // The command that sends it says so, at the message.
        change(token, conversation, |open| open.written = Some(Written::Error));
        return sent::note_refusal(token, conversation, &html);
    }
    let own_words = if kind == MessageKind::Sent { words(token, &html) } else { String::new() };
    let known = change(token, conversation, |open| {
        let forged =
            kind == MessageKind::Sent && open.kind == ConversationKind::Room && open.own_nick.as_ref().is_some_and(|own| *own != name);
        if forged {
            kind = MessageKind::Received;
        }
        if let Some(written) = open.written.as_mut().filter(|_| kind == MessageKind::Sent) {
            *written = Written::Echo;
        }
        let commanded = open.written.is_some() || outbox::cause(open.user).is_some();
        let reflects = kind == MessageKind::Sent && open.kind == ConversationKind::Room && !remote && !delayed && !commanded;
        // In order; what was passed over was refused by the room, or changed by it.
        let at = if reflects { open.unreflected.iter().position(|waiting| waiting.words == own_words) } else { None };
        let mut passed: Vec<Unreflected> = at.map(|at| open.unreflected.drain(..=at).collect()).unwrap_or_default();
        (open.user, open.account, open.kind, passed.pop().map(|found| found.origin), passed, commanded)
    });
    let Some((user, account, place, reflected, passed, commanded)) = known else { return };
    passed.into_iter().for_each(|passed| unknown_fate(token, user, passed.origin));
    let from = match (place, kind) {
        (ConversationKind::Im, MessageKind::Sent) => own_author(token, account),
        (ConversationKind::Im, _) => other_author(token, account, &name, alias),
        (ConversationKind::Room, _) => {
            let alias = alias.filter(|alias| *alias != name && !alias.is_empty());
            Author { name, alias, buddy: None, own: kind == MessageKind::Sent }
        }
    };
    let said = server_id::take(conversation, place, kind);
    let (reference, replaces) = called(token, (account, conversation, place), &said, kind, commanded, &html);
    let topic = kind == MessageKind::System && topic::takes(conversation);
    let html = cut(html);
    let html = if is_irc(token, account) { formats::html(&html).unwrap_or(html) } else { html };
    let html = if kind == MessageKind::Received { sip::html(account, &html).unwrap_or(html) } else { html };
    let pictures = picture::of_message(token, &picture::Written { user, account, conversation, kind, flags, html: &html });
    let message = Message {
        kind,
        from,
        time: Timestamp::from_seconds(time).unwrap_or_else(Timestamp::now),
        html,
        pictures,
        // Rooms flag it themselves.
        delayed: delayed || (said.delayed && place == ConversationKind::Im),
        highlight: has(PurpleMessageFlags::PURPLE_MESSAGE_NICK),
        auto_reply: has(PurpleMessageFlags::PURPLE_MESSAGE_AUTO_RESP),
        remote,
        topic,
        server_id: said.id,
        reference,
    };
    if let Some(reference) = replaces {
        return outbox::emit_caused(token, user, None, EventKind::MessageReplaced { conversation, reference, message });
    }
    let origin = if commanded { outbox::cause(user) } else { reflected };
    let ended = origin.clone().filter(|_| !commanded);
    outbox::emit_caused(token, user, origin, EventKind::MessageAdded { conversation, message });
    if let Some(origin) = ended {
        outbox::emit_caused(token, user, Some(origin), EventKind::CommandDone { result: None });
    }
}

/// Gives the `Message::reference` of a message, and that of the message which it corrects.
fn called(
    token: OnPurple,
    (account, conversation, place): (AccountId, ConversationId, ConversationKind),
    said: &server_id::Said,
    kind: MessageKind,
    commanded: bool,
    html: &str,
) -> (Option<String>, Option<String>) {
    match (kind, &said.sender) {
        (MessageKind::Sent, _) if commanded => (sent::note(token, account, conversation, html, refused::noted()), None),
        (MessageKind::Received, Some((from, id))) => {
            let (id, historic) = (id.as_deref(), said.delayed && place == ConversationKind::Room);
            let replaces = said.replaces.as_deref();
            let replaces = replaces.and_then(|old| corrections::replaced(token, conversation, (from, id), old, historic));
            if replaces.is_none() {
                corrections::said(token, account, conversation, (from, id), historic);
            }
            (id.filter(|_| replaces.is_none()).map(|id| corrections::reference(from, id)), replaces)
        }
        _ => (None, None),
    }
}

/// Bounds what one line can cost; the web side marks what was cut.
fn cut(mut html: String) -> String {
    // Markup takes room too: the text itself is bounded again where the spans are made.
    let most = 4 * LONGEST;
    if html.len() > most {
        let end = (0..=most).rev().find(|at| html.is_char_boundary(*at)).unwrap_or(0);
        html.truncate(end);
    }
    html
}

/// The user, as author.
pub(super) fn own_author(token: OnPurple, account: AccountId) -> Author {
    let known = accounts::read(token, account, |entry| (entry.username.clone(), entry.purple));
    let Some((name, purple)) = known else { return Author { name: String::new(), alias: None, buddy: None, own: true } };
    // SAFETY: a live account; copied.
    let alias = unsafe { borrowed(purple_sys::purple_account_get_alias(purple)) };
    Author { name, alias: alias.filter(|alias| !alias.is_empty()), buddy: None, own: true }
}

/// The other one in an IM: without the device in the name.
fn other_author(token: OnPurple, account: AccountId, full: &str, alias: Option<String>) -> Author {
    let name = name_of(token, account, full);
    let alias = alias.filter(|alias| alias != full && *alias != name && !alias.is_empty()).or_else(|| shown_name(token, account, &name));
    let buddy: Option<BuddyId> = blist::find(token, account, &name);
    Author { name, alias, buddy, own: false }
}
