//! The rules by which a plugin file is opened and its plugin kept; it reads files, and runs nothing in them.

use crate::config::BridgeConfig;
use std::path::{Path, PathBuf};

/// libpurple's own protocol files and what they hold, so that one that is not wanted need not be opened to be known.
const KNOWN: &[(&str, &str)] = &[
    ("libbonjour.so", "prpl-bonjour"),
    ("libgg.so", "prpl-gg"),
    ("libirc.so", "prpl-irc"),
    ("libnovell.so", "prpl-novell"),
    ("libsametime.so", "prpl-meanwhile"),
    ("libsimple.so", "prpl-simple"),
    ("libxmpp.so", "prpl-jabber"),
    ("libzephyr.so", "prpl-zephyr"),
];

/// Libraries that lie among the plugins and are none.
const LIBRARIES: &[&str] = &["libjabber.so", "liboscar.so", "libymsg.so"];

/// Further plugins that are loaded where they are installed, by file and id: copies of what one's other devices say (XEP-0280).
const BESIDES: &[(&str, &str)] = &[("carbons", "core-riba-carbons")];
/// A plugin for what the bridge does itself (`transfer/upload.rs`), by file: both would send each file. Loaded where it is named.
const OWN: &str = "jabber_http_file_upload";
/// The protocol that they belong to.
const XMPP: &str = "prpl-jabber";

/// Never on a server that many share, unless named: the first runs a program that its user chooses, the second speaks to the local network.
const UNSAFE: &[&str] = &["prpl-zephyr", "prpl-bonjour"];

const ENDED: &str = "it ended the processes that opened it";
const NOT_TRIED: &str = "another one is tried out alone";
const NOT_A_PROTOCOL: &str = "it is not a protocol, and plugins.load does not name it";
const UNSAFE_HERE: &str = "it is not safe on a shared server, and protocols.allow does not name it";
const WITHOUT_XMPP: &str = "it belongs to XMPP (prpl-jabber), which is not loaded";
const DONE_HERE: &str = "Bellflower uploads files (XEP-0363) itself, and plugins.load does not name it";
const NOT_ALLOWED: &str = "protocols.allow does not name it";
const DENIED: &str = "protocols.deny names it";

pub(super) struct Choice {
    allow: Vec<String>,
    deny: Vec<String>,
    load: Vec<String>,
    paths: Vec<PathBuf>,
    left_out: Vec<PathBuf>,
    only: Option<PathBuf>,
    native_tls: bool,
}

impl Choice {
    pub(super) fn new(config: &BridgeConfig) -> Self {
        Self {
            allow: config.protocols_allow.clone(),
            deny: config.protocols_deny.clone(),
            load: config.plugins_load.clone(),
            paths: config.plugin_paths.clone(),
            left_out: config.plugins_left_out.clone(),
            only: config.plugins_only.clone(),
            native_tls: config.native_tls,
        }
    }

    /// Whether plugins that load others were asked for.
    pub(super) fn has_loaders(&self) -> bool {
        self.load.iter().any(|id| id == "core-perl" || id == "core-tcl")
    }

