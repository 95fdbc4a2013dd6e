//! Compression of one-shot answers of the interface; never of polls and streams, whose bytes have to leave as they come.

use crate::page::accepts;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use std::io::Write;
use warp::reply::Response;

/// Smaller ones fit into one packet anyway.
const WORTH_IT: u64 = 1024;

/// Whether the browser wants packed answers; to be asked before the request is gone.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(ACCEPT_ENCODING) && accepts(headers, "gzip")
}

/// Packs the answer when it is JSON of known length, long enough, and nobody forbade it.
pub(super) async fn pack(response: Response) -> Response {
    let length = response.body().size_hint().exact();
    let headers = response.headers();
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    let is_forbidden = headers.get(CACHE_CONTROL).is_some_and(|rule| rule.as_bytes().ends_with(b"no-transform"));
    if !is_json || is_forbidden || headers.contains_key(CONTENT_ENCODING) || length.is_none_or(|length| length <= WORTH_IT) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            crate::pace::paced!(warn, "an answer broke off: {error}");
            Bytes::new()
        }
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let Ok(packed) = gzip(&bytes) else { return Response::from_parts(parts, bytes.into()) };
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    // The same content in other bytes: a strong tag would lie (RFC 9110, 8.8.1).
    if let Some(weak) = parts.headers.get(ETAG).and_then(|tag| HeaderValue::from_str(&format!("W/{}", tag.to_str().ok()?)).ok()) {
        parts.headers.insert(ETAG, weak);
    }
    Response::from_parts(parts, packed.into())
}

/// Quickly rather than well: it happens on the thread that serves.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}
