//! What a protocol offers in a buddy's or an account's menu, by position, since libpurple's entries have no names of their own.

use super::accounts;
use super::ffi::{borrowed, guard, list, without_mnemonic};
use super::token::OnPurple;
use super::{blist, conversation, owner};
use crate::error::CommandError;
use crate::id::{AccountId, BuddyId, UserId};
use crate::model::MenuItem;
use purple_sys::{PurpleBlistNode, PurpleMenuAction, PurplePluginAction, PurplePluginProtocolInfo};
use std::ffi::c_void;

fn gone() -> CommandError {
    CommandError::new("no_such_action", "The menu has changed meanwhile. Open it again.").at("action")
}

/// Copies a menu, `path` in front of each id.
///
/// # Safety
/// `menu` is a list of live `PurpleMenuAction`, or of NULL for lines between.
unsafe fn read(menu: *const glib_sys::GList, path: &str) -> Vec<MenuItem> {
    // SAFETY: the caller's promise.
    let entries = unsafe { list::<PurpleMenuAction>(menu) };
    entries
        .into_iter()
        .enumerate()
        .filter(|(_, entry)| !entry.is_null())
        .map(|(at, entry)| {
            let id = format!("{path}{at}");
            // SAFETY: live, and its text is copied.
            let (label, children, takes) =
                unsafe { (borrowed((*entry).label).unwrap_or_default(), (*entry).children, (*entry).callback.is_some()) };
            // SAFETY: the entry's own list.
            let items = unsafe { read(children, &format!("{id}.")) };
            MenuItem { label: without_mnemonic(&label), items, id: takes.then_some(id), ..MenuItem::default() }
        })
        .collect()
}

/// Runs the entry at `path`.
///
/// # Safety
/// As [`read`], and `node` is the one the menu was made for.
unsafe fn run(menu: *const glib_sys::GList, path: &str, node: *mut PurpleBlistNode) -> Result<(), CommandError> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let at: usize = first.parse().map_err(|_| gone())?;
    // SAFETY: the caller's promise.
    let entry = unsafe { list::<PurpleMenuAction>(menu) }.get(at).copied().filter(|entry| !entry.is_null()).ok_or_else(gone)?;
    // SAFETY: live.
    let (children, callback, data) = unsafe { ((*entry).children, (*entry).callback, (*entry).data) };
    if let Some(rest) = rest {
        // SAFETY: the entry's own list.
        return unsafe { run(children, rest, node) };
    }
    let callback = callback.ok_or_else(gone)?;
    // SAFETY: a menu entry of a buddy list node has this signature (blist.h, PurpleMenuAction).
    unsafe {
        let callback = std::mem::transmute::<unsafe extern "C" fn(), unsafe extern "C" fn(*mut PurpleBlistNode, *mut c_void)>(callback);
        callback(node, data);
    }
    Ok(())
}

/// The protocol's own menu for a buddy, with what other plugins add to it; freed with `purple_menu_action_free`.
fn with_buddy_menu<T>(
    token: OnPurple,
    user: UserId,
    buddy: BuddyId,
    body: impl FnOnce(*const glib_sys::GList, *mut PurpleBlistNode) -> T,
) -> Result<T, CommandError> {
    let (purple, account) = blist::pointer(token, user, buddy)?;
    let gc = conversation::connected(token, account)?;
    let node = purple.cast::<PurpleBlistNode>();
    Ok(owner::with(Some(account), || {
        // SAFETY: a live, connected account and a buddy of it; the lists are ours.
        unsafe {
            let info = (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>();
            let own = (*info).blist_node_menu.map_or(std::ptr::null_mut(), |menu| menu(node));
            let all = glib_sys::g_list_concat(own, purple_sys::purple_blist_node_get_extended_menu(node));
            let result = body(all, node);
            for entry in list::<PurpleMenuAction>(all).into_iter().filter(|entry| !entry.is_null()) {
                purple_sys::purple_menu_action_free(entry);
            }
            glib_sys::g_list_free(all);
            result
        }
    }))
}

/// `buddy.menu`
pub(super) fn of_buddy(token: OnPurple, user: UserId, buddy: BuddyId) -> Result<Vec<MenuItem>, CommandError> {
    // SAFETY: the list that was just made.
    with_buddy_menu(token, user, buddy, |menu, _| unsafe { read(menu, "") })
}

/// `buddy.action`
pub(super) fn run_buddy(token: OnPurple, user: UserId, buddy: BuddyId, action: &str) -> Result<(), CommandError> {
    // SAFETY: the list that was just made, for that node.
    with_buddy_menu(token, user, buddy, |menu, node| guard("a menu action", Err(gone()), || unsafe { run(menu, action, node) }))?
}

fn with_account_actions<T>(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    body: impl FnOnce(&[*mut PurplePluginAction]) -> T,
) -> Result<T, CommandError> {
    accounts::pointer(token, user, account)?;
    let gc = conversation::connected(token, account)?;
    Ok(owner::with(Some(account), || {
        // SAFETY: a live connection; the actions are ours to free. libpurple wants plugin and context filled in by the caller.
        unsafe {
            let plugin = (*gc).prpl;
            let all = (*(*plugin).info).actions.map_or(std::ptr::null_mut(), |actions| actions(plugin, gc.cast::<c_void>()));
            let entries = list::<PurplePluginAction>(all);
            for entry in entries.iter().filter(|entry| !entry.is_null()) {
                (**entry).plugin = plugin;
                (**entry).context = gc.cast::<c_void>();
            }
            let result = body(&entries);
            for entry in entries.into_iter().filter(|entry| !entry.is_null()) {
                purple_sys::purple_plugin_action_free(entry);
            }
            glib_sys::g_list_free(all);
            result
        }
    }))
}

/// `account.menu`, with the moment at which something came last over the connection.
pub(super) fn of_account(token: OnPurple, user: UserId, account: AccountId) -> Result<Vec<MenuItem>, CommandError> {
    let time = super::pulse::last(token, account);
    let life = time.map(|_| MenuItem { label: "Last sign of life".to_owned(), time, ..MenuItem::default() });
    with_account_actions(token, user, account, |entries| {
        let entries = entries.iter().enumerate().filter(|(_, entry)| !entry.is_null());
        let own = entries.map(|(at, entry)| {
            // SAFETY: live; the text is copied.
            let label = unsafe { borrowed((**entry).label) }.unwrap_or_default();
            MenuItem { id: Some(at.to_string()), label: without_mnemonic(&label), ..MenuItem::default() }
        });
        life.into_iter().chain(own).collect()
    })
}

/// `account.action`
pub(super) fn run_account(token: OnPurple, user: UserId, account: AccountId, action: &str) -> Result<(), CommandError> {
    let at: usize = action.parse().map_err(|_| gone())?;
    with_account_actions(token, user, account, |entries| {
        let entry = entries.get(at).copied().filter(|entry| !entry.is_null()).ok_or_else(gone)?;
        // SAFETY: live, with plugin and context filled in.
        guard("an account action", Err(gone()), || unsafe {
            let run = (*entry).callback.ok_or_else(gone)?;
            run(entry);
            Ok(())
        })
    })?
}
