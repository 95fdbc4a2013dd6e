//! Programs and other processes, and what the kernel and `bellflower check` say of a worker's limits.

use crate::BELLFLOWER;
use crate::plugin::{DENIED, NOT_PERMITTED, OK, Place, Plugin};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use support::{PATIENCE, wait_until};

#[test]
fn programs_and_processes_are_out_of_reach() {
    let place = Place::make();
    let mut plugin = Plugin::start(&format!("read = [{:?}]", place.path("")));
    let (parent, neighbour) = (plugin.daemon.id(), plugin.neighbour());
    for command in ["run /bin/true".to_owned(), format!("run {}", place.path("program")), "fork".to_owned()] {
        plugin.must(&command, NOT_PERMITTED);
    }
    plugin.must(&format!("memory {}", place.path("program")), NOT_PERMITTED);
    for pid in [parent, neighbour, 0x7fff_fffe] {
        plugin.must(&format!("kill {pid}"), NOT_PERMITTED);
        plugin.must(&format!("trace {pid}"), NOT_PERMITTED);
    }
    plugin.must("kill -1", NOT_PERMITTED);
    plugin.must("thread", OK);
    let own = plugin.pid();
    plugin.must(&format!("kill {own}"), OK);
}

#[test]
fn programs_and_processes_are_in_reach_where_configured() {
    let (place, written) = (Place::make(), Place::make());
    let mut plugin = Plugin::start(&format!("exec = true\nread = [{:?}]\nwrite = [{:?}]\n", place.path(""), written.path("")));
    let parent = plugin.daemon.id();
    for command in ["run /bin/true".to_owned(), format!("run {}", place.path("program")), "fork".to_owned(), "thread".to_owned()] {
        plugin.must(&command, OK);
    }
    // What can be written cannot be run, and Landlock still keeps signals in.
    plugin.must(&format!("run {}", written.path("program")), DENIED);
    plugin.must(&format!("kill {parent}"), NOT_PERMITTED);
    plugin.must(&format!("trace {parent}"), NOT_PERMITTED);
    drop(plugin);

    let mut plugin = Plugin::start("sandbox = false");
    let (parent, neighbour) = (plugin.daemon.id(), plugin.neighbour());
    for command in ["run /bin/true".to_owned(), "fork".to_owned(), format!("memory {}", place.path("program"))] {
        plugin.must(&command, OK);
    }
    for pid in [parent, neighbour] {
        plugin.must(&format!("kill {pid}"), OK);
    }
}

#[test]
fn the_kernel_holds_workers_to_little() {
    let mut command = Command::new(BELLFLOWER);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--workers", "1"]);
    let mut daemon = command.env_remove("RUST_LOG").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the daemon");
    let mut lines = BufReader::new(daemon.stderr.take().expect("a pipe")).lines();
    let mut confined = 0;
    let pid = lines
        .find_map(|line| {
            let line = line.expect("a line");
            let words = " calls, no programs, no listening, connections judged";
            confined += usize::from(line.contains("confined: Landlock ABI ") && line.contains(words));
            line.split_once(", process ").filter(|_| line.ends_with("is up")).map(|(_, rest)| rest.trim_end_matches(") is up").to_owned())
        })
        .expect("a worker that is up");
    let of = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("its state");
    let (status, limits) = (of("status"), of("limits"));
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t")).unwrap_or_default().trim();
    assert_eq!(confined, 1, "it says so once");
    assert_eq!((field("NoNewPrivs"), field("Seccomp"), field("Umask")), ("1", "2", "0077"), "{status}");
    assert_eq!((field("CapEff"), field("CapPrm"), field("CapAmb")), ("0000000000000000", "0000000000000000", "0000000000000000"));
    let limit = |name: &str| limits.lines().find_map(|line| line.strip_prefix(name)).and_then(|line| line.split_ascii_whitespace().nth(1));
    // 1 is how the kernel is told that not even a program may take it.
    assert_eq!(limit("Max core file size"), Some("1"), "{limits}");
    assert_eq!(limit("Max file size"), Some("16777216"), "{limits}");
    assert_eq!(limit("Max msgqueue size"), Some("0"), "{limits}");
    assert_eq!(limit("Max address space"), Some("4294967296"), "{limits}");
    // Its own session: no terminal, no signals of one.
    let session = of("stat").rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(3).map(str::to_owned));
    assert_eq!(session, Some(pid));
    daemon.kill().expect("an end");
    daemon.wait().expect("an end");
}

#[test]
fn check_says_what_this_kernel_can_do() {
    let told = |arguments: &[&str]| {
        let output = Command::new(BELLFLOWER).arg("check").args(arguments).output().expect("the daemon");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let text = told(&[]);
    assert!(text.contains("Workers are confined: Landlock ABI ") && text.contains("no programs, no listening"), "{text}");
    let text = told(&["--worker-exec", "true", "--egress-listen", "true"]);
    assert!(text.contains("may start programs, may listen"), "{text}");
    let text = told(&["--worker-sandbox", "false"]);
    assert!(text.contains("not confined: worker.sandbox is off"), "{text}");
}

#[test]
fn core_files_are_left_where_configured() {
    let place = Place::make();
    let mut plugin = Plugin::start(&format!("core = true\nwrite = [{:?}]\n", place.path("")));
    let pid = plugin.pid();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("its limits");
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("the limit of core files");
    let (soft, hard) = core.trim().split_once(' ').expect("two limits");
    assert!(hard.trim().starts_with(soft), "as far as it goes: {core}");
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("where core files go");
    // Elsewhere they are not ours to look for.
    if soft == "0" || pattern.starts_with(['|', '/']) {
        return;
    }
    plugin.daemon.allow_log("libpurple");
    plugin.begins("segfault");
    wait_until("a core file", PATIENCE, || {
        let files = std::fs::read_dir(place.path("")).ok()?;
        files.filter_map(Result::ok).any(|file| !["secret", "program"].iter().any(|known| file.file_name() == *known)).then_some(())
    });
}
