//! Notices through libpurple's own functions, on a core, without a network.

use super::*;
use crate::model::ProfileKind;
use crate::purple::ffi::in_process;
use crate::purple::testing::{Core, with_core, with_mischief};
use std::cell::Cell;
use std::ptr;

thread_local! {
    static CLOSED: Cell<usize> = const { Cell::new(0) };
    static CHOSEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn on_closed(_: *mut c_void) {
    CLOSED.set(CLOSED.get() + 1);
}

unsafe extern "C" fn on_row(_: *mut PurpleConnection, row: *mut glib_sys::GList, data: *mut c_void) {
    // SAFETY: a live row of C strings.
    let cells = unsafe { super::super::ffi::list::<std::ffi::c_char>(row) };
    // SAFETY: as above.
    let cells: Vec<_> = cells.into_iter().filter_map(|cell| unsafe { super::super::ffi::borrowed(cell) }).collect();
    CHOSEN.with_borrow_mut(|all| all.push(format!("{} {}", data as usize, cells.join(","))));
}

fn notices(core: &mut Core) -> Vec<(UserId, Notice)> {
    let only = |(user, kind)| if let EventKind::NoticeOpened(notice) = kind { Some((user, notice)) } else { None };
    core.events().into_iter().filter_map(only).collect()
}

fn say(text: &std::ffi::CStr) -> *mut c_void {
    // SAFETY: C strings.
    unsafe {
        purple_sys::purple_notify_message(
            ptr::null_mut(),
            purple_sys::PurpleNotifyMsgType::PURPLE_NOTIFY_MSG_ERROR,
            ptr::null(),
            text.as_ptr(),
            c"a <b> & c".as_ptr(),
            Some(on_closed),
            ptr::null_mut(),
        )
    }
}

#[test]
fn messages_go_to_whom_they_happen_to_and_else_to_nobody() {
    with_core("purple::notify::tests::messages_go_to_whom_they_happen_to_and_else_to_nobody", |core| {
        core.account(1, 10);
        core.account(2, 20);
        assert!(say(c"lost").is_null());
        assert_eq!(CLOSED.take(), 1, "libpurple takes the unshown one as closed");
        assert!(core.events().is_empty());
        owner::with(Some(AccountId(20)), || say(c"found"));
        let (user, notice) = notices(core).pop().unwrap();
        assert_eq!((user, notice.account, notice.kind), (UserId(2), Some(AccountId(20)), NoticeKind::Message));
        assert_eq!((notice.title.as_str(), notice.html.as_str()), ("found", "a &lt;b&gt; &amp; c"));
        assert_eq!(close(core.token, UserId(1), notice.id).unwrap_err().code, "no_such_notice");
        assert_eq!(CLOSED.take(), 0);
        close(core.token, UserId(2), notice.id).unwrap();
        assert_eq!(CLOSED.take(), 1);
        assert_eq!(core.events(), [(UserId(2), EventKind::NoticeClosed { notice: notice.id })]);
        assert_eq!(close(core.token, UserId(2), notice.id).unwrap_err().code, "no_such_notice");
    });
}

#[test]
fn links_and_formatted_texts_keep_their_shape() {
    with_core("purple::notify::tests::links_and_formatted_texts_keep_their_shape", |core| {
        core.account(1, 10);
        // SAFETY: C strings.
        owner::with(Some(AccountId(10)), || unsafe {
            purple_sys::purple_notify_uri(ptr::null_mut(), c"https://example.org/?a&b".as_ptr());
            let (cb, data) = (Some(on_closed as unsafe extern "C" fn(*mut c_void)), ptr::null_mut());
            purple_sys::purple_notify_formatted(
                ptr::null_mut(),
                c"MOTD".as_ptr(),
                c"for <you>".as_ptr(),
                ptr::null(),
                c"<b>hi</b>".as_ptr(),
                cb,
                data,
            );
        });
        let all = notices(core);
        assert_eq!((all[0].1.kind, all[0].1.url.as_deref()), (NoticeKind::Uri, Some("https://example.org/?a&b")));
        assert_eq!((all[1].1.title.as_str(), all[1].1.html.as_str()), ("MOTD", "for &lt;you&gt;<br><br><b>hi</b>"));
        close_all(core.token, AccountId(10));
        assert_eq!(CLOSED.take(), 1);
        assert_eq!(core.events().len(), 2);
        assert!(OPEN.with_borrow(|all| all.iter().next().is_none()));
    });
}

#[test]
fn search_results_grow_and_have_buttons() {
    with_core("purple::notify::tests::search_results_grow_and_have_buttons", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        // SAFETY: a connection object of zeros but for its account, put away below.
        let mut connection: PurpleConnection = unsafe { std::mem::zeroed() };
        connection.account = account;
        let gc = &raw mut connection;
        let row = |cells: [&std::ffi::CStr; 2]| {
            // SAFETY: copies in a list of GLib's, which the results take over.
            cells
                .iter()
                .rev()
                .fold(ptr::null_mut(), |list, cell| unsafe { glib_sys::g_list_prepend(list, glib_sys::g_strdup(cell.as_ptr()).cast()) })
        };
        // SAFETY: libpurple's own constructors; a live account.
        let (handle, results) = unsafe {
            use purple_sys as p;
            (*account).gc = gc;
            let results = p::purple_notify_searchresults_new();
            p::purple_notify_searchresults_column_add(results, p::purple_notify_searchresults_column_new(c"Nick".as_ptr()));
            p::purple_notify_searchresults_column_add(results, p::purple_notify_searchresults_column_new(c"Town".as_ptr()));
            p::purple_notify_searchresults_row_add(results, row([c"ines", c"Jaca"]));
            p::purple_notify_searchresults_button_add(results, p::PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_ADD, Some(on_row));
            p::purple_notify_searchresults_button_add_labeled(results, c"_Wave".as_ptr(), Some(on_row));
            (p::purple_notify_searchresults(gc, c"Found".as_ptr(), ptr::null(), ptr::null(), results, None, 7 as *mut c_void), results)
        };
        let (_, notice) = notices(core).pop().unwrap();
        assert_eq!(
            (notice.columns.join(","), notice.rows.clone()),
            ("Nick,Town".to_owned(), vec![vec!["ines".to_owned(), "Jaca".to_owned()]])
        );
        assert_eq!(notice.buttons.iter().map(|b| b.label.as_str()).collect::<Vec<_>>(), ["Add", "Wave"]);
        // SAFETY: live results, and the handle they were shown under.
        unsafe {
            purple_sys::purple_notify_searchresults_row_add(results, row([c"juan", c"Ayerbe"]));
            purple_sys::purple_notify_searchresults_new_rows(gc, results, handle);
        }
        let rows = vec![vec!["juan".to_owned(), "Ayerbe".to_owned()]];
        assert_eq!(core.events(), [(UserId(1), EventKind::NoticeRows { notice: notice.id, rows })]);
        assert_eq!(action(token, UserId(2), notice.id, "1", 0).unwrap_err().code, "no_such_notice");
        assert_eq!(action(token, UserId(1), notice.id, "2", 0).unwrap_err().code, "no_such_button");
        assert_eq!(action(token, UserId(1), notice.id, "1", 2).unwrap_err().code, "no_such_row");
        action(token, UserId(1), notice.id, "1", 1).unwrap();
        assert_eq!(CHOSEN.take(), ["7 juan,Ayerbe"]);
        // SAFETY: as above; the connection ends with what was opened under it.
        unsafe {
            purple_sys::purple_notify_close_with_handle(gc.cast());
            (*account).gc = ptr::null_mut();
        }
        assert_eq!(action(token, UserId(1), notice.id, "1", 0).unwrap_err().code, "no_such_notice");
    });
}

