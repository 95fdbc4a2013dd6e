//! What libpurple tells users: notices, mails, profiles, search results, links; opened, extended and closed for their owner, never read or cleaned here.

mod ops;
#[cfg(test)]
mod tests;

use super::quota::{Quota, Space};
use super::registry::Registry;
use super::token::OnPurple;
use super::{accounts, debug, outbox, owner, timers};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::id::{AccountId, NoticeId, UserId};
use crate::model::{Button, Notice, NoticeKind};
use purple_sys::{PurpleConnection, PurpleNotifySearchResults, PurpleNotifySearchResultsCallback, PurpleNotifyType};
use std::cell::RefCell;
use std::ffi::c_void;

pub(super) use ops::install;

/// Search results, which are ours to free when the notice closes.
struct Search {
    connection: *mut PurpleConnection,
    results: *mut PurpleNotifySearchResults,
    data: *mut c_void,
    callbacks: Vec<PurpleNotifySearchResultsCallback>,
    told: usize,
}

struct Open {
    user: UserId,
    account: AccountId,
    kind: PurpleNotifyType,
    search: Option<Search>,
}

thread_local! {
    static OPEN: RefCell<Registry<Open>> = const { RefCell::new(Registry::new()) };
    static QUOTA: RefCell<Quota> = RefCell::default();
}

fn no_such_notice() -> CommandError {
    CommandError::new("no_such_notice", "This notice is closed.").at("notice")
}

/// A notice without its contents.
fn blank(account: AccountId, kind: NoticeKind, title: String, html: String) -> Notice {
    let (columns, rows, buttons, url) = (Vec::new(), Vec::new(), Vec::new(), None);
    Notice { id: NoticeId(0), account: Some(account), kind, title, html, columns, rows, buttons, url, profile: None }
}

/// Opens a notice for its owner. `None`, which libpurple takes for one that is closed already, when the account has too many; a later turn closes
/// the oldest before that.
fn open(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    kind: PurpleNotifyType,
    search: Option<Search>,
    mut notice: Notice,
) -> Option<NoticeId> {
    match QUOTA.with_borrow(|quota| quota.space(account)) {
        Space::Free => {}
        Space::InPlaceOf(oldest) => timers::soon(token, Some(account), move |token| {
            // It may be closed by now.
            let _ = close(token, user, NoticeId(oldest));
        }),
        Space::None => {
            debug::paced(log::Level::Warn, format_args!("a notice of {account} was dropped: it has too many"));
            free(search);
            return None;
        }
    }
    let id = NoticeId(OPEN.with_borrow_mut(|all| all.insert(Open { user, account, kind, search })));
    QUOTA.with_borrow_mut(|quota| quota.opened(account, id.0));
    notice.id = id;
    outbox::emit(token, user, EventKind::NoticeOpened(notice));
    Some(id)
}

fn free(search: Option<Search>) {
    if let Some(search) = search {
        // SAFETY: handed to the front end with a notice that is in no table (any more).
        unsafe { purple_sys::purple_notify_searchresults_free(search.results) };
    }
}

/// Tells the account's user something of our own, in plain text.
pub(super) fn tell(token: OnPurple, account: AccountId, title: &str, text: &str) {
    let Some(user) = accounts::user(token, account) else { return };
    let notice = blank(account, NoticeKind::Message, title.to_owned(), html_of(text));
    open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_MESSAGE, None, notice);
}

/// Opens a message that was kept back.
pub(super) fn show(token: OnPurple, user: UserId, account: AccountId, notice: Notice) {
    open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_MESSAGE, None, notice);
}

/// Plain text as HTML.
fn html_of(text: &str) -> String {
    text.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "<br>")
}

/// Takes it out, once, tells its user and frees what is ours.
fn take(token: OnPurple, id: NoticeId) -> Option<Open> {
    let mut open = OPEN.with_borrow_mut(|all| all.remove(id.0))?;
    QUOTA.with_borrow_mut(|quota| quota.closed(open.account, id.0));
    outbox::emit(token, open.user, EventKind::NoticeClosed { notice: id });
    free(open.search.take());
    Some(open)
}

