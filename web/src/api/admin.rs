//! The admin's endpoints, on a listener of their own: figures for Prometheus and as JSON; of any one user only what is set aside after crashes.

use super::{answer, refused};
use crate::server::Routes;
use crate::session::Hub;
use crate::stats::{self, Figure, Stats};
use crate::store::Journal;
use bridge::report::Losses;
use std::sync::Arc;
use warp::Filter;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// `GET /metrics` (Prometheus' text format) and `GET /stats` (JSON).
pub fn routes(stats: &Arc<Stats>, hub: &Arc<Hub>) -> Routes {
    let (stats, hub) = (Arc::clone(stats), Arc::clone(hub));
    let workers = {
        let hub = Arc::clone(&hub);
        move || hub.networks().reports()
    };
    let aside = {
        let hub = Arc::clone(&hub);
        move || hub.networks().aside()
    };
    let figures = move || {
        let mut all = stats::figures(&stats);
        all.push(Figure { name: "users", help: "Users with a session.", grows: false, value: hub.users() as u64 });
        all.extend(losses(&hub.networks().losses()));
        all.extend(hub.counters().all().into_iter().map(|(name, help, value)| Figure { name, help, grows: true, value }));
        let help = "The longest that one event from the bridge took to translate, in the last minute or two.";
        let value = hub.counters().longest_event.get();
        all.push(Figure { name: "longest_event_microseconds", help, grows: false, value });
        all.extend(hub.journal().map(|journal| store(journal)).into_iter().flatten());
        let help = "The longest that what one turn of a worker told one user took until it was passed on, in the last minute or two.";
        let value = hub.counters().longest_share.get();
        all.push(Figure { name: "longest_share_microseconds", help, grows: false, value });
        all.extend(stats::process());
        all
    };
    let metrics = warp::path!("metrics").and(warp::get()).map({
        let (figures, workers, aside) = (figures.clone(), workers.clone(), aside.clone());
        move || {
            let text = stats::prometheus(&figures()) + &stats::prometheus_workers(&workers()) + &stats::prometheus_aside(&aside());
            let mut response = Response::new(text.into());
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
            response
        }
    });
    let json = warp::path!("stats").and(warp::get()).map(move || {
        let mut all = stats::json(&figures());
        all["workers"] = serde_json::json!(workers());
        all["aside"] = serde_json::json!(aside());
        answer::json(StatusCode::OK, &all)
    });
    metrics.or(json).unify().recover(refused).unify().boxed()
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
