//! Accounts as libpurple objects that are never added to its own list (hazard 1): made, changed, shown; their end is in `teardown.rs`.

mod port;

pub(super) use port::{PORT, tls_ports};

use super::accounts::{self, Entry};
use super::connection::{self, SignOn};
use super::ffi::{borrowed, guard_on, in_process};
use super::outgoing::{Line, Name, Password};
use super::token::OnPurple;
use super::{authorization, conversation, outbox, owner, protocols, transfer};
use crate::command::{AccountSettings, Secret, Username};
use crate::error::CommandError;
use crate::event::EventKind;
use crate::features::Features;
use crate::id::{AccountId, UserId};
use crate::model::{Account, AccountStanding, AccountState, Value};
use purple_sys::{PurpleAccount, PurpleAccountUiOps, PurpleConnectionFlags, PurpleStatus};
use std::collections::BTreeMap;
use std::ffi::CStr;

/// Settings that nobody chooses, by protocol. libjabber keeps the pictures of messages in 1 table of all users, for ever; `picture/bob.rs` has its own.
const OURS: [(&str, &str, bool); 1] = [("prpl-jabber", "custom_smileys", false)];

/// Registers with libpurple.
pub(super) fn install(_: OnPurple) {
    static OPS: super::Ops<PurpleAccountUiOps> = super::Ops(PurpleAccountUiOps {
        notify_added: Some(authorization::on_notify_added),
        status_changed: Some(on_status_changed),
        request_add: Some(authorization::on_request_add),
        request_authorize: Some(authorization::on_request_authorize),
        close_account_request: Some(authorization::on_close_account_request),
        _purple_reserved1: None,
        _purple_reserved2: None,
        _purple_reserved3: None,
        _purple_reserved4: None,
    });
    // SAFETY: libpurple only reads the ops, which are static.
    unsafe { purple_sys::purple_accounts_set_ui_ops(OPS.pointer()) };
}

/// Makes an account, and signs it on when it is enabled.
///
/// # Errors
/// A protocol that is not there, a user name or option that its plugin does not take; `field` says which.
pub(super) fn add(token: OnPurple, user: UserId, account: AccountId, mut settings: AccountSettings) -> Result<(), CommandError> {
    if account.0 == 0 || accounts::user(token, account).is_some() {
        return Err(CommandError::new("bad_account", "This account id is in use already.").at("account"));
    }
    let username = protocols::join_username(token, &settings.protocol, &settings.username)?;
    if settings.before.again {
        // An account of before an option was kept back has to come back all the same.
        let kept_back = protocols::kept_back(token, &settings.protocol);
        settings.options.retain(|key, _| !kept_back.contains(key));
    }
    protocols::check_options(token, &settings.protocol, &settings.options)?;
    settings.password.as_ref().map_or(Ok(()), |secret| Password::new(secret, "password").map(drop))?;
    let (name, protocol) = (Name::of_account(&username)?, in_process(&settings.protocol));
    // SAFETY: two C strings, copied. libpurple's own list is empty, so this is a new object and not another user's.
    let purple = unsafe { purple_sys::purple_account_new(name.as_ptr(), protocol.as_ptr()) };
    if purple.is_null() {
        return Err(CommandError::new("bad_username", "The network does not take this user name.").at("username"));
    }
    // SAFETY: our own new account; `ui_data` is for the front end alone.
    unsafe { (*purple).ui_data = account.0 as *mut std::ffi::c_void };
    let announced = protocols::announced(token, &settings.protocol);
    announced.iter().for_each(|(key, value)| store_as_it_is(purple, key, value));
    port::follow_tls(purple, &settings.protocol, &settings.options);
    port::read_port(purple, &settings.protocol, &settings.options);
    settings.options.iter().for_each(|(key, value)| set_option(purple, &announced, key, value));
    // What the plugin itself stored comes back to it as it was.
    settings.stored.iter().for_each(|(key, value)| store_as_it_is(purple, key, value));
    OURS.iter().filter(|(of, ..)| *of == settings.protocol).for_each(|(_, key, value)| store_as_it_is(purple, key, &Value::Bool(*value)));
    let entry = Entry {
        user,
        purple,
        features: protocols::features(token, &settings.protocol),
        protocol: settings.protocol,
        username,
        password: settings.password,
        visitor: settings.visitor,
        server: server(&settings.options).flatten(),
        pins: settings.pins,
        enabled: settings.enabled,
        status: settings.status,
        standing: AccountStanding::plain(AccountState::Offline),
        sign_on: SignOn::of(settings.before.has_signed_on()),
        icon: None,
        mail: None,
        rooms: settings.before.rooms.into_iter().collect(),
        privacy: settings.before.privacy,
        unopened: conversation::unopened(token, account, purple, settings.before.conversations),
    };
    accounts::insert(token, account, entry);
    if !settings.alias.is_empty() {
        let alias = Line::of(&settings.alias);
        // SAFETY: a live account and a C string, copied.
        unsafe { purple_sys::purple_account_set_alias(purple, alias.as_ptr()) };
    }
    if let Some(shown) = describe(token, account) {
        outbox::emit(token, user, EventKind::AccountAdded(shown));
    }
    super::blist::restore(token, account, purple, &settings.before.buddies);
    if accounts::wanted(token, account) {
        connection::connect(token, account, true);
    }
    Ok(())
}

