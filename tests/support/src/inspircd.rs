//! A real InspIRCd in a directory of its own: another server of IRC than ngircd, where there is one. Looks nothing up, and slows nobody down.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_port};

/// Where packages put the program.
const PROGRAMS: [&str; 2] = ["/usr/sbin/inspircd", "/usr/bin/inspircd"];

/// The running server. Dropping it ends it.
pub struct Inspircd {
    _process: Process,
    _directory: TempDir,
    port: u16,
}

impl Inspircd {
    /// Starts it and waits until it accepts connections; `None`, with a line that says so, where it is not installed.
    pub fn start() -> Option<Self> {
        let Some(program) = PROGRAMS.iter().find(|program| Path::new(program).exists()) else {
            println!("NOT CHECKED: inspircd is not installed");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("bellflower-inspircd-").tempdir().expect("a directory");
        let port = free_port();
        let path = |name: &str| -> PathBuf { directory.path().join(name) };
        let here = directory.path().display();
        let config = format!(
            "<server name=\"irc.localhost.test\" description=\"A server for tests\" network=\"Tests\">\n\
             <admin name=\"Tests\" nick=\"tests\" email=\"tests@localhost.test\">\n\
             <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
             <connect name=\"all\" allow=\"*\" timeout=\"60\" pingfreq=\"120\" hardsendq=\"1048576\" softsendq=\"1048576\" recvq=\"65536\"\n\
             localmax=\"1000\" globalmax=\"1000\" resolvehostnames=\"no\" useident=\"no\" threshold=\"1000\" commandrate=\"100000\" fakelag=\"off\">\n\
             <options defaultmodes=\"not\">\n\
             <path datadir=\"{here}\" logdir=\"{here}\" rundir=\"{here}\">\n\
             <pid file=\"{here}/inspircd.pid\">\n"
        );
        std::fs::write(path("inspircd.conf"), config).expect("writing InspIRCd's configuration");
        let mut command = Command::new(program);
        command.arg("--nofork").arg("--nolog").arg("--runasroot").arg(format!("--config={}", path("inspircd.conf").display()));
        let mut process = Process::start("inspircd", &mut command, &path("inspircd.log"), false);
        process.wait_for_port(port);
        Some(Self { _process: process, _directory: directory, port })
    }

    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `network` of a log-in that leads here.
    pub fn network(&self, nick: &str) -> Value {
        let options = json!({ "port": self.port, "ssl": false, "ratelimit-interval": 0 });
        json!({ "protocol": "prpl-irc", "username": format!("{nick}@127.0.0.1"), "options": options })
    }
}
