//! The buddy list: libpurple's global one, told to each owner in parts of a turn; groups are never renamed or removed in libpurple (hazard 3).

mod edit;
mod known;

pub(super) use edit::{add, move_to, remove, remove_group, rename_group, restore, set_alias};

use super::accounts;
use super::connection::Phase;
use super::ffi::{borrowed, c_string, guard_on, owned, slist};
use super::token::OnPurple;
use super::{conversation, icon, notify, outbox, privacy, status};
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, BuddyId, UserId};
use crate::model::{Buddy, StatusKind};
use crate::time::Timestamp;
use known::{Blist, Known, MOST_BUDDIES, MOST_GROUPS};
use purple_sys::{
    PurpleAccount, PurpleBlistNode, PurpleBlistNodeFlags, PurpleBlistNodeType, PurpleBlistUiOps, PurpleBuddy, PurpleBuddyList,
    PurplePluginProtocolInfo,
};
use std::cell::RefCell;
use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};

thread_local! {
    static BLIST: RefCell<Blist> = RefCell::default();
}

/// Buddies in one event.
const A_BATCH: usize = 500;
/// Registers with libpurple.
pub(super) fn install(token: OnPurple) {
    static OPS: super::Ops<PurpleBlistUiOps> = super::Ops(PurpleBlistUiOps {
        new_list: None,
        new_node: None,
        show: None,
        update: Some(on_update),
        remove: Some(on_remove),
        destroy: None,
        set_visible: None,
        request_add_buddy: None,
        request_add_chat: None,
        request_add_group: None,
        // All three, or blist.xml is written. `remove_node` is called only for what is gone for good.
        save_node: Some(on_save_node),
        remove_node: Some(on_remove_node),
        save_account: Some(on_save_account),
        _purple_reserved1: None,
    });
    // SAFETY: libpurple only reads the ops, which are static. An empty list instead of purple_blist_load keeps blist.xml from being read.
    unsafe {
        purple_sys::purple_blist_set_ui_ops(OPS.pointer());
        purple_sys::purple_set_blist(purple_sys::purple_blist_new());
    }
    super::signals::connect_buddies(token);
}

/// Whether only a walk over the whole list finds all that is the account's: its chats, and of two buddies of a name in one group the one that
/// libpurple's own look-up gives no more.
pub(super) fn needs_walk(account: *mut PurpleAccount) -> bool {
    BLIST.with_borrow(|blist| blist.hiding.contains(&account))
}

/// How many buddies there are.
pub(super) fn count(_: OnPurple) -> usize {
    BLIST.with_borrow(|blist| blist.known.len())
}

/// # Safety
/// `node` is a live node.
unsafe fn as_buddy(node: *mut PurpleBlistNode) -> Option<*mut PurpleBuddy> {
    // SAFETY: the caller's promise. A node that is not to be saved is libpurple's own stand-in for a stranger.
    let (kind, flags) = unsafe { (purple_sys::purple_blist_node_get_type(node), purple_sys::purple_blist_node_get_flags(node)) };
    let temporary = flags.0 & PurpleBlistNodeFlags::PURPLE_BLIST_NODE_FLAG_NO_SAVE.0 != 0;
    (kind == PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE && !temporary).then_some(node.cast::<PurpleBuddy>())
}

/// # Safety
/// A live buddy.
unsafe fn group_name(buddy: *mut PurpleBuddy) -> Option<String> {
    // SAFETY: the caller's promise; a buddy without a group is not on the list.
    unsafe {
        let group = purple_sys::purple_buddy_get_group(buddy);
        if group.is_null() { None } else { borrowed(purple_sys::purple_group_get_name(group)) }
    }
}