#[test]
fn mails_are_counted_and_profiles_shown() {
    with_core("purple::notify::tests::mails_are_counted_and_profiles_shown", |core| {
        let account = core.account(1, 10);
        // SAFETY: a connection object of zeros but for its account.
        let mut connection: PurpleConnection = unsafe { std::mem::zeroed() };
        connection.account = account;
        let gc = &raw mut connection;
        // SAFETY: C strings and arrays of two.
        unsafe {
            use purple_sys as p;
            let (mut subjects, mut froms) = ([c"one".as_ptr(), c"two".as_ptr()], [c"juan".as_ptr(), ptr::null()]);
            let mut urls = [c"https://mail.example.org/".as_ptr(), ptr::null()];
            p::purple_notify_emails(
                gc.cast(),
                2,
                1,
                subjects.as_mut_ptr(),
                froms.as_mut_ptr(),
                ptr::null_mut(),
                urls.as_mut_ptr(),
                None,
                ptr::null_mut(),
            );
            p::purple_notify_emails(
                gc.cast(),
                5,
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                None,
                ptr::null_mut(),
            );
            let info = p::purple_notify_user_info_new();
            p::purple_notify_user_info_add_section_header(info, c"Address".as_ptr());
            p::purple_notify_user_info_add_pair_plaintext(info, c"Town".as_ptr(), c"Jaca & more".as_ptr());
            p::purple_notify_user_info_add_section_break(info);
            let pixels = b"\x89PNG\r\n\x1a\n and so on";
            let add = || p::purple_imgstore_add_with_id(glib_sys::g_memdup(pixels.as_ptr().cast(), 20), 20, ptr::null());
            // A picture that belongs to no account, whose number a contact may write, and a picture of the account's own.
            let (other, own) = (add(), owner::with(Some(AccountId(10)), add));
            for id in [other, own] {
                let tag = in_process(&format!("<img id='{id}'>"));
                p::purple_notify_user_info_add_pair(info, c"Photo".as_ptr(), tag.as_ptr());
            }
            p::purple_notify_userinfo(gc, c"ines".as_ptr(), info, None, ptr::null_mut());
            p::purple_notify_user_info_destroy(info);
        }
        let events = core.events();
        assert_eq!(events[0].1, EventKind::Mail { account: AccountId(10), count: 2 });
        let EventKind::NoticeOpened(mails) = &events[1].1 else { panic!("{events:?}") };
        assert_eq!((mails.html.as_str(), mails.url.as_deref()), ("juan: one<br>two", Some("https://mail.example.org/")));
        assert_eq!(events[2].1, EventKind::Mail { account: AccountId(10), count: 5 });
        let EventKind::MediaStored(picture) = &events[3].1 else { panic!("{events:?}") };
        let EventKind::NoticeOpened(notice) = &events[4].1 else { panic!("{events:?}") };
        assert_eq!((notice.kind, notice.title.as_str()), (NoticeKind::Userinfo, "ines"));
        assert!(notice.html.contains("Jaca &amp; more"), "{}", notice.html);
        let profile = notice.profile.as_ref().unwrap();
        assert_eq!((profile.name.as_str(), profile.picture.as_ref()), ("ines", Some(&picture.hash)));
        let entries: Vec<_> = profile.entries.iter().map(|entry| (entry.kind, entry.label.as_str(), entry.html.as_str())).collect();
        assert_eq!(entries[0], (ProfileKind::Heading, "Address", ""));
        assert_eq!(entries[1], (ProfileKind::Pair, "Town", "Jaca &amp; more"));
        assert_eq!(entries[2], (ProfileKind::Break, "", ""));
        assert_eq!((entries.len(), entries[4].1), (5, "Photo"));
    });
}

