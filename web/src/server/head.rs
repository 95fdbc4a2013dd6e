//! Checks the head of a request as RFC 9112 demands, byte by byte, and says how its body ends. Reads no socket (see `framed`). hyper, which parses
//! the head afterwards, takes several things that proxies read in other ways: smuggled requests live of such differences.

use crate::api::ApiError;
use hyper::StatusCode;
use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;

/// Bytes of the largest head: cookies and a long query fit, an attack does not.
pub(super) const MOST_BYTES: usize = 32 * 1024;
/// Header lines of one head.
pub(super) const MOST_LINES: usize = 100;
/// Bytes of the longest target.
const LONGEST_TARGET: usize = 8 * 1024;

/// How the body of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A line that does not end with CR LF, or a NUL.
    Line,
    RequestLine,
    Version,
    Method,
    Target,
    TargetLength,
    Header,
    Size,
    Host,
    Length,
    Coding,
    Connection,
    Chunk,
}

impl Fault {
    /// The answer.
    pub(super) fn error(self) -> ApiError {
        let (status, message) = match self {
            Self::Line => (400, "Each line of a request has to end with CR LF, and may not contain CR, LF or NUL."),
            Self::RequestLine => (400, "A request begins with a method, a target and a version, one space between each."),
            Self::Version => (505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."),
            Self::Method => (501, "No such method."),
            Self::Target => {
                (400, "The target has to be a path or an address with `http://` or `https://`, in ASCII and without a fragment.")
            }
            Self::TargetLength => (414, "The target is too long."),
            Self::Header => (400, "A header line has to be a name, a colon at once, and a value without control characters."),
            Self::Size => (431, "The head of the request is too large."),
            Self::Host => (400, "Exactly one `Host` is needed, with a host name or address and perhaps a port."),
            Self::Length => {
                (400, "The length of the body has to be given once, by `Content-Length` or by `Transfer-Encoding`, not by both.")
            }
            Self::Coding => (501, "The only transfer coding taken is `chunked`."),
            Self::Connection => (400, "`Connection` names a header that is not for this connection alone."),
            Self::Chunk => (400, "The body is not made of chunks as it should be, or its chunks have too many extensions."),
        };
        ApiError::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), "bad_request", message)
    }
}

/// What RFC 9110 and RFC 5789 define. Another method is unknown (501); a known one at the wrong place is the routes' affair (405). `CONNECT` is
/// for proxies.
const METHODS: &[&[u8]] = &[b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH"];

/// What `Connection` may not name (RFC 9110, 7.6.1): a proxy that believes it takes away what this server decides by.
const NOT_OF_THE_CONNECTION: &[&str] = &[
    "authorization",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "sec-fetch-site",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Finds the end of a head in bytes that come bit by bit, and what cannot stand in one as soon as it is there.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Bytes that were looked at.
    seen: usize,
    /// A line that is not empty was seen; empty ones before the first are skipped (RFC 9112, 2.2).
    has_begun: bool,
    /// Where the line begins that is looked at.
    line: usize,
}

impl Search {
    /// How long the head is, once `bytes`, which grow from call to call, have all of it.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        while let Some(&byte) = bytes.get(self.seen) {
            let after_return = self.seen > self.line && bytes.get(self.seen - 1) == Some(&b'\r');
            if byte == 0 || after_return != (byte == b'\n') {
                return Err(Fault::Line);
            }
            self.seen += 1;
            if byte == b'\n' {
                let is_empty = self.seen - self.line == 2;
                if is_empty && self.has_begun {
                    return Ok(Some(self.seen));
                }
                self.has_begun |= !is_empty;
                self.line = self.seen;
            }
            if self.seen >= MOST_BYTES {
                return Err(Fault::Size);
            }
        }
        Ok(None)
    }
}

/// A name, a method or an option (RFC 9110, 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// What may stand in a header's value (RFC 9110, 5.5).
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

/// A header line's name and value.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Fault::Header)?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    if is_token(name) && is_value(value) { Ok((name, value)) } else { Err(Fault::Header) }
}

