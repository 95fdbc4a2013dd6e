//! What is left in libpurple of an account that has ended (nothing), and of others (everything); accounts of a protocol that needs no network.

use super::*;
use crate::purple::strangers::buddy;
use crate::purple::testing::{Core, settings, with_mischief};
use purple_sys::{
    PurpleAccount, PurpleBlistNode, PurpleBlistNodeType, PurpleBuddy, PurpleChat, PurpleConversation, PurplePounce, PurpleStoredImage,
    PurpleXfer,
};

/// Everything of libpurple's that names this account, which may be gone: addresses are compared, never followed.
fn left(account: *mut PurpleAccount) -> Vec<&'static str> {
    use super::super::ffi::list;
    use purple_sys as p;
    let mut all = Vec::new();
    // SAFETY: libpurple's own lists of live things.
    unsafe {
        let mut node: *mut PurpleBlistNode = p::purple_blist_get_root();
        while !node.is_null() {
            match p::purple_blist_node_get_type(node) {
                PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE if (*node.cast::<PurpleBuddy>()).account == account => all.push("buddy"),
                PurpleBlistNodeType::PURPLE_BLIST_CHAT_NODE if (*node.cast::<PurpleChat>()).account == account => all.push("chat"),
                _ => {}
            }
            node = p::purple_blist_node_next(node, 1);
        }
        let conversations = list::<PurpleConversation>(p::purple_get_conversations());
        all.extend(conversations.into_iter().filter(|one| (**one).account == account).map(|_| "conversation"));
        let connections = list::<purple_sys::PurpleConnection>(p::purple_connections_get_all());
        all.extend(connections.into_iter().filter(|one| (**one).account == account).map(|_| "connection"));
        let pounces = list::<PurplePounce>(p::purple_pounces_get_all());
        all.extend(pounces.into_iter().filter(|one| p::purple_pounce_get_pouncer(*one) == account).map(|_| "pounce"));
        let transfers = list::<PurpleXfer>(p::purple_xfers_get_all());
        all.extend(transfers.into_iter().filter(|one| (**one).account == account).map(|_| "transfer"));
    }
    all
}

/// How often libpurple's picture is referred to. The structure is libpurple's own (imgstore.c): an `int` and this byte begin it.
fn references(picture: *const PurpleStoredImage) -> u8 {
    // SAFETY: a picture that the test holds.
    unsafe { *picture.cast::<u8>().add(4) }
}

/// One of each; the account's picture, with a reference of the test's own.
fn furnish(core: &mut Core, account: *mut PurpleAccount, user: u64, id: u64) -> *mut PurpleStoredImage {
    use purple_sys as p;
    buddy(account, "bob", "Friends");
    // Two of a name in one group: libpurple's own look-up finds one of them only.
    buddy(account, "bob", "Friends");
    core.order(user, id, "ask");
    core.order(user, id, "tell");
    // SAFETY: a live account and C strings; what is made belongs to libpurple, the picture's bytes too.
    unsafe {
        let components = glib_sys::g_hash_table_new_full(
            Some(glib_sys::g_str_hash),
            Some(glib_sys::g_str_equal),
            Some(glib_sys::g_free),
            Some(glib_sys::g_free),
        );
        p::purple_blist_add_chat(p::purple_chat_new(account, c"garden".as_ptr(), components), std::ptr::null_mut(), std::ptr::null_mut());
        p::purple_pounce_new(
            c"bellflower".as_ptr(),
            account,
            c"bob".as_ptr(),
            p::PurplePounceEvent::PURPLE_POUNCE_SIGNON,
            p::PurplePounceOption::PURPLE_POUNCE_OPTION_NONE,
        );
        p::purple_xfer_new(account, p::PurpleXferType::PURPLE_XFER_SEND, c"bob".as_ptr());
        p::purple_buddy_icons_set_account_icon(account, glib_sys::g_memdup(id.to_le_bytes().as_ptr().cast(), 8).cast(), 8);
    }
    core.events();
    // SAFETY: a live account.
    unsafe { purple_sys::purple_buddy_icons_find_account_icon(account) }
}

const ALL: [&str; 7] = ["buddy", "buddy", "chat", "conversation", "connection", "pounce", "transfer"];

