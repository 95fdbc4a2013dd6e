//! A POST of commands: each is taken, refused or known already, in their order; waits for nothing.

use super::account;
use super::client::Fate;
use super::ends::Need;
use super::state::{Env, State};
use super::translate::Act;
use super::{Hub, Session, keep, price};
use crate::api::ApiError;
use crate::wire::{Command, Commanded, ErrorBody, ID_BYTES, Refused};
use bridge::command::{CommandKind, Origin};
use bridge::handle::Rejected;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use warp::http::StatusCode;

/// Commands in one POST.
const MOST: usize = 100;
/// When to try again what the network side had no room for.
const BUSY_RETRY_MS: u64 = 500;

#[derive(Deserialize)]
struct Body {
    client: String,
    commands: Vec<Map<String, Value>>,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    after: Option<u64>,
}

pub(crate) fn error(code: &str, message: impl Into<String>) -> ErrorBody {
    ErrorBody { code: code.to_owned(), message: message.into(), field: None, retry_ms: None }
}

pub(super) fn later(code: &str, message: &str, retry_ms: u64) -> ErrorBody {
    ErrorBody { retry_ms: Some(retry_ms), ..error(code, message) }
}

/// What became of one command.
enum Verdict {
    Accepted,
    /// For what it is: the same for ever.
    Refused(ErrorBody),
    /// For the moment, and with it all that come after.
    Stopped(ErrorBody),
}

impl Hub {
    /// Takes the commands of a POST body, and its acknowledgement. 202, or 503 when nothing was taken for want of room.
    ///
    /// # Errors
    /// 400 for a body that is no list of commands or has a cursor without its log or in the future, 409 `no_such_client` before an attach,
    /// 429 `rate_limited`.
    pub fn perform(self: &Arc<Self>, session: &Arc<Session>, body: &[u8]) -> Result<(StatusCode, Commanded), ApiError> {
        // To read it is work, too.
        session.lock().asks(&self.env(), body.len())?;
        let Body { client, commands, epoch, after } = crate::api::parse(body)?;
        if commands.len() > MOST {
            return Err(ApiError::bad_request("too_many_commands", format!("At most {MOST} commands at once.")).at("commands"));
        }
        let env = self.env();
        let mut state = session.lock();
        if state.ended.is_some() {
            return Err(ApiError::session_ended());
        }
        if state.client(&client).is_none() {
            return Err(ApiError::new(StatusCode::CONFLICT, "no_such_client", "Attach first.").at("client"));
        }
        if let Some(after) = after {
            let Some(epoch) = epoch else {
                return Err(ApiError::bad_request("missing_field", "`after` needs the `epoch` that it belongs to.").at("epoch"));
            };
            self.acknowledge(&mut state, &env, session, &client, &epoch, after)?;
        }
        let mut answer = Commanded { accepted: Vec::new(), rejected: Vec::new(), error: None };
        let mut stopped: Option<ErrorBody> = None;
        for object in commands {
            let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let verdict = self.take_in(session, &mut state, &env, &client, &id, object, stopped.as_ref());
            match verdict {
                Verdict::Accepted => answer.accepted.push(id),
                Verdict::Refused(error) => answer.rejected.push(Refused { id, error }),
                Verdict::Stopped(error) => {
                    stopped = Some(error.clone());
                    answer.rejected.push(Refused { id, error });
                }
            }
        }
        self.remember_accounts(session.id, &mut state);
        state.deliver(&env);
        drop(state);
        self.settle_idle(session);
        self.counters().commands_accepted.add(answer.accepted.len() as u64);
        self.counters().commands_rejected.add(answer.rejected.len() as u64);
        let status = match stopped {
            Some(error) if answer.accepted.is_empty() && error.code != "rate_limited" => {
                answer.error = Some(error);
                StatusCode::SERVICE_UNAVAILABLE
            }
            Some(error) if answer.accepted.is_empty() => {
                answer.error = Some(error);
                StatusCode::TOO_MANY_REQUESTS
            }
            _ => StatusCode::ACCEPTED,
        };
        Ok((status, answer))
    }

