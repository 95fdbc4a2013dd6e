//! Bounds the time for which a request waits for the store, whatever it asks.

use super::keep;
use crate::api::ApiError;
use crate::store::StoreError;
use std::time::Duration;
use tokio::time::Instant;
use warp::http::StatusCode;

/// How long a request waits for the store at most, in milliseconds. Unit tests share their disk with builds, and none of them is about this time.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 30_000 } else { 900 });
/// How long the store may take for all of a user, whom no request waits for any longer.
const RETURN: Duration = Duration::from_secs(60);

/// Error of a request while the database is away.
pub(crate) fn unavailable() -> ApiError {
    let body = keep::unavailable();
    ApiError::with_status(StatusCode::SERVICE_UNAVAILABLE, body)
}

/// The time at which a request waits for the store no longer, whatever it has asked by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until(Instant);

impl Until {
    /// Within a second of now.
    pub(super) fn soon() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// After the time that the store may take for all of a user.
    pub(super) fn returned() -> Self {
        Self(Instant::now() + RETURN)
    }

    /// Answers until then, or not.
    pub(super) async fn within<T>(self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, ApiError> {
        match tokio::time::timeout_at(self.0, work).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                crate::pace::paced!(warn, "a request is answered with store_unavailable: {error}");
                Err(unavailable())
            }
            Err(_) => Err(unavailable()),
        }
    }
}

/// Answers within a second, or not.
pub(super) async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, ApiError> {
    Until::soon().within(work).await
}
