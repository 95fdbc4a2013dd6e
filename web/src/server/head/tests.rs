//! Heads as RFC 9112 has them and as attackers write them, beside what hyper and the template of a repeated poll make of the same bytes.

use super::super::repeat::Template;
use super::*;
use proptest::prelude::*;

const GET: &str = "GET /api/v1/poll?after=1 HTTP/1.1\r\nHost: here\r\nCookie: a=b\r\n\r\n";

/// The whole way: the head's end, and what it says.
fn read(bytes: &[u8]) -> Result<Framing, Fault> {
    let end = Search::default().end(bytes)?.expect("a whole head");
    assert_eq!(end, bytes.len(), "the head ends where it ends");
    check(bytes)
}

fn told(this: &str, that: &str) -> Result<Framing, Fault> {
    let other = GET.replacen(this, that, 1);
    assert_ne!(other, GET);
    read(other.as_bytes())
}

#[test]
fn heads_of_browsers_and_proxies_are_taken() {
    assert_eq!(read(GET.as_bytes()), Ok(Framing::Length(0)));
    for (this, that, framing) in [
        ("GET ", "\r\n\r\nGET ", Framing::Length(0)),
        ("Host: here", "hOST:\there:8080 \t", Framing::Length(0)),
        ("Host: here", "Host: [::1]:8080", Framing::Length(0)),
        ("Host: here", "Host:", Framing::Length(0)),
        ("Host: here\r\n", "X: h\u{e4}\r\nHost: here\r\nX:\r\n", Framing::Length(0)),
        ("/api/v1", "http://here/api/v1", Framing::Length(0)),
        ("/api/v1", "HTTPS://h%C3%A4re:443/api/v1", Framing::Length(0)),
        ("/api/v1/poll", "http://here", Framing::Length(0)),
        ("GET /api/v1/poll?after=1", "OPTIONS *", Framing::Length(0)),
        ("GET", "PATCH", Framing::Length(0)),
        ("Cookie: a=b", "Connection: keep-alive, TE , ,X-Own", Framing::Length(0)),
        ("Cookie: a=b", "Content-Length: 0012", Framing::Length(12)),
        ("Cookie: a=b", "Transfer-Encoding: Chunked", Framing::Chunked),
        ("1.1\r\nHost: here", "1.0", Framing::Length(0)),
    ] {
        assert_eq!(told(this, that), Ok(framing), "{that}");
    }
}

