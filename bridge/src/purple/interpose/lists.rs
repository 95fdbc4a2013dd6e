//! What libpurple does to the buddy list when an account comes or goes, in libpurple's stead: it walks everybody's buddies for that, ours looks at
//! the account's own alone (hazard 26). What is told of buddies belongs to `blist.rs`.

use super::super::blist;
use super::super::ffi::{guard, slist};
use super::next::Next;
use purple_sys::{PurpleAccount, PurpleBlistNode, PurpleBlistUiOps, PurpleBuddy, PurpleContact, PurpleGroup};

pub(super) type OfAccount = unsafe extern "C" fn(*mut PurpleAccount);

// SAFETY: libpurple's declaration.
static ADD_ACCOUNT: Next<OfAccount> = unsafe { Next::new(c"purple_blist_add_account") };
// SAFETY: libpurple's declaration.
static REMOVE_ACCOUNT: Next<OfAccount> = unsafe { Next::new(c"purple_blist_remove_account") };

/// In libpurple's stead: the account is connected, and its buddies count and are shown.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_blist_add_account(account: *mut PurpleAccount) {
    guard("purple_blist_add_account", (), || {
        // SAFETY: the caller's own argument.
        unsafe { own_or(account, &ADD_ACCOUNT, came) };
    });
}

/// In libpurple's stead: the account is not connected any more, and neither are its buddies.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_blist_remove_account(account: *mut PurpleAccount) {
    guard("purple_blist_remove_account", (), || {
        let mut presences = Vec::new();
        // SAFETY: the caller's own argument.
        unsafe { own_or(account, &REMOVE_ACCOUNT, |ops, place| presences.push(went(ops, place))) };
        for presence in presences {
            // SAFETY: of a buddy that is still on the list. Last, since it tells whoever listens.
            unsafe { purple_sys::purple_presence_set_status_active(presence, c"offline".as_ptr(), glib_sys::GTRUE) };
        }
    });
}

/// Where a buddy is on the list.
#[derive(Clone, Copy)]
struct Place {
    buddy: *mut PurpleBuddy,
    contact: *mut PurpleContact,
    group: *mut PurpleGroup,
}

/// Calls `each` for the account's buddies; libpurple does it all when the account has what nothing finds but a walk.
///
/// # Safety
/// A live account or NULL.
unsafe fn own_or(account: *mut PurpleAccount, real: &Next<OfAccount>, mut each: impl FnMut(&PurpleBlistUiOps, Place)) {
    // SAFETY: libpurple's own; NULL when nobody has set any, or there is no list.
    let (ops, list) = unsafe { (purple_sys::purple_blist_get_ui_ops().as_ref(), purple_sys::purple_get_blist()) };
    let (Some(ops), false, false) = (ops, account.is_null() || blist::needs_walk(account), list.is_null()) else {
        if let Some(real) = real.get() {
            // SAFETY: the caller's promise.
            unsafe { real(account) };
        }
        return;
    };
    // SAFETY: a live account; the list is ours to free, and copied.
    let (found, buddies) = unsafe {
        let found = purple_sys::purple_find_buddies(account, std::ptr::null());
        (found, slist::<PurpleBuddy>(found))
    };
    for buddy in buddies {
        // SAFETY: a buddy on the list is in a contact, which is in a group, and neither callback takes any of them off.
        let place = unsafe {
            let contact = (*buddy.cast::<PurpleBlistNode>()).parent;
            Place { buddy, contact: contact.cast(), group: (*contact).parent.cast() }
        };
        each(ops, place);
    }
    // SAFETY: from purple_find_buddies, whose caller frees it.
    unsafe { glib_sys::g_slist_free(found) };
}

fn came(ops: &PurpleBlistUiOps, Place { buddy, contact, group }: Place) {
    // SAFETY: live nodes, says `own_or`.
    unsafe {
        (*contact).currentsize += 1;
        if (*contact).currentsize == 1 {
            (*group).currentsize += 1;
        }
        purple_sys::purple_contact_invalidate_priority_buddy(contact);
        if let Some(update) = ops.update {
            let list = purple_sys::purple_get_blist();
            update(list, buddy.cast());
            update(list, contact.cast());
        }
    }
}

/// Gives the buddy's presence, which goes offline once all are counted.
fn went(ops: &PurpleBlistUiOps, Place { buddy, contact, group }: Place) -> *mut purple_sys::PurplePresence {
    // SAFETY: live nodes, says `own_or`; a buddy has a presence.
    unsafe {
        let presence = purple_sys::purple_buddy_get_presence(buddy);
        if purple_sys::purple_presence_is_online(presence) != glib_sys::GFALSE {
            (*contact).online -= 1;
            if (*contact).online == 0 {
                (*group).online -= 1;
            }
            let now = i32::try_from(libc::time(std::ptr::null_mut())).unwrap_or(i32::MAX);
            purple_sys::purple_blist_node_set_int(buddy.cast(), c"last_seen".as_ptr(), now);
        }
        (*contact).currentsize -= 1;
        if (*contact).currentsize == 0 {
            (*group).currentsize -= 1;
        }
        purple_sys::purple_contact_invalidate_priority_buddy(contact);
        let list = purple_sys::purple_get_blist();
        if let Some(remove) = ops.remove {
            remove(list, buddy.cast());
        }
        if let Some(update) = ops.update {
            update(list, contact.cast());
        }
        presence
    }
}

