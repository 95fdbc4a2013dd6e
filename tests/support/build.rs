//! Compiles the plugins that do harm, on command and at once, and the one that is unlike XMPP; the daemon loads them in tests, nothing links them.

use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=mischief");
    println!("cargo:rerun-if-changed=plugin");
    let purple = pkg_config::Config::new().atleast_version("2.14.0").cargo_metadata(false).probe("purple")?;
    let directory = PathBuf::from(std::env::var("OUT_DIR")?).join("plugins");
    let stillborn = PathBuf::from(std::env::var("OUT_DIR")?).join("stillborn");
    let mut build = cc::Build::new();
    build.includes(&purple.include_paths).opt_level(1).pic(true).warnings(true).cargo_metadata(false);
    let compile = |file: &Path, sources: &[&str]| -> Result<(), Box<dyn std::error::Error>> {
        std::fs::create_dir_all(file.parent().unwrap_or(file))?;
        let mut compile = build.get_compiler().to_command();
        compile.arg("-shared").arg("-o").arg(file).args(sources);
        let status = compile.status()?;
        if status.success() { Ok(()) } else { Err(format!("the compiler ended with {status}: {compile:?}").into()) }
    };
    compile(&directory.join("mischief.so"), &["mischief/mischief.c", "mischief/others.c", "mischief/pictures.c", "mischief/reach.c"])?;
    compile(&stillborn.join("libstillborn.so"), &["mischief/stillborn.c"])?;
    let framer = stillborn.with_file_name("framer").join("framer.so");
    compile(&framer, &["mischief/framer.c"])?;
    let tide = stillborn.with_file_name("tide");
    compile(&tide.join("tide.so"), &["plugin/tide.c"])?;
    // The same under the id of a protocol that libpurple once had.
    let old = stillborn.with_file_name("old");
    compile(&old.join("aim.so"), &["-DTIDE_ID=\"prpl-aim\"", "plugin/tide.c"])?;
    // The same that wants what it is not given.
    let nosy = stillborn.with_file_name("nosy");
    compile(&nosy.join("nosy.so"), &["-DTIDE_ID=\"prpl-nosy\"", "-DTIDE_NOSY", "plugin/tide.c"])?;
    // Plugins that need another library: XMPP's own, which lies among libpurple's plugins, and one that is nowhere.
    let beside = stillborn.with_file_name("beside");
    let jabber = PathBuf::from(pkg_config::get_variable("purple", "plugindir")?).join("libjabber.so.0");
    let absent = stillborn.with_file_name("absent").join("libabsent.so");
    compile(&absent, &["-DBESIDE_ID=\"absent\"", "-Wl,-soname,libabsent.so", "plugin/beside.c"])?;
    for (name, id, needs) in [("carbons.so", "core-riba-carbons", &jabber), ("orphan.so", "orphan", &absent)] {
        let (id, needs) = (format!("-DBESIDE_ID=\"{id}\""), needs.display().to_string());
        compile(&beside.join(name), &[&id, "plugin/beside.c", "-Wl,--no-as-needed", &needs])?;
    }
    println!("cargo:rustc-env=BESIDE_PLUGINS={}", beside.display());
    println!("cargo:rustc-env=NOSY_PLUGINS={}", nosy.display());
    println!("cargo:rustc-env=OLD_PLUGINS={}", old.display());
    println!("cargo:rustc-env=TIDE_PLUGINS={}", tide.display());
    println!("cargo:rustc-env=FRAMER_PLUGIN={}", framer.display());
    println!("cargo:rustc-env=MISCHIEF_PLUGINS={}", directory.display());
    println!("cargo:rustc-env=STILLBORN_PLUGIN={}", stillborn.join("libstillborn.so").display());
    Ok(())
}
