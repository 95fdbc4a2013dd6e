//! "X wants to add you": told to the account's user, answered once, dead when libpurple takes it back; adding them in turn is the buddy list's doing.

use super::ffi::{borrowed, guard_on};
use super::quota::{Quota, Space};
use super::registry::Registry;
use super::token::OnPurple;
use super::{accounts, blist, debug, notify, outbox, owner, request, timers};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, AuthorizationId, UserId};
use crate::model::Authorization;
use glib_sys::{GFALSE, gboolean};
use purple_sys::{PurpleAccount, PurpleAccountRequestAuthorizationCb};
use std::cell::RefCell;
use std::ffi::{c_char, c_void};

struct Open {
    whose: Option<(UserId, AccountId)>,
    from: String,
    allow: PurpleAccountRequestAuthorizationCb,
    deny: PurpleAccountRequestAuthorizationCb,
    data: *mut c_void,
}

thread_local! {
    static OPEN: RefCell<Registry<Open>> = const { RefCell::new(Registry::new()) };
    /// Of those that are shown.
    static QUOTA: RefCell<Quota> = RefCell::default();
}

/// Takes it out, once, and tells its user that it is closed.
fn take(token: OnPurple, id: AuthorizationId) -> Option<Open> {
    let open = OPEN.with_borrow_mut(|all| all.remove(id.0))?;
    let shown = open.whose.filter(|(_, account)| QUOTA.with_borrow_mut(|quota| quota.closed(*account, id.0)));
    if let Some((user, _)) = shown {
        outbox::emit(token, user, EventKind::AuthorizationClosed { authorization: id });
    }
    Some(open)
}

/// Calls libpurple back; it forgets the question by itself then.
fn reply(open: &Open, allow: bool) {
    let callback = if allow { open.allow } else { open.deny };
    if let Some(callback) = callback {
        // SAFETY: the question was open until now, so libpurple still keeps what `data` points to; it frees it in the callback.
        owner::with(open.whose.map(|(_, account)| account), || unsafe { callback(open.data) });
    }
}

// In all of these libpurple promises a live account and C strings or NULL for the time of the call.

pub(super) unsafe extern "C" fn on_request_authorize(
    account: *mut PurpleAccount,
    remote_user: *const c_char,
    _id: *const c_char,
    alias: *const c_char,
    message: *const c_char,
    on_list: gboolean,
    allow: PurpleAccountRequestAuthorizationCb,
    deny: PurpleAccountRequestAuthorizationCb,
    data: *mut c_void,
) -> *mut c_void {
    guard_on("request_authorize", std::ptr::null_mut(), |token| {
        // SAFETY: see above.
        let (whose, from, alias, message) =
            unsafe { (accounts::owner(token, account), borrowed(remote_user), borrowed(alias), borrowed(message)) };
        let from = from.unwrap_or_default();
        let id = AuthorizationId(OPEN.with_borrow_mut(|all| all.insert(Open { whose, from: from.clone(), allow, deny, data })));
        // Whoever asked before a flood keeps their place; who comes with it may ask again later.
        let space = whose.map_or(Space::Free, |(_, account)| QUOTA.with_borrow(|quota| quota.space(account)));
        match whose {
            Some((user, account)) if space == Space::Free => {
                QUOTA.with_borrow_mut(|quota| quota.opened(account, id.0));
                let full = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
                let asked = Authorization { id, account, from, alias: full(alias), message: full(message), known: on_list != GFALSE };
                outbox::emit(token, user, EventKind::AuthorizationOpened(asked));
            }
            // Unanswered it would wait for ever (hazard 33); not from inside the call, whose caller has no handle yet.
            _ => timers::soon(token, whose.map(|(_, account)| account), move |token| {
                if let Some(open) = take(token, id) {
                    let why = whose.map_or("it is for nobody".to_owned(), |(_, account)| format!("{account} has too many"));
                    debug::paced(log::Level::Warn, format_args!("an authorization was denied: {why}"));
                    reply(&open, false);
                }
            }),
        }
        id.0 as *mut c_void
    })
}

/// libpurple took it back.
pub(super) unsafe extern "C" fn on_close_account_request(ui_handle: *mut c_void) {
    guard_on("close_account_request", (), |token| {
        take(token, AuthorizationId(ui_handle as u64));
    });
}

/// Their name with the better one in front.
fn called(from: String, alias: Option<String>) -> String {
    match alias.filter(|alias| !alias.trim().is_empty() && *alias != from) {
        Some(alias) => format!("{alias} ({from})"),
        None => from,
    }
}