/// Something of a buddy changed, or it is new: told at the end of the turn.
///
/// # Safety
/// A live buddy.
pub(super) unsafe fn touch(token: OnPurple, buddy: *mut PurpleBuddy) {
    // SAFETY: the caller's promise; its account lives at least as long.
    let (owner, group, name, raw, place) = unsafe {
        let raw = purple_sys::purple_buddy_get_account(buddy);
        let name = borrowed(purple_sys::purple_buddy_get_name(buddy));
        if as_buddy(buddy.cast::<PurpleBlistNode>()).is_none() {
            return;
        }
        (accounts::owner(token, raw), group_name(buddy), name, raw, purple_sys::purple_buddy_get_group(buddy).addr())
    };
    let (Some((user, account)), Some(group), Some(name)) = (owner, group, name) else { return };
    let id = BuddyId::of(account, &group, &conversation::normalize(token, raw, &name));
    let cause = outbox::cause(user);
    BLIST.with_borrow_mut(|blist| {
        // SAFETY: a live node; `ui_data` is for the front end alone.
        let before = BuddyId(unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data } as u64);
        if before != id && blist.known.get(&before).is_some_and(|known| known.purple == buddy) {
            blist.take(before);
            blist.gone.push((user, account, before));
        }
        // SAFETY: as above.
        unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data = id.0 as *mut c_void };
        if let Some(known) = blist.known.get_mut(&id) {
            if known.purple != buddy {
                // The one before is still there, or it would not be known.
                blist.hiding.insert(raw);
            }
            known.purple = buddy;
        } else if blist.has_room(account, place) {
            blist.add(id, Known { user, account, purple: buddy, group: place, told: None, picture: None });
        } else {
            blist.surplus.insert((account, buddy.expose_provenance()));
            return;
        }
        blist.touched.push((id, cause));
    });
}

/// The picture is another one, wherever libpurple keeps it.
///
/// # Safety
/// A live buddy.
pub(super) unsafe fn picture_changed(_: OnPurple, buddy: *mut PurpleBuddy) {
    // SAFETY: the caller's promise; `ui_data` is ours.
    let id = BuddyId(unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data } as u64);
    BLIST.with_borrow_mut(|blist| {
        if let Some(known) = blist.known.get_mut(&id) {
            known.picture = None;
        }
    });
}

/// The end of a turn: tells what changed, in as few events as can be.
pub(super) fn flush(token: OnPurple) {
    drop_surplus(token);
    let (touched, gone) = BLIST.with_borrow_mut(|blist| (std::mem::take(&mut blist.touched), std::mem::take(&mut blist.gone)));
    if touched.is_empty() && gone.is_empty() {
        return;
    }
    tell_gone(token, gone);
    let mut fresh: Vec<(UserId, Option<Origin>, Vec<Buddy>)> = Vec::new();
    for (id, origin) in touched {
        let Some((user, account, purple)) =
            BLIST.with_borrow(|blist| blist.known.get(&id).map(|known| (known.user, known.account, known.purple)))
        else {
            continue;
        };
        // SAFETY: a known buddy is on libpurple's list, so it lives.
        let Some(shown) = (unsafe { describe(token, user, account, id, purple) }) else { continue };
        let hash = fingerprint(&shown);
        let before = BLIST.with_borrow_mut(|blist| blist.known.get_mut(&id).map(|known| known.told.replace(hash))).flatten();
        match before {
            Some(before) if before == hash => {}
            Some(_) => outbox::emit_caused(token, user, origin, EventKind::BuddyUpdated(shown)),
            None => match fresh.iter_mut().rev().find(|(whose, cause, some)| *whose == user && *cause == origin && some.len() < A_BATCH) {
                Some((.., some)) => some.push(shown),
                None => fresh.push((user, origin, vec![shown])),
            },
        }
    }
    for (user, origin, buddies) in fresh {
        outbox::emit_caused(token, user, origin, EventKind::BuddiesAdded(buddies));
    }
}

/// Takes off libpurple's list what was too much, and says so once for each account.
fn drop_surplus(token: OnPurple) {
    while let Some((account, buddy)) = BLIST.with_borrow_mut(|blist| blist.surplus.pop_first()) {
        // SAFETY: on the list since it was noted: `on_remove_node` takes out what goes.
        unsafe { purple_sys::purple_blist_remove_buddy(std::ptr::with_exposed_provenance_mut(buddy)) };
        let first = BLIST.with_borrow_mut(|blist| !std::mem::replace(&mut blist.of_account.entry(account).or_default().full, true));
        if first {
            let text = format!("Only {MOST_BUDDIES} people in {MOST_GROUPS} groups are shown; the network keeps the others.");
            notify::tell(token, account, "This account's list is too long", &text);
        }
    }
}

