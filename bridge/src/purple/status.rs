//! What a user shows to others: kept in our table, given to libpurple only while connected or in our own connect step (hazard 32).

use super::accounts;
use super::connection::{self, Phase};
use super::ffi::in_process;
use super::outgoing::{Html, Line};
use super::token::OnPurple;
use super::{outbox, owner};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, UserId};
use crate::model::{Status, StatusKind};
use crate::time::Timestamp;
use purple_sys::{PurpleAccount, PurpleStatusPrimitive, PurpleStatusType, PurpleType};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_void};
use std::ptr;

/// libpurple's primitive as a person sees it. What is no presence (a tune, a mood) is `None`.
pub(crate) fn from_primitive(primitive: PurpleStatusPrimitive) -> Option<StatusKind> {
    type P = PurpleStatusPrimitive;
    Some(match primitive {
        P::PURPLE_STATUS_AVAILABLE | P::PURPLE_STATUS_MOBILE => StatusKind::Available,
        P::PURPLE_STATUS_AWAY => StatusKind::Away,
        P::PURPLE_STATUS_UNAVAILABLE => StatusKind::Unavailable,
        P::PURPLE_STATUS_EXTENDED_AWAY => StatusKind::ExtendedAway,
        P::PURPLE_STATUS_INVISIBLE => StatusKind::Invisible,
        P::PURPLE_STATUS_OFFLINE => StatusKind::Offline,
        _ => return None,
    })
}

/// The primitives that serve for a status, best first.
fn primitives(kind: StatusKind) -> &'static [PurpleStatusPrimitive] {
    type P = PurpleStatusPrimitive;
    match kind {
        StatusKind::Available => &[P::PURPLE_STATUS_AVAILABLE],
        StatusKind::Away => &[P::PURPLE_STATUS_AWAY, P::PURPLE_STATUS_EXTENDED_AWAY, P::PURPLE_STATUS_AVAILABLE],
        StatusKind::Unavailable => &[P::PURPLE_STATUS_UNAVAILABLE, P::PURPLE_STATUS_AWAY, P::PURPLE_STATUS_AVAILABLE],
        StatusKind::ExtendedAway => &[P::PURPLE_STATUS_EXTENDED_AWAY, P::PURPLE_STATUS_AWAY, P::PURPLE_STATUS_AVAILABLE],
        StatusKind::Invisible => &[P::PURPLE_STATUS_INVISIBLE, P::PURPLE_STATUS_AWAY, P::PURPLE_STATUS_AVAILABLE],
        StatusKind::Offline => &[P::PURPLE_STATUS_OFFLINE],
    }
}

/// # Safety
/// A live account.
unsafe fn best_type(account: *mut PurpleAccount, kind: StatusKind) -> Option<*mut PurpleStatusType> {
    primitives(kind).iter().find_map(|primitive| {
        // SAFETY: the caller's promise.
        let found = unsafe { purple_sys::purple_account_get_status_type_with_primitive(account, *primitive) };
        (!found.is_null()).then_some(found)
    })
}

/// Gives the wanted status to libpurple. An offline one never is: that would disconnect behind our back.
pub(super) fn apply(token: OnPurple, account: AccountId) {
    apply_with(token, account, &BTreeMap::new());
}

