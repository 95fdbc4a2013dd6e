//! `purple_find_buddy` and `purple_find_buddies` in libpurple's stead: it asks every group of everybody for each name (hazard 43), ours knows by name
//! where to look. Whether somebody is there is still libpurple's to say.

use super::super::ffi::{borrowed, guard};
use super::super::token::OnPurple;
use super::next::Next;
use purple_sys::{PurpleAccount, PurpleBuddy};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_char;
use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) type FindBuddy = unsafe extern "C" fn(*mut PurpleAccount, *const c_char) -> *mut PurpleBuddy;
pub(super) type FindBuddies = unsafe extern "C" fn(*mut PurpleAccount, *const c_char) -> *mut glib_sys::GSList;

// SAFETY: libpurple's declaration.
static FIND_BUDDY: Next<FindBuddy> = unsafe { Next::new(c"purple_find_buddy") };
// SAFETY: libpurple's declaration.
static FIND_BUDDIES: Next<FindBuddies> = unsafe { Next::new(c"purple_find_buddies") };

/// Buddies by account and name, hashed: two that share a hash are told apart by libpurple.
#[derive(Default)]
struct Index {
    of_name: HashMap<u64, Vec<*mut PurpleBuddy>>,
    name_of: HashMap<*mut PurpleBuddy, u64>,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static INDEX: RefCell<Index> = RefCell::default();
}

/// From now on every buddy that comes and goes is [`noted`] and [`forgotten`].
pub(in crate::purple) fn rely_on_notes(_: OnPurple) {
    ON.set(true);
}

/// # Safety
/// A live account and a C string.
unsafe fn key(account: *const PurpleAccount, name: *const c_char) -> u64 {
    let mut hash = DefaultHasher::new();
    // SAFETY: the caller's promise; the answer is in a static place, and read at once.
    (account.addr(), unsafe { borrowed(purple_sys::purple_normalize(account, name)) }).hash(&mut hash);
    hash.finish()
}

/// The buddy is on the list, under this name.
///
/// # Safety
/// A live buddy.
pub(in crate::purple) unsafe fn noted(_: OnPurple, buddy: *mut PurpleBuddy) {
    // SAFETY: the caller's promise; its account lives at least as long.
    let key = unsafe { key(purple_sys::purple_buddy_get_account(buddy), purple_sys::purple_buddy_get_name(buddy)) };
    INDEX.with_borrow_mut(|index| {
        if index.name_of.get(&buddy) != Some(&key) {
            index.take(buddy);
            index.name_of.insert(buddy, key);
            index.of_name.entry(key).or_default().push(buddy);
        }
    });
}

/// The buddy is about to be freed.
pub(in crate::purple) fn forgotten(_: OnPurple, buddy: *mut PurpleBuddy) {
    INDEX.with_borrow_mut(|index| index.take(buddy));
}

impl Index {
    fn take(&mut self, buddy: *mut PurpleBuddy) {
        let Some(key) = self.name_of.remove(&buddy) else { return };
        if let Some(same) = self.of_name.get_mut(&key) {
            same.retain(|other| *other != buddy);
            if same.is_empty() {
                self.of_name.remove(&key);
            }
        }
    }
}

/// All that libpurple has under that name. `None`: it is to look for itself.
///
/// # Safety
/// As libpurple's arguments.
unsafe fn found(account: *mut PurpleAccount, name: *const c_char) -> Option<Vec<*mut PurpleBuddy>> {
    // SAFETY: the caller's promise.
    if !ON.get() || OnPurple::here().is_none() || account.is_null() || name.is_null() || unsafe { *name } == 0 {
        return None;
    }
    // SAFETY: a live account and a C string.
    let key = unsafe { key(account, name) };
    let mut some = INDEX.with_borrow(|index| index.of_name.get(&key).cloned().unwrap_or_default());
    // SAFETY: live buddies, since who goes is forgotten first; of two of a name in one group libpurple has one.
    some.retain(|buddy| unsafe {
        let group = purple_sys::purple_buddy_get_group(*buddy);
        !group.is_null() && std::ptr::eq(purple_sys::purple_find_buddy_in_group(account, name, group), *buddy)
    });
    Some(some)
}

/// In libpurple's stead: of several in different groups, the one that came first.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_find_buddy(account: *mut PurpleAccount, name: *const c_char) -> *mut PurpleBuddy {
    guard("purple_find_buddy", std::ptr::null_mut(), || {
        // SAFETY: the caller's own arguments.
        match (unsafe { found(account, name) }, FIND_BUDDY.get()) {
            (Some(some), _) => some.first().copied().unwrap_or(std::ptr::null_mut()),
            // SAFETY: likewise.
            (None, Some(real)) => unsafe { real(account, name) },
            (None, None) => std::ptr::null_mut(),
        }
    })
}

