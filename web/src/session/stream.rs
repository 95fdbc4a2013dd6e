//! One stream: the same events as polls give, each part as soon as it is there, with signs of life between them (server-sent events, HTML
//! Standard 9.2). Dropping it at any point loses nothing: what it told is kept until the client says that it has it.

use super::arrive::{BUSY_ANSWERS, Ending, PollQuery};
use super::client::Follows;
use super::poll::GROUPING;
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::{End, Heartbeat, Reset, StreamEnd};
use bytes::Bytes;
use serde::Serialize;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

/// How much longer than a hold and a heartbeat a client that acknowledges may be silent, in milliseconds: what it gives a poll up after, too.
const SILENCE_MS: u64 = 10_000;
/// What an `EventSource` waits before it comes again, in milliseconds.
const RETRY_MS: u64 = 1000;
/// The same after what it does not understand, and would have the same answer to: another stream is the current one, or it has to attach.
const RETRY_IN_VAIN_MS: u64 = 30_000;

/// What a look at the session came to.
enum Step {
    Part(Bytes),
    /// There is something, but the client is busy: let more come.
    Group,
    /// Nothing yet.
    Park(oneshot::Receiver<()>),
    Over(Ending),
}

/// A stream that is being written.
pub struct Following {
    hub: Arc<Hub>,
    session: Arc<Session>,
    client: Box<str>,
    ticket: u64,
    /// Time of the next heartbeat.
    beat: Pin<Box<Sleep>>,
    until: Instant,
    at: At,
}

/// Where a stream is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Begin,
    Middle,
    /// Its last part is written.
    End,
    /// Before its first, since it cannot be continued.
    Refused(Ending),
}

impl Hub {
    /// Begins a stream.
    ///
    /// # Errors
    /// 400 `bad_cursor` for a cursor in the future.
    pub fn follow(self: &Arc<Self>, session: Arc<Session>, query: PollQuery) -> Result<Following, ApiError> {
        let arrived = self.arrive(&mut session.lock(), &self.env(), &session, &query, Follows::Stream)?;
        self.settle_idle(&session);
        self.counters().streams.one();
        // No stream that is one has the ticket 0.
        let (ticket, at) = arrived.map_or_else(|ending| (0, At::Refused(ending)), |ticket| (ticket, At::Begin));
        let now = Instant::now();
        let until = now + Duration::from_millis(self.config.stream_ms);
        Ok(Following { hub: Arc::clone(self), session, client: query.client.into(), ticket, beat: Box::pin(sleep_until(now)), until, at })
    }
}

impl Following {
    /// The next part, once it is there; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        let mut grouped = false;
        loop {
            match self.at {
                At::End => return None,
                At::Refused(ending) => return Some(self.end(ending)),
                At::Begin => {
                    self.at = At::Middle;
                    let mut part = format!("retry: {RETRY_MS}\n").into_bytes();
                    self.heartbeat(&mut part);
                    return Some(part.into());
                }
                At::Middle => {}
            }
            // Also while there is no pause in which it would ring.
            if self.beat.deadline() <= Instant::now() {
                if let Some(ending) = self.over() {
                    return Some(self.end(ending));
                }
                if Instant::now() >= self.until || self.is_silent() {
                    return Some(self.end(Ending::End(End::Hold)));
                }
                let mut part = Vec::new();
                self.heartbeat(&mut part);
                return Some(part.into());
            }
            match self.look(grouped) {
                Step::Part(part) => return Some(part),
                Step::Over(ending) => return Some(self.end(ending)),
                Step::Group => {
                    tokio::time::sleep(GROUPING).await;
                    grouped = true;
                }
                Step::Park(woken) => {
                    grouped = false;
                    tokio::select! {
                        biased;
                        _ = woken => {}
                        () = self.beat.as_mut() => {}
                    }
                }
            }
        }
    }

    /// Whether the client acknowledges, and has not been heard of for so long that it must be gone.
    fn is_silent(&self) -> bool {
        let now = self.hub.env().now;
        let mut state = self.session.lock();
        let limit = self.hub.config.hold_ms + self.hub.config.heartbeat_ms + SILENCE_MS;
        state.client(&self.client).is_some_and(|client| client.follows == Follows::Acknowledged && client.last_contact + limit <= now)
    }

    /// Why it is over, if it is.
    fn over(&self) -> Option<Ending> {
        self.hub.is_over(&mut self.session.lock(), &self.client, self.ticket)
    }

    /// Writes a sign of life, and sets the time for the next.
    fn heartbeat(&mut self, part: &mut Vec<u8>) {
        let seq = self.session.lock().log.last();
        block(part, "heartbeat", &Heartbeat { seq });
        self.hub.counters().heartbeats.one();
        let next = Instant::now() + Duration::from_millis(self.hub.config.heartbeat_ms);
        self.beat.as_mut().reset(next.min(self.until));
    }

    /// The last part.
    fn end(&mut self, ending: Ending) -> Bytes {
        self.at = At::End;
        let mut part = Vec::new();
        let retry_ms = match ending {
            Ending::Restart { retry_ms } => Some(retry_ms),
            Ending::End(End::Superseded) | Ending::Reset(_) => Some(RETRY_IN_VAIN_MS),
            Ending::End(_) => None,
        };
        if let Some(ms) = retry_ms {
            // For an `EventSource`, which does not read the rest.
            part = format!("retry: {ms}\n").into_bytes();
        }
        let name = if matches!(ending, Ending::Reset(_)) { "reset" } else { "end" };
        block(&mut part, name, &StreamEnd::from(ending));
        part.into()
    }

    /// What there is for it now.
    fn look(&self, grouped: bool) -> Step {
        let hub = &self.hub;
        let now = hub.env().now;
        let config = &hub.config;
        let mut state = self.session.lock();
        let state = &mut *state;
        if let Some(ending) = hub.is_over(state, &self.client, self.ticket) {
            return Step::Over(ending);
        }
        let Some(client) = state.clients.iter_mut().find(|known| known.id == self.client) else {
            return Step::Over(Ending::Reset(Reset::Client));
        };
        let cursor = client.cursor();
        if !state.log.has_after(cursor) {
            let (waker, woken) = oneshot::channel();
            client.waiter = Some(waker);
            return Step::Park(woken);
        }
        let (events, more) = state.log.each_after(cursor, config.answer_events, config.answer_bytes);
        if !grouped && !more && client.is_busy(now, BUSY_ANSWERS) {
            return Step::Group;
        }
        client.waiter = None;
        client.answered(now, BUSY_ANSWERS);
        let mut part = Vec::with_capacity(512);
        let mut count = 0;
        for (seq, event) in events {
            client.given = seq;
            count += 1;
            // Writing to a Vec cannot fail. An event has no line ends: it is JSON in one line.
            let _ = write!(part, "id: {}:{seq}\ndata: ", self.session.epoch);
            part.extend_from_slice(event);
            part.extend_from_slice(b"\n\n");
        }
        hub.counters().stream_parts.one();
        hub.counters().spreads.answer_events.note(count);
        hub.counters().stream_bytes.add(part.len() as u64);
        Step::Part(part.into())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let now = self.hub.env().now;
        if let Some(client) = self.session.lock().client(&self.client) {
            client.stream_is_over(self.ticket, now);
        }
        self.hub.counters().streams_ended.one();
    }
}

/// Writes a block that is no event of the log.
fn block(part: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    // Neither writing to a Vec nor these few numbers and names can fail.
    let data = serde_json::to_string(data).unwrap_or_default();
    let _ = write!(part, "event: {name}\ndata: {data}\n\n");
}
