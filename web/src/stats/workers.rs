//! The libpurple processes in figures, as text for Prometheus; it asks none of them.

use bridge::report::Report;
use std::fmt::Write;

/// One figure of each: its name and unit, whether it only ever grows, and where it is.
type Column = (&'static str, bool, fn(&Report) -> u64);

const COLUMNS: &[Column] = &[
    ("worker_accounts", false, |one| one.load.accounts.into()),
    ("worker_buddies", false, |one| one.load.buddies.into()),
    ("worker_memory_bytes", false, |one| one.memory),
    ("worker_home_bytes", false, |one| one.home),
    ("worker_commands_waiting", false, |one| one.load.commands.into()),
    ("worker_backlog_bytes", false, |one| one.load.backlog),
    ("worker_lag_microseconds", false, |one| one.lag_us),
    ("worker_longest_turn_microseconds", false, |one| one.load.longest_turn_us),
    ("worker_turns", true, |one| one.load.turns),
];

/// Prometheus' text format, version 0.0.4, with the worker's number, group and state as labels.
pub fn prometheus(reports: &[Report]) -> String {
    let mut text = String::new();
    for (name, grows, figure) in COLUMNS {
        let (suffix, kind) = super::text::kind(*grows);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE bellflower_{name}{suffix} {kind}");
        for one in reports {
            let (number, group, state) = (one.number, escaped(&one.group), one.state);
            let value = figure(one);
            let _ = writeln!(text, "bellflower_{name}{suffix}{{worker=\"{number}\",group=\"{group}\",state=\"{state}\"}} {value}");
        }
    }
    text
}

/// A label's value: a protocol's id is a plugin's word.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::report::Load;

    #[test]
    fn each_worker_is_a_line_of_each_figure_and_names_are_escaped() {
        let load = Load { accounts: 3, turns: 70, ..Load::default() };
        let one = Report { number: 2, pid: 1, state: "up", group: "protocol a\"b".to_owned(), memory: 4096, home: 8192, lag_us: 150, load };
        let text = prometheus(&[one.clone(), Report { number: 3, ..one }]);
        let labels = r#"{worker="2",group="protocol a\"b",state="up"}"#;
        assert!(text.contains(&format!("# TYPE bellflower_worker_accounts gauge\nbellflower_worker_accounts{labels} 3\n")), "{text}");
        assert!(text.contains(&format!("bellflower_worker_home_bytes{labels} 8192\n")), "{text}");
        assert!(text.contains(&format!("bellflower_worker_turns_total{labels} 70\n")), "{text}");
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 2 * COLUMNS.len());
    }
}
