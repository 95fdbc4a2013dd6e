//! `GET /search`: messages by their words, over all that the user has, newest first.

use super::{ApiError, answer, settle, who, with};
use crate::session::{Hub, message_number};
use crate::wire::{SearchOpen, read_fields};
use serde_json::{Map, Value};
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

/// Hits in an answer when none is said, and at most.
const LIMIT: usize = 50;
const MOST: usize = 100;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("search")
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(super::session::parameters())
        .then(|hub: Arc<Hub>, headers, parameters: Vec<(String, String)>| async move { settle(search(&hub, &headers, parameters).await) })
        .boxed()
}

async fn search(hub: &Arc<Hub>, headers: &HeaderMap, parameters: Vec<(String, String)>) -> Result<Response, ApiError> {
    let session = who(hub, headers).await?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let bad_limit = |_| ApiError::bad_request("bad_field", "`limit` is a whole number.").at("limit");
    let limit = find("limit").map_or(Ok(LIMIT), |limit| limit.parse().map_err(bad_limit))?;
    let before = match find("before") {
        None => None,
        Some(id) => {
            let bad = || ApiError::bad_request("bad_field", "This is not the id of a message.").at("before");
            Some(message_number(id).ok_or_else(bad)?)
        }
    };
    let mut fields = Map::new();
    // A page leaves what is empty empty.
    for (key, value) in parameters.into_iter().filter(|(key, value)| key == "q" || !value.is_empty()) {
        fields.entry(key).or_insert(Value::String(value));
    }
    let asked: SearchOpen = read_fields(fields).map_err(|error| ApiError::with_status(StatusCode::BAD_REQUEST, error))?;
    let body = hub.search(&session, &asked, before, limit.clamp(1, MOST)).await?;
    Ok(answer::raw_json(StatusCode::OK, body))
}
