//! Searches that wait for what is said, found by the words of a message: each is kept under one of its words, so that a message is compared with the
//! searches under its own words alone, however many there are. Pure; whose they are, and how many there may be, is for the callers to say.

use super::pieces::pieces;
use super::query::{Ranges, Search};
use super::terms::{Need, of_pieces};
use bridge::id::{AccountId, ConversationId};
use bridge::model::Author;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Under which words a search is kept: one, or for the beginning of a word each form that it may have.
#[derive(Debug, Clone)]
enum Key {
    Term(String),
    Begin(Vec<String>),
}

#[derive(Debug)]
struct Waiting {
    search: Search,
    key: Key,
}

/// A message as a search sees it.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The account of the conversation.
    pub account: AccountId,
    /// The conversation of the message.
    pub conversation: ConversationId,
    /// The author of the message.
    pub author: &'a Author,
    /// The number of the message.
    pub number: u64,
    /// The text of the message.
    pub text: &'a str,
}

/// Searches by their ids.
#[derive(Debug, Default)]
pub struct Live {
    all: BTreeMap<u64, Waiting>,
    /// Ids by a term of which each message must have all.
    terms: HashMap<String, BTreeSet<u64>>,
    /// The same by what a term begins with.
    begins: HashMap<String, BTreeSet<u64>>,
    /// How many of `begins` have so many bytes.
    lengths: BTreeMap<usize, usize>,
    compared: u64,
}

impl Live {
    /// How many searches wait.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How often a search was compared with a message so far.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// Lets a search wait. The id is nobody else's.
    pub fn add(&mut self, id: u64, search: Search) {
        self.remove(id);
        let key = self.key(&search);
        match &key {
            Key::Term(term) => _ = self.terms.entry(term.clone()).or_default().insert(id),
            Key::Begin(all) => {
                for begin in all {
                    let ids = self.begins.entry(begin.clone()).or_default();
                    if ids.is_empty() {
                        *self.lengths.entry(begin.len()).or_default() += 1;
                    }
                    ids.insert(id);
                }
            }
        }
        self.all.insert(id, Waiting { search, key });
    }

    /// The word under which the fewest others are; of these the longest, as it is the rarest in texts. Beginnings only where there is no whole word.
    fn key(&self, search: &Search) -> Key {
        let mut best: Option<(usize, String)> = None;
        let mut begin = Vec::new();
        for need in search.query.needs() {
            match need {
                Need::Term(term) => {
                    let others = self.terms.get(&term).map_or(0, BTreeSet::len);
                    let better = best.as_ref().is_none_or(|(least, known)| others < *least || others == *least && term.len() > known.len());
                    if better {
                        best = Some((others, term));
                    }
                }
                Need::Begin(all) if begin.is_empty() => begin = all,
                Need::Begin(_) => {}
            }
        }
        best.map_or(Key::Begin(begin), |(_, term)| Key::Term(term))
    }

    /// Takes a search away. True: it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(gone) = self.all.remove(&id) else { return false };
        match gone.key {
            Key::Term(term) => _ = leave(&mut self.terms, &term, id),
            Key::Begin(all) => {
                for begin in all {
                    if leave(&mut self.begins, &begin, id)
                        && let Some(count) = self.lengths.get_mut(&begin.len())
                    {
                        *count -= 1;
                        if *count == 0 {
                            self.lengths.remove(&begin.len());
                        }
                    }
                }
            }
        }
        true
    }

    /// The searches that a message fits, by id, and where it has their words.
    pub fn hear(&mut self, said: Said<'_>) -> Vec<(u64, Ranges)> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let pieces = pieces(said.text);
        let mut ids: BTreeSet<u64> = BTreeSet::new();
        for term in of_pieces(&pieces) {
            ids.extend(self.terms.get(&term).into_iter().flatten());
            for length in self.lengths.keys() {
                let Some(begin) = term.get(..*length) else { break };
                ids.extend(self.begins.get(begin).into_iter().flatten());
            }
        }
        let mut hits = Vec::new();
        for id in ids {
            let Some(waiting) = self.all.get(&id) else { continue };
            self.compared += 1;
            let Said { account, conversation, author, number, text } = said;
            if waiting.search.admits(account, conversation, author, number)
                && let Some(ranges) = waiting.search.query.find_in(text, &pieces)
            {
                hits.push((id, ranges));
            }
        }
        hits
    }
}

/// Takes an id from under a word. True: none is left under it.
fn leave(of: &mut HashMap<String, BTreeSet<u64>>, word: &str, id: u64) -> bool {
    let Some(ids) = of.get_mut(word) else { return false };
    ids.remove(&id);
    let last = ids.is_empty();
    if last {
        of.remove(word);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;

    fn search(query: &str) -> Search {
        Search::of(Query::parse(query).unwrap())
    }

    fn heard(live: &mut Live, text: &str) -> Vec<u64> {
        let author = Author { name: "bob".into(), alias: None, buddy: None, own: false };
        let said = Said { account: AccountId(1), conversation: ConversationId(2), author: &author, number: 3, text };
        live.hear(said).into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_message_finds_the_searches_that_it_fits() {
        let mut live = Live::default();
        let all = ["garden", "caf*", "\"see you\" soon", "東", "東京", "hello garden", "\u{1f600}"];
        for (id, query) in (1..).zip(all) {
            live.add(id, search(query));
        }
        live.add(8, Search { conversation: Some(ConversationId(9)), ..search("garden") });
        live.add(9, search("garden").by("BOB"));
        for (text, wanted) in [
            ("In the GARDEN", &[1, 9][..]),
            ("hello, garden", &[1, 6, 9]),
            ("Café", &[2]),
            ("see you soon", &[3]),
            ("see them, you soon", &[]),
            ("東京", &[4, 5]),
            ("京東", &[4]),
            ("\u{1f600}", &[7]),
            ("nothing of it", &[]),
        ] {
            assert_eq!(heard(&mut live, text), wanted, "{text}");
        }
        for id in 1..10 {
            assert!(live.remove(id) && !live.remove(id));
        }
        assert!(live.is_empty() && live.terms.is_empty() && live.begins.is_empty() && live.lengths.is_empty());
        assert_eq!(heard(&mut live, "In the garden"), [0_u64; 0]);
    }

    #[test]
    fn a_message_is_compared_with_few_of_a_thousand_searches() {
        let mut live = Live::default();
        for id in 0..1000 {
            // A word of its own, words that others have, too, and beginnings.
            live.add(
                id,
                search(&match id % 4 {
                    0 => format!("word{id}"),
                    1 => format!("the word{id}"),
                    2 => format!("\"the meeting\" place{id}"),
                    _ => format!("begin{id}*"),
                }),
            );
        }
        for place in 0..100 {
            assert_eq!(heard(&mut live, &format!("the meeting is moved to place {place}, see you there")), [0_u64; 0]);
        }
        // Under a word that many have waits one of them.
        assert_eq!(live.compared(), 100);
        assert_eq!(heard(&mut live, "the word8 and word9, the meeting place10, beginning, begin11s"), [8, 9, 10, 11]);
        assert_eq!(live.compared(), 105);
    }
}
