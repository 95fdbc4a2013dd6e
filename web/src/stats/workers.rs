//! The libpurple processes in figures, and what is set aside for their crashes, as text for Prometheus; it asks none of them.

use super::text::escaped;
use bridge::report::{Aside, Report};
use std::fmt::Write;

/// One figure of each: its name and unit, what it is in words, whether it only ever grows, and where it is.
type Column = (&'static str, &'static str, bool, fn(&Report) -> u64);

const COLUMNS: &[Column] = &[
    ("worker_accounts", "IM accounts in the worker.", false, |one| one.load.accounts.into()),
    ("worker_buddies", "Buddies of all its accounts.", false, |one| one.load.buddies.into()),
    ("worker_memory_bytes", "Its resident memory, with what it shares with others.", false, |one| one.memory),
    ("worker_home_bytes", "Files in its own directory.", false, |one| one.home),
    ("worker_commands_waiting", "Commands that wait for its loop.", false, |one| one.load.commands.into()),
    ("worker_backlog_bytes", "Events of its networks that wait to be taken by the web process.", false, |one| one.load.backlog),
    (
        "worker_lag_microseconds",
        "How long its loop took to answer last, or has taken so far: what a command waits for its turn.",
        false,
        |one| one.lag_us,
    ),
    (
        "worker_longest_turn_microseconds",
        "The longest turn of its loop in the last minute or two, by the clock on the wall.",
        false,
        |one| one.load.longest_turn_us,
    ),
    (
        "worker_longest_call_microseconds",
        "The longest callback of one account in the last minute or two, by the time that its loop's thread had.",
        false,
        |one| one.load.longest_call_us,
    ),
    (
        "worker_calls_too_long",
        "Callbacks of accounts of more than 100 ms (1 s soon after a sign-on). Who has three in ten minutes gets a worker of its own.",
        true,
        |one| one.load.calls_too_long,
    ),
    ("worker_turns", "Turns of its loop.", true, |one| one.load.turns),
    ("worker_busy_microseconds", "How long its loop was at work, by the clock on the wall.", true, |one| one.load.busy_us),
    ("worker_cpu_microseconds", "CPU time of its loop's thread. Where busy grows faster, it waits for cores or for a disk.", true, |one| {
        one.load.cpu_us
    }),
];

/// Prometheus' text format, version 0.0.4, with the worker's number, group and state as labels.
pub fn prometheus(reports: &[Report]) -> String {
    let mut text = String::new();
    for (name, help, grows, figure) in COLUMNS {
        let name = super::text::head(&mut text, name, help, *grows);
        for one in reports {
            let (number, group, state) = (one.number, escaped(&one.group), one.state);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}{{worker=\"{number}\",group=\"{group}\",state=\"{state}\"}} {}", figure(one));
        }
    }
    text
}

/// Prometheus' text format of what is set aside: for how long yet, with what it is and why as labels.
pub fn prometheus_aside(aside: &[Aside]) -> String {
    let mut text = String::new();
    let help = "How long what brought workers down is set aside yet, and why.";
    let name = super::text::head(&mut text, "aside_seconds", help, false);
    for Aside { kind, name: what, why, seconds } in aside {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}{{kind=\"{kind}\",name=\"{}\",why=\"{}\"}} {seconds}", escaped(what), escaped(why));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::report::Load;

    #[test]
    fn each_worker_is_a_line_of_each_figure_and_names_are_escaped() {
        let load = Load { accounts: 3, turns: 70, ..Load::default() };
        let one = Report {
            number: 2,
            pid: 1,
            state: "up",
            group: "protocol a\"b".to_owned(),
            servers: String::new(),
            memory: 4096,
            home: 8192,
            lag_us: 150,
            load,
        };
        let text = prometheus(&[one.clone(), Report { number: 3, ..one }]);
        let labels = r#"{worker="2",group="protocol a\"b",state="up"}"#;
        assert!(text.contains(&format!("# TYPE bellflower_worker_accounts gauge\nbellflower_worker_accounts{labels} 3\n")), "{text}");
        assert!(text.contains(&format!("bellflower_worker_home_bytes{labels} 8192\n")), "{text}");
        assert!(text.contains(&format!("bellflower_worker_turns_total{labels} 70\n")), "{text}");
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 2 * COLUMNS.len());
    }

    #[test]
    fn what_is_set_aside_is_named_with_its_reason() {
        let one = Aside { kind: "server", name: "a\"b:5222".to_owned(), why: "for 3 people".to_owned(), seconds: 540 };
        let text = prometheus_aside(&[one]);
        assert!(text.ends_with("\nbellflower_aside_seconds{kind=\"server\",name=\"a\\\"b:5222\",why=\"for 3 people\"} 540\n"), "{text}");
    }
}
