//! What libpurple tells by signals only (typing, joins, topics, attention); each handler copies and hands on to the room it belongs to.

pub(super) mod jabber;

use super::accounts;
use super::connection::NO_DATA;
use super::ffi::{borrowed, guard_on};
use super::token::OnPurple;
use super::{blist, conversation, outbox, room};
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{ConversationKind, TypingState};
use glib_sys::GHashTable;
use purple_sys::{
    PurpleAccount, PurpleBuddy, PurpleConnection, PurpleConvUpdateType, PurpleConversation, PurpleConversationType, PurpleMessageFlags,
    PurpleStatus, PurpleXfer,
};
use std::ffi::{CStr, c_char, c_int, c_void};

/// What our handlers are known by when they are disconnected.
static HANDLE: u8 = 0;

fn handle() -> *mut c_void {
    std::ptr::from_ref(&HANDLE).cast_mut().cast::<c_void>()
}

/// Connects one handler. `handler` must have the C signature that libpurple's documentation gives for `signal`.
///
/// # Safety
/// The signature fits.
pub(super) unsafe fn connect(instance: *mut c_void, signal: &CStr, handler: unsafe extern "C" fn()) {
    // SAFETY: the caller's promise; the handle is static.
    unsafe { purple_sys::purple_signal_connect(instance, signal.as_ptr(), handle(), Some(handler), NO_DATA) };
}

macro_rules! handler {
    ($function:expr, $($argument:ty),*) => {
        // SAFETY: libpurple's signals call through untyped pointers and cast back to the signature that is named here.
        unsafe { std::mem::transmute::<unsafe extern "C" fn($($argument),*), unsafe extern "C" fn()>($function) }
    };
}

/// Drops libpurple's own copy of each line (hazard 27).
pub(super) fn keep_no_history(_: OnPurple) {
    let wrote =
        handler!(on_wrote, *mut PurpleAccount, *const c_char, *const c_char, *mut PurpleConversation, PurpleMessageFlags, *mut c_void);
    // SAFETY: the signature is that of libpurple's conversation-signals documentation.
    unsafe {
        let instance = purple_sys::purple_conversations_get_handle();
        connect(instance, c"wrote-im-msg", wrote);
        connect(instance, c"wrote-chat-msg", wrote);
    }
}

/// Connects what concerns conversations.
pub(super) fn connect_conversations(token: OnPurple) {
    keep_no_history(token);
    let typing = handler!(on_typing, *mut PurpleAccount, *const c_char, *mut c_void);
    let typed = handler!(on_typed, *mut PurpleAccount, *const c_char, *mut c_void);
    let stopped = handler!(on_typing_stopped, *mut PurpleAccount, *const c_char, *mut c_void);
    let updated = handler!(on_conversation_updated, *mut PurpleConversation, PurpleConvUpdateType, *mut c_void);
    let joined = handler!(on_chat_joined, *mut PurpleConversation, *mut c_void);
    let failed = handler!(on_chat_join_failed, *mut PurpleConnection, *mut GHashTable, *mut c_void);
    let topic = handler!(on_chat_topic_changed, *mut PurpleConversation, *const c_char, *const c_char, *mut c_void);
    // SAFETY: as in `handler!`; this one is asked for an answer.
    let invited = unsafe { std::mem::transmute::<Invited, unsafe extern "C" fn()>(on_chat_invited) };
    let attention = handler!(on_got_attention, *mut PurpleAccount, *const c_char, *mut PurpleConversation, u32, *mut c_void);
    // SAFETY: the signatures are those of libpurple's conversation-signals documentation.
    unsafe {
        let instance = purple_sys::purple_conversations_get_handle();
        connect(instance, c"buddy-typing", typing);
        connect(instance, c"buddy-typed", typed);
        connect(instance, c"buddy-typing-stopped", stopped);
        connect(instance, c"conversation-updated", updated);
        connect(instance, c"chat-joined", joined);
        connect(instance, c"chat-join-failed", failed);
        connect(instance, c"chat-topic-changed", topic);
        connect(instance, c"chat-invited", invited);
        connect(instance, c"got-attention", attention);
    }
}

/// Connects what concerns buddies.
pub(super) fn connect_buddies(_: OnPurple) {
    let changed = handler!(on_buddy_changed, *mut PurpleBuddy, *mut c_void);
    let status = handler!(on_buddy_status_changed, *mut PurpleBuddy, *mut PurpleStatus, *mut PurpleStatus, *mut c_void);
    let number = handler!(on_buddy_number_changed, *mut PurpleBuddy, c_int, c_int, *mut c_void);
    let picture = handler!(on_buddy_icon_changed, *mut PurpleBuddy, *mut c_void);
    // SAFETY: the signatures are those of libpurple's blist-signals documentation.
    unsafe {
        let instance = purple_sys::purple_blist_get_handle();
        connect(instance, c"buddy-icon-changed", picture);
        connect(instance, c"buddy-status-changed", status);
        connect(instance, c"buddy-idle-changed", number);
        connect(instance, c"buddy-caps-changed", number);
        connect(instance, c"buddy-signed-on", changed);
        connect(instance, c"buddy-signed-off", changed);
    }
}

