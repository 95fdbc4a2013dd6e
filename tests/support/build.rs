//! Compiles the protocol plugin that does harm on command; it is loaded by the daemon in tests, never linked.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=mischief");
    let purple = pkg_config::Config::new().atleast_version("2.14.0").cargo_metadata(false).probe("purple")?;
    let directory = PathBuf::from(std::env::var("OUT_DIR")?).join("plugins");
    std::fs::create_dir_all(&directory)?;
    let mut build = cc::Build::new();
    build.includes(&purple.include_paths).opt_level(1).pic(true).warnings(true).cargo_metadata(false);
    let mut compile = build.get_compiler().to_command();
    compile.arg("-shared").arg("-o").arg(directory.join("mischief.so")).args(["mischief/mischief.c", "mischief/others.c"]);
    let status = compile.status()?;
    if !status.success() {
        return Err(format!("the compiler ended with {status}: {compile:?}").into());
    }
    println!("cargo:rustc-env=MISCHIEF_PLUGINS={}", directory.display());
    Ok(())
}
