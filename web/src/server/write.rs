//! Writes a whole answer onto a socket (RFC 9112), for those that are held apart from their connection; it reads nothing.

use bytes::Buf;
use http_body_util::BodyExt;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use std::io::Write;
use std::io::{Error, Result};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use warp::reply::Response;

/// Writes it in one go, head and body; `keep` says that the connection goes on.
pub(super) async fn response(to: &mut (impl AsyncWrite + Unpin), response: Response, keep: bool) -> Result<()> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(Error::other)?.to_bytes();
    let mut head = Vec::with_capacity(512);
    write!(head, "HTTP/1.1 {} {}\r\n", parts.status.as_str(), parts.status.canonical_reason().unwrap_or_default())?;
    for (name, value) in &parts.headers {
        // The length is ours to tell.
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    write!(head, "{CONTENT_LENGTH}: {}\r\n{DATE}: {}\r\n", body.len(), httpdate::HttpDate::from(std::time::SystemTime::now()))?;
    if !keep {
        write!(head, "{CONNECTION}: close\r\n")?;
    }
    head.extend_from_slice(b"\r\n");
    to.write_all_buf(&mut head.as_slice().chain(body)).await?;
    if keep { to.flush().await } else { to.shutdown().await }
}
