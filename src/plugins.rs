//! `bellflower plugins`: tells of each plugin file what it is, whether it is loaded, why not, and what it would need. Opens the files in a
//! confined worker only, as the service does (see `report`).

mod needs;

use crate::config::Config;
use crate::error::Failure;
use bridge::model::PluginReport;
use needs::Need;
use std::fmt::Write as _;
use std::path::Path;

/// Where an administrator's own plugins go: packages name it when they are built.
pub(crate) const FOLDER: Option<&str> = option_env!("BELLFLOWER_PLUGIN_DIR");

/// Prints one block a file.
pub(crate) fn run(config: &Config) -> Result<(), Failure> {
    let catalogue = crate::report::catalogue(config)?;
    let folders: Vec<_> = config.bridge().plugin_paths.iter().map(|path| path.display().to_string()).collect();
    let own = if folders.is_empty() { "none: name one in `paths` of [plugins]".to_owned() } else { folders.join(", ") };
    let mut text = format!("libpurple {}. Directories besides libpurple's own: {own}\n\n", catalogue.version);
    for plugin in &catalogue.plugins {
        block(&mut text, plugin, config);
    }
    for name in config.plugins.load.iter().filter(|name| !catalogue.plugins.iter().any(|plugin| is_called(plugin, name))) {
        let _ = writeln!(text, "plugins.load: no plugin here has the id or the file name `{name}`");
    }
    crate::report::print(&text)
}

/// Whether it has the name as its id or as that of its file.
fn is_called(plugin: &PluginReport, name: &str) -> bool {
    plugin.id.as_deref() == Some(name) || Path::new(&plugin.path).file_stem().is_some_and(|stem| stem == name)
}

/// The lines of one file.
fn block(text: &mut String, plugin: &PluginReport, config: &Config) {
    let unknown = || "?".to_owned();
    let about = plugin.about.as_ref();
    let kind = about.map_or_else(unknown, |about| about.kind.clone());
    let version = about.map(|about| about.version.clone()).filter(|version| !version.is_empty()).unwrap_or_else(unknown);
    let id = plugin.id.as_deref().unwrap_or("?");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:<8} {kind:<9} {id:<24} {version:<12} {}", plugin.state, plugin.path);
    if let Some(reason) = &plugin.reason {
        let _ = writeln!(text, "         why: {reason}");
    }
    for denied in &plugin.denied {
        let _ = writeln!(text, "         was refused: {denied}");
    }
    if !plugin.kept_back.is_empty() {
        let keys = plugin.kept_back.join(", ");
        let _ = writeln!(text, "         kept from users: {keys}: they name things of this machine (plugins.show_options shows them)");
    }
    for need in needs::of_file(Path::new(&plugin.path)) {
        let Need { setting, because } = &need;
        let given = if is_given(need.setting, config) { " (set)" } else { "" };
        let _ = writeln!(text, "         may need: {setting}{given}: {because}");
    }
}

/// Whether the settings have it already.
fn is_given(setting: &str, config: &Config) -> bool {
    match setting {
        needs::EXEC => config.worker.exec || !config.worker.sandbox,
        needs::LISTEN => config.egress.listen,
        needs::SOCKETS => !config.worker.sockets.is_empty() || !config.worker.sandbox,
        needs::FILES => !config.worker.write.is_empty() || !config.worker.sandbox,
        _ => false,
    }
}