/// Checks a whole head, with the empty line at its end.
pub(super) fn check(head: &[u8]) -> Result<Framing, Fault> {
    let mut lines =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).skip_while(|line| line.is_empty());
    let is_11 = request_line(lines.next().ok_or(Fault::RequestLine)?)?;
    let (mut hosts, mut length, mut coded, mut count) = (0_usize, None, false, 0);
    for line in lines.take_while(|line| !line.is_empty()) {
        count += 1;
        if count > MOST_LINES {
            return Err(Fault::Size);
        }
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
            if !value.is_empty() && !is_authority(value) {
                return Err(Fault::Host);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if length.replace(number(value).ok_or(Fault::Length)?).is_some() {
                return Err(Fault::Length);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            chunked(value)?;
            if std::mem::replace(&mut coded, true) {
                return Err(Fault::Length);
            }
        } else if name.eq_ignore_ascii_case(b"connection") {
            connection(value)?;
        }
    }
    // HTTP/1.0 knows neither: a host may be there, a coding may not.
    if hosts > 1 || (is_11 && hosts == 0) {
        return Err(Fault::Host);
    }
    match (coded, length) {
        (true, None) if is_11 => Ok(Framing::Chunked),
        (true, _) => Err(Fault::Length),
        (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

/// True for HTTP/1.1.
fn request_line(line: &[u8]) -> Result<bool, Fault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Fault::RequestLine);
    };
    if !is_token(method) {
        return Err(Fault::RequestLine);
    }
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(Fault::Version);
        }
        _ => return Err(Fault::RequestLine),
    };
    if !METHODS.contains(&method) {
        return Err(Fault::Method);
    }
    if target.len() > LONGEST_TARGET {
        return Err(Fault::TargetLength);
    }
    if !target.iter().all(|byte| byte.is_ascii_graphic() && !b"\"#<>`".contains(byte)) {
        return Err(Fault::Target);
    }
    match target {
        [b'/', ..] => Ok(is_11),
        b"*" if method == b"OPTIONS" => Ok(is_11),
        _ if is_authority(authority(target).ok_or(Fault::Target)?) => Ok(is_11),
        _ => Err(Fault::Target),
    }
}

/// Of a target in absolute form (RFC 9112, 3.2.2).
fn authority(target: &[u8]) -> Option<&[u8]> {
    let after = |scheme: &str| {
        let (before, rest) = target.split_at_checked(scheme.len())?;
        before.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    };
    let rest = after("http://").or_else(|| after("https://"))?;
    rest.split(|byte| matches!(byte, b'/' | b'?')).next()
}

/// A host and perhaps a port (RFC 3986, 3.2), nobody's name before it.
fn is_authority(bytes: &[u8]) -> bool {
    let (host, port) = match bytes {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let (inner, after) = rest.split_at(end);
            if inner.is_empty() || !inner.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')) {
                return false;
            }
            (&b"v6"[..], after.get(1..).unwrap_or_default())
        }
        _ => bytes.split_at(bytes.iter().position(|byte| *byte == b':').unwrap_or(bytes.len())),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !host.is_empty() && host.iter().all(is_name) && is_port
}

/// Digits only: no sign, no list.
fn number(value: &[u8]) -> Option<u64> {
    if value.iter().all(u8::is_ascii_digit) { std::str::from_utf8(value).ok()?.parse().ok() } else { None }
}

/// `chunked`, once. What else there is, nobody here can undo.
fn chunked(value: &[u8]) -> Result<(), Fault> {
    let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if !codings.clone().all(|coding| coding.eq_ignore_ascii_case(b"chunked")) {
        return Err(Fault::Coding);
    }
    if codings.nth(1).is_none() { Ok(()) } else { Err(Fault::Length) }
}

fn connection(value: &[u8]) -> Result<(), Fault> {
    let options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty());
    for option in options {
        let is_foreign = NOT_OF_THE_CONNECTION.iter().any(|name| option.eq_ignore_ascii_case(name.as_bytes()));
        if is_foreign || !is_token(option) {
            return Err(Fault::Connection);
        }
    }
    Ok(())
}

/// Makes a target in absolute form what the rest of the server knows: its authority replaces `Host` (RFC 9112, 3.2.2), so that every rule about
/// hosts and origins sees that one, and the path is what remains.
pub(super) fn to_origin_form(parts: &mut Parts) {
    let Some(host) = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) else { return };
    parts.headers.insert(HOST, host);
    let rest = parts.uri.path_and_query().map_or("/", |rest| rest.as_str());
    // `http://host?query` has no path; that is the same as `/`.
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    parts.uri = rest.parse().unwrap_or_default();
}

#[cfg(test)]
mod tests;
