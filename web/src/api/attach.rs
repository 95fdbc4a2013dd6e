//! `POST /attach`: the whole state for a tab that has none.

use super::{ApiError, answer, settle, with};
use crate::server::peer::Visitor;
use crate::session::Hub;
use crate::wire::Detach;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("attach")
        .and(warp::post())
        .and(with(hub))
        .and(warp::ext::optional::<Visitor>())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|hub: Arc<Hub>, visitor: Option<Visitor>, headers, body| async move {
            let attach = async {
                let (session, browser) = super::session::recognise(&hub, &headers).await?;
                if let Some(visitor) = visitor {
                    hub.came_from(&session, visitor.address);
                }
                let Detach { client } = answer::read_json(&headers, body, 4096).await?;
                Ok::<_, ApiError>(answer::raw_json(StatusCode::OK, hub.attach_from(&session, Some(browser), &client)?))
            };
            settle(attach.await)
        })
        .boxed()
}
