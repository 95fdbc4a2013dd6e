//! For tests only: users of one libpurple are strangers to each other, also when their protocol's plugin is careless; run against one that is.

use super::testing::{Core, settings, with_mischief};
use super::{accounts, blist, owner};
use crate::command::AccountSettings;
use crate::event::EventKind;
use crate::id::{AccountId, UserId};
use crate::model::Buddy;
use purple_sys::{PurpleAccount, PurpleBuddy};
use std::ptr;

const ONE: UserId = UserId(1);
const TWO: UserId = UserId(2);

/// The texts of the messages that a user was sent.
fn texts(events: &[(UserId, EventKind)], whose: UserId) -> Vec<String> {
    let text = |(user, kind): &(UserId, EventKind)| match kind {
        EventKind::MessageAdded { message, .. } if *user == whose && !message.from.own => Some(message.html.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// A buddy as a plugin adds it when the server tells its list.
pub(super) fn buddy(account: *mut PurpleAccount, name: &str, group: &str) -> *mut PurpleBuddy {
    let (name, group) = (super::ffi::in_process(name), super::ffi::in_process(group));
    // SAFETY: a live account and C strings, copied; a group that is there already is taken.
    unsafe {
        let made = purple_sys::purple_group_new(group.as_ptr());
        purple_sys::purple_blist_add_group(made, ptr::null_mut());
        let buddy = purple_sys::purple_buddy_new(account, name.as_ptr(), ptr::null());
        purple_sys::purple_blist_add_buddy(buddy, ptr::null_mut(), made, ptr::null_mut());
        buddy
    }
}

/// The name of the group that libpurple has a buddy in.
fn group_of(buddy: *mut PurpleBuddy) -> String {
    // SAFETY: a live buddy on the list; copied.
    unsafe { super::ffi::borrowed(purple_sys::purple_group_get_name(purple_sys::purple_buddy_get_group(buddy))) }.unwrap()
}

fn added(events: Vec<(UserId, EventKind)>) -> Vec<(UserId, Buddy)> {
    let only = |(user, kind)| if let EventKind::BuddiesAdded(some) = kind { Some((user, some)) } else { None };
    events.into_iter().filter_map(only).flat_map(|(user, some)| some.into_iter().map(move |one| (user, one))).collect()
}

#[test]
fn the_same_im_account_is_two_objects_on_no_list() {
    with_mischief("purple::strangers::the_same_im_account_is_two_objects_on_no_list", |core| {
        let one = core.add(1, 10, settings("prpl-jabber", "ines@example.org/desk"));
        let two = core.add(2, 20, settings("prpl-jabber", "ines@example.org/phone"));
        assert_ne!(one, two, "libpurple's own table gives the first user's object to the second");
        // SAFETY: libpurple's list, NULL when it is empty; live accounts.
        unsafe {
            assert!(purple_sys::purple_accounts_get_all().is_null());
            assert_eq!(accounts::owner(core.token, one), Some((ONE, AccountId(10))));
            assert_eq!(accounts::owner(core.token, two), Some((TWO, AccountId(20))));
        }
        for (user, id) in [(TWO, 10), (ONE, 20), (UserId(3), 10)] {
            assert_eq!(accounts::pointer(core.token, user, AccountId(id)).unwrap_err().code, "no_such_account");
        }
    });
}

/// Runs the loop until both users were asked and told, and gives what each was.
fn asked_and_told(core: &mut Core) -> Vec<(u64, &'static str, u64)> {
    let mut seen = Vec::new();
    for _ in 0..2000 {
        core.turns();
        seen.extend(core.events().into_iter().filter_map(|(user, kind)| match kind {
            EventKind::RequestOpened(request) => Some((user.0, "request", request.account?.0)),
            EventKind::NoticeOpened(notice) => Some((user.0, "notice", notice.account?.0)),
            _ => None,
        }));
        if seen.len() >= 4 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    seen.sort_unstable();
    seen
}

#[test]
fn what_names_no_account_goes_to_whose_callback_runs() {
    with_mischief("purple::strangers::what_names_no_account_goes_to_whose_callback_runs", |core| {
        core.online(1, 10);
        core.online(2, 20);
        let now = core.order(2, 20, "ask");
        assert!(now.iter().any(|(user, kind)| *user == TWO && matches!(kind, EventKind::RequestOpened(_))), "{now:?}");
        assert!(now.iter().all(|(user, _)| *user == TWO), "{now:?}");
        // From timers of their own, which may even fire in one turn.
        core.order(1, 10, "later");
        core.order(2, 20, "later");
        assert_eq!(asked_and_told(core), [(1, "notice", 10), (1, "request", 10), (2, "notice", 20), (2, "request", 20)]);
        assert_eq!(owner::current(), None, "nobody's any more");
    });
}

#[test]
fn a_thread_of_a_plugins_own_comes_back_by_the_loop() {
    with_mischief("purple::strangers::a_thread_of_a_plugins_own_comes_back_by_the_loop", |core| {
        core.online(1, 10);
        core.order(1, 10, "own-thread");
        let mut heard = Vec::new();
        for _ in 0..2000 {
            core.turns();
            heard.extend(texts(&core.events(), ONE));
            if !heard.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(heard, ["in the loop"]);
    });
}

#[test]
fn renaming_and_removing_a_group_touches_ones_own_buddies_only() {
    with_mischief("purple::strangers::renaming_and_removing_a_group_touches_ones_own_buddies_only", |core| {
        let token = core.token;
        let (one, two) = (core.online(1, 10), core.online(2, 20));
        let (mine, theirs) = (buddy(one, "bob", "Friends"), buddy(two, "eva", "Friends"));
        assert_eq!(added(core.events()).len(), 2);
        blist::rename_group(token, ONE, "Friends", "Pals").unwrap();
        let told = core.events();
        assert_eq!((group_of(mine), group_of(theirs)), ("Pals".to_owned(), "Friends".to_owned()));
        assert!(!told.is_empty() && told.iter().all(|(user, _)| *user == ONE), "{told:?}");
        blist::rename_group(token, ONE, "Pals", "Friends").unwrap();
        core.events();
        blist::remove_group(token, ONE, "Friends").unwrap();
        let told = core.events();
        assert!(told.iter().any(|(_, kind)| matches!(kind, EventKind::BuddiesRemoved { .. })), "{told:?}");
        assert!(told.iter().all(|(user, _)| *user == ONE), "{told:?}");
        assert_eq!(group_of(theirs), "Friends");
        // SAFETY: C strings.
        assert!(!unsafe { purple_sys::purple_find_group(c"Friends".as_ptr()) }.is_null(), "the group was everybody's");
    });
}

#[test]
fn pictures_of_the_process_cannot_be_sent_by_their_number() {
    with_mischief("purple::strangers::pictures_of_the_process_cannot_be_sent_by_their_number", |core| {
        let (one, _) = (core.online(1, 10), core.online(2, 20));
        // Something of the first user's in the store that all share.
        // SAFETY: the store takes the copy over.
        let id = unsafe { purple_sys::purple_imgstore_add_with_id(glib_sys::g_memdup(b"secret".as_ptr().cast(), 6), 6, ptr::null()) };
        assert!(id > 0 && !one.is_null());
        for tag in [
            format!("html <img id=\"{id}\">"),
            format!("html <IMG\nSRC=x ID={id}>"),
            format!("html <b><Img id='{id}'></b>"),
            format!("html <i\0mg id={id}>"),
        ] {
            let heard = texts(&core.order(2, 20, &tag), TWO);
            // The plugin says what it got, escaped once more.
            let [got] = heard.as_slice() else { panic!("{tag}: {heard:?}") };
            assert!(got.to_lowercase().contains("&amp;lt;img"), "{tag}: the plugin got a tag: {got}");
        }
    });
}

#[test]
fn a_user_is_offered_what_a_plugin_declares_and_no_more() {
    with_mischief("purple::strangers::a_user_is_offered_what_a_plugin_declares_and_no_more", |core| {
        let with = |key: &str| AccountSettings {
            options: [(key.to_owned(), crate::model::Value::Text("/bin/sh".to_owned()))].into(),
            ..settings("prpl-jabber", "ines@example.org")
        };
        for key in ["tzc_command", "custom_smileys", "proxy-type", "ft_local_ip"] {
            let refused = super::account::add(core.token, ONE, AccountId(10), with(key)).unwrap_err();
            assert_eq!((refused.code.as_str(), refused.field.as_deref()), ("no_such_option", Some(key)));
        }
        // An account that had such an option comes back without it.
        let before = crate::command::Before { again: true, ..Default::default() };
        super::account::add(core.token, ONE, AccountId(11), AccountSettings { before, ..with("custom_smileys") }).unwrap();
        for protocol in ["prpl-zephyr", "prpl-bonjour", "prpl-null"] {
            let refused = super::account::add(core.token, ONE, AccountId(10), settings(protocol, "ines")).unwrap_err();
            assert_eq!(refused.code, "no_such_protocol", "{protocol}");
        }
        // Custom smileys are one list of the process, which the XMPP plugin sends from: nobody can put one in.
        // SAFETY: libpurple's own list, ours to free.
        let smileys = unsafe { purple_sys::purple_smileys_get_all() };
        assert!(smileys.is_null());
    });
}
