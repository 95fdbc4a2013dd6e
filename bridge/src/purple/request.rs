//! Questions of libpurple's to a user: opened once, answered or withdrawn once, and dead after that; what a question is about is not decided here.

mod form;
mod ops;
#[cfg(test)]
mod tests;

use super::outgoing::Prose;
use super::quota::{Quota, Space};
use super::registry::Registry;
use super::token::OnPurple;
use super::{account, accounts, debug, outbox, owner, roomlist, timers, transfer};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, RequestId, UserId};
use crate::model::{Button, Certificate, Field, Request, RequestKind, Value};
use form::Slot;
use purple_sys::{GCallback, PurpleConnection, PurpleRequestFields, PurpleRequestType};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};

pub(super) use ops::install;

/// What is called when the question is answered. Each callback takes `data`, which the asker frees in it.
enum Reply {
    Input {
        ok: GCallback,
        cancel: GCallback,
        data: *mut c_void,
    },
    Choice {
        ok: GCallback,
        cancel: GCallback,
        data: *mut c_void,
        values: Vec<c_int>,
        preset: c_int,
    },
    Action {
        callbacks: Vec<GCallback>,
        data: *mut c_void,
    },
    /// `fields` is ours to destroy.
    Fields {
        ok: GCallback,
        cancel: GCallback,
        data: *mut c_void,
        fields: *mut PurpleRequestFields,
        slots: Vec<Slot>,
    },
    /// Never shown: declined.
    File {
        cancel: GCallback,
        data: *mut c_void,
        folder: bool,
    },
    Certificate(Box<dyn FnOnce(bool)>),
    /// A question of our own, in words.
    Ours(Box<dyn FnOnce(bool)>),
}

struct Open {
    whose: Option<(UserId, AccountId)>,
    /// The connection it was asked under. Its data is gone when that is (hazard 7).
    connection: *mut PurpleConnection,
    buttons: Vec<Button>,
    fields: Vec<Field>,
    reply: Reply,
}

/// A button's id for yes, in all questions but actions (whose buttons are numbered).
const OK: &str = "ok";
/// A button's id for no.
const CANCEL: &str = "cancel";

thread_local! {
    static OPEN: RefCell<Registry<Open>> = const { RefCell::new(Registry::new()) };
    /// Of those that are shown.
    static QUOTA: RefCell<Quota> = RefCell::default();
}

fn no_such_request() -> CommandError {
    CommandError::new("no_such_request", "This question is not open any more.").at("request")
}

fn kind_of(reply: &Reply) -> (RequestKind, Option<PurpleRequestType>) {
    match reply {
        Reply::Input { .. } => (RequestKind::Input, Some(PurpleRequestType::PURPLE_REQUEST_INPUT)),
        Reply::Choice { .. } => (RequestKind::Choice, Some(PurpleRequestType::PURPLE_REQUEST_CHOICE)),
        Reply::Action { .. } => (RequestKind::Action, Some(PurpleRequestType::PURPLE_REQUEST_ACTION)),
        Reply::Fields { .. } => (RequestKind::Fields, Some(PurpleRequestType::PURPLE_REQUEST_FIELDS)),
        Reply::File { folder: true, .. } => (RequestKind::File, Some(PurpleRequestType::PURPLE_REQUEST_FOLDER)),
        Reply::File { .. } => (RequestKind::File, Some(PurpleRequestType::PURPLE_REQUEST_FILE)),
        Reply::Certificate(_) => (RequestKind::Certificate, None),
        Reply::Ours(_) => (RequestKind::Action, None),
    }
}

/// The words of a question.
struct Words {
    title: String,
    primary: String,
    secondary: String,
}

