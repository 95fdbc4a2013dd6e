//! Takes secrets out of debug lines before they are logged; it would rather drop too much than too little, and decides nothing else.

use std::borrow::Cow;

/// Written in a secret's place.
const GONE: &str = "[redacted]";

/// IRC verbs whose arguments are secret, and services whose messages hold them.
const VERBS: &[&str] =
    &["pass", "oper", "authenticate", "identify", "auth", "ghost", "recover", "regain", "register", "login", "nickserv", "ns", "q"];

/// Elements (XMPP's and HTTP APIs') whose content is secret.
const ELEMENTS: &[&str] =
    &["auth", "response", "challenge", "success", "password", "digest", "token", "secret", "initial-response", "authenticate", "hash"];

/// Names whose value is secret in `name=value`, `"name":"value"` and header lines.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "passphrase",
    "token",
    "access_token",
    "refresh_token",
    "auth_token",
    "id_token",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "authorization",
    "proxy-authorization",
    "x-auth-token",
    "cookie",
    "set-cookie",
    "session",
    "sessionid",
    "session_id",
    "sid",
    "access_key",
    "credential",
    "signature",
    "otp",
    "code",
    "ticket",
    "initial_response",
];

/// A line of anybody's without what may be a secret.
pub fn redacted(line: &str) -> Cow<'_, str> {
    redact("", line)
}

/// The line without what may be a secret.
pub(crate) fn redact<'a>(category: &str, line: &'a str) -> Cow<'a, str> {
    // The SASL library logs its exchanges under this name, in any shape.
    if category.eq_ignore_ascii_case("sasl") {
        return Cow::Borrowed(GONE);
    }
    let lower = line.to_ascii_lowercase();
    if category.eq_ignore_ascii_case("jabber") && lower.contains("sasl (") || lower.starts_with("recvsasl") {
        return Cow::Borrowed(GONE);
    }
    if irc_secret(&lower) {
        return Cow::Borrowed(GONE);
    }
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    elements(&lower, &mut hidden);
    names(&lower, &mut hidden);
    blobs(line, &mut hidden);
    if hidden.is_empty() {
        return Cow::Borrowed(line);
    }
    hidden.sort_unstable();
    let mut clean = String::with_capacity(line.len());
    let mut at = 0;
    for (from, to) in hidden {
        if from >= at {
            clean.push_str(line.get(at..from).unwrap_or_default());
            clean.push_str(GONE);
        }
        at = at.max(to);
    }
    clean.push_str(line.get(at..).unwrap_or_default());
    Cow::Owned(clean)
}

/// Lines like `PASS x`, `<< AUTHENTICATE x`, `PRIVMSG NickServ :IDENTIFY x`, `NS IDENTIFY x`.
fn irc_secret(lower: &str) -> bool {
    lower.lines().any(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || c == ':' || c == '\'' || c == '"').filter(|word| !word.is_empty());
        let Some(first) =
            words.find(|word| !matches!(*word, "sent" | "<<" | ">>" | "send" | "sending" | "recv" | "unrecognized" | "message"))
        else {
            return false;
        };
        if VERBS.contains(&first) {
            return true;
        }
        let services = matches!(first, "privmsg" | "notice" | "squery")
            && words.next().is_some_and(|to| to.contains("serv") || to.starts_with("q@") || to == "q" || to == "x" || to.starts_with("x@"));
        services
            || matches!(first, "privmsg" | "notice")
                && line.split_whitespace().any(|word| matches!(word.trim_start_matches(':'), "identify" | "login" | "auth"))
    })
}

/// What stands in `<name …>` … `</name>`, or up to the end when the line is cut.
fn elements(lower: &str, hidden: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    while let Some(open) = lower.get(from..).and_then(|rest| rest.find('<')).map(|at| from + at) {
        let rest = lower.get(open + 1..).unwrap_or_default();
        let name: &str = rest.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        let Some(end) = rest.find('>').map(|at| open + 1 + at) else {
            if ELEMENTS.contains(&local) {
                hidden.push((open + 1 + name.len(), lower.len()));
            }
            return;
        };
        from = end + 1;
        let empty = lower.get(..end).is_some_and(|before| before.ends_with('/'));
        if ELEMENTS.contains(&local) && !empty {
            let close = format!("</{name}");
            let until = lower.get(from..).and_then(|rest| rest.find(&close)).map_or(lower.len(), |at| from + at);
            hidden.push((from, until));
            from = until;
        }
    }
}

