//! The rooms of one account's network, as far as they are known: bounded in number and bytes, of a user and of the site. Asks nobody.

use bridge::model::{RoomField, RoomRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rooms of one list.
pub(super) const MOST: usize = 5_000;
/// Bytes of one list, and of all lists of the site.
const MOST_BYTES: usize = 2 << 20;
pub(super) const MOST_OF_SITE: usize = 64 << 20;
/// Bytes of the longest name or field, and of the longest topic; names are never cut.
const A_NAME: usize = 512;
const A_TOPIC: usize = 400;

/// The fields that join a room of a protocol, and those of them that name the room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form {
    keys: Vec<String>,
    /// The first required field, and where a second one follows, the field of the place.
    name: Option<String>,
    place: Option<String>,
}

impl Form {
    pub(super) fn of(fields: &[RoomField]) -> Self {
        let open: Vec<&RoomField> = fields.iter().filter(|field| !field.masked).collect();
        let mut required = open.iter().filter(|field| field.required);
        let name = required.next().or(open.first()).map(|field| field.key.clone());
        let place = required.next().map(|field| field.key.clone());
        Self { keys: open.iter().map(|field| field.key.clone()).collect(), name, place }
    }

    /// Gives the fields that join the room which a network calls by this name.
    pub(super) fn of_name(&self, name: &str) -> BTreeMap<String, String> {
        let pair = |key: &Option<String>, value: &str| key.clone().map(|key| (key, value.to_owned()));
        match (self.place.is_some(), name.rsplit_once('@')) {
            (true, Some((room, place))) if !room.is_empty() => pair(&self.name, room).into_iter().chain(pair(&self.place, place)).collect(),
            _ => pair(&self.name, name).into_iter().collect(),
        }
    }

    /// Gives the short name of the room that the fields join.
    pub(super) fn short<'a>(&self, fields: &'a BTreeMap<String, String>) -> Option<&'a String> {
        fields.get(self.name.as_ref()?)
    }

    /// Gives the key of the room that the fields join: the same, whoever tells of it.
    pub(super) fn key(&self, fields: &BTreeMap<String, String>) -> Option<String> {
        let value = |key: &Option<String>| key.as_ref().and_then(|key| fields.get(key)).filter(|value| !value.is_empty());
        let name = value(&self.name)?;
        Some(value(&self.place).map_or_else(|| name.to_lowercase(), |place| format!("{name}@{place}").to_lowercase()))
    }

    /// Gives the fields that join the room of a row.
    fn of_row(&self, row: &RoomRow) -> BTreeMap<String, String> {
        let told = |key: &String| row.fields.get(key).filter(|value| !value.is_empty()).map(|value| (key.clone(), value.clone()));
        let mut fields: BTreeMap<String, String> = self.keys.iter().filter_map(told).collect();
        // A list without the field that names the room tells it by its name.
        if self.name.as_ref().is_some_and(|key| !fields.contains_key(key)) {
            self.of_name(&row.name).into_iter().for_each(|(key, value)| _ = fields.entry(key).or_insert(value));
        }
        fields
    }
}

/// A room of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) name: Box<str>,
    pub(super) fields: Box<[(Box<str>, Box<str>)]>,
    /// The topic or description in the list.
    pub(super) about: Option<Box<str>>,
    /// The topic that the room itself told.
    pub(super) topic: Option<Box<str>>,
    pub(super) people: Option<u32>,
    /// Whether the room was asked for its topic and people.
    pub(super) asked: bool,
    /// The list that it was in last.
    round: u32,
}

impl Room {
    fn bytes(&self, key: &str) -> usize {
        let fields: usize = self.fields.iter().map(|(key, value)| key.len() + value.len() + 2 * size_of::<Box<str>>()).sum();
        let texts = [&self.about, &self.topic].into_iter().flatten().map(|text| text.len()).sum::<usize>();
        size_of::<Self>() + size_of::<String>() + key.len() + self.name.len() + texts + fields
    }

