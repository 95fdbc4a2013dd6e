//! Promise: the daemon and its workers keep to one processor as long as one is enough, use all of theirs when it is not, and never another.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::time::Duration;
use support::{Daemon, PATIENCE, Prosody, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// Within this, a daemon that has nothing to do has come together.
const CALM: Duration = Duration::from_secs(3);

/// Name of a thread of `/proc`, and where it may run, as the kernel writes it.
fn thread(path: &std::path::Path) -> Option<(String, String)> {
    let name = std::fs::read_to_string(path.join("comm")).ok()?.trim().to_owned();
    let status = std::fs::read_to_string(path.join("status")).ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned();
    Some((name, list))
}

/// Where the threads of the daemon may run that have this name.
fn named(daemon: &Daemon, name: &str) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.id())).expect("the daemon's threads");
    tasks.filter_map(|task| thread(&task.ok()?.path())).filter(|thread| thread.0 == name).map(|thread| thread.1).collect()
}

/// Where the first threads of its workers may run.
fn workers(daemon: &Daemon) -> Vec<String> {
    let of = |pid: u64| thread(format!("/proc/{pid}").as_ref());
    daemon.workers().iter().filter_map(|one| Some(of(one["pid"].as_u64()?)?.1)).collect()
}

fn is_together(daemon: &Daemon) -> bool {
    daemon.stats()["one_processor"] == 1
}

/// Whether all that should be on one processor are, and as many workers as were asked for.
fn is_gathered(daemon: &Daemon) -> bool {
    let (web, workers) = (named(daemon, "web"), workers(daemon));
    let all: Vec<&String> = web.iter().chain(&workers).collect();
    let up = daemon.workers().iter().all(|one| one["state"] == "up");
    is_together(daemon)
        && up
        && !web.is_empty()
        && !workers.is_empty()
        && all.iter().all(|place| *place == all[0])
        && all[0].parse::<u32>().is_ok()
}

/// Whether the daemon, which has workers, is everywhere, and always was.
#[track_caller]
fn assert_never_moved(daemon: &Daemon, all: &str) {
    let (web, workers) = (named(daemon, "web"), workers(daemon));
    assert!(!web.is_empty() && !workers.is_empty());
    assert!(web.iter().chain(&workers).all(|place| place == all), "{web:?} {workers:?}");
    assert_eq!((&daemon.stats()["one_processor"], &daemon.stats()["processor_changes"]), (&json!(0), &json!(0)));
}

/// Where this test may run, and so the daemon.
fn all() -> String {
    thread("/proc/thread-self".as_ref()).expect("this thread").1
}

#[test]
fn little_work_is_done_on_one_processor_and_much_on_all() {
    let all = all();
    assert!(all.parse::<u32>().is_err(), "there is just one processor: {all}");
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 2").config("isolation = \"shared\"").mischief("hang = \"4s\"").start();
    let mut mallory = daemon.client("mallory");
    mallory.sign_in_mischief("mallory");
    let harm = mallory.open("harm");
    // A worker that was just starting follows.
    let is_gathered = || is_gathered(&daemon).then_some(());
    wait_until("all to be on one processor", PATIENCE, is_gathered);
    assert_eq!(named(&daemon, "spawner"), [all.as_str()], "what starts workers is left alone, and they with it");

    let struck = daemon.workers();
    mallory.command("message.send", json!({ "conversation": harm, "text": "loop" }));
    wait_until("all to use all", PATIENCE, || (!is_together(&daemon)).then_some(()));
    assert!(named(&daemon, "web").iter().all(|place| *place == all));
    assert_eq!(workers(&daemon), [all.as_str(), &all]);

    let ended = |pid: &serde_json::Value| !daemon.workers().iter().any(|one| one["pid"] == *pid);
    wait_until("the worker's end", PATIENCE, || struck.iter().any(|one| ended(&one["pid"])).then_some(()));
    wait_until("all to come together again, new workers with them", PATIENCE, is_gathered);
    assert!(daemon.stats()["processor_changes"].as_u64() >= Some(3));
}

