//! Promise: a protocol plugin reaches what it needs and nothing else: no file, program, process, descriptor or port of the daemon or its
//! neighbours, whatever it tries.
#![allow(clippy::expect_used)]

mod calls;
mod files;
mod network;
mod plugin;
mod processes;

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