/// Sets an option as its user has it. An empty text that is not announced is none: a plugin that falls back to something asks for it so.
fn set_option(purple: *mut PurpleAccount, announced: &BTreeMap<String, Value>, key: &str, value: &Value) {
    if announced.contains_key(key) || !matches!(value, Value::Text(text) if text.is_empty()) {
        return store_option(purple, key, value);
    }
    let key = in_process(key);
    // SAFETY: a live account and a C string.
    unsafe { purple_sys::purple_account_remove_setting(purple, key.as_ptr()) };
}

/// The options that the account has otherwise than its form starts with, as the plugin reads them. Masked ones are left out.
fn options(token: OnPurple, protocol: &str, purple: *mut PurpleAccount) -> BTreeMap<String, Value> {
    let declared = protocols::options(token, protocol).into_iter().filter(|option| !option.masked);
    let differing = declared.filter_map(|option| {
        let key = in_process(&option.key);
        // SAFETY: a live account and C strings; a text is copied. Each is asked for by the type that its plugin declares.
        let has = unsafe {
            match &option.default {
                Value::Bool(default) => {
                    Value::Bool(purple_sys::purple_account_get_bool(purple, key.as_ptr(), i32::from(*default)) != glib_sys::GFALSE)
                }
                Value::Int(default) => {
                    let default = i32::try_from(*default).unwrap_or_default();
                    Value::Int(i64::from(purple_sys::purple_account_get_int(purple, key.as_ptr(), default)))
                }
                Value::Text(_) => {
                    let text = purple_sys::purple_account_get_string(purple, key.as_ptr(), std::ptr::null());
                    Value::Text(borrowed(text).unwrap_or_default())
                }
                Value::List(_) => return None,
            }
        };
        (has != option.default).then_some((option.key, has))
    });
    differing.collect()
}

