//! The endpoints over HTTP: cookies, bodies, queries, headers and statuses; the rules behind them are tested with the sessions.

mod repeated;

use super::*;
use crate::session::tests::{Site, network, opened, said};
use crate::session::{Hub, SessionConfig};
use bridge::event::{EventKind, Media};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service;
use warp::http::StatusCode;

fn site() -> (Site, BoxedFilter<(Response,)>) {
    let site = Site::with(SessionConfig { hold_ms: 60, ..SessionConfig::default() });
    let routes = session_routes(&site.hub);
    (site, routes)
}

/// A request as it is put together.
struct Ask(warp::http::request::Builder, Bytes);

impl Ask {
    fn new(method: &str, path: &str) -> Self {
        Self(warp::http::Request::builder().method(method).uri(path), Bytes::new())
    }

    fn header(self, name: &str, value: impl AsRef<str>) -> Self {
        // Any bytes: browsers send what other applications set.
        Self(self.0.header(name, warp::http::HeaderValue::from_bytes(value.as_ref().as_bytes()).unwrap()), self.1)
    }

    fn body(self, body: impl Into<Bytes>) -> Self {
        Self(self.0, body.into())
    }

    fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    async fn reply(self, routes: &BoxedFilter<(Response,)>) -> warp::http::Response<Bytes> {
        let request = self.0.body(Full::new(self.1)).unwrap();
        let response = warp::service(routes.clone()).call(request).await.unwrap();
        let (head, body) = response.into_parts();
        warp::http::Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }
}

fn request(site: &Site, method: &str, path: &str) -> Ask {
    Ask::new(method, path).header("cookie", format!("other=1; {COOKIE}={}", site.login.token))
}

fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn without_a_session_everything_is_401() {
    let (site, routes) = site();
    for (method, path) in [
        ("GET", "/api/v1/poll?client=c&epoch=e&after=0"),
        ("GET", "/api/v1/stream?client=c&epoch=e&after=0"),
        ("GET", "/api/v1/probe"),
        ("POST", "/api/v1/attach"),
        ("POST", "/api/v1/commands"),
        ("POST", "/api/v1/detach"),
        ("GET", "/api/v1/history?conversation=c1"),
        ("GET", "/api/v1/media/abc"),
        ("POST", "/api/v1/uploads"),
    ] {
        for cookie in ["", "bellflower=", "bellflower=wrong", "x=y"] {
            let answer = Ask::new(method, path).header("cookie", cookie).reply(&routes).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(body(answer.body())["error"]["code"], "not_signed_in");
            assert_eq!(answer.headers()["cache-control"], "no-store");
        }
    }
    assert_eq!(site.hub.users(), 1);
}

#[tokio::test]
async fn the_cookie_is_found_among_odd_ones() {
    let (site, routes) = site();
    let token = &site.login.token;
    let other = Hub::open_guest(&site.hub, network(), bridge::id::PersonId(1)).unwrap();
    site.logout(&other.token);
    // The token loses the mark of a guest: a guest's browser would be told that the session ended.
    let stale = other.token.trim_start_matches("g.").to_owned();
    for lines in [
        vec![format!("utf=\u{fc}; {COOKIE}={token}")],
        vec![format!("{COOKIE}={token}; utf=\u{fc}\u{ff}; \u{1f600}")],
        vec![format!("{COOKIE}=\"{token}\"")],
        vec![format!("x; =y; ;; {COOKIE}; {COOKIE}=; {COOKIE}={stale};{COOKIE} = {token} ; z=\"a; b\"")],
        vec![format!("{COOKIE_TLS}={stale}; {COOKIE}={token}")],
        vec!["a=1".to_owned(), format!("b=2; {COOKIE}={token}"), "c=3".to_owned()],
        vec![format!("a=1, {COOKIE}={token}, c=3")],
        vec![format!("long={}; {COOKIE}={token}", "x".repeat(20_000))],
        vec![format!("not{COOKIE}={stale}; {COOKIE}x={stale}; {COOKIE}={token}")],
    ] {
        let ask = lines.iter().fold(Ask::new("GET", "/api/v1/history?conversation=c1"), |ask, line| ask.header("cookie", line));
        let answer = ask.reply(&routes).await;
        assert_eq!(answer.status(), 404, "signed in: {lines:?}");
        let out = lines.iter().fold(Ask::new("POST", "/api/v1/attach"), |ask, line| ask.header("cookie", line.replace(token, "nobody")));
        assert_eq!(body(out.json(&json!({ "client": "c" })).reply(&routes).await.body())["error"]["code"], "not_signed_in", "{lines:?}");
    }
    let latin = warp::http::HeaderValue::from_bytes(&[b"utf=\xfc; ", COOKIE.as_bytes(), b"=", token.as_bytes()].concat()).unwrap();
    let mut headers = warp::http::HeaderMap::new();
    headers.insert("cookie", latin);
    assert!(who(&site.hub, &headers).await.is_ok(), "a byte above 127 by itself");
    assert_eq!(super::token(&site.hub, &headers), Some(token.as_str()), "as for a log-out");
}

