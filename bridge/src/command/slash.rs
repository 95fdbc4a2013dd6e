//! Reads a typed text as a slash command, an escaped slash or plain words. Does not know which commands there are (see `purple/conversation/slash.rs`).

/// What a typed text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed<'a> {
    /// Words to be said as they stand.
    Words,
    /// `//…`: the text is to be said without its first slash.
    Escaped,
    /// `/name words`. Never said.
    Command {
        /// What stands after the slash up to the first blank; may be empty.
        name: &'a str,
        /// What follows the blanks after the name.
        words: &'a str,
    },
}

/// Reads a text that [`crate::text::prose`] has cleaned. In front of a command's name blanks are passed over, and an input method's wide slash
/// is a slash: such a text was meant for the server, not for the people.
pub fn read(text: &str) -> Typed<'_> {
    if text.starts_with("//") {
        return Typed::Escaped;
    }
    let shown = text.trim_start_matches(is_blank);
    let Some(rest) = shown.strip_prefix(['/', '／']) else { return Typed::Words };
    if !text.starts_with('/') && !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Typed::Words;
    }
    let end = rest.find(is_blank).unwrap_or(rest.len());
    let (name, words) = rest.split_at(end);
    Typed::Command { name, words: words.trim_start_matches(is_blank) }
}

/// White space, and what nobody sees: Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties), the blank of Braille, and annotations.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_command_is_one() {
        for (text, name, words) in [
            ("/ns identify secret", "ns", "identify secret"),
            ("/MSG NickServ  x ", "MSG", "NickServ  x "),
            ("/me", "me", ""),
            ("/topic\nfirst\nsecond", "topic", "first\nsecond"),
            ("/topic\u{a0} x", "topic", "x"),
            (" /ns identify secret", "ns", "identify secret"),
            ("\n\t/ns x", "ns", "x"),
            ("\u{feff}/ns x", "ns", "x"),
            ("\u{ad}\u{202a}\u{2066}\u{e0020}\u{fe0f}/ns x", "ns", "x"),
            ("\u{3164}/ns\u{180e}x", "ns", "x"),
            ("／ns x", "ns", "x"),
            ("/usr/bin/env", "usr/bin/env", ""),
            ("/", "", ""),
            ("/ x", "", "x"),
            ("/☃ x", "☃", "x"),
        ] {
            assert_eq!(read(text), Typed::Command { name, words }, "{text:?}");
        }
    }

    #[test]
    fn what_does_not_is_none() {
        for text in ["", "a /b", "  // a comment", " /\\_/\\", "／人◕ ‿‿ ◕人＼", "1/2", "&#47;me", "\\/x"] {
            assert_eq!(read(text), Typed::Words, "{text:?}");
        }
        assert_eq!((read("//foo"), read("//"), read("///x")), (Typed::Escaped, Typed::Escaped, Typed::Escaped));
    }
}
