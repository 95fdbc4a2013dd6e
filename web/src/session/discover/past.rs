//! Finds the rooms in which the words of a search were said, by stored messages: the full-text index is asked beside the answers, one question of a
//! user at a time, bounded in time and messages. Holds no lock of a session while the store is asked.

use super::rank::Query;
use super::talk::Talk;
use crate::search::{self, Search};
use crate::session::state::{Env, State};
use crate::session::{Hub, Session, price};
use crate::store::Hit;
use crate::wire::EventBody;
use bridge::id::{AccountId, ConversationId};
use bridge::model::ConversationKind;
use bridge::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Milliseconds for which an answer of the store is good. Later messages are in memory.
const FRESH_MS: u64 = 30_000;
/// The same of an answer that is not whole.
const FRESH_PARTIAL_MS: u64 = 5_000;
/// Time of the store for one question; the rooms of its pages until then are known.
const PATIENCE: Duration = Duration::from_secs(4);
/// Milliseconds after which nobody waits for a question, however it went.
const GIVEN_UP_MS: u64 = 10_000;
/// Messages of one question: the newest count. They come in one page, unless the store has looked at too many others to fill it.
const MOST: usize = 500;
const MOST_PAGES: usize = 5;
/// Rooms that are told of.
const MOST_ROOMS: usize = 200;

/// The store's answer on the words that were looked for last.
#[derive(Debug, Default)]
pub(super) struct Past {
    words: String,
    rooms: BTreeMap<ConversationId, PastRoom>,
    /// The last answer was not whole, or there was none.
    is_partial: bool,
    /// The time from which the store may be asked the same again.
    next: u64,
    /// The time until which, at most, the store is being asked.
    asking: u64,
    /// The question that comes then.
    wanted: Option<Question>,
    /// Counts deletions of messages: an answer to a question from before one may tell of what was deleted.
    deletions: u64,
}

/// A question to the store.
#[derive(Debug)]
struct Question {
    query: Query,
    indexed: search::Query,
    /// The deletions before it was asked.
    deletions: u64,
}

/// An answer of the store.
#[derive(Debug, Default)]
struct Answer {
    rooms: BTreeMap<ConversationId, PastRoom>,
    /// All was looked at, in time.
    is_whole: bool,
}

/// A room of which messages are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastRoom {
    pub(super) account: AccountId,
    /// The network's name, and the one to show.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) talk: Talk,
}

impl Past {
    /// Whether more may be known soon.
    pub(super) fn is_pending(&self, now: u64) -> bool {
        self.asking > now
    }

    /// Whether something is kept of an earlier question.
    pub(super) fn is_used(&self) -> bool {
        !self.words.is_empty()
    }

    /// The rooms in which these words were said, as far as that is known.
    pub(super) fn rooms(&self, query: &Query) -> impl Iterator<Item = (&ConversationId, &PastRoom)> {
        let same = self.words == query.text();
        self.rooms.iter().filter(move |_| same)
    }

    /// Whether rooms in which these words were said may be missing, as the store did not say all of it.
    pub(super) fn is_partial(&self, query: &Query) -> bool {
        self.is_partial && self.words == query.text()
    }

    /// An account is gone.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.rooms.retain(|_, room| room.account != account);
    }

    /// Forgets the answer, and one that is on its way: messages were deleted.
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.rooms.clear();
        (self.is_partial, self.wanted) = (false, None);
        self.deletions += 1;
    }

    /// Wants what the store has of these words, unless that is known. True: somebody has to ask.
    fn want(&mut self, query: &Query, now: u64) -> bool {
        let words = query.text();
        if self.words == words && (self.is_pending(now) || now < self.next) {
            return false;
        }
        let Some(indexed) = query.indexed() else { return false };
        if self.words != words {
            self.rooms.clear();
            self.is_partial = false;
        }
        (self.words, self.next) = (words, 0);
        self.wanted = Some(Question { query: query.clone(), indexed, deletions: self.deletions });
        if self.is_pending(now) {
            return false;
        }
        self.asking = now + GIVEN_UP_MS;
        true
    }

    /// The question to ask now; `None`: nothing more.
    fn begin(&mut self, now: u64) -> Option<Question> {
        let wanted = self.wanted.take();
        self.asking = if wanted.is_some() { now + GIVEN_UP_MS } else { 0 };
        wanted
    }

    /// Takes an answer in, unless something else is looked for by now, or something was deleted. Known rooms stay where the answer is
    /// not whole.
    fn take(&mut self, question: &Question, answer: Answer, now: u64) {
        if self.words != question.query.text() || self.deletions != question.deletions {
            return;
        }
        self.is_partial = !answer.is_whole;
        self.next = now + if answer.is_whole { FRESH_MS } else { FRESH_PARTIAL_MS };
        if answer.is_whole {
            self.rooms = answer.rooms;
            return;
        }
        for (id, room) in answer.rooms {
            if let Some(known) = self.rooms.get_mut(&id) {
                *known = PastRoom { talk: known.talk.merge(room.talk), ..room };
            } else if self.rooms.len() < MOST_ROOMS {
                self.rooms.insert(id, room);
            }
        }
    }
}

