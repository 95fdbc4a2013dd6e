//! Seals bytes under a key and a purpose, with XChaCha20-Poly1305. Knows no user and no password (see `key`, `hash`).
//!
//! Sealed bytes are a version, a random nonce of 24 bytes, the ciphertext and its tag. The associated data are the version and the parts of the
//! purpose, each with its length before it, so that no two purposes have the same.

use crate::store::Sealed;
use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The way of sealing that is in use. What has another version does not open.
const VERSION: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
/// Bytes that sealing adds.
pub(super) const OVERHEAD: usize = 1 + NONCE + TAG;

/// A key to seal with.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Associated data of a seal: unequal purposes do not open each other's.
pub(super) struct Purpose(Vec<u8>);

impl Purpose {
    /// Of these parts in this order. The first names the kind.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut all = vec![VERSION];
        for part in parts {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
        Self(all)
    }
}

/// A key of its own for `purpose` out of a secret of at least 256 random bits.
pub(super) fn derive(secret: &[u8], purpose: &Purpose) -> Key {
    let mut key = Key::default();
    // Fails only for more than 255 times the length of the hash.
    let _ = Hkdf::<Sha256>::new(Some(b"bellflower"), secret).expand(&purpose.0, &mut *key);
    key
}

/// Seals.
///
/// # Errors
/// The system has no randomness.
pub(super) fn seal(key: &[u8; 32], purpose: &Purpose, plain: &[u8]) -> Result<Sealed, getrandom::Error> {
    // Room for everything, lest a copy of the plain bytes stays where they were before it grew.
    let mut all = Vec::with_capacity(plain.len() + OVERHEAD);
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    all.push(VERSION);
    all.extend_from_slice(&nonce);
    all.extend_from_slice(plain);
    let text = all.get_mut(1 + NONCE..).unwrap_or_default();
    match cipher(key).encrypt_in_place_detached(XNonce::from_slice(&nonce), &purpose.0, text) {
        Ok(tag) => all.extend_from_slice(&tag),
        // Longer than 256 GiB, which no memory holds; and nothing may leave unsealed.
        Err(_) => zeroize::Zeroize::zeroize(&mut all),
    }
    Ok(Sealed(all))
}

/// Opens; `None` when it was not sealed with this key for this purpose.
pub(super) fn open(key: &[u8; 32], purpose: &Purpose, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first()?;
    if *version != VERSION || rest.len() < NONCE + TAG {
        return None;
    }
    let (nonce, rest) = rest.split_at_checked(NONCE)?;
    let (text, tag) = rest.split_at_checked(rest.len() - TAG)?;
    let mut plain = Zeroizing::new(text.to_vec());
    let opened = cipher(key).decrypt_in_place_detached(XNonce::from_slice(nonce), &purpose.0, &mut plain, Tag::from_slice(tag));
    opened.ok().map(|()| plain)
}

/// Opens what holds a key.
pub(super) fn open_key(key: &[u8; 32], purpose: &Purpose, sealed: &[u8]) -> Option<Key> {
    let plain = open(key, purpose, sealed)?;
    let mut inner = Key::default();
    if plain.len() != inner.len() {
        return None;
    }
    inner.copy_from_slice(&plain);
    Some(inner)
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(chacha20poly1305::Key::from_slice(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 1..5)
    }

    fn purpose(parts: &[Vec<u8>]) -> Purpose {
        Purpose::of(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn unequal_purposes_have_unequal_data(one in parts(), other in parts()) {
            prop_assert_eq!(one == other, purpose(&one).0 == purpose(&other).0);
        }

        #[test]
        fn what_is_sealed_opens_with_its_key_and_purpose_only(
            plain in proptest::collection::vec(any::<u8>(), 0..200), one in parts(), other in parts(), keys in any::<[[u8; 32]; 2]>(),
        ) {
            let [key, wrong] = keys.map(Zeroizing::new);
            let sealed = seal(&key, &purpose(&one), &plain).unwrap().0;
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(open(&key, &purpose(&one), &sealed).map(|p| p.to_vec()), Some(plain));
            prop_assert_eq!(open(&key, &purpose(&other), &sealed).is_some(), one == other);
            prop_assert_eq!(open(&wrong, &purpose(&one), &sealed).is_some(), *wrong == *key);
        }

        #[test]
        fn what_was_changed_does_not_open(plain in proptest::collection::vec(any::<u8>(), 0..12), bit in 0..8_u8) {
            let (key, purpose) = (Zeroizing::new([7; 32]), Purpose::of(&[b"test"]));
            let sealed = seal(&key, &purpose, &plain).unwrap().0;
            for at in 0..sealed.len() {
                // The first byte is the version.
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                prop_assert!(open(&key, &purpose, &flipped).is_none(), "byte {}", at);
                prop_assert!(open(&key, &purpose, &sealed[..at]).is_none(), "{} bytes", at);
            }
            let longer = [sealed.as_slice(), &[0]].concat();
            prop_assert!(open(&key, &purpose, &longer).is_none());
        }
    }

    #[test]
    fn the_same_sealed_twice_looks_different() {
        let (key, purpose) = (Zeroizing::new([7; 32]), Purpose::of(&[b"test"]));
        assert_ne!(seal(&key, &purpose, b"plain").unwrap(), seal(&key, &purpose, b"plain").unwrap());
    }

    #[test]
    fn keys_of_unequal_purposes_are_unequal() {
        let (one, other) = (derive(&[1; 32], &Purpose::of(&[b"one"])), derive(&[1; 32], &Purpose::of(&[b"other"])));
        assert_ne!(one, other);
        assert_ne!(one, Key::default());
    }

    #[test]
    fn what_holds_no_key_is_no_key() {
        let (key, purpose) = (Zeroizing::new([7; 32]), Purpose::of(&[b"test"]));
        assert!(open_key(&key, &purpose, &seal(&key, &purpose, &[1; 31]).unwrap().0).is_none());
        assert!(open_key(&key, &purpose, &seal(&key, &purpose, &[1; 32]).unwrap().0).is_some());
    }
}
