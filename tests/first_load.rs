//! Promise: the page's first load is small: script and style together at most 90 KB as they travel.
#![allow(clippy::expect_used)]

#[allow(dead_code)] // the other tests use the rest
mod daemon;

use daemon::{Daemon, header, status};

/// Bytes, gzip.
const MOST: usize = 90 * 1024;

#[test]
fn script_and_style_are_at_most_90_kb() {
    let daemon = Daemon::start(&[]);
    let html = daemon.get("/", "");
    assert_eq!(status(&html), 200, "{html}");
    let named: Vec<_> = html
        .split(['"', '\''])
        .filter(|word| [".js", ".css"].iter().any(|end| word.ends_with(end)))
        .map(|word| word.trim_start_matches("./").trim_start_matches('/'))
        .collect();
    assert!(named.iter().any(|name| name.ends_with(".js")) && named.iter().any(|name| name.ends_with(".css")), "{html}");
    let mut total = 0;
    for name in named {
        let answer = daemon.get(&format!("/{name}"), "Accept-Encoding: gzip\r\n");
        assert_eq!((status(&answer), header(&answer, "content-encoding")), (200, Some("gzip")), "{name}");
        let length: usize = header(&answer, "content-length").and_then(|length| length.parse().ok()).expect("a length");
        println!("{name}: {length} bytes");
        assert!(length > 0, "{name}");
        total += length;
    }
    println!("first load: {total} bytes of {MOST}");
    assert!(total <= MOST, "{total} bytes");
}
