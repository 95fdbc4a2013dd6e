//! Finds libpurple, generates its bindings, compiles the shim, and tells dependants where plugins and certificates live.

use std::path::PathBuf;

type Failure = Box<dyn std::error::Error>;

/// The GLib types come from `glib-sys`, so that both worlds agree on them.
const FROM_GLIB: &str = "_?(GList|GSList|GHashTable|GError|GString|GArray|GByteArray|GData|GMainContext|GMainLoop|GSource|\
    GSourceFuncs|GSourceCallbackFuncs|GIOChannel|GDate|GPtrArray|GQueue|GTree|GRand|GThread|GMutex|GCond|GAsyncQueue|GKeyFile|GTimer|\
    GPollFD|GLogLevelFlags|GIOCondition|GTimeVal|GDestroyNotify|GSourceFunc|GFunc|GHashFunc|GEqualFunc|GCompareFunc|GHFunc|GNode|GMarkupParser|GMarkupParseContext)";

fn main() -> Result<(), Failure> {
    for file in ["wrapper.h", "shim/shim.c", "shim/shim.h"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let purple = pkg_config::Config::new().atleast_version("2.14.0").probe("purple").map_err(|e| {
        format!("libpurple 2.14 and its headers are needed (Debian: libpurple-dev, CentOS: libpurple-devel from EPEL): {e}")
    })?;
    pkg_config::Config::new().atleast_version("2.56").probe("glib-2.0")?;

    let plugin_dir = pkg_config::get_variable("purple", "plugindir")?;
    println!("cargo:plugin_dir={plugin_dir}");
    println!("cargo:version={}", purple.version);
    println!("cargo:rustc-env=PURPLE_PLUGIN_DIR={plugin_dir}");
    println!("cargo:rustc-env=PURPLE_BUILD_VERSION={}", purple.version);

    let mut shim = cc::Build::new();
    shim.file("shim/shim.c").includes(&purple.include_paths).flag("-std=c11").warnings(true);
    shim.flag_if_supported("-Wno-deprecated-declarations").compile("bellflower_shim");

    let arguments = purple.include_paths.iter().map(|p| format!("-I{}", p.display()));
    let bindings = bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(arguments)
        .clang_arg("-Wno-deprecated-declarations")
        .allowlist_function("(purple|serv|xmlnode|bellflower)_.*")
        .allowlist_type("_?(proto_chat_entry|Purple|xmlnode|XMLNode|Bellflower).*")
        .allowlist_var("(PURPLE|OPT_PROTO)_.*")
        .blocklist_type(FROM_GLIB)
        .blocklist_type("g(boolean|char|uchar|int|uint|short|ushort|long|ulong|int8|uint8|int16|uint16|int32|uint32|int64|uint64|float|double|size|ssize|pointer|constpointer|unichar|offset|intptr|uintptr)")
        .blocklist_type("GType")
        .blocklist_function(".*_vargs|.*_va|purple_.*_valist")
        .opaque_type("tm|stat")
        .default_enum_style(bindgen::EnumVariation::NewType { is_bitfield: false, is_global: false })
        .bitfield_enum("PurpleMessageFlags|PurpleConvChatBuddyFlags|PurpleInputCondition|PurpleIconScaleRules|PurpleProtocolOptions|PurpleConnectionFlags|PurpleMediaCaps")
        .derive_default(true)
        .layout_tests(true)
        .generate_comments(false)
        .formatter(bindgen::Formatter::None)
        .generate()?;
    bindings.write_to_file(PathBuf::from(std::env::var("OUT_DIR")?).join("bindings.rs"))?;
    Ok(())
}
