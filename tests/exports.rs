//! The built daemon exports every C symbol that it has to answer in libpurple's stead, as `nm` sees it; whether they are found is the daemon's own self-test.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_daemon_exports_the_interposed_symbols() {
    let output =
        Command::new("nm").args(["--dynamic", "--defined-only", env!("CARGO_BIN_EXE_bellflower")]).output().expect("nm, of binutils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listing = String::from_utf8_lossy(&output.stdout);
    // address, kind (T: a function of this file), name
    let exported: BTreeSet<&str> = listing.lines().filter_map(|line| line.split_once(" T ")).map(|(_, name)| name.trim()).collect();
    let list = include_str!("../bridge/interposed.txt");
    let missing: Vec<&str> = list
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|name| !exported.contains(name.split('@').next().unwrap_or(name)))
        .collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
}
