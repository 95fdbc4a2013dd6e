//! The same-origin rule and the content-type rule: which requests a foreign page could have caused; it reads no body and knows no route.

use super::peer::{Address, Visitor, X_FORWARDED_FOR};
use hyper::header::{CONTENT_TYPE, FORWARDED, HeaderName, ORIGIN};
use hyper::{HeaderMap, Method};
use std::fmt;
use std::net::IpAddr;
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

/// Why a request counts as sent by a foreign page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// The browser says so, or does not say which page it was.
    Page,
    /// The page's host is another than the request's, as when a proxy does not pass the header on.
    Host(Origin),
    /// The page came without TLS, and the proxy says that the request came with it.
    Scheme(Origin),
}

impl Foreign {
    /// For the person at the page.
    pub fn message(&self) -> String {
        match self {
            Self::Page => "This request comes from a page of another site. An administrator can let it in (origins).".to_owned(),
            Self::Host(page) => format!(
                "The proxy in front of this server does not pass the Host header on, so the server takes this page for a foreign one. An \
                 administrator has to let it do so (nginx: proxy_set_header Host $http_host;), or to set origins to {page}."
            ),
            Self::Scheme(page) => format!(
                "The proxy in front of this server says that this page came by https, but it is {page}. An administrator has to mend its \
                 X-Forwarded-Proto header (nginx: proxy_set_header X-Forwarded-Proto $scheme;), or to set origins to {page}."
            ),
        }
    }

    /// For the administrator's log.
    pub fn line(&self, visitor: &Visitor) -> String {
        let host: String = visitor.host.as_deref().unwrap_or("none").chars().take(100).collect();
        match self {
            Self::Page => format!("a request for {host} was refused: its browser says that a page of another site sent it"),
            Self::Host(page) => format!(
                "a request from the page {page} was refused: its Host is {host}. If that page is ours, the proxy does not pass the Host \
                 header on: set it (nginx: proxy_set_header Host $http_host;), or list {page} under `origins`"
            ),
            Self::Scheme(page) => format!(
                "a request from the page {page} was refused: the proxy says that it came by https. Mend its X-Forwarded-Proto header \
                 (nginx: proxy_set_header X-Forwarded-Proto $scheme;), or list {page} under `origins`"
            ),
        }
    }
}

/// Passes what a page of ours, or no page at all (curl), sent, with the page's origin where it says one.
///
/// # Errors
/// Why it counts as foreign.
pub fn same_origin(allowed: &[Origin], visitor: &Visitor, headers: &HeaderMap) -> Result<Option<Origin>, Foreign> {
    let sent = headers.get(ORIGIN);
    let origin = sent.and_then(|sent| sent.to_str().ok()?.parse::<Origin>().ok());
    if origin.as_ref().is_some_and(|origin| allowed.contains(origin)) {
        return Ok(None);
    }
    // The browser knows both addresses, and no proxy changes what it says of them.
    match headers.get(SEC_FETCH_SITE).map(hyper::header::HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => return Ok(origin),
        Some(_) => return Err(Foreign::Page),
        None => {}
    }
    match (sent, origin) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Foreign::Page),
        (Some(_), Some(origin)) => {
            let here = visitor.host.as_deref().is_some_and(|host| without_default_port(&origin.scheme, host) == origin.authority);
            match () {
                () if !here => Err(Foreign::Host(origin)),
                () if visitor.secure && origin.scheme != "https" => Err(Foreign::Scheme(origin)),
                () => Ok(Some(origin)),
            }
        }
    }
}

