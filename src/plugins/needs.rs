//! What a plugin file would need beyond what every worker has, by the functions that its dynamic symbols ask of others. Reads the file; runs
//! nothing in it. What a plugin calls by numbers, or opens at run time, is not seen.

use object::{Object as _, ObjectSymbol as _};
use std::collections::BTreeMap;
use std::path::Path;

/// The settings that give it.
pub(super) const EXEC: &str = "exec = true in [worker]";
pub(super) const LISTEN: &str = "listen = true in [egress]";
pub(super) const SOCKETS: &str = "the socket's path in `sockets` of [worker]";
pub(super) const FILES: &str = "a directory in `write` of [worker]";
/// No setting gives these.
const WINDOWS: &str = "Pidgin's windows, which are not here";
const BUS: &str = "a D-Bus session, which workers do not have";

/// A file that is larger is not read.
const MOST_BYTES: u64 = 256 << 20;

/// Something that a plugin would need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// The setting that gives it, or what is lacking.
    pub(super) setting: &'static str,
    /// In words, with the functions that tell it.
    pub(super) because: String,
}

/// Functions by name (one that ends with `*`: by its beginning), what they do, and what gives it.
const TELLING: &[(&str, &[&str], &str)] = &[
    (
        EXEC,
        &[
            "fork",
            "vfork",
            "execl",
            "execle",
            "execlp",
            "execv",
            "execve",
            "execvp",
            "execvpe",
            "posix_spawn",
            "posix_spawnp",
            "popen",
            "system",
            "g_spawn_*",
            "g_subprocess_*",
        ],
        "it starts programs",
    ),
    (
        LISTEN,
        &["listen", "purple_network_listen", "purple_network_listen_*", "g_socket_listen", "g_socket_service_*"],
        "it listens for connections",
    ),
    (SOCKETS, &["g_unix_socket_address_new", "g_unix_socket_address_new_with_type"], "it speaks to a service of this machine"),
    (FILES, &["purple_user_dir", "sqlite3_open", "sqlite3_open_v2"], "it keeps files, and libpurple's own directory goes with the worker"),
    (WINDOWS, &["gtk_*", "pidgin_*"], "it draws windows"),
    (BUS, &["g_bus_get", "g_bus_get_sync", "dbus_bus_get", "dbus_g_bus_get"], "it speaks to the desktop"),
];

/// Of a file; empty where nothing is needed, or the file is none that can be read.
pub(super) fn of_file(path: &Path) -> Vec<Need> {
    // Before it is opened: a pipe without a writer would be waited for, and a device has no end.
    if !std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= MOST_BYTES) {
        return Vec::new();
    }
    std::fs::read(path).map(|bytes| of_names(&imports(&bytes))).unwrap_or_default()
}

/// The functions that it asks of others.
fn imports(bytes: &[u8]) -> Vec<String> {
    let Ok(file) = object::File::parse(bytes) else { return Vec::new() };
    let undefined = file.dynamic_symbols().filter(|symbol| symbol.is_undefined());
    undefined.filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect()
}

fn of_names(names: &[String]) -> Vec<Need> {
    let mut found: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for name in names {
        for (at, (_, functions, _)) in TELLING.iter().enumerate() {
            if functions.iter().any(|function| function.strip_suffix('*').map_or(name == function, |start| name.starts_with(start))) {
                found.entry(at).or_default().push(name);
            }
        }
    }
    let need = |(at, mut names): (usize, Vec<&str>)| {
        let (setting, _, does) = TELLING.get(at)?;
        names.sort_unstable();
        names.dedup();
        let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { ", ..." } else { "" };
        Some(Need { setting, because: format!("{does} ({shown}{more})") })
    };
    found.into_iter().filter_map(need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Vec<Need> {
        of_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn functions_tell_what_is_needed() {
        assert_eq!(of(&["purple_account_new", "listener", "forks", "connect"]), []);
        let needs = of(&["popen", "g_spawn_async", "purple_network_listen_range", "gtk_window_new"]);
        let told: Vec<_> = needs.iter().map(|need| (need.setting, need.because.as_str())).collect();
        assert_eq!(
            told,
            [
                (EXEC, "it starts programs (g_spawn_async, popen)"),
                (LISTEN, "it listens for connections (purple_network_listen_range)"),
                (WINDOWS, "it draws windows (gtk_window_new)")
            ]
        );
        let many = of(&["execv", "execve", "fork", "vfork"]);
        assert_eq!(many[0].because, "it starts programs (execv, execve, fork, ...)");
    }

    #[test]
    fn libpurples_own_files_are_read() {
        let told = std::process::Command::new("pkg-config").args(["--variable=plugindir", "purple"]).output().unwrap();
        let file = Path::new(String::from_utf8_lossy(&told.stdout).trim()).join("libzephyr.so");
        if !file.exists() {
            println!("NOT CHECKED: {} is not installed", file.display());
            return;
        }
        // The plugin runs the command of its option `tzc_command`.
        let needs = of_file(&file);
        assert!(needs.iter().any(|need| need.setting == EXEC && need.because.contains("execvp")), "{needs:?}");
    }

    #[test]
    fn what_is_no_library_needs_nothing() {
        assert_eq!(imports(b""), Vec::<String>::new());
        assert_eq!(imports(b"\x7fELF\x02\x01\x01 and then nothing of the kind"), Vec::<String>::new());
        assert_eq!(of_file(Path::new("/nowhere/libnothing.so")), []);
        // A pipe that nobody writes into is not waited for.
        let pipe = std::env::temp_dir().join(format!("bellflower-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(of_file(&pipe), []);
        std::fs::remove_file(&pipe).unwrap();
    }
}
