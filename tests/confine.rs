//! Promise: a protocol plugin reaches what it needs and nothing else: no file, program, process, descriptor or port of the daemon or its
//! neighbours, whatever it tries.
#![allow(clippy::expect_used)]

use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Daemon, DaemonBuilder, PATIENCE, WireClient, mischief_plugins, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

const OK: &str = "ok";
const NOT_PERMITTED: &str = "Operation not permitted";
const DENIED: &str = "Permission denied";

/// A plugin that does as it is told, in a worker of its own.
struct Plugin {
    client: WireClient,
    conversation: String,
    daemon: Daemon,
}

impl Plugin {
    /// With these lines in `[worker]`.
    fn start(worker: &str) -> Self {
        Self::start_with(Daemon::builder(BELLFLOWER), worker)
    }

    fn start_with(builder: DaemonBuilder, worker: &str) -> Self {
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
    fn does(&mut self, command: &str) -> String {
        self.client.say(&self.conversation, command);
        let event = self.client.wait_event(&format!("what came of {command:?}"), |event| event["type"] == "message.received");
        event["message"]["text"].as_str().expect("a text").to_owned()
    }

    #[track_caller]
    fn must(&mut self, command: &str, answer: &str) {
        assert_eq!(self.does(command), answer, "{command}");
    }

    fn pid(&mut self) -> u32 {
        self.does("pid").parse().expect("a process id")
    }

    /// Its home, as its environment has it.
    fn home(&mut self) -> PathBuf {
        let environment = self.does("environment");
        environment.split(' ').find_map(|set| set.strip_prefix("HOME=")).expect("a home").into()
    }

    /// A worker that is not this plugin's.
    fn neighbour(&mut self) -> u32 {
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
struct Place(tempfile::TempDir);

impl Place {
    fn make() -> Self {
        let directory = tempfile::Builder::new().prefix("bellflower-place-").tempdir().expect("a directory");
        std::fs::write(directory.path().join("secret"), "secret").expect("a file");
        std::fs::copy("/bin/true", directory.path().join("program")).expect("a program");
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

/// Calls that the sandbox refuses with EPERM, and that without it give anything else. `parent` is the web process.
fn refused(parent: u32) -> Vec<(&'static str, String)> {
    let call = |name, number: i64, arguments: &str| (name, format!("call {number} {arguments}"));
    let own = |name, number: i64, rest: &str| (name, format!("call {number} {parent} {rest}"));
    vec![
        call("io_uring_setup", libc::SYS_io_uring_setup, "1 0"),
        call("io_setup", libc::SYS_io_setup, "1 0"),
        call("keyctl", libc::SYS_keyctl, "0 -1 0"),
        call("personality", libc::SYS_personality, "0xffffffff"),
        call("unshare", libc::SYS_unshare, "0"),
        call("setns", libc::SYS_setns, "-1 0"),
        call("name_to_handle_at", libc::SYS_name_to_handle_at, "-100 0 0 0 0"),
        call("shmget", libc::SYS_shmget, "0x1234567 1 0"),
        call("msgget", libc::SYS_msgget, "0x1234567 0"),
        call("mq_open", libc::SYS_mq_open, "0 0 0 0"),
        call("memfd_create", libc::SYS_memfd_create, "0 0"),
        call("execve", libc::SYS_execve, "0 0 0"),
        call("execveat", libc::SYS_execveat, "-1 0 0 0 0"),
        call("truncate", libc::SYS_truncate, "0 0"),
        call("fchmodat", libc::SYS_fchmodat, "-100 0 0"),
        call("fchownat", libc::SYS_fchownat, "-100 0 0 0 0"),
        call("setxattr", libc::SYS_setxattr, "0 0 0 0 0"),
        call("utimensat", libc::SYS_utimensat, "-100 1 0 0"),
        call("not to end with its parent", libc::SYS_prctl, "1 0"),
        call("to be traced", libc::SYS_prctl, "4 0"),
        call("TIOCSTI", libc::SYS_ioctl, "0 0x5412 0"),
        call("a local socket", libc::SYS_socket, "1 1 0"),
        call("a raw socket", libc::SYS_socket, "2 3 1"),
        call("a ping socket", libc::SYS_socket, "2 2 1"),
        call("an SCTP socket", libc::SYS_socket, "2 1 132"),
        call("a packet socket", libc::SYS_socket, "17 2 0"),
        call("a crypto socket", libc::SYS_socket, "38 5 0"),
        call("a virtual machine socket", libc::SYS_socket, "40 1 0"),
        call("an audit socket", libc::SYS_socket, "16 3 9"),
        call("local datagrams", libc::SYS_socketpair, "1 2 0 0"),
        own("process_vm_readv", libc::SYS_process_vm_readv, "0 0 0 0 0"),
        own("prlimit", libc::SYS_prlimit64, "0 0 0"),
        own("sched_setscheduler", libc::SYS_sched_setscheduler, "0 0"),
        own("tgkill", libc::SYS_tgkill, &format!("{parent} 0")),
        own("tkill", libc::SYS_tkill, "0"),
        own("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo, "0 0"),
        call("signals by descriptor", libc::SYS_fcntl, &format!("0 8 {parent}")),
    ]
}

/// What takes a privilege, which no worker has.
const PRIVILEGED: &[&str] = &["a raw socket", "a packet socket"];

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
    for file in ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/usr/share/zoneinfo", "/dev/urandom", "/proc/self/maps"] {
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
fn system_calls_that_no_plugin_needs_are_refused() {
    let mut plugin = Plugin::start("");
    for (name, command) in refused(plugin.daemon.id()) {
        assert_eq!(plugin.does(&command), NOT_PERMITTED, "{name}");
    }
    plugin.must(&format!("call {} 0 0", libc::SYS_clone3), "Function not implemented");
    // x32's getpid.
    #[cfg(target_arch = "x86_64")]
    plugin.must("call 0x40000027", NOT_PERMITTED);
    for allowed in ["2 1 0", "2 2 0", "10 1 6", "10 2 17", "16 3 0", "2 0x80801 0"] {
        plugin.must(&format!("call {} {allowed}", libc::SYS_socket), OK);
    }
    plugin.must(&format!("call {} 1 1 0 0", libc::SYS_socketpair), "Bad address");
    plugin.must(&format!("call {} 0 0 0 0", libc::SYS_prlimit64), OK);
}

#[test]
fn system_calls_are_not_refused_without_the_sandbox() {
    let mut plugin = Plugin::start("sandbox = false");
    for (name, command) in refused(plugin.daemon.id()).into_iter().filter(|(name, _)| !PRIVILEGED.contains(name)) {
        assert_ne!(plugin.does(&command), NOT_PERMITTED, "{name}");
    }
}

#[test]
fn nobody_listens_unless_configured() {
    let mut plugin = Plugin::start("");
    plugin.must("listen", DENIED);
    plugin.must(&format!("call {} -1 1", libc::SYS_listen), NOT_PERMITTED);
    drop(plugin);
    let mut plugin = Plugin::start_with(Daemon::builder(BELLFLOWER).environment("BELLFLOWER_EGRESS_LISTEN", "true"), "");
    plugin.must("listen", OK);
}

/// A server that notes whether somebody came.
struct Server(TcpListener);

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not wait");
        Self(listener)
    }

    /// The plugin's command, past the front end's own `connect`.
    fn command(&self) -> String {
        format!("connect 127.0.0.1 {}", self.0.local_addr().expect("an address").port())
    }

    fn was_reached(&self) -> bool {
        self.0.accept().is_ok()
    }
}

#[test]
fn forbidden_addresses_are_refused_to_system_calls_of_their_own_making() {
    let server = Server::start();
    let mut plugin = Plugin::start_with(Daemon::builder(BELLFLOWER).egress(&[]), "");
    plugin.must(&server.command(), DENIED);
    assert!(!server.was_reached());
    assert!(plugin.daemon.log().contains("by a call of its own: refused"), "the log says so");
    // Addresses that make no sense are the kernel's errors, and the worker goes on.
    let call = |rest: &str| format!("call {} {rest}", libc::SYS_connect);
    plugin.must(&call("0 0 16"), "Bad address");
    plugin.must(&call("0 0 1"), "Invalid argument");
    plugin.must(&call("9999 0 16"), "Bad file descriptor");
    // Nor is there a way around connect.
    let fast_open = format!("call {} 0 0 0 0x20000000 0 0", libc::SYS_sendto);
    plugin.must(&fast_open, NOT_PERMITTED);
    drop(plugin);

    let mut plugin = Plugin::start_with(Daemon::builder(BELLFLOWER).egress(&[]), "sandbox = false");
    plugin.must(&server.command(), OK);
    assert!(server.was_reached());
}

#[test]
fn allowed_addresses_are_connected_to_in_the_plugins_stead() {
    let server = Server::start();
    let mut plugin = Plugin::start("");
    for _ in 0..3 {
        plugin.must(&server.command(), OK);
        assert!(server.was_reached());
    }
    let command = server.command();
    drop(server);
    plugin.must(&command, "Connection refused");
}

#[test]
fn children_of_a_plugin_are_judged_like_it() {
    let server = Server::start();
    let mut plugin = Plugin::start_with(Daemon::builder(BELLFLOWER).egress(&[]), "exec = true");
    let port = server.0.local_addr().expect("an address").port();
    plugin.must(&format!("shell exec 3<>/dev/tcp/127.0.0.1/{port}"), "exit 1");
    assert!(!server.was_reached());
    drop(plugin);
    let mut plugin = Plugin::start("exec = true");
    plugin.must(&format!("shell exec 3<>/dev/tcp/127.0.0.1/{port}"), "exit 0");
    assert!(server.was_reached());
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
    // Their log and the memory in which they note whose callback runs; both have /dev/null.
    let expected = |target: &str| target == "/dev/null" || target.ends_with("daemon.log") || target.starts_with("/memfd:bellflower-blame");
    let shared: Vec<_> = ours.intersection(&theirs).filter(|target| !expected(target)).collect();
    assert!(shared.is_empty(), "{shared:?}");
    let strange: Vec<_> = theirs.iter().filter(|target| !expected(target) && !target.starts_with("socket:")).collect();
    assert!(strange.is_empty(), "{strange:?}");
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
fn core_files_are_left_where_configured() {
    let place = Place::make();
    let mut plugin = Plugin::start(&format!("core = true\nwrite = [{:?}]\n", place.0.path()));
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
    plugin.client.command("message.send", json!({ "conversation": plugin.conversation, "text": "segfault" }));
    wait_until("a core file", PATIENCE, || {
        let files = std::fs::read_dir(place.0.path()).ok()?;
        files.filter_map(Result::ok).any(|file| !["secret", "program"].iter().any(|known| file.file_name() == *known)).then_some(())
    });
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
    assert!(told(&["--workers", "0"]).contains("in the daemon itself"), "{text}");
}
