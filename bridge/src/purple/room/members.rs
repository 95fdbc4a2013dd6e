//! Who is in a room, and in what role: the list when it is shown, and every change; joining and leaving is `room.rs`'s.

use super::super::ffi::{borrowed, guard_on, list};
use super::super::token::OnPurple;
use super::super::{accounts, blist, conversation, outbox};
use super::powers::Affiliation;
use super::{affiliation, has_left};
use crate::event::EventKind;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{Conversation, Member};
use glib_sys::{GFALSE, GList, gboolean};
use purple_sys::{PurpleAccount, PurpleConvChatBuddy, PurpleConvChatBuddyFlags, PurpleConversation};
use std::ffi::c_char;

/// Fills in what only rooms have.
pub(in crate::purple) fn describe(
    token: OnPurple,
    purple: *mut PurpleConversation,
    account: AccountId,
    shown: &mut Conversation,
    members: bool,
) {
    // SAFETY: a live room; strings are copied.
    let (left, topic, nick) = unsafe {
        let chat = purple_sys::purple_conversation_get_chat_data(purple);
        (has_left(purple), borrowed(purple_sys::purple_conv_chat_get_topic(chat)), borrowed(purple_sys::purple_conv_chat_get_nick(chat)))
    };
    // SAFETY: a live account.
    let online = accounts::read(token, account, |entry| entry.purple)
        .is_some_and(|a| unsafe { purple_sys::purple_account_is_connected(a) != GFALSE });
    shown.joined = Some(!left && online);
    shown.topic = Some(topic.unwrap_or_default());
    let own = own_of(conversation::read(token, shown.id, |open| open.own_nick.clone()).flatten(), nick);
    if members {
        // Only now: a room is described again at each change, and there may be very many.
        // SAFETY: a live room, and the list's own members.
        let users = unsafe {
            list::<PurpleConvChatBuddy>(purple_sys::purple_conv_chat_get_users(purple_sys::purple_conversation_get_chat_data(purple)))
        };
        // SAFETY: as above.
        shown.members = Some(users.into_iter().filter_map(|user| unsafe { member(token, account, user, own.as_ref()) }).collect());
    }
    shown.nick = own.map(|(Own::Exactly(nick) | Own::Folded(nick))| nick);
}

/// Tells which of the members is the user.
pub(in crate::purple) fn settle_nick(token: OnPurple, id: ConversationId) {
    let Some(purple) = conversation::read(token, id, |open| open.purple) else { return };
    // SAFETY: an open room is live; the nick lives as long.
    unsafe {
        let Some((_, user, account, before)) = room_of(token, purple) else { return };
        let chat = purple_sys::purple_conversation_get_chat_data(purple);
        find_own_nick(token, id, account, purple);
        let Some((.., own)) = room_of(token, purple) else { return };
        // Also those who were taken for the user until now.
        let is_or_was = |one: &*mut PurpleConvChatBuddy| {
            borrowed((**one).name).is_some_and(|name| [&before, &own].into_iter().flatten().any(|own| own.is(token, account, &name)))
        };
        let users = list::<PurpleConvChatBuddy>(purple_sys::purple_conv_chat_get_users(chat));
        let changed = users.into_iter().filter(is_or_was).filter_map(|one| member(token, account, one, own.as_ref())).collect();
        tell(token, user, id, Changes { changed, ..NOTHING });
    }
    conversation::refresh(token, id);
}

/// Which of the names that libpurple takes for the user's is theirs: the one they asked for, else the one that came last, as a room tells the user's own.
///
/// # Safety
/// A live room of that account.
unsafe fn find_own_nick(token: OnPurple, id: ConversationId, account: AccountId, purple: *mut PurpleConversation) {
    // SAFETY: the caller's promise; strings are copied.
    let (nick, all) = unsafe {
        let chat = purple_sys::purple_conversation_get_chat_data(purple);
        let users = list::<PurpleConvChatBuddy>(purple_sys::purple_conv_chat_get_users(chat));
        (
            borrowed(purple_sys::purple_conv_chat_get_nick(chat)),
            users.into_iter().filter_map(|one| borrowed((*one).name)).collect::<Vec<_>>(),
        )
    };
    let (Some(nick), Some(raw)) = (nick, accounts::read(token, account, |entry| entry.purple)) else { return };
    let asked: Vec<String> = accounts::read(token, account, |entry| entry.rooms.get(&id).map(|form| form.values().cloned().collect()))
        .flatten()
        .unwrap_or_default();
    let is_nick = |name: &&String| **name == nick || conversation::normalize(token, raw, name) == nick;
    let candidates: Vec<String> = all.iter().filter(is_nick).cloned().collect();
    let own = candidates.iter().find(|name| asked.contains(name)).or(candidates.last()).cloned();
    // The nick that libpurple was given may be a name to show, under which nobody is in the room.
    let own = own.or_else(|| by_account(token, account, raw, &all));
    if own.is_some() {
        conversation::change(token, id, |open| open.own_nick = own);
    }
}

