//! How a guest comes in: straight with an IM account, as long as the session lasts; checks, makes the session, sends one command.

use super::account::{self, Network};
use super::token;
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::User;
use bridge::command::{AccountSettings, CommandKind, Origin};
use bridge::features::Features;
use bridge::handle::Rejected;
use bridge::id::{AccountId, PersonId, UserId};
use bridge::model::{Account, AccountStanding, AccountState, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use warp::http::StatusCode;

/// The origin of the command that a log-in sends; no client has an empty id.
pub(crate) const LOGIN: &str = "login";

/// A log-in that went well.
#[derive(Debug, Clone)]
pub struct Login {
    /// For the cookie: 256 random bits, base64url.
    pub token: String,
    /// Who.
    pub user: User,
    /// The account that was made.
    pub account: AccountId,
}

/// A random number, for ids; never 0.
fn random() -> Result<u64, ApiError> {
    match getrandom::u64() {
        Ok(number) => Ok(number.max(1)),
        Err(error) => {
            crate::pace::paced!(error, "the system gives no random numbers: {error}");
            Err(ApiError::unavailable())
        }
    }
}

impl Hub {
    /// Opens a session for a guest and begins to sign their account on. Does not wait for the network. `person`: who may be the same.
    ///
    /// # Errors
    /// 400 with the field at fault; 503 when the site is full, restarting, busy or without its networks.
    pub fn open_guest(&self, network: Network, person: PersonId) -> Result<Login, ApiError> {
        self.open_guest_at(network, person, None)
    }

    /// The same, for a guest who comes from there.
    ///
    /// # Errors
    /// As [`Hub::open_guest`].
    pub fn open_guest_at(&self, network: Network, person: PersonId, visitor: Option<IpAddr>) -> Result<Login, ApiError> {
        let bad = |error| ApiError::with_status(StatusCode::BAD_REQUEST, error);
        if self.is_draining() {
            return Err(
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "restarting", "The server restarts. Please try again.").retry_in(3000)
            );
        }
        let protocol = account::protocol(self.networks().catalogue(), &network.protocol).map_err(bad)?;
        if self.is_closed(&network.protocol) {
            return Err(ApiError::with_status(StatusCode::FORBIDDEN, super::protocols::refusal()));
        }
        let Some((username, joined)) = account::username(protocol, network.username, network.splits).map_err(bad)? else {
            return Err(ApiError::bad_request("missing_field", format!("Please fill in: {}.", protocol.username.label)).at("username"));
        };
        account::password(protocol, network.password.as_ref()).map_err(bad)?;
        account::options(protocol, &network.options).map_err(bad)?;
        if network.register && !protocol.features.has("register") {
            return Err(ApiError::bad_request("not_supported", "This network cannot make accounts from here.").at("register"));
        }
        if self.config.users > 0 && self.users() >= self.config.users {
            return Err(
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "full", "This site is full. Please try again later.").retry_in(60_000)
            );
        }

        let (user, account) = (UserId(random()?), AccountId(random()?));
        let shown = account::differing(protocol, &network.options);
        let status = Status { status: network.status.unwrap_or_default(), message: None };
        let settings = AccountSettings {
            person: Some(person),
            visitor: self.visitor_of(&network.protocol, visitor),
            protocol: network.protocol.clone(),
            username,
            password: network.password.map(|password| password.0),
            options: network.options,
            stored: BTreeMap::new(),
            pins: Vec::new(),
            alias: String::new(),
            enabled: !network.register,
            status: status.clone(),
            before: bridge::command::Before::default(),
        };
        let state = if network.register { AccountState::Offline } else { AccountState::Connecting };
        let placeholder = Account {
            enabled: !network.register,
            options: shown,
            ..new_account(account, network.protocol, joined.clone(), AccountStanding::plain(state), &status)
        };
        let token = token::create_for_guest().map_err(|_| ApiError::unavailable())?;
        let now = self.env().now;
        let session = Arc::new(Session::new(user, &joined, Some(person), random()?, now));
        {
            let mut state = session.lock();
            state.accounts.reserve_exact(1);
            state.accounts.push(placeholder);
            state.status = status;
            self.note_visitor(&mut state, visitor);
        }
        self.enter(&session, token::hash(&token));
        let mut commands = vec![CommandKind::AddAccount { account, settings: Box::new(settings) }];
        commands.extend(network.register.then_some(CommandKind::RegisterAccount(account)));
        let sent = commands.into_iter().try_for_each(|command| {
            let origin = Origin { client: String::new(), command: LOGIN.to_owned() };
            self.send(user, origin, command, Some(account))
        });
        if let Err(rejected) = sent {
            self.leave(&session, false);
            if network.register {
                // The first of the two may have gone.
                self.tell_for_sure(user, CommandKind::RemoveUser, None);
            }
            return Err(match rejected {
                Rejected::Busy(_) => ApiError::busy(2000),
                Rejected::Closed => ApiError::unavailable(),
            });
        }
        self.counters().sessions_opened.one();
        self.look_at(&session, &mut session.lock(), now + self.config.hold_ms + self.config.grace_ms);
        Ok(Login { token, user: session.user(), account })
    }
}

/// An account of which nothing is known yet but that it is wanted.
pub(crate) fn new_account(id: AccountId, protocol: String, username: String, standing: AccountStanding, status: &Status) -> Account {
    Account {
        id,
        protocol,
        username,
        options: BTreeMap::new(),
        alias: String::new(),
        icon: None,
        enabled: true,
        standing,
        status: status.status,
        status_message: status.message.clone(),
        idle: false,
        mail: None,
        features: Features::default(),
    }
}
