//! Words and signs as an index holds them: plain letters and digits, which no database folds, stems, leaves out or takes apart. Knows no database.
//!
//! A word of ASCII is `a` and its first 32 letters. Any other is `z` and four digits to the base of 36 for each of its first 12 characters. Of signs,
//! every pair that stands together is a term, and the last of a run alone: each sign begins a term. Bounds make terms shorter, never other ones: who
//! finds a text by its terms looks into the text whether it has the words.

use super::pieces::{Piece, pieces};
use std::collections::HashSet;

/// Different terms of one text; later ones are not in the index.
const MOST: usize = 1024;
/// Letters of a word of ASCII, and characters of another.
const LETTERS: usize = 32;
const CHARACTERS: usize = 12;

/// A term that the index must have of a text that fits, for one word or pair of the query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Need {
    /// This term.
    Term(String),
    /// A term that begins with one of these.
    Begin(Vec<String>),
}

fn digits(out: &mut String, mut rest: u32, count: usize) {
    let at = out.len();
    out.extend(std::iter::repeat_n('0', count));
    let mut all = Vec::with_capacity(count);
    while rest > 0 && all.len() < count {
        all.push(char::from_digit(rest % 36, 36).unwrap_or('0'));
        rest /= 36;
    }
    let from = at + count - all.len();
    let digits: String = all.iter().rev().collect();
    out.replace_range(from.., &digits);
}

fn of_characters(text: &str) -> String {
    let mut out = String::with_capacity(1 + 4 * CHARACTERS);
    out.push('z');
    text.chars().take(CHARACTERS).for_each(|char| digits(&mut out, char.into(), 4));
    out
}

/// The term of a word, of a pair of signs, or of a sign alone.
fn of_word(text: &str) -> String {
    if text.is_ascii() { format!("a{}", text.get(..LETTERS).unwrap_or(text)) } else { of_characters(text) }
}

/// Gives the beginnings of the terms of all words that begin so. A word may begin with ASCII and go on with other letters.
fn of_beginning(text: &str) -> Vec<String> {
    if text.is_ascii() { vec![of_word(text), of_characters(text)] } else { vec![of_word(text)] }
}

fn pair(one: &Piece, other: &Piece) -> String {
    of_word(&format!("{}{}", one.text, other.text))
}

/// Whether the piece after this one is a sign right behind it.
fn follows(next: Option<&Piece>) -> Option<&Piece> {
    next.filter(|next| next.glued)
}

/// The terms of a text, each once, in the order of its words.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    of_pieces(&pieces(text))
}

/// The same of a text that is cut already.
pub(super) fn of_pieces(all: &[Piece]) -> Vec<String> {
    let mut seen = HashSet::with_capacity(all.len().min(MOST));
    let mut terms = Vec::with_capacity(all.len().min(MOST));
    for (at, piece) in all.iter().enumerate() {
        let term = match follows(all.get(at + 1)).filter(|_| piece.sign) {
            Some(next) => pair(piece, next),
            None => of_word(&piece.text),
        };
        if seen.insert(term.clone()) {
            terms.push(term);
            if terms.len() >= MOST {
                break;
            }
        }
    }
    terms
}

/// Gives the terms of every text with these pieces in a row. `open`: the last word may go on.
pub(super) fn needs(row: &[Piece], open: bool) -> Vec<Need> {
    let mut all = Vec::new();
    for (at, piece) in row.iter().enumerate() {
        all.push(match (piece.sign, follows(row.get(at + 1))) {
            (true, Some(next)) => Need::Term(pair(piece, next)),
            // The pair before has it.
            (true, None) if piece.glued => continue,
            (true, None) => Need::Begin(vec![of_word(&piece.text)]),
            (false, _) if open && at + 1 == row.len() => Need::Begin(of_beginning(&piece.text)),
            (false, _) => Need::Term(of_word(&piece.text)),
        });
    }
    all
}

/// The beginning of a user's terms where an index is of all users: `u` and six digits to the base of 36.
pub(crate) fn of_user(user: u64) -> String {
    let mut out = String::with_capacity(64);
    out.push('u');
    digits(&mut out, u32::try_from(user % 36_u64.pow(6)).unwrap_or_default(), 6);
    out
}

/// The terms from the first of this pair on, up to the second and without it, are those that begin so.
pub(crate) fn begins(term: &str) -> (String, String) {
    // Behind `z`, and no character of a term.
    (term.to_owned(), format!("{term}{{"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_are_plain_and_bounded() {
        assert_eq!(of_text("The the END"), ["athe", "aend"]);
        assert_eq!(of_text("é"), ["z006h"]);
        assert_eq!(of_text(&"x".repeat(99)), [format!("a{}", "x".repeat(32))]);
        assert_eq!(of_text(&"é".repeat(99))[0].len(), 49);
        let many: String = (0..5000).map(|number| format!("w{number} ")).collect();
        assert_eq!(of_text(&many).len(), MOST);
        assert_eq!(of_user(0), "u000000");
        assert_eq!(of_user(36_u64.pow(6) - 1), "uzzzzzz");
        assert_eq!(of_user(u64::MAX).len(), 7);
    }

    #[test]
    fn signs_go_in_pairs_and_the_last_alone() {
        let [to, kyo, both] = ["東", "京", "東京"].map(of_characters);
        assert_eq!(of_text("東京"), [both.clone(), kyo.clone()]);
        assert_eq!(of_text("東 京"), [to.clone(), kyo]);
        assert_eq!(needs(&pieces("東京"), false), [Need::Term(both)]);
        assert_eq!(needs(&pieces("東"), false), [Need::Begin(vec![to])]);
    }

    proptest! {
        #[test]
        fn terms_are_letters_and_digits_of_any_text(text in "\\PC*") {
            for term in of_text(&text) {
                prop_assert!(term.len() <= 49 && term.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{term}");
            }
        }
    }
}