fn text_of(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

/// Stores a setting that the user gave.
pub(super) fn store_option(purple: *mut PurpleAccount, key: &str, value: &Value) {
    write_option(purple, key, value, Line::of(text_of(value)).as_c_str());
}

/// Stores a setting that the plugin announced, or stored itself.
fn store_as_it_is(purple: *mut PurpleAccount, key: &str, value: &Value) {
    write_option(purple, key, value, &in_process(text_of(value)));
}

fn write_option(purple: *mut PurpleAccount, key: &str, value: &Value, text: &CStr) {
    let key = in_process(key);
    // SAFETY: a live account and C strings, copied.
    super::account_prefs::quietly(|| unsafe {
        match value {
            Value::Bool(value) => purple_sys::purple_account_set_bool(purple, key.as_ptr(), i32::from(*value)),
            Value::Int(value) => {
                let value = i32::try_from(*value).unwrap_or(if *value < 0 { i32::MIN } else { i32::MAX });
                purple_sys::purple_account_set_int(purple, key.as_ptr(), value);
            }
            Value::Text(_) => purple_sys::purple_account_set_string(purple, key.as_ptr(), text.as_ptr()),
            Value::List(_) => log::warn!(target: "bridge", "an account option cannot be a list; left out"),
        }
    });
}

/// The server that options name, when they say anything about it.
fn server(options: &BTreeMap<String, Value>) -> Option<Option<Box<str>>> {
    options.get("connect_server").map(|value| match value {
        Value::Text(name) if !name.is_empty() => Some(name.as_str().into()),
        _ => None,
    })
}

/// Has the account's options name this host and port; gives what they named before.
///
/// # Safety
/// A live account.
pub(super) unsafe fn redirect(purple: *mut PurpleAccount, (host, port): (String, i64)) -> (String, i64) {
    // SAFETY: the caller's promise; the text is copied.
    let before = unsafe {
        let server = borrowed(purple_sys::purple_account_get_string(purple, c"connect_server".as_ptr(), c"".as_ptr())).unwrap_or_default();
        (server, i64::from(purple_sys::purple_account_get_int(purple, c"port".as_ptr(), 5222)))
    };
    store_option(purple, "connect_server", &Value::Text(host));
    store_option(purple, PORT, &Value::Int(port));
    before
}

/// The account as a user sees it.
pub(crate) fn describe(token: OnPurple, account: AccountId) -> Option<Account> {
    let (purple, protocol) = accounts::read(token, account, |entry| (entry.purple, entry.protocol.clone()))?;
    let options = options(token, &protocol, purple);
    // SAFETY: a live account; strings are copied.
    let alias = unsafe { borrowed(purple_sys::purple_account_get_alias(purple)) }.unwrap_or_default();
    let user = accounts::user(token, account)?;
    let idle = accounts::person(token, user, |person| person.idle_since.is_some()).unwrap_or(false);
    let sends = sends(token, purple);
    accounts::read(token, account, |entry| Account {
        id: account,
        protocol,
        username: entry.username.clone(),
        options,
        alias,
        icon: entry.icon.clone(),
        enabled: entry.enabled,
        standing: entry.standing.clone(),
        status: entry.status.status,
        status_message: entry.status.message.clone(),
        idle,
        mail: entry.mail,
        features: entry.features.and(sends),
    })
}

/// How the account's connection sends texts: plugins say so only there. Nothing without a connection.
fn sends(token: OnPurple, purple: *mut PurpleAccount) -> Features {
    // SAFETY: a live account; its connection lives as long as it points there.
    let flags = unsafe { (*purple).gc.as_ref() }.map_or(0, |gc| gc.flags.0);
    let has = |flag: PurpleConnectionFlags| flags & flag.0 != 0;
    // Where a text has one style as a whole, words of it cannot have their own.
    let html = has(PurpleConnectionFlags::PURPLE_CONNECTION_HTML) && !has(PurpleConnectionFlags::PURPLE_CONNECTION_FORMATTING_WBFO);
    let lines = has(PurpleConnectionFlags::PURPLE_CONNECTION_NO_NEWLINES);
    // SAFETY: as above.
    let uploads = unsafe { accounts::id(token, purple) }.is_some_and(transfer::uploads);
    [("html", html), ("lines", lines), ("uploads", uploads)].into_iter().filter(|(_, so)| *so).map(|(name, _)| name).collect()
}

/// Tells the owner how the account looks now.
pub(crate) fn refresh(token: OnPurple, account: AccountId) {
    if let (Some(user), Some(shown)) = (accounts::user(token, account), describe(token, account)) {
        outbox::emit(token, user, EventKind::AccountUpdated(shown));
    }
}

/// Sets the address of the account's user, for the next sign-on.
///
/// # Errors
/// An account that the user has not.
pub(super) fn set_visitor(token: OnPurple, user: UserId, account: AccountId, visitor: std::net::IpAddr) -> Result<(), CommandError> {
    accounts::pointer(token, user, account)?;
    accounts::change(token, account, |entry| entry.visitor = Some(visitor));
    Ok(())
}

/// `account.update`: what the network has to hear of needs a new sign-on.
pub(super) fn update(
    token: OnPurple,
    user: UserId,
    account: AccountId,
    username: Option<&Username>,
    password: Option<Secret>,
    options: BTreeMap<String, Value>,
) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let protocol = accounts::read(token, account, |entry| entry.protocol.clone()).unwrap_or_default();
    let username = username.map(|name| protocols::join_username(token, &protocol, name)).transpose()?;
    protocols::check_options(token, &protocol, &options)?;
    let typed = username.as_deref().map(Name::of_account).transpose()?;
    password.as_ref().map_or(Ok(()), |secret| Password::new(secret, "password").map(drop))?;
    connection::disconnect(token, account);
    if let Some(name) = typed {
        // SAFETY: a live account that is not connected; the string is copied.
        unsafe { purple_sys::purple_account_set_username(purple, name.as_ptr()) };
    }
    let announced = protocols::announced(token, &protocol);
    port::follow_tls(purple, &protocol, &options);
    options.iter().for_each(|(key, value)| set_option(purple, &announced, key, value));
    accounts::change(token, account, |entry| {
        if let Some(name) = username.filter(|name| *name != entry.username) {
            entry.username = name;
            entry.sign_on.renamed();
        }
        if let Some(password) = password {
            entry.password = Some(password);
        }
        if let Some(server) = server(&options) {
            entry.server = server;
        }
    });
    refresh(token, account);
    if accounts::wanted(token, account) {
        connection::connect(token, account, true);
    }
    Ok(())
}

/// `account.enable`, `account.disable`
pub(super) fn enable(token: OnPurple, user: UserId, account: AccountId, enabled: bool) -> Result<(), CommandError> {
    accounts::pointer(token, user, account)?;
    accounts::change(token, account, |entry| entry.enabled = enabled);
    refresh(token, account);
    if !enabled {
        connection::disconnect(token, account);
        super::blist::hide(token, account);
    } else if accounts::wanted(token, account) {
        connection::connect(token, account, true);
    }
    Ok(())
}

