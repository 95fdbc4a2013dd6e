//! Answers `GET /discover` from what is known at the moment: the user's own rooms, bookmarks and talk, and the lists of networks.

use super::list::{Form, List, Room};
use super::past::PastRoom;
use super::rank::{Merit, Query, best};
use super::talk::{Talk, talked_about};
use super::{Network, Phase};
use crate::api::ApiError;
use crate::session::state::State;
use crate::session::{Hub, Session, price};
use crate::wire::{DiscoverFailure, Discovered, DiscoveredRoom, RoomMatch};
use bridge::handle::Catalogue;
use bridge::id::{AccountId, ConversationId};
use bridge::model::{AccountState, ConversationKind, DESCRIBED};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rooms in an answer.
const MOST: usize = 100;
/// Accounts of a user whose networks are asked.
const MOST_ACCOUNTS: usize = 50;
/// Bytes of lists that one search looks through, times its words. Rooms behind this bound are found by a search of their network alone.
const MOST_BYTES: usize = 8 << 20;
/// Rooms and messages that cost as much as a request when they are looked at.
const A_REQUEST: usize = 5_000;

/// A room that is to be asked for its topic and people.
pub(super) struct Wish {
    pub(super) account: AccountId,
    pub(super) key: String,
}

/// A room that may fit, from all places that have it: lists, bookmarks, conversations, talk.
#[derive(Default)]
struct Candidate {
    name: String,
    topic: Option<String>,
    /// The topic or description in the network's list.
    about: Option<String>,
    people: Option<u32>,
    fields: BTreeMap<String, String>,
    joined: bool,
    conversation: Option<ConversationId>,
    bookmark: Option<String>,
    talk: Option<Talk>,
    /// The room stands in the network's list, and was not asked for its topic and people yet.
    is_unasked: bool,
}

impl Candidate {
    fn of_list(room: &Room) -> Self {
        let mut made = Self { name: room.name.to_string(), fields: room.form(), ..Self::default() };
        made.take_list(room);
        made
    }

    /// Of a room of the user's that the session does not hold any more.
    fn of_past(id: ConversationId, room: &PastRoom, form: &Form, fields: BTreeMap<String, String>) -> Self {
        let name = own_name(&room.name, &room.title, form, &fields);
        Self { name, fields, conversation: Some(id), talk: Some(room.talk), ..Self::default() }
    }

    fn take_list(&mut self, room: &Room) {
        self.about = room.about.as_deref().map(str::to_owned);
        self.topic = self.topic.take().or_else(|| room.topic.as_deref().map(str::to_owned));
        self.people = self.people.or(room.people);
        self.is_unasked = !room.asked && self.people.is_none();
    }

    fn about(&self) -> Vec<&str> {
        [&self.topic, &self.about].into_iter().filter_map(|text| text.as_deref()).collect()
    }
}

/// An account that is signed on, the form of its rooms, and whether its network has a list.
pub(super) type SignedOn = (AccountId, Form, bool);

type Candidates = BTreeMap<(AccountId, String), Candidate>;

impl Hub {
    /// The rooms where something is talked about, as far as they are known at once; networks that were not asked lately are asked.
    ///
    /// # Errors
    /// 400 `missing_field`, `too_long`, `bad_field`; 404 `no_such_account`; 429 `rate_limited`.
    pub fn discover(self: &Arc<Self>, session: &Arc<Session>, q: &str, account: Option<&str>) -> Result<Discovered, ApiError> {
        let query = Query::read(q)?;
        let env = self.env();
        let mut state = session.lock();
        state.asks(&env, q.len())?;
        let only = account.map(|account| state.own_account(account)).transpose()?;
        let catalogue = self.networks.catalogue();
        let accounts = state.signed_on(catalogue, only);
        state.want_lists(&accounts, env.now, |form| Network::new(List::new(form, self.discovering.bytes.clone())));
        self.ask_for_lists(session.id, &mut state, env.now);
        self.look_back(session, &mut state, &query, env.now, !accounts.is_empty());
        let talks = talked_about(&state, &query, env.wall);
        let (found, looked_at) = state.candidates(&accounts, &query, talks);
        state.asked.charge((looked_at / A_REQUEST) as u64);
        let merits = found.into_iter().filter_map(|(place, room)| Some((merit(&query, &room, env.wall.0)?, (place, room)))).collect();
        let ranked = best(merits, MOST, |(place, _): &((AccountId, String), Candidate)| place.1.clone());
        let wishes = ranked.iter().take(DESCRIBED).filter(|(_, (_, room))| room.is_unasked);
        let wishes = wishes.map(|(_, ((account, key), _))| Wish { account: *account, key: key.clone() }).collect();
        self.ask_rooms(session.id, &mut state, env.now, &query.text(), wishes);
        self.discovering.look_after(session.id);
        let rooms = ranked.into_iter().map(|(merit, (place, room))| wire(place.0, room, &merit)).collect();
        let answer = state.discovered(rooms, &accounts, &query, env.now);
        let bytes: usize = answer.rooms.iter().map(|room| room.name.len() + room.topic.as_ref().map_or(0, String::len) + 200).sum();
        state.asked.charge(price::of_bytes(bytes));
        Ok(answer)
    }
}