#[test]
fn what_proxies_read_otherwise_is_refused() {
    for (this, that, fault) in [
        ("Host: here", "Host: here\r\nHost: here", Fault::Host),
        ("Host: here", "Host: here\r\nhost: there", Fault::Host),
        ("Host: here\r\n", "", Fault::Host),
        ("Host: here", "Host: here, there", Fault::Host),
        ("Host: here", "Host: me@here", Fault::Host),
        ("Host: here", "Host: here/there", Fault::Host),
        ("Host: here", "Host: here:80:80", Fault::Host),
        ("Host: here", "Host: here:80x", Fault::Host),
        ("Host: here", "Host: [::1", Fault::Host),
        ("Host: here", "Host: [evil]", Fault::Host),
        ("Host: here", "Host: h\u{e4}re", Fault::Host),
        ("1.1\r\nHost: here", "1.0\r\nHost: here\r\nHost: here", Fault::Host),
        ("Host: here", "Host : here", Fault::Header),
        ("Host: here", "Host: here\r\n folded: x", Fault::Header),
        ("Host: here", "Host: here\r\n\tX: x", Fault::Header),
        ("Host: here", "Host: here\r\nX", Fault::Header),
        ("Host: here", "Host: here\r\n: x", Fault::Header),
        ("Host: here", "Host: here\r\nX\u{e4}: x", Fault::Header),
        ("Host: here", "Host: here\r\nX: \u{7f}", Fault::Header),
        ("Host: here", "Host: here\r\nX: \u{1}", Fault::Header),
        ("Host: here", "Host: here\r\nX(y): x", Fault::Header),
        ("GET /", "GET  /", Fault::RequestLine),
        ("GET /", " GET /", Fault::RequestLine),
        ("GET /", "GET\t/", Fault::RequestLine),
        ("1 HTTP/1.1", "1 HTTP/1.1 ", Fault::RequestLine),
        ("1 HTTP/1.1", "1  HTTP/1.1", Fault::RequestLine),
        ("1 HTTP/1.1", "1", Fault::RequestLine),
        ("HTTP/1.1", "http/1.1", Fault::RequestLine),
        ("HTTP/1.1", "HTTP/1.10", Fault::RequestLine),
        ("HTTP/1.1", "HTTP/2.0", Fault::Version),
        ("HTTP/1.1", "HTTP/1.2", Fault::Version),
        ("GET", "get", Fault::Method),
        ("GET", "BREW", Fault::Method),
        ("GET /api/v1/poll?after=1", "CONNECT here:80", Fault::Method),
        ("GET", "G(T", Fault::RequestLine),
        ("/api", "api", Fault::Target),
        ("/api/v1/poll?after=1", "*", Fault::Target),
        ("/api/v1/poll?after=1", "here:80", Fault::Target),
        ("/api", "http:///api", Fault::Target),
        ("/api", "http://me@here/api", Fault::Target),
        ("/api", "http://here:80:80/api", Fault::Target),
        ("/api", "ftp://here/api", Fault::Target),
        ("/api", "/api#", Fault::Target),
        ("/api", "/`", Fault::Target),
        ("after=1", "after=<", Fault::Target),
        ("/api", "/\u{e4}", Fault::Target),
        ("/api", "/\u{7f}", Fault::Target),
        ("Cookie: a=b", "Content-Length: 5\r\nContent-Length: 6", Fault::Length),
        ("Cookie: a=b", "Content-Length: 5\r\nContent-Length: 5", Fault::Length),
        ("Cookie: a=b", "Content-Length: 5, 5", Fault::Length),
        ("Cookie: a=b", "Content-Length: +5", Fault::Length),
        ("Cookie: a=b", "Content-Length: -5", Fault::Length),
        ("Cookie: a=b", "Content-Length: 0x5", Fault::Length),
        ("Cookie: a=b", "Content-Length: 5 5", Fault::Length),
        ("Cookie: a=b", "Content-Length:", Fault::Length),
        ("Cookie: a=b", "Content-Length: 99999999999999999999", Fault::Length),
        ("Cookie: a=b", "Content-Length: 5\r\nTransfer-Encoding: chunked", Fault::Length),
        ("Cookie: a=b", "Transfer-Encoding: chunked\r\nContent-Length: 5", Fault::Length),
        ("Cookie: a=b", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Fault::Length),
        ("Cookie: a=b", "Transfer-Encoding: chunked, chunked", Fault::Length),
        ("1.1\r\nHost: here", "1.0\r\nTransfer-Encoding: chunked", Fault::Length),
        ("Cookie: a=b", "Transfer-Encoding: gzip, chunked", Fault::Coding),
        ("Cookie: a=b", "Transfer-Encoding: chunked, gzip", Fault::Coding),
        ("Cookie: a=b", "Transfer-Encoding: identity", Fault::Coding),
        ("Cookie: a=b", "Transfer-Encoding: \u{b}chunked", Fault::Header),
        ("Cookie: a=b", "Transfer-Encoding: xchunked", Fault::Coding),
        ("Cookie: a=b", "Transfer-Encoding:", Fault::Coding),
        ("Cookie: a=b", "Connection: close, Cookie", Fault::Connection),
        ("Cookie: a=b", "Connection: close\r\nConnection: x-forwarded-FOR", Fault::Connection),
        ("Cookie: a=b", "Connection: close host", Fault::Connection),
    ] {
        assert_eq!(told(this, that), Err(fault), "{that}");
    }
    let lines = format!("Host: here\r\n{}", "X: y\r\n".repeat(MOST_LINES));
    assert_eq!(told("Host: here\r\n", &lines), Err(Fault::Size));
    assert_eq!(told("/api", &format!("/{}", "x".repeat(LONGEST_TARGET))), Err(Fault::TargetLength));
}

