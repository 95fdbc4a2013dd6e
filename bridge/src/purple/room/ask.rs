//! Asks a room's server for a change, and recognises the answer: a stanza of XMPP's, or lines of IRC's that the plugin tells nobody or in
//! another place. Does not know who may ask what (see `powers.rs`).

use super::super::conversation::{self, Ended};
use super::super::ffi::{in_process, owned};
use super::super::iq::{self, Answer};
use super::super::outgoing::Line;
use super::super::token::OnPurple;
use super::super::{accounts, outbox, timers};
use super::bans;
use crate::command::Origin;
use crate::error::CommandError;
use crate::event::{EventKind, Outcome};
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{ConversationKind, MenuItem};
use purple_sys::{PurpleConnection, xmlnode};
use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::time::Duration;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions of an account at a time.
const MOST: usize = 20;
/// The beginning of the id of a stanza that asks.
pub(in crate::purple) const QUESTION: &str = "room-";
/// Characters of a server's own words that are passed on.
const WORDS: usize = 300;
/// Bans of a list that are told at most.
pub(super) const MOST_BANS: usize = 400;
const MUC_ADMIN: &CStr = c"http://jabber.org/protocol/muc#admin";

/// The sign by which an answer is recognised.
pub(super) enum By {
    /// XMPP: the id of the stanza, and the room's address.
    Stanza(String, String),
    /// IRC: the server throws out this nick.
    Kick(String),
    /// IRC: the server sets or takes a mode (`+o`) of this nick or mask.
    Mode(String, String),
    /// XMPP: the id of the stanza that asks for the list of bans, and the room's address.
    BansByStanza(String, String),
    /// IRC: the server's list of bans, as far as it has come.
    Bans(Vec<MenuItem>),
}

struct Asked {
    number: u64,
    user: UserId,
    account: AccountId,
    conversation: ConversationId,
    origin: Option<Origin>,
    by: By,
    /// Lines by which IRC's server may refuse it; after the first one the others are not told.
    refusals: u32,
    told: bool,
}

thread_local! {
    static ASKED: RefCell<Vec<Asked>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Fails when the account asks too much already.
pub(super) fn has_room(_: OnPurple, account: AccountId) -> Result<(), CommandError> {
    let running = ASKED.with_borrow(|all| all.iter().filter(|asked| asked.account == account).count());
    if running < MOST {
        return Ok(());
    }
    Err(CommandError::new("limit", "The server has not answered yet what was asked before. Try again in a moment."))
}

/// Notes what was asked: the command ends with the answer, or after [`PATIENCE`].
pub(super) fn begin(token: OnPurple, user: UserId, account: AccountId, conversation: ConversationId, by: By, refusals: u32) -> Ended {
    let number = next();
    let asked = Asked { number, user, account, conversation, origin: outbox::cause(user), by, refusals, told: false };
    ASKED.with_borrow_mut(|all| all.push(asked));
    // Dropping the timer would stop it; `end` does nothing once the answer is there.
    std::mem::forget(timers::after(token, PATIENCE, Some(account), move |token| {
        let late = "The server did not answer. The list of people shows what has become of it.";
        end(token, number, Err(CommandError::new("timeout", late)));
    }));
    Ended::Later
}

fn next() -> u64 {
    let number = LAST.get() + 1;
    LAST.set(number);
    number
}

/// Tells how it ended, once, and forgets it.
fn end(token: OnPurple, number: u64, outcome: Result<Option<Outcome>, CommandError>) {
    let asked = ASKED.with_borrow_mut(|all| {
        let at = all.iter().position(|asked| asked.number == number)?;
        Some(all.swap_remove(at))
    });
    if let Some(asked) = asked.filter(|asked| !asked.told) {
        tell(token, asked.user, asked.origin, outcome);
    }
}

fn tell(token: OnPurple, user: UserId, origin: Option<Origin>, outcome: Result<Option<Outcome>, CommandError>) {
    if origin.is_some() {
        let outcome = outcome.map_or_else(|error| EventKind::CommandFailed { error }, |result| EventKind::CommandDone { result });
        outbox::emit_caused(token, user, origin, outcome);
    }
}

/// The account went offline: its questions have failed.
pub(super) fn lost(token: OnPurple, account: AccountId) {
    let mine: Vec<u64> = ASKED.with_borrow(|all| all.iter().filter(|asked| asked.account == account).map(|asked| asked.number).collect());
    for number in mine {
        let message = "The connection ended before the server answered. The list of people shows what has become of it.";
        end(token, number, Err(CommandError::new("not_connected", message)));
    }
}

/// A change of somebody's standing, as attributes of the `item` element (XEP-0045, 8 and 9).
pub(super) struct Item<'a> {
    /// The attribute that names the person, `nick` or `jid`, with its value.
    pub(super) whom: (&'static CStr, &'a str),
    /// The attribute to change, `role` or `affiliation`, with its new value.
    pub(super) to_be: (&'static CStr, &'static CStr),
    pub(super) reason: &'a Line,
}

