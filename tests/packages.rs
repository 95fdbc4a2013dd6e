//! Promise: the packages install, run under their unit's user and limits by a real systemd, sign people in, and keep what they have when they are
//! upgraded. `make test-packages` builds the packages and runs this, as root, in a network namespace of its own.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{PATIENCE, Prosody, WireClient, XmppPeer, wait_until};

/// Where the packaged daemon listens.
const PAGE: &str = "http://127.0.0.1:8080";
const CONFIG: &str = "/etc/bellflower/bellflower.toml";

/// A kind of package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rpm,
    Deb,
}

impl Family {
    fn plugins(self) -> String {
        match self {
            Self::Rpm => "/usr/lib64/bellflower/plugins".to_owned(),
            Self::Deb => format!("/usr/lib/{}-linux-gnu/bellflower/plugins", std::env::consts::ARCH),
        }
    }

    /// The main package among those that were built, of this version or the one before.
    fn package(self, version: &str) -> PathBuf {
        let ending = if self == Self::Rpm { "rpm" } else { "deb" };
        let folder = folder().join(version);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files = files.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let is_main = |path: &PathBuf| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            name.ends_with(ending) && !["-selinux", "-dbgsym", "-debug"].iter().any(|other| name.contains(other))
        };
        files.find(is_main).unwrap_or_else(|| panic!("no .{ending} in {}", folder.display()))
    }
}

/// Where `make test-packages` has everything.
fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("BELLFLOWER_PACKAGES").expect("BELLFLOWER_PACKAGES is set by packaging/test-packages.sh"))
}

/// A machine's files and processes; stopped when dropped.
struct Tree {
    path: PathBuf,
    family: Family,
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    output
}

impl Tree {
    /// With this version's package installed, and booted.
    fn with(family: Family, version: &str) -> Self {
        let tree = Self { path: folder().join(format!("tree-{family:?}").to_lowercase()), family };
        tree.script(&["make"], &[&folder().join("debian.tar").display().to_string()]);
        if family == Family::Rpm {
            tree.install(version);
        }
        tree.script(&["boot"], &[]);
        if family == Family::Deb {
            tree.install(version);
        }
        tree
    }

    fn script(&self, verb: &[&str], rest: &[&str]) -> Output {
        done(Command::new(source("packaging/tree.sh")).args(verb).arg(&self.path).args(rest))
    }

    /// Runs a command in the booted tree, and gives what it says.
    fn run(&self, command: &[&str]) -> String {
        String::from_utf8_lossy(&self.script(&["run"], command).stdout).trim_end().to_owned()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// Installs, or upgrades to, this version: RPMs from outside, as on a machine with another package manager; Debian's in the running system.
    fn install(&self, version: &str) {
        let package = self.family.package(version);
        match self.family {
            Family::Rpm => {
                done(Command::new("rpm").arg("--root").arg(&self.path).args(["--nodeps", "-U"]).arg(package));
            }
            Family::Deb => {
                std::fs::copy(&package, self.at("/srv/bellflower.deb")).expect("a copy");
                self.run(&["dpkg", "--install", "/srv/bellflower.deb"]);
            }
        }
    }

    /// Takes the package away, and leaves what is people's.
    fn remove(&self) {
        match self.family {
            Family::Rpm => _ = done(Command::new("rpm").arg("--root").arg(&self.path).args(["--nodeps", "-e", "bellflower"])),
            Family::Deb => _ = self.run(&["dpkg", "--remove", "bellflower"]),
        }
    }

    fn restart(&self) {
        self.run(&["systemctl", "daemon-reload"]);
        self.run(&["systemctl", "restart", "bellflower"]);
        self.is_up();
    }

    #[track_caller]
    fn is_up(&self) {
        wait_until("the service to be ready", PATIENCE, || {
            (self.run(&["systemctl", "show", "-p", "SubState", "--value", "bellflower"]) == "running").then_some(())
        });
        let (_, page) = get(&format!("{PAGE}/"));
        assert!(page.contains("<html"), "{page}");
    }

    fn journal(&self) -> String {
        self.run(&["journalctl", "--no-pager", "--output=cat", "--unit=bellflower"])
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let journal = Command::new(source("packaging/tree.sh"))
                .arg("run")
                .arg(&self.path)
                .args(["journalctl", "--no-pager", "-n", "80"])
                .output();
            eprintln!("{}", journal.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default());
        }
        let _ = Command::new(source("packaging/tree.sh")).arg("stop").arg(&self.path).status();
    }
}

