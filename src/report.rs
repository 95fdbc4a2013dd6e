//! The subcommands that print and end: check, protocols, schema; they open no port.

use crate::config::Config;
use crate::error::Failure;
use bridge::Networks as _;
use std::fmt::Write as _;
use std::io::Write as _;

/// `check`: the settings were read already; says what they come to.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    let workers = match config.workers() {
        0 => "libpurple runs in the daemon itself, unconfined: workers = 0.".to_owned(),
        _ => {
            let fleet = config.fleet();
            crate::confine::try_out(&fleet.bridge, &fleet.confine)
        }
    };
    print(&format!("The settings are fine. The page would be at {}.\n{workers}\n", config.listen))
}

/// `schema`: the JSON schema of the interface.
pub(crate) fn schema() -> Result<(), Failure> {
    print(&format!("{:#}\n", web::api::schema::document()))
}

/// Writes to standard output; a reader that has enough (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::System("the output", error)),
        _ => Ok(()),
    }
}

/// `protocols`: what libpurple finds, and what it does not take and why.
pub(crate) fn protocols(config: &Config) -> Result<(), Failure> {
    let bridge::handle::Bridge { handle, events, thread } = bridge::start(config.bridge())?;
    let catalogue = handle.catalogue().clone();
    // Writing to a String cannot fail.
    let mut text = format!("libpurple {}\n", catalogue.version);
    for protocol in &catalogue.protocols {
        let _ = writeln!(text, "{:<24} {:<24} {}", protocol.id, protocol.name, protocol.features.names().collect::<Vec<_>>().join(" "));
    }
    for plugin in &catalogue.plugins {
        let id = plugin.id.as_deref().unwrap_or("?");
        let _ = writeln!(text, "{:<8} {id:<24} {} {}", plugin.state, plugin.path, plugin.reason.as_deref().unwrap_or_default());
    }
    handle.quit();
    drop(events);
    if !matches!(thread.join(), Ok(Ok(()))) { Err(Failure::Lost) } else { print(&text) }
}
