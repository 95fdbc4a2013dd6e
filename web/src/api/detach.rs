//! `POST /detach`: a tab says good-bye as it closes (`sendBeacon`, so any content type).

use super::{ApiError, answer, settle, who, with};
use crate::session::Hub;
use crate::wire::Detach;
use std::sync::Arc;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("detach")
        .and(warp::post())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|hub: Arc<Hub>, headers, body| async move {
            let detach = async {
                let session = who(&hub, &headers).await?;
                hub.admit(&session, 0)?;
                let Detach { client } = answer::parse(&answer::read(&headers, body, 4096).await?)?;
                hub.detach(&session, &client);
                Ok::<_, ApiError>(answer::nothing())
            };
            settle(detach.await)
        })
        .boxed()
}