/// A GET by curl, as an administrator would do it: status and body.
fn get(url: &str) -> (u16, String) {
    let output = done(Command::new("curl").args(["--silent", "--show-error", "--write-out", "\n%{http_code}", url]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

/// What an administrator changes: people may come, and the test's own servers may be reached.
fn configure(tree: &Tree) -> String {
    let path = tree.at(CONFIG);
    let text = std::fs::read_to_string(&path).expect("the settings");
    let changed = text
        .replace("#registration = \"closed\"", "registration = \"open\"")
        .replace("#allow = [\"10.0.0.0/8\"]", "allow = [\"127.0.0.0/8\", \"::1/128\"]");
    assert_ne!(text, changed);
    std::fs::write(&path, &changed).expect("to write the settings");
    changed
}

/// The service runs as the unit has it.
fn is_confined(tree: &Tree) {
    let show = |property: &str| tree.run(&["systemctl", "show", "-p", property, "--value", "bellflower"]);
    assert_eq!((show("User"), show("NRestarts")), ("bellflower".to_owned(), "0".to_owned()));
    let pid = show("MainPID");
    let status = tree.run(&["cat", &format!("/proc/{pid}/status")]);
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {status}"));
        line.split_ascii_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    let user = tree.run(&["id", "-u", "bellflower"]);
    assert_eq!(field("Uid:"), user);
    assert_eq!((field("CapEff:"), field("CapBnd:")), ("0000000000000000".to_owned(), "0000000000000000".to_owned()));
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".to_owned(), "2".to_owned()));
    let limits = tree.run(&["cat", &format!("/proc/{pid}/limits")]);
    // In a container the kernel may allow even root less.
    let files = rlimit::Resource::NOFILE.get_hard().map_or(262_144, |most| most.min(262_144)).to_string();
    assert_eq!(show("LimitNOFILE"), "262144");
    assert!(limits.lines().any(|line| line.starts_with("Max open files") && line.contains(&files)), "{limits}");
    assert!(tree.journal().contains("confined: Landlock"), "{}", tree.journal());
    for (path, mode) in
        [("/etc/bellflower", "750 root bellflower"), (CONFIG, "640 root bellflower"), ("/var/lib/bellflower", "750 bellflower bellflower")]
    {
        assert_eq!(tree.run(&["stat", "-c", "%a %U %G", path]), mode, "{path}");
    }
    assert_eq!(tree.run(&["systemd-analyze", "verify", "--man=no", "bellflower.service", "bellflower.socket"]), "");
    tree.run(&["systemd-analyze", "security", "--threshold=20", "--no-pager", "bellflower.service"]);
}

/// The example plugin, put where the package has plugins, is loaded and used.
fn takes_a_plugin(tree: &Tree) {
    let to = format!("PLUGINS={}", tree.family.plugins());
    let out = folder().join("parrot");
    std::fs::create_dir_all(&out).expect("a directory");
    let out = format!("OUT={}", out.display());
    let destination = format!("DESTDIR={}", tree.path.display());
    done(Command::new("make").arg("-C").arg(source("packaging/example-plugin")).args(["install", &out, &destination, &to]));
    let told = tree.run(&["runuser", "-u", "bellflower", "--", "bellflower", "plugins", "--config", CONFIG]);
    assert!(told.lines().any(|line| line.starts_with("loaded   protocol  prpl-parrot") && line.ends_with("libparrot.so")), "{told}");
    tree.restart();
    let mut guest = WireClient::new(PAGE, "guest");
    guest.post("/login", &json!({ "network": { "protocol": "prpl-parrot", "username": "guest" } })).ok();
    guest.attach();
    guest.wait_online();
    let polly = guest.open("polly");
    guest.say(&polly, "in a package");
    guest.hears("in a package");
}

/// With the socket unit nobody is refused while the service restarts.
fn restarts_in_place(tree: &Tree) {
    tree.run(&["systemctl", "stop", "bellflower"]);
    tree.run(&["systemctl", "start", "bellflower.socket"]);
    tree.run(&["systemctl", "start", "bellflower"]);
    tree.is_up();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut answers = 0;
            while !ended.load(Ordering::Relaxed) {
                let (status, site) = get(&format!("{PAGE}/api/v1/site"));
                assert!(status == 200 && site.contains("\"version\""), "{status}: {site}");
                answers += 1;
            }
            answers
        });
        let main_pid = || tree.run(&["systemctl", "show", "-p", "MainPID", "--value", "bellflower"]);
        let before = main_pid();
        tree.run(&["systemctl", "restart", "bellflower"]);
        assert_ne!(main_pid(), before);
        ended.store(true, Ordering::Relaxed);
        assert!(visitor.join().expect("every answer") > 0);
    });
    assert!(tree.journal().contains("by a socket of the service manager"), "{}", tree.journal());
    tree.run(&["systemctl", "stop", "bellflower.socket", "bellflower"]);
    tree.restart();
}

