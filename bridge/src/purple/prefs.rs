//! libpurple's preferences, in memory only (nothing is written to disk), with those that would mix users up held at their safe value; no per-user choice lives here.

use super::ffi::{borrowed, guard_on, in_process, list};
use super::token::OnPurple;
use glib_sys::{GFALSE, GList, GTRUE, gboolean};
use purple_sys::{PurplePrefCallbackData, PurplePrefType, PurplePrefsUiOps};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

/// What a preference holds. Texts are kept as C has them: `get_string` lends them out.
#[derive(Clone)]
enum Pref {
    None,
    Bool(bool),
    Int(c_int),
    Text(Option<CString>),
    Texts(Vec<CString>),
}

/// The value that each of these has, whatever a plugin sets or adds (hazards 8, 9, 19, 27, 35, 40 of a libpurple with many users; 11's smileys have none).
const HELD: &[(&str, Held)] = &[
    ("/purple/away/away_when_idle", Held::Bool(false)),
    ("/purple/away/auto_reply", Held::Text(c"never")),
    ("/purple/away/idle_reporting", Held::Text(c"none")),
    ("/purple/buddies/use_server_alias", Held::Bool(true)),
    ("/purple/conversations/im/send_typing", Held::Bool(true)),
    ("/purple/debug/timestamps", Held::Bool(false)),
    ("/purple/logging/log_chats", Held::Bool(false)),
    ("/purple/logging/log_ims", Held::Bool(false)),
    ("/purple/logging/log_system", Held::Bool(false)),
    ("/purple/network/auto_ip", Held::Bool(false)),
    ("/purple/network/map_ports", Held::Bool(false)),
    ("/purple/network/ports_range_use", Held::Bool(false)),
    ("/purple/network/public_ip", Held::Text(c"")),
    ("/purple/network/stun_server", Held::Text(c"")),
    ("/purple/network/turn_password", Held::Text(c"")),
    ("/purple/network/turn_server", Held::Text(c"")),
    ("/purple/network/turn_username", Held::Text(c"")),
    ("/purple/proxy/host", Held::Text(c"")),
    ("/purple/proxy/password", Held::Text(c"")),
    ("/purple/proxy/port", Held::Int(0)),
    ("/purple/proxy/type", Held::Text(c"none")),
    ("/purple/proxy/username", Held::Text(c"")),
    ("/purple/savedstatus/isidleaway", Held::Bool(false)),
    ("/purple/savedstatus/startup_current_status", Held::Bool(false)),
    ("/purple/sound/while_status", Held::Int(0)),
];

