//! Stand-in, soon replaced by the real room: in a conflict take the other side whole.
use super::ffi::{borrowed, list};
use super::token::OnPurple;
use crate::command::Username;
use crate::config::BridgeConfig;
use crate::error::CommandError;
use crate::model::*;
use std::collections::BTreeMap;
pub(super) fn catalogue(_: OnPurple, _: &BridgeConfig) -> Vec<Protocol> {
    // SAFETY: libpurple's list.
    unsafe { list::<purple_sys::PurplePlugin>(purple_sys::purple_plugins_get_protocols()) }.into_iter().map(|p| {
        // SAFETY: live.
        let (id, name) = unsafe { (borrowed((*(*p).info).id).unwrap_or_default(), borrowed((*(*p).info).name).unwrap_or_default()) };
        Protocol { id, name, icon: String::new(), username: UsernameForm { label: "Username".into(), splits: vec![] }, password: PasswordNeed::Required, options: vec![], room_fields: vec![], statuses: vec![], features: vec![] }
    }).collect()
}
pub(super) fn features(_: OnPurple, _: &str) -> Vec<String> { vec![] }
pub(super) fn password_required(_: OnPurple, protocol: &str) -> bool { protocol == "prpl-jabber" }
pub(super) fn check_options(_: OnPurple, _: &str, _: &BTreeMap<String, Value>) -> Result<(), CommandError> { Ok(()) }
pub(super) fn join_username(_: OnPurple, _: &str, username: &Username) -> Result<String, CommandError> {
    match username { Username::Whole(name) => Ok(name.clone()), Username::Parts { user, parts } => Ok(format!("{user}@{}", parts.first().cloned().unwrap_or_default())) }
}
