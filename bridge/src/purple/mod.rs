//! All of libpurple, on one thread; nothing unsafe is done outside this folder and purple-sys.

mod debug;
mod ffi;
mod interpose;
mod mailbox;
mod owner;
mod process;
mod prefs;
mod redact;
#[cfg(test)]
mod testing;
mod thread;
mod tls;
mod token;

pub(crate) use mailbox::MailboxSender;
pub use process::prepare_process;
pub(crate) use thread::start;
