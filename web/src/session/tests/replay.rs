//! What comes again is recognised and what is new is not: by hand for each way in which networks repeat themselves, and over random conversations.

use crate::session::replay::Recent;
use crate::wire::{Message, MessageState};
use bridge::time::Timestamp;
use proptest::prelude::*;

/// Noon of some day.
const NOON: i64 = 1_795_348_800;

/// A conversation that is heard, and what of it is shown.
#[derive(Default)]
struct Heard {
    recent: Recent,
    shown: Vec<(String, Option<String>, Message)>,
    now: i64,
}

impl Heard {
    fn comes(&mut self, who: &str, text: &str, time: i64, id: Option<&str>, delayed: bool) -> bool {
        let mut message = super::kept::message(1, false);
        message.from.name = who.to_owned();
        message.from.own = who == "ines";
        message.text = text.to_owned();
        message.spans[0].text = text.to_owned();
        (message.time, message.delayed) = (Timestamp(time * 1000), delayed);
        let known = self.recent.knows(&message, id, Timestamp(self.now * 1000));
        if !known {
            self.shown.push((format!("{who}: {text}"), id.map(str::to_owned), message));
        }
        known
    }

    /// Somebody says something; it is heard so many seconds after noon.
    fn live(&mut self, who: &str, text: &str, at: i64) -> bool {
        self.now = NOON + at;
        self.comes(who, text, NOON + at, None, false)
    }

    /// The network tells what was said so many seconds after noon.
    fn again(&mut self, who: &str, text: &str, at: i64) -> bool {
        self.comes(who, text, NOON + at, None, true)
    }

    fn begins(&mut self, at: i64) {
        self.now = NOON + at;
        self.recent.begins(Timestamp(self.now * 1000));
    }

    /// The daemon starts anew, with what is stored.
    fn restarts(&mut self) {
        self.recent = Recent::default();
        let stored: Vec<_> = self.shown.iter().map(|(_, id, message)| (message, id.as_deref())).collect();
        self.recent.seed(stored.into_iter().rev().take(200).rev());
    }

    fn texts(&self) -> Vec<&str> {
        self.shown.iter().map(|(text, ..)| text.as_str()).collect()
    }
}

#[test]
fn a_room_tells_again_what_is_known_and_what_was_said_meanwhile() {
    let mut room = Heard::default();
    room.live("bob", "one", 0);
    room.live("ines", "two", 1);
    room.live("bob", "ok", 60);
    for (_, after) in [(1, 100), (2, 200), (3, 300)] {
        room.begins(after);
        assert!(room.again("bob", "one", 0) && room.again("ines", "two", 0) && room.again("bob", "ok", 59));
        room.again("bob", "ok", 90);
        room.again("bob", "three", 91);
    }
    room.restarts();
    room.begins(4000);
    assert!(room.again("bob", "ok", 90) && room.again("bob", "three", 91), "it may begin in the middle");
    assert!(!room.again("bob", "ok", 400));
    assert_eq!(room.texts(), ["bob: one", "ines: two", "bob: ok", "bob: ok", "bob: three", "bob: ok"]);
}

#[test]
fn the_same_word_is_new_when_it_was_said_later() {
    let mut room = Heard::default();
    room.live("bob", "ok", 0);
    room.begins(3600);
    assert!(!room.again("bob", "ok", 1800), "the room tells no more than what is new");
    assert!(!room.again("ida", "ok", 1800), "another's");
    room.begins(3700);
    assert!(room.again("bob", "ok", 1800));
    assert!(room.again("ida", "ok", 1800));
}

#[test]
fn once_the_clocks_are_known_seconds_count() {
    let mut room = Heard::default();
    for (at, text) in [(0, "good"), (300, "morning"), (600, "ok")] {
        room.live("bob", text, at);
    }
    room.begins(700);
    assert!(room.again("bob", "good", 20) && room.again("bob", "morning", 320));
    room.begins(800);
    assert!(!room.again("bob", "ok", 626), "said six seconds later, by a clock that is 20 seconds ahead");
}

