//! A plugin in a worker of its own that does as it is told, and what it is to find out of reach; it asserts what came of its commands.

use crate::BELLFLOWER;
use serde_json::json;
use std::path::PathBuf;
use support::{Daemon, DaemonBuilder, WireClient, mischief_plugins};

pub(crate) const OK: &str = "ok";
pub(crate) const NOT_PERMITTED: &str = "Operation not permitted";
pub(crate) const DENIED: &str = "Permission denied";

/// A plugin that does as it is told, in a worker of its own.
pub(crate) struct Plugin {
    pub(crate) client: WireClient,
    conversation: String,
    pub(crate) daemon: Daemon,
}

impl Plugin {
    /// With these lines in `[worker]`.
    pub(crate) fn start(worker: &str) -> Self {
        Self::start_with(Daemon::builder(BELLFLOWER), worker)
    }

    pub(crate) fn start_with(builder: DaemonBuilder, worker: &str) -> Self {
        let tables = format!("[plugins]\npaths = [{:?}]\n\n[worker]\n{worker}\n", mischief_plugins());
        let daemon = builder.config("workers = 1").table(&tables).start();
        let mut client = daemon.client("tab");
        client.post("/login", &json!({ "network": { "protocol": "prpl-mischief", "username": "a" } })).ok();
        client.attach();
        client.wait_online();
        let conversation = client.open("imp");
        Self { client, conversation, daemon }
    }

    /// What came of a command: `ok`, or the system's words.
    #[track_caller]
    pub(crate) fn does(&mut self, command: &str) -> String {
        self.client.say(&self.conversation, command);
        let event = self.client.wait_event(&format!("what came of {command:?}"), |event| event["type"] == "message.received");
        event["message"]["text"].as_str().expect("a text").to_owned()
    }

    /// Does not wait for what comes of a command.
    pub(crate) fn begins(&mut self, command: &str) {
        self.client.command("message.send", json!({ "conversation": self.conversation, "text": command }));
    }

    #[track_caller]
    pub(crate) fn must(&mut self, command: &str, answer: &str) {
        assert_eq!(self.does(command), answer, "{command}");
    }

    pub(crate) fn pid(&mut self) -> u32 {
        self.does("pid").parse().expect("a process id")
    }

    /// Its home, as its environment has it.
    pub(crate) fn home(&mut self) -> PathBuf {
        let environment = self.does("environment");
        environment.split(' ').find_map(|set| set.strip_prefix("HOME=")).expect("a home").into()
    }

    /// A worker that is not this plugin's.
    pub(crate) fn neighbour(&mut self) -> u32 {
        let own = self.pid();
        *children(self.daemon.id()).iter().find(|pid| **pid != own).expect("another worker")
    }
}

/// The processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the daemon's threads");
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().map(|pid| pid.parse().expect("a process id")).collect::<Vec<_>>()).collect()
}

/// A directory with a file that is nobody's business, and a program.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn make() -> Self {
        let directory = tempfile::Builder::new().prefix("bellflower-place-").tempdir().expect("a directory");
        std::fs::write(directory.path().join("secret"), "secret").expect("a file");
        std::fs::copy("/bin/true", directory.path().join("program")).expect("a program");
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}
