//! The border with C: panics stop here, texts and lists are copied here; it knows no UiOps.

use super::token::OnPurple;
use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The whole body of an `extern "C"` callback: catches a panic, logs it, fails the account it happened under, and answers `fallback`.
pub(crate) fn guard<T>(name: &'static str, fallback: T, body: impl FnOnce() -> T) -> T {
    guard_or(name, || fallback, body)
}

/// `guard` whose fallback has an effect of its own (errno), which must not happen when all goes well.
pub(crate) fn guard_or<T>(name: &'static str, fallback: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".to_owned());
            log::error!(target: "bridge", "panic in {name}: {what}");
            super::owner::blame(name);
            fallback()
        }
    }
}

/// `guard` for callbacks that libpurple makes on its own thread only; anywhere else the answer is `fallback`.
pub(crate) fn guard_on<T>(name: &'static str, fallback: T, body: impl FnOnce(OnPurple) -> T) -> T {
    guard(name, None, || {
        let Some(token) = OnPurple::here() else {
            log::error!(target: "bridge", "{name} was called off the libpurple thread; ignored");
            return None;
        };
        Some(body(token))
    })
    .unwrap_or(fallback)
}

/// Copies a C string that somebody else owns. NULL gives `None`; what is not UTF-8 is replaced.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives through the call.
pub(crate) unsafe fn borrowed(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Copies a C string and frees it with `g_free`.
///
/// # Safety
/// As [`borrowed`], and the string is the caller's to free, from GLib's allocator.
pub(crate) unsafe fn owned(text: *mut c_char) -> Option<String> {
    // SAFETY: passed on.
    let copy = unsafe { borrowed(text) };
    // SAFETY: the caller owns it; g_free takes NULL.
    unsafe { glib_sys::g_free(text.cast::<c_void>()) };
    copy
}

/// A C string of a text that stays in this process. Inner NULs, which C cannot carry, are dropped. What a person wrote goes by `outgoing.rs`.
#[allow(clippy::disallowed_methods)] // the one place that the rule is about
pub(crate) fn in_process(text: &str) -> CString {
    match CString::new(text) {
        Ok(whole) => whole,
        Err(_) => CString::new(text.replace('\0', "")).unwrap_or_default(),
    }
}

/// The data pointers of a `GList`, copied first, so that callbacks may change the list.
///
/// # Safety
/// `list` is NULL or a valid `GList` that nobody changes during the call.
pub(crate) unsafe fn list<T>(mut list: *const glib_sys::GList) -> Vec<*mut T> {
    let mut items = Vec::new();
    while !list.is_null() {
        // SAFETY: a node of a valid list.
        let node = unsafe { &*list };
        items.push(node.data.cast::<T>());
        list = node.next;
    }
    items
}

/// The data pointers of a `GSList`, copied first.
///
/// # Safety
/// As [`list`].
pub(crate) unsafe fn slist<T>(mut list: *const glib_sys::GSList) -> Vec<*mut T> {
    let mut items = Vec::new();
    while !list.is_null() {
        // SAFETY: a node of a valid list.
        let node = unsafe { &*list };
        items.push(node.data.cast::<T>());
        list = node.next;
    }
    items
}

/// libpurple's labels mark their access key with `_`; the page has keys of its own.
pub(crate) fn without_mnemonic(label: &str) -> String {
    let mut plain = String::with_capacity(label.len());
    let mut characters = label.chars();
    while let Some(character) = characters.next() {
        if character == '_' {
            plain.extend(characters.next());
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard("test", 7, || panic!("on purpose")), 7);
        assert_eq!(guard("test", 7, || 8), 8);
    }

    #[test]
    fn off_the_thread_nothing_runs() {
        assert_eq!(guard_on("test", 7, |_| 8), 7);
    }

    #[test]
    fn texts_survive_the_border() {
        let text = c"gr\xfc\xdfe";
        // SAFETY: a live C string.
        assert_eq!(unsafe { borrowed(text.as_ptr()) }.as_deref(), Some("gr\u{fffd}\u{fffd}e"));
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { borrowed(std::ptr::null()) }, None);
        assert_eq!(in_process("a\0b").as_bytes(), b"ab");
    }

    #[test]
    fn mnemonics_go_and_doubled_ones_stay() {
        assert_eq!(without_mnemonic("_Create New __Room_"), "Create New _Room");
    }
}
