//! Compares what is kept in the end with what pages were told, kill by kill.

use super::history;
use super::talker::{End, Line, Shown, Talker, partner};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// So much of what has come may go with the daemon.
const GROUP: Duration = Duration::from_millis(200);

/// Something was killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    Daemon {
        /// What was on a page before was durable, as slow as the disk may be.
        safe: Instant,
        at: Instant,
    },
    Worker,
    Server,
}

/// Whether a line must be there still: it was shown more than [`GROUP`] before the end of that life of the daemon.
fn must_be_kept(shown: Shown, ends: &[(Instant, Instant)]) -> bool {
    ends.get(shown.life).is_none_or(|(safe, at)| shown.at < (*safe).min(*at - GROUP))
}

fn place(lines: &[Line], line: Line) -> Option<usize> {
    lines.iter().position(|known| *known == line)
}

pub(crate) fn account_for(talkers: &mut [Talker], kills: &[Kill]) {
    let ends: Vec<(Instant, Instant)> = kills
        .iter()
        .filter_map(|kill| match kill {
            Kill::Daemon { safe, at } => Some((*safe, *at)),
            Kill::Worker | Kill::Server => None,
        })
        .collect();
    let kept: Vec<(Vec<Value>, Vec<Value>)> = talkers
        .iter_mut()
        .map(|talker| {
            let talk = talker.talk.clone();
            history(&mut talker.client, &talk)
        })
        .collect();
    let (mut total, mut excused, mut unknown, mut missing) = (0, 0, 0, 0);
    for talker in &*talkers {
        let (messages, gaps) = &kept[talker.number];
        let lines = talker.lines(messages);
        let who = format!("user {}, kept {lines:?}, gaps {gaps:?}", talker.number);
        total += lines.len();

        let mut times: HashMap<Line, usize> = HashMap::new();
        lines.iter().for_each(|line| *times.entry(*line).or_default() += 1);
        let doubled: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(doubled.is_empty(), "doubled: {doubled:?} of {who}");

        // What was done is done.
        for (count, end) in &talker.ends {
            unknown += usize::from(*end == End::Unknown);
            assert!(*end != End::Kept || times.contains_key(&(true, *count)), "command.done, and lost: {count} of {who}");
        }
        // What came to a page is kept.
        for (line, shown) in &talker.shown {
            let there = times.contains_key(line);
            assert!(there || !must_be_kept(*shown, &ends), "lost: {line:?}, {shown:?}, ends {ends:?}, of {who}");
            excused += usize::from(!there);
        }
        // The order is that of the page, and everybody's lines are in the order of their being said.
        for life in &talker.order {
            let there: Vec<usize> = life.iter().filter_map(|line| place(&lines, *line)).collect();
            assert!(there.is_sorted(), "the page had {life:?}, of {who}");
        }
        let own: Vec<usize> = lines.iter().filter(|line| line.0).map(|line| line.1).collect();
        assert!(own.is_sorted(), "not in order: {own:?} of {who}");
        for sent in &talker.sent {
            assert!(sent.is_sorted(), "sent in another order: {sent:?} of {who}");
        }
        // The server hands over late what it kept while the account was away; what comes at once comes in order.
        let at_once = messages.iter().filter(|message| message["delayed"] != true).filter_map(|message| talker.line(message));
        let at_once: Vec<usize> = at_once.filter(|line| !line.0).map(|line| line.1).collect();
        assert!(at_once.is_sorted(), "not in order: {at_once:?} of {who}, of all {messages:?}");
        // What the other has sent and nobody has here went in a gap.
        for count in talkers[partner(talker.number)].sent.iter().flatten() {
            if times.contains_key(&(false, *count)) {
                continue;
            }
            missing += 1;
            let others = |message: &Value| talker.line(message).filter(|line| !line.0).map(|line| line.1);
            assert!(in_a_gap(messages, others, gaps, *count), "{count} of the other is missing without a gap: {who}");
        }
        // A daemon that is killed while a worker is away makes the worker's gap longer: no gap has the reason `restart` then.
        let told = gaps.iter().any(|gap| gap["why"] == "restart" || gap["why"] == "worker");
        assert!(ends.is_empty() || told, "killed {} times, and no gap says so: {who}", ends.len());
        assert_eq!(talker.resumed, ends.len(), "{who}");
    }
    let widest = ends.iter().map(|(safe, at)| *at - *safe).max().unwrap_or_default();
    eprintln!(
        "{} kills, {} of the daemon: {total} lines kept, {excused} shown and gone with the daemon, {missing} lost on their way within gaps, {unknown} \
         of unknown fate; everything was durable {widest:?} before a kill at the latest",
        kills.len(),
        ends.len()
    );
    assert!(total > 50 * talkers.len() / 6, "hardly anything was said");
}

/// Whether a gap lies between the lines of the other before and after this one.
fn in_a_gap(messages: &[Value], others: impl Fn(&Value) -> Option<usize>, gaps: &[Value], count: usize) -> bool {
    let before = messages.iter().rposition(|message| others(message).is_some_and(|other| other < count));
    let after = messages.iter().position(|message| others(message).is_some_and(|other| other > count)).unwrap_or(messages.len());
    gaps.iter().any(|gap| {
        // A gap begins after a line, or before all.
        let at = gap["after"].as_str().and_then(|id| messages.iter().rposition(|message| message["id"].as_str() <= Some(id)));
        at.is_none_or(|at| at < after) && at >= before
    })
}