/// `account.connect`: try again now.
pub(super) fn connect_now(token: OnPurple, user: UserId, account: AccountId) -> Result<(), CommandError> {
    accounts::pointer(token, user, account)?;
    accounts::change(token, account, |entry| {
        entry.enabled = true;
        if entry.status.status == crate::model::StatusKind::Offline {
            entry.status = crate::model::Status::default();
        }
    });
    connection::connect(token, account, true);
    refresh(token, account);
    Ok(())
}

/// `account.alias`: kept here, and told to the network where it keeps such a name.
pub(super) fn set_alias(token: OnPurple, user: UserId, account: AccountId, alias: &str) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let alias = Line::of(alias);
    // SAFETY: a live account and a C string, copied.
    owner::with(Some(account), || unsafe {
        purple_sys::purple_account_set_alias(purple, alias.as_ptr());
        if purple_sys::purple_account_is_connected(purple) != glib_sys::GFALSE {
            purple_sys::purple_account_set_public_alias(purple, alias.as_ptr(), None, None);
        }
    });
    refresh(token, account);
    Ok(())
}

/// After a question was answered: a password that the account has now, and is to remember, is used from then on, and told to who keeps accounts.
pub(super) fn keep_password(token: OnPurple, user: UserId, account: AccountId) {
    let Ok(purple) = accounts::pointer(token, user, account) else { return };
    // SAFETY: a live account; the text is copied at once.
    let given = unsafe {
        if purple_sys::purple_account_get_remember_password(purple) == 0 {
            return;
        }
        borrowed(purple_sys::purple_account_get_password(purple))
    };
    let Some(password) = given.filter(|password| !password.is_empty()).map(Secret::new) else { return };
    let news = accounts::change(token, account, |entry| {
        let news = entry.password.as_ref() != Some(&password);
        entry.password = Some(password.clone());
        news
    });
    if news == Some(true) {
        outbox::emit(token, user, EventKind::AccountPasswordGiven { account, password });
    }
}

/// `account.password`: changed on the server, and used here from then on.
pub(super) fn change_password(token: OnPurple, user: UserId, account: AccountId, old: &Secret, new: Secret) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    // SAFETY: a live account.
    let connected = unsafe { purple_sys::purple_account_is_connected(purple) } != glib_sys::GFALSE;
    if !connected {
        return Err(CommandError::new("not_connected", "Sign this account on first."));
    }
    let (was, becomes) = (Password::new(old, "old")?, Password::new(&new, "new")?);
    // SAFETY: a live, connected account and C strings, copied.
    owner::with(Some(account), || unsafe { purple_sys::purple_account_change_password(purple, was.as_ptr(), becomes.as_ptr()) });
    accounts::change(token, account, |entry| entry.password = Some(new));
    Ok(())
}

/// `account.register`: make the account on the server. libpurple asks for what it needs by requests.
pub(super) fn register(token: OnPurple, user: UserId, account: AccountId) -> Result<(), CommandError> {
    let purple = accounts::pointer(token, user, account)?;
    let able = accounts::read(token, account, |entry| entry.features.has("register")).unwrap_or(false);
    if !able {
        return Err(CommandError::new("not_supported", "This network cannot make accounts from here."));
    }
    connection::disconnect(token, account);
    connection::registration::begun(token, account);
    // SAFETY: a live account that is not connected; the callback is static and takes no data.
    owner::with(Some(account), || unsafe {
        purple_sys::purple_account_set_register_callback(purple, Some(on_registered), std::ptr::null_mut());
        purple_sys::purple_account_register(purple);
    });
    Ok(())
}

unsafe extern "C" fn on_registered(account: *mut PurpleAccount, succeeded: glib_sys::gboolean, _: *mut std::ffi::c_void) {
    guard_on("registered", (), |token| {
        // SAFETY: libpurple gives a live account.
        let account = unsafe { accounts::id(token, account) };
        if let Some(account) = account.filter(|_| succeeded == glib_sys::GFALSE) {
            connection::registration::failed(token, account);
        }
    });
}

unsafe extern "C" fn on_status_changed(account: *mut PurpleAccount, _: *mut PurpleStatus) {
    guard_on("status_changed", (), |token| {
        // SAFETY: libpurple gives a live account. What the user shows is told by `status.rs`, which caused this.
        let account = unsafe { accounts::id(token, account) };
        log::trace!(target: "bridge", "status of {account:?} changed");
    });
}

#[cfg(test)]
mod tests;
