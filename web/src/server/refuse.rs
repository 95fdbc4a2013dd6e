//! The short answer to a connection for which there is no seat; it never reaches a route.

use super::peer::Address;
use super::seats::Full;
use super::stream::Socket;
use crate::api::ApiError;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;
use warp::http::StatusCode;

/// All the time that such a connection gets.
const PATIENCE: Duration = Duration::from_secs(2);

fn error(full: Full) -> ApiError {
    match full {
        Full::Site => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", "The server is full. Please try again in a moment.")
                .retry_in(5_000)
        }
        Full::Address => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_connections",
            "Too many connections from your address. Close some pages, or try again in a moment.",
        )
        .retry_in(5_000),
    }
}

/// For the administrator's log.
pub(super) fn line(full: Full, address: Address) -> String {
    match full {
        Full::Site => "connections are turned away: as many are open as limits.connections allows".to_owned(),
        Full::Address => format!(
            "connections from {address} are turned away: as many are open as limits.connections_per_address allows. If this is a proxy, list \
             it under `trusted_proxies`, and let it set X-Forwarded-For"
        ),
    }
}

/// The answer, complete with its head.
fn answer(full: Full) -> String {
    let error = error(full);
    let body = serde_json::json!({ "error": error.body() }).to_string();
    format!(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store\r\nRetry-After: {}\r\nConnection: close\r\n\r\n{body}",
        error.status,
        body.len(),
        error.retry_ms.unwrap_or_default().div_ceil(1000),
    )
}

/// Reads what the peer sent, since closing with unread bytes would take the answer away again, answers, and waits for the peer to close.
pub(super) async fn refuse(mut socket: Socket, full: Full, permit: OwnedSemaphorePermit) {
    let exchange = async {
        let mut buffer = [0; 2048];
        let mut read = socket.read(&mut buffer).await?;
        socket.write_all(answer(full).as_bytes()).await?;
        socket.shutdown().await?;
        for _ in 0..64 {
            if read == 0 {
                break;
            }
            read = socket.read(&mut buffer).await?;
        }
        std::io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, exchange).await {
        log::debug!("a refused connection: {error}");
    }
    drop(permit);
}
