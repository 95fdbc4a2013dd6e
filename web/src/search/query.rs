//! Queries of people: words, beginnings and phrases, with bounds of where and when; and the places of their words in a text. Reads no index.

use super::pieces::{Piece, folded, pieces};
use super::terms::{Need, needs};
use bridge::id::{AccountId, ConversationId};
use bridge::model::Author;
use bridge::time::Timestamp;

/// Longest query: bytes.
pub const MOST_BYTES: usize = 1000;
/// Words and signs of a query.
pub const MOST_WORDS: usize = 20;
/// Letters of a beginning.
const LEAST_LETTERS: usize = 2;
/// Places that are shown of one message.
const MOST_RANGES: usize = 100;

/// Places in a text, each from and to, in UTF-16 units as JavaScript counts; in order, none overlapping.
pub type Ranges = Vec<(usize, usize)>;

/// The reason for which a query is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// More than [`MOST_BYTES`].
    TooLong,
    /// No word is in it.
    NoWords,
    /// More than [`MOST_WORDS`].
    TooManyWords,
    /// A beginning of one letter.
    TooShort,
}

/// Words in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    row: Vec<Piece>,
    /// The last word may go on.
    open: bool,
}

/// A query. A text fits when it has all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    parts: Vec<Part>,
}

impl Query {
    /// Reads a query: `word`, `begin*`, `"words in a row"`. Words that are written together (`3.14`, `well-known`) stand together in the text.
    ///
    /// # Errors
    /// A [`Flaw`].
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        if text.len() > MOST_BYTES {
            return Err(Flaw::TooLong);
        }
        let mut parts: Vec<Part> = Vec::new();
        for (at, piece) in text.split(['"', '\u{201c}', '\u{201d}', '\u{201e}']).enumerate() {
            if at % 2 == 1 {
                parts.extend(Part::parse(piece)?);
            } else {
                for word in piece.split_whitespace() {
                    parts.extend(Part::parse(word)?);
                }
            }
        }
        let mut each: Vec<Part> = Vec::with_capacity(parts.len());
        for part in parts {
            if !each.iter().any(|known| known.is(&part)) {
                each.push(part);
            }
        }
        match each.iter().map(|part| part.row.len()).sum::<usize>() {
            0 => Err(Flaw::NoWords),
            count if count > MOST_WORDS => Err(Flaw::TooManyWords),
            _ => Ok(Self { parts: each }),
        }
    }

    /// Gives the terms, each once, that the index has of every text that fits.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let mut all: Vec<Need> = self.parts.iter().flat_map(|part| needs(&part.row, part.open)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Gives the places of all parts in a text; `None` when the text has not all of them.
    pub fn find(&self, text: &str) -> Option<Ranges> {
        self.find_in(text, &pieces(text))
    }

    /// The same in a text that is cut already.
    pub(super) fn find_in(&self, text: &str, all: &[Piece]) -> Option<Ranges> {
        let mut places = Vec::new();
        for part in &self.parts {
            let before = places.len();
            for at in (0..all.len()).filter(|at| part.is_at(all, *at)).take(MOST_RANGES) {
                let row = all.get(at..at + part.row.len()).unwrap_or_default();
                places.extend(row.first().zip(row.last()).map(|(first, last)| (first.place.start, last.place.end)));
            }
            if places.len() == before {
                return None;
            }
        }
        Some(in_utf16(text, merged(places)))
    }
}

impl Part {
    fn parse(text: &str) -> Result<Option<Self>, Flaw> {
        let row = pieces(text);
        let Some(last) = row.last() else { return Ok(None) };
        let open = !last.sign && text.get(last.place.end..).is_some_and(|rest| rest.trim_end().starts_with('*'));
        if open && last.text.chars().count() < LEAST_LETTERS {
            return Err(Flaw::TooShort);
        }
        Ok(Some(Self { row, open }))
    }

    fn is(&self, other: &Self) -> bool {
        let same = |(one, two): (&Piece, &Piece)| one.text == two.text && one.glued == two.glued;
        self.open == other.open && self.row.len() == other.row.len() && self.row.iter().zip(&other.row).all(same)
    }

    fn is_at(&self, all: &[Piece], at: usize) -> bool {
        let Some(there) = all.get(at..at + self.row.len()) else { return false };
        let last = self.row.len() - 1;
        self.row.iter().zip(there).enumerate().all(|(place, (wanted, there))| {
            let fits = if self.open && place == last { there.text.starts_with(&wanted.text) } else { there.text == wanted.text };
            fits && wanted.sign == there.sign && (!wanted.glued || there.glued)
        })
    }
}

/// The same places in order, those that touch as one.
fn merged(mut places: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    places.sort_unstable();
    let mut all: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    for (from, to) in places {
        match all.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all.truncate(MOST_RANGES);
    all
}

fn in_utf16(text: &str, places: Vec<(usize, usize)>) -> Ranges {
    let (mut units, mut bytes) = (0, 0);
    let mut upto = |at: usize| {
        units += text.get(bytes..at).map_or(0, |part| part.encode_utf16().count());
        bytes = at;
        units
    };
    places.into_iter().map(|(from, to)| (upto(from), upto(to))).collect()
}

/// A query with its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The words.
    pub query: Query,
    /// Only what this person wrote: the network's name or the alias, folded.
    pub from: Option<String>,
    /// Only on this account.
    pub account: Option<AccountId>,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what arrived then or later.
    pub since: Option<Timestamp>,
    /// Only what arrived before.
    pub until: Option<Timestamp>,
}

impl Search {
    /// For these words, wherever they are.
    pub fn of(query: Query) -> Self {
        Self { query, from: None, account: None, conversation: None, since: None, until: None }
    }

