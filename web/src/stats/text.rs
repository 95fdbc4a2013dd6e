//! The counters as text for Prometheus and as JSON; it counts nothing.

use super::Stats;
use std::fmt::Write;

/// One value with its name, as both forms show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// snake_case, without the `bellflower_` in front.
    pub name: &'static str,
    /// Only ever grows, or goes up and down.
    pub grows: bool,
    /// Now.
    pub value: u64,
}

/// The figures that the server itself has.
pub fn figures(stats: &Stats) -> Vec<Figure> {
    let grows = |name, value| Figure { name, grows: true, value };
    let open = stats.connections.opened.get().saturating_sub(stats.connections.closed.get());
    let mut all = vec![
        Figure { name: "connections_open", grows: false, value: open },
        grows("connections_opened", stats.connections.opened.get()),
        grows("connections_refused", stats.connections.refused.get()),
        grows("requests", stats.requests.get()),
        grows("requests_repeated", stats.requests_repeated.get()),
        grows("logins", stats.logins.get()),
        grows("logins_refused", stats.logins_refused.get()),
    ];
    let classes = ["answers_1xx", "answers_2xx", "answers_3xx", "answers_4xx", "answers_5xx"];
    all.extend(classes.into_iter().zip(&stats.answers).map(|(name, counter)| grows(name, counter.get())));
    all
}

/// Prometheus' text format, version 0.0.4.
pub fn prometheus(figures: &[Figure]) -> String {
    let mut text = String::new();
    for Figure { name, grows, value } in figures {
        let (suffix, kind) = kind(*grows);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE bellflower_{name}{suffix} {kind}\nbellflower_{name}{suffix} {value}");
    }
    text
}

/// What a figure's name ends with, and its type.
pub(super) fn kind(grows: bool) -> (&'static str, &'static str) {
    if grows { ("_total", "counter") } else { ("", "gauge") }
}

/// A JSON object, name to value.
pub fn json(figures: &[Figure]) -> serde_json::Value {
    figures.iter().map(|f| (f.name.to_owned(), serde_json::Value::from(f.value))).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_are_told_apart() {
        let stats = Stats::default();
        stats.connections.opened.add(3);
        stats.connections.closed.add(1);
        stats.answered(hyper::StatusCode::NOT_FOUND);
        let figures = figures(&stats);
        let text = prometheus(&figures);
        assert!(text.contains("# TYPE bellflower_connections_open gauge\nbellflower_connections_open 2\n"), "{text}");
        assert!(text.contains("bellflower_answers_4xx_total 1\n"), "{text}");
        assert_eq!(json(&figures)["connections_opened"], 3);
    }
}
