//! The form that joins a room, as a protocol declares and reads it; nobody is joined here.

use super::protocol;
use crate::error::CommandError;
use crate::purple::ffi::{borrowed, in_process, list};
use crate::purple::outgoing::{Line, irc_takes};
use crate::text;
use glib_sys::{GFALSE, GHashTable};
use purple_sys::PurpleConnection;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};

/// The form that a protocol reads when joining: a GLib hash table of strings.
pub(super) fn components(fields: &BTreeMap<String, String>) -> *mut GHashTable {
    // SAFETY: GLib's own functions for keys and values that GLib allocates and frees.
    unsafe {
        let table = glib_sys::g_hash_table_new_full(
            Some(glib_sys::g_str_hash),
            Some(glib_sys::g_str_equal),
            Some(glib_sys::g_free),
            Some(glib_sys::g_free),
        );
        for (key, value) in fields {
            let (key, value) = (in_process(key), Line::of(value));
            glib_sys::g_hash_table_replace(
                table,
                glib_sys::g_strdup(key.as_ptr()).cast::<c_void>(),
                glib_sys::g_strdup(value.as_ptr()).cast::<c_void>(),
            );
        }
        table
    }
}

/// Checks the form against what the protocol declares.
pub(super) fn check(gc: *mut PurpleConnection, fields: &BTreeMap<String, String>, given: &[String], irc: bool) -> Result<(), CommandError> {
    // SAFETY: a live connection; the entries are ours to free, their texts are the plugin's.
    let declared: Vec<(String, bool)> = unsafe {
        let Some(chat_info) = (*protocol(gc)).chat_info else {
            return Err(CommandError::new("not_supported", "This network has no rooms."));
        };
        let entries = chat_info(gc);
        let read = list::<purple_sys::proto_chat_entry>(entries)
            .into_iter()
            .map(|entry| {
                let known = (borrowed((*entry).identifier).unwrap_or_default(), (*entry).required != GFALSE);
                glib_sys::g_free(entry.cast::<c_void>());
                known
            })
            .collect();
        glib_sys::g_list_free(entries);
        read
    };
    if let Some(unknown) = given.iter().find(|key| !declared.iter().any(|(name, _)| name == *key)) {
        return Err(CommandError::new("no_such_field", format!("This network's rooms have no `{unknown}`.")).at(unknown));
    }
    if let Some((missing, _)) =
        declared.iter().find(|(name, required)| *required && fields.get(name).is_none_or(|value| value.trim().is_empty()))
    {
        return Err(CommandError::new("missing_field", "Fill this in to join.").at(missing));
    }
    if let Some((key, _)) = fields.iter().find(|(_, value)| !text::is_one_line(value)) {
        return Err(CommandError::new("bad_field", "Write this on one line, without control characters.").at(key));
    }
    if let Some((key, _)) = fields.iter().find(|(_, value)| irc && !irc_takes(value.trim())) {
        return Err(CommandError::new("bad_field", "On IRC this has no blank and no comma, and does not begin with a colon.").at(key));
    }
    Ok(())
}

/// What the form leaves out takes the protocol's defaults (XMPP's handle and server).
pub(super) fn with_defaults(gc: *mut PurpleConnection, mut fields: BTreeMap<String, String>) -> BTreeMap<String, String> {
    // SAFETY: a live connection; the table is ours to free, its texts are copied.
    unsafe {
        let Some(defaults) = (*protocol(gc)).chat_info_defaults else { return fields };
        for (key, value) in strings(defaults(gc, std::ptr::null())) {
            let given = fields.entry(key).or_default();
            if given.trim().is_empty() {
                *given = value;
            }
        }
    }
    fields
}

/// Copies a table of strings, and frees it.
///
/// # Safety
/// NULL, or a table of C strings that is the caller's.
pub(super) unsafe fn strings(table: *mut GHashTable) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    if table.is_null() {
        return all;
    }
    // SAFETY: the caller's promise; the key list is ours to free.
    unsafe {
        let keys = glib_sys::g_hash_table_get_keys(table);
        for key in list::<c_char>(keys) {
            let value = glib_sys::g_hash_table_lookup(table, key.cast::<c_void>()).cast::<c_char>();
            if let (Some(key), Some(value)) = (borrowed(key), borrowed(value)) {
                all.insert(key, value);
            }
        }
        glib_sys::g_list_free(keys);
        glib_sys::g_hash_table_destroy(table);
    }
    all
}