    /// The same, of this person alone.
    #[must_use]
    pub fn by(mut self, name: &str) -> Self {
        self.from = Some(folded(name.trim()));
        self
    }

    /// Whether it may be by this author.
    pub fn may_be_by(&self, author: &Author) -> bool {
        let Some(from) = &self.from else { return true };
        folded(&author.name) == *from || author.alias.as_ref().is_some_and(|alias| folded(alias) == *from)
    }

    /// The numbers of messages between which it is: above the first, below the second.
    pub fn numbers(&self) -> (u64, u64) {
        let number = |time: Timestamp| time.0.max(0).cast_unsigned().min(u64::MAX >> 17) << 16;
        let above = self.since.map_or(0, |since| number(since).saturating_sub(1));
        (above, self.until.map_or(i64::MAX.cast_unsigned(), number))
    }

    /// Whether a message of this account, conversation, author and number may be meant, apart from its words.
    pub(crate) fn admits(&self, account: AccountId, conversation: ConversationId, author: &Author, number: u64) -> bool {
        let (above, below) = self.numbers();
        self.account.is_none_or(|wanted| wanted == account)
            && self.conversation.is_none_or(|wanted| wanted == conversation)
            && above < number
            && number < below
            && self.may_be_by(author)
    }
}

#[cfg(test)]
mod tests {
    use super::super::terms::of_text;
    use super::*;
    use proptest::prelude::*;

    fn found(query: &str, text: &str) -> Option<Vec<String>> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let ranges = Query::parse(query).unwrap_or_else(|flaw| panic!("{query}: {flaw:?}")).find(text)?;
        Some(ranges.into_iter().map(|(from, to)| String::from_utf16(&units[from..to]).unwrap()).collect())
    }

    #[test]
    fn what_is_asked_is_found_where_it_stands() {
        let places = |all: &[&str]| Some(all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        for (query, text, wanted) in [
            ("see you", "You will see \u{1f600} me, YOU too", places(&["You", "see", "YOU"])),
            ("see you", "see them", None),
            ("the", "them", None),
            ("the*", "them and The", places(&["them", "The"])),
            ("\"see you\"", "see, you", places(&["see, you"])),
            ("\"see you\"", "you see", None),
            ("\"see yo*\"", "see your house", places(&["see your"])),
            ("caf*", "Café", places(&["Café"])),
            ("cafe", "café", None),
            ("3.14", "π is 3.14159", None),
            ("3.14*", "π is 3.14159", places(&["3.14159"])),
            ("well-known", "well known", places(&["well known"])),
            ("don't", "I DON’T", places(&["DON’T"])),
            ("homme", "l'homme", places(&["homme"])),
            ("東京", "在東京都", places(&["東京"])),
            ("京", "在東京都", places(&["京"])),
            ("京東", "東京東", places(&["京東"])),
            ("東京", "東 京", None),
            ("\u{1f600}", "a\u{1f600}b", places(&["\u{1f600}"])),
            ("a a a", "b a", places(&["a"])),
        ] {
            assert_eq!(found(query, text), wanted, "{query} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (query, flaw) in
            [("", Flaw::NoWords), (" \" ' -- ; * ( ) \u{301}", Flaw::NoWords), ("a*", Flaw::TooShort), ("д*", Flaw::TooShort)]
        {
            assert_eq!(Query::parse(query), Err(flaw), "{query}");
        }
        assert_eq!(Query::parse(&"x".repeat(1001)), Err(Flaw::TooLong));
        let many: String = (0..21).map(|number| format!("w{number} ")).collect();
        assert_eq!(Query::parse(&many), Err(Flaw::TooManyWords));
        // A star behind a sign says nothing new, one before a word nothing at all.
        assert!(Query::parse("東* *a \"open phrase").is_ok());
    }

    #[test]
    fn bounds_are_of_people_places_and_times() {
        let search = Search { since: Some(Timestamp(5)), until: Some(Timestamp(7)), ..Search::of(Query::parse("a").unwrap()).by(" BOB ") };
        let bob = Author { name: "bob@example.org".into(), alias: Some("Bob".into()), buddy: None, own: false };
        let admits = |number| search.admits(AccountId(1), ConversationId(1), &bob, number);
        assert_eq!([(5 << 16) - 1, 5 << 16, (7 << 16) - 1, 7 << 16].map(admits), [false, true, true, false]);
        assert!(!search.may_be_by(&Author { alias: None, ..bob.clone() }));
        let elsewhere = Search { account: Some(AccountId(2)), ..search.clone() };
        assert!(!elsewhere.admits(AccountId(1), ConversationId(1), &bob, 5 << 16));
    }

    proptest! {
        /// A text that a query finds has all terms that the query needs.
        #[test]
        fn the_index_has_what_the_text_has(words in proptest::collection::vec("[aéß東京都ก๎한1 '.\u{1f600}]{1,6}", 1..6), pick in 0usize..6, star in any::<bool>()) {
            let text = words.join(" ");
            let asked = words.get(pick % words.len()).cloned().unwrap_or_default();
            let asked = if star { format!("{asked}*") } else { asked };
            if let Ok(query) = Query::parse(&asked) {
                prop_assert!(query.find(&text).is_some(), "{asked} in {text}");
                let terms = of_text(&text);
                for need in query.needs() {
                    let there = match &need {
                        Need::Term(term) => terms.contains(term),
                        Need::Begin(all) => all.iter().any(|begin| terms.iter().any(|term| term.starts_with(begin))),
                    };
                    prop_assert!(there, "{need:?} in {terms:?}");
                }
            }
        }
    }
}