#[test]
fn a_clock_that_is_wrong_by_hours_leaves_it_to_the_order() {
    for ahead in [-5 * 3600, -7200, -60, 7200, 13 * 3600] {
        let mut room = Heard::default();
        for line in 0..10 {
            room.live("bob", &format!("line {line}"), line * 60);
        }
        room.begins(1200);
        for line in 0..15 {
            let known = room.again("bob", &format!("line {line}"), line * 60 + ahead);
            assert_eq!(known, line < 10, "line {line}, {ahead} seconds");
        }
    }
}

#[test]
fn a_clock_that_is_ahead_by_less_than_the_absence_shows_after_three_lines() {
    let mut room = Heard::default();
    for line in 0..20 {
        room.live("bob", &format!("line {line}"), line * 60);
    }
    room.begins(40_000);
    let known: Vec<bool> = (0..22).map(|line| room.again("bob", &format!("line {line}"), line * 60 + 7200)).collect();
    assert!(known[..3].iter().all(|known| !known) && known[3..20].iter().all(|known| *known) && !known[20] && !known[21], "{known:?}");
    room.begins(80_000);
    assert!((0..22).all(|line| room.again("bob", &format!("line {line}"), line * 60 + 7200)), "once");
}

#[test]
fn lines_that_were_missed_before_others_take_their_place() {
    let mut room = Heard::default();
    for line in 10..15 {
        room.live("bob", &format!("line {line}"), line * 60);
    }
    // A room that tells more than it did before.
    for after in [1000, 2000] {
        room.begins(after);
        let known: Vec<bool> = (5..20).map(|line| room.again("bob", &format!("line {line}"), line * 60)).collect();
        let expected: Vec<bool> = (5..20).map(|line| after == 2000 || (10..15).contains(&line)).collect();
        assert_eq!(known, expected);
    }
    room.restarts();
    room.begins(3000);
    assert!((5..20).all(|line| room.again("bob", &format!("line {line}"), line * 60)), "in the order of their coming, after a restart");
}

#[test]
fn a_replay_that_is_longer_than_what_is_remembered() {
    let mut room = Heard::default();
    for after in [1, 2] {
        room.begins(after * 100_000);
        for line in 0..300 {
            room.again("bob", &format!("line {line}"), line * 60);
        }
        assert_eq!(room.shown.len(), 300);
    }
    assert!(!room.again("bob", "line 300", 18_000));
}

#[test]
fn ids_decide_where_there_are_any() {
    let mut room = Heard { now: NOON, ..Heard::default() };
    assert!(!room.comes("bob", "ok", NOON, Some("1"), false));
    assert!(!room.comes("bob", "ok", NOON, Some("2"), true), "another one of the same second");
    assert!(room.comes("bob", "ok", NOON + 9000, Some("1"), false), "the same, whatever its time, and whether it is marked or not");
    assert!(room.comes("bob", "ok", NOON, Some("2"), true));
    assert!(!room.comes("bob", "ok", NOON, Some("3"), true));
    // An id that somebody took from another's message.
    assert!(!room.comes("mallory", "evil", NOON, Some("4"), false));
    assert!(!room.comes("bob", "good", NOON, Some("4"), false));
    assert!(!room.comes("mallory", "good", NOON, Some("4"), false));
    room.restarts();
    assert!(room.comes("bob", "good", NOON, Some("4"), false));
}

#[test]
fn an_id_is_learned_from_a_repeat() {
    let mut im = Heard::default();
    im.live("ines", "sent from here", 0);
    im.begins(10);
    assert!(im.comes("ines", "sent from here", NOON, Some("7"), true), "a copy of one's own");
    assert!(im.comes("ines", "sent from here", NOON, Some("7"), false));
    assert!(!im.comes("ines", "sent from here", NOON, Some("8"), false));
}

