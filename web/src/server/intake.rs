//! Reads the bodies of requests, within time and room: whole ones for JSON, streamed ones for uploads. Knows no route and no user.

use super::Settings;
use super::peer::Address;
use super::seats::{Full, Seat, Seats};
use crate::api::ApiError;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A body this much too large is still read to its end, so that its sender sees the answer instead of a broken connection.
const OVERSHOOT: u64 = 1024 * 1024;
/// Bytes a second that an upload brings at least, on the whole, once its first pause could be over.
const LEAST_RATE: u64 = 4096;
/// Bytes a second by which the time for a large file is reckoned.
const FILE_RATE: u64 = 64 << 10;

/// What bodies that are on their way hold.
pub(super) struct Intake {
    uploads: Arc<Seats<Address>>,
    bytes: Arc<Seats<Address>>,
}

impl Intake {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            uploads: Seats::new(settings.uploads, settings.uploads_per_address),
            bytes: Seats::new(settings.receiving_bytes, settings.receiving_bytes_per_address),
        }
    }

    /// Other caps.
    pub(super) fn set(&self, settings: &Settings) {
        self.uploads.set(settings.uploads, settings.uploads_per_address);
        self.bytes.set(settings.receiving_bytes, settings.receiving_bytes_per_address);
    }

    /// An upload of somebody at `from`, if there is room for one more; `None` is not counted by itself.
    /// A file to be sent, which may be large, gets time for what it announces.
    pub(super) fn upload(&self, body: Incoming, settings: &Settings, from: Option<Address>, is_file: bool) -> Result<Streamed, ApiError> {
        let seat = self.uploads.take(from).map_err(|full| refusal(full, "uploads"))?;
        let now = Instant::now();
        let announced = if is_file { body.size_hint().exact().unwrap_or(0) } else { 0 };
        let more = Duration::from_secs(announced / FILE_RATE);
        Ok(Streamed {
            body,
            timer: None,
            pause: settings.body,
            end: settings.upload.map(|span| now + span + more),
            begun: now,
            taken: 0,
            _seat: seat,
        })
    }

    /// Reads a body whole.
    pub(super) async fn collect(&self, body: Incoming, settings: &Settings, from: Option<Address>, eager: bool) -> Result<Bytes, ApiError> {
        let reading = collect(body, settings.body_bytes, self.bytes.none(from), eager);
        match settings.body {
            None => reading.await,
            Some(limit) => tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "The body of the request did not come in time."))
            }),
        }
    }
}

/// What somebody is told for whose body there is no room.
fn refusal(full: Full, what: &str) -> ApiError {
    match full {
        Full::Site => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            format!("Too many {what} are on their way to this server. Please try again in a moment."),
        ),
        Full::Address => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("Too many {what} are on their way from your address. Please wait for them to end."),
        ),
    }
    .retry_in(2_000)
}

async fn collect(mut body: Incoming, most: usize, mut room: Seat<Address>, eager: bool) -> Result<Bytes, ApiError> {
    let too_large =
        || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("That is too large: at most {most} bytes are taken."));
    let announced = body.size_hint().lower();
    let most = if most == 0 { u64::MAX } else { most as u64 };
    if announced > most && !(eager && announced <= most.saturating_add(OVERSHOOT)) {
        return Err(too_large());
    }
    let (mut bytes, mut length) = (BytesMut::new(), 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_request("bad_body", "The request broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len() as u64;
        if length <= most {
            room.more(data.len()).map_err(|full| refusal(full, "requests"))?;
            bytes.extend_from_slice(&data);
        } else if length > most.saturating_add(OVERSHOOT) {
            break;
        }
    }
    if length > most { Err(too_large()) } else { Ok(bytes.freeze()) }
}

/// The upload was given up.
#[derive(Debug)]
pub(crate) struct TooSlow;

impl std::fmt::Display for TooSlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the upload came too slowly")
    }
}

impl std::error::Error for TooSlow {}

/// An upload's body: no pause longer than the limit, a least rate, and an end to it.
pub(super) struct Streamed {
    body: Incoming,
    timer: Option<Pin<Box<Sleep>>>,
    pause: Option<Duration>,
    end: Option<Instant>,
    begun: Instant,
    taken: u64,
    _seat: Seat<Address>,
}

impl Streamed {
    /// When the next bytes have to be there.
    fn due(&self) -> Option<Instant> {
        let rated = |pause| self.begun + pause + Duration::from_secs_f64(self.taken as f64 / LEAST_RATE as f64);
        let paused = self.pause.map(|pause| (Instant::now() + pause).min(rated(pause)));
        paused.into_iter().chain(self.end).min()
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.timer = None;
            this.taken += frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, |data| data.len() as u64);
            // Bytes that are always there in time, and never the last.
            if frame.is_some() && this.end.is_some_and(|end| Instant::now() > end) {
                return Poll::Ready(Some(Err(TooSlow.into())));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if this.timer.is_none() {
            this.timer = this.due().map(|due| Box::pin(tokio::time::sleep_until(due)));
        }
        match &mut this.timer {
            Some(timer) => timer.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into()))),
            None => Poll::Pending,
        }
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