/// What a proxy leaves unsaid of a request that passes, for the administrator's log: of what sort, and in words.
pub(super) fn unsaid(
    visitor: &Visitor,
    from: Address,
    believed: bool,
    page: Option<&Origin>,
    headers: &HeaderMap,
) -> Option<(&'static str, String)> {
    let is_near = match from {
        Address::Ip(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Address::Ip(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Address::Local => true,
    };
    if !believed && is_near && (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)) {
        return Some((
            "trust",
            format!(
                "a proxy at {from} says for whom it asks, but `trusted_proxies` does not list it: all its visitors count as one for the \
                 limits by address, and cookies are not marked Secure"
            ),
        ));
    }
    if !visitor.secure && page.is_some_and(|page| page.scheme == "https") {
        return Some((
            "proto",
            "a page came by https, but its proxy does not say so: cookies are not marked Secure. Set X-Forwarded-Proto (nginx: \
             proxy_set_header X-Forwarded-Proto $scheme;) and X-Forwarded-For, and list the proxy under `trusted_proxies`"
                .to_owned(),
        ));
    }
    None
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
    use super::*;

    fn seen(host: &str, secure: bool, headers: &[(&'static str, &str)]) -> Result<Option<Origin>, Foreign> {
        let visitor =
            Visitor { address: Address::Local, peer: Address::Local, secure, host: Some(host.to_owned()), prefix: "/".to_owned() };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        same_origin(&["https://portal.example".parse().unwrap()], &visitor, &map)
    }

    fn passes(host: &str, secure: bool, headers: &[(&'static str, &str)]) -> bool {
        seen(host, secure, headers).is_ok()
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
    fn the_browsers_word_is_enough_whatever_a_proxy_makes_of_the_host() {
        let page = [("origin", "https://chat.example"), ("sec-fetch-site", "same-origin")];
        assert_eq!(seen("127.0.0.1:8080", false, &page), Ok(Some("https://chat.example".parse().unwrap())));
        assert!(passes("127.0.0.1:8080", true, &[("origin", "http://chat.example"), ("sec-fetch-site", "same-origin")]));
        let page: Origin = "http://chat.example".parse().unwrap();
        assert_eq!(seen("127.0.0.1:8080", false, &[("origin", "http://chat.example")]), Err(Foreign::Host(page.clone())));
        assert_eq!(seen("chat.example", true, &[("origin", "http://chat.example")]), Err(Foreign::Scheme(page.clone())));
        for (foreign, header) in [(Foreign::Host(page.clone()), "Host"), (Foreign::Scheme(page), "X-Forwarded-Proto")] {
            let visitor = Visitor { address: Address::Local, peer: Address::Local, secure: false, host: None, prefix: "/".to_owned() };
            for words in [foreign.message(), foreign.line(&visitor)] {
                assert!(words.contains(&format!("proxy_set_header {header} ")) && words.contains("http://chat.example"), "{words}");
            }
        }
    }

    #[test]
    fn what_a_proxy_leaves_unsaid_is_told() {
        let visitor = |secure| Visitor { address: Address::Local, peer: Address::Local, secure, host: None, prefix: "/".to_owned() };
        let (plain, tls): (Origin, Origin) = ("http://chat.example".parse().unwrap(), "https://chat.example".parse().unwrap());
        let near = Address::from("10.0.0.1".parse::<IpAddr>().unwrap());
        let far = Address::from("192.0.2.1".parse::<IpAddr>().unwrap());
        let mut forwarded = HeaderMap::new();
        forwarded.insert(X_FORWARDED_FOR, "192.0.2.7".parse().unwrap());
        let none = HeaderMap::new();
        let sort =
            |secure, from, believed, page, headers| unsaid(&visitor(secure), from, believed, Some(page), headers).map(|(sort, _)| sort);
        assert_eq!(sort(false, near, false, &tls, &forwarded), Some("trust"));
        assert_eq!(sort(false, near, false, &tls, &none), Some("proto"));
        assert_eq!(sort(false, near, true, &tls, &forwarded), Some("proto"));
        assert_eq!(sort(true, near, true, &tls, &forwarded), None);
        assert_eq!(sort(false, far, false, &plain, &forwarded), None, "a stranger may say what they like");
        assert_eq!(sort(false, near, false, &plain, &none), None);
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
