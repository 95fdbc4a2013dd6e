//! Promise: with a socket of the service manager the daemon is restarted in place: nobody is refused meanwhile, a page comes again once, and the socket
//! is no worker's.
#![allow(clippy::expect_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::{PATIENCE, Prosody, WireClient, XmppPeer, free_port, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

/// Runs the daemon as systemd does: descriptor 3 is the socket, and the variables say so. `LISTEN_PID` is known only to the process itself.
const AS_SYSTEMD: &str = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=page exec \"$@\"";

struct Service(Child);

impl Service {
    /// Starts the daemon on this socket. Gives its first line of output.
    fn start(socket: OwnedFd, config: &Path) -> (Self, String) {
        let mut command = Command::new("sh");
        command.args(["-c", AS_SYSTEMD, "sh", BELLFLOWER, "serve", "--config"]).arg(config);
        let log = std::fs::File::create(config.with_extension("log")).expect("a log");
        let mut child = command.stdin(socket).stdout(Stdio::piped()).stderr(log).spawn().expect("the daemon");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut said).expect("a line");
        (Self(child), said)
    }

    fn stop(mut self) {
        let told = Command::new("kill").arg(self.0.id().to_string()).status().expect("kill");
        assert!(told.success() && self.0.wait().expect("its end").success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Polls that have come and have no answer yet.
fn polls_held(admin: u16) -> u64 {
    let mut answer = ureq::get(format!("http://127.0.0.1:{admin}/stats")).call().expect("the figures");
    let figures: Value = answer.body_mut().read_json().expect("the figures as JSON");
    let figure = |name: &str| figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"));
    figure("polls").saturating_sub(figure("answers") + figure("answers_empty"))
}

fn config(folder: &Path, admin: u16) -> std::path::PathBuf {
    let path = folder.join("bellflower.toml");
    let (data, key) = (folder.join("data"), folder.join("site-key"));
    std::fs::create_dir_all(&data).expect("a directory");
    std::fs::write(&key, [7; 32]).expect("a key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("the key's mode");
    // The setting `listen` names another place, where nothing has to listen.
    let text = format!(
        "listen = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:{admin}\"\ndata_dir = {data:?}\nsite_key_file = {key:?}\nregistration = \"open\"\nhold_ms = 55000\n\
         [egress]\nallow = [\"127.0.0.0/8\"]\n"
    );
    std::fs::write(&path, text).expect("the settings");
    path
}

/// The end of the poll that a page has open, which says when to come again.
fn last_answer(page: &mut WireClient) -> Value {
    loop {
        let answer = page.poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["end"].is_string() {
            return answer.body;
        }
    }
}

#[test]
fn a_page_comes_again_once_and_nobody_is_refused() {
    let prosody = Prosody::builder().users(["ines", "bob"]).friends("ines", "bob", "Friends").start();
    let folder = tempfile::tempdir().expect("a directory");
    let admin = free_port();
    let config = config(folder.path(), admin);
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = socket.local_addr().expect("an address");
    let url = format!("http://{address}");
    let handed = || OwnedFd::from(socket.try_clone().expect("the socket"));
    let (service, said) = Service::start(handed(), &config);
    assert!(said.contains(&url), "{said}");
    let mut bob = XmppPeer::connect(&prosody, "bob");
    let mut ines = WireClient::new(&url, "tab");
    ines.register("Ines", "a password of hers");
    ines.add_xmpp(&prosody, "ines");
    is_no_workers(service.0.id(), &address.port().to_string());
    // After this nothing more comes by itself.
    bob.say("ines@localhost", "good night");
    ines.hears("good night");

    std::thread::scope(|scope| {
        let page = scope.spawn(|| last_answer(&mut ines));
        // A poll that comes after the end waits for the next daemon.
        wait_until("the poll to be held", PATIENCE, || (polls_held(admin) == 1).then_some(()));
        let stopping = scope.spawn(|| service.stop());
        let last = page.join().expect("the page");
        assert_eq!(last["end"], "restart", "{last}");
        stopping.join().expect("a good end");
    });
    // No daemon runs: a connection waits for the next one.
    let mut early = TcpStream::connect(address).expect("a connection while no daemon runs");
    early.write_all(b"GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("a request");
    let (again, _) = Service::start(handed(), &config);
    let mut answer = String::new();
    early.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The page's one retry.
    ines.attach();
    ines.wait_online();
    let conversation = ines.open("bob@localhost");
    ines.say(&conversation, "after the restart");
    bob.hears("after the restart");
    again.stop();
}

/// The listening socket is the daemon's alone: no process below it has it.
fn is_no_workers(daemon: u32, port: &str) {
    let listening = |process: u32| {
        let folder = format!("/proc/{process}/fd");
        let inode = listening_inode(port);
        let entries = std::fs::read_dir(&folder).expect("its descriptors").filter_map(Result::ok);
        entries.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy() == format!("socket:[{inode}]"))).count()
    };
    assert_eq!(listening(daemon), 1);
    let children = wait_until("its workers", PATIENCE, || {
        let tasks = std::fs::read_dir(format!("/proc/{daemon}/task")).expect("its threads").filter_map(Result::ok);
        let all: String = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default()).collect();
        (!all.trim().is_empty()).then_some(all)
    });
    for child in children.split_whitespace() {
        assert_eq!(listening(child.parse().expect("a number")), 0, "worker {child}");
    }
}

/// The kernel's number of the socket that listens on this port of IPv4.
fn listening_inode(port: &str) -> String {
    let port = format!(":{:04X}", port.parse::<u16>().expect("a port"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut listens = fields.filter(|fields| fields.get(1).is_some_and(|local| local.ends_with(&port)) && fields.get(3) == Some(&"0A"));
    listens.next().and_then(|fields| fields.get(9).map(|inode| (*inode).to_owned())).expect("a listening socket")
}

#[test]
fn a_unix_socket_of_the_service_manager_is_used_and_stays() {
    let folder = tempfile::tempdir().expect("a directory");
    let config = config(folder.path(), free_port());
    let path = folder.path().join("page.sock");
    let socket = UnixListener::bind(&path).expect("a socket");
    for _ in 0..2 {
        let (service, said) = Service::start(OwnedFd::from(socket.try_clone().expect("the socket")), &config);
        assert!(said.contains(&format!("unix:{}", path.display())), "{said}");
        let mut stream = UnixStream::connect(&path).expect("a connection");
        stream.write_all(b"GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        service.stop();
        assert!(path.exists(), "the daemon took the service manager's socket away");
    }
}

#[test]
fn what_is_no_listening_socket_is_told() {
    let folder = tempfile::tempdir().expect("a directory");
    let config = config(folder.path(), free_port());
    let (one, _other) = UnixStream::pair().expect("a pair");
    let (mut service, said) = Service::start(OwnedFd::from(one), &config);
    assert_eq!((said.as_str(), service.0.wait().expect("its end").code()), ("", Some(4)));
    let log = std::fs::read_to_string(config.with_extension("log")).expect("the log");
    assert!(log.contains("`page` is not a stream socket that listens"), "{log}");
}
