//! The daemon's entry: arguments, settings, log, then whatever was asked for; nothing is decided here.

mod admin;
mod cli;
mod config;
mod confine;
mod error;
mod fleet;
mod health;
mod limits;
mod logging;
mod manual;
mod memory;
mod page;
mod plugins;
mod reload;
mod report;
mod serve;
mod signals;
mod sockets;
mod store;
mod systemd;
mod wipe;
mod worker;

use error::Failure;
use std::io::Write as _;
use std::process::ExitCode;

#[global_allocator]
static HEAP: wipe::Wiping = wipe::Wiping;

fn main() -> ExitCode {
    // Before any thread, and before libpurple reads a single variable.
    let prepared = limits::raise_stack().and_then(|()| bridge::prepare_process().map_err(|error| Failure::System("the process", error)));
    let inherited = prepared
        .and_then(|()| bridge::inherited_sockets().map_err(|error| Failure::Bind("a socket of the service manager".to_owned(), error)));
    match inherited.and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "bellflower: {failure}");
            failure.code()
        }
    }
}

fn run(inherited: Vec<bridge::Inherited>) -> Result<(), Failure> {
    let asked = cli::parse()?;
    if !matches!(asked.what, cli::What::Worker(_)) {
        wipe::begin();
    }
    match &asked.what {
        cli::What::Serve => {
            logging::start();
            serve::serve(asked, inherited)
        }
        cli::What::Check => report::check(&asked.config()?),
        cli::What::Protocols => {
            logging::start();
            report::protocols(&asked.config()?)
        }
        cli::What::Plugins => {
            logging::start();
            plugins::run(&asked.config()?)
        }
        cli::What::Healthcheck => health::check(&asked.config()?),
        cli::What::Schema => report::schema(),
        cli::What::Admin(admin) => {
            logging::start();
            admin::run(admin, &asked.config()?)
        }
        cli::What::Worker(worker) => {
            logging::start_worker();
            worker::run(worker)
        }
        cli::What::Generate(material, folder) => manual::generate(*material, folder),
    }
}
