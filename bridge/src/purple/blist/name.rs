//! Whether a name can be that of somebody on the list: its network knows such names, and it is not the user's own. Adds nobody.

use super::super::ffi::borrowed;
use super::super::outgoing::Name;
use super::super::token::OnPurple;
use super::super::xmpp::names;
use super::super::{accounts, conversation};
use crate::error::CommandError;
use crate::id::AccountId;
use purple_sys::{PurpleAccount, PurpleConnection, PurplePluginProtocolInfo};
use std::borrow::Cow;

fn is_xmpp(token: OnPurple, account: AccountId) -> bool {
    accounts::read(token, account, |entry| entry.protocol == "prpl-jabber").unwrap_or(false)
}

/// A name that somebody typed, as the network writes it (XEP-0106).
pub(in super::super) fn as_written(token: OnPurple, account: AccountId, name: &str) -> Cow<'_, str> {
    let escaped = if is_xmpp(token, account) { names::typed(name.trim()) } else { None };
    escaped.map_or(Cow::Borrowed(name), Cow::Owned)
}

/// Checks the name of somebody who is to be written to or added.
///
/// # Errors
/// `bad_name`, blamed on `name`.
pub(in super::super) fn of_person(
    token: OnPurple,
    account: AccountId,
    (purple, gc): (*mut PurpleAccount, *mut PurpleConnection),
    name: &str,
) -> Result<Name, CommandError> {
    let name = &*as_written(token, account, name);
    let is_xmpp = is_xmpp(token, account);
    let checked = Name::on(token, account, name, "bad_name", "name")?;
    // SAFETY: a live account and connection; a protocol plugin's `extra_info` is its protocol info. The plugin's own buffer is only looked at.
    let is_known = unsafe {
        let info = (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>();
        info.as_ref().and_then(|info| info.normalize).is_none_or(|normalize| !normalize(purple, checked.as_ptr()).is_null())
    };
    if is_xmpp && !(is_known && is_address(name.trim())) {
        return Err(CommandError::new("bad_name", "This is not an XMPP address. One looks like name@server.").at("name"));
    }
    if !is_known {
        return Err(CommandError::new("bad_name", "This is not a name on this network.").at("name"));
    }
    Ok(checked)
}

/// Checks the name of somebody who is to be on the list.
///
/// # Errors
/// As above; `yourself`, blamed on `name`.
pub(super) fn of_buddy(
    token: OnPurple,
    account: AccountId,
    (purple, gc): (*mut PurpleAccount, *mut PurpleConnection),
    name: &str,
) -> Result<Name, CommandError> {
    let name = &*as_written(token, account, name);
    let checked = of_person(token, account, (purple, gc), name)?;
    // SAFETY: a live account and connection; texts are copied.
    let own = unsafe {
        [borrowed(purple_sys::purple_account_get_username(purple)), borrowed(purple_sys::purple_connection_get_display_name(gc))]
    };
    let wanted = conversation::normalize(token, purple, name.trim());
    if own.iter().flatten().any(|own| conversation::normalize(token, purple, own) == wanted) {
        return Err(CommandError::new("yourself", "This is your own name.").at("name"));
    }
    Ok(checked)
}

/// XMPP takes a lone word for a server, which nobody means who adds a person. Gateways have a dot.
fn is_address(name: &str) -> bool {
    let bare = name.split('/').next().unwrap_or_default();
    bare.contains(['@', '.'])
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn a_lone_word_is_no_address() {
        for (name, is) in
            [("bob@example.org", true), ("irc.example.org", true), ("bob@localhost/desk", true), ("bob", false), ("bob/a@b.c", false)]
        {
            assert_eq!(is_address(name), is, "{name}");
        }
    }
}
