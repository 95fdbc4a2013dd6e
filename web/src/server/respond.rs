//! What happens to every request before and after its route: who sent it, may they, its body in time, and the headers that protect the answer.

use super::flow::Flow;
use super::intake::{Intake, Streamed};
use super::later::Later;
use super::peer::{self, Address, Visitor};
use super::stream::{Held, Left, Phase};
use super::{Complaints, Settings};
use super::{head, origin, pack};
use crate::api::ApiError;
use crate::stats::Stats;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioTimer;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use warp::Reply;

const DAY: Duration = Duration::from_secs(86_400);
/// Where the interface begins.
const API: &str = "/api/v1";

/// What all connections share.
pub(super) struct Site {
    pub(super) routes: super::Routes,
    pub(super) settings: Settings,
    pub(super) stats: Arc<Stats>,
    pub(super) http: hyper::server::conn::http1::Builder,
    pub(super) complaints: Complaints,
    pub(super) intake: Arc<Intake>,
}

impl Site {
    pub(super) fn new(routes: super::Routes, settings: Settings, stats: Arc<Stats>, intake: Arc<Intake>) -> Self {
        let http = http(&settings);
        Self { routes, settings, stats, http, complaints: Complaints::default(), intake }
    }
}

fn http(settings: &Settings) -> hyper::server::conn::http1::Builder {
    let mut http = hyper::server::conn::http1::Builder::new();
    // hyper looks for a next request at once, which starts our own deadlines, only when it has a deadline too: one that comes later than ours.
    let outer = settings.idle.unwrap_or(DAY) + settings.head.unwrap_or(DAY);
    http.timer(TokioTimer::new())
        .header_read_timeout(outer)
        .half_close(false)
        .max_headers(head::MOST_LINES)
        .max_header_size(head::MOST_BYTES);
    http
}

/// Answers one request.
pub(super) async fn respond(
    site: Arc<Site>,
    from: Address,
    phase: Phase,
    request: Request<Incoming>,
) -> Result<Response<Answer<impl Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>>>, Infallible> {
    phase.busy();
    site.stats.requests.add(1);
    let packed = pack::is_wanted(request.headers());
    let knows_chunks = request.version() == Version::HTTP_11;
    let keep = goes_on(&request);
    // The rest of a body is for hyper to keep apart from a next request.
    let is_whole = request.body().is_end_stream();
    let is_page = split(request.uri().path()).is_none();
    let (response, kind) = match admit(&site, from, request).await {
        Ok((request, kind)) => {
            if keep && (is_whole || is_collected(&request)) {
                phase.clean();
            }
            let mut service = warp::service(site.routes.clone());
            // Made first, so that nothing of this function but the route's own future is kept while a poll waits.
            let answer = service.call(request);
            (answer.await.unwrap_or_else(|never| match never {}), kind)
        }
        // A person reads it as it is.
        Err(error) if is_page => (warp::reply::with_status(error.message, error.status).into_response(), Kind::Interface("")),
        Err(error) => (error.response(), Kind::Interface("")),
    };
    if is_whole && phase.is_written() {
        let later = response.extensions().get::<Later>().and_then(Later::take);
        let held = later.map(|(answer, again)| Left::Held(Box::new(Held { answer, kind, keep, again, template: None })));
        let flow = response.extensions().get::<Flow>().filter(|_| knows_chunks).and_then(|flow| flow.take(keep));
        if let Some(left) = held.or(flow.map(|flowing| Left::Flowing(Box::new(flowing)))) {
            // Whoever runs the connection takes it, and drops this future with everything else that a request needs.
            phase.leave(left);
            return std::future::pending().await;
        }
    }
    site.stats.answered(response.status());
    let mut response = if packed && matches!(kind, Kind::Interface(_)) { pack::pack(response).await } else { response };
    protect(&mut response, kind);
    phase.answering();
    Ok(response.map(|body| Answer { body, phase }))
}

