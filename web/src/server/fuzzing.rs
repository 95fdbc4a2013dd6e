//! How the server divides bytes into requests, for those who compare it with how others do (`fuzz/`). Answers none of them.

use super::framed::Part;
use super::head::Fault;
use super::repeat::Template;
use std::ops::Range;

/// Where a request stands in the bytes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its head.
    pub head: Range<usize>,
    /// Everything behind its head that belongs to it; less than the whole body when the bytes end.
    pub body: Range<usize>,
}

/// What a connection's bytes come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divided {
    /// The requests, in their order.
    pub requests: Vec<Request>,
    /// The status with which the rest is refused, if it is.
    pub refused: Option<u16>,
}

/// Divides `bytes` that come in pieces of so many.
pub fn divide(bytes: &[u8], piece: usize) -> Divided {
    let (mut part, mut requests) = (Part::head(), Vec::<Request>::new());
    // What was taken of the bytes that have come.
    let mut taken = 0;
    let refused = |fault: Fault| Some(fault.error().status.as_u16());
    for come in (1..=bytes.len().div_ceil(piece.max(1))).map(|pieces| (pieces * piece).min(bytes.len())) {
        loop {
            let is_head = matches!(part, Part::Head(_));
            match part.take(bytes.get(taken..come).unwrap_or_default()) {
                Ok(0) => break,
                Ok(more) if is_head => {
                    requests.push(Request { head: taken..taken + more, body: taken + more..taken + more });
                    taken += more;
                }
                Ok(more) => {
                    taken += more;
                    if let Some(last) = requests.last_mut() {
                        last.body.end = taken;
                    }
                }
                Err(fault) => return Divided { requests, refused: refused(fault) },
            }
        }
    }
    Divided { requests, refused: None }
}

/// The query that the way beside hyper finds in a head of its own making, if it learns that head.
pub fn repeated(head: &[u8]) -> Option<&str> {
    Template::of(head)?.query(head)
}
