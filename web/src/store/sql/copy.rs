//! Copies a whole database into another, of any kind: a back-up is a copy into a file of SQLite's, and is put back the same way. Changes nothing in
//! the one it reads; a back-up of an earlier schema is brought up to date in a copy of its file.

use super::link::{Arg, Link, Row, Work, args};
use super::pools::{Pools, Safety, with_end};
use super::schema::{SCHEMA, Steps, current};
use super::tables::{FIRST, Kind, MESSAGES, META, Table};
use super::terms::{self, Entry};
use super::writes::insert_all;
use super::{Setting, Sql};
use crate::store::StoreError;
use bridge::id::{ConversationId, UserId};
use std::io;
use std::path::{Path, PathBuf};

/// Rows that are in memory at once, and of tables whose rows hold pictures.
const ROWS: (u32, u32) = (1000, 16);
/// Such groups in one transaction.
const GROUPS: u32 = 20;

/// Counts of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// Of those, messages.
    pub messages: u64,
}

/// Copies everything, where nobody else uses one of the two ([`Sql::open_alone`]); both are this process's until they are closed. The target must hold
/// nothing.
///
/// # Errors
/// [`StoreError::InUse`]: another process has one of them. [`StoreError::Setting`]: the target is not empty. [`StoreError::Broken`]: afterwards the
/// target does not have every row.
pub async fn copy(from: &Sql, to: &Sql) -> Result<Copied, StoreError> {
    from.claim().await?;
    to.claim().await?;
    copy_all(from, to).await
}

/// Copies everything as it is at this moment. The source may be in use; the target is used by nobody else.
async fn copy_all(from: &Sql, to: &Sql) -> Result<Copied, StoreError> {
    let mut target = to.pools.reader().await?;
    for table in FIRST {
        let key = table.key.first().unwrap_or(&"*");
        if target.row(&format!("select {key} from {} limit 1", table.name), &[]).await?.is_some() {
            return Err(StoreError::Setting(format!("{} holds {} already: it must be empty", to.setting, table.name)));
        }
    }
    drop(target);
    let mut source = snapshot(from).await?;
    let mut copied = Copied::default();
    for table in FIRST {
        let rows = copy_table(source.link()?, to, table).await?;
        let there = to.read().await?.number(&format!("select count(*) from {}", table.name), &[]).await?.cast_unsigned();
        if there != rows {
            return Err(StoreError::Broken(format!("{} has {there} of {rows} rows after the copy", table.name)));
        }
        copied.rows += rows;
        if table.name == MESSAGES {
            copied.messages = rows;
        }
    }
    counters(source.link()?, to).await?;
    source.undo().await?;
    Ok(copied)
}

/// A transaction that sees the database as it is now.
pub(super) async fn snapshot(of: &Sql) -> Result<Work, StoreError> {
    let link = of.read().await?;
    let [first, rest @ ..] = of.pools.dialect().begin_snapshot() else { return Err(StoreError::Broken("no snapshot".to_owned())) };
    let mut work = Work::begin(link, first, None).await?;
    for statement in rest {
        work.link()?.plain(statement).await?;
    }
    Ok(work)
}

async fn copy_table(source: &mut Link, to: &Sql, table: &'static Table) -> Result<u64, StoreError> {
    let wide = matches!(table.name, "blobs" | "accounts");
    let most = if wide { ROWS.1 } else { ROWS.0 };
    let mut last: Option<Vec<Arg<'static>>> = None;
    let mut count = 0;
    let mut end = false;
    while !end {
        let mut work = to.work().await?;
        for _ in 0..GROUPS {
            let rows = next_rows(source, table, last.as_deref(), most).await?;
            let fetched = rows.len();
            count += fetched as u64;
            if let Some(row) = rows.last() {
                last = Some(key_of(table, row));
            }
            put(work.link()?, table, rows).await?;
            if fetched < most as usize {
                end = true;
                break;
            }
        }
        work.commit().await?;
    }
    Ok(count)
}

/// The rows after a key, in the order of the key.
async fn next_rows(
    source: &mut Link,
    table: &Table,
    after: Option<&[Arg<'static>]>,
    most: u32,
) -> Result<Vec<Vec<Arg<'static>>>, StoreError> {
    let mut sql = format!("select {} from {}", table.list(), table.name);
    let mut args = Vec::new();
    if let Some(after) = after {
        // (a,b)>(x,y), in words that every planner finds an index for.
        let mut terms = Vec::new();
        for (place, column) in table.key.iter().enumerate() {
            let mut term = String::new();
            for (equal, value) in table.key.iter().zip(after).take(place) {
                term.push_str(&format!("{equal}=? and "));
                args.push(value.clone());
            }
            terms.push(format!("({term}{column}>?)"));
            args.extend(after.get(place).cloned());
        }
        sql.push_str(&format!(" where {}", terms.join(" or ")));
    }
    sql.push_str(&format!(" order by {} limit ?", table.key.join(",")));
    args.push(most.into());
    let rows = source.rows(&sql, &args).await?;
    rows.iter().map(|row| values(table, row)).collect()
}

fn values(table: &Table, row: &Row) -> Result<Vec<Arg<'static>>, StoreError> {
    let read = |(place, column): (usize, &super::tables::Column)| {
        Ok(match column.kind {
            Kind::Int => Arg::Int(row.opt_int(place)?),
            Kind::Text | Kind::Name => Arg::Text(row.opt_text(place)?.map(Into::into)),
            Kind::Bytes | Kind::Hash => Arg::Bytes(row.opt_bytes(place)?.map(Into::into)),
        })
    };
    table.columns.iter().enumerate().map(read).collect()
}