/// Whether the connection outlives the answer, by the peer's word.
fn goes_on(request: &Request<Incoming>) -> bool {
    let mut options = request.headers().get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    request.version() == Version::HTTP_11 && !options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// What sort of thing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Below `/api/v1`, with the methods that it takes.
    Interface(&'static str),
    /// The page and its files.
    Page,
}

type RouteBody = Either<Full<Bytes>, Streamed>;

/// Whether its body was read to its end.
fn is_collected(request: &Request<RouteBody>) -> bool {
    !request.method().is_safe() && matches!(request.body(), Either::Left(_))
}

/// Checks that need no route, and the request as a route sees it: without a prefix, with its [`peer::Visitor`], its body read.
async fn admit(site: &Site, from: Address, request: Request<Incoming>) -> Result<(Request<RouteBody>, Kind), ApiError> {
    let settings = &site.settings;
    let (mut parts, body) = request.into_parts();
    head::to_origin_form(&mut parts);
    let (prefix, kind) = match split(parts.uri.path()) {
        Some((prefix, path)) => {
            let visitor = visitor(settings, from, &parts.headers, prefix.to_owned());
            // Monitors ask by addresses, and there is nothing to be learnt.
            if !matches!(path, "/healthz" | "/readyz") {
                answer_at(site, &visitor)?;
            }
            match origin::same_origin(&settings.origins, &visitor, &parts.headers) {
                Ok(page) => {
                    let believed = peer::is_trusted(&settings.trusted, from);
                    if let Some((sort, line)) = origin::unsaid(&visitor, from, believed, page.as_ref(), &parts.headers) {
                        site.complaints.once(sort, line);
                    }
                }
                Err(foreign) => {
                    site.complaints.once("cross_origin", foreign.line(&visitor));
                    return Err(ApiError::new(StatusCode::FORBIDDEN, "cross_origin", foreign.message()));
                }
            }
            if !origin::declares_json(&parts.method, path, &parts.headers) {
                let message = "The body has to be JSON, with `Content-Type: application/json`.";
                return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
            }
            let (prefix, kind) = (prefix.len(), Kind::Interface(crate::api::allowed(path)));
            parts.extensions.insert(visitor);
            (prefix, kind)
        }
        None => {
            let visitor = visitor(settings, from, &parts.headers, "/".to_owned());
            if !matches!(parts.uri.path(), "/healthz" | "/readyz") {
                answer_at(site, &visitor)?;
            }
            parts.extensions.insert(visitor);
            (0, Kind::Page)
        }
    };
    // The prefix ends with the slash that the path begins with.
    if prefix > 1
        && let Some(rest) = parts.uri.path_and_query().and_then(|all| all.as_str().get(prefix - 1..))
    {
        parts.uri = rest.parse::<Uri>().map_err(|_| ApiError::not_found())?;
    }
    // A trusted proxy that names nobody brings many.
    let who = parts.extensions.get::<Visitor>().map(|visitor| visitor.address);
    let who = who.filter(|address| !peer::is_trusted(&settings.trusted, *address)).map(Address::group);
    let body = if parts.method.is_safe() {
        Either::Left(Full::default())
    } else if parts.uri.path().ends_with("/uploads") {
        let is_file = parts.headers.contains_key(crate::api::uploads::FILENAME);
        Either::Right(site.intake.upload(body, settings, who, is_file)?)
    } else {
        let eager = !parts.headers.contains_key(EXPECT);
        Either::Left(Full::new(site.intake.collect(body, settings, who, eager).await?))
    };
    // A HEAD of the page is a GET whose body hyper leaves out.
    if kind == Kind::Page && parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    Ok((Request::from_parts(parts, body), kind))
}

/// The sender of a request. With TLS of the site's own every port connection speaks it.
fn visitor(settings: &Settings, from: Address, headers: &hyper::HeaderMap, prefix: String) -> Visitor {
    let mut visitor = peer::visitor(&settings.trusted, from, headers, prefix);
    visitor.secure |= settings.tls.is_some() && from != Address::Local;
    visitor
}

/// Refuses a host that `hosts` does not list.
fn answer_at(site: &Site, visitor: &peer::Visitor) -> Result<(), ApiError> {
    if site.settings.hosts.answer(visitor) {
        return Ok(());
    }
    let host: String = visitor.host.as_deref().unwrap_or("none").chars().take(100).collect();
    site.complaints.once("hosts", format!("a request was refused: its Host is {host}, which `hosts` does not list"));
    let message = "This server does not answer at this address. An administrator has to list its name (hosts), and a proxy has to pass the \
        Host header on.";
    Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message))
}

/// What stands before `/api/v1`, with its last slash, and what follows it. `None` when the path is not below it.
fn split(path: &str) -> Option<(&str, &str)> {
    let at = path.match_indices(API).map(|(at, _)| at).find(|at| matches!(path.as_bytes().get(at + API.len()), None | Some(b'/')))?;
    Some((path.get(..=at)?, path.get(at + API.len()..)?))
}

/// Headers that tell the browser what the answer must never be used for.
pub(super) fn protect<B>(response: &mut Response<B>, kind: Kind) {
    const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
        font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    const INTERFACE: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
    let is_wrong_method = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = response.headers_mut();
    if is_wrong_method {
        let methods = if let Kind::Interface(methods) = kind { methods } else { "GET, HEAD" };
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = if kind == Kind::Page { PAGE } else { INTERFACE };
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if kind == Kind::Page {
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
        headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
    } else {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// An answer's body; its end starts the time for the next request.
pub(super) struct Answer<B> {
    body: B,
    phase: Phase,
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        self.phase.answered();
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_prefix_is_whatever_stands_before_the_interface() {
        assert_eq!(split("/api/v1/site"), Some(("/", "/site")));
        assert_eq!(split("/chat/api/v1/site"), Some(("/chat/", "/site")));
        assert_eq!(split("/api/v1"), Some(("/", "")));
        assert_eq!(split("/a/b/api/v1/media/api/v1/x"), Some(("/a/b/", "/media/api/v1/x")));
        for other in ["/", "/api/v10/site", "/app.js", "/api/", "/xapi"] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
