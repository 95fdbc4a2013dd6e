//! PurpleNotifyUiOps: what libpurple tells, copied into notices; what has no owner goes to the log, never to a user (hazard 5).

use super::super::ffi::{borrowed, guard_on, list, owned};
use super::super::token::OnPurple;
use super::super::{accounts, debug, outbox, owner, picture, room, roomlist, transfer};
use super::{Search, blank, button, html_of, more_rows, open, take};
use crate::event::EventKind;
use crate::id::{AccountId, NoticeId, UserId};
use crate::model::{NoticeKind, Profile, ProfileEntry, ProfileKind};
use glib_sys::{GFALSE, GList, gboolean, gpointer};
use purple_sys::{
    PurpleConnection, PurpleNotifyMsgType, PurpleNotifySearchButton, PurpleNotifySearchButtonType, PurpleNotifySearchColumn,
    PurpleNotifySearchResults, PurpleNotifyType, PurpleNotifyUiOps, PurpleNotifyUserInfo, PurpleNotifyUserInfoEntry,
    PurpleNotifyUserInfoEntryType,
};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Mails told one by one; more are only counted.
const MAILS: usize = 20;
/// Entries of a profile.
const PROFILE: usize = 300;

/// Registers with libpurple.
pub(in super::super) fn install(_: OnPurple) {
    let ops = PurpleNotifyUiOps {
        notify_message: Some(on_message),
        notify_email: Some(on_email),
        notify_emails: Some(on_emails),
        notify_formatted: Some(on_formatted),
        notify_searchresults: Some(on_searchresults),
        notify_searchresults_new_rows: Some(on_new_rows),
        notify_userinfo: Some(on_userinfo),
        notify_uri: Some(on_uri),
        close_notify: Some(on_close),
        ..Default::default()
    };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_notify_set_ui_ops(Box::leak(Box::new(ops))) };
}

/// Whose it is: the connection's account's, else the one whose callback runs.
///
/// # Safety
/// NULL or a live connection.
unsafe fn whose(token: OnPurple, connection: *mut PurpleConnection) -> Option<(UserId, AccountId)> {
    // SAFETY: passed on.
    let given = unsafe { connection.as_ref().and_then(|connection| accounts::owner(token, connection.account)) };
    given.or_else(|| owner::current().and_then(|id| Some((accounts::user(token, id)?, id))))
}

/// libpurple's handle; NULL for one that was not opened.
fn handle(id: Option<NoticeId>) -> *mut c_void {
    id.map_or(0, |id| id.0) as *mut c_void
}

/// Title and body of a notice of up to three plain texts, the first of which that is there being the title.
fn head(texts: [Option<String>; 3]) -> (String, String) {
    let mut texts = texts.into_iter().flatten().filter(|text| !text.trim().is_empty());
    let title = texts.next().unwrap_or_default();
    let rest: Vec<String> = texts.map(|text| html_of(&text)).collect();
    (title, rest.join("<br>"))
}

// In all of these libpurple promises live objects or NULL, and C strings or NULL, for the time of the call. Answering NULL makes it call the
// notice's closing callback at once.

unsafe extern "C" fn on_message(
    kind: PurpleNotifyMsgType,
    title: *const c_char,
    primary: *const c_char,
    secondary: *const c_char,
) -> *mut c_void {
    guard_on("notify_message", ptr::null_mut(), |token| {
        // SAFETY: see above.
        let (whose, texts) = unsafe { (whose(token, ptr::null_mut()), [title, primary, secondary].map(|text| borrowed(text))) };
        let of = |at: usize| texts.get(at).and_then(Option::as_deref).unwrap_or_default();
        if kind == PurpleNotifyMsgType::PURPLE_NOTIFY_MSG_ERROR && transfer::caught(of(1), of(2)) {
            return ptr::null_mut();
        }
        if kind == PurpleNotifyMsgType::PURPLE_NOTIFY_MSG_ERROR && whose.is_some_and(|(_, id)| roomlist::caught(id, of(1), of(2))) {
            return ptr::null_mut();
        }
        let words = texts.clone();
        let (title, html) = head(texts);
        let Some((user, account)) = whose else {
            let level = if kind == PurpleNotifyMsgType::PURPLE_NOTIFY_MSG_ERROR { log::Level::Warn } else { log::Level::Info };
            debug::paced(level, format_args!("to nobody: {title}: {html}"));
            return ptr::null_mut();
        };
        let notice = room::hold(token, user, &words, blank(account, NoticeKind::Message, title, html));
        handle(notice.and_then(|notice| open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_MESSAGE, None, notice)))
    })
}

