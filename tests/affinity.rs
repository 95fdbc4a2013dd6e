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
    wait_until("all to come together", PATIENCE, || is_together(&daemon).then_some(()));
    let web = named(&daemon, "web");
    let one = web.first().expect("threads for requests").clone();
    assert!(one.parse::<u32>().is_ok(), "{one} is not one processor");
    assert!(web.iter().all(|place| *place == one), "{web:?}");
    // One that was just starting follows.
    wait_until("the workers to be there", PATIENCE, || (workers(&daemon) == [one.as_str(), &one]).then_some(()));
    assert_eq!(named(&daemon, "spawner"), [all.as_str()], "what starts workers is left alone, and they with it");

    let struck = daemon.workers();
    mallory.command("message.send", json!({ "conversation": harm, "text": "loop" }));
    wait_until("all to use all", PATIENCE, || (!is_together(&daemon)).then_some(()));
    assert!(named(&daemon, "web").iter().all(|place| *place == all));
    assert_eq!(workers(&daemon), [all.as_str(), &all]);

    let ended = |pid: &serde_json::Value| !daemon.workers().iter().any(|one| one["pid"] == *pid);
    wait_until("the worker's end", PATIENCE, || struck.iter().any(|one| ended(&one["pid"])).then_some(()));
    wait_until("all to come together again, new workers with them", PATIENCE, || {
        let one = named(&daemon, "web").first().cloned()?;
        let up = daemon.workers().len() > 1 && daemon.workers().iter().all(|one| one["state"] == "up");
        (is_together(&daemon) && up && workers(&daemon).iter().all(|place| *place == one)).then_some(())
    });
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
        let one = named(&daemon, "web").first().cloned()?;
        (is_together(&daemon) && workers(&daemon) == [one.as_str(), &one]).then_some(())
    });
}

#[test]
fn whoever_wants_to_use_all_at_all_times_does() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 2").config("one_processor = false").start();
    std::thread::sleep(CALM);
    let all = all();
    assert!(named(&daemon, "web").iter().chain(&workers(&daemon)).all(|place| *place == all));
    assert_eq!(daemon.stats()["processor_changes"], 0);
}

#[test]
fn libpurple_in_the_daemon_itself_comes_along() {
    let daemon = Daemon::builder(BELLFLOWER).config("workers = 0").start();
    wait_until("all to come together", PATIENCE, || is_together(&daemon).then_some(()));
    let purple = named(&daemon, "libpurple");
    assert!(purple.len() == 1 && purple[0] != all(), "{purple:?}");
    assert_eq!(named(&daemon, "web").first(), purple.first());
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
    assert!(named(&daemon, "web").iter().chain(&workers(&daemon)).all(|place| *place == all));
    assert_eq!(daemon.stats()["processor_changes"], 0);
}
