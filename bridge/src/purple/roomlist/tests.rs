//! Lists as a plugin makes them: streamed, stopped, and for their owner alone.

use super::*;
use crate::purple::testing::{Core, with_core};
use std::ptr;

fn rows(core: &mut Core) -> Vec<(UserId, RoomListRows)> {
    let only = |(user, kind)| if let EventKind::RoomList(rows) = kind { Some((user, rows)) } else { None };
    core.events().into_iter().filter_map(only).collect()
}

/// A list as a plugin makes it: a hidden name, a number and a topic.
fn begin(account: *mut PurpleAccount) -> *mut PurpleRoomlist {
    // SAFETY: a live account; the list takes the columns over.
    unsafe {
        use purple_sys as p;
        let made = p::purple_roomlist_new(account);
        let column = |kind, label: &std::ffi::CStr, name: &std::ffi::CStr, hidden| {
            p::purple_roomlist_field_new(kind, label.as_ptr(), name.as_ptr(), hidden)
        };
        let columns = [
            column(PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_STRING, c"", c"channel", 1),
            column(PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_INT, c"Users", c"users", 0),
            column(PurpleRoomlistFieldType::PURPLE_ROOMLIST_FIELD_STRING, c"Topic", c"", 0),
        ];
        let fields = columns.into_iter().rev().fold(ptr::null_mut(), |list, column| glib_sys::g_list_prepend(list, column.cast()));
        p::purple_roomlist_set_fields(made, fields);
        p::purple_roomlist_set_in_progress(made, 1);
        made
    }
}

fn add(made: *mut PurpleRoomlist, name: &str, users: isize) {
    let name = crate::purple::ffi::in_process(name);
    // SAFETY: a live list, which takes the room over.
    unsafe {
        use purple_sys as p;
        let room = p::purple_roomlist_room_new(PurpleRoomlistRoomType::PURPLE_ROOMLIST_ROOMTYPE_ROOM, name.as_ptr(), ptr::null_mut());
        p::purple_roomlist_room_add_field(made, room, name.as_ptr().cast());
        p::purple_roomlist_room_add_field(made, room, users as *const c_void);
        p::purple_roomlist_room_add_field(made, room, c"talk".as_ptr().cast());
        p::purple_roomlist_room_add(made, room);
    }
}

#[test]
fn rows_stream_and_end() {
    with_core("purple::roomlist::tests::rows_stream_and_end", |core| {
        let account = core.account(1, 10);
        let made = begin(account);
        add(made, "#one", 5);
        assert!(rows(core).is_empty(), "rows of one turn go together");
        let mut first = Vec::new();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while first.is_empty() && std::time::Instant::now() < end {
            crate::purple::testing::turn(core.token, false);
            first = rows(core);
        }
        let (user, told) = first.pop().unwrap();
        assert!(user == UserId(1) && told.more);
        assert_eq!(told.rows[0].name, "#one");
        assert_eq!((told.rows[0].topic.as_deref(), told.rows[0].people), (Some("talk"), Some(5)));
        let fields: Vec<_> = told.rows[0].fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("Topic", "talk"), ("channel", "#one"), ("users", "5")]);
        for index in 0..AT_ONCE {
            add(made, &format!("#{index}"), 1);
        }
        add(made, "#last", 1);
        // SAFETY: what a plugin does at the end: it gives its reference up, and ours keeps the list.
        unsafe {
            purple_sys::purple_roomlist_set_in_progress(made, 0);
            purple_sys::purple_roomlist_unref(made);
        }
        let rest = rows(core);
        assert_eq!(rest.iter().map(|(_, rows)| (rows.rows.len(), rows.more)).collect::<Vec<_>>(), [(AT_ONCE, true), (1, false)]);
        assert_eq!(stop(core.token, UserId(1), told.list).unwrap_err().code, "no_such_list");
        // Our reference goes on a later turn: the list is freed then, as valgrind sees.
        crate::purple::testing::turn(core.token, false);
    });
}