    pub(super) fn form(&self) -> BTreeMap<String, String> {
        self.fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    /// As the libpurple side takes it.
    pub(super) fn row(&self) -> RoomRow {
        RoomRow { name: self.name.to_string(), category: false, parent: None, topic: None, people: None, fields: self.form() }
    }
}

/// The rooms of an account's network.
#[derive(Debug)]
pub(super) struct List {
    pub(super) form: Form,
    rooms: BTreeMap<String, Room>,
    bytes: usize,
    /// Bytes of all lists of the site, these among them.
    site: Arc<AtomicUsize>,
    round: u32,
    /// The network has more.
    pub(super) cut: bool,
}

impl Drop for List {
    fn drop(&mut self) {
        self.site.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn clipped(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.get(..text.floor_char_boundary(A_TOPIC)).unwrap_or(text).into())
}

impl List {
    pub(super) fn new(form: Form, site: Arc<AtomicUsize>) -> Self {
        Self { form, rooms: BTreeMap::new(), bytes: 0, site, round: 0, cut: false }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Room)> {
        self.rooms.iter()
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Room> {
        self.rooms.get_mut(key)
    }

    /// Another list begins: rooms that are not in it go at its end.
    pub(super) fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
        self.cut = false;
    }

    /// A list has ended; `whole`: all rooms of the network were in it.
    pub(super) fn end(&mut self, whole: bool) {
        if whole {
            self.forget_earlier();
        }
    }

    fn forget_earlier(&mut self) {
        let round = self.round;
        let mut freed = 0;
        self.rooms.retain(|key, room| {
            let stays = room.round == round;
            freed += if stays { 0 } else { room.bytes(key) };
            stays
        });
        self.shrink(freed);
    }

    fn shrink(&mut self, freed: usize) {
        self.bytes -= freed;
        self.site.fetch_sub(freed, Ordering::Relaxed);
    }

    fn has_space(&self, more: usize) -> bool {
        let site = self.site.load(Ordering::Relaxed);
        self.rooms.len() < MOST && self.bytes + more <= MOST_BYTES && site + more <= MOST_OF_SITE
    }

    /// Takes in a row of the network's list.
    pub(super) fn put(&mut self, row: &RoomRow) {
        let fields = self.form.of_row(row);
        let long = |text: &String| text.len() > A_NAME;
        let Some(key) = self.form.key(&fields).filter(|key| !row.category && !long(key) && !long(&row.name)) else { return };
        if fields.values().any(long) {
            return;
        }
        // A list that says no more of a room than its name says nothing.
        let about = row.topic.as_deref().filter(|topic| !topic.trim().eq_ignore_ascii_case(row.name.trim())).and_then(clipped);
        let fields = fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let mut room =
            Room { name: row.name.as_str().into(), fields, about, topic: None, people: row.people, asked: false, round: self.round };
        let before = self.rooms.remove(&key);
        if let Some(before) = before {
            self.shrink(before.bytes(&key));
            // The room's own answer stands until the room is asked again.
            room.topic = before.topic;
            room.people = room.people.or(before.people);
        }
        let bytes = room.bytes(&key);
        if !self.has_space(bytes) {
            // Once a list is cut there are none of an earlier one, and each further row would walk past all.
            if !self.cut {
                self.forget_earlier();
            }
            if !self.has_space(bytes) {
                self.cut = true;
                return;
            }
        }
        self.bytes += bytes;
        self.site.fetch_add(bytes, Ordering::Relaxed);
        self.rooms.insert(key, room);
    }