/// Connects what has to end before a connection does.
pub(super) fn connect_signing_off(_: OnPurple, handler: unsafe extern "C" fn(*mut PurpleConnection, *mut c_void)) {
    let handler = handler!(handler, *mut PurpleConnection, *mut c_void);
    // SAFETY: the signature is that of libpurple's connection-signals documentation.
    unsafe { connect(purple_sys::purple_connections_get_handle(), c"signing-off", handler) };
}

/// Connects what concerns transfers: an offer, and the start of one either way.
pub(super) fn connect_transfers(
    _: OnPurple,
    offered: unsafe extern "C" fn(*mut PurpleXfer, *mut c_void),
    started: unsafe extern "C" fn(*mut PurpleXfer, *mut c_void),
) {
    let offered = handler!(offered, *mut PurpleXfer, *mut c_void);
    let started = handler!(started, *mut PurpleXfer, *mut c_void);
    // SAFETY: the signatures are those of libpurple's xfer-signals documentation.
    unsafe {
        let instance = purple_sys::purple_xfers_get_handle();
        connect(instance, c"file-recv-request", offered);
        connect(instance, c"file-recv-start", started);
        connect(instance, c"file-send-start", started);
    }
}

/// Lets go of everything.
pub(super) fn disconnect(_: OnPurple) {
    // SAFETY: the handle that `connect` used.
    unsafe { purple_sys::purple_signals_disconnect_by_handle(handle()) };
}

/// libpurple keeps every line for ever; we never read them back (hazard 27).
unsafe extern "C" fn on_wrote(
    _: *mut PurpleAccount,
    _: *const c_char,
    _: *const c_char,
    conversation: *mut PurpleConversation,
    _: PurpleMessageFlags,
    _: *mut c_void,
) {
    guard_on("wrote-msg", (), |_| {
        // SAFETY: a live conversation; nobody else holds its history.
        unsafe { purple_sys::purple_conversation_clear_message_history(conversation) };
    });
}

/// # Safety
/// libpurple's arguments of a typing signal.
unsafe fn typing_in(
    token: OnPurple,
    account: *mut PurpleAccount,
    name: *const c_char,
) -> Option<(UserId, AccountId, ConversationId, String)> {
    // SAFETY: the caller's promise.
    let (owner, name) = unsafe { (accounts::owner(token, account), borrowed(name)) };
    let ((user, id), name) = (owner?, name?);
    let conversation = ConversationId::of(id, ConversationKind::Im, &conversation::normalize(token, account, &name));
    // Nobody looks at a conversation that is not open.
    conversation::read(token, conversation, |_| ())?;
    Some((user, id, conversation, name))
}

/// # Safety
/// libpurple's arguments of a typing signal.
unsafe fn tell_typing(callback: &'static str, account: *mut PurpleAccount, name: *const c_char, state: TypingState) {
    guard_on(callback, (), |token| {
        // SAFETY: the caller's promise.
        if let Some((user, _, conversation, who)) = unsafe { typing_in(token, account, name) } {
            outbox::emit_caused(token, user, None, EventKind::Typing { conversation, who, state });
        }
    });
}

unsafe extern "C" fn on_typing(account: *mut PurpleAccount, name: *const c_char, _: *mut c_void) {
    // SAFETY: libpurple's own arguments.
    unsafe { tell_typing("buddy-typing", account, name, TypingState::Typing) };
}

unsafe extern "C" fn on_typed(account: *mut PurpleAccount, name: *const c_char, _: *mut c_void) {
    // SAFETY: libpurple's own arguments.
    unsafe { tell_typing("buddy-typed", account, name, TypingState::Paused) };
}

unsafe extern "C" fn on_typing_stopped(account: *mut PurpleAccount, name: *const c_char, _: *mut c_void) {
    // SAFETY: libpurple's own arguments.
    unsafe { tell_typing("buddy-typing-stopped", account, name, TypingState::None) };
}

unsafe extern "C" fn on_conversation_updated(purple: *mut PurpleConversation, what: PurpleConvUpdateType, _: *mut c_void) {
    guard_on("conversation-updated", (), |token| {
        type What = PurpleConvUpdateType;
        if matches!(
            what,
            What::PURPLE_CONV_UPDATE_CHATLEFT
                | What::PURPLE_CONV_UPDATE_TITLE
                | What::PURPLE_CONV_ACCOUNT_OFFLINE
                | What::PURPLE_CONV_ACCOUNT_ONLINE
        ) {
            // SAFETY: libpurple gives a live conversation.
            if let Some(id) = unsafe { conversation::id(purple) } {
                if what == What::PURPLE_CONV_UPDATE_CHATLEFT {
                    room::left(token, id);
                }
                conversation::refresh(token, id);
            }
        }
    });
}

