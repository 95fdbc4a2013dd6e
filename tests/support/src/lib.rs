//! What the integration tests run against: real servers, raw peers, the daemon itself and a browser. It must not know any crate of the
//! daemon: everything here speaks public protocols only.
//!
//! | Fixture | What it is |
//! |---|---|
//! | [`Prosody`], [`Ngircd`] | real servers in a directory of their own, on free loopback ports |
//! | [`Ejabberd`], [`Inspircd`] | others of the same kinds, where they are installed |
//! | [`Kamailio`] | a real server of SIP, where it is installed |
//! | [`MariaDb`], [`Postgres`] | real database servers, started as nobody |
//! | [`Nginx`] | a real proxy in front of the daemon |
//! | [`XmppPeer`], [`IrcPeer`] | raw clients of those, to be the other side of a conversation |
//! | [`Slixmpp`] | a foreign XMPP client, for files |
//! | [`RawServer`] | a server that lets everybody in, and says what a test writes |
//! | [`Hostile`] | servers of both that mean harm |
//! | [`Daemon`] | the built binary with a generated configuration |
//! | [`WireClient`] | a browser session without a browser: log-in, attach, polls, streams, commands |
//! | [`Browser`] | a browser that nobody sees: Chromium, or another [`Engine`] |
//! | [`Line`] | a wire between a browser and the daemon, to be cut |
//! | [`Stripper`] | a man in the middle who takes a server's offer of TLS away |
//! | [`Hoarder`] | a proxy between them that keeps streams to itself |
//! | [`Page`] | Bellflower's page in such a browser, as its user handles it |
//! | [`Audit`] | axe-core, looking at such a page |
//! | [`photo`] | what cameras write beside a picture |
//! | [`alone()`], [`before_main!`] | a process of its own for a test of a part of the daemon |
//!
//! Every wait names what it waits for, ends at a deadline, and then panics with what came instead.

// A fixture fails its test by panicking; there is nobody above it to handle an error.
#![allow(clippy::expect_used)]

mod alone;
mod audit;
mod browser;
mod certs;
mod daemon;
mod ejabberd;
mod engine;
mod hand;
mod hoarder;
mod hostile;
mod https;
mod inspircd;
mod irc;
mod kamailio;
mod line;
mod mariadb;
mod marionette;
mod nginx;
mod ngircd;
mod page;
pub mod photo;
mod postgres;
mod process;
mod prosody;
mod raw;
mod slixmpp;
mod stream;
mod stripper;
mod unprivileged;
mod wait;
mod wire;
mod xml;
mod xmpp;

pub use alone::alone;
pub use audit::Audit;
pub use browser::{Browser, Scheme, Window};
pub use certs::{Authority, Certificate, Flaw};
pub use daemon::{Daemon, DaemonBuilder};
pub use ejabberd::Ejabberd;
pub use engine::Engine;
pub use fantoccini::key::Key;
pub use fantoccini::wd::WindowHandle as TabHandle;
pub use hand::{box_of, key, with};
pub use hoarder::Hoarder;
pub use hostile::{Hostile, XmppScript};
pub use https::{https, https_bytes, https_stream, tls_exchange};
pub use inspircd::Inspircd;
pub use irc::{IrcLine, IrcPeer};
pub use kamailio::Kamailio;
pub use line::Line;
pub use mariadb::MariaDb;
pub use nginx::Nginx;
pub use ngircd::{Ngircd, NgircdBuilder};
pub use page::{Page, conversation, quoted};
pub use postgres::Postgres;
pub use process::{Process, free_port};
pub use prosody::{Contact, Prosody, ProsodyBuilder};
pub use raw::{RawConnection, RawServer};
pub use slixmpp::Slixmpp;
pub use stream::{Block, Stream};
pub use stripper::Stripper;
pub use wait::{PATIENCE, wait_until};
pub use wire::{Answer, Bytes, Download, WireClient, check, joins, piece};
pub use xml::Element;
pub use xmpp::{XmppPeer, XmppServer};

/// The directory of the protocol plugin that does harm on command, for `plugins.paths`.
pub fn mischief_plugins() -> &'static str {
    env!("MISCHIEF_PLUGINS")
}

/// The file of a plugin that ends whoever opens it.
pub fn stillborn_plugin() -> &'static str {
    env!("STILLBORN_PLUGIN")
}

/// The file of a plugin that ends whoever opens it, and blames its neighbour `mischief.so`.
pub fn framer_plugin() -> &'static str {
    env!("FRAMER_PLUGIN")
}

/// The directory of the protocol plugin that behaves unlike XMPP, `prpl-tide`, for `plugins.paths`.
pub fn tide_plugins() -> &'static str {
    env!("TIDE_PLUGINS")
}

/// The directory of a plugin, `prpl-nosy`, that reads a file and starts a process while it is opened.
pub fn nosy_plugins() -> &'static str {
    env!("NOSY_PLUGINS")
}

/// The directory of two plugins that are no protocols: `carbons.so` needs XMPP's library, `orphan.so` one that is not there.
pub fn beside_plugins() -> &'static str {
    env!("BESIDE_PLUGINS")
}

/// The directory of a third party's plugin whose id, `prpl-aim`, was once one of libpurple's own.
pub fn old_plugins() -> &'static str {
    env!("OLD_PLUGINS")
}