enum Held {
    Bool(bool),
    Int(c_int),
    Text(&'static std::ffi::CStr),
}

thread_local! {
    static PREFS: RefCell<BTreeMap<String, Pref>> = const { RefCell::new(BTreeMap::new()) };
}

/// Takes over the preferences. To be called before `purple_core_init`, whose parts add theirs.
pub(super) fn install(token: OnPurple) {
    super::account_prefs::install(token);
    PREFS.with_borrow_mut(|prefs| {
        for (name, held) in HELD {
            let value = match held {
                Held::Bool(value) => Pref::Bool(*value),
                Held::Int(value) => Pref::Int(*value),
                Held::Text(value) => Pref::Text(Some((*value).to_owned())),
            };
            prefs.insert((*name).to_owned(), value);
        }
    });
    let ops = PurplePrefsUiOps {
        add_none: Some(on_add_none),
        add_bool: Some(on_add_bool),
        add_int: Some(on_add_int),
        add_string: Some(on_add_string),
        add_string_list: Some(on_add_string_list),
        set_bool: Some(on_set_bool),
        set_int: Some(on_set_int),
        set_string: Some(on_set_string),
        set_string_list: Some(on_set_string_list),
        get_bool: Some(on_get_bool),
        get_int: Some(on_get_int),
        get_string: Some(on_get_string),
        get_string_list: Some(on_get_string_list),
        get_type: Some(on_get_type),
        get_children_names: Some(on_get_children_names),
        exists: Some(on_exists),
        remove: Some(on_remove),
        rename: Some(on_rename),
        rename_boolean_toggle: Some(on_rename_boolean_toggle),
        load: Some(on_load),
        save: Some(on_save),
        schedule_save: Some(on_save),
        connect_callback: Some(on_connect_callback),
        // libpurple 2.14's purple_prefs_disconnect_by_handle steps past the end of its list (NULL->next) when this is there. Without it
        // its list of callbacks keeps its entries, which is harmless, since `on_connect_callback` never calls them.
        disconnect_callback: None,
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_prefs_set_ui_ops(Box::leak(Box::new(ops))) };
}

fn is_held(name: &str) -> bool {
    HELD.iter().any(|(held, _)| *held == name)
}

/// Puts a value in, unless the preference is held. `replace`: also over what is there (`set`, not `add`).
fn put(name: Option<String>, value: Pref, replace: bool) {
    let Some(name) = name.filter(|name| name.starts_with('/') && !is_held(name)) else { return };
    PREFS.with_borrow_mut(|prefs| match prefs.get_mut(&name) {
        None => {
            prefs.insert(name, value);
        }
        Some(there) if replace => {
            // A set of another type is a mistake of the plugin's: libpurple's own store refuses it too.
            if std::mem::discriminant(there) == std::mem::discriminant(&value) || matches!(there, Pref::None) {
                *there = value;
            } else {
                log::debug!(target: "bridge", "preference {name} is of another type; left as it was");
            }
        }
        Some(_) => {}
    });
}

fn get<T>(name: Option<String>, read: impl FnOnce(&Pref) -> Option<T>) -> Option<T> {
    PREFS.with_borrow(|prefs| prefs.get(&name?).and_then(read))
}

/// Moves `old` and all below it to `new`, where nothing is replaced that is held.
fn rename(old: &str, new: &str, change: impl Fn(Pref) -> Pref) {
    let below = format!("{old}/");
    PREFS.with_borrow_mut(|prefs| {
        let names: Vec<String> =
            prefs.keys().filter(|name| (*name == old || name.starts_with(&below)) && !is_held(name)).cloned().collect();
        for name in names {
            let to = format!("{new}{}", name.get(old.len()..).unwrap_or_default());
            if let Some(value) = prefs.remove(&name).filter(|_| !is_held(&to)) {
                prefs.insert(to, change(value));
            }
        }
    });
}

/// The direct children of `name`, with their whole names, as `purple_prefs_get_children_names` gives them.
fn children(name: &str) -> Vec<String> {
    let prefix = if name.ends_with('/') { name.to_owned() } else { format!("{name}/") };
    PREFS.with_borrow(|prefs| {
        let mut names: Vec<String> = prefs
            .keys()
            .filter_map(|key| {
                let child = key.strip_prefix(&prefix)?.split('/').next().filter(|child| !child.is_empty())?;
                Some(format!("{prefix}{child}"))
            })
            .collect();
        names.dedup();
        names
    })
}

/// # Safety
/// `name` is NULL or a C string.
unsafe fn text(name: *const c_char) -> Option<String> {
    // SAFETY: passed on.
    unsafe { borrowed(name) }
}

/// # Safety
/// `value` is NULL or a C string.
unsafe fn copy(value: *const c_char) -> Option<CString> {
    if value.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    Some(unsafe { std::ffi::CStr::from_ptr(value) }.to_owned())
}

/// # Safety
/// `value` is NULL or a list of C strings.
unsafe fn copies(value: *const GList) -> Vec<CString> {
    // SAFETY: passed on.
    let items = unsafe { list::<c_char>(value) };
    // SAFETY: each item is a C string.
    items.into_iter().filter_map(|item| unsafe { copy(item) }).collect()
}

/// A list of copies that the caller frees (`g_list_free`, and `g_free` on each).
fn g_list(items: impl DoubleEndedIterator<Item = CString>) -> *mut GList {
    items.rev().fold(ptr::null_mut(), |list, item| {
        // SAFETY: a live C string, copied with GLib's allocator.
        let copy = unsafe { glib_sys::g_strdup(item.as_ptr()) };
        // SAFETY: a list of our making.
        unsafe { glib_sys::g_list_prepend(list, copy.cast::<c_void>()) }
    })
}

// In all of these libpurple promises C strings (or NULL) and lists of C strings that live through the call.

unsafe extern "C" fn on_add_none(name: *const c_char) {
    // SAFETY: see above.
    guard_on("prefs add_none", (), |_| put(unsafe { text(name) }, Pref::None, false));
}

unsafe extern "C" fn on_add_bool(name: *const c_char, value: gboolean) {
    // SAFETY: see above.
    guard_on("prefs add_bool", (), |_| put(unsafe { text(name) }, Pref::Bool(value != GFALSE), false));
}

unsafe extern "C" fn on_add_int(name: *const c_char, value: c_int) {
    // SAFETY: see above.
    guard_on("prefs add_int", (), |_| put(unsafe { text(name) }, Pref::Int(value), false));
}

unsafe extern "C" fn on_add_string(name: *const c_char, value: *const c_char) {
    guard_on("prefs add_string", (), |_| {
        // SAFETY: see above.
        let value = unsafe { copy(value) };
        // SAFETY: see above.
        put(unsafe { text(name) }, Pref::Text(value), false);
    });
}

unsafe extern "C" fn on_add_string_list(name: *const c_char, value: *mut GList) {
    guard_on("prefs add_string_list", (), |_| {
        // SAFETY: see above.
        let value = unsafe { copies(value) };
        // SAFETY: see above.
        put(unsafe { text(name) }, Pref::Texts(value), false);
    });
}

unsafe extern "C" fn on_set_bool(name: *const c_char, value: gboolean) {
    // SAFETY: see above.
    guard_on("prefs set_bool", (), |_| put(unsafe { text(name) }, Pref::Bool(value != GFALSE), true));
}

unsafe extern "C" fn on_set_int(name: *const c_char, value: c_int) {
    // SAFETY: see above.
    guard_on("prefs set_int", (), |_| put(unsafe { text(name) }, Pref::Int(value), true));
}

unsafe extern "C" fn on_set_string(name: *const c_char, value: *const c_char) {
    guard_on("prefs set_string", (), |_| {
        // SAFETY: see above.
        let value = unsafe { copy(value) };
        // SAFETY: see above.
        put(unsafe { text(name) }, Pref::Text(value), true);
    });
}

unsafe extern "C" fn on_set_string_list(name: *const c_char, value: *mut GList) {
    guard_on("prefs set_string_list", (), |_| {
        // SAFETY: see above.
        let value = unsafe { copies(value) };
        // SAFETY: see above.
        put(unsafe { text(name) }, Pref::Texts(value), true);
    });
}

unsafe extern "C" fn on_get_bool(name: *const c_char) -> gboolean {
    guard_on("prefs get_bool", GFALSE, |_| {
        // SAFETY: see above.
        let value = get(unsafe { text(name) }, |pref| if let Pref::Bool(value) = pref { Some(*value) } else { None });
        gboolean::from(value.unwrap_or(false))
    })
}

unsafe extern "C" fn on_get_int(name: *const c_char) -> c_int {
    guard_on("prefs get_int", 0, |_| {
        // SAFETY: see above.
        get(unsafe { text(name) }, |pref| if let Pref::Int(value) = pref { Some(*value) } else { None }).unwrap_or(0)
    })
}

/// Lends the text until the preference is set anew, as libpurple's own store does.
unsafe extern "C" fn on_get_string(name: *const c_char) -> *const c_char {
    guard_on("prefs get_string", ptr::null(), |_| {
        // SAFETY: see above.
        get(unsafe { text(name) }, |pref| if let Pref::Text(value) = pref { value.as_ref().map(|value| value.as_ptr()) } else { None })
            .unwrap_or(ptr::null())
    })
}

unsafe extern "C" fn on_get_string_list(name: *const c_char) -> *mut GList {
    guard_on("prefs get_string_list", ptr::null_mut(), |_| {
        // SAFETY: see above.
        let items = get(unsafe { text(name) }, |pref| if let Pref::Texts(items) = pref { Some(items.clone()) } else { None });
        g_list(items.unwrap_or_default().into_iter())
    })
}

unsafe extern "C" fn on_get_type(name: *const c_char) -> PurplePrefType {
    guard_on("prefs get_type", PurplePrefType::PURPLE_PREF_NONE, |_| {
        // SAFETY: see above.
        get(unsafe { text(name) }, |pref| {
            Some(match pref {
                Pref::None => PurplePrefType::PURPLE_PREF_NONE,
                Pref::Bool(_) => PurplePrefType::PURPLE_PREF_BOOLEAN,
                Pref::Int(_) => PurplePrefType::PURPLE_PREF_INT,
                Pref::Text(_) => PurplePrefType::PURPLE_PREF_STRING,
                Pref::Texts(_) => PurplePrefType::PURPLE_PREF_STRING_LIST,
            })
        })
        .unwrap_or(PurplePrefType::PURPLE_PREF_NONE)
    })
}

unsafe extern "C" fn on_get_children_names(name: *const c_char) -> *mut GList {
    guard_on("prefs get_children_names", ptr::null_mut(), |_| {
        // SAFETY: see above.
        let names = unsafe { text(name) }.map(|name| children(&name)).unwrap_or_default();
        g_list(names.into_iter().map(|name| in_process(&name)))
    })
}

unsafe extern "C" fn on_exists(name: *const c_char) -> gboolean {
    guard_on("prefs exists", GFALSE, |_| {
        // SAFETY: see above.
        let Some(name) = (unsafe { text(name) }) else { return GFALSE };
        let there = name == "/" || get(Some(name.clone()), |_| Some(())).is_some() || !children(&name).is_empty();
        gboolean::from(there)
    })
}

unsafe extern "C" fn on_remove(name: *const c_char) {
    guard_on("prefs remove", (), |_| {
        // SAFETY: see above.
        let Some(name) = (unsafe { text(name) }) else { return };
        let below = format!("{name}/");
        PREFS.with_borrow_mut(|prefs| prefs.retain(|key, _| is_held(key) || (*key != name && !key.starts_with(&below))));
    });
}

unsafe extern "C" fn on_rename(old: *const c_char, new: *const c_char) {
    guard_on("prefs rename", (), |_| {
        // SAFETY: see above.
        let (old, new) = (unsafe { text(old) }, unsafe { text(new) });
        if let (Some(old), Some(new)) = (old, new) {
            rename(&old, &new, |value| value);
        }
    });
}

unsafe extern "C" fn on_rename_boolean_toggle(old: *const c_char, new: *const c_char) {
    guard_on("prefs rename_boolean_toggle", (), |_| {
        // SAFETY: see above.
        let (old, new) = (unsafe { text(old) }, unsafe { text(new) });
        if let (Some(old), Some(new)) = (old, new) {
            rename(&old, &new, |value| if let Pref::Bool(value) = value { Pref::Bool(!value) } else { value });
        }
    });
}

unsafe extern "C" fn on_load() -> gboolean {
    GTRUE
}

unsafe extern "C" fn on_save() {}

/// Takes the connection and never calls it: no user changes a preference, and a plugin knows what it has set itself.
unsafe extern "C" fn on_connect_callback(_: *const c_char, data: *mut PurplePrefCallbackData) -> *mut c_void {
    // libpurple wants something that is not NULL, and only hands it back.
    data.cast::<c_void>()
}

#[cfg(test)]
#[path = "prefs_tests.rs"]
mod tests;
