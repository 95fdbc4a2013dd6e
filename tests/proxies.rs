//! Promise: behind nginx, HAProxy, lighttpd and Apache the daemon understands each request as the proxy did: none is smuggled past it.
//! `make proxies` runs it.
#![allow(clippy::expect_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Daemon, Process};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
/// How long a proxy may take for an answer. What it holds a connection open for beyond that is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A proxy in front of a daemon.
struct Scene {
    daemon: Daemon,
    address: SocketAddr,
    proxy: Process,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// `command` writes a configuration into a folder, and says how to start what reads it, between an address and the daemon's.
    fn new(name: &'static str, command: fn(&Path, SocketAddr, &str) -> Command) -> Self {
        let daemon = Daemon::builder(BELLFLOWER).config("trusted_proxies = [\"127.0.0.1\"]").start();
        let folder = tempfile::tempdir().expect("a folder");
        let address = SocketAddr::from(([127, 0, 0, 1], support::free_port()));
        let backend = daemon.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut proxy = Process::start(name, &mut command(folder.path(), address, &backend), &folder.path().join("log"), false);
        proxy.wait_for_port(address.port());
        Self { daemon, address, proxy, _folder: folder }
    }

    /// What is answered to these bytes, until the proxy closes or says no more.
    fn send(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        // It may refuse before it has read everything.
        let _ = stream.write_all(bytes.as_bytes());
        let (mut all, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => all.extend_from_slice(&piece[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionReset) => break,
                Err(error) => panic!("{error}"),
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Requests that the daemon understood so far.
    fn understood(&self) -> u64 {
        let stats = self.daemon.stats();
        let count = |name: &str| stats[name].as_u64().unwrap_or_else(|| panic!("no {name} in {stats}"));
        count("requests") - count("requests_malformed")
    }

    fn check(&self) {
        for (path, words) in [("/", "<html"), ("/api/v1/site", "\"name\"")] {
            let told = self.send(&format!("GET {path} HTTP/1.1\r\nHost: chat.test\r\nConnection: close\r\n\r\n"));
            assert!(told.starts_with("HTTP/1.1 200") && told.contains(words), "{path}: {told}\n{}", self.proxy.log());
        }
        let told =
            self.send(&post("Transfer-Encoding: chunked\r\nConnection: close\r\nOrigin: http://chat.test\r\n", "2\r\n{}\r\n0\r\n\r\n"));
        assert!(told.contains("missing_field"), "a body in chunks arrives: {told}");
        for bytes in vectors() {
            let before = self.understood();
            let told = self.send(&bytes);
            let (answers, understood) = (told.matches("HTTP/1.").count() as u64, self.understood() - before);
            assert!(understood <= answers.max(1), "{understood} requests were understood of {bytes:?}, and {answers} answered: {told}");
        }
    }
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /api/v1/login HTTP/1.1\r\nHost: chat.test\r\nContent-Type: application/json\r\n{headers}\r\n{body}")
}

/// Requests that somebody reads as one, and somebody else as two.
fn vectors() -> Vec<String> {
    let inner = "GET /api/v1/smuggled HTTP/1.1\r\nHost: chat.test\r\nX: y\r\n\r\n";
    let ends = format!("0\r\n\r\n{inner}");
    let length = |body: &str| format!("Content-Length: {}\r\n", body.len());
    let mut all = vec![post(&(length(&ends) + "Transfer-Encoding: chunked\r\n"), &ends), post(&length(inner), inner)];
    for coding in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\0",
        "Transfer_Encoding: chunked",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    ] {
        all.push(post(&format!("{}{coding}\r\n", length(&ends)), &ends));
        all.push(post(&format!("{coding}\r\n{}", length("0")), &ends));
    }
    for lengths in
        ["Content-Length: 0\r\nContent-Length: ", "Content-Length: +", "Content-Length: 0, ", "Content-Length: 0x", "Content-Length : "]
    {
        all.push(post(&format!("{lengths}{}\r\n", inner.len()), inner));
    }
    for chunks in [
        "0;\n\r\n\r\n",
        "0\n\r\n",
        "0 \r\n\r\n",
        "00000000000000000\r\n\r\n",
        "1;x\n\r\na\r\n0\r\n\r\n",
        "1\r\naXX\r\n0\r\n\r\n",
        "-0\r\n\r\n",
    ] {
        all.push(post("Transfer-Encoding: chunked\r\n", &format!("{chunks}{inner}")));
    }
    for line in [
        format!("GET /api/v1/site HTTP/1.1\r\nHost: chat.test\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.test\r\nHost: other.test\r\nConnection: close\r\n\r\n".to_owned(),
        "GET http://other.test/api/v1/site HTTP/1.1\r\nHost: chat.test\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /api/v1/site HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /api/v1/site?x HTTP/1.1\n\n{inner}"),
        format!("GET /api/v1/site HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{ends}"),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.test\r\nConnection: Host, X-Forwarded-For, close\r\n\r\n".to_owned(),
        "GET /api/v1/site HTTP/1.1\r\nHost: chat.test\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n".to_owned(),
        format!("POST /api/v1/login HTTP/1.1\r\nHost: chat.test\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
    ] {
        all.push(line);
    }
    all
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("proxy.conf");
    std::fs::write(&path, text).expect("a configuration");
    path
}

fn program(names: &[&str]) -> Command {
    let found =
        names.iter().flat_map(|name| ["/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(name))).find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| panic!("none of {names:?} is installed; make proxies")))
}

#[test]
#[ignore = "make proxies"]
fn behind_nginx() {
    Scene::new("nginx", |folder, address, backend| {
        let at = folder.display();
        let text = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/log; events {{}}
            http {{ access_log off; client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d;
                scgi_temp_path {at}/e;
                upstream bellflower {{ server {backend}; keepalive 4; }}
                server {{ listen {address}; location / {{ proxy_pass http://bellflower; proxy_http_version 1.1; proxy_set_header Connection \"\";
                    proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}"
        );
        let mut command = program(&["nginx"]);
        command.arg("-p").arg(folder).arg("-c").arg(written(folder, &text));
        command
    })
    .check();
}

#[test]
#[ignore = "make proxies"]
fn behind_haproxy() {
    Scene::new("haproxy", |folder, address, backend| {
        let text = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n option forwardfor\n http-reuse always\n\
             frontend f\n bind {address}\n default_backend b\nbackend b\n server s {backend}\n"
        );
        let mut command = program(&["haproxy"]);
        command.arg("-db").arg("-f").arg(written(folder, &text));
        command
    })
    .check();
}

#[test]
#[ignore = "make proxies"]
fn behind_lighttpd() {
    Scene::new("lighttpd", |folder, address, backend| {
        let (host, port) = backend.rsplit_once(':').expect("a port");
        let text = format!(
            "server.document-root = \"{}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {}\nserver.modules = (\"mod_proxy\")\n\
             server.stream-request-body = 2\nserver.stream-response-body = 2\n\
             proxy.server = (\"\" => ((\"host\" => \"{host}\", \"port\" => {port})))\n",
            folder.display(),
            address.port()
        );
        let mut command = program(&["lighttpd"]);
        command.arg("-D").arg("-f").arg(written(folder, &text));
        command
    })
    .check();
}

#[test]
#[ignore = "make proxies"]
fn behind_apache() {
    Scene::new("apache", |folder, address, backend| {
        let modules = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"];
        let modules = modules.into_iter().find(|folder| Path::new(folder).exists()).expect("Apache's modules");
        let load = |name: &str| {
            let file = format!("{modules}/mod_{name}.so");
            if Path::new(&file).exists() { format!("LoadModule {name}_module {file}\n") } else { String::new() }
        };
        let all: String = ["mpm_event", "unixd", "authz_core", "proxy", "proxy_http"].into_iter().map(load).collect();
        let at = folder.display();
        let text = format!(
            "{all}ServerRoot {at}\nPidFile {at}/pid\nDefaultRuntimeDir {at}\nErrorLog {at}/log\nServerName localhost\nListen {address}\n\
             <IfModule unixd_module>\nUser nobody\n</IfModule>\nProxyPass / http://{backend}/ keepalive=On\nProxyPreserveHost On\n"
        );
        let mut command = program(&["apache2", "httpd"]);
        command.arg("-DFOREGROUND").arg("-f").arg(written(folder, &text));
        command
    })
    .check();
}
