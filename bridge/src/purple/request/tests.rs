//! Questions through libpurple's own functions, on a core, without a network.

use super::*;
use crate::purple::testing::{Core, with_core, with_mischief};
use purple_sys::{PurpleAccount, PurpleRequestField};
use std::ffi::c_char;
use std::ptr;

const ONE: UserId = UserId(1);
const TWO: UserId = UserId(2);

thread_local! {
    /// What the callbacks heard.
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn heard() -> Vec<String> {
    HEARD.take()
}

fn hear(text: String) {
    HEARD.with_borrow_mut(|all| all.push(format!("{text} for {:?}", owner::current().map(|id| id.0))));
}

unsafe extern "C" fn on_input(data: *mut c_void, text: *const c_char) {
    // SAFETY: a C string of the shim's.
    hear(format!("input {} {:?}", data as usize, unsafe { super::super::ffi::borrowed(text) }));
}
unsafe extern "C" fn on_cancel(data: *mut c_void, _: *const c_char) {
    hear(format!("cancel {}", data as usize));
}
unsafe extern "C" fn on_action(data: *mut c_void, action: c_int) {
    hear(format!("action {} {action}", data as usize));
}
unsafe extern "C" fn on_form(_: *mut c_void, fields: *mut PurpleRequestFields) {
    // SAFETY: the live form.
    unsafe {
        let name = super::super::ffi::borrowed(purple_sys::purple_request_fields_get_string(fields, c"name".as_ptr()));
        let age = purple_sys::purple_request_fields_get_integer(fields, c"age".as_ptr());
        let news = purple_sys::purple_request_fields_get_bool(fields, c"news".as_ptr());
        let colour = purple_sys::purple_request_fields_get_choice(fields, c"colour".as_ptr());
        let account = purple_sys::purple_request_fields_get_account(fields, c"account".as_ptr());
        let list = purple_sys::purple_request_fields_get_field(fields, c"list".as_ptr());
        let taken = super::super::ffi::list::<c_char>(purple_sys::purple_request_field_list_get_selected(list));
        let taken: Vec<_> = taken.into_iter().filter_map(|text| super::super::ffi::borrowed(text)).collect();
        let id = OnPurple::here().and_then(|token| accounts::id(token, account));
        hear(format!("form {name:?} {age} {news} {colour} {id:?} {taken:?}"));
    }
}

/// A callback as libpurple carries it.
macro_rules! callback {
    ($function:expr, $($argument:ty),*) => {
        // SAFETY: libpurple casts it back to this type (the shim does).
        unsafe { std::mem::transmute::<unsafe extern "C" fn($($argument),*), GCallback>($function) }
    };
}

fn ask_input(account: *mut PurpleAccount, handle: usize, data: usize) -> *mut c_void {
    let (ok, cancel) = (callback!(on_input, *mut c_void, *const c_char), callback!(on_cancel, *mut c_void, *const c_char));
    // SAFETY: C strings, a live account or NULL, callbacks that take any data.
    unsafe {
        purple_sys::purple_request_input(
            handle as *mut c_void,
            c"Title".as_ptr(),
            c"Name?".as_ptr(),
            ptr::null(),
            c"preset".as_ptr(),
            0,
            1,
            ptr::null_mut(),
            c"_OK".as_ptr(),
            ok,
            c"_Cancel".as_ptr(),
            cancel,
            account,
            ptr::null(),
            ptr::null_mut(),
            data as *mut c_void,
        )
    }
}

fn opened(core: &mut Core) -> Vec<(UserId, Request)> {
    let only = |(user, kind)| if let EventKind::RequestOpened(request) = kind { Some((user, request)) } else { None };
    core.events().into_iter().filter_map(only).collect()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn values(all: &[(&str, Value)]) -> BTreeMap<String, Value> {
    all.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

#[test]
fn a_question_is_its_owners_and_is_answered_once() {
    with_core("purple::request::tests::a_question_is_its_owners_and_is_answered_once", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        core.account(2, 20);
        assert!(!ask_input(account, 99, 7).is_null());
        let mut all = opened(core);
        let (user, request) = all.pop().unwrap();
        assert_eq!((user, request.account, request.kind), (ONE, Some(AccountId(10)), RequestKind::Input));
        assert_eq!(
            request.buttons.iter().map(|b| (b.id.as_str(), b.label.as_str())).collect::<Vec<_>>(),
            [("ok", "OK"), ("cancel", "Cancel")]
        );
        assert!(request.fields[0].masked && request.fields[0].value == Some(text("preset")));
        assert!(open_for(token, AccountId(10)) && !open_for(token, AccountId(20)));
        let given = values(&[("value", text("grüße"))]);
        assert_eq!(answer(token, TWO, request.id, "ok", &given).unwrap_err().code, "no_such_request");
        assert_eq!(answer(token, ONE, request.id, "3", &given).unwrap_err().code, "no_such_button");
        assert_eq!(answer(token, ONE, request.id, "ok", &values(&[("value", Value::Int(5))])).unwrap_err().field.as_deref(), Some("value"));
        assert!(heard().is_empty());
        answer(token, ONE, request.id, "ok", &given).unwrap();
        assert_eq!(heard(), ["input 7 Some(\"grüße\") for Some(10)"]);
        assert!(core.events().contains(&(ONE, EventKind::RequestClosed { request: request.id })));
        assert_eq!(answer(token, ONE, request.id, "ok", &given).unwrap_err().code, "no_such_request");
        assert!(heard().is_empty() && !open_for(token, AccountId(10)));
        // libpurple has forgotten it too: closing its handle finds nothing.
        // SAFETY: any handle may be closed.
        unsafe { purple_sys::purple_request_close_with_handle(99 as *mut c_void) };
        assert!(core.events().is_empty());
    });
}

#[test]
fn what_libpurple_closes_is_dead() {
    with_core("purple::request::tests::what_libpurple_closes_is_dead", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        ask_input(account, 99, 7);
        let (_, request) = opened(core).pop().unwrap();
        // SAFETY: any handle may be closed.
        unsafe { purple_sys::purple_request_close_with_handle(99 as *mut c_void) };
        assert!(core.events().contains(&(ONE, EventKind::RequestClosed { request: request.id })));
        assert_eq!(answer(token, ONE, request.id, "ok", &values(&[])).unwrap_err().code, "no_such_request");
        ask_input(account, 98, 8);
        let (_, request) = opened(core).pop().unwrap();
        close_all(token, AccountId(10));
        assert_eq!(answer(token, ONE, request.id, "ok", &values(&[])).unwrap_err().code, "no_such_request");
        assert!(heard().is_empty(), "no callback of a question that is gone");
    });
}

#[test]
fn a_question_of_an_earlier_connection_is_dead() {
    with_core("purple::request::tests::a_question_of_an_earlier_connection_is_dead", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        // SAFETY: a connection object of zeros, which nothing here looks into.
        let mut connection: PurpleConnection = unsafe { std::mem::zeroed() };
        // SAFETY: a live account; put back below.
        unsafe { (*account).gc = &raw mut connection };
        ask_input(account, 99, 7);
        let (_, request) = opened(core).pop().unwrap();
        // SAFETY: as above.
        unsafe { (*account).gc = ptr::null_mut() };
        assert_eq!(answer(token, ONE, request.id, "ok", &values(&[])).unwrap_err().code, "no_such_request");
        assert!(heard().is_empty());
    });
}

