//! `GET /history`: pages of a conversation's messages, stored or held by the hub, in both directions and around one.

use super::{ApiError, answer, settle, who, with};
use crate::session::{Hub, message_number};
use crate::store::Place;
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
        .then(|hub: Arc<Hub>, headers, parameters: Vec<(String, String)>| async move { settle(history(&hub, &headers, &parameters).await) })
        .boxed()
}

async fn history(hub: &Arc<Hub>, headers: &HeaderMap, parameters: &[(String, String)]) -> Result<Response, ApiError> {
    let session = who(hub, headers).await?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let missing = || ApiError::bad_request("missing_field", "The parameter `conversation` is missing.").at("conversation");
    let conversation = find("conversation").ok_or_else(missing)?;
    let bad_limit = |_| ApiError::bad_request("bad_field", "`limit` is a whole number.").at("limit");
    let limit = find("limit").map_or(Ok(LIMIT), |limit| limit.parse().map_err(bad_limit))?;
    let places = [("before", find("before")), ("after", find("after")), ("around", find("around"))];
    let mut given = places.into_iter().filter_map(|(name, id)| Some((name, id?)));
    let place = given.next();
    if let Some((name, _)) = given.next() {
        return Err(ApiError::bad_request("bad_field", "Give one of `before`, `after` and `around`.").at(name));
    }
    let place = match place {
        None => Place::Newest,
        Some((name, id)) => {
            let number = message_number(id);
            let number = number.ok_or_else(|| ApiError::bad_request("bad_field", "This is not the id of a message.").at(name))?;
            match name {
                "before" => Place::Before(number),
                "after" => Place::After(number),
                _ => Place::Around(number),
            }
        }
    };
    let body = hub.history(&session, conversation, place, limit.clamp(1, MOST)).await?;
    Ok(answer::raw_json(StatusCode::OK, body))
}
