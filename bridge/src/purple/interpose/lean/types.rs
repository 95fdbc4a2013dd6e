//! The status types that accounts of one protocol have in common, kept once: libpurple makes each account its own, some 240 small pieces on XMPP.
//! What differs between accounts stays theirs.

use super::super::next::Next;
use crate::purple::ffi::{borrowed, guard, list};
use crate::purple::token::OnPurple;
use glib_sys::GList;
use purple_sys::{PurpleAccount, PurpleStatusAttr, PurpleStatusType, PurpleType, PurpleValue};
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

pub(in super::super) type SetTypes = unsafe extern "C" fn(*mut PurpleAccount, *mut GList);
pub(in super::super) type DestroyType = unsafe extern "C" fn(*mut PurpleStatusType);

// SAFETY: libpurple's declaration (account.h).
static SET_TYPES: Next<SetTypes> = unsafe { Next::new(c"purple_account_set_status_types") };
// SAFETY: libpurple's declaration (status.h).
static DESTROY: Next<DestroyType> = unsafe { Next::new(c"purple_status_type_destroy") };

/// Types kept for all accounts; a protocol that makes up new ones for each account keeps what is beyond for itself.
const MOST: usize = 1024;
/// The same of one protocol.
const MOST_OF_ONE: usize = 64;

#[derive(Default)]
struct Kept {
    by_protocol: HashMap<String, Vec<*mut PurpleStatusType>>,
    all: HashSet<*mut PurpleStatusType>,
    /// One of them was to be destroyed.
    spared: bool,
}

// SAFETY: whatever is behind the pointers is used on libpurple's thread only.
unsafe impl Send for Kept {}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In libpurple's stead: those that another account of the protocol has already take the place of their like.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_account_set_status_types(account: *mut PurpleAccount, types: *mut GList) {
    guard("purple_account_set_status_types", (), || {
        // An account that is being freed has no protocol to name any more; it is given no types.
        if super::is_on() && !account.is_null() && !types.is_null() && OnPurple::here().is_some() {
            // SAFETY: a live account, and its own list.
            unsafe { share(account, types) };
        }
        if let Some(real) = SET_TYPES.get() {
            // SAFETY: the caller's own arguments.
            unsafe { real(account, types) };
        }
    });
}

/// In libpurple's stead: what all share stays.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(in super::super) unsafe extern "C" fn purple_status_type_destroy(kind: *mut PurpleStatusType) {
    guard("purple_status_type_destroy", (), || {
        if spare(kind) {
            return;
        }
        if let Some(real) = DESTROY.get() {
            // SAFETY: the caller's own argument.
            unsafe { real(kind) };
        }
    });
}

/// Whether it is kept for others.
fn spare(kind: *mut PurpleStatusType) -> bool {
    let mut kept = kept();
    let is_kept = kept.all.contains(&kind);
    kept.spared |= is_kept;
    is_kept
}

/// Whether libpurple itself asks ours to destroy types: one that is linked to its own functions (`-Bsymbolic-functions`) would free what is kept.
pub(super) fn is_asked() -> bool {
    let (Some(set), Some(destroy)) = (SET_TYPES.get(), DESTROY.get()) else { return false };
    // SAFETY: C strings, which are copied, and a new type. Zeroes are an account without types, and libpurple looks at nothing else of one here.
    unsafe {
        let kind = purple_sys::purple_status_type_new(
            purple_sys::PurpleStatusPrimitive::PURPLE_STATUS_AVAILABLE,
            c"lean".as_ptr(),
            c"Lean".as_ptr(),
            glib_sys::GFALSE,
        );
        let mut account = PurpleAccount::default();
        set(&raw mut account, glib_sys::g_list_append(std::ptr::null_mut(), kind.cast()));
        kept().all.insert(kind);
        set(&raw mut account, std::ptr::null_mut());
        let mut kept = kept();
        kept.all.remove(&kind);
        let spared = std::mem::take(&mut kept.spared);
        drop(kept);
        if spared {
            destroy(kind);
        }
        spared
    }
}

/// # Safety
/// A live account, and a list of types that the account is to have, which nothing refers to yet.
unsafe fn share(account: *mut PurpleAccount, mut types: *mut GList) {
    // SAFETY: a live account.
    let Some(protocol) = (unsafe { borrowed(purple_sys::purple_account_get_protocol_id(account)) }) else { return };
    while !types.is_null() {
        // SAFETY: a node of a valid list.
        let node = unsafe { &mut *types };
        let own = node.data.cast::<PurpleStatusType>();
        // SAFETY: a live type.
        let kept = unsafe { like(&protocol, own) };
        if kept != own {
            node.data = kept.cast();
            // SAFETY: it has just been taken out of the list, and nothing else has it. Not one of those that are kept, says `like`.
            unsafe { purple_status_type_destroy(own) };
        }
        types = node.next;
    }
}

