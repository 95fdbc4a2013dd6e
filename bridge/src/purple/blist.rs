//! The buddy list: libpurple's global one, told to each owner in parts of a turn; groups are never renamed or removed in libpurple (hazard 3).

mod edit;
pub(super) mod groups;
mod known;
pub(super) mod name;
mod tell;

pub(super) use edit::{add, move_to, remove, remove_group, rename_group, restore, set_alias};
pub(super) use tell::flush;

use super::accounts;
use super::ffi::{borrowed, guard_on, in_process, slist};
use super::token::OnPurple;
use super::{conversation, interpose, outbox};
use crate::error::CommandError;
use crate::id::{AccountId, BuddyId, UserId};
use known::{Blist, Known, MOST_BUDDIES, MOST_GROUPS};
use purple_sys::{
    PurpleAccount, PurpleBlistNode, PurpleBlistNodeFlags, PurpleBlistNodeType, PurpleBlistUiOps, PurpleBuddy, PurpleBuddyList,
};
use std::cell::RefCell;
use std::ffi::c_void;

thread_local! {
    static BLIST: RefCell<Blist> = RefCell::default();
}

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
    interpose::find::rely_on_notes(token);
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
    let normal = conversation::normalize(token, raw, &name);
    let cause = outbox::cause(user);
    BLIST.with_borrow_mut(|blist| {
        // SAFETY: a live node; `ui_data` is for the front end alone.
        let before = BuddyId(unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data } as u64);
        let Some(id) = blist.id_of(before, buddy, account, (&group, place), &normal) else {
            blist.surplus.insert(buddy.expose_provenance(), account);
            return;
        };
        // SAFETY: as above.
        unsafe { (*buddy.cast::<PurpleBlistNode>()).ui_data = id.0 as *mut c_void };
        let other = blist.known.get_mut(&id).map(|known| std::mem::replace(&mut known.purple, buddy) != buddy);
        let kept = match other {
            Some(false) => blist.regroup(id, place),
            Some(true) => {
                // The one before is still there, or it would not be known.
                blist.hiding.insert(raw);
                true
            }
            None if blist.has_room(account, place) => {
                blist.add(id, Known { user, account, purple: buddy, group: place, told: None, picture: None });
                true
            }
            None => false,
        };
        if kept {
            blist.touched.push((id, cause));
        } else {
            blist.surplus.insert(buddy.expose_provenance(), account);
        }
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

/// The list of this account cannot take one more.
fn full() -> CommandError {
    CommandError::new("limit", format!("An account can have {MOST_BUDDIES} people in {MOST_GROUPS} groups here. Remove some first."))
}

/// The buddy of that name, when there is one.
pub(super) fn find(token: OnPurple, account: AccountId, name: &str) -> Option<BuddyId> {
    let purple = accounts::read(token, account, |entry| entry.purple)?;
    let name = in_process(name);
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
    guard_on("blist remove_node", (), |token| {
        interpose::find::forgotten(token, node.cast());
        BLIST.with_borrow_mut(|blist| {
            blist.surplus.remove(&node.addr());
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
    guard_on("blist save_node", (), |token| {
        // SAFETY: libpurple gives a live node.
        let kind = unsafe { purple_sys::purple_blist_node_get_type(node) };
        if kind == PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE {
            // SAFETY: as above, of that type.
            unsafe { interpose::find::noted(token, node.cast()) };
        } else if kind == PurpleBlistNodeType::PURPLE_BLIST_CHAT_NODE {
            // SAFETY: as above, of that type.
            let account = unsafe { purple_sys::purple_chat_get_account(node.cast::<purple_sys::PurpleChat>()) };
            BLIST.with_borrow_mut(|blist| blist.hiding.insert(account));
        }
    });
}
unsafe extern "C" fn on_save_account(_: *mut PurpleAccount) {}

#[cfg(test)]
mod tests;
