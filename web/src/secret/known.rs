//! Marks browsers in which a user has signed in with the password: a marked one may go on trying when strangers have used up the tries that there
//! are for the user's name. A mark opens nothing, and ends with the password. Stores nothing.

use super::seal::{Purpose, derive};
use crate::store::UserKeys;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bridge::id::UserId;

const NONCE: usize = 16;
/// Bytes of a mark: the nonce and what only the site can have made of it.
const MARK: usize = NONCE + 32;

/// The second part of a mark. The check of the password is stored and never shown, so that nobody else can make it.
fn proof(user: UserId, check: &str, nonce: &[u8]) -> [u8; 32] {
    *derive(check.as_bytes(), &Purpose::of(&[b"known browser", &user.0.to_be_bytes(), nonce]))
}

/// A new mark; `None` for a user without a password.
///
/// # Errors
/// The system has no randomness.
pub fn mark(user: UserId, keys: &UserKeys) -> Result<Option<String>, getrandom::Error> {
    if keys.check.is_empty() {
        return Ok(None);
    }
    let mut all = [0_u8; MARK];
    let (nonce, rest) = all.split_at_mut(NONCE);
    getrandom::fill(nonce)?;
    rest.copy_from_slice(&proof(user, &keys.check, nonce));
    Ok(Some(URL_SAFE_NO_PAD.encode(all)))
}

/// Whether this is a mark of this user's, made since the password was set.
pub fn is_marked(user: UserId, keys: &UserKeys, mark: &str) -> bool {
    let Ok(all) = URL_SAFE_NO_PAD.decode(mark) else { return false };
    let Some((nonce, rest)) = all.split_at_checked(NONCE).filter(|_| all.len() == MARK && !keys.check.is_empty()) else { return false };
    subtle::ConstantTimeEq::ct_eq(rest, proof(user, &keys.check, nonce).as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(check: &str) -> UserKeys {
        UserKeys { check: check.to_owned(), by_password: None, by_recovery: None, by_site: None }
    }

    #[test]
    fn a_mark_is_of_one_user_and_one_password() {
        let (user, first) = (UserId(7), keys("$argon2id$first"));
        let made = mark(user, &first).unwrap().unwrap();
        assert!(is_marked(user, &first, &made));
        assert_ne!(made, mark(user, &first).unwrap().unwrap());
        assert!(!is_marked(UserId(8), &first, &made));
        assert!(!is_marked(user, &keys("$argon2id$second"), &made), "it ends with the password");
        let mut other = made.clone().into_bytes();
        other[40] = if other[40] == b'A' { b'B' } else { b'A' };
        for wrong in ["", "x", &made[1..], &made[..60], std::str::from_utf8(&other).unwrap()] {
            assert!(!is_marked(user, &first, wrong), "{wrong}");
        }
        assert_eq!(mark(user, &keys("")).unwrap(), None);
        assert!(!is_marked(user, &keys(""), &made));
    }
}
