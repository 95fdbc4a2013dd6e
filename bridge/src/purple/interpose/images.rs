//! Numbered pictures and custom smileys, in libpurple's stead: so that it is known whose each is, and that a picture which comes late meets no
//! conversation that is gone. Shows nothing; that is `picture.rs`'s.

use super::super::ffi::{borrowed, guard, guard_on};
use super::super::token::OnPurple;
use super::super::{conversation, owner, picture};
use super::next::Next;
use crate::id::ConversationId;
use glib_sys::gboolean;
use purple_sys::PurpleConversation;
use std::ffi::{c_char, c_int, c_void};

pub(super) type AddWithId = unsafe extern "C" fn(*mut c_void, usize, *const c_char) -> c_int;
pub(super) type SmileyAdd =
    unsafe extern "C" fn(*mut PurpleConversation, *const c_char, *const c_char, *const c_char, gboolean) -> gboolean;
pub(super) type SmileyWrite = unsafe extern "C" fn(*mut PurpleConversation, *const c_char, *const u8, usize);
pub(super) type SmileyClose = unsafe extern "C" fn(*mut PurpleConversation, *const c_char);

// SAFETY: libpurple's declaration (imgstore.h).
static ADD: Next<AddWithId> = unsafe { Next::new(c"purple_imgstore_add_with_id") };

/// In libpurple's stead: the picture is of the account whose callback runs.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_imgstore_add_with_id(data: *mut c_void, size: usize, filename: *const c_char) -> c_int {
    guard("purple_imgstore_add_with_id", 0, || {
        let Some(real) = ADD.get() else { return 0 };
        // SAFETY: the caller's own arguments.
        let id = unsafe { real(data, size, filename) };
        if let (Some(token), true) = (OnPurple::here(), id != 0) {
            picture::added(token, id);
        }
        id
    })
}

/// A conversation of the account whose callback runs. libpurple itself would look into one that is freed: plugins fetch pictures, and give them to the
/// conversation that was there when they began. One at the same address may be another user's by then.
fn live(token: OnPurple, purple: *const PurpleConversation) -> Option<ConversationId> {
    conversation::at(token, purple).filter(|(_, account)| owner::current() == Some(*account)).map(|(id, _)| id)
}

/// In libpurple's stead: whether the picture of a custom smiley is wanted.
///
/// # Safety
/// As libpurple's; the conversation may be gone.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_conv_custom_smiley_add(
    purple: *mut PurpleConversation,
    smile: *const c_char,
    _checksum_type: *const c_char,
    _checksum: *const c_char,
    _remote: gboolean,
) -> gboolean {
    let wanted = guard_on("purple_conv_custom_smiley_add", false, |token| {
        // SAFETY: NULL or a C string.
        let text = unsafe { borrowed(smile) };
        live(token, purple).zip(text).is_some_and(|(conversation, text)| picture::add_smiley(token, conversation, &text))
    });
    i32::from(wanted)
}

/// In libpurple's stead: a part of that picture.
///
/// # Safety
/// As libpurple's; the conversation may be gone.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_conv_custom_smiley_write(
    purple: *mut PurpleConversation,
    smile: *const c_char,
    data: *const u8,
    size: usize,
) {
    guard_on("purple_conv_custom_smiley_write", (), |token| {
        // SAFETY: NULL or a C string.
        let text = unsafe { borrowed(smile) };
        let Some((conversation, text)) = live(token, purple).zip(text).filter(|_| !data.is_null() && size > 0) else { return };
        // SAFETY: so many bytes, which the caller lends.
        picture::write_smiley(token, conversation, &text, unsafe { std::slice::from_raw_parts(data, size) });
    });
}

/// In libpurple's stead: the end of that picture.
///
/// # Safety
/// As libpurple's; the conversation may be gone.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_conv_custom_smiley_close(purple: *mut PurpleConversation, smile: *const c_char) {
    guard_on("purple_conv_custom_smiley_close", (), |token| {
        // SAFETY: NULL or a C string.
        let text = unsafe { borrowed(smile) };
        if let Some((conversation, text)) = live(token, purple).zip(text) {
            picture::close_smiley(token, conversation, &text);
        }
    });
}
