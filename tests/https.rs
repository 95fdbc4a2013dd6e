//! Promise: with a certificate of its own the daemon speaks TLS without a proxy, and takes a renewed one over without a restart.
#![allow(clippy::expect_used)]

use support::{Authority, Daemon, Flaw, PATIENCE, https, wait_until};

const BELLFLOWER: &str = env!("CARGO_BIN_EXE_bellflower");

fn get(place: &str, authority: &Authority, path: &str) -> std::io::Result<String> {
    https(place, &authority.pem(), &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

#[test]
fn the_daemon_speaks_tls_and_takes_a_new_certificate_over() {
    let folder = tempfile::tempdir().expect("a directory");
    let (first, second) = (Authority::new(), Authority::new());
    let certificate = first.issue(folder.path(), "site", "localhost", Flaw::None);
    let config = format!("https_certificate = {:?}\nhttps_key = {:?}\nregistration = \"open\"", certificate.chain, certificate.key);
    let daemon = Daemon::builder(BELLFLOWER).config(&config).start();
    let place = daemon.url().strip_prefix("https://").expect("an address with TLS").to_owned();
    let site = get(&place, &first, "/api/v1/site").expect("an answer");
    assert!(site.starts_with("HTTP/1.1 200"), "{site}");
    assert!(get(&place, &second, "/api/v1/site").is_err(), "another authority's word is not enough");
    // Cookies are for this host and for TLS alone.
    let body = r#"{"name":"Ines","password":"a long enough password"}"#;
    let head = "POST /api/v1/register HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let registered = https(&place, &first.pem(), &request).expect("an answer");
    assert!(registered.contains("set-cookie: __Host-bellflower=") && registered.contains("; Secure"), "{registered}");
    // What is no TLS gets no answer, and holds nobody up.
    let mut plain = std::net::TcpStream::connect(&place).expect("a connection");
    std::io::Write::write_all(&mut plain, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    // An alert of TLS, or a reset.
    let _ = std::io::Read::read_to_end(&mut plain, &mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"));
    // A renewed one counts from the signal on; one that cannot be read changes nothing.
    std::fs::write(&certificate.chain, "no certificate").expect("a file");
    daemon.signal("HUP");
    wait_until("the refusal", PATIENCE, || daemon.log().contains("the certificate stays as it is").then_some(()));
    assert!(get(&place, &first, "/healthz").is_ok());
    second.issue(folder.path(), "site", "localhost", Flaw::None);
    daemon.signal("HUP");
    wait_until("the new certificate", PATIENCE, || get(&place, &second, "/healthz").ok());
    assert!(get(&place, &first, "/healthz").is_err());
}
