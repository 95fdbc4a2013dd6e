//! What only rooms have: joining and joining again, members, topic, nick, invitations; their lines are `conversation.rs`'s.

mod act;
mod affiliation;
mod ask;
mod bans;
mod form;
mod members;
mod powers;
mod refused;

pub(super) use act::{act, menu};
pub(super) use ask::{QUESTION, answered, awaits, heard};
pub(super) use members::{describe, is_by_account, on_add_users, on_remove_users, on_rename_user, on_update_user, settle_nick};
pub(super) use refused::{by_line, hold};

use form::{check, components, strings, with_defaults};

use super::accounts;
use super::conversation::{self, Ended};
use super::ffi::{borrowed, owned};
use super::outgoing::{Html, Line, Name};
use super::token::OnPurple;
use super::{outbox, outgoing, owner};
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{ConversationKind, MemberAddress};
use glib_sys::{GFALSE, GHashTable};
use purple_sys::{PurpleConnection, PurpleConversation, PurplePluginProtocolInfo};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// A join that the network has not answered yet.
struct Joining {
    account: AccountId,
    conversation: ConversationId,
    user: UserId,
    origin: Option<Origin>,
    /// The network has said no.
    refused: bool,
}

thread_local! {
    static JOINING: RefCell<Vec<Joining>> = const { RefCell::new(Vec::new()) };
}

/// # Safety
/// A live connection.
unsafe fn protocol(gc: *mut PurpleConnection) -> *const PurplePluginProtocolInfo {
    // SAFETY: the caller's promise; a protocol plugin's `extra_info` is its protocol info.
    unsafe { (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>() }
}

/// `room.join`: ends when the network says that the user is in, or is not.
pub(super) fn join(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    fields: BTreeMap<String, String>,
    only_open: bool,
) -> Result<Ended, CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let gc = conversation::connected(token, account)?;
    let given: Vec<String> = fields.keys().cloned().collect();
    let fields = with_defaults(gc, fields);
    check(gc, &fields, &given, outgoing::is_irc(token, account))?;
    let table = components(&fields);
    // SAFETY: a live connection; the name is ours to free.
    let name = unsafe { (*protocol(gc)).get_chat_name.and_then(|name| owned(name(table))) };
    let name = name.map(|name| conversation::normalize(token, purple, &name));
    let id = name.map(|name| ConversationId::of(account, ConversationKind::Room, &name));
    if only_open && id.is_none_or(|id| conversation::read(token, id, |_| ()).is_none()) {
        // SAFETY: our own table.
        unsafe { glib_sys::g_hash_table_destroy(table) };
        return Err(conversation::no_room());
    }
    if let Some(id) = id {
        // SAFETY: an open conversation is live.
        let inside = conversation::read(token, id, |open| open.purple).is_some_and(|purple| unsafe { !has_left(purple) });
        if inside {
            // SAFETY: our own table.
            unsafe { glib_sys::g_hash_table_destroy(table) };
            conversation::announce(token, id);
            return Ok(Ended::Now(Some(Outcome::Conversation(id))));
        }
        keep(token, account, id, Some(fields.clone()));
        let joining = Joining { account, conversation: id, user, origin: outbox::cause(user), refused: false };
        let under_way = JOINING.with_borrow_mut(|all| {
            let under_way = all.iter().any(|other| other.conversation == id);
            all.push(joining);
            under_way
        });
        if under_way {
            // SAFETY: our own table.
            unsafe { glib_sys::g_hash_table_destroy(table) };
            watch_join(token, account, id, Repeats::of(token, account));
            return Ok(Ended::Later);
        }
    }
    // SAFETY: our own table.
    unsafe { glib_sys::g_hash_table_destroy(table) };
    ask_in(account, gc, &fields);
    match id {
        Some(id) => {
            watch_join(token, account, id, Repeats::of(token, account));
            Ok(Ended::Later)
        }
        None => Ok(Ended::Now(None)),
    }
}

/// Asks the network to let the user in.
fn ask_in(account: AccountId, gc: *mut PurpleConnection, fields: &BTreeMap<String, String>) {
    let table = components(fields);
    // SAFETY: a live connection; the plugin copies what it keeps.
    owner::with(Some(account), || unsafe {
        purple_sys::serv_join_chat(gc, table);
        glib_sys::g_hash_table_destroy(table);
    });
}

/// How often a join that nobody answers is asked again, and how long an answer may take.
#[derive(Clone, Copy)]
struct Repeats {
    left: u32,
    /// A room that did not answer is not joined again at the next sign-on.
    forgets: bool,
    patience: Duration,
}