/// Gives the merit of a room that fits; `None`: the room does not fit.
fn merit(query: &Query, room: &Candidate, now: i64) -> Option<Merit> {
    let fits = query.fits(&room.name, &room.about());
    if fits.is_none() && room.talk.is_none() {
        return None;
    }
    let since = room.talk.map(|talk| u64::try_from(now.saturating_sub(talk.last.0)).unwrap_or(0));
    Some(Merit { fits, people: room.people.unwrap_or(0), hits: room.talk.map_or(0, |talk| talk.hits), since })
}

fn wire(account: AccountId, room: Candidate, merit: &Merit) -> DiscoveredRoom {
    let matches = RoomMatch {
        name: merit.fits.is_some_and(|fits| fits.name),
        topic: merit.fits.is_some_and(|fits| fits.topic),
        hits: merit.hits,
        last: room.talk.map(|talk| talk.last),
        joined: room.joined,
    };
    let topic = room.topic.or(room.about);
    let Candidate { fields, name, people, conversation, bookmark, .. } = room;
    DiscoveredRoom { account, fields, name, topic, people, matches, conversation, bookmark }
}

impl State {
    fn own_account(&self, account: &str) -> Result<AccountId, ApiError> {
        let no_such = || {
            let message = "There is no such account (any more).";
            ApiError::new(warp::http::StatusCode::NOT_FOUND, "no_such_account", message).at("account")
        };
        account.parse().ok().filter(|id| self.has(*id)).ok_or_else(no_such)
    }

    /// Accounts that are signed on, or the one that is asked about, with the form of their rooms and whether their network has a list.
    pub(super) fn signed_on(&self, catalogue: &Catalogue, only: Option<AccountId>) -> Vec<SignedOn> {
        let form = |id: &str| catalogue.protocols.iter().find(|known| known.id == id).map(|protocol| Form::of(&protocol.room_fields));
        let online = self.accounts.iter().filter(|known| known.standing.state == AccountState::Online && !self.closed.contains(&known.id));
        let wanted = online.filter(|known| only.is_none_or(|only| only == known.id)).take(MOST_ACCOUNTS);
        wanted.filter_map(|known| Some((known.id, form(&known.protocol)?, known.features.has("room_list")))).collect()
    }

    /// Lists that are not there, or old, are wanted.
    fn want_lists(&mut self, accounts: &[SignedOn], now: u64, make: impl Fn(Form) -> Network) {
        let discovery = &mut self.seldom.get_or_insert_default().discovery;
        discovery.used = now;
        for (account, form, _) in accounts.iter().filter(|(_, _, lists)| *lists) {
            let known = discovery.networks.entry(*account).or_insert_with(|| make(form.clone()));
            if known.phase == Phase::Idle && now >= known.next {
                known.phase = Phase::Wanted;
            }
        }
    }

