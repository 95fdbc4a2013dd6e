//! Counts the people that a guest is the first to write to, and refuses one more than may be within an hour. Knows no network: who answered, or is on
//! the list, is no stranger.

use super::conversation::Conv;
use super::hub::lock;
use super::perform::later;
use super::state::State;
use super::{Hub, Session};
use crate::wire::ErrorBody;
use bridge::command::CommandKind;
use bridge::command::slash::{self, Typed};
use bridge::id::{AccountId, PersonId};
use bridge::model::ConversationKind;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Mutex;

/// Milliseconds over which strangers are counted.
const HOUR: u64 = 3_600_000;
/// Factor for all guests of a neighbourhood together: signing in anew gives the whole number again so many times at most.
const NEIGHBOURHOOD: usize = 10;
/// Neighbourhoods that are remembered.
const MOST: usize = 10_000;

/// Somebody to whom a command writes.
pub(super) type Contact = (AccountId, Box<str>);

/// Times at which somebody wrote to strangers, within the last hour.
#[derive(Debug, Default)]
struct Times(VecDeque<u64>);

impl Times {
    /// How long to wait, in milliseconds, until `more` fit under `most`.
    fn wait(&mut self, now: u64, more: usize, most: usize) -> Option<u64> {
        while self.0.front().is_some_and(|at| at.saturating_add(HOUR) <= now) {
            self.0.pop_front();
        }
        let over = (self.0.len() + more).checked_sub(most).filter(|over| *over > 0)?;
        let at = self.0.get(over - 1).or(self.0.back()).copied().unwrap_or(now);
        Some(at.saturating_add(HOUR).saturating_sub(now).max(1))
    }
}

/// A guest's own count, and to whom they wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    times: Times,
    to: BTreeSet<Contact>,
}

/// Counts by neighbourhood.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashMap<PersonId, Times>>);

impl Hub {
    /// The strangers to whom a command writes first; to be noted once it is taken.
    ///
    /// # Errors
    /// `too_many_strangers`, with the time after which there is room again.
    pub(super) fn strangers(&self, session: &Session, state: &mut State, now: u64, kind: &CommandKind) -> Result<Vec<Contact>, ErrorBody> {
        let most = self.config.strangers_per_hour as usize;
        let Some(person) = session.guest().filter(|_| most > 0) else { return Ok(Vec::new()) };
        let mut strangers = state.writes_to(kind);
        // Up to two people are looked up one by one; for more, all known people are gathered once.
        if strangers.len() <= 2 {
            strangers.retain(|contact| !state.knows(contact));
        } else {
            let known = state.all_known();
            strangers.retain(|contact| !known.contains(contact));
        }
        if strangers.is_empty() {
            return Ok(strangers);
        }
        let own = state.seldom.get_or_insert_default().written.times.wait(now, strangers.len(), most);
        let theirs = || lock(&self.strangers.0).entry(person).or_default().wait(now, strangers.len(), most * NEIGHBOURHOOD);
        match own.or_else(theirs) {
            None => Ok(strangers),
            Some(wait) => {
                let message = format!(
                    "Guests may be the first to write to {most} people an hour (limits.strangers_per_hour). Those who answer, and those on your \
                     list, do not count. Try again in {} minutes.",
                    wait.div_ceil(60_000)
                );
                Err(later("too_many_strangers", &message, wait))
            }
        }
    }

    /// The command that writes to these strangers is taken.
    pub(super) fn note_strangers(&self, session: &Session, state: &mut State, now: u64, strangers: Vec<Contact>) {
        let Some(person) = session.guest().filter(|_| !strangers.is_empty()) else { return };
        let mut all = lock(&self.strangers.0);
        if all.len() >= MOST {
            all.retain(|_, times| times.0.back().is_some_and(|at| at.saturating_add(HOUR) > now));
        }
        let theirs = all.entry(person).or_default();
        let written = &mut state.seldom.get_or_insert_default().written;
        for contact in strangers {
            theirs.0.push_back(now);
            written.times.0.push_back(now);
            written.to.insert(contact);
        }
    }
}

/// A name as it is compared: without XMPP's resource, and without regard to the case of ASCII.
fn plain(name: &str) -> Box<str> {
    let bare = match name.split_once('/') {
        Some((bare, _)) if bare.contains('@') => bare,
        _ => name,
    };
    bare.trim().to_ascii_lowercase().into()
}