#[cfg(test)]
mod tests {
    use super::{ADD_ACCOUNT, Next, OfAccount, REMOVE_ACCOUNT};
    use crate::purple::testing::with_core;
    use purple_sys::{PurpleAccount, PurpleBuddy};
    use std::ffi::CStr;

    fn add(account: *mut PurpleAccount, name: &CStr, group: &CStr) -> *mut PurpleBuddy {
        // SAFETY: a live account, strings are copied, the group is found or made.
        unsafe {
            let group = purple_sys::purple_group_new(group.as_ptr());
            let buddy = purple_sys::purple_buddy_new(account, name.as_ptr(), std::ptr::null());
            purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
            buddy
        }
    }

    /// The group's buddies of connected accounts, and those of them who are online, as libpurple counts them.
    fn counts(group: &CStr) -> (i32, i32) {
        // SAFETY: libpurple's own group.
        unsafe {
            let group = purple_sys::purple_find_group(group.as_ptr());
            (purple_sys::purple_blist_get_group_size(group, 0), purple_sys::purple_blist_get_group_online_count(group))
        }
    }

    fn is_online(buddy: *mut PurpleBuddy) -> bool {
        // SAFETY: a live buddy.
        unsafe { purple_sys::purple_presence_is_online(purple_sys::purple_buddy_get_presence(buddy)) != 0 }
    }

    fn call(function: OfAccount, account: *mut PurpleAccount) {
        // SAFETY: a live account.
        unsafe { function(account) };
    }

    /// Two accounts with buddies in one group come and go. Gives every count and who is online after each step.
    fn days_work(one: *mut PurpleAccount, other: *mut PurpleAccount, group: &CStr, came: OfAccount, went: OfAccount) -> String {
        let buddies = [add(one, c"ida@example.org", group), add(one, c"jon@example.org", group), add(other, c"ida@example.org", group)];
        let mut story = String::new();
        let mut tell = || story.push_str(&format!("{:?} {:?}\n", counts(group), buddies.map(is_online)));
        call(came, one);
        tell();
        call(came, other);
        tell();
        for buddy in [buddies[0], buddies[2]] {
            // SAFETY: a live buddy and a C string; as when a server tells who is there.
            unsafe {
                let presence = purple_sys::purple_buddy_get_presence(buddy);
                purple_sys::purple_presence_set_status_active(presence, c"available".as_ptr(), 1);
            }
        }
        tell();
        call(went, one);
        tell();
        call(went, other);
        call(came, one);
        tell();
        story
    }

    fn real(next: &Next<OfAccount>) -> OfAccount {
        next.get().unwrap()
    }

    #[test]
    fn accounts_come_and_go_as_in_libpurple() {
        with_core("purple::interpose::lists::tests::accounts_come_and_go_as_in_libpurple", |core| {
            let [one, other, third, fourth] = [1, 2, 3, 4].map(|n| core.account(n, n));
            let ours = days_work(one, other, c"Friends", super::purple_blist_add_account, super::purple_blist_remove_account);
            let theirs = days_work(third, fourth, c"Family", real(&ADD_ACCOUNT), real(&REMOVE_ACCOUNT));
            assert_eq!(ours, theirs);
            assert!(ours.starts_with("(2, 0)") && ours.contains("[true, false, true]") && ours.contains("[false, false, true]"), "{ours}");
        });
    }

    #[test]
    fn two_of_a_name_in_one_group_both_go() {
        with_core("purple::interpose::lists::tests::two_of_a_name_in_one_group_both_go", |core| {
            let one = core.account(1, 1);
            let first = add(one, c"ida@example.org", c"Friends");
            call(super::purple_blist_add_account, one);
            // SAFETY: a live buddy and a C string.
            unsafe {
                let presence = purple_sys::purple_buddy_get_presence(first);
                purple_sys::purple_presence_set_status_active(presence, c"available".as_ptr(), 1);
            }
            // XMPP's plugin never does this; nothing keeps others from it. From now on libpurple's look-up gives this one alone.
            call(super::purple_blist_remove_account, one);
            assert!(!is_online(first));
            let second = add(one, c"ida@example.org", c"Friends");
            call(super::purple_blist_add_account, one);
            assert_eq!(counts(c"Friends").0, 2);
            // SAFETY: as above.
            unsafe {
                let presence = purple_sys::purple_buddy_get_presence(first);
                purple_sys::purple_presence_set_status_active(presence, c"available".as_ptr(), 1);
            }
            call(super::purple_blist_remove_account, one);
            assert_eq!((counts(c"Friends"), is_online(first), is_online(second)), ((0, 0), false, false));
        });
    }

    #[test]
    fn chats_come_and_go_too() {
        with_core("purple::interpose::lists::tests::chats_come_and_go_too", |core| {
            let one = core.account(1, 1);
            add(one, c"ida@example.org", c"Friends");
            // SAFETY: a live account and group; the table is the chat's from here on.
            unsafe {
                let group = purple_sys::purple_find_group(c"Friends".as_ptr());
                let components = glib_sys::g_hash_table_new(Some(glib_sys::g_str_hash), Some(glib_sys::g_str_equal));
                let chat = purple_sys::purple_chat_new(one, c"room".as_ptr(), components.cast());
                purple_sys::purple_blist_add_chat(chat, group, std::ptr::null_mut());
            }
            call(super::purple_blist_add_account, one);
            assert_eq!(counts(c"Friends"), (2, 1));
            call(super::purple_blist_remove_account, one);
            assert_eq!(counts(c"Friends"), (0, 0));
        });
    }
}
