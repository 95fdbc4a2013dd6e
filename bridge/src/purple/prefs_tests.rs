//! Preferences through libpurple's own functions; they need no core.

use super::*;
use std::ffi::CStr;

fn installed() {
    // SAFETY: each test has its own thread and its own preferences, and calls libpurple's stateless preference functions only.
    install(unsafe { OnPurple::declare() });
}

fn bool_of(name: &CStr) -> bool {
    // SAFETY: a C string.
    unsafe { purple_sys::purple_prefs_get_bool(name.as_ptr()) != GFALSE }
}

fn text_of(name: &CStr) -> Option<String> {
    // SAFETY: a C string.
    let value = unsafe { purple_sys::purple_prefs_get_string(name.as_ptr()) };
    // SAFETY: lent until the next set.
    unsafe { borrowed(value) }
}

fn children_of(name: &CStr) -> Vec<String> {
    // SAFETY: a C string.
    let names = unsafe { purple_sys::purple_prefs_get_children_names(name.as_ptr()) };
    // SAFETY: a list of C strings, ours to free.
    let copies = unsafe { super::copies(names) };
    // SAFETY: ours, made with g_strdup and g_list_prepend.
    unsafe { glib_sys::g_list_free_full(names, Some(glib_sys::g_free)) };
    copies.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn dangerous_preferences_stay_as_they_are() {
    installed();
    for (name, held) in HELD {
        let name = in_process(name);
        // SAFETY: C strings; what libpurple's parts and plugins do.
        unsafe {
            purple_sys::purple_prefs_add_bool(name.as_ptr(), GTRUE);
            purple_sys::purple_prefs_add_string(name.as_ptr(), c"away".as_ptr());
            purple_sys::purple_prefs_set_bool(name.as_ptr(), GTRUE);
            purple_sys::purple_prefs_set_int(name.as_ptr(), 7);
            purple_sys::purple_prefs_set_string(name.as_ptr(), c"away".as_ptr());
            purple_sys::purple_prefs_remove(name.as_ptr());
            purple_sys::purple_prefs_add_string(c"/plugins/mine".as_ptr(), c"away".as_ptr());
            purple_sys::purple_prefs_rename(c"/plugins/mine".as_ptr(), name.as_ptr());
            purple_sys::purple_prefs_rename(name.as_ptr(), c"/plugins/theirs".as_ptr());
        }
        match held {
            Held::Bool(value) => assert_eq!(bool_of(&name), *value, "{name:?}"),
            // SAFETY: a C string.
            Held::Int(value) => assert_eq!(unsafe { purple_sys::purple_prefs_get_int(name.as_ptr()) }, *value, "{name:?}"),
            Held::Text(value) => assert_eq!(text_of(&name).as_deref(), value.to_str().ok(), "{name:?}"),
        }
    }
}

/// Written out once more, so that none gets lost in the list itself.
#[test]
fn what_would_mix_users_up_is_among_them() {
    installed();
    for name in [
        c"/purple/away/away_when_idle",
        c"/purple/logging/log_ims",
        c"/purple/logging/log_chats",
        c"/purple/logging/log_system",
        c"/purple/network/auto_ip",
        c"/purple/network/map_ports",
        c"/purple/network/ports_range_use",
        c"/purple/savedstatus/isidleaway",
        c"/purple/savedstatus/startup_current_status",
    ] {
        // SAFETY: C strings; what libpurple's own parts do at their start, and what a plugin might.
        unsafe {
            purple_sys::purple_prefs_add_bool(name.as_ptr(), GTRUE);
            purple_sys::purple_prefs_set_bool(name.as_ptr(), GTRUE);
        }
        assert!(!bool_of(name), "{name:?}");
    }
    for (name, safe) in [
        (c"/purple/away/auto_reply", "never"),
        (c"/purple/away/idle_reporting", "none"),
        (c"/purple/network/public_ip", ""),
        (c"/purple/network/stun_server", ""),
        (c"/purple/network/turn_server", ""),
        (c"/purple/proxy/type", "none"),
        (c"/purple/proxy/host", ""),
    ] {
        // SAFETY: C strings.
        unsafe {
            purple_sys::purple_prefs_add_string(name.as_ptr(), c"theirs".as_ptr());
            purple_sys::purple_prefs_set_string(name.as_ptr(), c"theirs".as_ptr());
        }
        assert_eq!(text_of(name).as_deref(), Some(safe), "{name:?}");
    }
}

#[test]
fn defaults_are_kept_and_settings_replace_them() {
    installed();
    // SAFETY: C strings and a list of one.
    unsafe {
        purple_sys::purple_prefs_add_none(c"/plugins".as_ptr());
        purple_sys::purple_prefs_add_bool(c"/plugins/a/on".as_ptr(), GTRUE);
        purple_sys::purple_prefs_add_bool(c"/plugins/a/on".as_ptr(), GFALSE);
        purple_sys::purple_prefs_add_int(c"/plugins/a/number".as_ptr(), 5);
        purple_sys::purple_prefs_set_int(c"/plugins/a/number".as_ptr(), 6);
        purple_sys::purple_prefs_set_bool(c"/plugins/a/number".as_ptr(), GTRUE);
        purple_sys::purple_prefs_set_string(c"/plugins/a/new".as_ptr(), c"text".as_ptr());
        purple_sys::purple_prefs_add_string(c"/plugins/a/nothing".as_ptr(), ptr::null());
    }
    assert!(bool_of(c"/plugins/a/on"), "the first default counts");
    // SAFETY: a C string.
    assert_eq!(unsafe { purple_sys::purple_prefs_get_int(c"/plugins/a/number".as_ptr()) }, 6);
    assert_eq!(text_of(c"/plugins/a/new").as_deref(), Some("text"));
    assert_eq!(text_of(c"/plugins/a/nothing"), None);
    assert_eq!(text_of(c"/plugins/a/number"), None);
    assert_eq!(children_of(c"/plugins/a"), ["/plugins/a/new", "/plugins/a/nothing", "/plugins/a/number", "/plugins/a/on"]);
    assert!(children_of(c"/").contains(&"/plugins".to_owned()));
    // SAFETY: C strings.
    unsafe {
        assert_eq!(purple_sys::purple_prefs_get_type(c"/plugins/a/on".as_ptr()), PurplePrefType::PURPLE_PREF_BOOLEAN);
        assert_eq!(purple_sys::purple_prefs_exists(c"/plugins/a".as_ptr()), GTRUE);
        assert_eq!(purple_sys::purple_prefs_exists(c"/plugins/b".as_ptr()), GFALSE);
    }
}

#[test]
fn renaming_and_removing_take_what_is_below_along() {
    installed();
    // SAFETY: C strings.
    unsafe {
        purple_sys::purple_prefs_add_bool(c"/core/x/one".as_ptr(), GTRUE);
        purple_sys::purple_prefs_add_string(c"/core/x/two".as_ptr(), c"2".as_ptr());
        purple_sys::purple_prefs_add_bool(c"/corex".as_ptr(), GTRUE);
        purple_sys::purple_prefs_rename(c"/core".as_ptr(), c"/mine".as_ptr());
        purple_sys::purple_prefs_rename_boolean_toggle(c"/mine/x/one".as_ptr(), c"/mine/x/not_one".as_ptr());
        assert_eq!(purple_sys::purple_prefs_exists(c"/core".as_ptr()), GFALSE);
    }
    assert_eq!(children_of(c"/mine/x"), ["/mine/x/not_one", "/mine/x/two"]);
    assert!(!bool_of(c"/mine/x/not_one"));
    // SAFETY: C strings.
    unsafe { purple_sys::purple_prefs_remove(c"/mine".as_ptr()) };
    assert!(children_of(c"/mine").is_empty());
    assert!(bool_of(c"/corex"));
}

#[test]
fn lists_are_copied_both_ways() {
    installed();
    let list = g_list([c"a".to_owned(), c"b".to_owned()].into_iter());
    // SAFETY: a C string and a list of them.
    unsafe { purple_sys::purple_prefs_add_string_list(c"/plugins/list".as_ptr(), list) };
    // SAFETY: our own list.
    unsafe { glib_sys::g_list_free_full(list, Some(glib_sys::g_free)) };
    // SAFETY: a C string.
    let back = unsafe { purple_sys::purple_prefs_get_string_list(c"/plugins/list".as_ptr()) };
    // SAFETY: a list of C strings.
    assert_eq!(unsafe { super::copies(back) }, [c"a".to_owned(), c"b".to_owned()]);
    // SAFETY: ours to free.
    unsafe { glib_sys::g_list_free_full(back, Some(glib_sys::g_free)) };
}

#[test]
fn callbacks_connect_and_disconnect_by_handle_without_a_fault() {
    unsafe extern "C" fn on_change(_: *const c_char, _: PurplePrefType, _: glib_sys::gconstpointer, _: glib_sys::gpointer) {
        panic!("nobody changes a preference");
    }
    installed();
    static HANDLE: u8 = 0;
    let handle = (&raw const HANDLE).cast_mut().cast::<c_void>();
    for _ in 0..3 {
        // SAFETY: static data as the handle.
        let id =
            unsafe { purple_sys::purple_prefs_connect_callback(handle, c"/plugins/watched".as_ptr(), Some(on_change), ptr::null_mut()) };
        assert_ne!(id, 0);
    }
    // SAFETY: C strings and static data.
    unsafe {
        purple_sys::purple_prefs_set_bool(c"/plugins/watched".as_ptr(), GTRUE);
        purple_sys::purple_prefs_disconnect_by_handle(handle);
        purple_sys::purple_prefs_disconnect_by_handle(ptr::from_ref(&handle).cast_mut().cast());
    }
}
