//! The site's own key, read from outside the database. Without it, accounts wait for their people after a restart (see `key`).

use super::seal::Key;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The credential of systemd that holds it.
pub const CREDENTIAL: &str = "bellflower-site-key";
/// No key is longer, written in any way.
const MOST: u64 = 256;

/// The site's own key: never printed, wiped when dropped.
#[derive(Clone)]
pub struct SiteKey(Key);

/// Why there is no site key.
#[derive(Debug)]
pub enum SiteKeyError {
    /// The file could not be read.
    Read(PathBuf, std::io::Error),
    /// Others may read the file; its mode.
    Open(PathBuf, u32),
    /// The file holds something else.
    Content(PathBuf),
}

impl fmt::Display for SiteKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "the site key {}: {error}", path.display()),
            Self::Open(path, mode) => {
                let path = path.display();
                write!(f, "the site key {path} may be read by others (mode {:03o}): chmod 600 {path}", mode & 0o777)
            }
            Self::Content(path) => write!(
                f,
                "the site key {} is not 32 bytes, raw or as base64: make one with `head -c 32 /dev/urandom | base64`",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SiteKeyError {}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(…)")
    }
}

impl SiteKey {
    /// The key that the settings name, or the service manager hands over; `None` without either. `directory` is `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// There is one, and it cannot be used.
    pub fn find(file: Option<&Path>, directory: Option<OsString>) -> Result<Option<Self>, SiteKeyError> {
        if let Some(file) = file {
            return Self::read(file).map(Some);
        }
        match directory.map(|directory| Path::new(&directory).join(CREDENTIAL)) {
            // Whom systemd lets read it is its own affair: the mode of a credential varies with its version.
            Some(file) if file.exists() => Self::load(&file, false).map(Some),
            _ => Ok(None),
        }
    }

    /// The key in a file: 32 bytes, raw or as base64.
    ///
    /// # Errors
    /// The file cannot be read, is readable by others, or holds something else.
    pub fn read(file: &Path) -> Result<Self, SiteKeyError> {
        Self::load(file, true)
    }

    fn load(path: &Path, private: bool) -> Result<Self, SiteKeyError> {
        let failed = |error| SiteKeyError::Read(path.to_owned(), error);
        let file = File::open(path).map_err(failed)?;
        // Of the file that is open, not of whatever has its name by now.
        let mode = file.metadata().map_err(failed)?.mode();
        if private && mode & 0o077 != 0 {
            return Err(SiteKeyError::Open(path.to_owned(), mode));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST as usize + 1));
        file.take(MOST).read_to_end(&mut bytes).map_err(failed)?;
        Self::of(&bytes).ok_or_else(|| SiteKeyError::Content(path.to_owned()))
    }

    /// Of the bytes of a file.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut key = Key::default();
        if bytes.len() == key.len() {
            key.copy_from_slice(bytes);
            return Some(Self(key));
        }
        let mut decoded = Zeroizing::new([0_u8; MOST as usize]);
        let length = STANDARD.decode_slice(bytes.trim_ascii(), &mut *decoded).ok()?;
        let decoded = decoded.get(..length).filter(|decoded| decoded.len() == key.len())?;
        key.copy_from_slice(decoded);
        Some(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(dir: &Path, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_is_read_raw_and_as_base64() {
        let dir = tempfile::tempdir().unwrap();
        let raw: Vec<u8> = (0..32).map(|n| n * 8).collect();
        let text = format!("{}\n", STANDARD.encode(&raw));
        for (name, content) in [("raw", raw.as_slice()), ("text", text.as_bytes())] {
            let key = SiteKey::read(&file(dir.path(), name, content, 0o400)).unwrap();
            assert_eq!(key.bytes(), raw);
            assert_eq!(format!("{key:?}"), "SiteKey(…)");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let path = file(dir.path(), "key", &[1; 32], mode);
            let error = SiteKey::read(&path).unwrap_err().to_string();
            assert_eq!(error, format!("the site key {0} may be read by others (mode {mode:o}): chmod 600 {0}", path.display()));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let short = STANDARD.encode([1; 31]);
        for content in
            [b"".as_slice(), &[1; 31], &[1; 33], short.as_bytes(), "A".repeat(1000).as_bytes(), b"not base64 at all, but long en-"]
        {
            let error = SiteKey::read(&file(dir.path(), "key", content, 0o600)).unwrap_err();
            assert!(matches!(error, SiteKeyError::Content(_)) && error.to_string().contains("base64"), "{error}");
        }
        let error = SiteKey::read(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, SiteKeyError::Read(..)), "{error}");
    }

    #[test]
    fn the_setting_goes_before_the_credential() {
        let dir = tempfile::tempdir().unwrap();
        let named = file(dir.path(), "named", &[1; 32], 0o600);
        let place = || Some(dir.path().as_os_str().to_owned());
        let first = |key: Option<SiteKey>| key.and_then(|key| key.bytes().first().copied());
        assert_eq!(first(SiteKey::find(None, None).unwrap()), None);
        assert_eq!(first(SiteKey::find(None, place()).unwrap()), None, "none there");
        file(dir.path(), CREDENTIAL, &[2; 32], 0o440);
        assert_eq!(first(SiteKey::find(None, place()).unwrap()), Some(2));
        assert_eq!(first(SiteKey::find(Some(&named), place()).unwrap()), Some(1));
        assert!(SiteKey::find(Some(&dir.path().join("gone")), place()).is_err());
    }
}
