//! Conversations: their ids, their lines, sending and closing; what only rooms have is in `room.rs`.

use super::accounts;
use super::ffi::{borrowed, c_string, guard, guard_on};
use super::token::OnPurple;
use super::{blist, outbox, owner, room};
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::{AccountId, BuddyId, ConversationId, UserId};
use crate::model::{Author, Conversation, ConversationKind, Message, MessageKind};
use crate::time::Timestamp;
use purple_sys::{PurpleConversation, PurpleConversationType, PurpleConversationUiOps, PurpleMessageFlags};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::{c_char, c_void};

/// A conversation that libpurple has open. Its `ui_data` holds the [`ConversationId`].
pub(crate) struct Open {
    pub(crate) user: UserId,
    pub(crate) account: AccountId,
    pub(crate) purple: *mut PurpleConversation,
    pub(crate) kind: ConversationKind,
    /// Own messages that a room has not reflected yet, oldest first.
    pub(crate) unreflected: VecDeque<Origin>,
    /// While sending: what was written meanwhile.
    written: Option<Written>,
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

/// A received text longer than this is cut.
const LONGEST: usize = 64 * 1024;

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
        write_conv: Some(on_write),
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
        CommandError::new("no_such_conversation", "This conversation is not open (any more). Open it again.").at("conversation")
    })
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
    gc.filter(|gc| !gc.is_null()).ok_or_else(|| CommandError::new("not_connected", "This account is not signed on. Try again when it is."))
}

/// `purple_normalize`, copied at once (hazard 21).
pub(crate) fn normalize(_: OnPurple, purple: *const purple_sys::PurpleAccount, name: &str) -> String {
    let text = c_string(name);
    // SAFETY: a live account; the static buffer is copied before anything else is called.
    unsafe { borrowed(purple_sys::purple_normalize(purple, text.as_ptr())) }.unwrap_or_else(|| name.to_owned())
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
    // libpurple's name of an IM may carry the device that wrote last; people are their normalised name.
    // SAFETY: a live conversation has a live account.
    let plain = if kind == ConversationKind::Im { normalize(token, unsafe { (*purple).account }, &name) } else { name.clone() };
    let title = title.filter(|title| !title.is_empty() && *title != name).unwrap_or_else(|| plain.clone());
    let name = plain;
    let mut shown =
        Conversation { id: conversation, account, kind, title, buddy: None, topic: None, members: None, joined: None, nick: None, name };
    match kind {
        ConversationKind::Im => shown.buddy = blist::find(token, account, &shown.name),
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
    for conversation in of_account(token, account) {
        fail_unreflected(token, conversation);
    }
}

/// Own messages in a room that will not be reflected any more.
pub(crate) fn fail_unreflected(token: OnPurple, conversation: ConversationId) {
    let lost = change(token, conversation, |open| (open.user, std::mem::take(&mut open.unreflected)));
    let Some((user, lost)) = lost else { return };
    for origin in lost {
        let error = CommandError::new(
            "unknown_fate",
            "The connection ended before the room confirmed this message. It may or may not have arrived.",
        );
        outbox::emit_caused(token, user, Some(origin), EventKind::CommandFailed { error });
    }
}

/// The account is about to be freed: destroys its conversations without a word.
pub(super) fn forget(token: OnPurple, account: AccountId) {
    for conversation in of_account(token, account) {
        if let Some(known) = OPEN.with_borrow_mut(|open| open.remove(&conversation)) {
            // SAFETY: libpurple had it open until now.
            unsafe { purple_sys::purple_conversation_destroy(known.purple) };
        }
    }
}

/// `conversation.open`
pub(super) fn open(token: OnPurple, user: UserId, account: AccountId, name: &str) -> Result<Ended, CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    connected(token, account)?;
    if name.trim().is_empty() {
        return Err(CommandError::new("bad_name", "Say with whom.").at("name"));
    }
    let existing = ConversationId::of(account, ConversationKind::Im, &normalize(token, purple, name.trim()));
    let existed = read(token, existing, |_| ()).is_some();
    let name = c_string(name.trim());
    // SAFETY: a live, connected account and a C string, copied. Finds the conversation when there is one.
    let conversation = owner::with(Some(account), || unsafe {
        purple_sys::purple_conversation_new(PurpleConversationType::PURPLE_CONV_TYPE_IM, purple, name.as_ptr())
    });
    // SAFETY: NULL or live.
    let Some(id) = (unsafe { id(conversation) }) else {
        return Err(CommandError::new("bad_name", "The network does not know such a name.").at("name"));
    };
    if existed {
        announce(token, id);
    }
    Ok(Ended::Now(Some(Outcome::Conversation(id))))
}

