//! libpurple for many users, as channels: plain data in, plain data out; no pointer, GLib type or libpurple call leaves this crate.
//!
//! Start with [`handle::start`]. [`command`] is what goes in, [`event`] what comes out, [`model`] the things both speak of. Everything that
//! touches libpurple lives in `purple/`, on one thread.

pub mod command;
pub mod config;
pub mod error;
pub mod event;
pub mod features;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
pub mod handle;
pub mod icons;
pub mod id;
pub mod model;
pub mod options;
mod purple;
pub mod report;
pub mod text;
pub mod time;

#[cfg(feature = "bare")]
pub use purple::bare;

pub use command::{Command, CommandKind};
pub use event::{Batch, Event, EventKind};
pub use handle::{BridgeHandle, Networks, start};
pub use purple::{
    Egress, Inherited, LoopCounters, close_inherited_descriptors, give_back_heap, ignore_signals_of_the_service, inherited_sockets,
    loop_counters, prepare_process, redacted, seccomp, trust_this_thread, with_event_loop,
};

/// Where libpurple looks for its own plugins.
pub const PLUGIN_DIR: &str = purple_sys::PLUGIN_DIR;
