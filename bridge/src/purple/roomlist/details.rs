//! Asks rooms of XMPP for their topic and number of people (XEP-0045, 6.4), as libjabber does not. Does not list rooms (see `roomlist.rs`).

use super::super::ffi::{borrowed, guard_on, in_process, owned};
use super::super::token::OnPurple;
use super::super::{accounts, signals};
use crate::id::AccountId;
use crate::model::RoomRow;
use glib_sys::gboolean;
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};

/// Rooms of one list that are asked at most; further ones are listed by their names.
const MOST: usize = 60;
/// The beginning of the id of a question.
const QUESTION: &str = "roominfo-";
const INFO: &CStr = c"http://jabber.org/protocol/disco#info";
const DATA: &CStr = c"jabber:x:data";
/// Characters of a topic.
const TOPIC: usize = 500;

/// A room that was asked, and the list that its row belongs to.
struct Asked {
    list: u64,
    account: AccountId,
    room: String,
    row: RoomRow,
}

thread_local! {
    static ASKED: RefCell<HashMap<String, Asked>> = RefCell::default();
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Listens to XMPP's plugin, where there is one. After it was loaded.
pub(in crate::purple) fn listen(_: OnPurple) {
    type Receiving =
        unsafe extern "C" fn(*mut PurpleConnection, *const c_char, *const c_char, *const c_char, *mut xmlnode, *mut c_void) -> gboolean;
    // SAFETY: a C string; the plugin lives as long as libpurple. The signature is that which it registers for this signal.
    unsafe {
        let plugin = purple_sys::purple_find_prpl(c"prpl-jabber".as_ptr());
        if !plugin.is_null() {
            let receiving = std::mem::transmute::<Receiving, unsafe extern "C" fn()>(on_iq);
            signals::connect(plugin.cast(), c"jabber-receiving-iq", receiving);
        }
    }
}

/// How many rooms of a list have not answered.
pub(super) fn waiting(list: u64) -> usize {
    ASKED.with_borrow(|all| all.values().filter(|asked| asked.list == list).count())
}

/// Asks a room of XMPP what it is, and keeps its row until then. Gives the row back when it is not asked.
///
/// # Safety
/// A live account.
pub(super) unsafe fn ask(token: OnPurple, list: u64, purple: *mut purple_sys::PurpleAccount, told: usize, row: RoomRow) -> Option<RoomRow> {
    // SAFETY: the caller's promise.
    let (account, gc) = unsafe { (accounts::id(token, purple), (*purple).gc) };
    let xmpp = account.filter(|account| accounts::read(token, *account, |entry| entry.protocol == "prpl-jabber").unwrap_or(false));
    let address = row.fields.get("room").zip(row.fields.get("server")).map(|(room, server)| format!("{room}@{server}"));
    let (Some(account), Some(room), false, true) = (xmpp, address, gc.is_null(), told <= MOST) else { return Some(row) };
    LAST.set(LAST.get() + 1);
    let name = format!("{QUESTION}{:x}", LAST.get());
    // SAFETY: nodes of our own, which are freed here; libjabber copies what it sends. A live connection, live C strings.
    unsafe {
        let (id, to) = (in_process(&name), in_process(&room));
        let mut iq = purple_sys::xmlnode_new(c"iq".as_ptr());
        for (name, value) in [(c"type", c"get"), (c"id", id.as_c_str()), (c"to", to.as_c_str())] {
            purple_sys::xmlnode_set_attrib(iq, name.as_ptr(), value.as_ptr());
        }
        let query = purple_sys::xmlnode_new_child(iq, c"query".as_ptr());
        purple_sys::xmlnode_set_namespace(query, INFO.as_ptr());
        let plugin = purple_sys::purple_connection_get_prpl(gc);
        purple_sys::purple_signal_emit(plugin.cast(), c"jabber-sending-xmlnode".as_ptr(), gc, &raw mut iq);
        if !iq.is_null() {
            purple_sys::xmlnode_free(iq);
        }
    }
    ASKED.with_borrow_mut(|all| all.insert(name, Asked { list, account, room, row }));
    None
}

/// Takes the rows of rooms that have not answered, as they were: the list ends.
pub(super) fn take(list: u64) -> Vec<RoomRow> {
    ASKED.with_borrow_mut(|all| all.extract_if(|_, asked| asked.list == list).map(|(_, asked)| asked.row).collect())
}

unsafe extern "C" fn on_iq(
    gc: *mut PurpleConnection,
    kind: *const c_char,
    id: *const c_char,
    from: *const c_char,
    iq: *mut xmlnode,
    _: *mut c_void,
) -> gboolean {
    let answered = guard_on("jabber-receiving-iq", false, |token| {
        // SAFETY: the plugin gives a live connection of a live account, C strings or NULL, and a live stanza.
        unsafe {
            let Some(id) = borrowed(id).filter(|id| id.starts_with(QUESTION)) else { return false };
            let (kind, from) = (borrowed(kind).unwrap_or_default(), borrowed(from).unwrap_or_default());
            let account = accounts::id(token, (*gc).account);
            let fits = |asked: &Asked| Some(asked.account) == account && asked.room.eq_ignore_ascii_case(&from);
            let asked = ASKED.with_borrow_mut(|all| {
                let is = matches!(kind.as_str(), "result" | "error") && all.get(&id).is_some_and(fits);
                if is { all.remove(&id) } else { None }
            });
            let Some(Asked { list, mut row, .. }) = asked else { return false };
            read(iq, &mut row);
            super::answered(token, list, row);
            true
        }
    });
    // libjabber knows nothing of it.
    i32::from(answered)
}

/// Puts what a room says of itself into its row.
///
/// # Safety
/// A live stanza.
unsafe fn read(iq: *mut xmlnode, row: &mut RoomRow) {
    // SAFETY: the caller's promise; what is found in it lives as long, and texts are made for us.
    unsafe {
        let query = purple_sys::xmlnode_get_child_with_namespace(iq, c"query".as_ptr(), INFO.as_ptr());
        if query.is_null() {
            return;
        }
        let form = purple_sys::xmlnode_get_child_with_namespace(query, c"x".as_ptr(), DATA.as_ptr());
        if form.is_null() {
            return;
        }
        let (mut subject, mut description) = (None, None);
        let mut field = purple_sys::xmlnode_get_child(form, c"field".as_ptr());
        while !field.is_null() {
            let value = purple_sys::xmlnode_get_child(field, c"value".as_ptr());
            let value = if value.is_null() { None } else { owned(purple_sys::xmlnode_get_data(value)) };
            let value = value.map(|text| text.trim().chars().take(TOPIC).collect::<String>()).filter(|text| !text.is_empty());
            match borrowed(purple_sys::xmlnode_get_attrib(field, c"var".as_ptr())).as_deref() {
                Some("muc#roominfo_occupants") => row.people = value.and_then(|text| text.parse().ok()).or(row.people),
                Some("muc#roominfo_subject") => subject = value,
                Some("muc#roominfo_description") => description = value,
                _ => {}
            }
            field = purple_sys::xmlnode_get_next_twin(field);
        }
        row.topic = subject.or(description).or(row.topic.take());
    }
}