/// The kept type that says the same, or itself: from now on kept, unless there are too many.
///
/// # Safety
/// A live type.
unsafe fn like(protocol: &str, own: *mut PurpleStatusType) -> *mut PurpleStatusType {
    let mut kept = kept();
    if own.is_null() || kept.all.contains(&own) {
        return own;
    }
    let full = kept.all.len() >= MOST;
    let known = match kept.by_protocol.get_mut(protocol) {
        Some(known) => known,
        None => kept.by_protocol.entry(protocol.to_owned()).or_default(),
    };
    // SAFETY: live types both.
    if let Some(found) = known.iter().find(|one| unsafe { are_alike(**one, own) }) {
        return *found;
    }
    if !full && known.len() < MOST_OF_ONE {
        known.push(own);
        kept.all.insert(own);
    }
    own
}

/// # Safety
/// Live types.
unsafe fn are_alike(one: *mut PurpleStatusType, other: *mut PurpleStatusType) -> bool {
    use purple_sys as p;
    // SAFETY: live types, and what they own.
    unsafe {
        p::purple_status_type_get_primitive(one) == p::purple_status_type_get_primitive(other)
            && is_same_text(p::purple_status_type_get_id(one), p::purple_status_type_get_id(other))
            && is_same_text(p::purple_status_type_get_name(one), p::purple_status_type_get_name(other))
            && is_same_text(p::purple_status_type_get_primary_attr(one), p::purple_status_type_get_primary_attr(other))
            && p::purple_status_type_is_saveable(one) == p::purple_status_type_is_saveable(other)
            && p::purple_status_type_is_user_settable(one) == p::purple_status_type_is_user_settable(other)
            && p::purple_status_type_is_independent(one) == p::purple_status_type_is_independent(other)
            && {
                let (ones, others) = (attributes(one), attributes(other));
                ones.len() == others.len() && ones.into_iter().zip(others).all(|(one, other)| is_same_attribute(one, other))
            }
    }
}

/// # Safety
/// A live type.
unsafe fn attributes(of: *mut PurpleStatusType) -> Vec<*mut PurpleStatusAttr> {
    // SAFETY: its own list.
    unsafe { list(purple_sys::purple_status_type_get_attrs(of)) }
}

/// # Safety
/// Live attributes.
unsafe fn is_same_attribute(one: *mut PurpleStatusAttr, other: *mut PurpleStatusAttr) -> bool {
    // SAFETY: live attributes, and what they own.
    unsafe {
        is_same_text(purple_sys::purple_status_attr_get_id(one), purple_sys::purple_status_attr_get_id(other))
            && is_same_text(purple_sys::purple_status_attr_get_name(one), purple_sys::purple_status_attr_get_name(other))
            && is_same_value(purple_sys::purple_status_attr_get_value(one), purple_sys::purple_status_attr_get_value(other))
    }
}

/// Of the sorts that statuses have (status.h); others are alike to none.
///
/// # Safety
/// Live values.
unsafe fn is_same_value(one: *const PurpleValue, other: *const PurpleValue) -> bool {
    // SAFETY: live values, each read as the type that it has.
    unsafe {
        let sort = purple_sys::purple_value_get_type(one);
        sort == purple_sys::purple_value_get_type(other)
            && match sort {
                PurpleType::PURPLE_TYPE_STRING => {
                    is_same_text(purple_sys::purple_value_get_string(one), purple_sys::purple_value_get_string(other))
                }
                PurpleType::PURPLE_TYPE_INT => purple_sys::purple_value_get_int(one) == purple_sys::purple_value_get_int(other),
                PurpleType::PURPLE_TYPE_BOOLEAN => purple_sys::purple_value_get_boolean(one) == purple_sys::purple_value_get_boolean(other),
                _ => false,
            }
    }
}

/// # Safety
/// C strings or NULL.
unsafe fn is_same_text(one: *const std::ffi::c_char, other: *const std::ffi::c_char) -> bool {
    // SAFETY: the caller's promise; GLib takes NULL.
    unsafe { glib_sys::g_strcmp0(one, other) == 0 }
}

/// Frees what was kept; after the last account.
pub(super) fn forget(_: OnPurple) {
    let forgotten = std::mem::take(&mut *kept());
    for kind in forgotten.all {
        // SAFETY: live, and nobody's any more.
        unsafe { purple_status_type_destroy(kind) };
    }
}
