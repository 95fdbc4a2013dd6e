//! Whose each numbered picture of libpurple's store is (hazard 10): the store and its numbers are the process's, and any contact can write a number.
//! Shows nothing.

use super::super::token::OnPurple;
use super::super::{ffi::guard_on, owner, signals};
use crate::id::AccountId;
use crate::model::PICTURES;
use purple_sys::PurpleStoredImage;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;

/// A picture in the store.
#[derive(Clone, Copy)]
struct Known {
    account: AccountId,
    at: *mut PurpleStoredImage,
}

/// Those of accounts, by number, and the numbers by address: libpurple tells of an end by the address alone.
#[derive(Default)]
struct Store {
    of_number: HashMap<i32, Known>,
    number_of: HashMap<*mut PurpleStoredImage, i32>,
}

thread_local! {
    static STORE: RefCell<Store> = RefCell::default();
}

/// Listens to the store. After `purple_core_init`.
pub(super) fn install(_: OnPurple) {
    type Deleting = unsafe extern "C" fn(*mut PurpleStoredImage, *mut c_void);
    // SAFETY: the signature is that of libpurple's imgstore-signals documentation.
    unsafe {
        let deleting = std::mem::transmute::<Deleting, unsafe extern "C" fn()>(on_deleting);
        signals::connect(purple_sys::purple_imgstore_get_handle(), c"image-deleting", deleting);
    }
}

/// A picture has got this number. It is of the account whose callback runs; nobody is shown one that is of none.
pub(in crate::purple) fn added(_: OnPurple, id: i32) {
    let Some(account) = owner::current() else { return };
    // SAFETY: libpurple's own table; NULL for a number that is none.
    let at = unsafe { purple_sys::purple_imgstore_find_by_id(id) };
    if !at.is_null() {
        STORE.with_borrow_mut(|store| {
            store.of_number.insert(id, Known { account, at });
            store.number_of.insert(at, id);
        });
    }
}

unsafe extern "C" fn on_deleting(image: *mut PurpleStoredImage, _: *mut c_void) {
    guard_on("image-deleting", (), |_| {
        STORE.with_borrow_mut(|store| {
            if let Some(id) = store.number_of.remove(&image) {
                store.of_number.remove(&id);
            }
        });
    });
}

/// Reads the bytes of an account's picture. `None`: the account has none of this number.
pub(super) fn read<T>(_: OnPurple, account: AccountId, id: i32, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let known = STORE.with_borrow(|store| store.of_number.get(&id).copied()).filter(|known| known.account == account)?;
    // SAFETY: a picture in the store is live, since one that is deleted leaves our table first; its bytes never change. `read` calls nothing that
    // gives it up.
    unsafe {
        let (bytes, size) = (purple_sys::purple_imgstore_get_data(known.at).cast::<u8>(), purple_sys::purple_imgstore_get_size(known.at));
        (!bytes.is_null() && size > 0).then(|| read(std::slice::from_raw_parts(bytes, size)))
    }
}

/// The account goes: what its plugin has left in the store goes, too. A number is its plugin's only reference, and nobody asks for it any more.
pub(super) fn forget(_: OnPurple, account: AccountId) {
    let left: Vec<Known> = STORE.with_borrow(|store| store.of_number.values().filter(|known| known.account == account).copied().collect());
    for known in left {
        if STORE.with_borrow(|store| store.number_of.contains_key(&known.at)) {
            // SAFETY: a live picture, as above; the reference is the one that came with its number.
            unsafe { purple_sys::purple_imgstore_unref(known.at) };
        }
        STORE.with_borrow_mut(|store| {
            if let Some(id) = store.number_of.remove(&known.at) {
                store.of_number.remove(&id);
            }
        });
    }
}

/// The numbers in the `<img id="…">` of a text, each once. Rather one too many: each has to be the account's own.
pub(super) fn named(html: &str) -> Vec<i32> {
    let lower = html.to_ascii_lowercase();
    let mut found = Vec::new();
    for tag in lower.split("<img").skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        for (at, name) in tag.match_indices("id") {
            let (before, after) = (tag.get(..at).unwrap_or_default(), tag.get(at + name.len()..).unwrap_or_default());
            let begins = before.ends_with(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/'));
            let value = after.trim_start().strip_prefix('=').map(|value| value.trim_start().trim_start_matches(['"', '\'']));
            let digits = value.filter(|_| begins).map(|value| value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
            if let Some(id) = digits.and_then(|digits| digits.parse().ok()).filter(|id| !found.contains(id)) {
                found.push(id);
            }
            if found.len() >= PICTURES {
                return found;
            }
        }
    }
    found
}

#[cfg(test)]
pub(super) fn known() -> usize {
    STORE.with_borrow(|store| store.of_number.len().max(store.number_of.len()))
}
