//! What a browser session is: who is signed in, their state and log, their tabs; knows no HTTP.
//!
//! [`Hub`] holds the sessions and feeds them from the bridge; a [`Session`] is one user. One lock per session, never held across an await.

mod account;
mod apply;
mod apply_room;
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
mod guest;
mod hub;
mod kept;
mod lifecycle;
mod local;
mod log;
mod lost;
mod media;
mod members;
mod packed;
mod perform;
mod poll;
mod price;
mod questions;
mod state;
mod stream;
mod token;
mod translate;

pub use account::Network;
pub use arrive::PollQuery;
pub use clock::{Clock, SystemClock};
pub use config::SessionConfig;
pub use counters::{Counter, Counters};
pub use guest::Login;
pub use hub::Hub;
#[cfg(test)]
pub(crate) use media::hash;
pub use media::{Blob, sniff};
pub use poll::Polled;
pub use state::Session;
pub use stream::Following;
pub(crate) use token::TokenHash;

#[cfg(test)]
pub(crate) mod tests;
