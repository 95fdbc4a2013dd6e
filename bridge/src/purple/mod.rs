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
mod cost;
mod debug;
mod dispatch;
mod dns;
mod egress;
mod eventloop;
mod ffi;
mod icon;
mod inherited;
mod interpose;
mod iq;
mod irc;
mod link;
mod load;
mod mailbox;
mod menu;
mod notify;
mod outbox;
mod outgoing;
mod owner;
mod picture;
mod prefs;
mod privacy;
mod process;
mod protocols;
mod pulse;
mod quota;
mod redact;
mod refused;
mod registry;
mod request;
mod room;
mod roomlist;
pub mod seccomp;
mod signals;
mod sip;
mod stanza;
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
mod transfer;
mod trust;
mod xmpp;

pub use egress::Egress;
pub use eventloop::{LoopCounters, loop_counters, with_event_loop};
pub use inherited::{Inherited, inherited_sockets};
pub use interpose::trust_this_thread;
pub(crate) use irc::fresh as irc_line;
pub(crate) use link::serve;
pub(crate) use load::load;
pub(crate) use mailbox::MailboxSender;
pub(crate) use outbox::taken;
pub(crate) use owner::NOTED as BLAME_BYTES;
pub use process::{close_inherited_descriptors, give_back_heap, ignore_signals_of_the_service, prepare_process};
pub(crate) use redact::redact;
pub use redact::redacted;
pub(crate) use stanza::Scanner;
pub(crate) use thread::start;

/// A C struct of callbacks, which holds no other pointer but NULL.
///
/// # Safety
/// The C code that gets a pointer to a value of this type reads it and never writes it.
unsafe trait Table {}

macro_rules! tables {
    ($($table:ty),* $(,)?) => {
        // SAFETY: the headers declare function pointers and reserved fields; libpurple and GLib only read them.
        $(unsafe impl Table for $table {})*
    };
}

tables!(
    glib_sys::GSourceFuncs,
    purple_sys::PurpleAccountUiOps,
    purple_sys::PurpleBlistUiOps,
    purple_sys::PurpleConnectionUiOps,
    purple_sys::PurpleConversationUiOps,
    purple_sys::PurpleCoreUiOps,
    purple_sys::PurpleDnsQueryUiOps,
    purple_sys::PurpleEventLoopUiOps,
    purple_sys::PurpleSrvTxtQueryUiOps,
);

/// A table of callbacks that C reads for as long as the process lives.
struct Ops<T: Table>(T);

// SAFETY: `Table`: nobody writes it, and function pointers may be read on any thread.
unsafe impl<T: Table> Sync for Ops<T> {}

impl<T: Table> Ops<T> {
    /// As C wants it.
    fn pointer(&'static self) -> *mut T {
        std::ptr::from_ref(&self.0).cast_mut()
    }
}
