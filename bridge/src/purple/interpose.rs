//! The C symbols that the executable answers in libpurple's and GLib's stead (`bridge/interposed.txt` names them all); their policies live elsewhere.

mod files;
pub(super) mod find;
mod images;
mod lean;
mod linear;
mod lists;
mod names;
mod next;
mod opened;
mod plugins;
mod read;
mod roster;
mod sasl;
mod self_test;
mod socket;
mod ssl;
mod streams;
pub(super) mod timers;
mod transfers;

use super::{egress, refused, token::OnPurple};
use crate::config::BridgeConfig;

pub(crate) use plugins::{load_plugins, plugin_reports};
pub(crate) use self_test::self_test;
pub use socket::trust_this_thread;
pub(crate) use ssl::{ssl_closed, ssl_owner};
pub(super) use transfers::{cancel_local, cancel_remote, prpl_ready};

/// Puts the configured rules into force; before `purple_core_init`, which probes plugins. From here on every thread that is not marked by
/// [`trust_this_thread`] is checked.
pub(crate) fn install(token: OnPurple, config: &BridgeConfig) {
    egress::set_policy(egress::Policy::new(&config.egress_allow));
    egress::set_sources(&config.egress_source);
    files::let_listen(config.listen);
    socket::let_connect(config.sockets.clone());
    refused::watch(config.sockets.is_some());
    plugins::configure(token, config);
    socket::arm();
    lean::install(token, config.lean);
}

/// After the last account is gone.
pub(super) fn uninstall(token: OnPurple) {
    lean::uninstall(token);
}
