//! The counters as text for Prometheus and as JSON; it counts nothing.

use super::{Connections, Counter, Stats};
use std::fmt::Write;

/// One value with its name, as both forms show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// snake_case, without the `bellflower_` in front.
    pub name: &'static str,
    /// What it is, in words: a line.
    pub help: &'static str,
    /// Only ever grows, or goes up and down.
    pub grows: bool,
    /// Now.
    pub value: u64,
}

/// The figures that the server itself has.
pub fn figures(stats: &Stats) -> Vec<Figure> {
    let grows = |name, help, counter: &Counter| Figure { name, help, grows: true, value: counter.get() };
    let Connections { opened, closed, refused } = &stats.connections;
    let [informed, done, redirected, mistaken, failed] = &stats.answers;
    vec![
        Figure {
            name: "connections_open",
            help: "HTTP connections that are open.",
            grows: false,
            value: opened.get().saturating_sub(closed.get()),
        },
        grows("connections_opened", "HTTP connections taken.", opened),
        grows("connections_refused", "HTTP connections turned away at a cap.", refused),
        grows("requests", "HTTP requests.", &stats.requests),
        grows(
            "requests_repeated",
            "Requests like the one before on their connection but for the query, answered at less cost.",
            &stats.requests_repeated,
        ),
        grows("requests_malformed", "Requests that are none by RFC 9112, and were refused.", &stats.requests_malformed),
        grows("logins", "Log-ins that went well.", &stats.logins),
        grows("logins_refused", "Log-ins refused, for whatever reason.", &stats.logins_refused),
        grows("answers_1xx", "HTTP answers that go on.", informed),
        grows("answers_2xx", "HTTP answers that went well.", done),
        grows("answers_3xx", "HTTP answers that lead elsewhere, or to what the browser has already.", redirected),
        grows("answers_4xx", "HTTP answers that refuse what a browser asked for.", mistaken),
        grows("answers_5xx", "HTTP answers that say that the server could not do it.", failed),
    ]
}

/// Prometheus' text format, version 0.0.4.
pub fn prometheus(figures: &[Figure]) -> String {
    let mut text = String::new();
    for Figure { name, help, grows, value } in figures {
        let name = head(&mut text, name, help, *grows);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} {value}");
    }
    text
}

/// The lines above a figure; gives its whole name.
pub(super) fn head(text: &mut String, name: &str, help: &str, grows: bool) -> String {
    let (suffix, kind) = kind(grows);
    let name = format!("bellflower_{name}{suffix}");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    name
}

/// What a figure's name ends with, and its type.
fn kind(grows: bool) -> (&'static str, &'static str) {
    if grows { ("_total", "counter") } else { ("", "gauge") }
}

/// What became of sign-ons, with protocol and outcome as labels: protocol, outcome, how often.
pub fn prometheus_sign_ons(all: &[(String, String, u64)]) -> String {
    let mut text = String::new();
    let name = head(&mut text, "sign_ons", "Sign-ons of IM accounts that succeeded (online) or failed, by the code of the failure.", true);
    for (protocol, outcome, count) in all {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}{{protocol=\"{}\",outcome=\"{}\"}} {count}", escaped(protocol), escaped(outcome));
    }
    text
}

/// A label's value: a protocol's id is a plugin's word.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
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
