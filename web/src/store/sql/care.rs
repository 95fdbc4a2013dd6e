//! Looks for damage, in words. Mends nothing.

use super::dialect::SOUND;
use super::link::{Link, args};
use super::tables::FIRST;
use super::terms;
use crate::store::StoreError;

/// References to rows that are not there: the query, and the words for it.
const ORPHANS: &[(&str, &str)] = &[
    ("browsers where not exists (select 1 from users where users.id=browsers.owner)", "browsers of users who are not there"),
    ("accounts where not exists (select 1 from users where users.id=accounts.owner)", "accounts of users who are not there"),
    (
        "secrets where not exists (select 1 from accounts where accounts.owner=secrets.owner and accounts.id=secrets.account)",
        "secrets of accounts that are not there",
    ),
    ("conversations where not exists (select 1 from users where users.id=conversations.owner)", "conversations of users who are not there"),
    ("blob_uses where not exists (select 1 from blobs where blobs.hash=blob_uses.hash)", "pictures that are not there"),
    ("blobs where not exists (select 1 from blob_uses where blob_uses.hash=blobs.hash)", "pictures that nobody was shown"),
    (
        "messages where not exists (select 1 from conversations c where c.owner=messages.owner and c.id=messages.conversation) \
         and not exists (select 1 from graves g where g.owner=messages.owner and g.conversation=messages.conversation)",
        "messages of conversations that are not there",
    ),
];

/// Messages of which the index is looked at, term by term.
const LOOKED_AT: u32 = 500;

/// The connection is in a transaction that sees one state of the database.
pub(super) async fn check(link: &mut Link) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    // An index that has to be told of each message is the only way to those of a conversation. Asked first: of a connection that has not used the index
    // since it last changed, SQLite 3.46 says that it is malformed.
    if let Some(count) = link.dialect().count_indexed() {
        let (all, found) = (link.number("select count(*) from messages", &[]).await?, link.number(count, &[]).await?);
        if all != found {
            wrong.push(format!("{found} of {all} messages are in the index"));
        }
    }
    if let Some(integrity) = link.dialect().integrity() {
        for row in link.rows(integrity, &[]).await? {
            let said = row.text(0)?;
            if said != SOUND {
                wrong.push(format!("SQLite: {said}"));
            }
        }
    }
    let missing = terms::missing(link, LOOKED_AT).await?;
    if missing > 0 {
        wrong.push(format!("{missing} of the last messages are not found by their words: `bellflower db reindex` mends that"));
    }
    if !link.dialect().index_is_told() {
        let sql =
            "select count(*) from message_terms t where not exists (select 1 from messages m where m.number=t.number and m.owner=t.owner)";
        let count = link.number(sql, &args![]).await?;
        if count > 0 {
            wrong.push(format!("{count} words of messages that are not there: `bellflower db reindex` mends that"));
        }
    }
    for table in FIRST {
        // That each can be read to its end.
        link.number(&format!("select count({}) from {}", table.key.first().unwrap_or(&"*"), table.name), &[]).await?;
    }
    for (what, words) in ORPHANS {
        let count = link.number(&format!("select count(*) from {what}"), &args![]).await?;
        if count > 0 {
            wrong.push(format!("{count} {words}"));
        }
    }
    Ok(wrong)
}
