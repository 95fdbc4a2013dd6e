//! A real proxy with the configuration that packages ship, in front of a daemon: only name, ports, certificate and places are changed in it. Judges
//! nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Authority, Daemon, Flaw, Process};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");
pub(crate) const SITE: &str = "chat.example.org";

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Lighttpd,
    Apache,
}

/// How it reaches the daemon, and where the page is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Port,
    Socket,
    /// By the port; the page is below /chat/.
    Path,
}

/// The running proxy with the daemon behind it.
pub(crate) struct Front {
    pub(crate) daemon: Daemon,
    pub(crate) port: u16,
    /// In front of every path of the daemon's: empty or `/chat`.
    pub(crate) below: &'static str,
    authority: Authority,
    proxy: Process,
    folder: tempfile::TempDir,
}

impl Front {
    pub(crate) fn start(kind: Kind, way: Way) -> Self {
        let folder = tempfile::Builder::new().prefix("bellflower-front-").tempdir().expect("a folder");
        let at = folder.path();
        let socket = at.join("http.sock");
        let builder = Daemon::builder(BELLFLOWER).mischief("").limit("logins_per_minute", 4);
        let daemon = match way {
            Way::Socket => builder.listen(&format!("unix:{}", socket.display())).start(),
            Way::Port | Way::Path => builder.config("trusted_proxies = [\"127.0.0.1\"]").start(),
        };
        let backend = daemon.url().trim_start_matches("http://").to_owned();
        let authority = Authority::new();
        std::fs::write(at.join("trusted.pem"), authority.pem()).expect("a file");
        // Apache leaves root's rights, and is in no group of the daemon's here.
        let open = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
        open(at, 0o755);
        if way == Way::Socket {
            open(&socket, 0o666);
        }
        let certificate = authority.issue(at, "server", SITE, Flaw::None);
        let port = support::free_port();
        let shipped = Shipped { kind, way, at, port, backend: &backend, socket: &socket, chain: &certificate.chain, key: &certificate.key };
        let mut proxy = Process::start("proxy", &mut shipped.command(), &at.join("log"), false);
        proxy.wait_for_port(port);
        Self { daemon, port, below: if way == Way::Path { "/chat" } else { "" }, authority, proxy, folder }
    }

    /// What is answered to these bytes over TLS and HTTP/1.1, until the proxy closes or says no more.
    pub(crate) fn send(&self, bytes: &str) -> String {
        support::tls_exchange(&format!("127.0.0.1:{}", self.port), SITE, &self.authority.pem(), bytes)
    }

    /// curl, told where the site is and whom to trust; `from` is the visitor's address, `jar` the file with the visitor's cookies.
    pub(crate) fn curl(&self, from: &str, jar: &str) -> Command {
        let (trusted, jar) = (self.folder.path().join("trusted.pem"), self.jar(jar));
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--http2", "--no-buffer", "--interface", from, "--cacert"]).arg(trusted);
        curl.arg("--resolve").arg(format!("{SITE}:{}:127.0.0.1", self.port)).arg("--cookie").arg(&jar);
        curl
    }

    /// Where the cookies of a jar are.
    pub(crate) fn jar(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of a path of the daemon's.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{SITE}:{}{}{path}", self.port, self.below)
    }

    pub(crate) fn log(&self) -> String {
        format!("{}\n{}", self.proxy.log(), self.daemon.log())
    }
}

/// A shipped configuration with what has to be changed in it.
struct Shipped<'a> {
    kind: Kind,
    way: Way,
    at: &'a Path,
    port: u16,
    backend: &'a str,
    socket: &'a Path,
    chain: &'a Path,
    key: &'a Path,
}

