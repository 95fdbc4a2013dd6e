//! Lists of rooms that discovery asks for, which nobody sees: questions of a protocol are answered with their default, what is long is asked for in
//! part where the network can do so, and reading stops at a bound. The rows go the way of all lists (see `roomlist.rs`).

use super::super::token::OnPurple;
use super::super::{accounts, conversation, irc, timers};
use super::{ASKING, OPEN, Open, Purpose, answered, begin, cancel, details, end, finish, let_go};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, UserId};
use crate::model::{DESCRIBED, RoomRow, RoomsFound};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Rows that are read of one list.
pub(super) const MOST: usize = 5_000;
/// How long a network may take for its list.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a protocol is asked that has no default for its question yet, and how long it has between: XMPP's plugin learns after the sign-on which
/// service has rooms.
const TRIES: u8 = 6;
const BETWEEN: Duration = Duration::from_millis(700);
/// Characters of a server's words.
const WORDS: usize = 300;

thread_local! {
    /// Accounts whose protocol had no default so far, and how often that was.
    static UNREADY: RefCell<HashMap<AccountId, u8>> = RefCell::default();
}

/// Asks for the rooms of an account's network, for discovery.
///
/// # Errors
/// `no_such_account`, `not_supported`; `not_connected` and the like; `busy` while a person's list of this account is under way.
pub(in crate::purple) fn find_rooms(token: OnPurple, user: UserId, account: AccountId) -> Result<(), CommandError> {
    accounts::pointer(token, user, account)?;
    let is = |purpose| OPEN.with_borrow(|all| all.iter().any(|(_, open)| open.account == account && open.purpose == purpose));
    if is(Purpose::Shown) {
        return Err(CommandError::new("busy", "A list of this network's rooms is under way."));
    }
    if is(Purpose::Found) {
        return Ok(());
    }
    UNREADY.with_borrow_mut(|all| all.remove(&account));
    start(token, user, account)
}

fn start(token: OnPurple, user: UserId, account: AccountId) -> Result<(), CommandError> {
    irc::asks_for_list(token, conversation::connected(token, account)?);
    let id = begin(token, user, account, Purpose::Found)?;
    // Dropping the timer would stop it; `end` does nothing for a list that has ended.
    std::mem::forget(timers::after(token, PATIENCE, Some(account), move |token| {
        give_up(token, id, CommandError::new("timeout", "The network did not send its list of rooms to the end."));
    }));
    Ok(())
}

/// Ends a list before it is complete.
fn give_up(token: OnPurple, id: u64, error: CommandError) {
    let open = OPEN.with_borrow_mut(|all| {
        let open = all.get_mut(id)?;
        open.error = Some(error);
        Some((open.account, open.purple))
    });
    if let Some((account, purple)) = open {
        cancel(token, account, purple);
        end(token, id);
    }
}

/// The list that discovery has begun for this account.
fn list_of(account: AccountId) -> Option<(u64, UserId)> {
    let is_it = |(_, open): &(u64, &Open)| open.account == account && open.purpose == Purpose::Found;
    OPEN.with_borrow(|all| all.iter().find(is_it).map(|(id, open)| (id, open.user)))
}

/// Whether a protocol is being asked for a list of discovery's right now: what it asks then is not for the user.
pub(in crate::purple) fn is_finding() -> bool {
    ASKING.get() == Some(Purpose::Found)
}

/// The list that discovery has begun for this account is not asked for after all. On a later turn: the plugin is about to ask.
pub(in crate::purple) fn withhold(token: OnPurple, account: AccountId, error: CommandError) {
    if let Some((id, _)) = list_of(account) {
        timers::soon(token, Some(account), move |token| give_up(token, id, error));
    }
}

/// Gives the answer to a question of the protocol about the account's list: the question's default. `None`: the question is cancelled, and the list
/// is asked for again later, or given up.
pub(in crate::purple) fn instead_of_asking(token: OnPurple, account: AccountId, default: Option<&str>) -> Option<String> {
    if let Some(default) = default.filter(|default| !default.trim().is_empty()) {
        return Some(default.to_owned());
    }
    let (id, user) = list_of(account)?;
    let tries = UNREADY.with_borrow_mut(|all| {
        let tries = all.entry(account).or_default();
        *tries += 1;
        *tries
    });
    if tries >= TRIES {
        UNREADY.with_borrow_mut(|all| all.remove(&account));
        let none = CommandError::new("not_supported", "The server names no service that has rooms.");
        OPEN.with_borrow_mut(|all| all.get_mut(id).into_iter().for_each(|open| open.error = Some(none.clone())));
        return None;
    }
    // Out of the table, so that its end is not told.
    if let Some(open) = OPEN.with_borrow_mut(|all| all.remove(id)) {
        let_go(token, &open);
    }
    std::mem::forget(timers::after(token, BETWEEN, Some(account), move |token| {
        let is_open = OPEN.with_borrow(|all| all.iter().any(|(_, open)| open.account == account && open.purpose != Purpose::Described));
        if is_open {
            return;
        }
        if let Err(error) = start(token, user, account) {
            let found = RoomsFound { account, rows: Vec::new(), described: false, more: false, cut: false, error: Some(error) };
            super::outbox::emit(token, user, EventKind::RoomsFound(found));
        }
    }));
    None
}

/// Takes the words by which XMPP's plugin says that a list could not be read. False: they are about something else.
pub(in crate::purple) fn caught(account: AccountId, primary: &str, secondary: &str) -> bool {
    if primary != "Error retrieving room list" {
        return false;
    }
    let Some((id, _)) = list_of(account) else { return false };
    OPEN.with_borrow_mut(|all| {
        let Some(open) = all.get_mut(id) else { return false };
        let words: String = secondary.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect();
        let message = if words.is_empty() { "The server did not give its list of rooms.".to_owned() } else { words };
        open.error = Some(CommandError::new("refused", message));
        true
    })
}

/// As many rows as are read are there: the rest is not waited for. The plugin may be in the middle of the list.
pub(super) fn enough(token: OnPurple, id: u64) {
    let open = OPEN.with_borrow(|all| all.get(id).map(|open| (open.account, open.purple)));
    if let Some((account, purple)) = open {
        timers::soon(token, Some(account), move |token| {
            if OPEN.with_borrow(|all| all.get(id).is_some()) {
                cancel(token, account, purple);
                end(token, id);
            }
        });
    }
}

/// Asks rooms for their topic and people, where the network can. Rows of rooms that cannot be asked come as they were.
///
/// # Errors
/// `no_such_account`, and what [`conversation::connected`] says of an account that is not online.
pub(in crate::purple) fn describe(token: OnPurple, user: UserId, account: AccountId, rooms: Vec<RoomRow>) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    conversation::connected(token, account)?;
    let is_it = |open: &Open| open.account == account && open.purpose == Purpose::Described;
    let earlier = OPEN.with_borrow(|all| all.iter().find(|(_, open)| is_it(open)).map(|(id, _)| id));
    earlier.into_iter().for_each(|id| end(token, id));
    let id = OPEN.with_borrow_mut(|all| all.insert(Open::new(user, account, Purpose::Described, std::ptr::null_mut())));
    for (at, row) in rooms.into_iter().take(DESCRIBED).enumerate() {
        // SAFETY: an account in our table is live.
        if let Some(row) = unsafe { details::ask(token, id, purple, at + 1, row) } {
            answered(token, id, row);
        }
    }
    finish(token, id);
    Ok(())
}
