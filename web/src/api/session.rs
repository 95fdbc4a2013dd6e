//! Whose request it is: the cookie and the session it stands for; sets no cookie.

use super::ApiError;
use crate::session::{Hub, Marks, Session, TokenHash};
use std::convert::Infallible;
use std::sync::Arc;
use warp::Filter;
use warp::http::{HeaderMap, header};

/// Name of the cookie over plain HTTP.
pub const COOKIE: &str = "bellflower";
/// Name of the cookie under TLS: the prefix binds it to this host and to `Secure`.
pub const COOKIE_TLS: &str = "__Host-bellflower";

/// Names of the cookie by which a browser is known.
pub(super) const KNOWN: &str = "bellflower-known";
pub(super) const KNOWN_TLS: &str = "__Host-bellflower-known";

/// Cookies of our names that are looked at. The store is asked for fewer (see `session::resume`).
const MOST: usize = 16;

/// The values of a cookie. Other applications on the host set what they like, bytes beyond ASCII and pairs without a name among it.
fn values<'a>(headers: &'a HeaderMap, wanted: &'static str) -> impl Iterator<Item = &'a str> {
    // Some proxies put several lines together with commas (RFC 9110, 5.3).
    let pieces = headers.get_all(header::COOKIE).into_iter().flat_map(|line| line.as_bytes().split(|byte| matches!(byte, b';' | b',')));
    pieces.filter_map(move |piece| {
        let value = piece.trim_ascii().strip_prefix(wanted.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
    })
}

/// The tokens in a request's cookies; that which TLS protects first, of which a browser has one. Of the others there may be several: one for each
/// path, and what an older one left.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    values(headers, COOKIE_TLS).take(1).chain(values(headers, COOKIE)).take(MOST)
}

/// Users who have signed in in this browser before.
pub(super) fn marks(headers: &HeaderMap) -> Marks {
    let value = values(headers, KNOWN_TLS).next().or_else(|| values(headers, KNOWN).next());
    value.map(Marks::read).unwrap_or_default()
}

/// The token by which somebody is signed in.
pub fn token<'a>(hub: &Hub, headers: &'a HeaderMap) -> Option<&'a str> {
    tokens(headers).find(|token| hub.authenticate(token).is_some())
}

/// The session of a request; one of before a restart of the daemon is brought back.
///
/// # Errors
/// 401 `not_signed_in`, or `session_ended` when there was one; 503 `store_unavailable` when that cannot be found out now.
pub async fn who(hub: &Arc<Hub>, headers: &HeaderMap) -> Result<Arc<Session>, ApiError> {
    recognise(hub, headers).await.map(|(session, _)| session)
}

/// The same, with what finds the session when the request comes again.
///
/// # Errors
/// As [`who`].
pub(super) async fn recognise(hub: &Arc<Hub>, headers: &HeaderMap) -> Result<(Arc<Session>, TokenHash), ApiError> {
    match tokens(headers).find_map(|token| hub.recognise(token)) {
        Some(known) => Ok(known),
        None => hub.find(&tokens(headers).collect::<Vec<_>>()).await,
    }
}

/// The same, with the token itself.
///
/// # Errors
/// As [`who`].
pub(super) async fn signed_in<'a>(hub: &Arc<Hub>, headers: &'a HeaderMap) -> Result<(Arc<Session>, TokenHash, &'a str), ApiError> {
    let (session, hash) = recognise(hub, headers).await?;
    let token = tokens(headers).find(|token| crate::session::hash_of_token(token) == hash).ok_or_else(ApiError::not_signed_in)?;
    Ok((session, hash, token))
}

/// The query's parameters, decoded; none when there is no query.
pub(super) fn parameters() -> impl Filter<Extract = (Vec<(String, String)>,), Error = Infallible> + Clone {
    warp::query::<Vec<(String, String)>>().or(warp::any().map(Vec::new)).unify()
}
