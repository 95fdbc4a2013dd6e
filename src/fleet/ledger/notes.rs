//! Notes what workers tell of what an account is made of, within bounds: a worker that has an account says it. Answers nothing.

use super::Ledger;
use bridge::event::{Event, EventKind};
use bridge::model::{AccountState, Privacy, Value};
use std::collections::BTreeMap;
use std::time::Instant;

/// Conversations of a user that are known; a page shows far fewer.
pub(in crate::fleet) const CONVERSATIONS: usize = 4096;
/// Settings stored by plugins, certificates trusted and rooms of an account.
const OF_EACH: usize = 512;
/// Bytes of the texts of all rooms of an account, and of its privacy lists: a worker that has an account says what it is made of. All of it fits
/// into one frame.
const BYTES: usize = 1 << 20;
/// Bytes of a password.
const PASSWORD: usize = 4 << 10;
/// The same of all that is packed with its settings, which are unpacked for each change.
const PACKED: usize = 256 << 10;

/// Bytes of texts by name.
fn texts<'a>(named: impl IntoIterator<Item = (&'a String, &'a Value)>) -> usize {
    let of = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.iter().map(|text| text.len() + 24).sum(),
        Value::Bool(_) | Value::Int(_) => 8,
    };
    named.into_iter().map(|(key, value)| key.len() + of(value)).sum()
}

fn room_bytes(fields: &BTreeMap<String, String>) -> usize {
    fields.iter().map(|(key, value)| key.len() + value.len() + 48).sum()
}

fn privacy_bytes(privacy: &Privacy) -> usize {
    privacy.mode.len() + privacy.permit.iter().chain(&privacy.deny).map(|name| name.len() + 24).sum::<usize>()
}

impl Ledger {
    /// Notes what an event tells of what an account is made of.
    pub(crate) fn note_event(&mut self, event: &Event, now: Instant) {
        match &event.kind {
            EventKind::ConversationOpened(conversation) => {
                let talks = self.talks.entry(event.user).or_default();
                if *talks >= CONVERSATIONS {
                    self.left_out += 1;
                } else if self.conversations.insert((event.user, conversation.id), conversation.account).is_none() {
                    *talks += 1;
                }
                return;
            }
            EventKind::ConversationClosed { conversation } => return self.forget_conversation(event.user, *conversation),
            _ => {}
        }
        let (account, user) = match &event.kind {
            EventKind::RoomRemembered { account, .. }
            | EventKind::AccountPinned { account, .. }
            | EventKind::AccountPasswordGiven { account, .. }
            | EventKind::AccountSettingStored { account, .. }
            | EventKind::AccountState { account, .. }
            | EventKind::Privacy { account, .. } => (*account, event.user),
            _ => return,
        };
        let Some(record) = self.records.get_mut(&account).filter(|record| record.user == user) else { return };
        match &event.kind {
            EventKind::RoomRemembered { conversation, fields: Some(fields), .. } => {
                let bytes = record.rooms.values().map(room_bytes).sum::<usize>() + room_bytes(fields);
                if record.rooms.len() < OF_EACH && bytes <= BYTES {
                    record.rooms.insert(*conversation, fields.clone());
                } else {
                    self.left_out += 1;
                }
            }
            EventKind::RoomRemembered { conversation, fields: None, .. } => _ = record.rooms.remove(conversation),
            EventKind::AccountPasswordGiven { password, .. } if password.expose().len() <= PASSWORD => {
                record.settings.change(|settings| settings.password = Some(password.clone()));
            }
            EventKind::AccountPasswordGiven { .. } => self.left_out += 1,
            EventKind::AccountPinned { fingerprint, .. } => record.settings.change(|settings| {
                let known = settings.pins.contains(fingerprint);
                let bytes: usize = settings.pins.iter().chain([fingerprint]).map(String::len).sum();
                if !known && settings.pins.len() < OF_EACH && bytes <= PACKED {
                    settings.pins.push(fingerprint.clone());
                } else {
                    self.left_out += u64::from(!known);
                }
            }),
            EventKind::AccountSettingStored { key, value, .. } => record.settings.change(|settings| match value {
                Some(value) => {
                    let others = settings.stored.iter().filter(|(other, _)| *other != key);
                    let bytes = texts(others.chain([(key, value)]));
                    if (settings.stored.len() < OF_EACH || settings.stored.contains_key(key)) && bytes <= PACKED {
                        settings.stored.insert(key.clone(), value.clone());
                    } else {
                        self.left_out += 1;
                    }
                }
                None => _ = settings.stored.remove(key),
            }),
            EventKind::AccountState { standing, .. } if standing.state == AccountState::Online => {
                record.online.get_or_insert(now);
            }
            EventKind::AccountState { .. } => record.online = None,
            EventKind::Privacy { privacy, .. } if privacy_bytes(privacy) <= BYTES => record.privacy = Some(Box::new(privacy.clone())),
            EventKind::Privacy { .. } => self.left_out += 1,
            _ => {}
        }
    }
}