    /// Takes in a room's own answer; a room that is not in the list is left out.
    pub(super) fn describe(&mut self, row: &RoomRow) {
        let Some(key) = self.form.key(&self.form.of_row(row)) else { return };
        let Some(room) = self.rooms.get_mut(&key) else { return };
        let before = room.bytes(&key);
        let topic = row.topic.as_deref().and_then(clipped).filter(|topic| room.about.as_ref() != Some(topic) && **topic != *room.name);
        room.topic = topic.or(room.topic.take());
        room.people = row.people.or(room.people);
        let after = room.bytes(&key);
        self.bytes = self.bytes + after - before;
        self.site.fetch_add(after, Ordering::Relaxed);
        self.site.fetch_sub(before, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        let field = |key: &str, required, masked| RoomField {
            key: key.into(),
            label: key.into(),
            kind: "string".into(),
            required,
            masked,
            default: String::new(),
        };
        Form::of(&[field("room", true, false), field("server", true, false), field("password", false, true)])
    }

    fn row(name: &str, topic: &str) -> RoomRow {
        let fields = [("room", name), ("server", "rooms.test"), ("password", "stolen"), ("colour", "red")];
        let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let topic = Some(topic.to_owned());
        RoomRow { name: name.to_owned(), category: false, parent: None, topic, people: None, fields }
    }

    fn list() -> List {
        List::new(form(), Arc::default())
    }

    #[test]
    fn a_room_is_known_again_by_what_joins_it() {
        let form = form();
        let fields = form.of_name("Garden@rooms.test");
        assert_eq!(form.key(&fields).as_deref(), Some("garden@rooms.test"));
        assert_eq!(form.of_name("garden").len(), 1);
        let mut list = list();
        list.put(&row("Garden", "Garden"));
        let (key, room) = list.iter().next().unwrap();
        assert_eq!((key.as_str(), room.about.as_deref()), ("garden@rooms.test", None), "a name said twice says nothing");
        assert_eq!(room.form().keys().collect::<Vec<_>>(), ["room", "server"], "only what joins it, and no secret");
        // Of a list that has a name alone.
        list.put(&RoomRow { fields: BTreeMap::new(), name: "attic@rooms.test".into(), ..row("", "old books") });
        assert_eq!(list.rooms["attic@rooms.test"].form()["room"], "attic");
    }

    #[test]
    fn what_a_room_says_of_itself_stays_over_another_list() {
        let mut list = list();
        list.put(&row("garden", "The gardeners"));
        list.describe(&RoomRow { people: Some(7), ..row("garden", "Bluebells") });
        list.describe(&RoomRow { people: Some(7), ..row("made up", "never listed") });
        list.begin();
        list.put(&row("garden", "The gardeners"));
        list.end(true);
        let room = &list.rooms["garden@rooms.test"];
        assert_eq!((room.about.as_deref(), room.topic.as_deref(), room.people), (Some("The gardeners"), Some("Bluebells"), Some(7)));
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn rooms_that_are_gone_go_with_the_next_whole_list() {
        let mut list = list();
        ["one", "two"].iter().for_each(|name| list.put(&row(name, "")));
        list.begin();
        list.put(&row("two", ""));
        list.end(false);
        assert_eq!(list.len(), 2, "a list that broke off says nothing of the rest");
        list.begin();
        list.put(&row("two", ""));
        list.end(true);
        assert_eq!(list.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["two@rooms.test"]);
    }

    #[test]
    fn a_list_is_bounded_in_number_and_bytes_and_counted_right() {
        let site = Arc::new(AtomicUsize::new(0));
        let mut many = List::new(form(), Arc::clone(&site));
        let (topic, longest) = ("word ".repeat(1000), "x".repeat(A_NAME));
        for number in 0..100_000 {
            many.put(&row(&format!("room{number}"), ""));
        }
        assert_eq!((many.len(), many.cut), (MOST, true));
        let mut large = List::new(form(), Arc::clone(&site));
        for number in 0..4_000 {
            large.put(&row(&format!("{number}{}", longest.get(..400).unwrap()), &topic));
        }
        assert!(large.bytes <= MOST_BYTES && large.cut && large.len() > 1_000, "{} {}", large.bytes, large.len());
        large.put(&row(&format!("{longest}x"), ""));
        let real = |list: &List| list.iter().map(|(key, room)| room.bytes(key)).sum::<usize>();
        assert_eq!(site.load(Ordering::Relaxed), real(&many) + real(&large));
        // A new list takes the place of the old one, also where that was full.
        many.begin();
        (0..10).for_each(|number| many.put(&row(&format!("new{number}"), "")));
        assert!(many.iter().any(|(key, _)| key.starts_with("new9")));
        many.end(true);
        assert_eq!(many.len(), 10);
        drop((many, large));
        assert_eq!(site.load(Ordering::Relaxed), 0);
    }
}
