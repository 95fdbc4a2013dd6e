//! A real Prosody on loopback with accounts u0 to uN-1 and `sender`, all with the password `secret`.

use crate::Outcome;
use crate::child::{Process, Scratch, free_port, listening};
use std::path::Path;
use std::process::Command;

/// The server; gone when dropped.
pub(crate) struct Prosody {
    pub(crate) port: u16,
    /// Its certificate, when it has one.
    pub(crate) certificate: std::path::PathBuf,
    process: Process,
    _dir: Scratch,
}

/// Who is on the rosters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buddies {
    None,
    /// So many for each, none of whom is ever there.
    Away(usize),
    /// So many for each out of the accounts themselves, who see each other come.
    Each(usize),
}

impl Prosody {
    /// Starts one without TLS, and with empty rosters.
    pub(crate) async fn plain(users: usize) -> Outcome<Self> {
        Self::start(users, false, Buddies::None).await
    }

    /// Starts one. `tls`: with a certificate of its own, and TLS required.
    pub(crate) async fn start(users: usize, tls: bool, buddies: Buddies) -> Outcome<Self> {
        let dir = Scratch::new("prosody")?;
        let port = free_port()?;
        let accounts = dir.0.join("data/localhost/accounts");
        std::fs::create_dir_all(&accounts)?;
        let names = (0..users).map(|n| format!("u{n}")).chain(["sender", "sender0", "sender10", "raw"].map(str::to_owned));
        for name in names {
            std::fs::write(accounts.join(format!("{name}.dat")), "return { [\"password\"] = \"secret\"; };\n")?;
        }
        rosters(&dir.0.join("data/localhost/roster"), users, buddies)?;
        let path = dir.0.display();
        let certificate = if tls { certificate(&dir)? } else { String::new() };
        let secure = if tls { "" } else { "modules_disabled = { \"tls\" }\n" };
        // Its garbage is collected in small steps: by default it stops for some milliseconds now and then, which is all that a slowest hundredth
        // would show.
        let config = format!(
            "run_as_root = true\ndaemonize = false\npidfile = \"{path}/pid\"\ndata_path = \"{path}/data\"\ninterfaces = {{ \"127.0.0.1\" }}\n\
             c2s_ports = {{ {port} }}\ns2s_ports = {{}}\nhttp_ports = {{}}\nhttps_ports = {{}}\nuse_libevent = false\n\
             modules_enabled = {{ \"roster\", \"saslauth\", \"disco\", \"ping\", \"presence\", \"message\", \"iq\", \"c2s\", \"tls\" }}\n{secure}\
             c2s_require_encryption = {tls}\nallow_unencrypted_plain_auth = true\nauthentication = \"internal_plain\"\ndisable_sasl_mechanisms = {{ \"SCRAM-SHA-1\", \"SCRAM-SHA-1-PLUS\", \"SCRAM-SHA-256\", \"SCRAM-SHA-256-PLUS\", \"DIGEST-MD5\" }}\nstorage = \"internal\"\n\
             limits = {{}}\ngc = {{ mode = \"incremental\", threshold = 200, speed = 100, step_size = 10 }}\nlog = {{ {{ levels = {{ min = \"warn\" }}, to = \"console\" }} }}\n{certificate}VirtualHost \"localhost\"\n{certificate}"
        );
        let file = dir.0.join("prosody.cfg.lua");
        std::fs::write(&file, config)?;
        let log = dir.0.join("log");
        let mut command = Command::new("prosody");
        command.arg("--config").arg(&file).arg("-F");
        let mut process = Process::start(command, &log)?;
        listening(port, &mut process, &log).await?;
        let certificate = dir.0.join("cert.pem");
        Ok(Self { port, certificate, process, _dir: dir })
    }
}

impl Prosody {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Writes the rosters into Prosody's storage, in five groups that are called the same for all.
fn rosters(dir: &Path, users: usize, buddies: Buddies) -> Outcome<()> {
    use std::fmt::Write as _;
    let (each, subscription) = match buddies {
        Buddies::None => return Ok(()),
        Buddies::Away(each) => (each, "none"),
        Buddies::Each(each) => (each.min(users.saturating_sub(1)), "both"),
    };
    std::fs::create_dir_all(dir)?;
    for user in 0..users {
        let mut lua = String::from("return {\n\t[false] = { [\"version\"] = 1; [\"pending\"] = {}; };\n");
        for n in 0..each {
            let name = match buddies {
                // Half of them before, half behind, so that each is on the list of whom it has on its own.
                Buddies::Each(_) => format!("u{}", (user + users + 1 + n - each / 2 - usize::from(n < each / 2)) % users),
                _ => format!("c{}", (user * 7 + n) % 5000),
            };
            let group = n % 5;
            writeln!(
                lua,
                "\t[\"{name}@localhost\"] = {{ [\"subscription\"] = \"{subscription}\"; [\"name\"] = \"Friend {name}\"; \
                 [\"groups\"] = {{ [\"Group {group}\"] = true; }}; }};"
            )?;
        }
        lua.push_str("};\n");
        std::fs::write(dir.join(format!("u{user}.dat")), lua)?;
    }
    Ok(())
}

fn certificate(dir: &Scratch) -> Outcome<String> {
    let (key, cert) = (dir.0.join("key.pem"), dir.0.join("cert.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args([std::ffi::OsStr::new("-keyout"), key.as_os_str(), std::ffi::OsStr::new("-out"), cert.as_os_str()])
        .output()?;
    if !made.status.success() {
        return Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    Ok(format!("ssl = {{ key = \"{}\", certificate = \"{}\" }}\n", key.display(), cert.display()))
}
