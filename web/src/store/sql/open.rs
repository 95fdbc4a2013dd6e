//! Opens a database: with or without bringing its tables up to date, for one process alone or beside others.

use super::mark::Mark;
use super::pools::{Pools, Safety};
use super::schema::{self, Steps};
use super::seats::Seats;
use super::{Setting, Sql, server};
use crate::store::StoreError;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a daemon waits for another process that uses its database: the one before it may have been killed this instant. And how long a command
/// does.
const TURN: (Duration, Duration) = (Duration::from_secs(3), Duration::from_millis(500));

impl Sql {
    /// Opens a database, makes what is not there yet, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Setting`]: it cannot be used as it is set. [`StoreError::Newer`]. [`StoreError::Unavailable`]: it is not there now.
    pub async fn open(setting: &Setting) -> Result<Arc<Self>, StoreError> {
        Self::open_as(setting, Safety::Full, Steps::All, None).await
    }

    /// Opens a database as [`Sql::open`] does, for this process alone: until [`Store::close`] or the end of the process nobody else opens it so,
    /// and neither [`copy`] nor [`restore`] has it. Waits some seconds for whoever does.
    ///
    /// # Errors
    /// As [`Sql::open`]; [`StoreError::InUse`]: another process has it, and the tables are as they were.
    pub async fn open_alone(setting: &Setting) -> Result<Arc<Self>, StoreError> {
        Self::open_as(setting, Safety::Full, Steps::All, Some(TURN.0)).await
    }

    /// Opens a database that a daemon may be using, and makes what is not there at all.
    ///
    /// # Errors
    /// As [`Sql::open`]; [`StoreError::Earlier`]: its tables are those of an earlier version.
    pub async fn open_in_use(setting: &Setting) -> Result<Arc<Self>, StoreError> {
        Self::open_as(setting, Safety::Full, Steps::OfNew, None).await
    }

    pub(super) async fn open_as(setting: &Setting, safety: Safety, steps: Steps, alone: Option<Duration>) -> Result<Arc<Self>, StoreError> {
        let sql = Self::with(Pools::open(&setting.place, safety).await?, setting.clone());
        let begun = async {
            if let Some(patience) = alone {
                sql.take(patience).await?;
            }
            sql.begin(steps).await
        };
        match begun.await {
            Ok(()) => Ok(Arc::new(sql)),
            Err(error) => {
                sql.pools.close().await;
                Err(error)
            }
        }
    }

    pub(super) fn with(pools: Pools, setting: Setting) -> Self {
        Self {
            pools,
            turn: Arc::default(),
            cursor: Mutex::default(),
            seats: Seats::new(),
            failed: AtomicBool::new(false),
            mark: tokio::sync::Mutex::default(),
            setting,
        }
    }

    async fn begin(&self, steps: Steps) -> Result<(), StoreError> {
        let mut link = self.pools.writer().await?;
        server::check(&mut link).await?;
        schema::migrate(&mut link, steps).await
    }

    /// Marks a database that is open as used by this process alone, until it is closed. Waits half a second at most.
    ///
    /// # Errors
    /// [`StoreError::InUse`]: another process has it. As [`Sql::open`].
    pub async fn claim(&self) -> Result<(), StoreError> {
        self.take(TURN.1).await
    }

    async fn take(&self, patience: Duration) -> Result<(), StoreError> {
        let mut mark = self.mark.lock().await;
        if mark.is_none() {
            *mark = Some(Mark::set(&self.setting, patience).await?);
        }
        Ok(())
    }
}
