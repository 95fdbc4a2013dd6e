//! Lists of the rooms that a network has: rows streamed to whoever asked, each list held while it is open; nothing is joined here. Lists that nobody
//! sees begin in `found.rs`.

mod details;
mod found;

pub(super) use details::{QUESTION, heard};
pub(super) use found::{caught, describe, find_rooms, instead_of_asking, is_finding, withhold};

use super::ffi::{self, borrowed, guard_on};
use super::registry::Registry;
use super::token::OnPurple;
use super::{accounts, conversation, outbox, owner, timers};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, RoomListId, UserId};
use crate::model::{RoomListRows, RoomRow, RoomsFound};
use glib_sys::{GFALSE, GList, gboolean};
use purple_sys::{
    PurpleAccount, PurpleRoomlist, PurpleRoomlistField, PurpleRoomlistFieldType, PurpleRoomlistRoom, PurpleRoomlistRoomType,
    PurpleRoomlistUiOps,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// Rows in one event.
const AT_ONCE: usize = 200;
/// How long rooms may take to say what they are, once all are named.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rows of one list; the largest public networks have some ten thousand rooms.
const MOST: usize = 50_000;

/// The reader of a list's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A person who looks at the list; discovery learns from it, too.
    Shown,
    /// Discovery, which has asked for the list.
    Found,
    /// Discovery, which has asked these rooms what they are: no list of the network's.
    Described,
}

struct Open {
    user: UserId,
    account: AccountId,
    purpose: Purpose,
    /// Held by a reference of ours; NULL for [`Purpose::Described`].
    purple: *mut PurpleRoomlist,
    /// The reason for which the list ends before it is complete.
    error: Option<CommandError>,
    waiting: Vec<RoomRow>,
    told: usize,
    flushing: bool,
    /// All rooms are named, and some have not said yet what they are.
    closing: bool,
}

thread_local! {
    static OPEN: RefCell<Registry<Open>> = const { RefCell::new(Registry::new()) };
    /// A protocol is being asked for its list right now.
    static ASKING: Cell<Option<Purpose>> = const { Cell::new(None) };
}

impl Open {
    fn new(user: UserId, account: AccountId, purpose: Purpose, purple: *mut PurpleRoomlist) -> Self {
        Self { user, account, purpose, purple, error: None, waiting: Vec::new(), told: 0, flushing: false, closing: false }
    }

    /// Rows that are told at most.
    fn most(&self) -> usize {
        if self.purpose == Purpose::Shown { MOST } else { found::MOST }
    }
}

/// Registers with libpurple.
pub(super) fn install(_: OnPurple) {
    let ops = PurpleRoomlistUiOps {
        show_with_account: Some(on_show),
        create: Some(on_create),
        add_room: Some(on_add_room),
        in_progress: Some(on_in_progress),
        destroy: Some(on_destroy),
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_roomlist_set_ui_ops(Box::leak(Box::new(ops))) };
}

fn find(purple: *const PurpleRoomlist) -> Option<u64> {
    OPEN.with_borrow(|all| all.iter().find(|(_, open)| std::ptr::eq(open.purple, purple)).map(|(id, _)| id))
}

/// Sends the rows that wait.
fn flush(token: OnPurple, id: u64, more: bool) {
    let batch = OPEN.with_borrow_mut(|all| {
        let open = all.get_mut(id)?;
        open.flushing = false;
        let error = if more { None } else { open.error.take() };
        Some((open.user, open.account, open.purpose, open.told, error, std::mem::take(&mut open.waiting)))
    });
    let Some((user, account, purpose, told, mut error, rows)) = batch else { return };
    // Discovery reads no further than this, however much a person looks at.
    let cut = told > found::MOST;
    let (list, count) = (RoomListId(id), rows.len());
    let mut parts: Vec<Vec<RoomRow>> = rows.chunks(AT_ONCE).map(<[RoomRow]>::to_vec).collect();
    if parts.is_empty() && !more {
        parts.push(Vec::new());
    }
    let last = parts.len();
    let mut fed = told.saturating_sub(count);
    for (index, rows) in parts.into_iter().enumerate() {
        let more = more || index + 1 < last;
        let described = purpose == Purpose::Described;
        let error = if more { None } else { error.take() };
        let feeds = purpose != Purpose::Shown || fed < found::MOST;
        fed += rows.len();
        if feeds || !more {
            let rows = if feeds { rows.clone() } else { Vec::new() };
            outbox::emit(token, user, EventKind::RoomsFound(RoomsFound { account, rows, described, more, cut, error }));
        }
        if purpose == Purpose::Shown {
            outbox::emit(token, user, EventKind::RoomList(RoomListRows { list, rows, more }));
        }
    }
}

