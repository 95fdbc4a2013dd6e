//! Sign-on as a state machine of our own (libpurple never reconnects): paced, watched, retried with growing waits, never after a fatal error.
//! It decides when an account connects; what an account is belongs to `account.rs`.

mod lanes;
mod reason;
pub(super) mod registration;
mod told;
mod turns;

pub(crate) use told::refuse_input;
pub(super) use told::{banned, ends_for, not_made, refuse_nick, resolved, sent_elsewhere, server_said};
pub(super) use turns::pace;
pub(crate) use turns::{Pace, connect};

use lanes::End;
pub(super) use lanes::HELD;
use turns::{chance, wait_before};

use super::accounts;
use super::ffi::{borrowed, guard_on};
use super::outgoing::Password;
use super::timers::{self, Timer};
use super::token::OnPurple;
use super::{conversation, outbox, owner, request, room, status};
use crate::event::EventKind;
use crate::id::AccountId;
use crate::model::{AccountError, AccountStanding, AccountState, Progress};
use crate::time::Timestamp;
use purple_sys::{PurpleConnection, PurpleConnectionError, PurpleConnectionUiOps};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::Duration;

/// How far an account is with signing on.
#[derive(Default)]
pub(crate) enum Phase {
    /// Neither signed on nor about to.
    #[default]
    Idle,
    /// Waits for its turn.
    Queued,
    /// libpurple is at it; ended by the watchdog when it makes no progress.
    Connecting { watchdog: Timer },
    /// Signed on; after a quiet while the next failure counts as the first again.
    Online { _settled: Timer },
    /// Tried again when the timer fires.
    Waiting { _retry: Timer },
}

/// The sign-on of one account.
#[derive(Default)]
pub(crate) struct SignOn {
    pub(crate) phase: Phase,
    attempts: u32,
    failure: Option<AccountError>,
    /// We ended the connection ourselves: the callback decides nothing.
    ours: bool,
    /// The account is being made on its server: libpurple calls that connected, though nobody is signed on.
    registering: bool,
    /// The account has been signed on under this name: its obstacle may pass.
    known: bool,
    /// The reason for which the name of the account's server led nowhere.
    unresolved: Option<String>,
    /// The reason for which the last connection was not made, in the system's words.
    not_made: Option<String>,
    /// The host and port to which the server sends the account, for the next attempt.
    elsewhere: Option<(String, u16)>,
    /// The host that this attempt was sent to. The host has to prove the account's own domain: anybody on the way may send accounts elsewhere.
    pub(super) reached_by: Option<String>,
    /// The number of times that the account was sent elsewhere since it was online.
    sent_on: u32,
    /// How many times it came online.
    pub(super) times: u32,
}

impl SignOn {
    /// Of an account that is not signed on. `known`: it was, in another libpurple or an earlier run.
    pub(super) fn of(known: bool) -> Self {
        Self { known, ..Self::default() }
    }

    /// The account has another name from now on.
    pub(super) fn renamed(&mut self) {
        self.known = false;
    }

    /// It has been signed on for a while: what comes with a sign-on has come.
    pub(super) fn has_settled(&self) -> bool {
        self.attempts == 0 && matches!(self.phase, Phase::Online { .. })
    }

    /// As after a sign-on, a while ago or just now.
    #[cfg(test)]
    pub(super) fn stand_online(&mut self, token: OnPurple, settled: bool) {
        self.attempts = u32::from(!settled);
        self.phase = Phase::Online { _settled: timers::after(token, SETTLED, None, |_| {}) };
    }
}

/// A connection that stood this long starts with short waits again.
const SETTLED: Duration = Duration::from_secs(60);

/// Registers with libpurple.
pub(super) fn install(_: OnPurple, pace: Pace) {
    static OPS: super::Ops<PurpleConnectionUiOps> = super::Ops(PurpleConnectionUiOps {
        connect_progress: Some(on_connect_progress),
        connected: Some(on_connected),
        disconnected: Some(on_disconnected),
        notice: Some(on_notice),
        report_disconnect: None,
        network_connected: None,
        network_disconnected: None,
        report_disconnect_reason: Some(on_report_disconnect_reason),
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
    });
    turns::set_pace(pace);
    // SAFETY: libpurple only reads the ops, which are static.
    unsafe { purple_sys::purple_connections_set_ui_ops(OPS.pointer()) };
}

