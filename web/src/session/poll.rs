//! One poll: answered at once, or parked until there is something, the hold is over, or a newer one comes. Holds no state of its own:
//! dropping its future at any point loses nothing, since cursors move only when a client says how far it is.

use super::arrive::{BUSY_ANSWERS, Ending, PollQuery};
use super::client::Follows;
use super::state::{Env, State};
use super::{Hub, Session, price};
use crate::api::ApiError;
use crate::wire::{End, Reset, StreamEnd};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a busy client's answer waits for company.
pub(super) const GROUPING: Duration = Duration::from_millis(15);

/// The body of an answer, JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled(pub Bytes);

/// What a look at the session came to.
pub(super) enum Step {
    Answer(Polled),
    /// There is something, but the client is busy: let more come.
    Group,
    /// Nothing yet.
    Park(oneshot::Receiver<()>),
}

fn ended(session: &Session, ending: Ending) -> Step {
    // A JSON object; what stands in front of it takes its opening brace's place.
    let tail = serde_json::json!(StreamEnd::from(ending)).to_string();
    let body = format!(r#"{{"epoch":"{}","events":[],"more":false,{}"#, session.epoch, tail.get(1..).unwrap_or("}"));
    Step::Answer(Polled(Bytes::from(body.into_bytes())))
}

impl Hub {
    /// Answers a poll: with events, or when the hold is over, or when it is superseded, or at once when it cannot be continued.
    ///
    /// # Errors
    /// 400 `bad_cursor` for a cursor in the future.
    pub async fn poll(&self, session: &Session, query: &PollQuery) -> Result<Polled, ApiError> {
        self.counters().polls.one();
        let (mut step, ticket) = self.take_poll(session, query)?;
        // A client that was gone or idle is here again.
        self.settle_idle(session);
        let hold = tokio::time::sleep(Duration::from_millis(self.config.hold_ms));
        tokio::pin!(hold);
        let mut parked = None;
        loop {
            step = match step {
                Step::Answer(answer) => {
                    let held = parked.map_or(Duration::ZERO, |since: tokio::time::Instant| since.elapsed());
                    self.counters().spreads.poll_hold.note_time(held);
                    return Ok(answer);
                }
                Step::Group => {
                    tokio::time::sleep(GROUPING).await;
                    self.look(session, &query.client, ticket, true, false)
                }
                Step::Park(woken) => {
                    if parked.is_none() {
                        parked = Some(tokio::time::Instant::now());
                        self.counters().polls_parked.one();
                    }
                    tokio::select! {
                        biased;
                        _ = woken => self.look(session, &query.client, ticket, false, false),
                        () = &mut hold => self.look(session, &query.client, ticket, true, true),
                    }
                }
            };
        }
    }

    /// Takes a poll in, and gives what it gets now and its ticket.
    pub(super) fn take_poll(&self, session: &Session, query: &PollQuery) -> Result<(Step, u64), ApiError> {
        let env = self.env();
        let mut state = session.lock();
        Ok(match self.arrive(&mut state, &env, session, query, Follows::Polls)? {
            Ok(ticket) => (self.next(&mut state, &env, session, &query.client, ticket, false, false), ticket),
            Err(ending) => (ended(session, ending), 0),
        })
    }

    /// Looks again: something woke the poll, or its time is up.
    fn look(&self, session: &Session, client: &str, ticket: u64, grouped: bool, over: bool) -> Step {
        self.next(&mut session.lock(), &self.env(), session, client, ticket, grouped, over)
    }

    /// What the poll with this ticket gets now.
    #[allow(clippy::too_many_arguments)] // all of one poll, known to its only callers
    fn next(&self, state: &mut State, env: &Env<'_>, session: &Session, client: &str, ticket: u64, grouped: bool, over: bool) -> Step {
        if let Some(ending) = self.is_over(state, client, ticket) {
            return ended(session, ending);
        }
        let config = &self.config;
        let log = &state.log;
        let Some(client) = state.clients.iter_mut().find(|known| &*known.id == client) else {
            return ended(session, Ending::Reset(Reset::Client));
        };
        if !log.has_after(client.acked) {
            if over {
                client.waiter = None;
                self.counters().answers_empty.one();
                return ended(session, Ending::End(End::Hold));
            }
            let (waker, woken) = oneshot::channel();
            client.waiter = Some(waker);
            return Step::Park(woken);
        }
        let slice = log.after(client.acked, config.answer_events, config.answer_bytes);
        if !grouped && !slice.more && client.is_busy(env.now, BUSY_ANSWERS) {
            return Step::Group;
        }
        client.waiter = None;
        client.answered(env.now, BUSY_ANSWERS);
        let mut body = Vec::with_capacity(slice.json.len() + 64);
        body.extend_from_slice(br#"{"epoch":""#);
        body.extend_from_slice(session.epoch.as_bytes());
        body.extend_from_slice(br#"","events":["#);
        body.extend_from_slice(&slice.json);
        body.extend_from_slice(if slice.more { br#"],"more":true}"# } else { br#"],"more":false}"# });
        self.counters().answers.one();
        self.counters().spreads.answer_events.note(slice.count as u64);
        self.counters().answer_bytes.add(body.len() as u64);
        state.asked.charge(price::of_bytes(body.len()));
        Step::Answer(Polled(body.into()))
    }
}
