//! Less memory for the same libpurple: what it makes for every account and every buddy and nobody reads is made when it is read, or once for all.
//! It changes what things cost, and never what anybody is told.

mod bus;
pub(super) mod sasl;
mod statuses;
mod types;
mod xml;

pub(super) use bus::{Register, Unregister, purple_dbus_register_pointer, purple_dbus_unregister_pointer};
pub(super) use statuses::{
    Destroy, GetNumber, GetString, GetValue, New, purple_status_destroy, purple_status_get_attr_boolean, purple_status_get_attr_int,
    purple_status_get_attr_string, purple_status_get_attr_value, purple_status_new,
};
pub(super) use types::{DestroyType, SetTypes, purple_account_set_status_types, purple_status_type_destroy};
pub(super) use xml::{ParseChunk, xmlParseChunk};

use crate::purple::{debug, token::OnPurple};
use std::sync::atomic::{AtomicBool, Ordering};

static LEAN: AtomicBool = AtomicBool::new(false);

/// Whether any of this happens.
fn is_on() -> bool {
    LEAN.load(Ordering::Relaxed)
}

/// Before the first account; stays off when this libpurple is built otherwise than all that are known.
pub(super) fn install(_: OnPurple, wanted: bool) {
    if !wanted {
        return;
    }
    // While it is looked at, too: libpurple has no tables for its numbers yet.
    LEAN.store(true, Ordering::Relaxed);
    // What a libpurple that is not as known says of it is no news.
    if debug::trying(|| statuses::is_as_known() && statuses::is_asked() && types::is_asked()) {
        xml::shrink_buffers();
    } else {
        LEAN.store(false, Ordering::Relaxed);
        log::warn!(target: "bridge", "this libpurple keeps statuses in an unknown way, or for itself: accounts and buddies take more memory than they need");
    }
}

/// After the last account.
pub(super) fn uninstall(token: OnPurple) {
    types::forget(token);
}

#[cfg(test)]
mod tests;
