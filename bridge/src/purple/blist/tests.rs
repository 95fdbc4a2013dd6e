//! The list as networks change it, and its bounds; accounts of a protocol that needs no network.

use super::*;
use crate::command::KnownBuddy;
use crate::event::EventKind;
use crate::purple::strangers::buddy;
use crate::purple::testing::{Core, settings, with_mischief};

const ONE: UserId = UserId(1);

/// How many buddies were added and how many removed.
fn counted(events: &[(UserId, EventKind)]) -> (usize, usize) {
    events.iter().fold((0, 0), |(added, removed), (_, kind)| match kind {
        EventKind::BuddiesAdded(some) => (added + some.len(), removed),
        EventKind::BuddiesRemoved { buddies, .. } => (added, removed + buddies.len()),
        _ => (added, removed),
    })
}

/// How many buddies libpurple has of all accounts.
fn in_libpurple() -> usize {
    let mut count = 0;
    // SAFETY: walks libpurple's own list.
    unsafe {
        let mut node = purple_sys::purple_blist_get_root();
        while !node.is_null() {
            count += usize::from(purple_sys::purple_blist_node_get_type(node) == PurpleBlistNodeType::PURPLE_BLIST_BUDDY_NODE);
            node = purple_sys::purple_blist_node_next(node, glib_sys::GTRUE);
        }
    }
    count
}

#[test]
fn who_is_taken_off_before_the_account_is_online_is_gone() {
    with_mischief("purple::blist::tests::who_is_taken_off_before_the_account_is_online_is_gone", |core| {
        let token = core.token;
        let account = core.add(1, 10, settings("prpl-mischief", "ines"));
        let known = |name: &str| KnownBuddy { id: BuddyId(0), name: name.to_owned(), group: "Friends".to_owned(), alias: String::new() };
        restore(token, AccountId(10), account, &[known("bob"), known("eva")]);
        assert_eq!(counted(&core.events()), (2, 0));
        // What the roster that comes with a sign-on does with someone whom the server does not know any more.
        // SAFETY: a live account and a C string; the buddy is on the list.
        unsafe {
            let bob = purple_sys::purple_find_buddy(account, c"bob".as_ptr());
            purple_sys::purple_blist_remove_buddy(bob);
        }
        assert_eq!(counted(&core.events()), (0, 1));
        assert_eq!(count(token), 1, "nobody is known by a pointer to freed memory");
    });
}

#[test]
fn two_of_a_name_in_one_group_are_one_to_the_user_until_both_are_gone() {
    with_mischief("purple::blist::tests::two_of_a_name_in_one_group_are_one_to_the_user_until_both_are_gone", |core| {
        let account = core.online(1, 10);
        let (first, second) = (buddy(account, "bob", "Friends"), buddy(account, "bob", "Friends"));
        assert_eq!(counted(&core.events()), (1, 0));
        // SAFETY: both are on the list.
        unsafe { purple_sys::purple_blist_remove_buddy(first) };
        assert_eq!(counted(&core.events()), (0, 0), "the other one is still there");
        // SAFETY: as above.
        unsafe { purple_sys::purple_blist_remove_buddy(second) };
        assert_eq!((counted(&core.events()), count(core.token)), ((0, 1), 0));
    });
}

/// Sends an order that makes more buddies than may be, and gives what came of it.
fn too_many(core: &mut Core, what: &str) -> Vec<(UserId, EventKind)> {
    let told = core.order(1, 10, what);
    let notices: Vec<_> = told.iter().filter(|(_, kind)| matches!(kind, EventKind::NoticeOpened(_))).collect();
    assert!(
        matches!(notices.as_slice(), [(ONE, EventKind::NoticeOpened(notice))] if notice.title.contains("too long")),
        "said once: {notices:?}"
    );
    told
}

#[test]
fn a_list_without_end_is_cut_and_said_so() {
    with_mischief("purple::blist::tests::a_list_without_end_is_cut_and_said_so", |core| {
        let token = core.token;
        core.online(1, 10);
        let theirs = core.online(2, 20);
        let told = too_many(core, "buddies 25050");
        assert_eq!((counted(&told), in_libpurple()), ((MOST_BUDDIES, 0), MOST_BUDDIES));
        let refused = add(token, ONE, AccountId(10), "one-more", None, "", "").unwrap_err();
        assert_eq!((refused.code.as_str(), refused.field.as_deref()), ("limit", Some("name")));
        // It is each account's own.
        buddy(theirs, "bob", "group0");
        assert_eq!(counted(&core.events()), (1, 0));
        // Who goes makes room.
        let some = find(token, AccountId(10), "buddy7").unwrap();
        remove(token, ONE, some).unwrap();
        add(token, ONE, AccountId(10), "one-more", Some("group0"), "", "").unwrap();
        assert_eq!(counted(&core.events()), (1, 1));
    });
}

#[test]
fn groups_without_end_are_cut_and_cannot_be_made() {
    with_mischief("purple::blist::tests::groups_without_end_are_cut_and_cannot_be_made", |core| {
        let token = core.token;
        core.online(1, 10);
        let told = too_many(core, "groups 1020");
        assert_eq!((counted(&told), in_libpurple()), ((MOST_GROUPS, 0), MOST_GROUPS));
        let some = find(token, AccountId(10), "buddy7").unwrap();
        assert_eq!(move_to(token, ONE, some, "another").unwrap_err().field.as_deref(), Some("group"));
        move_to(token, ONE, some, "group8").unwrap();
        // A user who makes group after group leaves each behind in libpurple.
        let made = (0..MOST_GROUPS + 100)
            .take_while(|n| move_to(token, ONE, find(token, AccountId(10), "buddy7").unwrap(), &format!("mine{n}")).is_ok());
        assert!((1..=MOST_GROUPS).contains(&made.count()));
    });
}