#[tokio::test]
async fn attach_poll_and_command() {
    let (site, routes) = site();
    let attached = request(&site, "POST", "/api/v1/attach").json(&json!({ "client": "c" })).reply(&routes).await;
    assert_eq!(attached.status(), 200);
    let attached = body(attached.body());
    assert_eq!((&attached["seq"], &attached["hold_ms"], &attached["user"]["guest"]), (&json!(0), &json!(60), &json!(true)));
    let epoch = attached["epoch"].as_str().unwrap();
    site.tell([opened(1), said(1, "hi")]);
    let poll = request(&site, "GET", &format!("/api/v1/poll?client=c&epoch={epoch}&after=0&n=1")).reply(&routes).await;
    assert_eq!(poll.headers()["cache-control"], "no-store, no-transform");
    assert_eq!(poll.headers()["x-accel-buffering"], "no");
    assert_eq!(poll.headers()["content-type"], "application/json");
    let typed: crate::wire::PollAnswer = serde_json::from_slice(poll.body()).unwrap();
    assert_eq!((typed.events.len(), typed.more, typed.end), (2, false, None));
    let hold = request(&site, "GET", &format!("/api/v1/poll?client=c&epoch={epoch}&after=2&n=2")).reply(&routes).await;
    assert_eq!(body(hold.body())["end"], "hold");
    let commands = json!({ "client": "c", "commands": [{ "id": "1", "type": "attention.send", "conversation": "c1" }, { "id": "2" }] });
    let answer = request(&site, "POST", "/api/v1/commands").json(&commands).reply(&routes).await;
    assert_eq!(answer.status(), 202);
    let answer: crate::wire::Commanded = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.accepted, answer.rejected.len()), (vec!["1".to_owned()], 1));
    let bye = request(&site, "POST", "/api/v1/detach").body(r#"{"client":"c"}"#).reply(&routes).await;
    assert_eq!(bye.status(), 204);
    let poll = request(&site, "GET", &format!("/api/v1/poll?client=c&epoch={epoch}&after=2")).reply(&routes).await;
    assert_eq!(body(poll.body())["reset"], "client");
}

#[tokio::test]
async fn queries_and_bodies_that_do_not_fit_name_the_field() {
    let (site, routes) = site();
    for (query, field) in [
        ("", "client"),
        ("?client=c", "epoch"),
        ("?client=c&epoch=e", "after"),
        ("?client=c&epoch=e&after=-1", "after"),
        ("?client=c&epoch=e&after=1&n=x", "n"),
    ] {
        let answer = request(&site, "GET", &format!("/api/v1/poll{query}")).reply(&routes).await;
        assert_eq!((answer.status().as_u16(), &body(answer.body())["error"]["field"]), (400, &json!(field)), "{query}");
    }
    let plain = request(&site, "POST", "/api/v1/attach").body("{}").reply(&routes).await;
    assert_eq!((plain.status().as_u16(), &body(plain.body())["error"]["code"]), (415, &json!("not_json")));
    let missing = request(&site, "POST", "/api/v1/attach").json(&json!({})).reply(&routes).await;
    assert_eq!((missing.status().as_u16(), &body(missing.body())["error"]["field"]), (400, &json!("client")));
    let broken =
        request(&site, "POST", "/api/v1/commands").header("content-type", "application/json; charset=utf-8").body("{").reply(&routes).await;
    assert_eq!((broken.status().as_u16(), &body(broken.body())["error"]["code"]), (400, &json!("bad_json")));
    let large = request(&site, "POST", "/api/v1/commands").json(&json!({ "client": "x".repeat(300 << 10) })).reply(&routes).await;
    assert_eq!((large.status().as_u16(), &body(large.body())["error"]["code"]), (413, &json!("too_large")));
    assert_eq!(request(&site, "PUT", "/api/v1/attach").reply(&routes).await.status(), 405);
    assert_eq!(request(&site, "GET", "/api/v1/nothing").reply(&routes).await.status(), 404);
}

#[tokio::test]
async fn pictures_are_served_harmlessly_and_to_nobody_else() {
    let (site, routes) = site();
    let media = |bytes: &[u8]| Media { hash: crate::session::hash(bytes), bytes: bytes.to_vec() };
    let (picture, other) = (media(b"\x89PNG\r\n\x1a\n"), media(b"<svg onload=alert(1)>"));
    site.tell([picture.clone(), other.clone()].map(EventKind::MediaStored));
    let (picture, other) = (picture.hash, other.hash);
    let answer = request(&site, "GET", &format!("/api/v1/media/{picture}")).reply(&routes).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"image/png".parse().unwrap()));
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    let answer = request(&site, "GET", &format!("/api/v1/media/{other}")).reply(&routes).await;
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert_eq!(answer.headers()["content-disposition"], "attachment");
    let stranger = Hub::open_guest(&site.hub, network(), bridge::id::PersonId(1)).unwrap();
    let answer = Ask::new("GET", &format!("/api/v1/media/{picture}")).header("cookie", format!("{COOKIE_TLS}={}", stranger.token));
    assert_eq!(answer.reply(&routes).await.status(), 404);
}

