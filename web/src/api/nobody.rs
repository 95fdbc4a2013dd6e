//! What is left below `/api/v1` when no route took it: nobody is told what is there before they have signed in. It answers nothing else.

use super::{Refusal, who};
use crate::session::Hub;
use std::convert::Infallible;
use std::sync::Arc;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reply::Response;
use warp::{Filter, Rejection};

/// First parts of the addresses that need no session.
const OPEN: [&str; 8] = ["site", "protocols", "schema", "login", "register", "recover", "healthz", "readyz"];

/// Refuses strangers; passes everybody else on.
pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let hub = Arc::clone(hub);
    warp::path::full()
        .and(warp::header::headers_cloned())
        .and_then(move |path: warp::path::FullPath, headers: HeaderMap| {
            let hub = Arc::clone(&hub);
            async move { refuse(&hub, path.as_str(), &headers).await }
        })
        .map(|never: Infallible| match never {})
        .boxed()
}

async fn refuse(hub: &Arc<Hub>, path: &str, headers: &HeaderMap) -> Result<Infallible, Rejection> {
    let needs_session = path.strip_prefix("/api/v1/").is_some_and(|rest| !OPEN.contains(&rest.split('/').next().unwrap_or_default()));
    if needs_session && let Err(error) = who(hub, headers).await {
        return Err(warp::reject::custom(Refusal(error)));
    }
    Err(warp::reject::not_found())
}
