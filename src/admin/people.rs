//! `bellflower user` and `invite`: what an administrator changes of people. Reads passwords from the terminal or standard
//! input, never from an argument.

use super::{failed, note, now, say};
use crate::config::Config;
use crate::error::Failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bridge::command::Secret;
use bridge::id::UserId;
use bridge::time::Timestamp;
use std::io::{BufRead, IsTerminal};
use web::secret::{DataKey, HashError};
use web::store::{Change, Invite, Limits, NewUser, Store, StoreError, UserRow, fold};

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;
/// Users that are read at once.
const PAGE: u32 = 500;

pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::Unwell(message.into())
}

fn no_randomness() -> Failure {
    refused("the system has no randomness")
}

fn hash_failed(error: HashError) -> Failure {
    refused(format!("the password cannot be stored: {error}"))
}

pub(super) async fn named(store: &dyn Store, name: &str) -> Result<UserRow, Failure> {
    let folded = fold(name).ok_or_else(|| refused(format!("\"{name}\" is no name of a user")))?;
    store.user_by_name(&folded).await.map_err(failed)?.ok_or_else(|| refused(format!("there is no user \"{name}\"")))
}

/// A new password: typed twice at a terminal, else the first line of standard input.
fn new_password() -> Result<Secret, Failure> {
    let unreadable = |error: std::io::Error| refused(format!("cannot read the password: {error}"));
    let text = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(unreadable)?;
        if first != rpassword::prompt_password("Once more: ").map_err(unreadable)? {
            return Err(refused("the two are not the same"));
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if !(8..=1024).contains(&text.len()) {
        return Err(refused("a password has 8 to 1024 bytes; it is read from the terminal, or from standard input"));
    }
    Ok(Secret::new(text))
}

/// Tells a running daemon.
async fn announce(store: &dyn Store, user: UserId) -> Result<(), Failure> {
    store.announce(&Change::User(user)).await.map(drop).map_err(failed)
}

pub(super) async fn add(store: &dyn Store, config: &Config, name: &str) -> Result<(), Failure> {
    let folded = fold(name).ok_or_else(|| refused("a name has 1 to 64 characters, no colon and no control characters"))?;
    if store.user_by_name(&folded).await.map_err(failed)?.is_some() {
        return Err(refused(format!("there is a user \"{name}\" already")));
    }
    let password = new_password()?;
    let id = UserId(getrandom::u64().map_err(|_| no_randomness())?.max(1));
    let key = DataKey::create().map_err(|_| no_randomness())?;
    let site = crate::store::site_key(config)?;
    let (keys, code) = crate::store::hasher()?.make(id, &password, &key, site.as_ref()).await.map_err(hash_failed)?;
    let user = NewUser { id, name: name.trim().to_owned(), folded, keys, created: now() };
    store.add_user(&user).await.map_err(|error| match error {
        StoreError::Taken => refused(format!("there is a user \"{name}\" already")),
        other => failed(other),
    })?;
    note(store, Some(id), "user_add", &user.name).await?;
    say(&format!("User \"{}\" is made. The recovery code, shown this once: {}", user.name, &*code.show()));
    Ok(())
}

fn state(user: &UserRow) -> &'static str {
    if user.disabled { "disabled" } else { "enabled" }
}

fn last_used(user: &UserRow) -> String {
    user.used.map_or_else(|| "never".to_owned(), |used| used.to_string())
}

pub(super) async fn list(store: &dyn Store) -> Result<(), Failure> {
    let mut after = String::new();
    loop {
        let users = store.users(&after, PAGE).await.map_err(failed)?;
        let Some(last) = users.last() else { return Ok(()) };
        after = fold(&last.name).unwrap_or_default();
        for user in &users {
            say(&format!("{}\t{}\tlast used {}", user.name, state(user), last_used(user)));
        }
    }
}

pub(super) async fn show(store: &dyn Store, name: &str) -> Result<(), Failure> {
    let user = named(store, name).await?;
    let stored = store.load(user.id).await.map_err(failed)?;
    let browsers = store.browsers(user.id).await.map_err(failed)?;
    let usage = store.usage(user.id).await.map_err(failed)?;
    let limit = |limit: Option<u64>| limit.map_or_else(|| "the site's".to_owned(), |most| most.to_string());
    say(&format!("name\t{}", user.name));
    say(&format!("state\t{}", state(&user)));
    say(&format!("made\t{}", user.created));
    say(&format!("last used\t{}", last_used(&user)));
    say(&format!("accounts\t{}", stored.accounts.len()));
    say(&format!("conversations\t{}", stored.conversations.len()));
    say(&format!("stored bytes\t{usage}"));
    say(&format!("recovery code\t{}", if user.keys.by_recovery.is_some() { "yes" } else { "no" }));
    say(&format!("accounts come back by the site's key\t{}", if user.keys.by_site.is_some() { "yes" } else { "no" }));
    say(&format!("limit of accounts\t{}", limit(user.limits.accounts.map(u64::from))));
    say(&format!("limit of stored bytes\t{}", limit(user.limits.storage_bytes)));
    say(&format!("limit of commands a second\t{}", limit(user.limits.commands_per_second.map(u64::from))));
    for browser in browsers {
        say(&format!("browser\t{}\tsince {}\tlast used {}", browser.device, browser.created, browser.used));
    }
    Ok(())
}

