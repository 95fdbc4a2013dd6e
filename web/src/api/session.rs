//! Whose request it is: the cookie and the session it stands for; sets no cookie.

use super::ApiError;
use crate::session::{Hub, Session, TokenHash};
use std::convert::Infallible;
use std::sync::Arc;
use warp::Filter;
use warp::http::{HeaderMap, header};

/// Name of the cookie over plain HTTP.
pub const COOKIE: &str = "bellflower";
/// Name of the cookie under TLS: the prefix binds it to this host and to `Secure`.
pub const COOKIE_TLS: &str = "__Host-bellflower";

/// The token in a request's cookies; the one that TLS protects first.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let find = |wanted: &str| {
        headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';')).find_map(
            |pair| {
                let (name, value) = pair.split_once('=')?;
                (name.trim() == wanted).then_some(value.trim()).filter(|value| !value.is_empty())
            },
        )
    };
    find(COOKIE_TLS).or_else(|| find(COOKIE))
}

/// The session of a request.
///
/// # Errors
/// 401 `not_signed_in`, or `session_ended` when there was one.
pub fn who(hub: &Hub, headers: &HeaderMap) -> Result<Arc<Session>, ApiError> {
    recognise(hub, headers).map(|(session, _)| session)
}

/// The same, with what finds the session when the request comes again.
///
/// # Errors
/// As [`who`].
pub(super) fn recognise(hub: &Hub, headers: &HeaderMap) -> Result<(Arc<Session>, TokenHash), ApiError> {
    let token = token(headers);
    token.and_then(|token| hub.recognise(token)).ok_or_else(|| hub.refusal(token))
}

/// The query's parameters, decoded; none when there is no query.
pub(super) fn parameters() -> impl Filter<Extract = (Vec<(String, String)>,), Error = Infallible> + Clone {
    warp::query::<Vec<(String, String)>>().or(warp::any().map(Vec::new)).unify()
}
