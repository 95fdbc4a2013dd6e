//! Who may reach an account: libpurple's lists told and changed; it blocks nothing by itself and knows no list of its own.

use super::ffi::{borrowed, guard_on, in_process, slist};
use super::outgoing::Name;
use super::token::OnPurple;
use super::{accounts, conversation, outbox, owner};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, UserId};
use crate::model::Privacy;
use glib_sys::{GFALSE, GSList};
use purple_sys::{PurpleAccount, PurplePrivacyType, PurplePrivacyUiOps};
use std::ffi::c_char;

/// Longest list that may be set: each name is a message to the server.
const LONGEST: usize = 1000;

/// Registers with libpurple.
pub(super) fn install(_: OnPurple) {
    let ops = PurplePrivacyUiOps {
        permit_added: Some(on_changed),
        permit_removed: Some(on_changed),
        deny_added: Some(on_changed),
        deny_removed: Some(on_changed),
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_privacy_set_ui_ops(Box::leak(Box::new(ops))) };
}

const MODES: [(&str, PurplePrivacyType); 5] = [
    ("allow_all", PurplePrivacyType::PURPLE_PRIVACY_ALLOW_ALL),
    ("deny_all", PurplePrivacyType::PURPLE_PRIVACY_DENY_ALL),
    ("allow_users", PurplePrivacyType::PURPLE_PRIVACY_ALLOW_USERS),
    ("deny_users", PurplePrivacyType::PURPLE_PRIVACY_DENY_USERS),
    ("allow_buddies", PurplePrivacyType::PURPLE_PRIVACY_ALLOW_BUDDYLIST),
];

/// # Safety
/// A list of C strings.
unsafe fn names(list: *const GSList) -> Vec<String> {
    // SAFETY: passed on.
    unsafe { slist::<c_char>(list) }.into_iter().filter_map(|name| unsafe { borrowed(name) }).collect()
}

/// How it stands.
///
/// # Safety
/// A live account.
unsafe fn describe(account: *const PurpleAccount) -> Privacy {
    // SAFETY: passed on; its lists are of C strings.
    unsafe {
        let account = &*account;
        let mode = MODES.iter().find(|(_, mode)| *mode == account.perm_deny).map_or("allow_all", |(name, _)| name);
        Privacy { mode: mode.to_owned(), permit: names(account.permit), deny: names(account.deny) }
    }
}

/// Tells the owner.
///
/// # Safety
/// A live account.
unsafe fn tell(token: OnPurple, purple: *mut PurpleAccount) {
    // SAFETY: passed on.
    if let Some((user, account)) = unsafe { accounts::owner(token, purple) } {
        // SAFETY: passed on.
        let privacy = unsafe { describe(purple) };
        outbox::emit(token, user, EventKind::Privacy { account, privacy });
    }
}

unsafe extern "C" fn on_changed(account: *mut PurpleAccount, name: *const c_char) {
    // SAFETY: libpurple passes a live account, and a C string.
    guard_on("privacy", (), |token| unsafe {
        tell(token, account);
        if let (Some((_, id)), Some(name)) = (accounts::owner(token, account), borrowed(name)) {
            conversation::privacy_changed(token, id, Some(&name));
        }
    });
}

/// Whether nothing of this contact comes through.
pub(super) fn is_blocked(token: OnPurple, account: AccountId, name: &str) -> bool {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return false };
    let name = in_process(name);
    // SAFETY: an account in our table is live; a C string.
    unsafe { purple_sys::purple_privacy_check(purple, name.as_ptr()) == GFALSE }
}

/// The account, when its lists can be changed: they are the server's.
fn changeable(token: OnPurple, user: UserId, account: AccountId) -> Result<*mut PurpleAccount, CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    if !accounts::read(token, account, |entry| entry.features.has("block")).unwrap_or(false) {
        return Err(CommandError::new("not_supported", "This network cannot block people."));
    }
    conversation::connected(token, account)?;
    Ok(purple)
}

/// Blocks a contact, or hears of them again.
///
/// # Errors
/// `no_such_account`, `not_supported`, `bad_name`, and what [`conversation::connected`] says of an account that is not online.
pub(super) fn block(token: OnPurple, user: UserId, account: AccountId, name: &str, block: bool) -> Result<(), CommandError> {
    let purple = changeable(token, user, account)?;
    let name = Name::on(token, account, name, "bad_name", "name")?;
    // SAFETY: a live account that is signed on, and a C string. `restore` FALSE keeps the others on the list.
    owner::with(Some(account), || unsafe {
        if block {
            purple_sys::purple_privacy_deny(purple, name.as_ptr(), GFALSE, GFALSE);
        } else {
            purple_sys::purple_privacy_allow(purple, name.as_ptr(), GFALSE, GFALSE);
        }
        tell(token, purple);
    });
    // The rule may have changed with the name, and with it everybody else's lot.
    conversation::privacy_changed(token, account, None);
    Ok(())
}

