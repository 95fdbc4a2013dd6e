//! What is fuzzed: a function for each kind of bytes that strangers send. Each takes any bytes and panics when a promise about them is broken:
//! what they cost, how they are understood, or that nothing panics. `fuzz/fuzz_targets/` runs them with libFuzzer, `tests/corpus.rs` with what
//! was found so far.

pub mod cost;

mod commands;
mod events;
mod html;
mod irc_line;
mod log;
mod picture;
mod requests;
mod site;
mod stanza;

/// A function that is fuzzed.
pub type Body = fn(&[u8]);

/// All of them, by the name of their corpus. Each is a file of `fuzz/fuzz_targets/`, too.
pub const TARGETS: &[(&str, Body)] = &[
    ("commands", commands::commands),
    ("events", events::events),
    ("html", html::html),
    ("irc_line", irc_line::irc_line),
    ("log", log::log),
    ("picture", picture::picture),
    ("requests", requests::requests),
    ("stanza", stanza::stanza),
];

/// Runs the body of this name.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some((_, body)) => body(data),
        None => panic!("no target is called {name}"),
    }
}