#[test]
fn a_list_is_stopped_by_its_owner_only() {
    with_core("purple::roomlist::tests::a_list_is_stopped_by_its_owner_only", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        let made = begin(account);
        let id = RoomListId(find(made).unwrap());
        assert_eq!(stop(token, UserId(2), id).unwrap_err().code, "no_such_list");
        stop(token, UserId(1), id).unwrap();
        assert_eq!(rows(core), [(UserId(1), RoomListRows { list: id, rows: Vec::new(), more: false })]);
        add(made, "#late", 1);
        assert!(find(made).is_none());
        assert!(list(token, UserId(1), AccountId(10)).is_err(), "not signed on");
        // SAFETY: the plugin's reference, as it gives it up when it is told to stop.
        unsafe { purple_sys::purple_roomlist_unref(made) };
        crate::purple::testing::turn(token, false);
    });
}

fn told(core: &mut Core) -> (Vec<RoomsFound>, usize) {
    let (mut found, mut shown) = (Vec::new(), 0);
    for (user, kind) in core.events() {
        assert_eq!(user, UserId(1));
        match kind {
            EventKind::RoomsFound(rows) => found.push(rows),
            EventKind::RoomList(_) => shown += 1,
            _ => {}
        }
    }
    (found, shown)
}

/// A list that discovery has asked for.
fn begin_found(account: *mut PurpleAccount) -> *mut PurpleRoomlist {
    ASKING.set(Some(Purpose::Found));
    let made = begin(account);
    ASKING.set(None);
    made
}

#[test]
fn discovery_is_told_of_its_lists_and_of_a_persons_and_a_person_of_their_own() {
    with_core("purple::roomlist::tests::discovery_is_told_of_its_lists_and_of_a_persons_and_a_person_of_their_own", |core| {
        let account = core.account(1, 10);
        for (made, shown) in [(begin_found(account), 0), (begin(account), 1)] {
            let id = RoomListId(find(made).unwrap());
            add(made, "#one", 5);
            if shown == 0 {
                assert_eq!(stop(core.token, UserId(1), id).unwrap_err().code, "no_such_list", "nobody sees it");
                assert!(!caught(AccountId(10), "Unable to send", "") && !caught(AccountId(11), "Error retrieving room list", "no"));
                assert!(caught(AccountId(10), "Error retrieving room list", "Not\nhere"));
            } else {
                assert!(!caught(AccountId(10), "Error retrieving room list", "no"), "a person is told in a notice");
            }
            // SAFETY: what a plugin does at the end.
            unsafe {
                purple_sys::purple_roomlist_set_in_progress(made, 0);
                purple_sys::purple_roomlist_unref(made);
            }
            let (found, lists) = told(core);
            assert_eq!((found.len(), lists), (1, shown));
            assert_eq!((found[0].account, found[0].rows[0].name.as_str()), (AccountId(10), "#one"));
            assert!(!found[0].more && !found[0].cut && !found[0].described);
            assert_eq!(found[0].error.as_ref().map(|error| error.message.as_str()), (shown == 0).then_some("Not here"));
            crate::purple::testing::turn(core.token, false);
        }
    });
}

#[test]
fn a_list_without_end_is_read_to_a_bound() {
    with_core("purple::roomlist::tests::a_list_without_end_is_read_to_a_bound", |core| {
        let account = core.account(1, 10);
        let made = begin_found(account);
        for number in 0..found::MOST + 2_000 {
            add(made, &format!("#{number}"), 1);
        }
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while find(made).is_some() && std::time::Instant::now() < end {
            crate::purple::testing::turn(core.token, false);
        }
        assert!(find(made).is_none(), "nobody waits for the rest");
        add(made, "#late", 1);
        let (found, lists) = told(core);
        let last = found.last().unwrap();
        assert_eq!((found.iter().map(|one| one.rows.len()).sum::<usize>(), lists), (found::MOST, 0));
        assert!(last.cut && !last.more && found.iter().all(|one| one.rows.len() <= AT_ONCE));
        // SAFETY: the plugin's reference.
        unsafe { purple_sys::purple_roomlist_unref(made) };
        crate::purple::testing::turn(core.token, false);
    });
}
