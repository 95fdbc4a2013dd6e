//! Makes the tables of a new database and brings an old one up to date, one numbered step after the other. Changes no row of its own accord.

use super::dialect::{Dialect, Lock};
use super::link::{Link, args};
use super::tables::{FIRST, META, TERMS};
use super::terms;
use crate::store::StoreError;

/// The schema of this version. A step from the one before it is in [`step`].
pub(super) const SCHEMA: i64 = 3;

/// Seconds that a process waits for another one that changes the tables.
const WAIT: u32 = 60;

/// Changes that [`migrate`] may make to the tables of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// All steps that lead to [`SCHEMA`].
    All,
    /// The steps of a database that holds nothing yet. An earlier schema is left as it is: a daemon of that version may be using it.
    OfNew,
}

/// Brings the database to [`SCHEMA`]. Two processes that start at once do it one after the other.
pub(super) async fn migrate(link: &mut Link, steps: Steps) -> Result<(), StoreError> {
    if is_there(link, steps).await? {
        return Ok(());
    }
    let dialect = link.dialect();
    let lock = lock(link, WAIT).await?;
    let result = under_lock(link, dialect, steps).await;
    match result {
        Ok(()) => link.plain(lock.give).await,
        Err(error) => {
            let _ = link.plain(lock.undo).await;
            Err(error)
        }
    }
}

/// Whether the database has [`SCHEMA`]; refuses one that may not be brought there.
async fn is_there(link: &mut Link, steps: Steps) -> Result<bool, StoreError> {
    match current(link).await? {
        there if there > SCHEMA => Err(StoreError::Newer(there)),
        there if steps == Steps::OfNew && 0 < there && there < SCHEMA => Err(StoreError::Earlier(there)),
        there => Ok(there == SCHEMA),
    }
}

/// Takes the lock under which tables are changed. Returns its statements.
async fn lock(link: &mut Link, seconds: u32) -> Result<Lock, StoreError> {
    let lock = link.dialect().schema_lock();
    if !lock.answers {
        link.plain(lock.take).await?;
    } else if link.number(lock.take, &args![seconds]).await? != 1 {
        // The answer is 0 when another connection still has the lock, and null when the wait was broken off.
        return Err(StoreError::Unavailable("another process is changing its tables".to_owned()));
    }
    Ok(lock)
}

async fn under_lock(link: &mut Link, dialect: Dialect, steps: Steps) -> Result<(), StoreError> {
    if is_there(link, steps).await? {
        return Ok(());
    }
    if link.number(&dialect.tables_there(&[META.name]), &[]).await? == 0 {
        let names: Vec<&str> = FIRST.iter().map(|table| table.name).collect();
        if link.number(&dialect.tables_there(&names), &[]).await? != 0 {
            return Err(StoreError::Setting(
                "the database holds tables of another program: give Bellflower a database of its own".to_owned(),
            ));
        }
        link.plain(&dialect.create(&META)).await?;
    }
    let there = current(link).await?;
    for schema in there + 1..=SCHEMA {
        step(link, dialect, schema).await?;
        let known = link.run("update bellflower set value=? where name='schema'", &args![schema]).await?;
        if known == 0 {
            link.run("insert into bellflower(name,value) values ('schema',?)", &args![schema]).await?;
        }
    }
    Ok(())
}

/// The schema that the database has; 0 for one without.
pub(super) async fn current(link: &mut Link) -> Result<i64, StoreError> {
    if link.number(&link.dialect().tables_there(&[META.name]), &[]).await? == 0 {
        return Ok(0);
    }
    link.number("select value from bellflower where name='schema'", &[]).await
}

/// The step to a schema. On MariaDB each of its statements is durable at once, so that all of them may be repeated.
async fn step(link: &mut Link, dialect: Dialect, schema: i64) -> Result<(), StoreError> {
    match schema {
        1 => {
            for table in FIRST {
                link.plain(&dialect.create(table)).await?;
            }
            for statement in dialect.first_indexes() {
                let name = statement.split(" on ").next().and_then(|front| front.rsplit(' ').next()).unwrap_or_default();
                if dialect.index_there().is_none() || !has_index(link, name).await? {
                    link.plain(&statement).await?;
                }
            }
            Ok(())
        }
        // Messages are found by user and conversation: under an id that two users have, neither sees the other's.
        2 => {
            for (name, goes, statement) in dialect.index_of_messages().into_iter().flatten() {
                if dialect.index_there().is_none() || has_index(link, name).await? == goes {
                    link.plain(&statement).await?;
                }
            }
            terms::anew(link, true).await
        }
        // Messages are found by their words. Messages that are there already get their terms later, step by step (see `terms`).
        3 => {
            if !dialect.index_is_told() {
                link.plain(&dialect.create(&TERMS)).await?;
            }
            terms::begin(link).await
        }
        other => Err(StoreError::Broken(format!("there is no step to schema {other}"))),
    }
}

async fn has_index(link: &mut Link, name: &str) -> Result<bool, StoreError> {
    match link.dialect().index_there() {
        Some(there) => Ok(link.number(there, &args![name]).await? > 0),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::pools::{Pools, Safety};
    use crate::store::sql::setting::Setting;

    #[tokio::test]
    async fn one_process_at_a_time_changes_the_tables_of_mariadb() {
        let server = support::MariaDb::start();
        server.database("locked");
        let setting = Setting::parse(&server.socket_url("locked"), None).unwrap();
        let pools = Pools::open(&setting.place, Safety::Full).await.unwrap();
        let (mut first, mut second) = (pools.writer().await.unwrap(), pools.writer().await.unwrap());
        let unlock = lock(&mut first, 0).await.unwrap();
        assert!(matches!(lock(&mut second, 0).await, Err(StoreError::Unavailable(why)) if why.contains("another process")));
        first.plain(unlock.give).await.unwrap();
        assert!(lock(&mut second, 0).await.is_ok());
    }
}