impl Hub {
    /// Asks the store for talk with these words, where there is one and that was not done just now. `has_rooms`: accounts are
    /// signed on whose rooms may be in an answer.
    pub(super) fn look_back(self: &Arc<Self>, session: &Arc<Session>, state: &mut State, query: &Query, now: u64, has_rooms: bool) {
        if !has_rooms || self.memory.is_none() || state.keep.is_none() {
            return;
        }
        let past = &mut state.seldom.get_or_insert_default().discovery.past;
        if past.want(query, now) {
            tokio::spawn(Arc::clone(self).ask_the_store(Arc::clone(session)));
        }
    }

    /// Asks until nothing more is wanted.
    async fn ask_the_store(self: Arc<Self>, session: Arc<Session>) {
        let mut known: Option<(Question, Answer)> = None;
        loop {
            let question = {
                let env = self.env();
                let mut state = session.lock();
                if state.ended.is_some() {
                    return;
                }
                let past = &mut state.seldom.get_or_insert_default().discovery.past;
                if let Some((question, answer)) = known.take() {
                    past.take(&question, answer, env.now);
                }
                let Some(question) = past.begin(env.now) else {
                    state.tell_past(&self, &env);
                    return state.deliver(&env);
                };
                state.asked.charge(price::SEARCH);
                question
            };
            let answer = self.stored_talk(&session, &question).await;
            known = Some((question, answer));
        }
    }

    /// The rooms in which all words were said, by the newest such messages of those that are stored.
    async fn stored_talk(&self, session: &Session, question: &Question) -> Answer {
        let mut answer = Answer::default();
        let Some(memory) = &self.memory else { return answer };
        let Some((last, turn)) = session.lock().keep.as_ref().map(|keep| (keep.last(), keep.searching.clone())) else { return answer };
        let until = Instant::now() + PATIENCE;
        // Deleted messages may be there until then.
        if !memory.journal.reached(last, PATIENCE).await {
            return answer;
        }
        // A user's searches take turns.
        let Ok(mut turn) = tokio::time::timeout_at(until, turn.lock_owned()).await else { return answer };
        let (mut below, mut seen) = (u64::MAX >> 1, 0);
        for page in 0..MOST_PAGES {
            if page > 0 {
                session.lock().asked.charge(price::SEARCH);
            }
            let most = u32::try_from(MOST.saturating_sub(seen)).unwrap_or(u32::MAX);
            let found = memory.look_for(turn, session.id, Search::of(question.indexed.clone()), below, most, until).await;
            let found = found.inspect_err(|error| crate::pace::paced!(warn, "talk is not looked for in the store: {error}"));
            let Ok((found, held)) = found else { return answer };
            turn = held;
            seen += found.hits.len();
            answer.is_whole = !found.partial;
            answer.take(question, found.hits, self.env().wall);
            match found.next {
                Some(next) if seen < MOST => below = next,
                _ => return answer,
            }
            // With the next page only.
            answer.is_whole = false;
        }
        answer
    }
}

impl Answer {
    fn take(&mut self, question: &Question, hits: Vec<Hit>, now: Timestamp) {
        for hit in hits {
            let message = &hit.message;
            if hit.kind != ConversationKind::Room || !question.query.is_said(&message.text) {
                continue;
            }
            let id = message.conversation;
            if !self.rooms.contains_key(&id) && self.rooms.len() >= MOST_ROOMS {
                continue;
            }
            let mut talk = self.rooms.get(&id).map(|room: &PastRoom| room.talk);
            Talk::take(&mut talk, message.time, now);
            self.rooms.extend(talk.map(|talk| (id, PastRoom { account: hit.account, name: hit.name, title: hit.title, talk })));
        }
    }
}

impl State {
    /// Tells that what is stored was looked at, each account whose rooms may be in an answer.
    fn tell_past(&mut self, hub: &Hub, env: &Env<'_>) {
        for (account, _, _) in self.signed_on(hub.networks.catalogue(), None) {
            let pending = self.network(account).is_some_and(|known| known.is_pending(env.now));
            self.emit(env, None, EventBody::DiscoverChanged { account, pending });
        }
    }
}