/// After a sign-on: the block list that the account had elsewhere, once.
pub(super) fn restore(token: OnPurple, account: AccountId) {
    let Some(Some((user, privacy))) = accounts::change(token, account, |entry| entry.privacy.take().map(|privacy| (entry.user, privacy)))
    else {
        return;
    };
    let list = if privacy.mode == "allow_users" { &privacy.permit } else { &privacy.deny };
    if let Err(error) = set(token, user, account, &privacy.mode, list) {
        log::debug!(target: "bridge", "{account}: its block list is not what it was: {}", error.message);
    }
}

/// Sets the mode, and for `allow_users` and `deny_users` the list of names that it is about.
///
/// # Errors
/// As [`block`]; `bad_field`; `limit` for one of more than 1000 names.
pub(super) fn set(token: OnPurple, user: UserId, account: AccountId, mode: &str, list: &[String]) -> Result<(), CommandError> {
    let purple = changeable(token, user, account)?;
    let found = MODES.iter().find(|(name, _)| *name == mode).map(|(_, mode)| *mode);
    let mode = found.ok_or_else(|| CommandError::new("bad_field", "There is no such rule.").at("mode"))?;
    if list.len() > LONGEST {
        return Err(CommandError::new("limit", "At most 1000 names.").at("list"));
    }
    let wanted = list.iter().map(|name| Name::on(token, account, name, "bad_name", "list")).collect::<Result<Vec<_>, _>>()?;
    // SAFETY: a live account that is signed on, and C strings; libpurple normalises and copies the names.
    owner::with(Some(account), || unsafe {
        use purple_sys as p;
        (*purple).perm_deny = mode;
        let lists = match mode {
            PurplePrivacyType::PURPLE_PRIVACY_ALLOW_USERS => {
                Some((names((*purple).permit), p::purple_privacy_permit_add as Change, p::purple_privacy_permit_remove as Change))
            }
            PurplePrivacyType::PURPLE_PRIVACY_DENY_USERS => {
                Some((names((*purple).deny), p::purple_privacy_deny_add as Change, p::purple_privacy_deny_remove as Change))
            }
            _ => None,
        };
        if let Some((there, add, remove)) = lists {
            let normal = |name: &Name| borrowed(p::purple_normalize(purple, name.as_ptr())).unwrap_or_default();
            let keep: Vec<String> = wanted.iter().map(normal).collect();
            for name in there.iter().filter(|name| !keep.contains(name)) {
                remove(purple, in_process(name).as_ptr(), GFALSE);
            }
            for (name, _) in wanted.iter().zip(&keep).filter(|(_, normal)| !there.contains(normal)) {
                add(purple, name.as_ptr(), GFALSE);
            }
        }
        p::serv_set_permit_deny((*purple).gc);
        tell(token, purple);
    });
    conversation::privacy_changed(token, account, None);
    Ok(())
}

type Change = unsafe extern "C" fn(*mut PurpleAccount, *const c_char, glib_sys::gboolean) -> glib_sys::gboolean;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purple::testing::with_core;

    #[test]
    fn changes_are_told_to_the_owner_alone() {
        with_core("purple::privacy::tests::changes_are_told_to_the_owner_alone", |core| {
            let (token, account) = (core.token, core.account(1, 10));
            core.account(2, 20);
            // SAFETY: a live account and a C string; what a plugin does when the server tells its list.
            unsafe {
                (*account).perm_deny = PurplePrivacyType::PURPLE_PRIVACY_DENY_USERS;
                purple_sys::purple_privacy_deny_add(account, c"juan@example.org".as_ptr(), glib_sys::GTRUE);
            }
            let privacy = Privacy { mode: "deny_users".to_owned(), permit: Vec::new(), deny: vec!["juan@example.org".to_owned()] };
            assert_eq!(core.events(), [(UserId(1), EventKind::Privacy { account: AccountId(10), privacy })]);
            assert!(is_blocked(token, AccountId(10), "juan@example.org"));
            assert!(!is_blocked(token, AccountId(10), "eva@example.org") && !is_blocked(token, AccountId(20), "juan@example.org"));
        });
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        with_core("purple::privacy::tests::what_cannot_be_changed_is_refused", |core| {
            let token = core.token;
            core.account(1, 10);
            assert_eq!(block(token, UserId(2), AccountId(10), "juan@example.org", true).unwrap_err().code, "no_such_account");
            assert!(block(token, UserId(1), AccountId(10), "juan@example.org", true).is_err(), "not signed on");
            assert!(set(token, UserId(1), AccountId(10), "deny_all", &[]).is_err(), "not signed on");
            assert!(core.events().is_empty());
        });
    }
}