/// Sends the change to the room's server. Gives the sign by which the answer is recognised.
///
/// # Safety
/// A live connection of XMPP's plugin.
pub(super) unsafe fn send(token: OnPurple, gc: *mut PurpleConnection, room: &str, item: &Item<'_>) -> By {
    let id = format!("{QUESTION}{:x}", next());
    let (whom, iq) = (in_process(item.whom.1), iq::new(token, c"set", &id, room));
    // SAFETY: nodes of our own; the caller's promise; live C strings, which are copied.
    unsafe {
        let query = purple_sys::xmlnode_new_child(iq, c"query".as_ptr());
        purple_sys::xmlnode_set_namespace(query, MUC_ADMIN.as_ptr());
        let node = purple_sys::xmlnode_new_child(query, c"item".as_ptr());
        purple_sys::xmlnode_set_attrib(node, item.whom.0.as_ptr(), whom.as_ptr());
        purple_sys::xmlnode_set_attrib(node, item.to_be.0.as_ptr(), item.to_be.1.as_ptr());
        if !item.reason.is_empty() {
            let reason = purple_sys::xmlnode_new_child(node, c"reason".as_ptr());
            purple_sys::xmlnode_insert_data(reason, item.reason.as_ptr(), -1);
        }
        iq::send(gc, iq);
    }
    By::Stanza(id, room.to_owned())
}

/// Asks the room's server for the list of bans (XEP-0045, 9.2). Gives the sign by which the answer is recognised.
///
/// # Safety
/// A live connection of XMPP's plugin.
pub(super) unsafe fn send_bans(token: OnPurple, gc: *mut PurpleConnection, room: &str) -> By {
    let id = format!("{QUESTION}{:x}", next());
    let iq = iq::new(token, c"get", &id, room);
    // SAFETY: nodes of our own; the caller's promise; C strings, which are copied.
    unsafe {
        let query = purple_sys::xmlnode_new_child(iq, c"query".as_ptr());
        purple_sys::xmlnode_set_namespace(query, MUC_ADMIN.as_ptr());
        let node = purple_sys::xmlnode_new_child(query, c"item".as_ptr());
        purple_sys::xmlnode_set_attrib(node, c"affiliation".as_ptr(), c"outcast".as_ptr());
        iq::send(gc, iq);
    }
    By::BansByStanza(id, room.to_owned())
}

/// A room has answered. False: it was not asked.
///
/// # Safety
/// A live stanza.
pub(in crate::purple) unsafe fn answered(token: OnPurple, answer: &Answer) -> bool {
    let fits = |asked: &&Asked| {
        let is = |known: &str, room: &str| known == answer.id && room.eq_ignore_ascii_case(&answer.from);
        asked.account == answer.account && matches!(&asked.by, By::Stanza(known, room) | By::BansByStanza(known, room) if is(known, room))
    };
    let found = ASKED.with_borrow(|all| all.iter().find(fits).map(|asked| (asked.number, matches!(asked.by, By::BansByStanza(..)))));
    let Some((number, bans)) = found else { return false };
    // SAFETY: the caller's promise.
    let outcome = unsafe {
        if answer.refuses { Err(refused(&reason(answer.iq))) } else { Ok(bans.then(|| Outcome::Items(bans::of_stanza(answer.iq)))) }
    };
    end(token, number, outcome);
    true
}

