//! Promise: with the configurations that packages ship, nginx, HAProxy, lighttpd and Apache pass everything on as it comes, over a port, a Unix socket and
//! below a path, and no request is smuggled past them. `make proxies` runs it.
#![allow(clippy::expect_used)]

mod front;
mod passed;
mod smuggled;

use front::{Front, Kind, Way};

fn check(kind: Kind) {
    for way in [Way::Port, Way::Socket, Way::Path] {
        let front = Front::start(kind, way);
        println!("{kind:?} by {way:?}");
        passed::check(&front);
        if way == Way::Port {
            smuggled::check(&front);
        }
    }
}

#[test]
#[ignore = "make proxies"]
fn behind_nginx() {
    check(Kind::Nginx);
}

#[test]
#[ignore = "make proxies"]
fn behind_haproxy() {
    check(Kind::Haproxy);
}

#[test]
#[ignore = "make proxies"]
fn behind_lighttpd() {
    check(Kind::Lighttpd);
}

#[test]
#[ignore = "make proxies"]
fn behind_apache() {
    check(Kind::Apache);
}