/// The list of this account cannot take one more.
fn full() -> CommandError {
    CommandError::new("limit", format!("An account can have {MOST_BUDDIES} people in {MOST_GROUPS} groups here. Remove some first."))
}

fn tell_gone(token: OnPurple, gone: Vec<(UserId, AccountId, BuddyId)>) {
    let mut told: Vec<(UserId, AccountId, Vec<BuddyId>)> = Vec::new();
    for (user, account, buddy) in gone {
        match told.iter_mut().rev().find(|(_, whose, some)| *whose == account && some.len() < A_BATCH) {
            Some((.., some)) => some.push(buddy),
            None => told.push((user, account, vec![buddy])),
        }
    }
    for (user, account, buddies) in told {
        outbox::emit(token, user, EventKind::BuddiesRemoved { account, buddies });
    }
}

fn fingerprint(buddy: &Buddy) -> u64 {
    let mut hash = DefaultHasher::new();
    (&buddy.name, &buddy.alias, &buddy.server_alias, &buddy.group, &buddy.contact, buddy.status).hash(&mut hash);
    (&buddy.status_message, buddy.idle_since, &buddy.icon, buddy.blocked, &buddy.features).hash(&mut hash);
    hash.finish()
}

/// The status text as HTML by the protocol's own word: only it knows whether the attribute is HTML (AIM) or plain (XMPP).
///
/// # Safety
/// A live buddy of an account that is connected.
unsafe fn status_html(purple: *mut PurpleBuddy) -> Option<String> {
    // SAFETY: the caller's promise: a connection has its protocol, and the text is made for us.
    unsafe {
        let gc = purple_sys::purple_account_get_connection(purple_sys::purple_buddy_get_account(purple));
        if gc.is_null() {
            return None;
        }
        let info = (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>();
        let text = (*info).status_text?;
        owned(text(purple))
    }
}

/// # Safety
/// A live buddy of that account.
unsafe fn describe(token: OnPurple, user: UserId, account: AccountId, id: BuddyId, purple: *mut PurpleBuddy) -> Option<Buddy> {
    let online = accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Online { .. }))?;
    // SAFETY: the caller's promise; strings are copied.
    unsafe {
        let name = borrowed(purple_sys::purple_buddy_get_name(purple))?;
        let group = group_name(purple)?;
        let presence = purple_sys::purple_buddy_get_presence(purple);
        let active = purple_sys::purple_presence_get_active_status(presence);
        let mut kind = StatusKind::Offline;
        let mut message = None;
        let mut idle_since = None;
        if online && !active.is_null() {
            kind = status::from_primitive(purple_sys::purple_status_type_get_primitive(purple_sys::purple_status_get_type(active)))
                .unwrap_or_default();
            message = status_html(purple).or_else(|| borrowed(purple_sys::purple_status_get_attr_string(active, c"message".as_ptr())));
            if purple_sys::purple_presence_is_idle(presence) != glib_sys::GFALSE {
                let since = purple_sys::purple_presence_get_idle_time(presence);
                idle_since = Timestamp::from_seconds(since);
            }
        }
        let message = message.and_then(|html| owned(purple_sys::purple_markup_strip_html(c_string(&html).as_ptr())));
        Some(Buddy {
            id,
            account,
            alias: borrowed(purple_sys::purple_buddy_get_local_buddy_alias(purple)).unwrap_or_default(),
            server_alias: borrowed(purple_sys::purple_buddy_get_server_alias(purple)).filter(|alias| !alias.is_empty()),
            group,
            contact: id.to_string(),
            status: kind,
            status_message: message.filter(|text| !text.trim().is_empty()),
            idle_since,
            icon: picture(token, user, id, purple),
            blocked: privacy::is_blocked(token, account, &name),
            features: Vec::new(),
            name,
        })
    }
}