/// Opens it: shown to its owner, or answered with its cancel on a later turn when there is none (hazards 5, 33) or when the account has too many.
/// The id is libpurple's handle.
fn open(token: OnPurple, words: Words, details: Option<Certificate>, open: Open) -> RequestId {
    if let Some((_, account)) = open.whose.filter(|_| roomlist::is_finding()) {
        return answer_by_default(token, account, open);
    }
    let (kind, _) = kind_of(&open.reply);
    let (whose, buttons, fields) = (open.whose, open.buttons.clone(), open.fields.clone());
    let id = RequestId(OPEN.with_borrow_mut(|all| all.insert(open)));
    let space = whose.map_or(Space::Free, |(_, account)| QUOTA.with_borrow(|quota| quota.space(account)));
    match whose {
        Some((user, account)) if kind != RequestKind::File && space != Space::None => {
            QUOTA.with_borrow_mut(|quota| quota.opened(account, id.0));
            if let Space::InPlaceOf(oldest) = space {
                decline_later(token, Some(account), RequestId(oldest));
            }
            let Words { title, primary, secondary } = words;
            let request = Request { id, account: Some(account), kind, title, primary, secondary, buttons, fields, details };
            outbox::emit(token, user, EventKind::RequestOpened(request));
        }
        _ => {
            let who = whose.map_or("nobody".to_owned(), |(_, account)| account.to_string());
            debug::paced(log::Level::Warn, format_args!("declined for {who}: {} / {}", words.title, words.primary));
            decline_later(token, whose.map(|(_, account)| account), id);
        }
    }
    id
}

/// Answers with the question's default, without asking anybody: discovery has asked the protocol for its rooms. On a later turn, as a person would.
fn answer_by_default(token: OnPurple, account: AccountId, open: Open) -> RequestId {
    let id = RequestId(OPEN.with_borrow_mut(|all| all.insert(open)));
    timers::soon(token, Some(account), move |token| {
        let Some(open) = take(token, id) else { return };
        if is_outdated(token, &open) {
            return discard(id, open);
        }
        let default = match (&open.reply, open.fields.first().and_then(|field| field.value.as_ref())) {
            (Reply::Input { .. }, Some(Value::Text(text))) => Some(text.as_str()),
            _ => None,
        };
        match roomlist::instead_of_asking(token, account, default) {
            Some(text) => reply(id, open, &Said::Text(&Prose::of(&text))),
            None => reply(id, open, &Said::No),
        }
    });
    id
}

/// Answers with its cancel, never from inside the call that asks: the asker does not have its handle yet.
fn decline_later(token: OnPurple, account: Option<AccountId>, id: RequestId) {
    timers::soon(token, account, move |token| {
        let Some(open) = take(token, id) else { return };
        if is_outdated(token, &open) { discard(id, open) } else { reply(id, open, &Said::No) }
    });
}

/// Whether it was asked under a connection that is gone, and what it would touch with it (hazard 7).
fn is_outdated(token: OnPurple, open: &Open) -> bool {
    let Some((user, account)) = open.whose.filter(|_| !open.connection.is_null()) else { return false };
    // SAFETY: an account in our table is live.
    accounts::pointer(token, user, account).map_or(true, |purple| unsafe { (*purple).gc } != open.connection)
}

/// Takes it out, once, and tells its user that it is closed.
fn take(token: OnPurple, id: RequestId) -> Option<Open> {
    let open = OPEN.with_borrow_mut(|all| all.remove(id.0))?;
    let shown = open.whose.filter(|(_, account)| QUOTA.with_borrow_mut(|quota| quota.closed(*account, id.0)));
    if let Some((user, _)) = shown {
        outbox::emit(token, user, EventKind::RequestClosed { request: id });
    }
    Some(open)
}

/// What the asker hears.
enum Said<'a> {
    Text(&'a Prose),
    Choice(c_int),
    Action(usize),
    Form,
    Trust(bool),
    No,
}

/// Calls the asker back, then lets libpurple forget the question. It is out of our table already, so whatever the callback closes is closed.
fn reply(id: RequestId, open: Open, said: &Said<'_>) {
    let (_, kind) = kind_of(&open.reply);
    // SAFETY (all of these): the question was open until now, so neither libpurple nor the asker's connection has closed it, and the callbacks
    // take the data they were given with; the shim gives each the C type that libpurple declares for it.
    owner::with(open.whose.map(|(_, account)| account), || match open.reply {
        Reply::Input { ok, cancel, data } => {
            let (callback, text) = if let Said::Text(text) = said { (ok, text.as_ptr()) } else { (cancel, c"".as_ptr()) };
            // SAFETY: see above.
            unsafe { purple_sys::bellflower_call_input(callback, data, text) };
        }
        Reply::Choice { ok, cancel, data, preset, .. } => {
            let (callback, value) = if let Said::Choice(value) = said { (ok, *value) } else { (cancel, preset) };
            // SAFETY: see above.
            unsafe { purple_sys::bellflower_call_choice(callback, data, value) };
        }
        Reply::Action { callbacks, data } => {
            let index = if let Said::Action(index) = said { *index } else { callbacks.len().saturating_sub(1) };
            let callback = callbacks.get(index).copied().flatten();
            // SAFETY: see above.
            unsafe { purple_sys::bellflower_call_action(callback, data, c_int::try_from(index).unwrap_or(0)) };
        }
        Reply::Fields { ok, cancel, data, fields, .. } => {
            let callback = if matches!(said, Said::Form) { ok } else { cancel };
            // SAFETY: see above; the fields are ours to destroy, and out of the table nobody else finds them.
            unsafe {
                transfer::about(data, || purple_sys::bellflower_call_fields(callback, data, fields));
                purple_sys::purple_request_fields_destroy(fields);
            }
        }
        // SAFETY: see above; no file is told by NULL.
        Reply::File { cancel, data, .. } => unsafe { purple_sys::bellflower_call_input(cancel, data, std::ptr::null()) },
        Reply::Certificate(answer) | Reply::Ours(answer) => answer(matches!(said, Said::Trust(true))),
    });
    forget(id, kind);
}

