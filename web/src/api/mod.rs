//! The HTTP interface: one file per family of endpoints. Handlers check, ask the hub, and answer; they keep nothing.

pub mod admin;
pub mod answer;
mod attach;
mod commands;
mod detach;
mod discover;
mod error;
mod export;
pub mod front;
mod history;
pub mod login;
mod logout;
mod me;
mod media;
mod nobody;
mod poll;
mod refused;
pub mod schema;
mod search;
mod session;
mod stream;
mod throttle;
mod transfers;
pub(crate) mod uploads;

pub use answer::{json, nothing, parse, raw_json, read, read_json};
pub use error::ApiError;
pub(crate) use refused::allowed;
pub use refused::{Refusal, refused};
pub use session::{COOKIE, COOKIE_TLS, token, who};

use crate::session::Hub;
use std::sync::Arc;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// Everything below `/api/v1` that needs a session. Rejections are only for other paths, other methods and queries that do not fit.
pub fn session_routes(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let api = warp::path("api").and(warp::path("v1"));
    let routes = poll::route(hub)
        .or(commands::route(hub))
        .unify()
        .or(stream::route(hub))
        .unify()
        .or(attach::route(hub))
        .unify()
        .or(detach::route(hub))
        .unify()
        .or(history::route(hub))
        .unify()
        .or(search::route(hub))
        .unify()
        .or(discover::route(hub))
        .unify()
        .or(media::route(hub))
        .unify()
        .or(uploads::route(hub))
        .unify()
        .or(transfers::route(hub))
        .unify()
        .or(me::route(hub))
        .unify()
        .or(export::route(hub))
        .unify();
    api.and(routes).map(Reply::into_response).or(logout::route(hub)).unify().or(nobody::route(hub)).unify().boxed()
}

/// The hub, for a handler.
fn with(hub: &Arc<Hub>) -> impl Filter<Extract = (Arc<Hub>,), Error = std::convert::Infallible> + Clone + use<> {
    let hub = Arc::clone(hub);
    warp::any().map(move || Arc::clone(&hub))
}

/// A handler's result as an answer.
fn settle(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(|error| error.response())
}

#[cfg(test)]
mod tests;
