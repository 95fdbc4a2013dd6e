//! The life of the daemon: libpurple, ports, ready, signals, end; it answers no request itself.

use crate::cli::Asked as Arguments;
use crate::config::Config;
use crate::error::Failure;
use crate::fleet::Fleet;
use crate::reload;
use crate::signals::{Asked, Signals};
use crate::systemd::Manager;
use bridge::{Inherited, Networks};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use warp::Filter;
use web::api::front::{self, Front};
use web::api::login::Door;
use web::server::Settings;
use web::server::hosts::Hosts;
use web::server::listen::Listener;
use web::session::{Hub, SystemClock};
use web::stats::Stats;

/// Threads beside those for requests: they give memory back, start workers, judge, check passwords, do what takes long.
const THREADS: usize = 8;

/// How long libpurple gets to sign everybody off.
const QUIT: Duration = Duration::from_secs(10);

/// How long the last writes get to become durable.
const STORED: Duration = Duration::from_secs(15);

/// How often the service manager is asked for more time while the database is opened: a large one is brought up to date for minutes.
const ASK: Duration = Duration::from_secs(20);

/// When browsers are told to come back after a stop: this, to twice this, spread over them.
const RETRY_MS: u64 = 1_500;

/// Serves until a signal, on `inherited` sockets where there are some.
pub(crate) fn serve(arguments: Arguments, inherited: Vec<Inherited>) -> Result<(), Failure> {
    let config = arguments.config()?;
    config.gateways().map_err(Failure::Secret)?;
    let manager = Manager::from_env();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    crate::limits::suffice(cores + THREADS)?;
    crate::limits::lacks(&config).iter().for_each(|lack| log::warn!("{lack}"));
    let descriptors = raise_descriptors(&config);
    crate::memory::watch();
    // None of the threads here runs libpurple's code: its network guard is not for them (the service manager's socket, a database).
    bridge::trust_this_thread();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("web")
        .on_thread_start(bridge::trust_this_thread)
        .enable_all()
        .build()
        .map_err(|e| Failure::System("the event loop", e))?;
    let first_link = arguments.first_link;
    let mut settings = reload::Settings::new(arguments, config.clone());
    let result = runtime.block_on(live(&config, &mut settings, descriptors, &manager, first_link, inherited));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Descriptors that are kept from browsers: for files, the admin's connections and those that are turned away, and for each worker.
const RESERVE: u64 = 160;
const RESERVE_PER_WORKER: u64 = 8;

/// Takes as many descriptors as the system lets this process have, and says how many of them are for browsers: each connection is one.
fn raise_descriptors(config: &Config) -> u32 {
    let most = rlimit::increase_nofile_limit(u64::MAX).or_else(|error| {
        log::warn!("cannot raise the limit of descriptors: {error}");
        rlimit::getrlimit(rlimit::Resource::NOFILE).map(|(soft, _)| soft)
    });
    let most = most.unwrap_or(u64::MAX);
    let reserve = RESERVE + RESERVE_PER_WORKER * config.worker.most.0;
    let left = u32::try_from(most.saturating_sub(reserve).max(most / 2).max(1)).unwrap_or(u32::MAX);
    let wanted = config.limits.connections;
    if wanted > left {
        log::warn!(
            "limits.connections is {wanted}, but {most} descriptors allow {left} beside everything else: raise LimitNOFILE (ulimit -n)"
        );
    }
    left
}

/// How many connections are taken of those that the settings allow (0: any number), so that descriptors are left for everything else.
fn seats(config: &Config, descriptors: u32) -> u32 {
    if config.limits.connections == 0 { descriptors } else { config.limits.connections.min(descriptors) }
}

/// Waits until the workers have ended, having been told to, and takes their directories away.
async fn ended(fleet: &Fleet) {
    while !fleet.has_ended() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fleet.clear();
}

/// From ports to the last connection.
async fn live(
    config: &Config,
    settings: &mut reload::Settings,
    descriptors: u32,
    manager: &Manager,
    first_link: bool,
    inherited: Vec<Inherited>,
) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let memory = tokio::select! {
        memory = manager.patiently(ASK, crate::store::memory(config)) => memory?,
        name = signals.end() => {
            log::info!("{name}: ending before the start is done");
            return Ok(());
        }
    };
    let (fleet, events) = tokio::select! {
        started = Fleet::start(config.fleet()) => started?,
        name = signals.end() => {
            log::info!("{name}: ending before the start is done");
            return Ok(());
        }
    };
    let handle: Arc<dyn Networks> = Arc::new(fleet.clone());
    let result = async {
        let (main, admin) = crate::sockets::listen(config, inherited)?;
        let stats = Arc::new(Stats::default());
        let (stop, stopped) = watch::channel(false);
        let hub = Hub::with(handle.clone(), config.sessions(), Arc::new(SystemClock::default()), memory);
        let mut fed = tokio::spawn(Arc::clone(&hub).run(events));
        hub.prepare_memory().await.map_err(|error| Failure::Store(format!("cannot use the database: {error}")))?;
        let remembering = tokio::spawn(Arc::clone(&hub).remember());
        tokio::spawn(Arc::clone(&hub).bring_back_all());
        let first = if first_link { hub.first_invite().await } else { None };
        let front =
            Arc::new(Front::new(&config.site(), handle.clone(), hub.closed_protocols(), web::page::Page::new(crate::page::files())));
        let door = Door::new(&hub, &stats, config.logins());
        let routes = web::api::session_routes(&hub)
            .or(door.routes())
            .unify()
            .or(front::routes(&front))
            .unify()
            .or(front::page(&front))
            .unify()
            .recover(web::api::refused)
            .unify()
            .boxed();
        announce(config, &main, admin.as_ref(), first.as_deref());
        let https = config.https().map_err(Failure::Https)?;
        let (server, server_settings) = watch::channel(Settings { tls: https, ..browsers(config, descriptors) });
        let (admin_server, admin_settings) = watch::channel(admins(config));
        let serving = tokio::spawn(web::server::serve(main, routes, server_settings, Arc::clone(&stats), until(stopped.clone())));
        let admin = admin.map(|listener| {
            tokio::spawn(web::server::serve(
                listener,
                web::api::admin::routes(&stats, &hub),
                admin_settings,
                Arc::new(Stats::default()),
                until(stopped),
            ))
        });
        let take_over = |config: &Config| {
            server.send_modify(|settings| *settings = Settings { tls: settings.tls.clone(), ..browsers(config, descriptors) });
            admin_server.send_replace(admins(config));
            front.set(&config.site());
            door.set(config.logins());
        };
        manager.say("READY=1");
        let lost = tokio::select! {
            name = async {
                loop {
                    match signals.next().await {
                        Asked::End(name) => return name,
                        Asked::Reload => {
                            settings.reload(take_over);
                            match config.https() {
                                Ok(read) => server.send_modify(|settings| settings.tls = read),
                                Err(error) => log::error!("SIGHUP: the certificate stays as it is: {error}"),
                            }
                            let (fleet, front) = (fleet.clone(), Arc::clone(&front));
                            tokio::spawn(async move {
                                if fleet.rescan().await {
                                    front.look_again();
                                }
                            });
                        }
                    }
                }
            } => { log::info!("{name}: ending"); false }
            _ = &mut fed => true,
            () = watch_over(manager, &*handle) => false,
        };
        manager.say("STOPPING=1");
        hub.drain();
        hub.end_all_polls(RETRY_MS);
        stop.send_replace(true);
        let ending = async {
            let _ = serving.await;
            if let Some(admin) = admin {
                let _ = admin.await;
            }
        };
        tokio::select! {
            () = ending => {}
            name = signals.end() => {
                log::warn!("{name} again: ending at once");
                std::process::exit(1);
            }
        }
        hub.note_end().await;
        hub.end_memory();
        if tokio::time::timeout(STORED, remembering).await.is_err() {
            log::error!("not everything could be stored within {} s", STORED.as_secs());
        }
        if lost { Err(Failure::Lost) } else { Ok(()) }
    }
    .await;
    handle.quit();
    if tokio::time::timeout(QUIT, ended(&fleet)).await.is_err() {
        log::error!("libpurple did not end within {} s", QUIT.as_secs());
    }
    result
}

