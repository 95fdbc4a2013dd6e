//! What crosses between browser and daemon, as types: names fixed by the published schema; no behaviour, no I/O.
//!
//! Things that the bridge has in the same shape are reused from [`bridge::model`]; the rest is here.

mod answer;
mod codes;
mod command;
mod command_bounds;
mod command_fields;
mod discover;
mod event;
mod front;
mod me;
mod shape;

pub use answer::{
    Attached, CommandFate, CommandState, Commanded, Commands, Detach, End, ErrorBody, Heartbeat, History, PollAnswer, Refused, Reset,
    SearchAnswer, StreamEnd, Uploaded,
};
pub use codes::ERROR_CODES;
pub use command::{Command, CommandHead};
pub(crate) use command::{ID_BYTES, fields as read_fields};
pub use command_fields::*;
pub use discover::{DiscoverFailure, Discovered, DiscoveredRoom, RoomMatch};
pub use event::{Event, EventBody};
pub use front::{Health, LoggedIn, LoginRequest, Offered, RegisterRequest, Registration, SignIn, Site};
pub use me::{Confirmed, Me, MeLimits, PasswordChange, RecoverRequest, RecoveryCode, Registered, SignOut, SignedIn};
pub use shape::{
    Bookmark, Conversation, Gap, GapWhy, Group, Hit, Message, MessageState, Notice, Profile, ProfileEntry, SavedSearch, Snapshot, Span,
    User,
};

#[cfg(test)]
mod tests;
