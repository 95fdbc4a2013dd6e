//! Compares rooms with the words of a search, and puts those that fit in order; pure.

use crate::api::ApiError;
use crate::search;
use std::cmp::Reverse;

/// Bytes of a search, its words, and bytes of each.
const LONGEST: usize = 400;
const MOST_WORDS: usize = 8;
const A_WORD: usize = 64;

/// Signs of a word without blanks that the index of messages is asked for.
const A_DENSE_WORD: usize = 8;

/// The words of a search, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    words: Vec<String>,
}

/// The way in which a word stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    Inside,
    /// At the beginning of a word.
    Begins,
    Whole,
}

/// The fit of a room's name and topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fits {
    pub(super) name: bool,
    pub(super) topic: bool,
    score: u32,
}

/// The figures that a room's place among others is computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Merit {
    pub(super) fits: Option<Fits>,
    pub(super) people: u32,
    /// Messages with all words within a day.
    pub(super) hits: u32,
    /// Milliseconds since the last such message, where there is one.
    pub(super) since: Option<u64>,
}

impl Query {
    /// Reads a search. Marks around a word (`#`, `"`, `*`) do not count.
    ///
    /// # Errors
    /// 400 `missing_field` without a word; 400 `too_long`.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        if text.len() > LONGEST {
            return Err(ApiError::bad_request("too_long", format!("A search has at most {LONGEST} bytes.")).at("q"));
        }
        let bare =
            |word: &str| word.trim_matches(|c: char| c.is_control() || matches!(c, '#' | '&' | '"' | '*' | ',' | ';')).to_lowercase();
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace().map(bare).filter(|word| !word.is_empty()) {
            // A word that stands there twice asks nothing more.
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if words.is_empty() {
            return Err(ApiError::bad_request("missing_field", "Name something to look for.").at("q"));
        }
        if words.len() > MOST_WORDS || words.iter().any(|word| word.len() > A_WORD) {
            let message = format!("A search has at most {MOST_WORDS} words of {A_WORD} bytes.");
            return Err(ApiError::bad_request("too_long", message).at("q"));
        }
        Ok(Self { words })
    }

    /// Whether a room's name and what it says of itself have all words, and how well.
    pub(super) fn fits(&self, name: &str, about: &[&str]) -> Option<Fits> {
        let mut all = Fits::default();
        for word in &self.words {
            let in_name = stands(name, word);
            let in_topic = about.iter().filter_map(|text| stands(text, word)).max();
            let score = |stands: Option<Stands>, whole: u32| match stands {
                None => 0,
                Some(Stands::Inside) => whole / 2,
                Some(Stands::Begins) => whole * 3 / 4,
                Some(Stands::Whole) => whole,
            };
            let best = score(in_name, NAME).max(score(in_topic, TOPIC));
            if best == 0 {
                return None;
            }
            all.name |= in_name.is_some();
            all.topic |= in_topic.is_some();
            all.score += best;
        }
        all.score /= u32::try_from(self.words.len()).unwrap_or(1).max(1);
        Some(all)
    }

    /// Whether a message has all words, each at the beginning of a word.
    pub(super) fn is_said(&self, text: &str) -> bool {
        self.words.iter().all(|word| stands(text, word) > Some(Stands::Inside) || is_dense(word) && stands(text, word).is_some())
    }

    /// The question to the index of stored messages. Its answer has all that [`Query::is_said`] takes, and more; but of one letter alone, the whole word.
    /// `None`: no word has a letter.
    pub(super) fn indexed(&self) -> Option<search::Query> {
        let is_long = |word: &&String| word.chars().nth(1).is_some() || is_dense(word);
        let long: Vec<&String> = self.words.iter().filter(is_long).collect();
        let words = if long.is_empty() { self.words.iter().collect() } else { long };
        let (mut asked, mut all) = (String::new(), None);
        for word in words {
            let most = if is_dense(word) { A_DENSE_WORD } else { A_WORD };
            let bare: String = word.chars().take(most).map(|c| if matches!(c, '"' | '\u{201c}'..='\u{201e}') { ' ' } else { c }).collect();
            // Without a star where too few letters stand before it; not at all where that is too much.
            for form in [format!("{asked} {bare}*"), format!("{asked} {bare}")] {
                if let Ok(query) = search::Query::parse(&form) {
                    (asked, all) = (form, Some(query));
                    break;
                }
            }
        }
        all
    }

    /// The number of words.
    pub(super) fn count(&self) -> usize {
        self.words.len()
    }

    /// The words as one text, to know the search again.
    pub(super) fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// Points of a word in the name, and in the topic.
