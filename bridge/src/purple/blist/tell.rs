//! What is told of the list at the end of a turn, in as few events as can be; what changes in it is noted elsewhere.

use super::known::{MOST_BUDDIES, MOST_GROUPS};
use super::{BLIST, group_name};
use crate::command::Origin;
use crate::event::EventKind;
use crate::id::{AccountId, BuddyId, UserId};
use crate::model::{Buddy, StatusKind};
use crate::purple::connection::Phase;
use crate::purple::ffi::{borrowed, in_process, owned};
use crate::purple::token::OnPurple;
use crate::purple::{accounts, conversation, icon, notify, outbox, privacy, status};
use crate::time::Timestamp;
use purple_sys::{PurpleBuddy, PurplePluginProtocolInfo};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Buddies in one event.
const A_BATCH: usize = 500;

/// The end of a turn: tells what changed, in as few events as can be.
pub(in crate::purple) fn flush(token: OnPurple) {
    drop_surplus(token);
    let (touched, gone) = BLIST.with_borrow_mut(super::known::Blist::changes);
    if touched.is_empty() && gone.is_empty() {
        return;
    }
    tell_gone(token, gone);
    let mut fresh: Vec<(UserId, Option<Origin>, Vec<Buddy>)> = Vec::new();
    for (id, origin) in touched {
        let Some((user, account, purple)) =
            BLIST.with_borrow(|blist| blist.known.get(&id).map(|known| (known.user, known.account, known.purple)))
        else {
            continue;
        };
        // SAFETY: a known buddy is on libpurple's list, so it lives.
        let Some(shown) = (unsafe { describe(token, user, account, id, purple) }) else { continue };
        let hash = fingerprint(&shown);
        let before = BLIST.with_borrow_mut(|blist| blist.known.get_mut(&id).map(|known| known.told.replace(hash))).flatten();
        match before {
            Some(before) if before == hash => {}
            Some(_) => outbox::emit_caused(token, user, origin, EventKind::BuddyUpdated(shown)),
            None => match fresh.iter_mut().rev().find(|(whose, cause, some)| *whose == user && *cause == origin && some.len() < A_BATCH) {
                Some((.., some)) => some.push(shown),
                None => fresh.push((user, origin, vec![shown])),
            },
        }
    }
    for (user, origin, buddies) in fresh {
        outbox::emit_caused(token, user, origin, EventKind::BuddiesAdded(buddies));
    }
}

/// Takes off libpurple's list what was too much, and says so once for each account.
fn drop_surplus(token: OnPurple) {
    while let Some((buddy, account)) = BLIST.with_borrow_mut(|blist| blist.surplus.pop_first()) {
        // SAFETY: on the list since it was noted: `on_remove_node` takes out what goes.
        unsafe { purple_sys::purple_blist_remove_buddy(std::ptr::with_exposed_provenance_mut(buddy)) };
        let first = BLIST.with_borrow_mut(|blist| !std::mem::replace(&mut blist.of_account.entry(account).or_default().full, true));
        if first {
            let text = format!("Only {MOST_BUDDIES} people in {MOST_GROUPS} groups are shown; the network keeps the others.");
            notify::tell(token, account, "This account's list is too long", &text);
        }
    }
}

fn tell_gone(token: OnPurple, gone: Vec<(UserId, AccountId, BuddyId)>) {
    let mut told: Vec<(UserId, AccountId, Vec<BuddyId>)> = Vec::new();
    for (user, account, buddy) in gone {
        match told.iter_mut().rev().find(|(_, whose, some)| *whose == account && some.len() < A_BATCH) {
            Some((.., some)) => some.push(buddy),
            None => told.push((user, account, vec![buddy])),
        }
    }
    for (user, account, buddies) in told {
        outbox::emit(token, user, EventKind::BuddiesRemoved { account, buddies });
    }
}

fn fingerprint(buddy: &Buddy) -> u64 {
    let mut hash = DefaultHasher::new();
    (&buddy.name, &buddy.alias, &buddy.server_alias, &buddy.group, &buddy.contact, buddy.status).hash(&mut hash);
    (&buddy.status_message, buddy.idle_since, &buddy.icon, buddy.blocked, &buddy.features).hash(&mut hash);
    hash.finish()
}

/// The status text as HTML by the protocol's own word: only it knows whether the attribute is HTML (AIM) or plain (XMPP).
///
/// # Safety
/// A live buddy of an account that is connected.
unsafe fn status_html(purple: *mut PurpleBuddy) -> Option<String> {
    // SAFETY: the caller's promise: a connection has its protocol, and the text is made for us.
    unsafe {
        let gc = purple_sys::purple_account_get_connection(purple_sys::purple_buddy_get_account(purple));
        if gc.is_null() {
            return None;
        }
        let info = (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>();
        let text = (*info).status_text?;
        owned(text(purple))
    }
}

/// # Safety
/// A live buddy of that account.
unsafe fn describe(token: OnPurple, user: UserId, account: AccountId, id: BuddyId, purple: *mut PurpleBuddy) -> Option<Buddy> {
    let online = accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Online { .. }))?;
    // SAFETY: the caller's promise; strings are copied.
    unsafe {
        let name = borrowed(purple_sys::purple_buddy_get_name(purple))?;
        let group = group_name(purple)?;
        let presence = purple_sys::purple_buddy_get_presence(purple);
        let active = purple_sys::purple_presence_get_active_status(presence);
        let mut kind = StatusKind::Offline;
        let mut message = None;
        let mut idle_since = None;
        if online && !active.is_null() {
            kind = status::from_primitive(purple_sys::purple_status_type_get_primitive(purple_sys::purple_status_get_type(active)))
                .unwrap_or_default();
            message = status_html(purple).or_else(|| borrowed(purple_sys::purple_status_get_attr_string(active, c"message".as_ptr())));
            if purple_sys::purple_presence_is_idle(presence) != glib_sys::GFALSE {
                let since = purple_sys::purple_presence_get_idle_time(presence);
                idle_since = Timestamp::from_seconds(since);
            }
        }
        let message = message.and_then(|html| owned(purple_sys::purple_markup_strip_html(in_process(&html).as_ptr())));
        Some(Buddy {
            id,
            account,
            alias: borrowed(purple_sys::purple_buddy_get_local_buddy_alias(purple)).unwrap_or_default(),
            server_alias: borrowed(purple_sys::purple_buddy_get_server_alias(purple))
                .filter(|alias| !alias.is_empty())
                .or_else(|| conversation::shown_name(token, account, &name)),
            group,
            contact: id.to_string(),
            status: kind,
            status_message: message.filter(|text| !text.trim().is_empty()),
            idle_since,
            icon: picture(token, user, id, purple),
            blocked: privacy::is_blocked(token, account, &name),
            features: Vec::new(),
            name,
        })
    }
}

/// The hash of the buddy's picture, which is sent ahead when it is another one than before.
///
/// # Safety
/// A live buddy.
unsafe fn picture(token: OnPurple, user: UserId, id: BuddyId, purple: *mut PurpleBuddy) -> Option<String> {
    let before = BLIST.with_borrow(|blist| blist.known.get(&id).and_then(|known| known.picture.clone()));
    let now = icon::of_buddy(token, user, purple, before.as_ref());
    let hash = now.as_ref().map(|seen| seen.hash.clone());
    BLIST.with_borrow_mut(|blist| {
        if let Some(known) = blist.known.get_mut(&id) {
            known.picture = now;
        }
    });
    hash
}
