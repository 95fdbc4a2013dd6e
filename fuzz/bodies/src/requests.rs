//! A connection's bytes: that they are divided into requests the same however they come, and that hyper, which is handed what passed, finds the
//! same requests with the same bodies in it.

use crate::cost;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use web::server::fuzzing::{Divided, divide, repeated};

pub(crate) fn requests(data: &[u8]) {
    let (divided, cost) = cost::of(|| divide(data, data.len()));
    cost.is_at_most("a connection", (64 << 10) + 64 * data.len(), data.len(), Duration::from_millis(1), Duration::from_nanos(500));
    for piece in [1, 7] {
        let mut other = divide(data, piece);
        // How much came of a body before the bytes that ended everything is nobody's affair.
        if let (Some(_), Some(one), Some(two)) = (divided.refused, other.requests.last_mut(), divided.requests.last()) {
            one.body.end = two.body.end;
        }
        assert_eq!(other, divided, "by {piece}");
    }
    let seen = seen_by_hyper(data, &divided);
    // The last may have no end, and one that asks to close is the last for hyper.
    for (number, request) in divided.requests.iter().enumerate() {
        let head = &data[request.head.clone()];
        let text = String::from_utf8_lossy(head);
        let line = text.trim_start_matches("\r\n").lines().next().unwrap_or_default().to_owned();
        let Some(seen) = seen.get(number) else {
            let closes = divided.requests[..number].iter().any(|before| ends_a_connection(&data[before.head.clone()]));
            let is_cut = number + 1 == divided.requests.len();
            assert!(closes || is_cut, "hyper did not see {line:?} of {:?}", String::from_utf8_lossy(data));
            break;
        };
        let target = line.split(' ').nth(1).unwrap_or_default();
        assert!(line.starts_with(&format!("{} ", seen.method)), "{line:?}: {seen:?}");
        assert_eq!(without_scheme(&seen.target), without_scheme(target), "{line:?}");
        if let Some(query) = repeated(head) {
            assert_eq!(Some(query), target.split_once('?').map(|(_, query)| query));
        }
        if let Some(body) = seen.body {
            assert!(body <= request.body.len() as u64, "{line:?}: {body} of {:?}", request.body);
        }
    }
    assert!(seen.len() <= divided.requests.len(), "hyper saw more than passed: {seen:?} in {:?}", String::from_utf8_lossy(data));
}

/// A target without its host: hyper writes that in its own way, and an empty path as `/`.
fn without_scheme(target: &str) -> String {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest.find(['/', '?']).map_or("", |at| &rest[at..]));
    if rest.is_empty() || rest.starts_with('?') { format!("/{rest}") } else { rest.to_owned() }
}

fn ends_a_connection(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.contains(" http/1.0\r\n") || head.contains("close") || head.contains("expect:")
}

#[derive(Debug)]
struct Seen {
    method: String,
    target: String,
    /// Bytes of its body; `None` when it had no end.
    body: Option<u64>,
}

/// The requests that hyper finds in what passed.
fn seen_by_hyper(data: &[u8], divided: &Divided) -> Vec<Seen> {
    let end = divided.requests.last().map_or(0, |last| last.body.end);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let number = seen.borrow().len();
            seen.borrow_mut().push(Seen { method: parts.method.to_string(), target: parts.uri.to_string(), body: None });
            let length = body.collect().await.ok().map(|body| body.to_bytes().len() as u64);
            seen.borrow_mut()[number].body = length;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let connection = http1::Builder::new().half_close(true).max_headers(64).serve_connection(Wire(data[..end].to_vec(), 0), service);
    let mut connection = std::pin::pin!(connection);
    // All there is to read is there, and nothing that is written waits.
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if connection.as_mut().poll(&mut cx).is_ready() {
            break;
        }
    }
    seen.take()
}

/// Bytes to read, and room for all that is written.
struct Wire(Vec<u8>, usize);

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let here = buf.remaining().min(this.0.len() - this.1);
        buf.put_slice(&this.0[this.1..this.1 + here]);
        this.1 += here;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
