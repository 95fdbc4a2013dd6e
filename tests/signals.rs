//! What signals do to the daemon and its workers: settings are read again, nothing ends that should not.
#![allow(clippy::unwrap_used)] // what a test cannot go on without fails it

mod daemon;

use daemon::{Daemon, json, program, status};
use support::{PATIENCE, wait_until};

/// A daemon with these settings in a file, which may be changed.
struct Site {
    daemon: Daemon,
    file: tempfile::NamedTempFile,
}

impl Site {
    fn start(settings: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), settings).unwrap();
        let config = file.path().to_str().unwrap();
        Self {
            daemon: Daemon::spawn(&mut program(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--config", config])),
            file,
        }
    }

    fn change(&mut self, settings: &str) {
        std::fs::write(self.file.path(), settings).unwrap();
        self.daemon.signal("HUP");
    }
}

#[test]
fn a_hang_up_takes_over_what_can_be_and_says_what_cannot() {
    let mut site = Site::start("name = \"Before\"\n[limits]\nlogins_per_minute = 1\n");
    let name = |site: &Site| json(&site.daemon.get("/api/v1/site", ""))["name"].as_str().unwrap().to_owned();
    let login = |site: &Site| status(&site.daemon.post("/api/v1/login", "", "{}"));
    assert_eq!((name(&site).as_str(), login(&site), login(&site)), ("Before", 400, 429));
    site.change("name = \"After\"\nhold_ms = 30000\n[limits]\nlogins_per_minute = 0\nbody_bytes = 10\n");
    let told = site.daemon.logged("SIGHUP: hold_ms");
    assert!(told.contains("stays 25000: it takes a restart to make it 30000"), "{told}");
    let told = site.daemon.logged("SIGHUP: limits.logins_per_minute");
    assert!(told.contains("was 1 and is 0 from now on"), "{told}");
    site.daemon.logged("SIGHUP: name");
    assert_eq!((name(&site).as_str(), login(&site), login(&site)), ("After", 400, 400));
    assert_eq!(status(&site.daemon.post("/api/v1/login", "", "{\"name\": \"ines\"}")), 413);
    // What is wrong changes nothing, and what is lacking neither.
    site.change("name = 5\n");
    let told = site.daemon.logged("SIGHUP: nothing is changed");
    assert!(told.contains("invalid type") && told.contains(":1:8:"), "{told}");
    std::fs::remove_file(site.file.path()).unwrap();
    site.daemon.signal("HUP");
    site.daemon.logged("cannot read");
    assert_eq!(name(&site), "After");
    site.daemon.signal("TERM");
    assert!(site.daemon.ended().success());
}

#[test]
fn other_signals_end_nothing() {
    let mut site = Site::start("workers = 1\n");
    for name in ["USR1", "USR2", "ALRM"] {
        site.daemon.signal(name);
        site.daemon.logged(&format!("SIG{name}: nothing is done"));
    }
    for name in ["PIPE", "VTALRM", "PROF", "IO", "PWR", "XFSZ"] {
        site.daemon.signal(name);
    }
    // As `systemctl kill` does: to the workers, too.
    let workers = site.daemon.children();
    assert!(!workers.is_empty());
    for worker in &workers {
        for name in ["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "PIPE"] {
            assert!(std::process::Command::new("kill").args([&format!("-{name}"), worker]).status().unwrap().success());
        }
    }
    site.daemon.signal("HUP");
    site.daemon.logged("SIGHUP: the settings are as they were");
    assert_eq!(status(&site.daemon.get("/readyz", "")), 200);
    // A worker that looks at the plugins again comes and goes.
    wait_until("each worker to be the one it was, alone", PATIENCE, || (site.daemon.children() == workers).then_some(()));
    site.daemon.signal("QUIT");
    site.daemon.logged("SIGQUIT: ending");
    assert!(site.daemon.ended().success());
}