/// The member with the account's own user name. Where names are chosen freely, anybody may have taken it.
fn by_account(token: OnPurple, account: AccountId, raw: *mut PurpleAccount, names: &[String]) -> Option<String> {
    if super::nicks_are_chosen(token, account) {
        return None;
    }
    let own = accounts::read(token, account, |entry| entry.username.clone())?;
    let own = conversation::normalize(token, raw, &own);
    names.iter().find(|name| conversation::normalize(token, raw, name) == own).cloned()
}

/// Whether a line that libpurple gives as another's is the user's: it is by the member with the account's user name.
pub(in crate::purple) fn is_by_account(token: OnPurple, conversation: ConversationId, name: &str) -> bool {
    let known =
        conversation::read(token, conversation, |open| (open.own_nick.as_deref() == Some(name)).then_some((open.account, open.purple)));
    let Some((account, purple)) = known.flatten() else { return false };
    // SAFETY: an open room is live; the nick is copied.
    let nick = unsafe { borrowed(purple_sys::purple_conv_chat_get_nick(purple_sys::purple_conversation_get_chat_data(purple))) };
    let normal = accounts::read(token, account, |entry| entry.purple).map(|raw| conversation::normalize(token, raw, name));
    // Else libpurple would know by itself: the name was the user's once.
    !super::nicks_are_chosen(token, account) && nick.as_deref() != Some(name) && nick != normal
}

/// The user's own nick in a room.
enum Own {
    /// As the room writes it.
    Exactly(String),
    /// As libpurple keeps it, which folds case: "INES" would pass for "Ines". All there is until the room has told who is in.
    Folded(String),
}

impl Own {
    fn is(&self, token: OnPurple, account: AccountId, name: &str) -> bool {
        match self {
            Self::Exactly(own) => own == name,
            Self::Folded(own) => {
                let purple = accounts::read(token, account, |entry| entry.purple);
                own == name || purple.is_some_and(|purple| *own == conversation::normalize(token, purple, name))
            }
        }
    }
}

fn own_of(exactly: Option<String>, folded: Option<String>) -> Option<Own> {
    exactly.map(Own::Exactly).or(folded.map(Own::Folded))
}

/// # Safety
/// A live member.
unsafe fn member(token: OnPurple, account: AccountId, user: *const PurpleConvChatBuddy, own: Option<&Own>) -> Option<Member> {
    if user.is_null() {
        return None;
    }
    // SAFETY: not NULL and live; strings are copied.
    let (name, alias, flags, known) = unsafe { (borrowed((*user).name)?, borrowed((*user).alias), (*user).flags, (*user).buddy != GFALSE) };
    let has = |flag: PurpleConvChatBuddyFlags| flags.0 & flag.0 != 0;
    type F = PurpleConvChatBuddyFlags;
    let mut shown: Vec<String> = [
        (F::PURPLE_CBFLAGS_FOUNDER, "founder"),
        (F::PURPLE_CBFLAGS_OP, "operator"),
        (F::PURPLE_CBFLAGS_HALFOP, "half_operator"),
        (F::PURPLE_CBFLAGS_VOICE, "voice"),
        (F::PURPLE_CBFLAGS_TYPING, "typing"),
        (F::PURPLE_CBFLAGS_AWAY, "away"),
    ]
    .into_iter()
    .filter(|(flag, _)| has(*flag))
    .map(|(_, name)| name.to_owned())
    .collect();
    // SAFETY: not NULL and live.
    match unsafe { affiliation::of(user) } {
        Affiliation::Admin => shown.push("admin".to_owned()),
        Affiliation::Member => shown.push("member".to_owned()),
        Affiliation::Owner | Affiliation::None => {}
    }
    if own.is_some_and(|own| own.is(token, account, &name)) {
        shown.push("self".to_owned());
    }
    let buddy = if known { blist::find(token, account, &name) } else { None };
    Some(Member { alias: alias.filter(|alias| *alias != name && !alias.is_empty()), buddy, flags: shown, name })
}

/// What a members callback needs: the room, its user and account, and the own nick.
///
/// # Safety
/// A live conversation.
unsafe fn room_of(token: OnPurple, purple: *mut PurpleConversation) -> Option<(ConversationId, UserId, AccountId, Option<Own>)> {
    // SAFETY: the caller's promise.
    let (id, nick) = unsafe {
        (conversation::id(purple)?, borrowed(purple_sys::purple_conv_chat_get_nick(purple_sys::purple_conversation_get_chat_data(purple))))
    };
    let (user, account, own) = conversation::read(token, id, |open| (open.user, open.account, open.own_nick.clone()))?;
    Some((id, user, account, own_of(own, nick)))
}

