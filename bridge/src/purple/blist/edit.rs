//! What a user does to their list: adding, removing, naming and moving buddies, each on the server too; telling of it is `blist.rs`'s.

use super::super::outgoing::{Line, Name};
use super::super::token::OnPurple;
use super::super::{accounts, conversation, owner};
use super::{BLIST, MOST_GROUPS, full, group_name, pointer, touch};
use crate::command::KnownBuddy;
use crate::error::CommandError;
use crate::id::{AccountId, BuddyId, UserId};
use purple_sys::{PurpleBlistNode, PurpleBuddy, PurpleGroup};
use std::ffi::c_void;

/// Where buddies go that nobody put anywhere; libpurple's own name for it.
const DEFAULT_GROUP: &str = "Buddies";

/// The group of that name, made when there is none. Groups stay in libpurple (hazard 3), so a user makes a bounded number of them.
fn group(token: OnPurple, account: AccountId, name: &Name) -> Result<*mut PurpleGroup, CommandError> {
    // SAFETY: a C string.
    let found = unsafe { purple_sys::purple_find_group(name.as_ptr()) };
    if !found.is_null() {
        return Ok(found);
    }
    let made = accounts::user(token, account).and_then(|user| {
        accounts::change_person(token, user, |person| {
            person.groups_made += 1;
            person.groups_made
        })
    });
    if made.unwrap_or_default() > MOST_GROUPS {
        return Err(CommandError::new("limit", format!("At most {MOST_GROUPS} groups can be made in a session.")).at("group"));
    }
    // SAFETY: a C string, copied.
    unsafe {
        let made = purple_sys::purple_group_new(name.as_ptr());
        purple_sys::purple_blist_add_group(made, std::ptr::null_mut());
        Ok(made)
    }
}

/// Puts the people on the list that an account had elsewhere, before its first sign-on; the network is told nothing.
pub(in crate::purple) fn restore(token: OnPurple, account: AccountId, purple: *mut purple_sys::PurpleAccount, buddies: &[KnownBuddy]) {
    for known in buddies {
        let names = (Name::on(token, account, &known.name, "bad_name", "name"), Name::of_group(&known.group));
        let ((Ok(name), Ok(into)), alias) = (names, Line::of(&known.alias)) else { continue };
        let alias = if alias.is_empty() { std::ptr::null() } else { alias.as_ptr() };
        let Ok(group) = group(token, account, &into) else { continue };
        // SAFETY: a live account and C strings, copied.
        owner::with(Some(account), || unsafe {
            if purple_sys::purple_find_buddy_in_group(purple, name.as_ptr(), group).is_null() {
                let buddy = purple_sys::purple_buddy_new(purple, name.as_ptr(), alias);
                // The id that it had in another libpurple; `touch` takes it when it is free.
                (*buddy.cast::<PurpleBlistNode>()).ui_data = known.id.0 as *mut c_void;
                purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
            }
        });
    }
}

/// `buddy.add`: on the list here and on the server, and asks them.
pub(in crate::purple) fn add(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    name: &str,
    into: Option<&str>,
    alias: &str,
    message: &str,
) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let gc = conversation::connected(token, account)?;
    let (name, into) = (super::name::of_buddy(token, account, (purple, gc), name)?, Name::of_group(into.unwrap_or(DEFAULT_GROUP))?);
    let (alias, message) = (Line::of(alias.trim()), Line::of(message));
    let alias = if alias.is_empty() { std::ptr::null() } else { alias.as_ptr() };
    let message = if message.is_empty() { std::ptr::null() } else { message.as_ptr() };
    let group = group(token, account, &into)?;
    if !BLIST.with_borrow(|blist| blist.has_room(account, group.addr())) {
        return Err(full().at("name"));
    }
    // SAFETY: a live, connected account and C strings, copied.
    owner::with(Some(account), || unsafe {
        if !purple_sys::purple_find_buddy_in_group(purple, name.as_ptr(), group).is_null() {
            return Err(CommandError::new("already_there", "This person is in that group already.").at("name"));
        }
        let buddy = purple_sys::purple_buddy_new(purple, name.as_ptr(), alias);
        purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
        purple_sys::purple_account_add_buddy_with_invite(purple, buddy, message);
        Ok(())
    })
}

