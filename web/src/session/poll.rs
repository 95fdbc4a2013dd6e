//! One poll: answered at once, or parked until there is something, the hold is over, or a newer one comes. Holds no state of its own:
//! dropping its future at any point loses nothing, since cursors move only when a client says how far it is.

use super::state::{Env, State};
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::{End, Reset};
use bytes::Bytes;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a busy client's answer waits for company.
const GROUPING: Duration = Duration::from_millis(15);
/// More answers than this within a second make a client busy.
const BUSY_ANSWERS: usize = 20;

/// The query of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PollQuery {
    /// The client.
    pub client: String,
    /// Which log it follows.
    pub epoch: String,
    /// The last event it has processed.
    pub after: u64,
    /// Counts up per client.
    #[serde(default)]
    pub n: Option<u64>,
}

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

/// Takes its part out of the ways an answer can end.
enum Ending {
    End(End, Option<u64>),
    Reset(Reset),
}

fn ending(session: &Session, ending: &Ending) -> Polled {
    let tail = match ending {
        Ending::End(end, None) => serde_json::json!({ "end": end }),
        Ending::End(end, Some(retry_ms)) => serde_json::json!({ "end": end, "retry_ms": retry_ms }),
        Ending::Reset(reset) => serde_json::json!({ "reset": reset }),
    };
    // The tail is a JSON object; what stands in front of it takes its opening brace's place.
    let tail = tail.to_string();
    let body = format!(r#"{{"epoch":"{}","events":[],"more":false,{}"#, session.epoch, tail.get(1..).unwrap_or("}"));
    Polled(Bytes::from(body.into_bytes()))
}

impl Hub {
    /// Answers a poll: with events, or when the hold is over, or when it is superseded, or at once when it cannot be continued.
    ///
    /// # Errors
    /// 400 `bad_cursor` for a cursor in the future.
    pub async fn poll(&self, session: &Session, query: &PollQuery) -> Result<Polled, ApiError> {
        self.counters().polls.one();
        let (mut step, ticket) = self.arrive(session, query)?;
        // A client that was gone or idle is here again.
        self.settle_idle(session);
        let hold = tokio::time::sleep(Duration::from_millis(self.config.hold_ms));
        tokio::pin!(hold);
        let mut parked = false;
        loop {
            step = match step {
                Step::Answer(answer) => return Ok(answer),
                Step::Group => {
                    tokio::time::sleep(GROUPING).await;
                    self.look(session, &query.client, ticket, true, false)
                }
                Step::Park(woken) => {
                    if !parked {
                        parked = true;
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

    /// Takes a poll in: the checks, the acknowledgement, and its place as the client's current one.
    pub(super) fn arrive(&self, session: &Session, query: &PollQuery) -> Result<(Step, u64), ApiError> {
        let env = self.env();
        let counters = self.counters();
        let reset = |reset: Reset, counter: &super::Counter| {
            counter.one();
            Ok((Step::Answer(ending(session, &Ending::Reset(reset))), 0))
        };
        let mut state = session.lock();
        if let Some(end) = state.ended {
            return Ok((Step::Answer(ending(session, &Ending::End(end, None))), 0));
        }
        if query.epoch != *session.epoch {
            return reset(Reset::Epoch, &counters.resets_epoch);
        }
        let last = state.log.last();
        let Some(client) = state.client(&query.client) else {
            return reset(Reset::Client, &counters.resets_client);
        };
        if query.after > last {
            return Err(ApiError::bad_request("bad_cursor", "There is no such event yet.").at("after"));
        }
        if let (Some(n), Some(highest)) = (query.n, client.n)
            && n < highest
        {
            counters.polls_superseded.one();
            return Ok((Step::Answer(ending(session, &Ending::End(End::Superseded, None))), 0));
        }
        client.n = query.n.or(client.n);
        client.acked = client.acked.max(query.after);
        client.last_contact = env.now;
        client.ticket += 1;
        let (ticket, acked) = (client.ticket, client.acked);
        // The one before sees that it is not the current one any more.
        client.wake();
        state.here(&env);
        if !state.log.reaches_back_to(acked) {
            return reset(Reset::Gap, &counters.resets_gap);
        }
        state.bound_log(&env);
        Ok((self.next(&mut state, &env, session, &query.client, false, false), ticket))
    }

    /// Looks again: something woke the poll, or its time is up.
    fn look(&self, session: &Session, client: &str, ticket: u64, grouped: bool, over: bool) -> Step {
        let env = self.env();
        let mut state = session.lock();
        if let Some(end) = state.ended {
            return Step::Answer(ending(session, &Ending::End(end, None)));
        }
        match state.client(client) {
            None => return Step::Answer(ending(session, &Ending::Reset(Reset::Client))),
            Some(known) if known.ticket != ticket => {
                self.counters().polls_superseded.one();
                return Step::Answer(ending(session, &Ending::End(End::Superseded, None)));
            }
            Some(known) => {
                let acked = known.acked;
                if !state.log.reaches_back_to(acked) {
                    self.counters().resets_gap.one();
                    return Step::Answer(ending(session, &Ending::Reset(Reset::Gap)));
                }
            }
        }
        self.next(&mut state, &env, session, client, grouped, over)
    }

    /// What the current poll of a client gets now.
    fn next(&self, state: &mut State, env: &Env<'_>, session: &Session, client: &str, grouped: bool, over: bool) -> Step {
        if let Some(retry_ms) = self.restart() {
            return Step::Answer(ending(session, &Ending::End(End::Restart, Some(retry_ms))));
        }
        let config = &self.config;
        let log = &state.log;
        let Some(client) = state.clients.iter_mut().find(|known| &*known.id == client) else {
            return Step::Answer(ending(session, &Ending::Reset(Reset::Client)));
        };
        if !log.has_after(client.acked) {
            if over {
                client.waiter = None;
                self.counters().answers_empty.one();
                return Step::Answer(ending(session, &Ending::End(End::Hold, None)));
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
        self.counters().answer_bytes.add(body.len() as u64);
        Step::Answer(Polled(body.into()))
    }
}
