//! The endpoints that need no session: site, protocols, schema, health, and the page's files; they read what is fixed at the start, but for the site's own words
//! and for networks that are switched off.

use super::refused::{Refusal, method_not_allowed};
use super::{ApiError, answer, schema};
use crate::page::Page;
use crate::server::Routes;
use crate::session::Closed;
use crate::wire::{Health, Offered, Site};
use bridge::Networks;
use bridge::model::Protocol;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use warp::Filter;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

/// How long libpurple's loop may take for one turn before the site counts as not ready.
const READY: Duration = Duration::from_secs(2);

/// What is told without asking who wants to know.
pub struct Front {
    /// Answer of `/site`.
    site: RwLock<Fixed>,
    /// Answer of `/protocols`, and the protocols that were switched off when it was made.
    protocols: Mutex<(Closed, Fixed)>,
    /// Those that are now.
    closed: watch::Receiver<Closed>,
    /// The networks, and whether they live.
    networks: Arc<dyn Networks>,
    /// The built page.
    page: Page,
}

impl Front {
    /// What there is to tell.
    pub fn new(site: &Site, networks: Arc<dyn Networks>, closed: watch::Receiver<Closed>, page: Page) -> Self {
        let now = Arc::clone(&closed.borrow());
        let protocols = Mutex::new((Arc::clone(&now), offered(&*networks, &now)));
        Self { site: RwLock::new(Fixed::new("application/json", site)), protocols, closed, networks, page }
    }

    fn protocols(&self, headers: &HeaderMap) -> Response {
        let now = Arc::clone(&self.closed.borrow());
        let mut made = self.protocols.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&made.0, &now) {
            *made = (Arc::clone(&now), offered(&*self.networks, &now));
        }
        made.1.answer(headers)
    }

    /// The networks have changed: another answer of `/protocols` from now on.
    pub fn look_again(&self) {
        let now = Arc::clone(&self.closed.borrow());
        let made = (Arc::clone(&now), offered(&*self.networks, &now));
        *self.protocols.lock().unwrap_or_else(PoisonError::into_inner) = made;
    }

    /// Another answer of `/site` from now on.
    pub fn set(&self, site: &Site) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Fixed::new("application/json", site);
    }
}

/// The networks, with those that are switched off.
fn offered(networks: &dyn Networks, closed: &Closed) -> Fixed {
    let offer = |protocol: &Protocol| Offered { protocol: protocol.clone(), disabled: closed.contains(&protocol.id) };
    Fixed::new("application/json", &networks.catalogue().protocols.iter().map(offer).collect::<Vec<_>>())
}

/// An answer that was put together beforehand.
#[derive(Clone)]
struct Fixed {
    body: Bytes,
    kind: &'static str,
    tag: HeaderValue,
}

impl Fixed {
    fn new(kind: &'static str, value: &impl serde::Serialize) -> Self {
        use sha2::Digest;
        let body = serde_json::to_vec(value).unwrap_or_default();
        let digest = sha2::Sha256::digest(&body);
        let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { body: body.into(), kind, tag: HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\"")) }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let same = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|sent| sent.as_bytes().strip_prefix(b"W/").unwrap_or(sent.as_bytes()) == self.tag.as_bytes());
        let mut response = Response::new(if same { Bytes::new().into() } else { self.body.clone().into() });
        let out = response.headers_mut();
        out.insert(header::ETAG, self.tag.clone());
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if same {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        response
    }
}

/// `GET` of `/site`, `/protocols`, `/schema`, `/healthz`, `/readyz` below `/api/v1`; the latter two also without it, where monitors look.
pub fn routes(front: &Arc<Front>) -> Routes {
    let named = |name: &'static str| {
        let headers = warp::header::headers_cloned();
        warp::path!("api" / "v1" / ..).and(warp::path(name)).and(warp::path::end()).and(warp::get()).and(headers)
    };
    let fixed = |name, fixed: Fixed| named(name).map(move |headers| fixed.answer(&headers));
    let told = Arc::clone(front);
    let site = named("site").map(move |headers| told.site.read().unwrap_or_else(PoisonError::into_inner).answer(&headers));
    let told = Arc::clone(front);
    let protocols = named("protocols").map(move |headers| told.protocols(&headers));
    let schema = fixed("schema", Fixed::new("application/schema+json", &schema::document()));
    let health = |name: &'static str| {
        let below = warp::path!("api" / "v1" / ..).and(warp::path(name)).and(warp::path::end());
        warp::path(name).and(warp::path::end()).or(below).unify().and(warp::get())
    };
    let healthz = health("healthz").map(|| answer::json(StatusCode::OK, &Health { ok: true }));
    let networks = Arc::clone(&front.networks);
    let readyz = health("readyz").then(move || ready(Arc::clone(&networks)));
    site.or(protocols).unify().or(schema).unify().or(healthz).unify().or(readyz).unify().boxed()
}

/// Whether libpurple's loop turns.
async fn ready(networks: Arc<dyn Networks>) -> Response {
    match tokio::time::timeout(READY, networks.ping()).await {
        Ok(Ok(())) => answer::json(StatusCode::OK, &Health { ok: true }),
        _ => ApiError::unavailable().retry_in(5_000).response(),
    }
}

/// The page and its files, below any prefix; nothing below `/api/v1`, so that a wrong method there is told as such.
pub fn page(front: &Arc<Front>) -> Routes {
    let front = Arc::clone(front);
    warp::path::full()
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and_then(move |path: warp::path::FullPath, method: warp::http::Method, headers: HeaderMap| {
            let path = path.as_str();
            let found = if path.starts_with("/api/") { None } else { front.page.answer(path, &headers) };
            std::future::ready(match found {
                Some(found) if method == warp::http::Method::GET => Ok(found.map(|bytes| Bytes::from_static(bytes).into())),
                Some(_) => Err(warp::reject::custom(Refusal(method_not_allowed()))),
                None => Err(warp::reject::not_found()),
            })
        })
        .boxed()
}
