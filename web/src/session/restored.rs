//! Turns rows of the store into the accounts, people and conversations of a session, and a status into a row. Pure.

use super::conversation::Conv;
use super::sealing::put_secrets;
use crate::secret::DataKey;
use crate::store::{AccountRow, BuddyRow, ConversationRow};
use bridge::command::{AccountSettings, Username};
use bridge::model::{Buddy, Conversation, ConversationKind, Status, StatusKind};

/// An account's settings as they are stored, without secrets.
pub(super) fn stored_settings(row: &AccountRow) -> Option<AccountSettings> {
    serde_json::from_str(&row.settings)
        .map_err(|error| log::error!("account {} of user {} cannot be read: {error}", row.account, row.user))
        .ok()
}

/// An account's settings with its secrets, as far as they open.
pub(super) fn read_account(row: &AccountRow, key: &DataKey) -> Option<AccountSettings> {
    let mut settings = stored_settings(row)?;
    put_secrets(&mut settings, row, key);
    Some(settings)
}

pub(super) fn joined(username: &Username) -> String {
    match username {
        Username::Whole(whole) => whole.clone(),
        Username::Parts { user, parts } => match parts.first().filter(|part| !part.is_empty()) {
            Some(part) => format!("{user}@{part}"),
            None => user.clone(),
        },
    }
}

pub(super) fn offline(row: BuddyRow) -> Buddy {
    Buddy {
        id: row.buddy,
        account: row.account,
        contact: row.buddy.to_string(),
        name: row.name,
        alias: row.alias,
        server_alias: None,
        group: row.group,
        status: StatusKind::Offline,
        status_message: None,
        idle_since: None,
        icon: None,
        blocked: false,
        features: Vec::new(),
    }
}

pub(super) fn conversation(row: &ConversationRow, now: u64) -> Conv {
    let room = row.kind == ConversationKind::Room;
    let base = Conversation {
        id: row.id,
        account: row.account,
        kind: row.kind,
        name: row.name.clone(),
        title: row.title.clone(),
        buddy: None,
        topic: None,
        members: None,
        joined: room.then_some(false),
        nick: None,
        blocked: false,
    };
    Conv { open: row.open, read: row.read, keep: row.keep, days: row.days, ..Conv::new(base, now) }
}

/// The status of a user as a setting.
pub(super) fn status_setting(status: &Status) -> Option<String> {
    serde_json::to_string(status).ok()
}
