//! Promise: what people met on real networks, and what programs like this one got wrong there, is right: cases from the field, each with its value.
#![allow(clippy::expect_used)]

mod irc;
mod muc;
mod xmpp;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
