//! `POST /login`, `/register` and `/recover`: who may come in, how often, and the cookie they get; what a session is the hub knows.

use super::session::{KNOWN, KNOWN_TLS, marks};
use super::throttle::{Guests, Throttle};
use super::{ApiError, COOKIE, COOKIE_TLS, answer, settle, token};
use crate::server::Complaints;
use crate::server::peer::{Address, Trusted, Visitor, is_trusted};
use crate::session::{ComesFrom, Entered, Hub, Network, Session};
use crate::stats::Stats;
use crate::wire::{LoggedIn, LoginRequest, RecoverRequest, RegisterRequest, Registered, Registration};
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// What log-ins are held to; 0 means no limit.
#[derive(Debug, Clone)]
pub struct LoginLimits {
    /// One may sign in straight with an IM account.
    pub guests: bool,
    /// Who may make a user of this site.
    pub registration: Registration,
    /// Log-ins and registrations a minute from one address.
    pub logins_per_minute: u32,
    /// Wrong passwords an hour for one name.
    pub guesses_per_hour: u32,
    /// Guests at once from one address.
    pub guests_per_address: u32,
    /// Registrations a minute from one address.
    pub registrations_per_minute: u32,
    /// Users of the site are named by a trusted proxy in the header of this name.
    pub header: Option<HeaderName>,
    /// The proxies that may name them.
    pub trusted: Vec<Trusted>,
}

