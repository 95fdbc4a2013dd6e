//! Conversations: their ids, their lines, sending and closing; what only rooms have is in `room.rs`.

pub(super) mod corrections;
mod lines;
mod names;
mod opening;
mod refused;
mod send;
pub(super) mod sent;
pub(super) mod server_id;
mod slash;
pub(super) mod topic;

pub(crate) use names::{name_of, normalize, shown_name};
pub(super) use opening::{close, no_room, open, reopen, unopened};
pub(super) use refused::listen;
pub(super) use send::send;
pub(crate) use sent::words;
pub(super) use slash::{UNKNOWN, command as send_command, commands};

use super::ffi::{borrowed, guard, guard_on};
use super::token::OnPurple;
use super::{accounts, blist, outbox, picture, privacy, room};
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{Conversation, ConversationKind};
use purple_sys::{PurpleConversation, PurpleConversationType, PurpleConversationUiOps};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;

/// A conversation that libpurple has open. Its `ui_data` holds the [`ConversationId`].
pub(crate) struct Open {
    pub(crate) user: UserId,
    pub(crate) account: AccountId,
    pub(crate) purple: *mut PurpleConversation,
    pub(crate) kind: ConversationKind,
    /// Own messages that a room has not reflected yet, oldest first.
    pub(crate) unreflected: VecDeque<Unreflected>,
    /// The own nick as the room writes it: libpurple folds case, so that "INES" would pass for "Ines".
    pub(crate) own_nick: Option<String>,
    /// IMs: told as blocked.
    blocked: bool,
    /// While sending: what was written meanwhile.
    written: Option<Written>,
    /// The words of an error that was written meanwhile.
    refusal: Option<String>,
}

