//! What polls and streams have in common: who may follow the log from where, which of a client's is the current one, and how each can end.

use super::client::Follows;
use super::state::{Env, State};
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::{End, Reset, StreamEnd};
use serde::Deserialize;

/// More answers than this within a second make a client busy.
pub(super) const BUSY_ANSWERS: usize = 20;

/// The query of a poll or a stream.
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

/// The ways to end without events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    End(End),
    Restart { retry_ms: u64 },
    Reset(Reset),
}

impl From<Ending> for StreamEnd {
    fn from(ending: Ending) -> Self {
        let (end, retry_ms, reset) = match ending {
            Ending::End(end) => (Some(end), None, None),
            Ending::Restart { retry_ms } => (Some(End::Restart), Some(retry_ms), None),
            Ending::Reset(reset) => (None, None, Some(reset)),
        };
        Self { end, retry_ms, reset }
    }
}

impl Hub {
    /// Takes a poll or a stream in: the checks, the acknowledgement, and its place as the client's current one, of which it gives the ticket.
    ///
    /// # Errors
    /// 400 `bad_cursor` for a cursor in the future, 429 `rate_limited`.
    pub(super) fn arrive(
        &self,
        state: &mut State,
        env: &Env<'_>,
        session: &Session,
        query: &PollQuery,
        follows: Follows,
    ) -> Result<Result<u64, Ending>, ApiError> {
        let counters = self.counters();
        let reset = |reset: Reset, counter: &super::Counter| {
            counter.one();
            Ok(Err(Ending::Reset(reset)))
        };
        if let Some(end) = state.ended {
            return Ok(Err(Ending::End(end)));
        }
        state.asks(env, 0)?;
        if query.epoch != *session.epoch {
            return reset(Reset::Epoch, &counters.resets_epoch);
        }
        let last = state.log.last();
        let Some(client) = state.client(&query.client) else {
            return reset(Reset::Client, &counters.resets_client);
        };
        if query.after > last {
            return Err(bad_cursor());
        }
        if let (Some(n), Some(highest)) = (query.n, client.n)
            && n < highest
        {
            counters.polls_superseded.one();
            return Ok(Err(Ending::End(End::Superseded)));
        }
        client.n = query.n.or(client.n);
        client.last_contact = env.now;
        let (ticket, cursor) = (client.takes_its_turn(follows, query.after), client.cursor());
        if let Some(at) = state.here(env) {
            self.look_at(session, state, at);
        }
        if !state.log.reaches_back_to(cursor) {
            return reset(Reset::Gap, &counters.resets_gap);
        }
        state.bound_log(env);
        Ok(Ok(ticket))
    }

    /// Why what a client follows the log by is over, if it is.
    pub(super) fn is_over(&self, state: &mut State, client: &str, ticket: u64) -> Option<Ending> {
        if let Some(end) = state.ended {
            return Some(Ending::End(end));
        }
        let Some(known) = state.client(client) else { return Some(Ending::Reset(Reset::Client)) };
        if known.ended {
            return Some(Ending::End(End::Auth));
        }
        if known.ticket != ticket {
            self.counters().polls_superseded.one();
            return Some(Ending::End(End::Superseded));
        }
        let cursor = known.cursor();
        if !state.log.reaches_back_to(cursor) {
            self.counters().resets_gap.one();
            return Some(Ending::Reset(Reset::Gap));
        }
        self.restart().map(|retry_ms| Ending::Restart { retry_ms })
    }

    /// An acknowledgement that came apart from polls. One of another log says nothing.
    ///
    /// # Errors
    /// 400 `bad_cursor` for a cursor in the future.
    pub(super) fn acknowledge(
        &self,
        state: &mut State,
        env: &Env<'_>,
        session: &Session,
        client: &str,
        epoch: &str,
        after: u64,
    ) -> Result<(), ApiError> {
        if epoch != &*session.epoch {
            return Ok(());
        }
        if after > state.log.last() {
            return Err(bad_cursor());
        }
        let Some(client) = state.client(client) else { return Ok(()) };
        client.acknowledges(after, env.now);
        if let Some(at) = state.here(env) {
            self.look_at(session, state, at);
        }
        state.bound_log(env);
        self.counters().acknowledgements.one();
        Ok(())
    }
}

fn bad_cursor() -> ApiError {
    ApiError::bad_request("bad_cursor", "There is no such event yet.").at("after")
}