const NAME: u32 = 400;
const TOPIC: u32 = 200;
/// Points of talk within a day: of any, of each doubling, and at most.
const TALK: u32 = 260;
const MORE_TALK: u32 = 60;
const MOST_TALK: u32 = 620;
/// Points of each doubling of the people, and at most.
const MORE_PEOPLE: u32 = 30;
const MOST_PEOPLE: u32 = 400;
/// Further points where something was said within an hour, a day, a week, four weeks, and at any time.
const LATELY: [(u64, u32); 5] = [(3_600_000, 120), (86_400_000, 60), (7 * 86_400_000, 50), (28 * 86_400_000, 45), (u64::MAX, 40)];

impl Merit {
    /// Higher is better.
    pub(super) fn score(&self) -> u32 {
        let doublings = |count: u32| (u64::from(count) + 1).ilog2();
        let talk = if self.hits == 0 { 0 } else { (TALK + MORE_TALK * doublings(self.hits)).min(MOST_TALK) };
        let lately = self.since.and_then(|since| LATELY.iter().find(|(within, _)| since <= *within)).map_or(0, |(_, counts)| *counts);
        self.fits.map_or(0, |fits| fits.score) + talk + lately + (MORE_PEOPLE * doublings(self.people)).min(MOST_PEOPLE)
    }
}

/// Sorts by merit, then by the last talk, then by name; keeps the best.
pub(super) fn best<T>(mut all: Vec<(Merit, T)>, most: usize, name: impl Fn(&T) -> String) -> Vec<(Merit, T)> {
    all.sort_by_cached_key(|(merit, one)| (Reverse(merit.score()), merit.since.unwrap_or(u64::MAX), name(one)));
    all.truncate(most);
    all
}

/// Scripts that put no blanks between words: there a word is where its characters are.
fn is_dense(word: &str) -> bool {
    word.chars().any(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'))
}

/// Gives the best way in which a word in lower case stands in a text.
fn stands(text: &str, word: &str) -> Option<Stands> {
    if text.is_ascii() {
        if !word.is_ascii() {
            return None;
        }
        // Most rooms of most networks: without a copy of the text.
        let (text, word) = (text.as_bytes(), word.as_bytes());
        let is_at = |at: usize| text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word));
        let is_letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let place = |at: usize| rate(is_letter(at.checked_sub(1)), is_letter(Some(at + word.len())));
        return the_best((0..(text.len() + 1).saturating_sub(word.len())).filter(|at| is_at(*at)).map(place));
    }
    let text = text.to_lowercase();
    let place = |(at, found): (usize, &str)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        rate(before.is_some_and(char::is_alphanumeric), after.is_some_and(char::is_alphanumeric))
    };
    the_best(text.match_indices(word).map(place))
}

/// The greatest; looks no further once it cannot be surpassed.
fn the_best(places: impl Iterator<Item = Stands>) -> Option<Stands> {
    let mut best = None;
    for place in places {
        best = best.max(Some(place));
        if best == Some(Stands::Whole) {
            break;
        }
    }
    best
}

