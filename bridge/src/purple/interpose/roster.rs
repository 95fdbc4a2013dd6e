//! `purple_blist_add_buddy` in libpurple's stead: a buddy goes to the front of its group, where libpurple would walk to the group's end for each
//! (hazard 26: groups are shared by name, so that the walk grows with everybody's lists). It knows no users; what a buddy is belongs to `blist.rs`.

use super::super::ffi;
use super::next::Next;
use purple_sys::{PurpleBlistNode, PurpleBlistNodeType, PurpleBuddy, PurpleContact, PurpleGroup};

pub(super) type AddBuddy = unsafe extern "C" fn(*mut PurpleBuddy, *mut PurpleContact, *mut PurpleGroup, *mut PurpleBlistNode);

// SAFETY: libpurple's declaration.
static ADD_BUDDY: Next<AddBuddy> = unsafe { Next::new(c"purple_blist_add_buddy") };

/// In libpurple's stead; the order of buddies in a group is nothing that a user sees.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_blist_add_buddy(
    buddy: *mut PurpleBuddy,
    contact: *mut PurpleContact,
    group: *mut PurpleGroup,
    node: *mut PurpleBlistNode,
) {
    ffi::guard("purple_blist_add_buddy", (), || {
        let Some(real) = ADD_BUDDY.get() else { return };
        // SAFETY: the caller's own arguments.
        let contact = unsafe { if places_itself(buddy, contact, group, node) { in_front(group) } else { contact } };
        // SAFETY: likewise; a contact of ours is on the list, and empty until the buddy is in it.
        unsafe { real(buddy, contact, group, node) };
    });
}

/// Whether libpurple would look for a place at the end of the group.
///
/// # Safety
/// As for [`purple_blist_add_buddy`].
unsafe fn places_itself(buddy: *mut PurpleBuddy, contact: *mut PurpleContact, group: *mut PurpleGroup, node: *mut PurpleBlistNode) -> bool {
    if buddy.is_null() || !contact.is_null() || group.is_null() {
        return false;
    }
    // SAFETY: a live node or NULL.
    let beside = !node.is_null() && unsafe { purple_sys::purple_blist_node_get_type(node) } == PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE;
    // A group that is not on the list yet is put there by libpurple itself, and is empty.
    // SAFETY: a live group.
    !beside && unsafe { !purple_sys::purple_find_group(purple_sys::purple_group_get_name(group)).is_null() }
}

/// A new contact, the first of its group.
///
/// # Safety
/// A live group that is on the list.
unsafe fn in_front(group: *mut PurpleGroup) -> *mut PurpleContact {
    // SAFETY: a new contact, and a live group; without a node beside which to put it, libpurple puts it first.
    unsafe {
        let contact = purple_sys::purple_contact_new();
        purple_sys::purple_blist_add_contact(contact, group, std::ptr::null_mut());
        contact
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::with_core;
    use std::ffi::CStr;

    const NAME: &str = "purple::interpose::roster::tests::nobody_walks_to_the_end_of_a_group";

    fn add(account: *mut purple_sys::PurpleAccount, name: &CStr) {
        // SAFETY: a live account, strings are copied, the group is found or made.
        unsafe {
            let group = purple_sys::purple_group_new(c"Friends".as_ptr());
            let buddy = purple_sys::purple_buddy_new(account, name.as_ptr(), std::ptr::null());
            purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
        }
    }

    #[test]
    fn nobody_walks_to_the_end_of_a_group() {
        with_core(NAME, |_| {
            // SAFETY: two C strings, copied.
            let account = unsafe { purple_sys::purple_account_new(c"ines@localhost/a".as_ptr(), c"prpl-jabber".as_ptr()) };
            add(account, c"first@localhost");
            // SAFETY: libpurple's own group.
            let group = unsafe { purple_sys::purple_find_group(c"Friends".as_ptr()) };
            assert!(!group.is_null());
            add(account, c"second@localhost");
            add(account, c"third@localhost");
            // The last to come is the first of the group: nobody walked to its end. A contact of its own holds each.
            // SAFETY: live nodes.
            let names: Vec<String> = unsafe {
                let mut node = purple_sys::purple_blist_node_get_first_child(group.cast());
                let mut names = Vec::new();
                while !node.is_null() {
                    let buddy = purple_sys::purple_contact_get_priority_buddy(node.cast());
                    names.push(super::super::super::ffi::borrowed(purple_sys::purple_buddy_get_name(buddy)).unwrap());
                    node = purple_sys::purple_blist_node_get_sibling_next(node);
                }
                names
            };
            assert_eq!(names, ["third@localhost", "second@localhost", "first@localhost"]);
            // SAFETY: a live group.
            assert_eq!(unsafe { purple_sys::purple_blist_get_group_size(group, 1) }, 3);
        });
    }
}
