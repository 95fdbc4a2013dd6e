//! HTTP and what a browser session is.
//!
//! [`server`] is the accept loop with its rules and caps, [`api`] one file per family of endpoints, [`session`] who is signed in and what they
//! have, [`body`] libpurple's HTML as spans, [`page`] the files of the built page, [`stats`] what is counted, [`wire`] what crosses.
#![forbid(unsafe_code)]

pub mod api;
pub mod body;
pub mod page;
pub mod server;
pub mod session;
pub mod stats;
pub mod wire;