/// Where people come in.
pub struct Door {
    hub: Arc<Hub>,
    stats: Arc<Stats>,
    limits: RwLock<LoginLimits>,
    throttle: Throttle,
    registrations: Throttle,
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
            registrations: Throttle::new(limits.registrations_per_minute),
            guests: Guests::new(limits.guests_per_address),
            complaints: Complaints::default(),
            limits: RwLock::new(limits),
        })
    }

    /// Other limits from now on. Who is in stays.
    pub fn set(&self, limits: LoginLimits) {
        self.throttle.set(limits.logins_per_minute);
        self.registrations.set(limits.registrations_per_minute);
        self.guests.set(limits.guests_per_address);
        self.hub.set_guesses(limits.guesses_per_hour);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// `POST` of `/login`, `/register` and `/recover` below `/api/v1`.
    pub fn routes(self: &Arc<Self>) -> BoxedFilter<(Response,)> {
        let request = || warp::post().and(warp::ext::get::<Visitor>()).and(warp::header::headers_cloned()).and(warp::body::bytes());
        let (door, second, third) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        let login = warp::path!("api" / "v1" / "login").and(request()).then(move |visitor: Visitor, headers: HeaderMap, body: Bytes| {
            let door = Arc::clone(&door);
            async move {
                let result = door.login(&visitor, &headers, &body).await;
                let counter = if result.is_ok() { &door.stats.logins } else { &door.stats.logins_refused };
                counter.add(1);
                settle(result)
            }
        });
        let register =
            warp::path!("api" / "v1" / "register").and(request()).then(move |visitor: Visitor, headers: HeaderMap, body: Bytes| {
                let door = Arc::clone(&second);
                async move { settle(door.register(&visitor, &headers, &body).await) }
            });
        let recover =
            warp::path!("api" / "v1" / "recover").and(request()).then(move |visitor: Visitor, headers: HeaderMap, body: Bytes| {
                let door = Arc::clone(&third);
                async move { settle(door.recover(&visitor, &headers, &body).await) }
            });
        login.or(register).unify().or(recover).unify().boxed()
    }

    fn limits(&self) -> LoginLimits {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
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

    async fn login(&self, visitor: &Visitor, headers: &HeaderMap, body: &[u8]) -> Result<Response, ApiError> {
        self.knock(visitor)?;
        let LoginRequest { name, password, network } = answer::parse(body)?;
        match (name, password, network) {
            (None, None, Some(network)) => self.guest(visitor, headers, network),
            (Some(name), Some(password), None) => {
                // Before anything is made that a refused cookie would leave behind.
                cookie(visitor, None, false)?;
                if !self.hub.remembers() {
                    // No users, so nobody's password can be right.
                    return Err(ApiError::new(StatusCode::UNAUTHORIZED, "bad_credentials", "Nobody has this name with this password."));
                }
                let entered = self.hub.sign_in(&name, &password.0, &from(visitor, headers)).await?;
                self.enter(visitor, headers, entered).await
            }
            (Some(_), None, None) => Err(ApiError::bad_request("missing_field", "Please give the password.").at("password")),
            (None, Some(_), None) => Err(ApiError::bad_request("missing_field", "Please give the name.").at("name")),
            (None, None, None) => match self.named(visitor, headers) {
                Some(name) => {
                    cookie(visitor, None, false)?;
                    let entered = self.hub.sign_in_by_proxy(&name, &from(visitor, headers)).await?;
                    self.enter(visitor, headers, entered).await
                }
                None => Err(ApiError::bad_request("missing_field", "Give `name` and `password`, or `network`.").at("network")),
            },
            _ => Err(ApiError::bad_request("bad_field", "Give either `name` and `password`, or `network`.").at("network")),
        }
    }

    /// The name that a trusted proxy gives.
    fn named(&self, visitor: &Visitor, headers: &HeaderMap) -> Option<String> {
        let limits = self.limits();
        let header = limits.header.as_ref()?;
        if !is_trusted(&limits.trusted, visitor.peer) {
            return None;
        }
        let mut values = headers.get_all(header).into_iter();
        let name = String::from_utf8_lossy(values.next()?.as_bytes()).trim().to_owned();
        // Of two the visitor may have sent one.
        (values.next().is_none() && !name.is_empty()).then_some(name)
    }

    /// Sets the cookie of a user who signed in, and leaves the session of the cookie before.
    async fn enter(&self, visitor: &Visitor, headers: &HeaderMap, entered: Entered) -> Result<Response, ApiError> {
        if let Some((before, token)) = token(&self.hub, headers).and_then(|token| self.hub.recognise(token))
            && !self.hub.was_guest(&before, &token)
        {
            // Also of the same user: the cookie is written over, and nobody has the token any more.
            self.hub.logout(&before, &token).await;
        }
        self.hub.came_from(&entered.session, visitor.address);
        let user = entered.session.user();
        let mut response = match entered.recovery {
            Some(code) => answer::json(StatusCode::OK, &Registered { user, recovery: code.show().to_string() }),
            None => answer::json(StatusCode::OK, &LoggedIn { user, account: None }),
        };
        response.headers_mut().append(header::SET_COOKIE, cookie(visitor, Some(&entered.token), true)?);
        if let Some(marks) = &entered.marks {
            response.headers_mut().append(header::SET_COOKIE, known(visitor, marks)?);
        }
        Ok(response)
    }

    fn guest(&self, visitor: &Visitor, headers: &HeaderMap, network: Network) -> Result<Response, ApiError> {
        if !self.limits().guests {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "guests_off", "This site is only for its own users."));
        }
        // Before anything is made that a refused cookie would leave behind.
        cookie(visitor, None, false)?;
        let before = token(&self.hub, headers);
        let leaving = before.and_then(|token| self.hub.authenticate(token)).map(|session| Arc::downgrade(&session));
        let open = || {
            let login = self.hub.open_guest_at(network, visitor.address.person(), visitor.address.ip());
            let guest = login.as_ref().ok().and_then(|login| self.hub.authenticate(&login.token)).map(|session| Arc::downgrade(&session));
            (login, guest)
        };
        let login = self.guests.admit(visitor.address, leaving.as_ref(), open).ok_or_else(|| {
            self.complain("guests_per_address", visitor);
            let message = "Too many people are signed in from your address. Please try again later.";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).at("guests_per_address").retry_in(60_000)
        })??;
        // Only now: a log-in that fails leaves the session that was there alone.
        if let Some((before, token)) = before.and_then(|token| self.hub.recognise(token)) {
            let hub = Arc::clone(&self.hub);
            // Detached: nobody's answer waits for the database.
            tokio::spawn(async move { hub.logout(&before, &token).await });
        }
        let mut response = answer::json(StatusCode::OK, &LoggedIn { user: login.user, account: Some(login.account) });
        response.headers_mut().append(header::SET_COOKIE, cookie(visitor, Some(&login.token), false)?);
        Ok(response)
    }

    async fn register(&self, visitor: &Visitor, headers: &HeaderMap, body: &[u8]) -> Result<Response, ApiError> {
        self.knock(visitor)?;
        let RegisterRequest { name, password, invite } = answer::parse(body)?;
        cookie(visitor, None, false)?;
        let closed = || ApiError::new(StatusCode::FORBIDDEN, "registration_closed", "This site takes no new users.");
        // Where a proxy says who somebody is, nobody takes another's name beforehand.
        if !self.hub.remembers() || self.limits().header.is_some() {
            return Err(closed());
        }
        let invite = invite.filter(|invite| !invite.trim().is_empty());
        match (self.limits().registration, &invite) {
            // An invite is an administrator's word, and so holds while others are not let in.
            (Registration::Open, _) | (_, Some(_)) => {}
            (Registration::Invite, None) => {
                return Err(ApiError::new(StatusCode::FORBIDDEN, "bad_invite", "Please give your invite.").at("invite"));
            }
            (Registration::Closed, None) => return Err(closed()),
        }
        self.registrations.take(visitor.address, Instant::now()).map_err(|wait| {
            self.complain("registrations_per_minute", visitor);
            let message = "Too many new users from your address. Please wait a moment.";
            let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_in(ms)
        })?;
        let guest = token(&self.hub, headers).and_then(|token| self.hub.authenticate(token)).filter(|session| session.is_guest());
        let entered = self.hub.register(&name, &password.0, invite.as_deref(), guest, &from(visitor, headers)).await?;
        self.enter(visitor, headers, entered).await
    }

    async fn recover(&self, visitor: &Visitor, headers: &HeaderMap, body: &[u8]) -> Result<Response, ApiError> {
        self.knock(visitor)?;
        let RecoverRequest { name, recovery, password } = answer::parse(body)?;
        cookie(visitor, None, false)?;
        let entered = self.hub.recover(&name, &recovery.0, &password.0, &from(visitor, headers)).await?;
        self.enter(visitor, headers, entered).await
    }
}

