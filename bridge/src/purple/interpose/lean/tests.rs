use super::LEAN;
use crate::purple::ffi::{self, borrowed, list};
use crate::purple::testing::{Core, with_core};
use purple_sys::{PurpleAccount, PurplePresence, PurpleStatus, PurpleStatusAttr, PurpleStatusType, PurpleType};
use std::ffi::{CStr, c_int, c_void};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

fn lean(on: bool) {
    LEAN.store(on, Ordering::Relaxed);
}

fn account(name: &CStr) -> *mut PurpleAccount {
    // SAFETY: C strings, copied.
    unsafe { purple_sys::purple_account_new(name.as_ptr(), c"prpl-jabber".as_ptr()) }
}

fn buddy(of: *mut PurpleAccount, name: &CStr) -> *mut PurplePresence {
    // SAFETY: a live account; strings are copied, the group is found or made.
    unsafe {
        let group = purple_sys::purple_group_new(c"Friends".as_ptr());
        let buddy = purple_sys::purple_buddy_new(of, name.as_ptr(), std::ptr::null());
        purple_sys::purple_blist_add_buddy(buddy, std::ptr::null_mut(), group, std::ptr::null_mut());
        purple_sys::purple_buddy_get_presence(buddy)
    }
}

fn statuses(of: *mut PurplePresence) -> Vec<*mut PurpleStatus> {
    // SAFETY: a live presence and its own list.
    unsafe { list(purple_sys::purple_presence_get_statuses(of)) }
}

fn status(of: *mut PurplePresence, id: &CStr) -> *mut PurpleStatus {
    // SAFETY: a live presence and a C string.
    unsafe { purple_sys::purple_presence_get_status(of, id.as_ptr()) }
}

/// All that can be read of a presence.
fn told(of: *mut PurplePresence) -> String {
    let mut story = String::new();
    for status in statuses(of) {
        // SAFETY: a live status, its type, and what they own.
        unsafe {
            let id = borrowed(purple_sys::purple_status_get_id(status)).unwrap();
            write!(story, "{id} {}:", purple_sys::purple_status_is_active(status)).unwrap();
            let kind = purple_sys::purple_status_get_type(status);
            for attribute in list::<PurpleStatusAttr>(purple_sys::purple_status_type_get_attrs(kind)) {
                let id = purple_sys::purple_status_attr_get_id(attribute);
                let value = match purple_sys::purple_value_get_type(purple_sys::purple_status_attr_get_value(attribute)) {
                    PurpleType::PURPLE_TYPE_STRING => format!("{:?}", borrowed(purple_sys::purple_status_get_attr_string(status, id))),
                    PurpleType::PURPLE_TYPE_INT => purple_sys::purple_status_get_attr_int(status, id).to_string(),
                    _ => format!("b{}", purple_sys::purple_status_get_attr_boolean(status, id)),
                };
                write!(story, " {}={value}", borrowed(id).unwrap()).unwrap();
            }
        }
        story.push('\n');
    }
    story
}

/// Sets a status with attributes, as a protocol does.
fn set(status: *mut PurpleStatus, attributes: &[(&CStr, *const c_void)]) {
    // SAFETY: a live status; ids and strings live through the call, which copies them. A list of pairs, as libpurple wants it.
    unsafe {
        let mut given = std::ptr::null_mut();
        for (id, value) in attributes {
            given = glib_sys::g_list_append(given, id.as_ptr().cast_mut().cast());
            given = glib_sys::g_list_append(given, value.cast_mut());
        }
        purple_sys::purple_status_set_active_with_attrs_list(status, glib_sys::GTRUE, given);
        glib_sys::g_list_free(given);
    }
}

fn text(value: &CStr) -> *const c_void {
    value.as_ptr().cast()
}

