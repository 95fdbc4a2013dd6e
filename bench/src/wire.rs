//! Browsers, as many as wanted: each signs in as a guest, attaches, and keeps one poll open; every message is timed when its poll answers.

use crate::Outcome;
use crate::latency::{self, Latencies};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What all browsers saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) online: AtomicUsize,
    pub(crate) received: AtomicUsize,
    latencies: Mutex<Vec<std::time::Duration>>,
    pub(crate) failure: Mutex<Option<String>>,
}

impl Seen {
    /// The latencies since the last call.
    pub(crate) fn take(&self) -> Latencies {
        Latencies(std::mem::take(&mut *self.latencies.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Waits until the count is reached, at most five minutes.
    pub(crate) async fn wait(&self, count: &AtomicUsize, wanted: usize, what: &str) -> Outcome<()> {
        for _ in 0..30_000 {
            if count.load(Ordering::Relaxed) >= wanted {
                return Ok(());
            }
            if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(failure.into());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Err(format!("{what}: only {} of {wanted} in five minutes", count.load(Ordering::Relaxed)).into())
    }
}

struct Browser {
    http: SendRequest<Full<Bytes>>,
    host: String,
    cookie: Option<String>,
}

impl Browser {
    async fn connect(port: u16) -> Outcome<Self> {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (http, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { http, host: format!("127.0.0.1:{port}"), cookie: None })
    }

    async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Outcome<Value> {
        let mut request = hyper::Request::builder().method(method).uri(format!("/api/v1{path}")).header("Host", &self.host);
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let body = match body {
            Some(body) => {
                request = request.header("Content-Type", "application/json");
                serde_json::to_vec(&body)?
            }
            None => Vec::new(),
        };
        self.http.ready().await?;
        let response = self.http.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        if let Some(cookie) = response.headers().get("Set-Cookie") {
            self.cookie = cookie.to_str()?.split(';').next().map(str::to_owned);
        }
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }
}

/// One browser for ever, signed in with `network` (the `network` part of a log-in).
pub(crate) async fn browse(port: u16, network: Value, seen: Arc<Seen>) {
    if let Err(error) = stay(port, network, &seen).await {
        seen.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
    }
}

async fn stay(port: u16, network: Value, seen: &Seen) -> Outcome<()> {
    let mut browser = Browser::connect(port).await?;
    browser.ask("POST", "/login", Some(json!({ "network": network }))).await?;
    let state = browser.ask("POST", "/attach", Some(json!({ "client": "bench" }))).await?;
    let epoch = state.get("epoch").cloned().unwrap_or_default();
    let epoch = epoch.as_str().map_or_else(|| epoch.to_string(), str::to_owned);
    let mut after = state.get("seq").and_then(Value::as_u64).ok_or("no seq in the attach answer")?;
    let accounts = state.pointer("/snapshot/accounts").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut online = accounts.iter().any(|account| account.get("state").and_then(Value::as_str) == Some("online"));
    if online {
        seen.online.fetch_add(1, Ordering::Relaxed);
    }
    for n in 1u64.. {
        let answer = browser.ask("GET", &format!("/poll?client=bench&epoch={epoch}&after={after}&n={n}"), None).await?;
        if let Some(reset) = answer.get("reset") {
            return Err(format!("the log was reset: {reset}").into());
        }
        for event in answer.get("events").and_then(Value::as_array).into_iter().flatten() {
            after = event.get("seq").and_then(Value::as_u64).unwrap_or(after);
            match event.get("type").and_then(Value::as_str) {
                Some("message.received") => {
                    let text = event.pointer("/message/text").and_then(Value::as_str).unwrap_or_default();
                    seen.received.fetch_add(1, Ordering::Relaxed);
                    seen.latencies.lock().unwrap_or_else(PoisonError::into_inner).extend(latency::age(text));
                }
                Some("account.state") => match event.get("state").and_then(Value::as_str) {
                    Some("online") if !online => {
                        online = true;
                        seen.online.fetch_add(1, Ordering::Relaxed);
                    }
                    Some("error") => return Err(format!("an account failed: {event}").into()),
                    _ => {}
                },
                _ => {}
            }
        }
    }
    Ok(())
}