/// An own message on its way through a room.
pub(crate) struct Unreflected {
    pub(crate) origin: Origin,
    /// Its words, without markup and white space: what comes back may be marked up otherwise.
    pub(crate) words: String,
    /// What its stanza is called, where it is one (XMPP).
    pub(crate) stanza: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Written {
    Nothing,
    Echo,
    Error,
}

thread_local! {
    static OPEN: RefCell<HashMap<ConversationId, Open>> = RefCell::default();
}

/// How a command that was performed ends.
pub(crate) enum Ended {
    /// Now.
    Now(Option<Outcome>),
    /// Later, by an event that names its origin.
    Later,
}

/// Registers with libpurple.
pub(super) fn install(token: OnPurple) {
    static OPS: super::Ops<PurpleConversationUiOps> = super::Ops(PurpleConversationUiOps {
        create_conversation: Some(on_create),
        destroy_conversation: Some(on_destroy),
        // Left empty, so that libpurple works out names and calls write_conv for both kinds.
        write_chat: None,
        write_im: None,
        write_conv: Some(lines::on_write),
        chat_add_users: Some(room::on_add_users),
        chat_rename_user: Some(room::on_rename_user),
        chat_remove_users: Some(room::on_remove_users),
        chat_update_user: Some(room::on_update_user),
        present: Some(on_present),
        has_focus: Some(on_has_focus),
        custom_smiley_add: None,
        custom_smiley_write: None,
        custom_smiley_close: None,
        send_confirm: None,
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
        _purple_reserved4: None,
    });
    // SAFETY: libpurple only reads the ops, which are static.
    unsafe { purple_sys::purple_conversations_set_ui_ops(OPS.pointer()) };
    super::signals::connect_conversations(token);
}

/// The id of a live conversation, when it is one of ours.
///
/// # Safety
/// `conversation` is NULL or live.
pub(crate) unsafe fn id(conversation: *const PurpleConversation) -> Option<ConversationId> {
    if conversation.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    let id = ConversationId(unsafe { (*conversation).ui_data } as u64);
    OPEN.with_borrow(|open| open.get(&id).is_some_and(|known| std::ptr::eq(known.purple, conversation))).then_some(id)
}

/// The open conversation at an address, which is compared and not looked at; and its account.
pub(crate) fn at(_: OnPurple, address: *const PurpleConversation) -> Option<(ConversationId, AccountId)> {
    let found = |open: &HashMap<ConversationId, Open>| {
        let at = open.iter().find(|(_, known)| std::ptr::eq(known.purple, address));
        at.map(|(id, known)| (*id, known.account))
    };
    OPEN.with_borrow(found)
}

/// Reads what we know of an open conversation. `read` must not call libpurple.
pub(crate) fn read<T>(_: OnPurple, conversation: ConversationId, read: impl FnOnce(&Open) -> T) -> Option<T> {
    OPEN.with_borrow(|open| open.get(&conversation).map(read))
}

/// Changes it. `change` must not call libpurple.
pub(crate) fn change<T>(_: OnPurple, conversation: ConversationId, change: impl FnOnce(&mut Open) -> T) -> Option<T> {
    OPEN.with_borrow_mut(|open| open.get_mut(&conversation).map(change))
}

/// libpurple's object and account, if the conversation is `user`'s.
pub(crate) fn pointer(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
) -> Result<(*mut PurpleConversation, AccountId), CommandError> {
    read(token, conversation, |open| (open.user == user).then_some((open.purple, open.account))).flatten().ok_or_else(|| {
        match accounts::awaiting(token, user, conversation) {
            Some(_) => not_connected(),
            None => {
                CommandError::new("no_such_conversation", "This conversation is not open (any more). Open it again.").at("conversation")
            }
        }
    })
}

fn not_connected() -> CommandError {
    CommandError::new("not_connected", "This account is not signed on. Try again when it is.")
}

/// As [`pointer`], and the account is signed on.
pub(crate) fn live(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
) -> Result<(*mut PurpleConversation, AccountId), CommandError> {
    let (purple, account) = pointer(token, user, conversation)?;
    connected(token, account)?;
    Ok((purple, account))
}

/// The connection of a signed-on account.
pub(crate) fn connected(token: OnPurple, account: AccountId) -> Result<*mut purple_sys::PurpleConnection, CommandError> {
    let gc = accounts::read(token, account, |entry| entry.purple).map(|purple| {
        // SAFETY: a live account.
        unsafe { if purple_sys::purple_account_is_connected(purple) == glib_sys::GFALSE { std::ptr::null_mut() } else { (*purple).gc } }
    });
    gc.filter(|gc| !gc.is_null()).ok_or_else(not_connected)
}

/// The conversation as a user sees it.
pub(crate) fn describe(token: OnPurple, conversation: ConversationId, members: bool) -> Option<Conversation> {
    let (purple, account, kind) = read(token, conversation, |open| (open.purple, open.account, open.kind))?;
    // SAFETY: a live conversation; strings are copied.
    let (name, title) = unsafe {
        (
            borrowed(purple_sys::purple_conversation_get_name(purple)).unwrap_or_default(),
            borrowed(purple_sys::purple_conversation_get_title(purple)),
        )
    };
    let plain = if kind == ConversationKind::Im { name_of(token, account, &name) } else { name.clone() };
    let title = title.filter(|title| !title.is_empty() && *title != name && *title != plain);
    let title = title.or_else(|| shown_name(token, account, &plain)).unwrap_or_else(|| plain.clone());
    let name = plain;
    let mut shown = Conversation {
        id: conversation,
        account,
        kind,
        title,
        buddy: None,
        topic: None,
        members: None,
        joined: None,
        nick: None,
        blocked: false,
        name,
    };
    match kind {
        ConversationKind::Im => {
            shown.buddy = blist::find(token, account, &shown.name);
            shown.blocked = privacy::is_blocked(token, account, &shown.name);
            change(token, conversation, |open| open.blocked = shown.blocked);
        }
        ConversationKind::Room => room::describe(token, purple, account, &mut shown, members),
    }
    Some(shown)
}

/// Tells the owner that something of it changed.
pub(crate) fn refresh(token: OnPurple, conversation: ConversationId) {
    let user = read(token, conversation, |open| open.user);
    if let (Some(user), Some(shown)) = (user, describe(token, conversation, false)) {
        outbox::emit(token, user, EventKind::ConversationUpdated(shown));
    }
}

/// Tells the owner of each IM that a change of the account's privacy blocks or unblocks. `name`: the only person whom the change concerns.
pub(crate) fn privacy_changed(token: OnPurple, account: AccountId, name: Option<&str>) {
    let all = match name {
        Some(name) => {
            let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return };
            vec![ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, name))]
        }
        None => of_account(token, account),
    };
    for id in all {
        let known = read(token, id, |open| (open.kind == ConversationKind::Im).then_some(open.blocked)).flatten();
        let now = known.and_then(|_| describe(token, id, false)).map(|shown| shown.blocked);
        if known.is_some() && now != known {
            refresh(token, id);
        }
    }
}

/// Tells the owner that it is there, with all its members.
pub(crate) fn announce(token: OnPurple, conversation: ConversationId) {
    let user = read(token, conversation, |open| open.user);
    if let (Some(user), Some(shown)) = (user, describe(token, conversation, true)) {
        outbox::emit(token, user, EventKind::ConversationOpened(shown));
    }
}

/// The conversations of an account.
pub(crate) fn of_account(_: OnPurple, account: AccountId) -> Vec<ConversationId> {
    OPEN.with_borrow(|open| open.iter().filter(|(_, known)| known.account == account).map(|(id, _)| *id).collect())
}

