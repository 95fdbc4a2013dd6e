//! `POST /logout`: ends the session and takes its cookie away; polls end by the hub.

use super::login::cookie;
use super::{ApiError, answer, settle};
use crate::server::peer::Visitor;
use crate::session::Hub;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, header};
use warp::reply::Response;

/// `POST /logout` below `/api/v1`.
pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let hub = Arc::clone(hub);
    warp::path!("api" / "v1" / "logout")
        .and(warp::post())
        .and(warp::ext::get::<Visitor>())
        .and(warp::header::headers_cloned())
        .then(move |visitor: Visitor, headers: HeaderMap| {
            let hub = Arc::clone(&hub);
            async move { settle(logout(&hub, &visitor, &headers).await) }
        })
        .boxed()
}

async fn logout(hub: &Arc<Hub>, visitor: &Visitor, headers: &HeaderMap) -> Result<Response, ApiError> {
    let (session, token) = super::session::recognise(hub, headers).await?;
    hub.logout(&session, &token).await;
    let mut response = answer::nothing();
    response.headers_mut().append(header::SET_COOKIE, cookie(visitor, None, false)?);
    Ok(response)
}
