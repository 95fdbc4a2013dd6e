//! `POST /uploads`: bytes to be named in a command, for this user only; bounded, also in how many are on their way. With `X-Filename` they are a file,
//! which is kept in the data directory, where there is one; else a picture (an icon), which is kept in memory. Of pictures the
//! picture alone is kept (`crate::picture`).

use super::{ApiError, answer, settle, who, with};
use crate::server::Seats;
use crate::session::{Hub, Session};
use crate::wire::Uploaded;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

/// Bytes written to the disk at once.
const A_WRITE: usize = 256 << 10;
/// Bytes of the longest name of a file.
const NAME: usize = 255;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let under_way = Seats::new(0, hub.config.uploads_per_user);
    warp::path!("uploads")
        .and(warp::post())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |hub: Arc<Hub>, headers: HeaderMap, body| {
            let under_way = Arc::clone(&under_way);
            async move {
                let upload = async {
                    let session = who(&hub, &headers).await?;
                    let _seat = under_way.take(Some(session.id())).map_err(|_| {
                        let message = "Too many of your uploads are on their way. Please wait for them to end.";
                        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).at("uploads_per_user").retry_in(2_000)
                    })?;
                    // By its length, when it says one: what is refused was not read.
                    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
                    let uploaded = match headers.get(FILENAME) {
                        Some(name) if hub.keeps_files() => file(&hub, &session, &name_of(name.as_bytes()), announced, body).await?,
                        _ => {
                            let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
                            hub.admit(&session, announced.min(hub.upload_bytes()))?;
                            let bytes = answer::read(&headers, body, hub.upload_bytes()).await?;
                            let keeping = tokio::task::spawn_blocking(move || hub.upload(&session, bytes));
                            keeping.await.map_err(|_| ApiError::unavailable())??
                        }
                    };
                    Ok::<_, ApiError>(answer::json(StatusCode::CREATED, &uploaded))
                };
                settle(upload.await)
            }
        })
        .boxed()
}

/// The name of a file that is to be sent: UTF-8, percent-encoded (RFC 3986).
pub(crate) const FILENAME: &str = "x-filename";

/// Stages a file as it comes. It is gone with this future, unless it came whole.
async fn file<S, B>(hub: &Hub, session: &Session, name: &str, announced: Option<u64>, body: S) -> Result<Uploaded, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let (staged, mut file) = hub.stage(session, announced)?;
    let mut bytes = BytesMut::new();
    futures_util::pin_mut!(body);
    loop {
        let chunk = body.next().await.transpose().map_err(|error| answer::broken(&error))?;
        let is_last = chunk.is_none();
        if let Some(mut chunk) = chunk {
            let length = chunk.remaining();
            bytes.extend_from_slice(&chunk.copy_to_bytes(length));
        }
        if is_last || bytes.len() >= A_WRITE {
            let (piece, to): (Bytes, _) = (bytes.split().freeze(), Arc::clone(&staged));
            // The disk may take its time: not on the threads that serve.
            let writing = tokio::task::spawn_blocking(move || to.add(&file, &piece).map(|()| file));
            file = writing.await.map_err(|_| ApiError::unavailable())??;
        }
        if is_last {
            let finishing = tokio::task::spawn_blocking(move || staged.finish(&file));
            let whole = finishing.await.map_err(|_| ApiError::unavailable())??;
            return hub.staged(session, whole, name);
        }
    }
}

/// The text of the header, without directories.
fn name_of(header: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(header.len());
    let mut rest = header;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let name = String::from_utf8_lossy(&bytes);
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = bridge::text::line(last).trim().to_owned();
    name.truncate(name.floor_char_boundary(NAME));
    if name.is_empty() { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn names_are_decoded_and_have_no_directory() {
        for (header, name) in
            [("a%20b.txt", "a b.txt"), ("../..%2Fx.png", "x.png"), ("f%C3%BCr%0D%0A.txt", "für .txt"), ("100%", "100%"), ("", "file")]
        {
            assert_eq!(name_of(header.as_bytes()), name);
        }
    }
}