#[test]
fn nobodys_question_is_declined_later_and_shown_to_nobody() {
    with_core("purple::request::tests::nobodys_question_is_declined_later_and_shown_to_nobody", |core| {
        core.account(1, 10);
        let handle = ask_input(ptr::null_mut(), 99, 7);
        assert!(!handle.is_null() && heard().is_empty(), "not from inside the call");
        core.turn_until(|| HEARD.with_borrow(|all| !all.is_empty()));
        assert_eq!(heard(), ["cancel 7 for None"]);
        assert!(core.events().is_empty());
        // The one that is closed before its turn is not called.
        ask_input(ptr::null_mut(), 98, 8);
        // SAFETY: any handle may be closed.
        unsafe { purple_sys::purple_request_close_with_handle(98 as *mut c_void) };
        ask_input(ptr::null_mut(), 97, 9);
        core.turn_until(|| HEARD.with_borrow(|all| !all.is_empty()));
        assert_eq!(heard(), ["cancel 9 for None"]);
        // One asked while an account's callback runs is that account's.
        owner::with(Some(AccountId(10)), || ask_input(ptr::null_mut(), 96, 1));
        assert_eq!(opened(core).pop().map(|(user, _)| user), Some(ONE));
    });
}

#[test]
fn actions_are_numbered_and_files_are_declined() {
    with_core("purple::request::tests::actions_are_numbered_and_files_are_declined", |core| {
        let (token, account) = (core.token, core.account(1, 10));
        let (action, cancel) = (callback!(on_action, *mut c_void, c_int), callback!(on_cancel, *mut c_void, *const c_char));
        let picture = b"\x89PNG";
        // SAFETY: C strings, a live account, two pairs of text and callback.
        unsafe {
            purple_sys::purple_request_action_with_icon(
                99 as *mut c_void,
                ptr::null(),
                c"Create New Room".as_ptr(),
                c"Configure it?".as_ptr(),
                1,
                account,
                ptr::null(),
                ptr::null_mut(),
                picture.as_ptr().cast(),
                picture.len() as _,
                7 as *mut c_void,
                2,
                c"_Configure Room".as_ptr(),
                action,
                c"_Accept Defaults".as_ptr(),
                action,
            );
        }
        let events = core.events();
        assert!(matches!(&events[0].1, EventKind::MediaStored(media) if media.bytes == picture));
        let EventKind::RequestOpened(request) = &events[1].1 else { panic!("{events:?}") };
        let buttons: Vec<_> = request.buttons.iter().map(|b| (b.id.as_str(), b.label.as_str(), b.default)).collect();
        assert_eq!(buttons, [("0", "Configure Room", false), ("1", "Accept Defaults", true)]);
        assert!(request.fields[0].image.is_some());
        answer(token, ONE, request.id, "1", &values(&[])).unwrap();
        assert_eq!(heard(), ["action 7 1 for Some(10)"]);
        core.events();
        // SAFETY: as above.
        unsafe {
            purple_sys::purple_request_file(
                98 as *mut c_void,
                c"Save".as_ptr(),
                c"/etc/passwd".as_ptr(),
                1,
                action,
                cancel,
                account,
                ptr::null(),
                ptr::null_mut(),
                8 as *mut c_void,
            );
        }
        assert!(heard().is_empty());
        core.turn_until(|| HEARD.with_borrow(|all| !all.is_empty()));
        assert_eq!(heard(), ["cancel 8 for Some(10)"]);
        assert!(core.events().is_empty());
    });
}

