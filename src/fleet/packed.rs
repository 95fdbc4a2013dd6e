//! An account's settings put away: a third of the room that they take unpacked, and sealed for the passwords in them (see `veil`). It changes
//! nothing by itself.

use super::veil;
use bridge::command::AccountSettings;
use bridge::frame::{self, Frames};
use zeroize::Zeroizing;

/// Settings, as a sealed frame.
pub(crate) struct Packed(Box<[u8]>);

/// Most fit, so that nothing is left behind where the buffer was before it grew.
const ROOM: usize = 2048;

impl Packed {
    /// Settings that are too large for a frame could not have come here, nor go anywhere.
    pub(crate) fn new(settings: &AccountSettings) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
        if let Err(error) = frame::write(&mut bytes, settings) {
            log::error!("an account's settings could not be kept: {error}");
        }
        Self(veil::seal(&bytes).unwrap_or_default().into())
    }

    /// The settings.
    pub(crate) fn open(&self) -> Option<AccountSettings> {
        let mut frames = Frames::default();
        frames.push(&veil::open(&self.0)?);
        match frames.take() {
            Ok(settings) => settings,
            Err(error) => {
                log::error!("an account's settings could not be read: {error}");
                None
            }
        }
    }

    /// Changes them.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut AccountSettings)) {
        if let Some(mut settings) = self.open() {
            change(&mut settings);
            *self = Self::new(&settings);
        }
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::command::{Secret, Username};
    use bridge::model::Value;

    fn settings() -> AccountSettings {
        let option = |key: &str, value| (key.to_owned(), value);
        AccountSettings {
            person: None,
            visitor: None,
            protocol: "prpl-jabber".into(),
            username: Username::Whole("ines@example.org".into()),
            password: Some(Secret::new("secret".into())),
            options: [option("connect_server", Value::Text("127.0.0.1".into())), option("port", Value::Int(5222))].into(),
            stored: [option("buddy_icon_timestamp", Value::Int(3))].into(),
            pins: vec!["ab:cd".into()],
            alias: "Inés".into(),
            enabled: true,
            status: Default::default(),
            before: Default::default(),
        }
    }

    #[test]
    fn what_is_put_away_comes_back_as_it_was_last_changed() {
        let mut packed = Packed::new(&settings());
        assert_eq!(packed.open(), Some(settings()));
        packed.change(|settings| {
            settings.enabled = false;
            settings.stored.clear();
        });
        assert_eq!(packed.open(), Some(AccountSettings { enabled: false, stored: [].into(), ..settings() }));
        assert!(packed.0.len() < 460, "{} bytes", packed.0.len());
        assert!(!format!("{packed:?}").contains("secret"));
        assert!(!packed.0.windows(6).any(|part| part == b"secret"), "as it is");
    }
}