/// From where a request comes, in words.
pub(super) fn from(visitor: &Visitor, headers: &HeaderMap) -> ComesFrom {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let group = match visitor.address.group() {
        group @ Address::Ip(IpAddr::V6(_)) => format!("{group}/64"),
        group => group.to_string(),
    };
    ComesFrom {
        address: visitor.address.to_string(),
        group,
        person: visitor.address.person(),
        device: device(agent),
        marks: marks(headers),
    }
}

/// A browser in words: "Firefox on Linux". Anything else by the first word of what it calls itself.
fn device(agent: &str) -> String {
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chromium/", "Chromium"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |of: &[(&str, &'static str)]| of.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => {
            let word: String =
                agent.split(['/', ' ']).next().unwrap_or_default().chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
            if word.is_empty() { "unknown".to_owned() } else { word }
        }
    }
}

/// The cookie for a session, one that outlives the browser when `lasting`, or the one that takes it away. Under TLS its name keeps it to this host, and so its path is `/`.
///
/// # Errors
/// 404 for a prefix that no cookie can have.
pub(super) fn cookie(visitor: &Visitor, token: Option<&str>, lasting: bool) -> Result<HeaderValue, ApiError> {
    put(visitor, (COOKIE, COOKIE_TLS), token, lasting)
}

/// The cookie by which a browser is known. It stays when one signs out.
///
/// # Errors
/// As [`cookie`].
pub(super) fn known(visitor: &Visitor, marks: &str) -> Result<HeaderValue, ApiError> {
    put(visitor, (KNOWN, KNOWN_TLS), Some(marks), true)
}

fn put(visitor: &Visitor, names: (&str, &str), value: Option<&str>, lasting: bool) -> Result<HeaderValue, ApiError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    if !visitor.prefix.chars().all(plain) {
        return Err(ApiError::not_found());
    }
    let (name, path, secure) = if visitor.secure { (names.1, "/", "; Secure") } else { (names.0, visitor.prefix.as_str(), "") };
    // The longest that browsers take; the daemon ends it earlier, by when it was used last.
    let age = match value {
        None => "; Max-Age=0",
        Some(_) if lasting => "; Max-Age=34560000",
        Some(_) => "",
    };
    let text = format!("{name}={}; Path={path}; HttpOnly; SameSite=Strict{secure}{age}", value.unwrap_or_default());
    HeaderValue::from_str(&text).map_err(|_| ApiError::not_found())
}
