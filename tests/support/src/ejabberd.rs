//! A real ejabberd in a directory of its own: another server of XMPP than Prosody, where it is installed. The node runs without Erlang's name service and
//! listens on loopback alone; the system's configuration and data are not used.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::certs::{Authority, Flaw};
use crate::process::{Process, free_port};
use crate::wait::{PATIENCE, wait_until};
use crate::xmpp::XmppServer;

/// Where packages put the script that says where Erlang finds ejabberd.
const SCRIPTS: [&str; 2] = ["/usr/sbin/ejabberdctl", "/usr/bin/ejabberdctl"];

/// The running server. Dropping it ends it.
pub struct Ejabberd {
    process: Process,
    _directory: TempDir,
    authority: Authority,
    port: u16,
    tls_port: u16,
}

impl Ejabberd {
    /// Starts it with these accounts and waits until they can sign on; `None`, with a line that says so, where it is not installed.
    pub fn start(users: &[&str]) -> Option<Self> {
        let libraries = SCRIPTS.iter().find_map(|script| libraries(Path::new(script)));
        let Some(libraries) = libraries else {
            println!("NOT CHECKED: ejabberd is not installed");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("bellflower-ejabberd-").tempdir().expect("a directory");
        let path = |name: &str| -> PathBuf { directory.path().join(name) };
        let authority = Authority::new();
        let certificate = authority.issue(directory.path(), "server", "localhost", Flaw::None);
        let pem = [certificate.key, certificate.chain].map(|file| std::fs::read_to_string(file).expect("what was written")).concat();
        std::fs::write(path("server.pem"), pem).expect("writing a certificate");
        let (port, tls_port) = (free_port(), free_port());
        std::fs::write(path("ejabberd.yml"), configuration(&path("server.pem"), port, tls_port)).expect("writing ejabberd's configuration");
        let mut command = Command::new("erl");
        command
            // Without a name (-sname) a node starts no epmd. Its single scheduler does not wait in a loop: the tests have two cores.
            .args(["-noinput", "+S", "1:1", "+sbwt", "none"])
            .args(["-mnesia", "dir"])
            .arg(format!("{:?}", path("db")))
            .args(["-s", "ejabberd", "-eval"])
            .arg(accounts(users))
            .env("ERL_LIBS", libraries)
            .env("EJABBERD_CONFIG_PATH", path("ejabberd.yml"))
            .env("EJABBERD_LOG_PATH", path("ejabberd.log"))
            .env("ERL_CRASH_DUMP", "/dev/null")
            .env("HOME", directory.path())
            .current_dir(directory.path());
        let mut process = Process::start("ejabberd", &mut command, &path("output.log"), false);
        wait_until("ejabberd's accounts", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("ejabberd ended with {status} at its start:\n{}", process.log());
            }
            process.log().contains(READY).then_some(())
        });
        process.wait_for_port(port);
        process.wait_for_port(tls_port);
        Some(Self { process, _directory: directory, authority, port, tls_port })
    }

    /// The loopback port where TLS begins with the first byte.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The authority that signed the server's certificate, in PEM.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }
}

impl XmppServer for Ejabberd {
    fn port(&self) -> u16 {
        self.port
    }

    fn password(&self, name: &str) -> String {
        format!("secret-{name}")
    }
}

impl Drop for Ejabberd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("ejabberd's log:\n{}", self.process.log());
        }
        // Going down in order takes it two seconds, for data that nobody needs.
        self.process.kill();
    }
}

/// The word that is printed once the accounts are there.
const READY: &str = "the accounts are there";

/// The directory of Erlang's libraries, as the packaged script has it.
fn libraries(script: &Path) -> Option<String> {
    let script = std::fs::read_to_string(script).ok()?;
    let line = script.lines().find_map(|line| line.trim().strip_prefix("ERL_LIBS="))?;
    Some(line.trim_matches(['\'', '"']).to_owned())
}

/// Erlang that makes the accounts, or ends the node.
fn accounts(users: &[&str]) -> String {
    let one = |user: &&str| format!("ok = ejabberd_auth:try_register(<<\"{user}\">>, <<\"localhost\">>, <<\"secret-{user}\">>), ");
    format!("{}io:format(\"{READY}~n\").", users.iter().map(one).collect::<String>())
}

fn configuration(certificate: &Path, port: u16, tls_port: u16) -> String {
    format!(
        "hosts: [localhost]\n\
         loglevel: info\n\
         certfiles: [{certificate:?}]\n\
         auth_method: internal\n\
         auth_password_format: plain\n\
         registration_timeout: infinity\n\
         listen:\n\
         \x20 - {{ port: {port}, ip: \"127.0.0.1\", module: ejabberd_c2s, access: all, shaper: none, starttls: true }}\n\
         \x20 - {{ port: {tls_port}, ip: \"127.0.0.1\", module: ejabberd_c2s, access: all, shaper: none, tls: true }}\n\
         modules:\n\
         \x20 mod_blocking: {{}}\n\
         \x20 mod_caps: {{}}\n\
         \x20 mod_carboncopy: {{}}\n\
         \x20 mod_disco: {{}}\n\
         \x20 mod_muc: {{ host: rooms.localhost }}\n\
         \x20 mod_offline: {{}}\n\
         \x20 mod_ping: {{}}\n\
         \x20 mod_privacy: {{}}\n\
         \x20 mod_pubsub: {{ plugins: [flat, pep] }}\n\
         \x20 mod_register: {{ ip_access: all }}\n\
         \x20 mod_roster: {{}}\n\
         \x20 mod_vcard: {{ search: false }}\n\
         \x20 mod_vcard_xupdate: {{}}\n"
    )
}