#[test]
fn offline_messages_that_come_twice() {
    let mut im = Heard::default();
    im.begins(1000);
    let lines = [("are you there?", 10), ("hello?", 20), ("hello?", 22)];
    lines.iter().for_each(|(text, at)| assert!(!im.again("bob", text, *at)));
    lines.iter().for_each(|(text, at)| assert!(im.again("bob", text, *at), "{text}"));
    im.begins(1001);
    assert!(im.again("bob", "hello?", 22));
}

#[test]
fn an_old_time_is_as_good_as_a_mark() {
    let mut room = Heard::default();
    room.live("bob", "one", 0);
    room.begins(1000);
    assert!(room.comes("bob", "one", NOON, None, false));
    assert!(!room.comes("bob", "two", NOON + 500, None, false));
    assert!(!room.live("bob", "one", 1001));
}

#[test]
fn a_bouncer_plays_back_with_the_time_in_front() {
    let mut room = Heard::default();
    room.live("bob", "hello  there", 3600);
    room.live("bob", "/me waves", 3610);
    room.live("bob", "ok", 3620);
    // Hours later, from a bouncer two hours and a half further east.
    room.begins(20_000);
    assert!(room.live("bob", "[15:30:02] hello there", 20_001));
    assert!(room.live("bob", "/me [15:30:10] waves", 20_001));
    assert!(room.live("bob", "[15:30] ok", 20_001));
    assert!(!room.live("bob", "[16:00:20] ok", 20_001), "said meanwhile");
    assert!(!room.live("bob", "[16:00:20] ok", 20_001), "twice in one second");
    assert!(!room.live("ida", "[15:30:02] hello there", 20_001), "another's");
    room.begins(30_000);
    assert!(room.live("bob", "[16:00:20] ok", 30_001) && room.live("bob", "[16:00:20] ok", 30_001));
    assert!(!room.live("bob", "[16:00:20] ok", 40_000), "quoted, long after the beginning");
    assert!(!room.live("bob", "ok", 40_001));
}

#[test]
fn what_nobody_said_is_no_message() {
    let mut recent = Recent::default();
    let mut message = super::kept::message(1, false);
    message.delayed = true;
    for (system, state) in [(true, None), (false, Some(MessageState::Failed))] {
        (message.system, message.state) = (system, state);
        assert!(!recent.knows(&message, Some("1"), Timestamp(0)) && !recent.knows(&message, Some("1"), Timestamp(0)));
    }
    assert_eq!(recent.heap(), 0);
}

/// Fails when a conversation's memory of its messages grows.
#[test]
fn it_takes_little_room() {
    assert_eq!(size_of::<Recent>(), 8);
    let mut heard = Heard::default();
    heard.live("bob", "one", 0);
    assert!(heard.recent.heap() <= 200, "{}", heard.recent.heap());
    for line in 0..1000 {
        heard.live("bob", &line.to_string(), line);
    }
    assert!(heard.recent.heap() <= 1700, "{}", heard.recent.heap());
}

/// A stay in a room.
#[derive(Debug, Clone)]
struct Visit {
    /// Lines that are said while away, and then while there.
    missed: usize,
    heard: usize,
    /// Lines that the room tells on entering.
    told: usize,
    /// The daemon was started anew.
    restart: bool,
    /// Seconds until one enters, after the last line.
    pause: i64,
}

fn visits(told: impl Strategy<Value = usize>) -> impl Strategy<Value = Vec<Visit>> {
    let visit = (0_usize..30, 0_usize..30, told, any::<bool>(), 1_i64..30_000);
    let visit = visit.prop_map(|(missed, heard, told, restart, pause)| Visit { missed, heard, told, restart, pause });
    proptest::collection::vec(visit, 1..6)
}

/// A line of the room's log: its author, its words, and when it was noted.
type Noted = (usize, usize, i64);

