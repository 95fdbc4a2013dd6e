//! Requests that are none by RFC 9112, over real sockets: each is refused before any route, by port and by Unix socket, and ends its connection.

use super::*;

async fn refused(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str, status: u16) {
    // The server may close while we still write.
    let _ = stream.write_all(request.as_bytes()).await;
    let told = rest(stream).await;
    assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {told}");
    assert!(told.contains("\"code\":\"bad_request\"") && told.contains("connection: close") && told.contains("nosniff"), "{told}");
    assert_eq!(told.matches("HTTP/1.1").count() - told.matches("Only HTTP/1.1").count(), 1, "one answer: {told}");
}

#[tokio::test]
async fn no_request_no_route() {
    let server = run(Settings::default());
    let chunked = post("/api/v1/echo", "", "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let wrong = [
        (get("/api/v1/who", "Host: here\r\n"), 400),
        (get("/api/v1/who", "").replace("Host: here\r\n", ""), 400),
        (post("/api/v1/echo", "Transfer-Encoding: gzip, chunked\r\n", "").replace("Content-Length: 0\r\n", ""), 501),
        (post("/api/v1/echo", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        (post("/api/v1/echo", "Content-Length: 3\r\n", "12"), 400),
        (get("/api/v1/who", "X: a\rb\r\n"), 400),
        (get("/api/v1/who", "").replace("\r\n", "\n"), 400),
        (get("/api/v1/who", "X: y\r\n z: folded\r\n"), 400),
        (get("/api/v1/who", "Cookie : a=b\r\n"), 400),
        (get("/api/v1/who", "Connection: cookie\r\n"), 400),
        (get("http://me@here/api/v1/who", ""), 400),
        (get("/api/v1/who", "").replace("HTTP/1.1", "HTTP/1.2"), 505),
        (get("/api/v1/who", "").replace("GET", "BREW"), 501),
        (get("here:443", "").replace("GET", "CONNECT"), 501),
        (get(&format!("/{}", "x".repeat(9000)), ""), 414),
        (get("/api/v1/who", &format!("X: {}\r\n", "y".repeat(33_000))), 431),
        (get("/api/v1/who", &"X: y\r\n".repeat(101)), 431),
        (format!("{chunked}5 \r\n"), 400),
        (format!("{chunked}1\r\nx\n0\r\n\r\n"), 400),
        (format!("{chunked}1;{}", "y".repeat(5000)), 400),
    ];
    for (request, status) in &wrong {
        refused(&mut server.connect().await, request, *status).await;
    }
    assert_eq!(server.stats.requests_malformed.get(), wrong.len() as u64);
    // Behind a request that was well.
    let mut stream = server.connect().await;
    assert!(ask(&mut stream, &post("/api/v1/echo", "", "12")).await.ends_with("\r\n\r\n2"));
    refused(&mut stream, &wrong[0].0, 400).await;
    let mut stream = server.connect().await;
    stream.write_all((get("/api/v1/who", "") + &wrong[0].0 + &get("/api/v1/who", "")).as_bytes()).await.unwrap();
    let told = rest(&mut stream).await;
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("HTTP/1.1 400 ") && told.matches("HTTP/1.1 ").count() == 2, "{told}");
}

#[tokio::test]
async fn a_unix_socket_is_as_strict() {
    let path = std::env::temp_dir().join(format!("bellflower-strict-{}.sock", std::process::id()));
    let server = start(Listener::unix(&path).unwrap(), routes(), Settings::default());
    refused(&mut UnixStream::connect(&path).await.unwrap(), &get("/api/v1/who", "Host: here\r\n"), 400).await;
    assert_eq!(server.stats.requests_malformed.get(), 1);
}

/// As a client writes them that thinks it speaks with a proxy (RFC 9112, 3.2.2).
#[tokio::test]
async fn the_host_of_an_absolute_target_counts_instead_of_the_header() {
    let server = run(Settings::default());
    let mut stream = server.connect().await;
    let told = ask(&mut stream, &get("http://there/api/v1/who", "")).await;
    assert!(told.ends_with("127.0.0.1 false /"), "{told}");
    let told = ask(&mut stream, &post("http://there/api/v1/echo", "Origin: http://there\r\n", "{}")).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    let told = ask(&mut stream, &post("http://there/api/v1/echo", "Origin: http://here\r\n", "{}")).await;
    assert!(told.starts_with("HTTP/1.1 403 ") && told.contains("cross_origin"), "{told}");
}

/// What one reads as a body and another as a request is neither here.
#[tokio::test]
async fn nothing_is_smuggled_in_a_body() {
    let inner = get("/api/v1/who", "");
    for (headers, body, status) in [
        (format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", inner.len() + 5), format!("0\r\n\r\n{inner}"), 400),
        (format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", inner.len() + 5), format!("0\r\n\r\n{inner}"), 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n".to_owned(), format!("0\r\n\r\n{inner}"), 501),
        (format!("Content-Length: 0\r\nContent-Length: {}\r\n", inner.len()), inner.clone(), 400),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("0\n\r\n\r\n{inner}"), 400),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("2;\n{inner}\r\n0\r\n\r\n"), 400),
    ] {
        let server = run(Settings::default());
        let request = post("/api/v1/echo", &headers, "").replacen("Content-Length: 0\r\n", "", 1) + &body;
        refused(&mut server.connect().await, &request, status).await;
        assert!(server.stats.requests.get() <= 2 && server.stats.answers[1].get() == 0, "{headers:?}");
    }
}
