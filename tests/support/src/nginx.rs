//! A real nginx in front of a daemon, with nothing but what the test writes. It must not know what the daemon needs of a proxy.

use std::process::Command;

use tempfile::TempDir;

use crate::certs::{Authority, Flaw};
use crate::process::{Process, free_port};

/// The name of the site behind it, which leads to loopback only in a browser that was told so.
const SITE: &str = "bellflower.test";

/// The running proxy. Dropping it ends it.
pub struct Nginx {
    _process: Process,
    _directory: TempDir,
    url: String,
}

impl Nginx {
    /// Passes everything on to `upstream`, an address without a slash at its end, with nothing but `proxy_pass`.
    pub fn bare(upstream: &str) -> Self {
        Self::start(&format!("location / {{ proxy_pass {upstream}; }}"), false)
    }

    /// The same with TLS, whose certificate nobody trusts.
    pub fn bare_tls(upstream: &str) -> Self {
        Self::start(&format!("location / {{ proxy_pass {upstream}; }}"), true)
    }

    /// A server with these lines.
    pub fn with(lines: &str) -> Self {
        Self::start(lines, false)
    }

    fn start(lines: &str, tls: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("bellflower-nginx-").tempdir().expect("a directory");
        let path = directory.path();
        let port = free_port();
        let listen = if tls {
            let certificate = Authority::new().issue(path, "server", SITE, Flaw::None);
            let (chain, key) = (certificate.chain.display(), certificate.key.display());
            format!("listen 127.0.0.1:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key};")
        } else {
            format!("listen 127.0.0.1:{port};")
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", path.join(kind).display()))
            .concat();
        // In the foreground and by one process, which is this user's.
        let config = format!(
            "daemon off; master_process off; pid {}; error_log stderr info;\nevents {{ worker_connections 256; }}\n\
             http {{ access_log off;\n{temporary}server {{ {listen}\n{lines}\n}} }}\n",
            path.join("nginx.pid").display()
        );
        std::fs::write(path.join("nginx.conf"), config).expect("writing nginx's configuration");
        let program = if std::path::Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let mut command = Command::new(program);
        command.arg("-p").arg(path).arg("-e").arg("stderr").arg("-c").arg(path.join("nginx.conf"));
        let mut process = Process::start("nginx", &mut command, &path.join("nginx.log"), false);
        process.wait_for_port(port);
        let scheme = if tls { "https" } else { "http" };
        Self { _process: process, _directory: directory, url: format!("{scheme}://{SITE}:{port}") }
    }

    /// The address of the page by the site's name, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same by loopback's address, which browsers trust more.
    pub fn loopback_url(&self) -> String {
        self.url.replace(SITE, "127.0.0.1")
    }
}
