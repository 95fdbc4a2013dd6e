//! All of libpurple, on one thread; nothing unsafe is done outside this folder and purple-sys.

mod account;
mod account_prefs;
mod accounts;
#[cfg(test)]
mod alone;
mod authorization;
#[cfg(feature = "bare")]
pub mod bare;
mod blist;
mod connection;
mod conversation;
mod debug;
mod dispatch;
mod dns;
mod egress;
mod eventloop;
mod ffi;
mod icon;
mod interpose;
mod link;
mod load;
mod mailbox;
mod menu;
mod notify;
mod outbox;
mod owner;
mod prefs;
mod privacy;
mod process;
mod protocols;
mod quota;
mod redact;
mod registry;
mod request;
mod room;
mod roomlist;
pub mod seccomp;
mod signals;
mod status;
#[cfg(test)]
mod strangers;
mod teardown;
#[cfg(test)]
mod testing;
mod thread;
mod timers;
mod tls;
mod token;
mod trust;

pub use egress::Egress;
pub use eventloop::{LoopCounters, loop_counters, with_event_loop};
pub use interpose::trust_this_thread;
pub(crate) use link::serve;
pub(crate) use load::load;
pub(crate) use mailbox::MailboxSender;
pub(crate) use outbox::taken;
pub(crate) use owner::NOTED as BLAME_BYTES;
pub use process::{close_inherited_descriptors, give_back_heap, ignore_signals_of_the_service, prepare_process};
pub(crate) use redact::redact;
pub(crate) use thread::start;

/// A table of callbacks that libpurple reads and never writes, for as long as the process lives.
struct Ops<T>(T);

// SAFETY: libpurple reads it, on its own thread; nobody writes it.
unsafe impl<T> Sync for Ops<T> {}

impl<T> Ops<T> {
    /// As C wants it.
    fn pointer(&'static self) -> *mut T {
        std::ptr::from_ref(&self.0).cast_mut()
    }
}