/// A day in the life of an account and a buddy; everything that can be read of both after each step.
fn days_work(account: *mut PurpleAccount) -> String {
    // SAFETY: a live account.
    let own = unsafe { purple_sys::purple_account_get_presence(account) };
    let ida = buddy(account, c"ida@example.org");
    let mut story = told(own) + &told(ida);
    set(status(ida, c"away"), &[(c"message", text(c"at lunch")), (c"priority", std::ptr::without_provenance(7))]);
    story += &told(ida);
    // The message is not said again: it goes back to what the type says.
    set(status(ida, c"away"), &[(c"priority", std::ptr::without_provenance(0))]);
    story += &told(ida);
    set(status(ida, c"available"), &[(c"buzz", std::ptr::without_provenance(1)), (c"message", text(c"here"))]);
    set(status(own, c"available"), &[(c"mood", text(c"happy")), (c"message", std::ptr::null())]);
    story += &(told(own) + &told(ida));
    // SAFETY: live statuses, C strings; the value is the status's to give and ours to write to.
    unsafe {
        purple_sys::purple_status_set_attr_string(status(ida, c"extended_away"), c"message".as_ptr(), c"far".as_ptr());
        purple_sys::purple_status_set_attr_int(status(ida, c"extended_away"), c"priority".as_ptr(), -3);
        purple_sys::purple_status_set_attr_boolean(status(ida, c"available"), c"buzz".as_ptr(), 0);
        let value = purple_sys::purple_status_get_attr_value(status(ida, c"dnd"), c"message".as_ptr());
        purple_sys::purple_value_set_string(value, c"written straight".as_ptr());
        let nothing = [c"no_such_attribute", c""].map(|id| purple_sys::purple_status_get_attr_value(status(ida, c"dnd"), id.as_ptr()));
        assert!(nothing.iter().all(|value| value.is_null()));
        let unknown = purple_sys::purple_status_get_attr_string(status(ida, c"dnd"), c"no_such_attribute".as_ptr());
        assert!(unknown.is_null());
    }
    story += &told(ida);
    // One of the name, which others of the same type must not have.
    story + &told(buddy(account, c"jon@example.org")) + &told(own)
}

#[test]
fn statuses_say_what_libpurples_say() {
    with_core("purple::interpose::lean::tests::statuses_say_what_libpurples_say", |_| {
        assert!(LEAN.load(Ordering::Relaxed), "this libpurple is not as known");
        let ours = days_work(account(c"ines@localhost/a"));
        lean(false);
        let theirs = days_work(account(c"ines@localhost/b"));
        assert_eq!(ours, theirs);
        for word in ["at lunch", "priority=7", "buzz=b1", "far", "priority=-3", "written straight", "happy"] {
            assert!(ours.contains(word), "{word} in {ours}");
        }
        lean(true);
    });
}

#[path = "../../../../tests/common/heap.rs"]
mod heap;
use heap::in_use;

mod login;
mod streams;

/// Bytes of one more account with as many buddies, by the account.
fn bytes_of(names: std::ops::Range<u32>, buddies: u32) -> usize {
    let count = names.len();
    let before = in_use();
    for name in names {
        let account = account(&ffi::in_process(&format!("u{name}@localhost/b")));
        for n in 0..buddies {
            buddy(account, &ffi::in_process(&format!("c{name}x{n}@localhost")));
        }
    }
    (in_use() - before) / count
}

#[test]
fn accounts_and_buddies_take_a_part_of_what_they_took() {
    with_core("purple::interpose::lean::tests::accounts_and_buddies_take_a_part_of_what_they_took", |_| {
        // What is made once: tables, groups, the types.
        bytes_of(0..4, 20);
        let (account, with_buddies) = (bytes_of(10..110, 0), bytes_of(200..220, 100));
        let each = (with_buddies - account) / 100;
        lean(false);
        let (was_account, was_with) = (bytes_of(1000..1100, 0), bytes_of(2000..2020, 100));
        let was_each = (was_with - was_account) / 100;
        lean(true);
        println!("an account {account} bytes (was {was_account}), a buddy {each} (was {was_each})");
        assert!(account * 5 < was_account, "an account: {account}, was {was_account}");
        assert!(each * 5 < was_each * 2, "a buddy: {each}, was {was_each}");
    });
}

fn kind(of: *mut PurpleAccount, id: &CStr) -> *mut PurpleStatusType {
    // SAFETY: a live account and a C string.
    unsafe { purple_sys::purple_account_get_status_type(of, id.as_ptr()) }
}

/// A type with one text, `message`, that begins as `begin`.
fn own_type(begin: &CStr) -> *mut PurpleStatusType {
    // SAFETY: C strings, copied; the value is the type's from here on.
    unsafe {
        let (primitive, id) = (purple_sys::PurpleStatusPrimitive::PURPLE_STATUS_AVAILABLE, c"available".as_ptr());
        let made = purple_sys::purple_status_type_new_full(primitive, id, c"There".as_ptr(), 1, 1, 0);
        let value = purple_sys::purple_value_new(PurpleType::PURPLE_TYPE_STRING);
        purple_sys::purple_value_set_string(value, begin.as_ptr());
        purple_sys::purple_status_type_add_attr(made, c"message".as_ptr(), c"Message".as_ptr(), value);
        made
    }
}