/// The user has seen it.
///
/// # Errors
/// `no_such_notice` for one that is closed, or another user's.
pub(super) fn close(token: OnPurple, user: UserId, notice: NoticeId) -> Result<(), CommandError> {
    if !OPEN.with_borrow(|all| all.get(notice.0).is_some_and(|open| open.user == user)) {
        return Err(no_such_notice());
    }
    if let Some(open) = take(token, notice) {
        // SAFETY: the handle that libpurple got; unknown ones (notices of our own) are ignored. Its callback may free what it was opened with.
        owner::with(Some(open.account), || unsafe { purple_sys::purple_notify_close(open.kind, notice.0 as *mut c_void) });
    }
    Ok(())
}

/// Takes a button of a row of search results.
///
/// # Errors
/// `no_such_notice`; `no_such_button`; `no_such_row` (`field` says which).
pub(super) fn action(token: OnPurple, user: UserId, notice: NoticeId, button: &str, row: usize) -> Result<(), CommandError> {
    let found = OPEN.with_borrow(|all| {
        let open = all.get(notice.0).filter(|open| open.user == user)?;
        let search = open.search.as_ref()?;
        let callback = button.parse::<usize>().ok().and_then(|index| search.callbacks.get(index).copied().flatten());
        Some((open.account, search.connection, search.results, search.data, callback))
    });
    let (account, connection, results, data, callback) = found.ok_or_else(no_such_notice)?;
    let purple = accounts::pointer(token, user, account).map_err(|_| no_such_notice())?;
    // SAFETY: an account in our table is live. libpurple closes a connection's notices with it; this is for those it misses.
    if unsafe { (*purple).gc } != connection {
        return Err(no_such_notice());
    }
    let callback = callback.ok_or_else(|| CommandError::new("no_such_button", "There is no such button.").at("button"))?;
    // SAFETY: the results live while the notice is open.
    let rows = unsafe { super::ffi::list::<glib_sys::GList>((*results).rows) };
    let chosen = rows.get(row).copied().ok_or_else(|| CommandError::new("no_such_row", "There is no such row.").at("row"))?;
    // SAFETY: a live connection, a live row and the data that the plugin gave with its callback.
    owner::with(Some(account), || unsafe { callback(connection, chosen, data) });
    Ok(())
}

/// Closes all of an account that ends.
pub(super) fn close_all(token: OnPurple, account: AccountId) {
    let ids: Vec<(u64, UserId)> =
        OPEN.with_borrow(|all| all.iter().filter(|(_, open)| open.account == account).map(|(id, open)| (id, open.user)).collect());
    for (id, user) in ids {
        // One that closes while another is closed is closed.
        let _ = close(token, user, NoticeId(id));
    }
}

/// New rows of search results: those beyond what was told, or all when the plugin began anew.
fn more_rows(token: OnPurple, notice: NoticeId, results: *mut PurpleNotifySearchResults) {
    let known = OPEN.with_borrow(|all| all.get(notice.0).and_then(|open| Some((open.user, open.search.as_ref()?.told))));
    let Some((user, told)) = known else { return };
    // SAFETY: libpurple passes live results.
    let rows = unsafe { ops::rows(results) };
    let total = rows.len();
    let fresh: Vec<Vec<String>> = if total > told { rows.into_iter().skip(told).collect() } else { rows };
    OPEN.with_borrow_mut(|all| {
        if let Some(search) = all.get_mut(notice.0).and_then(|open| open.search.as_mut()) {
            search.told = total;
        }
    });
    outbox::emit(token, user, EventKind::NoticeRows { notice, rows: fresh });
}

fn button(index: usize, label: &str) -> Button {
    Button { id: index.to_string(), label: super::ffi::without_mnemonic(label), default: false }
}