/// Ends a list: its last rows, then our reference, on a later turn since the plugin may be in the middle of it.
fn end(token: OnPurple, id: u64) {
    let rest = details::take(id);
    OPEN.with_borrow_mut(|all| all.get_mut(id).into_iter().for_each(|open| open.waiting.extend_from_slice(&rest)));
    flush(token, id, false);
    let open = OPEN.with_borrow_mut(|all| all.remove(id));
    if let Some(open) = open {
        let_go(token, &open);
    }
}

/// Gives our reference back, on a later turn.
fn let_go(token: OnPurple, open: &Open) {
    let purple = open.purple;
    if !purple.is_null() {
        // SAFETY: our own reference, given back once: the list is in no table any more.
        timers::soon(token, Some(open.account), move |_| unsafe { purple_sys::purple_roomlist_unref(purple) });
    }
}

/// Asks for the rooms of an account's network. An earlier list of the account ends.
///
/// # Errors
/// `no_such_account`, `not_supported`, and what [`conversation::connected`] says of an account that is not online.
pub(super) fn list(token: OnPurple, user: UserId, account: AccountId) -> Result<RoomListId, CommandError> {
    begin(token, user, account, Purpose::Shown).map(RoomListId)
}

fn begin(token: OnPurple, user: UserId, account: AccountId, purpose: Purpose) -> Result<u64, CommandError> {
    accounts::pointer(token, user, account)?;
    let unable = || CommandError::new("not_supported", "This network has no list of rooms.");
    if !accounts::read(token, account, |entry| entry.features.has("room_list")).unwrap_or(false) {
        return Err(unable());
    }
    let gc = conversation::connected(token, account)?;
    close_all(token, account);
    ASKING.set(Some(purpose));
    // SAFETY: a live connection whose protocol lists rooms. `on_create` takes our reference.
    let purple = owner::with(Some(account), || unsafe { purple_sys::purple_roomlist_get_list(gc) });
    ASKING.set(None);
    if purple.is_null() { Err(unable()) } else { find(purple).ok_or_else(unable) }
}

/// Enough rows.
///
/// # Errors
/// `no_such_list` for one that has ended, or another user's.
pub(super) fn stop(token: OnPurple, user: UserId, id: RoomListId) -> Result<(), CommandError> {
    let mine = |open: &&Open| open.user == user && open.purpose == Purpose::Shown;
    let open = OPEN.with_borrow(|all| all.get(id.0).filter(mine).map(|open| (open.account, open.purple)));
    let (account, purple) = open.ok_or_else(|| CommandError::new("no_such_list", "This list has ended.").at("list"))?;
    cancel(token, account, purple);
    end(token, id.0);
    Ok(())
}

fn cancel(token: OnPurple, account: AccountId, purple: *mut PurpleRoomlist) {
    let connected = accounts::read(token, account, |entry| entry.purple);
    // SAFETY: an account in our table is live, and our reference keeps the list. libpurple cannot cancel without a connection.
    owner::with(Some(account), || unsafe {
        if !purple.is_null() && connected.is_some_and(|account| !(*account).gc.is_null()) && (*purple).in_progress != GFALSE {
            purple_sys::purple_roomlist_cancel_get_list(purple);
        }
    });
}

/// Ends all lists of an account.
pub(super) fn close_all(token: OnPurple, account: AccountId) {
    let open: Vec<_> =
        OPEN.with_borrow(|all| all.iter().filter(|(_, open)| open.account == account).map(|(id, open)| (id, open.purple)).collect());
    for (id, purple) in open {
        cancel(token, account, purple);
        end(token, id);
    }
}

// In all of these libpurple promises a live list (and account, and room).

/// A plugin wants a list shown (`/list`).
unsafe extern "C" fn on_show(account: *mut PurpleAccount) {
    guard_on("roomlist show_with_account", (), |token| {
        // SAFETY: see above.
        if let Some((user, account)) = unsafe { accounts::owner(token, account) } {
            timers::soon(token, Some(account), move |token| {
                if let Err(error) = list(token, user, account) {
                    log::debug!(target: "bridge", "a room list of {account} was not begun: {error}");
                }
            });
        }
    });
}

unsafe extern "C" fn on_create(purple: *mut PurpleRoomlist) {
    guard_on("roomlist create", (), |token| {
        // SAFETY: see above.
        let Some((user, account)) = (unsafe { accounts::owner(token, (*purple).account) }) else { return };
        // SAFETY: see above; given back in `end`.
        unsafe { purple_sys::purple_roomlist_ref(purple) };
        let purpose = ASKING.get().unwrap_or(Purpose::Shown);
        OPEN.with_borrow_mut(|all| all.insert(Open::new(user, account, purpose, purple)));
    });
}