    /// The rooms that fit, or in which it was talked about. And how many things were looked at.
    fn candidates(&self, accounts: &[SignedOn], query: &Query, mut talks: BTreeMap<ConversationId, Talk>) -> (Candidates, usize) {
        let mut all = Candidates::new();
        let past: BTreeMap<_, _> = self.seldom.iter().flat_map(|seldom| seldom.discovery.past.rooms(query)).collect();
        let mut looked_at = talks.len() + past.len();
        let mut left = MOST_BYTES;
        for (account, form, _) in accounts {
            for conv in self.conversations.values().filter(|conv| conv.base.account == *account && conv.base.kind == ConversationKind::Room)
            {
                let base = &conv.base;
                let fields = form.of_name(&base.name);
                let Some(key) = form.key(&fields) else { continue };
                let joined = conv.open && base.joined == Some(true);
                looked_at += 1 + conv.kept.len();
                let made = Candidate {
                    name: own_name(&base.name, &base.title, form, &fields),
                    topic: base.topic.clone().filter(|topic| !topic.trim().is_empty()),
                    people: conv.members.as_ref().filter(|_| joined).and_then(|members| u32::try_from(members.iter().count()).ok()),
                    fields,
                    joined,
                    conversation: Some(base.id),
                    talk: merged(talks.remove(&base.id), past.get(&base.id).map(|room| room.talk)),
                    ..Candidate::default()
                };
                all.insert((*account, key), made);
            }
            let gone = |id: &ConversationId| !self.conversations.contains_key(id);
            for (id, room) in past.iter().filter(|(id, room)| room.account == *account && gone(id)) {
                let fields = form.of_name(&room.name);
                if let Some(key) = form.key(&fields) {
                    all.entry((*account, key)).or_insert_with(|| Candidate::of_past(**id, room, form, fields));
                }
            }
            for bookmark in self.bookmarks.iter().filter(|known| known.account == *account) {
                let shown = bookmark.wire();
                let Some(key) = form.key(&shown.fields) else { continue };
                let known = all.entry((*account, key)).or_insert_with(|| Candidate { name: shown.name.clone(), ..Candidate::default() });
                (known.fields, known.bookmark) = (shown.fields, Some(shown.id));
            }
            let network = self.seldom.as_ref().and_then(|seldom| seldom.discovery.networks.get(account));
            for (key, room) in network.into_iter().flat_map(|known| known.list.iter()) {
                let size = room.name.len() + about(room).iter().map(|text| text.len()).sum::<usize>();
                // Nobody waits for more: the session is locked meanwhile.
                if size * query.count() > left {
                    break;
                }
                left -= size * query.count();
                looked_at += 1;
                let place = (*account, key.clone());
                if let Some(own) = all.get_mut(&place) {
                    own.take_list(room);
                } else if query.fits(&room.name, &about(room)).is_some() {
                    all.insert(place, Candidate::of_list(room));
                }
            }
        }
        (all, looked_at)
    }

    /// The answer, with what is still to come of these accounts.
    fn discovered(&self, rooms: Vec<DiscoveredRoom>, accounts: &[SignedOn], query: &Query, now: u64) -> Discovered {
        let mut answer = Discovered { rooms, pending: Vec::new(), partial: Vec::new(), failed: Vec::new() };
        let Some(discovery) = self.seldom.as_ref().map(|seldom| &seldom.discovery) else { return answer };
        let (looks_back, is_partial) = (discovery.past.is_pending(now), discovery.past.is_partial(query));
        let accounts: BTreeSet<AccountId> = accounts.iter().map(|(account, _, _)| *account).collect();
        for account in &accounts {
            let known = discovery.networks.get(account);
            if looks_back || known.is_some_and(|known| known.is_pending(now)) {
                answer.pending.push(*account);
            }
            if is_partial || known.is_some_and(|known| known.list.cut) {
                answer.partial.push(*account);
            }
            let Some(known) = known else { continue };
            if let Some(error) = known.error.clone().filter(|_| known.phase == Phase::Idle) {
                answer.failed.push(DiscoverFailure { account: *account, error });
            }
        }
        answer
    }
}

/// The name of a room of the user's, as it is shown.
fn own_name(name: &str, title: &str, form: &Form, fields: &BTreeMap<String, String>) -> String {
    if title.is_empty() || title == name { form.short(fields).map_or(name, String::as_str).to_owned() } else { title.to_owned() }
}

/// The talk in a room, by memory and store.
fn merged(held: Option<Talk>, past: Option<Talk>) -> Option<Talk> {
    match (held, past) {
        (Some(held), Some(past)) => Some(held.merge(past)),
        (held, past) => held.or(past),
    }
}

fn about(room: &Room) -> Vec<&str> {
    [&room.topic, &room.about].into_iter().filter_map(|text| text.as_deref()).collect()
}