/// `buddy.remove`: off the list here and on the server.
pub(in crate::purple) fn remove(token: OnPurple, user: UserId, buddy: BuddyId) -> Result<(), CommandError> {
    let (purple, account) = pointer(token, user, buddy)?;
    conversation::connected(token, account)?;
    // SAFETY: a live buddy of a connected account.
    owner::with(Some(account), || unsafe {
        let group = purple_sys::purple_buddy_get_group(purple);
        purple_sys::purple_account_remove_buddy(purple_sys::purple_buddy_get_account(purple), purple, group);
        purple_sys::purple_blist_remove_buddy(purple);
    });
    Ok(())
}

/// `buddy.alias`
pub(in crate::purple) fn set_alias(token: OnPurple, user: UserId, buddy: BuddyId, alias: &str) -> Result<(), CommandError> {
    let (purple, account) = pointer(token, user, buddy)?;
    conversation::connected(token, account)?;
    let alias = Line::of(alias.trim());
    // SAFETY: a live buddy of a connected account and a C string, copied.
    owner::with(Some(account), || unsafe {
        purple_sys::purple_blist_alias_buddy(purple, alias.as_ptr());
        purple_sys::serv_alias_buddy(purple);
        touch(token, purple);
    });
    Ok(())
}

/// `buddy.move`: the server hears of it too.
pub(in crate::purple) fn move_to(token: OnPurple, user: UserId, buddy: BuddyId, into: &str) -> Result<(), CommandError> {
    let (purple, account) = pointer(token, user, buddy)?;
    conversation::connected(token, account)?;
    let group = group(token, account, &Name::of_group(into)?)?;
    if !BLIST.with_borrow(|blist| blist.has_groups(account, group.addr())) {
        return Err(full().at("group"));
    }
    // SAFETY: a live buddy of a connected account.
    owner::with(Some(account), || unsafe {
        if purple_sys::purple_buddy_get_group(purple) == group {
            return Ok(());
        }
        // libpurple would put it beside the other one, and then find only one of the two when the account ends.
        let raw = purple_sys::purple_buddy_get_account(purple);
        if !purple_sys::purple_find_buddy_in_group(raw, purple_sys::purple_buddy_get_name(purple), group).is_null() {
            return Err(CommandError::new("already_there", "This person is in that group already.").at("group"));
        }
        purple_sys::purple_blist_add_buddy(purple, std::ptr::null_mut(), group, std::ptr::null_mut());
        touch(token, purple);
        Ok(())
    })
}

/// The user's buddies in a group, on signed-on accounts.
fn in_group(token: OnPurple, user: UserId, group: &str) -> Vec<BuddyId> {
    let accounts = accounts::of_user(token, user);
    let theirs: Vec<(BuddyId, *mut PurpleBuddy, AccountId)> = BLIST.with_borrow(|blist| {
        let ids = accounts.iter().flat_map(|account| blist.of(*account));
        ids.filter_map(|id| blist.known.get(&id).map(|known| (id, known.purple, known.account))).collect()
    });
    theirs
        .into_iter()
        .filter(|(_, purple, account)| {
            // SAFETY: a known buddy is on libpurple's list, so it lives.
            let name = unsafe { group_name(*purple) };
            name.as_deref() == Some(group) && conversation::connected(token, *account).is_ok()
        })
        .map(|(id, ..)| id)
        .collect()
}

/// `group.rename`: moves this user's buddies one by one (hazard 3).
pub(in crate::purple) fn rename_group(token: OnPurple, user: UserId, from: &str, to: &str) -> Result<(), CommandError> {
    in_group(token, user, from).into_iter().try_for_each(|buddy| match move_to(token, user, buddy, to) {
        // There already: one of the two is enough.
        Err(error) if error.code == "already_there" => remove(token, user, buddy),
        other => other,
    })
}

/// `group.remove`: removes this user's buddies one by one (hazard 3).
pub(in crate::purple) fn remove_group(token: OnPurple, user: UserId, name: &str) -> Result<(), CommandError> {
    in_group(token, user, name).into_iter().try_for_each(|buddy| remove(token, user, buddy))
}
