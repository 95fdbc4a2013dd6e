//! `POST /login` and `/register`: who may come in, how often, and the cookie they get; what a session is the hub knows.

use super::throttle::{Guests, Throttle};
use super::{ApiError, COOKIE, COOKIE_TLS, answer, settle, token};
use crate::server::Complaints;
use crate::server::peer::Visitor;
use crate::session::{Hub, Network, Session};
use crate::stats::Stats;
use crate::wire::{LoggedIn, LoginRequest, RegisterRequest, Registration};
use bytes::Bytes;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// What log-ins are held to; 0 means no limit.
#[derive(Debug, Clone, Copy)]
pub struct LoginLimits {
    /// One may sign in straight with an IM account.
    pub guests: bool,
    /// Who may make a user of this site.
    pub registration: Registration,
    /// Log-ins and registrations a minute from one address.
    pub logins_per_minute: u32,
    /// Guests at once from one address.
    pub guests_per_address: u32,
}

/// Where people come in.
pub struct Door {
    hub: Arc<Hub>,
    stats: Arc<Stats>,
    limits: RwLock<LoginLimits>,
    throttle: Throttle,
    guests: Guests<Session>,
    complaints: Complaints,
}

impl Door {
    /// One for these sessions.
    pub fn new(hub: &Arc<Hub>, stats: &Arc<Stats>, limits: LoginLimits) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::clone(hub),
            stats: Arc::clone(stats),
            throttle: Throttle::new(limits.logins_per_minute),
            guests: Guests::new(limits.guests_per_address),
            complaints: Complaints::default(),
            limits: RwLock::new(limits),
        })
    }

    /// Other limits from now on. Who is in stays.
    pub fn set(&self, limits: LoginLimits) {
        self.throttle.set(limits.logins_per_minute);
        self.guests.set(limits.guests_per_address);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// `POST` of `/login` and `/register` below `/api/v1`.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let request = || warp::post().and(warp::ext::get::<Visitor>()).and(warp::header::headers_cloned()).and(warp::body::bytes());
        let (door, other) = (Arc::clone(self), Arc::clone(self));
        let login = warp::path!("api" / "v1" / "login").and(request()).map(move |visitor: Visitor, headers: HeaderMap, body: Bytes| {
            let result = door.login(&visitor, &headers, &body);
            let counter = if result.is_ok() { &door.stats.logins } else { &door.stats.logins_refused };
            counter.add(1);
            settle(result)
        });
        let register = warp::path!("api" / "v1" / "register")
            .and(request())
            .map(move |visitor: Visitor, _: HeaderMap, body: Bytes| settle(other.register(&visitor, &body)));
        login.or(register).unify().boxed()
    }

    fn knock(&self, visitor: &Visitor) -> Result<(), ApiError> {
        self.throttle.take(visitor.address, Instant::now()).map_err(|wait| {
            self.complain("logins_per_minute", visitor);
            let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many log-ins from your address. Please wait a moment.")
                .retry_in(ms)
        })
    }

    /// Behind a proxy that does not say for whom it asks, everybody has one address.
    fn complain(&self, limit: &'static str, visitor: &Visitor) {
        let line = format!(
            "log-ins from {} are turned away by limits.{limit}. If this is a proxy, list it under `trusted_proxies`, and let it set \
             X-Forwarded-For",
            visitor.address
        );
        self.complaints.once(limit, line);
    }

    fn login(&self, visitor: &Visitor, headers: &HeaderMap, body: &[u8]) -> Result<Response, ApiError> {
        self.knock(visitor)?;
        let LoginRequest { name, password, network } = answer::parse(body)?;
        match (name, password, network) {
            (None, None, Some(network)) => self.guest(visitor, headers, network),
            // This site keeps no users of its own yet, so nobody's password can be right.
            (Some(_), Some(_), None) => {
                Err(ApiError::new(StatusCode::UNAUTHORIZED, "bad_credentials", "Nobody has this name with this password."))
            }
            (Some(_), None, None) => Err(ApiError::bad_request("missing_field", "Please give the password.").at("password")),
            (None, Some(_), None) => Err(ApiError::bad_request("missing_field", "Please give the name.").at("name")),
            (None, None, None) => Err(ApiError::bad_request("missing_field", "Give `name` and `password`, or `network`.").at("network")),
            _ => Err(ApiError::bad_request("bad_field", "Give either `name` and `password`, or `network`.").at("network")),
        }
    }

    fn guest(&self, visitor: &Visitor, headers: &HeaderMap, network: Network) -> Result<Response, ApiError> {
        if !self.limits.read().unwrap_or_else(PoisonError::into_inner).guests {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "guests_off", "This site is only for its own users."));
        }
        // Before anything is made that a refused cookie would leave behind.
        cookie(visitor, None)?;
        let before = token(&self.hub, headers);
        let leaving = before.and_then(|token| self.hub.authenticate(token)).map(|session| Arc::downgrade(&session));
        let open = || {
            let login = self.hub.open_guest(network, visitor.address.person());
            let guest = login.as_ref().ok().and_then(|login| self.hub.authenticate(&login.token)).map(|session| Arc::downgrade(&session));
            (login, guest)
        };
        let login = self.guests.admit(visitor.address, leaving.as_ref(), open).ok_or_else(|| {
            self.complain("guests_per_address", visitor);
            let message = "Too many people are signed in from your address. Please try again later.";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).at("guests_per_address").retry_in(60_000)
        })??;
        // Only now: a log-in that fails leaves the session that was there alone.
        if let Some(before) = before {
            self.hub.logout(before);
        }
        let mut response = answer::json(StatusCode::OK, &LoggedIn { user: login.user, account: Some(login.account) });
        response.headers_mut().append(header::SET_COOKIE, cookie(visitor, Some(&login.token))?);
        Ok(response)
    }

    fn register(&self, visitor: &Visitor, body: &[u8]) -> Result<Response, ApiError> {
        self.knock(visitor)?;
        let RegisterRequest { .. } = answer::parse(body)?;
        // Settings that open it are refused at the start while there is no store of users.
        Err(ApiError::new(StatusCode::FORBIDDEN, "registration_closed", "This site takes no new users."))
    }
}

/// The cookie for a session, or the one that takes it away. Under TLS its name keeps it to this host, and so its path is `/`.
///
/// # Errors
/// 404 for a prefix that no cookie can have.
pub(super) fn cookie(visitor: &Visitor, token: Option<&str>) -> Result<HeaderValue, ApiError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    if !visitor.prefix.chars().all(plain) {
        return Err(ApiError::not_found());
    }
    let (name, path, secure) = if visitor.secure { (COOKIE_TLS, "/", "; Secure") } else { (COOKIE, visitor.prefix.as_str(), "") };
    let age = if token.is_some() { "" } else { "; Max-Age=0" };
    let text = format!("{name}={}; Path={path}; HttpOnly; SameSite=Strict{secure}{age}", token.unwrap_or_default());
    HeaderValue::from_str(&text).map_err(|_| ApiError::not_found())
}
