//! Recovery codes: what brings a user's key back when the password is forgotten. Shown once, never stored (see `key` for the wrap).

use zeroize::{Zeroize as _, Zeroizing};

/// Crockford's: without I, L, O and U, which are mistaken for others or make words.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 160 bits in eight groups of four.
const BYTES: usize = 20;
const GROUP: usize = 4;
const LENGTH: usize = BYTES * 8 / 5;

/// A recovery code: never printed by accident, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; BYTES]>);

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn create() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// For the person it belongs to: `ABCD-EFGH-…`.
    pub fn show(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / GROUP));
        for (number, piece) in self.0.chunks(5).enumerate() {
            let bits = piece.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for at in 0..8 {
                if at % GROUP == 0 && (number, at) != (0, 0) {
                    text.push('-');
                }
                let letter = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or_default();
                text.push(LETTERS.get(letter).copied().unwrap_or_default().into());
            }
        }
        text
    }

    /// Reads a code as it was typed. Case, blanks, dashes, O for 0 and I or L for 1 do not matter. `None`: no code looks like that.
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        let (mut bits, mut held, mut count) = (0_u64, 0_u32, 0);
        let mut places = bytes.iter_mut();
        for letter in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}')) {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            };
            let value = LETTERS.iter().position(|known| char::from(*known) == letter)?;
            (bits, held, count) = (bits << 5 | value as u64, held + 5, count + 1);
            if held >= 8 {
                held -= 8;
                *places.next()? = u8::try_from(bits >> held & 0xff).ok()?;
            }
        }
        bits.zeroize();
        (count == LENGTH).then_some(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_however_it_is_typed(bytes in any::<[u8; BYTES]>(), style in 0..5) {
            let code = RecoveryCode(Zeroizing::new(bytes));
            let shown = code.show().to_string();
            let typed = match style {
                0 => shown,
                1 => shown.to_lowercase(),
                2 => shown.replace('-', ""),
                3 => format!("  {} \n", shown.replace('-', " ").to_lowercase()),
                _ => shown.replace('0', "o").replace('1', "l").replace('-', "\u{2013}"),
            };
            prop_assert_eq!(RecoveryCode::read(&typed), Some(code));
        }

        #[test]
        fn whatever_is_typed_is_read_or_refused(text in ".{0,60}") {
            if let Some(code) = RecoveryCode::read(&text) {
                prop_assert_eq!(RecoveryCode::read(&code.show()), Some(code));
            }
        }
    }

    #[test]
    fn a_code_is_eight_groups_of_four() {
        let code = RecoveryCode(Zeroizing::new(*b"\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xfc\xfd\xfe\xff"));
        assert_eq!(&**code.show(), "000G-40R4-0M30-E209-185G-R38E-1ZYF-VZQZ");
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let shown = RecoveryCode::create().unwrap().show().to_string();
        let shorter = &shown[..shown.len() - 1];
        let longer = format!("{shown}0");
        let other = format!("{shorter}U");
        for text in ["", "-", shorter, &longer, &other, "ß", &"A".repeat(1000)] {
            assert_eq!(RecoveryCode::read(text), None, "{text}");
        }
    }
}