/// A form with one field of each kind, whose account field defaults to somebody else's account.
fn form_of(theirs: *mut PurpleAccount) -> *mut PurpleRequestFields {
    // SAFETY: libpurple's own constructors; the group and the form take their parts over.
    unsafe {
        use purple_sys as p;
        let (fields, group) = (p::purple_request_fields_new(), p::purple_request_field_group_new(c"About you".as_ptr()));
        let add = |field: *mut PurpleRequestField| p::purple_request_field_group_add_field(group, field);
        let name = p::purple_request_field_string_new(c"name".as_ptr(), c"_Name".as_ptr(), ptr::null(), 0);
        p::purple_request_field_set_required(name, 1);
        add(name);
        add(p::purple_request_field_int_new(c"age".as_ptr(), c"Age".as_ptr(), 3));
        add(p::purple_request_field_bool_new(c"news".as_ptr(), c"News".as_ptr(), 0));
        let colour = p::purple_request_field_choice_new(c"colour".as_ptr(), c"Colour".as_ptr(), 0);
        p::purple_request_field_choice_add(colour, c"red".as_ptr());
        p::purple_request_field_choice_add(colour, c"blue".as_ptr());
        add(colour);
        let list = p::purple_request_field_list_new(c"list".as_ptr(), c"List".as_ptr());
        p::purple_request_field_list_set_multi_select(list, 1);
        for item in [c"a", c"b", c"c"] {
            p::purple_request_field_list_add_icon(list, item.as_ptr(), ptr::null(), ptr::dangling_mut::<u8>().cast());
        }
        add(list);
        let account = p::purple_request_field_account_new(c"account".as_ptr(), c"Account".as_ptr(), theirs);
        p::purple_request_field_account_set_show_all(account, 1);
        add(account);
        let hidden = p::purple_request_field_string_new(c"FORM_TYPE".as_ptr(), c"".as_ptr(), c"x".as_ptr(), 0);
        p::purple_request_field_set_visible(hidden, 0);
        add(hidden);
        p::purple_request_fields_add_group(fields, group);
        fields
    }
}

fn ask_form(account: *mut PurpleAccount, theirs: *mut PurpleAccount) {
    let form = callback!(on_form, *mut c_void, *mut PurpleRequestFields);
    // SAFETY: C strings and a live account; the form is the front end's now.
    unsafe {
        purple_sys::purple_request_fields(
            99 as *mut c_void,
            ptr::null(),
            c"Form".as_ptr(),
            ptr::null(),
            form_of(theirs),
            c"OK".as_ptr(),
            form,
            c"Cancel".as_ptr(),
            form,
            account,
            ptr::null(),
            ptr::null_mut(),
            ptr::null_mut(),
        );
    }
}

