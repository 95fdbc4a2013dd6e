//! The subcommands that print and end: check, protocols, schema (plugins is in `plugins`); they open no port.

use crate::config::Config;
use crate::error::Failure;
use crate::fleet;
use bridge::Networks as _;
use bridge::handle::Catalogue;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// `check`: the settings were read already; says what they come to.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    config.gateways().map_err(Failure::Secret)?;
    let fleet = config.fleet();
    let workers = crate::confine::try_out(&fleet.bridge, &fleet.confine);
    let lacks: String = crate::limits::lacks(config).iter().map(|lack| format!("{lack}\n")).collect();
    print(&format!("The settings are fine. The page would be at {}.\n{workers}\n{lacks}", config.listen))
}

/// `schema`: the JSON schema of the interface.
pub(crate) fn schema() -> Result<(), Failure> {
    print(&format!("{:#}\n", web::api::schema::document()))
}

/// Writes to standard output; a reader that has enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::System("the output", error)),
        _ => Ok(()),
    }
}

/// `protocols`: what libpurple finds, and what it does not take and why.
pub(crate) fn protocols(config: &Config) -> Result<(), Failure> {
    let catalogue = catalogue(config)?;
    // Writing to a String cannot fail.
    let mut text = format!("libpurple {}\n", catalogue.version);
    for protocol in &catalogue.protocols {
        let _ = writeln!(text, "{:<24} {:<24} {}", protocol.id, protocol.name, protocol.features.names().collect::<Vec<_>>().join(" "));
    }
    for plugin in &catalogue.plugins {
        let id = plugin.id.as_deref().unwrap_or("?");
        let _ = writeln!(text, "{:<8} {id:<24} {} {}", plugin.state, plugin.path, plugin.reason.as_deref().unwrap_or_default());
    }
    print(&text)
}

/// Plugins and protocols with these settings, in a worker that is confined as those of the service are. A plugin that ends it is named in the log.
pub(crate) fn catalogue(config: &Config) -> Result<Catalogue, Failure> {
    let settings = fleet::Settings { workers: 1, ..config.fleet() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::System("the event loop", e))?;
    runtime.block_on(async {
        let (fleet, _events) = fleet::Fleet::start(settings).await?;
        let mut catalogue = fleet.catalogue().clone();
        for (file, what) in fleet.refused_at_opening() {
            let of_file = catalogue.plugins.iter_mut().find(|plugin| std::path::Path::new(&plugin.path) == file);
            of_file.into_iter().for_each(|plugin| plugin.denied.push(what.clone()));
        }
        fleet.quit();
        while !fleet.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(catalogue)
    })
}