#[tokio::test]
async fn history_and_uploads() {
    let (site, routes) = site();
    site.tell([opened(1), said(1, "one"), said(1, "two")]);
    let answer = request(&site, "GET", "/api/v1/history?conversation=c1&limit=1").reply(&routes).await;
    let history: crate::wire::History = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((history.messages[0].text.as_str(), history.more), ("two", true));
    assert_eq!(body(request(&site, "GET", "/api/v1/history").reply(&routes).await.body())["error"]["field"], "conversation");
    let upload = request(&site, "POST", "/api/v1/uploads")
        .header("x-filename", "me.gif")
        .body(&b"GIF89a\x01\0\x01\0\0\0\0;"[..])
        .reply(&routes)
        .await;
    assert_eq!((upload.status().as_u16(), &body(upload.body())["type"]), (201, &json!("image/gif")));
    let large = request(&site, "POST", "/api/v1/uploads").body("x".repeat((1 << 20) + 1)).reply(&routes).await;
    assert_eq!(large.status(), 413);
    assert_eq!(request(&site, "POST", "/api/v1/uploads").reply(&routes).await.status(), 400);
}

#[test]
fn errors_become_http_in_one_place() {
    let response = ApiError::busy(1500).at("x").response();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"2".parse().unwrap()));
}

#[tokio::test]
async fn streams_and_probes() {
    let site = Site::with(SessionConfig { stream_ms: 60, ..SessionConfig::default() });
    let routes = session_routes(&site.hub);
    let attached = request(&site, "POST", "/api/v1/attach").json(&json!({ "client": "c" })).reply(&routes).await;
    let epoch = body(attached.body())["epoch"].as_str().unwrap().to_owned();
    site.tell([opened(1), said(1, "hi")]);
    let stream = request(&site, "GET", &format!("/api/v1/stream?client=c&epoch={epoch}&after=0&n=1")).reply(&routes).await;
    assert_eq!((stream.status().as_u16(), &stream.headers()["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    assert_eq!(stream.headers()["cache-control"], "no-store, no-transform");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let text = std::str::from_utf8(stream.body()).unwrap();
    assert!(text.contains(&format!("\nid: {epoch}:2\ndata: {{")) && text.ends_with("event: end\ndata: {\"end\":\"hold\"}\n\n"), "{text}");
    // An EventSource comes again to the address it has, and says in a header how far it is.
    let again =
        |last: String| request(&site, "GET", "/api/v1/stream?client=c&epoch=old&after=0").header("last-event-id", last).reply(&routes);
    let resumed = again(format!("{epoch}:1")).await;
    let text = std::str::from_utf8(resumed.body()).unwrap();
    assert!(text.contains(&format!("id: {epoch}:2\n")) && !text.contains(&format!("id: {epoch}:1\n")), "{text}");
    for wrong in ["", "1", "epoch:x", ":"] {
        let answer = again(wrong.to_owned()).await;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    let ahead = request(&site, "GET", &format!("/api/v1/stream?client=c&epoch={epoch}&after=9")).reply(&routes).await;
    assert_eq!((ahead.status().as_u16(), &body(ahead.body())["error"]["code"]), (400, &json!("bad_cursor")));
    let nameless = request(&site, "GET", "/api/v1/stream").reply(&routes).await;
    assert_eq!((nameless.status().as_u16(), &body(nameless.body())["error"]["field"]), (400, &json!("client")));
    assert_eq!(request(&site, "POST", "/api/v1/stream").reply(&routes).await.status(), 405);
    let began = std::time::Instant::now();
    let probe = request(&site, "GET", "/api/v1/probe").reply(&routes).await;
    assert_eq!((&**probe.body(), probe.headers()["content-type"].as_bytes()), (&b": 0\n: 300\n: 2000\n"[..], &b"text/event-stream"[..]));
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
}

#[tokio::test]
async fn a_user_has_few_uploads_on_their_way() {
    let (site, routes) = site();
    let most = SessionConfig::default().uploads_per_user;
    let never =
        || http_body_util::StreamBody::new(futures_util::stream::pending::<Result<hyper::body::Frame<Bytes>, std::convert::Infallible>>());
    let begin = || {
        let upload = request(&site, "POST", "/api/v1/uploads").0.body(never()).unwrap();
        Box::pin(warp::service(routes.clone()).call(upload))
    };
    let mut held: Vec<_> = (0..most).map(|_| begin()).collect();
    std::future::poll_fn(|cx| {
        assert!(held.iter_mut().all(|upload| upload.as_mut().poll(cx).is_pending()));
        std::task::Poll::Ready(())
    })
    .await;
    let more = tokio::time::timeout(std::time::Duration::from_secs(20), begin()).await.expect("one too many is taken").unwrap();
    assert_eq!(more.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(more.headers().contains_key("retry-after"));
    drop(held.pop());
    let upload = request(&site, "POST", "/api/v1/uploads").body("anything").reply(&routes).await;
    assert_eq!(upload.status(), StatusCode::CREATED);
}