impl Repeats {
    fn of(token: OnPurple, account: AccountId) -> Self {
        // libjabber's `jabber_chat_join` ignores a join while the leaving of the same room is under way. Other plugins make a second room of it.
        if accounts::read(token, account, |entry| entry.protocol == "prpl-jabber").unwrap_or(false) {
            Self { left: 7, forgets: true, patience: Duration::from_secs(3) }
        } else {
            Self { left: 0, forgets: false, patience: Duration::from_secs(60) }
        }
    }
}

/// A join that nobody answers is asked again where it may have been lost. At last it fails; a room that opens later is open all the same.
fn watch_join(token: OnPurple, account: AccountId, id: ConversationId, repeats: Repeats) {
    let again = super::timers::after(token, repeats.patience, Some(account), move |token| {
        let waiting = JOINING.with_borrow(|all| all.iter().any(|joining| joining.conversation == id));
        let fields = accounts::read(token, account, |entry| entry.rooms.get(&id).cloned()).flatten();
        let (true, Some(fields)) = (waiting, fields) else { return };
        match conversation::connected(token, account) {
            Ok(gc) if repeats.left > 0 => {
                ask_in(account, gc, &fields);
                watch_join(token, account, id, Repeats { left: repeats.left - 1, ..repeats });
            }
            _ => {
                if repeats.forgets {
                    keep(token, account, id, None);
                }
                let failed = take_joining(|joining| joining.conversation == id);
                tell_failed(token, failed, &CommandError::new("timeout", "The room did not answer. Try again later."));
            }
        }
    });
    // Dropping the timer would stop it; it looks by itself whether the join still waits.
    std::mem::forget(again);
}

/// # Safety
/// A live room.
pub(super) unsafe fn has_left(purple: *mut PurpleConversation) -> bool {
    // SAFETY: the caller's promise.
    unsafe { purple_sys::purple_conv_chat_has_left(purple_sys::purple_conversation_get_chat_data(purple)) != GFALSE }
}

/// Keeps a room to be joined again, or no longer, and tells whoever may have to do it elsewhere.
pub(super) fn keep(token: OnPurple, account: AccountId, id: ConversationId, fields: Option<BTreeMap<String, String>>) {
    let told = accounts::change(token, account, |entry| {
        let before = match &fields {
            Some(fields) => entry.rooms.insert(id, fields.clone()),
            None => entry.rooms.remove(&id),
        };
        (before != fields).then_some(entry.user)
    });
    if let Some(Some(user)) = told {
        outbox::emit_caused(token, user, None, EventKind::RoomRemembered { conversation: id, account, fields });
    }
}

/// After a sign-on: back into the rooms the user was in.
pub(super) fn rejoin(token: OnPurple, account: AccountId) {
    let known = accounts::read(token, account, |entry| (entry.user, entry.rooms.clone()));
    let Some((user, rooms)) = known else { return };
    for (id, fields) in rooms {
        let Ok(gc) = conversation::connected(token, account) else { return };
        // A user's join of the same room waits for the answer to this one.
        JOINING.with_borrow_mut(|all| all.push(Joining { account, conversation: id, user, origin: None, refused: false }));
        ask_in(account, gc, &fields);
    }
    let over = super::timers::after(token, Duration::from_secs(60), Some(account), move |_| {
        take_joining(|joining| joining.account == account && joining.origin.is_none());
    });
    // Dropping the timer would stop it.
    std::mem::forget(over);
}

/// The network let the user in (signal `chat-joined`).
pub(super) fn joined(token: OnPurple, conversation: ConversationId) {
    conversation::announce(token, conversation);
    let account = conversation::read(token, conversation, |open| open.account);
    remember(token, conversation);
    // Protocols set the own nick only after they have added the members.
    super::timers::soon(token, account, move |token| members::settle_nick(token, conversation));
    for joining in take_joining(|joining| joining.conversation == conversation) {
        if joining.origin.is_some() {
            let result = Some(Outcome::Conversation(conversation));
            outbox::emit_caused(token, joining.user, joining.origin, EventKind::CommandDone { result });
        }
    }
}

/// A room entered by invitation or slash command is joined again after a reconnect, too.
fn remember(token: OnPurple, id: ConversationId) {
    let Some((purple, account)) = conversation::read(token, id, |open| (open.purple, open.account)) else { return };
    let known = accounts::read(token, account, |entry| entry.rooms.contains_key(&id)).unwrap_or(true);
    let (false, Ok(gc)) = (known, conversation::connected(token, account)) else { return };
    // SAFETY: a live room and connection; the table is ours to free, its texts are copied.
    let fields = unsafe {
        let Some(defaults) = (*protocol(gc)).chat_info_defaults else { return };
        strings(defaults(gc, purple_sys::purple_conversation_get_name(purple)))
    };
    keep(token, account, id, Some(fields));
}

