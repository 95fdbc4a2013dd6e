//! How many groups a roster of XMPP may put buddies in, before libpurple makes them: it compares those of one buddy with each other, and keeps each
//! for good. What is too much is left out, and said.

use super::super::ffi::{borrowed, guard_on, owned};
use super::super::token::OnPurple;
use super::super::{accounts, notify, signals};
use super::BLIST;
use super::known::MOST_GROUPS;
use crate::id::AccountId;
use purple_sys::{PurpleConnection, XMLNodeType, xmlnode};
use std::collections::HashSet;
use std::ffi::{CStr, c_void};

/// Groups that one buddy may be in.
const OF_A_BUDDY: usize = 20;

/// After plugins are loaded.
pub(in crate::purple) fn listen(token: OnPurple) {
    signals::jabber::receiving(token, on_receiving);
}

unsafe extern "C" fn on_receiving(gc: *mut PurpleConnection, stanza: *mut *mut xmlnode, _: *mut c_void) {
    guard_on("jabber-receiving-xmlnode", (), |token| {
        // SAFETY: the plugin gives a live connection, whose account lives as long, and a place with a stanza or NULL.
        unsafe {
            if stanza.is_null() || !is(*stanza, c"iq") {
                return;
            }
            let query = purple_sys::xmlnode_get_child_with_namespace(*stanza, c"query".as_ptr(), c"jabber:iq:roster".as_ptr());
            // Others' is no list of this account's; libjabber leaves it out.
            let from = borrowed(purple_sys::xmlnode_get_attrib(*stanza, c"from".as_ptr()));
            let own = borrowed(purple_sys::purple_account_get_username((*gc).account)).unwrap_or_default();
            let bare = |jid: &str| jid.split('/').next().unwrap_or_default().to_lowercase();
            if query.is_null() || from.is_some_and(|from| bare(&from) != bare(&own)) {
                return;
            }
            if let Some(account) = accounts::id(token, (*gc).account) {
                bound(token, account, query);
            }
        }
    });
}

/// # Safety
/// A live node or NULL.
unsafe fn is(node: *const xmlnode, name: &CStr) -> bool {
    // SAFETY: the caller's promise; an element has a name.
    unsafe {
        node.as_ref()
            .is_some_and(|node| node.type_ == XMLNodeType::XMLNODE_TYPE_TAG && !node.name.is_null() && CStr::from_ptr(node.name) == name)
    }
}

/// Takes groups out of a roster that are too much.
///
/// # Safety
/// A live node, whose children are nobody else's.
unsafe fn bound(token: OnPurple, account: AccountId, query: *mut xmlnode) {
    let mut new = HashSet::new();
    let mut left_out = 0;
    let before = BLIST.with_borrow(|blist| blist.of_account.get(&account).map_or(0, |theirs| theirs.groups_met));
    let mut keep = |name: &str| {
        // SAFETY: a C string.
        let known = name.is_empty() || unsafe { !purple_sys::purple_find_group(super::in_process(name).as_ptr()).is_null() };
        // One is left for those who are in none.
        let fits = known || new.contains(name) || before + new.len() + 1 < MOST_GROUPS;
        if fits && !known {
            new.insert(name.to_owned());
        }
        fits
    };
    // SAFETY: the caller's promise.
    unsafe {
        let mut item = (*query).child;
        while let Some(node) = item.as_mut() {
            if is(node, c"item") {
                left_out += bound_item(node, &mut keep);
            }
            item = node.next;
        }
    }
    if new.is_empty() && left_out == 0 {
        return;
    }
    let first = BLIST.with_borrow_mut(|blist| {
        let theirs = blist.of_account.entry(account).or_default();
        theirs.groups_met += new.len();
        left_out > 0 && !std::mem::replace(&mut theirs.groups_cut, true)
    });
    if first {
        let text = format!("A person is shown in {OF_A_BUDDY} groups, an account in {MOST_GROUPS}; the network keeps the others.");
        notify::tell(token, account, "This account's list has too many groups", &text);
    }
}

