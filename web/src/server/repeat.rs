//! The same request with another query: what of a request's head has to come again, byte for byte, and whether it does. Pure: it knows no
//! sockets, and not what a query means.

/// Bytes of the longest head that is known again.
pub(super) const LONGEST: usize = 4096;

/// The head of a request (RFC 9112), but for its query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// What stands before the query, with its `?`, and what stands behind it, from the space on.
    around: Box<[u8]>,
    /// Where the query was.
    at: usize,
}

impl Template {
    /// Learns it from `bytes` that are the head of one `GET` with a query, whole and with nothing beside it. `None` when they are not, or
    /// when it would take a parser's leniency to read them so: lines that do not end with CR LF, anything but HTTP/1.1, bytes beyond UTF-8.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let lines = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)?.strip_suffix("\r\n\r\n")?;
        let mut each = lines.split("\r\n");
        let target = each.clone().next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
        let (path, query) = target.split_once('?')?;
        let is_one_head = each.all(|line| !line.is_empty() && !line.contains(['\r', '\n']));
        if !is_one_head || !is_plain(path.as_bytes()) || !is_plain(query.as_bytes()) {
            return None;
        }
        let at = "GET ".len() + path.len() + "?".len();
        let around = [bytes.get(..at)?, bytes.get(at + query.len()..)?].concat();
        Some(Self { around: around.into(), at })
    }

    /// The query, when `bytes` are the same head with some query, whole and with nothing beside it.
    pub(super) fn query<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let (before, behind) = self.around.split_at_checked(self.at)?;
        let query = bytes.strip_prefix(before)?.strip_suffix(behind)?;
        if is_plain(query) { std::str::from_utf8(query).ok() } else { None }
    }
}

/// Whether a target with these bytes means the same to everyone: visible ASCII without what only some take (RFC 3986, 2) and without `#`.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "GET /chat/api/v1/poll?after=1&n=2 HTTP/1.1\r\nHost: here\r\nCookie: bellflower=x?y z\r\n\r\n";

    #[test]
    fn another_query_is_told_and_nothing_else_passes() {
        let template = Template::of(HEAD.as_bytes()).unwrap();
        assert_eq!(template.query(HEAD.as_bytes()), Some("after=1&n=2"));
        assert_eq!(template.query(HEAD.replace("after=1&n=2", "").as_bytes()), Some(""));
        assert_eq!(template.query(HEAD.replace("n=2", "n=30000?%20+").as_bytes()), Some("after=1&n=30000?%20+"));
        for (this, that) in [
            ("GET", "HEAD"),
            ("GET", "get"),
            ("/chat/", "/"),
            ("poll?", "poll"),
            ("poll?", "poll/x?"),
            ("poll?", "poll? "),
            ("n=2", "n=2 "),
            ("n=2", "n=2\t"),
            ("n=2", "n=2#"),
            ("n=2", "n=\u{e4}"),
            ("n=2", "n=2\0"),
            ("n=2", "n=2 HTTP/1.1\r\nHost: here\r\n\r\nGET /?"),
            ("1.1", "1.0"),
            ("Host", "host"),
            ("=x?", "=z?"),
            ("\r\n\r\n", "\r\nX: y\r\n\r\n"),
            ("\r\n\r\n", "\r\n"),
            ("\r\n\r\n", "\r\n\r\n "),
            ("\r\n\r\n", "\n\n"),
        ] {
            let other = HEAD.replacen(this, that, 1);
            assert_ne!(other, HEAD);
            assert_eq!(template.query(other.as_bytes()), None, "{other:?}");
        }
        let twice = HEAD.repeat(2);
        assert_eq!(template.query(twice.as_bytes()), None);
    }

    #[test]
    fn only_whole_heads_of_one_plain_request_are_learnt() {
        for wrong in [
            "".to_owned(),
            HEAD.repeat(2),
            HEAD.replace("GET", "POST"),
            HEAD.replace("1.1", "1.0"),
            HEAD.replace('?', ""),
            HEAD.replace("poll?", "poll#?"),
            HEAD.replace("n=2", "n= 2"),
            HEAD.replace("n=2", "n=2#a"),
            HEAD.replace("\r\n", "\n"),
            HEAD.replacen("\r\n", "\n", 1),
            HEAD.replace("Host", "\r\nHost"),
            HEAD.replace("here\r\n", "here\n\nGET /?x HTTP/1.1\r\n"),
            HEAD.replace("here", "he\rre"),
            format!("\r\n{HEAD}"),
            format!("{HEAD}\r\n"),
            HEAD.trim_end().to_owned(),
            HEAD.replace("here", &"x".repeat(LONGEST)),
        ] {
            assert_eq!(Template::of(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(Template::of(HEAD.replace("here", "h\u{e4}").as_bytes()).map(|found| found.at), Some(22));
        assert_eq!(Template::of(&HEAD.bytes().map(|byte| if byte == b'h' { 0xe4 } else { byte }).collect::<Vec<_>>()), None);
        let longest = HEAD.replace("here", &"x".repeat(LONGEST - HEAD.len() + 4));
        assert!(Template::of(longest.as_bytes()).is_some());
    }

    /// The parts of a head as another way of reading finds them: up to the first `?`, up to the next space, the rest.
    fn parts(head: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
        let mark = head.iter().position(|byte| *byte == b'?')? + 1;
        let space = mark + head[mark..].iter().position(|byte| *byte == b' ')?;
        Some((&head[..mark], &head[mark..space], &head[space..]))
    }

    fn is_the_same_but_for_its_query(head: &[u8], other: &[u8]) -> bool {
        let (Some(one), Some(two)) = (parts(head), parts(other)) else { return false };
        one.0 == two.0 && one.2 == two.2 && two.1.iter().all(|byte| byte.is_ascii_graphic() && !b"\"#<>[\\]^`{|}".contains(byte))
    }

    fn heads() -> impl Strategy<Value = String> {
        let line = ("[A-Za-z-]{1,12}", "[ -~]{0,20}").prop_map(|(name, value)| format!("{name}: {value}\r\n"));
        ("[a-z/.]{0,12}", "[a-z=&0-9]{0,12}", prop::collection::vec(line, 0..5))
            .prop_map(|(path, query, lines)| format!("GET /{path}?{query} HTTP/1.1\r\n{}\r\n", lines.concat()))
    }

    proptest! {
        #[test]
        fn a_match_is_the_same_head_but_for_its_query(
            head in heads(), at in any::<prop::sample::Index>(), cut in 0..4_usize, new in "[ -~\r\n]{0,4}|[a-z]{0,4}",
        ) {
            let head = head.into_bytes();
            let template = Template::of(&head).unwrap();
            let mut other = head.clone();
            let at = at.index(head.len());
            let _ = other.splice(at..(at + cut).min(head.len()), new.bytes()).count();
            let found = template.query(&other);
            prop_assert_eq!(found.is_some(), is_the_same_but_for_its_query(&head, &other));
            if let (Some(found), Some((_, query, _))) = (found, parts(&other)) {
                prop_assert_eq!(found.as_bytes(), query);
            }
        }

        #[test]
        fn any_query_of_the_same_head_is_found(head in heads(), query in "[!$-;=?-Z_a-z~]{0,40}") {
            let template = Template::of(head.as_bytes()).unwrap();
            let (before, _, behind) = parts(head.as_bytes()).unwrap();
            let other = [before, query.as_bytes(), behind].concat();
            prop_assert_eq!(template.query(&other), Some(query.as_str()));
        }
    }
}