#[test]
fn nothing_of_an_account_is_left_and_nothing_of_others_goes() {
    with_mischief("purple::teardown::tests::nothing_of_an_account_is_left_and_nothing_of_others_goes", |core| {
        let token = core.token;
        let (one, two) = (core.online(1, 10), core.online(2, 20));
        let (picture, theirs) = (furnish(core, one, 1, 10), furnish(core, two, 2, 20));
        assert_eq!((left(one), references(picture)), (ALL.to_vec(), 2));
        assert!(request::open_for(token, AccountId(10)));
        remove(token, UserId(1), AccountId(10)).unwrap();
        assert_eq!((left(one), references(picture)), (Vec::new(), 1), "the next account at this address would have the picture");
        assert_eq!((left(two), references(theirs)), (ALL.to_vec(), 2));
        assert!(!request::open_for(token, AccountId(10)) && request::open_for(token, AccountId(20)));
        let told = core.events();
        assert!(told.iter().all(|(user, _)| *user == UserId(1)), "{told:?}");
        assert!(told.iter().any(|(_, kind)| matches!(kind, EventKind::RequestClosed { .. })), "{told:?}");
        assert!(told.iter().any(|(_, kind)| matches!(kind, EventKind::NoticeClosed { .. })), "{told:?}");
        assert!(matches!(told.last(), Some((_, EventKind::AccountRemoved { .. }))), "{told:?}");
        // Whatever timers it had left would find it freed.
        core.turns();
        remove_user(token, UserId(2));
        assert_eq!(left(two), [""; 0]);
    });
}

#[test]
fn an_account_can_end_between_its_failure_and_libpurples_timer() {
    with_mischief("purple::teardown::tests::an_account_can_end_between_its_failure_and_libpurples_timer", |core| {
        let account = core.online(1, 10);
        // A fatal error: libpurple disconnects on its next turn, from a timer that holds the account's address.
        core.order(1, 10, "fail");
        assert_eq!(left(account), ["conversation", "connection"]);
        end(core.token, AccountId(10));
        assert_eq!(left(account), [""; 0], "the timer would find the account freed");
        core.turns();
    });
}

#[test]
fn an_account_ends_in_the_midst_of_a_sign_on() {
    with_mischief("purple::teardown::tests::an_account_ends_in_the_midst_of_a_sign_on", |core| {
        let account = core.add(1, 10, crate::purple::testing::at_sign_on("hang ask"));
        core.turn_until(|| request::open_for(core.token, AccountId(10)));
        assert_eq!(left(account), ["connection"]);
        end(core.token, AccountId(10));
        assert_eq!(left(account), [""; 0]);
        core.turns();
        // And one whose turn never came.
        let queued = core.add(1, 11, crate::command::AccountSettings { enabled: true, ..settings("prpl-mischief", "ines") });
        end(core.token, AccountId(11));
        core.turns();
        assert_eq!(left(queued), [""; 0]);
    });
}

#[test]
fn nothing_is_kept_of_a_user_whose_last_account_has_left() {
    with_mischief("purple::teardown::tests::nothing_is_kept_of_a_user_whose_last_account_has_left", |core| {
        let token = core.token;
        core.online(1, 10);
        core.online(1, 11);
        core.online(2, 20);
        let idle = |user| accounts::person(token, UserId(user), |person| person.idle_since.is_some());
        crate::purple::status::set_idle(token, UserId(1), Some(crate::time::Timestamp(1)));
        remove(token, UserId(1), AccountId(10)).unwrap();
        assert_eq!((accounts::people(token), idle(1)), (2, Some(true)), "another account of theirs is here");
        remove(token, UserId(1), AccountId(11)).unwrap();
        assert_eq!((accounts::people(token), idle(1), idle(2)), (1, None, Some(false)));
        // What was on its way to them brings nothing back.
        crate::purple::status::set_idle(token, UserId(1), Some(crate::time::Timestamp(2)));
        assert_eq!(accounts::people(token), 1);
        core.online(1, 12);
        assert_eq!(idle(1), Some(false));
        remove_user(token, UserId(1));
        remove_user(token, UserId(2));
        assert_eq!(accounts::people(token), 0);
    });
}