#[test]
fn a_flood_of_notices_closes_the_oldest_and_only_of_its_account() {
    with_mischief("purple::notify::tests::a_flood_of_notices_closes_the_oldest_and_only_of_its_account", |core| {
        core.online(1, 10);
        core.online(2, 20);
        core.order(2, 20, "tell");
        let most = super::super::quota::MOST;
        let shown = core.order(1, 10, &format!("tell {}", 3 * most));
        let opened = shown.iter().filter(|(_, kind)| matches!(kind, EventKind::NoticeOpened(_))).count();
        assert_eq!(opened, 2 * most, "the rest of one turn is never shown");
        core.turns();
        let closed: Vec<_> = core.events().into_iter().filter(|(_, kind)| matches!(kind, EventKind::NoticeClosed { .. })).collect();
        assert!(closed.len() == most && closed.iter().all(|(user, _)| *user == UserId(1)));
        // The plugin has heard of each that is gone, so that it can free what it was about.
        let told = core.order(1, 10, "declined");
        let said = told
            .iter()
            .any(|(_, kind)| matches!(kind, EventKind::MessageAdded { message, .. } if message.html == format!("declined {}", 2 * most)));
        assert!(said, "{told:?}");
        assert_eq!(OPEN.with_borrow(|all| all.iter().count()), most + 1);
    });
}