/// The value after `name=`, `name: ` or `"name":`.
fn names(lower: &str, hidden: &mut Vec<(usize, usize)>) {
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
                continue;
            }
            let after = at + name.len();
            let rest = lower.get(after..).unwrap_or_default();
            let trimmed = rest.trim_start_matches(['"', '\'', ' ', '\\']);
            let Some(sign) = trimmed.chars().next().filter(|c| matches!(c, '=' | ':')) else { continue };
            let value = trimmed.get(sign.len_utf8()..).unwrap_or_default();
            let text = value.trim_start_matches([' ', '\\']);
            let start = lower.len() - text.len();
            let header = sign == ':' && !rest.starts_with(['"', '\'', '\\']);
            let length = match text.chars().next() {
                Some(quote @ ('"' | '\'')) => text.get(1..).and_then(|inner| unescaped(inner, quote)).map_or(text.len(), |end| end + 2),
                // A header's value goes to the end of its line.
                _ if header => text.find(['\r', '\n']).unwrap_or(text.len()),
                _ => text.find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | '}' | ')' | '<')).unwrap_or(text.len()),
            };
            if length > 0 {
                hidden.push((start, start + length));
            }
        }
    }
}

/// Where the closing quote is.
fn unescaped(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            _ if character == quote && !escaped => return Some(at),
            _ => escaped = false,
        }
    }
    None
}

/// Runs of base64 long enough to be a credential (Bearer tokens, SASL blobs, keys), wherever they stand.
fn blobs(line: &str, hidden: &mut Vec<(usize, usize)>) {
    const LONG: usize = 40;
    let mut start = None;
    let marks = line.bytes().map(Some).chain([None]).enumerate();
    for (at, byte) in marks {
        let inside = byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.'));
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let run = line.get(from..at).unwrap_or_default();
                let mixed = run.bytes().any(|b| b.is_ascii_digit())
                    && run.bytes().any(|b| b.is_ascii_uppercase())
                    && run.bytes().any(|b| b.is_ascii_lowercase());
                if at - from >= LONG && mixed {
                    hidden.push((from, at));
                }
                start = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn no_secret_of_a_sign_on_gets_through() {
        for (category, line) in [
            (
                "jabber",
                "Sending (ssl) (ines@example.org/x): <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGluZXMAaHVudGVyMg==</auth>",
            ),
            ("jabber", "Sending (ines): <auth mechanism='PLAIN'>AGluZXMAaHVudGVyMg=="),
            ("jabber", "Sending (ines): <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>hunter2</response>"),
            ("jabber", "Recv (ssl)(55): <sasl:challenge xmlns:sasl='x'>hunter2</sasl:challenge>"),
            (
                "jabber",
                "Sending (ines): <iq type='set'><query xmlns='jabber:iq:auth'><username>ines</username><password>hunter2</password></query></iq>",
            ),
            ("jabber", "Sending (ines): <iq><query xmlns='jabber:iq:register'><PASSWORD>hunter2</PASSWORD></query></iq>"),
            ("jabber", "RecvSASL (9): hunter2"),
            ("irc", "sent: PASS hunter2"),
            ("irc", "<< PASS :hunter2"),
            ("irc", "sent: PRIVMSG NickServ :IDENTIFY ines hunter2"),
            ("irc", "sent: privmsg nickserv@services.example :identify hunter2"),
            ("irc", "PRIVMSG Q@CServe.quakenet.org :AUTH ines hunter2"),
            ("irc", "sent: NICKSERV IDENTIFY hunter2"),
            ("irc", "sent: AUTHENTICATE hunter2"),
            ("irc", "sent: OPER ines hunter2"),
            ("irc", "ns identify hunter2"),
            ("sasl", "anything hunter2"),
            ("http", "POST /login?user=ines&password=hunter2 HTTP/1.1"),
            ("http", "{\"user\":\"ines\", \"password\" : \"hunter2\", \"x\": 1}"),
            ("http", "{\\\"password\\\":\\\"hunter2\\\"}"),
            ("util", "GET / HTTP/1.0\r\nAuthorization: Bearer hunter2\r\nHost: x"),
            ("util", "Cookie: a=b; c=hunter2"),
            ("proxy", "password='hunter2'"),
            ("discord", "token: hunter2"),
        ] {
            let clean = redact(category, line);
            assert!(!clean.contains("hunter2") && !clean.contains("aHVudGVyMg"), "{category}: {line}\n-> {clean}");
        }
    }

    #[test]
    fn long_tokens_are_hidden_wherever_they_stand() {
        let clean = redact("slack", "connecting with xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy now");
        assert!(!clean.contains("pdFZKVeTuE8sk7oOcHrzqqgy"), "{clean}");
        assert!(clean.starts_with("connecting with ") && clean.ends_with(" now"), "{clean}");
    }

    #[test]
    fn the_rest_stays_readable() {
        for line in [
            "Sending (ines@example.org): <message to='juan@example.org'><body>grüße &amp; mehr</body></message>",
            "sent: PRIVMSG #bellflower :good morning",
            "Connecting to xmpp.example.org:5222.",
            "Connected to ines@example.org",
        ] {
            assert_eq!(redact("jabber", line), line);
        }
        let clean = redact("jabber", "<auth mechanism='PLAIN'>AGluZXM=</auth><x/>");
        assert_eq!(clean, "<auth mechanism='PLAIN'>[redacted]</auth><x/>");
        assert_eq!(redact("http", "a=1&password=b&c=2"), "a=1&password=[redacted]&c=2");
    }
}