/// The hash of the buddy's picture, which is sent ahead when it is another one than before.
///
/// # Safety
/// A live buddy.
unsafe fn picture(token: OnPurple, user: UserId, id: BuddyId, purple: *mut PurpleBuddy) -> Option<String> {
    let before = BLIST.with_borrow(|blist| blist.known.get(&id).and_then(|known| known.picture.clone()));
    let now = icon::of_buddy(token, user, purple, before.as_ref());
    let hash = now.as_ref().map(|seen| seen.hash.clone());
    BLIST.with_borrow_mut(|blist| {
        if let Some(known) = blist.known.get_mut(&id) {
            known.picture = now;
        }
    });
    hash
}

/// The buddy of that name, when there is one.
pub(super) fn find(token: OnPurple, account: AccountId, name: &str) -> Option<BuddyId> {
    let purple = accounts::read(token, account, |entry| entry.purple)?;
    let name = c_string(name);
    // SAFETY: a live account and a C string.
    let buddy = unsafe { purple_sys::purple_find_buddy(purple, name.as_ptr()) };
    if buddy.is_null() {
        return None;
    }
    // SAFETY: a live node.
    let id = BuddyId(unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data } as u64);
    BLIST.with_borrow(|blist| blist.known.contains_key(&id)).then_some(id)
}

/// libpurple's object, if the buddy is `user`'s.
pub(super) fn pointer(_: OnPurple, user: UserId, buddy: BuddyId) -> Result<(*mut PurpleBuddy, AccountId), CommandError> {
    BLIST
        .with_borrow(|blist| blist.known.get(&buddy).filter(|known| known.user == user).map(|known| (known.purple, known.account)))
        .ok_or_else(|| CommandError::new("no_such_buddy", "This buddy is not on the list (any more).").at("buddy"))
}

/// The account went offline: its buddies stay, and are offline.
pub(super) fn account_went(_: OnPurple, account: AccountId) {
    BLIST.with_borrow_mut(|blist| {
        let theirs = blist.of(account);
        blist.touched.extend(theirs.into_iter().map(|id| (id, None)));
    });
}

/// The account is disabled: its buddies are taken off the user's list until it is back.
pub(super) fn hide(token: OnPurple, account: AccountId) {
    let Some(user) = accounts::user(token, account) else { return };
    BLIST.with_borrow_mut(|blist| {
        for id in blist.of(account) {
            if blist.known.get_mut(&id).and_then(|known| known.told.take()).is_some() {
                blist.gone.push((user, account, id));
            }
        }
        let theirs = blist.of_account.get(&account);
        blist.touched.retain(|(id, _)| theirs.is_none_or(|theirs| !theirs.ids.contains(id)));
    });
}

/// The account is about to be freed: its nodes go without a word.
pub(super) fn forget(token: OnPurple, account: AccountId) {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return };
    BLIST.with_borrow_mut(|blist| blist.ending = Some(account));
    // SAFETY: a live account; the list is ours to free, its buddies are freed one by one.
    unsafe {
        let found = purple_sys::purple_find_buddies(purple, std::ptr::null());
        for buddy in slist::<PurpleBuddy>(found) {
            purple_sys::purple_blist_remove_buddy(buddy);
        }
        glib_sys::g_slist_free(found);
        remove_leftovers(purple);
    }
    BLIST.with_borrow_mut(|blist| {
        blist.ending = None;
        blist.hiding.remove(&purple);
        for id in blist.of_account.remove(&account).unwrap_or_default().ids {
            blist.known.remove(&id);
        }
        blist.gone.retain(|(_, whose, _)| *whose != account);
    });
}