#[test]
fn a_line_without_its_end_is_refused_before_the_head_is_whole() {
    for (wrong, fault) in [
        ("GET / HTTP/1.1\n", Fault::Line),
        ("\n", Fault::Line),
        ("GET / HTTP/1.1\r\nX: a\rb", Fault::Line),
        ("GET / HTTP/1.1\r\r", Fault::Line),
        ("GET / HTTP/1.1\r\nX: \0", Fault::Line),
        ("GET / HTTP/1.1\r\nHost: here\r\n\n", Fault::Line),
        (&"x".repeat(MOST_BYTES), Fault::Size),
        (&"\r\n".repeat(MOST_BYTES / 2), Fault::Size),
    ] {
        assert_eq!(Search::default().end(wrong.as_bytes()), Err(fault), "{wrong:.30?}");
    }
    assert_eq!(Search::default().end(&GET.as_bytes()[..GET.len() - 1]), Ok(None));
}

#[test]
fn the_target_names_the_host() {
    for (target, host, path) in [
        ("/a?b", "here", "/a?b"),
        ("http://there:80/a?b", "there:80", "/a?b"),
        ("http://there", "there", "/"),
        ("http://there?b", "there", "/?b"),
        ("*", "here", "*"),
    ] {
        let request = hyper::Request::builder().uri(target).header(HOST, "here").body(()).unwrap();
        let mut parts = request.into_parts().0;
        to_origin_form(&mut parts);
        assert_eq!((parts.headers[HOST].to_str().unwrap(), parts.uri.to_string().as_str()), (host, path), "{target}");
        assert!(parts.uri.authority().is_none() && parts.headers.get_all(HOST).iter().count() == 1);
    }
}

/// Bytes near to a head.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        "\0",
        " ",
        "\t",
        ":",
        "Host: x\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        ",",
        "#",
        "http://a/",
        "HTTP/1.0",
        "é",
        "\u{b}",
        "Connection: host\r\n",
        "?",
        "POST",
    ]);
    (any::<prop::sample::Index>(), 0..6_usize, piece).prop_map(|(at, cut, piece)| {
        let mut head = GET.as_bytes().to_vec();
        let at = at.index(head.len());
        let _ = head.splice(at..(at + cut).min(head.len()), piece.bytes()).count();
        head
    })
}

proptest! {
    #[test]
    fn what_comes_in_pieces_is_read_the_same(bytes in nearly(), at in any::<prop::sample::Index>()) {
        let mut search = Search::default();
        let at = at.index(bytes.len());
        let first = search.end(&bytes[..at]);
        let pieces = if matches!(first, Ok(None)) { search.end(&bytes) } else { first };
        prop_assert_eq!(pieces, Search::default().end(&bytes));
    }

    /// The way beside hyper answers what would have passed here, and nothing else.
    #[test]
    fn a_repeated_poll_passes_as_its_first_did(bytes in nearly(), query in "[!-~ \r\n]{0,6}") {
        if let (Ok(Some(end)), Some(template)) = (Search::default().end(&bytes), Template::of(&bytes))
            && let Ok(framing) = check(&bytes)
        {
            prop_assert_eq!(end, bytes.len());
            let text = String::from_utf8(bytes).unwrap();
            let (before, rest) = text.split_once('?').unwrap();
            let other = format!("{before}?{query}{}", &rest[rest.find(' ').unwrap()..]);
            if template.query(other.as_bytes()).is_some() {
                prop_assert_eq!(Search::default().end(other.as_bytes()), Ok(Some(other.len())));
                prop_assert_eq!(check(other.as_bytes()), Ok(framing));
            }
        }
    }
}
