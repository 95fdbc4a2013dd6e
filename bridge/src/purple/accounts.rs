//! Our own table of accounts, keyed by user (hazard 1: libpurple's table would give one user's account to another); it makes no libpurple calls.

use super::token::OnPurple;
use crate::command::Secret;
use crate::error::CommandError;
use crate::features::Features;
use crate::id::{AccountId, ConversationId, UserId};
use crate::model::{AccountStanding, Status, StatusKind};
use crate::time::Timestamp;
use purple_sys::PurpleAccount;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// An account as we know it. libpurple's own object is `purple`; its `ui_data` holds the [`AccountId`].
pub(crate) struct Entry {
    pub(crate) user: UserId,
    pub(crate) purple: *mut PurpleAccount,
    pub(crate) protocol: String,
    pub(crate) username: String,
    pub(crate) password: Option<Secret>,
    /// See [`crate::command::AccountSettings::visitor`].
    pub(crate) visitor: Option<std::net::IpAddr>,
    /// The server that the user named besides the one in the user name. The other options are libpurple's to keep.
    pub(crate) server: Option<Box<str>>,
    pub(crate) pins: Vec<String>,
    pub(crate) enabled: bool,
    /// What the user wants to show; applied while connected or in our own connect step (hazard 32).
    pub(crate) status: Status,
    pub(crate) standing: AccountStanding,
    pub(crate) sign_on: super::connection::SignOn,
    pub(crate) icon: Option<String>,
    pub(crate) mail: Option<u32>,
    /// Rooms the user is in, with the form that joined them: joined again after a reconnect.
    pub(crate) rooms: HashMap<ConversationId, BTreeMap<String, String>>,
    /// IMs that it had elsewhere, by name: libpurple opens none before the account is signed on.
    pub(crate) unopened: BTreeMap<ConversationId, String>,
    /// The block list that it had elsewhere: lists can be changed only while it is signed on.
    pub(crate) privacy: Option<Box<crate::model::Privacy>>,
    pub(crate) features: Features,
}

/// What holds for all accounts of a user.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) idle_since: Option<Timestamp>,
    pub(crate) focus: Option<ConversationId>,
    /// Groups that were made for them in libpurple, where they stay.
    pub(crate) groups_made: usize,
}

#[derive(Default)]
struct Table {
    /// Boxed, since half of a table's places may be free.
    entries: HashMap<AccountId, Box<Entry>>,
    people: HashMap<UserId, Person>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// Puts an account in. False: the id is taken.
pub(crate) fn insert(_: OnPurple, account: AccountId, entry: Entry) -> bool {
    TABLE.with_borrow_mut(|table| {
        if table.entries.contains_key(&account) {
            return false;
        }
        table.people.entry(entry.user).or_default().accounts.push(account);
        table.entries.insert(account, Box::new(entry));
        true
    })
}

/// Takes an account out, and with a user's last one what holds for them: whoever comes back is told anew, and nobody tells of the end of a user
/// who has no account here.
pub(crate) fn remove(_: OnPurple, account: AccountId) -> Option<Entry> {
    TABLE.with_borrow_mut(|table| {
        let entry = table.entries.remove(&account)?;
        if let Some(person) = table.people.get_mut(&entry.user) {
            person.accounts.retain(|other| *other != account);
            if person.accounts.is_empty() {
                table.people.remove(&entry.user);
            }
        }
        Some(*entry)
    })
}

/// Reads an entry. `read` must not call libpurple: the table is borrowed.
pub(crate) fn read<T>(_: OnPurple, account: AccountId, read: impl FnOnce(&Entry) -> T) -> Option<T> {
    TABLE.with_borrow(|table| table.entries.get(&account).map(|entry| read(entry)))
}

/// Changes an entry. `change` must not call libpurple: the table is borrowed.
pub(crate) fn change<T>(_: OnPurple, account: AccountId, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
    TABLE.with_borrow_mut(|table| table.entries.get_mut(&account).map(|entry| change(entry)))
}

/// Reads what holds for a user.
pub(crate) fn person<T>(_: OnPurple, user: UserId, read: impl FnOnce(&Person) -> T) -> Option<T> {
    TABLE.with_borrow(|table| table.people.get(&user).map(read))
}

/// Changes what holds for a user. `None`: no account of theirs is here, and nothing is kept of them.
pub(crate) fn change_person<T>(_: OnPurple, user: UserId, change: impl FnOnce(&mut Person) -> T) -> Option<T> {
    TABLE.with_borrow_mut(|table| table.people.get_mut(&user).map(change))
}

/// The accounts of a user.
pub(crate) fn of_user(token: OnPurple, user: UserId) -> Vec<AccountId> {
    person(token, user, |person| person.accounts.clone()).unwrap_or_default()
}

/// All accounts.
pub(crate) fn all(_: OnPurple) -> Vec<AccountId> {
    TABLE.with_borrow(|table| table.entries.keys().copied().collect())
}

/// Users of whom something is kept.
#[cfg(test)]
pub(crate) fn people(_: OnPurple) -> usize {
    TABLE.with_borrow(|table| table.people.len())
}

/// How many there are.
pub(crate) fn count(_: OnPurple) -> usize {
    TABLE.with_borrow(|table| table.entries.len())
}

/// The account of `user` that still waits to open a conversation, or to be back in a room.
pub(crate) fn awaiting(_: OnPurple, user: UserId, conversation: ConversationId) -> Option<AccountId> {
    TABLE.with_borrow(|table| {
        table.people.get(&user)?.accounts.iter().copied().find(|account| {
            let waits = |entry: &Entry| entry.unopened.contains_key(&conversation) || entry.rooms.contains_key(&conversation);
            table.entries.get(account).is_some_and(|entry| waits(entry))
        })
    })
}

/// The user an account belongs to.
pub(crate) fn user(token: OnPurple, account: AccountId) -> Option<UserId> {
    read(token, account, |entry| entry.user)
}

/// libpurple's object, if the account is `user`'s. This is where one user is kept from another's accounts.
pub(crate) fn pointer(token: OnPurple, user: UserId, account: AccountId) -> Result<*mut PurpleAccount, CommandError> {
    read(token, account, |entry| (entry.user == user).then_some(entry.purple))
        .flatten()
        .ok_or_else(|| CommandError::new("no_such_account", "There is no such account (any more).").at("account"))
}

/// The id of libpurple's object, when it is one of ours.
///
/// # Safety
/// `account` is NULL or a live `PurpleAccount`.
pub(crate) unsafe fn id(token: OnPurple, account: *const PurpleAccount) -> Option<AccountId> {
    if account.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    let id = AccountId(unsafe { (*account).ui_data } as u64);
    // An account that is being made or has been taken apart is not in the table.
    read(token, id, |entry| std::ptr::eq(entry.purple, account)).filter(|ours| *ours).map(|_| id)
}

/// The user and id of libpurple's object.
///
/// # Safety
/// As [`id`].
pub(crate) unsafe fn owner(token: OnPurple, account: *const PurpleAccount) -> Option<(UserId, AccountId)> {
    // SAFETY: passed on.
    let id = unsafe { id(token, account) }?;
    Some((user(token, id)?, id))
}

/// Whether the user wants this account signed on.
pub(crate) fn wanted(token: OnPurple, account: AccountId) -> bool {
    read(token, account, |entry| entry.enabled && entry.status.status != StatusKind::Offline).unwrap_or(false)
}