fn give(to: *mut PurpleAccount, kind: *mut PurpleStatusType) {
    // SAFETY: a live account; the list and the type are its own from here on.
    unsafe { purple_sys::purple_account_set_status_types(to, glib_sys::g_list_append(std::ptr::null_mut(), kind.cast())) };
}

/// An account that nothing has a status of, so that its types may be changed.
fn bare_account(name: &CStr, protocol: &CStr) -> *mut PurpleAccount {
    // SAFETY: C strings, copied.
    unsafe { purple_sys::purple_account_new(name.as_ptr(), protocol.as_ptr()) }
}

#[test]
fn accounts_of_a_protocol_share_what_is_the_same_and_nothing_else() {
    with_core("purple::interpose::lean::tests::accounts_of_a_protocol_share_what_is_the_same_and_nothing_else", |core: &mut Core| {
        let (one, other) = (account(c"ines@localhost/a"), account(c"jon@localhost/a"));
        for id in [c"available", c"away", c"offline", c"mood"] {
            assert!(!kind(one, id).is_null() && kind(one, id) == kind(other, id), "{id:?}");
        }
        // Nobody's protocol is loaded for it: types of one's own making, and no statuses of them.
        let [first, second, third, fourth] =
            [(c"a", c"prpl-none"), (c"b", c"prpl-none"), (c"c", c"prpl-none"), (c"d", c"prpl-else")].map(|(n, p)| bare_account(n, p));
        give(first, own_type(c"one"));
        give(second, own_type(c"one"));
        give(third, own_type(c"two"));
        give(fourth, own_type(c"one"));
        assert_eq!(kind(first, c"available"), kind(second, c"available"));
        assert_ne!(kind(first, c"available"), kind(third, c"available"), "the value that it begins with differs");
        assert_ne!(kind(first, c"available"), kind(fourth, c"available"), "the protocol differs");
        // SAFETY: live accounts, of which nothing is left afterwards.
        unsafe {
            purple_sys::purple_account_set_status_types(first, std::ptr::null_mut());
            let attribute = purple_sys::purple_status_type_get_attr(kind(second, c"available"), c"message".as_ptr());
            let value = purple_sys::purple_status_attr_get_value(attribute);
            assert_eq!(borrowed(purple_sys::purple_value_get_string(value)).as_deref(), Some("one"), "still the second's");
            purple_sys::purple_account_destroy(one);
        }
        assert!(told(buddy(other, c"kim@example.org")).contains("available"), "still the other's");
        // A protocol that makes up new ones without end keeps them for itself.
        let many: Vec<_> = (0..200).map(|n| own_type(&ffi::in_process(&format!("made up {n}")))).collect();
        for kind in &many {
            give(third, *kind);
        }
        let before = in_use();
        for n in 0..200 {
            give(third, own_type(&ffi::in_process(&format!("made up again {n}"))));
        }
        assert!(in_use() < before + 20_000, "{} bytes more", in_use() - before);
        super::uninstall(core.token);
    });
}

#[test]
fn nothing_is_numbered_for_a_bus_that_nobody_is_on() {
    with_core("purple::interpose::lean::tests::nothing_is_numbered_for_a_bus_that_nobody_is_on", |_| {
        // SAFETY: a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"purple_dbus_pointer_to_id".as_ptr()) };
        assert!(!found.is_null(), "this libpurple has no D-Bus: nothing to see here");
        // SAFETY: libpurple's declaration (dbus-server.h).
        let number = unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*const c_void) -> c_int>(found) };
        let numbers = |of: *mut PurpleAccount| {
            // SAFETY: live objects.
            unsafe { (number(of.cast()), number(purple_sys::purple_account_get_active_status(of).cast())) }
        };
        assert_eq!(numbers(account(c"ines@localhost/a")), (0, 0));
        lean(false);
        let (account, status) = numbers(account(c"ines@localhost/b"));
        assert!(account > 0 && status > 0);
        lean(true);
    });
}