fn rate(before: bool, after: bool) -> Stands {
    match (before, after) {
        (false, false) => Stands::Whole,
        (false, true) => Stands::Begins,
        _ => Stands::Inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(text).unwrap()
    }

    fn fits(text: &str, name: &str, topic: &str) -> Option<(bool, bool)> {
        query(text).fits(name, &[topic]).map(|fits| (fits.name, fits.topic))
    }

    #[test]
    fn all_words_have_to_be_there() {
        assert_eq!(fits("rust", "#rust-lang", ""), Some((true, false)));
        assert_eq!(fits("#Rust async", "#RUST", "All about Async & await"), Some((true, true)));
        assert_eq!(fits("rust async", "#rust", "threads"), None);
        assert_eq!(fits("\"bluebell*\"", "garden", "Bluebells"), Some((false, true)));
        assert_eq!(fits("ГРЯДКА", "Новая грядка", ""), Some((true, false)));
        assert_eq!(fits("园艺", "我们的园艺聊天室", ""), Some((true, false)));
        assert_eq!(fits("c++", "#c++", ""), Some((true, false)));
        assert_eq!(fits("é", "plain", "ascii"), None);
    }

    #[test]
    fn a_search_is_bounded() {
        let code = |text: &str| Query::read(text).unwrap_err().code;
        assert_eq!((code(""), code(" # \"* ")), ("missing_field".into(), "missing_field".into()));
        assert_eq!(
            (code(&"a".repeat(65)), code("a b c d e f g h i"), code(&" ".repeat(401))),
            ("too_long".into(), "too_long".into(), "too_long".into())
        );
    }

    #[test]
    fn messages_are_found_by_whole_words_or_their_beginnings() {
        let said = |words: &str, text: &str| query(words).is_said(text);
        assert!(said("bluebell", "The BLUEBELLS are out") && said("out the", "The bluebells are out"));
        assert!(!said("bell", "The bluebells are out") && !said("bluebells in", "The bluebells are out"));
        assert!(said("园艺", "今天聊园艺吗"), "no blanks between words");
    }

    #[test]
    fn the_index_finds_all_that_counts_as_said() {
        for (words, text) in [
            ("bluebell", "The BLUEBELLS are out"),
            ("don't", "I DON'T know"),
            ("c++", "C++ and others"),
            ("rust-lang as", "about rust-lang, async"),
            ("an b\"cd", "And b\"cde"),
            ("o tools", "Our tools"),
            ("园艺", "今天聊园艺吗"),
            ("今天聊园艺吗今天聊园艺吗今天聊园艺吗", "今天聊园艺吗今天聊园艺吗今天聊园艺吗"),
            ("3.14", "3.14159"),
            (":) rust", "rust :)"),
        ] {
            let query = query(words);
            assert!(query.is_said(text), "{words}");
            assert!(query.indexed().is_some_and(|asked| asked.find(text).is_some()), "{words}");
        }
        assert_eq!(query(":)").indexed(), None);
        assert!(query("c").indexed().is_some_and(|asked| asked.find("in C, too").is_some()));
        let many = "今天聊园艺吗聊园 一二三四五六七八 九十百千万亿兆京 子丑寅卯辰巳午未 甲乙丙丁".to_owned();
        assert!(query(&many).indexed().is_some_and(|asked| asked.find(&many).is_some()), "more than an index is asked for");
    }

    fn order(all: &[(&str, Merit)]) -> Vec<String> {
        best(all.iter().map(|(name, merit)| (*merit, (*name).to_owned())).collect(), 3, Clone::clone)
            .into_iter()
            .map(|(_, name)| name)
            .collect()
    }

    fn named(text: &str, name: &str, topic: &str, people: u32) -> Merit {
        Merit { fits: query(text).fits(name, &[topic]), people, ..Merit::default() }
    }

    #[test]
    fn match_people_and_talk_make_the_order() {
        let whole = named("rust", "#rust", "", 10);
        let inside = named("rust", "#thrusters", "", 10);
        let topic = named("rust", "#corrosion", "rust, and how to stop it", 10);
        assert_eq!(order(&[("inside", inside), ("topic", topic), ("whole", whole)]), ["whole", "inside", "topic"]);
        // People lift a room among its like.
        assert_eq!(order(&[("few", named("rust", "#rust", "", 3)), ("many", named("rust", "#rust", "", 3000))]), ["many", "few"]);
        // Where it is talked about now goes before what is only called so.
        let talk = Merit { hits: 8, since: Some(60_000), people: 4, ..Merit::default() };
        assert_eq!(order(&[("called", named("rust", "#rust", "", 2)), ("talk", talk)]), ["talk", "called"]);
        let old = Merit { since: Some(3 * 86_400_000), people: 4, ..Merit::default() };
        assert_eq!(order(&[("old", old), ("called", named("rust", "#rust", "", 2))]), ["called", "old"]);
        let ago = |days: u64| Merit { since: Some(days * 86_400_000), people: 4, ..Merit::default() };
        assert_eq!(order(&[("a", ago(400)), ("b", ago(20)), ("c", ago(3))]), ["c", "b", "a"], "the last talk first");
        assert_eq!(order(&[("a", ago(6)), ("b", ago(3))]), ["b", "a"], "also of one week");
        // More than is shown is cut, and equals go by name.
        let same = named("rust", "#rust", "", 1);
        assert_eq!(order(&[("d", same), ("b", same), ("c", same), ("a", same)]), ["a", "b", "c"]);
        assert!(Merit { hits: u32::MAX, people: u32::MAX, ..whole }.score() < 2_000);
    }
}
