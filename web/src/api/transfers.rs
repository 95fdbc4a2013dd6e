//! `GET /transfers/{id}`: an incoming file as it comes from its network; it is staged nowhere, and goes to one browser once.

use super::{ApiError, settle, who, with};
use crate::session::{Fetch, Hub, sniff};
use bytes::Bytes;
use std::fmt::Write;
use std::sync::Arc;
use warp::Filter;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// Bytes by which a picture is known.
const HEAD: usize = 16;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("transfers" / String)
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .then(|id: String, hub: Arc<Hub>, headers| async move { settle(transfer(&hub, &headers, &id).await) })
        .boxed()
}

async fn transfer(hub: &Arc<Hub>, headers: &HeaderMap, id: &str) -> Result<Response, ApiError> {
    let session = who(hub, headers).await?;
    let mut fetch = hub.fetch(&session, id)?;
    // The type is found out from the first bytes, before anything of the answer is told.
    let mut first = Vec::new();
    let mut broken = false;
    while first.iter().map(Bytes::len).sum::<usize>() < HEAD {
        match fetch.next().await {
            Ok(Some(bytes)) => first.push(bytes),
            Ok(None) => break,
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    if broken && first.is_empty() {
        return Err(ApiError::new(StatusCode::BAD_GATEWAY, "transfer_failed", "The file did not come.").at("transfer"));
    }
    let head: Vec<u8> = first.iter().flatten().copied().take(HEAD).collect();
    let kind = sniff(&head);
    let (name, size) = (fetch.name.clone(), fetch.size);
    let mut response = warp::reply::stream(parts(first, fetch, broken)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.unwrap_or("application/octet-stream")));
    headers.insert(header::CONTENT_DISPOSITION, disposition(if kind.is_some() { "inline" } else { "attachment" }, &name));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    if let Some(size) = size {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    Ok(response)
}

/// The parts as they come. One that breaks off ends the connection, so that no browser takes it for whole.
fn parts(first: Vec<Bytes>, fetch: Fetch, broken: bool) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    let breaks = |error: crate::session::Broken| std::io::Error::other(error);
    futures_util::stream::unfold((first.into_iter(), fetch, broken), move |(mut first, mut fetch, broken)| async move {
        if let Some(bytes) = first.next() {
            return Some((Ok(bytes), (first, fetch, broken)));
        }
        if broken {
            return Some((Err(breaks(crate::session::Broken)), (first, fetch, false)));
        }
        match fetch.next().await {
            Ok(bytes) => bytes.map(|bytes| (Ok(bytes), (first, fetch, false))),
            Err(error) => Some((Err(breaks(error)), (first, fetch, false))),
        }
    })
}

/// The header of a file of this name (RFC 6266): what is not ASCII in its own form (RFC 8187).
fn disposition(kind: &str, name: &str) -> HeaderValue {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    HeaderValue::from_str(&format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn names_are_quoted_and_encoded() {
        assert_eq!(disposition("attachment", "a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(disposition("inline", "für\"\r\n.png"), "inline; filename=\"f_r___.png\"; filename*=UTF-8''f%C3%BCr%22%0D%0A.png");
    }
}
