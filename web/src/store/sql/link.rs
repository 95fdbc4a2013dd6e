//! Carries statements with their parameters to one of three databases and rows back. Knows no statement (see `dialect`) and no table.

use super::dialect::Dialect;
use crate::store::{Later, StoreError};
use sqlx::mysql::MySqlRow;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Executor as _, MySql, Postgres, Row as _, Sqlite};
use std::borrow::Cow;

/// A parameter of a statement. PostgreSQL wants to know the type of a null, too.
#[derive(Debug, Clone)]
pub(super) enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
}

impl Arg<'_> {
    /// The same, with a text of its own.
    pub(super) fn into_owned(self) -> Arg<'static> {
        match self {
            Self::Int(value) => Arg::Int(value),
            Self::Text(value) => Arg::Text(value.map(|text| Cow::Owned(text.into_owned()))),
            Self::Bytes(value) => Arg::Bytes(value.map(|bytes| Cow::Owned(bytes.into_owned()))),
        }
    }
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

/// Ids and numbers: the 64 bits as they are.
impl From<u64> for Arg<'_> {
    fn from(value: u64) -> Self {
        Self::Int(Some(value.cast_signed()))
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(clean(value)))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(clean(value)))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value.map(clean))
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Some(Cow::Borrowed(value)))
    }
}

impl<'a> From<Option<&'a [u8]>> for Arg<'a> {
    fn from(value: Option<&'a [u8]>) -> Self {
        Self::Bytes(value.map(Cow::Borrowed))
    }
}

/// U+0000 becomes U+FFFD everywhere, as PostgreSQL cannot hold it and a database may be moved to another kind.
fn clean(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The parameters of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::store::sql::link::Arg::from($value)),*] };
}
pub(super) use args;

/// A row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    MySql(MySqlRow),
    Postgres(PgRow),
}

macro_rules! read {
    ($row:expr, $place:expr) => {
        // Unchecked: MariaDB calls a text of a binary collation bytes. What does not fit is an error all the same.
        match $row {
            Row::Sqlite(row) => Ok(row.try_get_unchecked($place)?),
            Row::MySql(row) => Ok(row.try_get_unchecked($place)?),
            Row::Postgres(row) => Ok(row.try_get_unchecked($place)?),
        }
    };
}

impl Row {
    pub(super) fn int(&self, place: usize) -> Result<i64, StoreError> {
        read!(self, place)
    }

    pub(super) fn opt_int(&self, place: usize) -> Result<Option<i64>, StoreError> {
        read!(self, place)
    }

    pub(super) fn id(&self, place: usize) -> Result<u64, StoreError> {
        Ok(self.int(place)?.cast_unsigned())
    }

    pub(super) fn opt_id(&self, place: usize) -> Result<Option<u64>, StoreError> {
        Ok(self.opt_int(place)?.map(i64::cast_unsigned))
    }

    pub(super) fn small(&self, place: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(place)?).map_err(|_| StoreError::Broken("a number is out of range".to_owned()))
    }

    pub(super) fn flag(&self, place: usize) -> Result<bool, StoreError> {
        Ok(self.int(place)? != 0)
    }

    pub(super) fn text(&self, place: usize) -> Result<String, StoreError> {
        read!(self, place)
    }

    pub(super) fn opt_text(&self, place: usize) -> Result<Option<String>, StoreError> {
        read!(self, place)
    }

    pub(super) fn bytes(&self, place: usize) -> Result<Vec<u8>, StoreError> {
        read!(self, place)
    }

    pub(super) fn opt_bytes(&self, place: usize) -> Result<Option<Vec<u8>>, StoreError> {
        read!(self, place)
    }
}

/// A connection out of a pool. Dropping it gives it back.
pub(super) enum Link {
    Sqlite(PoolConnection<Sqlite>),
    MySql(PoolConnection<MySql>),
    Postgres(PoolConnection<Postgres>),
}

macro_rules! query {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(*value),
                Arg::Text(value) => query.bind(value.as_deref()),
                Arg::Bytes(value) => query.bind(value.as_deref()),
            };
        }
        query
    }};
}

