//! Opens the connections to a database and hands them out. Sends no statement but those that a connection begins with.

use super::dialect::Dialect;
use super::link::Link;
use super::setting::Place;
use crate::store::StoreError;
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Database, Executor, Sqlite};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Connections that read at once; one more writes.
const READERS: u32 = 4;
/// How long one waits for a free connection, or for a new one.
const WAIT: Duration = Duration::from_secs(4);
/// How long SQLite waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);
/// Pause between two tries for a file that is locked.
const AGAIN: Duration = Duration::from_millis(20);
/// A connection that was not used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// How much a database may lose when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// Nothing that was committed.
    Full,
    /// Everything: a copy that is made durable at its end.
    None,
}

/// The connections of one database.
pub(super) enum Pools {
    /// SQLite has one writer.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    MySql(MySqlPool),
    Postgres(PgPool),
}

fn options<DB: Database>(most: u32) -> PoolOptions<DB> {
    PoolOptions::new().max_connections(most).min_connections(0).acquire_timeout(WAIT).idle_timeout(IDLE)
}

impl Pools {
    pub(super) async fn open(place: &Place, safety: Safety) -> Result<Self, StoreError> {
        match place {
            Place::Sqlite(path) => {
                create(path)?;
                Ok(sqlite(path, safety))
            }
            Place::MySql(given) => {
                super::greeting::refuse_rsa(given).await?;
                let given = (**given).clone().disable_statement_logging();
                let told = Dialect::MySql.connected();
                let pool: MySqlPoolOptions = options(READERS + 1);
                let pool = pool.after_connect(move |link, _| {
                    Box::pin(async move {
                        link.execute(told).await?;
                        Ok(())
                    })
                });
                Ok(Self::MySql(pool.connect_lazy_with(given)))
            }
            Place::Postgres(given) => {
                let given = (**given).clone().disable_statement_logging();
                let told = Dialect::Postgres.connected();
                let pool: PgPoolOptions = options(READERS + 1);
                let pool = pool.after_connect(move |link, _| {
                    Box::pin(async move {
                        link.execute(told).await?;
                        Ok(())
                    })
                });
                Ok(Self::Postgres(pool.connect_lazy_with(given)))
            }
        }
    }

    /// Connections to a file of SQLite's that nobody writes, and that do not write it. `log`: the last commits are in a log beside it.
    pub(super) fn of_file_to_read(path: &Path, log: bool) -> Self {
        // Without a log SQLite may be told that nothing changes, and makes no files of its own beside it.
        let given = to_file(path).read_only(true).immutable(!log);
        let pool = || options(1).connect_lazy_with(given.clone());
        Self::Sqlite { writer: pool(), readers: pool() }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection that may write.
    pub(super) async fn writer(&self) -> Result<Link, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Link::Sqlite(patiently(writer).await?),
            Self::MySql(pool) => Link::MySql(pool.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
        })
    }

    /// A connection that reads.
    pub(super) async fn reader(&self) -> Result<Link, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Link::Sqlite(readers.acquire().await?),
            Self::MySql(pool) => Link::MySql(pool.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
        })
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                // Last, as the last connection empties the log into the database.
                writer.close().await;
            }
            Self::MySql(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A connection to SQLite that may write. A file that another process turns into one with a write-ahead log answers "locked" at
/// once, whatever its `busy_timeout`: it is asked again for [`BUSY`].
async fn patiently(writer: &SqlitePool) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    let end = Instant::now() + BUSY;
    loop {
        match writer.acquire().await {
            Err(sqlx::Error::Database(fault)) if is_busy(&*fault) && Instant::now() < end => tokio::time::sleep(AGAIN).await,
            result => return result,
        }
    }
}

/// `SQLITE_BUSY`, as the primary part of an extended code.
fn is_busy(fault: &dyn DatabaseError) -> bool {
    fault.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// A connection of its own to a server's database, which stays as long as it is used.
pub(super) async fn session(place: &Place) -> Result<Link, StoreError> {
    fn alone<DB: Database>() -> PoolOptions<DB> {
        options(1).idle_timeout(None).max_lifetime(None)
    }
    match place {
        Place::Sqlite(_) => Err(StoreError::Broken("a file has no sessions".to_owned())),
        Place::MySql(given) => {
            super::greeting::refuse_rsa(given).await?;
            Ok(Link::MySql(alone().connect_lazy_with((**given).clone().disable_statement_logging()).acquire().await?))
        }
        Place::Postgres(given) => {
            Ok(Link::Postgres(alone().connect_lazy_with((**given).clone().disable_statement_logging()).acquire().await?))
        }
    }
}

/// The path of a file beside a file of SQLite's.
pub(super) fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes the file, for its owner alone, when it is not there. SQLite gives its log the same mode.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied) => {
            Err(StoreError::Setting(format!("the database {} cannot be made: {error}", path.display())))
        }
        Err(error) => Err(StoreError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

/// Options that all connections to a file of SQLite's have in common.
fn to_file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY)
        .statement_cache_capacity(64)
        .foreign_keys(false)
        // KiB.
        .pragma("cache_size", "-2048")
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

fn sqlite(path: &Path, safety: Safety) -> Pools {
    let base = to_file(path);
    let writer = base
        .clone()
        .thread_name(|_| "store-writer".to_owned())
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(if safety == Safety::Full { SqliteSynchronous::Full } else { SqliteSynchronous::Off })
        // Overwrites what is deleted where that costs no writing of its own.
        .pragma("secure_delete", "fast")
        // Pages. Checkpoints of another connection would never come to an end while this one writes.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864");
    let reader = base.thread_name(|_| "store-reader".to_owned()).read_only(true);
    let pool: SqlitePoolOptions = options(1);
    // Kept for good: the last connection to go would empty the log.
    let writer = pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false).connect_lazy_with(writer);
    let pool: SqlitePoolOptions = options(READERS);
    let readers = pool.test_before_acquire(false).connect_lazy_with(reader);
    Pools::Sqlite { writer, readers }
}
