//! Seals the secrets of accounts for the store, and opens them again. Keeps none of them (see `secret`).

use super::keep::Keep;
use crate::secret::DataKey;
use crate::store::{AccountRow, Write};
use bridge::command::AccountSettings;
use bridge::handle::Made;
use bridge::id::AccountId;
use bridge::model::Protocol;
use bridge::time::Timestamp;

impl Keep {
    /// Writes an account down with its secrets.
    pub(super) fn write_account(&mut self, account: AccountId, made: Made, protocol: Option<&Protocol>, wall: Timestamp) {
        let Made { mut settings, icon } = made;
        let created = *self.made.entry(account).or_insert(wall);
        let secrets = take_secrets(&mut settings, protocol);
        let seal = |(field, plain): (String, String)| {
            let sealed = self.key.seal(self.user, account, &field, plain.as_bytes());
            plain_is_wiped(plain);
            match sealed {
                Ok(sealed) => Some((field, sealed)),
                Err(error) => {
                    crate::pace::paced!(error, "the system gives no random numbers, a secret is not stored: {error}");
                    None
                }
            }
        };
        let secrets = secrets.into_iter().filter_map(seal).collect();
        let settings = match serde_json::to_string(&settings) {
            Ok(settings) => settings,
            Err(error) => return crate::pace::paced!(error, "an account could not be written: {error}"),
        };
        let row = AccountRow { user: self.user, account, created, settings, secrets, icon };
        if !self.write(Write::Account(Box::new(row))) {
            self.account_changed(account);
        }
    }
}

/// Wipes what was sealed.
fn plain_is_wiped(mut plain: String) {
    zeroize::Zeroize::zeroize(&mut plain);
}

/// Takes what is secret out of an account's settings: the password, masked options, and whatever plugins stored, by field.
fn take_secrets(settings: &mut AccountSettings, protocol: Option<&Protocol>) -> Vec<(String, String)> {
    let mut secrets = Vec::new();
    if let Some(password) = settings.password.take() {
        secrets.push(("password".to_owned(), password.expose().to_owned()));
    }
    let declared = |key: &String| protocol.and_then(|protocol| protocol.options.iter().find(|option| option.key == *key));
    // What nobody declares any more is taken for secret.
    let masked = |key: &String| declared(key).is_none_or(|option| option.masked);
    let options = std::mem::take(&mut settings.options);
    for (key, value) in options {
        if masked(&key) {
            secrets.extend(serde_json::to_string(&value).ok().map(|text| (format!("option:{key}"), text)));
        } else {
            settings.options.insert(key, value);
        }
    }
    // Rooms have passwords, too.
    let open = |key: &String| protocol.is_some_and(|protocol| protocol.room_fields.iter().any(|field| field.key == *key && !field.masked));
    for (room, form) in &mut settings.before.rooms {
        let hidden: Vec<String> = form.keys().filter(|key| !open(key)).cloned().collect();
        for key in hidden {
            secrets.extend(form.remove(&key).map(|value| (format!("room:{room}:{key}"), value)));
        }
    }
    for (key, value) in std::mem::take(&mut settings.stored) {
        secrets.extend(serde_json::to_string(&value).ok().map(|text| (format!("stored:{key}"), text)));
    }
    secrets
}

/// Puts the secrets back that [`take_secrets`] took out. One that does not open or fit is left out.
pub(super) fn put_secrets(settings: &mut AccountSettings, row: &AccountRow, key: &DataKey) {
    for (field, sealed) in &row.secrets {
        let Some(plain) = key.open(row.user, row.account, field, sealed) else {
            crate::pace::paced!(warn, "a secret of account {} does not open with its user's key", row.account);
            continue;
        };
        let Ok(text) = std::str::from_utf8(&plain) else { continue };
        if field == "password" {
            settings.password = Some(bridge::command::Secret::new(text.to_owned()));
        } else if let Some(name) = field.strip_prefix("option:") {
            settings.options.extend(serde_json::from_str(text).ok().map(|value| (name.to_owned(), value)));
        } else if let Some((room, name)) = field.strip_prefix("room:").and_then(|rest| rest.split_once(':')) {
            let form = settings.before.rooms.iter_mut().find(|(id, _)| id.to_string() == room);
            form.into_iter().for_each(|(_, form)| _ = form.insert(name.to_owned(), text.to_owned()));
        } else if let Some(name) = field.strip_prefix("stored:") {
            settings.stored.extend(serde_json::from_str(text).ok().map(|value| (name.to_owned(), value)));
        }
    }
}