pub(super) async fn disable(store: &dyn Store, name: &str, disabled: bool) -> Result<(), Failure> {
    let user = named(store, name).await?;
    store.set_disabled(user.id, disabled).await.map_err(failed)?;
    announce(store, user.id).await?;
    note(store, Some(user.id), "user_disable", if disabled { "disabled" } else { "enabled" }).await?;
    say(&format!("User \"{}\" is {}.", user.name, if disabled { "disabled and signed out" } else { "enabled" }));
    Ok(())
}

pub(super) async fn password(store: &dyn Store, config: &Config, name: &str, lose_secrets: bool) -> Result<(), Failure> {
    let user = named(store, name).await?;
    let site = crate::store::site_key(config)?;
    let known = match (&site, &user.keys.by_site) {
        (Some(site), Some(wrap)) => DataKey::unwrap_by_site(user.id, site, wrap),
        _ => None,
    };
    if known.is_none() && !lose_secrets {
        return Err(refused(format!(
            "without the recovery code a new password loses the passwords of \"{}\"'s IM accounts, which they then have to type again. If they \
             have the code, they can use it on the front page (\"Forgot the password?\"). Add --lose-secrets to go on",
            user.name
        )));
    }
    let password = new_password()?;
    let lost = known.is_none();
    let key = known.map_or_else(|| DataKey::create().map_err(|_| no_randomness()), Ok)?;
    let (keys, code) = crate::store::hasher()?.make(user.id, &password, &key, site.as_ref()).await.map_err(hash_failed)?;
    if lost {
        store.forget_secrets(user.id).await.map_err(failed)?;
    }
    store.set_keys(user.id, &keys, &[]).await.map_err(failed)?;
    announce(store, user.id).await?;
    note(store, Some(user.id), "user_password", if lost { "secrets are lost" } else { "secrets are kept" }).await?;
    say(&format!("User \"{}\" has a new password and is signed out. The new recovery code: {}", user.name, &*code.show()));
    Ok(())
}

pub(super) async fn remove(store: &dyn Store, name: &str, yes: bool) -> Result<(), Failure> {
    let user = named(store, name).await?;
    if !yes {
        return Err(refused(format!("this deletes \"{}\" with all messages and accounts, for ever. Add --yes to do so", user.name)));
    }
    // Signed out first, so that a running daemon writes nothing more.
    store.set_disabled(user.id, true).await.map_err(failed)?;
    announce(store, user.id).await?;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    store.delete_user(user.id).await.map_err(failed)?;
    announce(store, user.id).await?;
    note(store, None, "user_remove", &user.name).await?;
    say(&format!("User \"{}\" is deleted.", user.name));
    Ok(())
}

pub(super) async fn limit(store: &dyn Store, name: &str, limits: &[(String, Option<u64>)]) -> Result<(), Failure> {
    let user = named(store, name).await?;
    let mut wanted: Limits = user.limits.clone();
    for (which, most) in limits {
        let small = most.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
        match which.as_str() {
            "accounts" => wanted.accounts = small,
            "storage-mb" => wanted.storage_bytes = most.map(|most| most << 20),
            _ => wanted.commands_per_second = small,
        }
    }
    store.set_limits(user.id, &wanted).await.map_err(failed)?;
    announce(store, user.id).await?;
    note(store, Some(user.id), "user_limit", &format!("{wanted:?}")).await?;
    say(&format!("User \"{}\" has other limits from now on.", user.name));
    Ok(())
}

pub(super) async fn invite(store: &dyn Store, note_text: &str, uses: u32, days: u32) -> Result<(), Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| no_randomness())?;
    let code = URL_SAFE_NO_PAD.encode(bytes);
    let created = now();
    let expires = Timestamp(created.0.saturating_add(i64::from(days) * DAY));
    let invite = Invite { code: web::session::hash_of_token(&code), note: note_text.to_owned(), created, expires, left: uses };
    store.add_invite(&invite).await.map_err(failed)?;
    note(store, None, "invite", note_text).await?;
    say(&format!("{code}\nGood for {uses} until {expires}. As a link: the address of the page with #invite={code} at its end."));
    Ok(())
}

pub(super) async fn invites(store: &dyn Store) -> Result<(), Failure> {
    for invite in store.invites().await.map_err(failed)? {
        say(&format!("{} left\tuntil {}\t{}", invite.left, invite.expires, invite.note));
    }
    Ok(())
}
