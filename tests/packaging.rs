//! Promise: the texts that packages are made of hold together: unit, drop-ins, settings, versions. What is built of them is tested by
//! `make test-packages`.
#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Lines that systemd reads.
fn settings(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';', '['])).collect()
}

/// Lines that are settings once their sign is taken off.
fn commented(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.is_empty() && !line.starts_with(' ')).collect()
}

#[test]
fn the_unit_as_installed_lets_private_addresses_in_and_out() {
    let unit = read("packaging/systemd/bellflower.service");
    let filters = ["IPAddressDeny", "IPAddressAllow", "IPIngressFilterPath", "IPEgressFilterPath", "PrivateNetwork", "SocketBindDeny"];
    let found: Vec<_> = settings(&unit).into_iter().filter(|line| filters.iter().any(|filter| line.starts_with(filter))).collect();
    assert_eq!(found, Vec::<&str>::new(), "a proxy, database or name server on a private address would be out of reach");
    let families = settings(&unit).into_iter().find(|line| line.starts_with("RestrictAddressFamilies=")).expect("address families");
    for family in ["AF_INET", "AF_INET6", "AF_UNIX"] {
        assert!(families.split(['=', ' ']).any(|word| word == family), "{families}");
    }
    let wall = read("packaging/systemd/bellflower.service.d/addresses.conf");
    for range in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "link-local"] {
        assert!(commented(&wall).iter().any(|line| line.starts_with("IPAddressDeny=") && line.contains(range)), "{range} is not in {wall}");
    }
    assert!(commented(&wall).iter().any(|line| line.starts_with("IPAddressAllow=")), "{wall}");
}

#[test]
fn drop_ins_change_nothing_until_somebody_copies_them() {
    let folder = path("packaging/systemd/bellflower.service.d");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("drop-ins") {
        let file = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&file).expect("a text");
        assert_eq!(settings(&text), Vec::<&str>::new(), "{} is in force", file.display());
        assert!(!commented(&text).is_empty() && text.contains("/etc/systemd/system/bellflower.service.d/"), "{}", file.display());
        count += 1;
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn the_unit_is_watched_ready_and_reads_its_settings_again() {
    let unit = read("packaging/systemd/bellflower.service");
    let settings = settings(&unit);
    for line in
        ["Type=notify", "WatchdogSec=60", "User=bellflower", "StateDirectory=bellflower", "NoNewPrivileges=yes", "LimitNOFILE=262144"]
    {
        assert!(settings.contains(&line), "{line} is missing");
    }
    // The program and the settings' file are where packages lay them.
    let install = read("packaging/install.sh");
    assert!(settings.contains(&"ExecStart=/usr/bin/bellflower serve --config /etc/bellflower/bellflower.toml"));
    assert!(install.contains("/usr/bin/bellflower") && install.contains("/etc/bellflower/bellflower.toml"));
}

#[test]
fn packages_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let spec = read("packaging/rpm/bellflower.spec");
    let told = spec.lines().find_map(|line| line.strip_prefix("Version:")).map(str::trim);
    assert_eq!(told, Some(version), "bellflower.spec");
    assert!(spec.contains(&format!(" - {version}-1")), "the changelog of bellflower.spec");
    assert!(read("packaging/debian/changelog").starts_with(&format!("bellflower ({version}) ")), "debian/changelog");
}

#[test]
fn the_line_that_packages_take_the_sign_off_is_there() {
    let sample = read("packaging/config/bellflower.toml");
    assert!(sample.lines().any(|line| line == "#data_dir = \"/var/lib/bellflower\""), "install.sh looks for it");
}
