//! Words by which a user wants to be called in rooms, beside the nick: which texts have one. Pure.

use serde_json::{Map, Value};

/// The setting that holds them: a list of texts.
const SETTING: &str = "highlight";
/// Words that are looked for, and bytes of each; the page takes no more.
const MOST: usize = 50;
const LONGEST: usize = 100;
/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 8 << 10;

/// Whether a text has one of the user's words, whole, in whatever case.
pub(super) fn calls(settings: &Map<String, Value>, text: &str) -> bool {
    let Some(Value::Array(words)) = settings.get(SETTING) else { return false };
    let words = words.iter().take(MOST).filter_map(Value::as_str).map(str::trim).filter(|word| !word.is_empty() && word.len() <= LONGEST);
    let mut words = words.map(str::to_lowercase).peekable();
    if words.peek().is_none() {
        return false;
    }
    let text = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or(text).to_lowercase();
    words.any(|word| has_word(&text, &word))
}

/// Whether `word` is in `text` with nothing of a word beside it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        !before.into_iter().chain(after).any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_words_call_in_whatever_case() {
        let settings = |words: Value| Map::from_iter([(SETTING.to_owned(), words)]);
        let words = settings(json!(["Bluebell", "  ", "c++", "грядка", 7]));
        for (text, does) in [
            ("the bluebell is out", true),
            ("BLUEBELL!", true),
            ("bluebells are out", false),
            ("a c++ question", true),
            ("новая Грядка.", true),
            ("", false),
            ("nothing", false),
        ] {
            assert_eq!(calls(&words, text), does, "{text}");
        }
        assert!(!calls(&settings(json!("bluebell")), "bluebell"), "a list is what is read");
        assert!(!calls(&settings(json!(["x".repeat(LONGEST + 1)])), &"x".repeat(LONGEST + 1)));
        assert!(!calls(&Map::new(), "bluebell"));
        let late = format!("{}bluebell", "ü ".repeat(LOOKED_AT));
        assert!(!calls(&words, &late), "a long text is looked at in part");
    }
}
