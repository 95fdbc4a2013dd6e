//! `GET /history`: the messages that the hub keeps of a conversation, from the newest backwards.

use super::{ApiError, answer, settle, who, with};
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

/// Messages in an answer when none is said, and at most.
const LIMIT: usize = 50;
const MOST: usize = 200;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("history")
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(super::session::parameters())
        .then(|hub: Arc<Hub>, headers, parameters: Vec<(String, String)>| async move { settle(history(&hub, &headers, &parameters)) })
        .boxed()
}

fn history(hub: &Hub, headers: &HeaderMap, parameters: &[(String, String)]) -> Result<Response, ApiError> {
    let session = who(hub, headers)?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let missing = || ApiError::bad_request("missing_field", "The parameter `conversation` is missing.").at("conversation");
    let conversation = find("conversation").ok_or_else(missing)?;
    let bad_limit = |_| ApiError::bad_request("bad_field", "`limit` is a whole number.").at("limit");
    let limit = find("limit").map_or(Ok(LIMIT), |limit| limit.parse().map_err(bad_limit))?;
    let body = hub.history(&session, conversation, find("before"), limit.clamp(1, MOST))?;
    Ok(answer::raw_json(StatusCode::OK, body))
}