/// Takes the question out of libpurple's list, if it is still there.
fn forget(id: RequestId, kind: Option<PurpleRequestType>) {
    if let Some(kind) = kind {
        // SAFETY: the handle that libpurple got; unknown ones are ignored.
        unsafe { purple_sys::purple_request_close(kind, id.0 as *mut c_void) };
    }
}

/// Ends a question without a word to its asker, who is gone or going.
fn discard(id: RequestId, open: Open) {
    let (_, kind) = kind_of(&open.reply);
    if let Reply::Fields { fields, .. } = open.reply {
        // SAFETY: ours, and nobody finds them any more.
        unsafe { purple_sys::purple_request_fields_destroy(fields) };
    }
    forget(id, kind);
}

/// Answers a question of the user's, which uses it up.
///
/// # Errors
/// `no_such_request` for one that is closed, or another user's; `no_such_button`; `missing_field` or `bad_field` with the field at fault, and
/// the question stays open.
pub(super) fn answer(
    token: OnPurple,
    user: UserId,
    request: RequestId,
    button: &str,
    values: &BTreeMap<String, Value>,
) -> Result<(), CommandError> {
    let outdated = OPEN.with_borrow(|all| {
        let open = all.get(request.0).filter(|open| open.whose.is_some_and(|(whose, _)| whose == user))?;
        Some(is_outdated(token, open))
    });
    if outdated.ok_or_else(no_such_request)? {
        if let Some(open) = take(token, request) {
            discard(request, open);
        }
        return Err(no_such_request());
    }
    let prepared = OPEN.with_borrow(|all| all.get(request.0).map(|open| prepare(open, button, values))).ok_or_else(no_such_request)??;
    if let Prepared::Form = prepared {
        // Writing calls libpurple, but nothing of it that calls back.
        OPEN.with_borrow(|all| {
            if let Some(Open { reply: Reply::Fields { slots, .. }, .. }) = all.get(request.0) {
                form::write(token, user, slots, values);
            }
        });
    }
    let open = take(token, request).ok_or_else(no_such_request)?;
    let said = match &prepared {
        Prepared::Text(text) => Said::Text(text),
        Prepared::Choice(value) => Said::Choice(*value),
        Prepared::Action(index) => Said::Action(*index),
        Prepared::Form => Said::Form,
        Prepared::Trust(trust) => Said::Trust(*trust),
        Prepared::No => Said::No,
    };
    let account = open.whose.map(|(_, account)| account);
    reply(request, open, &said);
    if let (Said::Form, Some(account)) = (&said, account) {
        // Libpurple's own question for a password stores it in the account, and tells nobody.
        account::keep_password(token, user, account);
    }
    Ok(())
}

enum Prepared {
    Text(Prose),
    Choice(c_int),
    Action(usize),
    Form,
    Trust(bool),
    No,
}

