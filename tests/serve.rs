//! The daemon's own promises: it starts, says where it is, refuses what it must, and ends well. Networks are other tests' business.
#![allow(clippy::unwrap_used)] // what a test cannot go on without fails it

mod daemon;

use daemon::{Daemon, LONG, ask, header, json, program, status};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

const GUEST: &str = r#"{"network":{"protocol":"prpl-jabber","username":"nobody@localhost","password":"x"}}"#;

fn cookie(answer: &str) -> String {
    header(answer, "set-cookie").unwrap_or_else(|| panic!("no cookie: {answer}")).split(';').next().unwrap().to_owned()
}

#[test]
fn it_serves_and_ends_well() {
    let mut daemon = Daemon::start(&["--name", "Testing", "--admin-listen", "off"]);
    let site = daemon.get("/api/v1/site", "");
    assert_eq!((status(&site), json(&site)["name"].as_str(), json(&site)["registration"].as_str()), (200, Some("Testing"), Some("closed")));
    let page = daemon.get("/", "");
    assert!(status(&page) == 200 && header(&page, "content-type").unwrap().starts_with("text/html"), "{page}");
    let policy = header(&page, "content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    let tag = format!("If-None-Match: {}\r\n", header(&page, "etag").unwrap());
    assert_eq!(status(&daemon.get("/any/prefix/", &tag)), 304);
    for path in ["/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz"] {
        assert_eq!(status(&daemon.get(path, "")), 200, "{path}");
    }
    let protocols = json(&daemon.get("/api/v1/protocols", ""));
    assert!(protocols.as_array().unwrap().iter().any(|p| p["id"] == "prpl-jabber"), "{protocols}");
    assert!(json(&daemon.get("/api/v1/schema", ""))["$defs"]["Snapshot"].is_object());
    let packed = daemon.get("/api/v1/schema", "Accept-Encoding: br, gzip\r\n");
    assert_eq!(
        (status(&packed), header(&packed, "content-encoding"), header(&packed, "vary")),
        (200, Some("gzip"), Some("Accept-Encoding"))
    );
    let again = format!("If-None-Match: {}\r\n", header(&packed, "etag").unwrap());
    assert_eq!(status(&daemon.get("/api/v1/schema", &again)), 304);
    assert_eq!(header(&daemon.get("/api/v1/site", "Accept-Encoding: gzip\r\n"), "content-encoding"), None, "too short to be worth it");
    let wrong = daemon.get("/api/v1/login", "");
    assert_eq!((json(&wrong)["error"]["code"].as_str(), header(&wrong, "allow")), (Some("method_not_allowed"), Some("POST")), "{wrong}");
    assert_eq!(json(&daemon.post("/api/v1/attach", "", r#"{"client":"c"}"#))["error"]["code"], "not_signed_in");
    let well = program(&["healthcheck", "--listen", &daemon.address.to_string()]).output().unwrap();
    assert!(well.status.success(), "{well:?}");

    daemon.signal("TERM");
    assert!(daemon.ended().success());
    let unwell = program(&["healthcheck", "--listen", &daemon.address.to_string()]).output().unwrap();
    assert_eq!(unwell.status.code(), Some(1), "{unwell:?}");
}

#[test]
fn without_its_cookie_every_address_of_a_session_is_401_and_does_nothing() {
    let daemon = Daemon::start(&["--admin-listen", "off"]);
    let signed_in = daemon.post("/api/v1/login", "", GUEST);
    assert_eq!(status(&signed_in), 200, "{signed_in}");
    let own = format!("Cookie: {}\r\n", cookie(&signed_in));
    let attach = || daemon.post("/api/v1/attach", &own, r#"{"client":"tab"}"#);
    let before = json(&attach());
    let commands = r#"{"client":"tab","commands":[{"id":"1","type":"settings.set","values":{"theme":"dark"}}]}"#;
    let client = r#"{"client":"tab"}"#;
    // What this version does not have is among it: a stranger is not told which is which.
    let routes = [
        ("POST", "/attach", client),
        ("POST", "/commands", commands),
        ("POST", "/detach", client),
        ("POST", "/uploads", "GIF89a"),
        ("POST", "/logout", "{}"),
        ("GET", "/poll?client=tab&epoch=0&after=0&n=1", ""),
        ("GET", "/stream?client=tab&epoch=0&after=0", ""),
        ("GET", "/probe", ""),
        ("GET", "/history?conversation=c1", ""),
        ("GET", "/search?q=x", ""),
        ("GET", "/media/0", ""),
        ("GET", "/transfers/t1", ""),
        ("GET", "/nothing", ""),
        ("GET", "/attach", ""),
        ("PUT", "/commands", "{}"),
        ("DELETE", "/media/0", ""),
    ];
    let cookies = ["", "Cookie: bellflower=\r\n", "Cookie: bellflower=0123456789abcdef\r\n", "Cookie: __Host-bellflower=x; a=b\r\n"];
    for ((method, path, body), cookie) in routes.iter().flat_map(|route| cookies.map(|cookie| (route, cookie))) {
        let answer = ask(
            daemon.address,
            &format!(
                "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\n{cookie}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                daemon.address,
                body.len()
            ),
        );
        let error = &json(&answer)["error"];
        assert_eq!((status(&answer), error["code"].as_str()), (401, Some("not_signed_in")), "{method} {path} with {cookie:?}: {answer}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{answer}");
        assert_eq!((header(&answer, "cache-control"), header(&answer, "set-cookie")), (Some("no-store"), None), "{method} {path}");
    }
    let after = json(&attach());
    assert_eq!(
        (&after["epoch"], &after["commands"], &after["snapshot"]["settings"]),
        (&before["epoch"], &before["commands"], &before["snapshot"]["settings"])
    );
    assert_eq!(status(&daemon.get("/api/v1/nothing", &own)), 404);
}

#[test]
fn what_it_cannot_use_is_told_before_it_starts() {
    let told = |arguments: &[&str]| {
        let output = program(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let file = std::env::temp_dir().join(format!("bellflower-serve-{}.toml", std::process::id()));
    std::fs::write(&file, "guests = true\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let name = file.to_str().unwrap();
    let (code, text) = told(&["serve", "--config", name]);
    assert_eq!(code, Some(2));
    assert!(text.contains(&format!("{name}:2:1: unknown key `lisen`")) && text.contains("`listen`"), "{text}");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(told(&["serve", "--no-such-flag"]).0, Some(2));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, text) = told(&["serve", "--listen", &taken.local_addr().unwrap().to_string(), "--admin-listen", "off"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("Choose another place with --listen"), "{text}");
}

#[test]
fn guests_get_a_cookie_and_lose_it() {
    let daemon = Daemon::start(&["--admin-listen", "off", "--trusted-proxies", "127.0.0.1"]);
    let entered = daemon.post("/chat/api/v1/login", "X-Forwarded-For: 192.0.2.1\r\n", GUEST);
    assert_eq!((status(&entered), json(&entered)["user"]["guest"].as_bool()), (200, Some(true)), "{entered}");
    let set = header(&entered, "set-cookie").unwrap();
    assert!(set.starts_with("bellflower=") && set.ends_with("; Path=/chat/; HttpOnly; SameSite=Strict"), "{set}");
    let own = format!("Cookie: {}\r\n", cookie(&entered));
    assert_eq!(status(&daemon.post("/api/v1/attach", &own, r#"{"client":"c"}"#)), 200);
    let gone = daemon.post("/api/v1/logout", &own, "{}");
    assert!(status(&gone) == 204 && header(&gone, "set-cookie").unwrap().contains("Max-Age=0"), "{gone}");
    assert_eq!(status(&daemon.post("/api/v1/attach", &own, r#"{"client":"c"}"#)), 401);

    let secure = daemon.post("/chat/api/v1/login", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", GUEST);
    let set = header(&secure, "set-cookie").unwrap();
    assert!(set.starts_with("__Host-bellflower=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{set}");

    let wrong = daemon.post("/api/v1/login", "", r#"{"name":"somebody","password":"x"}"#);
    assert_eq!((status(&wrong), json(&wrong)["error"]["code"].as_str()), (401, Some("bad_credentials")));
    let wrong = daemon.post("/api/v1/login", "", r#"{"network":{"protocol":"prpl-nothing","username":"x"}}"#);
    assert_eq!((status(&wrong), json(&wrong)["error"]["field"].as_str()), (400, Some("protocol")), "{wrong}");
    let closed = daemon.post("/api/v1/register", "", r#"{"name":"somebody","password":"x"}"#);
    assert_eq!((status(&closed), json(&closed)["error"]["code"].as_str()), (403, Some("registration_closed")));
}

#[test]
fn one_address_cannot_log_in_without_end() {
    let limits =
        ["--admin-listen", "off", "--trusted-proxies", "127.0.0.1", "--limits-logins-per-minute", "3", "--limits-guests-per-address", "1"];
    let daemon = Daemon::start(&limits);
    let from = |n: u8| format!("X-Forwarded-For: 192.0.2.{n}\r\n");
    let first = daemon.post("/api/v1/login", &from(1), GUEST);
    assert_eq!(status(&first), 200, "{first}");
    let second = daemon.post("/api/v1/login", &from(1), GUEST);
    assert_eq!((status(&second), json(&second)["error"]["code"].as_str()), (429, Some("rate_limited")), "{second}");
    // One who is in already takes no second place.
    let again = daemon.post("/api/v1/login", &format!("{}Cookie: {}\r\n", from(1), cookie(&first)), GUEST);
    assert_eq!(status(&again), 200, "{again}");
    let fourth = daemon.post("/api/v1/login", &from(1), GUEST);
    let wait = json(&fourth)["error"]["retry_ms"].as_u64().unwrap();
    assert!(status(&fourth) == 429 && (1..=20_000).contains(&wait), "{fourth}");
    assert!(header(&fourth, "retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(status(&daemon.post("/api/v1/login", &from(2), GUEST)), 200);

    let daemon = Daemon::start(&["--admin-listen", "off", "--guests", "false"]);
    let refused = daemon.post("/api/v1/login", "", GUEST);
    assert_eq!((status(&refused), json(&refused)["error"]["code"].as_str()), (403, Some("guests_off")));
}

#[test]
fn a_stop_ends_held_polls_first() {
    let mut daemon = Daemon::start(&["--admin-listen", "127.0.0.1:0"]);
    let line = daemon.logged("figures are at http://");
    let admin = line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let figures = || json(&ask(admin, "GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    let own = format!("Cookie: {}\r\n", cookie(&daemon.post("/api/v1/login", "", GUEST)));
    let attached = json(&daemon.post("/api/v1/attach", &own, r#"{"client":"c"}"#));
    let (address, epoch) = (daemon.address, attached["epoch"].as_str().unwrap().to_owned());
    let poll = move |after: u64| {
        let query = format!("/api/v1/poll?client=c&epoch={epoch}&after={after}");
        json(&ask(address, &format!("GET {query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{own}\r\n")))
    };
    // The account's sign-on fails, as no server is there: after its last word the next poll is held.
    let mut after = attached["seq"].as_u64().unwrap();
    let mut settled = attached["snapshot"]["accounts"][0]["state"] == "error";
    while !settled {
        let answer = poll(after);
        let events = answer["events"].as_array().unwrap();
        settled = events.iter().any(|event| event["type"] == "account.state" && event["state"] == "error");
        after = events.last().map_or(after, |last| last["seq"].as_u64().unwrap());
    }
    let held = || figures()["polls_parked"].as_u64().unwrap();
    let before = held();
    let poll = std::thread::spawn(move || poll(after));
    let deadline = std::time::Instant::now() + LONG;
    while held() == before {
        assert!(std::time::Instant::now() < deadline, "no poll is held");
    }
    let metrics = ask(admin, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(metrics.contains("\nbellflower_users 1\n") && metrics.contains("\nbellflower_logins_total 1\n"), "{metrics}");
    let told = |word: &str| metrics.lines().filter_map(|line| line.strip_prefix(word)?.split(' ').next()).collect::<Vec<_>>();
    assert_eq!(told("# HELP "), told("# TYPE "), "{metrics}");
    assert!(metrics.contains("\nbellflower_worker_accounts{worker=\"1\",group=\"core\",state=\"up\"} "), "{metrics}");
    let workers = figures()["workers"].clone();
    let alive = workers.as_array().unwrap().iter().filter(|one| one["memory"].as_u64() > Some(1 << 20) && one["load"]["turns"].is_u64());
    assert!(alive.count() >= 1, "{workers}");
    daemon.signal("INT");
    let last = poll.join().unwrap();
    assert_eq!(last["end"], "restart", "{last}");
    assert!(last["retry_ms"].as_u64().unwrap() > 0, "{last}");
    assert!(daemon.ended().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut daemon = Daemon::start(&["--admin-listen", "off", "--timeouts-stop", "10m", "--timeouts-body", "10m"]);
    let mut stuck = TcpStream::connect(daemon.address).unwrap();
    let head =
        "POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    stuck.write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stuck.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("100"), "{line}");
    daemon.signal("TERM");
    daemon.logged("SIGTERM: ending");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().code(), Some(1));
}

#[test]
fn the_service_manager_is_told() {
    let path = std::env::temp_dir().join(format!("bellflower-notify-{}.sock", std::process::id()));
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(LONG)).unwrap();
    let mut command = program(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "off"]);
    let mut daemon = Daemon::spawn(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000"));
    let told = || {
        let mut buffer = [0; 100];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    // The manager is asked for time as long as the database is being opened.
    assert_eq!(told(), "EXTEND_TIMEOUT_USEC=60000000");
    let mut next = told();
    while next == "EXTEND_TIMEOUT_USEC=60000000" {
        next = told();
    }
    assert_eq!(next, "READY=1");
    assert_eq!(told(), "WATCHDOG=1");
    assert_eq!(told(), "WATCHDOG=1");
    daemon.signal("TERM");
    while told() != "STOPPING=1" {}
    assert!(daemon.ended().success());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_new_site_prints_a_link_by_which_its_first_user_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let arguments = ["--admin-listen", "off", "--data-dir", data, "--first-link"];
    let mut daemon = Daemon::start(&arguments);
    let line = daemon.says();
    let code = line.trim().split_once("#first=").unwrap_or_else(|| panic!("no link: {line}")).1.to_owned();
    assert!(line.contains(&format!("http://{}/#first=", daemon.address)), "{line}");
    let registers = |daemon: &Daemon, name: &str, more: &str| {
        let body = format!(r#"{{"name":"{name}","password":"a long enough password"{more}}}"#);
        let answer = daemon.post("/api/v1/register", "", &body);
        (status(&answer), json(&answer)["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let invite = format!(r#","invite":"{code}""#);
    assert_eq!(registers(&daemon, "Mallory", ""), (403, "registration_closed".to_owned()));
    assert_eq!(registers(&daemon, "Ines", &invite).0, 200);
    assert_eq!(registers(&daemon, "Mallory", &invite), (403, "bad_invite".to_owned()), "it is used up");
    daemon.signal("TERM");
    assert!(daemon.ended().success());
    // A site that has a user prints none.
    let mut daemon = Daemon::start(&arguments);
    daemon.signal("TERM");
    assert_eq!(daemon.says(), "", "it printed more than its place");
    assert!(daemon.ended().success());
}