fn refused(words: &str) -> CommandError {
    CommandError::new("refused", words)
}

/// The room's words, or what its condition means (RFC 6120, 8.3.3).
///
/// # Safety
/// A live stanza.
unsafe fn reason(iq: *mut xmlnode) -> String {
    // SAFETY: the caller's promise; the text is made for us.
    unsafe {
        let error = purple_sys::xmlnode_get_child(iq, c"error".as_ptr());
        if error.is_null() {
            return "The room refuses this.".to_owned();
        }
        let text = purple_sys::xmlnode_get_child(error, c"text".as_ptr());
        let said = if text.is_null() { None } else { owned(purple_sys::xmlnode_get_data(text)) }.unwrap_or_default();
        let said: String = said.trim().chars().take(WORDS).collect();
        if !said.is_empty() {
            return format!("The room refuses this: {}", said.trim_end_matches('.')) + ".";
        }
        let has = |name: &CStr| !purple_sys::xmlnode_get_child(error, name.as_ptr()).is_null();
        let known = [
            (c"forbidden", "You are not allowed to do this in this room."),
            (c"not-allowed", "The room does not allow this."),
            (c"item-not-found", "They are not in the room any more."),
            (c"conflict", "The room needs an owner."),
        ];
        known.into_iter().find(|(name, _)| has(name)).map_or("The room refuses this.", |(_, words)| words).to_owned()
    }
}

/// Whether the account waits for an answer, so that its lines of IRC have to be read.
pub(in super::super) fn awaits(_: OnPurple, account: AccountId) -> bool {
    ASKED.with_borrow(|all| all.iter().any(|asked| asked.account == account))
}

/// Numbers by which a server of IRC refuses what operators do (RFC 2812, 5.2, and what servers have added).
const REFUSALS: [&str; 19] =
    ["401", "403", "437", "441", "442", "460", "461", "467", "468", "472", "478", "481", "482", "484", "485", "486", "489", "499", "974"];

/// Reads a line of IRC: its command, and what follows it. True: the line was a refusal that the command tells, and is kept from the plugin.
pub(in super::super) fn heard(token: OnPurple, account: AccountId, command: &str, words: &[String]) -> bool {
    let Some(purple) = accounts::read(token, account, |entry| entry.purple) else { return false };
    let room = |name: &String| ConversationId::of(account, ConversationKind::Room, &conversation::normalize(token, purple, name));
    let same = |one: &str, other: &str| conversation::normalize(token, purple, one) == conversation::normalize(token, purple, other);
    let first = |fits: &dyn Fn(&Asked) -> bool| {
        ASKED.with_borrow(|all| {
            let mine = |asked: &&Asked| asked.account == account && !matches!(asked.by, By::Stanza(..) | By::BansByStanza(..));
            all.iter().filter(mine).find(|asked| fits(asked)).map(|asked| (asked.number, asked.user, asked.told))
        })
    };
    match (command, words) {
        ("KICK", [place, nick, ..]) => {
            let id = room(place);
            let done = first(&|asked| asked.conversation == id && matches!(&asked.by, By::Kick(whom) if same(whom, nick)));
            finish(token, account, done);
            false
        }
        ("MODE", [place, modes, whom @ ..]) => {
            let (id, changes) = (room(place), changes(modes, whom));
            for (mode, nick) in &changes {
                let fits = |asked: &Asked| matches!(&asked.by, By::Mode(wanted, whom) if wanted == mode && same(whom, nick));
                finish(token, account, first(&|asked| asked.conversation == id && fits(asked)));
            }
            false
        }
        // RPL_BANLIST, one line for each, and RPL_ENDOFBANLIST.
        ("367", [_, place, mask, rest @ ..]) => {
            let id = room(place);
            let mut one = Some(bans::of_line(mask, rest));
            let more = |asked: &mut Asked| match &mut asked.by {
                By::Bans(list) if asked.account == account && asked.conversation == id => {
                    list.extend(one.take().filter(|_| list.len() < MOST_BANS));
                    true
                }
                _ => false,
            };
            ASKED.with_borrow_mut(|all| all.iter_mut().any(more))
        }
        ("368", [_, place, ..]) => {
            let id = room(place);
            let Some((number, ..)) = first(&|asked| asked.conversation == id && matches!(asked.by, By::Bans(_))) else { return false };
            let list = ASKED.with_borrow_mut(|all| {
                let asked = all.iter_mut().find(|asked| asked.number == number)?;
                if let By::Bans(list) = &mut asked.by { Some(std::mem::take(list)) } else { None }
            });
            end(token, number, Ok(Some(Outcome::Items(list.unwrap_or_default()))));
            true
        }
        (number, [_, rest @ ..]) if REFUSALS.contains(&number) => {
            let (about, said) = rest.split_at(rest.len().saturating_sub(1));
            let rooms: Vec<ConversationId> = about.iter().filter(|word| word.starts_with(['#', '&', '+', '!'])).map(room).collect();
            let names_nick = |asked: &Asked| match &asked.by {
                By::Kick(nick) | By::Mode(_, nick) => about.iter().any(|word| same(word, nick)),
                By::Stanza(..) | By::BansByStanza(..) | By::Bans(_) => false,
            };
            let about_room = |asked: &Asked| rooms.contains(&asked.conversation);
            // Questions that fit both room and nick come first, then those that fit one of them. Some numbers name neither.
            let found = first(&|asked| about_room(asked) && names_nick(asked))
                .or_else(|| first(&about_room))
                .or_else(|| first(&|asked| rooms.is_empty() && names_nick(asked)))
                .or_else(|| first(&|_| matches!(number, "472" | "481" | "484")));
            let Some((number, user, told)) = found else { return false };
            let said: String = said.concat().trim().trim_end_matches('.').chars().take(WORDS).collect();
            let words = if said.is_empty() { "The server refuses this.".to_owned() } else { format!("The server refuses this: {said}.") };
            refuse(token, (number, user, told), &words);
            true
        }
        _ => false,
    }
}