    /// All `*.so` files in libpurple's directories and the configured ones, sorted in each directory; the first of a name counts.
    pub(super) fn files(&self, search_paths: &[PathBuf]) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for directory in self.paths.iter().chain(search_paths) {
            let entries = match std::fs::read_dir(directory) {
                Ok(entries) => entries,
                Err(error) => {
                    // libpurple itself looks in more places than there are; what was configured has to be there.
                    let level = if self.paths.contains(directory) { log::Level::Warn } else { log::Level::Debug };
                    log::log!(target: "bridge", level, "the plugin directory {}: {error}", directory.display());
                    continue;
                }
            };
            let mut here: Vec<PathBuf> =
                entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_plugin_file(path)).collect();
            here.sort();
            here.retain(|path| !files.iter().any(|other| other.file_name() == path.file_name()));
            files.append(&mut here);
        }
        files
    }

    /// Whether the file is opened, which runs its code; else why not.
    pub(super) fn may_open(&self, file: &Path) -> Result<(), &'static str> {
        if self.left_out.iter().any(|left_out| left_out == file) {
            return Err(ENDED);
        }
        if self.only.as_ref().is_some_and(|only| only != file) {
            return Err(NOT_TRIED);
        }
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if LIBRARIES.contains(&name.as_ref()) {
            return Err("it is a library of a plugin");
        }
        if let Some(id) = known(file) {
            return self.protocol(id);
        }
        if self.native_tls && (name == "ssl.so" || name == "ssl-nss.so") {
            return Ok(());
        }
        if let Some((_, id)) = BESIDES.iter().find(|(stem, _)| is_stem(file, stem)) {
            return self.besides(id);
        }
        if self.names(file) {
            return Ok(());
        }
        if is_stem(file, OWN) {
            return Err(DONE_HERE);
        }
        // Protocols are built as lib*.so, everything else is not; an administrator's own directory is for protocols.
        let own = file.parent().is_some_and(|directory| self.paths.iter().any(|path| path == directory));
        let loader =
            ["perl.so", "tcl.so", "ssl.so", "ssl-nss.so", "ssl-gnutls.so", "nss-prefs.so", "dbus-example.so"].contains(&name.as_ref());
        if (name.starts_with("lib") || own) && !loader { Ok(()) } else { Err(NOT_A_PROTOCOL) }
    }

    /// Whether a plugin that was opened is kept, by what it says of itself; else why not.
    pub(super) fn may_load(&self, file: &Path, id: &str, is_protocol: bool) -> Result<(), &'static str> {
        if is_protocol {
            return self.protocol(id);
        }
        if BESIDES.iter().any(|(_, known)| *known == id) {
            return self.besides(id);
        }
        let tls = self.native_tls && (id == "core-ssl" || id == "ssl-nss");
        if tls || self.is_to_be_loaded(file, id) { Ok(()) } else { Err(NOT_A_PROTOCOL) }
    }

    /// A plugin that belongs to XMPP is loaded with it, unless it is denied.
    fn besides(&self, id: &str) -> Result<(), &'static str> {
        if self.deny.iter().any(|denied| denied == id) { Err(DENIED) } else { self.protocol(XMPP).map_err(|_| WITHOUT_XMPP) }
    }

    /// Names of `plugins.load` that fit no plugin: neither its id nor its file.
    pub(super) fn unmatched<'a>(&self, plugins: impl Iterator<Item = (&'a Path, Option<&'a str>)> + Clone) -> Vec<&str> {
        if self.only.is_some() {
            return Vec::new();
        }
        let is_there = |name: &str| plugins.clone().any(|(file, id)| id == Some(name) || is_stem(file, name));
        self.load.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
    }

    fn protocol(&self, id: &str) -> Result<(), &'static str> {
        let allowed = self.allow.iter().any(|allowed| allowed == id);
        if self.deny.iter().any(|denied| denied == id) {
            Err(DENIED)
        } else if UNSAFE.contains(&id) && !allowed {
            Err(UNSAFE_HERE)
        } else if !self.allow.is_empty() && !allowed {
            Err(NOT_ALLOWED)
        } else {
            Ok(())
        }
    }

    /// Whether a plugin that is no protocol was asked for, by id or by its file's name.
    pub(super) fn is_to_be_loaded(&self, file: &Path, id: &str) -> bool {
        self.load.iter().any(|wanted| wanted == id || is_stem(file, wanted))
    }

    /// Whether the file is one that was asked for: by its name, or because it holds the id as a C string. Nothing in it runs for that.
    fn names(&self, file: &Path) -> bool {
        if self.load.iter().any(|wanted| is_stem(file, wanted)) {
            return true;
        }
        if self.load.is_empty() {
            return false;
        }
        let Ok(bytes) = std::fs::read(file) else { return false };
        self.load.iter().filter(|id| !id.is_empty()).any(|id| {
            let terminated: Vec<u8> = id.bytes().chain([0]).collect();
            bytes.windows(terminated.len()).any(|window| window == terminated)
        })
    }
}

/// The id of the protocol in one of libpurple's own files, by its name.
pub(super) fn known(file: &Path) -> Option<&'static str> {
    let name = file.file_name()?;
    KNOWN.iter().find(|(known, _)| name == *known).map(|(_, id)| *id)
}

/// Whether a file is one that comes with the libpurple in use, and has the protocol that such a file has.
pub(super) fn ships(file: &Path, id: &str) -> bool {
    known(file) == Some(id) && file.parent() == Some(Path::new(purple_sys::PLUGIN_DIR))
}

fn is_stem(file: &Path, name: &str) -> bool {
    file.file_stem().is_some_and(|stem| stem == name)
}

fn is_plugin_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "so") && path.is_file()
}
