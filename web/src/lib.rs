//! HTTP and what a browser session is.
//!
//! [`server`] is the accept loop with its rules and caps, [`api`] one file per family of endpoints, [`session`] who is signed in and what they
//! have, [`body`] libpurple's HTML as spans, [`page`] the files of the built page, [`picture`] what kind a picture is and what goes out of it, [`stats`] what is counted, [`store`] what outlives the daemon, [`search`] what is searched for, [`secret`] keys and what they seal, [`wire`] what crosses, [`pace`] how often
//! the log is told what visitors can cause.
#![forbid(unsafe_code)]

pub mod api;
pub mod body;
pub mod pace;
pub mod page;
pub mod picture;
pub mod search;
pub mod secret;
pub mod server;
pub mod session;
pub mod stats;
pub mod store;
pub mod wire;
