//! `GET /poll`: the one held request of a browser. Its future may be dropped at any point.

use super::session::recognise;
use super::{ApiError, answer, with};
use crate::server::{Again, Answer, Head, Told, later};
use crate::session::{Hub, PollQuery, Polled, Session, TokenHash};
use std::future::poll_fn;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderName, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// What stands above an answer that was held.
static HEAD: LazyLock<Head> = LazyLock::new(|| Head::new(with_headers));

pub(super) fn route(hub: &Arc<Hub>) -> BoxedFilter<(Response,)> {
    warp::path!("poll")
        .and(warp::get())
        .and(with(hub))
        .and(warp::header::headers_cloned())
        .and(query())
        .then(|hub: Arc<Hub>, headers, query: Result<PollQuery, ApiError>| async move {
            let (session, token) = match recognise(&hub, &headers).await {
                Ok(known) => known,
                Err(error) => return error.response(),
            };
            drop(headers);
            match query {
                Ok(query) => {
                    let again = Arc::clone(&hub);
                    answer_or_hold(ask(hub, session, query), || repeated(again, token)).await
                }
                Err(error) => error.response(),
            }
        })
        .boxed()
}

/// A poll's answer. Nothing else is to be known for it, so that nothing of the request is kept meanwhile.
fn ask(hub: Arc<Hub>, session: Arc<Session>, query: PollQuery) -> Answer {
    Box::pin(async move {
        match hub.poll(&session, &query).await {
            Ok(Polled(body)) => Told::Usual(&HEAD, body),
            Err(error) => Told::Other(Box::new(error.response())),
        }
    })
}

/// Answers at once what can be answered at once, errors among it. What has to wait is for the server to hold.
async fn answer_or_hold(mut answer: Answer, again: impl FnOnce() -> Again) -> Response {
    match poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
        Poll::Ready(Told::Usual(_, body)) => with_headers(answer::raw_json(StatusCode::OK, body)),
        Poll::Ready(Told::Other(response)) => *response,
        Poll::Pending => later(with_headers, answer, Some(again())),
    }
}

/// Answers further polls of who is signed in by `token`, as long as they are; it keeps no session.
fn repeated(hub: Arc<Hub>, token: TokenHash) -> Again {
    Box::new(move |query| {
        let query = plain(query)?;
        let session = hub.holder(&token)?;
        Some(ask(Arc::clone(&hub), session, query))
    })
}

/// A query as clients write it: each parameter once, and nothing that needs decoding. `None` for any other, right or wrong.
fn plain(text: &str) -> Option<PollQuery> {
    if text.contains(['%', '+']) {
        return None;
    }
    let (mut client, mut epoch, mut after, mut n) = (None, None, None, None);
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=')?;
        let before = match name {
            "client" => client.replace(value.to_owned()).map(drop),
            "epoch" => epoch.replace(value.to_owned()).map(drop),
            "after" => after.replace(value.parse::<u64>().ok()?).map(drop),
            "n" => n.replace(value.parse().ok()?).map(drop),
            _ => Some(()),
        };
        if before.is_some() {
            return None;
        }
    }
    Some(PollQuery { client: client?, epoch: epoch?, after: after?, n })
}

/// The answer with the headers that keep caches and proxies from holding or changing it.
pub(super) fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The query.
fn query() -> impl Filter<Extract = (Result<PollQuery, ApiError>,), Error = std::convert::Infallible> + Clone {
    super::session::parameters().map(|given: Vec<(String, String)>| parameter_query(&given))
}

/// The query of a poll or a stream, with an error that names the parameter at fault.
pub(super) fn parameter_query(given: &[(String, String)]) -> Result<PollQuery, ApiError> {
    let find = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let needed = |name: &str| {
        find(name).ok_or_else(|| ApiError::bad_request("missing_field", format!("The parameter `{name}` is missing.")).at(name))
    };
    let number = |name: &str, text: String| {
        text.parse::<u64>().map_err(|_| ApiError::bad_request("bad_field", format!("`{name}` is a whole number.")).at(name))
    };
    Ok(PollQuery {
        client: needed("client")?,
        epoch: needed("epoch")?,
        after: number("after", needed("after")?)?,
        n: find("n").map(|text| number("n", text)).transpose()?,
    })
}