unsafe extern "C" fn on_chat_joined(purple: *mut PurpleConversation, _: *mut c_void) {
    guard_on("chat-joined", (), |token| {
        // SAFETY: libpurple gives a live conversation.
        if let Some(id) = unsafe { conversation::id(purple) } {
            room::joined(token, id);
        }
    });
}

unsafe extern "C" fn on_chat_join_failed(gc: *mut PurpleConnection, components: *mut GHashTable, _: *mut c_void) {
    guard_on("chat-join-failed", (), |token| {
        // SAFETY: libpurple gives a live connection and the form.
        unsafe {
            let purple = (*gc).account;
            if let Some(account) = accounts::id(token, purple) {
                room::join_failed(token, account, purple, gc, components);
            }
        }
    });
}

unsafe extern "C" fn on_chat_topic_changed(purple: *mut PurpleConversation, who: *const c_char, topic: *const c_char, _: *mut c_void) {
    guard_on("chat-topic-changed", (), |token| {
        // SAFETY: libpurple gives a live conversation and strings or NULL.
        let (id, who, topic) = unsafe { (conversation::id(purple), borrowed(who), borrowed(topic).unwrap_or_default()) };
        let Some(conversation) = id else { return };
        if let Some((user, account)) = conversation::read(token, conversation, |open| (open.user, open.account)) {
            conversation::topic::told(token, account, conversation);
            outbox::emit(token, user, EventKind::RoomTopic { conversation, who, topic });
        }
    });
}

/// The signature of `chat-invited`.
type Invited = unsafe extern "C" fn(*mut PurpleAccount, *const c_char, *const c_char, *const c_char, *mut GHashTable, *mut c_void) -> c_int;

/// Answers 0: libpurple asks the user.
unsafe extern "C" fn on_chat_invited(
    account: *mut PurpleAccount,
    who: *const c_char,
    room: *const c_char,
    message: *const c_char,
    _: *mut GHashTable,
    _: *mut c_void,
) -> c_int {
    guard_on("chat-invited", (), |token| {
        // SAFETY: libpurple gives a live account, and strings, the message or NULL.
        let (owner, who, room, message) = unsafe { (accounts::owner(token, account), borrowed(who), borrowed(room), borrowed(message)) };
        let (Some((user, account)), Some(who), Some(room)) = (owner, who, room) else { return };
        let message = message.filter(|message| !message.trim().is_empty());
        outbox::emit(token, user, EventKind::RoomInvited { account, who, room, message });
    });
    0
}

unsafe extern "C" fn on_got_attention(
    account: *mut PurpleAccount,
    who: *const c_char,
    place: *mut PurpleConversation,
    kind: u32,
    _: *mut c_void,
) {
    guard_on("got-attention", (), |token| {
        log::debug!(target: "bridge", "attention of type {kind}");
        // SAFETY: libpurple's own arguments. One that comes before any message has no conversation yet.
        let (user, conversation, who) = unsafe {
            let (Some((user, _)), Some(name)) = (accounts::owner(token, account), borrowed(who)) else { return };
            let place = if place.is_null() {
                purple_sys::purple_conversation_new(PurpleConversationType::PURPLE_CONV_TYPE_IM, account, who)
            } else {
                place
            };
            let Some(conversation) = conversation::id(place) else { return };
            (user, conversation, name)
        };
        outbox::emit(token, user, EventKind::Attention { conversation, who, text: String::new() });
    });
}

unsafe extern "C" fn on_buddy_icon_changed(buddy: *mut PurpleBuddy, _: *mut c_void) {
    guard_on("buddy-icon-changed", (), |token| {
        // SAFETY: libpurple gives a live buddy.
        unsafe {
            blist::picture_changed(token, buddy);
            blist::touch(token, buddy);
        }
    });
}

unsafe extern "C" fn on_buddy_status_changed(buddy: *mut PurpleBuddy, _: *mut PurpleStatus, _: *mut PurpleStatus, data: *mut c_void) {
    // SAFETY: libpurple's own arguments.
    unsafe { on_buddy_changed(buddy, data) };
}

/// Idle state and capabilities, each with its value before and after.
unsafe extern "C" fn on_buddy_number_changed(buddy: *mut PurpleBuddy, _: c_int, _: c_int, data: *mut c_void) {
    // SAFETY: libpurple's own arguments.
    unsafe { on_buddy_changed(buddy, data) };
}

unsafe extern "C" fn on_buddy_changed(buddy: *mut PurpleBuddy, _: *mut c_void) {
    guard_on("buddy-changed", (), |token| {
        // SAFETY: libpurple gives a live buddy.
        unsafe { blist::touch(token, buddy) };
    });
}