/// In libpurple's stead; the list is the caller's to free.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_find_buddies(account: *mut PurpleAccount, name: *const c_char) -> *mut glib_sys::GSList {
    guard("purple_find_buddies", std::ptr::null_mut(), || {
        // SAFETY: the caller's own arguments.
        match (unsafe { found(account, name) }, FIND_BUDDIES.get()) {
            (Some(some), _) => some.into_iter().rev().fold(std::ptr::null_mut(), |list, buddy| {
                // SAFETY: a list of ours so far.
                unsafe { glib_sys::g_slist_prepend(list, buddy.cast()) }
            }),
            // SAFETY: likewise.
            (None, Some(real)) => unsafe { real(account, name) },
            (None, None) => std::ptr::null_mut(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::ffi::slist;
    use super::super::super::testing::with_core;
    use super::*;
    use crate::purple::strangers::buddy;

    fn sorted(mut all: Vec<*mut PurpleBuddy>) -> Vec<*mut PurpleBuddy> {
        all.sort_unstable();
        all
    }

    /// What libpurple finds by walking, beside ours.
    fn same(account: *mut PurpleAccount, name: &std::ffi::CStr) -> usize {
        // SAFETY: a live account, a C string; the lists are ours.
        unsafe {
            let (ours, theirs) = (purple_find_buddies(account, name.as_ptr()), FIND_BUDDIES.get().unwrap()(account, name.as_ptr()));
            let (all, all_theirs) = (slist::<PurpleBuddy>(ours), slist::<PurpleBuddy>(theirs));
            glib_sys::g_slist_free(ours);
            glib_sys::g_slist_free(theirs);
            let one = purple_find_buddy(account, name.as_ptr());
            assert_eq!(one.is_null(), FIND_BUDDY.get().unwrap()(account, name.as_ptr()).is_null());
            assert!(one.is_null() || all.contains(&one));
            assert_eq!(sorted(all.clone()), sorted(all_theirs), "{name:?}");
            all.len()
        }
    }

    #[test]
    fn buddies_are_found_as_libpurple_finds_them() {
        with_core("purple::interpose::find::tests::buddies_are_found_as_libpurple_finds_them", |core| {
            let (one, other) = (core.account(1, 1), core.account(2, 2));
            let first = buddy(one, "ida@example.org", "Friends");
            let second = buddy(one, "Ida@Example.org/phone", "Family");
            buddy(other, "ida@example.org", "Friends");
            assert_eq!(same(one, c"IDA@example.org"), 2, "names are compared as the protocol does it");
            assert_eq!((same(other, c"ida@example.org"), same(other, c"bob@example.org")), (1, 0));
            // Moved, renamed, doubled in one group, and gone.
            // SAFETY: live buddies and groups, C strings.
            unsafe {
                let family = purple_sys::purple_find_group(c"Family".as_ptr());
                purple_sys::purple_blist_add_buddy(first, std::ptr::null_mut(), family, std::ptr::null_mut());
            }
            same(one, c"ida@example.org");
            // SAFETY: as above.
            unsafe { purple_sys::purple_blist_rename_buddy(second, c"eva@example.org".as_ptr()) };
            same(one, c"ida@example.org");
            assert_eq!(same(one, c"eva@example.org"), 1);
            // SAFETY: as above.
            unsafe { purple_sys::purple_blist_remove_buddy(second) };
            assert_eq!(same(one, c"eva@example.org"), 0);
            // SAFETY: as above.
            unsafe { purple_sys::purple_blist_remove_buddy(first) };
            assert_eq!((same(one, c"ida@example.org"), same(other, c"ida@example.org")), (0, 1));
            assert_eq!(INDEX.with_borrow(|index| (index.of_name.len(), index.name_of.len())), (1, 1));
        });
    }

    #[test]
    fn a_look_up_asks_no_more_groups_when_there_are_more() {
        with_core("purple::interpose::find::tests::a_look_up_asks_no_more_groups_when_there_are_more", |core| {
            let one = core.account(1, 1);
            for group in 0..400 {
                buddy(one, &format!("buddy{group}@example.org"), &format!("group{group}"));
            }
            // What is asked of libpurple is one question for each that has the name.
            // SAFETY: a live account and a C string.
            let key = unsafe { key(one, c"buddy7@example.org".as_ptr()) };
            assert_eq!(INDEX.with_borrow(|index| index.of_name.get(&key).map(Vec::len)), Some(1));
            assert_eq!(same(one, c"buddy7@example.org"), 1);
        });
    }
}
