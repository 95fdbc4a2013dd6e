//! Attacks of a browser, signed in or not, on the daemon's own port.

use crate::{Attack, Site, again};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::WireClient;

pub(crate) const ATTACKS: &[Attack] = &[
    ("browser: 12 000 settings at once", |site, until| {
        let mut client = guest(site);
        again(until, |count| {
            // As many as the limit of bytes lets through.
            let values: Map<String, Value> = (0..12_000).map(|key| (format!("{key:x}"), json!(count % 10))).collect();
            let id = client.new_id();
            let _ = client.try_command(&id, "settings.set", json!({ "values": values }));
            std::thread::sleep(Duration::from_millis(70));
        });
    }),
    ("browser: commands without end", |site, until| {
        let mut client = guest(site).tab("busy");
        client.attach();
        again(until, |count| {
            let of = |number: u64| json!({ "id": format!("x{count}-{number}"), "type": "status.set", "status": "away", "message": "x" });
            let commands: Vec<Value> = (0..60).map(of).collect();
            let _ = client.try_post("/commands", &json!({ "client": "busy", "commands": commands }));
        });
    }),
    ("browser: tabs without end", |site, until| {
        let client = guest(site);
        again(until, |count| {
            let mut tab = client.tab(&format!("tab{count}"));
            let _ = tab.try_post("/attach", &json!({ "client": format!("tab{count}") }));
        });
    }),
    ("browser: log-ins without end", |site, until| {
        let mut client = site.daemon.client("many");
        again(until, |count| {
            let _ = client.try_post("/login", &json!({ "network": crate::xmpp::network(1, &format!("nobody{count}")) }));
            std::thread::sleep(Duration::from_millis(20));
            let _ = client.try_post("/logout", &json!({}));
        });
    }),
    ("browser: uploads that take for ever", |site, until| {
        let client = guest(site);
        let mut open: Vec<TcpStream> = (0..90)
            .filter_map(|_| {
                begin(site, &client, "POST /api/v1/uploads", "Content-Length: 1000000\r\nContent-Type: application/octet-stream\r\n")
            })
            .collect();
        again(until, |_| {
            // A mebibyte is almost there, and then a byte now and then.
            open.retain_mut(|stream| stream.write_all(&[0; 4096]).is_ok());
            std::thread::sleep(Duration::from_millis(200));
        });
    }),
    ("browser: half requests", |site, until| {
        let mut open = Vec::new();
        again(until, |_| {
            if open.len() < 500 {
                open.extend(
                    connect(site).and_then(|mut stream| stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX: ").ok().map(|()| stream)),
                );
            } else {
                open.retain_mut(|stream: &mut TcpStream| stream.write_all(b"x").is_ok());
                std::thread::sleep(Duration::from_millis(100));
            }
        });
    }),
    ("browser: odd headers", |site, until| {
        let heads: [&[u8]; 7] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST /api/v1/attach HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /api/v1/poll HTTP/1.1\r\nHost: a\r\nCookie: a=\xff\xfe; b=\x80\r\n\r\n",
            b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ];
        again(until, |count| {
            let Some(mut stream) = connect(site) else { return };
            let head = heads[usize::try_from(count).unwrap_or_default() % heads.len()];
            let _ = stream.write_all(head);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
            let _ = stream.read(&mut [0; 1024]);
        });
    }),
    ("browser: streams that nobody reads", |site, until| {
        let mut client = guest(site);
        let mut open: Vec<_> = (0..100)
            .filter_map(|_| {
                let query = client.poll_query();
                begin(site, &client, &format!("GET /api/v1/stream?{query}"), "")
            })
            .collect();
        again(until, |count| {
            let id = client.new_id();
            let _ = client.try_command(&id, "settings.set", json!({ "values": { "x": "y".repeat(30_000) + &count.to_string() } }));
            std::thread::sleep(Duration::from_millis(30));
        });
        open.clear();
    }),
];

/// Somebody who is signed in, with a network that does nothing by itself.
fn guest(site: &Site) -> WireClient {
    let mut client = site.visitor(&json!({ "protocol": "prpl-mischief", "username": "idle" }));
    client.attach();
    client
}

fn connect(site: &Site) -> Option<TcpStream> {
    let stream = TcpStream::connect(site.daemon.url().trim_start_matches("http://")).ok()?;
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    Some(stream)
}

/// A request of theirs, of which the head is sent.
fn begin(site: &Site, client: &WireClient, what: &str, headers: &str) -> Option<TcpStream> {
    let mut stream = connect(site)?;
    let address = site.daemon.url().trim_start_matches("http://");
    let head = format!("{what} HTTP/1.1\r\nHost: {address}\r\nCookie: {}\r\n{headers}\r\n", client.cookie().unwrap_or_default());
    stream.write_all(head.as_bytes()).ok().map(|()| stream)
}