    #[allow(clippy::too_many_arguments)] // all of one POST, taken apart by its only caller
    fn take_in(
        self: &Arc<Self>,
        session: &Arc<Session>,
        state: &mut State,
        env: &Env<'_>,
        client: &str,
        id: &str,
        mut object: Map<String, Value>,
        stopped: Option<&ErrorBody>,
    ) -> Verdict {
        if id.is_empty() || id.len() > ID_BYTES || id.chars().any(char::is_control) {
            let message = format!("A command has an `id` of 1 to {ID_BYTES} bytes.");
            return Verdict::Refused(ErrorBody { field: Some("id".to_owned()), ..error("bad_field", message) });
        }
        if let Some(fate) = state.client(client).and_then(|client| client.fate(id)) {
            self.counters().commands_repeated.one();
            return match fate {
                Fate::Rejected(error) => Verdict::Refused((**error).clone()),
                _ => Verdict::Accepted,
            };
        }
        if let Some(error) = stopped {
            return Verdict::Stopped(error.clone());
        }
        let own = state.keep.as_ref().and_then(|keep| keep.limits.commands_per_second);
        let per_second = u64::from(own.unwrap_or(self.config.commands_per_second));
        if let Err(retry_ms) = state.commands.take(env.now, per_second * 60, per_second * price::BURST_SECONDS, 1) {
            let message = "Too much at once (limits.commands_per_second). Please wait a moment.";
            return Verdict::Stopped(later("rate_limited", message, retry_ms));
        }
        object.remove("id");
        let kind = match object.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => String::new(),
        };
        let origin = Origin { client: client.to_owned(), command: id.to_owned() };
        let act = Command::bytes(&kind, &object).and_then(|bytes| {
            state.commands.charge(price::of_fields(bytes));
            Command::parse(&kind, object).and_then(|command| self.act(state, client, command))
        });
        if let Ok(act) = &act {
            let more = state.price(act);
            state.commands.charge(more);
        }
        let (act, file) = match act {
            Ok(Act::File(kind, file)) => (Ok(Act::Bridge(kind)), Some(file)),
            act => (act, None),
        };
        let strangers = match &act {
            Ok(Act::Bridge(kind)) => self.strangers(session, state, env.now, kind),
            _ => Ok(Vec::new()),
        };
        let (act, strangers) = match strangers {
            Ok(strangers) => (act, strangers),
            Err(error) => (Err(error), Vec::new()),
        };
        let remember = |state: &mut State, fate: Fate| {
            if let Some(client) = state.client(client) {
                client.remember(id, fate);
            }
        };
        match act {
            Err(error) => {
                remember(state, Fate::Rejected(Box::new(error.clone())));
                Verdict::Refused(error)
            }
            Ok(Act::Local(local)) => {
                remember(state, Fate::Running);
                if local.needs_store() {
                    state.begin(&origin, Need::Stored);
                }
                if let Some(outcome) = self.run_local(session, state, env, &origin, local) {
                    state.command_ended(env, Some(&origin), outcome);
                }
                Verdict::Accepted
            }
            Ok(Act::Bridge(kind)) if state.has_to_wait(&kind) => {
                remember(state, Fate::Running);
                state.begin(&origin, Need::Said);
                let outcome = state.queue(env, &origin, kind).map(|()| None);
                if outcome.is_ok() {
                    self.note_strangers(session, state, env.now, strangers);
                }
                state.command_ended(env, Some(&origin), outcome);
                Verdict::Accepted
            }
            // A file's was taken out of it above.
            Ok(Act::File(mut kind, _) | Act::Bridge(mut kind)) => {
                if let CommandKind::AddAccount { settings, .. } = &mut kind {
                    settings.person = session.guest();
                    settings.visitor = self.visitor_of(&settings.protocol, state.seldom.as_ref().and_then(|seldom| seldom.visitor));
                }
                let status = match &kind {
                    CommandKind::SetStatus { status, accounts: None, .. } => Some(status.clone()),
                    _ => None,
                };
                let adds = matches!(kind, CommandKind::AddAccount { .. });
                if keep::needs_store(&kind) && state.lacks_store() && !state.is_passing(&kind) {
                    return Verdict::Refused(keep::unavailable());
                }
                if let Err(error) = self.protocol_is_open(state, &kind) {
                    return Verdict::Refused(error);
                }
                let changed = state.changed_by(&kind);
                let removed = match &kind {
                    CommandKind::RemoveAccount(account) => Some(*account),
                    _ => None,
                };
                let off = match &kind {
                    CommandKind::DisableAccount(account) => Some(*account),
                    _ => None,
                };
                let need = match &kind {
                    CommandKind::SendMessage { .. } => Some(Need::Said),
                    kind if keep::needs_store(kind) && !state.is_passing(kind) => Some(Need::Stored),
                    _ => None,
                };
                let groups = matches!(kind, CommandKind::RemoveGroup { .. } | CommandKind::RenameGroup { .. }).then(|| kind.clone());
                let of = state.account_of(&kind);
                match self.send(session.id, origin.clone(), kind, of) {
                    Ok(()) => {
                        self.note_strangers(session, state, env.now, strangers);
                        groups.into_iter().for_each(|kind| state.groups_go(&kind));
                        if adds {
                            state.adding.push(origin.clone());
                        }
                        remember(state, Fate::Running);
                        file.into_iter().for_each(|file| state.moving.sends(&origin, file));
                        if let Some(keep) = &mut state.keep {
                            keep.removing.extend(removed);
                        }
                        need.into_iter().for_each(|need| state.begin(&origin, need));
                        changed.into_iter().for_each(|account| state.account_changed(account));
                        off.into_iter().for_each(|account| state.not_wanted(account));
                        if let Some(status) = status {
                            state.status = status.clone();
                            state.keep_status();
                            state.emit(env, Some(&origin), crate::wire::EventBody::Status { status });
                        }
                        Verdict::Accepted
                    }
                    Err(Rejected::Busy(_)) => Verdict::Stopped(later("busy", "The server is busy. Please try again.", BUSY_RETRY_MS)),
                    Err(Rejected::Closed) => Verdict::Stopped(error("unavailable", "The connection to the networks is down.")),
                }
            }
        }
    }

    /// What a command comes to: something for the bridge, or something to be done here.
    fn act(&self, state: &mut State, client: &str, command: Command) -> Result<Act, ErrorBody> {
        let catalogue = self.networks().catalogue();
        state.translate(&self.config, catalogue, client, command)
    }
}

