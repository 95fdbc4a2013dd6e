//! Searches that wait for what is said: those that a tab has open, and those that are saved with the user, with counts. Asks no store (see `search`).

use super::conversation::message_id;
use super::perform::error;
use super::search::read;
use super::state::{Env, State};
use super::translate::{at, unknown};
use crate::search::Search;
use crate::search::live::{Live, Said};
use crate::store::Write;
use crate::wire::{self, ErrorBody, EventBody, SavedSearch, SearchOpen, SearchSave};
use bridge::command::Origin;
use bridge::event::Outcome;
use bridge::id::{AccountId, ConversationId};
use serde::{Deserialize, Serialize};

/// Searches that a user has open in all tabs, and saved ones.
const MOST_OPEN: usize = 100;
const MOST_SAVED: usize = 100;
/// Bytes of a name.
const NAME_BYTES: usize = 200;
/// Searches of which one message is told.
const MOST_TOLD: usize = 16;
/// Bytes of a message in all hits of it together, about.
const MOST_TOLD_BYTES: usize = 128 << 10;
/// Before the id of a saved search: the setting that keeps it.
pub(super) const SEARCHES: &str = ".searches.";
/// Ids of saved searches have this bit, those of open ones do not.
const SAVED: u64 = 1 << 63;

/// A search that a tab has open.
#[derive(Debug)]
struct Open {
    id: u64,
    client: Box<str>,
    /// The search itself, until its conversation is known to be there.
    expected: Option<Box<Search>>,
}

/// A search that is saved.
#[derive(Debug)]
struct Saved {
    id: u64,
    row: Row,
    search: Search,
}

/// A saved search as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    name: String,
    #[serde(flatten)]
    asked: SearchOpen,
    /// Hits by others since it was seen last.
    new: u32,
    /// Number of the newest message then.
    seen: u64,
    /// The time at which the search was saved: saved searches are in this order.
    made: i64,
}

/// The searches of a user that wait.
#[derive(Debug, Default)]
pub(super) struct Searches {
    live: Live,
    /// The last id of an open one.
    last: u64,
    open: Vec<Open>,
    saved: Vec<Saved>,
}

#[cfg(test)]
impl Searches {
    /// How many are open, and how many wait.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.open.len(), self.live.len())
    }
}

impl Saved {
    fn wire(&self) -> SavedSearch {
        let Row { name, asked, new, seen, .. } = self.row.clone();
        SavedSearch { id: id(self.id), name, search: asked, new, seen: (seen > 0).then(|| message_id(seen)) }
    }
}

fn id(number: u64) -> String {
    format!("s{number:016x}")
}

fn number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix('s').filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

impl State {
    fn searches(&mut self) -> &mut Searches {
        &mut self.seldom.get_or_insert_default().searches
    }

    /// Reads a query. Its account must be the user's own; its conversation was checked before (see `closed`).
    fn check_search(&self, asked: &SearchOpen) -> Result<Search, ErrorBody> {
        let search = read(asked)?;
        if search.account.is_some_and(|account| !self.has(account)) {
            return Err(unknown("account"));
        }
        Ok(search)
    }

    /// `search.open`: takes a place, under the number that this gives, until its tab closes it, attaches anew or goes. Finds nothing yet.
    pub(super) fn expect_search(&mut self, origin: &Origin, asked: &SearchOpen) -> Result<u64, ErrorBody> {
        let expected = Some(Box::new(self.check_search(asked)?));
        let searches = self.searches();
        if searches.open.len() >= MOST_OPEN {
            return Err(error("limit", format!("At most {MOST_OPEN} searches may be open.")));
        }
        searches.last += 1;
        let number = searches.last;
        searches.open.push(Open { id: number, client: origin.client.as_str().into(), expected });
        Ok(number)
    }

    /// Lets an expected search wait for messages, or gives its place up. Refused where its tab has gone or attached anew meanwhile.
    pub(super) fn open_search(&mut self, number: u64, found: Result<(), ErrorBody>) -> Result<Option<Outcome>, ErrorBody> {
        let searches = self.searches();
        let place = searches.open.iter().position(|open| open.id == number);
        if let Err(error) = found {
            place.into_iter().for_each(|place| _ = searches.open.swap_remove(place));
            return Err(error);
        }
        let expected = place.and_then(|place| searches.open.get_mut(place)).and_then(|open| open.expected.take());
        searches.live.add(number, *expected.ok_or_else(|| unknown("search"))?);
        Ok(Some(Outcome::Search(id(number))))
    }