/// Takes groups out of one buddy. Returns how many.
///
/// # Safety
/// As [`bound`].
unsafe fn bound_item(item: &mut xmlnode, keep: &mut impl FnMut(&str) -> bool) -> usize {
    let (mut seen, mut left_out) = (0, 0);
    let mut before: *mut xmlnode = std::ptr::null_mut();
    let mut node = item.child;
    while !node.is_null() {
        // SAFETY: a live child of the item's.
        unsafe {
            let next = (*node).next;
            let is_group = is(node, c"group");
            seen += usize::from(is_group);
            if is_group && (seen > OF_A_BUDDY || !keep(&owned(purple_sys::xmlnode_get_data(node)).unwrap_or_default())) {
                left_out += 1;
                if before.is_null() {
                    item.child = next
                } else {
                    (*before).next = next
                }
                if std::ptr::eq(item.lastchild, node) {
                    item.lastchild = before;
                }
                // By itself: libpurple would look for its place among all others.
                ((*node).parent, (*node).next) = (std::ptr::null_mut(), std::ptr::null_mut());
                purple_sys::xmlnode_free(node);
            } else {
                before = node;
            }
            node = next;
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::purple::testing::{Core, with_core};

    /// What is left of a roster, by buddy.
    fn left(core: &mut Core, roster: &str) -> Vec<usize> {
        let text = super::super::in_process(&format!("<body><iq><query xmlns='jabber:iq:roster'>{roster}</query></iq></body>"));
        // SAFETY: a C string; the tree is ours, and freed.
        unsafe {
            let stanza = purple_sys::xmlnode_from_str(text.as_ptr(), -1);
            let query = purple_sys::xmlnode_get_child(stanza, c"iq/query".as_ptr());
            bound(core.token, AccountId(1), query);
            let mut counts = Vec::new();
            let mut item = purple_sys::xmlnode_get_child(query, c"item".as_ptr());
            while !item.is_null() {
                let mut count = 0;
                let mut group = purple_sys::xmlnode_get_child(item, c"group".as_ptr());
                while !group.is_null() {
                    count += 1;
                    group = purple_sys::xmlnode_get_next_twin(group);
                }
                assert!((*item).lastchild.is_null() || (*(*item).lastchild).next.is_null());
                counts.push(count);
                item = purple_sys::xmlnode_get_next_twin(item);
            }
            purple_sys::xmlnode_free(stanza);
            counts
        }
    }

    fn groups(count: usize, of: &str) -> String {
        (0..count).map(|n| format!("<group>{of}{n}</group>")).collect()
    }

    #[test]
    fn groups_without_end_are_left_out_of_a_roster_and_said_so_once() {
        with_core("purple::blist::groups::tests::groups_without_end_are_left_out_of_a_roster_and_said_so_once", |core| {
            core.account(1, 1);
            let few = format!("<item jid='a@b'>{}</item><item jid='c@d'/>", groups(3, "few"));
            assert_eq!(left(core, &few), [3, 0]);
            assert_eq!(core.events(), []);
            let one = format!("<item jid='a@b' name='x'>{}</item><item jid='c@d'>{}</item>", groups(24_000, "a"), groups(2, "a"));
            assert_eq!(left(core, &one), [OF_A_BUDDY, 2]);
            let many: String = (0..2 * MOST_GROUPS).map(|n| format!("<item jid='u{n}@b'><group>g{n}</group></item>")).collect();
            let counts = left(core, &many);
            // Three and twenty were met before.
            assert_eq!(counts.iter().sum::<usize>(), MOST_GROUPS - 1 - 3 - OF_A_BUDDY);
            // Later ones, too, are new or not.
            assert_eq!(left(core, "<item jid='z@b'><group>another</group></item>"), [0]);
            let told = core.events();
            assert!(
                matches!(told.as_slice(), [(_, EventKind::NoticeOpened(notice))] if notice.title.contains("too many groups")),
                "{told:?}"
            );
        });
    }
}