fn key_of(table: &Table, row: &[Arg<'static>]) -> Vec<Arg<'static>> {
    let value = |name: &&str| table.columns.iter().position(|column| column.name == *name).and_then(|place| row.get(place).cloned());
    table.key.iter().filter_map(value).collect()
}

async fn put(link: &mut Link, table: &Table, rows: Vec<Vec<Arg<'static>>>) -> Result<(), StoreError> {
    let entries: Vec<Entry> = if table.name == MESSAGES { rows.iter().filter_map(|row| entry(row)).collect() } else { Vec::new() };
    insert_all(link, table, "", rows).await?;
    terms::put(link, &entries).await
}

/// Gives the entry of the index for a row of the messages: a copy has all terms, whatever the source had.
fn entry(row: &[Arg<'static>]) -> Option<Entry> {
    let [
        Arg::Int(Some(number)),
        Arg::Int(Some(conversation)),
        Arg::Int(Some(owner)),
        _,
        Arg::Int(Some(flags)),
        _,
        _,
        _,
        Arg::Text(body),
        ..,
    ] = row
    else {
        return None;
    };
    let [number, conversation, owner] = [number, conversation, owner].map(|value| value.cast_unsigned());
    let flags = u32::try_from(*flags).ok()?;
    Some(Entry::new(number, UserId(owner), ConversationId(conversation), flags, body.as_deref().unwrap_or_default(), 0))
}

/// The counters of what a database says of itself.
async fn counters(source: &mut Link, to: &Sql) -> Result<(), StoreError> {
    let mut work = to.work().await?;
    for row in source.rows("select name,value from bellflower where name not in ('schema','unindexed')", &[]).await? {
        let link = work.link()?;
        let end = link.dialect().or_change(&META);
        insert_all(link, &META, &end, vec![args![&row.text(0)?, row.int(1)?].to_vec()]).await?;
    }
    work.commit().await
}

/// Writes everything into a file of SQLite's, for its owner alone, which must not be there yet. The file is whole or not there.
pub(super) async fn backup(of: &Sql, file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        return Err(StoreError::Setting(format!("{} is there already", file.display())));
    }
    let part = Part::beside(file);
    if let Some(copy_into) = of.pools.dialect().copy_into() {
        // SQLite takes an empty file, whose mode it leaves as it is.
        super::pools::create(&part.0)?;
        let path = part.0.to_str().ok_or_else(|| StoreError::Setting("the file's name is no text".to_owned()))?;
        of.read().await?.run(copy_into, &args![path]).await?;
    } else {
        let target = Sql::open_as(&Setting::file(&part.0), Safety::None, Steps::All, None).await?;
        let result = copy_all(of, &target).await;
        target.pools.close().await;
        result?;
    }
    let (from, to) = (part.0.clone(), file.to_owned());
    let moved = tokio::task::spawn_blocking(move || settle(&from, &to)).await;
    moved
        .map_err(|error| StoreError::Broken(error.to_string()))?
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", file.display())))
}

/// A file in the making, which goes with its maker.
struct Part(PathBuf);

impl Part {
    fn beside(file: &Path) -> Self {
        let end = format!(".{}.part", std::process::id());
        Self(with_end(file, &end))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_end(&self.0, end));
        }
    }
}

/// Makes the file durable, then gives it its name.
fn settle(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::File::open(from)?.sync_all()?;
    std::fs::rename(from, to)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

/// Puts a back-up into an empty database, which nobody else uses. The file stays as it is.
///
/// # Errors
/// As [`copy`]; [`StoreError::Setting`] when there is no such file, or none of Bellflower's; [`StoreError::Newer`].
pub async fn restore(file: &Path, to: &Sql) -> Result<Copied, StoreError> {
    if !file.is_file() {
        return Err(StoreError::Setting(format!("{} is not there", file.display())));
    }
    to.claim().await?;
    let from = Sql::with(Pools::of_file_to_read(file, with_end(file, "-wal").exists()), Setting::file(file));
    let result = match schema_of(&from).await {
        Ok(0) => Err(StoreError::Setting(format!("{} is no back-up of Bellflower's", file.display()))),
        Ok(SCHEMA) => copy_all(&from, to).await,
        Ok(newer) if newer > SCHEMA => Err(StoreError::Newer(newer)),
        Ok(_) => renewed(file, to).await,
        Err(error) => Err(error),
    };
    from.pools.close().await;
    result
}

async fn schema_of(sql: &Sql) -> Result<i64, StoreError> {
    current(&mut sql.read().await?).await
}

/// Puts a back-up of an earlier schema into a database, by way of a copy that is brought up to date: beside the target where that is a file, else beside
/// the back-up.
async fn renewed(file: &Path, to: &Sql) -> Result<Copied, StoreError> {
    let part = Part::beside(to.setting.path().unwrap_or(file));
    for end in ["", "-wal"] {
        let (from, to) = (with_end(file, end), with_end(&part.0, end));
        if !from.exists() {
            continue;
        }
        super::pools::create(&to)?;
        let shown = to.display().to_string();
        let copied = tokio::task::spawn_blocking(move || {
            // Not its mode: the copy is for its owner alone, whatever the back-up is.
            io::copy(&mut std::fs::File::open(from)?, &mut std::fs::OpenOptions::new().write(true).open(to)?)
        });
        let copied = copied.await.map_err(|error| StoreError::Broken(error.to_string()))?;
        copied.map_err(|error| StoreError::Unavailable(format!("{shown}: {error}")))?;
    }
    let from = Sql::open_as(&Setting::file(&part.0), Safety::None, Steps::All, None).await?;
    let result = copy_all(&from, to).await;
    from.pools.close().await;
    result
}
