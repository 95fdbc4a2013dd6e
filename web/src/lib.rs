//! HTTP and what a browser session is.
#![forbid(unsafe_code)]

pub mod api;
pub mod body;
pub mod session;
pub mod wire;