/// The user is out of a room: by their own doing, or thrown out. Not when its account merely loses the connection.
pub(super) fn left(token: OnPurple, id: ConversationId) {
    let Some((purple, account)) = conversation::read(token, id, |open| (open.purple, open.account)) else { return };
    // SAFETY: a live room has a live account.
    let really =
        unsafe { has_left(purple) && (*(*purple).account).disconnecting == GFALSE } && conversation::connected(token, account).is_ok();
    if really {
        conversation::fail_unreflected(token, id);
        if nicks_are_chosen(token, account) {
            keep(token, account, id, None);
        } else {
            forget_later(token, account, id);
        }
    }
}

/// Whether people choose their names in rooms freely, and rooms have no connection of their own: XMPP and IRC. Elsewhere a member's name is
/// that of their account, and a room may end some time before its account's connection does.
pub(super) fn nicks_are_chosen(token: OnPurple, account: AccountId) -> bool {
    accounts::read(token, account, |entry| matches!(entry.protocol.as_str(), "prpl-jabber" | "prpl-irc")).unwrap_or(true)
}

/// A room that ended by itself is joined again only when the account's own connection ends soon.
fn forget_later(token: OnPurple, account: AccountId, id: ConversationId) {
    /// As long as a connection without a sign of life is taken for alive.
    const GRACE: Duration = Duration::from_secs(180);
    let sign_ons = accounts::read(token, account, |entry| entry.sign_on.times);
    let later = super::timers::after(token, GRACE, Some(account), move |token| {
        let same =
            accounts::read(token, account, |entry| entry.sign_on.times) == sign_ons && conversation::connected(token, account).is_ok();
        // SAFETY: an open room is live.
        let out = conversation::read(token, id, |open| open.purple).is_none_or(|purple| unsafe { has_left(purple) });
        if same && out {
            keep(token, account, id, None);
        }
    });
    // Dropping the timer would stop it; it looks by itself whether the room is still to be forgotten.
    std::mem::forget(later);
}

/// The network did not (signal `chat-join-failed`).
pub(super) fn join_failed(
    token: OnPurple,
    account: AccountId,
    purple: *const purple_sys::PurpleAccount,
    gc: *mut PurpleConnection,
    table: *mut GHashTable,
) {
    // SAFETY: libpurple gives a live connection and table; the name is ours to free.
    let name = unsafe { if table.is_null() { None } else { (*protocol(gc)).get_chat_name.and_then(|name| owned(name(table))) } };
    let id = name.map(|name| ConversationId::of(account, ConversationKind::Room, &conversation::normalize(token, purple, &name)));
    if let Some(id) = id {
        keep(token, account, id, None);
    }
    refused::mark(token, account, id);
}

/// Listens to plugins, where they are. After they were loaded.
pub(super) fn listen(token: OnPurple) {
    affiliation::listen(token);
}

/// The account went offline: joins under way, and other questions to rooms, have failed.
pub(super) fn joins_failed(token: OnPurple, account: AccountId) {
    ask::lost(token, account);
    let failed = take_joining(|joining| joining.account == account);
    let message = "The connection ended before the room answered. It is joined when the account is back.";
    tell_failed(token, failed, &CommandError::new("not_connected", message));
}

fn take_joining(which: impl Fn(&Joining) -> bool) -> Vec<Joining> {
    JOINING.with_borrow_mut(|all| {
        let (taken, kept) = std::mem::take(all).into_iter().partition(|joining| which(joining));
        *all = kept;
        taken
    })
}

fn tell_failed(token: OnPurple, failed: Vec<Joining>, error: &CommandError) {
    for joining in failed.into_iter().filter(|joining| joining.origin.is_some()) {
        outbox::emit_caused(token, joining.user, joining.origin, EventKind::CommandFailed { error: error.clone() });
    }
}

/// A room of the user that they are in.
fn inside(
    token: OnPurple,
    user: UserId,
    id: ConversationId,
) -> Result<(*mut PurpleConversation, AccountId, *mut PurpleConnection, i32), CommandError> {
    let (purple, account) = conversation::live(token, user, id)?;
    let gc = conversation::connected(token, account)?;
    let room = conversation::read(token, id, |open| open.kind == ConversationKind::Room).unwrap_or(false);
    // SAFETY: a live room.
    if !room || unsafe { has_left(purple) } {
        return Err(CommandError::new("not_in_room", "You are not in this room. Join it first.").at("conversation"));
    }
    // SAFETY: a live room.
    let number = unsafe { purple_sys::purple_conv_chat_get_id(purple_sys::purple_conversation_get_chat_data(purple)) };
    Ok((purple, account, gc, number))
}