unsafe extern "C" fn on_formatted(
    title: *const c_char,
    primary: *const c_char,
    secondary: *const c_char,
    text: *const c_char,
) -> *mut c_void {
    guard_on("notify_formatted", ptr::null_mut(), |token| {
        // SAFETY: see above.
        let (whose, texts, text) =
            unsafe { (whose(token, ptr::null_mut()), [title, primary, secondary].map(|text| borrowed(text)), borrowed(text)) };
        let (title, mut html) = head(texts);
        let Some((user, account)) = whose else {
            debug::paced(log::Level::Info, format_args!("to nobody: {title}: {html}"));
            return ptr::null_mut();
        };
        if !html.is_empty() {
            html.push_str("<br><br>");
        }
        html.push_str(&text.unwrap_or_default());
        handle(open(
            token,
            user,
            account,
            PurpleNotifyType::PURPLE_NOTIFY_FORMATTED,
            None,
            blank(account, NoticeKind::Formatted, title, html),
        ))
    })
}

/// A mail's subject and sender in a line.
fn mail_line(subject: Option<String>, from: Option<String>) -> String {
    match (subject, from) {
        (Some(subject), Some(from)) => format!("{from}: {subject}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

unsafe extern "C" fn on_email(
    connection: *mut PurpleConnection,
    subject: *const c_char,
    from: *const c_char,
    _to: *const c_char,
    url: *const c_char,
) -> *mut c_void {
    guard_on("notify_email", ptr::null_mut(), |token| {
        // SAFETY: see above.
        let (whose, subject, from, url) = unsafe { (whose(token, connection), borrowed(subject), borrowed(from), borrowed(url)) };
        let Some((user, account)) = whose else { return ptr::null_mut() };
        let mut notice = blank(account, NoticeKind::Mail, "New mail".to_owned(), html_of(&mail_line(subject, from)));
        notice.url = url.filter(|url| !url.is_empty());
        handle(open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_EMAIL, None, notice))
    })
}

/// The texts of a C array, at most [`MAILS`]; none of NULL.
///
/// # Safety
/// NULL, or that many C strings or NULLs.
unsafe fn array(texts: *mut *const c_char, count: usize) -> Vec<Option<String>> {
    if texts.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller promises that many.
    unsafe { std::slice::from_raw_parts(texts, count.min(MAILS)) }.iter().map(|text| unsafe { borrowed(*text) }).collect()
}

unsafe extern "C" fn on_emails(
    connection: *mut PurpleConnection,
    count: usize,
    detailed: gboolean,
    subjects: *mut *const c_char,
    froms: *mut *const c_char,
    _tos: *mut *const c_char,
    urls: *mut *const c_char,
) -> *mut c_void {
    guard_on("notify_emails", ptr::null_mut(), |token| {
        // SAFETY: see above. libpurple gives `count` of each when it is detailed, and one address otherwise, if any.
        let (whose, urls) = unsafe { (whose(token, connection), array(urls, count.min(1))) };
        let Some((user, account)) = whose else { return ptr::null_mut() };
        let unread = u32::try_from(count).unwrap_or(u32::MAX);
        accounts::change(token, account, |entry| entry.mail = Some(unread));
        outbox::emit(token, user, EventKind::Mail { account, count: unread });
        if detailed == GFALSE || count == 0 {
            return ptr::null_mut();
        }
        // SAFETY: as above.
        let (subjects, froms) = unsafe { (array(subjects, count), array(froms, count)) };
        let lines = (0..subjects.len().max(froms.len())).map(|at| {
            let text = |texts: &[Option<String>]| texts.get(at).cloned().flatten();
            html_of(&mail_line(text(&subjects), text(&froms)))
        });
        let html = lines.collect::<Vec<_>>().join("<br>");
        let mut notice =
            blank(account, NoticeKind::Mail, if count == 1 { "New mail".to_owned() } else { format!("{count} new mails") }, html);
        notice.url = urls.into_iter().flatten().find(|url| !url.is_empty());
        handle(open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_EMAILS, None, notice))
    })
}

/// The rows of search results.
///
/// # Safety
/// Live results.
pub(super) unsafe fn rows(results: *const PurpleNotifySearchResults) -> Vec<Vec<String>> {
    // SAFETY: rows are lists of C strings.
    unsafe {
        list::<GList>((*results).rows)
            .into_iter()
            .map(|row| list::<c_char>(row).into_iter().map(|cell| borrowed(cell).unwrap_or_default()).collect())
            .collect()
    }
}

fn usual_label(kind: PurpleNotifySearchButtonType) -> &'static str {
    match kind {
        PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_ADD => "Add",
        PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_INFO => "Info",
        PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_IM => "Message",
        PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_JOIN => "Join",
        PurpleNotifySearchButtonType::PURPLE_NOTIFY_BUTTON_INVITE => "Invite",
        _ => "Continue",
    }
}

