//! Pictures that a message was told of before they were there: each has a number that is good once. Asks nobody for them.

use super::super::registry::Registry;
use super::super::token::OnPurple;
use super::super::{icon, outbox};
use super::{LARGEST, is_shown};
use crate::event::EventKind;
use crate::id::{AccountId, PictureId, UserId};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// Awaited pictures of one account. The oldest is given up for a new one.
const MOST: usize = 50;

struct Awaited {
    user: UserId,
    account: AccountId,
}

struct Table {
    all: Registry<Awaited>,
    /// Oldest first.
    of_account: HashMap<AccountId, VecDeque<u64>>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table { all: Registry::new(), of_account: HashMap::new() });
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Awaited> {
        let awaited = self.all.remove(id)?;
        if let Some(theirs) = self.of_account.get_mut(&awaited.account) {
            theirs.retain(|known| *known != id);
            if theirs.is_empty() {
                self.of_account.remove(&awaited.account);
            }
        }
        Some(awaited)
    }
}

/// A picture is asked for. `None`: there are no numbers left.
pub(super) fn begin(token: OnPurple, user: UserId, account: AccountId) -> Option<PictureId> {
    let oldest = TABLE.with_borrow(|table| table.of_account.get(&account).filter(|theirs| theirs.len() >= MOST)?.front().copied());
    if let Some(oldest) = oldest {
        came(token, PictureId(oldest), None);
    }
    TABLE.with_borrow_mut(|table| {
        let id = table.all.insert(Awaited { user, account });
        if id == 0 {
            return None;
        }
        table.of_account.entry(account).or_default().push_back(id);
        Some(PictureId(id))
    })
}

/// Whether this account waits for it.
pub(super) fn is_of(_: OnPurple, picture: PictureId, account: AccountId) -> bool {
    TABLE.with_borrow(|table| table.all.get(picture.0).is_some_and(|awaited| awaited.account == account))
}

/// Its bytes are there, or are not to come. Those of no picture, and of a large one, count as none.
pub(super) fn came(token: OnPurple, picture: PictureId, bytes: Option<&[u8]>) {
    let Some(awaited) = TABLE.with_borrow_mut(|table| table.remove(picture.0)) else { return };
    let bytes = bytes.filter(|bytes| bytes.len() <= LARGEST && is_shown(bytes));
    let hash = bytes.map(|bytes| icon::store(token, awaited.user, bytes));
    outbox::emit_caused(token, awaited.user, None, EventKind::PictureCame { picture, hash });
}

/// None of the account's come any more.
pub(super) fn forget(token: OnPurple, account: AccountId) {
    let left = TABLE.with_borrow(|table| table.of_account.get(&account).cloned().unwrap_or_default());
    left.into_iter().for_each(|id| came(token, PictureId(id), None));
}