fn apply_with(token: OnPurple, account: AccountId, attributes: &BTreeMap<String, String>) {
    let Some((purple, wanted)) = accounts::read(token, account, |entry| (entry.purple, entry.status.clone())) else { return };
    if wanted.status == StatusKind::Offline {
        return;
    }
    // SAFETY: a live account.
    let Some(status_type) = (unsafe { best_type(purple, wanted.status) }) else { return };
    let message = wanted.message.unwrap_or_default();
    // Protocols take a status message for HTML.
    let words = Html::of_prose(&message);
    let texts: Vec<(CString, Line)> = attributes.iter().map(|(key, value)| (in_process(key), Line::of(value))).collect();
    let mut list = ptr::null_mut();
    let mut give = |key: &CStr, value: *mut c_void| {
        // SAFETY: appends to a list of our own.
        unsafe {
            list = glib_sys::g_list_append(list, key.as_ptr().cast_mut().cast::<c_void>());
            list = glib_sys::g_list_append(list, value);
        }
    };
    for (key, value) in &texts {
        // SAFETY: a live status type and a C string.
        match unsafe { type_of(status_type, key) } {
            Some(PurpleType::PURPLE_TYPE_STRING) => give(key, value.as_ptr().cast_mut().cast::<c_void>()),
            // libpurple reads a number out of the place of the pointer.
            Some(PurpleType::PURPLE_TYPE_INT | PurpleType::PURPLE_TYPE_BOOLEAN) => {
                if let Some(number) = value.as_c_str().to_str().ok().and_then(number) {
                    give(key, number as isize as *mut c_void);
                }
            }
            _ => {}
        }
    }
    // SAFETY: as above.
    if unsafe { type_of(status_type, c"message") } == Some(PurpleType::PURPLE_TYPE_STRING) {
        give(c"message", words.as_ptr().cast_mut().cast::<c_void>());
    }
    // SAFETY: all live through the call; libpurple copies the texts.
    owner::with(Some(account), || unsafe {
        let id = purple_sys::purple_status_type_get_id(status_type);
        let before = purple_sys::purple_account_get_active_status(purple);
        purple_sys::purple_account_set_status_list(purple, id, glib_sys::GTRUE, list);
        glib_sys::g_list_free(list);
        // libpurple tells the protocol by itself only of accounts that are enabled, which ours never are: that would have it connect them.
        if purple_sys::purple_account_is_connected(purple) != glib_sys::GFALSE {
            purple_sys::purple_prpl_change_account_status(purple, before, purple_sys::purple_account_get_active_status(purple));
        }
    });
}

/// What sort of value a status has under a key.
///
/// # Safety
/// A live status type.
unsafe fn type_of(status_type: *mut PurpleStatusType, key: &CStr) -> Option<PurpleType> {
    // SAFETY: the caller's promise, and a C string; an attribute has a value.
    unsafe {
        let attribute = purple_sys::purple_status_type_get_attr(status_type, key.as_ptr());
        (!attribute.is_null()).then(|| purple_sys::purple_value_get_type(purple_sys::purple_status_attr_get_value(attribute)))
    }
}

/// The number, or the yes or no, that a text says.
fn number(text: &str) -> Option<i32> {
    match text.trim() {
        "true" => Some(1),
        "false" => Some(0),
        text => text.parse().ok(),
    }
}

/// Tells libpurple whether the user of this account is idle (hazard 8: never by the process-wide idle).
pub(super) fn apply_idle(token: OnPurple, account: AccountId) {
    let known = accounts::read(token, account, |entry| (entry.user, entry.purple, matches!(entry.sign_on.phase, Phase::Online { .. })));
    let Some((user, purple, online)) = known else { return };
    if !online {
        return;
    }
    let since = accounts::person(token, user, |person| person.idle_since).flatten();
    // SAFETY: a live account has a presence.
    owner::with(Some(account), || unsafe {
        let presence = purple_sys::purple_account_get_presence(purple);
        purple_sys::purple_presence_set_idle(presence, i32::from(since.is_some()), since.map_or(0, |at| at.0 / 1000));
    });
}

/// `status.set`
pub(super) fn set(
    token: OnPurple,
    user: UserId,
    status: &Status,
    attributes: &BTreeMap<String, String>,
    only: Option<Vec<AccountId>>,
) -> Result<(), CommandError> {
    let which = match only {
        Some(which) => {
            for account in &which {
                accounts::pointer(token, user, *account)?;
            }
            which
        }
        None => accounts::of_user(token, user),
    };
    for account in which {
        let online = accounts::change(token, account, |entry| {
            entry.status = status.clone();
            matches!(entry.sign_on.phase, Phase::Online { .. } | Phase::Connecting { .. })
        });
        if status.status == StatusKind::Offline {
            connection::disconnect(token, account);
        } else if online == Some(true) {
            apply_with(token, account, attributes);
        } else if accounts::wanted(token, account) {
            connection::connect(token, account, true);
        }
        tell(token, account);
    }
    Ok(())
}

/// `client.state`, summed up by the hub.
pub(super) fn set_idle(token: OnPurple, user: UserId, since: Option<Timestamp>) {
    accounts::change_person(token, user, |person| person.idle_since = since);
    for account in accounts::of_user(token, user) {
        apply_idle(token, account);
        tell(token, account);
    }
}

fn tell(token: OnPurple, account: AccountId) {
    let known = accounts::read(token, account, |entry| (entry.user, entry.status.clone()));
    let Some((user, status)) = known else { return };
    let idle = accounts::person(token, user, |person| person.idle_since.is_some()).unwrap_or(false);
    outbox::emit(token, user, EventKind::AccountStatus { account, status: status.status, message: status.message, idle });
}
