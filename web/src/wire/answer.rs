//! What the endpoints of a session take and answer: attach, poll, commands, history, uploads, errors; data only.

use super::{Event, Gap, Hit, Message, Snapshot, User};
use bridge::error::CommandError;
use bridge::event::Outcome;
use bridge::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why something was not done; `code` is for programs, `message` for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// One of [`super::ERROR_CODES`].
    #[schemars(schema_with = "super::codes::schema")]
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The field at fault, as `options.port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When to try again, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

impl From<CommandError> for ErrorBody {
    fn from(error: CommandError) -> Self {
        Self { code: error.code, message: error.message, field: error.field, retry_ms: None }
    }
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Accepted; its outcome will come as an event.
    Running,
    /// It went well.
    Done,
    /// It did not.
    Failed,
}

/// What became of a command of this client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandFate {
    /// The client's id of it.
    pub id: String,
    /// How far it is.
    pub state: CommandState,
    /// For `done`, when it gives something back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// For `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Answer of `POST /attach`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attached {
    /// Who is signed in.
    pub user: User,
    /// The server's time of day: a browser's own may be wrong.
    pub time: Timestamp,
    /// Which log the sequence numbers belong to.
    pub epoch: String,
    /// The snapshot contains everything up to this event.
    pub seq: u64,
    /// How long a poll is held at most.
    pub hold_ms: u64,
    /// How often a stream gives a sign of life.
    pub heartbeat_ms: u64,
    /// Time without a poll after which the user counts as gone.
    pub grace_ms: u64,
    /// How long a silent client may come back without attaching anew.
    pub resume_ms: u64,
    /// This client's own commands, oldest first.
    pub commands: Vec<CommandFate>,
    /// Everything.
    pub snapshot: Snapshot,
}

/// Why a poll ended without events, or a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The time is up; come again.
    Hold,
    /// There is a newer poll or stream of this client.
    Superseded,
    /// The daemon restarts; come back after `retry_ms`.
    Restart,
    /// Signed out.
    Auth,
}

/// Why a poll or stream cannot be continued: attach again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// The log no longer reaches back to `after`.
    Gap,
    /// Another log.
    Epoch,
    /// The client is not known.
    Client,
}

/// Answer of `GET /poll`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PollAnswer {
    /// Which log.
    pub epoch: String,
    /// In order.
    pub events: Vec<Event>,
    /// There is more at once.
    pub more: bool,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// For `restart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
    /// Attach again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
}

/// Body of `POST /commands`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Commands {
    /// The client.
    pub client: String,
    /// At most 100, each `{"id", "type", …}`; may be none beside an acknowledgement.
    pub commands: Vec<Value>,
    /// The log that `after` belongs to; that of another log says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The last event processed, as with a poll: how a client that follows a stream acknowledges. Needs `epoch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// `event: heartbeat` of a stream: it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// The last event there is. It may still be to come on the stream: not to be acknowledged for that.
    pub seq: u64,
}

/// The last thing on a stream: `event: end`, or `event: reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamEnd {
    /// Why it ends; `hold` is the end of its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// For `restart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
    /// Attach again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
}

/// A command that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The client's id of it.
    pub id: String,
    /// Why.
    pub error: ErrorBody,
}

/// Answer of `POST /commands`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commanded {
    /// Ids taken.
    pub accepted: Vec<String>,
    /// Those not taken.
    pub rejected: Vec<Refused>,
    /// With 503: nothing was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Body of `POST /attach` and `POST /detach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detach {
    /// Random id of the tab or browser: 1 to 64 of `A-Z a-z 0-9 - _`.
    pub client: String,
}

/// Answer of `GET /history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Newest last.
    pub messages: Vec<Message>,
    /// There are older ones; with `after`, newer ones.
    pub more: bool,
    /// With `around`: there are newer ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_after: Option<bool>,
    /// Gaps among and beside these messages, oldest first.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// Answer of `GET /search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchAnswer {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// Whether there may be older hits. True with few hits, or none, where many messages had to be looked at.
    pub more: bool,
    /// With `more`: the `before` of the next page, a message id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Messages from before the site had this index are still being put into it: older hits may be missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// Answer of `POST /uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uploaded {
    /// To be given in a command.
    pub upload: String,
    /// Bytes.
    pub size: u64,
    /// Content type, found out from the bytes.
    #[serde(rename = "type")]
    pub kind: String,
}
