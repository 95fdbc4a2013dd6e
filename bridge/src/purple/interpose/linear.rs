//! Functions of libpurple's that cost the square of what a network sends, in its stead, at the price of one look: rows of room lists, and links in
//! texts, which `web::body` finds by itself.

use super::super::ffi::guard;
use purple_sys::{PurpleRoomlist, PurpleRoomlistRoom};
use std::ffi::c_char;

pub(super) type AddRoom = unsafe extern "C" fn(*mut PurpleRoomlist, *mut PurpleRoomlistRoom);
pub(super) type Linkify = unsafe extern "C" fn(*const c_char) -> *mut c_char;

/// In libpurple's stead: a row goes to the front, where libpurple would walk to the end for each. Rows are told as they come, and read by nobody else.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_roomlist_room_add(list: *mut PurpleRoomlist, room: *mut PurpleRoomlistRoom) {
    guard("purple_roomlist_room_add", (), || {
        if list.is_null() || room.is_null() {
            return;
        }
        // SAFETY: a live list, whose rows are its own; the operations are libpurple's, which were set for good.
        unsafe {
            (*list).rooms = glib_sys::g_list_prepend((*list).rooms, room.cast());
            if let Some(add) = purple_sys::purple_roomlist_get_ui_ops().as_ref().and_then(|ops| ops.add_room) {
                add(list, room);
            }
        }
    });
}

/// In libpurple's stead: the text as it is. libpurple copies what stands before an `@` once for each of its letters.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_markup_linkify(text: *const c_char) -> *mut c_char {
    // SAFETY: a C string, or NULL, which gives NULL.
    unsafe { glib_sys::g_strdup(text) }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::with_core;

    #[test]
    fn a_row_of_a_room_list_walks_past_none_before_it() {
        with_core("purple::interpose::linear::tests::a_row_of_a_room_list_walks_past_none_before_it", |core| {
            let account = core.account(1, 1);
            // SAFETY: a live account and C strings; the list has our reference until its end.
            unsafe {
                let list = purple_sys::purple_roomlist_new(account);
                for name in [c"first", c"second"] {
                    let kind = purple_sys::PurpleRoomlistRoomType::PURPLE_ROOMLIST_ROOMTYPE_ROOM;
                    let room = purple_sys::purple_roomlist_room_new(kind, name.as_ptr(), std::ptr::null_mut());
                    purple_sys::purple_roomlist_room_add(list, room);
                }
                let first = (*(*list).rooms).data.cast::<purple_sys::PurpleRoomlistRoom>();
                let name = super::super::super::ffi::borrowed((*first).name);
                assert_eq!((name.as_deref(), glib_sys::g_list_length((*list).rooms)), (Some("second"), 2));
                purple_sys::purple_roomlist_unref(list);
            }
        });
    }

    #[test]
    fn links_are_not_libpurples_to_find() {
        let long = format!("{}@example.org", "a".repeat(1 << 20));
        let text = super::super::super::ffi::in_process(&long);
        // SAFETY: a C string; the copy is ours to free.
        let copy = unsafe { super::super::super::ffi::owned(purple_sys::purple_markup_linkify(text.as_ptr())) };
        assert!(copy == Some(long));
    }
}