/// What is shown of a log, by the visits; each line with its place in the log. And which lines were offered.
fn visited(log: &[Noted], visits: &[Visit], ahead: i64) -> (Vec<usize>, Vec<usize>) {
    let mut heard = Heard::default();
    let (mut at, mut shown, mut offered) = (0, Vec::new(), Vec::new());
    for visit in visits {
        at = (at + visit.missed).min(log.len());
        if visit.restart {
            heard.restarts();
        }
        let last = log[..at].last().map_or(NOON, |(.., time)| *time) - ahead;
        let entered = last + visit.pause;
        heard.now = entered;
        heard.recent.begins(Timestamp(heard.now * 1000));
        let mut come = |line: usize, delayed: bool, heard: &mut Heard| {
            let (who, words, noted) = log[line];
            // Heard a little later than noted, by our clock.
            let time = if delayed { noted } else { noted - ahead + i64::try_from(line % 3).unwrap() };
            heard.now = if delayed { entered } else { time };
            offered.push(line);
            if !heard.comes(&format!("n{who}"), &format!("w{words}"), time, None, delayed) {
                shown.push(line);
            }
        };
        (at.saturating_sub(visit.told)..at).for_each(|line| come(line, true, &mut heard));
        let to = (at + visit.heard).min(log.len());
        (at..to).for_each(|line| come(line, false, &mut heard));
        at = to;
    }
    offered.sort_unstable();
    offered.dedup();
    (shown, offered)
}

fn log(lines: impl IntoIterator<Item = (usize, usize, i64)>) -> Vec<Noted> {
    let noted = |time: &mut i64, (who, words, after): Noted| {
        *time += after;
        Some((who, words, *time))
    };
    lines.into_iter().scan(NOON, noted).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Clocks are right, or nearly so, and a room's people have few words, which they repeat after half a minute at the earliest.
    #[test]
    fn each_line_is_shown_once(
        lines in proptest::collection::vec((0_usize..2, 0_usize..4, 40_i64..400), 0..200),
        told in 0_usize..60,
        mut visits in visits(Just(0)),
        ahead in -3_i64..=3,
    ) {
        visits.iter_mut().for_each(|visit| visit.told = told);
        let (mut shown, offered) = visited(&log(lines), &visits, ahead);
        shown.sort_unstable();
        prop_assert_eq!(shown, offered);
    }

    /// Clocks are wrong, rooms tell more or less than before, and no line is like another.
    #[test]
    fn wrong_clocks_lose_nothing_and_double_little(
        steps in proptest::collection::vec(0_i64..1000, 0..250),
        mut visits in visits(0_usize..60),
        ahead in prop_oneof![-40_000_i64..40_000, -40_i64..40],
    ) {
        let restarts = visits.iter().any(|visit| visit.restart);
        if restarts && ahead.abs() > 1 {
            // After a restart the order is that in which things came, and a room that tells more than before is another's order.
            let told = visits[0].told;
            visits.iter_mut().for_each(|visit| visit.told = told);
        }
        let log = log(steps.into_iter().enumerate().map(|(line, after)| (line % 3, line, after)));
        let (mut shown, offered) = visited(&log, &visits, ahead);
        let all = shown.len();
        shown.sort_unstable();
        shown.dedup();
        prop_assert_eq!(&shown, &offered, "nothing is lost");
        let doubled = all - shown.len();
        let most = if ahead <= 28 { 0 } else if restarts { doubled } else { 3 * visits.len() };
        prop_assert!(doubled <= most, "{} doubled", doubled);
    }

    /// Whatever comes, nothing of this takes more than its room, and what is new to all is shown.
    #[test]
    fn nonsense_does_no_harm(
        lines in proptest::collection::vec((0_usize..400, any::<i32>(), any::<bool>(), proptest::option::of(0_u8..3), any::<bool>()), 0..600)
    ) {
        let mut heard = Heard::default();
        let mut words = std::collections::HashSet::new();
        for (word, time, delayed, id, begins) in lines {
            if begins {
                heard.begins(i64::from(time) / 3);
            }
            let id = id.map(|id| id.to_string());
            let known = heard.comes("bob", &word.to_string(), NOON + i64::from(time), id.as_deref(), delayed);
            // Older than all that are remembered.
            let is_old = heard.shown.len() > 128;
            prop_assert!(!(words.insert(word) && known) || is_old);
            prop_assert!(heard.recent.heap() <= 1700);
        }
    }
}
