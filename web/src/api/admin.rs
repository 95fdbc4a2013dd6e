//! The admin's endpoints, on a listener of their own: figures for Prometheus and as JSON; of any one user only what is set aside after crashes.

use super::{answer, refused};
use crate::server::Routes;
use crate::session::Hub;
use crate::stats::{self, Figure, Histogram, Stats};
use crate::store::Journal;
use bridge::report::Losses;
use std::sync::Arc;
use warp::Filter;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// `GET /metrics` (Prometheus' text format), `GET /stats` (a page for browsers, JSON for everybody else) and `GET /stats.json`.
pub fn routes(stats: &Arc<Stats>, hub: &Arc<Hub>) -> Routes {
    let source = Source { stats: Arc::clone(stats), hub: Arc::clone(hub) };
    let with = move || {
        let source = source.clone();
        warp::any().map(move || source.clone())
    };
    let metrics = warp::path!("metrics").and(warp::get()).and(with()).map(|source: Source| {
        let mut response = Response::new(source.text().into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
        response
    });
    let json = warp::path!("stats.json").and(warp::get()).and(with()).map(|source: Source| source.answer());
    let either = warp::path!("stats").and(warp::get()).and(with()).and(warp::header::optional("accept")).map(
        |source: Source, accept: Option<String>| {
            let page = accept.is_some_and(|accept| stats::prefers_page(&accept)).then(|| part("stats.html")).flatten();
            let mut response = page.unwrap_or_else(|| source.answer());
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
            response
        },
    );
    let parts = warp::path!("stats" / String).and(warp::get()).and_then(|name: String| async move {
        // The page itself is at /stats.
        part(&name).filter(|_| name != "stats.html").ok_or_else(warp::reject::not_found)
    });
    metrics.or(json).unify().or(either).unify().or(parts).unify().recover(refused).unify().boxed()
}

/// A file of the page.
fn part(name: &str) -> Option<Response> {
    let stats::File { kind, text } = stats::file(name)?;
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // The page goes with the program.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

/// Where the figures come from.
#[derive(Clone)]
struct Source {
    stats: Arc<Stats>,
    hub: Arc<Hub>,
}

impl Source {
    fn figures(&self) -> Vec<Figure> {
        let hub = &self.hub;
        let now = |name, help, value| Figure { name, help, grows: false, value };
        let mut all = stats::figures(&self.stats);
        all.push(now("users", "Users with a session.", hub.users() as u64));
        all.push(now("users_attached", "Of those, who have a page that polls or streams.", hub.users_attached() as u64));
        all.extend(losses(&hub.networks().losses()));
        all.extend(hub.counters().all().into_iter().map(|(name, help, value)| Figure { name, help, grows: true, value }));
        let help = "The longest that one event from the bridge took to translate, in the last minute or two.";
        all.push(now("longest_event_microseconds", help, hub.counters().longest_event.get()));
        all.extend(hub.journal().map(|journal| store(journal)).into_iter().flatten());
        let help = "The longest that what one turn of a worker told one user took until it was passed on, in the last minute or two.";
        all.push(now("longest_share_microseconds", help, hub.counters().longest_share.get()));
        all.extend(stats::process());
        all
    }

    fn spreads(&self) -> Vec<&Histogram> {
        self.hub.counters().spreads.all().into_iter().chain(self.hub.journal().map(|journal| journal.commits())).collect()
    }

    /// For Prometheus.
    fn text(&self) -> String {
        let networks = self.hub.networks();
        let mut text = stats::prometheus(&self.figures());
        text += &stats::prometheus_workers(&networks.reports());
        text += &stats::prometheus_aside(&networks.aside());
        text += &stats::prometheus_sign_ons(&self.hub.counters().sign_ons.all());
        self.spreads().into_iter().for_each(|spread| spread.prometheus(&mut text));
        text
    }

    /// For everybody else.
    fn answer(&self) -> Response {
        let figures = self.figures();
        let named = |(protocol, outcome, count)| serde_json::json!({ "protocol": protocol, "outcome": outcome, "count": count });
        let mut all = stats::json(&figures);
        all["workers"] = serde_json::json!(self.hub.networks().reports());
        all["aside"] = serde_json::json!(self.hub.networks().aside());
        all["sign_ons"] = self.hub.counters().sign_ons.all().into_iter().map(named).collect();
        all["spreads"] =
            self.spreads().into_iter().map(|spread| (spread.name.to_owned(), spread.json())).collect::<serde_json::Map<_, _>>().into();
        all["help"] = figures.iter().map(|figure| (figure.name.to_owned(), figure.help.into())).collect::<serde_json::Map<_, _>>().into();
        all["version"] = env!("CARGO_PKG_VERSION").into();
        answer::json(StatusCode::OK, &all)
    }
}

/// Figures of the database.
fn store(journal: &Journal) -> [Figure; 5] {
    let (waiting, bytes, dropped) = journal.figures();
    let now = |name, help, value| Figure { name, help, grows: false, value };
    [
        now("store_kept", "Whether the database takes what is written: 1, or 0.", u64::from(journal.is_kept())),
        now("store_writes_waiting", "Writes that wait to be committed.", waiting),
        now("store_bytes_waiting", "Bytes of writes that are not durable yet.", bytes),
        Figure { name: "store_writes_done", help: "Writes that are durable.", grows: true, value: journal.done() },
        Figure {
            name: "store_writes_left_out",
            help: "Writes that found no room while the database was away, or that it refused.",
            grows: true,
            value: dropped,
        },
    ]
}

fn losses(losses: &Losses) -> [Figure; 7] {
    let now = |name, help, value| Figure { name, help, grows: false, value };
    [
        Figure { name: "workers_restarted", help: "Workers that were lost and replaced.", grows: true, value: losses.restarts },
        now("accounts_waiting", "Accounts that wait for a worker.", losses.waiting),
        now(
            "accounts_aside",
            "Accounts that were set aside after crashes, or turned away for want of room, and not tried again.",
            losses.aside,
        ),
        now("servers_aside", "Servers that are set aside for a while after crashes.", losses.servers_aside),
        now(
            "protocols_aside",
            "Protocols that are set aside for a while after crashes, on servers that are not known.",
            losses.protocols_aside,
        ),
        Figure {
            name: "worker_events_refused",
            help: "Events of workers that told of what they do not have, or more than is kept of an account.",
            grows: true,
            value: losses.refused,
        },
        now("plugins_left_out", "Plugin files that ended the workers that opened them, and are left out.", losses.plugins_left_out),
    ]
}
