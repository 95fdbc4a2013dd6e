//! Says what outlives the daemon, in the terms of the product: people, their browsers, accounts, conversations and messages. Holds no SQL
//! (see `sql`), no session and no key: what is secret comes here sealed.
//!
//! [`Store`] is the one way in. Sessions never wait for it: they hand [`Write`]s to a [`Journal`], which commits them in groups.

mod error;
mod history;
mod journal;
mod people;
mod rows;
pub mod sql;
mod write;

pub use error::StoreError;
pub(crate) use history::{DAY_MS, days_kept, stored_author};
pub use history::{Found, Gap, Hit, Page, Place, StoredMessage, Unread};
pub use journal::{Committed, Full, Journal, Keeping};
pub use people::{AuditEntry, Audited, Browser, Change, Failed, Invite, Limits, NAME_CHARACTERS, NewUser, UserKeys, UserRow, fold};
pub use rows::{AccountRow, BOOKMARKS, BuddyRow, ConversationRow, GroupRow, IGNORED, OutboxRow, Sealed, Stored, id_in_key, keys_of};
pub use sql::{Copied, Setting, Sql, copy, restore};
pub use write::Write;

use crate::search::Search;
use crate::session::TokenHash;
use bridge::id::{ConversationId, UserId};
use bridge::time::Timestamp;
use bytes::Bytes;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use tokio::time::Instant;

/// Future of a store's methods. They run on a tokio runtime; dropping one leaves the database whole.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Users, accounts and messages that outlive the daemon. Any thread. Every method is one transaction; [`StoreError::Unavailable`] may be tried again.
pub trait Store: Send + Sync {
    /// Carries out writes in their order, all or none. Returns when they survive kill -9 and loss of power.
    fn commit<'a>(&'a self, writes: &'a [Write]) -> Later<'a, ()>;

    // People.

