//! The admin's endpoints, on a listener of their own: figures for Prometheus and as JSON; of any one user only what is set aside after crashes.

use super::{answer, refused};
use crate::server::Routes;
use crate::session::Hub;
use crate::stats::{self, Figure, Stats};
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
