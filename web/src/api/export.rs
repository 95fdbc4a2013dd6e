//! `GET /me/export`: everything of a user but secrets, as JSON or as a page to read, written as it is read from the store.

use super::session::signed_in;
use super::{ApiError, settle};
use crate::server::{Head, Parts, flow};
use crate::session::{Export, Form, Hub};
use futures_util::stream::unfold;
use std::sync::{Arc, LazyLock};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, header};
use warp::reply::Response;

static JSON: LazyLock<Head> = LazyLock::new(|| Head::new(json));
static HTML: LazyLock<Head> = LazyLock::new(|| Head::new(html));

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    let hub = Arc::clone(hub);
    warp::path!("me" / "export")
        .and(warp::get())
        .and(warp::header::headers_cloned())
        .and(super::session::parameters())
        .then(move |headers: HeaderMap, given: Vec<(String, String)>| {
            let hub = Arc::clone(&hub);
            async move {
                let export = async {
                    let (session, ..) = signed_in(&hub, &headers).await?;
                    hub.admit_secret(&session)?;
                    let form = given.iter().find(|(name, _)| name == "format").map_or("json", |(_, value)| value.as_str());
                    let form = match form {
                        "json" => Form::Json,
                        "html" => Form::Html,
                        _ => return Err(ApiError::bad_request("bad_field", "`format` is `json` or `html`.").at("format")),
                    };
                    let export = hub.export(&session, form).await?;
                    Ok(match form {
                        Form::Json => flow(json, &JSON, parts(export)),
                        Form::Html => flow(html, &HTML, parts(export)),
                    })
                };
                settle(export.await)
            }
        })
        .boxed()
}

fn parts(export: Export) -> Parts {
    Box::pin(unfold(export, |mut export| async move { export.next().await.map(|part| (part, export)) }))
}

fn json(response: Response) -> Response {
    dress(response, "application/json", "attachment; filename=\"bellflower.json\"")
}

fn html(response: Response) -> Response {
    dress(response, "text/html; charset=utf-8", "attachment; filename=\"bellflower.html\"")
}

/// An answer that a browser saves, and that nobody else gets.
fn dress(response: Response, kind: &'static str, disposition: &'static str) -> Response {
    let mut response = super::poll::with_headers(response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