impl Link {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Carries out a statement. Returns how many rows it touched.
    pub(super) fn run<'a>(&'a mut self, sql: &'a str, args: &'a [Arg<'a>]) -> Later<'a, u64> {
        Box::pin(async move {
            Ok(match self {
                Self::Sqlite(link) => query!(sql, args).execute(&mut **link).await?.rows_affected(),
                Self::MySql(link) => query!(sql, args).execute(&mut **link).await?.rows_affected(),
                Self::Postgres(link) => {
                    let sql = numbered(sql);
                    query!(&sql, args).execute(&mut **link).await?.rows_affected()
                }
            })
        })
    }

    /// Carries out statements without parameters, whose preparation would be lost work or is not allowed.
    pub(super) fn plain<'a>(&'a mut self, sql: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            match self {
                Self::Sqlite(link) => link.execute(sql).await.map(|_| ())?,
                Self::MySql(link) => link.execute(sql).await.map(|_| ())?,
                Self::Postgres(link) => link.execute(sql).await.map(|_| ())?,
            }
            Ok(())
        })
    }

    /// All rows of an answer.
    pub(super) fn rows<'a>(&'a mut self, sql: &'a str, args: &'a [Arg<'a>]) -> Later<'a, Vec<Row>> {
        Box::pin(async move {
            Ok(match self {
                Self::Sqlite(link) => query!(sql, args).fetch_all(&mut **link).await?.into_iter().map(Row::Sqlite).collect(),
                Self::MySql(link) => query!(sql, args).fetch_all(&mut **link).await?.into_iter().map(Row::MySql).collect(),
                Self::Postgres(link) => {
                    let sql = numbered(sql);
                    query!(&sql, args).fetch_all(&mut **link).await?.into_iter().map(Row::Postgres).collect()
                }
            })
        })
    }

    /// The first row of an answer.
    pub(super) fn row<'a>(&'a mut self, sql: &'a str, args: &'a [Arg<'a>]) -> Later<'a, Option<Row>> {
        Box::pin(async move {
            Ok(match self {
                Self::Sqlite(link) => query!(sql, args).fetch_optional(&mut **link).await?.map(Row::Sqlite),
                Self::MySql(link) => query!(sql, args).fetch_optional(&mut **link).await?.map(Row::MySql),
                Self::Postgres(link) => {
                    let sql = numbered(sql);
                    query!(&sql, args).fetch_optional(&mut **link).await?.map(Row::Postgres)
                }
            })
        })
    }

    /// The number in the first row of an answer; 0 when there is none.
    pub(super) async fn number(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<i64, StoreError> {
        match self.row(sql, args).await? {
            Some(row) => Ok(row.opt_int(0)?.unwrap_or_default()),
            None => Ok(0),
        }
    }

    /// Closes the connection, and says so to a server.
    pub(super) async fn close(self) {
        // A connection that is broken is closed as well: its error is no news.
        let _ = match self {
            Self::Sqlite(link) => link.detach().close().await,
            Self::MySql(link) => link.detach().close().await,
            Self::Postgres(link) => link.detach().close().await,
        };
    }

    /// Closes the connection without a word: what it had begun is undone.
    pub(super) fn discard(self) {
        match self {
            Self::Sqlite(link) => drop(link.detach()),
            Self::MySql(link) => drop(link.detach()),
            Self::Postgres(link) => drop(link.detach()),
        }
    }
}

/// The statement with `$1`, `$2`, … for its question marks, as PostgreSQL wants them. No statement has a question mark in a text.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + sql.len() / 2);
    let mut parts = sql.split('?');
    out.push_str(parts.next().unwrap_or_default());
    for (place, part) in parts.enumerate() {
        out.push('$');
        out.push_str(&(place + 1).to_string());
        out.push_str(part);
    }
    out
}

/// A transaction. One that is dropped before [`Work::commit`] is undone, with its connection: nobody knows what state that is in.
pub(super) struct Work {
    link: Option<Link>,
    _turn: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl Work {
    /// Begins; `turn` is held until the end.
    pub(super) async fn begin(link: Link, sql: &str, turn: Option<tokio::sync::OwnedMutexGuard<()>>) -> Result<Self, StoreError> {
        // First, as whoever waits may give up before it is known whether the transaction has begun.
        let mut work = Self { link: Some(link), _turn: turn };
        work.link()?.plain(sql).await?;
        Ok(work)
    }

    /// The connection. An error only after the end, which cannot be.
    pub(super) fn link(&mut self) -> Result<&mut Link, StoreError> {
        self.link.as_mut().ok_or_else(|| StoreError::Broken("a transaction is over".to_owned()))
    }

    /// Makes it durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.link()?.plain("commit").await?;
        self.link = None;
        Ok(())
    }

    /// Undoes it, and keeps the connection.
    pub(super) async fn undo(mut self) -> Result<(), StoreError> {
        self.link()?.plain("rollback").await?;
        self.link = None;
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            link.discard();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_marks_are_numbered_and_nul_is_replaced() {
        assert_eq!(numbered("a=? and b in (?,?)"), "a=$1 and b in ($2,$3)");
        assert_eq!(numbered("?"), "$1");
        assert_eq!(clean("a\0b"), "a\u{fffd}b");
        assert!(matches!(clean("ab"), Cow::Borrowed(_)));
    }
}
