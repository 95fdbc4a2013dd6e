//! Bodies that come slowly, for ever, or by the hundred: each has an end, and what is on its way is counted.

use super::*;
use crate::api::{ApiError, read};
use warp::http::HeaderMap;

const UPLOAD: &str = "POST /api/v1/uploads HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n";

/// An upload route as the interface has it, and the echo.
fn uploads(settings: Settings) -> Running {
    let upload = warp::path!("api" / "v1" / "uploads").and(warp::post()).and(warp::header::headers_cloned()).and(warp::body::stream());
    let upload = upload.then(|headers: HeaderMap, body| async move {
        let bytes = read(&headers, body, 1 << 20).await;
        bytes.map_or_else(|error: ApiError| error.response(), |bytes| bytes.len().to_string().into_response())
    });
    start(Listener::tcp(([127, 0, 0, 1], 0).into()).unwrap(), upload.or(routes()).unify().boxed(), settings)
}

/// Sends a piece of an upload again and again until the server answers.
async fn drip(server: &Running, piece: &str, every: Duration) -> String {
    let (mut from, mut to) = server.connect().await.into_split();
    to.write_all(format!("{UPLOAD}\r\n").as_bytes()).await.unwrap();
    let piece = format!("{:x}\r\n{piece}\r\n", piece.len());
    let dripping = tokio::spawn(async move {
        while to.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(every).await;
        }
    });
    let told = answer(&mut from).await;
    dripping.abort();
    told
}

#[tokio::test]
async fn an_upload_has_an_end_however_it_dawdles() {
    // Silent, a byte at a time, and quick enough for ever.
    let server = uploads(Settings { body: Some(SHORT), upload: None, ..Settings::default() });
    let told = ask(&mut server.connect().await, &format!("{UPLOAD}\r\n1\r\nx\r\n")).await;
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("too_slow"), "{told}");
    let told = drip(&server, "x", SHORT / 10).await;
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("too_slow"), "{told}");
    let server = uploads(Settings { upload: Some(SHORT), ..Settings::default() });
    let told = drip(&server, &"x".repeat(200), SHORT / 20).await;
    assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("too_slow"), "{told}");
    let told = ask(&mut server.connect().await, &format!("{UPLOAD}\r\n1\r\nx\r\n0\r\n\r\n")).await;
    assert!(told.ends_with("\r\n\r\n1"), "{told}");
}

/// Begins an upload from an address, and sees that it was taken.
async fn begun(server: &Running, address: &str) -> Result<TcpStream, String> {
    let mut stream = server.connect().await;
    stream.write_all(format!("{UPLOAD}X-Forwarded-For: {address}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let told = answer(&mut stream).await;
    if told.starts_with("HTTP/1.1 100 ") { Ok(stream) } else { Err(told) }
}

#[tokio::test]
async fn uploads_are_counted_by_address_and_in_all() {
    let trusted = vec!["127.0.0.1".parse().unwrap()];
    let server = uploads(Settings { uploads: 3, uploads_per_address: 2, trusted, ..Settings::default() });
    let (mut one, _two) = (begun(&server, "192.0.2.1").await.unwrap(), begun(&server, "192.0.2.1").await.unwrap());
    let told = begun(&server, "192.0.2.1").await.unwrap_err();
    assert!(told.starts_with("HTTP/1.1 429 ") && told.contains("rate_limited") && told.contains("\"retry_ms\""), "{told}");
    let _other = begun(&server, "192.0.2.2").await.unwrap();
    let told = begun(&server, "192.0.2.3").await.unwrap_err();
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("busy"), "{told}");
    assert!(ask(&mut one, "1\r\nx\r\n0\r\n\r\n").await.ends_with("\r\n\r\n1"));
    begun(&server, "192.0.2.3").await.unwrap();
}

#[tokio::test]
async fn bodies_are_counted_while_they_come() {
    let trusted = vec!["127.0.0.1".parse().unwrap()];
    let settings = Settings { receiving_bytes: 3200, receiving_bytes_per_address: 1500, trusted, ..Settings::default() };
    let server = uploads(settings);
    let body = |from: &str| post("/api/v1/echo", &format!("X-Forwarded-For: {from}\r\n"), &"x".repeat(1000));
    let mut held = Vec::new();
    for (addresses, from, status) in [(&["192.0.2.1", "192.0.2.2"][..], "192.0.2.1", 429), (&["192.0.2.3"][..], "192.0.2.4", 503)] {
        for address in addresses {
            let (whole, mut stream) = (body(address), server.connect().await);
            // All but the last byte.
            stream.write_all(&whole.as_bytes()[..whole.len() - 1]).await.unwrap();
            held.push(stream);
        }
        let deadline = Instant::now() + LONG;
        loop {
            let told = ask(&mut server.connect().await, &body(from)).await;
            if told.starts_with(&format!("HTTP/1.1 {status} ")) {
                break;
            }
            // Not all of what was sent need have come.
            assert!(Instant::now() < deadline, "{from}: {told}");
        }
    }
    for stream in &mut held {
        assert!(ask(stream, "x").await.ends_with("\r\n\r\n1000"));
    }
    assert!(ask(&mut server.connect().await, &body("192.0.2.1")).await.ends_with("\r\n\r\n1000"));
}
