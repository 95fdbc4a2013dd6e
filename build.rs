//! Makes the daemon answer some C symbols in libpurple's stead; compiles nothing itself.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    export_interposed()
}

/// The list is the bridge's; a link argument reaches only the package whose build script gives it.
fn export_interposed() -> Result<(), Box<dyn Error>> {
    let path = "bridge/interposed.txt";
    println!("cargo:rerun-if-changed={path}");
    let list = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    for name in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={name}");
    }
    Ok(())
}
