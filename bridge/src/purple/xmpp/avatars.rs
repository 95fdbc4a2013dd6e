//! Checksums of contacts' pictures (XEP-0153), by which libjabber knows whether a picture is another one. Libpurple notes them only when it keeps pictures
//! on the disk, which it does not here; then libjabber fetches the picture with every presence. Fetches nothing.

use super::super::ffi::{borrowed, in_process};
use super::super::token::OnPurple;
use super::node;
use crate::id::AccountId;
use purple_sys::{PurpleAccount, PurpleBlistNode, xmlnode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;

/// The setting of a buddy by which libpurple's `purple_buddy_icons_get_checksum_for_user` goes.
const CHECKSUM: &CStr = c"icon_checksum";
/// Bytes of the longest checksum that counts; SHA-1 in hexadecimal digits has 40.
const LONGEST: usize = 128;

thread_local! {
    /// The checksum for which libjabber has last asked for the picture of a contact.
    static ASKED: RefCell<HashMap<AccountId, HashMap<String, String>>> = RefCell::default();
}

/// A presence of a contact: the picture that it names was asked for if it was named before, whatever came of that.
///
/// # Safety
/// A live stanza, and a live account.
pub(super) unsafe fn named(_: OnPurple, account: AccountId, purple: *mut PurpleAccount, stanza: *mut xmlnode) {
    // SAFETY: the caller's promise; a buddy lives as long as it is on the list, and texts are copied.
    unsafe {
        let x = node::child(stanza, c"x", c"vcard-temp:x:update");
        if x.is_null() {
            return;
        }
        let checksum = node::text(node::named(x, c"photo")).trim().to_ascii_lowercase();
        let Some(from) = node::attribute(stanza, c"from") else { return };
        let bare = from.split('/').next().unwrap_or_default().to_lowercase();
        let name = in_process(&bare);
        let buddy = purple_sys::purple_find_buddy(purple, name.as_ptr()).cast::<PurpleBlistNode>();
        if buddy.is_null() || checksum.is_empty() || checksum.len() > LONGEST {
            return;
        }
        let before = ASKED.with_borrow_mut(|all| all.entry(account).or_default().insert(bare, checksum.clone()));
        let noted = borrowed(purple_sys::purple_blist_node_get_string(buddy, CHECKSUM.as_ptr()));
        if before.as_ref() == Some(&checksum) && noted.as_ref() != Some(&checksum) {
            // As the presence has it: libjabber compares letter by letter.
            let text = in_process(node::text(node::named(x, c"photo")).as_str());
            purple_sys::purple_blist_node_set_string(buddy, CHECKSUM.as_ptr(), text.as_ptr());
        }
    }
}

/// The connection ends: a picture that did not come is asked for again.
pub(in crate::purple) fn forget(_: OnPurple, account: AccountId, purple: *mut PurpleAccount) {
    for bare in ASKED.with_borrow_mut(|all| all.remove(&account)).unwrap_or_default().into_keys() {
        let name = in_process(&bare);
        // SAFETY: a live account; a buddy lives as long as it is on the list; its icon is only looked for.
        unsafe {
            let buddy = purple_sys::purple_find_buddy(purple, name.as_ptr());
            if !buddy.is_null() && purple_sys::purple_buddy_get_icon(buddy).is_null() {
                purple_sys::purple_blist_node_remove_setting(buddy.cast::<PurpleBlistNode>(), CHECKSUM.as_ptr());
            }
        }
    }
}
