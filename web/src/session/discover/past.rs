//! Finds the rooms in which the words of a search were said, by stored messages: the full-text index is asked beside the answers, one question of a
//! user at a time, bounded in time and messages. Holds no lock of a session while the store is asked.

use super::rank::Query;
use super::talk::Talk;
use crate::search::Search;
use crate::session::browse::FRESH;
use crate::session::state::{Env, State};
use crate::session::{Hub, Session, price};
use crate::wire::EventBody;
use bridge::id::{AccountId, ConversationId};
use bridge::model::ConversationKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Milliseconds for which an answer of the store is good. Later messages are in memory.
const FRESH_MS: u64 = 30_000;
/// Time of the store for one question; the rooms of its pages until then are known.
const PATIENCE: Duration = Duration::from_secs(4);
/// Milliseconds after which nobody waits for a question, however it went.
const GIVEN_UP_MS: u64 = 10_000;
/// Messages of a page, and pages of one question. The newest count.
const A_PAGE: u32 = 200;
const MOST_PAGES: usize = 5;
/// Rooms that are told of.
const MOST_ROOMS: usize = 200;

/// The store's answer on the words that were looked for last.
#[derive(Debug, Default)]
pub(super) struct Past {
    words: String,
    rooms: BTreeMap<ConversationId, PastRoom>,
    /// The time from which the store may be asked the same again.
    next: u64,
    /// The time until which, at most, the store is being asked.
    asking: u64,
    /// The question that comes then.
    wanted: Option<Query>,
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

    /// An account is gone.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.rooms.retain(|_, room| room.account != account);
    }

    /// Forgets the answer, and one that is on its way: messages were deleted.
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.rooms.clear();
    }

    /// Wants what the store has of these words, unless that is known. True: somebody has to ask.
    fn want(&mut self, query: &Query, now: u64) -> bool {
        let words = query.text();
        if self.words == words && (self.is_pending(now) || now < self.next) {
            return false;
        }
        if self.words != words {
            self.rooms.clear();
        }
        (self.words, self.wanted, self.next) = (words, Some(query.clone()), 0);
        if self.is_pending(now) {
            return false;
        }
        self.asking = now + GIVEN_UP_MS;
        true
    }

    /// The question to ask now; `None`: nothing more.
    fn begin(&mut self, now: u64) -> Option<Query> {
        let wanted = self.wanted.take();
        self.asking = if wanted.is_some() { now + GIVEN_UP_MS } else { 0 };
        wanted
    }

    /// Takes in what was found.
    fn take(&mut self, query: &Query, rooms: BTreeMap<ConversationId, PastRoom>, now: u64) {
        if self.words == query.text() {
            (self.rooms, self.next) = (rooms, now + FRESH_MS);
        }
    }
}

impl Hub {
    /// Asks the store for talk with these words, where there is one and that was not done just now. `has_rooms`: accounts are
    /// signed on whose rooms may be in an answer.
    pub(super) fn look_back(self: &Arc<Self>, session: &Session, state: &mut State, query: &Query, now: u64, has_rooms: bool) {
        if !has_rooms || self.memory.is_none() || state.keep.is_none() || query.indexed().is_none() {
            return;
        }
        let Some(session) = self.session(session.id) else { return };
        let past = &mut state.seldom.get_or_insert_default().discovery.past;
        if past.want(query, now) {
            state.asked.charge(price::SEARCH);
            tokio::spawn(Arc::clone(self).ask_the_store(session));
        }
    }

    /// Asks until nothing more is wanted.
    async fn ask_the_store(self: Arc<Self>, session: Arc<Session>) {
        let mut known: Option<(Query, BTreeMap<ConversationId, PastRoom>)> = None;
        loop {
            let query = {
                let env = self.env();
                let mut state = session.lock();
                if state.ended.is_some() {
                    return;
                }
                let past = &mut state.seldom.get_or_insert_default().discovery.past;
                if let Some((query, rooms)) = known.take() {
                    past.take(&query, rooms, env.now);
                }
                let Some(query) = past.begin(env.now) else {
                    state.tell_past(&self, &env);
                    return state.deliver(&env);
                };
                query
            };
            let rooms = self.stored_talk(&session, &query).await;
            known = Some((query, rooms));
        }
    }

    /// The rooms in which all words were said, by the newest such messages of those that are stored.
    async fn stored_talk(&self, session: &Session, query: &Query) -> BTreeMap<ConversationId, PastRoom> {
        let mut rooms = BTreeMap::new();
        let (Some(memory), Some(asked)) = (&self.memory, query.indexed()) else { return rooms };
        let Some((last, turn)) = session.lock().keep.as_ref().map(|keep| (keep.last(), keep.searching.clone())) else { return rooms };
        let until = Instant::now() + PATIENCE;
        // A user's searches take turns.
        let Ok(turn) = tokio::time::timeout_at(until, turn.lock_owned()).await else { return rooms };
        memory.journal.reached(last, FRESH).await;
        let mut turn = Some(turn);
        let mut below = u64::MAX >> 1;
        for _ in 0..MOST_PAGES {
            let Some(held) = turn.take() else { break };
            let found = memory.look_for(held, session.id, Search::of(asked.clone()), below, A_PAGE, until).await;
            let Ok((found, held)) = found.inspect_err(|error| crate::pace::paced!(warn, "talk is not looked for in the store: {error}"))
            else {
                break;
            };
            turn = Some(held);
            let now = self.env().wall;
            for hit in found.hits {
                let message = &hit.message;
                if hit.kind != ConversationKind::Room || !query.is_said(&message.text) {
                    continue;
                }
                let id = message.conversation;
                if !rooms.contains_key(&id) && rooms.len() >= MOST_ROOMS {
                    continue;
                }
                let mut talk = rooms.get(&id).map(|room: &PastRoom| room.talk);
                Talk::take(&mut talk, message.time, now);
                rooms.extend(talk.map(|talk| (id, PastRoom { account: hit.account, name: hit.name, title: hit.title, talk })));
            }
            match found.next {
                Some(next) => below = next,
                None => break,
            }
        }
        rooms
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