pub(super) unsafe extern "C" fn on_notify_added(
    account: *mut PurpleAccount,
    remote_user: *const c_char,
    _id: *const c_char,
    alias: *const c_char,
    message: *const c_char,
) {
    guard_on("notify_added", (), |token| {
        // SAFETY: see above.
        let (whose, from, alias, message) =
            unsafe { (accounts::id(token, account), borrowed(remote_user), borrowed(alias), borrowed(message)) };
        let (Some(account), Some(from)) = (whose, from) else { return };
        notify::tell(token, account, &format!("{} added you to their list.", called(from, alias)), &message.unwrap_or_default());
    });
}

pub(super) unsafe extern "C" fn on_request_add(
    account: *mut PurpleAccount,
    remote_user: *const c_char,
    _id: *const c_char,
    alias: *const c_char,
    _message: *const c_char,
) {
    guard_on("request_add", (), |token| {
        // SAFETY: see above.
        let (whose, from, alias) = unsafe { (accounts::owner(token, account), borrowed(remote_user), borrowed(alias)) };
        let (Some((user, account)), Some(from)) = (whose, from) else { return };
        let question = format!("{} added you. Add them too?", called(from.clone(), alias));
        let answer = move |add: bool| {
            if let (true, Some(token)) = (add, OnPurple::here()) {
                add_back(token, user, account, &from);
            }
        };
        request::ask(token, account, question, "Add", Box::new(answer));
    });
}

fn add_back(token: OnPurple, user: UserId, account: AccountId, from: &str) {
    if let Err(error) = blist::add(token, user, account, from, None, "", "") {
        notify::tell(token, account, &format!("{from} could not be added."), &error.message);
    }
}

/// Answers, which uses it up; `add` puts them on the list too.
///
/// # Errors
/// `no_such_authorization` for one that is closed, or another user's.
pub(super) fn answer(token: OnPurple, user: UserId, authorization: AuthorizationId, allow: bool, add: bool) -> Result<(), CommandError> {
    let theirs = OPEN.with_borrow(|all| all.get(authorization.0).is_some_and(|open| open.whose.is_some_and(|(whose, _)| whose == user)));
    let open = if theirs { take(token, authorization) } else { None };
    let open = open.ok_or_else(|| CommandError::new("no_such_authorization", "This question is not open any more.").at("authorization"))?;
    reply(&open, allow);
    if let (true, true, Some((_, account))) = (allow, add, open.whose) {
        add_back(token, user, account, &open.from);
    }
    Ok(())
}