/// Checks an answer before anything is called or changed.
fn prepare(open: &Open, button: &str, values: &BTreeMap<String, Value>) -> Result<Prepared, CommandError> {
    let index = open.buttons.iter().position(|known| known.id == button);
    let Some(index) = index else {
        return Err(CommandError::new("no_such_button", "This question has no such answer.").at("button"));
    };
    if let Reply::Action { .. } = open.reply {
        return Ok(Prepared::Action(index));
    }
    if let Reply::Certificate(_) | Reply::Ours(_) = open.reply {
        return Ok(Prepared::Trust(button == OK));
    }
    if button == CANCEL {
        return Ok(Prepared::No);
    }
    form::check(&open.fields, values)?;
    Ok(match &open.reply {
        Reply::Input { .. } => {
            let given = values.get(form::VALUE).or_else(|| open.fields.first().and_then(|field| field.value.as_ref()));
            Prepared::Text(Prose::of(if let Some(Value::Text(text)) = given { text } else { "" }))
        }
        Reply::Choice { values: known, preset, .. } => Prepared::Choice(match values.get(form::VALUE) {
            Some(Value::Text(text)) => text.parse().ok().filter(|value| known.contains(value)).unwrap_or(*preset),
            _ => *preset,
        }),
        _ => Prepared::Form,
    })
}

/// Asks the account's user to trust a certificate; `answer` is called once, unless the question is withdrawn. `None`: nobody to ask.
pub(super) fn ask_certificate(
    token: OnPurple,
    account: AccountId,
    certificate: Certificate,
    answer: Box<dyn FnOnce(bool)>,
) -> Option<RequestId> {
    let user = accounts::user(token, account)?;
    let words = Words {
        title: "Untrusted certificate".to_owned(),
        primary: format!("Can {} be trusted?", certificate.host),
        secondary: "The server could not prove who it is. Trust it only if you know why.".to_owned(),
    };
    let buttons = vec![button(OK, "Trust", false), button(CANCEL, "Cancel", true)];
    let asked = Open {
        whose: Some((user, account)),
        connection: std::ptr::null_mut(),
        buttons,
        fields: Vec::new(),
        reply: Reply::Certificate(answer),
    };
    Some(open(token, words, Some(certificate), asked))
}

/// Asks the account's user a question of our own; `answer` hears yes or no.
pub(super) fn ask(token: OnPurple, account: AccountId, primary: String, yes: &str, answer: Box<dyn FnOnce(bool)>) {
    let Some(user) = accounts::user(token, account) else { return };
    let words = Words { title: String::new(), primary, secondary: String::new() };
    let buttons = vec![button(OK, yes, true), button(CANCEL, "Cancel", false)];
    let asked =
        Open { whose: Some((user, account)), connection: std::ptr::null_mut(), buttons, fields: Vec::new(), reply: Reply::Ours(answer) };
    open(token, words, None, asked);
}

/// Takes a certificate question back; nobody is called.
pub(super) fn withdraw(token: OnPurple, request: RequestId) {
    if let Some(open) = take(token, request) {
        discard(request, open);
    }
}

/// Whether the account waits for an answer of its user (the sign-on watchdog pauses then).
pub(super) fn open_for(_: OnPurple, account: AccountId) -> bool {
    OPEN.with_borrow(|all| all.iter().any(|(_, open)| open.whose.is_some_and(|(_, id)| id == account)))
}

/// Ends all questions of an account that ends: no callback, since what they would touch goes too.
pub(super) fn close_all(token: OnPurple, account: AccountId) {
    let ids: Vec<u64> =
        OPEN.with_borrow(|all| all.iter().filter(|(_, open)| open.whose.is_some_and(|(_, id)| id == account)).map(|(id, _)| id).collect());
    for id in ids {
        withdraw(token, RequestId(id));
    }
}

/// Ends the questions whose callbacks would get this address, which is about to be no one's. Whether there were any.
pub(super) fn forget_data(token: OnPurple, gone: *const c_void) -> bool {
    let of = |reply: &Reply| match reply {
        Reply::Input { data, .. }
        | Reply::Choice { data, .. }
        | Reply::Action { data, .. }
        | Reply::Fields { data, .. }
        | Reply::File { data, .. } => std::ptr::eq(*data, gone),
        Reply::Certificate(_) | Reply::Ours(_) => false,
    };
    let ids: Vec<u64> = OPEN.with_borrow(|all| all.iter().filter(|(_, open)| of(&open.reply)).map(|(id, _)| id).collect());
    let any = !ids.is_empty();
    ids.into_iter().for_each(|id| withdraw(token, RequestId(id)));
    any
}

fn button(id: &str, label: &str, default: bool) -> Button {
    Button { id: id.to_owned(), label: super::ffi::without_mnemonic(label), default }
}