struct Changes {
    joined: Vec<Member>,
    left: Vec<String>,
    changed: Vec<Member>,
    renamed: Vec<(String, String)>,
    initial: bool,
}

fn tell(token: OnPurple, user: UserId, conversation: ConversationId, changes: Changes) {
    let Changes { joined, left, changed, renamed, initial } = changes;
    if joined.is_empty() && left.is_empty() && changed.is_empty() {
        return;
    }
    outbox::emit(token, user, EventKind::RoomMembers { conversation, joined, left, changed, renamed, initial });
}

const NOTHING: Changes = Changes { joined: Vec::new(), left: Vec::new(), changed: Vec::new(), renamed: Vec::new(), initial: false };

pub(in crate::purple) unsafe extern "C" fn on_add_users(purple: *mut PurpleConversation, users: *mut GList, new_arrivals: gboolean) {
    guard_on("chat_add_users", (), |token| {
        // SAFETY: libpurple gives a live room and a list of live members.
        unsafe {
            let Some((id, user, account, nick)) = room_of(token, purple) else { return };
            // Jabber names those who were there before one by one: only the first of them begin the list.
            let all = purple_sys::purple_conv_chat_get_users(purple_sys::purple_conversation_get_chat_data(purple));
            let first = glib_sys::g_list_nth(all, glib_sys::g_list_length(users)).is_null();
            let users = list::<PurpleConvChatBuddy>(users);
            users.iter().filter(|one| !one.is_null()).for_each(|one| affiliation::came(id, *one));
            let joined: Vec<Member> = users.into_iter().filter_map(|one| member(token, account, one, nick.as_ref())).collect();
            let unsettled = conversation::read(token, id, |open| open.own_nick.is_none()).unwrap_or(false);
            let own = |username: &str| joined.iter().any(|one| one.name == username);
            if unsettled && accounts::read(token, account, |entry| own(&entry.username)).unwrap_or(false) {
                crate::purple::timers::soon(token, Some(account), move |token| settle_nick(token, id));
            }
            tell(token, user, id, Changes { joined, initial: new_arrivals == GFALSE && first, ..NOTHING });
        }
    });
}

pub(in crate::purple) unsafe extern "C" fn on_remove_users(purple: *mut PurpleConversation, users: *mut GList) {
    guard_on("chat_remove_users", (), |token| {
        // SAFETY: libpurple gives a live room and a list of C strings.
        unsafe {
            let Some((id, user, ..)) = room_of(token, purple) else { return };
            let left: Vec<String> = list::<c_char>(users).into_iter().filter_map(|name| borrowed(name)).collect();
            conversation::corrections::left(token, id, &left);
            tell(token, user, id, Changes { left, ..NOTHING });
        }
    });
}

pub(in crate::purple) unsafe extern "C" fn on_rename_user(
    purple: *mut PurpleConversation,
    old: *const c_char,
    new: *const c_char,
    _: *const c_char,
) {
    guard_on("chat_rename_user", (), |token| {
        // SAFETY: libpurple gives a live room and C strings; the new member is in the room already.
        unsafe {
            let Some((id, user, account, nick)) = room_of(token, purple) else { return };
            let (Some(old), Some(name)) = (borrowed(old), borrowed(new)) else { return };
            conversation::corrections::left(token, id, std::slice::from_ref(&old));
            conversation::change(token, id, |open| {
                if open.own_nick.as_ref() == Some(&old) {
                    open.own_nick = Some(name.clone());
                }
            });
            let nick = conversation::read(token, id, |open| open.own_nick.clone()).flatten().map(Own::Exactly).or(nick);
            let found = purple_sys::purple_conv_chat_cb_find(purple_sys::purple_conversation_get_chat_data(purple), new);
            let fallback = || Member { name: name.clone(), alias: None, buddy: None, flags: Vec::new() };
            let joined = vec![member(token, account, found, nick.as_ref()).unwrap_or_else(fallback)];
            tell(token, user, id, Changes { joined, left: vec![old.clone()], renamed: vec![(old, name)], ..NOTHING });
            // The own nick may be the one that changed.
            conversation::refresh(token, id);
        }
    });
}

pub(in crate::purple) unsafe extern "C" fn on_update_user(purple: *mut PurpleConversation, name: *const c_char) {
    guard_on("chat_update_user", (), |token| {
        // SAFETY: libpurple gives a live room and a C string.
        unsafe {
            let Some((id, user, account, nick)) = room_of(token, purple) else { return };
            let found = purple_sys::purple_conv_chat_cb_find(purple_sys::purple_conversation_get_chat_data(purple), name);
            let changed = member(token, account, found, nick.as_ref()).into_iter().collect();
            tell(token, user, id, Changes { changed, ..NOTHING });
        }
    });
}