/// Sets and tells how an account stands.
pub(crate) fn stand(token: OnPurple, account: AccountId, standing: AccountStanding) {
    let told = accounts::change(token, account, |entry| {
        if entry.standing == standing {
            return None;
        }
        entry.standing = standing.clone();
        Some(entry.user)
    });
    if let Some(Some(user)) = told {
        outbox::emit(token, user, EventKind::AccountState { account, standing });
    }
}

fn watch(token: OnPurple, account: AccountId) -> Timer {
    timers::after(token, pace().timeout, Some(account), move |token| watched(token, account))
}

/// The sign-on has made progress, or is not to be counted: the watchdog begins anew. Whether the account is signing on.
fn watch_anew(token: OnPurple, account: AccountId) -> bool {
    let mut next = Some(watch(token, account));
    // Timers are dropped out here, where the table is not borrowed.
    let before = accounts::change(token, account, |entry| match &mut entry.sign_on.phase {
        Phase::Connecting { watchdog } => next.take().map(|next| std::mem::replace(watchdog, next)),
        _ => None,
    });
    before.flatten().is_some()
}

/// The watchdog: no progress for the whole time, and the user is not being asked anything (hazard 34).
fn watched(token: OnPurple, account: AccountId) {
    if request::open_for(token, account) {
        watch_anew(token, account);
    } else if accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Connecting { .. })) == Some(true) {
        let error = AccountError { code: "timeout".to_owned(), message: "The server did not answer in time.".to_owned(), fatal: false };
        lose(token, account, error);
    }
}

/// Our own connect step: the only place where an account is connected (hazards 13, 32).
fn begin(token: OnPurple, account: AccountId) {
    let watchdog = watch(token, account);
    let known = accounts::change(token, account, |entry| {
        entry.sign_on.phase = Phase::Connecting { watchdog };
        entry.sign_on.failure = None;
        entry.sign_on.ours = false;
        entry.sign_on.registering = false;
        (entry.sign_on.unresolved, entry.sign_on.not_made) = (None, None);
        entry.sign_on.attempts = entry.sign_on.attempts.saturating_add(1);
        let elsewhere = entry.sign_on.elsewhere.take();
        entry.sign_on.reached_by = elsewhere.as_ref().map(|(host, _)| host.clone());
        (entry.purple, entry.password.clone(), entry.protocol.clone(), elsewhere)
    });
    let Some((purple, password, protocol, elsewhere)) = known else { return };
    super::sip::begins(token, account, &protocol);
    if password.is_none() && super::protocols::password_required(token, &protocol) {
        let message = "This network needs a password. Enter it to sign on.".to_owned();
        return lose(token, account, AccountError { code: "password_required".to_owned(), message, fatal: true });
    }
    let password = match password.map(|secret| Password::new(&secret, "password")).transpose() {
        Ok(password) => password,
        Err(error) => return lose(token, account, AccountError { code: "wrong_password".to_owned(), message: error.message, fatal: true }),
    };
    let password = password.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: `purple` lives as long as its entry; the password is copied.
    unsafe { purple_sys::purple_account_set_password(purple, password) };
    status::apply(token, account);
    // SAFETY: a live account. Enabled only for this call, so that nothing but this step connects it.
    unsafe {
        let ui = purple_sys::purple_core_get_ui();
        purple_sys::purple_account_set_ui_bool(purple, ui, c"auto-login".as_ptr(), glib_sys::GTRUE);
    }
    // SAFETY: a live account.
    let usual = elsewhere.map(|(host, port)| unsafe { super::account::redirect(purple, (host, i64::from(port))) });
    // SAFETY: as above.
    unsafe { purple_sys::purple_account_connect(purple) };
    // The account may have failed, and even be gone, while it connected.
    if let Some(purple) = accounts::read(token, account, |entry| entry.purple) {
        // SAFETY: as above.
        unsafe {
            purple_sys::purple_account_set_ui_bool(purple, purple_sys::purple_core_get_ui(), c"auto-login".as_ptr(), glib_sys::GFALSE);
            usual.map(|usual| super::account::redirect(purple, usual));
        }
        // SAFETY: as above.
        let started = unsafe { !(*purple).gc.is_null() };
        let connecting = accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Connecting { .. })).unwrap_or(false);
        if connecting && !started {
            let message = "The protocol did not start to connect. Check the account's settings.".to_owned();
            lose(token, account, AccountError { code: "not_started".to_owned(), message, fatal: true });
        }
    }
}