    /// `search.close`
    pub(super) fn close_search(&mut self, wanted: &str) -> Result<(), ErrorBody> {
        let searches = self.searches();
        let place = number(wanted).and_then(|number| searches.open.iter().position(|open| open.id == number));
        let open = searches.open.swap_remove(place.ok_or_else(|| unknown("search"))?);
        searches.live.remove(open.id);
        Ok(())
    }

    /// Closes the searches of tabs that are gone; `client` begins anew.
    pub(super) fn close_searches(&mut self, client: Option<&str>) {
        let Some(searches) = self.seldom.as_mut().map(|seldom| &mut seldom.searches).filter(|searches| !searches.open.is_empty()) else {
            return;
        };
        let clients = &self.clients;
        let stays = |open: &Open| client != Some(&*open.client) && clients.iter().any(|known| known.id == open.client);
        for gone in searches.open.extract_if(.., |open| !stays(open)) {
            searches.live.remove(gone.id);
        }
    }

    /// `search.save`
    pub(super) fn save_search(&mut self, env: &Env<'_>, origin: &Origin, save: SearchSave) -> Result<Option<Outcome>, ErrorBody> {
        let search = self.check_search(&save.search)?;
        let name = save.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| name.len() > NAME_BYTES) {
            return Err(at("too_long", "name", format!("A name has at most {NAME_BYTES} bytes.")));
        }
        let name = name.unwrap_or_else(|| save.search.q.trim().to_owned());
        let searches = self.searches();
        let place = match searches.saved.iter().position(|known| known.search == search) {
            Some(place) => {
                if let Some(known) = searches.saved.get_mut(place) {
                    known.row.name = name;
                    known.row.asked = save.search;
                }
                place
            }
            None if searches.saved.len() >= MOST_SAVED => {
                return Err(error("limit", format!("At most {MOST_SAVED} searches are kept.")));
            }
            None => {
                let id = getrandom::u64().map_err(|_| error("unavailable", "The server cannot do this right now."))? | SAVED;
                let row = Row { name, asked: save.search, new: 0, seen: env.next_message(), made: env.wall.0 };
                searches.live.add(id, search.clone());
                searches.saved.push(Saved { id, row, search });
                searches.saved.len() - 1
            }
        };
        let saved = self.tell_search(env, Some(origin), place);
        Ok(saved.map(Outcome::Search))
    }

    /// Writes a saved search down, and tells of it.
    fn tell_search(&mut self, env: &Env<'_>, origin: Option<&Origin>, place: usize) -> Option<String> {
        self.keep_search(place);
        let search = self.searches().saved.get(place)?.wire();
        let id = search.id.clone();
        self.emit(env, origin, EventBody::SearchUpdated { search });
        Some(id)
    }

    fn keep_search(&mut self, place: usize) {
        let Some(saved) = self.searches().saved.get(place) else { return };
        let (key, value) = (format!("{SEARCHES}{}", id(saved.id)), serde_json::to_string(&saved.row).ok());
        if value.is_some() {
            self.write(|user| Write::Setting { user, key, value });
        }
    }

    /// Writes all saved searches down.
    pub(super) fn keep_searches(&mut self) {
        let count = self.seldom.as_ref().map_or(0, |seldom| seldom.searches.saved.len());
        (0..count).for_each(|place| self.keep_search(place));
    }

    fn saved_search(&mut self, wanted: &str) -> Result<usize, ErrorBody> {
        let of = number(wanted);
        let known = self.seldom.as_ref().map(|seldom| &seldom.searches.saved);
        known.and_then(|saved| saved.iter().position(|saved| Some(saved.id) == of)).ok_or_else(|| unknown("search"))
    }

    /// `search.seen`: its hits so far are not new any more.
    pub(super) fn see_search(&mut self, env: &Env<'_>, origin: &Origin, wanted: &str) -> Result<(), ErrorBody> {
        let place = self.saved_search(wanted)?;
        let seen = env.next_message();
        if let Some(saved) = self.searches().saved.get_mut(place) {
            (saved.row.new, saved.row.seen) = (0, seen);
        }
        self.tell_search(env, Some(origin), place);
        Ok(())
    }

    /// `search.remove`
    pub(super) fn remove_search(&mut self, env: &Env<'_>, origin: &Origin, wanted: &str) -> Result<(), ErrorBody> {
        let place = self.saved_search(wanted)?;
        let searches = self.searches();
        let gone = id(searches.saved.remove(place).id);
        number(&gone).into_iter().for_each(|number| _ = searches.live.remove(number));
        let key = format!("{SEARCHES}{gone}");
        self.write(|user| Write::Setting { user, key, value: None });
        self.emit(env, Some(origin), EventBody::SearchRemoved { search: gone });
        Ok(())
    }

    /// Lets go of the searches of an account that is removed.
    pub(super) fn searches_forget(&mut self, env: &Env<'_>, account: AccountId) {
        let Some(seldom) = &mut self.seldom else { return };
        let of_account = |saved: &mut Saved| saved.search.account == Some(account);
        let gone: Vec<u64> = seldom.searches.saved.extract_if(.., of_account).map(|saved| saved.id).collect();
        for number in gone {
            self.searches().live.remove(number);
            let key = format!("{SEARCHES}{}", id(number));
            self.write(|user| Write::Setting { user, key, value: None });
            self.emit(env, None, EventBody::SearchRemoved { search: id(number) });
        }
    }

    /// Takes in what [`State::keep_searches`] wrote, of all searches.
    pub(super) fn restore_searches(&mut self, rows: Vec<(String, String)>) {
        let read = |(key, value): (String, String)| {
            let id = number(key.strip_prefix(SEARCHES)?).filter(|id| id & SAVED != 0)?;
            let row: Row = serde_json::from_str(&value).ok()?;
            let search = read(&row.asked).ok()?;
            Some(Saved { id, row, search })
        };
        let mut saved: Vec<Saved> = rows.into_iter().filter_map(read).take(MOST_SAVED).collect();
        if saved.is_empty() {
            return;
        }
        saved.sort_by_key(|saved| (saved.row.made, saved.id));
        let searches = self.searches();
        saved.iter().for_each(|saved| searches.live.add(saved.id, saved.search.clone()));
        searches.saved = saved;
    }

    /// The saved searches, in the order of their making.
    pub(super) fn saved_searches(&self) -> Vec<SavedSearch> {
        self.seldom.iter().flat_map(|seldom| seldom.searches.saved.iter().map(Saved::wire)).collect()
    }

    /// Something was said. Gives what the searches have to tell of it. `news`: by somebody else.
    pub(super) fn heard(&mut self, place: ConversationId, number: u64, message: &wire::Message, news: bool) -> Vec<EventBody> {
        let Some(seldom) = self.seldom.as_mut().filter(|seldom| !seldom.searches.live.is_empty()) else { return Vec::new() };
        let Some(conv) = self.conversations.get(&place) else { return Vec::new() };
        let base = &conv.base;
        let said = Said { account: base.account, conversation: place, author: &message.from, number, text: &message.text };
        let hits = seldom.searches.live.hear(said);
        if hits.is_empty() {
            return Vec::new();
        }
        let hit = |ranges| wire::Hit {
            message: message.clone(),
            conversation: place,
            account: base.account,
            kind: base.kind,
            name: base.name.clone(),
            title: base.title.clone(),
            ranges,
        };
        // Each of them has the whole message, and a tab's log has room for so much.
        let most = (MOST_TOLD_BYTES / message.text.len().max(1)).clamp(1, MOST_TOLD);
        let told = hits.iter().take(most).map(|(of, ranges)| EventBody::SearchHit { search: id(*of), hit: hit(ranges.clone()) });
        let mut events: Vec<EventBody> = told.collect();
        let mut counted = Vec::new();
        for (at, saved) in seldom.searches.saved.iter_mut().enumerate() {
            if news && hits.iter().any(|(of, _)| *of == saved.id) {
                saved.row.new = saved.row.new.saturating_add(1);
                events.push(EventBody::SearchUpdated { search: saved.wire() });
                counted.push(at);
            }
        }
        counted.into_iter().for_each(|at| self.keep_search(at));
        events
    }
}