/// What the accept loop for browsers keeps to.
fn browsers(config: &Config, descriptors: u32) -> Settings {
    Settings { connections: seats(config, descriptors), ..config.server() }
}

/// What the admin's keeps to.
fn admins(config: &Config) -> Settings {
    let server = config.server();
    // Who scrapes asks by an address.
    let hosts = Hosts { addresses: true, ..server.hosts };
    Settings { hosts, connections: 50, connections_per_address: 0, stop: Duration::from_millis(500), ..server }
}

/// Says where the page is, on standard output for people and scripts.
fn announce(config: &Config, main: &Listener, admin: Option<&Listener>, first: Option<&str>) {
    let place = match main.local() {
        Ok(Some(address)) if config.https_certificate.is_some() => format!("https://{address}/"),
        Ok(Some(address)) => format!("http://{address}/"),
        _ => main.place(),
    };
    let mut out = std::io::stdout();
    // Nobody may be listening; that is their choice.
    let _ = writeln!(out, "Bellflower is at {place}").and_then(|()| out.flush());
    if let Some(code) = first {
        // To the terminal alone: who reads it becomes a user.
        let _ = writeln!(out, "It has no users yet. Become the first, within a day: {place}#first={code}").and_then(|()| out.flush());
    }
    if config.hosts.is_empty() {
        log::info!("`hosts` is not set: requests for any host are answered. Set it to the names of the site against DNS rebinding");
    }
    if let Some(Ok(Some(address))) = admin.map(Listener::local) {
        log::info!("figures are at http://{address}/metrics and http://{address}/stats");
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Feeds the service manager's watchdog as long as libpurple's loop turns; never returns.
async fn watch_over(manager: &Manager, handle: &dyn Networks) {
    let Some(interval) = manager.interval() else { return std::future::pending().await };
    loop {
        match tokio::time::timeout(interval, handle.ping()).await {
            Ok(Ok(())) => manager.say("WATCHDOG=1"),
            _ => log::error!("libpurple's loop did not turn for {} ms", interval.as_millis()),
        }
        tokio::time::sleep(interval).await;
    }
}
