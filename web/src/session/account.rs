//! Checks of what a user types to make an account, against what its protocol declares; sends nothing.

use crate::wire::{Password, Splits};
use bridge::command::Username;
use bridge::handle::Catalogue;
use bridge::model::{PasswordNeed, Protocol, StatusKind, Value};
use bridge::text::is_one_line;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::wire::ErrorBody;

/// The `network` of a log-in: straight in with an IM account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Protocol id, as `prpl-jabber`.
    pub protocol: String,
    /// The full libpurple name; or `splits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The name in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub splits: Option<Splits>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// The plugin's own settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Value>,
    /// What to show at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusKind>,
    /// The account does not exist yet: it is made on the server first, as by `account.register`, and not signed on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub register: bool,
}

fn error(code: &str, field: &str, message: impl Into<String>) -> ErrorBody {
    ErrorBody { code: code.to_owned(), message: message.into(), field: Some(field.to_owned()), retry_ms: None }
}

/// The protocol of that id.
pub(crate) fn protocol<'a>(catalogue: &'a Catalogue, id: &str) -> Result<&'a Protocol, ErrorBody> {
    let known = catalogue.protocols.iter().find(|protocol| protocol.id == id);
    known.ok_or_else(|| error("no_such_protocol", "protocol", "This network is not offered here."))
}

/// A user name out of one of its two forms, and how it reads when joined.
pub(crate) fn username(
    protocol: &Protocol,
    whole: Option<String>,
    splits: Option<Splits>,
) -> Result<Option<(Username, String)>, ErrorBody> {
    let bounded = |text: &str, field: &str| {
        let bad = text.len() > 1024 || !is_one_line(text);
        if bad { Err(error("bad_username", field, "This user name is too long or has characters that no name has.")) } else { Ok(()) }
    };
    match (whole, splits) {
        (Some(whole), None) => {
            bounded(&whole, "username")?;
            if whole.is_empty() {
                return Err(error("missing_field", "username", format!("Please fill in: {}.", protocol.username.label)));
            }
            Ok(Some((Username::Whole(whole.clone()), whole)))
        }
        (None, Some(splits)) => {
            bounded(&splits.user, "splits.user")?;
            for (at, part) in splits.parts.iter().enumerate() {
                bounded(part, &format!("splits.parts[{at}]"))?;
            }
            if splits.user.is_empty() {
                return Err(error("missing_field", "splits.user", format!("Please fill in: {}.", protocol.username.label)));
            }
            if splits.parts.len() > protocol.username.splits.len() {
                return Err(error("bad_field", "splits.parts", "A user name of this network does not have so many parts."));
            }
            let mut joined = splits.user.clone();
            for (at, split) in protocol.username.splits.iter().enumerate() {
                let part = splits.parts.get(at).filter(|part| !part.is_empty()).unwrap_or(&split.default);
                if !part.is_empty() {
                    joined.push_str(&split.separator);
                    joined.push_str(part);
                }
            }
            Ok(Some((Username::Parts { user: splits.user, parts: splits.parts }, joined)))
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(error("bad_field", "splits", "Give either `username` or `splits`.")),
    }
}

/// Fails when a password has what no network takes.
pub(crate) fn one_line(given: Option<&Password>) -> Result<(), ErrorBody> {
    match given {
        Some(password) if !is_one_line(password.0.expose()) => {
            Err(error("bad_field", "password", "A password is one line without control characters."))
        }
        _ => Ok(()),
    }
}

/// Fails when the protocol wants a password and there is none.
pub(crate) fn password(protocol: &Protocol, given: Option<&Password>) -> Result<(), ErrorBody> {
    one_line(given)?;
    let missing = given.is_none_or(|password| password.0.expose().is_empty());
    match protocol.password {
        PasswordNeed::Required if missing => Err(error("missing_field", "password", "Please give the password.")),
        _ => Ok(()),
    }
}

/// Fails on the first option that the protocol does not declare, or that makes no sense.
pub(crate) fn options(protocol: &Protocol, given: &BTreeMap<String, Value>) -> Result<(), ErrorBody> {
    bridge::options::check(&protocol.options, given).map_err(|wrong| {
        let field = wrong.field.map(|key| format!("options.{key}"));
        ErrorBody { code: wrong.code, message: wrong.message, field, retry_ms: None }
    })
}

/// The options of an update. One that is taken back gets what its form starts with.
pub(crate) fn changed_options(protocol: &Protocol, given: BTreeMap<String, Option<Value>>) -> Result<BTreeMap<String, Value>, ErrorBody> {
    let start = |key: &str| protocol.options.iter().find(|option| option.key == key).map(|option| option.default.clone());
    let given: BTreeMap<String, Value> = given
        .into_iter()
        .map(|(key, value)| {
            // What is not declared is refused below.
            let value = value.or_else(|| start(&key)).unwrap_or(Value::Bool(false));
            (key, value)
        })
        .collect();
    options(protocol, &given).map(|()| given)
}

/// What an account with these options shows of them until its worker tells (see [`bridge::model::Account::options`]).
pub(crate) fn differing(protocol: &Protocol, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let shown = |key: &str, value: &Value| protocol.options.iter().any(|o| o.key == key && !o.masked && o.default != *value);
    given.iter().filter(|(key, value)| shown(key, value)).map(|(key, value)| (key.clone(), value.clone())).collect()
}