/// `conversation.close`: lets go of it; a room is left for good.
pub(super) fn close(token: OnPurple, user: UserId, conversation: ConversationId) -> Result<(), CommandError> {
    let (purple, account) = pointer(token, user, conversation)?;
    accounts::change(token, account, |entry| entry.rooms.remove(&conversation));
    // SAFETY: a live conversation.
    owner::with(Some(account), || unsafe { purple_sys::purple_conversation_destroy(purple) });
    Ok(())
}

/// `message.send`: a slash command where the protocol knows it, else a message.
pub(super) fn send(token: OnPurple, user: UserId, conversation: ConversationId, text: &str, html: &str) -> Result<Ended, CommandError> {
    let (purple, account) = live(token, user, conversation)?;
    if let Some(line) = text.strip_prefix('/').filter(|line| !line.is_empty())
        && let Some(result) = run_slash_command(purple, account, line, html)
    {
        return result.map(|()| Ended::Now(None));
    }
    let kind = change(token, conversation, |open| {
        open.written = Some(Written::Nothing);
        open.kind
    });
    let body = c_string(html);
    // SAFETY: a live conversation of a connected account, of that kind; the text is copied.
    owner::with(Some(account), || unsafe {
        match kind {
            Some(ConversationKind::Room) => {
                purple_sys::purple_conv_chat_send(purple_sys::purple_conversation_get_chat_data(purple), body.as_ptr())
            }
            _ => purple_sys::purple_conv_im_send_with_flags(im(purple), body.as_ptr(), PurpleMessageFlags(0)),
        }
    });
    let origin = outbox::cause(user);
    let written = change(token, conversation, |open| open.written.take()).flatten();
    match (written, kind) {
        (Some(Written::Echo), _) => Ok(Ended::Now(None)),
        (Some(Written::Error), _) => {
            Err(CommandError::new("not_sent", "The network did not take this message. The conversation says why."))
        }
        (None, _) => Ok(Ended::Now(None)),
        (_, Some(ConversationKind::Room)) => {
            // The room will reflect it.
            if let Some(origin) = origin {
                change(token, conversation, |open| open.unreflected.push_back(origin));
            }
            Ok(Ended::Later)
        }
        _ => {
            // The protocol took it and echoes nothing: this is the echo.
            let from = own_author(token, account);
            let message = Message {
                kind: MessageKind::Sent,
                from,
                time: Timestamp::now(),
                html: html.to_owned(),
                delayed: false,
                highlight: false,
                auto_reply: false,
                remote: false,
            };
            outbox::emit(token, user, EventKind::MessageAdded { conversation, message });
            Ok(Ended::Now(None))
        }
    }
}

/// # Safety
/// A live IM conversation.
unsafe fn im(purple: *mut PurpleConversation) -> *mut purple_sys::PurpleConvIm {
    // SAFETY: the caller's promise; libpurple's own check of the kind.
    unsafe { purple_sys::purple_conversation_get_im_data(purple) }
}

/// `None`: no such command; the text is a message.
fn run_slash_command(purple: *mut PurpleConversation, account: AccountId, line: &str, html: &str) -> Option<Result<(), CommandError>> {
    type Status = purple_sys::PurpleCmdStatus;
    let (line, markup) = (c_string(line), c_string(html.strip_prefix('/').unwrap_or(html)));
    let mut error: *mut c_char = std::ptr::null_mut();
    // SAFETY: a live conversation; the error text is ours to free.
    let (status, error) = owner::with(Some(account), || unsafe {
        let status = purple_sys::purple_cmd_do_command(purple, line.as_ptr(), markup.as_ptr(), &raw mut error);
        (status, super::ffi::owned(error))
    });
    match status {
        Status::PURPLE_CMD_STATUS_OK => Some(Ok(())),
        Status::PURPLE_CMD_STATUS_FAILED => {
            Some(Err(CommandError::new("command_failed", error.unwrap_or_else(|| "The command did not work.".to_owned()))))
        }
        Status::PURPLE_CMD_STATUS_WRONG_ARGS => {
            Some(Err(CommandError::new("wrong_arguments", "The command needs other words after it.").at("text")))
        }
        _ => None,
    }
}