/// Ends a connection because of `error`, and goes on as the error wants.
pub(crate) fn lose(token: OnPurple, account: AccountId, error: AccountError) {
    accounts::change(token, account, |entry| entry.sign_on.failure = Some(error));
    if !drop_connection(token, account, false) {
        lost(token, account);
    }
}

/// Disconnects in libpurple. False: there was no connection. `ours`: what comes next is decided by the caller.
fn drop_connection(token: OnPurple, account: AccountId, ours: bool) -> bool {
    let purple = accounts::change(token, account, |entry| {
        entry.sign_on.ours = ours;
        entry.purple
    });
    let Some(purple) = purple else { return false };
    // SAFETY: a live account.
    let connected = unsafe { !(*purple).gc.is_null() && (*purple).disconnecting == glib_sys::GFALSE };
    if connected {
        // SAFETY: a live account with a connection that is not being taken down already.
        owner::with(Some(account), || unsafe { purple_sys::purple_account_disconnect(purple) });
    }
    connected
}

/// Signs off and stays so: state `offline`.
pub(crate) fn disconnect(token: OnPurple, account: AccountId) {
    drop_connection(token, account, true);
    let before = accounts::change(token, account, |entry| {
        (entry.sign_on.failure, entry.sign_on.elsewhere) = (None, None);
        entry.sign_on.attempts = 0;
        std::mem::take(&mut entry.sign_on.phase)
    });
    if matches!(before, Some(Phase::Connecting { .. })) {
        turns::ended(token, account, End::Other);
    }
    drop(before);
    stand(token, account, AccountStanding::plain(AccountState::Offline));
}

/// The meaning of a failed sign-on for its server.
fn end_of(failure: Option<&AccountError>) -> End {
    match failure {
        Some(error) if error.code == reason::CROWDED => End::Crowded,
        Some(error) if error.fatal => End::Other,
        _ => End::Failed,
    }
}