/// The account of an `account.add`, ready for the bridge.
pub(crate) fn add_account(
    catalogue: &bridge::handle::Catalogue,
    status: &bridge::model::Status,
    add: crate::wire::AccountAdd,
) -> Result<CommandKind, ErrorBody> {
    let protocol = account::protocol(catalogue, &add.protocol)?;
    let Some((username, _)) = account::username(protocol, add.username, add.splits)? else {
        let missing = error("missing_field", format!("Please fill in: {}.", protocol.username.label));
        return Err(ErrorBody { field: Some("username".to_owned()), ..missing });
    };
    let enabled = add.enabled.unwrap_or(true);
    if enabled {
        account::password(protocol, add.password.as_ref())?;
    }
    account::one_line(add.password.as_ref())?;
    account::options(protocol, &add.options)?;
    let id = getrandom::u64().map_err(|_| error("unavailable", "The server cannot do this right now."))?.max(1);
    let settings = bridge::command::AccountSettings {
        person: None,
        visitor: None,
        protocol: add.protocol,
        username,
        password: add.password.map(|password| password.0),
        options: add.options,
        stored: std::collections::BTreeMap::new(),
        pins: Vec::new(),
        alias: add.alias.unwrap_or_default(),
        enabled,
        status: status.clone(),
        before: bridge::command::Before::default(),
    };
    Ok(CommandKind::AddAccount { account: bridge::id::AccountId(id), settings: Box::new(settings) })
}
