//! A real Kamailio in a directory of its own, where there is one: registers, passes messages on and tells of presence (SIP, SIMPLE), over TCP on loopback.
//! Everything is in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_port};

/// Where packages put the program.
const PROGRAMS: [&str; 2] = ["/usr/sbin/kamailio", "/usr/bin/kamailio"];

/// The running server. Dropping it ends it.
pub struct Kamailio {
    process: Process,
    _directory: TempDir,
    port: u16,
}

impl Kamailio {
    /// Starts it and waits until it accepts connections; `None`, with a line that says so, where it or its presence modules are not installed.
    pub fn start() -> Option<Self> {
        // Debian has a directory for each architecture.
        let debian = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        let modules = ["/usr/lib64", "/usr/lib", &debian].map(|libraries| Path::new(libraries).join("kamailio/modules"));
        let modules = modules.iter().find(|modules| modules.join("presence_xml.so").exists());
        let program = PROGRAMS.iter().find(|program| Path::new(program).exists());
        let (Some(modules), Some(program)) = (modules, program) else {
            println!("NOT CHECKED: kamailio, or its modules for presence, are not installed");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("bellflower-kamailio-").tempdir().expect("a directory");
        let path = |name: &str| -> PathBuf { directory.path().join(name) };
        let port = free_port();
        std::fs::write(path("kamailio.cfg"), configuration(modules, port)).expect("writing Kamailio's configuration");
        std::fs::create_dir(path("run")).expect("a directory for its sockets");
        let mut command = Command::new(program);
        // In the foreground, with its messages on standard error, and no more memory than it takes (MiB).
        command.args(["-DD", "-E", "-m", "16", "-M", "4", "-f"]).arg(path("kamailio.cfg")).arg("-Y").arg(path("run"));
        let mut process = Process::start("kamailio", &mut command, &path("kamailio.log"), false);
        process.wait_for_port(port);
        Some(Self { process, _directory: directory, port })
    }

    /// The log so far: a line `METHOD FROM TO` for each request.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The password of an account.
    pub fn password(&self, name: &str) -> String {
        format!("secret-{name}")
    }

    /// The `network` of a log-in that leads here.
    pub fn network(&self, name: &str, password: &str) -> Value {
        let options = json!({ "port": self.port, "udp": false });
        json!({ "protocol": "prpl-simple", "username": format!("{name}@127.0.0.1"), "password": password, "options": options })
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Kamailio's log:\n{}", self.log());
        }
    }
}

fn configuration(modules: &Path, port: u16) -> String {
    let load =
        ["tm", "sl", "pv", "xlog", "maxfwd", "siputils", "textops", "usrloc", "registrar", "nathelper", "auth", "presence", "presence_xml"];
    let load: String = load.iter().map(|module| format!("loadmodule \"{module}.so\"\n")).collect();
    format!(
        r#"#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
disable_core_dump=yes
dns=no
rev_dns=no
listen=tcp:127.0.0.1:{port}
mpath="{modules}/"
{load}
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "db_url", "")
modparam("presence", "server_address", "sip:127.0.0.1:{port};transport=tcp")
modparam("presence", "send_fast_notify", 1)
modparam("presence_xml", "force_active", 1)
modparam("presence_xml", "db_url", "")
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    xlog("L_ERR", "$rm $fU $tU\n");
    # Clients are answered over the connection that they made, as behind a router that translates addresses.
    force_rport();
    if (is_method("REGISTER")) {{
        fix_nated_register();
        if (!pv_www_authenticate("$td", "secret-$tU", "0")) {{ www_challenge("$td", "0"); exit; }}
        save("location");
        exit;
    }}
    fix_nated_contact();
    if (is_method("PUBLISH")) {{ if (t_newtran()) {{ handle_publish(); t_release(); }} exit; }}
    if (is_method("SUBSCRIBE")) {{ if (t_newtran()) {{ handle_subscribe(); t_release(); }} exit; }}
    if (is_method("MESSAGE")) {{
        if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
        t_relay();
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"#,
        modules = modules.display()
    )
}
