//! Cuts a text into words and signs: NFKC, case folded, each with its place in the text as it stands. Knows no query and no index.
//!
//! A word is a run of letters, digits and the marks on them; all else stands between words. Scripts that are written without spaces (Chinese, Japanese,
//! Korean, Thai and the like) have no words that could be told apart without a dictionary: there each character is a sign. An emoji is a word.

use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A word, or one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The piece's characters in the form that is compared.
    pub(crate) text: String,
    /// A character of a script without spaces, and no word.
    pub(crate) sign: bool,
    /// A sign with nothing between it and the sign before.
    pub(crate) glued: bool,
    /// The piece's place in the text, in bytes.
    pub(crate) place: Range<usize>,
}

/// Cuts a text.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut cutter = Cutter::default();
    let mut rest = text.char_indices().peekable();
    let mut cluster = String::new();
    while let Some((from, first)) = rest.next() {
        if first.is_ascii() && rest.peek().is_none_or(|(_, next)| next.is_ascii()) {
            cutter.take(first.to_ascii_lowercase(), from..from + 1);
            continue;
        }
        cluster.clear();
        cluster.push(first);
        while let Some((_, next)) = rest.next_if(|(_, next)| continues(*next)) {
            cluster.push(next);
        }
        let to = rest.peek().map_or(text.len(), |(at, _)| *at);
        for char in folded(&cluster).chars() {
            cutter.take(char, from..to);
        }
    }
    cutter.close();
    cutter.done
}

/// The form of a text in which texts are compared: NFKC, without case.
pub(crate) fn folded(text: &str) -> String {
    // Upper case first: so ß is ss, and both small sigmas are one.
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// A character that belongs to the one before: marks, and what Korean syllables are composed of.
fn continues(char: char) -> bool {
    !char.is_ascii()
        && (is_combining_mark(char) || matches!(char, '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7ff}' | '\u{ff9e}' | '\u{ff9f}'))
}

/// Characters that nobody sees, and that are no break between words: as if they were not there.
fn is_unseen(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{20dd}'..='\u{20e4}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Emoji and pictures of the kind.
fn is_emoji(char: char) -> bool {
    matches!(char, '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Of a script that is written without spaces.
fn is_sign(char: char) -> bool {
    match char {
        '\0'..='\u{dff}' => false,
        // Thai, Lao, Tibetan, Burmese.
        '\u{e00}'..='\u{109f}' => true,
        '\u{1100}'..='\u{11ff}' => true,
        // Khmer.
        '\u{1780}'..='\u{17ff}' => true,
        '\u{3005}'..='\u{3007}' => true,
        // Kana, Bopomofo, Hangul.
        '\u{3040}'..='\u{31ff}' => true,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => true,
        // Yi, Hangul, Burmese.
        '\u{a000}'..='\u{a4cf}' | '\u{a960}'..='\u{a97f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' => true,
        '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' => true,
        '\u{1b000}'..='\u{1b2ff}' | '\u{20000}'..='\u{3ffff}' => true,
        _ => false,
    }
}

#[derive(Default)]
struct Cutter {
    done: Vec<Piece>,
    word: Option<Piece>,
    /// The last character was a sign.
    in_signs: bool,
}

impl Cutter {
    fn take(&mut self, char: char, place: Range<usize>) {
        if is_unseen(char) {
            return;
        }
        if is_emoji(char) {
            self.close();
            self.done.push(Piece { text: char.into(), sign: false, glued: false, place });
            return;
        }
        let mark = is_combining_mark(char);
        if !mark && !char.is_alphanumeric() {
            self.close();
        } else if is_sign(char) {
            let glued = self.in_signs;
            self.close();
            self.done.push(Piece { text: char.into(), sign: true, glued, place });
            self.in_signs = true;
        } else if let Some(word) = &mut self.word {
            word.text.push(char);
            word.place.end = place.end;
        } else if !mark {
            self.in_signs = false;
            self.word = Some(Piece { text: char.into(), sign: false, glued: false, place });
        }
    }

    fn close(&mut self) {
        self.done.extend(self.word.take());
        self.in_signs = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        pieces(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn words_are_letters_digits_and_marks() {
        for (text, wanted) in [
            ("Hello, World!", &["hello", "world"][..]),
            ("well-known 3.14 don't", &["well", "known", "3", "14", "don", "t"]),
            ("STRASSE straße ΣΊΣΥΦΟΣ", &["strasse", "strasse", "σίσυφοσ"]),
            ("cafe\u{301} CAFÉ ﬁne Ａ１", &["café", "café", "fine", "a1"]),
            ("so\u{ad}ft \u{202e}abc \u{feff}", &["soft", "abc"]),
            ("foo_bar C++ a", &["foo", "bar", "c", "a"]),
            ("हिन्दी עִבְרִית", &["हिन्दी", "עִבְרִית"]),
            ("ok\u{1f44d}\u{1f3fd}! \u{2764}\u{fe0f}", &["ok", "\u{1f44d}", "\u{1f3fd}", "\u{2764}"]),
            ("\u{301}\u{301} ' \" * ", &[]),
        ] {
            assert_eq!(words(text), wanted, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_signs() {
        let signs = |text: &str| -> Vec<(String, bool)> { pieces(text).into_iter().map(|piece| (piece.text, piece.glued)).collect() };
        let all = |wanted: &[(&str, bool)]| wanted.iter().map(|(text, glued)| ((*text).to_owned(), *glued)).collect::<Vec<_>>();
        assert_eq!(signs("東京都"), all(&[("東", false), ("京", true), ("都", true)]));
        assert_eq!(signs("東 京"), all(&[("東", false), ("京", false)]));
        assert_eq!(signs("新iPhone手机"), all(&[("新", false), ("iphone", false), ("手", false), ("机", true)]));
        assert_eq!(signs("ｶﾞ"), all(&[("ガ", false)]));
        // Composed and in its parts.
        assert_eq!(signs("한국"), signs("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"));
    }

    #[test]
    fn places_are_those_of_the_text_as_it_stands() {
        let text = "x Cafe\u{301}s ﬁn 東京";
        let places: Vec<&str> = pieces(text).into_iter().map(|piece| &text[piece.place]).collect();
        assert_eq!(places, ["x", "Cafe\u{301}s", "ﬁn", "東", "京"]);
    }
}