/// Chats, and buddies that libpurple's own look-up does not find any more: it keeps one of a name in a group.
///
/// # Safety
/// A live account.
unsafe fn remove_leftovers(purple: *mut PurpleAccount) {
    // SAFETY: walks libpurple's list, taking the next node before a chat is freed.
    unsafe {
        let mut node = purple_sys::purple_blist_get_root();
        while !node.is_null() {
            let next = purple_sys::purple_blist_node_next(node, glib_sys::GTRUE);
            let (chat, buddy) = (node.cast::<purple_sys::PurpleChat>(), node.cast::<PurpleBuddy>());
            let kind = purple_sys::purple_blist_node_get_type(node);
            if kind == PurpleBlistNodeType::PURPLE_BLIST_CHAT_NODE && purple_sys::purple_chat_get_account(chat) == purple {
                purple_sys::purple_blist_remove_chat(chat);
            } else if kind == PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE && purple_sys::purple_buddy_get_account(buddy) == purple {
                purple_sys::purple_blist_remove_buddy(buddy);
            }
            node = next;
        }
    }
}

unsafe extern "C" fn on_update(_: *mut PurpleBuddyList, node: *mut PurpleBlistNode) {
    guard_on("blist update", (), |token| {
        // SAFETY: libpurple gives a live node, or NULL for the whole list.
        unsafe {
            if !node.is_null()
                && let Some(buddy) = as_buddy(node)
            {
                touch(token, buddy);
            }
        }
    });
}

unsafe extern "C" fn on_remove(_: *mut PurpleBuddyList, node: *mut PurpleBlistNode) {
    guard_on("blist remove", (), |token| {
        // SAFETY: libpurple gives a node that still lives.
        let (buddy, raw) = unsafe {
            let Some(buddy) = as_buddy(node) else { return };
            (buddy, purple_sys::purple_buddy_get_account(buddy))
        };
        // SAFETY: the buddy's account lives at least as long.
        let (owner, connected) = unsafe { (accounts::owner(token, raw), purple_sys::purple_account_is_connected(raw) != glib_sys::GFALSE) };
        let Some((user, account)) = owner else { return };
        BLIST.with_borrow_mut(|blist| {
            // Its account merely went offline: the node stays in libpurple.
            if !connected && blist.ending != Some(account) {
                return;
            }
            // SAFETY: as above.
            let id = BuddyId(unsafe { std::mem::replace(&mut (*node).ui_data, std::ptr::null_mut()) } as u64);
            let ours = blist.known.get(&id).is_some_and(|known| known.purple == buddy);
            if ours && blist.take(id).is_some_and(|known| known.told.is_some()) {
                blist.gone.push((user, account, id));
            }
        });
    });
}

/// Gone for good, also while its account is not connected: the roster that comes with a sign-on says so before the account counts as online.
unsafe extern "C" fn on_remove_node(node: *mut PurpleBlistNode) {
    guard_on("blist remove_node", (), |_| {
        BLIST.with_borrow_mut(|blist| {
            blist.surplus.retain(|(_, buddy)| *buddy != node.addr());
            // SAFETY: libpurple gives a node that still lives; `ui_data` is ours.
            let id = BuddyId(unsafe { std::mem::replace(&mut (*node).ui_data, std::ptr::null_mut()) } as u64);
            let ours = blist.known.get(&id).is_some_and(|known| known.purple.cast::<PurpleBlistNode>() == node);
            if !ours {
                return;
            }
            if let Some(known) = blist.take(id).filter(|known| known.told.is_some()) {
                blist.gone.push((known.user, known.account, id));
            }
        });
    });
}

/// Nothing is saved; but no node comes onto the list without it.
unsafe extern "C" fn on_save_node(node: *mut PurpleBlistNode) {
    guard_on("blist save_node", (), |_| {
        // SAFETY: libpurple gives a live node.
        if unsafe { purple_sys::purple_blist_node_get_type(node) } == PurpleBlistNodeType::PURPLE_BLIST_CHAT_NODE {
            // SAFETY: as above, of that type.
            let account = unsafe { purple_sys::purple_chat_get_account(node.cast::<purple_sys::PurpleChat>()) };
            BLIST.with_borrow_mut(|blist| blist.hiding.insert(account));
        }
    });
}
unsafe extern "C" fn on_save_account(_: *mut PurpleAccount) {}

#[cfg(test)]
mod tests;