fn installed_used_upgraded_and_removed(family: Family) {
    let prosody = Prosody::with_users(["ines", "bob"]);
    let tree = Tree::with(family, "previous");
    let settings = configure(&tree);
    tree.restart();
    let version = |tree: &Tree| tree.run(&["bellflower", "--version"]);
    let old = version(&tree);
    let mut bob = XmppPeer::connect(&prosody, "bob");
    {
        let mut ines = WireClient::new(PAGE, "tab");
        ines.register("Ines", "a password of hers");
        ines.add_xmpp(&prosody, "ines");
        let conversation = ines.open("bob@localhost");
        ines.say(&conversation, "before the upgrade");
        bob.hears("before the upgrade");
        bob.say("ines@localhost", "and an answer");
        ines.hears("and an answer");
    }
    tree.run(&["systemctl", "stop", "bellflower"]);

    tree.install("current");
    let new = version(&tree);
    assert_ne!(new, old);
    assert_eq!(std::fs::read_to_string(tree.at(CONFIG)).expect("the settings"), settings, "the upgrade changed the settings");
    tree.restart();
    let (status, site) = get(&format!("{PAGE}/api/v1/site"));
    let told = new.trim_start_matches("bellflower ");
    assert!(status == 200 && site.contains(&format!("\"version\":\"{told}\"")), "{site}");
    is_confined(&tree);
    let mut ines = WireClient::new(PAGE, "another-tab");
    ines.sign_in("Ines", "a password of hers");
    ines.wait_online();
    let kept = ines.snapshot["conversations"].as_array().expect("conversations").iter().find(|one| one["name"] == "bob@localhost").cloned();
    let kept = kept.unwrap_or_else(|| panic!("the conversation is gone: {}", ines.snapshot));
    let history = ines.get(&format!("/history?conversation={}", kept["id"].as_str().expect("an id"))).ok();
    let texts: Vec<_> = history["messages"].as_array().expect("messages").iter().map(|message| message["text"].clone()).collect();
    assert!(texts.contains(&json!("before the upgrade")) && texts.contains(&json!("and an answer")), "{texts:?}");
    let conversation = ines.open("bob@localhost");
    ines.say(&conversation, "after the upgrade");
    bob.hears("after the upgrade");
    let users = tree.run(&["runuser", "-u", "bellflower", "--", "bellflower", "user", "list", "--config", CONFIG]);
    assert!(users.contains("Ines"), "{users}");

    takes_a_plugin(&tree);
    restarts_in_place(&tree);
    let journal = tree.journal();
    let grave = |line: &&str| line.contains("panicked at") || line.contains("ERROR") || line.contains("CRITICAL");
    assert_eq!(journal.lines().filter(grave).collect::<Vec<_>>(), Vec::<&str>::new());

    tree.run(&["systemctl", "stop", "bellflower"]);
    tree.remove();
    assert!(!tree.at("/usr/bin/bellflower").exists());
    assert!(tree.at("/var/lib/bellflower/bellflower.sqlite").exists(), "removal took people's data");
    let left = [CONFIG.to_owned(), format!("{CONFIG}.rpmsave")];
    assert!(left.iter().any(|path| std::fs::read_to_string(tree.at(path)).is_ok_and(|text| text == settings)), "removal took the settings");
    if family == Family::Deb {
        tree.run(&["dpkg", "--purge", "bellflower"]);
        assert!(!tree.at("/var/lib/bellflower").exists() && !tree.at("/etc/bellflower").exists(), "a purge left something");
    }
}

#[test]
#[ignore = "make test-packages"]
fn the_rpm_is_installed_used_upgraded_and_removed() {
    installed_used_upgraded_and_removed(Family::Rpm);
}

#[test]
#[ignore = "make test-packages"]
fn the_debian_package_is_installed_used_upgraded_and_removed() {
    installed_used_upgraded_and_removed(Family::Deb);
}
