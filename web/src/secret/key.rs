//! The random key of a user, and what it seals. Holds no password.

use crate::store::Sealed;
use bridge::id::{AccountId, UserId};
use zeroize::Zeroizing;

/// The random data key of a user: never printed, never stored as it is, wiped when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

/// The site's own key, from outside the database.
#[derive(Clone)]
pub struct SiteKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl std::fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteKey(…)")
    }
}

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn create() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// Seals a field of an account.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn seal(&self, user: UserId, account: AccountId, field: &str, plain: &[u8]) -> Result<Sealed, getrandom::Error> {
        let _ = (user, account, field, plain, &self.0);
        unimplemented!()
    }

    /// Opens it; `None` when it is not what this key sealed for this field.
    pub fn open(&self, user: UserId, account: AccountId, field: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let _ = (user, account, field, sealed);
        None
    }

    /// The key under a browser's token.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn wrap_by_token(&self, user: UserId, token: &str) -> Result<Sealed, getrandom::Error> {
        let _ = (user, token);
        unimplemented!()
    }

    /// The key out of the wrap of a browser's token.
    pub fn unwrap_by_token(user: UserId, token: &str, wrap: &Sealed) -> Option<Self> {
        let _ = (user, token, wrap);
        None
    }

    /// The key under the site's.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn wrap_by_site(&self, user: UserId, site: &SiteKey) -> Result<Sealed, getrandom::Error> {
        let _ = (user, &site.0);
        unimplemented!()
    }

    /// The key out of the site's wrap.
    pub fn unwrap_by_site(user: UserId, site: &SiteKey, wrap: &Sealed) -> Option<Self> {
        let _ = (user, site, wrap);
        None
    }
}
