//! Exports the interposed C symbols from this crate's test, bench and example binaries; the daemon's own build script does it for the daemon.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=interposed.txt");
    let list = std::fs::read_to_string("interposed.txt")?;
    for name in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        println!("cargo:rustc-link-arg=-Wl,--export-dynamic-symbol={name}");
    }
    Ok(())
}