/// Ends all of an account that ends. libpurple takes its own part back with the account; nobody is called.
pub(super) fn close_all(token: OnPurple, account: AccountId) {
    let ids: Vec<u64> =
        OPEN.with_borrow(|all| all.iter().filter(|(_, open)| open.whose.is_some_and(|(_, id)| id == account)).map(|(id, _)| id).collect());
    for id in ids {
        if take(token, AuthorizationId(id)).is_some() {
            // SAFETY: the handle that libpurple got; unknown ones are ignored.
            unsafe { purple_sys::purple_account_request_close(id as *mut c_void) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::{Core, with_core, with_mischief};
    use std::ptr;

    thread_local! {
        static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    unsafe extern "C" fn on_allow(data: *mut c_void) {
        HEARD.with_borrow_mut(|all| all.push(format!("allow {}", data as usize)));
    }
    unsafe extern "C" fn on_deny(data: *mut c_void) {
        HEARD.with_borrow_mut(|all| all.push(format!("deny {}", data as usize)));
    }

    fn ask(account: *mut PurpleAccount, data: usize) {
        // SAFETY: a live account and C strings; the callbacks take any data.
        unsafe {
            purple_sys::purple_account_request_authorization(
                account,
                c"juan@example.org".as_ptr(),
                ptr::null(),
                c"Juan".as_ptr(),
                c"hello".as_ptr(),
                0,
                Some(on_allow),
                Some(on_deny),
                data as *mut c_void,
            );
        }
    }

    fn opened(core: &mut Core) -> Option<(UserId, Authorization)> {
        core.events()
            .into_iter()
            .find_map(|(user, kind)| if let EventKind::AuthorizationOpened(asked) = kind { Some((user, asked)) } else { None })
    }

    #[test]
    fn it_is_its_owners_and_answered_once() {
        with_core("purple::authorization::tests::it_is_its_owners_and_answered_once", |core| {
            let (token, account) = (core.token, core.account(1, 10));
            core.account(2, 20);
            ask(account, 7);
            let (user, asked) = opened(core).unwrap();
            assert_eq!((user, asked.account, asked.from.as_str(), asked.known), (UserId(1), AccountId(10), "juan@example.org", false));
            assert_eq!((asked.alias.as_deref(), asked.message.as_deref()), (Some("Juan"), Some("hello")));
            assert_eq!(answer(token, UserId(2), asked.id, true, false).unwrap_err().code, "no_such_authorization");
            answer(token, UserId(1), asked.id, true, false).unwrap();
            assert_eq!(HEARD.take(), ["allow 7"]);
            assert!(core.events().contains(&(UserId(1), EventKind::AuthorizationClosed { authorization: asked.id })));
            assert_eq!(answer(token, UserId(1), asked.id, false, false).unwrap_err().code, "no_such_authorization");
            ask(account, 8);
            let (_, asked) = opened(core).unwrap();
            answer(token, UserId(1), asked.id, false, true).unwrap();
            assert_eq!(HEARD.take(), ["deny 8"]);
        });
    }

    #[test]
    fn what_is_taken_back_is_dead() {
        with_core("purple::authorization::tests::what_is_taken_back_is_dead", |core| {
            let (token, account) = (core.token, core.account(1, 10));
            ask(account, 7);
            let (_, asked) = opened(core).unwrap();
            // SAFETY: a live account.
            unsafe { purple_sys::purple_account_request_close_with_account(account) };
            assert_eq!(answer(token, UserId(1), asked.id, true, false).unwrap_err().code, "no_such_authorization");
            ask(account, 8);
            let (_, asked) = opened(core).unwrap();
            close_all(token, AccountId(10));
            assert_eq!(answer(token, UserId(1), asked.id, true, false).unwrap_err().code, "no_such_authorization");
            assert!(HEARD.take().is_empty());
        });
    }

    #[test]
    fn nobodys_is_denied_later() {
        with_core("purple::authorization::tests::nobodys_is_denied_later", |core| {
            // SAFETY: C strings, copied; an account that is in nobody's table.
            let stray = unsafe { purple_sys::purple_account_new(c"stray@example.org".as_ptr(), c"prpl-jabber".as_ptr()) };
            ask(stray, 7);
            assert!(HEARD.with_borrow(Vec::is_empty));
            core.turn_until(|| HEARD.with_borrow(|all| !all.is_empty()));
            assert_eq!(HEARD.take(), ["deny 7"]);
            assert!(core.events().is_empty());
        });
    }

    #[test]
    fn who_added_the_user_is_told_and_can_be_added() {
        with_core("purple::authorization::tests::who_added_the_user_is_told_and_can_be_added", |core| {
            let account = core.account(1, 10);
            // SAFETY: a live account and C strings.
            unsafe {
                purple_sys::purple_account_notify_added(account, c"juan@example.org".as_ptr(), ptr::null(), ptr::null(), ptr::null())
            };
            let told = core.events();
            assert!(
                matches!(&told[0].1, EventKind::NoticeOpened(notice) if notice.title == "juan@example.org added you to their list."),
                "{told:?}"
            );
            // SAFETY: as above.
            unsafe {
                purple_sys::purple_account_request_add(account, c"juan@example.org".as_ptr(), ptr::null(), c"Juan".as_ptr(), ptr::null())
            };
            let asked = core.events();
            assert!(
                matches!(&asked[0].1, EventKind::RequestOpened(request) if request.primary.contains("Juan (juan@example.org)")),
                "{asked:?}"
            );
        });
    }

    #[test]
    fn strangers_beyond_number_are_denied_and_who_asked_before_them_is_not() {
        with_mischief("purple::authorization::tests::strangers_beyond_number_are_denied_and_who_asked_before_them_is_not", |core| {
            core.online(1, 10);
            core.online(2, 20);
            core.order(2, 20, "authorizations 1");
            let most = super::super::quota::MOST;
            let shown = core.order(1, 10, &format!("authorizations {}", most + 50));
            let opened: Vec<_> = shown
                .into_iter()
                .filter_map(|(_, kind)| if let EventKind::AuthorizationOpened(asked) = kind { Some(asked) } else { None })
                .collect();
            assert_eq!((opened.len(), opened[0].from.as_str()), (most, "stranger0"));
            core.turns();
            assert!(core.events().is_empty(), "nothing that was shown is closed");
            let told = core.order(1, 10, "declined");
            let said =
                told.iter().any(|(_, kind)| matches!(kind, EventKind::MessageAdded { message, .. } if message.html == "declined 50"));
            assert!(said, "{told:?}");
            answer(core.token, UserId(1), opened[0].id, false, false).unwrap();
            let again = core.order(1, 10, "authorizations 1");
            assert!(again.iter().any(|(_, kind)| matches!(kind, EventKind::AuthorizationOpened(_))), "there is room again");
        });
    }
}
