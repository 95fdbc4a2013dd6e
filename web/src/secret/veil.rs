//! Seals what only this process has to read, under a key that the caller keeps. Nothing of it is ever stored.

use super::seal::{self, Purpose};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY: usize = 32;

/// Fills a key with randomness.
///
/// # Errors
/// The system has none.
pub fn random(key: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(key)
}

/// Seals.
///
/// # Errors
/// The system has no randomness.
pub fn veil(key: &[u8; KEY], plain: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
    seal::seal(key, &Purpose::of(&[b"memory"]), plain).map(|sealed| sealed.0)
}

/// Opens; `None`: it was sealed under another key, or is something else.
pub fn unveil(key: &[u8; KEY], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    seal::open(key, &Purpose::of(&[b"memory"]), sealed)
}
