//! Files, environment and descriptors: a worker has its own directory and what every program reads.

use crate::BELLFLOWER;
use crate::plugin::{DENIED, NOT_PERMITTED, OK, Place, Plugin};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::{Daemon, PATIENCE, wait_until};

#[test]
fn files_are_out_of_reach() {
    let place = Place::make();
    let mut plugin = Plugin::start("");
    let parent = plugin.daemon.id();
    let data = plugin.daemon.data_dir();
    std::fs::write(data.join("users"), "theirs").expect("a file");
    let data = data.join("users").display().to_string();
    for file in
        [place.path("secret"), data.clone(), format!("/proc/{parent}/environ"), format!("/proc/{parent}/mem"), "/etc/shadow".to_owned()]
    {
        plugin.must(&format!("read {file}"), DENIED);
    }
    // Who is connected to whom: visitors, and everybody's servers.
    let own = plugin.pid();
    for directory in ["/proc".to_owned(), "/proc/self".to_owned(), "/proc/thread-self".to_owned(), format!("/proc/self/task/{own}")] {
        for file in ["net/tcp", "net/udp6", "net"] {
            plugin.must(&format!("read {directory}/{file}"), DENIED);
        }
    }
    for file in [place.path("secret"), place.path("new"), data.clone()] {
        plugin.must(&format!("write {file}"), DENIED);
    }
    plugin.must(&format!("mkdir {}", place.path("directory")), DENIED);
    plugin.must(&format!("chmod {data}"), NOT_PERMITTED);
    assert!(!Path::new(&place.path("new")).exists());
    // What it needs.
    let home = plugin.home();
    plugin.must(&format!("mkdir {}", home.join("own").display()), OK);
    plugin.must(&format!("write {}", home.join("own/file").display()), OK);
    plugin.must(&format!("read {}", home.join("own/file").display()), OK);
    for file in
        ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/usr/share/zoneinfo", "/dev/urandom", "/proc/self/maps", "/proc/self/fd"]
    {
        plugin.must(&format!("read {file}"), OK);
    }
    plugin.must("write /dev/null", OK);
}

#[test]
fn files_are_in_reach_without_the_sandbox_or_by_name() {
    let place = Place::make();
    let mut plugin = Plugin::start("sandbox = false");
    let parent = plugin.daemon.id();
    for file in [place.path("secret"), format!("/proc/{parent}/stat")] {
        plugin.must(&format!("read {file}"), OK);
    }
    plugin.must(&format!("write {}", place.path("new")), OK);
    plugin.must(&format!("mkdir {}", place.path("directory")), OK);
    plugin.must(&format!("chmod {}", place.path("secret")), OK);
    drop(plugin);

    let written = Place::make();
    let mut plugin = Plugin::start(&format!("read = [{:?}]\nwrite = [{:?}]\n", place.path(""), written.path("")));
    plugin.must(&format!("read {}", place.path("secret")), OK);
    plugin.must(&format!("write {}", place.path("secret")), DENIED);
    plugin.must(&format!("read {}", written.path("secret")), OK);
    plugin.must(&format!("write {}", written.path("other")), OK);
    plugin.must(&format!("chmod {}", written.path("secret")), NOT_PERMITTED);
}

#[test]
fn the_environment_holds_nothing_of_the_daemon() {
    let builder = Daemon::builder(BELLFLOWER).environment("DATABASE_PASSWORD", "hunter2").environment("BELLFLOWER_NAME", "Here");
    let mut plugin = Plugin::start_with(builder, "");
    let environment = plugin.does("environment");
    assert!(!environment.contains("hunter2") && !environment.contains("BELLFLOWER_"), "{environment}");
    let home = plugin.home();
    for name in ["TMPDIR", "XDG_RUNTIME_DIR"] {
        assert!(environment.split(' ').any(|set| set == format!("{name}={}", home.display())), "{name}: {environment}");
    }
    let mode = std::fs::metadata(&home).expect("a home").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    let within: Vec<_> = std::fs::read_dir(&home).expect("a home").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(within.len(), 1, "only libpurple's own directory: {within:?}");
}

/// What the descriptors of a process lead to, but for what is new in each process by its nature.
fn descriptors(pid: u32) -> BTreeSet<String> {
    let all = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors");
    let targets = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).map(|target| target.display().to_string());
    targets.filter(|target| !target.starts_with("anon_inode:")).collect()
}

#[test]
fn no_descriptor_of_the_daemon_is_handed_down() {
    let mut plugin = Plugin::start("");
    let pid = plugin.pid();
    let (ours, theirs) = (descriptors(plugin.daemon.id()), descriptors(pid));
    // The pipe of their words, whose other end the daemon has, and the memory in which they note whose callback runs; both have /dev/null.
    let words = std::fs::read_link(format!("/proc/{pid}/fd/2")).expect("where errors go").display().to_string();
    assert!(words.starts_with("pipe:"), "{words}");
    let expected = |target: &str| target == "/dev/null" || target == words || target.starts_with("/memfd:bellflower-blame");
    let shared: Vec<_> = ours.intersection(&theirs).filter(|target| !expected(target)).collect();
    assert!(shared.is_empty(), "{shared:?}");
    let strange: Vec<_> = theirs.iter().filter(|target| !expected(target) && !target.starts_with("socket:")).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn directories_go_with_their_workers() {
    let mut plugin = Plugin::start("");
    let (home, pid) = (plugin.home(), plugin.pid());
    let root = home.parent().expect("a directory").to_owned();
    plugin.must(&format!("write {}", home.join("left").display()), OK);
    // SAFETY: kill takes no pointers; the process is a worker of this test's own daemon.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
    wait_until("the killed worker's directory to go", PATIENCE, || (!home.join("left").exists()).then_some(()));
    let account = plugin.client.account();
    plugin.client.wait_account_state(&account, &["online"]);
    plugin.daemon.stop();
    assert!(!root.exists(), "{} is left", root.display());

    // A daemon that is killed leaves one, and the next takes it away.
    plugin.daemon.start();
    let listing = || -> BTreeSet<PathBuf> {
        let own = format!("bellflower-workers-{}", plugin.daemon.id());
        let base = root.parent().expect("a directory");
        [base.join(own)].into_iter().filter(|path| path.exists()).collect()
    };
    let left = listing();
    assert_eq!(left.len(), 1);
    plugin.daemon.kill();
    assert!(left.iter().all(|path| path.exists()));
    plugin.daemon.start();
    assert!(!left.iter().any(|path| path.exists()), "{left:?}");
}