/// `room.leave`: out, and the conversation stays to be read.
pub(super) fn leave(token: OnPurple, user: UserId, id: ConversationId) -> Result<(), CommandError> {
    let account = match conversation::pointer(token, user, id) {
        Ok((_, account)) => account,
        Err(error) => accounts::awaiting(token, user, id).ok_or(error)?,
    };
    keep(token, account, id, None);
    let Ok((purple, account, gc, number)) = inside(token, user, id) else { return Ok(()) };
    owner::with(Some(account), || {
        // SAFETY: a live connection and a room of it.
        unsafe { purple_sys::serv_chat_leave(gc, number) };
        // SAFETY: leaving does not destroy it.
        let still = conversation::read(token, id, |_| ()).is_some() && unsafe { !has_left(purple) };
        if still {
            // SAFETY: as above; plugins that say nothing themselves.
            unsafe { purple_sys::serv_got_chat_left(gc, number) };
        }
    });
    conversation::fail_unreflected(token, id);
    Ok(())
}

/// `room.invite`
pub(super) fn invite(token: OnPurple, user: UserId, id: ConversationId, name: &str, message: &str) -> Result<(), CommandError> {
    let (_, account, gc, number) = inside(token, user, id)?;
    let (name, message) = (Name::on(token, account, name, "bad_name", "name")?, Line::of(message));
    // SAFETY: a live connection and C strings.
    owner::with(Some(account), || unsafe { purple_sys::serv_chat_invite(gc, number, message.as_ptr(), name.as_ptr()) });
    Ok(())
}

/// `room.member`: by what name the network knows somebody in a room. Where its plugin says nothing about that, the nick is the name.
pub(super) fn address(token: OnPurple, user: UserId, id: ConversationId, nick: &str) -> Result<MemberAddress, CommandError> {
    let (purple, account, gc, number) = inside(token, user, id)?;
    let name = Name::on(token, account, nick, "bad_name", "member")?;
    // SAFETY: a live room and a C string; its name is copied.
    let (there, room) = unsafe {
        let chat = purple_sys::purple_conversation_get_chat_data(purple);
        let there = purple_sys::purple_conv_chat_find_user(chat, name.as_ptr()) != GFALSE;
        (there, borrowed(purple_sys::purple_conversation_get_name(purple)).unwrap_or_default())
    };
    if !there {
        return Err(CommandError::new("no_such_member", "They are not in this room (any more).").at("member"));
    }
    // SAFETY: a live connection, a room of it, a C string; the answer is ours to free.
    let told =
        owner::with(Some(account), || unsafe { (*protocol(gc)).get_cb_real_name.and_then(|real| owned(real(gc, number, name.as_ptr()))) });
    // Without the device that the person is in the room with.
    // SAFETY: a live room has a live account.
    let told = told.filter(|told| !told.is_empty()).map(|told| conversation::normalize(token, unsafe { (*purple).account }, &told));
    Ok(match told {
        // A name below the room's own is theirs in the room alone.
        Some(address) => MemberAddress { real: !address.strip_prefix(&room).is_some_and(|rest| rest.starts_with('/')), address },
        None => MemberAddress { address: nick.trim().to_owned(), real: true },
    })
}

/// `room.topic`
pub(super) fn set_topic(token: OnPurple, user: UserId, id: ConversationId, topic: &str) -> Result<(), CommandError> {
    let (_, account, gc, number) = inside(token, user, id)?;
    // SAFETY: a live connection.
    let Some(set) = (unsafe { (*protocol(gc)).set_chat_topic }) else {
        return Err(CommandError::new("not_supported", "This network's rooms have no topic to set."));
    };
    let topic = Line::of(topic);
    // SAFETY: a live connection, a room of it, a C string.
    owner::with(Some(account), || unsafe { set(gc, number, topic.as_ptr()) });
    Ok(())
}

/// `room.nick`: by the protocol's own slash command, which is the one way that all of them have.
pub(super) fn set_nick(token: OnPurple, user: UserId, id: ConversationId, nick: &str) -> Result<(), CommandError> {
    let (purple, account, ..) = inside(token, user, id)?;
    Name::on(token, account, nick, "bad_nick", "nick")?;
    match conversation::send_command(purple, account, "nick", nick.trim(), Html::of_prose(nick.trim()).text()) {
        Err(error) if error.code == conversation::UNKNOWN => {
            Err(CommandError::new("not_supported", "Nicks cannot be changed on this network."))
        }
        result => result,
    }
}
