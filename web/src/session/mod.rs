//! What a browser session is: who is signed in, their state and log, their tabs; knows no HTTP.
//!
//! [`Hub`] holds the sessions and feeds them from the bridge; a [`Session`] is one user. One lock per session, never held across an await.

mod account;
mod again;
mod apply;
mod apply_room;
mod arrange;
mod arrive;
mod attach;
mod bounds;
mod browse;
mod client;
mod clock;
mod config;
mod conversation;
mod counters;
mod crowd;
mod door;
mod ends;
mod export;
mod failures;
mod gaps;
mod guesses;
mod guest;
mod highlight;
mod hub;
mod keep;
mod kept;
mod lifecycle;
mod local;
mod log;
mod lost;
mod me;
mod media;
mod members;
mod memory;
mod outbox;
mod owed;
mod packed;
mod people;
mod perform;
mod pictures;
mod poll;
mod price;
mod protocols;
mod questions;
mod replay;
mod resume;
mod retention;
mod sealing;
mod staging;
mod state;
mod stored;
mod stream;
pub(crate) mod token;
mod transfers;
mod translate;
mod whole;

pub use account::Network;
pub use arrive::PollQuery;
pub use clock::{Clock, SystemClock};
pub use config::SessionConfig;
pub(crate) use conversation::message_number;
pub use counters::{Counter, Counters};
pub use export::{Export, Form};
pub use guesses::Marks;
pub use guest::Login;
pub use hub::Hub;
pub use me::{By, Which};
#[cfg(test)]
pub(crate) use media::hash;
pub use media::{Blob, sniff};
pub use memory::{Memory, MemoryConfig};
pub use people::{Entered, Origin as ComesFrom};
pub use poll::Polled;
pub use protocols::Closed;
pub use staging::StagingLimits;
pub use state::Session;
pub use stream::Following;
pub use token::TokenHash;
pub use token::hash as hash_of_token;
pub use transfers::{Broken, Fetch};

#[cfg(test)]
pub(crate) mod tests;
