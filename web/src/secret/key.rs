//! The random key of a user, what it seals, and its wraps. Holds no password (see `hash`).

use super::seal::{self, Key, Purpose};
use super::site::SiteKey;
use crate::store::Sealed;
use bridge::id::{AccountId, UserId};
use zeroize::Zeroizing;

/// The random data key of a user: never printed, never stored as it is, wiped when dropped.
#[derive(Clone)]
pub struct DataKey(Key);

/// Kinds of wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Token,
    Password,
    Recovery,
    Site,
}

impl By {
    /// Its purpose: what opens one user's wrap, opens nothing of another's and no wrap of another kind.
    fn purpose(self, user: UserId) -> Purpose {
        let name: &[u8] = match self {
            Self::Token => b"token",
            Self::Password => b"password",
            Self::Recovery => b"recovery",
            Self::Site => b"site",
        };
        Purpose::of(&[b"wrap", name, &user.0.to_be_bytes()])
    }
}

fn field_purpose(user: UserId, account: AccountId, field: &str) -> Purpose {
    Purpose::of(&[b"field", &user.0.to_be_bytes(), &account.0.to_be_bytes(), field.as_bytes()])
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn create() -> Result<Self, getrandom::Error> {
        let mut key = Key::default();
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// Seals a field of an account.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn seal(&self, user: UserId, account: AccountId, field: &str, plain: &[u8]) -> Result<Sealed, getrandom::Error> {
        seal::seal(&self.0, &field_purpose(user, account, field), plain)
    }

    /// Opens it; `None` when it is not what this key sealed for this field.
    pub fn open(&self, user: UserId, account: AccountId, field: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        seal::open(&self.0, &field_purpose(user, account, field), &sealed.0)
    }

    /// The key under a browser's token. The hash of the token, which the database has, opens nothing.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn wrap_by_token(&self, user: UserId, token: &str) -> Result<Sealed, getrandom::Error> {
        self.wrap(By::Token, user, token.as_bytes())
    }

    /// The key out of the wrap of a browser's token.
    pub fn unwrap_by_token(user: UserId, token: &str, wrap: &Sealed) -> Option<Self> {
        Self::unwrap(By::Token, user, token.as_bytes(), wrap)
    }

    /// The key under the site's.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn wrap_by_site(&self, user: UserId, site: &SiteKey) -> Result<Sealed, getrandom::Error> {
        self.wrap(By::Site, user, site.bytes())
    }

    /// The key out of the site's wrap.
    pub fn unwrap_by_site(user: UserId, site: &SiteKey, wrap: &Sealed) -> Option<Self> {
        Self::unwrap(By::Site, user, site.bytes(), wrap)
    }

    /// The key under something secret of which nobody can try all values.
    pub(super) fn wrap(&self, by: By, user: UserId, secret: &[u8]) -> Result<Sealed, getrandom::Error> {
        let purpose = by.purpose(user);
        seal::seal(&seal::derive(secret, &purpose), &purpose, &*self.0)
    }

    /// The key out of such a wrap.
    pub(super) fn unwrap(by: By, user: UserId, secret: &[u8], wrap: &Sealed) -> Option<Self> {
        let purpose = by.purpose(user);
        seal::open_key(&seal::derive(secret, &purpose), &purpose, &wrap.0).map(Self)
    }

    /// Whether they are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    const INES: UserId = UserId(0x1e5);

    /// Few, so that equal ones are drawn, too.
    fn place() -> impl Strategy<Value = (u64, u64, String)> {
        (0..3_u64, 0..3_u64, "(password|option:a?|a?)")
    }

    proptest! {
        #[test]
        fn what_is_sealed_for_one_place_opens_nowhere_else(here in place(), there in place(), plain in any::<Vec<u8>>()) {
            let key = DataKey::create().unwrap();
            let (user, account, field) = &here;
            let sealed = key.seal(UserId(*user), AccountId(*account), field, &plain).unwrap();
            let opened = key.open(UserId(there.0), AccountId(there.1), &there.2, &sealed);
            prop_assert_eq!(opened.map(|plain| plain.to_vec()), (here == there).then_some(plain));
            prop_assert!(DataKey::create().unwrap().open(UserId(*user), AccountId(*account), field, &sealed).is_none());
        }

        #[test]
        fn a_wrap_opens_for_its_user_by_its_kind_and_secret_only(secret in any::<[u8; 32]>(), kind in 0..4_usize, other in 0..4_usize) {
            let kinds = [By::Token, By::Password, By::Recovery, By::Site];
            let (by, other) = (kinds[kind], kinds[other]);
            let key = DataKey::create().unwrap();
            let wrap = key.wrap(by, INES, &secret).unwrap();
            prop_assert!(DataKey::unwrap(by, INES, &secret, &wrap).is_some_and(|opened| opened.is(&key)));
            prop_assert_eq!(DataKey::unwrap(other, INES, &secret, &wrap).is_some(), by == other);
            prop_assert!(DataKey::unwrap(by, UserId(INES.0 + 1), &secret, &wrap).is_none());
            prop_assert!(DataKey::unwrap(by, INES, &[0; 31], &wrap).is_none());
        }
    }

    #[test]
    fn the_hash_of_a_token_opens_nothing() {
        let token = crate::session::token::create().unwrap();
        let key = DataKey::create().unwrap();
        let wrap = key.wrap_by_token(INES, &token).unwrap();
        assert!(DataKey::unwrap_by_token(INES, &token, &wrap).is_some_and(|opened| opened.is(&key)));
        let hash = crate::session::token::hash(&token);
        assert!(DataKey::unwrap(By::Token, INES, &hash, &wrap).is_none());
        // Nor as the key itself, nor what is made of it without the salt.
        let purpose = By::Token.purpose(INES);
        for guess in [hash, Sha256::digest(hash).into(), Sha256::digest(token.as_bytes()).into()] {
            assert!(seal::open_key(&Key::new(guess), &purpose, &wrap.0).is_none());
        }
    }

    #[test]
    fn keys_are_random_and_never_printed() {
        let (one, other) = (DataKey::create().unwrap(), DataKey::create().unwrap());
        assert!(!one.is(&other));
        assert_eq!(format!("{one:?}"), "DataKey(…)");
    }
}