/// What comes after a connection that ended without our doing.
fn lost(token: OnPurple, account: AccountId) {
    let Some((failure, attempts, before, goes_on)) = accounts::change(token, account, |entry| {
        let before = std::mem::take(&mut entry.sign_on.phase);
        (entry.sign_on.failure.take(), entry.sign_on.attempts, before, entry.sign_on.elsewhere.is_some())
    }) else {
        return;
    };
    if matches!(before, Phase::Connecting { .. }) {
        turns::ended(token, account, end_of(failure.as_ref()));
    }
    drop(before);
    if goes_on && accounts::wanted(token, account) {
        return connect(token, account, false);
    }
    if !accounts::wanted(token, account) && failure.as_ref().is_none_or(|error| !error.fatal) {
        // An account that was only to be made on the server: nothing is tried again, but why it failed is told.
        return stand(token, account, AccountStanding { error: failure, ..AccountStanding::plain(AccountState::Offline) });
    }
    let error = failure.unwrap_or_else(|| AccountError {
        code: "disconnected".to_owned(),
        message: "The connection ended.".to_owned(),
        fatal: false,
    });
    if error.fatal {
        return stand(token, account, AccountStanding { error: Some(error), ..AccountStanding::plain(AccountState::Error) });
    }
    // A server that limits connections by number or rate gets the longest pause.
    let attempts = if error.code == reason::CROWDED { u32::MAX } else { attempts };
    let wait = wait_before(pace(), attempts, chance());
    let retry = timers::after(token, wait, Some(account), move |token| connect(token, account, false));
    accounts::change(token, account, |entry| entry.sign_on.phase = Phase::Waiting { _retry: retry });
    let retry_at = Timestamp(Timestamp::now().0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
    stand(
        token,
        account,
        AccountStanding { error: Some(error), retry_at: Some(retry_at), ..AccountStanding::plain(AccountState::Waiting) },
    );
}

/// The account of a connection.
///
/// # Safety
/// `gc` is a live connection.
unsafe fn account_of(token: OnPurple, gc: *mut PurpleConnection) -> Option<AccountId> {
    // SAFETY: the caller's promise; its account lives as long.
    unsafe { accounts::id(token, (*gc).account) }
}

unsafe extern "C" fn on_connect_progress(gc: *mut PurpleConnection, text: *const c_char, step: usize, steps: usize) {
    guard_on("connect_progress", (), |token| {
        // SAFETY: libpurple gives a live connection and a string or NULL.
        let (account, text) = unsafe { (account_of(token, gc), borrowed(text).unwrap_or_default()) };
        let Some(account) = account else { return };
        if watch_anew(token, account) {
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let progress = Progress { text, step: number(step), steps: number(steps) };
            stand(token, account, AccountStanding { progress: Some(progress), ..AccountStanding::plain(AccountState::Connecting) });
        }
    });
}

unsafe extern "C" fn on_connected(gc: *mut PurpleConnection) {
    guard_on("connected", (), |token| {
        // SAFETY: a live connection.
        let Some(account) = (unsafe { account_of(token, gc) }) else { return };
        if accounts::read(token, account, |entry| entry.sign_on.registering).unwrap_or(true) {
            return;
        }
        let settled = timers::after(token, SETTLED, Some(account), move |token| {
            accounts::change(token, account, |entry| entry.sign_on.attempts = 0);
        });
        let before = accounts::change(token, account, |entry| {
            entry.sign_on.known = true;
            (entry.sign_on.failure, entry.sign_on.sent_on) = (None, 0);
            entry.sign_on.times = entry.sign_on.times.wrapping_add(1);
            std::mem::replace(&mut entry.sign_on.phase, Phase::Online { _settled: settled })
        });
        drop(before);
        turns::ended(token, account, End::Online);
        super::pulse::begins(token, account);
        stand(token, account, AccountStanding::plain(AccountState::Online));
        // libpurple shows the buddies only after this callback.
        timers::soon(token, Some(account), move |token| {
            status::apply_idle(token, account);
            super::account::refresh(token, account);
            super::privacy::restore(token, account);
            conversation::reopen(token, account);
            room::rejoin(token, account);
        });
    });
}

unsafe extern "C" fn on_disconnected(gc: *mut PurpleConnection) {
    guard_on("disconnected", (), |token| {
        super::irc::forget(token, gc);
        // SAFETY: a live connection.
        let Some(account) = (unsafe { account_of(token, gc) }) else { return };
        super::pulse::ends(token, account);
        super::sip::ends(token, account);
        // SAFETY: a live connection, whose account lives as long.
        super::xmpp::avatars::forget(token, account, unsafe { (*gc).account });
        conversation::account_went(token, account);
        // What the old connection asked cannot be answered any more.
        request::close_all(token, account);
        super::roomlist::close_all(token, account);
        let ours = accounts::read(token, account, |entry| entry.sign_on.ours).unwrap_or(true);
        if !ours {
            lost(token, account);
        }
    });
}

unsafe extern "C" fn on_notice(gc: *mut PurpleConnection, text: *const c_char) {
    guard_on("notice", (), |token| {
        // SAFETY: a live connection and a string or NULL.
        let (account, text) = unsafe { (account_of(token, gc), borrowed(text).unwrap_or_default()) };
        super::debug::paced(log::Level::Info, format_args!("{account:?}: {text}"));
    });
}

unsafe extern "C" fn on_report_disconnect_reason(gc: *mut PurpleConnection, reason: PurpleConnectionError, text: *const c_char) {
    guard_on("report_disconnect_reason", (), |token| {
        // SAFETY: a live connection and a string or NULL.
        let (account, text) = unsafe { (account_of(token, gc), borrowed(text)) };
        let Some(account) = account else { return };
        // SAFETY: a pure function of the number.
        let fatal = unsafe { purple_sys::purple_connection_error_is_fatal(reason) } != glib_sys::GFALSE;
        let was_online = accounts::read(token, account, |entry| matches!(entry.sign_on.phase, Phase::Online { .. }));
        if was_online == Some(true) {
            // Hosts that were not reached meanwhile are not the account's server, but a contact's host, or a place for files.
            super::egress::forget(account);
            accounts::change(token, account, |entry| (entry.sign_on.unresolved, entry.sign_on.not_made) = (None, None));
        }
        let known = accounts::change(token, account, |entry| reason::Known {
            unresolved: entry.sign_on.unresolved.take(),
            not_made: entry.sign_on.not_made.take(),
        });
        let error = reason::explain(account, reason, text.unwrap_or_default(), fatal, known.unwrap_or_default());
        accounts::change(token, account, |entry| entry.sign_on.failure.get_or_insert(error).code.len());
    });
}

/// The data argument of signal handlers that need none.
pub(crate) const NO_DATA: *mut c_void = ptr::null_mut();

#[cfg(test)]
mod tests;