/// The account went offline: what waited for a reflection is lost.
pub(super) fn account_went(token: OnPurple, account: AccountId) {
    blist::account_went(token, account);
    room::joins_failed(token, account);
    picture::went(token, account);
    sent::forget(token, account);
    corrections::forget_account(token, account);
    for conversation in of_account(token, account) {
        fail_unreflected(token, conversation);
    }
}

/// Own messages in a room that will not be reflected any more.
pub(crate) fn fail_unreflected(token: OnPurple, conversation: ConversationId) {
    let lost = change(token, conversation, |open| (open.user, std::mem::take(&mut open.unreflected)));
    if let Some((user, lost)) = lost {
        lost.into_iter().for_each(|lost| unknown_fate(token, user, lost.origin));
    }
}

/// A message that a room took and did not confirm.
pub(crate) fn unknown_fate(token: OnPurple, user: UserId, origin: Origin) {
    let error = CommandError::new("unknown_fate", "The room did not confirm this message. It may or may not have arrived.");
    outbox::emit_caused(token, user, Some(origin), EventKind::CommandFailed { error });
}

/// The account is about to be freed: destroys its conversations without a word.
pub(super) fn forget(token: OnPurple, account: AccountId) {
    for conversation in of_account(token, account) {
        picture::forget_conversation(token, conversation);
        if let Some(known) = OPEN.with_borrow_mut(|open| open.remove(&conversation)) {
            // SAFETY: libpurple had it open until now.
            unsafe { purple_sys::purple_conversation_destroy(known.purple) };
        }
    }
}

unsafe extern "C" fn on_create(purple: *mut PurpleConversation) {
    guard_on("create_conversation", (), |token| {
        // SAFETY: libpurple gives a live conversation, its account and name with it.
        let (owner, raw, name, kind) = unsafe {
            let account = (*purple).account;
            (accounts::owner(token, account), account, borrowed((*purple).name).unwrap_or_default(), (*purple).type_)
        };
        let Some((user, account)) = owner else {
            log::warn!(target: "bridge", "a conversation of no account of ours was opened; left alone");
            return;
        };
        let kind = if kind == PurpleConversationType::PURPLE_CONV_TYPE_CHAT { ConversationKind::Room } else { ConversationKind::Im };
        let normalized = normalize(token, raw, &name);
        // Some protocols have several unnamed rooms at once under one name.
        let id = (0u32..)
            .map(|nth| {
                if nth == 0 {
                    ConversationId::of(account, kind, &normalized)
                } else {
                    ConversationId::of(account, kind, &format!("{normalized}\n{nth}"))
                }
            })
            .find(|id| read(token, *id, |_| ()).is_none());
        let Some(id) = id else { return };
        // SAFETY: as above; `ui_data` is for the front end alone.
        unsafe { (*purple).ui_data = id.0 as *mut c_void };
        let open = Open {
            user,
            account,
            purple,
            kind,
            unreflected: VecDeque::new(),
            own_nick: None,
            blocked: false,
            written: None,
            refusal: None,
        };
        OPEN.with_borrow_mut(|all| all.insert(id, open));
        // A room is announced when the user is in it (`chat-joined`).
        if kind == ConversationKind::Im {
            announce(token, id);
        }
    });
}

unsafe extern "C" fn on_destroy(purple: *mut PurpleConversation) {
    guard_on("destroy_conversation", (), |token| {
        // SAFETY: libpurple gives a conversation that it is about to free.
        let Some(conversation) = (unsafe { id(purple) }) else { return };
        fail_unreflected(token, conversation);
        picture::forget_conversation(token, conversation);
        corrections::forget(token, conversation);
        if let Some(known) = OPEN.with_borrow_mut(|open| open.remove(&conversation)) {
            outbox::emit(token, known.user, EventKind::ConversationClosed { conversation });
        }
    });
}

unsafe extern "C" fn on_present(purple: *mut PurpleConversation) {
    guard_on("present", (), |token| {
        // SAFETY: libpurple gives a live conversation.
        if let Some(conversation) = unsafe { id(purple) } {
            announce(token, conversation);
        }
    });
}

unsafe extern "C" fn on_has_focus(purple: *mut PurpleConversation) -> glib_sys::gboolean {
    guard("has_focus", glib_sys::GFALSE, || {
        // SAFETY: libpurple gives a live conversation.
        let (Some(token), Some(conversation)) = (OnPurple::here(), unsafe { id(purple) }) else { return glib_sys::GFALSE };
        let Some(user) = read(token, conversation, |open| open.user) else { return glib_sys::GFALSE };
        i32::from(accounts::person(token, user, |person| person.focus).flatten() == Some(conversation))
    })
}