impl State {
    /// People to whom a command writes, known or not.
    fn writes_to(&self, kind: &CommandKind) -> Vec<Contact> {
        let conversation = match kind {
            CommandKind::AddBuddy { account, name, .. } => return vec![(*account, plain(name))],
            CommandKind::SendMessage { conversation, .. }
            | CommandKind::SendFile { conversation, .. }
            | CommandKind::SendAttention(conversation)
            | CommandKind::InviteToRoom { conversation, .. } => conversation,
            _ => return Vec::new(),
        };
        let Some(conv) = self.conversations.get(conversation) else { return Vec::new() };
        let account = conv.base.account;
        let names = match kind {
            CommandKind::InviteToRoom { name, .. } => vec![name.as_str()],
            CommandKind::SendMessage { text, .. } if !text.is_empty() => named(text),
            _ if conv.base.kind == ConversationKind::Im => vec![conv.base.name.as_str()],
            _ => Vec::new(),
        };
        let names: BTreeSet<Box<str>> = names.into_iter().map(plain).collect();
        names.into_iter().map(|name| (account, name)).collect()
    }

    /// People who are on the list, have written, or were written to already.
    fn all_known(&self) -> BTreeSet<Contact> {
        let talked = self.conversations.values().filter(|conv| conv.base.kind == ConversationKind::Im && has_written(conv));
        let talked = talked.map(|conv| (conv.base.account, plain(&conv.base.name)));
        let listed = self.buddies.values().map(|buddy| (buddy.account, plain(&buddy.name)));
        let written = self.seldom.iter().flat_map(|seldom| seldom.written.to.iter().cloned());
        talked.chain(listed).chain(written).collect()
    }

    /// Whether somebody is on the list, has written, or was written to already.
    fn knows(&self, contact: &Contact) -> bool {
        let (account, name) = contact;
        let is_contact = |of: AccountId, other: &str| of == *account && plain(other) == *name;
        let is_theirs = |conv: &Conv| conv.base.kind == ConversationKind::Im && is_contact(conv.base.account, &conv.base.name);
        self.seldom.as_ref().is_some_and(|seldom| seldom.written.to.contains(contact))
            || self.buddies.values().any(|buddy| is_contact(buddy.account, &buddy.name))
            || self.conversations.values().any(|conv| is_theirs(conv) && has_written(conv))
    }
}

/// Whether the other one of an IM has said something.
fn has_written(conv: &Conv) -> bool {
    conv.kept.lines().any(|line| line.counts())
}

/// Slash commands whose first word is whom they write to.
const TO_SOMEBODY: [&str; 9] = ["ctcp", "invite", "memo", "msg", "notice", "ping", "query", "squery", "version"];
/// Slash commands whose words are a command of the protocol's own.
const RAW: [&str; 2] = ["quote", "raw"];
/// Commands of IRC whose first parameter is whom they write to.
const IRC: [&str; 6] = ["cnotice", "cprivmsg", "invite", "notice", "privmsg", "squery"];

/// People to whom a slash command writes.
fn named(text: &str) -> Vec<&str> {
    let Typed::Command { name, words } = slash::read(text) else { return Vec::new() };
    let name = name.to_lowercase();
    let mut words = words.split_whitespace();
    if RAW.contains(&name.as_str()) {
        // Servers skip the prefix of a client.
        let is_to_somebody =
            words.find(|word| !word.starts_with(':')).is_some_and(|command| IRC.contains(&command.to_ascii_lowercase().as_str()));
        if !is_to_somebody {
            return Vec::new();
        }
    } else if !TO_SOMEBODY.contains(&name.as_str()) {
        return Vec::new();
    }
    let targets = words.next().unwrap_or_default().split(',');
    // Rooms have nobody who would be written to first.
    targets.filter(|name| !name.is_empty() && !name.starts_with(['#', '&', '+', '!'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slash_commands_name_whom_they_write_to() {
        for (text, to) in [
            ("/msg bob hello", vec!["bob"]),
            (" ／MSG bob,eve hi", vec!["bob", "eve"]),
            ("/query bob", vec!["bob"]),
            ("/quote PRIVMSG bob :hi", vec!["bob"]),
            ("/raw privmsg #room,bob :hi", vec!["bob"]),
            ("/quote :me PRIVMSG bob :hi", vec!["bob"]),
            ("/quote cprivmsg bob #room :hi", vec!["bob"]),
            ("/quote JOIN #room", vec![]),
            ("/msg #room hello", vec![]),
            ("/me waves", vec![]),
            ("/msg", vec![]),
        ] {
            assert_eq!(named(text), to, "{text}");
        }
    }

    #[test]
    fn the_oldest_make_room_after_an_hour() {
        let mut times = Times::default();
        times.0.extend([0, 1000, 2000]);
        assert_eq!(times.wait(3000, 1, 4), None);
        assert_eq!(times.wait(3000, 1, 3), Some(HOUR - 3000));
        assert_eq!(times.wait(3000, 2, 3), Some(HOUR - 2000), "two have to go for two");
        assert_eq!(times.wait(HOUR, 1, 3), None);
        assert_eq!(times.wait(HOUR, 9, 3), Some(2000), "more than ever fit wait for all");
    }

    #[test]
    fn names_are_compared_without_resource_and_case() {
        assert_eq!(plain("Bob@Example.org/Phone"), plain("bob@example.org"));
        assert_ne!(plain("a/b"), plain("a"), "a slash alone is no resource");
    }
}