#[test]
fn a_worker_that_starts_later_comes_along() {
    let prosody = Prosody::with_users(["ann", "ben"]);
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").table("[worker]\naccounts = 1").start();
    wait_until("all to come together", PATIENCE, || is_together(&daemon).then_some(()));
    for name in ["ann", "ben"] {
        daemon.client(name).sign_in_xmpp(&prosody, name);
    }
    wait_until("the second worker to be where the others are", PATIENCE, || {
        (workers(&daemon).len() == 2 && is_gathered(&daemon)).then_some(())
    });
}

#[test]
fn whoever_wants_to_use_all_at_all_times_does() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 2").config("one_processor = false").start();
    std::thread::sleep(CALM);
    assert_never_moved(&daemon, &all());
}

#[test]
fn who_is_not_allowed_to_is_told_and_served_all_the_same() {
    // What this thread may not do, the daemon may not either: a systemd unit's filter is like this.
    let rules = [(libc::SYS_sched_setaffinity, Vec::new())].into_iter().collect();
    let arch = std::env::consts::ARCH.try_into().expect("a known architecture");
    let denied = seccompiler::SeccompAction::Errno(libc::EPERM as u32);
    let filter = seccompiler::SeccompFilter::new(rules, seccompiler::SeccompAction::Allow, denied, arch).expect("a filter");
    let program: seccompiler::BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("a filtered thread");
    let mut daemon = Daemon::builder(BELLFLOWER).config("workers = 2").start();
    daemon.allow_log("allow sched_setaffinity(2), or set one_processor = false");
    wait_until("the admin to be told", PATIENCE, || daemon.log().contains("the daemon uses all its processors").then_some(()));
    assert!(!is_together(&daemon));
    let all = all();
    assert!(named(&daemon, "web").iter().chain(&workers(&daemon)).all(|place| *place == all));
    assert_eq!(daemon.client("tab").get("/site").status, 200);
}

#[test]
fn one_that_is_moved_by_somebody_else_lets_all_go() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    wait_until("all to be on one processor", PATIENCE, || is_gathered(&daemon).then_some(()));
    // As the kernel does for whoever sets the processors of a control group.
    let first = i32::try_from(daemon.id()).expect("a process");
    // SAFETY: a set of the size given, filled from this thread's own; the daemon is alive.
    unsafe {
        let mut all: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&all), &raw mut all), 0);
        assert_eq!(libc::sched_setaffinity(first, size_of_val(&all), &raw const all), 0);
    }
    let all = all();
    wait_until("all to use all", PATIENCE, || {
        let places: Vec<String> = named(&daemon, "web").into_iter().chain(workers(&daemon)).collect();
        (!is_together(&daemon) && places.iter().all(|place| *place == all)).then_some(())
    });
}

#[test]
fn libpurple_in_the_daemon_itself_comes_along() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 0").start();
    let all = all();
    wait_until("all to come together, libpurple with them", PATIENCE, || {
        let (purple, web) = (named(&daemon, "libpurple"), named(&daemon, "web"));
        (is_together(&daemon) && purple.len() == 1 && purple[0] != all && web.iter().all(|place| *place == purple[0])).then_some(())
    });
}

#[test]
fn one_that_was_given_a_single_processor_has_nothing_to_choose() {
    // SAFETY: a set of bits, of which none is one.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a set of the size given; this thread's own place, which the daemon inherits.
    unsafe {
        let here = usize::try_from(libc::sched_getcpu()).expect("a processor");
        libc::CPU_SET(here, &mut one);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&one), &raw const one), 0);
    }
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 1").start();
    std::thread::sleep(CALM);
    let all = all();
    assert!(all.parse::<u32>().is_ok());
    assert_never_moved(&daemon, &all);
}
