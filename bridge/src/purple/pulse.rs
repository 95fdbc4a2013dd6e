//! Signs of life: when something came last over an account's connection, and what is done about a connection that is open and says nothing any more.
//! Ends no connection whose protocol looks after that itself.
//!
//! A named exception. IRC's plugin sends a PING now and then and counts no answers, so a server that has gone is missed by nobody (libjabber ends such a
//! connection after some 150 s).

use super::connection::{self, pace};
use super::outgoing::is_irc;
use super::token::OnPurple;
use super::{accounts, conversation, owner, timers};
use crate::id::AccountId;
use crate::model::AccountError;
use crate::time::Timestamp;
use purple_sys::PurplePluginProtocolInfo;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// Signs of life of an account's connection.
struct Pulse {
    heard: Instant,
    /// The connection: a later one has a watch of its own.
    times: u32,
    asked: bool,
}

thread_local! {
    static PULSES: RefCell<HashMap<AccountId, Pulse>> = RefCell::default();
}

/// The part of the patience after which a silent server is asked for a sign of life, and of that between two looks.
const ASKED_AFTER: u32 = 3;
const LOOKS: u32 = 10;

/// Something can be read from a descriptor that is this account's. Called for every such event, on whatever thread has them.
pub(super) fn came(owner: Option<AccountId>) {
    let Some(account) = owner else { return };
    let _ = PULSES.try_with(|all| {
        if let Some(pulse) = all.borrow_mut().get_mut(&account) {
            (pulse.heard, pulse.asked) = (Instant::now(), false);
        }
    });
}

/// The time at which something came last over the connection of an account that is signed on.
pub(super) fn last(_: OnPurple, account: AccountId) -> Option<Timestamp> {
    let silent = PULSES.with_borrow(|all| all.get(&account).map(|pulse| pulse.heard.elapsed()))?;
    let milliseconds = i64::try_from(silent.as_millis()).unwrap_or(i64::MAX);
    Some(Timestamp(Timestamp::now().0.saturating_sub(milliseconds)))
}

/// The account is signed on.
pub(super) fn begins(token: OnPurple, account: AccountId) {
    let times = accounts::read(token, account, |entry| entry.sign_on.times).unwrap_or(0);
    let pulse = Pulse { heard: Instant::now(), times, asked: false };
    PULSES.with_borrow_mut(|all| all.insert(account, pulse));
    if is_irc(token, account) {
        look_again(token, account, times);
    }
}

/// The account is signed on no more.
pub(super) fn ends(_: OnPurple, account: AccountId) {
    PULSES.with_borrow_mut(|all| all.remove(&account));
}

fn look_again(token: OnPurple, account: AccountId, times: u32) {
    let wait = (pace().silence / LOOKS).max(Duration::from_millis(50));
    // The timer is not cancelled here: `look` does nothing once the account has another connection.
    std::mem::forget(timers::after(token, wait, Some(account), move |token| look(token, account, times)));
}

fn look(token: OnPurple, account: AccountId, times: u32) {
    let patience = pace().silence;
    let known = PULSES.with_borrow_mut(|all| {
        let pulse = all.get_mut(&account).filter(|pulse| pulse.times == times)?;
        let silent = pulse.heard.elapsed();
        let was_asked = pulse.asked;
        pulse.asked |= silent >= patience / ASKED_AFTER;
        Some((silent, was_asked))
    });
    let Some((silent, was_asked)) = known else { return };
    // This process may have stood still itself: nobody is given up who was not asked.
    if silent >= patience && was_asked {
        let message = format!("The server has not answered for {}. The connection was given up.", in_words(silent));
        return connection::lose(token, account, AccountError { code: "silent".to_owned(), message, fatal: false });
    }
    if !was_asked && silent >= patience / ASKED_AFTER {
        ask(token, account);
    }
    look_again(token, account, times);
}

/// A time of silence, in words.
fn in_words(silent: Duration) -> String {
    match silent.as_secs() {
        seconds if seconds >= 120 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

/// Asks a server of IRC for a sign of life.
fn ask(token: OnPurple, account: AccountId) {
    // The plugin wants both the length and a NUL behind it.
    const PING: &CStr = c"PING :bellflower\r\n";
    let Ok(gc) = conversation::connected(token, account) else { return };
    // SAFETY: a live connection; a protocol plugin's `extra_info` is its protocol info; a C string of so many bytes.
    owner::with(Some(account), || unsafe {
        let info = (*(*(*gc).prpl).info).extra_info.cast::<PurplePluginProtocolInfo>();
        if let Some(send) = (*info).send_raw {
            send(gc, PING.as_ptr(), i32::try_from(PING.count_bytes()).unwrap_or_default());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_in_words() {
        assert_eq!(in_words(Duration::from_secs(155)), "2 minutes");
        assert_eq!(in_words(Duration::from_secs(2)), "2 seconds");
    }
}
