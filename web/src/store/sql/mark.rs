//! Marks a database as used by one process alone: a daemon, or a command that fills one database from another. The mark goes with its process, however
//! that ends. Writes nothing into the database.
//!
//! A file of SQLite's is marked by a lock (`flock`) on a file beside it: SQLite's own locks would go with every descriptor of the database that
//! this process closes. A database of a server's is marked by a lock of one session, which nobody else uses.

use super::dialect::MarkSql;
use super::link::Link;
use super::pools;
use super::setting::{Place, Setting};
use crate::store::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// How often it is made sure that the mark is there. Less than the minute after which a server ends a session that says nothing.
const LOOK: Duration = Duration::from_secs(2);
/// How long a database may take to say that it is.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two tries to set it, at the start and later.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long another process may have the mark that this one had, until the log says so: a server may notice late that a session is over.
const OVER: Duration = Duration::from_secs(15);

/// The mark of this process. Dropping it takes it away.
pub(super) struct Mark {
    keeper: JoinHandle<()>,
    holder: Arc<Mutex<Option<Holder>>>,
}

impl Mark {
    /// Sets it, and sets it again whenever the database was away. Waits at most so long for another process that has it.
    ///
    /// # Errors
    /// [`StoreError::InUse`]: another process has it. [`StoreError::Setting`], [`StoreError::Unavailable`]: the database cannot be used.
    pub(super) async fn set(setting: &Setting, patience: Duration) -> Result<Self, StoreError> {
        let end = Instant::now() + patience;
        let mut holder = Holder::open(&setting.place).await?;
        let mut waits = false;
        while !holder.set().await? {
            if Instant::now() >= end {
                return Err(StoreError::InUse(setting.to_string()));
            }
            if !std::mem::replace(&mut waits, true) {
                log::info!("{setting} is in use by another process: waiting for its end");
            }
            tokio::time::sleep(AGAIN.0).await;
        }
        let holder = Arc::new(Mutex::new(Some(holder)));
        let keeper = tokio::spawn(keep(setting.clone(), Arc::clone(&holder)));
        Ok(Self { keeper, holder })
    }

    /// Takes it away, and returns when others can set theirs.
    pub(super) async fn end(mut self) {
        self.keeper.abort();
        // An error says that it has been aborted.
        let _ = (&mut self.keeper).await;
        if let Some(holder) = self.holder.lock().await.take() {
            holder.end().await;
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Sets the mark again when it is lost; never ends.
async fn keep(setting: Setting, holder: Arc<Mutex<Option<Holder>>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let mut holder = holder.lock().await;
        let stays = match &mut *holder {
            Some(holder) => matches!(tokio::time::timeout(ANSWER, holder.is_set()).await, Ok(Ok(true))),
            None => false,
        };
        if !stays {
            // First: the session may still be there, and would keep the next one from having the mark.
            *holder = None;
            *holder = Some(again(&setting).await);
        }
    }
}

/// Sets it once the database is back.
async fn again(setting: &Setting) -> Holder {
    let mut refused = None;
    loop {
        let tried = async {
            let mut holder = Holder::open(&setting.place).await?;
            Ok::<_, StoreError>(if holder.set().await? { Some(holder) } else { None })
        };
        match tokio::time::timeout(ANSWER, tried).await {
            Ok(Ok(Some(holder))) => return holder,
            Ok(Ok(None)) => {
                let since = *refused.get_or_insert_with(Instant::now);
                if since.elapsed() > OVER {
                    crate::pace::paced!(
                        error,
                        "while the database was away another process has begun to use it: {setting}. End one of the two"
                    );
                }
            }
            // The journal says that the database is away.
            Ok(Err(error)) => log::debug!("{setting} is not marked as in use: {error}"),
            Err(_) => log::debug!("{setting} is not marked as in use: it does not answer"),
        }
        tokio::time::sleep(AGAIN.1).await;
    }
}

/// The holder of the lock that is the mark: an open file, or a session of a server.
enum Holder {
    File { file: File, path: PathBuf },
    Session { link: Option<Link>, sql: MarkSql },
}

impl Holder {
    async fn open(place: &Place) -> Result<Self, StoreError> {
        if let Place::Sqlite(database) = place {
            let (file, path) = lock_file(database)
                .map_err(|error| StoreError::Setting(format!("the lock beside {} cannot be used: {error}", database.display())))?;
            return Ok(Self::File { file, path });
        }
        let mut link = pools::session(place).await?;
        let sql = link.dialect().mark().ok_or_else(|| StoreError::Broken("a server's database without a mark".to_owned()))?;
        link.plain(sql.begin).await?;
        Ok(Self::Session { link: Some(link), sql })
    }

    /// False: another process has it.
    async fn set(&mut self) -> Result<bool, StoreError> {
        match self {
            Self::File { file, path } => match file.try_lock() {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(StoreError::Setting(format!("{} cannot be locked: {error}", path.display()))),
            },
            Self::Session { link, sql } => answers(link.as_mut(), sql.set).await,
        }
    }

    async fn is_set(&mut self) -> Result<bool, StoreError> {
        match self {
            // A directory may have been put in place of another.
            Self::File { file, path } => {
                let (file, path) = (file.metadata(), tokio::fs::metadata(&*path).await);
                Ok(matches!((file, path), (Ok(file), Ok(path)) if (file.dev(), file.ino()) == (path.dev(), path.ino())))
            }
            Self::Session { link, sql } => answers(link.as_mut(), sql.is_set).await,
        }
    }

    async fn end(mut self) {
        if let Self::Session { link, .. } = &mut self
            && let Some(link) = link.take()
        {
            link.close().await;
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Not back to its pool, where its session would live on.
        if let Self::Session { link, .. } = self
            && let Some(link) = link.take()
        {
            link.discard();
        }
    }
}

async fn answers(link: Option<&mut Link>, sql: &str) -> Result<bool, StoreError> {
    match link {
        Some(link) => Ok(link.number(sql, &[]).await? == 1),
        None => Ok(false),
    }
}

/// The file beside a database whose lock is the mark. The file is never deleted: a process that deleted it would take the mark from its holder.
fn lock_file(database: &Path) -> io::Result<(File, PathBuf)> {
    // As SQLite does for its log: beside the file itself, whatever leads there.
    let database = database.canonicalize()?;
    let path = pools::with_end(&database, "-lock");
    let mut options = OpenOptions::new();
    // A link would lead to a file that is not the database's.
    options.read(true).write(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    let file = match options.clone().create_new(true).open(&path) {
        Ok(file) => {
            // Made by an administrator: the daemon's user must be able to open it. Only root may, and only root needs to.
            let owner = database.metadata()?;
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
            file
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(&path)?,
        Err(error) => return Err(error),
    };
    Ok((file, path))
}