impl Shipped<'_> {
    fn command(&self) -> Command {
        match self.kind {
            Kind::Nginx => self.nginx(),
            Kind::Haproxy => self.haproxy(),
            Kind::Lighttpd => self.lighttpd(),
            Kind::Apache => self.apache(),
        }
    }

    /// The file with these changes, each of which has to find its place.
    fn text(&self, file: &str, changes: &[(&str, &str)]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proxies").join(file);
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no {from:?}");
            text = text.replace(from, to);
        }
        text
    }

    fn written(&self, text: &str) -> PathBuf {
        let path = self.at.join("proxy.conf");
        std::fs::write(&path, text).expect("a configuration");
        path
    }

    fn nginx(&self) -> Command {
        let (at, socket) = (self.at.display(), format!("server unix:{};", self.socket.display()));
        let listen = format!("listen 127.0.0.1:{} ", self.port);
        let (chain, key) = (self.chain.display().to_string(), self.key.display().to_string());
        let mut changes: Vec<(&str, &str)> = vec![
            ("listen 443 ", &listen),
            ("/etc/pki/tls/certs/chat.example.org.pem", &chain),
            ("/etc/pki/tls/private/chat.example.org.key", &key),
        ];
        match self.way {
            Way::Socket => {
                changes.extend([("    server 127.0.0.1:8080;\n", ""), ("#server unix:/run/bellflower/http.sock;", socket.as_str())])
            }
            Way::Port => changes.push(("127.0.0.1:8080", self.backend)),
            Way::Path => changes.extend([
                ("127.0.0.1:8080", self.backend),
                ("proxy_pass http://bellflower;", ""),
                ("    location / {", "    location /chat/ {"),
                ("#proxy_pass http://bellflower/;", "proxy_pass http://bellflower/;"),
            ]),
        }
        let text = self.text("nginx.conf", &changes);
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String = kinds.map(|kind| format!("{kind}_temp_path {at}/{kind};\n")).concat();
        let text = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/log;\nevents {{}}\nhttp {{ access_log off;\n{temporary}{text}}}\n"
        );
        let mut command = program(&["nginx"]);
        command.arg("-p").arg(self.at).arg("-e").arg(self.at.join("log")).arg("-c").arg(self.written(&text));
        command
    }

    fn haproxy(&self) -> Command {
        let both = self.at.join("both.pem");
        let pem = [self.chain, self.key].map(|file| std::fs::read_to_string(file).expect("PEM")).concat();
        std::fs::write(&both, pem).expect("a file");
        let (bind, both) = (format!("bind 127.0.0.1:{} ", self.port), both.display().to_string());
        let socket = format!("server bellflower unix@{}", self.socket.display());
        let mut changes: Vec<(&str, &str)> = vec![("bind :443 ", &bind), ("/etc/haproxy/chat.example.org.pem", &both)];
        match self.way {
            Way::Socket => changes.extend([
                ("    server bellflower 127.0.0.1:8080\n", ""),
                ("#server bellflower unix@/run/bellflower/http.sock", socket.as_str()),
            ]),
            Way::Port => changes.push(("127.0.0.1:8080", self.backend)),
            Way::Path => changes.extend([("127.0.0.1:8080", self.backend), ("#http-request replace-path", "http-request replace-path")]),
        }
        let text = self.text("haproxy.cfg", &changes);
        let mut command = program(&["haproxy"]);
        command.arg("-db").arg("-f").arg(self.written(&text));
        command
    }

    fn lighttpd(&self) -> Command {
        let (host, port) = self.backend.rsplit_once(':').unwrap_or(("", ""));
        let listen = format!("\"127.0.0.1:{}\"", self.port);
        let (chain, key) = (self.chain.display().to_string(), self.key.display().to_string());
        let place = format!("( \"host\" => \"{host}\", \"port\" => {port},");
        let socket = format!("( \"socket\" => \"{}\",", self.socket.display());
        let mut changes: Vec<(&str, &str)> = vec![
            ("\":443\"", &listen),
            ("/etc/pki/tls/certs/chat.example.org.pem", &chain),
            ("/etc/pki/tls/private/chat.example.org.key", &key),
        ];
        let shipped = "( \"host\" => \"127.0.0.1\", \"port\" => 8080,";
        match self.way {
            Way::Socket => changes.extend([(shipped, ""), ("#( \"socket\" => \"/run/bellflower/http.sock\",", socket.as_str())]),
            Way::Port => changes.push((shipped, &place)),
            Way::Path => changes.extend([(shipped, place.as_str()), ("#url.rewrite-once", "url.rewrite-once")]),
        }
        let text = self.text("lighttpd.conf", &changes);
        // The socket of the main configuration is not used: the shipped part has its own.
        let text = format!(
            "server.document-root = \"{}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {}\nserver.modules = ()\n{text}",
            self.at.display(),
            support::free_port()
        );
        let mut command = program(&["lighttpd"]);
        command.arg("-D").arg("-f").arg(self.written(&text));
        command
    }

    fn apache(&self) -> Command {
        let folders = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"];
        let modules = folders.into_iter().find(|folder| Path::new(folder).exists()).expect("Apache's modules");
        let load = |name: &str| {
            let file = format!("{modules}/mod_{name}.so");
            if Path::new(&file).exists() { format!("LoadModule {name}_module {file}\n") } else { String::new() }
        };
        let names = ["mpm_event", "unixd", "authz_core", "proxy", "proxy_http", "ssl", "socache_shmcb", "http2", "headers"];
        let all: String = names.into_iter().map(load).collect();
        let listen = format!("Listen 127.0.0.1:{}", self.port);
        let host = format!("<VirtualHost 127.0.0.1:{}>", self.port);
        let (chain, key) = (self.chain.display().to_string(), self.key.display().to_string());
        let shipped = "ProxyPass \"/\" \"http://127.0.0.1:8080/\" keepalive=On flushpackets=On\n    # By";
        let socket = format!("ProxyPass \"/\" \"unix:{}|", self.socket.display());
        let mut changes: Vec<(&str, &str)> = vec![
            ("Listen 443", &listen),
            ("<VirtualHost *:443>", &host),
            ("/etc/pki/tls/certs/chat.example.org.pem", &chain),
            ("/etc/pki/tls/private/chat.example.org.key", &key),
        ];
        match self.way {
            Way::Socket => changes.extend([(shipped, "# By"), ("#ProxyPass \"/\" \"unix:/run/bellflower/http.sock|", socket.as_str())]),
            Way::Port => changes.push(("127.0.0.1:8080", self.backend)),
            Way::Path => {
                changes.extend([(shipped, "# By"), ("#ProxyPass \"/chat/\"", "ProxyPass \"/chat/\""), ("127.0.0.1:8080", self.backend)])
            }
        }
        let text = self.text("apache.conf", &changes);
        let at = self.at.display();
        let text = format!(
            "{all}ServerRoot {at}\nPidFile {at}/pid\nDefaultRuntimeDir {at}\nErrorLog {at}/log\nServerName localhost\n\
             <IfModule unixd_module>\nUser nobody\n</IfModule>\n{text}"
        );
        let mut command = program(&["apache2", "httpd"]);
        command.arg("-DFOREGROUND").arg("-f").arg(self.written(&text));
        command
    }
}

fn program(names: &[&str]) -> Command {
    let found =
        names.iter().flat_map(|name| ["/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(name))).find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| panic!("none of {names:?} is installed; make proxies")))
}