unsafe extern "C" fn on_searchresults(
    connection: *mut PurpleConnection,
    title: *const c_char,
    primary: *const c_char,
    secondary: *const c_char,
    results: *mut PurpleNotifySearchResults,
    data: gpointer,
) -> *mut c_void {
    guard_on("notify_searchresults", ptr::null_mut(), |token| {
        if results.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: see above; the results are handed to the front end.
        unsafe {
            let Some((user, account)) = whose(token, connection) else {
                purple_sys::purple_notify_searchresults_free(results);
                return ptr::null_mut();
            };
            let (title, html) = head([title, primary, secondary].map(|text| borrowed(text)));
            let mut notice = blank(account, NoticeKind::Search, title, html);
            let columns = list::<PurpleNotifySearchColumn>((*results).columns);
            notice.columns = columns.into_iter().map(|column| borrowed((*column).title).unwrap_or_default()).collect();
            notice.rows = rows(results);
            let buttons = list::<PurpleNotifySearchButton>((*results).buttons);
            let label = |button: &PurpleNotifySearchButton| borrowed(button.label).unwrap_or_else(|| usual_label(button.type_).to_owned());
            notice.buttons = buttons.iter().enumerate().map(|(index, known)| button(index, &label(&**known))).collect();
            let callbacks = buttons.iter().map(|button| (**button).callback).collect();
            let search = Search { connection, results, data, callbacks, told: notice.rows.len() };
            handle(open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_SEARCHRESULTS, Some(search), notice))
        }
    })
}

unsafe extern "C" fn on_new_rows(_: *mut PurpleConnection, results: *mut PurpleNotifySearchResults, ui_handle: *mut c_void) {
    guard_on("notify_searchresults_new_rows", (), |token| {
        if !results.is_null() {
            more_rows(token, NoticeId(ui_handle as u64), results);
        }
    });
}

/// The entries of a profile, at most [`PROFILE`].
///
/// # Safety
/// A live profile, or NULL.
unsafe fn entries(info: *mut PurpleNotifyUserInfo) -> Vec<ProfileEntry> {
    if info.is_null() {
        return Vec::new();
    }
    // SAFETY: the profile's own list of live entries, whose texts are copied.
    unsafe { list::<PurpleNotifyUserInfoEntry>(purple_sys::purple_notify_user_info_get_entries(info)) }
        .into_iter()
        .take(PROFILE)
        // SAFETY: one of the live entries above.
        .map(|entry| unsafe {
            type Kind = PurpleNotifyUserInfoEntryType;
            let kind = match purple_sys::purple_notify_user_info_entry_get_type(entry) {
                Kind::PURPLE_NOTIFY_USER_INFO_ENTRY_SECTION_BREAK => ProfileKind::Break,
                Kind::PURPLE_NOTIFY_USER_INFO_ENTRY_SECTION_HEADER => ProfileKind::Heading,
                _ => ProfileKind::Pair,
            };
            ProfileEntry {
                kind,
                label: borrowed(purple_sys::purple_notify_user_info_entry_get_label(entry)).unwrap_or_default(),
                html: borrowed(purple_sys::purple_notify_user_info_entry_get_value(entry)).unwrap_or_default(),
            }
        })
        .collect()
}

unsafe extern "C" fn on_userinfo(connection: *mut PurpleConnection, who: *const c_char, info: *mut PurpleNotifyUserInfo) -> *mut c_void {
    guard_on("notify_userinfo", ptr::null_mut(), |token| {
        // SAFETY: see above; the text is ours to free.
        let (whose, who, html) = unsafe {
            let text = purple_sys::purple_notify_user_info_get_text_with_newline(info, c"<br>".as_ptr());
            (whose(token, connection), borrowed(who).unwrap_or_default(), owned(text).unwrap_or_default())
        };
        let Some((user, account)) = whose else { return ptr::null_mut() };
        // SAFETY: see above.
        let entries = unsafe { entries(info) };
        // Before the plugin gives its pictures up.
        let picture = entries.iter().find_map(|entry| picture::of_profile(token, user, account, &entry.html));
        let mut notice = blank(account, NoticeKind::Userinfo, who.clone(), html);
        notice.profile = Some(Profile { name: who, entries, picture });
        handle(open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_USERINFO, None, notice))
    })
}

/// A link for the user to follow; the server never does.
unsafe extern "C" fn on_uri(uri: *const c_char) -> *mut c_void {
    guard_on("notify_uri", ptr::null_mut(), |token| {
        // SAFETY: see above.
        let (whose, uri) = unsafe { (whose(token, ptr::null_mut()), borrowed(uri).unwrap_or_default()) };
        let Some((user, account)) = whose else {
            debug::paced(log::Level::Info, format_args!("a link for nobody was dropped"));
            return ptr::null_mut();
        };
        let mut notice = blank(account, NoticeKind::Uri, String::new(), html_of(&uri));
        notice.url = Some(uri);
        handle(open(token, user, account, PurpleNotifyType::PURPLE_NOTIFY_URI, None, notice))
    })
}

unsafe extern "C" fn on_close(_: PurpleNotifyType, ui_handle: *mut c_void) {
    guard_on("close_notify", (), |token| {
        take(token, NoticeId(ui_handle as u64));
    });
}
