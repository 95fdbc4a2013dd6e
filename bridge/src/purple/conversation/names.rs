//! The names of people: as libpurple compares them, as their network writes them, and as people do. Looks nobody up.

use super::super::accounts;
use super::super::ffi::{borrowed, in_process};
use super::super::token::OnPurple;
use super::super::xmpp::names;
use crate::id::AccountId;

/// `purple_normalize`, copied at once (hazard 21).
pub(crate) fn normalize(_: OnPurple, purple: *const purple_sys::PurpleAccount, name: &str) -> String {
    let text = in_process(name);
    // SAFETY: a live account; the static buffer is copied before anything else is called.
    unsafe { borrowed(purple_sys::purple_normalize(purple, text.as_ptr())) }.unwrap_or_else(|| name.to_owned())
}

/// The name by which somebody's network knows them, as it writes it: libpurple's own may carry the device that wrote last (XMPP).
pub(crate) fn name_of(token: OnPurple, account: AccountId, full: &str) -> String {
    let known = accounts::read(token, account, |entry| (entry.purple, entry.protocol == "prpl-jabber"));
    match known {
        Some((purple, true)) => normalize(token, purple, full),
        _ => full.to_owned(),
    }
}

/// A name as people write it, where the network has to write it otherwise (XEP-0106).
pub(crate) fn shown_name(token: OnPurple, account: AccountId, name: &str) -> Option<String> {
    let is_xmpp = accounts::read(token, account, |entry| entry.protocol == "prpl-jabber").unwrap_or(false);
    if is_xmpp { names::shown(name) } else { None }
}
