//! Asks rooms of XMPP for their topic and number of people (XEP-0045, 6.4), as libjabber does not. Does not list rooms (see `roomlist.rs`).

use super::super::accounts;
use super::super::ffi::{borrowed, owned};
use super::super::iq::{self, Answer};
use super::super::token::OnPurple;
use crate::id::AccountId;
use crate::model::RoomRow;
use purple_sys::xmlnode;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;

/// Rooms of one list that are asked at most; further ones are listed by their names.
const MOST: usize = 60;
/// The beginning of the id of a question.
pub(in crate::purple) const QUESTION: &str = "roominfo-";
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
    let iq = iq::new(token, c"get", &name, &room);
    // SAFETY: nodes of our own, a live connection.
    unsafe {
        let query = purple_sys::xmlnode_new_child(iq, c"query".as_ptr());
        purple_sys::xmlnode_set_namespace(query, INFO.as_ptr());
        iq::send(gc, iq);
    }
    ASKED.with_borrow_mut(|all| all.insert(name, Asked { list, account, room, row }));
    None
}

/// Takes the rows of rooms that have not answered, as they were: the list ends.
pub(super) fn take(list: u64) -> Vec<RoomRow> {
    ASKED.with_borrow_mut(|all| all.extract_if(|_, asked| asked.list == list).map(|(_, asked)| asked.row).collect())
}

/// A room has answered. False: it was not asked.
///
/// # Safety
/// A live stanza.
pub(in crate::purple) unsafe fn heard(token: OnPurple, answer: &Answer) -> bool {
    let fits = |asked: &Asked| asked.account == answer.account && asked.room.eq_ignore_ascii_case(&answer.from);
    let asked = ASKED.with_borrow_mut(|all| if all.get(&answer.id).is_some_and(fits) { all.remove(&answer.id) } else { None });
    let Some(Asked { list, mut row, .. }) = asked else { return false };
    // SAFETY: the caller's promise.
    unsafe { read(answer.iq, &mut row) };
    super::answered(token, list, row);
    true
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