    /// Makes a user. [`StoreError::Taken`] when the folded name is another's.
    fn add_user<'a>(&'a self, user: &'a NewUser) -> Later<'a, ()>;
    /// The user of this folded name ([`people::fold`]).
    fn user_by_name<'a>(&'a self, folded: &'a str) -> Later<'a, Option<UserRow>>;
    /// A user.
    fn user(&self, user: UserId) -> Later<'_, Option<UserRow>>;
    /// Users by folded name, after the folded name `after`, at most `most`.
    fn users<'a>(&'a self, after: &'a str, most: u32) -> Later<'a, Vec<UserRow>>;
    /// How many there are.
    fn count_users(&self) -> Later<'_, u64>;
    /// Takes other keys; every browser but those in `browsers` is signed out, and these get their new wraps.
    fn set_keys<'a>(&'a self, user: UserId, keys: &'a UserKeys, browsers: &'a [(TokenHash, Sealed)]) -> Later<'a, ()>;
    /// Forbids or allows to sign in; forbidding signs every browser out.
    fn set_disabled(&self, user: UserId, disabled: bool) -> Later<'_, ()>;
    /// Other limits.
    fn set_limits<'a>(&'a self, user: UserId, limits: &'a Limits) -> Later<'a, ()>;
    /// Deletes everything of a user: messages, accounts, secrets, browsers, pictures that nobody else has.
    fn delete_user(&self, user: UserId) -> Later<'_, ()>;
    /// Deletes the sealed secrets of a user, whose key is lost.
    fn forget_secrets(&self, user: UserId) -> Later<'_, ()>;

    /// Remembers a browser that is signed in.
    fn add_browser<'a>(&'a self, browser: &'a Browser) -> Later<'a, ()>;
    /// The browser of a token, and its user.
    fn browser<'a>(&'a self, token: &'a TokenHash) -> Later<'a, Option<(Browser, UserRow)>>;
    /// A user's browsers, the last used first.
    fn browsers(&self, user: UserId) -> Later<'_, Vec<Browser>>;
    /// Browsers were used at these times.
    fn touch_browsers<'a>(&'a self, used: &'a [(TokenHash, Timestamp)]) -> Later<'a, ()>;
    /// Signs browsers out.
    fn remove_browsers<'a>(&'a self, user: UserId, tokens: &'a [TokenHash]) -> Later<'a, ()>;
    /// Signs out whoever was not used since `before`. Returns how many.
    fn expire_browsers(&self, before: Timestamp) -> Later<'_, u64>;

    /// Keeps an invite.
    fn add_invite<'a>(&'a self, invite: &'a Invite) -> Later<'a, ()>;
    /// Whether an invite may be used now.
    fn invite<'a>(&'a self, code: &'a TokenHash, now: Timestamp) -> Later<'a, bool>;
    /// Makes a user by an invite, which is used up; [`StoreError::Gone`] when it is not there any more.
    fn add_invited_user<'a>(&'a self, user: &'a NewUser, code: &'a TokenHash, now: Timestamp) -> Later<'a, ()>;
    /// Deletes a user who was made at this time and could not come in; an invite that the user took may be used once more. Does nothing for
    /// a user who is not there, or was made at another time.
    fn unmake_user<'a>(&'a self, user: UserId, created: Timestamp, code: Option<&'a TokenHash>) -> Later<'a, ()>;
    /// Invites that are not used up.
    fn invites(&self) -> Later<'_, Vec<Invite>>;

    /// Notes sign-ins and administrators' acts. Without secrets. What failed is kept apart, so that strangers push nothing else out.
    fn audit<'a>(&'a self, entries: &'a [AuditEntry]) -> Later<'a, ()>;
    /// The newest entries, newest first, of one user or of all.
    fn audited(&self, user: Option<UserId>, which: Audited, most: u32) -> Later<'_, Vec<AuditEntry>>;
    /// Switches a protocol off or on, and tells other processes. Returns the number of the change.
    fn set_protocol<'a>(&'a self, protocol: &'a str, disabled: bool) -> Later<'a, i64>;
    /// Protocols that are switched off.
    fn closed_protocols(&self) -> Later<'_, Vec<String>>;
    /// Changes by other processes (`bellflower user …`) since the change numbered `after`.
    fn changes(&self, after: i64) -> Later<'_, Vec<(i64, Change)>>;
    /// Tells other processes of a change. Returns its number.
    fn announce<'a>(&'a self, change: &'a Change) -> Later<'a, i64>;

    // What a user has.

    /// Everything of a user but messages.
    fn load(&self, user: UserId) -> Later<'_, Stored>;
    /// Users who have accounts; for those whose keys the site has.
    fn users_with_accounts(&self) -> Later<'_, Vec<UserId>>;

    // History. The caller has made sure that the conversation is the user's ([`Store::load`]).

    /// Messages around a place, oldest first, and the gaps among them.
    fn page(&self, user: UserId, conversation: ConversationId, place: Place, most: u32) -> Later<'_, Page>;
    /// How many messages after `read` count as unread, at most 10 000.
    fn unread(&self, user: UserId, conversation: ConversationId, read: u64) -> Later<'_, Unread>;
    /// The newest messages below a number that fit a search, newest first, at most so many. Every committed message is found. A search that has not
    /// begun by `until`, as others take the places, does not begin: [`StoreError::Unavailable`]. The caller has one search of a user here at a time.
    fn search<'a>(&'a self, user: UserId, search: &'a Search, below: u64, most: u32, until: Instant) -> Later<'a, Found>;
    /// Puts some of the messages into the index that were stored before there was one, the newest first. Returns how many; 0: all are in it.
    fn index_more(&self) -> Later<'_, u64>;
    /// The highest message number of all; 0 when there is none.
    fn last_number(&self) -> Later<'_, u64>;
    /// Deletes messages that are older than their conversation's, their user's or the site's age (days, 0: any). Returns how many; call again
    /// until it is 0.
    fn expire_messages(&self, site_days: u32, now: Timestamp) -> Later<'_, u64>;
    /// Bytes of messages and pictures of a user, estimated.
    fn usage(&self, user: UserId) -> Later<'_, u64>;
    /// Bytes of a picture that the user was shown and that is stored.
    fn blob<'a>(&'a self, user: UserId, hash: &'a str) -> Later<'a, Option<Bytes>>;

    // Care.

    /// Whether the database answers.
    fn ping(&self) -> Later<'_, ()>;
    /// Looks for damage; what is wrong, in words.
    fn check(&self) -> Later<'_, Vec<String>>;
    /// Writes a consistent copy of everything to a file that is not there yet, while the daemon runs.
    fn backup<'a>(&'a self, file: &'a Path) -> Later<'a, ()>;
    /// Ends every connection, having written what is to be written.
    fn close(&self) -> Later<'_, ()>;
}
