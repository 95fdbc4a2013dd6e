//! The bare libpurple runs on the bridge's event loop, so this binary answers the same C symbols as the daemon.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../bridge/interposed.txt");
    let list = std::fs::read_to_string("../bridge/interposed.txt")?;
    for name in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={name}");
    }
    Ok(())
}
