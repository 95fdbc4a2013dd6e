//! Requests that somebody reads as one, and somebody else as two: none is smuggled past a proxy. Knows no proxy.

use crate::front::Front;

/// Sends each of them, and compares what was answered with what the daemon understood.
pub(crate) fn check(front: &Front) {
    let told = front
        .send(&post("Transfer-Encoding: chunked\r\nConnection: close\r\nOrigin: https://chat.example.org\r\n", "2\r\n{}\r\n0\r\n\r\n"));
    assert!(told.contains("missing_field"), "a body in chunks arrives: {told}");
    for bytes in vectors() {
        let before = understood(front);
        let told = front.send(&bytes);
        let (answers, understood) = (told.matches("HTTP/1.").count() as u64, understood(front) - before);
        assert!(understood <= answers.max(1), "{understood} requests were understood of {bytes:?}, and {answers} answered: {told}");
    }
}

/// Requests that the daemon understood so far.
fn understood(front: &Front) -> u64 {
    let stats = front.daemon.stats();
    let count = |name: &str| stats[name].as_u64().unwrap_or_else(|| panic!("no {name} in {stats}"));
    count("requests") - count("requests_malformed")
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /api/v1/login HTTP/1.1\r\nHost: chat.example.org\r\nContent-Type: application/json\r\n{headers}\r\n{body}")
}

/// Requests that somebody reads as one, and somebody else as two.
fn vectors() -> Vec<String> {
    let inner = "GET /api/v1/smuggled HTTP/1.1\r\nHost: chat.example.org\r\nX: y\r\n\r\n";
    let ends = format!("0\r\n\r\n{inner}");
    let length = |body: &str| format!("Content-Length: {}\r\n", body.len());
    let mut all = vec![post(&(length(&ends) + "Transfer-Encoding: chunked\r\n"), &ends), post(&length(inner), inner)];
    for coding in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\0",
        "Transfer_Encoding: chunked",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    ] {
        all.push(post(&format!("{}{coding}\r\n", length(&ends)), &ends));
        all.push(post(&format!("{coding}\r\n{}", length("0")), &ends));
    }
    for lengths in
        ["Content-Length: 0\r\nContent-Length: ", "Content-Length: +", "Content-Length: 0, ", "Content-Length: 0x", "Content-Length : "]
    {
        all.push(post(&format!("{lengths}{}\r\n", inner.len()), inner));
    }
    for chunks in [
        "0;\n\r\n\r\n",
        "0\n\r\n",
        "0 \r\n\r\n",
        "00000000000000000\r\n\r\n",
        "1;x\n\r\na\r\n0\r\n\r\n",
        "1\r\naXX\r\n0\r\n\r\n",
        "-0\r\n\r\n",
    ] {
        all.push(post("Transfer-Encoding: chunked\r\n", &format!("{chunks}{inner}")));
    }
    for line in [
        format!("GET /api/v1/site HTTP/1.1\r\nHost: chat.example.org\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.example.org\r\nHost: other.test\r\nConnection: close\r\n\r\n".to_owned(),
        "GET http://other.test/api/v1/site HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /api/v1/site HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /api/v1/site?x HTTP/1.1\n\n{inner}"),
        format!("GET /api/v1/site HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{ends}"),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.example.org\r\nConnection: Host, X-Forwarded-For, close\r\n\r\n".to_owned(),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.example.org\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n".to_owned(),
        format!("POST /api/v1/login HTTP/1.1\r\nHost: chat.example.org\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
    ] {
        all.push(line);
    }
    all
}