/// What the list's columns say of a room. Hidden columns too: they are what joining needs.
///
/// # Safety
/// A live list and a room of it.
unsafe fn row(purple: *const PurpleRoomlist, room: *const PurpleRoomlistRoom) -> RoomRow {
    // SAFETY: a room's fields are in the order of the list's, texts for texts and numbers in the pointer for the rest.
    unsafe {
        let room = &*room;
        let columns = ffi::list::<PurpleRoomlistField>((*purple).fields);
        let cells = ffi::list::<c_void>(room.fields as *const GList);
        let mut fields = BTreeMap::new();
        let (mut topic, mut people) = (None, None);
        for (column, cell) in columns.into_iter().zip(cells) {
            let column = &*column;
            let key = borrowed(column.name).filter(|name| !name.is_empty()).or_else(|| borrowed(column.label)).unwrap_or_default();
            let value = match column.type_ {
                PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_STRING => borrowed(cell.cast::<c_char>()),
                PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_INT => Some((cell as isize as i32).to_string()),
                _ => Some((!cell.is_null()).to_string()),
            };
            if let Some(value) = value {
                // No plugin has another number that is shown, nor two texts of this sort.
                let lower = key.to_lowercase();
                if column.type_ == PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_INT && column.hidden == GFALSE && people.is_none() {
                    people = value.parse().ok();
                } else if ["topic", "description", "subject"].contains(&lower.as_str()) && !value.trim().is_empty() {
                    topic = Some(value.clone());
                }
                fields.insert(key, value);
            }
        }
        RoomRow {
            name: borrowed(room.name).unwrap_or_default(),
            category: room.type_.0 & PurpleRoomlistRoomType::PURPLE_ROOMLIST_ROOMTYPE_CATEGORY.0 != 0,
            parent: room.parent.as_ref().and_then(|parent| borrowed(parent.name)),
            topic,
            people,
            fields,
        }
    }
}

/// A row is whole: rows of one turn go together.
fn put(token: OnPurple, id: u64, row: RoomRow) {
    let start = OPEN.with_borrow_mut(|all| {
        let open = all.get_mut(id)?;
        open.waiting.push(row);
        (!std::mem::replace(&mut open.flushing, true)).then_some(open.account)
    });
    if let Some(account) = start {
        timers::soon(token, Some(account), move |token| flush(token, id, true));
    }
}

/// A room has described itself.
fn answered(token: OnPurple, id: u64, row: RoomRow) {
    put(token, id, row);
    if OPEN.with_borrow(|all| all.get(id).is_some_and(|open| open.closing)) {
        finish(token, id);
    }
}

/// All rooms are named: the list ends when the rooms that were asked have answered, or after [`PATIENCE`].
fn finish(token: OnPurple, id: u64) {
    if details::waiting(id) == 0 {
        return end(token, id);
    }
    let first = OPEN.with_borrow_mut(|all| {
        let open = all.get_mut(id)?;
        (!std::mem::replace(&mut open.closing, true)).then_some(open.account)
    });
    if let Some(account) = first {
        // Dropping the timer would stop it; `end` does nothing for a list that has ended.
        std::mem::forget(timers::after(token, PATIENCE, Some(account), move |token| end(token, id)));
    }
}

unsafe extern "C" fn on_add_room(purple: *mut PurpleRoomlist, room: *mut PurpleRoomlistRoom) {
    guard_on("roomlist add_room", (), |token| {
        let Some(id) = find(purple) else { return };
        // SAFETY: see above.
        let (row, account) = unsafe { (row(purple, room), (*purple).account) };
        let told = OPEN.with_borrow_mut(|all| {
            let open = all.get_mut(id)?;
            open.told += 1;
            Some((open.told, open.most(), open.purpose))
        });
        match told {
            Some((told, most, Purpose::Shown)) if told <= most => {
                // SAFETY: see above.
                if let Some(row) = unsafe { details::ask(token, id, account, told, row) } {
                    put(token, id, row);
                }
            }
            Some((told, most, _)) if told <= most => put(token, id, row),
            Some((told, most, Purpose::Found)) if told == most + 1 => found::enough(token, id),
            _ => {}
        }
    });
}

unsafe extern "C" fn on_in_progress(purple: *mut PurpleRoomlist, on: gboolean) {
    guard_on("roomlist in_progress", (), |token| {
        if let (GFALSE, Some(id)) = (on, find(purple)) {
            if ASKING.get().is_some() {
                // A protocol that has its list at once: whoever asked is told the list's id before its rows.
                // SAFETY: see above.
                let account = unsafe { accounts::id(token, (*purple).account) };
                timers::soon(token, account, move |token| finish(token, id));
            } else {
                finish(token, id);
            }
        }
    });
}

unsafe extern "C" fn on_destroy(purple: *mut PurpleRoomlist) {
    guard_on("roomlist destroy", (), |token| {
        // Our reference should have kept it: what remains here must not be found again.
        if let Some(id) = find(purple) {
            flush(token, id, false);
            OPEN.with_borrow_mut(|all| all.remove(id));
        }
    });
}

#[cfg(test)]
mod tests;
