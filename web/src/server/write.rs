//! An answer as bytes (RFC 9112), head and body in one piece, for those that are held apart from their connection; it reads and sends nothing.

use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, SystemTime};
use warp::reply::Response;

/// Room for what stands around an answer's own header lines.
const AROUND: usize = 160;

/// A 200 with these header lines; `keep` says that the connection goes on.
pub(super) fn usual(lines: &[u8], body: &[u8], keep: bool) -> Vec<u8> {
    whole("200 OK", lines, body, keep)
}

/// What stands above a body of chunks (RFC 9112, 7.1): a 200 with these header lines.
pub(super) fn begun(lines: &[u8], keep: bool) -> Vec<u8> {
    let mut all = Vec::with_capacity(AROUND + lines.len());
    let mut add = |pieces: &[&[u8]]| pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    add(&[b"HTTP/1.1 200 OK\r\n", lines, TRANSFER_ENCODING.as_str().as_bytes(), b": chunked\r\n"]);
    add(&[DATE.as_str().as_bytes(), b": ", &date(now()), b"\r\n"]);
    if !keep {
        add(&[CONNECTION.as_str().as_bytes(), b": close\r\n"]);
    }
    add(&[b"\r\n"]);
    all
}

/// Adds a chunk of a body; one without bytes is the last.
pub(super) fn chunk(all: &mut Vec<u8>, bytes: &[u8]) {
    all.reserve(bytes.len() + 12);
    // Writing to a Vec cannot fail.
    let _ = write!(all, "{:x}\r\n", bytes.len());
    all.extend_from_slice(bytes);
    all.extend_from_slice(b"\r\n");
}

/// Any answer, once its body is there.
///
/// # Errors
/// The body broke off.
pub(super) async fn other(response: Box<Response>, keep: bool) -> Result<Vec<u8>, warp::Error> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let status = format!("{} {}", parts.status.as_str(), parts.status.canonical_reason().unwrap_or_default());
    Ok(whole(&status, &lines(&parts.headers), &body, keep))
}

/// Header lines, but for those that are told of each answer.
pub(super) fn lines(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::with_capacity(512);
    for (name, value) in headers {
        // The length is ours to tell.
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                lines.extend_from_slice(piece);
            }
        }
    }
    lines
}

/// The body is copied: one of a poll is no larger than what the kernel copies anyway.
fn whole(status: &str, lines: &[u8], body: &[u8], keep: bool) -> Vec<u8> {
    let mut all = Vec::with_capacity(AROUND + lines.len() + body.len());
    let mut add = |pieces: &[&[u8]]| pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    add(&[b"HTTP/1.1 ", status.as_bytes(), b"\r\n", lines]);
    add(&[CONTENT_LENGTH.as_str().as_bytes(), b": ", body.len().to_string().as_bytes(), b"\r\n"]);
    add(&[DATE.as_str().as_bytes(), b": ", &date(now()), b"\r\n"]);
    if !keep {
        add(&[CONNECTION.as_str().as_bytes(), b": close\r\n"]);
    }
    add(&[b"\r\n", body]);
    all
}

/// Bytes of a date (RFC 9110, 5.6.7).
const DATED: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The date of a second, written once as long as it is asked for on this thread.
fn date(second: u64) -> [u8; DATED] {
    thread_local!(static WRITTEN: Cell<(u64, [u8; DATED])> = const { Cell::new((u64::MAX, [b' '; DATED])) });
    WRITTEN.with(|written| {
        let (before, mut text) = written.get();
        if before != second {
            // It fits, up to the year 9999; httpdate has none after it.
            let _ = write!(&mut text[..], "{}", httpdate::HttpDate::from(SystemTime::UNIX_EPOCH + Duration::from_secs(second)));
            written.set((second, text));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_own_date() {
        for _ in 0..2 {
            assert_eq!(&date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(&date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(&date(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
        }
        let told = httpdate::parse_http_date(std::str::from_utf8(&date(now())).unwrap()).unwrap();
        assert!(told.elapsed().unwrap() < Duration::from_secs(60));
    }
}
