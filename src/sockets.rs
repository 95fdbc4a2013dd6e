//! Chooses where the daemon listens: sockets of the service manager, or places of the settings. Does not accept (see `web::server`).

use crate::config::{AdminListen, Config, Listen};
use crate::error::Failure;
use bridge::Inherited;
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use web::server::listen::Listener;

/// `FileDescriptorName=` of the socket for /metrics and /stats; every other name is the page's.
const ADMIN: &str = "admin";

/// The page's listener and the admin's. A socket of the service manager has precedence over the place in the settings.
///
/// # Errors
/// [`Failure::Bind`]: a place that is taken or not allowed, or more sockets than there are uses for.
pub(crate) fn listen(config: &Config, inherited: Vec<Inherited>) -> Result<(Listener, Option<Listener>), Failure> {
    let (admins, pages): (Vec<_>, Vec<_>) = inherited.into_iter().partition(|one| one.name == ADMIN);
    let page = match one(pages, "the page")? {
        Some(listener) => listener,
        None => bind(&config.listen)?,
    };
    let admin = match one(admins, "/metrics and /stats")? {
        Some(listener) => Some(listener),
        None => bind_admin(config, &page)?,
    };
    Ok((page, admin))
}

/// The one socket for a use, if any was handed down.
fn one(mut sockets: Vec<Inherited>, what: &str) -> Result<Option<Listener>, Failure> {
    let failed = |error| Failure::Bind(format!("a socket of the service manager, for {what}"), error);
    let Some(Inherited { socket, .. }) = sockets.pop() else { return Ok(None) };
    if !sockets.is_empty() {
        let many = format!("there are {}; the socket unit has one ListenStream= for each use", sockets.len() + 1);
        return Err(failed(Error::new(ErrorKind::InvalidInput, many)));
    }
    let listener = Listener::inherited(socket).map_err(failed)?;
    log::info!("{what}: listening at {}, by a socket of the service manager", listener.place());
    Ok(Some(listener))
}

fn bind(place: &Listen) -> Result<Listener, Failure> {
    let bound = match place {
        Listen::Tcp(address) => Listener::tcp(*address),
        Listen::Unix(path) => Listener::unix(path),
    };
    bound.map_err(|error| Failure::Bind(place.to_string(), error))
}

/// The admin's listener. A place that was not asked for by name is not worth a failed start.
fn bind_admin(config: &Config, page: &Listener) -> Result<Option<Listener>, Failure> {
    match &config.admin_listen {
        Some(AdminListen::Off) => Ok(None),
        Some(AdminListen::At(place)) => bind(place).map(Some),
        None => {
            let fixed = matches!(config.listen, Listen::Tcp(address) if address.port() != 0);
            let port = page.local().ok().flatten().filter(|_| fixed).and_then(|a| a.port().checked_add(1)).unwrap_or(0);
            match Listener::tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
                Ok(listener) => Ok(Some(listener)),
                Err(error) => {
                    log::warn!("no /metrics and /stats: 127.0.0.1:{port}: {error}; choose a place with --admin-listen");
                    Ok(None)
                }
            }
        }
    }
}
