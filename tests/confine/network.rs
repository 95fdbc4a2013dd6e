//! Ports and addresses: nobody listens, and who may be connected to is judged.

use crate::BELLFLOWER;
use crate::plugin::{DENIED, NOT_PERMITTED, OK, Plugin};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use support::{Daemon, PATIENCE, wait_until};

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
fn local_sockets_are_reached_by_name() {
    let place = tempfile::tempdir().expect("a directory");
    let path = |name: &str| place.path().join(name).display().to_string();
    let (named, other) = (path("named"), path("other"));
    let listeners = [&named, &other].map(|path| UnixListener::bind(path).expect("a socket"));
    let reached = |listener: &UnixListener| {
        listener.set_nonblocking(true).expect("a listener that does not wait");
        listener.accept().is_ok()
    };
    let mut plugin = Plugin::start("");
    plugin.must(&format!("local {named}"), NOT_PERMITTED);
    plugin.must("fork", NOT_PERMITTED);
    plugin.must("read /etc/shadow", DENIED);
    for told in [
        "a local socket (`sockets` in [worker]",
        "to start a program or process (`exec = true`",
        "the file /etc/shadow (`read` in [worker]",
    ] {
        wait_until(&format!("the log to name {told}"), PATIENCE, || plugin.daemon.log().contains(told).then_some(()));
    }
    drop(plugin);

    let mut plugin = Plugin::start(&format!("sockets = [{named:?}]"));
    for way in ["", " raw"] {
        plugin.must(&format!("local {named}{way}"), OK);
        assert!(reached(&listeners[0]));
        plugin.must(&format!("local {other}{way}"), DENIED);
        assert!(!reached(&listeners[1]));
    }
    plugin.must(&format!("call {} 1 2 0", libc::SYS_socket), NOT_PERMITTED);
    let told = format!("the local socket {other} (`sockets` in [worker] gives it)");
    let twice = || (plugin.daemon.log().matches(&told).count() == 2).then_some(());
    wait_until("the log to name it, once by the worker and once by its judge", PATIENCE, twice);
    drop(plugin);

    let mut plugin = Plugin::start("sandbox = false");
    for way in ["", " raw"] {
        plugin.must(&format!("local {other}{way}"), OK);
        assert!(reached(&listeners[1]));
    }
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
