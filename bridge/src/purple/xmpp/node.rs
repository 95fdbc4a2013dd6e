//! Reads and changes XML of libpurple's. Knows no stanza.

use super::super::ffi::{borrowed, in_process, owned};
use purple_sys::{XMLNodeType, xmlnode};
use std::ffi::CStr;

// In all of these the caller promises a live node; NULL where a node may be missing. Nodes that are found live as long as the node.

/// # Safety
/// A live node.
pub(in crate::purple) unsafe fn attribute(node: *const xmlnode, name: &CStr) -> Option<String> {
    // SAFETY: the caller's promise; copied.
    unsafe { borrowed(purple_sys::xmlnode_get_attrib(node, name.as_ptr())) }
}

/// The first element of that name and namespace, or NULL.
///
/// # Safety
/// A live node.
pub(in crate::purple) unsafe fn child(node: *const xmlnode, name: &CStr, space: &CStr) -> *mut xmlnode {
    // SAFETY: the caller's promise.
    unsafe { purple_sys::xmlnode_get_child_with_namespace(node, name.as_ptr(), space.as_ptr()) }
}

/// The first element of that name, or NULL.
///
/// # Safety
/// A live node.
pub(in crate::purple) unsafe fn named(node: *const xmlnode, name: &CStr) -> *mut xmlnode {
    // SAFETY: the caller's promise.
    unsafe { purple_sys::xmlnode_get_child(node, name.as_ptr()) }
}

/// Whether a node is an element of that name.
///
/// # Safety
/// A live node.
pub(super) unsafe fn is(node: *const xmlnode, name: &CStr) -> bool {
    // SAFETY: the caller's promise; every node but data has a name.
    unsafe { (*node).type_ == XMLNodeType::XMLNODE_TYPE_TAG && !(*node).name.is_null() && CStr::from_ptr((*node).name) == name }
}

/// # Safety
/// A live node.
pub(super) unsafe fn space(node: *const xmlnode) -> Option<String> {
    // SAFETY: the caller's promise; copied.
    unsafe { borrowed(purple_sys::xmlnode_get_namespace(node.cast_mut())) }
}

/// The text directly in an element; empty for NULL.
///
/// # Safety
/// NULL or a live node.
pub(in crate::purple) unsafe fn text(node: *const xmlnode) -> String {
    if node.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise; the text is made for us.
    unsafe { owned(purple_sys::xmlnode_get_data(node)) }.unwrap_or_default()
}

/// The elements in a node.
///
/// # Safety
/// A live node, which is not changed as long as the iterator is used.
pub(super) unsafe fn elements(node: *const xmlnode) -> impl Iterator<Item = *mut xmlnode> {
    // SAFETY: the caller's promise; a list that ends.
    let first = unsafe { (*node).child };
    let all = std::iter::successors((!first.is_null()).then_some(first), |one| {
        // SAFETY: as above.
        let next = unsafe { (**one).next };
        (!next.is_null()).then_some(next)
    });
    // SAFETY: as above.
    all.filter(|one| unsafe { (**one).type_ } == XMLNodeType::XMLNODE_TYPE_TAG)
}

/// Whether there is nothing to be seen in an element: no text but blanks, and no picture.
///
/// # Safety
/// A live node.
pub(super) unsafe fn is_blank(node: *const xmlnode) -> bool {
    // SAFETY: the caller's promise; lists that end. The streams' check bounds the depth.
    unsafe {
        let mut one = (*node).child;
        while !one.is_null() {
            let blank = match (*one).type_ {
                XMLNodeType::XMLNODE_TYPE_DATA if !(*one).data.is_null() => {
                    let bytes = std::slice::from_raw_parts((*one).data.cast::<u8>(), (*one).data_sz);
                    String::from_utf8_lossy(bytes).trim().is_empty()
                }
                XMLNodeType::XMLNODE_TYPE_TAG => !is(one, c"img") && is_blank(one),
                _ => true,
            };
            if !blank {
                return false;
            }
            one = (*one).next;
        }
    }
    true
}

/// Takes all elements of that name out.
///
/// # Safety
/// A live node.
pub(super) unsafe fn remove(node: *const xmlnode, name: &CStr) {
    // SAFETY: the caller's promise; a freed node leaves its parent.
    unsafe {
        loop {
            let found = named(node, name);
            if found.is_null() {
                return;
            }
            purple_sys::xmlnode_free(found);
        }
    }
}

/// Gives an element of that name and the node's namespace this text, and makes the element where there is none.
///
/// # Safety
/// A live node.
pub(super) unsafe fn set_text(node: *mut xmlnode, name: &CStr, words: &str) {
    let words = in_process(words);
    // SAFETY: the caller's promise; C strings, copied.
    unsafe {
        remove(node, name);
        let made = purple_sys::xmlnode_new_child(node, name.as_ptr());
        purple_sys::xmlnode_set_namespace(made, purple_sys::xmlnode_get_namespace(node));
        purple_sys::xmlnode_insert_data(made, words.as_ptr(), -1);
    }
}

/// # Safety
/// A live node.
pub(super) unsafe fn set_attribute(node: *mut xmlnode, name: &CStr, value: &str) {
    let value = in_process(value);
    // SAFETY: the caller's promise; C strings, copied.
    unsafe { purple_sys::xmlnode_set_attrib(node, name.as_ptr(), value.as_ptr()) };
}
