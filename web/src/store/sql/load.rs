//! Reads everything of a user but messages. Writes nothing.

use super::link::{Link, args};
use super::rows::{read_account, read_buddy, read_conversation, read_group, read_outbox};
use super::tables::named;
use crate::store::{Sealed, StoreError, Stored};
use bridge::id::UserId;
use std::collections::HashMap;

pub(super) async fn load(link: &mut Link, user: UserId) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let of = args![user.0];
    let select = |table: &str, order: &str| format!("select {} from {table} where owner=? order by {order}", named(table).list());
    for row in link.rows(&select("accounts", "created,id"), &of).await? {
        stored.accounts.push(read_account(&row)?);
    }
    let places: HashMap<u64, usize> = stored.accounts.iter().enumerate().map(|(place, row)| (row.account.0, place)).collect();
    for row in link.rows("select account,field,sealed from secrets where owner=? order by account,place", &of).await? {
        if let Some(account) = places.get(&row.id(0)?).and_then(|place| stored.accounts.get_mut(*place)) {
            account.secrets.push((row.text(1)?, Sealed(row.bytes(2)?)));
        }
    }
    for row in link.rows(&select("buddies", "account,id"), &of).await? {
        stored.buddies.push(read_buddy(&row)?);
    }
    for row in link.rows(&select("conversations", "id"), &of).await? {
        stored.conversations.push(read_conversation(&row)?);
    }
    for row in link.rows(&select("user_groups", "place,name"), &of).await? {
        stored.groups.push(read_group(&row)?);
    }
    for row in link.rows("select name,value from settings where owner=?", &of).await? {
        stored.settings.push((row.text(0)?, row.text(1)?));
    }
    stored.settings.sort();
    for row in link.rows(&select("outbox", "number"), &of).await? {
        stored.outbox.push(read_outbox(&row)?);
    }
    Ok(stored)
}

pub(super) async fn users_with_accounts(link: &mut Link) -> Result<Vec<UserId>, StoreError> {
    let rows = link.rows("select distinct owner from accounts", &[]).await?;
    rows.iter().map(|row| Ok(UserId(row.id(0)?))).collect()
}
