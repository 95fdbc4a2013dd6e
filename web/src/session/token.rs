//! Sign-in tokens: 256 random bits for the browser, their SHA-256 for the daemon; never stored as they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};

/// Ended sessions that are remembered, so that their browsers are told so.
const REMEMBERED: usize = 10_000;

/// What is stored of a token.
pub type TokenHash = [u8; 32];

/// A new token.
///
/// # Errors
/// The system has no randomness.
pub(crate) fn create() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// How the token of a guest begins: their sessions end with the daemon, and their browsers are told so.
const GUESTS: &str = "g.";

/// A new token of a guest.
///
/// # Errors
/// As [`create`].
pub(crate) fn create_for_guest() -> Result<String, getrandom::Error> {
    Ok(format!("{GUESTS}{}", create()?))
}

/// Whether this is a guest's, as far as its form tells.
pub(crate) fn is_guests(token: &str) -> bool {
    token.starts_with(GUESTS)
}

/// What is stored of it.
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Who is signed in by which token. Looking a hash up takes no time that depends on the token's own bytes.
#[derive(Debug)]
pub(crate) struct Tokens<T> {
    live: HashMap<TokenHash, T>,
    ended: HashSet<TokenHash>,
    order: VecDeque<TokenHash>,
}

impl<T> Default for Tokens<T> {
    fn default() -> Self {
        Self { live: HashMap::new(), ended: HashSet::new(), order: VecDeque::new() }
    }
}

impl<T> Tokens<T> {
    pub(crate) fn insert(&mut self, token: TokenHash, holder: T) {
        self.live.insert(token, holder);
    }

    pub(crate) fn get(&self, token: &TokenHash) -> Option<&T> {
        self.live.get(token)
    }

    pub(crate) fn remove(&mut self, token: &TokenHash) -> Option<T> {
        self.live.remove(token)
    }

    /// Takes it away and remembers that its session ended by itself.
    pub(crate) fn end(&mut self, token: &TokenHash) {
        self.live.remove(token);
        if self.ended.insert(*token) {
            self.order.push_back(*token);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.ended.remove(&oldest);
            }
        }
    }

    /// True when its session ended by itself, not long ago.
    pub(crate) fn has_ended(&self, token: &TokenHash) -> bool {
        self.ended.contains(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_all_different() {
        let made: HashSet<String> = (0..100).map(|_| create().unwrap()).collect();
        assert_eq!(made.len(), 100);
        assert!(made.iter().all(|token| token.len() == 43));
    }

    #[test]
    fn ended_ones_are_remembered_for_a_while() {
        let mut tokens = Tokens::default();
        let first = hash("0");
        for number in 0..=REMEMBERED {
            let token = hash(&number.to_string());
            tokens.insert(token, number);
            tokens.end(&token);
            assert!(tokens.get(&token).is_none());
            assert!(tokens.has_ended(&token));
        }
        assert!(!tokens.has_ended(&first));
    }
}