/// Ends a question that was carried out, after libpurple has handled the line.
fn finish(token: OnPurple, account: AccountId, found: Option<(u64, UserId, bool)>) {
    if let Some((number, ..)) = found {
        timers::soon(token, Some(account), move |token| end(token, number, Ok(None)));
    }
}

/// Tells the first refusal of a question; further ones of it are counted only.
fn refuse(token: OnPurple, (number, user, told): (u64, UserId, bool), words: &str) {
    let (origin, over) = ASKED.with_borrow_mut(|all| {
        let Some(asked) = all.iter_mut().find(|asked| asked.number == number) else { return (None, true) };
        asked.refusals = asked.refusals.saturating_sub(1);
        asked.told = true;
        (asked.origin.take(), asked.refusals == 0)
    });
    if !told {
        tell(token, user, origin, Err(refused(words)));
    }
    if over {
        end(token, number, Ok(None));
    }
}

/// The changes of a MODE line that are about somebody, as `+o` and whom.
fn changes(modes: &str, words: &[String]) -> Vec<(String, String)> {
    let (mut sign, mut words, mut found) = ('+', words.iter(), Vec::new());
    for letter in modes.chars() {
        match letter {
            '+' | '-' => sign = letter,
            'o' | 'v' | 'h' | 'q' | 'a' | 'b' | 'e' | 'I' | 'k' => {
                if let Some(word) = words.next() {
                    found.push((format!("{sign}{letter}"), word.clone()));
                }
            }
            'l' if sign == '+' => _ = words.next(),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_with_whom_they_are_about() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let read = |modes: &str, list: &[&str]| changes(modes, &words(list));
        let pair = |mode: &str, nick: &str| (mode.to_owned(), nick.to_owned());
        assert_eq!(read("+ov", &["bob", "eva"]), [pair("+o", "bob"), pair("+v", "eva")]);
        assert_eq!(read("+ntl-o", &["20", "bob"]), [pair("-o", "bob")]);
        assert_eq!(read("-l+b", &["*!*@x"]), [pair("+b", "*!*@x")]);
        assert_eq!(read("o", &["bob"]), [pair("+o", "bob")]);
        assert_eq!(read("+o", &[]), []);
    }
}