#[test]
fn a_form_shows_own_accounts_only_and_is_written_when_it_is_right() {
    with_core("purple::request::tests::a_form_shows_own_accounts_only_and_is_written_when_it_is_right", |core| {
        let (token, account, theirs) = (core.token, core.account(1, 10), core.account(2, 20));
        core.account(1, 11);
        ask_form(account, theirs);
        let (_, request) = opened(core).pop().unwrap();
        let ids: Vec<_> = request.fields.iter().map(|field| field.id.as_str()).collect();
        assert_eq!(ids, ["group0", "name", "age", "news", "colour", "list", "account"]);
        let accounts = &request.fields[6];
        let mut offered: Vec<_> = accounts.choices.iter().map(|choice| choice.value.as_str()).collect();
        offered.sort_unstable();
        assert_eq!((offered, &accounts.value), (vec!["aa", "ab"], &Some(text("aa"))));
        let mut given = values(&[
            ("name", text("Ines")),
            ("age", Value::Int(41)),
            ("news", Value::Bool(true)),
            ("colour", text("1")),
            ("list", Value::List(vec!["a".to_owned(), "c".to_owned()])),
            ("account", text("ab")),
        ]);
        for (key, wrong) in [
            ("account", text("a14")),
            ("colour", text("2")),
            ("list", Value::List(vec!["d".to_owned()])),
            ("age", text("41")),
            ("name", text("")),
            ("name", text("a\nb")),
            ("FORM_TYPE", text("y")),
        ] {
            let mut bad = given.clone();
            bad.insert(key.to_owned(), wrong);
            assert_eq!(answer(token, ONE, request.id, "ok", &bad).unwrap_err().field.as_deref(), Some(key));
        }
        assert!(heard().is_empty());
        answer(token, ONE, request.id, "ok", &given).unwrap();
        assert_eq!(heard(), ["form Some(\"Ines\") 41 1 1 Some(ab) [\"a\", \"c\"] for Some(10)"]);
        // Cancelling needs nothing filled in, and shows the asker no other user's account either.
        ask_form(account, theirs);
        let (_, request) = opened(core).pop().unwrap();
        given.clear();
        answer(token, ONE, request.id, "cancel", &given).unwrap();
        assert_eq!(heard(), ["form None 3 0 0 Some(aa) [] for Some(10)"]);
    });
}

#[test]
fn a_certificate_is_asked_about_and_taken_back() {
    with_core("purple::request::tests::a_certificate_is_asked_about_and_taken_back", |core| {
        let token = core.token;
        core.account(1, 10);
        let certificate = Certificate {
            host: "example.org".to_owned(),
            fingerprint: "AB".to_owned(),
            names: Vec::new(),
            subject: String::new(),
            issuer: String::new(),
            not_before: None,
            not_after: None,
            reason: "self_signed".to_owned(),
        };
        let ask =
            |account| ask_certificate(token, AccountId(account), certificate.clone(), Box::new(|trust| hear(format!("trust {trust}"))));
        assert_eq!(ask(77), None);
        let id = ask(10).unwrap();
        let (_, request) = opened(core).pop().unwrap();
        assert_eq!((request.id, request.details.as_ref()), (id, Some(&certificate)));
        answer(token, ONE, id, "ok", &values(&[])).unwrap();
        assert_eq!(heard(), ["trust true for Some(10)"]);
        let id = ask(10).unwrap();
        answer(token, ONE, id, "cancel", &values(&[])).unwrap();
        assert_eq!(heard(), ["trust false for Some(10)"]);
        let id = ask(10).unwrap();
        withdraw(token, id);
        assert_eq!(answer(token, ONE, id, "ok", &values(&[])).unwrap_err().code, "no_such_request");
        assert!(heard().is_empty());
    });
}

#[test]
fn a_flood_of_questions_is_declined_oldest_first_and_only_of_its_account() {
    with_mischief("purple::request::tests::a_flood_of_questions_is_declined_oldest_first_and_only_of_its_account", |core| {
        let token = core.token;
        core.online(1, 10);
        core.online(2, 20);
        core.order(2, 20, "ask");
        let most = super::super::quota::MOST;
        let asked = |events: &[(UserId, EventKind)]| events.iter().filter(|(_, kind)| matches!(kind, EventKind::RequestOpened(_))).count();
        let shown = core.order(1, 10, &format!("ask {}", 3 * most));
        assert_eq!(asked(&shown), 2 * most, "the rest of one turn is never shown");
        core.turns();
        let closed: Vec<_> = core.events().into_iter().filter(|(_, kind)| matches!(kind, EventKind::RequestClosed { .. })).collect();
        assert!(closed.len() == most && closed.iter().all(|(user, _)| *user == ONE));
        let first = shown.iter().find_map(|(_, kind)| if let EventKind::RequestOpened(first) = kind { Some(first.id) } else { None });
        assert_eq!(closed.first().map(|(_, kind)| kind.clone()), first.map(|request| EventKind::RequestClosed { request }));
        // Each of those that went heard its no.
        let told = core.order(1, 10, "declined");
        let said = told
            .iter()
            .any(|(_, kind)| matches!(kind, EventKind::MessageAdded { message, .. } if message.html == format!("declined {}", 2 * most)));
        assert!(said, "{told:?}");
        assert!(open_for(token, AccountId(10)) && open_for(token, AccountId(20)));
        assert_eq!(OPEN.with_borrow(|all| all.iter().count()), most + 1);
    });
}