/// Runs a slash command and sends nothing when the protocol does not know it (`None`).
pub(super) fn send_command_only(
    token: OnPurple,
    user: UserId,
    conversation: ConversationId,
    text: &str,
) -> Option<Result<(), CommandError>> {
    match live(token, user, conversation) {
        Ok((purple, account)) => run_slash_command(purple, account, text.strip_prefix('/')?, text),
        Err(error) => Some(Err(error)),
    }
}

fn own_author(token: OnPurple, account: AccountId) -> Author {
    let known = accounts::read(token, account, |entry| (entry.username.clone(), entry.purple));
    let Some((name, purple)) = known else { return Author { name: String::new(), alias: None, buddy: None, own: true } };
    // SAFETY: a live account; copied.
    let alias = unsafe { borrowed(purple_sys::purple_account_get_alias(purple)) };
    Author { name, alias: alias.filter(|alias| !alias.is_empty()), buddy: None, own: true }
}

/// The other one in an IM: without the device in the name.
fn other_author(token: OnPurple, account: AccountId, full: &str, alias: Option<String>) -> Author {
    let purple = accounts::read(token, account, |entry| entry.purple);
    let name = purple.map_or_else(|| full.to_owned(), |purple| normalize(token, purple, full));
    let alias = alias.filter(|alias| alias != full && *alias != name && !alias.is_empty());
    let buddy: Option<BuddyId> = blist::find(token, account, &name);
    Author { name, alias, buddy, own: false }
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
        let open = Open { user, account, purple, kind, unreflected: VecDeque::new(), written: None };
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
        if let Some(known) = OPEN.with_borrow_mut(|open| open.remove(&conversation)) {
            outbox::emit(token, known.user, EventKind::ConversationClosed { conversation });
        }
    });
}

unsafe extern "C" fn on_write(
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
    let kind = if has(PurpleMessageFlags::PURPLE_MESSAGE_ERROR) {
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
    if has(PurpleMessageFlags::PURPLE_MESSAGE_INVISIBLE) {
        return;
    }
    let remote = has(PurpleMessageFlags::PURPLE_MESSAGE_REMOTE_SEND);
    let delayed = has(PurpleMessageFlags::PURPLE_MESSAGE_DELAYED);
    let known = change(token, conversation, |open| {
        if let Some(written) = &mut open.written {
            *written = match kind {
                MessageKind::Sent => Written::Echo,
                MessageKind::Failed => Written::Error,
                _ => *written,
            };
        }
        let sending = open.written.is_some();
        let reflects = kind == MessageKind::Sent && open.kind == ConversationKind::Room && !remote && !delayed && !sending;
        (open.user, open.account, open.kind, if reflects { open.unreflected.pop_front() } else { None }, sending)
    });
    let Some((user, account, place, reflected, sending)) = known else { return };
    let from = match (place, kind) {
        (ConversationKind::Im, MessageKind::Sent) => own_author(token, account),
        (ConversationKind::Im, _) => other_author(token, account, &name, alias),
        (ConversationKind::Room, _) => {
            let alias = alias.filter(|alias| *alias != name && !alias.is_empty());
            Author { name, alias, buddy: None, own: kind == MessageKind::Sent }
        }
    };
    let message = Message {
        kind,
        from,
        time: Timestamp::from_seconds(time).unwrap_or_else(Timestamp::now),
        html: cut(html),
        delayed,
        highlight: has(PurpleMessageFlags::PURPLE_MESSAGE_NICK),
        auto_reply: has(PurpleMessageFlags::PURPLE_MESSAGE_AUTO_RESP),
        remote,
    };
    let origin = if sending { outbox::cause(user) } else { reflected };
    let ended = origin.clone().filter(|_| !sending);
    outbox::emit_caused(token, user, origin, EventKind::MessageAdded { conversation, message });
    if let Some(origin) = ended {
        outbox::emit_caused(token, user, Some(origin), EventKind::CommandDone { result: None });
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
        let Some(token) = OnPurple::here() else { return glib_sys::GFALSE };
        // SAFETY: libpurple gives a live conversation.
        let Some(conversation) = (unsafe { id(purple) }) else { return glib_sys::GFALSE };
        let Some(user) = read(token, conversation, |open| open.user) else { return glib_sys::GFALSE };
        let focus = accounts::person(token, user, |person| person.focus).flatten();
        i32::from(focus == Some(conversation))
    })
}
