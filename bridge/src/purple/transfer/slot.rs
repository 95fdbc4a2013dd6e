//! The answer of an upload service, a place for a file (XEP-0363, 5), and the request that goes there (RFC 9110, 9.3.4). Knows no connection.

use super::super::ffi::{borrowed, owned};
use super::upload::SPACE;
use purple_sys::xmlnode;

/// Bytes of an address, and of a header's value.
const LONGEST: usize = 4096;
/// Headers that a service may ask for (XEP-0363, 5).
const HEADERS: [&str; 3] = ["Authorization", "Cookie", "Expires"];

/// A place for one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, with the slash before.
    path: String,
    headers: Vec<(String, String)>,
    /// The address that others get the file from.
    pub(super) get: String,
}

impl Slot {
    /// Reads an answer. The error says what is wrong with it.
    ///
    /// # Safety
    /// A live stanza.
    pub(super) unsafe fn read(iq: *mut xmlnode) -> Result<Self, &'static str> {
        // SAFETY: the caller's promise; C strings; texts are copied, or made for us.
        unsafe {
            let slot = purple_sys::xmlnode_get_child_with_namespace(iq, c"slot".as_ptr(), SPACE.as_ptr());
            if slot.is_null() {
                return Err("it names no place");
            }
            let (put, get) = (purple_sys::xmlnode_get_child(slot, c"put".as_ptr()), purple_sys::xmlnode_get_child(slot, c"get".as_ptr()));
            if put.is_null() || get.is_null() {
                return Err("it names no place");
            }
            let address = |node| borrowed(purple_sys::xmlnode_get_attrib(node, c"url".as_ptr())).unwrap_or_default();
            let mut headers = Vec::new();
            let mut header = purple_sys::xmlnode_get_child(put, c"header".as_ptr());
            while !header.is_null() && headers.len() < HEADERS.len() {
                let name = borrowed(purple_sys::xmlnode_get_attrib(header, c"name".as_ptr())).unwrap_or_default();
                // Line breaks are taken out, as the specification wants.
                let value: String =
                    owned(purple_sys::xmlnode_get_data(header)).unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
                headers.push((name, value));
                header = purple_sys::xmlnode_get_next_twin(header);
            }
            Self::of(&address(put), &address(get), headers)
        }
    }

    fn of(put: &str, get: &str, headers: Vec<(String, String)>) -> Result<Self, &'static str> {
        let fits = |text: &str| text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits(put) || !fits(get) || !get.starts_with("https://") {
            return Err("its addresses are not of HTTPS");
        }
        let rest = put.strip_prefix("https://").ok_or("its addresses are not of HTTPS")?;
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split('#').next().unwrap_or_default();
        if authority.contains('@') {
            return Err("its address has a user's name in it");
        }
        let (host, port) = match authority.rsplit_once(':') {
            // An IPv6 address in brackets has colons of its own.
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| "its address has no port that is a number")?),
            _ => (authority, 443),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || port == 0 {
            return Err("its address has no host");
        }
        let known = |(name, value): (String, String)| {
            let name = HEADERS.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()))?;
            Some((name.to_owned(), value)).filter(|(_, value)| value.len() <= LONGEST)
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            headers: headers.into_iter().filter_map(known).collect(),
            get: get.to_owned(),
        })
    }

    /// The head of the request.
    pub(super) fn head(&self, size: u64, kind: &str) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!(
            "PUT {} HTTP/1.1\r\nHost: {host}{port}\r\nContent-Length: {size}\r\nContent-Type: {kind}\r\nConnection: close\r\n{headers}\r\n",
            self.path
        )
    }
}

/// A server's answer to the request, as far as it has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// More has to come.
    Begun,
    /// The status, 200 to 599.
    Status(u16),
    /// No answer of HTTP.
    Nonsense,
}

/// Reads the beginning of an answer; interim answers (1xx) are passed over.
pub(super) fn answer(mut bytes: &[u8]) -> Answer {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => match response.code {
                Some(100..=199) => bytes = &bytes[length..],
                Some(code @ 200..=599) => return Answer::Status(code),
                _ => return Answer::Nonsense,
            },
            Ok(httparse::Status::Partial) => return Answer::Begun,
            Err(_) => return Answer::Nonsense,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(put: &str) -> Result<(String, u16, String), &'static str> {
        Slot::of(put, "https://files.test/a", Vec::new()).map(|slot| (slot.host, slot.port, slot.path))
    }

    #[test]
    fn addresses_are_taken_apart() {
        let is = |put: &str, host: &str, port: u16, path: &str| assert_eq!(of(put), Ok((host.to_owned(), port, path.to_owned())), "{put}");
        is("https://files.test/u/a%20b.png?sig=x:y@z#top", "files.test", 443, "/u/a%20b.png?sig=x:y@z");
        is("https://files.test:5281/", "files.test", 5281, "/");
        is("https://files.test?x", "files.test", 443, "/?x");
        is("https://[::1]:5281/a", "::1", 5281, "/a");
        is("https://[::1]/a", "::1", 443, "/a");
        for bad in [
            "http://files.test/a",
            "https://",
            "https://u:p@files.test/",
            "https://files.test:x/",
            "https://files.test:0/",
            "https://a b/",
            "https://a/\r\nX: y",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(Slot::of("https://files.test/a", "javascript:alert(1)", Vec::new()).is_err());
    }

    #[test]
    fn the_request_has_the_headers_that_are_allowed() {
        let given =
            [("authorization", "Basic x"), ("X-Evil", "1"), ("Cookie", "a=b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let slot = Slot::of("https://files.test:5281/a", "https://files.test/a", given.into()).unwrap();
        let head = slot.head(12, "image/png");
        assert_eq!(
            head,
            "PUT /a HTTP/1.1\r\nHost: files.test:5281\r\nContent-Length: 12\r\nContent-Type: image/png\r\nConnection: close\r\n\
             Authorization: Basic x\r\nCookie: a=b\r\n\r\n"
        );
    }

    #[test]
    fn answers_are_read_as_they_come() {
        assert_eq!(answer(b"HTTP/1.1 2"), Answer::Begun);
        assert_eq!(answer(b"HTTP/1.1 201 Created\r\nX: y\r\n\r\n"), Answer::Status(201));
        assert_eq!(answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\n\r\nbody"), Answer::Status(413));
        assert_eq!(answer(b"SSH-2.0-x\r\n"), Answer::Nonsense);
    }
}
