//! The same-origin rule and the content-type rule: which requests a foreign page could have caused; it reads no body and knows no route.

use super::peer::Visitor;
use hyper::header::{CONTENT_TYPE, HeaderName, ORIGIN};
use hyper::{HeaderMap, Method};
use std::fmt;
use std::str::FromStr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A web origin (RFC 6454), in lower case, without a default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    authority: String,
}

impl FromStr for Origin {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an origin; allowed are a scheme, a host and a port, as \"https://chat.example.org\"");
        let (scheme, authority) = text.split_once("://").ok_or_else(wrong)?;
        let scheme = scheme.to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if !matches!(scheme.as_str(), "http" | "https") || authority.is_empty() || !authority.chars().all(plain) {
            return Err(wrong());
        }
        let authority = without_default_port(&scheme, &authority.to_ascii_lowercase()).to_owned();
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    authority.strip_suffix(if scheme == "https" { ":443" } else { ":80" }).unwrap_or(authority)
}

/// Whether a page of ours, or no page at all (curl), sent this request.
pub fn same_origin(allowed: &[Origin], visitor: &Visitor, headers: &HeaderMap) -> bool {
    if let Some(sent) = headers.get(ORIGIN) {
        let Some(origin) = sent.to_str().ok().and_then(|t| t.parse::<Origin>().ok()) else { return false };
        if allowed.contains(&origin) {
            return true;
        }
        let here = visitor.host.as_deref().is_some_and(|host| without_default_port(&origin.scheme, host) == origin.authority);
        if !here || (visitor.secure && origin.scheme != "https") {
            return false;
        }
    }
    match headers.get(SEC_FETCH_SITE).map(hyper::header::HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => true,
        Some(_) => false,
    }
}

/// Whether the body is declared as the rule for unsafe methods wants it. A plain HTML form cannot declare JSON. `path` is below `/api/v1`.
pub fn declares_json(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    if method.is_safe() || matches!(path, "/uploads" | "/detach") {
        return true;
    }
    let declared = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::super::peer::Address;
    use super::*;

    fn passes(host: &str, secure: bool, headers: &[(&'static str, &str)]) -> bool {
        let visitor = Visitor { address: Address::Local, secure, host: Some(host.to_owned()), prefix: "/".to_owned() };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        same_origin(&["https://portal.example".parse().unwrap()], &visitor, &map)
    }

    #[test]
    fn own_pages_and_curl_pass() {
        assert!(passes("127.0.0.1:8080", false, &[]));
        assert!(passes("127.0.0.1:8080", false, &[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(passes("chat.example", true, &[("origin", "https://chat.example")]));
        assert!(passes("chat.example:443", true, &[("origin", "https://Chat.example")]));
        assert!(passes("chat.example", false, &[("sec-fetch-site", "none")]));
        assert!(passes("chat.example", true, &[("origin", "https://portal.example"), ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn foreign_pages_do_not() {
        for headers in [
            vec![("origin", "http://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://127.0.0.1:8081")],
            vec![("origin", "")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!passes("127.0.0.1:8080", false, &headers), "{headers:?}");
        }
        assert!(!passes("chat.example", true, &[("origin", "http://chat.example")]), "a page without TLS is another origin");
    }

    #[test]
    fn forms_cannot_pass_as_json() {
        let with = |value: Option<&str>| {
            let mut map = HeaderMap::new();
            if let Some(value) = value {
                map.insert(CONTENT_TYPE, value.parse().unwrap());
            }
            map
        };
        assert!(declares_json(&Method::POST, "/commands", &with(Some("application/json; charset=utf-8"))));
        assert!(declares_json(&Method::GET, "/poll", &with(None)));
        assert!(declares_json(&Method::POST, "/detach", &with(Some("text/plain"))));
        for wrong in [None, Some("text/plain"), Some("text/plain; application/json"), Some("application/x-www-form-urlencoded")] {
            assert!(!declares_json(&Method::POST, "/login", &with(wrong)), "{wrong:?}");
        }
    }
}
